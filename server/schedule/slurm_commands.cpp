#include "schedule/slurm_commands.hpp"

#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "process/child_process.hpp"
#include "store/request_error.hpp"

namespace chistream {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::seconds kTimeout{20};

fs::path in_path(std::string const& program) {
  char const* const path = std::getenv("PATH");
  std::istringstream folders(path ? path : "/usr/bin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (::access((fs::path(folder) / program).c_str(), X_OK) == 0)
      return fs::path(folder) / program;
  throw RequestError(grpc::FAILED_PRECONDITION, "NO_SLURM", program + " is not in PATH",
                     "install Slurm's client commands, or use --executor local");
}

std::string first_line(std::string const& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

SlurmCommands::SlurmCommands()
    : sbatch_(in_path("sbatch")),
      squeue_(in_path("squeue")),
      scancel_(in_path("scancel")),
      scontrol_(in_path("scontrol")) {}

std::string SlurmCommands::submit(std::string const& name, std::string const& script,
                                  std::vector<std::string> const& arguments) const {
  std::vector<std::string> argv{sbatch_.string(), "--parsable", "--no-requeue", "--export=NONE",
                                "--job-name=" + name};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  auto const done = run_program(argv, kTimeout, script);
  if (!done || done->end.exit_code != 0)
    throw std::runtime_error("sbatch ended with " + (done ? done->end.text : "no answer in time"));
  return first_line(done->output).substr(0, done->output.find_first_of(";\n"));
}

std::optional<std::vector<SlurmJob>> SlurmCommands::jobs(std::string const& name_prefix) const {
  auto const done =
      run_program({squeue_.string(), "--noheader", "--states=all", "--format=%i|%j|%T"}, kTimeout);
  if (!done || done->end.exit_code != 0) return std::nullopt;
  std::vector<SlurmJob> found;
  std::istringstream lines(done->output);
  for (std::string line; std::getline(lines, line);) {
    std::size_t const first = line.find('|'), last = line.rfind('|');
    if (first == std::string::npos || first == last) continue;
    SlurmJob job{line.substr(0, first), line.substr(first + 1, last - first - 1),
                 line.substr(last + 1)};
    bool const alive = job.state == "PENDING" || job.state == "RUNNING" ||
                       job.state == "CONFIGURING" || job.state == "COMPLETING" ||
                       job.state == "SUSPENDED";
    if (alive && job.name.starts_with(name_prefix)) found.push_back(std::move(job));
  }
  return found;
}

std::string SlurmCommands::last_state(std::string const& id) const {
  auto const done = run_program({scontrol_.string(), "show", "job", "--oneliner", id}, kTimeout);
  std::string const field = " JobState=";
  std::size_t const at = done ? done->output.find(field) : std::string::npos;
  if (at == std::string::npos) return "UNKNOWN";
  std::size_t const begin = at + field.size();
  return done->output.substr(begin, done->output.find_first_of(" \n", begin) - begin);
}

void SlurmCommands::cancel(std::string const& id, bool kill) const {
  std::vector<std::string> argv{scancel_.string(), "--quiet"};
  if (kill) argv.push_back("--signal=KILL");
  argv.push_back(id);
  run_program(argv, kTimeout);
}

std::string quoted(std::string const& text) {
  std::string result = "'";
  for (char const c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

}  // namespace chistream
