/* SPDX-License-Identifier: Apache-2.0
 *
 * Two commands on one machine, launched again and again in random order with a control beside them: the measurements
 * of `assay compare --ab` and `--calibrate`. */
#ifndef HARNESS_COMPARE_INTERLEAVE_H
#define HARNESS_COMPARE_INTERLEAVE_H

#include <stdatomic.h>

#include "harness/compare/pairs.h"

enum {
	ASSAY_LAUNCH_FAILURES_MAX = 3, /* of one command; with the next one all ends */
};

struct assay_interleave {
	const char *commands[2]; /* old, new */
	uint64_t timeout_ns;     /* of a launch */
	uint64_t budget_ns;      /* 0: there is none, and `pairs` says how many */
	uint32_t pairs;
	uint64_t canary_ns;      /* beside each launch; 0 = no control */
	bool wall;               /* the time of the whole process is a metric, and the only one where it prints none */
	const char *filter;      /* names of metrics that are looked at, as fnmatch(3) has it; NULL = all */
	const atomic_bool *stop; /* ends it as the end of the time does */
	void (*progress)(uint32_t pairs, uint32_t of, uint64_t left_ns); /* may be NULL */
};

/* Fills findings, control, pairs, looks and notes of a comparison whose rule and seed are set. What fails or is missing
 * in a launch is noted; a metric that only one side has is a finding, unclear. Errors: those of a launch and of the
 * control, command.failed (the first launch, or too many), benchmarks.* of the first output, pairs.none. */
enum assay_status assay_interleave(struct assay_comparison *comparison, const struct assay_interleave *plan,
                                   struct assay_error *error) ASSAY_CHECK_RESULT;

/* One launch, and what it printed. *good is false when it failed, and then `why` says how. */
enum assay_status assay_measured_launch(struct assay_benchmarks *benchmarks, bool *good, char why[256],
                                        const struct assay_interleave *plan, int side,
                                        struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
