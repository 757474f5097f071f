#include "schedule/worker_choice.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "process/child_process.hpp"
#include "server/temporary_directory.hpp"
#include "store/request_error.hpp"

namespace chistream::test {
namespace {

namespace fs = std::filesystem;

class WorkerChoiceTest : public ::testing::Test {
 protected:
  void install(char const* name) { fs::create_symlink(FAKE_WORKER, directory_.path() / name); }
  std::string choice(std::string const& device) {
    try {
      return choose_worker(device, directory_.path()).catalogue.device_kind();
    } catch (RequestError const& error) {
      return error.detail().reason();
    }
  }

  TemporaryDirectory directory_;
};

TEST_F(WorkerChoiceTest, AutoTakesCudaWhereThereIsADevice) {
  install("chistream-worker-cuda");
  install("chistream-worker-cpu");

  EXPECT_EQ(choice("auto"), "cuda");
  EXPECT_EQ(choice("cuda"), "cuda");
  EXPECT_EQ(choice("cpu"), "cpu");
}

TEST_F(WorkerChoiceTest, AutoFallsBackAndCudaDoesNot) {
  install("chistream-worker-cpu");

  EXPECT_EQ(choice("auto"), "cpu");
  EXPECT_EQ(choice("cuda"), "NO_CUDA_DEVICE");
}

TEST_F(WorkerChoiceTest, ProgramWithoutADeviceIsNoChoice) {
  install("chistream-worker-cuda");
  install("chistream-worker-cpu");
  std::ofstream(directory_.path() / "no-device");

  EXPECT_EQ(choice("cuda"), "NO_CUDA_DEVICE");
  EXPECT_EQ(choice("auto"), "NO_WORKER");
}

TEST_F(WorkerChoiceTest, NothingInstalledIsSaid) {
  EXPECT_EQ(choice("auto"), "NO_WORKER");
}

TEST(ChildProcess, OutputAndExitCodeComeBack) {
  auto const captured =
      run_program({"/bin/sh", "-c", "echo text; exit 3"}, std::chrono::seconds(30));

  ASSERT_TRUE(captured);
  EXPECT_EQ(captured->output, "text\n");
  EXPECT_EQ(captured->end.exit_code, 3);
}

TEST(ChildProcess, SignalsAreNamed) {
  auto const captured = run_program({"/bin/sh", "-c", "kill -SEGV $$"}, std::chrono::seconds(30));

  ASSERT_TRUE(captured);
  EXPECT_EQ(captured->end.exit_code, -1);
  EXPECT_EQ(captured->end.text, "signal 11");
}

TEST(ChildProcess, TimeoutAndFloodEndTheChild) {
  EXPECT_FALSE(run_program({"/bin/sleep", "100"}, std::chrono::milliseconds(50)));
  EXPECT_FALSE(run_program({"/bin/cat", "/dev/zero"}, std::chrono::seconds(30)));
}

TEST(ChildProcess, MissingProgramIsAnExitCode) {
  auto const captured = run_program({"/nowhere/at/all"}, std::chrono::seconds(30));

  ASSERT_TRUE(captured);
  EXPECT_EQ(captured->end.exit_code, 127);
}

}  // namespace
}  // namespace chistream::test
