#include "client/commands.hpp"

int main(int argc, char** argv) {
  using namespace chistream;
  CLI::App program("chistream: sends exams to a reconstruction server and brings back maps");
  program.set_version_flag("--version", "chistream " CHISTREAM_VERSION);
  program.require_subcommand(1);
  Command const commands[] = {add_reconstruct(program), add_submit(program),
                              add_watch(program),       add_fetch(program),
                              add_cancel(program),      add_retry(program),
                              add_jobs(program),        add_priority_command(program),
                              add_delete(program),      add_keep(program),
                              add_info(program),        add_admin(program),
                              add_exams(program),       add_deliveries(program),
                              add_nodes(program),       add_simulate(program)};
  try {
    program.parse(argc, argv);
  } catch (CLI::ParseError const& error) {
    return program.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  try {
    for (auto const& command : commands)
      if (command.app->parsed()) return command.run();
  } catch (std::exception const& error) {
    return report(error);
  }
}
