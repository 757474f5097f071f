#!/bin/sh
# Installs, builds and tests:  deploy/test.sh [--cpu-only | --asan] [ctest arguments...]
#
# Builds the CPU worker and, where a CUDA toolkit is, the CUDA worker; runs every unit and
# end-to-end test. Tests that need a GPU say SKIPPED on a machine without one.
#   --cpu-only  builds as a machine without the CUDA toolkit would
#   --asan      builds the CPU half with the address and undefined-behaviour sanitizers
#
# Tests on measured data read the folder QSM_TEST_DATA. The last line says how many of them ran.
# When the caller set QSM_TEST_DATA, a skipped one is a failure.
set -eu
cd "$(dirname "$0")/.."

preset=auto
without_toolkit=
case ${1:-} in
  --cpu-only) preset=cpu without_toolkit=-DCMAKE_IGNORE_PREFIX_PATH=/usr/local/cuda; shift ;;
  --asan) preset=asan; shift ;;
esac

real_data_must_run=${QSM_TEST_DATA:+yes}
if [ -z "${QSM_TEST_DATA:-}" ] && [ -d ../shared/data ]; then
  QSM_TEST_DATA=$(cd ../shared/data && pwd)
fi
export QSM_TEST_DATA="${QSM_TEST_DATA:-}"

# Kernel tests for CUDA cost half of the build and can only skip where no GPU answers.
cuda_tests=OFF
if nvidia-smi -L >/dev/null 2>&1; then
  cuda_tests=ON
fi

deploy/install.sh
build=$(deploy/build.sh $preset -DQSM_TESTS=ON -DQSM_CUDA_TESTS=$cuda_tests \
        ${without_toolkit:+"$without_toolkit"})

rc=0
ctest --test-dir "$build" --parallel 2 --output-junit junit.xml --output-on-failure \
  --test-output-size-passed 8192 "$@" || rc=$?
/usr/bin/python3 deploy/count_real_data.py "$build/junit.xml" ${real_data_must_run:+--all} || rc=1
exit $rc
