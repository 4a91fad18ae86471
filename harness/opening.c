/* SPDX-License-Identifier: Apache-2.0
 *
 * Who opens the drawn leaves of a run: its own device where that is well, else another one, else the processor. An
 * opening needs nothing but seeds and band roots. See job.h. */
#include "harness/segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How the devices did on one run. */
struct attempts {
	bool tried[ASSAY_DEVICES_MAX];
	bool differed[ASSAY_DEVICES_MAX]; /* its result is not the one committed to */
	struct assay_error errors[ASSAY_DEVICES_MAX];
};

/* The next device to try for the run of device d: itself, then those of its backend, then the others. */
static struct assay_device *next_opener(const struct assay_job *job, const struct attempts *attempts, uint32_t d,
                                        uint32_t *index)
{
	int best = 0;

	for (uint32_t i = 0; i < job->challenge.devices; i++) {
		int fit = i == d ? 3 : job->devices[i].backend == job->devices[d].backend ? 2 : 1;
		if (!attempts->tried[i] && !job->failures[i].status && fit > best) {
			best = fit;
			*index = i;
		}
	}
	return best ? &job->devices[*index] : NULL;
}

/* The processor, opened when it is first needed. */
static struct assay_device *spare(struct assay_job *job, uint32_t d, struct assay_error *error)
{
	if (!job->spare.handle) {
		struct assay_error why;
		if (assay_device_open(&job->spare, &assay_backend_cpu, 0, NULL, error) != ASSAY_OK)
			return NULL;
		(void)assay_fail(&why, ASSAY_OK, "device.spare", "the drawn leaves of %s are opened on the cpu",
		                 job->devices[d].id);
		if (job->remark)
			job->remark(&why);
	}
	return &job->spare;
}

/* The run was opened, so whoever had another result is the one that is wrong. */
static void blame_others(struct assay_job *job, const struct attempts *attempts)
{
	for (uint32_t i = 0; i < job->challenge.devices; i++)
		if (attempts->differed[i])
			assay_job_failed(job, job->challenge.segment_count, i, ASSAY_ERROR_DEVICE,
			                 &attempts->errors[i]);
}

/* Nobody has the result that the run's own device committed to: it is wrong. */
static enum assay_status blame_own(struct assay_job *job, uint32_t j, uint32_t d, struct assay_error *error)
{
	enum assay_status status =
	    assay_fail(error, ASSAY_ERROR_DEVICE, "device.miscompute",
	               "%s: %s: what it committed to is not what comes out again, there or elsewhere; the device is "
	               "faulty, and nothing was written: run without it",
	               job->devices[d].id, job->challenge.segments[j].work->name);

	job->failures[d] = (struct assay_failure){.status = status, .segment = j, .error = *error};
	return status;
}

static bool differs(enum assay_status status, const struct assay_error *error)
{
	return status && strcmp(error->reason, "device.miscompute") == 0;
}

enum assay_status assay_job_open(struct assay_job *job, uint32_t j, uint32_t d, uint8_t **paths,
                                 struct assay_error *error)
{
	struct attempts *attempts = calloc(1, sizeof *attempts);
	struct assay_device *device;
	enum assay_status status = ASSAY_ERROR_DEVICE;
	bool differed = false;
	uint32_t i;

	*paths = NULL;
	if (!attempts)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	if (job->runs[j * job->challenge.devices + d].rounds == 0)
		status = ASSAY_OK;
	while (status && (device = next_opener(job, attempts, d, &i))) {
		attempts->tried[i] = true;
		status = assay_job_open_on(job, j, d, device, paths, &attempts->errors[i]);
		attempts->differed[i] = differs(status, &attempts->errors[i]);
		differed |= attempts->differed[i];
		if (status && !attempts->differed[i])
			assay_job_failed(job, job->challenge.segment_count, i, status, &attempts->errors[i]);
	}
	if (status && (device = spare(job, d, error))) {
		status = assay_job_open_on(job, j, d, device, paths, error);
		differed |= differs(status, error);
	}
	if (!status)
		blame_others(job, attempts);
	else if (differed)
		status = blame_own(job, j, d, error);
	free(attempts);
	return status;
}
