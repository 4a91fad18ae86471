/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of operands at the ends of their range, with the largest k: what narrow, saturating or rounding accumulators
 * get wrong, and random operands do not show. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/selftest.h"
#include "harness/workload.h"

/* Elements of even and odd k; or, when `spread`, from 0 to a[0] and to b[0] as by chance. */
struct rail {
	int16_t a[2], b[2];
	bool spread;
};

static const struct rail rails_i8[] = {
    {{-128, -128}, {-128, -128}, false}, /* the largest sum there is */
    {{-128, -128}, {127, 127}, false},   /* the smallest */
    {{127, 127}, {127, 127}, false},
    {{-128, 127}, {127, -128}, false}, /* signs alternate: a saturating pair sum shows */
    {{-128, 127}, {-128, 127}, false},
    {{-1, 1}, {1, 1}, false}, /* nothing may remain */
    {{1, 0}, {1, 127}, false},
};

/* Sums of floats are allowed here, when every 4096 products they are added to integers (SPEC 14): such are exact as
 * long as they stay below 2^24, or are multiples of what they exceed it by. All of these do. */
static const struct rail rails_i9[] = {
    {{-256, -256}, {-256, -256}, false}, /* the largest sum there is */
    {{-256, -256}, {255, 255}, false},   /* the smallest */
    {{63, 63}, {65, 65}, false},         /* 4096 of these come as near to 2^24 as odd products can */
    /* Odd and above 2^24, over all of k and over 8192 products: a float cannot have it. Over 4096 it is below. */
    {{190, 190}, {63, 63}, true},
    {{-190, -190}, {63, 63}, true},
    {{255, 255}, {255, -255}, false}, /* signs alternate: a saturating pair sum shows */
    {{-256, 255}, {255, -256}, false},
    {{-1, 1}, {1, 1}, false}, /* nothing may remain */
    {{1, 0}, {1, 255}, false},
};

/* A product whose rails are tried. */
struct product {
	enum assay_kernel_id id;
	const char *what;
	uint32_t k, element_bytes;
	const struct rail *rails;
	size_t rail_count;
};

/* Operands and result of rows x columns tiles. */
struct rail_buffers {
	void *device[3];
	uint8_t *host;
	uint32_t rows, columns;
};

/* Element k of a row. */
static int32_t element(const int16_t values[2], bool spread, uint32_t k, uint32_t salt)
{
	if (!spread)
		return values[k % 2];
	uint32_t x = (k + 1) * 2654435761u ^ salt;
	x = (x ^ x >> 15) * 2246822519u;
	x ^= x >> 13;
	return (int32_t)(x % ((uint32_t)abs(values[0]) + 1)) * (values[0] < 0 ? -1 : 1);
}

/* An integer of at most nine bits in the form that a kernel wants (kernels/matmul_i9.cl): 16 bits. */
static uint16_t half(int32_t value, uint32_t form)
{
	int exponent;
	double fraction = frexp(abs(value), &exponent); /* value = fraction * 2^exponent, 1/2 <= fraction < 1 */
	uint32_t sign = value < 0 ? 0x8000 : 0;

	if (form == 0)
		return (uint16_t)value;
	return value == 0 ? 0
	                  : (uint16_t)(sign | (uint32_t)(exponent + 14) << 10 | (uint32_t)((2 * fraction - 1) * 1024));
}

/* One panel after the other: word w of row r at (w * 16 + r) * 4 of its panel. Every fourth row is zero when `gaps`, so
 * that a mixed-up lane shows. */
static void operand_fill(uint8_t *operand, const struct product *product, uint32_t panels, const int16_t values[2],
                         bool spread, uint32_t salt, bool gaps, uint32_t form)
{
	const uint32_t a_word = 4 / product->element_bytes, bits = 8 * product->element_bytes;
	const size_t panel_bytes = (size_t)16 * product->k * product->element_bytes;
	uint32_t *words = (uint32_t *)(void *)operand;

	for (uint32_t w = 0; w < product->k / a_word; w++) {
		uint32_t word = 0;
		for (uint32_t i = 0; i < a_word; i++) {
			const int32_t value = element(values, spread, w * a_word + i, salt);
			word |= (uint32_t)(bits == 8 ? (uint8_t)value : half(value, form)) << bits * i;
		}
		for (uint32_t row = 0; row < 16; row++)
			words[w * 16 + row] = gaps && row % 4 == 3 ? 0 : word;
	}
	for (uint32_t panel = 1; panel < panels; panel++)
		memcpy(operand + panel * panel_bytes, operand, panel_bytes);
}

static enum assay_status rail_case(struct assay_device *device, const struct product *product,
                                   const struct rail_buffers *buffers, const struct rail *rail,
                                   struct assay_error *error)
{
	const struct assay_backend *backend = device->backend;
	const uint32_t tiles = buffers->rows * buffers->columns, form = device->kernels[product->id].shape.form;
	const size_t panel_bytes = (size_t)16 * product->k * product->element_bytes;
	int32_t *entries = (int32_t *)(void *)buffers->host, expected = 0;

	for (uint32_t k = 0; k < product->k; k++)
		expected += element(rail->a, rail->spread, k, 1) * element(rail->b, rail->spread, k, 2);
	operand_fill(buffers->host, product, buffers->rows, rail->a, rail->spread, 1, false, form);
	enum assay_status status =
	    backend->write(device->handle, buffers->device[0], 0, buffers->host, buffers->rows * panel_bytes, error);
	operand_fill(buffers->host, product, buffers->columns, rail->b, rail->spread, 2, true, form);
	if (!status)
		status = backend->write(device->handle, buffers->device[1], 0, buffers->host,
		                        buffers->columns * panel_bytes, error);
	const struct assay_argument arguments[] = {ASSAY_BUFFER(buffers->device[0]),
	                                           ASSAY_BUFFER(buffers->device[1]),
	                                           ASSAY_BUFFER(buffers->device[2]),
	                                           ASSAY_VALUE(0),
	                                           ASSAY_VALUE(tiles),
	                                           ASSAY_VALUE(buffers->columns),
	                                           ASSAY_VALUE(product->k * product->element_bytes / 4)};
	if (!status)
		status = assay_device_launch(device, product->id,
		                             assay_device_items(device, product->id, buffers->rows, buffers->columns),
		                             arguments, 7, error);
	if (!status)
		status = backend->read(device->handle, entries, buffers->device[2], 0, (size_t)tiles * 1024, error);
	for (uint32_t i = 0; !status && i < tiles * 256; i++)
		if (entries[i] != (i % 4 == 3 ? 0 : expected))
			status = assay_selftest_wrong(device, product->what, error);
	return status;
}

/* The first `count` rails over rows x columns tiles. */
static enum assay_status rail_cases(struct assay_device *device, const struct product *product, uint32_t rows,
                                    uint32_t columns, size_t count, struct assay_error *error)
{
	const struct assay_backend *backend = device->backend;
	const size_t panel_bytes = (size_t)16 * product->k * product->element_bytes;
	const size_t lens[3] = {rows * panel_bytes, columns * panel_bytes, (size_t)rows * columns * 1024};
	struct rail_buffers buffers = {
	    .host = malloc(rows > columns ? lens[0] : lens[1]), .rows = rows, .columns = columns};
	enum assay_status status =
	    buffers.host ? ASSAY_OK : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");

	for (size_t i = 0; !status && i < 3; i++)
		status = backend->alloc(device->handle, &buffers.device[i], lens[i], error);
	for (size_t i = 0; !status && i < count; i++)
		status = rail_case(device, product, &buffers, &product->rails[i], error);
	for (size_t i = 0; i < 3; i++)
		if (buffers.device[i])
			backend->release(device->handle, buffers.device[i]);
	free(buffers.host);
	return status;
}

static enum assay_status rails(struct assay_device *device, const struct product *product, struct assay_error *error)
{
	const struct assay_shape *shape = &device->kernels[product->id].shape;
	enum assay_status status = rail_cases(device, product, 1, 1, product->rail_count, error);

	/* In every place of a block. */
	return status || !shape->items ? status : rail_cases(device, product, shape->rows, shape->columns, 2, error);
}

enum assay_status assay_rails_matmul_i8(struct assay_device *device, struct assay_error *error)
{
	const struct product product = {.id = ASSAY_KERNEL_MATMUL_I8,
	                                .what = "matmul-i8/1 with operands at the rails",
	                                .k = 131008,
	                                .element_bytes = 1,
	                                .rails = rails_i8,
	                                .rail_count = sizeof rails_i8 / sizeof *rails_i8};

	return rails(device, &product, error);
}

enum assay_status assay_rails_matmul_i9(struct assay_device *device, struct assay_error *error)
{
	const struct product product = {.id = ASSAY_KERNEL_MATMUL_I9,
	                                .what = "matmul-i9/1 with operands at the rails",
	                                .k = 32704,
	                                .element_bytes = 2,
	                                .rails = rails_i9,
	                                .rail_count = sizeof rails_i9 / sizeof *rails_i9};

	return rails(device, &product, error);
}
