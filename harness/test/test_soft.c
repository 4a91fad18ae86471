/* SPDX-License-Identifier: Apache-2.0
 *
 * Doubles in integers (kernels/floats.h), as on devices that have none: they are the processor's, bit for bit, and what
 * is attested with them passes (SPEC 13.4). */
#include <math.h>
#include <string.h>

#include "harness/attest.h"
#include "harness/selftest.h"
#include "harness/test/shim.h"
#include "harness/test/soft.h"
#include "harness/test/support.h"

TestSuite(soft, .init = shim_reset, .fini = support_leave, .timeout = 300);

static struct assay_error error;
static uint64_t state;

static uint64_t anything(void)
{
	uint64_t x = state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static uint64_t bits_of(double number)
{
	uint64_t bits;

	memcpy(&bits, &number, sizeof bits);
	return bits;
}

static double number_of(uint64_t bits)
{
	double number;

	memcpy(&number, &bits, sizeof number);
	return number;
}

Test(soft, numbers_of_the_grid)
{
	static const uint64_t some[] = {0,
	                                1,
	                                0x7ff,
	                                0x800,
	                                0x801,
	                                UINT64_MAX,
	                                UINT64_MAX << 11,
	                                INT64_MAX,
	                                INT64_MAX - 0x7ff,
	                                UINT64_C(1) << 63,
	                                (UINT64_C(1) << 63) + 0x800};

	for (uint32_t trial = 0; trial < 2000000; trial++) {
		uint64_t word = trial < sizeof some / sizeof *some ? some[trial] : anything() >> anything() % 64;
		if (trial % 3 == 0)
			word = ~word;
		double number = ldexp((double)((int64_t)word >> 11), -52);
		cr_assert_eq(soft_number((uint32_t)word, (uint32_t)(word >> 32)), bits_of(number), "%016llx",
		             (unsigned long long)word);
	}
}

/* An operand: one bit, few bits, all bits, a factor of a sum that ends beside the middle of two numbers, or any. */
static double operand(void)
{
	/* The last two times each other: 2^102 + 1. */
	static const int64_t factors[] = {2147549185, 2147418113, (INT64_C(1) << 51) + (1 << 26) + 1,
	                                  (INT64_C(1) << 51) - (1 << 26) + 1};
	const uint64_t kind = anything() % 8;
	int64_t x = (int64_t)anything() >> 11;

	if (kind == 0)
		x = INT64_C(1) << anything() % 52;
	else if (kind == 1)
		x >>= anything() % 52;
	else if (kind == 2)
		x = (INT64_C(1) << 52) - (INT64_C(1) << anything() % 52);
	else if (kind == 3)
		x = factors[anything() % 4];
	else if (kind == 4)
		x = (INT64_C(1) << anything() % 52) + (INT64_C(1) << anything() % 52) - 1;
	return ldexp((double)(anything() % 2 ? x : -x), -52);
}

/* An addend for a product: zero, any, a power of two, all bits set, or what nearly or exactly cancels it. All are
 * multiples of 2^-104, as sums of products are; some are larger, so that low bits fall off what is added. */
static double addend(double product)
{
	const uint64_t kind = anything() % 8;
	const double sign = anything() % 2 ? 1 : -1, place = ldexp(sign, (int)(anything() % 112) - 52);

	if (kind == 0)
		return 0;
	if (kind == 1)
		return place;
	if (kind == 2)
		return place * (2 - 0x1p-52);
	if (kind == 3)
		return fabs(product) < 0x1p-51 ? 0 : -product;
	if (kind == 4)
		return fabs(product) < 0x1p-50 ? place : nextafter(-product, sign);
	if (kind == 5)
		return fabs(product) < 0x1p-40 ? place : -product * ldexp(1, (int)(anything() % 3) - 1);
	return place * ldexp((double)(anything() >> 11 | UINT64_C(1) << 52), -52);
}

Test(soft, fma_is_the_c_librarys)
{
	for (uint32_t trial = 0; trial < 6000000; trial++) {
		double a = operand(), b = operand(), acc = addend(a * b);
		uint64_t found = soft_fma(bits_of(a), bits_of(b), bits_of(acc) & (acc == 0 ? 0 : UINT64_MAX));
		cr_assert_eq(found, bits_of(fma(a, b, acc)), "%a * %a + %a: %a, not %a", a, b, acc, number_of(found),
		             fma(a, b, acc));
	}
}

/* The same along chains, which is what happens. */
Test(soft, chains)
{
	for (uint32_t chain = 0; chain < 400; chain++) {
		double sum = 0;
		uint64_t soft = 0;
		for (uint32_t l = 0; l < 4096; l++) {
			double a = operand(), b = operand();
			sum = fma(a, b, sum);
			soft = soft_fma(bits_of(a), bits_of(b), soft);
			cr_assert_eq(soft, bits_of(sum), "chain %u step %u", chain, l);
		}
	}
}

static bool is_f64(enum assay_kernel_id id)
{
	return id == ASSAY_KERNEL_CHACHA20_ROWS_F64 || id == ASSAY_KERNEL_MATMUL_F64;
}

static uint32_t soft_launches;

/* The kernels of matmul-f64 with doubles in integers; items of the generator are of fewer lanes. */
static bool in_integers(const struct shim_launch *launch)
{
	const void *arguments[8];
	uint32_t items = launch->items;

	if (!is_f64(launch->id))
		return false;
	if (launch->id == ASSAY_KERNEL_CHACHA20_ROWS_F64)
		items = items * launch->lanes / assay_kernels_soft.lanes;
	for (size_t i = 0; i < (launch->id == ASSAY_KERNEL_MATMUL_F64 ? 7 : 4); i++)
		arguments[i] = launch->arguments[i].buffer ? (const void *)&launch->arguments[i].buffer
		                                           : (const void *)&launch->arguments[i].value;
	assay_kernels_soft.range[launch->id](arguments, 0, items);
	soft_launches++;
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

/* The whole of it: the self-test, the same roots as with the processor's doubles, and an attestation that holds. */
Test(soft, a_job_with_doubles_in_integers_passes)
{
	static struct assay_device devices[2];
	struct assay_secret secret;
	struct assay_verdict verdict;
	struct assay_job job = {
	    .devices = devices,
	    .challenge = {.profile = "test",
	                  .devices = 1,
	                  .samples = 64,
	                  .segment_count = 2,
	                  .segments = {{.work = &assay_work_matmul_f64, .params = {{320, 32, 64}}, .rounds = 3},
	                               {.work = &assay_work_matmul_f64, .params = {{1088, 16, 16}}, .rounds = 2}}},
	};
	struct assay_attest attest = {.job = &job, .secret = &secret};

	support_enter();
	attest.prefix = support_path("x");
	shim.instead = in_integers;
	support_ok(selftest(), error);
	cr_assert_gt(soft_launches, 8);

	support_ok(assay_device_open(&devices[0], &shim_backend, 0, NULL, &error), error);
	cr_assert(support_cpu(&devices[1], 0));
	support_same_rounds(&devices[1], &devices[0]);
	assay_secret_make(&secret);
	memcpy(job.key, secret.key, sizeof job.key);
	support_ok(assay_job_run(&job, &error), error);
	support_ok(assay_attest_write(&attest, &verdict, &error), error);
	cr_expect_str_eq(verdict.assurance, "work-proven");
	assay_verdict_close(&verdict);
	assay_job_close(&job);
	assay_device_close(&devices[0]);
	assay_device_close(&devices[1]);
}
