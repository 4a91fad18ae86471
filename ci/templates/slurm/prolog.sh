#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Slurm's Prolog (slurm.conf: Prolog=/etc/slurm/prolog.sh, PrologFlags=Alloc), as root on a node before each job. Any exit code
# but 0 drains the node and holds the job, so that only `assay status` can say it: a device computed wrong, the last verdict is
# older than this, or there is none. A program that is missing, hangs or cannot read its file drains nothing.
max_age=14d
certifier=assay

PATH=/usr/local/bin:/usr/bin:/bin
export PATH ASSAY_STATE_DIR="${ASSAY_STATE_DIR:-/var/lib/assay}"

# The job that brings a new verdict.
[ "${SLURM_JOB_USER:-}" != "$certifier" ] || exit 0

line=$(timeout 5 assay status --exit-map slurm --max-age "$max_age" 2>&1)
code=$?
[ "$code" = 0 ] || logger -t assay-prolog -- "exit code $code: $line" || true
[ "$code" != 1 ] || exit 1
exit 0
