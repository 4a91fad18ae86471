/* SPDX-License-Identifier: Apache-2.0
 *
 * See compare.h: a comparison for people, on a terminal and in a pull request. */
#include "harness/compare/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/state.h"

/* "1412 -> 1409 TOP/s"; both units where they differ. */
static void values_text(char text[80], const struct assay_compared *finding)
{
	char base[32], fresh[32];

	assay_value_text(base, finding->base, finding->unit);
	assay_value_text(fresh, finding->fresh, finding->unit);
	const char *unit_base = strchr(base, ' '), *unit_fresh = strchr(fresh, ' ');
	if (finding->base <= 0 || finding->fresh <= 0)
		snprintf(text, 80, "%s -> %s", finding->base > 0 ? base : "none", finding->fresh > 0 ? fresh : "none");
	else if (unit_base && unit_fresh && strcmp(unit_base, unit_fresh) == 0)
		snprintf(text, 80, "%.*s -> %s", (int)(unit_base - base), base, fresh);
	else
		snprintf(text, 80, "%s -> %s", base, fresh);
}

/* "-6.2 % +- 0.7": in the metric's own direction. */
static void change_text(char text[48], const struct assay_compared *finding)
{
	const double half = (finding->high - finding->low) / 2;

	if (finding->base <= 0 || finding->fresh <= 0)
		snprintf(text, 48, "-");
	else if (half < HUGE_VAL)
		snprintf(text, 48, "%+.1f %% +- %.1f", assay_percent(finding, finding->worse), 100 * expm1(half));
	else
		snprintf(text, 48, "%+.1f %% +- ?", assay_percent(finding, finding->worse));
}

static void verdict_text(char text[160], const struct assay_compared *finding)
{
	switch (finding->judgement) {
	case ASSAY_REGRESSION:
		snprintf(text, 160, "REGRESSION    (floor %.2g %%, p = %.2g)", 100 * expm1(finding->limit), finding->p);
		break;
	case ASSAY_BETTER:
		snprintf(text, 160, "better");
		break;
	case ASSAY_SAME:
		snprintf(text, 160, "same");
		break;
	default:
		if (strcmp(finding->reason, "noise") != 0)
			snprintf(text, 160, "inconclusive  (%s)", finding->reason);
		else if (finding->could_see < 2)
			snprintf(text, 160, "inconclusive  (could have seen %.1f %%)", 100 * expm1(finding->could_see));
		else
			snprintf(text, 160, "inconclusive  (too few to see any change)");
	}
}

static int width_of(const struct assay_comparison *comparison)
{
	size_t width = 8;

	for (size_t i = 0; i < comparison->count; i++) {
		const size_t len = strlen(comparison->findings[i].name);
		width = len > width ? len : width;
	}
	return width > 60 ? 60 : (int)width;
}

static void line(FILE *out, int width, const char *name, const struct assay_compared *finding)
{
	char values[80], change[48], verdict[160];

	values_text(values, finding);
	change_text(change, finding);
	verdict_text(verdict, finding);
	fprintf(out, "  %-*s  %-26s  %-16s  %s\n", width, name, values, change, verdict);
}

void assay_comparison_print(FILE *out, const struct assay_comparison *comparison)
{
	const int width = width_of(comparison);

	fprintf(out, "  %-*s  %-26s  %-16s  %s\n", width, "workload", "base -> new", "change", "verdict");
	for (size_t i = 0; i < comparison->count; i++)
		line(out, width, comparison->findings[i].name, &comparison->findings[i]);
	if (comparison->control.name)
		line(out, width, "control", &comparison->control);
	for (size_t i = 0; i < comparison->notes.count; i++)
		fprintf(out, "  note: %s\n", comparison->notes.text[i]);
	if (comparison->notes.more)
		fprintf(out, "  note: and %zu more\n", comparison->notes.more);
	if (comparison->pairs)
		fprintf(out, "  %u pairs of launches in random order, %u look%s; seed %llu\n", comparison->pairs,
		        comparison->looks, comparison->looks == 1 ? "" : "s", (unsigned long long)comparison->seed);
	fprintf(out, "  %s\n", assay_judgement_name(assay_comparison_verdict(comparison)));
}

void assay_text_escaped(FILE *out, const char *text, const char *special)
{
	for (; *text; text++) {
		if (strchr(special, *text))
			fprintf(out, "&#%d;", *text);
		else
			fputc(*text, out);
	}
}

/* What Markdown would take for its own. */
static void escaped(FILE *out, const char *text)
{
	assay_text_escaped(out, text, "\\`*_[]<>|&~#@!");
}

static void markdown(FILE *out, const struct assay_comparison *comparison)
{
	char values[80], change[48], verdict[160];

	fprintf(out, "### assay compare: %s\n\n", assay_judgement_name(assay_comparison_verdict(comparison)));
	fprintf(out, "| workload | base → new | change | verdict |\n|---|---|---|---|\n");
	for (size_t i = 0; i < comparison->count + (comparison->control.name != NULL); i++) {
		const struct assay_compared *finding =
		    i < comparison->count ? &comparison->findings[i] : &comparison->control;
		values_text(values, finding);
		change_text(change, finding);
		verdict_text(verdict, finding);
		fputs("| ", out);
		escaped(out, finding->name);
		fprintf(out, " | ");
		escaped(out, values);
		fprintf(out, " | ");
		escaped(out, change);
		fprintf(out, " | %s", finding->judgement == ASSAY_REGRESSION ? "**" : "");
		escaped(out, verdict);
		fprintf(out, "%s |\n", finding->judgement == ASSAY_REGRESSION ? "**" : "");
	}
	if (comparison->notes.count)
		fputc('\n', out);
	for (size_t i = 0; i < comparison->notes.count; i++) {
		fputs("- ", out);
		escaped(out, comparison->notes.text[i]);
		fputc('\n', out);
	}
	if (comparison->notes.more)
		fprintf(out, "- and %zu more\n", comparison->notes.more);
	if (comparison->pairs)
		fprintf(out, "\n%u pairs of launches in random order, %u looks; seed %llu\n", comparison->pairs,
		        comparison->looks, (unsigned long long)comparison->seed);
}

enum assay_status assay_comparison_markdown(const struct assay_comparison *comparison, const char *path,
                                            struct assay_error *error)
{
	return assay_comparison_write(markdown, comparison, path, error);
}
