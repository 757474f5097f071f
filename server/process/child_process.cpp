#include "process/child_process.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <thread>

namespace chistream {
namespace {

constexpr int kCannotStart = 127;  // as shells have it

// Between vfork and exec only async-signal-safe calls are allowed, and no memory is written.
[[noreturn]] void become(char* const argv[], int input, int output, Capture capture, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kCannotStart);  // the parent died before the line above
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  if (capture == Capture::kOutputAndErrors) ::dup2(output, STDERR_FILENO);
  ::close_range(3, ~0u, 0);
  ::execv(argv[0], argv);
  ::_exit(kCannotStart);
}

struct Pipe {
  File out, in;
};

Pipe make_pipe() {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("pipe");
  return {File(ends[0]), File(ends[1])};
}

// The end of a pipe that holds all of `input`, so that nobody has to wait for the child to read it.
File holding(std::string_view input) {
  constexpr std::size_t kPipeHolds = 64 * 1024;
  if (input.size() > kPipeHolds) throw std::length_error("input of a child process is too long");
  auto [out, in] = make_pipe();
  if (!input.empty() &&
      ::write(in.fd(), input.data(), input.size()) != static_cast<ssize_t>(input.size()))
    throw_errno("write to a pipe");
  return std::move(out);
}

}  // namespace

ChildProcess::ChildProcess(std::vector<std::string> const& argv, Capture capture,
                           std::string_view input)
    : ChildProcess(argv, capture, holding(input)) {}

ChildProcess::ChildProcess(std::vector<std::string> const& argv, Capture capture,
                           File const& input) {
  auto [from_child, theirs] = make_pipe();
  output_ = std::move(from_child);
  std::vector<char*> arguments;
  for (auto const& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_t const parent = ::getpid();
  // Not fork: it copies the page tables, and every thread then faults on every page it writes. With
  // 64 exams committed at once that held up every other call for 300 ms.
  pid_ = ::vfork();
  if (pid_ < 0) throw_errno("vfork");
  if (pid_ == 0) become(arguments.data(), input.fd(), theirs.fd(), capture, parent);
}

ChildProcess::~ChildProcess() {
  if (end_) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
}

void ChildProcess::signal(int number) {
  if (!ended()) ::kill(pid_, number);
}

bool ChildProcess::read(std::string& text, std::chrono::milliseconds timeout) {
  pollfd ready{.fd = output_.fd(), .events = POLLIN, .revents = 0};
  if (::poll(&ready, 1, static_cast<int>(timeout.count())) <= 0) return true;
  std::array<char, 65536> piece;
  ssize_t const n = ::read(output_.fd(), piece.data(), piece.size());
  if (n > 0) text.append(piece.data(), static_cast<std::size_t>(n));
  return n > 0 || (n < 0 && errno == EINTR);
}

std::optional<ChildProcess::End> ChildProcess::ended() {
  int status = 0;
  if (end_ || ::waitpid(pid_, &status, WNOHANG) != pid_) return end_;
  if (WIFEXITED(status))
    end_ = End{WEXITSTATUS(status), "exit code " + std::to_string(WEXITSTATUS(status))};
  else
    end_ = End{-1, "signal " + std::to_string(WTERMSIG(status))};
  return end_;
}

std::optional<Captured> run_program(std::vector<std::string> const& argv,
                                    std::chrono::milliseconds timeout, std::string_view input) {
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t kMaxOutput = 16u << 20;
  auto const deadline = Clock::now() + timeout;
  ChildProcess child(argv, Capture::kOutput, input);
  Captured captured;
  bool open = true;
  while (Clock::now() < deadline && captured.output.size() <= kMaxOutput) {
    if (open) {
      auto const left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      open = child.read(captured.output, std::max(left, std::chrono::milliseconds(0)));
      continue;
    }
    if (auto const end = child.ended()) {
      captured.end = *end;
      return captured;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // output closed, exit on its way
  }
  return std::nullopt;
}

}  // namespace chistream
