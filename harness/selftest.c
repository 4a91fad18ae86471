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

/* ---- Rails of matmul-i8: one tile at the largest k, every operand byte given ---- */

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

static enum assay_status rail_case(struct assay_device *device, void *const buffers[3], uint8_t *operand,
                                   const struct rail *rail, struct assay_error *error)
{
	const struct assay_backend *backend = device->backend;
	const size_t len = (size_t)16 * RAIL_K;
	/* Every fourth column of B is zero, so that a mixed-up lane shows. */
	const int32_t even = rail->a[0] * rail->b[0], odd = rail->a[1] * rail->b[1];
	int32_t tile[16][16];
	enum assay_status status;

	/* The panel layout: word w of row r at (w * 16 + r) * 4. */
	for (size_t i = 0; i < len; i++)
		operand[i] = (uint8_t)rail->a[i % 2];
	status = backend->write(device->handle, buffers[0], 0, operand, len, error);
	for (size_t i = 0; i < len; i++) {
		bool zero_column = (i / 4) % 16 % 4 == 3;
		operand[i] = zero_column ? 0 : (uint8_t)rail->b[i % 2];
	}
	if (!status)
		status = backend->write(device->handle, buffers[1], 0, operand, len, error);
	const struct assay_argument arguments[] = {ASSAY_BUFFER(buffers[0]), ASSAY_BUFFER(buffers[1]),
	                                           ASSAY_BUFFER(buffers[2]), ASSAY_VALUE(1), ASSAY_VALUE(RAIL_K / 4)};
	if (!status)
		status = assay_device_launch(device, ASSAY_KERNEL_MATMUL_I8, 1, arguments, 5, error);
	if (!status)
		status = backend->read(device->handle, tile, buffers[2], 0, sizeof tile, error);
	for (uint32_t i = 0; !status && i < 256; i++) {
		int32_t expected = i % 4 == 3 ? 0 : (even + odd) * (RAIL_K / 2);
		if (tile[i / 16][i % 16] != expected)
			status = wrong(device, "matmul-i8/1 with operands at the rails", error);
	}
	return status;
}

static enum assay_status rail_cases(struct assay_device *device, struct assay_error *error)
{
	const struct assay_backend *backend = device->backend;
	void *buffers[3] = {NULL, NULL, NULL};
	const size_t lens[3] = {(size_t)16 * RAIL_K, (size_t)16 * RAIL_K, 1024};
	uint8_t *operand = malloc(lens[0]);
	enum assay_status status =
	    operand ? ASSAY_OK : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");

	for (size_t i = 0; !status && i < 3; i++)
		status = backend->alloc(device->handle, &buffers[i], lens[i], error);
	for (size_t i = 0; !status && i < sizeof rails / sizeof *rails; i++)
		status = rail_case(device, buffers, operand, &rails[i], error);
	for (size_t i = 0; i < 3; i++)
		if (buffers[i])
			backend->release(device->handle, buffers[i]);
	free(operand);
	return status;
}

enum assay_status assay_selftest(struct assay_device *device, struct assay_error *error)
{
	/* k, m, n: one tile; more columns than rows; a k that is no multiple of anything but 64. */
	static const struct assay_params matmul[] = {{{64, 16, 16}}, {{1024, 32, 128}}, {{1088, 64, 16}}};
	/* log2Digests, log2Leaves: one digest; fewer leaves than lanes; several bands. */
	static const struct assay_params sha256[] = {{{0, 0}}, {{3, 2}}, {{1, 7}}};
	enum assay_status status = ASSAY_OK;

	for (size_t i = 0; !status && i < 3; i++)
		status = round_case(device, &assay_workload_matmul_i8, &matmul[i], error);
	for (size_t i = 0; !status && i < 3; i++)
		status = round_case(device, &assay_workload_sha256, &sha256[i], error);
	return status ? status : rail_cases(device, error);
}
