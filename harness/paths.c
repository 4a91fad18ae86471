/* SPDX-License-Identifier: Apache-2.0
 *
 * The paths of the drawn leaves of a run, computed on one device. See job.h. */
#include <stdlib.h>
#include <string.h>

#include "harness/job.h"
#include "verify/chain.h"

/* A draw and its place among the draws. */
struct drawn {
	uint64_t leaf;
	uint32_t position;
};

static int by_leaf(const void *a, const void *b)
{
	uint64_t x = ((const struct drawn *)a)->leaf, y = ((const struct drawn *)b)->leaf;
	return x < y ? -1 : x > y;
}

/* Band roots that were not kept: the round once more, which must be what it was. */
static enum assay_status bands_again(uint8_t (*bands)[ASSAY_HASH_BYTES], struct assay_engine *engine,
                                     const uint8_t seed[ASSAY_HASH_BYTES], const uint8_t committed[ASSAY_HASH_BYTES],
                                     struct assay_error *error)
{
	uint8_t root[ASSAY_HASH_BYTES];
	enum assay_status status = assay_engine_round(engine, seed, root, bands, error);

	if (!status && memcmp(root, committed, sizeof root) != 0)
		status = assay_fail(error, ASSAY_ERROR_DEVICE, "device.miscompute",
		                    "%s: %s gave another result for the same seed; the device is faulty",
		                    engine->device->id, engine->workload->work->name);
	return status;
}

/* Opens the draws in the order of their rounds, so that each band is computed once. `bands` has room for those of a
 * round. */
static enum assay_status open_drawn(const struct assay_job *job, const struct assay_run_log *log,
                                    const uint8_t seed_0[32], struct assay_engine *engine, const struct drawn *drawn,
                                    uint8_t (*bands)[ASSAY_HASH_BYTES], uint8_t *paths, struct assay_error *error)
{
	uint8_t seed[ASSAY_HASH_BYTES];
	uint32_t round = 0, of_bands = UINT32_MAX;

	memcpy(seed, seed_0, sizeof seed);
	for (uint32_t i = 0; i < job->challenge.samples; i++) {
		enum assay_status status = ASSAY_OK;
		for (; round < drawn[i].leaf >> engine->depth; round++)
			assay_chain_round(seed, log->roots[round]);
		if (of_bands != round && log->band_roots)
			memcpy(bands, log->band_roots + (size_t)round * log->bands, log->bands * sizeof *bands);
		else if (of_bands != round)
			status = bands_again(bands, engine, seed, log->roots[round], error);
		of_bands = round;
		if (!status)
			status = assay_engine_open(engine, seed, (const uint8_t(*)[ASSAY_HASH_BYTES])bands,
			                           drawn[i].leaf & (engine->leaves - 1),
			                           paths + (size_t)drawn[i].position * engine->depth * ASSAY_HASH_BYTES,
			                           error);
		if (status)
			return status;
	}
	return ASSAY_OK;
}

enum assay_status assay_job_open_on(const struct assay_job *job, uint32_t j, uint32_t d, struct assay_device *on,
                                    uint8_t **paths, struct assay_error *error)
{
	const struct assay_segment *segment = &job->challenge.segments[j];
	const struct assay_run_log *log = &job->runs[j * job->challenge.devices + d];
	const uint32_t samples = job->challenge.samples, depth = segment->work->depth(&segment->params);
	struct assay_engine engine;
	uint8_t seed[ASSAY_HASH_BYTES];

	*paths = NULL;
	if (log->rounds == 0)
		return ASSAY_OK;
	uint64_t *draws = malloc(samples * sizeof *draws);
	struct drawn *drawn = malloc(samples * sizeof *drawn);
	/* A tree of one leaf has empty paths; malloc(0) may be NULL. */
	*paths = malloc((size_t)samples * depth * ASSAY_HASH_BYTES + 1);
	enum assay_status status =
	    draws && drawn && *paths ? ASSAY_OK : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	if (!status) {
		assay_draw(draws, samples, job->sample_key, j, d, (uint64_t)log->rounds << depth);
		for (uint32_t i = 0; i < samples; i++)
			drawn[i] = (struct drawn){draws[i], i};
		qsort(drawn, samples, sizeof *drawn, by_leaf);
		assay_chain_run(seed, job->segment_seeds[j], d);
		status = assay_engine_prepare(&engine, on, assay_workload_of(segment->work), &segment->params, error);
		if (!status && segment->work->fill) {
			uint8_t before[ASSAY_HASH_BYTES];
			/* Whole rounds are slow without the table; where there is no room for it now they still can be
			 * done. */
			if (!log->band_roots)
				(void)!engine.workload->reserve(engine.state, NULL);
			assay_chain_run(before, job->segment_seeds[j - 1], d);
			status = engine.workload->fill(engine.state, before, error);
		}
		uint8_t(*bands)[ASSAY_HASH_BYTES] = status ? NULL : malloc(engine.bands * sizeof *bands);
		if (!status && !bands)
			status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
		if (!status)
			status = open_drawn(job, log, seed, &engine, drawn, bands, *paths, error);
		free(bands);
		assay_engine_finish(&engine);
	}
	free(draws);
	free(drawn);
	if (status) {
		free(*paths);
		*paths = NULL;
	}
	return status;
}
