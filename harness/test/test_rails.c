/* SPDX-License-Identifier: Apache-2.0
 *
 * The self-test passes on sound devices and refuses those that are wrong in the ways that real ones are: kernels with
 * the arithmetic of some hardware or some library, right for nearly every random operand. */
#include <math.h>
#include <string.h>

#include "harness/selftest.h"
#include "harness/test/shim.h"
#include "harness/test/support.h"

TestSuite(rails, .init = shim_reset, .fini = support_leave, .timeout = 300);

static struct assay_error error;

/* ---- Sound devices ---- */

static void sound(struct assay_device *device)
{
	support_ok(assay_selftest(device, &error), error);
	support_ok(assay_selftest(device, &error), error); /* nothing is left behind */
	assay_device_close(device);
}

Test(rails, cpu_passes)
{
	struct assay_device device;

	support_enter();
	for (uint32_t lanes = 4; lanes <= 16; lanes *= 2)
		if (support_cpu(&device, lanes))
			sound(&device);
}

Test(rails, opencl_passes)
{
	static const uint32_t lanes[] = {0, 1, 4, 8, 16};
	struct assay_device device;

	support_enter();
	for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++) {
		support_opencl(&device, lanes[i], 0);
		sound(&device);
	}
}

static enum assay_status selftest(void)
{
	struct assay_device device;

	support_ok(assay_device_open(&device, &shim_backend, 0, NULL, &error), error);
	enum assay_status status = assay_selftest(&device, &error);
	assay_device_close(&device);
	cr_assert_eq(shim.live, 0, "the self-test keeps %d things", shim.live);
	return status;
}

Test(rails, shim_passes)
{
	support_enter();
	support_ok(selftest(), error);
}

static void caught(const char *what)
{
	cr_assert_eq(selftest(), ASSAY_ERROR_DEVICE, "%s is not noticed", what);
	cr_assert_str_eq(error.reason, "device.miscompute", "%s: %s", what, error.text);
	cr_assert(strstr(error.text, "shim:0"), "%s", error.text);
}

/* ---- Products with other arithmetic ---- */

typedef int32_t dot(const int8_t *x, const int8_t *y, size_t stride, uint32_t quads);
static dot *product;
static bool transposed;

/* Byte l of a row is at l / 4 * stride + l % 4. */
static bool multiply(const struct shim_launch *launch)
{
	if (launch->id != ASSAY_KERNEL_MATMUL_I8)
		return false;
	const uint32_t first = launch->arguments[3].value, tiles = launch->arguments[5].value;
	const uint32_t quads = launch->arguments[6].value;
	for (uint32_t item = first; item < first + launch->items; item++) {
		const int8_t *a = (const int8_t *)launch->arguments[0].buffer + (size_t)(item / tiles) * quads * 64;
		const int8_t *b = (const int8_t *)launch->arguments[1].buffer + (size_t)(item % tiles) * quads * 64;
		int32_t *c = (int32_t *)launch->arguments[2].buffer + (size_t)item * 256;
		for (uint32_t i = 0; i < 256; i++)
			c[transposed ? i % 16 * 16 + i / 16 : i] = product(a + i / 16 * 4, b + i % 16 * 4, 64, quads);
	}
	return true;
}

static int32_t exact(const int8_t *x, const int8_t *y, size_t stride, uint32_t quads)
{
	uint32_t sum = 0;

	for (uint32_t q = 0; q < quads; q++)
		for (uint32_t l = 0; l < 4; l++)
			sum += (uint32_t)(x[q * stride + l] * y[q * stride + l]);
	return (int32_t)sum;
}

/* Pairs of products in 16 bits with saturation: wrong only where both are (-128)^2. */
static int32_t pairs_saturate(const int8_t *x, const int8_t *y, size_t stride, uint32_t quads)
{
	int32_t sum = 0;

	for (uint32_t q = 0; q < quads; q++)
		for (uint32_t l = 0; l < 4; l += 2) {
			int32_t pair =
			    x[q * stride + l] * y[q * stride + l] + x[q * stride + l + 1] * y[q * stride + l + 1];
			sum += pair > INT16_MAX ? INT16_MAX : pair;
		}
	return sum;
}

/* Sums kept to so many bits, two's complement. */
static int32_t wrapped(const int8_t *x, const int8_t *y, size_t stride, uint32_t quads, unsigned bits)
{
	return (int32_t)((uint32_t)exact(x, y, stride, quads) << (32 - bits)) >> (32 - bits);
}

static int32_t bits_24(const int8_t *x, const int8_t *y, size_t stride, uint32_t quads)
{
	return wrapped(x, y, stride, quads, 24);
}

static int32_t bits_31(const int8_t *x, const int8_t *y, size_t stride, uint32_t quads)
{
	return wrapped(x, y, stride, quads, 31);
}

/* Sums that stop at 2^30. */
static int32_t saturates(const int8_t *x, const int8_t *y, size_t stride, uint32_t quads)
{
	int32_t sum = exact(x, y, stride, quads), most = 1 << 30;

	return sum > most ? most : sum < -most ? -most : sum;
}

/* A float: 24 bits of sum, rounded, as when a product of int8 is handed to a float unit. */
static int32_t float_sum(const int8_t *x, const int8_t *y, size_t stride, uint32_t quads)
{
	volatile float sum = 0;

	for (uint32_t q = 0; q < quads; q++)
		for (uint32_t l = 0; l < 4; l++)
			sum += (float)(x[q * stride + l] * y[q * stride + l]);
	return sum >= 2147483648.0f ? INT32_MAX : (int32_t)sum;
}

/* Exact over blocks of k, the blocks added as floats. */
static int32_t float_blocks(const int8_t *x, const int8_t *y, size_t stride, uint32_t quads)
{
	volatile float sum = 0;

	for (uint32_t q = 0; q < quads; q += 256)
		sum += (float)exact(x + q * stride, y + q * stride, stride, quads - q < 256 ? quads - q : 256);
	return sum >= 2147483648.0f ? INT32_MAX : (int32_t)sum;
}

/* Right for every k up to 2^16, as a loop counter of 16 bits is. */
static int32_t short_loop(const int8_t *x, const int8_t *y, size_t stride, uint32_t quads)
{
	return exact(x, y, stride, quads <= 16384 ? quads : quads & 16383);
}

/* -128 read as -127, as in a symmetric quantisation. */
static int32_t symmetric(const int8_t *x, const int8_t *y, size_t stride, uint32_t quads)
{
	int32_t sum = 0;

	for (uint32_t q = 0; q < quads; q++)
		for (uint32_t l = 0; l < 4; l++) {
			int32_t a = x[q * stride + l], b = y[q * stride + l];
			sum += (a < -127 ? -127 : a) * (b < -127 ? -127 : b);
		}
	return sum;
}

/* The last block of 64 left out, unless k is a multiple of 1024. */
static int32_t last_block_lost(const int8_t *x, const int8_t *y, size_t stride, uint32_t quads)
{
	return exact(x, y, stride, quads % 256 ? quads - 16 : quads);
}

Test(rails, other_arithmetic)
{
	static const struct {
		const char *what;
		dot *product;
	} mutants[] = {
	    {"a saturating sum of two products", pairs_saturate},
	    {"an accumulator of 24 bits", bits_24},
	    {"an accumulator of 31 bits", bits_31},
	    {"an accumulator that saturates", saturates},
	    {"a sum in float", float_sum},
	    {"blocks added in float", float_blocks},
	    {"a loop counter of 16 bits", short_loop},
	    {"-128 taken for -127", symmetric},
	    {"a lost block of k", last_block_lost},
	};

	support_enter();
	shim.instead = multiply;
	product = exact;
	support_ok(selftest(), error);
	for (size_t i = 0; i < sizeof mutants / sizeof *mutants; i++) {
		product = mutants[i].product;
		caught(mutants[i].what);
	}
	product = exact;
	transposed = true;
	caught("a transposed tile");
}

/* That the cases at the rails are needed: random operands at the k of the profiles do not show these faults. */
Test(rails, random_operands_do_not_show_them)
{
	static dot *const mutants[] = {pairs_saturate, bits_24,      bits_31,   saturates,
	                               float_sum,      float_blocks, short_loop};
	static int8_t x[16384], y[16384];
	uint32_t state = 12345;

	for (size_t i = 0; i < sizeof mutants / sizeof *mutants; i++)
		for (uint32_t trial = 0; trial < 200; trial++) {
			for (size_t l = 0; l < sizeof x; l++) {
				state = state * 1664525 + 1013904223;
				x[l] = (int8_t)(state >> 24);
				y[l] = (int8_t)(state >> 16);
			}
			cr_assert_eq(mutants[i](x, y, 4, 1024), exact(x, y, 4, 1024), "mutant %zu", i);
		}
}

/* ---- Results spoiled after a sound kernel ---- */

static void flip_low_bit(const struct shim_launch *launch)
{
	/* One entry of one tile, as by a worn lane. */
	if (launch->id == ASSAY_KERNEL_MATMUL_I8)
		((uint32_t *)launch->arguments[2].buffer)[launch->items * 256 - 251] ^= 1;
}

static void flip_in_one_lane(const struct shim_launch *launch)
{
	if (launch->id == ASSAY_KERNEL_MATMUL_I8)
		for (size_t i = 3; i < (size_t)launch->items * 256; i += launch->lanes)
			((uint32_t *)launch->arguments[2].buffer)[i] ^= 1;
}

static void wrong_odd_lanes(const struct shim_launch *launch)
{
	if (launch->id == ASSAY_KERNEL_SHA256_LEAVES)
		for (size_t i = 1; i < launch->arguments[4].value; i += 2)
			((uint32_t *)launch->arguments[1].buffer)[i * 8 + 7] ^= 1u << 31;
}

/* The last, incomplete vector of leaves is left as it was. */
static void lost_tail(const struct shim_launch *launch)
{
	if (launch->id != ASSAY_KERNEL_SHA256_LEAVES)
		return;
	uint32_t count = launch->arguments[4].value, tail = count % launch->lanes;
	memset((uint8_t *)launch->arguments[1].buffer + (size_t)(count - tail) * 32, 0, (size_t)tail * 32);
}

static void wrong_row(const struct shim_launch *launch)
{
	/* The last word of the last row, as when a launch is cut short. */
	if (launch->id == ASSAY_KERNEL_CHACHA20_ROWS)
		((uint32_t *)launch->arguments[1].buffer)[16 * 16 * launch->arguments[3].value - 1] = 0;
}

Test(rails, spoiled_results)
{
	static const struct {
		const char *what;
		void (*after)(const struct shim_launch *launch);
	} mutants[] = {
	    {"one wrong bit", flip_low_bit}, {"a wrong lane of a product", flip_in_one_lane},
	    {"odd lanes", wrong_odd_lanes},  {"a lost tail", lost_tail},
	    {"a wrong word", wrong_row},
	};

	support_enter();
	for (size_t i = 0; i < sizeof mutants / sizeof *mutants; i++) {
		shim.after = mutants[i].after;
		caught(mutants[i].what);
	}
}

/* ---- Other arguments than those that were given ---- */

static uint32_t wrong_id, wrong_argument, wrong_mask;

static bool other_argument(const struct shim_launch *launch)
{
	if (launch->id == wrong_id)
		((struct assay_argument *)(uintptr_t)launch->arguments)[wrong_argument].value &= wrong_mask;
	return false;
}

Test(rails, ignored_arguments)
{
	static const struct {
		const char *what;
		uint32_t id, argument, mask;
	} mutants[] = {
	    {"first_row ignored", ASSAY_KERNEL_CHACHA20_ROWS, 2, 0},
	    {"first_leaf ignored", ASSAY_KERNEL_SHA256_LEAVES, 2, 0},
	    {"log2_digests ignored", ASSAY_KERNEL_SHA256_LEAVES, 3, 0},
	    {"a Merkle prefix of 0 for nodes", ASSAY_KERNEL_MERKLE_HASH, 4, 0},
	    {"in_first ignored", ASSAY_KERNEL_MERKLE_HASH, 1, 0},
	};

	support_enter();
	shim.instead = other_argument;
	for (size_t i = 0; i < sizeof mutants / sizeof *mutants; i++) {
		wrong_id = mutants[i].id;
		wrong_argument = mutants[i].argument;
		wrong_mask = mutants[i].mask;
		caught(mutants[i].what);
	}
}

static bool nothing_done(const struct shim_launch *launch)
{
	return launch->id == wrong_id;
}

Test(rails, kernels_that_do_nothing)
{
	support_enter();
	shim.instead = nothing_done;
	for (wrong_id = 0; wrong_id < ASSAY_KERNEL_COUNT; wrong_id++)
		caught(assay_kernel_names[wrong_id]);
}

/* ---- Calls that fail ---- */

/* Of every call. */
Test(rails, every_failure_is_an_error)
{
	support_enter();
	for (int kind = 0; kind < SHIM_CALLS; kind++) {
		for (uint32_t n = 1;; n += SUPPORT_STEP) {
			shim_reset();
			shim.kind = (enum shim_call)kind;
			shim.fail_at = n;
			enum assay_status status = selftest();
			if (atomic_load(&shim.calls[kind]) < n) {
				support_ok(status, error);
				break;
			}
			cr_assert_neq(status, ASSAY_OK, "call %u of kind %d fails unnoticed", n, kind);
			cr_assert_str_neq(error.reason, "device.miscompute", "call %u of kind %d", n, kind);
		}
	}
}
