/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of SPEC 11 and the cost of SPEC 12. See challenge.h. */
#include <string.h>

#include "verify/challenge.h"

enum { MEMORY_ITEMS_QUICK = 1 << 24 };

const struct assay_profile assay_profiles[] = {
    {"assay/1 quick", 1000, 5000, 512, MEMORY_ITEMS_QUICK},
    {"assay/1 standard", 20000, 20000, 1536, UINT32_MAX},
    {"assay/1 soak", 20000, 86400000, 1536, UINT32_MAX},
    {NULL, 0, 0, 0, 0},
};

#define GIB (UINT64_C(1) << 30)

/* Drivers report less memory than the label says. */
const struct assay_row assay_rows[ASSAY_ROWS] = {
    {"host", 0}, {"small", 0}, {"medium", 6 * GIB * 9 / 10}, {"large", 16 * GIB * 9 / 10}, {"huge", 64 * GIB * 9 / 10},
};

/* Parameters by row. */
static const struct {
	const struct assay_work *work;
	struct assay_params params[ASSAY_ROWS];
} sizes[] = {
    /* k, m, n */
    {&assay_work_matmul_i8,
     {{{16384, 2048, 2048}},
      {{16384, 4096, 4096}},
      {{16384, 8192, 8192}},
      {{16384, 16384, 16384}},
      {{16384, 32768, 32768}}}},
    {&assay_work_matmul_i9,
     {{{16384, 1024, 1024}},
      {{16384, 4096, 4096}},
      {{16384, 8192, 8192}},
      {{16384, 16384, 16384}},
      {{16384, 32768, 32768}}}},
    {&assay_work_matmul_f32,
     {{{8192, 1024, 1024}}, {{8192, 2048, 2048}}, {{8192, 4096, 4096}}, {{8192, 8192, 8192}}, {{8192, 16384, 16384}}}},
    {&assay_work_matmul_f64,
     {{{4096, 1024, 1024}}, {{4096, 1024, 1024}}, {{4096, 2048, 2048}}, {{4096, 4096, 4096}}, {{4096, 8192, 8192}}}},
    /* log2Digests, log2Leaves */
    {&assay_work_sha256, {{{12, 12}}, {{12, 16}}, {{12, 17}}, {{12, 18}}, {{12, 19}}}},
    /* doubleRounds, items, log2Walkers: those of quick */
    {&assay_work_memory,
     {{{512, 1 << 20, 10}}, {{512, 1 << 22, 12}}, {{512, 1 << 23, 13}}, {{512, 1 << 24, 14}}, {{512, 1 << 24, 14}}}},
};

const struct assay_params *assay_row_params(const struct assay_row *row, const struct assay_work *work)
{
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		if (sizes[i].work == work)
			return &sizes[i].params[row - assay_rows];
	return NULL;
}

static bool params_equal(const struct assay_work *work, const struct assay_params *a, const struct assay_params *b)
{
	for (size_t i = 0; work->params[i]; i++)
		if (a->value[i] != b->value[i])
			return false;
	return true;
}

struct assay_params assay_memory_params(const struct assay_profile *profile, uint64_t items)
{
	items = (items < profile->memory_items_max ? items : profile->memory_items_max) / ASSAY_MEMORY_STEP *
	        ASSAY_MEMORY_STEP;
	if (items < ASSAY_MEMORY_ITEMS_MIN)
		items = ASSAY_MEMORY_ITEMS_MIN;
	return (struct assay_params){
	    {profile->memory_double_rounds, items, 63 - (uint64_t)__builtin_clzll(items) - ASSAY_MEMORY_LOG2_SHARE}};
}

/* The table is as large as its device has room for, so it has no rows. */
static bool memory_in_profile(const struct assay_segment *segment, const struct assay_profile *profile)
{
	const struct assay_params params = assay_memory_params(profile, segment->params.value[1]);

	return params_equal(segment->work, &params, &segment->params);
}

static bool segment_in_profile(const struct assay_segment *segment, const struct assay_profile *profile)
{
	if (segment->work->is_fill)
		return true; /* as the walk after it */
	if (segment->duration_ms < profile->duration_ms_min || segment->duration_ms > profile->duration_ms_max)
		return false;
	if (segment->work == &assay_work_memory)
		return memory_in_profile(segment, profile);
	for (size_t row = 0; row < ASSAY_ROWS; row++) {
		const struct assay_params *params = assay_row_params(&assay_rows[row], segment->work);
		if (params && params_equal(segment->work, params, &segment->params))
			return true;
	}
	return false;
}

static bool are_samples(const struct assay_challenge *challenge)
{
	const uint32_t samples = challenge->samples;

	return samples == 512 || samples == 2048 || (challenge->asked && (samples == 128 || samples == 256));
}

bool assay_challenge_in_profile(const struct assay_challenge *challenge)
{
	const struct assay_profile *profile = assay_profiles;

	while (profile->name && strcmp(profile->name, challenge->profile) != 0)
		profile++;
	if (!profile->name || !are_samples(challenge))
		return false;
	for (uint32_t i = 0; i < challenge->segment_count; i++)
		if (!segment_in_profile(&challenge->segments[i], profile))
			return false;
	return true;
}

uint64_t assay_challenge_cost(const struct assay_challenge *challenge)
{
	uint64_t cost = 0;

	/* At most 16 * 64 * 8192 * 196,564: no overflow. */
	for (uint32_t i = 0; i < challenge->segment_count; i++) {
		const struct assay_segment *segment = &challenge->segments[i];
		if (segment->work->is_fill)
			continue;
		uint64_t leaf =
		    segment->work->leaf_cost(&segment->params) + segment->work->depth(&segment->params) + 20;
		cost += leaf * challenge->samples * challenge->devices;
	}
	return cost;
}
