/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers, times and sizes as people write them. */
#include <criterion/criterion.h>

#include "harness/amount.h"

enum { WEEK_S = 604800 };

Test(amount, times)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} good[] = {{"1", 1},           {"25s", 25},      {"2m", 120},    {"1h", 3600}, {"90", 90},
	            {"604800", WEEK_S}, {"168h", WEEK_S}, {"7d", WEEK_S}, {"007", 7}};
	static const char *const bad[] = {"",    "0",  "0s",     "-1",   "+5",  " 5",   "5 ", "5S",
	                                  "5ms", "8d", "604801", "169h", "1.5", "2m30", "s",  "99999999999999999999",
	                                  "x",   "0x5"};
	uint64_t seconds;

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		cr_expect(assay_amount_time(&seconds, good[i].text, 1, WEEK_S), "%s", good[i].text);
		cr_expect_eq(seconds, good[i].seconds, "%s", good[i].text);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_expect_not(assay_amount_time(&seconds, bad[i], 1, WEEK_S), "\"%s\"", bad[i]);
}

Test(amount, numbers_and_sizes)
{
	uint64_t amount;

	cr_expect(assay_amount_number(&amount, "18446744073709551615", 0, UINT64_MAX) && amount == UINT64_MAX);
	cr_expect(assay_amount_number(&amount, "0", 0, 3) && amount == 0);
	cr_expect_not(assay_amount_number(&amount, "18446744073709551616", 0, UINT64_MAX));
	cr_expect_not(assay_amount_number(&amount, "4", 0, 3));
	cr_expect_not(assay_amount_number(&amount, "2", 3, 4));
	cr_expect_not(assay_amount_number(&amount, "3s", 0, 9));
	cr_expect_not(assay_amount_number(&amount, "-0", 0, 9));

	cr_expect(assay_amount_size(&amount, "80GB", 1, UINT64_C(1) << 50) && amount == UINT64_C(80) << 30);
	cr_expect(assay_amount_size(&amount, "80GiB", 1, UINT64_C(1) << 50) && amount == UINT64_C(80) << 30);
	cr_expect(assay_amount_size(&amount, "512MiB", 1, UINT64_C(1) << 50) && amount == UINT64_C(512) << 20);
	cr_expect(assay_amount_size(&amount, "1048576GiB", 1, UINT64_C(1) << 50) && amount == UINT64_C(1) << 50);
	cr_expect_not(assay_amount_size(&amount, "1048577GiB", 1, UINT64_C(1) << 50));
	cr_expect_not(assay_amount_size(&amount, "512", 1, UINT64_C(1) << 50));
	cr_expect_not(assay_amount_size(&amount, "0GiB", 1, UINT64_C(1) << 50));
	cr_expect_not(assay_amount_size(&amount, "17179869184GiB", 1, UINT64_MAX));
}
