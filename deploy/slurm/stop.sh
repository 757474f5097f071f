#!/bin/sh
# Ends what deploy/slurm/start.sh FOLDER began.
set -u
[ $# -eq 1 ] || { echo "usage: deploy/slurm/stop.sh FOLDER" >&2; exit 2; }
SLURM_CONF=$(cd "$1" && pwd)/slurm.conf scancel -u "$(id -un)" 2>/dev/null
for name in slurmctld slurmd munged; do
  [ -e "$1/$name.pid" ] && kill "$(cat "$1/$name.pid")" 2>/dev/null
done
exit 0
