/* SPDX-License-Identifier: Apache-2.0
 *
 * See compare.h: a comparison for other programs. */
#include "harness/compare/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/state.h"

enum assay_status assay_comparison_write(void (*print)(FILE *out, const struct assay_comparison *comparison),
                                         const struct assay_comparison *comparison, const char *path,
                                         struct assay_error *error)
{
	struct assay_output output = {.slot = -1};
	enum assay_status status = assay_output_open(&output, path, 0644, error);

	if (!status) {
		print(output.file, comparison);
		status = assay_output_flush(&output, error);
	}
	if (!status)
		status = assay_output_commit(&output, true, error);
	assay_output_close(&output);
	return status;
}

/* ---- JSON ---- */

/* What is not known or has no end is null. */
static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *finding_json(const struct assay_compared *finding)
{
	static const char *const names[] = {"same", "better", "regression", "inconclusive"};

	return json_pack("{s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:s, s:s?}", "name",
	                 finding->name, "unit", finding->unit, "biggerIsBetter", finding->bigger, "base",
	                 number(finding->base > 0 ? finding->base : HUGE_VAL), "new",
	                 number(finding->fresh > 0 ? finding->fresh : HUGE_VAL), "changePercent",
	                 number(assay_percent(finding, finding->worse)), "lowPercent",
	                 number(assay_percent(finding, finding->bigger ? finding->high : finding->low)), "highPercent",
	                 number(assay_percent(finding, finding->bigger ? finding->low : finding->high)), "p",
	                 number(finding->p), "baseCount", (json_int_t)finding->base_count, "newCount",
	                 (json_int_t)finding->count, "floorPercent", number(100 * expm1(finding->limit)),
	                 "couldSeePercent", number(100 * expm1(finding->could_see)), "verdict",
	                 names[finding->judgement], "reason", *finding->reason ? finding->reason : NULL);
}

json_t *assay_comparison_json(const struct assay_comparison *comparison)
{
	json_t *findings = json_array(), *notes = json_array();

	for (size_t i = 0; i < comparison->count; i++)
		json_array_append_new(findings, finding_json(&comparison->findings[i]));
	for (size_t i = 0; i < comparison->notes.count; i++)
		json_array_append_new(notes, json_string(comparison->notes.text[i]));
	char seed[32];
	snprintf(seed, sizeof seed, "%llu", (unsigned long long)comparison->seed);
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:s, s:I, s:I, s:o, s:f}", "verdict",
	                 assay_judgement_name(assay_comparison_verdict(comparison)), "mode", comparison->mode,
	                 "findings", findings, "control",
	                 comparison->control.name ? finding_json(&comparison->control) : json_null(), "notes", notes,
	                 "notesLeftOut", (json_int_t)comparison->notes.more, "seed", seed, "pairs",
	                 (json_int_t)comparison->pairs, "looks", (json_int_t)comparison->looks, "failOnPercent",
	                 number(100 * expm1(comparison->rule.fail_on)), "alpha", comparison->rule.alpha);
}

/* ---- JUnit ---- */

static void xml(FILE *out, const char *text)
{
	assay_text_escaped(out, text, "<>&\"'");
}

static void why(FILE *out, const struct assay_compared *finding)
{
	fprintf(out, "%+.2f %% (%+.2f ... %+.2f), floor %.2f %%, p = %.3g", assay_percent(finding, finding->worse),
	        assay_percent(finding, finding->bigger ? finding->high : finding->low),
	        assay_percent(finding, finding->bigger ? finding->low : finding->high), 100 * expm1(finding->limit),
	        finding->p);
	if (*finding->reason)
		fprintf(out, ", %s", finding->reason);
	if (strcmp(finding->reason, "noise") == 0 && finding->could_see < 2)
		fprintf(out, ", could have seen %.1f %%", 100 * expm1(finding->could_see));
}

static void junit(FILE *out, const struct assay_comparison *comparison)
{
	size_t failed = 0, unclear = 0;
	const bool fails = comparison->on_unclear == ASSAY_UNCLEAR_FAILS;

	for (size_t i = 0; i < comparison->count; i++) {
		failed += comparison->findings[i].judgement == ASSAY_REGRESSION;
		unclear += comparison->findings[i].judgement == ASSAY_UNCLEAR;
	}
	fprintf(out,
	        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"assay compare\" "
	        "tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\">\n",
	        comparison->count, failed + (fails ? unclear : 0), fails ? 0 : unclear);
	for (size_t i = 0; i < comparison->count; i++) {
		const struct assay_compared *finding = &comparison->findings[i];
		const char *element = finding->judgement == ASSAY_REGRESSION || fails ? "failure" : "skipped";
		fprintf(out, "<testcase classname=\"assay.compare.%s\" name=\"", comparison->mode);
		xml(out, finding->name);
		fputs("\">", out);
		if (finding->judgement == ASSAY_REGRESSION || finding->judgement == ASSAY_UNCLEAR) {
			fprintf(out, "<%s message=\"", element);
			why(out, finding);
			fputs("\"/>", out);
		}
		fputs("</testcase>\n", out);
	}
	fputs("<system-out>", out);
	for (size_t i = 0; i < comparison->notes.count; i++) {
		xml(out, comparison->notes.text[i]);
		fputc('\n', out);
	}
	fputs("</system-out>\n</testsuite>\n</testsuites>\n", out);
}

enum assay_status assay_comparison_junit(const struct assay_comparison *comparison, const char *path,
                                         struct assay_error *error)
{
	return assay_comparison_write(junit, comparison, path, error);
}

/* ---- customBiggerIsBetter: what github-action-benchmark reads. Times become rates. ---- */

static void bigger(FILE *out, const struct assay_comparison *comparison)
{
	json_t *list = json_array();
	char range[48], unit[32];

	for (size_t i = 0; i < comparison->count; i++) {
		const struct assay_compared *finding = &comparison->findings[i];
		const double value = finding->bigger ? finding->fresh : 1 / finding->fresh;
		if (finding->fresh <= 0 || !isfinite(value))
			continue;
		if (finding->bigger)
			snprintf(unit, sizeof unit, "%s", finding->unit);
		else
			snprintf(unit, sizeof unit, "1/%s", *finding->unit ? finding->unit : "unit");
		const double half = (finding->high - finding->low) / 2;
		snprintf(range, sizeof range, half < HUGE_VAL ? "+- %.1f %%" : "unknown", 100 * expm1(half));
		json_array_append_new(list, json_pack("{s:s, s:s, s:f, s:s, s:s}", "name", finding->name, "unit", unit,
		                                      "value", value, "range", range, "extra",
		                                      *finding->reason ? finding->reason : "judged"));
	}
	json_dumpf(list, out, JSON_INDENT(1));
	fputc('\n', out);
	json_decref(list);
}

enum assay_status assay_comparison_bigger(const struct assay_comparison *comparison, const char *path,
                                          struct assay_error *error)
{
	return assay_comparison_write(bigger, comparison, path, error);
}

/* ---- OpenMetrics: text, with no time stamps ---- */

static void label(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void family(FILE *out, const struct assay_comparison *comparison, const char *name, const char *help,
                   double (*value)(const struct assay_compared *finding))
{
	fprintf(out, "# TYPE assay_compare_%s gauge\n# HELP assay_compare_%s %s\n", name, name, help);
	for (size_t i = 0; i < comparison->count; i++) {
		const struct assay_compared *finding = &comparison->findings[i];
		const double now = value(finding);
		if (!isfinite(now))
			continue;
		fprintf(out, "assay_compare_%s{workload=\"", name);
		label(out, finding->name);
		fputs("\",unit=\"", out);
		label(out, finding->unit);
		fprintf(out, "\"} %.9g\n", now);
	}
}

static double base_of(const struct assay_compared *finding)
{
	return finding->base > 0 ? finding->base : HUGE_VAL;
}

static double new_of(const struct assay_compared *finding)
{
	return finding->fresh > 0 ? finding->fresh : HUGE_VAL;
}

static double ratio_of(const struct assay_compared *finding)
{
	return finding->base > 0 && finding->fresh > 0 ? exp(finding->bigger ? -finding->worse : finding->worse)
	                                               : HUGE_VAL;
}

static double judged_of(const struct assay_compared *finding)
{
	return finding->judgement == ASSAY_REGRESSION ? 1 : finding->judgement == ASSAY_UNCLEAR ? 2 : 0;
}

static void openmetrics(FILE *out, const struct assay_comparison *comparison)
{
	family(out, comparison, "base", "Median of the old one.", base_of);
	family(out, comparison, "new", "Median of the new one.", new_of);
	family(out, comparison, "ratio", "New to old, as it is estimated.", ratio_of);
	family(out, comparison, "verdict", "0 the same or better, 1 a regression, 2 inconclusive.", judged_of);
	fputs("# EOF\n", out);
}

enum assay_status assay_comparison_openmetrics(const struct assay_comparison *comparison, const char *path,
                                               struct assay_error *error)
{
	return assay_comparison_write(openmetrics, comparison, path, error);
}
