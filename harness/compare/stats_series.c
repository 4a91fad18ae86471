/* SPDX-License-Identifier: Apache-2.0
 *
 * See stats.h: statistics of series in their order, by resampling. */
#include "harness/compare/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- The bootstrap ---- */

/* A series as logarithms, so few that resampling it takes no time: medians of as many neighbours as it takes. */
static double *logarithms(size_t *made, const double *values, size_t count)
{
	const size_t group = (count + ASSAY_RESAMPLED_MAX - 1) / ASSAY_RESAMPLED_MAX;
	double *few = malloc(count * sizeof *few);

	*made = 0;
	for (size_t i = 0; few && i < count; i += group) {
		const size_t size = count - i < group ? count - i : group;
		memcpy(few + i, values + i, size * sizeof *few);
		const double median = assay_median(few + i, size);
		few[(*made)++] = log(median);
	}
	return few;
}

/* The median of blocks that begin anywhere, as many as the series has values. */
static double resampled(double *scratch, const double *series, size_t count, size_t block, struct assay_random *random)
{
	for (size_t made = 0; made < count;) {
		const size_t start = (size_t)assay_random_below(random, count);
		for (size_t i = 0; i < block && made < count; i++)
			scratch[made++] = series[(start + i) % count];
	}
	return assay_median(scratch, count);
}

static size_t block_of(size_t count)
{
	return (size_t)ceil(cbrt((double)count));
}

bool assay_ratio_of(struct assay_ratio *ratio, const double *a, size_t count_a, const double *b, size_t count_b,
                    double alpha, uint64_t seed)
{
	struct assay_random random = {seed};
	size_t n, m, below = 0, above = 0;
	double *x = logarithms(&n, a, count_a), *y = logarithms(&m, b, count_b);
	double *scratch = malloc((n > m ? n : m) * sizeof *scratch), *draws = malloc(ASSAY_RESAMPLES * sizeof *draws);
	const bool good = x && y && scratch && draws;

	if (good) {
		memcpy(scratch, x, n * sizeof *x);
		const double before = assay_median(scratch, n);
		memcpy(scratch, y, m * sizeof *y);
		ratio->value = assay_median(scratch, m) - before;
		for (size_t i = 0; i < ASSAY_RESAMPLES; i++) {
			const double from = resampled(scratch, x, n, block_of(n), &random);
			draws[i] = resampled(scratch, y, m, block_of(m), &random) - from;
			below += draws[i] <= 0;
			above += draws[i] >= 0;
		}
		assay_sort(draws, ASSAY_RESAMPLES);
		const size_t cut = (size_t)(alpha / 2 * ASSAY_RESAMPLES);
		ratio->low = draws[cut];
		ratio->high = draws[ASSAY_RESAMPLES - 1 - cut];
		ratio->p = fmin(1, 2.0 * (double)((below < above ? below : above) + 1) / (ASSAY_RESAMPLES + 1));
	}
	free(x);
	free(y);
	free(scratch);
	free(draws);
	return good;
}

/* ---- Change points ---- */

/* The greatest energy distance of a split of `order`, which are `count` indices into a matrix of distances with `all`
 * rows: its place. Sums within and across both sides follow a value that changes sides, so that all splits take as long
 * as there are pairs. */
static double split(size_t *at, const double *distance, size_t all, const size_t *order, size_t count)
{
	double best = -1, left = 0, across = 0, right = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t j = i + 1; j < count; j++)
			right += distance[order[i] * all + order[j]];
	*at = 0;
	for (size_t n = 1; n + ASSAY_SEGMENT_MIN <= count; n++) {
		double to_left = 0, to_right = 0;
		for (size_t j = 0; j < n - 1; j++)
			to_left += distance[order[n - 1] * all + order[j]];
		for (size_t j = n; j < count; j++)
			to_right += distance[order[n - 1] * all + order[j]];
		left += to_left;
		right -= to_right;
		across += to_right - to_left;
		if (n < ASSAY_SEGMENT_MIN)
			continue;
		const double a = (double)n, b = (double)(count - n);
		const double energy = 2 * across / (a * b) - 2 * left / (a * (a - 1)) - 2 * right / (b * (b - 1));
		const double scaled = a * b / (a + b) * energy;
		if (*at == 0 || scaled > best) {
			best = scaled;
			*at = n;
		}
	}
	return best;
}

/* The share of random orders that have as great a split. */
static double p_split(double found, const double *distance, size_t all, size_t *order, size_t count,
                      struct assay_random *random)
{
	size_t as_great = 0, at;

	for (int trial = 0; trial < ASSAY_PERMUTATIONS; trial++) {
		for (size_t i = count - 1; i > 0; i--) {
			const size_t j = (size_t)assay_random_below(random, i + 1), kept = order[i];
			order[i] = order[j];
			order[j] = kept;
		}
		as_great += split(&at, distance, all, order, count) >= found;
	}
	return (double)(as_great + 1) / (ASSAY_PERMUTATIONS + 1);
}

static double *distances(const double *values, size_t count)
{
	double *distance = malloc((count * count + 1) * sizeof *distance);

	for (size_t i = 0; distance && i < count; i++)
		for (size_t j = 0; j < count; j++)
			distance[i * count + j] = fabs(values[i] - values[j]);
	return distance;
}

static void insert(struct assay_changes *changes, size_t at, double p)
{
	size_t i = changes->count++;

	for (; i > 0 && changes->at[i - 1] > at; i--) {
		changes->at[i] = changes->at[i - 1];
		changes->p[i] = changes->p[i - 1];
	}
	changes->at[i] = at;
	changes->p[i] = p;
}

bool assay_changes_of(struct assay_changes *changes, const double *values, size_t count, double alpha, uint64_t seed)
{
	struct {
		size_t begin, end;
	} open[ASSAY_CHANGES_MAX + 1] = {{0, count}};
	struct assay_random random = {seed};
	double *distance = distances(values, count);
	size_t *order = malloc((count + 1) * sizeof *order), left = 1;
	const bool good = distance && order;

	memset(changes, 0, sizeof *changes);
	while (good && left > 0 && changes->count < ASSAY_CHANGES_MAX) {
		const size_t begin = open[--left].begin, end = open[left].end;
		size_t at;
		for (size_t i = begin; i < end; i++)
			order[i - begin] = i;
		if (end - begin < 2 * ASSAY_SEGMENT_MIN)
			continue;
		const double found = split(&at, distance, count, order, end - begin);
		/* All the same is no change, whatever the orders say. */
		const double p = found > 0 ? p_split(found, distance, count, order, end - begin, &random) : 1;
		if (p > alpha)
			continue;
		insert(changes, begin + at, p);
		open[left].begin = begin;
		open[left++].end = begin + at;
		open[left].begin = begin + at;
		open[left++].end = end;
	}
	free(distance);
	free(order);
	return good;
}
