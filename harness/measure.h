/* SPDX-License-Identifier: Apache-2.0
 *
 * Clocks and the statistics of round times (SPEC 8.3). */
#ifndef HARNESS_MEASURE_H
#define HARNESS_MEASURE_H

#include <stddef.h>
#include <stdint.h>

/* The monotonic clock, in nanoseconds. */
uint64_t assay_clock_ns(void);

struct assay_spread {
	uint64_t median, low, high; /* low and high: the 95 % interval of the median */
};

/* Of `count` >= 1 values, which are sorted in place. */
struct assay_spread assay_spread_of(uint64_t *values, size_t count);

#endif
