/// chistream-gateway: DICOM in, DICOM out, and a client of the daemon in between.
#include <dcmtk/oflog/oflog.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "formats/format_error.hpp"
#include "gateway/console/console.hpp"
#include "gateway/exams/exam_runner.hpp"
#include "gateway/reception/reception.hpp"
#include "gateway/serve.hpp"
#include "gateway/settings.hpp"

namespace {

namespace gateway = chistream::gateway;

int check(std::filesystem::path const& config) {
  auto const settings = gateway::Settings::read(config);
  std::cout << settings.pipelines.size() << " pipelines, " << settings.callers.size()
            << " callers, " << settings.nodes.size() << " nodes, " << settings.listen.size()
            << " ports\n";
  return 0;
}

int run(int argc, char** argv) {
  CLI::App program("DICOM gateway of chistream: images in by C-STORE, maps out",
                   "chistream-gateway");
  program.set_version_flag("--version", CHISTREAM_VERSION);
  program.require_subcommand(1);
  gateway::ServeOptions serve_options;
  gateway::ReceptionOptions reception;
  gateway::ConsoleOptions console;
  std::filesystem::path folder, list, container;
  std::string level = "info";
  std::function<int()> chosen;

  auto* const serve = program.add_subcommand("serve", "receive, reconstruct, deliver");
  serve->add_option("--config", serve_options.config, "settings (JSON; docs/gateway.md)")
      ->required();
  serve->add_option("--state", serve_options.state, "images, results and the journal")->required();
  serve
      ->add_option("--listen", serve_options.listen,
                   "for `chistream exams` and `chistream deliveries`")
      ->default_val("127.0.0.1:50152");
  serve->add_option("--metrics", serve_options.metrics,
                    "host:port of /metrics, /livez and /readyz over HTTP");
  serve->add_option("--log-level", level, "of the log")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  serve->callback([&] { chosen = [&] { return gateway::serve(serve_options); }; });

  auto* const check_config =
      program.add_subcommand("check", "read the settings and say what is wrong");
  check_config->add_option("--config", serve_options.config, "settings (JSON)")->required();
  check_config->callback([&] { chosen = [&] { return check(serve_options.config); }; });

  // What `serve` starts; hidden from --help.
  auto* const receive = program.add_subcommand("receive", "one association on standard input");
  receive->group("");
  receive->add_option("--config", reception.config)->required();
  receive->add_option("--state", reception.state)->required();
  receive->add_option("--listener", reception.listener)->required();
  receive->callback([&] { chosen = [&] { return gateway::receive_association(reception); }; });

  auto* const one_console =
      program.add_subcommand("console", "one MRD connection on standard input");
  one_console->group("");
  one_console->add_option("--config", console.config)->required();
  one_console->add_option("--state", console.state)->required();
  one_console->add_option("--console", console.console)->required();
  one_console->add_option("--service", console.service)->required();
  one_console->callback([&] { chosen = [&] { return gateway::serve_console(console); }; });

  auto* const convert = program.add_subcommand("convert", "images of the inbox as a container");
  convert->group("");
  convert->add_option("--folder", folder)->required();
  convert->add_option("--list", list)->required();
  convert->add_option("--out", container)->required();
  convert->callback(
      [&] { chosen = [&] { return gateway::convert_images(folder, list, container); }; });

  CLI11_PARSE(program, argc, argv);
  spdlog::set_default_logger(spdlog::stderr_logger_mt("chistream-gateway"));
  spdlog::set_level(spdlog::level::from_str(level));
  OFLog::configure(OFLogger::WARN_LOG_LEVEL);
  return chosen();
}

}  // namespace

int main(int argc, char** argv) {
  ::umask(077);
  rlimit const none{.rlim_cur = 0, .rlim_max = 0};
  // DCMTK writes a message in two pieces; with Nagle's algorithm the second one would wait 40 ms
  // for the peer's delayed acknowledgement of the first.
  ::setenv("TCP_NODELAY", "1", 0);
  ::setrlimit(RLIMIT_CORE, &none);  // a dump would hold a patient's images
  try {
    return run(argc, argv);
  } catch (chistream::FormatError const& error) {
    std::cerr << "chistream-gateway: " << error.reason() << ": " << error.what() << '\n';
    if (!error.hint().empty()) std::cerr << "  " << error.hint() << '\n';
  } catch (std::exception const& error) {
    std::cerr << "chistream-gateway: " << error.what() << '\n';
  }
  return 3;
}
