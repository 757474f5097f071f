// chistreamd as a process of its own: its one line of output, its end, and its sudden death.
#include <signal.h>

#include <fstream>
#include <optional>

#include "process/child_process.hpp"
#include "server/server_fixture.hpp"

namespace chistream::test {
namespace {

using namespace qsm::v1;

class ProcessTest : public ServerTest {
 protected:
  void start_process() {
    daemon_.emplace(std::vector<std::string>{CHISTREAMD, "--listen", "127.0.0.1:0", "--spool",
                                             options_.spool.string(), "--worker-dir",
                                             options_.worker_dir.string(), "--device", "cpu",
                                             "--reserve-mib", "0", "--drain-s", "0"},
                    Capture::kOutput);
    output_.clear();
    ASSERT_TRUE(eventually([&] {
      daemon_->read(output_, std::chrono::milliseconds(20));
      return output_.ends_with('\n');
    }));
    std::string const announced = "chistreamd listening on ";
    ASSERT_TRUE(output_.starts_with(announced)) << output_;
    connect(output_.substr(announced.size(), output_.size() - announced.size() - 1));
  }

  ChildProcess::End end_of_process() {
    std::optional<ChildProcess::End> end;
    EXPECT_TRUE(eventually([&] { return (end = daemon_->ended()).has_value(); }));
    return end.value_or(ChildProcess::End{});
  }

  std::vector<pid_t> children_of_process() {
    std::vector<pid_t> children;
    auto const tasks = "/proc/" + std::to_string(daemon_->pid()) + "/task";
    for (auto const& task : std::filesystem::directory_iterator(tasks)) {
      std::ifstream file(task.path() / "children");
      for (pid_t child; file >> child;) children.push_back(child);
    }
    return children;
  }

  std::optional<ChildProcess> daemon_;
  std::string output_;
};

TEST_F(ProcessTest, EndsOnSigtermAndQueuesItsJobAgain) {
  start_process();
  std::string const id = submitted_job("obey-cancel");
  ASSERT_TRUE(eventually([&] { return get_job(id).progress().iteration() > 0; }));

  daemon_->signal(SIGTERM);

  EXPECT_EQ(end_of_process().exit_code, 0);
  Journal journal(options_.spool / "journal.db");
  EXPECT_EQ(journal.job(id).job.state(), JOB_STATE_QUEUED);
  EXPECT_EQ(journal.job(id).crashes, 0u);
}

TEST_F(ProcessTest, SuddenDeathLosesNothingThatWasAcknowledged) {
  start_process();
  std::string const container = make_container(3, 700'000);
  std::string const upload = create_upload("half").upload_id();
  ASSERT_TRUE(write(upload, container.substr(0, 1'500'000)).ok());
  std::string const id = submitted_job("obey-cancel");
  ASSERT_TRUE(eventually([&] { return get_job(id).progress().iteration() > 0; }));
  auto const workers = children_of_process();
  ASSERT_EQ(workers.size(), 1u);

  daemon_->signal(SIGKILL);
  end_of_process();
  EXPECT_TRUE(eventually([&] { return ::kill(workers[0], 0) != 0; })) << "a worker outlived it";
  start_process();

  EXPECT_EQ(get_upload(upload).durable_offset(), 1'500'000u);
  ASSERT_TRUE(write(upload, container.substr(1'500'000), 1'500'000).ok());
  EXPECT_TRUE(commit(upload, container).ok());
  ASSERT_TRUE(eventually([&] { return get_job(id).attempt() == 2; }));
  cancel(id);
  EXPECT_TRUE(reaches(id, JOB_STATE_CANCELLED));
}

TEST_F(ProcessTest, RefusesToStartWithAReason) {
  auto const captured =
      run_program({CHISTREAMD, "--listen", "0.0.0.0:0", "--spool", options_.spool.string()},
                  std::chrono::seconds(30));

  ASSERT_TRUE(captured);
  EXPECT_EQ(captured->end.exit_code, 1);
  EXPECT_EQ(captured->output, "");
  EXPECT_FALSE(std::filesystem::exists(options_.spool));
}

}  // namespace
}  // namespace chistream::test
