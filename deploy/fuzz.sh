#!/bin/sh
# Fuzzes what takes bytes from outside:  deploy/fuzz.sh [SECONDS (600)] [TARGET...]
#
# Targets: upload_protocol exam_container ismrmrd nifti dicom mrd. Each begins with tests/fuzz/corpus/TARGET.tar.gz
# and the seeds, runs for SECONDS, two at a time, and leaves its corpus, made small, there.
# Exits with 1 on a finding, which lies in build/fuzz/findings.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-600}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- upload_protocol exam_container ismrmrd nifti dicom mrd
deploy/install.sh deploy/fuzz_packages.txt
TARGETS=chistream-worker-cpu deploy/build.sh cpu >/dev/null
export TARGETS=
for target in "$@"; do TARGETS="$TARGETS fuzz_$target"; done
deploy/build.sh fuzz -DQSM_TESTS=ON -DQSM_BENCH=OFF >/dev/null
work=build/fuzz/fuzzing
mkdir -p "$work" build/fuzz/findings
/usr/bin/python3 tests/fuzz/seeds.py "$work/seeds" build/cpu/bin/chistream-worker-cpu

one_target() {
  rm -rf "$work/$1" "$work/$1.small"
  mkdir -p "$work/$1" "$work/$1.small"
  [ ! -e "tests/fuzz/corpus/$1.tar.gz" ] || tar -xzf "tests/fuzz/corpus/$1.tar.gz" -C "$work/$1"
  rc=0
  build/fuzz/bin/fuzz_"$1" "$work/$1" "$work/seeds/$1" -max_total_time="$seconds" -timeout=20 \
    -rss_limit_mb=4096 -max_len=262144 -artifact_prefix=build/fuzz/findings/"$1"- \
    -print_final_stats=1 >"$work/$1.log" 2>&1 || rc=$?
  if [ $rc -ne 0 ]; then
    echo "$1: FINDING"
    tail -40 "$work/$1.log"
    return 1
  fi
  runs=$(sed -n 's/^stat::number_of_executed_units: //p' "$work/$1.log")
  build/fuzz/bin/fuzz_"$1" -merge=1 "$work/$1.small" "$work/$1" "$work/seeds/$1" -max_len=262144 \
    >>"$work/$1.log" 2>&1
  mkdir -p tests/fuzz/corpus
  tar -czf "tests/fuzz/corpus/$1.tar.gz" --sort=name --mtime=@0 --owner=0 --group=0 \
    -C "$work/$1.small" .
  echo "$1: $runs runs in $seconds s without a finding, corpus of $(ls "$work/$1.small" | wc -l)"
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
