/* SPDX-License-Identifier: Apache-2.0
 *
 * One segment of a job: a thread for each device, and the barrier from which they start. A device that fails ends
 * alone: it keeps the rounds that it has, and takes no part in later segments. */
#ifndef HARNESS_SEGMENT_H
#define HARNESS_SEGMENT_H

#include <pthread.h>

#include "harness/job.h"
#include "harness/repeat.h"

/* What the threads of a segment share. */
struct assay_segment_run {
	struct assay_job *job;
	uint32_t segment;
	pthread_mutex_t report_lock; /* progress and remarks come one at a time */

	/* The barrier: devices report ready, and go when all of them have. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint32_t ready;
	bool refused; /* what was asked for cannot be done: nobody goes */
	bool go;
	uint64_t start_ns; /* of the segment, the same for all */
};

/* One device's thread. */
struct assay_device_run {
	struct assay_segment_run *shared;
	uint32_t device;
	struct assay_run_log *log;
	uint8_t (*bands)[ASSAY_HASH_BYTES]; /* of the round that was computed last */
	struct assay_repeat repeat;         /* where rounds are computed twice */
	uint8_t seed[ASSAY_HASH_BYTES];     /* of the next round */
	struct assay_error error;
};

/* Runs segment j on the devices that have not failed. An error is one of what was asked for (ASSAY_ERROR_INPUT), and of
 * the whole job; those of devices are noted in job->failures. */
enum assay_status assay_segment_run(struct assay_job *job, uint32_t j, struct assay_error *error) ASSAY_CHECK_RESULT;

/* Notes that a device failed in segment j, or in the openings (j = segment_count), and remarks on it. */
void assay_job_failed(struct assay_job *job, uint32_t j, uint32_t device, enum assay_status status,
                      const struct assay_error *error);

/* Where a run stands on the job's time line, whose segments follow each other, each as long as its longest run: of one
 * that begins or goes on at `start` of the monotonic clock. */
struct assay_telemetry_place assay_run_place(const struct assay_device_run *run, uint64_t start);

/* In job.c. Before the barrier: an engine of the segment's workload, or the one that was filled for it; memory is
 * mapped, programs are compiled for this size, and a long segment is checked. */
enum assay_status assay_run_ready(struct assay_device_run *run, struct assay_engine *engine) ASSAY_CHECK_RESULT;

/* In job.c. From the barrier on: the fill, or rounds until the segment's length, counted from `start`, is reached. */
enum assay_status assay_run_go(struct assay_device_run *run, struct assay_engine *engine,
                               uint64_t start) ASSAY_CHECK_RESULT;

#endif
