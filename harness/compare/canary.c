/* SPDX-License-Identifier: Apache-2.0
 *
 * See canary.h. */
#include "harness/compare/canary.h"

#include <stdlib.h>

#include "harness/measure.h"
#include "harness/workload.h"

enum { ROUNDS_MAX = 65536 };

/* 2^13 leaves of 2^4 digests: some milliseconds on a core. */
static const struct assay_params params = {{4, 13}};

struct assay_canary {
	struct assay_device device;
	struct assay_engine engine;
	uint8_t seed[ASSAY_HASH_BYTES], root[ASSAY_HASH_BYTES];
	uint8_t (*band_roots)[ASSAY_HASH_BYTES];
	uint64_t *times;
};

enum assay_status assay_canary_open(struct assay_canary **canary, struct assay_error *error)
{
	struct assay_canary *made = *canary = calloc(1, sizeof *made);

	if (!made)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	enum assay_status status = assay_device_open_id(&made->device, "cpu", error);
	if (!status)
		status = assay_engine_prepare(&made->engine, &made->device, &assay_workload_sha256, &params, error);
	if (!status) {
		made->band_roots = malloc(made->engine.bands * sizeof *made->band_roots);
		made->times = malloc(ROUNDS_MAX * sizeof *made->times);
		if (!made->band_roots || !made->times)
			status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	}
	if (status) {
		assay_canary_close(made);
		*canary = NULL;
	}
	return status;
}

enum assay_status assay_canary_run(struct assay_canary *canary, uint64_t ns, double *seconds, struct assay_error *error)
{
	const uint64_t start = assay_clock_ns();
	uint64_t before = start;
	size_t count = 0;

	do {
		enum assay_status status =
		    assay_engine_round(&canary->engine, canary->seed, canary->root, canary->band_roots, error);
		if (status)
			return status;
		const uint64_t now = assay_clock_ns();
		canary->times[count++] = now - before;
		before = now;
	} while (count < ROUNDS_MAX && before - start < ns);
	*seconds = (double)assay_spread_of(canary->times, count).median / 1e9;
	return ASSAY_OK;
}

void assay_canary_close(struct assay_canary *canary)
{
	if (!canary)
		return;
	assay_engine_finish(&canary->engine);
	if (canary->device.backend)
		assay_device_close(&canary->device);
	free(canary->band_roots);
	free(canary->times);
	free(canary);
}
