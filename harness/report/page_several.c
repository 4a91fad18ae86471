/* SPDX-License-Identifier: Apache-2.0
 *
 * What a report says of several attestations together. See page_report.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/page_report.h"
#include "verify/work.h"

static const char *verdict_of(const struct assay_exhibit *exhibit)
{
	return exhibit->status ? "not read" : assay_outcome_name(exhibit->verdict.outcome);
}

/* "8 x NVIDIA H100", or the names one after the other. */
static void devices_cell(struct assay_page *page, const struct assay_verdict *verdict)
{
	char text[400] = "", times[16];
	size_t len = 0;

	for (uint32_t d = 0, same; d < verdict->device_count && len < sizeof text - 1; d += same) {
		const char *name = verdict->devices[d].name;
		same = 1;
		while (d + same < verdict->device_count && strcmp(verdict->devices[d + same].name, name) == 0)
			same++;
		snprintf(times, sizeof times, "%" PRIu32 " x ", same);
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s%s", len ? ", " : "", same > 1 ? times : "",
		                        name);
	}
	assay_page_cell(page, "%s", *text ? text : "-");
}

static void overview(struct assay_page *page, const struct assay_exhibit *exhibits, size_t count)
{
	static const char *const columns[] = {
	    "file",    "devices, as claimed", "verdict", "assurance", "finished, as claimed",
	    "profile", "signed by",           NULL};

	assay_page_table_begin(page, "The attestations of this page.", columns, 0);
	for (size_t i = 0; i < count; i++) {
		const struct assay_verdict *verdict = &exhibits[i].verdict;
		assay_page_cell(page, "%zu. %s", i + 1, exhibits[i].name);
		devices_cell(page, verdict);
		assay_page_cell(page, "%s", verdict_of(&exhibits[i]));
		assay_page_cell(page, "%s", verdict->assurance ? verdict->assurance : "-");
		assay_page_cell(page, "%s", *verdict->finished ? verdict->finished : "-");
		assay_page_cell(page, "%s", *verdict->profile ? verdict->profile : "-");
		if (*verdict->keyid)
			assay_page_cell(page, "%.16s...", verdict->keyid);
		else
			assay_page_cell(page, "-");
	}
	assay_page_table_end(page);
}

static bool is_any_proven(const struct assay_exhibit *exhibits, size_t count)
{
	bool is = false;

	for (size_t i = 0; i < count; i++)
		for (uint32_t r = 0; r < exhibits[i].verdict.run_count; r++)
			is = is || exhibits[i].verdict.runs[r].proved.rate > 0;
	return is;
}

/* The table that the bars are drawn from. */
static void rates(struct assay_page *page, const struct assay_exhibit *exhibits, size_t count)
{
	static const char *const all[] = {
	    "workload", "file", "device", "claimed rate", "rate of the median round (95 %)", "proven rate", NULL};
	static const char *const claimed_only[] = {
	    "workload", "file", "device", "claimed rate", "rate of the median round (95 %)", NULL};
	const bool is_proven = is_any_proven(exhibits, count);
	char proven[32], claimed[32];

	assay_page_table_begin(
	    page,
	    "A claimed rate divides all work of a run by all its time; that of the median round leaves "
	    "out pauses and rounds that took much longer, and has its 95 % interval.",
	    is_proven ? all : claimed_only, 56);
	for (size_t w = 0; assay_works[w]; w++)
		for (size_t i = 0; i < count; i++)
			for (uint32_t r = 0; r < exhibits[i].verdict.run_count; r++) {
				const struct assay_run *run = &exhibits[i].verdict.runs[r];
				if (!run->proved.shown || strcmp(run->workload, assay_works[w]->name) != 0)
					continue;
				assay_quantity(proven, run->proved.rate, run->unit, "/s");
				assay_quantity(claimed, run->claimed.rate, run->unit, "/s");
				assay_page_cell(page, "%s", run->workload);
				assay_page_cell(page, "%zu. %s", i + 1, exhibits[i].name);
				assay_page_cell(page, "#%" PRIu32, run->device);
				assay_page_cell(page, "%s", run->claimed.rate > 0 ? claimed : "-");
				assay_page_interval_cell(page, run);
				if (is_proven)
					assay_page_cell(page, "%s", run->proved.rate > 0 ? proven : "-");
			}
	assay_page_table_end(page);
}

enum { PANELS_MAX = 16 };

static void bars(struct assay_report_page *report, const struct assay_exhibit *exhibits, size_t count)
{
	struct assay_panel panels[PANELS_MAX];
	size_t drawn = 0, left_out = 0;

	for (size_t w = 0; assay_works[w] && drawn < PANELS_MAX; w++) {
		if (!assay_figure_rates(&panels[drawn], exhibits, count, assay_works[w]->name, &left_out))
			continue;
		snprintf(panels[drawn].alternative, sizeof panels[drawn].alternative,
		         "Rates of %s by file and device, as in the table below.", assay_works[w]->name);
		drawn++;
	}
	assay_page_panels(
	    report, panels, drawn, "rates.png", "Rates",
	    is_any_proven(exhibits, count)
	        ? "Bar and whiskers: claimed rate of the median round with its 95 % interval, by the prover's clock. "
	          "Diamond: proven rate, by a verifier's clock; it counts certified work only, so that it is lower."
	        : "Bar and whiskers: claimed rate of the median round with its 95 % interval, by the prover's clock.");
	if (left_out)
		assay_page_note(
		    &report->page,
		    "A picture has %d bars at most: %zu runs are in the table below only, those of the last "
		    "devices and files.",
		    ASSAY_FIGURE_BARS_MAX, left_out);
}

static void history(struct assay_report_page *report, const struct assay_exhibit *exhibits, size_t count)
{
	struct assay_panel panels[PANELS_MAX];
	size_t drawn = 0;

	for (size_t first = 0; first < count; first++)
		for (size_t w = 0; assay_works[w] && drawn < PANELS_MAX; w++) {
			if (!assay_figure_history(&panels[drawn], exhibits, count, first, assay_works[w]->name))
				continue;
			snprintf(panels[drawn].alternative, sizeof panels[drawn].alternative,
			         "Rates of %s over the time at which the files say that "
			         "they were finished.",
			         assay_works[w]->name);
			drawn++;
		}
	if (!drawn)
		return;
	assay_page_heading(&report->page, 2, "History");
	assay_page_text(&report->page,
	                "The same devices under the same key and profile, by the time that each file claims.");
	assay_page_panels(report, panels, drawn, "history.png", "History",
	                  "Rate of the median round with its 95 % interval, by the prover's clock.");
}

void assay_page_several(struct assay_report_page *report, const struct assay_exhibit *exhibits, size_t count)
{
	overview(&report->page, exhibits, count);
	assay_page_heading(&report->page, 2, "Side by side");
	assay_page_text(&report->page,
	                "Rates of different profiles are of different sizes of work, and memory rates depend on "
	                "the size of the table: compare like with like.");
	bars(report, exhibits, count);
	rates(&report->page, exhibits, count);
	history(report, exhibits, count);
}
