// Between a program and libc, by LD_PRELOAD: what it writes, syncs and sends, in order, and faults
// at will. Only files below SHIM_SPOOL are looked at.
//
//   SHIM_RECORD=FILE   appends "NANOSECONDS what path": write, sync, create (an entry in a
//                      directory), dirsync, send. CLOCK_MONOTONIC.
//   SHIM_NO_SYNC=1     syncs are skipped, and not recorded: the control that a recorder needs
//   SHIM_FAULTS=DIR    while DIR/eio-sync or DIR/eio-write is there, syncs or writes of files whose
//                      path contains its content fail with EIO; while DIR/clock is there, the wall
//                      clock is as many seconds off as it says
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

template <class Function>
Function real(char const* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

char const* setting(char const* name) {
  char const* const value = ::getenv(name);
  return value && *value ? value : nullptr;
}

long long now_ns() {
  timespec t{};
  static auto const clock = real<int (*)(clockid_t, timespec*)>("clock_gettime");
  clock(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

void record(char const* what, char const* path) {
  static int const fd = [] {
    static auto const open = real<int (*)(char const*, int, ...)>("open");
    char const* const file = setting("SHIM_RECORD");
    return file ? open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
  }();
  if (fd < 0) return;
  char line[600];
  int const n = std::snprintf(line, sizeof(line), "%lld %s %s\n", now_ns(), what, path);
  static auto const write = real<ssize_t (*)(int, void const*, size_t)>("write");
  if (n > 0) write(fd, line, static_cast<size_t>(n));
}

bool in_spool(char const* path) {
  static char const* const spool = setting("SHIM_SPOOL");
  std::size_t const length = spool ? std::strlen(spool) : 0;
  return spool && std::strncmp(path, spool, length) == 0 && path[length] == '/';
}

// Whether the file is the spool's, or the spool itself; its path.
bool spooled(int fd, char (&path)[512]) {
  static char const* const spool = setting("SHIM_SPOOL");
  char link[64];
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  ssize_t const n = ::readlink(link, path, sizeof(path) - 1);
  if (n <= 0) return false;
  path[n] = '\0';
  return in_spool(path) || (spool && std::strcmp(path, spool) == 0);
}

// The content of the fault's file while it is there.
bool fault(char const* name, char (&content)[128]) {
  static char const* const folder = setting("SHIM_FAULTS");
  if (!folder) return false;
  char path[512];
  std::snprintf(path, sizeof(path), "%s/%s", folder, name);
  static auto const open = real<int (*)(char const*, int, ...)>("open");
  int const fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t const n = ::read(fd, content, sizeof(content) - 1);
  content[n > 0 ? n : 0] = '\0';
  static auto const close = real<int (*)(int)>("close");
  close(fd);
  return true;
}

bool fails(char const* name, char const* path) {
  char part[128];
  if (!fault(name, part) || !std::strstr(path, part)) return false;
  errno = EIO;
  return true;
}

template <class Sync>
int synced(int fd, Sync const& sync) {
  char path[512];
  if (!spooled(fd, path)) return sync(fd);
  if (fails("eio-sync", path)) return -1;
  if (setting("SHIM_NO_SYNC")) return 0;
  int const done = sync(fd);
  struct stat info {};
  bool const directory = ::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
  if (done == 0) record(directory ? "dirsync" : "sync", path);
  return done;
}

template <class Write>
ssize_t written(int fd, Write const& write) {
  char path[512];
  if (!spooled(fd, path)) return write();
  if (fails("eio-write", path)) return -1;
  record("write", path);
  return write();
}

void created(char const* path) {
  if (in_spool(path)) record("create", path);
}

template <class Open>
int opened(char const* path, int flags, Open const& open) {
  bool const there = !(flags & O_CREAT) || ::access(path, F_OK) == 0;
  int const fd = open();
  if (fd >= 0 && !there) created(path);
  return fd;
}

}  // namespace

extern "C" {

int fsync(int fd) {
  static auto const sync = real<int (*)(int)>("fsync");
  return synced(fd, sync);
}

int fdatasync(int fd) {
  static auto const sync = real<int (*)(int)>("fdatasync");
  return synced(fd, sync);
}

ssize_t write(int fd, void const* data, size_t size) {
  static auto const next = real<ssize_t (*)(int, void const*, size_t)>("write");
  return written(fd, [&] { return next(fd, data, size); });
}

ssize_t pwrite(int fd, void const* data, size_t size, off_t at) {
  static auto const next = real<ssize_t (*)(int, void const*, size_t, off_t)>("pwrite");
  return written(fd, [&] { return next(fd, data, size, at); });
}

ssize_t pwrite64(int fd, void const* data, size_t size, off64_t at) {
  static auto const next = real<ssize_t (*)(int, void const*, size_t, off64_t)>("pwrite64");
  return written(fd, [&] { return next(fd, data, size, at); });
}

ssize_t sendmsg(int fd, msghdr const* message, int flags) {
  static auto const next = real<ssize_t (*)(int, msghdr const*, int)>("sendmsg");
  record("send", "-");
  return next(fd, message, flags);
}

int rename(char const* from, char const* to) {
  static auto const next = real<int (*)(char const*, char const*)>("rename");
  int const done = next(from, to);
  if (done == 0) created(to);
  return done;
}

int mkdir(char const* path, mode_t mode) {
  static auto const next = real<int (*)(char const*, mode_t)>("mkdir");
  int const done = next(path, mode);
  if (done == 0) created(path);
  return done;
}

int open(char const* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t const mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  static auto const next = real<int (*)(char const*, int, ...)>("open");
  return opened(path, flags, [&] { return next(path, flags, mode); });
}

int open64(char const* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t const mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  static auto const next = real<int (*)(char const*, int, ...)>("open64");
  return opened(path, flags, [&] { return next(path, flags, mode); });
}

int clock_gettime(clockid_t clock, timespec* time) {
  static auto const next = real<int (*)(clockid_t, timespec*)>("clock_gettime");
  int const done = next(clock, time);
  char seconds[128];
  if (clock == CLOCK_REALTIME && done == 0 && fault("clock", seconds))
    time->tv_sec += std::atoll(seconds);
  return done;
}

}  // extern "C"
