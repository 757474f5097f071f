// `inspect`: the deep check of a container, for the daemon's commit.
#include <iostream>
#include <thread>

#include "formats/inspect.hpp"
#include "pipeline/pipeline.hpp"
#include "worker/commands.hpp"
#include "worker/confine.hpp"
#include "worker/container_scan.hpp"
#include "worker/dicom_identity.hpp"
#include "worker/error_detail.hpp"

namespace chistream {

namespace {

constexpr int kRejected = 2;

qsm::v1::InputSummary summarise(std::string const& path) {
  ContainerReader const exam(path);
  auto summary = inspect(exam, std::max(1u, std::thread::hardware_concurrency()));
  check_identity(exam.header().identity());
  summary.set_estimated_peak_bytes(
      qsm::estimate_peak_bytes(describe_scan(exam.header()), qsm::presets().front().options));
  return summary;
}

}  // namespace

Command add_inspect(CLI::App& program) {
  auto* const app = program.add_subcommand(
      "inspect",
      "Check an exam container: prints a serialised qsm.v1.InputSummary, or qsm.v1.ErrorDetail and "
      "exits with 2");
  auto const path = std::make_shared<std::string>();
  app->add_option("PATH", *path, "the container")->required();
  return {app, [path] {
            confine(Network::kNone);
            try {
              summarise(*path).SerializeToOstream(&std::cout);
            } catch (std::exception const& error) {
              if (exit_code(error) != kRejected) throw;
              to_error_detail(error).SerializeToOstream(&std::cout);
              std::cout.flush();
              return kRejected;
            }
            std::cout.flush();
            return std::cout ? 0 : 1;
          }};
}

}  // namespace chistream
