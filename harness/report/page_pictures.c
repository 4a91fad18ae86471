/* SPDX-License-Identifier: Apache-2.0
 *
 * The pictures of a report. See page_report.h. */
#include <stdlib.h>
#include <string.h>

#include "harness/report/page_report.h"
#include "harness/state.h"

enum { DEVICES_DRAWN = 4 };

static enum assay_status png_put(const struct assay_report_page *report, const char *name, const char *png, size_t len,
                                 struct assay_error *error)
{
	struct assay_output output = {.slot = -1};
	char path[ASSAY_PATH_MAX];

	if (snprintf(path, sizeof path, "%s/%s", report->directory, name) >= ASSAY_PATH_MAX)
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long",
		                  report->directory);
	enum assay_status status = assay_output_open(&output, path, 0644, error);
	if (!status) {
		fwrite(png, 1, len, output.file);
		status = assay_output_flush(&output, error);
	}
	if (!status)
		status = assay_output_commit(&output, report->replace, error);
	assay_output_close(&output);
	return status;
}

/* False when gnuplot gave none. */
static bool png_write(struct assay_report_page *report, const struct assay_panel *panels, size_t count,
                      const char *name)
{
	char *png;
	size_t len;
	const enum assay_plot_result result = assay_plot_png(panels, count, &png, &len);

	report->no_gnuplot = result == ASSAY_PLOT_MISSING;
	if (result != ASSAY_PLOT_DRAWN)
		return false;
	if (!report->status)
		report->status = png_put(report, name, png, len, &report->error);
	free(png);
	return true;
}

void assay_page_panels(struct assay_report_page *report, struct assay_panel *panels, size_t count, const char *name,
                       const char *title, const char *caption)
{
	const bool png = count && !report->no_gnuplot && png_write(report, panels, count, name);

	if (png)
		assay_page_pictures_begin(&report->page, name, title);
	for (size_t i = 0; i < count; i++) {
		char *svg;
		size_t len;
		if (png && assay_plot_svg(&panels[i], &svg, &len) == ASSAY_PLOT_DRAWN) {
			assay_page_picture(&report->page, svg, len, "%s", panels[i].alternative);
			free(svg);
		}
		free(panels[i].script);
	}
	if (png)
		assay_page_pictures_end(&report->page, caption);
	else if (count)
		assay_page_note(&report->page, "%s",
		                report->no_gnuplot
		                    ? "No plot: gnuplot is not installed here (on Debian: apt-get install gnuplot-nox)."
		                    : "No plot: gnuplot failed.");
}

void assay_page_rounds(struct assay_report_page *report, const struct assay_exhibit *exhibit, size_t number)
{
	const struct assay_verdict *verdict = &exhibit->verdict;
	struct assay_panel panels[ASSAY_SEGMENTS_MAX];
	char name[32];
	bool together = false;
	size_t count = 0;

	for (uint32_t j = 0; j < verdict->segment_count; j++) {
		if (!assay_figure_rounds(&panels[count], exhibit, j))
			continue;
		snprintf(panels[count].alternative, sizeof panels[count].alternative,
		         "Times of the rounds of %s, in milliseconds over seconds of computing.",
		         verdict->aggregates[j].workload);
		count++;
		for (uint32_t d = 0; d < verdict->device_count; d++)
			together = together || exhibit->series[j * verdict->device_count + d].rounds_a_point > 1;
	}
	if (!count)
		return;
	assay_page_heading(&report->page, 3, "Rounds over time");
	snprintf(name, sizeof name, "rounds-%zu.png", number);
	assay_page_panels(report, panels, count, name, "Rounds over time",
	                  together
	                      ? "Time of each round, by the prover's own clock. Where there are many, a line is the "
	                        "median of rounds that follow each other, and the band behind it goes from the "
	                        "shortest to the longest of them. A steady device gives a flat line."
	                      : "Time of each round, by the prover's own clock. A steady device gives a flat "
	                        "line.");
}

/* Operations a byte at which reading memory and computing take equally long. */
static void ridges(struct assay_page *page, const struct assay_exhibit *exhibit)
{
	static const char *const columns[] = {"device", "workload", "computes", "reads", "balance", NULL};
	const struct assay_verdict *verdict = &exhibit->verdict;
	char rate[32], read[32];

	assay_page_table_begin(page, "Below the balance a kernel waits for memory, above it for arithmetic.", columns,
	                       28);
	for (uint32_t d = 0; d < verdict->device_count; d++) {
		const struct assay_run *memory = NULL;
		for (uint32_t i = 0; i < verdict->run_count; i++)
			if (verdict->runs[i].device == d && verdict->runs[i].proved.table_bytes &&
			    verdict->runs[i].claimed.rate > 0)
				memory = &verdict->runs[i];
		for (uint32_t i = 0; memory && i < verdict->run_count; i++) {
			const struct assay_run *run = &verdict->runs[i];
			if (run->device != d || !run->proved.shown || run->claimed.rate <= 0 ||
			    (strcmp(run->unit, "op") != 0 && strcmp(run->unit, "flop") != 0))
				continue;
			assay_quantity(rate, run->claimed.rate, run->unit, "/s");
			assay_quantity(read, memory->claimed.rate, memory->unit, "/s");
			assay_page_cell(page, "#%u", d);
			assay_page_cell(page, "%s", run->workload);
			assay_page_cell(page, "%s", rate);
			assay_page_cell(page, "%s", read);
			assay_page_cell(page, "%.3g %s/B", run->claimed.rate / memory->claimed.rate,
			                strcmp(run->unit, "op") == 0 ? "OP" : "FLOP");
		}
	}
	assay_page_table_end(page);
}

void assay_page_roofline(struct assay_report_page *report, const struct assay_exhibit *exhibit, size_t number)
{
	struct assay_panel panels[DEVICES_DRAWN];
	char name[32];
	size_t count = 0;

	for (uint32_t d = 0; d < exhibit->verdict.device_count && count < DEVICES_DRAWN; d++) {
		if (!assay_figure_roofline(&panels[count], exhibit, d))
			continue;
		snprintf(
		    panels[count].alternative, sizeof panels[count].alternative,
		    "Roofline of device #%u: operations a second over operations a byte; the table has its numbers.",
		    d);
		count++;
	}
	if (!count)
		return;
	assay_page_heading(&report->page, 3, "Roofline");
	assay_page_text(
	    &report->page,
	    "How much a kernel must compute with each byte that it reads, so that arithmetic and not memory is its "
	    "limit. All rates here are the claimed ones of this file. Memory was read in "
	    "random order, in pieces of 128 bytes; a kernel that reads in order may be faster.");
	snprintf(name, sizeof name, "roofline-%zu.png", number);
	assay_page_panels(report, panels, count, name, "Roofline",
	                  "The slope is memory, each flat line is one workload's arithmetic.");
	ridges(&report->page, exhibit);
}
