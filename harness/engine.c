/* SPDX-License-Identifier: Apache-2.0
 *
 * Rounds and openings of any workload. See workload.h. */
#include "harness/workload.h"

#include <stdlib.h>
#include <string.h>

#include "harness/measure.h"
#include "verify/chain.h"

const struct assay_workload *const assay_workloads[] = {&assay_workload_matmul_i8,
                                                        &assay_workload_matmul_i9,
                                                        &assay_workload_matmul_f32,
                                                        &assay_workload_matmul_f64,
                                                        &assay_workload_sha256,
                                                        &assay_workload_memory,
                                                        NULL};

const struct assay_workload *assay_workload_of(const struct assay_work *work)
{
	for (const struct assay_workload *const *workload = assay_workloads; *workload; workload++)
		if ((*workload)->work == work || (*workload)->work->fill == work)
			return *workload;
	return NULL;
}

enum assay_status assay_engine_prepare(struct assay_engine *engine, struct assay_device *device,
                                       const struct assay_workload *workload, const struct assay_params *params,
                                       struct assay_error *error)
{
	const struct assay_backend *backend = device->backend;

	memset(engine, 0, sizeof *engine);
	engine->workload = workload;
	engine->device = device;
	engine->params = *params;
	engine->depth = workload->work->depth(params);
	engine->leaves = UINT64_C(1) << engine->depth;
	engine->band = workload->band(params);
	engine->bands = engine->leaves / engine->band;
	/* Kernels count leaves and digests in 32 bits. */
	if (engine->depth > 30)
		return assay_fail(error, ASSAY_ERROR_INPUT, "plan.size",
		                  "%s: a round of 2^%u leaves is too large to run here", workload->work->name,
		                  engine->depth);

	enum assay_status status =
	    backend->alloc(device->handle, &engine->values, engine->leaves * workload->work->leaf_bytes, error);
	if (!status)
		status = backend->alloc(device->handle, &engine->tree, 2 * engine->leaves * ASSAY_HASH_BYTES, error);
	if (!status)
		status = workload->prepare(&engine->state, device, params, error);
	if (!status && !(engine->subtree = malloc(2 * engine->band * ASSAY_HASH_BYTES)))
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	if (status)
		assay_engine_finish(engine);
	return status;
}

void assay_engine_finish(struct assay_engine *engine)
{
	if (!engine || !engine->device)
		return;
	const struct assay_backend *backend = engine->device->backend;
	if (engine->state)
		engine->workload->finish(engine->state);
	if (engine->values)
		backend->release(engine->device->handle, engine->values);
	if (engine->tree)
		backend->release(engine->device->handle, engine->tree);
	free(engine->subtree);
	memset(engine, 0, sizeof *engine);
}

enum assay_status assay_engine_fill(struct assay_engine *engine, const uint8_t seed[ASSAY_HASH_BYTES], bool room,
                                    struct assay_error *error)
{
	const struct assay_workload *workload = engine->workload;

	if (!workload->fill)
		return ASSAY_OK;
	enum assay_status status = room ? workload->reserve(engine->state, error) : ASSAY_OK;
	return status ? status : workload->fill(engine->state, seed, error);
}

/* Digests of the first `count` leaf values and of every level above them, into the tree buffer: level t begins at
 * digest 2 * count - 2 * (count >> t). */
static enum assay_status hash_tree(struct assay_engine *engine, uint64_t count, struct assay_error *error)
{
	const uint32_t lanes = engine->device->info.lanes, words = engine->workload->work->leaf_bytes / 4;
	uint32_t left = (uint32_t)count, first = 0;

	const struct assay_argument leaves[] = {ASSAY_BUFFER(engine->values),
	                                        ASSAY_VALUE(0),
	                                        ASSAY_BUFFER(engine->tree),
	                                        ASSAY_VALUE(0),
	                                        ASSAY_VALUE(0x00),
	                                        ASSAY_VALUE(words),
	                                        ASSAY_VALUE(left)};
	enum assay_status status =
	    assay_device_launch(engine->device, ASSAY_KERNEL_MERKLE_HASH, (left + lanes - 1) / lanes, leaves, 7, error);
	while (!status && left > 1) {
		const struct assay_argument nodes[] = {ASSAY_BUFFER(engine->tree), ASSAY_VALUE(first),
		                                       ASSAY_BUFFER(engine->tree), ASSAY_VALUE(first + left),
		                                       ASSAY_VALUE(0x01),          ASSAY_VALUE(16),
		                                       ASSAY_VALUE(left / 2)};
		first += left;
		left /= 2;
		status = assay_device_launch(engine->device, ASSAY_KERNEL_MERKLE_HASH, (left + lanes - 1) / lanes,
		                             nodes, 7, error);
	}
	return status;
}

enum assay_status assay_engine_round(struct assay_engine *engine, const uint8_t seed[ASSAY_HASH_BYTES],
                                     uint8_t root[ASSAY_HASH_BYTES], uint8_t (*band_roots)[ASSAY_HASH_BYTES],
                                     struct assay_error *error)
{
	const struct assay_backend *backend = engine->device->backend;
	void *device = engine->device->handle;
	const uint64_t band_level = 2 * engine->leaves - 2 * engine->bands, top = 2 * engine->leaves - 2;

	engine->device_ns = ASSAY_NS_UNKNOWN;
	backend->mark(device, 0);
	enum assay_status status =
	    engine->workload->leaves(engine->state, seed, 0, engine->leaves, engine->values, error);
	if (!status)
		status = hash_tree(engine, engine->leaves, error);
	backend->mark(device, 1);
	if (!status)
		status = backend->read(device, band_roots, engine->tree, band_level * ASSAY_HASH_BYTES,
		                       engine->bands * ASSAY_HASH_BYTES, error);
	if (!status)
		status = backend->read(device, root, engine->tree, top * ASSAY_HASH_BYTES, ASSAY_HASH_BYTES, error);
	/* Both marks have passed: what was read comes after them. */
	if (!status && !backend->elapsed(device, &engine->device_ns))
		engine->device_ns = ASSAY_NS_UNKNOWN;
	return status;
}

/* Recomputes a band and keeps its tree. */
static enum assay_status band_recompute(struct assay_engine *engine, const uint8_t seed[ASSAY_HASH_BYTES],
                                        uint64_t band, struct assay_error *error)
{
	const struct assay_backend *backend = engine->device->backend;

	engine->subtree_valid = false;
	enum assay_status status =
	    engine->workload->leaves(engine->state, seed, band * engine->band, engine->band, engine->values, error);
	if (!status)
		status = hash_tree(engine, engine->band, error);
	if (!status)
		status = backend->read(engine->device->handle, engine->subtree, engine->tree, 0,
		                       (2 * engine->band - 1) * ASSAY_HASH_BYTES, error);
	if (!status) {
		memcpy(engine->subtree_seed, seed, ASSAY_HASH_BYTES);
		engine->subtree_band = band;
		engine->subtree_valid = true;
	}
	return status;
}

/* The part of a path above the bands. */
static enum assay_status path_above(const struct assay_engine *engine, const uint8_t (*band_roots)[ASSAY_HASH_BYTES],
                                    uint64_t band, uint8_t *path, struct assay_error *error)
{
	uint8_t(*level)[ASSAY_HASH_BYTES] = malloc(engine->bands * ASSAY_HASH_BYTES);

	if (!level)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	memcpy(level, band_roots, engine->bands * ASSAY_HASH_BYTES);
	for (uint64_t count = engine->bands; count > 1; count /= 2, band /= 2) {
		memcpy(path, level[band ^ 1], ASSAY_HASH_BYTES);
		path += ASSAY_HASH_BYTES;
		for (uint64_t i = 0; i < count / 2; i++)
			assay_merkle_node(level[i], level[2 * i], level[2 * i + 1]);
	}
	free(level);
	return ASSAY_OK;
}

enum assay_status assay_engine_open(struct assay_engine *engine, const uint8_t seed[ASSAY_HASH_BYTES],
                                    const uint8_t (*band_roots)[ASSAY_HASH_BYTES], uint64_t leaf, uint8_t *path,
                                    struct assay_error *error)
{
	const uint64_t band = leaf / engine->band;
	uint64_t index = leaf % engine->band, first = 0;

	if (!engine->subtree_valid || engine->subtree_band != band ||
	    memcmp(engine->subtree_seed, seed, ASSAY_HASH_BYTES) != 0) {
		enum assay_status status = band_recompute(engine, seed, band, error);
		if (status)
			return status;
	}
	/* A device that now computes something else must not send a proof that cannot hold. */
	if (memcmp(engine->subtree + (2 * engine->band - 2) * ASSAY_HASH_BYTES, band_roots[band], ASSAY_HASH_BYTES) !=
	    0)
		return assay_fail(error, ASSAY_ERROR_DEVICE, "device.miscompute",
		                  "%s: %s gave another result for the same seed; the device is faulty",
		                  engine->device->id, engine->workload->work->name);

	for (uint64_t count = engine->band; count > 1; count /= 2, index /= 2) {
		memcpy(path, engine->subtree + (first + (index ^ 1)) * ASSAY_HASH_BYTES, ASSAY_HASH_BYTES);
		path += ASSAY_HASH_BYTES;
		first += count;
	}
	return path_above(engine, band_roots, band, path, error);
}
