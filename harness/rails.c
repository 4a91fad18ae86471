/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of operands at the ends of their range, with the largest k: what narrow, saturating or rounding accumulators
 * get wrong, and random operands do not show. */
#include <stdlib.h>

#include "harness/selftest.h"
#include "harness/workload.h"

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
			status = assay_selftest_wrong(device, "matmul-i8/1 with operands at the rails", error);
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

enum assay_status assay_rails_matmul_i8(struct assay_device *device, struct assay_error *error)
{
	const struct assay_shape *shape = &device->kernels[ASSAY_KERNEL_MATMUL_I8].shape;
	enum assay_status status = rail_cases(device, 1, 1, sizeof rails / sizeof *rails, error);

	/* In every place of a block. */
	return status || !shape->items ? status : rail_cases(device, shape->rows, shape->columns, 2, error);
}
