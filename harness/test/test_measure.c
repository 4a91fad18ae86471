/* SPDX-License-Identifier: Apache-2.0
 *
 * Medians and their intervals (SPEC 8.3) against a search in integers, without any square root; and all statistics of
 * a run against verify/vectors/statistics.txt. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/measure.h"
#include "harness/test/support.h"
#include "verify/json.h"
#include "verify/test/vectors.h"

TestSuite(measure, .timeout = 60);

/* l = max(1, floor((n - 1.96 sqrt n) / 2)): the largest l with n - 2l >= 1.96 sqrt n, that is with (100 (n - 2l))^2 >=
 * 196^2 n. */
static size_t rank_low(uint64_t n)
{
	size_t rank = 1;

	for (uint64_t l = 1; 2 * l <= n; l++)
		if (10000 * (n - 2 * l) * (n - 2 * l) >= 196 * 196 * n)
			rank = l;
	return rank;
}

/* u = min(n, ceil(1 + (n + 1.96 sqrt n) / 2)): the smallest u with 2 (u - 1) - n >= 1.96 sqrt n. */
static size_t rank_high(uint64_t n)
{
	for (uint64_t u = 1; u < n; u++)
		if (2 * (u - 1) >= n && 10000 * (2 * (u - 1) - n) * (2 * (u - 1) - n) >= 196 * 196 * n)
			return u;
	return n;
}

static uint64_t next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 20;
}

/* The value of this rank by counting, without sorting. */
static uint64_t ranked(const uint64_t *values, size_t n, size_t rank)
{
	for (size_t i = 0; i < n; i++) {
		size_t below = 0, equal = 0;
		for (size_t j = 0; j < n; j++) {
			below += values[j] < values[i];
			equal += values[j] == values[i];
		}
		if (below < rank && rank <= below + equal)
			return values[i];
	}
	cr_assert_fail("no value has rank %zu of %zu", rank, n);
	return 0;
}

Test(measure, against_counting)
{
	uint64_t values[200], sorted[200], state = 1;

	for (size_t n = 1; n <= 200; n++) {
		for (int trial = 0; trial < 4; trial++) {
			/* Distinct, few different, equal, and large ones, of which two do not fit together. */
			for (size_t i = 0; i < n; i++)
				values[i] = trial == 0   ? next(&state)
				            : trial == 1 ? next(&state) % 5
				            : trial == 2 ? 7
				                         : UINT64_MAX - next(&state) % 1000;
			memcpy(sorted, values, n * sizeof *values);
			struct assay_spread spread = assay_spread_of(sorted, n);
			uint64_t a = ranked(values, n, (n + 1) / 2), b = ranked(values, n, n / 2 + 1);
			/* a <= b; their sum may not fit. */
			uint64_t median = n % 2 ? a : a / 2 + b / 2 + (a & b & 1);
			cr_assert_eq(spread.median, median, "n %zu trial %d", n, trial);
			cr_assert_eq(spread.low, ranked(values, n, rank_low(n)), "n %zu trial %d", n, trial);
			cr_assert_eq(spread.high, ranked(values, n, rank_high(n)), "n %zu trial %d", n, trial);
			cr_assert(spread.low <= spread.median && spread.median <= spread.high);
		}
	}
}

/* Where 1.96 sqrt n is a whole number, rounding could fall on either side. */
Test(measure, ranks_of_many_rounds)
{
	static const size_t counts[] = {625, 2500, 5625, 10000, 15625, 22500, 62500, 65535, 65536, 201, 1023};
	uint64_t *values = malloc(65536 * sizeof *values);

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		size_t n = counts[i];
		for (size_t v = 0; v < n; v++)
			values[v] = n - v;
		struct assay_spread spread = assay_spread_of(values, n);
		cr_assert_eq(spread.low, rank_low(n), "n %zu: %zu", n, (size_t)spread.low);
		cr_assert_eq(spread.high, rank_high(n), "n %zu: %zu", n, (size_t)spread.high);
		cr_assert_eq(spread.median, (n + 1) / 2);
	}
	free(values);
}

/* What a claim says of a number of nanoseconds. */
static void expect_ns(struct vectors *vectors, uint64_t ns, const char *section, const char *name)
{
	char text[24] = "null";

	if (ns != ASSAY_NS_UNKNOWN)
		snprintf(text, sizeof text, "%" PRIu64,
		         ns > (uint64_t)ASSAY_JSON_INTEGER_MAX ? (uint64_t)ASSAY_JSON_INTEGER_MAX : ns);
	cr_expect_str_eq(text, vectors_text(vectors, "%s", name), "%s %s", section, name);
}

Test(measure, vectors)
{
	struct vectors *vectors = vectors_open("statistics");
	const char *section;
	unsigned sections = 0;

	while ((section = vectors_next_section(vectors))) {
		uint64_t times[1024], device[1024];
		size_t count = 0;
		struct assay_statistics statistics;
		char *end;
		for (const char *at = vectors_text(vectors, "times"); *at; at = end, count++) {
			cr_assert_lt(count, sizeof times / sizeof *times);
			times[count] = strtoull(at, &end, 10);
			cr_assert_neq(end, at);
			device[count] = times[count] ? times[count] - 1 : 0;
		}
		cr_assert(assay_statistics_of(&statistics, times, device, count));
		expect_ns(vectors, statistics.spread.median, section, "medianNs");
		expect_ns(vectors, statistics.spread.low, section, "lowNs");
		expect_ns(vectors, statistics.spread.high, section, "highNs");
		expect_ns(vectors, statistics.mad_ns, section, "madNs");
		expect_ns(vectors, statistics.first_ns, section, "firstNs");
		expect_ns(vectors, statistics.steady_ns, section, "steadyNs");
		int64_t drift = statistics.drift_ppm;
		char text[24] = "null";
		if (drift != ASSAY_PPM_UNKNOWN)
			snprintf(text, sizeof text, "%" PRId64,
			         drift > ASSAY_JSON_INTEGER_MAX    ? (int64_t)ASSAY_JSON_INTEGER_MAX
			         : drift < -ASSAY_JSON_INTEGER_MAX ? -(int64_t)ASSAY_JSON_INTEGER_MAX
			                                           : drift);
		cr_expect_str_eq(text, vectors_text(vectors, "driftPpm"), "%s drift", section);
		sections++;
	}
	cr_expect_geq(sections, 19);
	cr_expect_null(vectors_unread(vectors), "no test looks at %s", vectors_unread(vectors));
	vectors_close(vectors);
}

/* One time that is not known, and their median is not. The order of neither is changed. */
Test(measure, times_of_devices)
{
	const uint64_t times[] = {30, 10, 20, 50, 40};
	uint64_t device[] = {29, 8, 19, 49, 39};
	struct assay_statistics statistics;

	cr_assert(assay_statistics_of(&statistics, times, device, 5));
	cr_expect_eq(statistics.device_ns, 29);
	cr_expect_eq(statistics.spread.median, 30);
	cr_assert(assay_statistics_of(&statistics, times, NULL, 5));
	cr_expect_eq(statistics.device_ns, ASSAY_NS_UNKNOWN);
	for (size_t i = 0; i < 5; i++) {
		uint64_t kept = device[i];
		device[i] = ASSAY_NS_UNKNOWN;
		cr_assert(assay_statistics_of(&statistics, times, device, 5));
		cr_expect_eq(statistics.device_ns, ASSAY_NS_UNKNOWN, "round %zu", i);
		device[i] = kept;
	}
	cr_expect_eq(device[1], 8);
}

Test(measure, clock_does_not_go_back)
{
	uint64_t before = assay_clock_ns();

	for (int i = 0; i < 100000; i++) {
		uint64_t now = assay_clock_ns();
		cr_assert_geq(now, before);
		before = now;
	}
}

/* What is set back goes on from where it was; what is set ahead is believed. */
Test(measure, time_does_not_shorten)
{
	_Atomic uint64_t ahead = 0;

	cr_expect_eq(assay_time_since(&ahead, 1000, 10), 1000);
	cr_expect_eq(assay_time_since(&ahead, 1005, 15), 1005);
	cr_expect_eq(assay_time_since(&ahead, 900, 20), 1010, "set back by 110");
	cr_expect_eq(assay_time_since(&ahead, 905, 25), 1015);
	cr_expect_eq(assay_time_since(&ahead, 2000, 30), 2000, "set ahead");
	cr_expect_eq(assay_time_since(&ahead, 0, 35), 2005, "below the other clock");
	/* Of this machine. */
	const uint64_t seconds = (uint64_t)time(NULL), now_ns = assay_time_ns();
	cr_expect_lt(now_ns / 1000000000 - seconds, 60);
	cr_expect_geq(assay_time_ns(), now_ns);
}
