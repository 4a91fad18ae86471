/* SPDX-License-Identifier: Apache-2.0
 *
 * See order.h. */
#include "harness/order.h"

#include <inttypes.h>
#include <string.h>

#include <sodium.h>

#include "harness/command.h"
#include "harness/limit.h"
#include "harness/measure.h"
#include "harness/plan.h"
#include "harness/table.h"
#include "harness/terms.h"

enum assay_status assay_order_challenge(struct assay_challenge *challenge, const struct assay_order *options,
                                        const struct assay_device *devices, uint32_t count, struct assay_error *error)
{
	const struct assay_work *works[ASSAY_SEGMENTS_MAX];
	const struct assay_row *row = assay_row_for(devices, count);
	const struct assay_profile *profile;
	uint32_t segments, duration_ms;

	enum assay_status status = options->row ? assay_terms_row(&row, options->row, error) : ASSAY_OK;
	if (status)
		return status;
	for (uint32_t d = 0; !options->row && d < count; d++)
		if (assay_row_for(&devices[d], 1) != row)
			fprintf(stderr,
			        "assay: %s takes larger sizes than another device of this run; run it alone (-d %s) "
			        "for its rate\n",
			        devices[d].id, devices[d].id);

	status = assay_terms_profile(&profile, options->profile, error);
	if (!status)
		status = assay_terms_works(works, &segments, options->workloads, error);
	if (!status)
		status = assay_terms_duration(&duration_ms, options->duration_s, profile, works, segments, error);
	if (status)
		return status;
	if ((uint64_t)options->stagger_ms * (count - 1) >= duration_ms)
		return assay_fail(error, ASSAY_ERROR_INPUT, "plan.stagger",
		                  "--stagger %u: the last of %u devices would begin after the %u s of a workload; take "
		                  "less, or a longer profile",
		                  options->stagger_ms, count, duration_ms / 1000);
	memset(challenge, 0, sizeof *challenge);
	uint64_t least_ms = 0;
	for (uint32_t j = 0; j < segments; j++)
		least_ms += works[j]->is_fill ? 0 : profile->duration_ms_min;
	if (least_ms * 1000000 >= assay_limit_left_ns())
		return assay_fail(
		    error, ASSAY_ERROR_INPUT, "plan.time",
		    "profile %s asks for %llu s of work here, beside opening and checking it, and --max-time "
		    "does not leave them: give more, or fewer workloads (-w)",
		    options->profile, (unsigned long long)least_ms / 1000);
	/* A profile that SPEC 11 does not have: verified, never certified. */
	snprintf(challenge->profile, sizeof challenge->profile, "%s%s", profile->name,
	         options->share ? ", shared" : "");
	randombytes_buf(challenge->nonce, sizeof challenge->nonce);
	challenge->devices = count;
	challenge->samples = options->samples;
	const struct assay_params table = assay_table_params(profile, row, devices, count);
	assay_terms_segments(challenge, works, segments, row, &table, duration_ms);
	return ASSAY_OK;
}

enum assay_status assay_order_fit(struct assay_challenge *challenge, struct assay_device *devices,
                                  const struct assay_order *options, uint64_t start_ns, FILE *out,
                                  struct assay_error *error)
{
	const uint64_t left_ns = assay_limit_left_ns();
	const struct assay_profile *profile = assay_profiles;
	uint64_t needed_ns;

	if (left_ns == UINT64_MAX)
		return ASSAY_OK;
	assay_limit_doing("trying how long a round takes");
	while (strcmp(profile->name + strlen("assay/1 "), options->profile) != 0)
		profile++;
	/* No device begins after the end. */
	const uint32_t late_ms = options->stagger_ms * (challenge->devices - 1);
	const uint32_t least_ms =
	    late_ms < profile->duration_ms_min ? profile->duration_ms_min : (late_ms / 1000 + 1) * 1000;
	const struct assay_plan plan = {.stagger_ms = options->stagger_ms,
	                                .in_turns = options->power_budget_w > 0,
	                                .least_ms = least_ms,
	                                .spent_ns = assay_clock_ns() - start_ns,
	                                .left_ns = left_ns};
	enum assay_status status = assay_plan_fit(challenge, devices, &plan, &needed_ns, error);
	uint32_t longest_ms = 0;
	for (uint32_t j = 0; j < challenge->segment_count; j++)
		if (challenge->segments[j].duration_ms > longest_ms)
			longest_ms = challenge->segments[j].duration_ms;
	if (!status)
		fprintf(out, "  fits in --max-time: %u s a workload, about %" PRIu64 " s in all\n", longest_ms / 1000,
		        needed_ns / 1000000000);
	return status;
}
