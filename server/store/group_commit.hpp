/// Many small writes in one: who comes while a write is under way waits for the next, which carries
/// everything that came meanwhile. A sync costs the same for one row as for a hundred.
///
/// Thread-safe. What the write throws reaches everyone whose item was in it.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace chistream {

template <class Item>
class GroupCommit {
 public:
  explicit GroupCommit(std::function<void(std::vector<Item> const&)> write)
      : write_(std::move(write)) {}

  /// Returns when `item` is written.
  void operator()(Item item) {
    std::unique_lock lock(mutex_);
    if (!next_) next_ = std::make_shared<Batch>();
    std::shared_ptr<Batch> const mine = next_;
    mine->items.push_back(std::move(item));
    turn_.wait(lock, [&] { return mine->written || !writing_; });
    if (!mine->written) write_for_all(*mine, lock);
    if (mine->failure) std::rethrow_exception(mine->failure);
  }

 private:
  struct Batch {
    std::vector<Item> items;
    bool written = false;
    std::exception_ptr failure;
  };

  void write_for_all(Batch& batch, std::unique_lock<std::mutex>& lock) {
    writing_ = true;
    next_.reset();
    lock.unlock();
    try {
      write_(batch.items);
    } catch (...) {
      batch.failure = std::current_exception();
    }
    lock.lock();
    batch.written = true;
    writing_ = false;
    turn_.notify_all();
  }

  std::function<void(std::vector<Item> const&)> const write_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable turn_;
  std::shared_ptr<Batch> next_;  // takes items; nullptr: none came since the last began
  bool writing_ = false;
};

}  // namespace chistream
