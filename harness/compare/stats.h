/* SPDX-License-Identifier: Apache-2.0
 *
 * Statistics of comparisons: pure functions of numbers. Nothing here reads a clock or draws a number that the caller
 * gave no seed for. Numbers are finite; those of timing.h are integers and have their own. */
#ifndef HARNESS_COMPARE_STATS_H
#define HARNESS_COMPARE_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verify/assay.h"

/* SplitMix64: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. */
struct assay_random {
	uint64_t state;
};

uint64_t assay_random_next(struct assay_random *random);
uint64_t assay_random_below(struct assay_random *random, uint64_t limit); /* 0 ... limit - 1, all as likely */
double assay_random_unit(struct assay_random *random);                    /* [0, 1) */

/* Of `count` >= 1 values, which are put in another order in place. The k-th smallest, from 0, has no greater ones
 * before it then, and takes linear time: C. Hoare, "Algorithm 65: find", Communications of the ACM 4, 1961. */
void assay_sort(double *values, size_t count);
double assay_select(double *values, size_t count, size_t k);
double assay_median(double *values, size_t count);

/* P(Z > z) of the normal distribution, and the z of which that is `tail`, 1e-300 < tail < 1. */
double assay_normal_tail(double z);
double assay_normal_z(double tail);

/* The sign test: are differences as often above 0 as below, whatever their sizes? Of fair coins as many as there are
 * differences, how likely is it that heads are as rare as the rarer sign. Exact, and as old as statistics: J.
 * Arbuthnott, "An argument for divine providence", Philosophical Transactions 27, 1710. Zeros are left out. */
enum { ASSAY_PAIRS_MAX = 1024 };

struct assay_signs {
	size_t used, above; /* differences that are not 0, and those above it */
	double p;           /* two-sided; 1 when nothing is used */
};

/* `count` <= ASSAY_PAIRS_MAX, also below. */
struct assay_signs assay_signs_of(const double *differences, size_t count);

/* The median, and the interval of the shifts that the sign test does not refuse at `alpha`, which is between two of the
 * differences: W. Thompson, "On confidence ranges for the median", Annals of Mathematical Statistics 7, 1936. */
struct assay_shift {
	double value, low, high; /* -HUGE_VAL and HUGE_VAL where there are too few to tell */
};

struct assay_shift assay_shift_of(const double *differences, size_t count, double alpha);

/* Which of several tests may be believed so that of those that are, a share of `q` is wrong on average; and when no
 * difference is real, that any is believed has a chance of at most q. Y. Benjamini, Y. Hochberg, "Controlling the false
 * discovery rate", Journal of the Royal Statistical Society B 57, 1995. */
void assay_discoveries(bool *believed, const double *p, size_t count, double q);

/* ln(median of b / median of a) of positive values in the order in which they were measured, with a percentile interval
 * of 1 - alpha and a two-sided p, by a bootstrap of circular blocks, so that neighbours that are alike do not count as
 * many: D. Politis, J. Romano, "A circular block-resampling procedure for stationary data", 1992. False when out of
 * memory. */
struct assay_ratio {
	double value, low, high, p;
};

enum { ASSAY_RESAMPLES = 2000, ASSAY_RESAMPLED_MAX = 4096 };

bool assay_ratio_of(struct assay_ratio *ratio, const double *a, size_t count_a, const double *b, size_t count_b,
                    double alpha, uint64_t seed) ASSAY_CHECK_RESULT;

/* Where a series changes: E-divisive with exponent 1. N. James, D. Matteson, "ecp: an R package for nonparametric
 * multiple change point analysis of multivariate data", Journal of Statistical Software 62, 2014; for histories of
 * benchmarks as in arXiv:2003.00584 and arXiv:2301.03034. Splits where the energy distance between both sides is
 * greatest, as long as no more than a share `alpha` of random orders have as great a one. at[] becomes the first index
 * after each change, ascending. `count` <= ASSAY_HISTORY_MAX. False when out of memory. */
enum { ASSAY_HISTORY_MAX = 400, ASSAY_CHANGES_MAX = 32, ASSAY_PERMUTATIONS = 999, ASSAY_SEGMENT_MIN = 3 };

struct assay_changes {
	size_t at[ASSAY_CHANGES_MAX];
	double p[ASSAY_CHANGES_MAX];
	size_t count;
};

bool assay_changes_of(struct assay_changes *changes, const double *values, size_t count, double alpha,
                      uint64_t seed) ASSAY_CHECK_RESULT;

#endif
