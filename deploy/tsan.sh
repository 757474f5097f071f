#!/bin/sh
# Builds the tests of daemon, formats and gateway with the thread sanitizer, runs them, and requires no report; then runs
# a program with a race on purpose and requires that it is reported.
#
# The distribution's gRPC is not instrumented: what happens between its own threads is left out, and so is session_test, whose
# fake server and test are ordered by nothing but gRPC.
set -eu
cd "$(dirname "$0")/.."
tests='store_test schedule_test daemon_test formats_test gateway_test'
build=$(TARGETS="$tests fake_worker chistreamd tsan_canary" deploy/build.sh tsan "$@")

log=$(mktemp)
trap 'rm -f "$log"' EXIT
options='ignore_noninstrumented_modules=1 halt_on_error=0 exitcode=66'

if TSAN_OPTIONS="$options" "$build/bin/tsan_canary" >"$log" 2>&1 ||
   ! grep -q 'WARNING: ThreadSanitizer: data race' "$log"; then
  echo "tsan: the planted race was NOT reported; clean reports mean nothing here" >&2
  exit 1
fi
echo "tsan: the planted race is reported"

for test in $tests; do
  if ! TSAN_OPTIONS="$options" "$build/bin/$test" >"$log" 2>&1 ||
     grep -q 'WARNING: ThreadSanitizer' "$log"; then
    cat "$log"
    echo "tsan: $test failed" >&2
    exit 1
  fi
  tail -n 1 "$log"
done
echo "tsan: no report"
