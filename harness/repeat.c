/* SPDX-License-Identifier: Apache-2.0
 *
 * See repeat.h. */
#include "harness/repeat.h"

#include <stdlib.h>
#include <string.h>

enum assay_status assay_repeat_open(struct assay_repeat *repeat, struct assay_engine *engine, struct assay_error *error)
{
	const struct assay_device *device = engine->device;

	*repeat = (struct assay_repeat){.engine = engine, .bands = malloc(engine->bands * sizeof *repeat->bands)};
	if (!repeat->bands)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	return device->backend->alloc(device->handle, &repeat->tree, 2 * engine->leaves * ASSAY_HASH_BYTES, error);
}

void assay_repeat_close(struct assay_repeat *repeat)
{
	if (!repeat || !repeat->engine)
		return;
	if (repeat->tree)
		repeat->engine->device->backend->release(repeat->engine->device->handle, repeat->tree);
	free(repeat->bands);
	memset(repeat, 0, sizeof *repeat);
}

static void trees_swap(struct assay_repeat *repeat)
{
	void *tree = repeat->engine->tree;

	repeat->engine->tree = repeat->tree;
	repeat->tree = tree;
}

/* Two neighbours of level `level` (0 = leaves) of both trees; *same are those that are the same. */
static enum assay_status pair_compare(struct assay_repeat *repeat, uint32_t level, uint64_t left, bool same[2],
                                      struct assay_error *error)
{
	const struct assay_engine *engine = repeat->engine;
	/* Level t begins at 2 * leaves - 2 * (leaves >> t). */
	const uint64_t at = 2 * engine->leaves - 2 * (engine->leaves >> level) + left;
	void *const trees[2] = {repeat->tree, engine->tree};
	uint8_t nodes[2][2][ASSAY_HASH_BYTES];
	enum assay_status status = ASSAY_OK;

	for (int i = 0; !status && i < 2; i++)
		status = engine->device->backend->read(engine->device->handle, nodes[i], trees[i],
		                                       at * ASSAY_HASH_BYTES, sizeof nodes[i], error);
	for (int i = 0; !status && i < 2; i++)
		same[i] = memcmp(nodes[0][i], nodes[1][i], ASSAY_HASH_BYTES) == 0;
	return status;
}

/* Goes down from the root to the first leaf that differs. */
static enum assay_status fault_name(struct assay_repeat *repeat, uint32_t round, struct assay_error *error)
{
	const struct assay_engine *engine = repeat->engine;
	uint32_t level = engine->depth;
	uint64_t node = 0;
	bool same[2] = {false, false};

	for (; level > 0; level--) {
		enum assay_status status = pair_compare(repeat, level - 1, 2 * node, same, error);
		if (status)
			return status;
		if (same[0] && same[1])
			break;
		node = 2 * node + (same[0] ? 1 : 0);
	}
	if (level == 0)
		return assay_fail(error, ASSAY_ERROR_DEVICE, "device.miscompute",
		                  "%s: %s gave two results for one seed: round %u, leaf %llu; the device is faulty",
		                  engine->device->id, engine->workload->work->name, round, (unsigned long long)node);
	return assay_fail(error, ASSAY_ERROR_DEVICE, "device.miscompute",
	                  "%s: %s gave two results for one seed: round %u, the hash over leaves %llu to %llu; the "
	                  "device is faulty",
	                  engine->device->id, engine->workload->work->name, round, (unsigned long long)(node << level),
	                  (unsigned long long)(((node + 1) << level) - 1));
}

enum assay_status assay_repeat_round(struct assay_repeat *repeat, const uint8_t seed[ASSAY_HASH_BYTES],
                                     const uint8_t root[ASSAY_HASH_BYTES], uint32_t round, struct assay_error *error)
{
	const struct assay_engine *engine = repeat->engine;
	uint8_t again[ASSAY_HASH_BYTES];

	trees_swap(repeat);
	if (engine->workload->forget)
		engine->workload->forget(engine->state);
	enum assay_status status = assay_engine_round(repeat->engine, seed, again, repeat->bands, error);
	if (!status && memcmp(again, root, sizeof again) != 0)
		status = fault_name(repeat, round, error);
	return status;
}
