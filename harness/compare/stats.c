/* SPDX-License-Identifier: Apache-2.0
 *
 * See stats.h: random numbers, the normal distribution, the sign test and what follows from it. */
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

/* ---- The sign test ---- */

/* Of `coins` <= ASSAY_PAIRS_MAX fair coins, at most so many heads. */
static double heads_at_most(size_t coins, size_t heads)
{
	double ways = 1, all = 1;

	for (size_t i = 0; i < heads; i++) {
		ways *= (double)(coins - i) / (double)(i + 1);
		all += ways;
	}
	/* Up to half of the coins, that is less than 2^1023. */
	return ldexp(all, -(int)coins);
}

struct assay_signs assay_signs_of(const double *differences, size_t count)
{
	struct assay_signs signs = {.p = 1};

	for (size_t i = 0; i < count; i++) {
		signs.used += differences[i] != 0;
		signs.above += differences[i] > 0;
	}
	const size_t below = signs.used - signs.above, rarer = below < signs.above ? below : signs.above;
	if (2 * rarer < signs.used)
		signs.p = fmin(1, 2 * heads_at_most(signs.used, rarer));
	return signs;
}

struct assay_shift assay_shift_of(const double *differences, size_t count, double alpha)
{
	struct assay_shift shift = {0, -HUGE_VAL, HUGE_VAL};
	double sorted[ASSAY_PAIRS_MAX];
	size_t refused = 0; /* differences, from either end */

	if (count == 0)
		return shift;
	memcpy(sorted, differences, count * sizeof *sorted);
	assay_sort(sorted, count);
	shift.value = sorted[(count - 1) / 2] / 2 + sorted[count / 2] / 2;
	while (2 * (refused + 1) < count && 2 * heads_at_most(count, refused) <= alpha)
		refused++;
	if (refused > 0) {
		shift.low = sorted[refused - 1];
		shift.high = sorted[count - refused];
	}
	return shift;
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
