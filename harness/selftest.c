/* SPDX-License-Identifier: Apache-2.0
 *
 * See selftest.h. */
#include "harness/selftest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/workload.h"
#include "verify/chain.h"

enum assay_status assay_selftest_wrong(const struct assay_device *device, const char *what, struct assay_error *error)
{
	return assay_fail(error, ASSAY_ERROR_DEVICE, "device.miscompute",
	                  "%s: the self-test is wrong in %s; the device, its driver or its compiler is faulty",
	                  device->id, what);
}

/* Seeds of a round and of the fill before it. */
struct seeds {
	uint8_t round[32], fill[32];
};

/* The hash of a leaf by the verifier's arithmetic. */
static void reference_leaf(uint8_t hash[32], const struct assay_work *work, const struct assay_params *params,
                           const struct seeds *seeds, uint64_t index)
{
	const struct assay_leaf leaf = {seeds->round, seeds->fill, index};
	uint8_t value[ASSAY_LEAF_BYTES_MAX];

	assay_work_leaves(value, work, params, &leaf, 1);
	assay_merkle_leaf(hash, value, work->leaf_bytes);
}

/* The root of a round by the verifier's arithmetic. */
static enum assay_status reference_root(uint8_t root[32], const struct assay_work *work,
                                        const struct assay_params *params, const struct seeds *seeds,
                                        struct assay_error *error)
{
	uint64_t count = UINT64_C(1) << work->depth(params);
	uint8_t(*level)[32] = malloc(count * 32);

	if (!level)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	for (uint64_t i = 0; i < count; i++)
		reference_leaf(level[i], work, params, seeds, i);
	for (; count > 1; count /= 2)
		for (uint64_t i = 0; i < count / 2; i++)
			assay_merkle_node(level[i], level[2 * i], level[2 * i + 1]);
	memcpy(root, level[0], 32);
	free(level);
	return ASSAY_OK;
}

/* A workload made ready on a device: with a table, or without one. */
static enum assay_status engine_ready(struct assay_engine *engine, struct assay_device *device,
                                      const struct assay_workload *workload, const struct assay_params *params,
                                      const struct seeds *seeds, bool table, struct assay_error *error)
{
	enum assay_status status = assay_engine_prepare(engine, device, workload, params, error);

	if (status)
		return status;
	status = assay_engine_fill(engine, seeds->fill, table, error);
	if (status)
		assay_engine_finish(engine);
	return status;
}

/* The path of one leaf against the root, by an engine that has only what an opening needs. */
static enum assay_status opening_case(struct assay_device *device, const struct assay_workload *workload,
                                      const struct assay_params *params, const struct seeds *seeds,
                                      const uint8_t expected[32], const uint8_t (*band_roots)[32],
                                      struct assay_error *error)
{
	uint8_t hash[32], path[ASSAY_DEPTH_MAX * 32];
	struct assay_engine engine;
	enum assay_status status = engine_ready(&engine, device, workload, params, seeds, false, error);

	if (status)
		return status;
	const uint64_t leaf = engine.leaves * 2 / 3;
	status = assay_engine_open(&engine, seeds->round, band_roots, leaf, path, error);
	if (!status) {
		reference_leaf(hash, workload->work, params, seeds, leaf);
		for (uint32_t level = 0; level < engine.depth; level++)
			assay_merkle_fold(hash, leaf, level, path + 32 * level);
		if (memcmp(hash, expected, 32) != 0)
			status = assay_selftest_wrong(device, "an opening", error);
	}
	assay_engine_finish(&engine);
	return status;
}

/* A round, and the path of one leaf, against the reference. */
static enum assay_status round_case(struct assay_device *device, const struct assay_workload *workload,
                                    const struct assay_params *params, struct assay_error *error)
{
	struct assay_engine engine;
	struct seeds seeds;
	uint8_t root[32], expected[32];

	for (uint32_t i = 0; i < 32; i++) {
		seeds.round[i] = (uint8_t)(i * 7 + params->value[0]);
		seeds.fill[i] = (uint8_t)(i * 5 + params->value[1]);
	}
	enum assay_status status = engine_ready(&engine, device, workload, params, &seeds, true, error);
	if (status)
		return status;
	uint8_t(*band_roots)[32] = malloc(engine.bands * 32);
	if (!band_roots)
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	if (!status)
		status = reference_root(expected, workload->work, params, &seeds, error);
	if (!status)
		status = assay_engine_round(&engine, seeds.round, root, band_roots, error);
	if (!status && memcmp(root, expected, 32) != 0)
		status = assay_selftest_wrong(device, workload->work->name, error);
	assay_engine_finish(&engine);
	if (!status)
		status =
		    opening_case(device, workload, params, &seeds, expected, (const uint8_t(*)[32])band_roots, error);
	free(band_roots);
	return status;
}

enum assay_status assay_selftest(struct assay_device *device, struct assay_error *error)
{
	enum assay_status status = ASSAY_OK;

	for (const struct assay_workload *const *entry = assay_workloads; !status && *entry; entry++) {
		const struct assay_workload *workload = *entry;
		const struct assay_shape *shape = &device->kernels[workload->kernel].shape;
		for (size_t i = 0; !status && i < workload->case_count; i++)
			status = round_case(device, workload, &workload->cases[i], error);
		/* Where a group makes a block of tiles together: four blocks. */
		if (!status && shape->items) {
			const struct assay_params blocks = {{320, 32 * shape->rows, 32 * shape->columns}};
			status = round_case(device, workload, &blocks, error);
		}
		if (!status && workload->rails)
			status = workload->rails(device, error);
	}
	return status;
}
