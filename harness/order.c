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

/* Milliseconds of a segment for which no duration is given: quick shares out ten seconds over those that take time. */
static uint64_t duration_default(const struct assay_profile *profile, const struct assay_work *const *works,
                                 uint32_t segments)
{
	enum { QUICK_MS = 10000 };
	uint32_t timed = 0;

	for (uint32_t j = 0; j < segments; j++)
		timed += !works[j]->is_fill;
	uint64_t share_ms = QUICK_MS / (timed ? timed : 1);
	if (strcmp(profile->name, "assay/1 quick") != 0)
		return assay_limit_left_ns() == UINT64_MAX ? profile->duration_ms_min : profile->duration_ms_max;
	return share_ms < profile->duration_ms_min   ? profile->duration_ms_min
	       : share_ms > profile->duration_ms_max ? profile->duration_ms_max
	                                             : share_ms;
}

enum assay_status assay_order_profile(const struct assay_profile **profile, const char *name, struct assay_error *error)
{
	*profile = assay_profiles;
	while ((*profile)->name && strcmp((*profile)->name + strlen("assay/1 "), name) != 0)
		++*profile;
	return (*profile)->name ? ASSAY_OK
	                        : assay_fail(error, ASSAY_ERROR_INPUT, "profile.unknown",
	                                     "%s: no such profile; there are quick, standard and soak", name);
}

enum assay_status assay_order_row(const struct assay_row **row, const char *name, struct assay_error *error)
{
	*row = assay_rows;
	while (*row < assay_rows + ASSAY_ROWS && strcmp((*row)->name, name) != 0)
		++*row;
	return *row < assay_rows + ASSAY_ROWS
	           ? ASSAY_OK
	           : assay_fail(error, ASSAY_ERROR_INPUT, "profile.row",
	                        "%s: no such row; there are host, small, medium, large and huge", name);
}

enum assay_status assay_order_duration(uint32_t *duration_ms, uint32_t duration_s, const struct assay_profile *profile,
                                       const struct assay_work *const *works, uint32_t segments,
                                       struct assay_error *error)
{
	uint64_t ms = UINT64_C(1000) * duration_s;

	if (ms == 0)
		ms = duration_default(profile, works, segments);
	if (ms < profile->duration_ms_min || ms > profile->duration_ms_max)
		return assay_fail(error, ASSAY_ERROR_INPUT, "profile.duration",
		                  "profile %s takes %u to %u seconds a workload; for other durations use -p soak",
		                  profile->name + strlen("assay/1 "), profile->duration_ms_min / 1000,
		                  profile->duration_ms_max / 1000);
	*duration_ms = (uint32_t)ms;
	return ASSAY_OK;
}

void assay_order_segments(struct assay_challenge *challenge, const struct assay_work *const *works, uint32_t segments,
                          const struct assay_row *row, const struct assay_params *table, uint32_t duration_ms)
{
	challenge->segment_count = segments;
	for (uint32_t j = 0; j < segments; j++) {
		const bool in_table = works[j]->is_fill || works[j]->fill;
		challenge->segments[j] =
		    (struct assay_segment){.work = works[j],
		                           .params = in_table ? *table : *assay_row_params(row, works[j]),
		                           .duration_ms = works[j]->is_fill ? 0 : duration_ms};
	}
}

enum assay_status assay_order_challenge(struct assay_challenge *challenge, const struct assay_order *options,
                                        const struct assay_device *devices, uint32_t count, struct assay_error *error)
{
	const struct assay_work *works[ASSAY_SEGMENTS_MAX];
	const struct assay_row *row = assay_row_for(devices, count);
	const struct assay_profile *profile;
	uint32_t segments, duration_ms;

	enum assay_status status = options->row ? assay_order_row(&row, options->row, error) : ASSAY_OK;
	if (status)
		return status;
	for (uint32_t d = 0; !options->row && d < count; d++)
		if (assay_row_for(&devices[d], 1) != row)
			fprintf(stderr,
			        "assay: %s takes larger sizes than another device of this run; run it alone (-d %s) "
			        "for its rate\n",
			        devices[d].id, devices[d].id);

	status = assay_order_profile(&profile, options->profile, error);
	if (!status)
		status = assay_works_find(works, &segments, options->workloads, error);
	if (!status)
		status = assay_order_duration(&duration_ms, options->duration_s, profile, works, segments, error);
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
	assay_order_segments(challenge, works, segments, row, &table, duration_ms);
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
