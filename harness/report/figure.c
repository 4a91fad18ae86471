/* SPDX-License-Identifier: Apache-2.0
 *
 * Plots of one attestation. See figure.h. */
#include "harness/report/figure.h"

#include <inttypes.h>
#include <string.h>

enum {
	KEYED_MAX = 8, /* lines that a reader can tell apart */
	DOTS_MAX = 60, /* points that are seen as such */
};

static const struct assay_run *run_of(const struct assay_exhibit *exhibit, uint32_t segment, uint32_t device)
{
	return &exhibit->verdict.runs[segment * exhibit->verdict.device_count + device];
}

static void series_put(FILE *script, const struct assay_series *series, uint32_t device)
{
	fprintf(script, "$d%" PRIu32 " << END\n", device);
	for (uint32_t i = 0; i < series->count; i++)
		fprintf(script, "%.9g %.9g %.9g %.9g\n", series->points[i].seconds, series->points[i].median_ms,
		        series->points[i].low_ms, series->points[i].high_ms);
	fputs("END\n", script);
}

/* One line of a plot, and the range of the rounds behind it where a point stands for several. */
static void series_plot(FILE *script, const struct assay_series *series, uint32_t device, uint32_t devices)
{
	const char *colour = assay_plot_colours[devices > KEYED_MAX ? 0 : device % ASSAY_PLOT_COLOURS];

	if (series->rounds_a_point > 1 && devices <= KEYED_MAX)
		fprintf(script,
		        "$d%" PRIu32
		        " using 1:3:4 with filledcurves fc rgb '%s' fs transparent solid 0.25 noborder notitle, ",
		        device, colour);
	fprintf(script, "$d%" PRIu32 " using 1:2 with %s lw 1.2 dt %d lc rgb '%s'", device,
	        series->count <= DOTS_MAX && devices <= KEYED_MAX ? "linespoints pt 7 ps 0.3" : "lines",
	        devices <= KEYED_MAX && device >= ASSAY_PLOT_COLOURS ? 2 : 1, colour);
	if (devices > 1 && devices <= KEYED_MAX)
		fprintf(script, " title '#%" PRIu32 "'", device);
	else
		fputs(" notitle", script);
}

bool assay_figure_rounds(struct assay_panel *panel, const struct assay_exhibit *exhibit, uint32_t segment)
{
	const uint32_t devices = exhibit->verdict.device_count;
	uint32_t shown = 0;
	int64_t throttled = 0, rounds = 0;
	double end = 0;

	for (uint32_t d = 0; exhibit->series && d < devices; d++) {
		const struct assay_run *run = run_of(exhibit, segment, d);
		if (!exhibit->series[segment * devices + d].count || !run->proved.shown)
			continue;
		const struct assay_series *series = &exhibit->series[segment * devices + d];
		end = series->points[series->count - 1].seconds > end ? series->points[series->count - 1].seconds : end;
		shown++;
		rounds += run->proved.rounds;
		throttled += run->claimed.throttled_rounds > 0 ? run->claimed.throttled_rounds : 0;
	}
	FILE *script = shown ? assay_panel_open(panel, ASSAY_PLOT_HEIGHT) : NULL;
	if (!script)
		return false;
	for (uint32_t d = 0; d < devices; d++)
		if (run_of(exhibit, segment, d)->proved.shown)
			series_put(script, &exhibit->series[segment * devices + d], d);
	fprintf(script, "set title '%s", run_of(exhibit, segment, 0)->workload);
	if (throttled)
		fprintf(script, ": %" PRId64 " of %" PRId64 " rounds throttled", throttled, rounds);
	fprintf(script, "' noenhanced textcolor rgb '" ASSAY_PLOT_INK "'\nset xrange [0:%.9g]\n",
	        end > 0 ? end * 1.0001 : 1);
	fputs("unset logscale\nset yrange [0:*]\nset format '%g'\nset key bottom right horizontal\nset lmargin "
	      "9\n" ASSAY_FIGURE_MARGINS "set xlabel 'seconds of computing' textcolor rgb '" ASSAY_PLOT_INK "'\n"
	      "set ylabel 'ms a round' textcolor rgb '" ASSAY_PLOT_INK "'\nplot ",
	      script);
	for (uint32_t d = 0, put = 0; d < devices; d++) {
		const struct assay_series *series = &exhibit->series[segment * devices + d];
		if (!run_of(exhibit, segment, d)->proved.shown || !series->count)
			continue;
		fputs(put++ ? ", " : "", script);
		series_plot(script, series, d, devices);
	}
	fputs("\n", script);
	return assay_panel_close(panel, script);
}

/* The rate of a device's first shown run in a unit, or 0. `at` goes on from there. */
static const struct assay_run *next_of(const struct assay_exhibit *exhibit, uint32_t device, const char *units,
                                       uint32_t *at)
{
	for (; *at < exhibit->verdict.run_count; (*at)++) {
		const struct assay_run *run = &exhibit->verdict.runs[*at];
		if (run->device == device && run->proved.shown && run->claimed.rate > 0 && strstr(units, run->unit)) {
			(*at)++;
			return run;
		}
	}
	return NULL;
}

bool assay_figure_roofline(struct assay_panel *panel, const struct assay_exhibit *exhibit, uint32_t device)
{
	uint32_t at = 0, roofs = 0;
	const struct assay_run *memory = next_of(exhibit, device, "B", &at), *run;
	double least = 0, most = 0;

	for (at = 0; memory && (run = next_of(exhibit, device, "op flop", &at)); roofs++) {
		const double ridge = run->claimed.rate / memory->claimed.rate;
		least = roofs == 0 || ridge < least ? ridge : least;
		most = ridge > most ? ridge : most;
	}
	FILE *script = roofs ? assay_panel_open(panel, ASSAY_PLOT_HEIGHT + 40) : NULL;
	if (!script)
		return false;
	const double from = least / 30, to = most * 30, slope = memory->claimed.rate;
	at = 0;
	for (uint32_t i = 0; (run = next_of(exhibit, device, "op flop", &at)); i++)
		fprintf(script, "$r%u << END\n%.6g %.6g\n%.6g %.6g\nEND\n", i, run->claimed.rate / slope,
		        run->claimed.rate, to, run->claimed.rate);
	fprintf(script,
	        "$m << END\n%.6g %.6g\n%.6g %.6g\nEND\n"
	        "set title 'device #%" PRIu32 "' noenhanced textcolor rgb '" ASSAY_PLOT_INK "'\n"
	        "set logscale xy\nset xrange [%.6g:%.6g]\nset yrange [*:*]\nset format x '%%g'\n"
	        "set format y '%%.0s %%c'\nset key bottom right vertical\nset lmargin 10\n" ASSAY_FIGURE_MARGINS
	        "set xlabel 'operations a byte read' textcolor rgb '" ASSAY_PLOT_INK "'\n"
	        "set ylabel 'operations a second' textcolor rgb '" ASSAY_PLOT_INK "'\n"
	        "plot $m using 1:2 with lines lw 1.6 dt 2 lc rgb '" ASSAY_PLOT_INK "' title 'memory, random reads'",
	        from, from * slope, most, most * slope, device, from, to);
	at = 0;
	for (uint32_t i = 0; (run = next_of(exhibit, device, "op flop", &at)); i++)
		fprintf(script, ", $r%u using 1:2 with lines lw 2 lc rgb '%s' title '%s'", i,
		        assay_plot_colours[i % ASSAY_PLOT_COLOURS], run->workload);
	fputs("\n", script);
	return assay_panel_close(panel, script);
}
