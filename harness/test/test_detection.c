/* SPDX-License-Identifier: Apache-2.0
 *
 * How often `assay compare` is wrong: on synthetic and recorded series of launches the share of false alarms when both
 * sides are the same code, and of findings when one is 5 % slower; beside a rule that compares the means of the old
 * and the new launches with the same floor. ASSAY_TRIALS (100) says how many trials; `make detection` does many. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "harness/compare/pairs.h"

enum { RECORDED = 1200, LAUNCHES_MAX = 2 * 252, MANY = 400 };

static double recorded[4][RECORDED];

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

static void from(const double *record, double *times, size_t count, struct assay_random *random)
{
	const size_t start = (size_t)assay_random_below(random, RECORDED);

	for (size_t i = 0; i < count; i++)
		times[i] = record[(start + i) % RECORDED];
}

static void series_hash_wall(double *times, size_t count, struct assay_random *random)
{
	from(recorded[0], times, count, random);
}

static void series_hash_cpu(double *times, size_t count, struct assay_random *random)
{
	from(recorded[1], times, count, random);
}

static void series_memory_wall(double *times, size_t count, struct assay_random *random)
{
	from(recorded[2], times, count, random);
}

static void series_memory_cpu(double *times, size_t count, struct assay_random *random)
{
	from(recorded[3], times, count, random);
}

/* `found`: 5 % must be found there. Elsewhere launches differ by more than so many pairs can average out. */
static const struct {
	const char *name;
	series *make;
	bool found;
} kinds[] = {
    {"normal, 3 %", series_normal, true},
    {"heavy-tailed", series_heavy, true},
    {"bimodal, 15 % apart", series_bimodal, true},
    {"drifting", series_drifting, true},
    {"throttling", series_throttling, true},
    {"recorded, hash, cpu time", series_hash_cpu, false},
    {"recorded, hash", series_hash_wall, false},
    {"recorded, memory, cpu time", series_memory_cpu, false},
    {"recorded, memory", series_memory_wall, false},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const struct assay_rule rule = {.fail_on = 0.0198026, .alpha = 0.01}; /* ln 1.02 */

static void pair(struct assay_pairs *pairs, const double *times, double slower, struct assay_random *random)
{
	const size_t at = 2 * pairs->count, first = (size_t)assay_random_below(random, 2);

	cr_assert(assay_pair_add(pairs, false, exp(times[at + first]), exp(times[at + 1 - first] + slower)));
}

static struct assay_compared finding_new(void)
{
	return (struct assay_compared){.limit = rule.fail_on, .judgement = ASSAY_UNCLEAR, .p = 1};
}

/* A fixed number of pairs, one look. */
static enum assay_judgement interleaved(const double *times, double slower, struct assay_random *random)
{
	static struct assay_pairs pairs;
	struct assay_pairs *list[] = {&pairs};
	struct assay_compared finding = finding_new();

	pairs.count = 0;
	pairs.decided = false;
	while (pairs.count < ASSAY_PAIRS_DEFAULT)
		pair(&pairs, times, slower, random);
	cr_assert(assay_pairs_judge(&finding, list, 1, &rule, rule.alpha));
	return finding.judgement;
}

/* Looks on the way, up to the eighth. `honest`: they share alpha; else each has all of it, as people do. */
static enum assay_judgement sequential(const double *times, double slower, bool honest, struct assay_random *random)
{
	static struct assay_pairs pairs;
	struct assay_pairs *list[] = {&pairs};
	struct assay_compared finding = finding_new();

	pairs.count = 0;
	pairs.decided = false;
	for (uint32_t look = 1; assay_look_at(look) <= LAUNCHES_MAX / 2 && !pairs.decided; look++) {
		while (pairs.count < assay_look_at(look))
			pair(&pairs, times, slower, random);
		cr_assert(assay_pairs_judge(&finding, list, 1, &rule,
		                            honest ? assay_look_alpha(rule.alpha, look) : rule.alpha));
	}
	return finding.judgement;
}

/* As many launches of the old one, then of the new one; their means. */
static enum assay_judgement plain(const double *times, double slower)
{
	double old = 0, new = 0;

	for (size_t i = 0; i < ASSAY_PAIRS_DEFAULT; i++) {
		old += exp(times[i]);
		new += exp(times[ASSAY_PAIRS_DEFAULT + i] + slower);
	}
	return log(new / old) > rule.fail_on ? ASSAY_REGRESSION : ASSAY_SAME;
}

enum { INTERLEAVED, SEQUENTIAL, PEEKING, PLAIN, RULES };

/* How many of the trials each rule calls a regression, and how many the first two call unclear. */
struct counts {
	unsigned regressions[RULES], unclear[2];
};

static struct counts try(series *make, double slower, unsigned trials, uint64_t seed)
{
	static double times[LAUNCHES_MAX];
	struct assay_random random = {seed};
	struct counts counts = {0};

	for (unsigned trial = 0; trial < trials; trial++) {
		make(times, LAUNCHES_MAX, &random);
		enum assay_judgement results[RULES];
		/* One after the other: they draw from the same numbers. */
		results[INTERLEAVED] = interleaved(times, slower, &random);
		results[SEQUENTIAL] = sequential(times, slower, true, &random);
		results[PEEKING] = sequential(times, slower, false, &random);
		results[PLAIN] = plain(times, slower);
		for (int i = 0; i < RULES; i++)
			counts.regressions[i] += results[i] == ASSAY_REGRESSION;
		for (int i = 0; i < 2; i++)
			counts.unclear[i] += results[i] == ASSAY_UNCLEAR;
	}
	return counts;
}

static void records_read(void)
{
	FILE *file = fopen("harness/test/series.txt", "r");
	char line[256];
	size_t i = 0;

	cr_assert(file);
	while (fgets(line, sizeof line, file)) {
		double value[4];
		if (*line == '#')
			continue;
		cr_assert_eq(sscanf(line, "%lf %lf %lf %lf", &value[0], &value[1], &value[2], &value[3]), 4);
		cr_assert_lt(i, RECORDED);
		for (size_t k = 0; k < 4; k++)
			recorded[k][i] = log(value[k]);
		i++;
	}
	cr_assert_eq(i, RECORDED);
	fclose(file);
}

Test(detection, false_alarms_and_findings, .timeout = 3600)
{
	const char *asked = getenv("ASSAY_TRIALS");
	const unsigned trials = asked ? (unsigned)strtoul(asked, NULL, 10) : 100;
	/* Few trials tell a share only from all series together. */
	unsigned alarms[RULES] = {0}, findings[RULES] = {0}, all = 0, to_find = 0;
	const double percent = 100.0 / trials;

	cr_assert_gt(trials, 0);
	records_read();
	printf("%u trials each; regressions in %%         same code                        5 %% slower\n", trials);
	printf("%-28s  interl.  sequent.  peeking  means   interl.  sequent.  means   unclear\n", "series");
	for (size_t k = 0; k < KINDS; k++) {
		const struct counts same = try(kinds[k].make, 0, trials, 1000 + k);
		const struct counts slower = try(kinds[k].make, log(1.05), trials, 2000 + k);
		printf("%-28s  %6.1f  %7.1f  %8.1f  %6.1f   %6.1f  %7.1f  %6.1f   %5.1f %5.1f\n", kinds[k].name,
		       same.regressions[INTERLEAVED] * percent, same.regressions[SEQUENTIAL] * percent,
		       same.regressions[PEEKING] * percent, same.regressions[PLAIN] * percent,
		       slower.regressions[INTERLEAVED] * percent, slower.regressions[SEQUENTIAL] * percent,
		       slower.regressions[PLAIN] * percent, slower.unclear[INTERLEAVED] * percent,
		       slower.unclear[SEQUENTIAL] * percent);
		for (int i = 0; i < RULES; i++)
			alarms[i] += same.regressions[i];
		all += trials;
		if (trials >= MANY) {
			cr_expect(same.regressions[INTERLEAVED] * percent <= 1, "%s: false alarms", kinds[k].name);
			cr_expect(same.regressions[SEQUENTIAL] * percent <= 1, "%s: false alarms", kinds[k].name);
		}
		const double least = trials >= MANY ? 90 : 80;
		for (int i = INTERLEAVED; kinds[k].found && i <= SEQUENTIAL; i++) {
			cr_expect(slower.regressions[i] * percent >= least, "%s: 5 %% not found", kinds[k].name);
			findings[i] += slower.regressions[i];
		}
		to_find += kinds[k].found ? trials : 0;
		/* What is not found is not called the same, either. */
		cr_expect(slower.regressions[INTERLEAVED] + slower.unclear[INTERLEAVED] >= 0.97 * trials, "%s",
		          kinds[k].name);
	}
	printf("%-28s  %6.2f  %7.2f  %8.2f  %6.2f\n", "all", 100.0 * alarms[INTERLEAVED] / all,
	       100.0 * alarms[SEQUENTIAL] / all, 100.0 * alarms[PEEKING] / all, 100.0 * alarms[PLAIN] / all);
	fflush(stdout);
	cr_expect(alarms[INTERLEAVED] <= 0.01 * all, "%u false alarms of %u", alarms[INTERLEAVED], all);
	cr_expect(alarms[SEQUENTIAL] <= 0.01 * all, "%u false alarms of %u", alarms[SEQUENTIAL], all);
	cr_expect(findings[INTERLEAVED] >= 0.9 * to_find, "%u found of %u", findings[INTERLEAVED], to_find);
	cr_expect(findings[SEQUENTIAL] >= 0.9 * to_find, "%u found of %u", findings[SEQUENTIAL], to_find);
	/* The series are hard enough to tell a good rule from a bad one. */
	cr_expect(alarms[PLAIN] > 0.1 * all, "%u false alarms of %u", alarms[PLAIN], all);
}
