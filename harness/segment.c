/* SPDX-License-Identifier: Apache-2.0
 *
 * See segment.h. */
#include "harness/segment.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "harness/measure.h"
#include "harness/seeds.h"

void assay_job_failed(struct assay_job *job, uint32_t j, uint32_t device, enum assay_status status,
                      const struct assay_error *error)
{
	struct assay_failure *failure = &job->failures[device];
	struct assay_error why;

	failure->status = status;
	failure->segment = j;
	failure->error = *error;
	if (!job->remark)
		return;
	if (j < job->challenge.segment_count)
		(void)assay_fail(&why, status, error->reason, "%s failed in %s after %u rounds: %s",
		                 job->devices[device].id, job->challenge.segments[j].work->name,
		                 job->runs[j * job->challenge.devices + device].rounds, error->text);
	else
		(void)assay_fail(&why, status, error->reason, "%s failed in the openings: %s", job->devices[device].id,
		                 error->text);
	job->remark(&why);
}

/* A size or a duration that cannot be is nobody's failure: it ends the job. */
static void ended(struct assay_device_run *run, enum assay_status status)
{
	struct assay_segment_run *shared = run->shared;

	if (status == ASSAY_ERROR_INPUT) {
		pthread_mutex_lock(&shared->lock);
		shared->refused = true;
		pthread_mutex_unlock(&shared->lock);
		return;
	}
	pthread_mutex_lock(&shared->report_lock);
	assay_job_failed(shared->job, shared->segment, run->device, status, &run->error);
	pthread_mutex_unlock(&shared->report_lock);
}

/* Waits for this device's turn, counted from `start_ns` of the monotonic clock. */
static void wait_turn(const struct assay_device_run *run, uint64_t start_ns)
{
	const struct assay_job *job = run->shared->job;
	uint64_t turn_ns = start_ns + UINT64_C(1000000) * job->stagger_ms * run->device;
	struct timespec turn = {.tv_sec = (time_t)(turn_ns / 1000000000), .tv_nsec = (long)(turn_ns % 1000000000)};

	if (job->stagger_ms)
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &turn, NULL) == EINTR)
			;
}

struct assay_telemetry_place assay_run_place(const struct assay_device_run *run, uint64_t start)
{
	const struct assay_job *job = run->shared->job;
	const uint32_t count = job->challenge.devices;
	struct assay_telemetry_place place = {.segment = run->shared->segment,
	                                      .round = run->log->rounds,
	                                      .origin_ns = start - run->log->elapsed_ns,
	                                      .throttled_rounds = run->log->telemetry.throttled_rounds,
	                                      .throttled = &run->log->telemetry.throttled};

	for (uint32_t j = 0; j < run->shared->segment; j++) {
		uint64_t longest = 0;
		for (uint32_t d = 0; d < count; d++)
			if (job->runs[j * count + d].elapsed_ns > longest)
				longest = job->runs[j * count + d].elapsed_ns;
		place.origin_ns -= longest;
	}
	return place;
}

static void *device_thread(void *context)
{
	struct assay_device_run *run = context;
	struct assay_segment_run *shared = run->shared;
	struct assay_engine engine = {0};

	wait_turn(run, assay_clock_ns());
	assay_power_enter(&shared->job->power, run->device);
	enum assay_status status = assay_run_ready(run, &engine);
	assay_power_leave(&shared->job->power, run->device);
	if (status)
		ended(run, status);
	pthread_mutex_lock(&shared->lock);
	shared->ready++;
	pthread_cond_broadcast(&shared->changed);
	while (!shared->go)
		pthread_cond_wait(&shared->changed, &shared->lock);
	bool refused = shared->refused;
	pthread_mutex_unlock(&shared->lock);
	if (!status && !refused) {
		wait_turn(run, shared->start_ns);
		status = assay_run_go(run, &engine, shared->start_ns);
		if (status)
			ended(run, status);
	}
	assay_repeat_close(&run->repeat);
	assay_engine_finish(&engine);
	free(run->bands);
	return NULL;
}

/* A thread for each device that has not failed; their number. */
static uint32_t threads_start(pthread_t *threads, struct assay_device_run *runs, struct assay_segment_run *shared)
{
	struct assay_job *job = shared->job;
	const uint32_t count = job->challenge.devices;
	uint32_t started = 0;

	for (uint32_t d = 0; d < count; d++) {
		struct assay_device_run *run = &runs[started];
		if (job->failures[d].status)
			continue;
		*run = (struct assay_device_run){
		    .shared = shared, .device = d, .log = &job->runs[shared->segment * count + d]};
		if (pthread_create(&threads[started], NULL, device_thread, run) == 0)
			started++;
		else
			ended(run,
			      assay_fail(&run->error, ASSAY_ERROR_DEVICE, "device.open",
			                 "%s: no thread can be started for it; raise the process limit (ulimit -u)",
			                 job->devices[d].id));
	}
	return started;
}

enum assay_status assay_segment_run(struct assay_job *job, uint32_t j, struct assay_error *error)
{
	struct assay_segment_run shared = {.job = job, .segment = j};
	struct assay_device_run *runs = calloc(job->challenge.devices, sizeof *runs);
	pthread_t threads[ASSAY_DEVICES_MAX];
	enum assay_status status = ASSAY_OK;

	if (!runs)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	pthread_mutex_init(&shared.report_lock, NULL);
	pthread_mutex_init(&shared.lock, NULL);
	pthread_cond_init(&shared.changed, NULL);
	uint32_t started = threads_start(threads, runs, &shared);
	pthread_mutex_lock(&shared.lock);
	while (shared.ready < started)
		pthread_cond_wait(&shared.changed, &shared.lock);
	/* A verifier's clock begins to run here. */
	status = assay_seeds_ready(job, j, error);
	shared.refused = shared.refused || status;
	shared.start_ns = assay_clock_ns();
	shared.go = true;
	pthread_cond_broadcast(&shared.changed);
	pthread_mutex_unlock(&shared.lock);
	for (uint32_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	for (uint32_t i = 0; shared.refused && !status && i < started; i++)
		if (*runs[i].error.reason && !job->failures[runs[i].device].status) {
			status = ASSAY_ERROR_INPUT;
			if (error)
				*error = runs[i].error;
		}
	pthread_cond_destroy(&shared.changed);
	pthread_mutex_destroy(&shared.lock);
	pthread_mutex_destroy(&shared.report_lock);
	free(runs);
	return status;
}
