/* SPDX-License-Identifier: Apache-2.0
 *
 * Chains of fused multiply-adds that end a hair beside the middle between two numbers: what a sum with two roundings,
 * or one that loses the lowest bits, gets wrong, and random operands do not show. */
#include <stdlib.h>
#include <string.h>

#include "harness/selftest.h"
#include "harness/workload.h"

enum { RAIL_K = 4160, ENTRIES = 256 };

/* `ones` products of 1 (from -1 * -1), one of x * y, and nothing after it; or before it, when `last`. */
struct rail {
	uint32_t ones;
	double x, y;
	bool last;
	double result;
};

/* Halves of the distance to the next number, and a bit that only an exact sum still has: (2^15 + 2^8 + 1) * (2^15 -
 * 2^8 + 1) = 2^30 + 1, (2^31 + 2^16 + 1) * (2^31 - 2^16 + 1) = 2^62 + 1. */
#define X32 (33025 * 0x1p-23)
#define Y32 (32513 * 0x1p-23)
#define X64 (2147549185 * 0x1p-52)
#define Y64 (2147418113 * 0x1p-52)

static const struct rail rails_f32[] = {
    {256, X32, Y32, false, 256 + 0x1p-15},  {256, -X32, -Y32, true, 256 + 0x1p-15},
    {512, -X32, Y32, false, 512 - 0x1p-15}, {512, X32, -Y32, true, 512 - 0x1p-15},
    {1, 1 - 0x1p-23, -1, false, 0x1p-23},   {1, -1, 1 - 0x1p-23, true, 0x1p-23},
};

static const struct rail rails_f64[] = {
    {2048, X64, Y64, false, 2048 + 0x1p-41},  {2048, -X64, -Y64, true, 2048 + 0x1p-41},
    {4096, -X64, Y64, false, 4096 - 0x1p-41}, {4096, X64, -Y64, true, 4096 - 0x1p-41},
    {1, 1 - 0x1p-52, -1, false, 0x1p-52},     {1, -1, 1 - 0x1p-52, true, 0x1p-52},
};

/* A number of a type as bytes. */
static void put(uint8_t *bytes, size_t index, double number, bool wide)
{
	const float narrow = (float)number;

	if (wide)
		memcpy(bytes + 8 * index, &number, 8);
	else
		memcpy(bytes + 4 * index, &narrow, 4);
}

/* One panel of sixteen equal rows, element l of row r at l * 16 + r; but every fourth row is zero when `gaps`, so that
 * a mixed-up lane shows. */
static void operand(uint8_t *bytes, const struct rail *rail, double number, bool gaps, bool wide)
{
	const uint32_t start = rail->last ? RAIL_K - 1 - rail->ones : 0;

	for (uint32_t l = 0; l < RAIL_K; l++)
		for (uint32_t r = 0; r < 16; r++) {
			const bool one = l >= start && l < start + rail->ones;
			put(bytes, (size_t)l * 16 + r,
			    gaps && r % 4 == 3        ? 0
			    : one                     ? -1
			    : l == start + rail->ones ? number
			                              : 0,
			    wide);
		}
}

static enum assay_status rail_case(struct assay_device *device, void *const buffers[3], uint8_t *host,
                                   const struct rail *rail, bool wide, struct assay_error *error)
{
	const struct assay_backend *backend = device->backend;
	const size_t len = (size_t)RAIL_K * 16 * (wide ? 8 : 4), result_len = ENTRIES * (wide ? 8 : 4);
	const struct assay_argument arguments[] = {
	    ASSAY_BUFFER(buffers[0]), ASSAY_BUFFER(buffers[1]), ASSAY_BUFFER(buffers[2]), ASSAY_VALUE(0),
	    ASSAY_VALUE(1),           ASSAY_VALUE(1),           ASSAY_VALUE(RAIL_K)};
	uint8_t expected[ENTRIES * 8], found[ENTRIES * 8];

	for (uint32_t i = 0; i < ENTRIES; i++)
		put(expected, i, i % 4 == 3 ? 0 : rail->result, wide);
	operand(host, rail, rail->x, false, wide);
	enum assay_status status = backend->write(device->handle, buffers[0], 0, host, len, error);
	operand(host, rail, rail->y, true, wide);
	if (!status)
		status = backend->write(device->handle, buffers[1], 0, host, len, error);
	if (!status)
		status = assay_device_launch(device, wide ? ASSAY_KERNEL_MATMUL_F64 : ASSAY_KERNEL_MATMUL_F32, 1,
		                             arguments, 7, error);
	if (!status)
		status = backend->read(device->handle, found, buffers[2], 0, result_len, error);
	if (!status && memcmp(found, expected, result_len) != 0)
		status = assay_selftest_wrong(
		    device, wide ? "matmul-f64/1 between two numbers" : "matmul-f32/1 between two numbers", error);
	return status;
}

static enum assay_status rail_cases(struct assay_device *device, const struct rail *rails, size_t count, bool wide,
                                    struct assay_error *error)
{
	const struct assay_backend *backend = device->backend;
	const size_t len = (size_t)RAIL_K * 16 * (wide ? 8 : 4);
	void *buffers[3] = {NULL};
	uint8_t *host = malloc(len);
	enum assay_status status = host ? ASSAY_OK : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");

	for (size_t i = 0; !status && i < 3; i++)
		status = backend->alloc(device->handle, &buffers[i], i < 2 ? len : ENTRIES * 8, error);
	for (size_t i = 0; !status && i < count; i++)
		status = rail_case(device, buffers, host, &rails[i], wide, error);
	for (size_t i = 0; i < 3; i++)
		if (buffers[i])
			backend->release(device->handle, buffers[i]);
	free(host);
	return status;
}

enum assay_status assay_rails_matmul_f32(struct assay_device *device, struct assay_error *error)
{
	return rail_cases(device, rails_f32, sizeof rails_f32 / sizeof *rails_f32, false, error);
}

enum assay_status assay_rails_matmul_f64(struct assay_device *device, struct assay_error *error)
{
	return rail_cases(device, rails_f64, sizeof rails_f64 / sizeof *rails_f64, true, error);
}
