#include <CLI/CLI.hpp>
#include <iostream>

#include "load.hpp"

int main(int argc, char** argv) {
  using namespace chistream::load;
  CLI::App program("chistream_load: load for a server, and the floor to compare it with");
  program.require_subcommand(1);
  std::string server, job_id, upload_id, behaviour = "succeed";
  std::vector<fs::path> files;
  fs::path target;
  std::uint64_t mib = 64;
  unsigned seed = 1, count = 64;
  bool sparse = false;
  double seconds = 10, pause_ms = 5;

  CLI::App* const make = program.add_subcommand("make", "writes an exam");
  make->add_option("FILE", target)->required();
  make->add_option("--mib", mib);
  make->add_option("--seed", seed);
  make->add_flag("--sparse", sparse, "zeros that take no disk");
  CLI::App* const upload = program.add_subcommand("upload", "uploads exams at the same time");
  CLI::App* const copy = program.add_subcommand("copy", "the floor: loopback TCP and fsync");
  copy->add_option("--to", target, "folder")->required();
  for (CLI::App* const all : {upload, copy}) all->add_option("FILES", files)->required();
  CLI::App* const asking = program.add_subcommand("ask", "how long GetJob takes");
  CLI::App* const slow = program.add_subcommand("read-slowly", "many readers of one result");
  CLI::App* const submit = program.add_subcommand("submit", "jobs for the stand-in worker");
  submit->add_option("--upload", upload_id)->required();
  submit->add_option("--behaviour", behaviour);
  for (CLI::App* const many : {submit, slow}) many->add_option("--count", count);
  for (CLI::App* const one : {asking, slow}) {
    one->add_option("--job", job_id)->required();
    one->add_option("--seconds", seconds);
    one->add_option("--pause-ms", pause_ms);
  }
  for (CLI::App* const calls : {upload, submit, asking, slow})
    calls->add_option("--server", server)->required();
  CLI11_PARSE(program, argc, argv);

  try {
    if (*make) make_exam(target, mib, seed, sparse);
    if (*upload) std::cout << upload_all(server, files) << '\n';
    if (*copy) std::cout << copy_all(files, target) << '\n';
    if (*submit) std::cout << submit_jobs(server, upload_id, count, behaviour) << '\n';
    if (*asking) std::cout << ask(server, job_id, seconds, pause_ms) << '\n';
    if (*slow) std::cout << read_slowly(server, job_id, count, seconds, pause_ms) << '\n';
  } catch (std::exception const& error) {
    std::cerr << "chistream_load: " << error.what() << '\n';
    return 1;
  }
}
