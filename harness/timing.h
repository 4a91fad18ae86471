/* SPDX-License-Identifier: Apache-2.0
 *
 * Repeats something and times it until its median is known well enough, or the time is over. */
#ifndef HARNESS_TIMING_H
#define HARNESS_TIMING_H

#include "harness/measure.h"
#include "harness/telemetry.h"
#include "verify/work.h"

struct assay_timing_plan {
	/* One step; *device_ns becomes its time by the device's clock, or ASSAY_NS_UNKNOWN. */
	enum assay_status (*step)(void *context, uint64_t *device_ns, struct assay_error *error);
	void *context;
	uint64_t limit_ns;
	uint64_t (*clock)(void);           /* assay_clock_ns */
	struct assay_telemetry *telemetry; /* of its device 0; may be NULL */
};

struct assay_timing {
	uint32_t count;                /* of steps that were timed; one more came before them */
	struct assay_statistics times; /* of those that count */
	int64_t throttled, energy_mj;  /* of all; -1 = unknown */
	uint32_t left_out;             /* throttled steps that do not count */
	bool converged;
};

/* At least three steps, and no more than 100000. Errors are those of the steps, and memory. */
enum assay_status assay_timing_take(struct assay_timing *timing, const struct assay_timing_plan *plan,
                                    struct assay_error *error) ASSAY_CHECK_RESULT;

/* What checking a leaf of a workload costs the verifier, in nanoseconds: the median of some trials of as many leaves as
 * it does at once. */
uint64_t assay_leaf_ns(const struct assay_work *work, const struct assay_params *params);

/* Half of the median's interval is at most a hundredth of it. */
bool assay_timing_converged(const struct assay_spread *spread);

/* Fills `times`, `left_out` and `converged` from the steps: throttled ones are left out, unless they are the most or
 * fewer than three would remain, and then being throttled is what the device does. Closes the gaps in the arrays. False
 * when out of memory. */
bool assay_timing_finish(struct assay_timing *timing, uint64_t *ns, uint64_t *device_ns, const bool *throttled);

#endif
