/* SPDX-License-Identifier: Apache-2.0
 *
 * Statistics against numbers that ci/stats.py computed another way (stats.txt), and against what they must be. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "harness/compare/stats.h"

enum { NUMBERS_MAX = 2048 };

/* One line of stats.txt. */
struct line {
	char name[32];
	double results[NUMBERS_MAX], values[NUMBERS_MAX];
	size_t results_count, count;
};

static bool read_line(FILE *file, struct line *line)
{
	char word[64];
	bool after = false;

	memset(line, 0, sizeof *line);
	if (fscanf(file, "%31s", line->name) != 1)
		return false;
	for (int next; (next = fgetc(file)) != '\n' && next != EOF;) {
		if (next == ' ')
			continue;
		ungetc(next, file);
		cr_assert_eq(fscanf(file, "%63s", word), 1);
		if (strcmp(word, ":") == 0)
			after = true;
		else if (after)
			line->values[line->count++] = strtod(word, NULL);
		else
			line->results[line->results_count++] = strtod(word, NULL);
		cr_assert(line->count < NUMBERS_MAX && line->results_count < NUMBERS_MAX);
	}
	return true;
}

static bool close_to(double a, double b)
{
	return a == b || fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b)) + 1e-12;
}

static void check_signs(const struct line *line)
{
	const struct assay_signs signs = assay_signs_of(line->values, line->count);

	cr_expect_eq((double)signs.used, line->results[0]);
	cr_expect_eq((double)signs.above, line->results[1]);
	/* Of ten digits in the file, also where p is as small as 2^-1023. */
	cr_expect(fabs(signs.p / line->results[2] - 1) < 1e-9, "n = %zu: p %.12g, not %.12g", line->count, signs.p,
	          line->results[2]);
}

static void check_shift(const struct line *line)
{
	const struct assay_shift shift = assay_shift_of(line->values, line->count, line->results[0]);

	cr_expect(close_to(shift.value, line->results[1]), "n = %zu: %g %g", line->count, shift.value,
	          line->results[1]);
	cr_expect(close_to(shift.low, line->results[2]), "n = %zu: %g %g", line->count, shift.low, line->results[2]);
	cr_expect(close_to(shift.high, line->results[3]), "n = %zu: %g %g", line->count, shift.high, line->results[3]);
}

static void check_discoveries(const struct line *line)
{
	bool believed[64];

	assay_discoveries(believed, line->values, line->count, line->results[0]);
	for (size_t i = 0; i < line->count; i++)
		cr_expect_eq(believed[i], line->results[1 + i] != 0, "q = %g, p[%zu] = %g", line->results[0], i,
		             line->values[i]);
}

static void check_change(const struct line *line)
{
	struct assay_changes changes;
	size_t at = 0;

	cr_assert(assay_changes_of(&changes, line->values, line->count, 0.01, 7));
	/* Six values have twenty orders by sides: no p below a hundredth. */
	if (line->count == 6) {
		cr_expect_eq(changes.count, 0);
		cr_assert(assay_changes_of(&changes, line->values, line->count, 0.2, 7));
	}
	cr_expect_eq(changes.count, 1, "%zu changes", changes.count);
	at = changes.at[0];
	cr_expect_eq((double)at, line->results[0], "%zu, not %g", at, line->results[0]);
}

static void check_ratio(const struct line *line)
{
	struct assay_ratio ratio;
	const size_t n = (size_t)line->results[0];
	const double width = line->results[3] - line->results[2];

	cr_assert(assay_ratio_of(&ratio, line->values, n, line->values + n, line->count - n, 0.05, 7));
	cr_expect(close_to(ratio.value, line->results[1]), "%g %g", ratio.value, line->results[1]);
	cr_expect(fabs(ratio.low - line->results[2]) < width / 10, "%g %g", ratio.low, line->results[2]);
	cr_expect(fabs(ratio.high - line->results[3]) < width / 10, "%g %g", ratio.high, line->results[3]);
}

Test(stats, as_computed_another_way)
{
	static const struct {
		const char *name;
		void (*check)(const struct line *line);
	} kinds[] = {
	    {"signs", check_signs},   {"shift", check_shift},
	    {"change", check_change}, {"discoveries", check_discoveries},
	    {"ratio", check_ratio},
	};
	static struct line line;
	unsigned seen[5] = {0};
	FILE *file = fopen("harness/test/stats.txt", "r");

	cr_assert(file);
	while (read_line(file, &line)) {
		size_t kind = 0;
		while (kind < 5 && strcmp(kinds[kind].name, line.name) != 0)
			kind++;
		cr_assert(kind < 5, "%s", line.name);
		kinds[kind].check(&line);
		seen[kind]++;
	}
	fclose(file);
	for (size_t kind = 0; kind < 5; kind++)
		cr_expect(seen[kind] >= 3, "%s: only %u lines", kinds[kind].name, seen[kind]);
}

Test(stats, random_numbers)
{
	/* The first numbers of the authors' own program for seed 1234567. */
	static const uint64_t known[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
	                                 UINT64_C(9817491932198370423)};
	struct assay_random random = {1234567};
	unsigned counts[3] = {0};

	for (size_t i = 0; i < 3; i++)
		cr_expect_eq(assay_random_next(&random), known[i]);
	for (int i = 0; i < 30000; i++)
		counts[assay_random_below(&random, 3)]++;
	for (size_t i = 0; i < 3; i++)
		cr_expect(counts[i] > 9700 && counts[i] < 10300, "%u", counts[i]);
	for (int i = 0; i < 1000; i++) {
		const double unit = assay_random_unit(&random);
		cr_assert(unit >= 0 && unit < 1);
		cr_assert_eq(assay_random_below(&random, 1), 0);
		cr_assert_lt(assay_random_below(&random, UINT64_C(1) << 63), UINT64_C(1) << 63);
	}
}

Test(stats, medians)
{
	double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2}, great[] = {1.7e308, 1.7e308}, one[] = {-5};

	cr_expect_eq(assay_median(odd, 3), 2);
	cr_expect_eq(assay_median(even, 4), 2.5);
	cr_expect_eq(assay_median(great, 2), 1.7e308);
	cr_expect_eq(assay_median(one, 1), -5);
}

Test(stats, normal_distribution)
{
	cr_expect(fabs(assay_normal_tail(1.959963984540054) - 0.025) < 1e-12);
	cr_expect(fabs(assay_normal_z(0.005) - 2.5758293035489004) < 1e-9);
	cr_expect(fabs(assay_normal_z(0.9) + 1.2815515655446004) < 1e-9);
	cr_expect(fabs(assay_normal_z(0.5)) < 1e-9);
}

/* A change is found in noise only as often as the permutations allow. */
Test(stats, changes_of_noise)
{
	struct assay_random random = {99};
	double values[40];
	unsigned alarms = 0;

	for (uint64_t trial = 0; trial < 100; trial++) {
		struct assay_changes changes;
		for (size_t i = 0; i < 40; i++)
			values[i] = assay_random_unit(&random);
		cr_assert(assay_changes_of(&changes, values, 40, 0.05, trial));
		alarms += changes.count > 0;
	}
	cr_expect(alarms >= 1 && alarms <= 12, "%u of 100 at 5 %%", alarms);
}

Test(stats, several_changes)
{
	struct assay_random random = {5};
	struct assay_changes changes;
	double values[ASSAY_HISTORY_MAX];

	for (size_t i = 0; i < 90; i++)
		values[i] = (i < 30 ? 0 : i < 60 ? 0.2 : 0.1) + 0.05 * assay_random_unit(&random);
	cr_assert(assay_changes_of(&changes, values, 90, 0.01, 1));
	cr_assert_eq(changes.count, 2);
	cr_expect_eq(changes.at[0], 30);
	cr_expect_eq(changes.at[1], 60);
	/* Nothing, one, and all the same. */
	for (size_t count = 0; count < 4; count++) {
		cr_assert(assay_changes_of(&changes, values, count, 0.01, 1));
		cr_expect_eq(changes.count, 0);
	}
	for (size_t i = 0; i < ASSAY_HISTORY_MAX; i++)
		values[i] = 7;
	cr_assert(assay_changes_of(&changes, values, ASSAY_HISTORY_MAX, 0.01, 1));
	cr_expect_eq(changes.count, 0);
	/* One odd value at the end is no change. */
	values[ASSAY_HISTORY_MAX - 1] = 9;
	cr_assert(assay_changes_of(&changes, values, ASSAY_HISTORY_MAX, 0.01, 1));
	cr_expect_eq(changes.count, 0);
}

/* More values than are resampled, and the fewest. */
Test(stats, ratios_of_many_and_few)
{
	static double a[10000], b[10000];
	struct assay_random random = {3};
	struct assay_ratio ratio;

	for (size_t i = 0; i < 10000; i++) {
		a[i] = 1 + 0.1 * assay_random_unit(&random);
		b[i] = 1.1 * (1 + 0.1 * assay_random_unit(&random));
	}
	cr_assert(assay_ratio_of(&ratio, a, 10000, b, 10000, 0.01, 1));
	cr_expect(fabs(ratio.value - log(1.1)) < 0.003, "%g", ratio.value);
	cr_expect(ratio.low > 0.09 && ratio.high < 0.1 && ratio.low < ratio.value && ratio.value < ratio.high);
	cr_expect(ratio.p < 0.002);
	cr_assert(assay_ratio_of(&ratio, a, 1, b, 1, 0.01, 1));
	cr_expect_eq(ratio.low, ratio.high);
	cr_assert(assay_ratio_of(&ratio, a, 5000, a, 5000, 0.01, 1));
	cr_expect_eq(ratio.value, 0);
	cr_expect(ratio.p > 0.5);
}
