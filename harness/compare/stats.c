/* SPDX-License-Identifier: Apache-2.0
 *
 * See stats.h: random numbers, the normal distribution, the signed-rank test and what follows from it. */
#include "harness/compare/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

uint64_t assay_random_next(struct assay_random *random)
{
	uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t assay_random_below(struct assay_random *random, uint64_t limit)
{
	/* Below a multiple of the limit all remainders are as many. */
	const uint64_t enough = UINT64_MAX - UINT64_MAX % limit;
	uint64_t drawn;

	do
		drawn = assay_random_next(random);
	while (drawn >= enough);
	return drawn % limit;
}

double assay_random_unit(struct assay_random *random)
{
	return (double)(assay_random_next(random) >> 11) * 0x1p-53;
}

static int ascending(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

void assay_sort(double *values, size_t count)
{
	qsort(values, count, sizeof *values, ascending);
}

double assay_select(double *values, size_t count, size_t k)
{
	ptrdiff_t low = 0, high = (ptrdiff_t)count - 1, wanted = (ptrdiff_t)k;

	while (low < high) {
		const double pivot = values[low + (high - low) / 2];
		ptrdiff_t i = low, j = high;
		while (i <= j) {
			while (values[i] < pivot)
				i++;
			while (values[j] > pivot)
				j--;
			if (i > j)
				break;
			const double kept = values[i];
			values[i++] = values[j];
			values[j--] = kept;
		}
		if (wanted > j && wanted < i)
			break;
		if (wanted <= j)
			high = j;
		else
			low = i;
	}
	return values[k];
}

double assay_median(double *values, size_t count)
{
	const double upper = assay_select(values, count, count / 2);
	double lower = values[0];

	if (count % 2)
		return upper;
	for (size_t i = 1; i < count / 2; i++)
		lower = fmax(lower, values[i]);
	/* Halves, because a sum of two finite numbers need not be one. */
	return lower / 2 + upper / 2;
}

double assay_normal_tail(double z)
{
	return erfc(z / sqrt(2)) / 2;
}

double assay_normal_z(double tail)
{
	double low = -40, high = 40;

	for (int i = 0; i < 80; i++) {
		const double middle = (low + high) / 2;
		if (assay_normal_tail(middle) > tail)
			low = middle;
		else
			high = middle;
	}
	return (low + high) / 2;
}

/* ---- The signed-rank test ---- */

struct ranked {
	double size;
	unsigned twice; /* the rank, doubled: ties have halves */
	bool positive;
};

static int by_size(const void *a, const void *b)
{
	const double x = ((const struct ranked *)a)->size, y = ((const struct ranked *)b)->size;
	return (x > y) - (x < y);
}

/* Differences that are not 0, with their ranks. */
static size_t rank(struct ranked *ranked, const double *differences, size_t count)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++)
		if (differences[i] != 0)
			ranked[used++] = (struct ranked){fabs(differences[i]), 0, differences[i] > 0};
	qsort(ranked, used, sizeof *ranked, by_size);
	for (size_t i = 0, end; i < used; i = end) {
		for (end = i + 1; end < used && ranked[end].size == ranked[i].size;)
			end++;
		/* Ranks i + 1 to end. */
		for (size_t k = i; k < end; k++)
			ranked[k].twice = (unsigned)(i + 1 + end);
	}
	return used;
}

/* The distribution of the doubled sum of `used` ranks, each counted or not by a fair coin: share[s], s from 0 to *most.
 * NULL when out of memory. */
static double *distribution(const struct ranked *ranked, size_t used, size_t *most)
{
	double *share = calloc(used * (used + 1) + 1, sizeof *share);

	*most = 0;
	if (!share)
		return NULL;
	share[0] = 1;
	for (size_t i = 0; i < used; i++) {
		const unsigned twice = ranked[i].twice;
		*most += twice;
		for (size_t s = *most + 1; s-- > 0;)
			share[s] = share[s] / 2 + (s >= twice ? share[s - twice] / 2 : 0);
	}
	return share;
}

static bool p_exact(double *p, const struct ranked *ranked, size_t used, size_t twice_sum)
{
	size_t most;
	double *share = distribution(ranked, used, &most), below = 0, above = 0;

	if (!share)
		return false;
	for (size_t s = 0; s <= most; s++) {
		below += s <= twice_sum ? share[s] : 0;
		above += s >= twice_sum ? share[s] : 0;
	}
	free(share);
	*p = fmin(1, 2 * fmin(below, above));
	return true;
}

static double p_normal(const struct ranked *ranked, size_t used, double sum)
{
	double mean = 0, variance = 0;

	/* Each rank is counted or not: half of it on average, with a variance of a quarter of its square. */
	for (size_t i = 0; i < used; i++) {
		mean += ranked[i].twice / 4.0;
		variance += (double)ranked[i].twice * ranked[i].twice / 16;
	}
	return fmin(1, 2 * assay_normal_tail((fabs(sum - mean) - 0.5) / sqrt(variance)));
}

bool assay_signed_rank_of(struct assay_signed_rank *result, const double *differences, size_t count)
{
	struct ranked *ranked = malloc((count + 1) * sizeof *ranked);
	size_t twice_sum = 0;
	bool good = ranked != NULL;

	*result = (struct assay_signed_rank){.p = 1};
	if (!good)
		return false;
	result->used = rank(ranked, differences, count);
	for (size_t i = 0; i < result->used; i++)
		twice_sum += ranked[i].positive ? ranked[i].twice : 0;
	result->sum = (double)twice_sum / 2;
	result->exact = result->used <= ASSAY_EXACT_MAX;
	if (result->used > 0 && result->exact)
		good = p_exact(&result->p, ranked, result->used, twice_sum);
	else if (result->used > 0)
		result->p = p_normal(ranked, result->used, result->sum);
	free(ranked);
	return good;
}

/* How many of the means of pairs, counted from either end, the test at alpha refuses: the greatest k with
 * P(sum < k) <= alpha / 2, of ranks without ties. */
static bool refused(size_t *k, size_t count, double alpha)
{
	const double n = (double)count;
	struct ranked ranked[ASSAY_EXACT_MAX];
	size_t most;
	double below = 0;

	if (count > ASSAY_EXACT_MAX) {
		const double at =
		    n * (n + 1) / 4 - assay_normal_z(alpha / 2) * sqrt(n * (n + 1) * (2 * n + 1) / 24) - 0.5;
		*k = at > 0 ? (size_t)at : 0;
		return true;
	}
	for (size_t i = 0; i < count; i++)
		ranked[i] = (struct ranked){.twice = (unsigned)(2 * (i + 1))};
	double *share = distribution(ranked, count, &most);
	if (!share)
		return false;
	for (*k = 0; below + share[2 * *k] <= alpha / 2 && 2 * *k < most; ++*k)
		below += share[2 * *k];
	free(share);
	return true;
}

bool assay_shift_of(struct assay_shift *shift, const double *differences, size_t count, double alpha)
{
	const size_t pairs = count * (count + 1) / 2;
	double *means = malloc((pairs + 1) * sizeof *means);
	size_t k, made = 0;

	*shift = (struct assay_shift){0, -HUGE_VAL, HUGE_VAL};
	if (!means || !refused(&k, count, alpha)) {
		free(means);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		for (size_t j = i; j < count; j++)
			means[made++] = differences[i] / 2 + differences[j] / 2;
	if (pairs > 0)
		shift->value = assay_median(means, pairs);
	if (k > 0 && k <= pairs) {
		shift->low = assay_select(means, pairs, k - 1);
		shift->high = assay_select(means, pairs, pairs - k);
	}
	free(means);
	return true;
}

void assay_discoveries(bool *believed, const double *p, size_t count, double q)
{
	double limit = -1;

	for (size_t i = 0; i < count; i++) {
		size_t as_small = 0;
		for (size_t j = 0; j < count; j++)
			as_small += p[j] <= p[i];
		if (p[i] <= q * (double)as_small / (double)count && p[i] > limit)
			limit = p[i];
	}
	for (size_t i = 0; i < count; i++)
		believed[i] = p[i] <= limit;
}
