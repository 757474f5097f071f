/// A worker reads what strangers sent; what it does not need is taken from it before that.
#pragma once

namespace chistream {

enum class Network { kKept, kNone };

/// No new privileges, no core dumps (they would hold a patient's images), a bound on open files,
/// and with kNone a network namespace of its own, which Unix sockets with a path do not notice. To
/// be called before the first thread is started. Where a system refuses the namespace, the worker
/// says so and goes on; deploy/systemd does the same for the whole service from outside.
void confine(Network network);

}  // namespace chistream
