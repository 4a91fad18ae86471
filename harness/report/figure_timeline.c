/* SPDX-License-Identifier: Apache-2.0
 *
 * The time line of a device: strips one above the other in one plot, so that they share an axis of time in an SVG and
 * in a PNG alike. A strip is one unit high, and has its own scale in it. See figure.h. */
#include "harness/report/figure.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { STRIP_HEIGHT = 84, FRAME_HEIGHT = 84, TICS_MAX = 3, NAME_SHARE = 7, HOURS_FROM = 7200 };

/* What a strip leaves to its name and to the one above it. */
#define STRIP_PART 0.74

/* The first is the rounds', then the quantities of a time line. */
static const struct {
	const char *name, *colour;
} strips[1 + ASSAY_QUANTITIES] = {{"round, % of the median of its workload", "#0072b2"},
                                  {"clock, MHz", "#009e73"},
                                  {"power, W", "#d55e00"},
                                  {"temperature, degrees C", "#cc79a7"}};

struct scale {
	double to, step, base; /* from 0; `base` is the foot of the strip */
};

struct drawing {
	FILE *script;
	const struct assay_exhibit *exhibit;
	uint32_t device;
	double unit, end; /* of the axis of time: seconds or hours */
	size_t points;
	double step;
};

static double place(const struct scale *scale, double value)
{
	return scale->base + STRIP_PART * value / scale->to;
}

/* From 0 to a round number that holds all. */
static void scale_make(struct scale *scale, double most)
{
	static const double steps[] = {1, 2, 5};

	for (double power = 1e-9; power < 1e18; power *= 10)
		for (int i = 0; i < 3; i++) {
			scale->step = power * steps[i];
			scale->to = ceil(most / scale->step) * scale->step;
			if (most > 0 && scale->to <= TICS_MAX * scale->step * 1.0001)
				return;
		}
	/* Of nothing but zeros. */
	scale->to = scale->step = 1;
}

static const struct assay_run *run_of(const struct drawing *drawing, uint32_t segment)
{
	return &drawing->exhibit->verdict.runs[segment * drawing->exhibit->verdict.device_count + drawing->device];
}

static const struct assay_series *series_of(const struct drawing *drawing, uint32_t segment)
{
	const struct assay_run *run = run_of(drawing, segment);

	return drawing->exhibit->series && run->proved.shown
	           ? &drawing->exhibit->series[run - drawing->exhibit->verdict.runs]
	           : NULL;
}

/* Of a round, in percent of the run's median: workloads have rounds of very different lengths. */
static double share_of(const struct drawing *drawing, uint32_t segment, double ms)
{
	const uint64_t median_ns = run_of(drawing, segment)->claimed.median_ns;

	return median_ns ? 100 * ms * 1e6 / (double)median_ns : 0;
}

static double time_of(const struct drawing *drawing, uint32_t segment, double computing)
{
	return assay_exhibit_time(drawing->exhibit, run_of(drawing, segment), computing) / drawing->unit;
}

/* The greatest of a strip; negative when there is nothing in it. */
static double most_of(const struct drawing *drawing, int strip)
{
	double values[3], most = -1;

	for (size_t p = 0; strip > 0 && p < drawing->points; p++) {
		if (assay_exhibit_point(drawing->exhibit, drawing->device, strip - 1, p, values))
			most = fmax(most, values[2]);
	}
	for (uint32_t j = 0; strip == 0 && j < drawing->exhibit->verdict.segment_count; j++) {
		const struct assay_series *series = series_of(drawing, j);
		for (uint32_t i = 0; series && i < series->count; i++)
			most = fmax(most, share_of(drawing, j, series->points[i].high_ms));
	}
	return most;
}

/* Points of a line: where, its height, and from where to where the values behind it go. */
static void rounds_put(const struct drawing *drawing, const struct scale *scale)
{
	fputs("$s0 << END\n", drawing->script);
	for (uint32_t j = 0; j < drawing->exhibit->verdict.segment_count; j++) {
		const struct assay_series *series = series_of(drawing, j);
		double from = 0;
		for (uint32_t i = 0; series && i < series->count; i++) {
			const struct assay_point *point = &series->points[i];
			fprintf(drawing->script, "%.9g %.6f %.9g %.9g %.6f %.6f\n",
			        time_of(drawing, j, (from + point->seconds) / 2),
			        place(scale, share_of(drawing, j, point->median_ms)), time_of(drawing, j, from),
			        time_of(drawing, j, point->seconds), place(scale, share_of(drawing, j, point->low_ms)),
			        place(scale, share_of(drawing, j, point->high_ms)));
			from = point->seconds;
		}
		fputs("\n", drawing->script);
	}
	fputs("END\n", drawing->script);
}

static void quantity_put(const struct drawing *drawing, int strip, const struct scale *scale)
{
	const double step = drawing->step / drawing->unit;
	double values[3];

	fprintf(drawing->script, "$s%d << END\n", strip);
	for (size_t p = 0; p < drawing->points; p++)
		if (assay_exhibit_point(drawing->exhibit, drawing->device, strip - 1, p, values))
			fprintf(drawing->script, "%.9g %.6f %.9g %.9g %.6f %.6f\n",
			        fmin(((double)p + 0.5) * step, drawing->end), place(scale, values[1]), (double)p * step,
			        fmin(((double)p + 1) * step, drawing->end), place(scale, values[0]),
			        place(scale, values[2]));
		else
			fputs("\n", drawing->script);
	fputs("END\n", drawing->script);
}

/* Times of throttling, none too narrow to be seen. */
static uint32_t spans_put(const struct drawing *drawing)
{
	const double narrow = drawing->end / 250;
	uint32_t count = 0;

	fputs("$t << END\n", drawing->script);
	for (uint32_t j = 0; j < drawing->exhibit->verdict.segment_count; j++) {
		const struct assay_series *series = series_of(drawing, j);
		for (uint32_t i = 0; series && i < series->span_count; i++, count++) {
			const double from = time_of(drawing, j, series->spans[i].from),
			             to = time_of(drawing, j, series->spans[i].to),
			             wider = to - from < narrow ? (narrow - (to - from)) / 2 : 0;
			fprintf(drawing->script, "%.9g %.9g %.9g\n", (from + to) / 2, from - wider, to + wider);
		}
	}
	fputs("END\n", drawing->script);
	return count;
}

/* "device #1: 40 of 512 rounds throttled" */
static void title_put(const struct drawing *drawing)
{
	int64_t throttled = 0, rounds = 0;
	bool unknown = false;

	for (uint32_t j = 0; j < drawing->exhibit->verdict.segment_count; j++) {
		const struct assay_run *run = run_of(drawing, j);
		if (!run->proved.rounds)
			continue;
		rounds += run->proved.rounds;
		unknown = unknown || run->claimed.throttled_rounds < 0;
		throttled += run->claimed.throttled_rounds > 0 ? run->claimed.throttled_rounds : 0;
	}
	fprintf(drawing->script, "set title 'device #%" PRIu32 ": ", drawing->device);
	if (throttled)
		fprintf(drawing->script, "%" PRId64 " of %" PRId64 " rounds throttled", throttled, rounds);
	else
		fputs(unknown ? "whether it was throttled is unknown" : "no round throttled", drawing->script);
	fputs("' noenhanced textcolor rgb '" ASSAY_PLOT_INK "'\n", drawing->script);
}

/* Lines where a segment begins, with its name where there is room for it. */
static void segments_put(const struct drawing *drawing, size_t count)
{
	const struct assay_exhibit *exhibit = drawing->exhibit;

	for (uint32_t j = 0; j < exhibit->verdict.segment_count; j++) {
		const double from = exhibit->begins[j] / drawing->unit, to = exhibit->begins[j + 1] / drawing->unit;
		const char *name = exhibit->verdict.aggregates[j].workload;
		if (to <= from)
			continue;
		if (from > 0)
			fprintf(drawing->script,
			        "set arrow from %.9g,0 to %.9g,%zu nohead lw 1 dt 3 lc rgb '" ASSAY_PLOT_INK "'\n",
			        from, from, count);
		if (to - from >= drawing->end / NAME_SHARE)
			fprintf(drawing->script,
			        "set label '%.*s' at %.9g,%zu center offset 0,0.9 noenhanced font ',10' textcolor rgb "
			        "'" ASSAY_PLOT_INK "'\n",
			        (int)strcspn(name, "/"), name, (from + to) / 2, count);
	}
}

static void tics_put(const struct drawing *drawing, const struct scale *scale, bool *any)
{
	for (int i = 0; i <= TICS_MAX && i * scale->step <= scale->to + scale->step / 2; i++) {
		const double value = i * scale->step;
		fprintf(drawing->script, "%s'%.6g' %.6f", *any ? "," : "", value, place(scale, value));
		*any = true;
	}
}

static void plot_put(const struct drawing *drawing, const struct scale *scales, uint32_t spans, size_t count)
{
	bool any = false;

	fputs("plot ", drawing->script);
	if (spans)
		fprintf(drawing->script,
		        "$t using 1:(0):2:3:(0):(%zu) with boxxyerror fs transparent solid 0.35 noborder fc rgb '%s', "
		        "$t using 1:(0):2:3:(%zu):(%zu+0.07) with boxxyerror fs solid noborder fc rgb '" ASSAY_PLOT_INK
		        "'",
		        count, assay_plot_colours[4], count, count);
	any = spans > 0;
	for (int strip = 0; strip <= ASSAY_QUANTITIES; strip++) {
		if (scales[strip].step <= 0)
			continue;
		fprintf(drawing->script,
		        "%s$s%d using 1:2:3:4:5:6 with boxxyerror fs transparent solid 0.3 noborder fc rgb '%s', "
		        "$s%d using 1:2 with lines lw 1.3 lc rgb '%s'",
		        any ? ", " : "", strip, strips[strip].colour, strip, strips[strip].colour);
		any = true;
	}
	fputs("\n", drawing->script);
}

bool assay_figure_timeline(struct assay_panel *panel, const struct assay_exhibit *exhibit, uint32_t device)
{
	struct drawing drawing = {.exhibit = exhibit, .device = device, .unit = 1};
	struct scale scales[1 + ASSAY_QUANTITIES] = {{0}};
	size_t count = 0, above = 0;
	bool any = false;

	drawing.points = assay_exhibit_points(exhibit, device, &drawing.step);
	drawing.end = exhibit->begins[exhibit->verdict.segment_count];
	if (!drawing.points || drawing.end <= 0)
		return false;
	if (drawing.end > HOURS_FROM)
		drawing.unit = 3600;
	drawing.end /= drawing.unit;
	for (int strip = 0; strip <= ASSAY_QUANTITIES; strip++)
		if (most_of(&drawing, strip) >= 0) {
			scale_make(&scales[strip], most_of(&drawing, strip));
			count++;
		}
	drawing.script = assay_panel_open(panel, FRAME_HEIGHT + (int)count * STRIP_HEIGHT);
	if (!drawing.script)
		return false;
	fputs("unset label\nunset arrow\nunset logscale\nunset ylabel\nunset key\nset lmargin 9\nset tmargin 4\n"
	      "set bmargin 3.6\nset rmargin 2\nset format '%g'\n",
	      drawing.script);
	title_put(&drawing);
	fprintf(drawing.script,
	        "set xrange [0:%.9g]\nset yrange [0:%zu.1]\nset xlabel '%s of the job' textcolor rgb '" ASSAY_PLOT_INK
	        "'\n",
	        drawing.end, count, drawing.unit > 1 ? "hours" : "seconds");
	for (int strip = 0; strip <= ASSAY_QUANTITIES; strip++) {
		if (scales[strip].step <= 0)
			continue;
		scales[strip].base = (double)(count - ++above);
		fprintf(drawing.script,
		        "set label '%s' at 0,%.6f left offset 0.5,0 front font ',11' textcolor rgb '" ASSAY_PLOT_INK
		        "'\n",
		        strips[strip].name, scales[strip].base + STRIP_PART + 0.13);
		if (strip == 0)
			rounds_put(&drawing, &scales[strip]);
		else
			quantity_put(&drawing, strip, &scales[strip]);
	}
	fputs("set ytics (", drawing.script);
	for (int strip = 0; strip <= ASSAY_QUANTITIES; strip++)
		if (scales[strip].step > 0)
			tics_put(&drawing, &scales[strip], &any);
	fputs(") scale 0.5 font ',10'\n", drawing.script);
	segments_put(&drawing, count);
	const uint32_t spans = spans_put(&drawing);
	plot_put(&drawing, scales, spans, count);
	return assay_panel_close(panel, drawing.script);
}
