/* SPDX-License-Identifier: Apache-2.0
 *
 * The rule of a comparison, and looks at pairs. */
#include <math.h>
#include <string.h>

#include <criterion/criterion.h>

#include "harness/compare/floor.h"
#include "harness/compare/pairs.h"

static const struct assay_rule rule = {.fail_on = 0.02, .alpha = 0.01};

static enum assay_judgement judged(double worse, double half, bool believed, double limit)
{
	struct assay_compared finding = {
	    .base = 1, .worse = worse, .low = worse - half, .high = worse + half, .limit = limit};

	assay_compared_judge(&finding, &rule, rule.alpha, believed);
	cr_expect_eq(finding.judgement == ASSAY_UNCLEAR, finding.reason[0] != '\0');
	return finding.judgement;
}

Test(pairs, the_rule)
{
	cr_expect_eq(judged(0.05, 0.01, true, 0.02), ASSAY_REGRESSION);
	cr_expect_eq(judged(0.05, 0.06, false, 0.02), ASSAY_UNCLEAR);
	cr_expect_eq(judged(0.019, 0.005, true, 0.02), ASSAY_UNCLEAR); /* could be more than is asked for */
	cr_expect_eq(judged(0.01, 0.005, true, 0.02), ASSAY_SAME);
	cr_expect_eq(judged(0.05, 0.01, true, 0.08), ASSAY_UNCLEAR); /* below the floor, above what is asked for */
	cr_expect_eq(judged(-0.05, 0.01, true, 0.02), ASSAY_BETTER);
	cr_expect_eq(judged(-0.01, 0.005, true, 0.02), ASSAY_SAME);
	cr_expect_eq(judged(0, HUGE_VAL, false, 0.02), ASSAY_UNCLEAR);
}

/* What could have been seen is found nine times of ten, and half of it seldom. */
Test(pairs, could_see)
{
	struct assay_compared finding = {.base = 1, .worse = 0, .low = -0.0258, .high = 0.0258, .limit = 0.02};

	assay_compared_judge(&finding, &rule, rule.alpha, false);
	/* A deviation of a hundredth: 2.58 + 1.28 of them. */
	cr_expect(fabs(finding.could_see - 0.0386) < 1e-4, "%g", finding.could_see);
	finding.limit = 0.05;
	assay_compared_judge(&finding, &rule, rule.alpha, false);
	cr_expect(fabs(finding.could_see - 0.0628) < 1e-4, "%g", finding.could_see);
}

Test(pairs, looks)
{
	static const uint32_t known[ASSAY_LOOKS_MAX] = {12,  18,  27,  40,  60,  90,
	                                                135, 202, 303, 454, 681, ASSAY_PAIRS_MAX};
	double spent = 0;

	for (uint32_t look = 1; look <= ASSAY_LOOKS_MAX; look++) {
		cr_expect_eq(assay_look_at(look), known[look - 1], "look %u: %u", look, assay_look_at(look));
		/* Whichever is the last, all together spend alpha. */
		cr_expect(fabs(spent + assay_look_alpha(0.01, look, true) - 0.01) < 1e-15, "look %u", look);
		spent += assay_look_alpha(0.01, look, false);
	}
	cr_expect_eq(assay_look_alpha(0.01, 1, true), 0.01);
	/* The first look can find something: the least p of its pairs. */
	cr_expect_lt(2 / pow(2, assay_look_at(1)), assay_look_alpha(0.01, 1, false));
}

/* The test and the interval are one: 0 is outside where p is at most alpha. */
Test(pairs, the_interval_is_of_the_test)
{
	struct assay_random random = {31};
	double differences[100];
	unsigned outside = 0;

	for (int trial = 0; trial < 2000; trial++) {
		const size_t count = 8 + (size_t)assay_random_below(&random, 93);
		const double shift = 0.4 * assay_random_unit(&random),
		             alpha = trial % 2 ? 0.01 : 0.01 / ASSAY_LOOKS_MAX;
		for (size_t i = 0; i < count; i++)
			differences[i] = assay_random_unit(&random) - 0.5 + shift;
		const struct assay_shift interval = assay_shift_of(differences, count, alpha);
		const bool refused = interval.low > 0 || interval.high < 0;
		cr_assert_eq(refused, assay_signs_of(differences, count).p <= alpha, "%zu differences", count);
		cr_assert(interval.low <= interval.value && interval.value <= interval.high);
		outside += refused;
	}
	cr_expect(outside > 500 && outside < 1500, "%u", outside);
}

/* The last look counts; directions; no more pairs than there is room for. */
Test(pairs, decided)
{
	static struct assay_pairs time, rate;
	struct assay_pairs *list[] = {&time, &rate};
	struct assay_compared findings[2] = {{.limit = 0.02}, {.limit = 0.02, .bigger = true}};

	for (int i = 0; i < 10; i++) {
		cr_assert(assay_pair_add(&time, false, 100 + i, 110 + i));
		cr_assert(assay_pair_add(&rate, true, 100 + i, 110 + i));
	}
	cr_assert(assay_pairs_judge(findings, list, 2, &rule, 0.005));
	cr_expect_eq(findings[0].judgement, ASSAY_REGRESSION);
	cr_expect_eq(findings[1].judgement, ASSAY_BETTER);
	cr_expect(time.decided && rate.decided);
	cr_expect(fabs(assay_percent(&findings[0], findings[0].worse) - 9.6) < 0.3);
	cr_expect(fabs(assay_percent(&findings[1], findings[1].worse) - 9.6) < 0.3);
	for (int i = 10; i < ASSAY_PAIRS_MAX; i++)
		cr_assert(assay_pair_add(&time, false, 110, 100));
	cr_expect_not(assay_pair_add(&time, false, 1, 1));
	cr_assert(assay_pairs_judge(findings, list, 2, &rule, 0.005));
	cr_expect_eq(findings[0].judgement, ASSAY_BETTER);
	cr_expect_eq(findings[0].count, ASSAY_PAIRS_MAX);
}

/* Of a hundred metrics of the same code, some have a p below a hundredth: none is believed for it alone. */
Test(pairs, many_metrics)
{
	static struct assay_pairs pairs[100];
	struct assay_pairs *list[100];
	struct assay_compared findings[100] = {0};
	struct assay_random random = {17};
	unsigned small = 0, regressions = 0;

	for (size_t i = 0; i < 100; i++) {
		list[i] = &pairs[i];
		findings[i].limit = 0.001;
		for (int k = 0; k < 40; k++)
			assay_pair_add(&pairs[i], false, 100 + 20 * assay_random_unit(&random),
			               100 + 20 * assay_random_unit(&random));
	}
	cr_assert(assay_pairs_judge(findings, list, 100, &rule, 0.05));
	for (size_t i = 0; i < 100; i++) {
		small += findings[i].p < 0.05;
		regressions += findings[i].judgement == ASSAY_REGRESSION;
	}
	cr_expect_geq(small, 1);
	cr_expect_eq(regressions, 0);
}

/* Three times what was seen, or what Student's t says of the spread where that is more: of many that are nearly equal
 * it is not. How often it is exceeded: test_detection.c. */
Test(pairs, floors)
{
	double values[20];

	for (int i = 0; i < 20; i++)
		values[i] = exp(i == 7 ? 0.01 : 0);
	cr_expect(fabs(assay_floor_of(values, 20, false) - 0.03) < 1e-12, "%g", assay_floor_of(values, 20, false));
	cr_expect(fabs(assay_floor_of(values, 20, true) - 0.03) < 1e-12);
	/* The 99.5 % quantile of t with four degrees of freedom, 4.604, and a spread of ln 2 / sqrt 2. */
	values[1] = 2;
	cr_expect(fabs(assay_floor_of(values, 2, false) - 4.604 * log(2)) < 0.01, "%g",
	          assay_floor_of(values, 2, false));
}

Test(pairs, shares)
{
	double share;

	cr_expect(assay_percent_parse(&share, "5%") && share == 0.05);
	cr_expect(assay_percent_parse(&share, "0.5%") && share == 0.005);
	static const char *const bad[] = {"", "5", "%", "-1%", "0%", "1001%", "nan%", "5%%", " 5%", "1e9%"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_expect_not(assay_percent_parse(&share, bad[i]), "%s", bad[i]);
}
