/* SPDX-License-Identifier: Apache-2.0
 *
 * See selftest.h. */
#include "harness/selftest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/workload.h"
#include "verify/chain.h"

static enum assay_status wrong(const struct assay_device *device, const char *what, struct assay_error *error)
{
	return assay_fail(error, ASSAY_ERROR_DEVICE, "device.miscompute",
	                  "%s: the self-test is wrong in %s; the device, its driver or its compiler is faulty",
	                  device->id, what);
}

/* The root of a round by the verifier's arithmetic. */
static enum assay_status reference_root(uint8_t root[32], const struct assay_work *work,
                                        const struct assay_params *params, const uint8_t seed[32],
                                        struct assay_error *error)
{
	uint64_t count = UINT64_C(1) << work->depth(params);
	uint8_t value[ASSAY_LEAF_BYTES_MAX];
	uint8_t(*level)[32] = malloc(count * 32);

	if (!level)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	for (uint64_t i = 0; i < count; i++) {
		work->leaf(value, params, seed, i);
		assay_merkle_leaf(level[i], value, work->leaf_bytes);
	}
	for (; count > 1; count /= 2)
		for (uint64_t i = 0; i < count / 2; i++)
			assay_merkle_node(level[i], level[2 * i], level[2 * i + 1]);
	memcpy(root, level[0], 32);
	free(level);
	return ASSAY_OK;
}

/* A round, and the path of one leaf, against the reference. */
static enum assay_status round_case(struct assay_device *device, const struct assay_workload *workload,
                                    const struct assay_params *params, struct assay_error *error)
{
	const struct assay_work *work = workload->work;
	struct assay_engine engine;
	uint8_t seed[32], root[32], expected[32], hash[32], path[ASSAY_DEPTH_MAX * 32], value[ASSAY_LEAF_BYTES_MAX];
	uint8_t(*band_roots)[32] = NULL;

	for (uint32_t i = 0; i < 32; i++)
		seed[i] = (uint8_t)(i * 7 + params->value[0]);
	enum assay_status status = assay_engine_prepare(&engine, device, workload, params, error);
	if (status)
		return status;
	const uint64_t leaf = engine.leaves * 2 / 3;
	band_roots = malloc(engine.bands * 32);
	if (!band_roots)
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	if (!status)
		status = reference_root(expected, work, params, seed, error);
	if (!status)
		status = assay_engine_round(&engine, seed, root, band_roots, error);
	if (!status && memcmp(root, expected, 32) != 0)
		status = wrong(device, work->name, error);
	if (!status)
		status = assay_engine_open(&engine, seed, (const uint8_t(*)[32])band_roots, leaf, path, error);
	if (!status) {
		work->leaf(value, params, seed, leaf);
		assay_merkle_leaf(hash, value, work->leaf_bytes);
		for (uint32_t level = 0; level < engine.depth; level++)
			assay_merkle_fold(hash, leaf, level, path + 32 * level);
		if (memcmp(hash, expected, 32) != 0)
			status = wrong(device, "an opening", error);
	}
	free(band_roots);
	assay_engine_finish(&engine);
	return status;
}

/* ---- Rails of matmul-i8: the largest k, every operand byte given ---- */

enum { RAIL_K = 131008 };

struct rail {
	int8_t a[2], b[2]; /* bytes of even and odd k */
};

static const struct rail rails[] = {
    {{-128, -128}, {-128, -128}},                             /* the largest sum there is */
    {{-128, -128}, {127, 127}},                               /* the smallest */
    {{127, 127}, {127, 127}},     {{-128, 127}, {127, -128}}, /* signs alternate: a saturating pair sum shows */
    {{-128, 127}, {-128, 127}},   {{-1, 1}, {1, 1}},          /* nothing may remain */
    {{1, 0}, {1, 127}},
};

/* Operands and result of rows x columns tiles. */
struct rail_buffers {
	void *device[3];
	uint8_t *host;
	uint32_t rows, columns;
};

/* The panel layout: word w of row r at (w * 16 + r) * 4 of its panel. Every fourth row is zero when `gaps`, so that a
 * mixed-up lane shows. */
static void rail_operand(uint8_t *operand, size_t len, const int8_t bytes[2], bool gaps)
{
	for (size_t i = 0; i < len; i++)
		operand[i] = gaps && i / 4 % 16 % 4 == 3 ? 0 : (uint8_t)bytes[i % 2];
}

static enum assay_status rail_case(struct assay_device *device, const struct rail_buffers *buffers,
                                   const struct rail *rail, struct assay_error *error)
{
	const struct assay_backend *backend = device->backend;
	const uint32_t tiles = buffers->rows * buffers->columns;
	const size_t a_len = (size_t)buffers->rows * 16 * RAIL_K, b_len = (size_t)buffers->columns * 16 * RAIL_K;
	const int32_t even = rail->a[0] * rail->b[0], odd = rail->a[1] * rail->b[1];
	int32_t *entries = (int32_t *)(void *)buffers->host;

	rail_operand(buffers->host, a_len, rail->a, false);
	enum assay_status status = backend->write(device->handle, buffers->device[0], 0, buffers->host, a_len, error);
	rail_operand(buffers->host, b_len, rail->b, true);
	if (!status)
		status = backend->write(device->handle, buffers->device[1], 0, buffers->host, b_len, error);
	const struct assay_argument arguments[] = {ASSAY_BUFFER(buffers->device[0]),
	                                           ASSAY_BUFFER(buffers->device[1]),
	                                           ASSAY_BUFFER(buffers->device[2]),
	                                           ASSAY_VALUE(0),
	                                           ASSAY_VALUE(tiles),
	                                           ASSAY_VALUE(buffers->columns),
	                                           ASSAY_VALUE(RAIL_K / 4)};
	if (!status)
		status = assay_device_launch(
		    device, ASSAY_KERNEL_MATMUL_I8,
		    assay_device_items(device, ASSAY_KERNEL_MATMUL_I8, buffers->rows, buffers->columns), arguments, 7,
		    error);
	if (!status)
		status = backend->read(device->handle, entries, buffers->device[2], 0, (size_t)tiles * 1024, error);
	for (uint32_t i = 0; !status && i < tiles * 256; i++)
		if (entries[i] != (i % 4 == 3 ? 0 : (even + odd) * (RAIL_K / 2)))
			status = wrong(device, "matmul-i8/1 with operands at the rails", error);
	return status;
}

/* The first `count` rails over rows x columns tiles. */
static enum assay_status rail_cases(struct assay_device *device, uint32_t rows, uint32_t columns, size_t count,
                                    struct assay_error *error)
{
	const struct assay_backend *backend = device->backend;
	const size_t lens[3] = {(size_t)rows * 16 * RAIL_K, (size_t)columns * 16 * RAIL_K,
	                        (size_t)rows * columns * 1024};
	struct rail_buffers buffers = {
	    .host = malloc(rows > columns ? lens[0] : lens[1]), .rows = rows, .columns = columns};
	enum assay_status status =
	    buffers.host ? ASSAY_OK : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");

	for (size_t i = 0; !status && i < 3; i++)
		status = backend->alloc(device->handle, &buffers.device[i], lens[i], error);
	for (size_t i = 0; !status && i < count; i++)
		status = rail_case(device, &buffers, &rails[i], error);
	for (size_t i = 0; i < 3; i++)
		if (buffers.device[i])
			backend->release(device->handle, buffers.device[i]);
	free(buffers.host);
	return status;
}

enum assay_status assay_selftest(struct assay_device *device, struct assay_error *error)
{
	/* k, m, n: one tile; more columns than rows; a k that is no multiple of anything but 64. */
	static const struct assay_params matmul[] = {{{64, 16, 16}}, {{1024, 32, 128}}, {{1088, 64, 16}}};
	/* log2Digests, log2Leaves: one digest; fewer leaves than lanes; several bands. */
	static const struct assay_params sha256[] = {{{0, 0}}, {{3, 2}}, {{1, 7}}};
	const struct assay_shape *shape = &device->kernels[ASSAY_KERNEL_MATMUL_I8].shape;
	enum assay_status status = ASSAY_OK;

	for (size_t i = 0; !status && i < 3; i++)
		status = round_case(device, &assay_workload_matmul_i8, &matmul[i], error);
	for (size_t i = 0; !status && i < 3; i++)
		status = round_case(device, &assay_workload_sha256, &sha256[i], error);
	if (!status)
		status = rail_cases(device, 1, 1, sizeof rails / sizeof *rails, error);
	/* Where a group makes a block of tiles together: four blocks, and the rails in every place of one. */
	if (!status && shape->items) {
		const struct assay_params blocks = {{320, 32 * shape->rows, 32 * shape->columns}};
		status = round_case(device, &assay_workload_matmul_i8, &blocks, error);
		if (!status)
			status = rail_cases(device, shape->rows, shape->columns, 2, error);
	}
	return status;
}
