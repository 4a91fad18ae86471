/* SPDX-License-Identifier: Apache-2.0
 *
 * What a comparison finds, and the rule that makes a verdict of it. Changes are natural logarithms of ratios, and
 * positive when the new one is worse, whichever direction is better for a metric.
 *
 * A metric is a REGRESSION when a test says that it changed, the change is more than its limit, and more than an
 * absolute one where that is given. It is SAME when the whole interval of the change is within what is asked for
 * (--fail-on), or BETTER. In all other cases nothing is claimed: it is UNCLEAR, with the smallest change that could
 * have been seen. */
#ifndef HARNESS_COMPARE_COMPARE_H
#define HARNESS_COMPARE_COMPARE_H

#include <stdio.h>

#include "harness/compare/benchmarks.h"

enum assay_judgement { ASSAY_SAME, ASSAY_BETTER, ASSAY_REGRESSION, ASSAY_UNCLEAR };

struct assay_compared {
	char *name; /* the finding's own */
	char unit[16];
	bool bigger;              /* is better */
	double base, fresh;       /* medians; 0 = there is none */
	double worse, low, high;  /* the change with its interval; low and high may be infinite */
	double p;                 /* two-sided */
	size_t base_count, count; /* samples of either side; of pairs both are the same */
	double limit;             /* the change that is a regression: the greater one of what is asked and the floor */
	double could_see;         /* the least change that would have been found nine times of ten; may be infinite */
	enum assay_judgement judgement;
	char reason[24]; /* why it is unclear: "noise", "metric.missing", "runner.changed" ...; "" when it is not */
};

/* How findings are judged. */
struct assay_rule {
	double fail_on, absolute; /* a logarithm; in the unit of a metric, 0 = none */
	double floor;             /* a logarithm: noise that is assumed where nothing is known of a metric */
	double alpha;             /* of all looks together */
};

enum assay_on_unclear { ASSAY_UNCLEAR_WARNS, ASSAY_UNCLEAR_PASSES, ASSAY_UNCLEAR_FAILS };

struct assay_comparison {
	const char *mode; /* "interleaved", "files", "history" */
	struct assay_rule rule;
	enum assay_on_unclear on_unclear;
	struct assay_compared *findings;
	size_t count, capacity;
	struct assay_compared control; /* name NULL: there is none */
	uint64_t seed;
	uint32_t pairs, looks; /* of an interleaved one */
	struct assay_notes notes;
};

/* Fills could_see and the judgement, and the reason with "noise" where it is unclear. `believed`: the test says that
 * something changed. */
void assay_compared_judge(struct assay_compared *finding, const struct assay_rule *rule, double alpha, bool believed);

/* Room for one more, zeroed but for its name and what the metric is. NULL when out of memory. */
struct assay_compared *assay_compared_add(struct assay_comparison *comparison, const struct assay_metric *metric);

/* When the control changed, regressions are not the code's for sure: they become unclear, and why is noted. */
void assay_comparison_control(struct assay_comparison *comparison);

/* Of all findings: a regression, else unclear, else the same. */
enum assay_judgement assay_comparison_verdict(const struct assay_comparison *comparison);
const char *assay_judgement_name(enum assay_judgement judgement); /* of a verdict: "pass", "regression" ... */
int assay_comparison_exit(const struct assay_comparison *comparison);

void assay_comparison_close(struct assay_comparison *comparison);

/* (new / base - 1) in percent, in the metric's own direction. */
double assay_percent(const struct assay_compared *finding, double worse);

/* ---- How it is told ---- */

void assay_comparison_print(FILE *out, const struct assay_comparison *comparison);
json_t *assay_comparison_json(const struct assay_comparison *comparison); /* NULL when out of memory */

/* Writes text for XML or Markdown: characters that are special there by their number. */
void assay_text_escaped(FILE *out, const char *text, const char *special);

/* What the functions below have in common: `print` writes the file. */
enum assay_status assay_comparison_write(void (*print)(FILE *out, const struct assay_comparison *comparison),
                                         const struct assay_comparison *comparison, const char *path,
                                         struct assay_error *error) ASSAY_CHECK_RESULT;

/* Files for other programs; each whole or not at all. Errors: io.open, io.write. */
enum assay_status assay_comparison_junit(const struct assay_comparison *comparison, const char *path,
                                         struct assay_error *error) ASSAY_CHECK_RESULT;
enum assay_status assay_comparison_markdown(const struct assay_comparison *comparison, const char *path,
                                            struct assay_error *error) ASSAY_CHECK_RESULT;
enum assay_status assay_comparison_bigger(const struct assay_comparison *comparison, const char *path,
                                          struct assay_error *error) ASSAY_CHECK_RESULT;
enum assay_status assay_comparison_openmetrics(const struct assay_comparison *comparison, const char *path,
                                               struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
