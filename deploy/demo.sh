#!/bin/bash
# Shows the whole chain on a simulated head scan:  ./deploy/demo.sh [--quick] [--keep DIR]
#                                                                   [--device auto|cuda|cpu]
#
# Installs, builds, starts a daemon in a temporary folder, simulates raw multi-coil k-space, sends
# it with the client, receives the DICOM series, and prints times and accuracy against the truth.
# Leaves map.png (and, with --keep, every file); stops whatever it started.
#   --quick   a 2 mm scan instead of the full 160x192x144 one
#   --keep    use DIR and leave it there
#   --device  what the server may run on (auto: a GPU where one answers)
set -euo pipefail
cd "$(dirname "$0")/.."

matrix=(160 192 144) voxel=(1 1 1) coils=8 keep='' device=auto
while [ $# -gt 0 ]; do
  case $1 in
    --quick) matrix=(80 96 72) voxel=(2 2 2) coils=4 ;;
    --keep) keep=${2:?--keep needs a folder}; shift ;;
    --device) device=${2:?--device needs auto, cuda or cpu}; shift ;;
    *) sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
  shift
done

deploy/install.sh
build=$(deploy/build.sh auto -DQSM_TESTS=OFF -DQSM_BENCH=OFF)
bin=$PWD/$build/bin

daemon=
work=${keep:-$(mktemp -d -t chistream-demo.XXXXXX)}
mkdir -p "$work"
clean_up() {
  if [ -n "$daemon" ]; then
    kill "$daemon" 2>/dev/null || true
    wait "$daemon" 2>/dev/null || true
  fi
  [ -n "$keep" ] || rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
rm -rf "$work/spool" "$work/result" "$work/truth"

echo "demo: simulating ${matrix[*]} voxels, $coils coils, 5 echoes, 3 T, SNR 40"
"$bin/chistream-worker-cpu" simulate -o "$work/scan.h5" --truth "$work/truth" \
  --matrix "${matrix[@]}" --voxel "${voxel[@]}" --coils $coils \
  --te 0.004 0.010 0.016 0.022 0.028 --b0 3 --snr 40 --seed 1

: >"$work/daemon.log"
"$bin/chistreamd" --listen 127.0.0.1:0 --spool "$work/spool" --device "$device" \
  --worker-dir "$bin" >"$work/daemon.log" 2>&1 &
daemon=$!
deadline=$((SECONDS + 30)) address=
while [ -z "$address" ]; do
  address=$(sed -n 's/^chistreamd listening on //p' "$work/daemon.log")
  if ! kill -0 $daemon 2>/dev/null || [ $SECONDS -ge $deadline ]; then
    cat "$work/daemon.log" >&2
    echo "demo: the daemon did not start" >&2
    exit 1
  fi
  [ -n "$address" ] || sleep 0.1
done

XDG_CACHE_HOME=$work "$bin/chistream" reconstruct "$work/scan.h5" -o "$work/result" --server "$address" \
  --patient-name "Demo^Head" --json "$work/run.json"

echo "demo: scoring the chain, and each stage on the truth before it"
/usr/bin/python3 deploy/score_stages.py "$bin/chistream-worker-cpu" "$work"
/usr/bin/python3 deploy/demo_table.py "$work"
/usr/bin/python3 deploy/plot_map.py "$work/result/chi.nii.gz" -o map.png
