#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "client/commands.hpp"

namespace chistream {

Command add_simulate(CLI::App& program) {
  auto* const app = program.add_subcommand(
      "simulate", "simulate a scan; flags as in `chistream-worker-cpu simulate --help`");
  app->prefix_command()->set_help_flag();  // every word goes to the worker, --help too
  return {app, [app] {
            auto const worker = std::filesystem::read_symlink("/proc/self/exe").parent_path() /
                                "chistream-worker-cpu";
            std::vector<std::string> words = app->remaining();
            words.insert(words.begin(), {worker.string(), "simulate"});
            std::vector<char*> argv;
            for (auto& word : words) argv.push_back(word.data());
            argv.push_back(nullptr);
            ::execv(worker.c_str(), argv.data());
            std::cerr << "WORKER_MISSING: " << worker.string() << ": " << std::strerror(errno)
                      << '\n';
            return static_cast<int>(kExitUsage);
          }};
}

}  // namespace chistream
