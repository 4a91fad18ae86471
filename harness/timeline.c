/* SPDX-License-Identifier: Apache-2.0
 *
 * See timeline.h. */
#include "harness/timeline.h"

#include <stdlib.h>
#include <string.h>

void assay_sum_add(struct assay_sum *sum, const struct assay_sum *more)
{
	/* No readings add up to more; what a damaged checkpoint says may. */
	if (more->count == 0 || sum->sum > INT64_MAX - more->sum)
		return;
	if (sum->count == 0) {
		*sum = *more;
		return;
	}
	sum->min = more->min < sum->min ? more->min : sum->min;
	sum->max = more->max > sum->max ? more->max : sum->max;
	sum->sum += more->sum;
	sum->count += more->count;
}

/* ---- The time line ---- */

static void coarser(struct assay_timeline *line)
{
	for (size_t p = 0; p < ASSAY_TIMELINE_POINTS; p++)
		for (int q = 0; q < ASSAY_LINE_QUANTITIES; q++) {
			const struct assay_sum sum = line->points[p][q];
			memset(&line->points[p][q], 0, sizeof sum);
			assay_sum_add(&line->points[p / 2][q], &sum);
		}
	line->step_ms *= 2;
}

void assay_timeline_add(struct assay_timeline *line, uint64_t at_ms, int quantity, const struct assay_sum *sum)
{
	if (line->step_ms == 0)
		line->step_ms = ASSAY_TIMELINE_STEP_MS;
	while (at_ms / line->step_ms >= ASSAY_TIMELINE_POINTS)
		coarser(line);
	assay_sum_add(&line->points[at_ms / line->step_ms][quantity], sum);
}

struct assay_sum assay_timeline_sum(const struct assay_timeline *line, int quantity)
{
	struct assay_sum sum = {0};

	for (size_t p = 0; p < ASSAY_TIMELINE_POINTS; p++)
		assay_sum_add(&sum, &line->points[p][quantity]);
	return sum;
}

/* One quantity of `points` points, each of `share` that are there; null when nothing is known of it. */
static json_t *column_json(const struct assay_timeline *line, int quantity, size_t points, size_t share)
{
	if (assay_timeline_sum(line, quantity).count == 0)
		return json_null();
	json_t *least = json_array(), *mean = json_array(), *greatest = json_array();
	for (size_t p = 0; p < points; p++) {
		struct assay_sum sum = {0};
		for (size_t i = p * share; i < (p + 1) * share && i < ASSAY_TIMELINE_POINTS; i++)
			assay_sum_add(&sum, &line->points[i][quantity]);
		json_array_append_new(least, sum.count ? json_integer(sum.min) : json_null());
		json_array_append_new(mean, sum.count ? json_integer(sum.sum / (int64_t)sum.count) : json_null());
		json_array_append_new(greatest, sum.count ? json_integer(sum.max) : json_null());
	}
	return json_pack("{s:o,s:o,s:o}", "max", greatest, "mean", mean, "min", least);
}

json_t *assay_timeline_json(const struct assay_timeline *line, size_t points_max)
{
	static const int told[] = {ASSAY_LINE_CLOCK, ASSAY_LINE_POWER, ASSAY_LINE_TEMPERATURE};
	size_t used = 0, share = 1;

	for (size_t p = 0; p < ASSAY_TIMELINE_POINTS; p++)
		for (size_t i = 0; i < sizeof told / sizeof *told; i++)
			used = line->points[p][told[i]].count ? p + 1 : used;
	if (used == 0)
		return NULL;
	while ((used + share - 1) / share > points_max)
		share *= 2;
	const size_t points = (used + share - 1) / share;
	return json_pack("{s:o,s:o,s:I,s:o}", "clockMhz", column_json(line, told[0], points, share), "powerMw",
	                 column_json(line, told[1], points, share), "stepMs", (json_int_t)(line->step_ms * share),
	                 "temperatureMc", column_json(line, told[2], points, share));
}

/* ---- Throttled rounds ---- */

/* Makes the two nearest ranges one. */
static void join_nearest(struct assay_throttled *throttled)
{
	uint32_t nearest = 1, least = UINT32_MAX;

	for (uint32_t i = 1; i < throttled->count; i++) {
		const uint32_t apart = throttled->ranges[i].first - throttled->ranges[i - 1].last;
		if (apart < least) {
			least = apart;
			nearest = i;
		}
	}
	throttled->ranges[nearest - 1].last = throttled->ranges[nearest].last;
	throttled->count--;
	memmove(&throttled->ranges[nearest], &throttled->ranges[nearest + 1],
	        (throttled->count - nearest) * sizeof *throttled->ranges);
}

void assay_throttled_add(struct assay_throttled *throttled, uint32_t first, uint32_t last)
{
	if (throttled->count && throttled->ranges[throttled->count - 1].last + 1 == first) {
		throttled->ranges[throttled->count - 1].last = last;
		return;
	}
	throttled->ranges[throttled->count].first = first;
	throttled->ranges[throttled->count++].last = last;
	if (throttled->count > ASSAY_THROTTLED_RANGES)
		join_nearest(throttled);
}

json_t *assay_throttled_json(const struct assay_throttled *throttled, size_t ranges_max)
{
	struct assay_throttled few = *throttled;
	json_t *array = json_array();

	while (few.count > ranges_max)
		join_nearest(&few);
	for (uint32_t i = 0; i < few.count; i++)
		json_array_append_new(
		    array, json_pack("[I,I]", (json_int_t)few.ranges[i].first, (json_int_t)few.ranges[i].last));
	return array;
}

/* ---- Ranges ---- */

static void readings_thin(struct assay_readings *readings)
{
	for (size_t i = 0; i < readings->count / 2; i++)
		readings->values[i] = readings->values[2 * i];
	readings->count /= 2;
	readings->stride *= 2;
}

void assay_readings_add(struct assay_readings *readings, int64_t value)
{
	if (value < 0)
		return;
	if (readings->stride == 0) {
		readings->stride = 1;
		readings->min = readings->max = value;
	}
	readings->min = value < readings->min ? value : readings->min;
	readings->max = value > readings->max ? value : readings->max;
	if (readings->skipped > 0) {
		readings->skipped--;
		return;
	}
	if (readings->count == readings->capacity && readings->capacity < ASSAY_READINGS_KEPT) {
		size_t capacity = readings->capacity ? 2 * readings->capacity : 64;
		int64_t *values = realloc(readings->values, capacity * sizeof *values);
		if (values) {
			readings->values = values;
			readings->capacity = capacity;
		}
	}
	if (readings->count == readings->capacity && readings->count > 1)
		readings_thin(readings);
	if (readings->count < readings->capacity)
		readings->values[readings->count++] = value;
	readings->skipped = readings->stride - 1;
}

static int ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

struct assay_range assay_readings_range(const struct assay_readings *readings)
{
	struct assay_range range = {-1, -1, -1};
	const size_t count = readings->count;
	int64_t *sorted = count ? malloc(count * sizeof *sorted) : NULL;

	if (!sorted)
		return range;
	memcpy(sorted, readings->values, count * sizeof *sorted);
	qsort(sorted, count, sizeof *sorted, ascending);
	range = (struct assay_range){
	    readings->min, sorted[(count - 1) / 2] + (sorted[count / 2] - sorted[(count - 1) / 2]) / 2, readings->max};
	free(sorted);
	return range;
}
