/* SPDX-License-Identifier: Apache-2.0
 *
 * Every kernel on every backend, with every number of lanes and group size, against the verifier's arithmetic and
 * libsodium. Kernels are launched directly, so that lengths and offsets are those that rounds never have. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "harness/test/halves.h"
#include "harness/test/support.h"
#include "verify/chain.h"
#include "verify/work.h"

TestSuite(kernels, .fini = support_leave, .timeout = 300);

enum { FILLER = 0xa5, MARGIN = 256 };

static struct assay_error error;
static uint8_t seed[32];

/* ---- Small helpers: a buffer with a margin that no kernel may touch ---- */

static void *buffer_make(struct assay_device *device, size_t len)
{
	uint8_t *filler = malloc(len + MARGIN);
	void *buffer = NULL;

	memset(filler, FILLER, len + MARGIN);
	support_ok(device->backend->alloc(device->handle, &buffer, len + MARGIN, &error), error);
	support_ok(device->backend->write(device->handle, buffer, 0, filler, len + MARGIN, &error), error);
	free(filler);
	return buffer;
}

/* `len` bytes of a buffer, to be freed; what lies beyond them must be as it was. */
static uint8_t *buffer_take(struct assay_device *device, void *buffer, size_t len, const char *what)
{
	uint8_t *data = malloc(len + MARGIN);

	support_ok(device->backend->read(device->handle, data, buffer, 0, len + MARGIN, &error), error);
	for (size_t i = 0; i < MARGIN; i++)
		cr_assert_eq(data[len + i], FILLER, "%s: %s writes past its end", device->info.variant, what);
	device->backend->release(device->handle, buffer);
	return data;
}

static void launch(struct assay_device *device, enum assay_kernel_id id, uint64_t items,
                   const struct assay_argument *arguments, size_t count)
{
	support_ok(assay_device_launch(device, id, (uint32_t)items, arguments, count, &error), error);
	support_ok(device->backend->synchronise(device->handle, &error), error);
}

static uint32_t up(uint64_t count, uint32_t lanes)
{
	return (uint32_t)((count + lanes - 1) / lanes);
}

/* ---- The comparisons ---- */

/* The products: bytes of an element, elements that the kernel counts as one of k, rows and columns of a leaf. */
static const struct product {
	const struct assay_work *work;
	enum assay_kernel_id id, rows;
	uint32_t element_bytes, step, tile;
} products[] = {
    {&assay_work_matmul_i8, ASSAY_KERNEL_MATMUL_I8, ASSAY_KERNEL_CHACHA20_ROWS, 1, 4, 16},
    {&assay_work_matmul_i9, ASSAY_KERNEL_MATMUL_I9, ASSAY_KERNEL_CHACHA20_ROWS_I9, 2, 2, 16},
    {&assay_work_matmul_f32, ASSAY_KERNEL_MATMUL_F32, ASSAY_KERNEL_CHACHA20_ROWS_F32, 4, 1, 8},
    {&assay_work_matmul_f64, ASSAY_KERNEL_MATMUL_F64, ASSAY_KERNEL_CHACHA20_ROWS_F64, 8, 1, 8},
};
enum { PRODUCTS = sizeof products / sizeof *products };

/* The nine low bits of a half word as a number, in a form of matmul_i9.cl. */
static uint16_t nine_bits(const uint8_t half[2], uint32_t form)
{
	const int number = (half[0] | half[1] % 2 << 8) - (half[1] % 2 ? 512 : 0);

	return form == 0 ? (uint16_t)number : half_bits(number);
}

/* What the key stream's bytes at `stream` are to a product (SPEC 5.1, 5.3, 5.4, 5.5). */
static void step_make(uint8_t *out, const struct product *product, const uint8_t *stream, uint32_t form)
{
	if (product->element_bytes == 2) {
		const uint16_t halves[2] = {nine_bits(stream, form), nine_bits(stream + 2, form)};
		memcpy(out, halves, 4);
	} else if (product->element_bytes == 4) {
		float number = ldexpf((float)((int32_t)assay_le32_read(stream) >> 8), -23);
		memcpy(out, &number, 4);
	} else if (product->element_bytes == 8) {
		double number = ldexp((double)((int64_t)assay_le64_read(stream) >> 11), -52);
		memcpy(out, &number, 8);
	} else {
		memcpy(out, stream, 4);
	}
}

/* Rows from libsodium's key stream in the panel layout: step s of row r at (r / 16 * steps + s) * 16 + r % 16. */
static uint8_t *panels_make(const struct product *product, const uint8_t key[32], uint64_t first_row, uint64_t rows,
                            uint64_t k, uint32_t form)
{
	static const uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES];
	const size_t row_len = k * product->element_bytes, step_len = product->element_bytes * product->step;
	const size_t steps = k / product->step;
	uint8_t *stream = calloc(rows, row_len), *panels = malloc(rows * row_len);

	crypto_stream_chacha20_ietf_xor_ic(stream, stream, rows * row_len, nonce, (uint32_t)(first_row * row_len / 64),
	                                   key);
	for (size_t row = 0; row < rows; row++)
		for (size_t s = 0; s < steps; s++)
			step_make(panels + ((row / 16 * steps + s) * 16 + row % 16) * step_len, product,
			          stream + row * row_len + s * step_len, form);
	free(stream);
	return panels;
}

/* Rows of `blocks` blocks of key stream, as the generator of a product makes them. */
static void chacha20(struct assay_device *device, const struct product *product, uint32_t first_row, uint32_t rows,
                     uint32_t blocks, uint32_t form)
{
	const size_t len = (size_t)rows * blocks * 64;
	uint8_t *panels = panels_make(product, seed, first_row, rows, blocks * 64 / product->element_bytes, form);
	void *key = buffer_make(device, 32), *out = buffer_make(device, len);

	support_ok(device->backend->write(device->handle, key, 0, seed, 32, &error), error);
	const struct assay_argument arguments[] = {ASSAY_BUFFER(key), ASSAY_BUFFER(out), ASSAY_VALUE(first_row),
	                                           ASSAY_VALUE(blocks), ASSAY_VALUE(form)};
	launch(device, product->rows, (uint64_t)rows / device->info.lanes * ((blocks + 15) / 16), arguments,
	       product->element_bytes == 2 ? 5 : 4);
	uint8_t *data = buffer_take(device, out, len, assay_kernel_names[product->rows]);
	for (size_t i = 0; i < len; i += 4)
		cr_assert_arr_eq(data + i, panels + i, 4, "%s %s: %s, %u rows from %u, %u blocks, byte %zu", device->id,
		                 device->info.variant, assay_kernel_names[product->rows], rows, first_row, blocks, i);
	device->backend->release(device->handle, key);
	free(panels);
	free(data);
}

static void *operand_make(struct assay_device *device, const struct product *product, char side, uint64_t rows,
                          uint64_t k)
{
	const struct assay_part part = {seed, 32};
	uint8_t key[32];
	char label[64];
	void *buffer = buffer_make(device, rows * k * product->element_bytes);

	snprintf(label, sizeof label, "assay/1 %s %c\n", product->work->name, side);
	assay_hash(key, label, &part, 1);
	uint8_t *panels = panels_make(product, key, 0, rows, k, device->kernels[product->id].shape.form);
	support_ok(device->backend->write(device->handle, buffer, 0, panels, rows * k * product->element_bytes, &error),
	           error);
	free(panels);
	return buffer;
}

static void matmul(struct assay_device *device, const struct product *product, uint64_t k, uint64_t m, uint64_t n)
{
	const struct assay_work *work = product->work;
	const struct assay_params params = {{k, m, n}};
	const uint64_t leaves = m * n / product->tile / product->tile;
	void *a = operand_make(device, product, 'A', m, k), *b = operand_make(device, product, 'B', n, k);
	void *c = buffer_make(device, leaves * work->leaf_bytes);
	uint8_t leaf[ASSAY_LEAF_BYTES_MAX];

	const struct assay_argument arguments[] = {ASSAY_BUFFER(a),
	                                           ASSAY_BUFFER(b),
	                                           ASSAY_BUFFER(c),
	                                           ASSAY_VALUE(0),
	                                           ASSAY_VALUE(m / 16 * (n / 16)),
	                                           ASSAY_VALUE(n / 16),
	                                           ASSAY_VALUE(k / product->step)};
	launch(device, product->id, assay_device_items(device, product->id, m / 16, n / 16), arguments, 7);
	uint8_t *data = buffer_take(device, c, leaves * work->leaf_bytes, work->name);
	for (uint64_t i = 0; i < leaves; i++) {
		work->leaf(leaf, &params, seed, i);
		cr_assert_arr_eq(data + i * work->leaf_bytes, leaf, work->leaf_bytes,
		                 "%s %s: %s k %zu m %zu n %zu leaf %zu", device->id, device->info.variant, work->name,
		                 (size_t)k, (size_t)m, (size_t)n, (size_t)i);
	}
	device->backend->release(device->handle, a);
	device->backend->release(device->handle, b);
	free(data);
}

static void sha256(struct assay_device *device, uint32_t log2_digests, uint64_t first, uint32_t count)
{
	const struct assay_work *work = &assay_work_sha256;
	const struct assay_params params = {{log2_digests, 32}};
	void *words = buffer_make(device, 32), *out = buffer_make(device, (size_t)count * 32);
	uint8_t leaf[32];

	support_ok(device->backend->write(device->handle, words, 0, seed, 32, &error), error);
	const struct assay_argument arguments[] = {ASSAY_BUFFER(words), ASSAY_BUFFER(out), ASSAY_VALUE(first),
	                                           ASSAY_VALUE(log2_digests), ASSAY_VALUE(count)};
	launch(device, ASSAY_KERNEL_SHA256_LEAVES, up(count, device->info.lanes), arguments, 5);
	uint8_t *data = buffer_take(device, out, (size_t)count * 32, "sha256_leaves");
	for (uint32_t i = 0; i < count; i++) {
		work->leaf(leaf, &params, seed, first + i);
		cr_assert_arr_eq(data + (size_t)i * 32, leaf, 32, "%s %s: 2^%u digests, leaf %zu + %u of %u",
		                 device->id, device->info.variant, log2_digests, (size_t)first, i, count);
	}
	device->backend->release(device->handle, words);
	free(data);
}

/* `count` values of `words` words from digest `in_first` on, to digest `out_first` of the same buffer. */
static void merkle(struct assay_device *device, uint32_t prefix, uint32_t words, uint32_t in_first, uint32_t out_first,
                   uint32_t count)
{
	const size_t in_len = (size_t)count * words * 4, len = ((size_t)out_first + count) * 32;
	void *buffer = buffer_make(device, len);
	uint8_t *in = malloc(in_len), hash[32];

	randombytes_buf_deterministic(in, in_len, seed);
	support_ok(device->backend->write(device->handle, buffer, (size_t)in_first * 32, in, in_len, &error), error);
	const struct assay_argument arguments[] = {ASSAY_BUFFER(buffer),   ASSAY_VALUE(in_first), ASSAY_BUFFER(buffer),
	                                           ASSAY_VALUE(out_first), ASSAY_VALUE(prefix),   ASSAY_VALUE(words),
	                                           ASSAY_VALUE(count)};
	launch(device, ASSAY_KERNEL_MERKLE_HASH, up(count, device->info.lanes), arguments, 7);
	uint8_t *data = buffer_take(device, buffer, len, "merkle_hash");
	cr_assert_arr_eq(data + (size_t)in_first * 32, in, in_len, "the input is as it was");
	for (uint32_t i = 0; i < count; i++) {
		if (prefix == 0)
			assay_merkle_leaf(hash, in + (size_t)i * words * 4, words * 4);
		else
			assay_merkle_node(hash, in + (size_t)i * 64, in + (size_t)i * 64 + 32);
		cr_assert_arr_eq(data + ((size_t)out_first + i) * 32, hash, 32, "%s %s: prefix %u, %u words, %u of %u",
		                 device->id, device->info.variant, prefix, words, i, count);
	}
	free(in);
	free(data);
}

static void matmuls(struct assay_device *device, const struct product *product)
{
	matmul(device, product, 64, 16, 16);
	matmul(device, product, 64, 64, 16);
	matmul(device, product, 320, 128, 64);
	matmul(device, product, 1088, 16, 64);
	matmul(device, product, 1088, 32, 32);
	matmul(device, product, 4160, 16, 32);
}

static void every_kernel(struct assay_device *device)
{
	for (size_t i = 0; i < sizeof seed; i++)
		seed[i] = (uint8_t)(201 * i + 77);

	for (size_t p = 0; p < PRODUCTS; p++) {
		for (uint32_t form = 0; form < (products[p].element_bytes == 2 ? 2 : 1); form++) {
			chacha20(device, &products[p], 0, 16, 1, form);
			chacha20(device, &products[p], 0, 48, 16, form);
			chacha20(device, &products[p], 32, 16, 17, form);
			chacha20(device, &products[p], 1008, 32, 3, form);
			chacha20(device, &products[p], (1u << 20) - 16, 16, 2047, form); /* the counter near 2^31 */
		}
		matmuls(device, &products[p]);
	}

	sha256(device, 0, 0, 1);
	sha256(device, 0, 5, 3);
	sha256(device, 3, 1000, 64);
	sha256(device, 1, 7, 100);
	sha256(device, 9, 3, 2);
	sha256(device, 0, UINT64_C(0xffffff00), 256); /* the low word is the whole counter */
	sha256(device, 3, UINT64_C(0x1ffffffe), 5);   /* the high word becomes 1 */
	sha256(device, 8, UINT64_C(0xfffffff0), 16);
	sha256(device, 14, UINT64_C(0xffffffff), 1); /* the last leaf that there can be */

	merkle(device, 0, 256, 0, 32, 1);
	merkle(device, 0, 256, 1, 1000, 21);
	merkle(device, 0, 8, 0, 64, 64);
	merkle(device, 0, 8, 3, 10, 5);
	merkle(device, 1, 16, 0, 2, 1);
	merkle(device, 1, 16, 4, 70, 33);
	/* Where the padding falls: it just fits, it needs a block of its own. */
	for (uint32_t words = 12; words <= 15; words++)
		merkle(device, 0, words, 0, 64, 7);
	merkle(device, 0, 29, 0, 64, 3);
	merkle(device, 0, 30, 0, 64, 3);
}

static void cpu(uint32_t lanes)
{
	struct assay_device device;

	support_enter();
	if (!support_cpu(&device, lanes))
		support_missing("cpu", "this processor cannot run so many lanes");
	cr_assert_eq(device.info.lanes, lanes);
	every_kernel(&device);
	assay_device_close(&device);
}

Test(kernels, cpu_4)
{
	cpu(4);
}

Test(kernels, cpu_8)
{
	cpu(8);
}

Test(kernels, cpu_16)
{
	cpu(16);
}

Test(kernels, cpu_refuses_other_lanes)
{
	static const uint32_t others[] = {1, 2, 3, 5, 32};
	struct assay_device device;

	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		const struct assay_tuning tuning = {.lanes = others[i]};
		cr_assert_eq(assay_device_open(&device, &assay_backend_cpu, 0, &tuning, &error), ASSAY_ERROR_DEVICE);
		cr_assert_str_eq(error.reason, "device.open");
	}
}

static void opencl(uint32_t lanes)
{
	static const uint32_t groups[] = {1, 2, 4, 16, 64};
	struct assay_device device;

	support_enter();
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
		support_opencl(&device, lanes, groups[i]);
		cr_assert_eq(device.info.lanes, lanes);
		every_kernel(&device);
		assay_device_close(&device);
	}
}

Test(kernels, opencl_1)
{
	opencl(1);
}

Test(kernels, opencl_4)
{
	opencl(4);
}

Test(kernels, opencl_8)
{
	opencl(8);
}

Test(kernels, opencl_16)
{
	opencl(16);
}

/* The first device of a vendor: the portable kernels in groups of several sizes, then the other variants. */
static void gpu(const struct assay_backend *backend)
{
	static const uint32_t groups[] = {1, 32, 128, 256};
	struct assay_device device;
	struct assay_variant variant;
	uint32_t count = 0, variants = 0;

	(void)backend->count(&count, &error);
	if (count == 0)
		support_missing(backend->name, error.text);
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
		const struct assay_tuning tuning = {.group = groups[i]};
		support_ok(assay_device_open(&device, backend, 0, &tuning, &error), error);
		every_kernel(&device);
		assay_device_close(&device);
	}
	support_ok(assay_device_open(&device, backend, 0, NULL, &error), error);
	for (size_t p = 0; p < PRODUCTS; p++)
		for (uint32_t n = 1; device.backend->variant(device.handle, products[p].id, n, &variant); n++) {
			if (!variant.available)
				continue;
			support_ok(assay_device_use(&device, products[p].id, n, &error), error);
			matmuls(&device, &products[p]);
			matmul(&device, &products[p], 192, 256, 512);
			variants++;
		}
	printf("%s: %s, %u other variants of products\n", device.id, device.info.name, variants);
	assay_device_close(&device);
}

/* On a machine that has one. */
Test(kernels, cuda)
{
	support_enter();
	gpu(&assay_backend_cuda);
}

Test(kernels, hip)
{
	support_enter();
	gpu(&assay_backend_hip);
}

/* The same on the doubles of the drivers. */
static void on_double(const struct assay_backend *backend, const char *variable, const char *library)
{
	support_enter();
	support_double(variable, library, true);
	gpu(backend);
}

Test(kernels, cuda_double)
{
	on_double(&assay_backend_cuda, "ASSAY_CUDA_LIBRARY", "libcuda.so");
}

Test(kernels, hip_double)
{
	on_double(&assay_backend_hip, "ASSAY_HIP_LIBRARY", "libamdhip64.so");
}
