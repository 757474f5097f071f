#include "client/interrupt.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>

namespace chistream {

namespace {

struct Message {
  char text[512];
  std::size_t size;
};

Message messages[2];
std::atomic<Message const*> current{nullptr};

void leave(int) {
  Message const* const message = current.load();
  [[maybe_unused]] auto const written = ::write(STDERR_FILENO, message->text, message->size);
  ::_exit(130);
}

}  // namespace

void on_interrupt_say(std::string const& message) {
  // The handler may run at any moment, so the next text is written beside the current one.
  Message& next = current.load() == &messages[0] ? messages[1] : messages[0];
  std::string text("\n");
  text.append(message, 0, 500);
  text += '\n';
  std::copy(text.begin(), text.end(), next.text);
  next.size = text.size();
  current.store(&next);
  std::signal(SIGINT, leave);
  std::signal(SIGTERM, leave);
}

}  // namespace chistream
