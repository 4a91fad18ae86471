/* SPDX-License-Identifier: Apache-2.0
 *
 * What `assay run` says of a job: its progress, its rates, and what failed. */
#ifndef HARNESS_REPORT_H
#define HARNESS_REPORT_H

#include <stdio.h>

#include "harness/job.h"

/* Progress for a terminal: a line on standard error that is written again and again, with the time left of the whole
 * job when the context is its `struct assay_estimate`; and what removes it. */
assay_progress assay_report_progress;
void assay_report_clear(void);

/* A remark, clear of the line of progress. */
void assay_report_remark(const struct assay_error *why);

/* A line for each run, and one for each segment of several devices. */
void assay_report_rates(FILE *out, const struct assay_job *job);

/* Says once more which devices failed, what was written all the same (PREFIX), and what to do. Returns the exit code:
 * 0 none failed, 2 some did, 1 one computed wrong. */
int assay_report_failures(const struct assay_job *job, const struct assay_verdict *verdict, const char *prefix);

/* The exit code for an error that ends a run: 1 when a device computed wrong, else 3. */
int assay_report_exit(const struct assay_error *error);

/* The times of rounds, throttling, energy and telemetry, as they are claimed. */
void assay_report_claims(FILE *out, const struct assay_job *job, const struct assay_verdict *verdict);

#endif
