/* SPDX-License-Identifier: Apache-2.0
 *
 * sha256/1 on a device (SPEC 5.2). A band is a run of leaves, at most 1024 bands a round. */
#include "harness/workload.h"

#include <stdlib.h>

enum { LOG2_DIGESTS, LOG2_LEAVES }; /* positions in assay_params */
enum { LOG2_BAND_MIN = 4, LOG2_BANDS_MAX = 10 };

struct hashing {
	struct assay_device *device;
	uint32_t log2_digests, log2_leaves;
	void *seed;
};

static uint64_t band(const struct assay_params *params)
{
	uint64_t leaves = params->value[LOG2_LEAVES];
	uint64_t log2_band = leaves > LOG2_BANDS_MAX + LOG2_BAND_MIN ? leaves - LOG2_BANDS_MAX : LOG2_BAND_MIN;

	return UINT64_C(1) << (log2_band < leaves ? log2_band : leaves);
}

static void finish(void *state)
{
	struct hashing *hashing = state;

	if (hashing->seed)
		hashing->device->backend->release(hashing->device->handle, hashing->seed);
	free(hashing);
}

static enum assay_status prepare(void **state, struct assay_device *device, const struct assay_params *params,
                                 struct assay_error *error)
{
	struct hashing *hashing = calloc(1, sizeof *hashing);

	if (!hashing)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	hashing->device = device;
	hashing->log2_digests = (uint32_t)params->value[LOG2_DIGESTS];
	hashing->log2_leaves = (uint32_t)params->value[LOG2_LEAVES];
	enum assay_status status = device->backend->alloc(device->handle, &hashing->seed, ASSAY_HASH_BYTES, error);
	if (status)
		finish(hashing);
	else
		*state = hashing;
	return status;
}

static enum assay_status launch(struct hashing *hashing, uint64_t first, uint64_t count, void *values,
                                struct assay_error *error)
{
	const uint32_t lanes = hashing->device->info.lanes;
	const struct assay_argument arguments[] = {ASSAY_BUFFER(hashing->seed), ASSAY_BUFFER(values),
	                                           ASSAY_VALUE(first), ASSAY_VALUE(hashing->log2_digests),
	                                           ASSAY_VALUE(count)};

	return assay_device_launch(hashing->device, ASSAY_KERNEL_SHA256_LEAVES, (uint32_t)((count + lanes - 1) / lanes),
	                           arguments, 5, error);
}

static enum assay_status leaves(void *state, const uint8_t seed[ASSAY_HASH_BYTES], uint64_t first, uint64_t count,
                                void *values, struct assay_error *error)
{
	struct hashing *hashing = state;
	enum assay_status status =
	    hashing->device->backend->write(hashing->device->handle, hashing->seed, 0, seed, ASSAY_HASH_BYTES, error);

	return status ? status : launch(hashing, first, count, values, error);
}

static enum assay_status bare(void *state, void *values, struct assay_error *error)
{
	struct hashing *hashing = state;

	return launch(hashing, 0, UINT64_C(1) << hashing->log2_leaves, values, error);
}

static struct assay_params trial(uint32_t size)
{
	return (struct assay_params){{4, 12 + 2 * size}};
}

/* log2Digests, log2Leaves: one digest; fewer leaves than lanes; several bands. */
static const struct assay_params cases[] = {{{0, 0}}, {{3, 2}}, {{1, 7}}};

const struct assay_workload assay_workload_sha256 = {
    .work = &assay_work_sha256,
    .band = band,
    .prepare = prepare,
    .finish = finish,
    .trial = trial,
    .leaves = leaves,
    .bare = bare,
    .kernel = ASSAY_KERNEL_SHA256_LEAVES,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
