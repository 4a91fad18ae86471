/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a job can be done in the time that there is. */
#ifndef HARNESS_PLAN_H
#define HARNESS_PLAN_H

#include "harness/job.h"

/* How a job is held back, and the time that there is. */
struct assay_plan {
	uint32_t stagger_ms;
	bool in_turns;     /* devices may have to wait for each other */
	uint32_t least_ms; /* of a segment that asks for a duration */
	uint64_t spent_ns, left_ns;
};

/* Measures a round and an opening of each segment on one device of each kind, and shortens segments that ask for a
 * duration, to `least_ms` at the least, so that the job, with its openings and their recheck, ends in `left_ns`.
 * *needed_ns is what the job takes as it then stands. Errors: plan.time, when it cannot be; the time it would need is
 * in the text, with `spent_ns` that are gone already. */
enum assay_status assay_plan_fit(struct assay_challenge *challenge, struct assay_device *devices,
                                 const struct assay_plan *plan, uint64_t *needed_ns,
                                 struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
