/* SPDX-License-Identifier: Apache-2.0
 *
 * The time line of each device: pictures, and the same as a table for those who see no pictures. See page_report.h. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "harness/report/page_report.h"

enum { DRAWN_MAX = 8, ROWS = 8 /* of a device's table, unless it has more segments */, RANGES_SHOWN = 6 };

/* The mean, the least and the greatest of all points that overlap a time. */
static void quantity_cell(struct assay_page *page, const struct assay_exhibit *exhibit, uint32_t device, int quantity,
                          double from, double to)
{
	double step, values[3], least = INFINITY, most = -INFINITY, sum = 0;
	const size_t points = assay_exhibit_points(exhibit, device, &step);
	size_t count = 0;

	for (size_t p = 0; p < points; p++) {
		if ((double)(p + 1) * step <= from || (double)p * step >= to ||
		    !assay_exhibit_point(exhibit, device, quantity, p, values))
			continue;
		least = fmin(least, values[0]);
		most = fmax(most, values[2]);
		sum += values[1];
		count++;
	}
	if (count)
		assay_page_cell(page, "%.0f (%.0f ... %.0f)", sum / (double)count, least, most);
	else
		assay_page_cell(page, "unknown");
}

/* "12 to 40, 55": ranges of rounds that were throttled at some moment of this time. */
static void throttled_cell(struct assay_page *page, const struct assay_exhibit *exhibit, const struct assay_run *run,
                           double from, double to)
{
	const struct assay_series *series = exhibit->series ? &exhibit->series[run - exhibit->verdict.runs] : NULL;
	char text[RANGES_SHOWN * 32 + 64] = "";
	size_t at = 0;
	uint32_t count = 0;

	for (uint32_t i = 0; series && i < series->span_count; i++) {
		const struct assay_span *span = &series->spans[i];
		if (assay_exhibit_time(exhibit, run, span->to) <= from ||
		    assay_exhibit_time(exhibit, run, span->from) >= to)
			continue;
		if (count++ >= RANGES_SHOWN)
			continue;
		at += (size_t)snprintf(text + at, sizeof text - at, "%s%" PRIu32, count > 1 ? ", " : "", span->first);
		if (span->last > span->first)
			at += (size_t)snprintf(text + at, sizeof text - at, " to %" PRIu32, span->last);
	}
	if (count > RANGES_SHOWN)
		snprintf(text + at, sizeof text - at, " and %" PRIu32 " more ranges", count - RANGES_SHOWN);
	if (run->claimed.throttled_rounds < 0)
		assay_page_cell(page, "unknown");
	else if (run->claimed.throttled_rounds > 0 && (!series || !series->span_count))
		assay_page_cell(page, "%" PRId64 ", not told which", run->claimed.throttled_rounds);
	else
		assay_page_cell(page, "%s", count ? text : "none");
}

static void device_rows(struct assay_page *page, const struct assay_exhibit *exhibit, uint32_t device)
{
	const struct assay_verdict *verdict = &exhibit->verdict;
	uint32_t timed = 0;

	for (uint32_t j = 0; j < verdict->segment_count; j++)
		timed += exhibit->begins[j + 1] > exhibit->begins[j];
	const uint32_t parts = timed && timed < ROWS ? ROWS / timed : 1;
	for (uint32_t j = 0; j < verdict->segment_count; j++) {
		const struct assay_run *run = &verdict->runs[j * verdict->device_count + device];
		const double begin = exhibit->begins[j], length = (exhibit->begins[j + 1] - begin) / parts;
		for (uint32_t i = 0; run->claimed.elapsed_ns && i < parts; i++) {
			const double from = begin + i * length,
			             to = i + 1 < parts ? from + length : exhibit->begins[j + 1];
			assay_page_cell(page, "#%" PRIu32, device);
			assay_page_cell(page, "%s", run->workload);
			assay_page_cell(page, "%.1f ... %.1f", from, to);
			for (int q = 0; q < ASSAY_QUANTITIES; q++)
				quantity_cell(page, exhibit, device, q, from, to);
			throttled_cell(page, exhibit, run, from, to);
		}
	}
}

static void table(struct assay_page *page, const struct assay_exhibit *exhibit)
{
	static const char *const columns[] = {"device", "workload",  "seconds of the job", "MHz",
	                                      "W",      "degrees C", "throttled rounds",   NULL};
	double step;

	assay_page_table_begin(page,
	                       "Mean (least ... greatest) of the readings of some time, and the rounds that were "
	                       "throttled in it, counted from 0. A range that goes on is in the next row too.",
	                       columns, 60);
	for (uint32_t d = 0; d < exhibit->verdict.device_count; d++)
		if (assay_exhibit_points(exhibit, d, &step))
			device_rows(page, exhibit, d);
	assay_page_table_end(page);
}

void assay_page_timeline(struct assay_report_page *report, const struct assay_exhibit *exhibit, size_t number)
{
	struct assay_panel panels[DRAWN_MAX];
	char name[32];
	uint32_t with_line = 0, read = 0;
	size_t count = 0;
	double step;

	for (uint32_t d = 0; d < exhibit->verdict.device_count; d++) {
		read += *exhibit->verdict.devices[d].telemetry.source != '\0';
		if (!assay_exhibit_points(exhibit, d, &step))
			continue;
		with_line++;
		if (count == DRAWN_MAX || !assay_figure_timeline(&panels[count], exhibit, d))
			continue;
		snprintf(panels[count].alternative, sizeof panels[count].alternative,
		         "Rounds, clock, power and temperature of device #%" PRIu32
		         " over the time of the job, with throttled times marked; the table below has its numbers.",
		         d);
		count++;
	}
	/* Where there is no telemetry at all the page has said so. */
	if (!read)
		return;
	assay_page_heading(&report->page, 3, "Over time");
	if (!with_line) {
		assay_page_text(
		    &report->page,
		    "This file has no time line: neither clock, power nor temperature was read while a device "
		    "worked, or the program that made it told none.");
		return;
	}
	snprintf(name, sizeof name, "timeline-%zu.png", number);
	assay_page_panels(
	    report, panels, count, name, "Over time",
	    "What each device did at which time of the job, as its prover says: the line is the mean (of rounds, "
	    "their median), the band goes from the least to the greatest. Time that was throttled is shaded from top "
	    "to bottom, under a bar, and drawn wide enough to be seen. The job's workloads follow each other, without "
	    "what lies between them.");
	if (with_line > count)
		assay_page_note(&report->page, "Drawn are the first %zu devices; the table has all.", count);
	table(&report->page, exhibit);
}
