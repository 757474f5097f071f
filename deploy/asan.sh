#!/bin/sh
# Builds and runs every test with the address and undefined-behaviour sanitizers (CPU half).
# Leaks inside the distribution's libraries at exit are theirs; everything else fails the run.
set -eu
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=0:abort_on_error=0}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}"
exec "$(dirname "$0")/test.sh" --asan "$@"
