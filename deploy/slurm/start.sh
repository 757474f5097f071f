#!/bin/sh
# A Slurm of one machine with two fake GPUs, for trials and tests:  deploy/slurm/start.sh FOLDER
#
# Controller, node daemon and munge of their own, on loopback and free ports, with everything they
# write in FOLDER; nothing of an installed Slurm is touched. Use it with SLURM_CONF=FOLDER/slurm.conf;
# deploy/slurm/stop.sh FOLDER ends it. Needs root, as slurmd does. The settings are those of a
# machine without cgroups and without a database; docs/slurm.md says what a cluster has instead.
set -eu
[ $# -eq 1 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$folder"
mkdir -p state spool log
host=$(hostname -s)
port=${SLURM_PORT:-$((20000 + $$ % 20000))}

if [ ! -e munge.key ]; then
  head -c 1024 /dev/urandom >munge.key
  chmod 600 munge.key
fi
cat >slurm.conf <<END
ClusterName=trial
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthInfo=socket=$folder/munge.socket
AuthType=auth/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,batch_sched_delay=0
GresTypes=gpu
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=30
InactiveLimit=0
KillWait=5
MinJobAge=300
JobCompType=jobcomp/filetxt
JobCompLoc=$folder/log/jobs.txt
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=1000 Gres=gpu:2 State=UNKNOWN
PartitionName=routine Nodes=$host Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
END
cat >gres.conf <<END
NodeName=$host Name=gpu File=/dev/null
NodeName=$host Name=gpu File=/dev/zero
END

/usr/sbin/munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
  --pid-file="$folder/munged.pid" --log-file="$folder/log/munged.log" \
  --seed-file="$folder/munge.seed" >/dev/null 2>&1
export SLURM_CONF=$folder/slurm.conf
/usr/sbin/slurmctld -f "$SLURM_CONF"
/usr/sbin/slurmd -f "$SLURM_CONF" -N "$host"
for _ in $(seq 100); do
  state=$(sinfo -h -o %T 2>/dev/null | head -1 || true)
  [ "$state" = idle ] && { echo "SLURM_CONF=$SLURM_CONF"; exit 0; }
  sleep 0.2
done
echo "start.sh: the node is '$state' after 20 s" >&2
tail -5 log/*.log >&2
exit 1
