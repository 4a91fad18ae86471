/* SPDX-License-Identifier: Apache-2.0
 *
 * See plan.h. */
#include "harness/plan.h"

#include <stdlib.h>
#include <string.h>

#include "harness/measure.h"
#include "harness/timing.h"
#include "harness/workload.h"

/* What one segment takes beside the time that is asked for, in nanoseconds. */
struct cost {
	uint64_t setup, round, opening; /* buffers and a first round; one more; one leaf */
};

/* The seed of trials, which no job has. */
static const uint8_t seed[ASSAY_HASH_BYTES] = {0};

/* As in a job: memory, and the table where there is one; then rounds. */
static enum assay_status trial_rounds(struct cost *cost, struct assay_engine *engine,
                                      uint8_t (*band_roots)[ASSAY_HASH_BYTES], uint64_t start,
                                      struct assay_error *error)
{
	const struct assay_device *device = engine->device;
	uint8_t root[ASSAY_HASH_BYTES];
	enum assay_status status = assay_engine_fill(engine, seed, true, error);

	if (!status)
		status = device->backend->synchronise(device->handle, error);
	if (!status)
		status = assay_engine_round(engine, seed, root, band_roots, error);
	uint64_t first = assay_clock_ns();
	if (!status)
		status = assay_engine_round(engine, seed, root, band_roots, error);
	if (!status)
		*cost = (struct cost){.setup = first - start, .round = assay_clock_ns() - first};
	return status;
}

/* As after a job: without the table. */
static enum assay_status trial_opening(struct cost *cost, struct assay_engine *engine,
                                       uint8_t (*band_roots)[ASSAY_HASH_BYTES], struct assay_error *error)
{
	uint8_t *path = malloc((size_t)engine->depth * ASSAY_HASH_BYTES + 1);
	enum assay_status status = path ? ASSAY_OK : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");

	if (!status)
		status = assay_engine_fill(engine, seed, false, error);
	uint64_t start = assay_clock_ns();
	if (!status)
		status =
		    assay_engine_open(engine, seed, (const uint8_t(*)[ASSAY_HASH_BYTES])band_roots, 0, path, error);
	cost->opening = assay_clock_ns() - start;
	free(path);
	return status;
}

static enum assay_status trial(struct cost *cost, struct assay_device *device, const struct assay_segment *segment,
                               struct assay_error *error)
{
	const struct assay_workload *workload = assay_workload_of(segment->work);
	const uint64_t start = assay_clock_ns();
	struct assay_engine engine;
	enum assay_status status = assay_engine_prepare(&engine, device, workload, &segment->params, error);
	uint8_t(*band_roots)[ASSAY_HASH_BYTES] = status ? NULL : malloc(engine.bands * sizeof *band_roots);

	if (!status && !band_roots)
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	if (!status)
		status = trial_rounds(cost, &engine, band_roots, start, error);
	assay_engine_finish(&engine);
	if (!status) {
		status = assay_engine_prepare(&engine, device, workload, &segment->params, error);
		if (!status)
			status = trial_opening(cost, &engine, band_roots, error);
		assay_engine_finish(&engine);
	}
	free(band_roots);
	return status;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What segment j takes beside its duration: the slowest device's rounds, and the openings of all, one by one. A device
 * that fails here is left to fail in the job. */
static enum assay_status overhead(uint64_t *ns, const struct assay_challenge *challenge, uint32_t j,
                                  struct assay_device *devices, const struct assay_plan *plan,
                                  struct assay_error *error)
{
	const struct assay_segment *segment = &challenge->segments[j];
	struct cost costs[ASSAY_DEVICES_MAX] = {{0}}, slowest = {0};
	const uint64_t stagger_ns = UINT64_C(1000000) * plan->stagger_ms * (challenge->devices - 1);
	uint64_t openings = 0;
	uint32_t on_processor = 0;

	/* The table is made, and counted, in the trial of its walk. */
	if (segment->work->is_fill) {
		*ns = stagger_ns;
		return ASSAY_OK;
	}
	for (uint32_t d = 0; d < challenge->devices; d++)
		on_processor += devices[d].info.is_cpu;
	for (uint32_t d = 0; d < challenge->devices; d++) {
		uint32_t same = 0;
		while (same < d && (devices[same].backend != devices[d].backend ||
		                    strcmp(devices[same].info.name, devices[d].info.name) != 0))
			same++;
		if (same < d)
			costs[d] = costs[same];
		else if (trial(&costs[d], &devices[d], segment, error) == ASSAY_ERROR_INPUT)
			return ASSAY_ERROR_INPUT;
		/* Those that share the processor slow each other, in the rounds. */
		const uint64_t sharing = plan->in_turns           ? challenge->devices
		                         : devices[d].info.is_cpu ? on_processor
		                                                  : 1;
		slowest.setup = most(slowest.setup, costs[d].setup * sharing);
		slowest.round = most(slowest.round, costs[d].round * sharing);
		openings += costs[d].setup +
		            challenge->samples * (costs[d].opening + assay_leaf_ns(segment->work, &segment->params));
	}
	/* Before the barrier a long segment does a second round; the last one may begin just before the end. */
	uint64_t sum = slowest.setup + 2 * slowest.round + openings;
	/* A tenth for what is not measured here: files, signatures, other programs. */
	*ns = sum + sum / 10 + stagger_ns;
	if (segment->rounds)
		*ns += slowest.round * segment->rounds;
	return ASSAY_OK;
}

enum assay_status assay_plan_fit(struct assay_challenge *challenge, struct assay_device *devices,
                                 const struct assay_plan *plan, uint64_t *needed_ns, struct assay_error *error)
{
	const uint64_t second = 1000000000, start = assay_clock_ns();
	uint64_t beside = 0, least = 0;
	uint32_t timed = 0;

	for (uint32_t j = 0; j < challenge->segment_count; j++) {
		uint64_t ns;
		enum assay_status status = overhead(&ns, challenge, j, devices, plan, error);
		if (status)
			return status;
		beside += ns;
		timed += challenge->segments[j].duration_ms > 0;
	}
	least = beside + UINT64_C(1000000) * plan->least_ms * timed;
	const uint64_t trials = assay_clock_ns() - start;
	const uint64_t left_ns = plan->left_ns > trials ? plan->left_ns - trials : 0;
	if (least > left_ns)
		return assay_fail(error, ASSAY_ERROR_INPUT, "plan.time",
		                  "this takes about %llu s here, and --max-time leaves %llu s of it: give at least "
		                  "--max-time %llus, or fewer workloads (-w) or devices (-d)",
		                  (unsigned long long)(least / second + 1), (unsigned long long)(left_ns / second),
		                  (unsigned long long)((plan->spent_ns + trials + least) / second + 1));
	*needed_ns = beside;
	const uint64_t fits_ms = timed ? (left_ns - beside) / timed / second * 1000 : 0;
	for (uint32_t j = 0; j < challenge->segment_count; j++) {
		struct assay_segment *segment = &challenge->segments[j];
		if (segment->duration_ms > most(fits_ms, plan->least_ms))
			segment->duration_ms = (uint32_t)most(fits_ms, plan->least_ms);
		*needed_ns += UINT64_C(1000000) * segment->duration_ms;
	}
	return ASSAY_OK;
}
