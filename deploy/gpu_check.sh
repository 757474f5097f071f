#!/bin/bash
# Builds the kernels on a machine with a GPU, runs their tests, then every stage once under
# compute-sanitizer, then the benchmark, and writes docs/gpu/<device>-<date>.md (with the logs also
# to the folder $OUT, if set). Takes under 9 minutes; needs nvcc 13, CMake, Ninja and g++; neither
# gRPC, DCMTK nor any other package of the server.
#
#   deploy/gpu_check.sh [DEPS]
#   deploy/gpu_check.sh --build-only [DEPS]   # without a GPU: that all of it compiles and links (sm_90)
#
# DEPS holds what such a machine may lack; make it elsewhere and carry it along:
#   cp -r /usr/src/googletest DEPS/
#   mkdir -p DEPS/fftw/include DEPS/fftw/lib        # optional: adds the CPU half and its parity tests
#   cp /usr/include/fftw3.h DEPS/fftw/include/
#   cp /usr/lib/*/libfftw3f.a /usr/lib/*/libfftw3f_omp.a DEPS/fftw/lib/
#
# Environment: ARCHITECTURES (native), BUILD (build/gpu), BUILD_SECONDS (240), TEST_SECONDS (150),
# SANITIZER_SECONDS (60; 0: off), BENCH_SECONDS (90), BENCH_GRIDS ("160x192x144 256x256x128").
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
build_only=
if [ "${1:-}" = --build-only ]; then
  build_only=yes
  shift
fi
deps=${1:-deps}
build=${BUILD:-build/gpu}
log=${OUT:-$(mktemp -d)}
[ -n "${OUT:-}" ] || trap 'rm -rf "$log"' EXIT

nvcc=$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)
[ -x "$nvcc" ] || { echo "gpu_check: no nvcc in PATH or /usr/local/cuda/bin" >&2; exit 2; }
if [ -n "$build_only" ]; then
  device='no GPU asked for' driver=none
  : "${ARCHITECTURES:=90}" "${BUILD_SECONDS:=0}"  # 0: as long as it takes
else
  device=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -1)
  [ -n "$device" ] || { echo "gpu_check: nvidia-smi finds no GPU" >&2; exit 2; }
  driver=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -1)
fi

options=(-G Ninja -DCMAKE_BUILD_TYPE=Release -DQSM_SERVER=OFF -DQSM_CUDA=ON -DQSM_TESTS=ON
         -DQSM_BENCH=ON "-DCMAKE_CUDA_COMPILER=$nvcc" "-DCMAKE_CUDA_ARCHITECTURES=${ARCHITECTURES:-native}")
[ -d "$deps/googletest" ] && options+=("-DQSM_GTEST_SOURCE=$(cd "$deps/googletest" && pwd)")
if [ -d "$deps/fftw" ]; then
  fftw=$(cd "$deps/fftw" && pwd)
  options+=("-DCMAKE_PREFIX_PATH=$fftw")
  export CPLUS_INCLUDE_PATH="$fftw/include${CPLUS_INCLUDE_PATH:+:$CPLUS_INCLUDE_PATH}"
elif ! compgen -G "/usr/lib/*/libfftw3f_omp.*" >/dev/null; then
  options+=(-DQSM_CPU=OFF)
  echo "gpu_check: no FFTW here: the CUDA half alone, against the oracles of the tests"
fi

echo "gpu_check: $device, driver $driver, $($nvcc --version | grep -o 'release [0-9.]*')"
began=$SECONDS
{ cmake -S . -B "$build" "${options[@]}" &&
  timeout "${BUILD_SECONDS:-240}" cmake --build "$build" -j "$(nproc)"; } >"$log/build" 2>&1
built=$?
build_s=$((SECONDS - began))
if [ $built -ne 0 ]; then
  tail -40 "$log/build"
  echo "gpu_check: the build failed or took longer than ${BUILD_SECONDS:-240} s" >&2
  exit 1
fi
echo "gpu_check: built in $build_s s"
[ -z "$build_only" ] || exit 0

# Correctness first: a fast wrong number is worth nothing. The tests of the GPU, and what they
# compare with from the CPU; its own tests run on machines without a GPU. Measured data, where
# QSM_TEST_DATA names some, is used.
began=$SECONDS
OMP_NUM_THREADS=2 timeout "${TEST_SECONDS:-150}" ctest --test-dir "$build" --output-on-failure \
  --output-junit "$log/junit.xml" --timeout 100 -j 6 -L gpu >"$log/tests" 2>&1
tested=$?
test_s=$((SECONDS - began))
grep -E 'Failed|Timeout|tests passed|Skipped' "$log/tests" | tail -30
if ! grep -q '_cuda\..* Passed ' "$log/tests"; then
  echo "gpu_check: no CUDA test ran to its end" >&2
  tested=1
fi
[ $tested -eq 124 ] && echo "gpu_check: the tests took longer than ${TEST_SECONDS:-150} s"

sanitizer=$(command -v compute-sanitizer || echo /usr/local/cuda/bin/compute-sanitizer)
if [ "${SANITIZER_SECONDS:-60}" = 0 ] || [ ! -x "$sanitizer" ]; then
  sanitized='not run'
else
  timeout "${SANITIZER_SECONDS:-60}" "$sanitizer" --tool memcheck --error-exitcode 9 \
    "$build/bin/parity_test_cuda" >"$log/sanitizer" 2>&1
  sanitizer_rc=$?
  sanitized="$(grep -o 'ERROR SUMMARY.*' "$log/sanitizer" || echo 'not finished')"
  grep -q 'PASSED  . 1 test' "$log/sanitizer" || sanitized="$sanitized; the stages did not run"
  [ $sanitizer_rc -eq 9 ] && { grep -m 40 '=====' "$log/sanitizer"; tested=1; }
fi
echo "gpu_check: compute-sanitizer memcheck: $sanitized"

bench=$build/bin/chistream-bench-cuda
if [ -x "$bench" ]; then
  # shellcheck disable=SC2086  # a list of sizes
  for what in "" --chain; do
    timeout "${BENCH_SECONDS:-90}" "$bench" $what ${BENCH_GRIDS:-160x192x144 256x256x128}
    echo "chistream-bench $what: exit status $?"
  done >"$log/bench" 2>&1
else
  echo "not built" >"$log/bench"
fi
cat "$log/bench"

name=$(printf '%s' "$device" | tr -cs 'A-Za-z0-9' '-' | tr '[:upper:]' '[:lower:]')
report=docs/gpu/${name%-}-$(date +%Y-%m-%d).md
mkdir -p docs/gpu
{
  echo "# $device, $(date +%Y-%m-%d)"
  echo
  echo "| | |"
  echo "| --- | --- |"
  echo "| driver, toolkit | $driver, $($nvcc --version | grep -o 'V[0-9.]*$') |"
  echo "| commit | $(git describe --always --dirty 2>/dev/null || echo unknown) |"
  echo "| processor | $(nproc) x $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs) |"
  echo "| build | $build_s s |"
  echo "| compute-sanitizer, every stage | $sanitized |"
  echo "| tests | $(grep 'tests passed' "$log/tests" || echo 'did not finish'), $test_s s |"
  echo
  echo "Failed or skipped:"
  echo
  echo '```'
  sed -n '/did not run:\|tests FAILED:/,$p' "$log/tests" | grep -E '^[[:space:]]+[0-9]+ - ' || echo none
  echo '```'
  echo
  echo "Parity of each stage with the CPU on the same input (relative L2, largest difference):"
  echo
  echo '```'
  grep -h '^parity ' "$log/sanitizer" 2>/dev/null || echo 'not run'
  echo '```'
  echo
  echo "Benchmark (\`chistream-bench\`):"
  echo
  echo '```'
  cat "$log/bench"
  echo '```'
} >"$report"
echo "gpu_check: $report"
[ -n "${OUT:-}" ] && cp "$report" "$OUT/"
exit $tested
