/* SPDX-License-Identifier: Apache-2.0
 *
 * See measure.h. */
#include "harness/measure.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

uint64_t assay_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

struct assay_spread assay_spread_of(uint64_t *values, size_t count)
{
	struct assay_spread spread;
	double n = (double)count, low = floor((n - 1.96 * sqrt(n)) / 2), high = ceil(1 + (n + 1.96 * sqrt(n)) / 2);

	qsort(values, count, sizeof *values, ascending);
	/* Ranks count from 1. */
	spread.low = values[low < 1 ? 0 : (size_t)low - 1];
	spread.high = values[high > n ? count - 1 : (size_t)high - 1];
	spread.median =
	    count % 2 ? values[count / 2] : values[count / 2 - 1] + (values[count / 2] - values[count / 2 - 1]) / 2;
	return spread;
}
