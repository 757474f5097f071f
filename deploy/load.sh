#!/bin/sh
# The server under load, in figures:  deploy/load.sh [FOLDER]
#
# 64 uploads at once against a plain copy of the same files, beside 1000 queued jobs; one upload of
# 8 GiB; slow readers; an emergency behind a full queue. FOLDER (default: the temporary one) lies on
# the disk that is measured and needs 17 GiB. Exits with 1 if a bound is missed. About six minutes.
set -eu
cd "$(dirname "$0")/.."
deploy/install.sh
build=$(TARGETS="chistream chistreamd chistream-worker-cpu fake_worker chistream_load" \
        deploy/build.sh cpu -DQSM_TESTS=ON)
export QSM_BIN="$PWD/$build/bin" PYTHONDONTWRITEBYTECODE=1
/usr/bin/python3 tests/load/load.py "$@"
