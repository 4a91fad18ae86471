/* SPDX-License-Identifier: Apache-2.0
 *
 * See pairs.h. */
#include "harness/compare/pairs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool assay_pair_add(struct assay_pairs *pairs, bool bigger, double base, double fresh)
{
	if (pairs->count == ASSAY_PAIRS_MAX)
		return false;
	pairs->base[pairs->count] = base;
	pairs->fresh[pairs->count] = fresh;
	pairs->worse[pairs->count++] = bigger ? log(base) - log(fresh) : log(fresh) - log(base);
	return true;
}

uint32_t assay_look_at(uint32_t look)
{
	uint32_t pairs = ASSAY_LOOK_FIRST;

	for (uint32_t i = 1; i < look; i++)
		pairs += pairs / 2;
	return look < ASSAY_LOOKS_MAX ? pairs : ASSAY_PAIRS_MAX;
}

double assay_look_alpha(double alpha, uint32_t look, bool last)
{
	return alpha * (last ? ASSAY_LOOKS_MAX + 1.0 - look : 1.0) / ASSAY_LOOKS_MAX;
}

static double median_of(const double *values, size_t count)
{
	double scratch[ASSAY_PAIRS_MAX];

	memcpy(scratch, values, count * sizeof *scratch);
	return count ? assay_median(scratch, count) : 0;
}

static void measure(struct assay_compared *finding, const struct assay_pairs *pairs, double alpha)
{
	const struct assay_shift shift = assay_shift_of(pairs->worse, pairs->count, alpha);

	finding->base = median_of(pairs->base, pairs->count);
	finding->fresh = median_of(pairs->fresh, pairs->count);
	finding->worse = shift.value;
	finding->low = shift.low;
	finding->high = shift.high;
	finding->p = assay_signs_of(pairs->worse, pairs->count).p;
	finding->base_count = finding->count = pairs->count;
}

bool assay_pairs_judge(struct assay_compared *findings, struct assay_pairs *const *pairs, size_t count,
                       const struct assay_rule *rule, double alpha)
{
	double *p = calloc(count + 1, sizeof *p);
	bool *believed = malloc((count + 1) * sizeof *believed), good = p && believed;

	for (size_t i = 0; good && i < count; i++) {
		measure(&findings[i], pairs[i], alpha);
		p[i] = findings[i].p;
	}
	if (good)
		assay_discoveries(believed, p, count, alpha);
	for (size_t i = 0; good && i < count; i++) {
		assay_compared_judge(&findings[i], rule, alpha, believed[i]);
		pairs[i]->decided = findings[i].judgement != ASSAY_UNCLEAR;
	}
	free(p);
	free(believed);
	return good;
}
