/* SPDX-License-Identifier: Apache-2.0
 *
 * See measure.h. */
#include "harness/measure.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FIRST_NS = 2000000000, DRIFT_ROUNDS_MIN = 9 };

__extension__ typedef unsigned __int128 wide;

uint64_t assay_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t assay_time_since(_Atomic uint64_t *ahead, uint64_t since_1970_ns, uint64_t monotonic_ns)
{
	const uint64_t now = since_1970_ns > monotonic_ns ? since_1970_ns - monotonic_ns : 0;
	uint64_t most = atomic_load(ahead);

	while (most < now && !atomic_compare_exchange_weak(ahead, &most, now))
		;
	return monotonic_ns + (most < now ? now : most);
}

uint64_t assay_time_ns(void)
{
	static _Atomic uint64_t ahead;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return assay_time_since(&ahead, (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec, assay_clock_ns());
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static uint64_t median_sorted(const uint64_t *values, size_t count)
{
	return count % 2 ? values[count / 2] : values[count / 2 - 1] + (values[count / 2] - values[count / 2 - 1]) / 2;
}

struct assay_spread assay_spread_of(uint64_t *values, size_t count)
{
	struct assay_spread spread;
	double n = (double)count, low = floor((n - 1.96 * sqrt(n)) / 2), high = ceil(1 + (n + 1.96 * sqrt(n)) / 2);

	qsort(values, count, sizeof *values, ascending);
	/* Ranks count from 1. */
	spread.low = values[low < 1 ? 0 : (size_t)low - 1];
	spread.high = values[high > n ? count - 1 : (size_t)high - 1];
	spread.median = median_sorted(values, count);
	return spread;
}

/* Of values that stay in their order; `scratch` has room for them. */
static uint64_t median_of(const uint64_t *values, size_t count, uint64_t *scratch)
{
	memcpy(scratch, values, count * sizeof *scratch);
	qsort(scratch, count, sizeof *scratch, ascending);
	return median_sorted(scratch, count);
}

static uint64_t deviation(const uint64_t *values, size_t count, uint64_t median, uint64_t *scratch)
{
	for (size_t i = 0; i < count; i++)
		scratch[i] = values[i] > median ? values[i] - median : median - values[i];
	qsort(scratch, count, sizeof *scratch, ascending);
	return median_sorted(scratch, count);
}

/* Rounds that began in the first two seconds: at least one. */
static size_t first_rounds(const uint64_t *round_ns, size_t count)
{
	uint64_t began = 0;
	size_t rounds = 0;

	while (rounds < count && began < FIRST_NS) {
		/* Times are anything that a clock says; their sum need not fit. */
		began = round_ns[rounds] < FIRST_NS ? began + round_ns[rounds] : FIRST_NS;
		rounds++;
	}
	return rounds;
}

static int64_t drift(const uint64_t *round_ns, size_t count, uint64_t *scratch)
{
	if (count < DRIFT_ROUNDS_MIN)
		return ASSAY_PPM_UNKNOWN;
	const size_t third = count / 3;
	const uint64_t before = median_of(round_ns, third, scratch);
	const uint64_t after = median_of(round_ns + count - third, third, scratch);
	if (before == 0)
		return ASSAY_PPM_UNKNOWN;
	const wide ppm = (wide)1000000 * (after > before ? after - before : before - after) / before;
	const int64_t size = ppm > INT64_MAX ? INT64_MAX : (int64_t)ppm;
	return after > before ? size : -size;
}

bool assay_statistics_of(struct assay_statistics *statistics, const uint64_t *round_ns, const uint64_t *device_ns,
                         size_t count)
{
	uint64_t *scratch = malloc(count * sizeof *scratch);
	const size_t first = first_rounds(round_ns, count);
	bool timed = device_ns != NULL;

	if (!scratch)
		return false;
	memcpy(scratch, round_ns, count * sizeof *scratch);
	statistics->spread = assay_spread_of(scratch, count);
	statistics->mad_ns = deviation(round_ns, count, statistics->spread.median, scratch);
	statistics->first_ns = median_of(round_ns, first, scratch);
	statistics->steady_ns = first < count ? median_of(round_ns + first, count - first, scratch) : ASSAY_NS_UNKNOWN;
	statistics->drift_ppm = drift(round_ns + first, count - first, scratch);
	for (size_t i = 0; timed && i < count; i++)
		timed = device_ns[i] != ASSAY_NS_UNKNOWN;
	statistics->device_ns = timed ? median_of(device_ns, count, scratch) : ASSAY_NS_UNKNOWN;
	free(scratch);
	return true;
}
