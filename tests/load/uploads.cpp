#include <nlohmann/json.hpp>
#include <thread>

#include "container/sha256.hpp"
#include "formats/mapped_file.hpp"
#include "load.hpp"
#include "session/stopwatch.hpp"
#include "session/upload.hpp"

namespace chistream::load {

std::string upload_all(std::string const& server, std::vector<fs::path> const& files) {
  std::vector<Exam> exams;
  std::uint64_t bytes = 0;
  for (auto const& path : files) {
    MappedFile const file(path);
    exams.push_back({.path = path,
                     .bytes = file.bytes().size(),
                     .sha256 = qsm::container::sha256_hex(file.bytes()),
                     .summary = {}});
    bytes += exams.back().bytes;
  }
  std::vector<std::string> ids(exams.size());
  std::vector<std::exception_ptr> failures(exams.size());
  Stopwatch clock;
  {
    std::vector<std::jthread> clients;
    for (std::size_t i = 0; i < exams.size(); ++i)
      clients.emplace_back([&, i] {
        try {
          Connection connection(server);
          ids[i] = upload_exam(connection, exams[i], {}).upload_id;
        } catch (...) {
          failures[i] = std::current_exception();
        }
      });
  }
  double const seconds = clock.lap();
  for (auto const& failure : failures)
    if (failure) std::rethrow_exception(failure);
  return nlohmann::json{{"bytes", bytes}, {"seconds", seconds}, {"upload_ids", ids}}.dump();
}

}  // namespace chistream::load
