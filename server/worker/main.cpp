#include <cstdio>
#include <iostream>
#include <string_view>

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

// Before anything of the kernels runs: they may be built for newer processors than this one.
bool processor_can_run_kernels() {
#if defined(QSM_CPU_ARCH)
  if (std::string_view(QSM_CPU_ARCH) == "x86-64-v3") return __builtin_cpu_supports("avx2");
#endif
  return true;
}

}  // namespace chistream

int main(int argc, char** argv) {
  using namespace chistream;
  if (!processor_can_run_kernels()) {
    std::fputs(
        "PROCESSOR_TOO_OLD: this worker is built for processors with AVX2\n"
        "build it with cmake -DQSM_CPU_ARCH=x86-64-v2, or use one from 2013 or later\n",
        stderr);
    return 1;
  }
  CLI::App program("chistream worker: quantitative susceptibility mapping on one device");
  program.set_version_flag("--version", std::string(kSoftware) + " worker " + kVersion);
  program.require_subcommand(1);
  std::vector<Command> const commands = {
      add_serve(program),    add_run(program),     add_stage(program),   add_simulate(program),
      add_describe(program), add_inspect(program), add_estimate(program)};
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
