/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a job will take, from a short probe of each workload on each device. Nothing depends on it but what people
 * are told. */
#ifndef HARNESS_ESTIMATE_H
#define HARNESS_ESTIMATE_H

#include <stdio.h>

#include "harness/job.h"

/* Nanoseconds; 0 where nothing is known. */
struct assay_estimate {
	uint64_t setup_ns[ASSAY_SEGMENTS_MAX]; /* before a segment begins */
	uint64_t work_ns[ASSAY_SEGMENTS_MAX];
	uint64_t round_ns[ASSAY_SEGMENTS_MAX][ASSAY_DEVICES_MAX];
	uint64_t rest_ns; /* openings and checks */
	uint32_t segments;
};

/* Probes the devices of a job, which are set with its challenge, one after the other. A device that fails is left out:
 * the job will tell. */
void assay_estimate_make(struct assay_estimate *estimate, const struct assay_job *job);

/* From the time when segment j has gone on for so long to the end of it all, the files included. */
uint64_t assay_estimate_left(const struct assay_estimate *estimate, uint32_t j, uint64_t elapsed_ns);

/* The same from where a job stands that does not run: before it begins, or where it was cut off. */
uint64_t assay_estimate_ahead(const struct assay_estimate *estimate, const struct assay_job *job);

/* "14 s", "2 min 20 s", "3 h 05 min", "1 d 02 h": rounded up. */
void assay_time_text(char text[32], uint64_t ns);

/* Says what is ahead: all of it, and the rounds of each workload. */
void assay_estimate_print(FILE *out, const struct assay_estimate *estimate, const struct assay_job *job);

#endif
