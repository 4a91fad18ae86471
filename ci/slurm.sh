#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# ci/slurm.sh: runs ci/templates/slurm with a real Slurm of one node on this machine: a node without a verdict is drained, is
# certified while it is drained, comes back, is certified by a job, and is drained again when that is old. As root, with slurm-wlm,
# munge and the build; not part of `make check`, because it starts daemons. Nothing outside a temporary directory is changed.
set -euo pipefail

[ "$(id -u)" = 0 ] || { echo "slurm     this takes root" >&2; exit 3; }
for program in slurmctld slurmd munged setpriv; do
	command -v "$program" >/dev/null || { echo "slurm     $program is missing: apt-get install slurm-wlm munge" >&2; exit 3; }
done

cd "$(dirname "$0")/.."
work=$(mktemp -d)
host=$(hostname -s)
certifier=nobody
pids=()
finish() {
	code=$?
	[ "$code" = 0 ] || tail -n 5 "$work"/*.log >&2
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	wait
	rm -rf "$work"
	exit "$code"
}
trap finish EXIT
chmod 755 "$work"
mkdir "$work/ctld" "$work/spool"
install -d -o "$certifier" -m 755 "$work/node" "$work/logs"
install -D -m 755 build/assay "$work/bin/assay"

# The templates, with paths of this directory and a user that exists.
for script in assay.sbatch prolog.sh; do
	sed -e "s|^PATH=/usr/local/bin|PATH=$work/bin|" -e "s|/var/lib/assay|$work/node|" -e "s|^certifier=assay|certifier=$certifier|" \
		"ci/templates/slurm/$script" >"$work/$script"
done
chmod 755 "$work/prolog.sh"

head -c 1024 /dev/urandom >"$work/munge.key"
chmod 400 "$work/munge.key"
cat >"$work/slurm.conf" <<EOF
ClusterName=assay
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket
StateSaveLocation=$work/ctld
SlurmdSpoolDir=$work/spool
SlurmctldPort=26817
SlurmdPort=26818
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
Prolog=$work/prolog.sh
PrologFlags=Alloc
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=1000
PartitionName=all Nodes=ALL Default=YES
EOF
export SLURM_CONF=$work/slurm.conf
munged -F --key-file="$work/munge.key" --socket="$work/munge.socket" --pid-file="$work/munge.pid" --seed-file="$work/munge.seed" \
	--log-file="$work/munge.log" 2>"$work/munged.log" &
pids+=($!)
for _ in $(seq 50); do [ ! -S "$work/munge.socket" ] || break; sleep 0.2; done
slurmctld -D >"$work/slurmctld.log" 2>&1 &
pids+=($!)
slurmd -D -N "$host" >"$work/slurmd.log" 2>&1 &
pids+=($!)

# Waits until the node is in one of these states.
node_is() {
	for _ in $(seq 150); do
		state=$(sinfo -h -n "$host" -o %T 2>/dev/null || true)
		[[ ! $state =~ ^($1)$ ]] || { echo "slurm     the node is $state: $2"; return; }
		sleep 0.4
	done
	echo "slurm     FAILED: the node is '$state', not $1: $2" >&2
	exit 1
}
job_is() {
	for _ in $(seq 150); do
		state=$(scontrol show job "$1" 2>/dev/null | sed -n 's/.*JobState=\([A-Z_]*\).*/\1/p')
		[[ ! $state =~ ^($2)$ ]] || { echo "slurm     job $1 is $state: $3"; return; }
		sleep 0.4
	done
	echo "slurm     FAILED: job $1 is '$state', not $2: $3" >&2
	exit 1
}
as_certifier() {
	setpriv --reuid "$certifier" --regid "$(id -g "$certifier")" --clear-groups \
		env DEVICES=cpu WORKLOADS=sha256 PROFILE=quick "$@"
}

node_is idle "it has started"
job=$(sbatch --parsable -o /dev/null --wrap true)
node_is 'drained|draining' "it has no verdict"
scontrol show node "$host" | grep -q 'Reason=Prolog error'
job_is "$job" PENDING "held"

as_certifier bash "$work/assay.sbatch" >"$work/logs/hand.txt"
scontrol update NodeName="$host" State=RESUME
node_is idle "certified while it was drained, and resumed"
scancel "$job"
job=$(sbatch --parsable -o /dev/null --wrap true)
job_is "$job" COMPLETED "like any other"

job=$(as_certifier sbatch --parsable --export=DEVICES,WORKLOADS,PROFILE -D "$work/logs" "$work/assay.sbatch")
job_is "$job" 'COMPLETED|FAILED' "the certifier's (FAILED where it was found slower)"
kept=$(find "$work/node/baselines" -name '*.intoto.json' | wc -l)
{ [ "$state" = COMPLETED ] && [ "$kept" = 2 ]; } || { [ "$state" = FAILED ] && [ "$kept" = 1 ] &&
	grep -q REGRESSION "$work/logs/assay-$host-$job.log"; } || { cat "$work"/logs/*; exit 1; }

sed -i 's/"finishedAt":"20[0-9][0-9]/"finishedAt":"2020/' "$work/node/last.json"
job=$(sbatch --parsable -o /dev/null --wrap true)
node_is 'drained|draining' "its verdict is old"
scontrol update NodeName="$host" State=RESUME
scancel "$job"
job=$(as_certifier sbatch --parsable --export=DEVICES,WORKLOADS,PROFILE -D "$work/logs" "$work/assay.sbatch")
job_is "$job" 'COMPLETED|FAILED' "the certifier's, which the prolog lets through"
node_is idle "still"
echo "slurm     ok, with $(slurmctld -V)"
