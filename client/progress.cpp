#include "client/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace chistream {

Progress::Progress() : terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  clear();
}

void Progress::clear() {
  std::scoped_lock const lock(mutex_);
  clear_locked();
}

void Progress::show(std::string const& what, double fraction, std::string const& detail) {
  constexpr std::chrono::milliseconds kRedraw{100};
  std::scoped_lock const lock(mutex_);
  bool const changed = what != what_;
  what_ = what;
  if (terminal_) {
    auto const now = std::chrono::steady_clock::now();
    if (!changed && now - last_ < kRedraw && fraction < 1) return;
    last_ = now;
    drawn_ = true;
    std::fprintf(stderr, "\r\033[K%-14s %s %s", what.c_str(), bar_text(fraction, 24).c_str(),
                 detail.c_str());
    return;
  }
  int const tenth = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * 10);
  if (!changed && tenth == tenth_) return;
  tenth_ = tenth;
  std::fprintf(stderr, "%s %3d %% %s\n", what.c_str(), 10 * tenth, detail.c_str());
}

void Progress::say(std::string const& line) {
  std::scoped_lock const lock(mutex_);
  clear_locked();
  std::fprintf(stderr, "%s\n", line.c_str());
}

void Progress::clear_locked() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

std::string size_text(std::uint64_t bytes) {
  char text[32];
  double const value = static_cast<double>(bytes);
  if (bytes >= 1'000'000'000)
    std::snprintf(text, sizeof(text), "%.2f GB", value / 1e9);
  else if (bytes >= 1'000'000)
    std::snprintf(text, sizeof(text), "%.1f MB", value / 1e6);
  else
    std::snprintf(text, sizeof(text), "%llu bytes", static_cast<unsigned long long>(bytes));
  return text;
}

std::string bar_text(double fraction, std::size_t width) {
  auto const filled =
      static_cast<std::size_t>(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(width));
  std::string bar(width + 2, '.');
  bar.front() = '[';
  bar.back() = ']';
  std::fill_n(bar.begin() + 1, filled, '#');
  return bar;
}

}  // namespace chistream
