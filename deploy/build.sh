#!/bin/sh
# Configures and builds:  deploy/build.sh [PRESET|auto] [cmake arguments...]
# PRESET is one of CMakePresets.json; auto takes cuda where nvcc is, else cpu. The build folder is
# build/PRESET. TARGETS="a b" builds only those. The last line printed is the build folder.
set -eu
cd "$(dirname "$0")/.."
preset=${1:-auto}
[ $# -gt 0 ] && shift

nvcc=$(command -v nvcc || true)
if [ -z "$nvcc" ] && [ -x /usr/local/cuda/bin/nvcc ]; then
  nvcc=/usr/local/cuda/bin/nvcc
fi
if [ -z "$nvcc" ] && nvidia-smi -L >/dev/null 2>&1; then
  echo "build: this machine has a GPU but no CUDA toolkit: looked for nvcc in PATH and in" \
       "/usr/local/cuda/bin. Only the CPU worker is built." >&2
fi
if [ "$preset" = auto ]; then
  preset=cpu
  [ -z "$nvcc" ] || preset=cuda
fi
if [ "$preset" = cuda ]; then
  set -- "-DCMAKE_CUDA_COMPILER=${nvcc:-nvcc}" "$@"
fi
if command -v ccache >/dev/null; then
  export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1  # a second checkout finds the first one's objects
  set -- -DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_CUDA_COMPILER_LAUNCHER=ccache "$@"
fi

cmake --preset "$preset" "$@" >&2
# shellcheck disable=SC2086  # a list of names
cmake --build "build/$preset" -j "$(nproc)" ${TARGETS:+--target $TARGETS} >&2
echo "build/$preset"
