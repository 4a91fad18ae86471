/* SPDX-License-Identifier: Apache-2.0
 *
 * See compare.h: the rule. */
#include "harness/compare/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/command.h"
#include "harness/compare/stats.h"

/* Nine times of ten. */
static const double seldom = 0.1;

static double absolute_of(const struct assay_compared *finding, double worse)
{
	return finding->base * fabs(expm1(finding->bigger ? -worse : worse));
}

void assay_compared_judge(struct assay_compared *finding, const struct assay_rule *rule, double alpha, bool believed)
{
	const double z = assay_normal_z(alpha / 2), more = assay_normal_z(seldom);
	const double deviation = (finding->high - finding->low) / 2 / z;
	const double of_test = (z + more) * deviation, of_limit = finding->limit + more * deviation;

	finding->could_see = fmax(of_test, of_limit);
	finding->reason[0] = '\0';
	const bool within =
	    finding->high <= rule->fail_on || (rule->absolute > 0 && finding->high < HUGE_VAL &&
	                                       absolute_of(finding, fmax(finding->high, 0)) <= rule->absolute);
	if (believed && finding->worse > finding->limit && absolute_of(finding, finding->worse) > rule->absolute) {
		finding->judgement = ASSAY_REGRESSION;
	} else if (within) {
		finding->judgement = believed && finding->worse < -finding->limit ? ASSAY_BETTER : ASSAY_SAME;
	} else {
		finding->judgement = ASSAY_UNCLEAR;
		snprintf(finding->reason, sizeof finding->reason, "noise");
	}
}

struct assay_compared *assay_compared_add(struct assay_comparison *comparison, const struct assay_metric *metric)
{
	if (comparison->count == comparison->capacity) {
		const size_t capacity = comparison->capacity ? 2 * comparison->capacity : 16;
		struct assay_compared *more = realloc(comparison->findings, capacity * sizeof *more);
		if (!more)
			return NULL;
		comparison->findings = more;
		comparison->capacity = capacity;
	}
	struct assay_compared *finding = &comparison->findings[comparison->count];
	*finding = (struct assay_compared){.name = strdup(metric->name),
	                                   .bigger = metric->bigger,
	                                   .low = -HUGE_VAL,
	                                   .high = HUGE_VAL,
	                                   .p = 1,
	                                   .could_see = HUGE_VAL,
	                                   .judgement = ASSAY_UNCLEAR};
	snprintf(finding->unit, sizeof finding->unit, "%s", metric->unit);
	finding->limit = fmax(comparison->rule.fail_on, comparison->rule.floor);
	if (!finding->name)
		return NULL;
	comparison->count++;
	return finding;
}

double assay_percent(const struct assay_compared *finding, double worse)
{
	return 100 * expm1(finding->bigger ? -worse : worse);
}

void assay_comparison_control(struct assay_comparison *comparison)
{
	const struct assay_compared *control = &comparison->control;

	if (!control->name || (control->judgement != ASSAY_REGRESSION && control->judgement != ASSAY_BETTER))
		return;
	assay_note(&comparison->notes,
	           "the runner changed: %+.1f %% on the control; what changed with it is not the code's for sure "
	           "(runner.changed)",
	           assay_percent(control, control->worse));
	for (size_t i = 0; i < comparison->count; i++) {
		struct assay_compared *finding = &comparison->findings[i];
		if (finding->judgement != ASSAY_REGRESSION)
			continue;
		finding->judgement = ASSAY_UNCLEAR;
		snprintf(finding->reason, sizeof finding->reason, "runner.changed");
	}
}

enum assay_judgement assay_comparison_verdict(const struct assay_comparison *comparison)
{
	enum assay_judgement worst = ASSAY_SAME;

	for (size_t i = 0; i < comparison->count; i++) {
		const enum assay_judgement one = comparison->findings[i].judgement;
		if (one == ASSAY_REGRESSION)
			return ASSAY_REGRESSION;
		worst = one == ASSAY_UNCLEAR ? one : worst;
	}
	return comparison->count ? worst : ASSAY_UNCLEAR;
}

const char *assay_judgement_name(enum assay_judgement judgement)
{
	static const char *const names[] = {"pass", "pass", "regression", "inconclusive"};

	return names[judgement];
}

int assay_comparison_exit(const struct assay_comparison *comparison)
{
	switch (assay_comparison_verdict(comparison)) {
	case ASSAY_REGRESSION:
		return ASSAY_FAIL;
	case ASSAY_UNCLEAR:
		return comparison->on_unclear == ASSAY_UNCLEAR_FAILS ? ASSAY_INCONCLUSIVE : ASSAY_PASS;
	default:
		return ASSAY_PASS;
	}
}

void assay_comparison_close(struct assay_comparison *comparison)
{
	for (size_t i = 0; i < comparison->count; i++)
		free(comparison->findings[i].name);
	free(comparison->findings);
	free(comparison->control.name);
	assay_notes_close(&comparison->notes);
	memset(comparison, 0, sizeof *comparison);
}
