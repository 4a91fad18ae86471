/* SPDX-License-Identifier: Apache-2.0
 *
 * How often `assay compare` is wrong: on synthetic and recorded series of launches the share of false alarms when both
 * sides are the same code, and of findings when one is 5 % slower; beside the signed-rank test on the same pairs, and a
 * rule that compares the means of the old and the new launches with the same floor. ASSAY_TRIALS (100) says how many
 * trials; `make detection` does many. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "harness/compare/floor.h"
#include "harness/compare/pairs.h"

enum {
	RECORDED = 2600, /* launches of a series at most */
	FEW = 150,       /* pairs of one look */
	MANY = 300,
	LAUNCHES = 2 * ASSAY_PAIRS_MAX,
	APART = 20, /* launches between two results */
	SURE = 400, /* trials that tell a share of each series */
};

static double normal(struct assay_random *random)
{
	const double u = 1 - assay_random_unit(random);

	return sqrt(-2 * log(u)) * cos(2 * acos(-1) * assay_random_unit(random));
}

/* Logarithms of the times of launches, one after the other. */
typedef void series(double *times, size_t count, struct assay_random *random);

static void series_normal(double *times, size_t count, struct assay_random *random)
{
	for (size_t i = 0; i < count; i++)
		times[i] = 0.03 * normal(random);
}

static void series_wide(double *times, size_t count, struct assay_random *random)
{
	for (size_t i = 0; i < count; i++)
		times[i] = 0.1 * normal(random);
}

/* Student's t with two degrees of freedom: no variance. */
static void series_heavy(double *times, size_t count, struct assay_random *random)
{
	for (size_t i = 0; i < count; i++)
		times[i] = 0.02 * normal(random) / sqrt(-log(1 - assay_random_unit(random)));
}

static void series_bimodal(double *times, size_t count, struct assay_random *random)
{
	for (size_t i = 0; i < count; i++)
		times[i] = 0.15 * (double)assay_random_below(random, 2) + 0.015 * normal(random);
}

/* A walk, and a machine that gets warm. */
static void series_drifting(double *times, size_t count, struct assay_random *random)
{
	double at = 0;

	for (size_t i = 0; i < count; i++) {
		at += 0.001 + 0.01 * normal(random);
		times[i] = at + 0.02 * normal(random);
	}
}

/* Times of 30 % less clock, some launches long. */
static void series_throttling(double *times, size_t count, struct assay_random *random)
{
	bool throttled = false;

	for (size_t i = 0; i < count; i++) {
		throttled = assay_random_unit(random) < (throttled ? 0.85 : 0.05);
		times[i] = (throttled ? 0.36 : 0) + 0.02 * normal(random);
	}
}

/* Synthetic ones, and those of three files, whose lines are launches and whose columns are series. */
static struct kind {
	const char *name;
	series *make;
	size_t recorded; /* launches */
	double record[RECORDED];
} kinds[] = {
    {.name = "normal, 3 %", .make = series_normal},
    {.name = "normal, 10 %", .make = series_wide},
    {.name = "heavy-tailed", .make = series_heavy},
    {.name = "bimodal, 15 % apart", .make = series_bimodal},
    {.name = "drifting", .make = series_drifting},
    {.name = "throttling", .make = series_throttling},
    {.name = "Xeon, hash"},
    {.name = "Xeon, hash, cpu time"},
    {.name = "Xeon, memory"},
    {.name = "Xeon, memory, cpu time"},
    {.name = "EPYC, hash"},
    {.name = "EPYC, memory"},
    {.name = "EPYC, gzip"},
    {.name = "EPYC, sort"},
    {.name = "EPYC, python"},
    {.name = "EPYC, sha256sum"},
    {.name = "EPYC later, hash"},
    {.name = "EPYC later, memory"},
    {.name = "EPYC later, gzip"},
    {.name = "EPYC later, sort"},
    {.name = "EPYC long, gzip"},
    {.name = "EPYC long, sort"},
    {.name = "EPYC long, python"},
    {.name = "EPYC long, sha256sum"},
};
enum { KINDS = sizeof kinds / sizeof *kinds, XEON = 6, EPYC = 10, LONG = 20 };

/* From somewhere on. A recording that ends goes on from its start, one launch on, so that other launches make pairs. */

static void times_make(const struct kind *kind, double *times, struct assay_random *random)
{
	if (kind->make) {
		kind->make(times, LAUNCHES, random);
		return;
	}
	const size_t start = (size_t)assay_random_below(random, kind->recorded);
	for (size_t i = 0; i < LAUNCHES; i++) {
		const size_t at = start + i;
		times[i] = kind->record[(at + at / kind->recorded) % kind->recorded];
	}
}

static void records_read(const char *path, size_t first, size_t end)
{
	FILE *file = fopen(path, "r");
	size_t lines = 0;

	cr_assert(file, "%s", path);
	for (int next; (next = fgetc(file)) != EOF;) {
		if (next == '#') {
			cr_assert_geq(fscanf(file, "%*[^\n]"), 0);
			(void)fgetc(file);
			continue;
		}
		ungetc(next, file);
		cr_assert_lt(lines, RECORDED);
		for (size_t k = first; k < end; k++) {
			cr_assert_eq(fscanf(file, "%lf", &kinds[k].record[lines]), 1, "%s: launch %zu", path, lines);
			kinds[k].record[lines] = log(kinds[k].record[lines]);
			kinds[k].recorded = lines + 1;
		}
		cr_assert_eq(fgetc(file), '\n');
		lines++;
	}
	cr_assert_geq(lines, 1200, "%s", path);
	fclose(file);
}

static const struct assay_rule rule = {.fail_on = 0.0198026, .alpha = 0.01}; /* ln 1.02 */

static void pairs_make(struct assay_pairs *pairs, const double *times, double slower, struct assay_random *random)
{
	for (pairs->count = 0; pairs->count < ASSAY_PAIRS_MAX;) {
		const size_t at = 2 * pairs->count, first = (size_t)assay_random_below(random, 2);
		cr_assert(assay_pair_add(pairs, false, exp(times[at + first]), exp(times[at + 1 - first] + slower)));
	}
}

static enum assay_judgement judge(struct assay_pairs *pairs, size_t count, double alpha)
{
	struct assay_compared finding = {.limit = rule.fail_on};
	const size_t all = pairs->count;

	pairs->count = count;
	cr_assert(assay_pairs_judge(&finding, &pairs, 1, &rule, alpha));
	pairs->count = all;
	return finding.judgement;
}

/* Looks on the way; *ended: after so many pairs. `honest`: they share alpha; else each has all of it, as people do. */
static enum assay_judgement looks(struct assay_pairs *pairs, bool honest, unsigned *ended)
{
	enum assay_judgement judgement = ASSAY_UNCLEAR;

	for (uint32_t look = 1; judgement == ASSAY_UNCLEAR && look <= ASSAY_LOOKS_MAX; look++) {
		const bool last = look == ASSAY_LOOKS_MAX;
		*ended = assay_look_at(look);
		judgement = judge(pairs, *ended, honest ? assay_look_alpha(rule.alpha, look, last) : rule.alpha);
	}
	return judgement;
}

static int by_size(const void *a, const void *b)
{
	const double x = fabs(*(const double *)a), y = fabs(*(const double *)b);
	return (x > y) - (x < y);
}

/* F. Wilcoxon's test, by its normal approximation, in place of the sign test. */
static enum assay_judgement signed_ranks(const struct assay_pairs *pairs)
{
	double sorted[MANY], sum = 0, variance = 0;

	memcpy(sorted, pairs->worse, sizeof sorted);
	qsort(sorted, MANY, sizeof *sorted, by_size);
	for (size_t i = 0; i < MANY; i++) {
		const double rank = (double)(i + 1);
		sum += sorted[i] > 0 ? rank : -rank;
		variance += rank * rank;
	}
	return sum / sqrt(variance) > assay_normal_z(rule.alpha / 2) && assay_median(sorted, MANY) > rule.fail_on
	           ? ASSAY_REGRESSION
	           : ASSAY_UNCLEAR;
}

/* The rule of two results: one of each, and how much 50 launches of the same code differed that were spread over ten
 * times the distance between both. And that of a directory: one against 20, each so far from the next. */
static enum assay_judgement two_results(const double *times, double slower)
{
	const size_t base = 10 * APART;
	double before[50];

	for (size_t i = 0; i < 50; i++)
		before[i] = exp(times[4 * i]);
	const double change = times[base + APART] + slower - times[base];
	return change > fmax(assay_floor_of(before, 50, false), rule.fail_on) ? ASSAY_REGRESSION : ASSAY_UNCLEAR;
}

static enum assay_judgement directory(const double *times, double slower)
{
	double before[20];

	for (size_t i = 0; i < 20; i++)
		before[i] = exp(times[APART * i]);
	const double limit = fmax(assay_floor_of(before, 20, true), rule.fail_on);
	return times[APART * 20] + slower - log(assay_median(before, 20)) > limit ? ASSAY_REGRESSION : ASSAY_UNCLEAR;
}

/* As many launches of the old one, then of the new one; their means. */
static enum assay_judgement means(const double *times, double slower)
{
	double old = 0, new = 0;

	for (size_t i = 0; i < MANY; i++) {
		old += exp(times[i]);
		new += exp(times[MANY + i] + slower);
	}
	return log(new / old) > rule.fail_on ? ASSAY_REGRESSION : ASSAY_SAME;
}

enum { ONE_LOOK, MORE_PAIRS, SEVERAL, TWO, DIRECTORY, PEEKING, RANKS, MEANS, RULES };
static const char *const names[RULES] = {"150 pairs", "300 pairs", "looks", "two files",
                                         "directory", "peeking",   "ranks", "means"};

/* How many of the trials each rule calls a regression, how often looks say nothing or that it is the same, and the
 * pairs that they took, of all trials. */
struct counts {
	unsigned regressions[RULES], same, ended;
};

static struct counts try(const struct kind *kind, double slower, unsigned trials, uint64_t seed)
{
	static double times[LAUNCHES];
	static struct assay_pairs pairs;
	struct assay_random random = {seed};
	struct counts counts = {0};

	for (unsigned trial = 0; trial < trials; trial++) {
		unsigned ended, peeked;
		times_make(kind, times, &random);
		pairs_make(&pairs, times, slower, &random);
		const enum assay_judgement results[RULES] = {
		    [ONE_LOOK] = judge(&pairs, FEW, rule.alpha),
		    [MORE_PAIRS] = judge(&pairs, MANY, rule.alpha),
		    [SEVERAL] = looks(&pairs, true, &ended),
		    [TWO] = two_results(times, slower),
		    [DIRECTORY] = directory(times, slower),
		    [PEEKING] = looks(&pairs, false, &peeked),
		    [RANKS] = signed_ranks(&pairs),
		    [MEANS] = means(times, slower),
		};
		for (int i = 0; i < RULES; i++)
			counts.regressions[i] += results[i] == ASSAY_REGRESSION;
		counts.same += results[SEVERAL] == ASSAY_SAME || results[SEVERAL] == ASSAY_BETTER;
		counts.ended += ended;
	}
	return counts;
}

/* So many pairs find it nine times of ten with one look: the sign test counts those whose launches differ by less than
 * 5 %, and its deviation is the root of all. */
static double pairs_needed(const struct kind *kind, struct assay_random *random)
{
	static double times[LAUNCHES];
	unsigned tell = 0, all = 0;

	for (int i = 0; i < 50; i++) {
		times_make(kind, times, random);
		for (size_t at = 0; at + 1 < LAUNCHES; at += 2, all++)
			tell += fabs(times[at] - times[at + 1]) < log(1.05);
	}
	return pow((assay_normal_z(rule.alpha / 2) + assay_normal_z(0.1)) * all / tell, 2);
}

static void row(const char *name, const unsigned counts[RULES], unsigned trials)
{
	printf("%-24s", name);
	for (int i = 0; i < RULES; i++)
		printf(" %9.2f", 100.0 * counts[i] / trials);
}

Test(detection, false_alarms_and_findings, .timeout = 3600)
{
	const char *asked = getenv("ASSAY_TRIALS");
	const unsigned trials = asked ? (unsigned)strtoul(asked, NULL, 10) : 100;
	struct counts same[KINDS], slower[KINDS];
	double needed[KINDS];
	/* Few trials tell a share only from all series together. */
	unsigned alarms[RULES] = {0}, found[RULES] = {0};
	struct assay_random random = {3000};

	cr_assert_gt(trials, 0);
	records_read("harness/test/series_xeon.txt", XEON, EPYC);
	records_read("harness/test/series_epyc.txt", EPYC, LONG);
	records_read("harness/test/series_epyc_long.txt", LONG, KINDS);
	for (size_t k = 0; k < KINDS; k++) {
		needed[k] = pairs_needed(&kinds[k], &random);
		same[k] = try(&kinds[k], 0, trials, 1000 + k);
		slower[k] = try(&kinds[k], log(1.05), trials, 2000 + k);
		for (int i = 0; i < RULES; i++) {
			alarms[i] += same[k].regressions[i];
			found[i] += slower[k].regressions[i];
		}
	}
	for (int of = 0; of < 2; of++) {
		printf("%s: regressions in %% of %u trials\n%-24s", of ? "5 % slower" : "same code", trials, "series");
		for (int i = 0; i < RULES; i++)
			printf(" %9s", names[i]);
		printf(of ? "  looks end after  nine of ten need\n" : "\n");
		for (size_t k = 0; k < KINDS; k++) {
			const struct counts *counts = of ? &slower[k] : &same[k];
			row(kinds[k].name, counts->regressions, trials);
			if (of)
				printf("  %9.0f pairs  %10.0f pairs", (double)counts->ended / trials, needed[k]);
			putchar('\n');
		}
		row("all", of ? found : alarms, trials * KINDS);
		putchar('\n');
	}
	fflush(stdout);
	for (int i = ONE_LOOK; i <= DIRECTORY; i++) {
		cr_expect(alarms[i] <= 0.01 * trials * KINDS, "%s: %u false alarms", names[i], alarms[i]);
		for (size_t k = 0; k < KINDS && trials >= SURE; k++)
			cr_expect(same[k].regressions[i] <= 0.01 * trials, "%s, %s: %u false alarms", kinds[k].name,
			          names[i], same[k].regressions[i]);
	}
	for (size_t k = 0; k < KINDS; k++) {
		cr_expect(slower[k].regressions[SEVERAL] >= (trials >= SURE ? 0.9 : 0.8) * trials, "%s: %u found",
		          kinds[k].name, slower[k].regressions[SEVERAL]);
		/* What is not found is not called the same, either. */
		cr_expect(slower[k].same <= 0.03 * trials, "%s: %u are the same", kinds[k].name, slower[k].same);
	}
	/* The series are hard enough to tell a good rule from a bad one. */
	cr_expect(alarms[MEANS] > 0.1 * trials * KINDS, "%u false alarms", alarms[MEANS]);
}
