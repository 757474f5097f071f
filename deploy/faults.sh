#!/bin/sh
# The server under faults, at length:  deploy/faults.sh [ROUNDS (200)] [SEED (1)]
#
# SIGKILL at random moments to daemon, worker, clients and gateway; a PACS that refuses, drops, sleeps; a full, a read-only disk; a torn journal; a link
# that breaks. Prints what was killed, lost and found; exits with 1 if anything was lost. About six
# minutes on two cores. Mounts need root, and are SKIPPED, aloud, without.
set -eu
cd "$(dirname "$0")/.."
deploy/install.sh
build=$(TARGETS="chistream chistreamd chistream-gateway chistream-worker-cpu fake_worker fault_shim" deploy/build.sh cpu -DQSM_TESTS=ON)
export QSM_BIN="$PWD/$build/bin" PYTHONDONTWRITEBYTECODE=1
FAULT_ROUNDS=${1:-200} FAULT_SEED=${2:-1} /usr/bin/python3 tests/faults/kill_rounds.py
FAULT_ROUNDS=${HOSPITAL_ROUNDS:-100} FAULT_SEED=${2:-1} /usr/bin/python3 tests/faults/hospital.py
for faults in disk network system slurm; do
  rc=0
  /usr/bin/python3 tests/faults/$faults.py || rc=$?
  [ $rc -eq 0 ] || [ $rc -eq 77 ] || exit 1
done
