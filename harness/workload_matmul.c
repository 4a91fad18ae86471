/* SPDX-License-Identifier: Apache-2.0
 *
 * The products on a device (SPEC 5.1). A band is sixteen rows of C: it needs sixteen rows of A and all of B, which is
 * kept from one band of a round to the next. Kernels compute blocks of 16 x 16 entries, whatever the tile of a leaf. */
#include "harness/workload.h"

#include <stdlib.h>
#include <string.h>

enum { K, M, N }; /* positions in assay_params */

/* What differs between the products. */
struct kind {
	const struct assay_work *work;
	const char *label_a, *label_b; /* of their keys */
	enum assay_kernel_id generate, multiply;
	bool forms; /* `generate` has one more argument, the form that `multiply` wants */
	uint32_t element_bytes;
	uint32_t step;        /* elements of k that a step of the product's loop takes */
	uint32_t tile;        /* rows and columns of a leaf */
	uint32_t log2_launch; /* products of a launch of the portable kernel, at most */
};

struct matmul {
	const struct kind *kind;
	struct assay_device *device;
	uint64_t k, m, n;
	void *key, *a, *b;
	uint8_t b_seed[ASSAY_HASH_BYTES];
	bool b_valid;
};

/* Leaves of sixteen rows. */
static uint64_t band_of(const struct kind *kind, const struct assay_params *params)
{
	return 16 / kind->tile * (params->value[N] / kind->tile);
}

static void finish(void *state)
{
	struct matmul *matmul = state;
	const struct assay_backend *backend = matmul->device->backend;
	void *const buffers[] = {matmul->key, matmul->a, matmul->b};

	for (size_t i = 0; i < 3; i++)
		if (buffers[i])
			backend->release(matmul->device->handle, buffers[i]);
	free(matmul);
}

static enum assay_status prepare_kind(const struct kind *kind, void **state, struct assay_device *device,
                                      const struct assay_params *params, struct assay_error *error)
{
	const struct assay_backend *backend = device->backend;
	struct matmul *matmul = calloc(1, sizeof *matmul);

	if (!matmul)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	matmul->kind = kind;
	matmul->device = device;
	matmul->k = params->value[K];
	matmul->m = params->value[M];
	matmul->n = params->value[N];
	enum assay_status status = backend->alloc(device->handle, &matmul->key, ASSAY_HASH_BYTES, error);
	if (!status)
		status = backend->alloc(device->handle, &matmul->a, matmul->m * matmul->k * kind->element_bytes, error);
	if (!status)
		status = backend->alloc(device->handle, &matmul->b, matmul->n * matmul->k * kind->element_bytes, error);
	if (status)
		finish(matmul);
	else
		*state = matmul;
	return status;
}

/* Rows first_row .. first_row + rows - 1 of the operand with this label, into `operand` from its start. */
static enum assay_status generate(struct matmul *matmul, const char *label, const uint8_t seed[ASSAY_HASH_BYTES],
                                  void *operand, uint64_t first_row, uint64_t rows, struct assay_error *error)
{
	const uint64_t blocks = matmul->k * matmul->kind->element_bytes / 64;
	const uint32_t items = (uint32_t)(rows / matmul->device->info.lanes * ((blocks + 15) / 16));
	const struct assay_part part = {seed, ASSAY_HASH_BYTES};
	uint8_t key[ASSAY_HASH_BYTES];

	assay_hash(key, label, &part, 1);
	enum assay_status status =
	    matmul->device->backend->write(matmul->device->handle, matmul->key, 0, key, sizeof key, error);
	const struct assay_argument arguments[] = {
	    ASSAY_BUFFER(matmul->key), ASSAY_BUFFER(operand), ASSAY_VALUE(first_row), ASSAY_VALUE(blocks),
	    ASSAY_VALUE(matmul->device->kernels[matmul->kind->multiply].shape.form)};
	if (!status)
		status = assay_device_launch(matmul->device, matmul->kind->generate, items, arguments,
		                             matmul->kind->forms ? 5 : 4, error);
	return status;
}

/* Rows of blocks 0 ... rows - 1 of the product. The portable kernel, which may be slow, gets them in launches that do
 * not last seconds, since watchdogs of displays stop such; in fours, as kernels may do them together. */
static enum assay_status multiply(struct matmul *matmul, uint64_t rows, void *values, struct assay_error *error)
{
	const enum assay_kernel_id id = matmul->kind->multiply;
	const uint64_t columns = matmul->n / 16;
	const bool tuned = matmul->device->kernels[id].shape.items != 0;
	uint64_t step = tuned ? rows : (UINT64_C(1) << matmul->kind->log2_launch) / (matmul->k * matmul->n * 16);
	enum assay_status status = ASSAY_OK;

	step = step < 1 ? 1 : step > 4 ? step / 4 * 4 : step;
	step = step < rows ? step : rows;
	for (uint64_t row = 0; !status && row < rows; row += step) {
		uint64_t count = rows - row < step ? rows - row : step;
		const struct assay_argument arguments[] = {ASSAY_BUFFER(matmul->a),
		                                           ASSAY_BUFFER(matmul->b),
		                                           ASSAY_BUFFER(values),
		                                           ASSAY_VALUE(row * columns),
		                                           ASSAY_VALUE(count * columns),
		                                           ASSAY_VALUE(columns),
		                                           ASSAY_VALUE(matmul->k / matmul->kind->step)};
		status = assay_device_launch(matmul->device, id, assay_device_items(matmul->device, id, count, columns),
		                             arguments, 7, error);
	}
	return status;
}

static enum assay_status leaves(void *state, const uint8_t seed[ASSAY_HASH_BYTES], uint64_t first, uint64_t count,
                                void *values, struct assay_error *error)
{
	struct matmul *matmul = state;
	const struct kind *kind = matmul->kind;
	const struct assay_params params = {{[N] = matmul->n}};
	const uint64_t band = band_of(kind, &params);
	enum assay_status status = ASSAY_OK;

	if (!matmul->b_valid || memcmp(matmul->b_seed, seed, ASSAY_HASH_BYTES) != 0) {
		matmul->b_valid = false;
		status = generate(matmul, kind->label_b, seed, matmul->b, 0, matmul->n, error);
		if (status)
			return status;
		memcpy(matmul->b_seed, seed, ASSAY_HASH_BYTES);
		matmul->b_valid = true;
	}
	status = generate(matmul, kind->label_a, seed, matmul->a, first / band * 16, count / band * 16, error);
	return status ? status : multiply(matmul, count / band, values, error);
}

static void forget(void *state)
{
	struct matmul *matmul = state;

	matmul->b_valid = false;
}

static enum assay_status bare(void *state, void *values, struct assay_error *error)
{
	struct matmul *matmul = state;

	return multiply(matmul, matmul->m / 16, values, error);
}

/* From one block of a tuned kernel to a product that fills any device. */
static struct assay_params trial(uint32_t size)
{
	const uint64_t k = size < 3 ? UINT64_C(512) << size : 4096;

	return (struct assay_params){{k, UINT64_C(128) << size, UINT64_C(256) << size}};
}

/* One product: its kind, and the functions that need to know it. */
#define MATMUL(name, with_forms, element, elements_a_step, leaf_tile, log2_products)                          \
	static const struct kind kind_##name = {.work = &assay_work_matmul_##name,                            \
	                                        .label_a = "assay/1 matmul-" #name "/1 A\n",                  \
	                                        .label_b = "assay/1 matmul-" #name "/1 B\n",                  \
	                                        .generate = GENERATE_##name,                                  \
	                                        .multiply = MULTIPLY_##name,                                  \
	                                        .forms = (with_forms),                                        \
	                                        .element_bytes = (element),                                   \
	                                        .step = (elements_a_step),                                    \
	                                        .tile = (leaf_tile),                                          \
	                                        .log2_launch = (log2_products)};                              \
	static uint64_t band_##name(const struct assay_params *params)                                        \
	{                                                                                                     \
		return band_of(&kind_##name, params);                                                         \
	}                                                                                                     \
	static enum assay_status prepare_##name(void **state, struct assay_device *device,                    \
	                                        const struct assay_params *params, struct assay_error *error) \
	{                                                                                                     \
		return prepare_kind(&kind_##name, state, device, params, error);                              \
	}

#define MATMUL_FUNCTIONS(name)                                                                               \
	.work = &assay_work_matmul_##name, .band = band_##name, .prepare = prepare_##name, .finish = finish, \
	.trial = trial, .leaves = leaves, .forget = forget, .bare = bare, .kernel = MULTIPLY_##name

#define GENERATE_i8 ASSAY_KERNEL_CHACHA20_ROWS
#define MULTIPLY_i8 ASSAY_KERNEL_MATMUL_I8
#define GENERATE_i9 ASSAY_KERNEL_CHACHA20_ROWS_I9
#define MULTIPLY_i9 ASSAY_KERNEL_MATMUL_I9
MATMUL(i8, false, 1, 4, 16, 38)
MATMUL(i9, true, 2, 2, 16, 38)
/* k, m, n: one tile; more columns than rows; a k that is no multiple of anything but 64. */
static const struct assay_params cases[] = {{{64, 16, 16}}, {{1024, 32, 128}}, {{1088, 64, 16}}};
const struct assay_workload assay_workload_matmul_i8 = {
    MATMUL_FUNCTIONS(i8), .cases = cases, .case_count = sizeof cases / sizeof *cases, .rails = assay_rails_matmul_i8};

const struct assay_workload assay_workload_matmul_i9 = {
    MATMUL_FUNCTIONS(i9), .cases = cases, .case_count = sizeof cases / sizeof *cases, .rails = assay_rails_matmul_i9};

/* Doubles are slow on many devices, and slower yet where integers stand in for them. */
#define GENERATE_f32 ASSAY_KERNEL_CHACHA20_ROWS_F32
#define MULTIPLY_f32 ASSAY_KERNEL_MATMUL_F32
MATMUL(f32, false, 4, 1, 8, 36)
const struct assay_workload assay_workload_matmul_f32 = {
    MATMUL_FUNCTIONS(f32), .cases = cases, .case_count = sizeof cases / sizeof *cases, .rails = assay_rails_matmul_f32};

#define GENERATE_f64 ASSAY_KERNEL_CHACHA20_ROWS_F64
#define MULTIPLY_f64 ASSAY_KERNEL_MATMUL_F64
MATMUL(f64, false, 8, 1, 8, 32)
const struct assay_workload assay_workload_matmul_f64 = {
    MATMUL_FUNCTIONS(f64), .cases = cases, .case_count = sizeof cases / sizeof *cases, .rails = assay_rails_matmul_f64};
