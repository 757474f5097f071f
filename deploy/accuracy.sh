#!/bin/bash
# Scores every stage and the whole chain and writes docs/accuracy.md:
#   ./deploy/accuracy.sh [--quick] [--keep DIR] [--docs DIR]
#
# From files, through the stages of the processor's worker. Real measurements are looked for in
# QSM_TEST_DATA (default ../shared/data) and left out, aloud, where there are none. About three
# quarters of an hour on two cores.
#   --quick   2 mm heads and fewer steps, a few minutes; the page goes to a temporary folder
#   --keep    use DIR for what is simulated and reconstructed, and leave it there
#   --docs    write the page there instead of docs/
set -euo pipefail
cd "$(dirname "$0")/.."

quick=() keep='' docs=docs
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=(--quick); [ "$docs" != docs ] || docs=$(mktemp -d -t chistream-accuracy.XXXXXX) ;;
    --keep) keep=${2:?--keep needs a folder}; shift ;;
    --docs) docs=${2:?--docs needs a folder}; shift ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
  shift
done

deploy/install.sh
build=$(deploy/build.sh cpu)
work=${keep:-$(mktemp -d -t chistream-accuracy.XXXXXX)}
[ -n "$keep" ] || trap 'rm -rf "$work"' EXIT
data=${QSM_TEST_DATA:-../shared/data}
/usr/bin/python3 deploy/accuracy/main.py "$build/bin/chistream-worker-cpu" "$work" --docs "$docs" \
  ${data:+--data "$data"} "${quick[@]}"
echo "accuracy: $docs/accuracy.md"
