/* SPDX-License-Identifier: Apache-2.0
 *
 * Time lines and throttled rounds, against a plain computation over all readings and all rounds; in pieces, and as a
 * statement has them. Nothing here takes time. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/card.h"
#include "harness/compare/stats.h"

TestSuite(timeline, .timeout = 60);

enum { READINGS = 4000 };

static struct {
	uint64_t at_ms;
	int64_t value;
} readings[READINGS];

static uint32_t random_below(uint32_t bound)
{
	static struct assay_random random = {20261130};

	return (uint32_t)assay_random_below(&random, bound);
}

/* So many, some time apart. */
static void readings_make(size_t count, uint32_t apart_ms)
{
	uint64_t at = 0;

	for (size_t i = 0; i < count; i++) {
		at += 1 + random_below(2 * apart_ms);
		readings[i].at_ms = at;
		readings[i].value = 1000 + random_below(1000);
	}
}

static void line_add(struct assay_timeline *line, size_t i)
{
	const struct assay_sum one = {1, readings[i].value, readings[i].value, readings[i].value};

	assay_timeline_add(line, readings[i].at_ms, ASSAY_LINE_POWER, &one);
}

/* What a point is to be: of all readings from p * step to (p + 1) * step. */
static void point_is(const struct assay_timeline *line, size_t count, size_t p)
{
	struct assay_sum sum = {0};

	for (size_t i = 0; i < count; i++) {
		const struct assay_sum one = {1, readings[i].value, readings[i].value, readings[i].value};
		if (readings[i].at_ms / line->step_ms == p)
			assay_sum_add(&sum, &one);
	}
	cr_assert_eq(memcmp(&sum, &line->points[p][ASSAY_LINE_POWER], sizeof sum), 0, "%zu readings, point %zu", count,
	             p);
}

Test(timeline, points_hold_all_readings)
{
	static const uint32_t apart[] = {1, 50, 100, 7000, 1000000};

	for (size_t a = 0; a < sizeof apart / sizeof *apart; a++) {
		static struct assay_timeline line;
		memset(&line, 0, sizeof line);
		readings_make(READINGS, apart[a]);
		for (size_t i = 0; i < READINGS; i++)
			line_add(&line, i);
		const uint64_t last = readings[READINGS - 1].at_ms;
		cr_assert(line.step_ms == ASSAY_TIMELINE_STEP_MS || last / (line.step_ms / 2) >= ASSAY_TIMELINE_POINTS,
		          "no coarser than it has to be");
		for (size_t p = 0; p < ASSAY_TIMELINE_POINTS; p++)
			point_is(&line, READINGS, p);
	}
}

/* Out of pieces, each begun anew at any reading, comes the same line. */
Test(timeline, pieces_make_the_same_line)
{
	for (int trial = 0; trial < 50; trial++) {
		static struct assay_timeline whole, again, piece;
		const size_t count = 1 + random_below(READINGS);
		memset(&whole, 0, sizeof whole);
		memset(&again, 0, sizeof again);
		memset(&piece, 0, sizeof piece);
		readings_make(count, 1 + random_below(300));
		for (size_t i = 0; i < count; i++) {
			line_add(&whole, i);
			line_add(&piece, i);
			if (i + 1 < count && random_below(100) != 0)
				continue;
			for (uint64_t p = 0; p < ASSAY_TIMELINE_POINTS; p++)
				if (piece.points[p][ASSAY_LINE_POWER].count)
					assay_timeline_add(&again, p * piece.step_ms, ASSAY_LINE_POWER,
					                   &piece.points[p][ASSAY_LINE_POWER]);
			memset(&piece, 0, sizeof piece);
		}
		cr_assert_eq(memcmp(&whole, &again, sizeof whole), 0, "trial %d", trial);
	}
}

static json_t *entry_with(json_t *series)
{
	struct assay_telemetry_claim claim = assay_telemetry_none;

	strcpy(claim.source, "test");
	strcpy(claim.joined, "host");
	json_t *entry = assay_telemetry_json(&claim);
	json_object_set_new(entry, "series", series);
	return entry;
}

Test(timeline, is_what_a_verifier_takes)
{
	for (size_t most = ASSAY_TIMELINE_POINTS; most >= 1; most /= 2)
		for (size_t count = 1; count < READINGS; count = count * 2 + 1) {
			static struct assay_timeline line;
			memset(&line, 0, sizeof line);
			readings_make(count, 90);
			for (size_t i = 0; i < count; i++)
				line_add(&line, i);
			json_t *entry = entry_with(assay_timeline_json(&line, most));
			const json_t *series = json_object_get(entry, "series"),
			             *power = json_object_get(series, "powerMw");
			cr_assert(assay_telemetry_is(entry), "%zu readings, %zu points", count, most);
			cr_assert(json_is_null(json_object_get(series, "clockMhz")));
			const size_t points = json_array_size(json_object_get(power, "min"));
			const uint64_t step = (uint64_t)json_integer_value(json_object_get(series, "stepMs"));
			cr_assert_leq(points, most);
			cr_assert_eq(points, readings[count - 1].at_ms / step + 1);
			/* The extremes of all are still there. */
			json_int_t least = INT64_MAX, greatest = 0;
			int64_t low = INT64_MAX, high = 0;
			for (size_t p = 0; p < points; p++) {
				const json_t *min = json_array_get(json_object_get(power, "min"), p),
				             *max = json_array_get(json_object_get(power, "max"), p);
				if (json_is_integer(min) && json_integer_value(min) < least)
					least = json_integer_value(min);
				if (json_is_integer(max) && json_integer_value(max) > greatest)
					greatest = json_integer_value(max);
			}
			for (size_t i = 0; i < count; i++) {
				low = readings[i].value < low ? readings[i].value : low;
				high = readings[i].value > high ? readings[i].value : high;
			}
			cr_assert_eq(least, low);
			cr_assert_eq(greatest, high);
			json_decref(entry);
		}
	const struct assay_timeline nothing = {0};
	cr_assert_null(assay_timeline_json(&nothing, ASSAY_TIMELINE_POINTS));
}

/* Of all gaps between throttled rounds the largest stay, one less than there may be ranges. */
static void ranges_are(const bool *throttled, uint32_t rounds, size_t most)
{
	struct assay_throttled found = {0};
	uint32_t first[2000], last[2000], count = 0, kept = 0;

	for (uint32_t r = 0; r < rounds; r++) {
		if (!throttled[r])
			continue;
		assay_throttled_add(&found, r, r);
		if (count == 0 || last[count - 1] + 1 < r)
			first[count++] = r;
		last[count - 1] = r;
	}
	while (count > most) {
		uint32_t nearest = 1;
		for (uint32_t i = 2; i < count; i++)
			if (first[i] - last[i - 1] < first[nearest] - last[nearest - 1])
				nearest = i;
		last[nearest - 1] = last[nearest];
		count--;
		memmove(first + nearest, first + nearest + 1, (count - nearest) * sizeof *first);
		memmove(last + nearest, last + nearest + 1, (count - nearest) * sizeof *last);
	}
	json_t *ranges = assay_throttled_json(&found, most);
	cr_assert_eq(json_array_size(ranges), count);
	for (; kept < count; kept++) {
		const json_t *range = json_array_get(ranges, kept);
		cr_assert_eq(json_integer_value(json_array_get(range, 0)), first[kept]);
		cr_assert_eq(json_integer_value(json_array_get(range, 1)), last[kept]);
	}
	json_decref(ranges);
}

Test(timeline, nearest_ranges_become_one)
{
	static bool throttled[4000];

	for (int trial = 0; trial < 300; trial++) {
		const uint32_t rounds = 1 + random_below(4000), run = 1 + random_below(60);
		bool now = false;
		for (uint32_t r = 0; r < rounds; r++) {
			now = random_below(run) == 0 ? !now : now;
			throttled[r] = now;
		}
		for (size_t most = ASSAY_THROTTLED_RANGES; most >= 1; most /= 2)
			ranges_are(throttled, rounds, most);
	}
}
