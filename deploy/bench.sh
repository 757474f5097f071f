#!/bin/bash
# Benchmarks this machine's processor and writes docs/performance.md:  ./deploy/bench.sh [--quick]
#
# Every stage at 96^3, 160x192x144, 256x256x128 and, where memory allows, 384x384x224; the chain
# from raw k-space at the two in the middle; one thread beside all of them. About a quarter of an
# hour; nothing else should run meanwhile.   --quick: the small sizes, and the page goes to stdout
set -euo pipefail
cd "$(dirname "$0")/.."

quick=
case ${1:-} in
  '') ;;
  --quick) quick=1 ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

deploy/install.sh
build=$(deploy/build.sh cpu -DQSM_BENCH=ON)
bench=$PWD/$build/bin/chistream-bench-cpu
results=$(mktemp -d -t chistream-bench.XXXXXX)
trap 'rm -rf "$results"' EXIT

sizes=(96x96x96 160x192x144)
chains=(96x96x96)
if [ -z "$quick" ]; then
  sizes+=(256x256x128)
  chains=(160x192x144 256x256x128)
  free_gib=$(awk '/MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)
  if [ "$free_gib" -ge 14 ]; then sizes+=(384x384x224); else echo "bench: 384x384x224 left out, $free_gib GiB free" >&2; fi
fi

"$bench" --json "$results/stages.json" "${sizes[@]}" >&2
"$bench" --json "$results/chain.json" --chain "${chains[@]}" >&2
OMP_NUM_THREADS=1 "$bench" --json "$results/one-thread.json" "${sizes[1]}" >&2
page=docs/performance.md
[ -z "$quick" ] || page=/dev/stdout
/usr/bin/python3 deploy/performance_page.py "$results" -o "$page"
