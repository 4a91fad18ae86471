/* SPDX-License-Identifier: Apache-2.0
 *
 * Clocks and the statistics of round times (SPEC 8.3). */
#ifndef HARNESS_MEASURE_H
#define HARNESS_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The monotonic clock, in nanoseconds. */
uint64_t assay_clock_ns(void);

/* Nanoseconds since 1970, for a verifier: between two calls of a process at least the time that has passed, so that a
 * clock that is set back makes nothing shorter. `assay_time_since` is that of both clocks' readings; *ahead, 0 at
 * first, is how far the one of 1970 was ahead at most. */
uint64_t assay_time_ns(void);
uint64_t assay_time_since(_Atomic uint64_t *ahead, uint64_t since_1970_ns, uint64_t monotonic_ns);

struct assay_spread {
	uint64_t median, low, high; /* low and high: the 95 % interval of the median */
};

/* Of `count` >= 1 values, which are sorted in place. */
struct assay_spread assay_spread_of(uint64_t *values, size_t count);

#define ASSAY_NS_UNKNOWN UINT64_MAX
#define ASSAY_PPM_UNKNOWN INT64_MIN

/* What is claimed of a run's times (SPEC 8.3). */
struct assay_statistics {
	struct assay_spread spread;
	uint64_t mad_ns;
	uint64_t first_ns, steady_ns; /* medians of the rounds that began in the first two seconds, and of the rest */
	int64_t drift_ppm;
	uint64_t device_ns; /* median by the device's clock */
};

/* Of `count` >= 1 rounds in their order. `device_ns` may be NULL; a time in it may be ASSAY_NS_UNKNOWN, and then their
 * median is. False when out of memory. */
bool assay_statistics_of(struct assay_statistics *statistics, const uint64_t *round_ns, const uint64_t *device_ns,
                         size_t count);

#endif
