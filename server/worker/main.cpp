#include <iostream>

#include "worker/catalogue.hpp"
#include "worker/commands.hpp"
#include "worker/error_detail.hpp"

#if defined(_OPENMP)
#include <omp.h>
#endif

namespace chistream {

int run_chosen(std::vector<Command> const& commands) {
  for (auto const& command : commands)
    if (command.app->parsed()) return command.run();
  return 1;  // unreachable: a subcommand is required
}

void use_threads([[maybe_unused]] int count) {
#if defined(_OPENMP)
  if (count > 0) omp_set_num_threads(count);
#endif
}

}  // namespace chistream

int main(int argc, char** argv) {
  using namespace chistream;
  CLI::App program("chistream worker: quantitative susceptibility mapping on one device");
  program.set_version_flag("--version", std::string(kSoftware) + " worker " + kVersion);
  program.require_subcommand(1);
  std::vector<Command> const commands = {add_serve(program),    add_run(program),
                                         add_stage(program),    add_simulate(program),
                                         add_describe(program), add_inspect(program)};
  try {
    program.parse(argc, argv);
    return run_chosen(commands);
  } catch (CLI::ParseError const& error) {
    return program.exit(error);
  } catch (std::exception const& error) {
    auto const detail = to_error_detail(error);
    std::cerr << detail.reason() << ": " << detail.message() << '\n';
    if (!detail.hint().empty()) std::cerr << detail.hint() << '\n';
    return exit_code(error);
  }
}
