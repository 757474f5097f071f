#!/bin/sh
# Fuzzes what takes bytes from outside:  deploy/fuzz.sh [SECONDS (600)] [TARGET...]
#
# Targets: upload_protocol exam_container ismrmrd nifti. Each begins with tests/fuzz/corpus and the
# seeds, runs for SECONDS, two at a time, and leaves its corpus, made small, in tests/fuzz/corpus.
# Exits with 1 on a finding, which lies in build/fuzz/findings.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-600}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- upload_protocol exam_container ismrmrd nifti
deploy/install.sh deploy/fuzz_packages.txt
TARGETS=chistream-worker-cpu deploy/build.sh cpu >/dev/null
export TARGETS=
for target in "$@"; do TARGETS="$TARGETS fuzz_$target"; done
deploy/build.sh fuzz -DQSM_TESTS=ON -DQSM_BENCH=OFF >/dev/null
work=build/fuzz/fuzzing
mkdir -p "$work" build/fuzz/findings
/usr/bin/python3 tests/fuzz/seeds.py "$work/seeds" build/cpu/bin/chistream-worker-cpu

one_target() {
  mkdir -p "$work/$1" "tests/fuzz/corpus/$1"
  rc=0
  # -detect_leaks at the end only; HDF5 keeps what it allocated for the next file.
  build/fuzz/bin/fuzz_"$1" "$work/$1" "tests/fuzz/corpus/$1" "$work/seeds/$1" \
    -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -max_len=16384 \
    -artifact_prefix=build/fuzz/findings/"$1"- -print_final_stats=1 >"$work/$1.log" 2>&1 || rc=$?
  grep -E "stat::number_of_executed_units|stat::average_exec" "$work/$1.log" | tr '\n' ' '
  if [ $rc -ne 0 ]; then
    echo "$1: FINDING"
    tail -40 "$work/$1.log"
    return 1
  fi
  rm -rf "$work/$1.small" && mkdir "$work/$1.small"
  build/fuzz/bin/fuzz_"$1" -merge=1 "$work/$1.small" "$work/$1" "tests/fuzz/corpus/$1" \
    "$work/seeds/$1" -max_len=16384 >>"$work/$1.log" 2>&1
  echo "$1: $seconds s without a finding, $(ls "$work/$1.small" | wc -l) inputs in the corpus"
}

failed=0
while [ $# -gt 0 ]; do
  one_target "$1" &
  first=$!
  if [ $# -gt 1 ]; then
    one_target "$2" || failed=1
    shift
  fi
  wait $first || failed=1
  shift
done
exit $failed
