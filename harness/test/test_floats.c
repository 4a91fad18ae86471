/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of floats: arithmetic with other roundings is caught by the self-test, also where random operands do not
 * show it. */
#include <math.h>
#include <string.h>

#include "harness/selftest.h"
#include "harness/test/shim.h"
#include "harness/test/support.h"

TestSuite(floats, .init = shim_reset, .fini = support_leave, .timeout = 300);

static struct assay_error error;

/* 113 bits. */
#if __LDBL_MANT_DIG__ == 113
typedef long double quadruple;
#else
__extension__ typedef __float128 quadruple;
#endif

/* A sum over k of row x and column y, whose elements are sixteen apart. */
typedef double chain(const double *x, const double *y, uint32_t k);
static chain *product_f32, *product_f64;

static float f32_of(const void *buffer, size_t index)
{
	return ((const float *)buffer)[index];
}

static double f64_of(const void *buffer, size_t index)
{
	return ((const double *)buffer)[index];
}

static bool multiply(const struct shim_launch *launch)
{
	const bool wide = launch->id == ASSAY_KERNEL_MATMUL_F64;
	chain *product = wide ? product_f64 : product_f32;

	if (!product || (!wide && launch->id != ASSAY_KERNEL_MATMUL_F32))
		return false;
	const uint32_t first = launch->arguments[3].value, count = launch->arguments[4].value;
	const uint32_t columns = launch->arguments[5].value, k = launch->arguments[6].value;
	static double x[16 * 8192], y[16 * 8192];
	for (uint32_t block = first; block < first + count; block++) {
		const uint32_t row = block / columns, column = block % columns;
		for (size_t i = 0; i < (size_t)k * 16; i++) {
			const size_t in_a = (size_t)row * k * 16 + i, in_b = (size_t)column * k * 16 + i;
			x[i] = wide ? f64_of(launch->arguments[0].buffer, in_a)
			            : (double)f32_of(launch->arguments[0].buffer, in_a);
			y[i] = wide ? f64_of(launch->arguments[1].buffer, in_b)
			            : (double)f32_of(launch->arguments[1].buffer, in_b);
		}
		for (uint32_t i = 0; i < 256; i++) {
			const uint32_t r = i / 16, j = i % 16;
			const size_t tile = ((size_t)row * 2 + r / 8) * columns * 2 + column * 2 + j / 8;
			const size_t entry = tile * 64 + r % 8 * 8 + j % 8;
			double sum = product(x + r, y + j, k);
			if (wide)
				((double *)launch->arguments[2].buffer)[entry] = sum;
			else
				((float *)launch->arguments[2].buffer)[entry] = (float)sum;
		}
	}
	return true;
}

#define EACH(l, k) (uint32_t l = 0; l < (k); l++)

static double right_f32(const double *x, const double *y, uint32_t k)
{
	float sum = 0;
	for
		EACH(l, k)
	sum = fmaf((float)x[l * 16], (float)y[l * 16], sum);
	return (double)sum;
}

static double right_f64(const double *x, const double *y, uint32_t k)
{
	double sum = 0;
	for
		EACH(l, k)
	sum = fma(x[l * 16], y[l * 16], sum);
	return sum;
}

static double two_roundings_f32(const double *x, const double *y, uint32_t k)
{
	volatile float sum = 0, product;
	for
		EACH(l, k)
		{
			product = (float)(x[l * 16] * y[l * 16]);
			sum = sum + product;
		}
	return (double)sum;
}

static double two_roundings_f64(const double *x, const double *y, uint32_t k)
{
	volatile double sum = 0, product;
	for
		EACH(l, k)
		{
			product = x[l * 16] * y[l * 16];
			sum = sum + product;
		}
	return sum;
}

static double descending_f32(const double *x, const double *y, uint32_t k)
{
	float sum = 0;
	for
		EACH(l, k)
	sum = fmaf((float)x[(k - 1 - l) * 16], (float)y[(k - 1 - l) * 16], sum);
	return (double)sum;
}

static double descending_f64(const double *x, const double *y, uint32_t k)
{
	double sum = 0;
	for
		EACH(l, k)
	sum = fma(x[(k - 1 - l) * 16], y[(k - 1 - l) * 16], sum);
	return sum;
}

static double two_sums_f32(const double *x, const double *y, uint32_t k)
{
	float sum[2] = {0, 0};
	for
		EACH(l, k)
	sum[l % 2] = fmaf((float)x[l * 16], (float)y[l * 16], sum[l % 2]);
	return (double)(sum[0] + sum[1]);
}

static double two_sums_f64(const double *x, const double *y, uint32_t k)
{
	return right_f64(x, y, k / 2) + right_f64(x + k / 2 * 16, y + k / 2 * 16, k - k / 2);
}

/* Exact in a double, whose sum is then rounded once more: wrong only beside the middle between two floats. */
static double twice_rounded_f32(const double *x, const double *y, uint32_t k)
{
	volatile double wide;
	volatile float sum = 0;
	for
		EACH(l, k)
		{
			wide = fma(x[l * 16], y[l * 16], (double)sum);
			sum = (float)wide;
		}
	return (double)sum;
}

/* The same with the 113 bits of a quadruple. */
static double twice_rounded_f64(const double *x, const double *y, uint32_t k)
{
	volatile double sum = 0;
	for
		EACH(l, k)
	sum = (double)((quadruple)x[l * 16] * (quadruple)y[l * 16] + (quadruple)sum);
	return sum;
}

static double one_rounding_f32(const double *x, const double *y, uint32_t k)
{
	return right_f64(x, y, k);
}

static double single_f64(const double *x, const double *y, uint32_t k)
{
	return right_f32(x, y, k);
}

static double cut_f64(const double *x, const double *y, uint32_t k)
{
	return (double)(float)right_f64(x, y, k);
}

/* Zero with a sign. */
static double minus_zero_f32(const double *x, const double *y, uint32_t k)
{
	double sum = right_f32(x, y, k);
	return sum == 0 ? -0.0 : sum;
}

static double minus_zero_f64(const double *x, const double *y, uint32_t k)
{
	double sum = right_f64(x, y, k);
	return sum == 0 ? -0.0 : sum;
}

static double truncated_f32(const double *x, const double *y, uint32_t k)
{
	volatile double wide;
	volatile float sum = 0;
	for
		EACH(l, k)
		{
			wide = fma(x[l * 16], y[l * 16], (double)sum);
			sum = (float)wide;
			if (fabs((double)sum) > fabs(wide))
				sum = nextafterf(sum, 0);
		}
	return (double)sum;
}

static enum assay_status selftest(void)
{
	struct assay_device device;

	support_ok(assay_device_open(&device, &shim_backend, 0, NULL, &error), error);
	enum assay_status status = assay_selftest(&device, &error);
	assay_device_close(&device);
	return status;
}

Test(floats, other_arithmetic)
{
	static const struct {
		const char *what;
		chain *f32, *f64;
	} mutants[] = {
	    {"a product and a sum", two_roundings_f32, NULL},
	    {"a product and a sum of doubles", NULL, two_roundings_f64},
	    {"descending k", descending_f32, NULL},
	    {"descending k of doubles", NULL, descending_f64},
	    {"two sums", two_sums_f32, NULL},
	    {"two sums of doubles", NULL, two_sums_f64},
	    {"a sum in double, rounded twice", twice_rounded_f32, NULL},
	    {"a sum in quadruple, rounded twice", NULL, twice_rounded_f64},
	    {"one rounding at the end", one_rounding_f32, NULL},
	    {"floats for doubles", NULL, single_f64},
	    {"doubles cut to floats", NULL, cut_f64},
	    {"minus zero", minus_zero_f32, NULL},
	    {"minus zero of doubles", NULL, minus_zero_f64},
	    {"sums that are cut", truncated_f32, NULL},
	};

	support_enter();
	shim.instead = multiply;
	product_f32 = right_f32;
	product_f64 = right_f64;
	support_ok(selftest(), error);
	for (size_t i = 0; i < sizeof mutants / sizeof *mutants; i++) {
		product_f32 = mutants[i].f32;
		product_f64 = mutants[i].f64;
		cr_assert_eq(selftest(), ASSAY_ERROR_DEVICE, "%s: not noticed", mutants[i].what);
		cr_assert_str_eq(error.reason, "device.miscompute");
		cr_assert(strstr(error.text, mutants[i].f32 ? "matmul-f32" : "matmul-f64"), "%s: %s", mutants[i].what,
		          error.text);
	}
}

/* ---- Random operands ---- */

static uint64_t state;

static uint64_t anything(void)
{
	uint64_t x = state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* That the cases between two numbers are needed. */
Test(floats, random_operands_do_not_show_them)
{
	enum { K = 2048 };
	static double x[K * 16], y[K * 16];

	for (uint32_t trial = 0; trial < 50; trial++) {
		for (uint32_t l = 0; l < K; l++) {
			x[l * 16] = ldexp((double)((int32_t)anything() >> 8), -23);
			y[l * 16] = ldexp((double)((int32_t)anything() >> 8), -23);
		}
		cr_assert_eq(twice_rounded_f32(x, y, K), right_f32(x, y, K));
		for (uint32_t l = 0; l < K; l++) {
			x[l * 16] = ldexp((double)((int64_t)anything() >> 11), -52);
			y[l * 16] = ldexp((double)((int64_t)anything() >> 11), -52);
		}
		cr_assert_eq(twice_rounded_f64(x, y, K), right_f64(x, y, K));
	}
}
