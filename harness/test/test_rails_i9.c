/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of nine bits with other arithmetic than the kernel's: the self-test passes every exact way, whatever the
 * units that it uses, and refuses those that are right for nearly every random operand. A prover that makes them of
 * products of bytes passes the verifier too (SPEC 13.4). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/attest.h"
#include "harness/selftest.h"
#include "harness/test/shim.h"
#include "harness/test/support.h"

TestSuite(rails_i9, .init = shim_reset, .fini = support_leave, .timeout = 300);

static struct assay_error error;

/* The sum of the products of two rows of k elements. */
typedef int32_t dot(const int16_t *x, const int16_t *y, uint32_t k);
static dot *product;

enum { K_MAX = 32704 };

/* Rows of a panel: element l of row r is half l % 2 of word l / 2 * 16 + r. */
static void rows_read(int16_t (*rows)[K_MAX], const int16_t *panel, uint32_t k)
{
	for (uint32_t r = 0; r < 16; r++)
		for (uint32_t l = 0; l < k; l++)
			rows[r][l] = panel[(l / 2 * 16 + r) * 2 + l % 2];
}

static bool multiply(const struct shim_launch *launch)
{
	int16_t(*x)[K_MAX], (*y)[K_MAX];

	if (launch->id != ASSAY_KERNEL_MATMUL_I9)
		return false;
	const uint32_t first = launch->arguments[3].value, tiles = launch->arguments[5].value;
	const uint32_t k = launch->arguments[6].value * 2;
	x = malloc(16 * sizeof *x);
	y = malloc(16 * sizeof *y);
	for (uint32_t item = first; item < first + launch->items; item++) {
		int32_t *c = (int32_t *)launch->arguments[2].buffer + (size_t)item * 256;
		rows_read(x, (const int16_t *)launch->arguments[0].buffer + (size_t)(item / tiles) * k * 16, k);
		rows_read(y, (const int16_t *)launch->arguments[1].buffer + (size_t)(item % tiles) * k * 16, k);
		for (uint32_t i = 0; i < 256; i++)
			c[i] = product(x[i / 16], y[i % 16], k);
	}
	free(x);
	free(y);
	return true;
}

static enum assay_status selftest(void)
{
	struct assay_device device;

	support_ok(assay_device_open(&device, &shim_backend, 0, NULL, &error), error);
	enum assay_status status = assay_selftest(&device, &error);
	assay_device_close(&device);
	return status;
}

/* ---- Exact ways ---- */

static int32_t exact(const int16_t *x, const int16_t *y, uint32_t k)
{
	uint32_t sum = 0;

	for (uint32_t l = 0; l < k; l++)
		sum += (uint32_t)(x[l] * y[l]);
	return (int32_t)sum;
}

/* Sums of floats, added to integers every so many products: a rounding one, and one as matrix units have it. */
static int32_t rounding(const int16_t *x, const int16_t *y, uint32_t k, uint32_t every)
{
	uint32_t total = 0;

	for (uint32_t first = 0; first < k; first += every) {
		volatile float sum = 0;
		for (uint32_t l = first; l < k && l < first + every; l++)
			sum += (float)(x[l] * y[l]);
		total += (uint32_t)(int32_t)sum;
	}
	return (int32_t)total;
}

/* Sixteen products and the sum before are cut below 24 bits of the largest of them, added, and cut again. */
static double cut(double value, int exponent)
{
	return ldexp(trunc(ldexp(value, 24 - exponent)), exponent - 24);
}

static int32_t truncating(const int16_t *x, const int16_t *y, uint32_t k, uint32_t every)
{
	uint32_t total = 0;

	for (uint32_t first = 0; first < k; first += every) {
		double sum = 0;
		for (uint32_t l = first; l < k && l < first + every; l += 16) {
			int exponent, most;
			double next;
			(void)frexp(sum, &most);
			for (uint32_t i = l; i < l + 16; i++) {
				(void)frexp((double)(x[i] * y[i]), &exponent);
				most = x[i] * y[i] != 0 && exponent > most ? exponent : most;
			}
			next = cut(sum, most);
			for (uint32_t i = l; i < l + 16; i++)
				next += cut((double)(x[i] * y[i]), most);
			(void)frexp(next, &exponent);
			sum = cut(next, exponent);
		}
		total += (uint32_t)(int32_t)sum;
	}
	return (int32_t)total;
}

static int32_t rounding_4096(const int16_t *x, const int16_t *y, uint32_t k)
{
	return rounding(x, y, k, 4096);
}

static int32_t truncating_4096(const int16_t *x, const int16_t *y, uint32_t k)
{
	return truncating(x, y, k, 4096);
}

static int32_t truncating_64(const int16_t *x, const int16_t *y, uint32_t k)
{
	return truncating(x, y, k, 64);
}

/* x = 2 * high + low, with a high of eight bits: products of bytes, of bytes and bits, and of bits. */
static int32_t of_bytes(const int16_t *x, const int16_t *y, uint32_t k)
{
	uint32_t high = 0, mixed = 0, low = 0;

	for (uint32_t l = 0; l < k; l++) {
		const int8_t x_high = (int8_t)((x[l] - (x[l] & 1)) / 2), y_high = (int8_t)((y[l] - (y[l] & 1)) / 2);
		const uint8_t x_low = x[l] & 1, y_low = y[l] & 1;
		high += (uint32_t)(x_high * y_high);
		mixed += (uint32_t)(x_high * y_low + x_low * y_high);
		low += (uint32_t)(x_low * y_low);
	}
	return (int32_t)(4 * high + 2 * mixed + low);
}

Test(rails_i9, exact_ways_pass)
{
	static dot *const ways[] = {exact, rounding_4096, truncating_4096, truncating_64, of_bytes};

	support_enter();
	shim.instead = multiply;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		product = ways[i];
		support_ok(selftest(), error);
	}
}

/* ---- Ways that are not ---- */

/* f16: eleven bits of sum, and nothing from 65520 on. */
static int32_t sums_in_f16(const int16_t *x, const int16_t *y, uint32_t k)
{
	volatile float sum = 0;

	for (uint32_t l = 0; l < k; l++) {
		volatile float next = sum + (float)(x[l] * y[l]), wide = next * 8193;
		sum = wide - (wide - next);
		if (fabsf(sum) > 65504)
			return sum < 0 ? INT32_MIN : INT32_MAX;
	}
	return (int32_t)sum;
}

static int32_t rounding_all(const int16_t *x, const int16_t *y, uint32_t k)
{
	return rounding(x, y, k, k);
}

static int32_t rounding_8192(const int16_t *x, const int16_t *y, uint32_t k)
{
	return rounding(x, y, k, 8192);
}

static int32_t truncating_all(const int16_t *x, const int16_t *y, uint32_t k)
{
	return truncating(x, y, k, k);
}

static int32_t truncating_8192(const int16_t *x, const int16_t *y, uint32_t k)
{
	return truncating(x, y, k, 8192);
}

/* Exact over blocks of k, the blocks added as floats. */
static int32_t blocks_in_float(const int16_t *x, const int16_t *y, uint32_t k)
{
	volatile float sum = 0;

	for (uint32_t l = 0; l < k; l += 4096)
		sum += (float)exact(x + l, y + l, k - l < 4096 ? k - l : 4096);
	return sum >= 2147483648.0f ? INT32_MAX : (int32_t)sum;
}

/* Pairs of products in 18 bits with saturation: wrong only where both are (-256)^2. */
static int32_t pairs_saturate(const int16_t *x, const int16_t *y, uint32_t k)
{
	int32_t sum = 0;

	for (uint32_t l = 0; l < k; l += 2) {
		int32_t pair = x[l] * y[l] + x[l + 1] * y[l + 1];
		sum += pair > (1 << 17) - 1 ? (1 << 17) - 1 : pair;
	}
	return sum;
}

static int32_t pairs_in_16_bits(const int16_t *x, const int16_t *y, uint32_t k)
{
	int32_t sum = 0;

	for (uint32_t l = 0; l < k; l += 2) {
		int32_t pair = x[l] * y[l] + x[l + 1] * y[l + 1];
		sum += pair > INT16_MAX ? INT16_MAX : pair < INT16_MIN ? INT16_MIN : pair;
	}
	return sum;
}

/* Sums kept to so many bits, two's complement. */
static int32_t bits_24(const int16_t *x, const int16_t *y, uint32_t k)
{
	return (int32_t)((uint32_t)exact(x, y, k) << 8) >> 8;
}

static int32_t bits_31(const int16_t *x, const int16_t *y, uint32_t k)
{
	return (int32_t)((uint32_t)exact(x, y, k) << 1) >> 1;
}

/* Sums that stop at 2^30. */
static int32_t saturates(const int16_t *x, const int16_t *y, uint32_t k)
{
	int32_t sum = exact(x, y, k), most = 1 << 30;

	return sum > most ? most : sum < -most ? -most : sum;
}

static int32_t eight_bits(const int16_t *x, const int16_t *y, uint32_t k)
{
	int32_t sum = 0;

	for (uint32_t l = 0; l < k; l++)
		sum += (int8_t)x[l] * (int8_t)y[l];
	return sum;
}

/* -256 read as -255, as where a sign has a bit of its own. */
static int32_t symmetric(const int16_t *x, const int16_t *y, uint32_t k)
{
	int32_t sum = 0;

	for (uint32_t l = 0; l < k; l++)
		sum += (x[l] < -255 ? -255 : x[l]) * (y[l] < -255 ? -255 : y[l]);
	return sum;
}

Test(rails_i9, other_arithmetic)
{
	static const struct {
		const char *what;
		dot *product;
	} mutants[] = {
	    {"sums in f16", sums_in_f16},
	    {"sums of floats over all of k", rounding_all},
	    {"sums of floats over 8192 products", rounding_8192},
	    {"sums of a matrix unit over all of k", truncating_all},
	    {"sums of a matrix unit over 8192 products", truncating_8192},
	    {"blocks added in float", blocks_in_float},
	    {"a sum of two products that saturates", pairs_saturate},
	    {"a sum of two products in 16 bits", pairs_in_16_bits},
	    {"an accumulator of 24 bits", bits_24},
	    {"an accumulator of 31 bits", bits_31},
	    {"an accumulator that saturates", saturates},
	    {"operands of eight bits", eight_bits},
	    {"-256 taken for -255", symmetric},
	};

	support_enter();
	shim.instead = multiply;
	for (size_t i = 0; i < sizeof mutants / sizeof *mutants; i++) {
		product = mutants[i].product;
		cr_assert_eq(selftest(), ASSAY_ERROR_DEVICE, "%s: not noticed", mutants[i].what);
		cr_assert_str_eq(error.reason, "device.miscompute", "%s: %s", mutants[i].what, error.text);
		cr_assert(strstr(error.text, "matmul-i9/1"), "%s: %s", mutants[i].what, error.text);
	}
}

/* That the cases at the rails are needed: random operands at the k of the profiles do not show these faults. */
Test(rails_i9, random_operands_do_not_show_them)
{
	static dot *const mutants[] = {rounding_all,    rounding_8192,  truncating_all, truncating_8192,
	                               blocks_in_float, pairs_saturate, bits_31,        saturates};
	static int16_t x[16384], y[16384];
	uint32_t state = 12345;

	for (size_t i = 0; i < sizeof mutants / sizeof *mutants; i++)
		for (uint32_t trial = 0; trial < 50; trial++) {
			for (size_t l = 0; l < sizeof x / sizeof *x; l++) {
				state = state * 1664525 + 1013904223;
				x[l] = (int16_t)((int)(state >> 23) - 256);
				state = state * 1664525 + 1013904223;
				y[l] = (int16_t)((int)(state >> 23) - 256);
			}
			cr_assert_eq(mutants[i](x, y, 16384), exact(x, y, 16384), "mutant %zu", i);
		}
}

/* ---- A whole job ---- */

/* A job with nine-bit products made of products of bytes: its rounds are those of everybody, and its file passes. */
Test(rails_i9, products_of_bytes_are_a_proof)
{
	static const struct assay_params params = {{1088, 64, 32}};
	static struct assay_device device;
	struct assay_secret secret;
	struct assay_verdict verdict = {0};
	struct assay_job job = {.devices = &device,
	                        .challenge = {.profile = "test", .devices = 1, .samples = 24, .segment_count = 1}};
	struct assay_attest attest = {.job = &job, .secret = &secret, .prefix = support_path("x")};
	uint8_t of_the_bytes[3][32];

	support_enter();
	attest.prefix = support_path("x");
	assay_secret_make(&secret);
	memcpy(job.key, secret.key, sizeof job.key);
	job.challenge.segments[0] =
	    (struct assay_segment){.work = &assay_work_matmul_i9, .params = params, .rounds = 3};
	support_ok(assay_device_open(&device, &shim_backend, 0, NULL, &error), error);
	for (int way = 0; way < 2; way++) {
		product = of_bytes;
		shim.instead = way == 0 ? multiply : NULL;
		support_ok(assay_job_run(&job, &error), error);
		if (way == 0) {
			memcpy(of_the_bytes, job.runs[0].roots, sizeof of_the_bytes);
			support_ok(assay_attest_write(&attest, &verdict, &error), error);
			cr_expect_str_eq(verdict.assurance, "work-proven");
			assay_verdict_close(&verdict);
		} else {
			cr_expect_arr_eq(job.runs[0].roots, of_the_bytes, sizeof of_the_bytes);
		}
		assay_job_close(&job);
	}
	assay_device_close(&device);
	support_ok(assay_secret_write(&secret, support_path("key"), false, &error), error);
	cr_expect_eq(support_run("$V --trust $T/key.pub $T/x.intoto.json"), 2, "%s%s", support_out, support_err);
	cr_expect(strstr(support_out, "work-proven") && !strstr(support_out, "mismatch"), "%s", support_out);
}
