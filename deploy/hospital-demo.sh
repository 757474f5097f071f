#!/bin/sh
# Shows the hospital's side:  ./deploy/hospital-demo.sh [--quick] [--keep DIR] [--tls]
#
# Installs, builds, starts a PACS (Orthanc), the daemon and the gateway, sends a simulated scan as a
# Siemens console would (C-STORE), and shows the series that comes back to the PACS by itself: its
# tags, seconds by part, and a rendered slice (hospital.png).
#   --quick   a 2 mm scan instead of 160x192x144
#   --keep    use DIR and leave it there
#   --tls     every DICOM connection over TLS, with certificates on both sides
set -eu
cd "$(dirname "$0")/.."
deploy/install.sh
build=$(TARGETS="chistream chistreamd chistream-gateway chistream-worker-cpu" deploy/build.sh cpu -DQSM_TESTS=OFF -DQSM_BENCH=OFF)
QSM_BIN="$PWD/$build/bin" PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 deploy/hospital_demo.py "$@"
