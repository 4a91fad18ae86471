/* SPDX-License-Identifier: Apache-2.0
 *
 * See terms.h. */
#include "harness/terms.h"

#include <stdio.h>
#include <string.h>

#include "harness/limit.h"

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

enum assay_status assay_terms_profile(const struct assay_profile **profile, const char *name, struct assay_error *error)
{
	*profile = assay_profiles;
	while ((*profile)->name && strcmp((*profile)->name + strlen("assay/1 "), name) != 0)
		++*profile;
	return (*profile)->name ? ASSAY_OK
	                        : assay_fail(error, ASSAY_ERROR_INPUT, "profile.unknown",
	                                     "%s: no such profile; there are quick, standard and soak", name);
}

enum assay_status assay_terms_row(const struct assay_row **row, const char *name, struct assay_error *error)
{
	*row = assay_rows;
	while (*row < assay_rows + ASSAY_ROWS && strcmp((*row)->name, name) != 0)
		++*row;
	return *row < assay_rows + ASSAY_ROWS
	           ? ASSAY_OK
	           : assay_fail(error, ASSAY_ERROR_INPUT, "profile.row",
	                        "%s: no such row; there are host, small, medium, large and huge", name);
}

enum assay_status assay_terms_duration(uint32_t *duration_ms, uint32_t duration_s, const struct assay_profile *profile,
                                       const struct assay_work *const *works, uint32_t segments,
                                       struct assay_error *error)
{
	uint64_t ms = UINT64_C(1000) * duration_s;

	if (ms == 0)
		ms = duration_default(profile, works, segments);
	const char *name = profile->name + strlen("assay/1 ");
	if (ms < profile->duration_ms_min || ms > profile->duration_ms_max)
		return assay_fail(error, ASSAY_ERROR_INPUT, "profile.duration",
		                  "profile %s takes %u to %u seconds a workload%s", name,
		                  profile->duration_ms_min / 1000, profile->duration_ms_max / 1000,
		                  strcmp(name, "soak") == 0 ? "" : "; for other durations use -p soak");
	*duration_ms = (uint32_t)ms;
	return ASSAY_OK;
}

void assay_terms_segments(struct assay_challenge *challenge, const struct assay_work *const *works, uint32_t segments,
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

bool assay_terms_next(char name[64], const char **list)
{
	size_t len = strcspn(*list, ",");

	if (**list == '\0')
		return false;
	snprintf(name, 64, "%.*s", (int)(len < 63 ? len : 63), *list);
	*list += len + ((*list)[len] == ',');
	return true;
}

enum assay_status assay_terms_works(const struct assay_work **works, uint32_t *count, const char *list,
                                    struct assay_error *error)
{
	char name[64];

	*count = 0;
	/* The table has each fill in front of its walk. */
	if (strcmp(list, "all") == 0) {
		for (; assay_works[*count]; ++*count)
			works[*count] = assay_works[*count];
		return ASSAY_OK;
	}
	while (assay_terms_next(name, &list)) {
		const struct assay_work *found = NULL;
		for (size_t i = 0; assay_works[i]; i++)
			if (!assay_works[i]->is_fill && (strcmp(assay_works[i]->name, name) == 0 ||
			                                 (strlen(name) == strcspn(assay_works[i]->name, "/") &&
			                                  strncmp(assay_works[i]->name, name, strlen(name)) == 0)))
				found = assay_works[i];
		if (!found)
			return assay_fail(error, ASSAY_ERROR_INPUT, "workload.unknown",
			                  "%s: no such workload; `assay run --help` lists them", name);
		if (*count + (found->fill ? 2 : 1) > ASSAY_SEGMENTS_MAX)
			return assay_fail(error, ASSAY_ERROR_INPUT, "workload.unknown", "more than %d segments of work",
			                  ASSAY_SEGMENTS_MAX);
		if (found->fill)
			works[(*count)++] = found->fill;
		works[(*count)++] = found;
	}
	return *count ? ASSAY_OK : assay_fail(error, ASSAY_ERROR_INPUT, "workload.unknown", "no workload named");
}
