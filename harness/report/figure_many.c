/* SPDX-License-Identifier: Apache-2.0
 *
 * Plots that compare attestations. See figure.h. */
#include "harness/report/figure.h"

#include <math.h>
#include <string.h>

#include "verify/challenge.h"

enum { BARS_MAX = ASSAY_FIGURE_BARS_MAX, NAME_MAX_SHOWN = 24, BAR_HEIGHT = 24, LINES_MAX = 8, TICS = 4 };

static bool is_bar(const struct assay_run *run, const char *workload)
{
	return run->proved.shown && strcmp(run->workload, workload) == 0 &&
	       assay_exhibit_rate(run, run->claimed.median_ns) > 0;
}

/* "2. node17 #3", short enough to leave room for the bars. Names of files differ at their ends. */
static void bar_label(char label[ASSAY_PLOT_LABEL_MAX], const struct assay_exhibit *exhibits, size_t i, uint32_t device)
{
	const struct assay_exhibit *exhibit = &exhibits[i];
	const size_t len = strlen(exhibit->name);
	const char *cut = len > NAME_MAX_SHOWN ? ".." : "",
	           *end = exhibit->name + (*cut ? len - NAME_MAX_SHOWN + 2 : 0);
	char text[96];

	if (exhibit->verdict.device_count > 1)
		snprintf(text, sizeof text, "%zu. %s%s #%u", i + 1, cut, end, device);
	else
		snprintf(text, sizeof text, "%zu. %s%s", i + 1, cut, end);
	assay_plot_label(label, text);
}

/* How far apart the marks of an axis from 0 to this are: 1, 2 or 5 times a power of ten, and at most five of them. */
static double step_of(double most)
{
	static const double steps[] = {1, 2, 5};

	for (double power = 1e-6; power < 1e30; power *= 10)
		for (int i = 0; i < 3; i++)
			if (most / (power * steps[i]) <= 5)
				return power * steps[i];
	return most;
}

/* One digit behind the point where marks are closer than the prefix of the greatest. */
static const char *format_of(double most)
{
	double prefix = 1;

	while (most >= prefix * 1000)
		prefix *= 1000;
	return step_of(most) < prefix ? "%.1s %c" : "%.0s %c";
}

/* Bars from top to bottom: position, rate of the median round with its interval, proven rate or 0. */
static size_t bars_put(FILE *script, const struct assay_exhibit *exhibits, size_t count, const char *workload,
                       double *most, const char **unit)
{
	size_t bar = 0;

	fputs("$b << END\n", script);
	for (size_t i = 0; i < count; i++)
		for (uint32_t r = 0; r < exhibits[i].verdict.run_count && bar < BARS_MAX; r++) {
			const struct assay_run *run = &exhibits[i].verdict.runs[r];
			if (!is_bar(run, workload))
				continue;
			/* What is claimed need not be in order. */
			const double high = assay_exhibit_rate(run, run->claimed.low_ns),
			             median = assay_exhibit_rate(run, run->claimed.median_ns);
			*most = fmax(*most, fmax(high, median));
			*unit = run->unit;
			fprintf(script, "%zu %.9g %.9g %.9g %.9g\n", bar++, median,
			        assay_exhibit_rate(run, run->claimed.high_ns), high, run->proved.rate);
		}
	fputs("END\n", script);
	return bar;
}

static void labels_put(FILE *script, const struct assay_exhibit *exhibits, size_t count, const char *workload)
{
	char label[ASSAY_PLOT_LABEL_MAX];
	size_t bar = 0, longest = 0;

	fputs("set ytics (", script);
	for (size_t i = 0; i < count; i++) {
		/* Of all workloads, so that their plots have the same margin. */
		bar_label(label, exhibits, i, 0);
		longest = strlen(label) > longest ? strlen(label) : longest;
		for (uint32_t r = 0; r < exhibits[i].verdict.run_count && bar < BARS_MAX; r++) {
			const struct assay_run *run = &exhibits[i].verdict.runs[r];
			if (!is_bar(run, workload))
				continue;
			bar_label(label, exhibits, i, run->device);
			fprintf(script, "%s'%s' %zu", bar ? "," : "", label, bar);
			bar++;
		}
	}
	fprintf(script, ") noenhanced scale 0 textcolor rgb '" ASSAY_PLOT_INK "'\nset lmargin %zu\n", longest + 2);
}

static const char *unit_words(const char *unit)
{
	return strcmp(unit, "hash") == 0 ? "hashes" : strcmp(unit, "B") == 0 ? "bytes" : "operations";
}

bool assay_figure_rates(struct assay_panel *panel, const struct assay_exhibit *exhibits, size_t count,
                        const char *workload, size_t *left_out)
{
	size_t bars = 0;
	double most = 0;
	const char *unit = "";

	for (size_t i = 0; i < count; i++)
		for (uint32_t r = 0; r < exhibits[i].verdict.run_count; r++)
			bars += is_bar(&exhibits[i].verdict.runs[r], workload);
	FILE *script =
	    bars > 1 ? assay_panel_open(panel, 112 + BAR_HEIGHT * (int)(bars > BARS_MAX ? BARS_MAX : bars)) : NULL;
	if (!script)
		return false;
	*left_out += bars > BARS_MAX ? bars - BARS_MAX : 0;
	labels_put(script, exhibits, count, workload);
	bars = bars_put(script, exhibits, count, workload, &most, &unit);
	fprintf(script,
	        "unset logscale\nset title '%s' noenhanced textcolor rgb '" ASSAY_PLOT_INK "'\n"
	        "unset grid\nset grid xtics lt 1 lw 1 lc rgb '" ASSAY_PLOT_GRID "'\n"
	        "set xrange [0:%.9g]\nset yrange [%zu.5:-0.5]\nset format x '%s'\nset xtics %.9g\n"
	        "set xlabel '%s a second' textcolor rgb '" ASSAY_PLOT_INK
	        "'\nunset ylabel\nunset key\n" ASSAY_FIGURE_MARGINS
	        "plot $b using (0):1:(0):2:($1-0.3):($1+0.3) with boxxyerror fs solid noborder fc rgb '" ASSAY_PLOT_BAR
	        "', $b using 2:1:3:4 with xerrorbars pt 7 ps 0.3 lw 1.2 lc rgb '" ASSAY_PLOT_INK
	        "', $b using ($5>0?$5:NaN):1 with points pt 13 ps 0.9 lc rgb '%s'\n",
	        workload, most * 1.03, bars - 1, format_of(most * 1.03), step_of(most * 1.03), unit_words(unit),
	        assay_plot_colours[1]);
	/* The settings of a panel hold for the next one too. */
	fputs("unset grid\nset grid ytics lt 1 lw 1 lc rgb '" ASSAY_PLOT_GRID
	      "'\nset ytics auto scale 0.5\nset xtics auto\n",
	      script);
	return assay_panel_close(panel, script);
}

bool assay_figure_same_machine(const struct assay_exhibit *a, const struct assay_exhibit *b)
{
	const struct assay_verdict *x = &a->verdict, *y = &b->verdict;

	if (!*x->keyid || strcmp(x->keyid, y->keyid) != 0 || strcmp(x->profile, y->profile) != 0 ||
	    x->device_count == 0 || x->device_count != y->device_count || x->asked != y->asked)
		return false;
	for (uint32_t d = 0; d < x->device_count; d++)
		if (strcmp(x->devices[d].name, y->devices[d].name) != 0 ||
		    strcmp(x->devices[d].backend, y->devices[d].backend) != 0)
			return false;
	return true;
}

/* The run of a device in a workload, or NULL. */
static const struct assay_run *run_in(const struct assay_exhibit *exhibit, const char *workload, uint32_t device)
{
	for (uint32_t r = 0; r < exhibit->verdict.run_count; r++)
		if (exhibit->verdict.runs[r].device == device && is_bar(&exhibit->verdict.runs[r], workload))
			return &exhibit->verdict.runs[r];
	return NULL;
}

/* A few times that are shown in full: dates, or hours within two days. */
static void times_put(FILE *script, uint64_t from, uint64_t to)
{
	char text[21];

	fputs("set xtics (", script);
	for (uint64_t i = 0; i < TICS; i++) {
		const uint64_t at = from + (to - from) * i / (TICS - 1);
		assay_utc_text(text, at);
		fprintf(script, "%s'%.*s' %llu", i ? "," : "", to - from < 172800 ? 8 : 10,
		        text + (to - from < 172800 ? 11 : 0), (unsigned long long)at);
	}
	fprintf(script, ")\nset xrange [%llu:%llu]\n", (unsigned long long)(from - (to - from) / 20 - 1),
	        (unsigned long long)(to + (to - from) / 20 + 1));
}

/* Points of one device in the files of a machine; *most grows to the greatest of them. */
static void history_put(FILE *script, const struct assay_exhibit *exhibits, size_t count, size_t first,
                        const char *workload, uint32_t device, double *most)
{
	uint64_t at;

	fprintf(script, "$h%u << END\n", device);
	for (size_t i = first; i < count; i++) {
		const struct assay_run *run = run_in(&exhibits[i], workload, device);
		if (!run || !assay_figure_same_machine(&exhibits[first], &exhibits[i]) ||
		    !assay_utc_parse(&at, exhibits[i].verdict.finished))
			continue;
		const double high = assay_exhibit_rate(run, run->claimed.low_ns),
		             median = assay_exhibit_rate(run, run->claimed.median_ns);
		*most = fmax(*most, fmax(high, median));
		fprintf(script, "%llu %.9g %.9g %.9g\n", (unsigned long long)at,
		        assay_exhibit_rate(run, run->claimed.median_ns), assay_exhibit_rate(run, run->claimed.high_ns),
		        high);
	}
	fputs("END\n", script);
}

static void history_plot(FILE *script, uint32_t devices)
{
	for (uint32_t d = 0; d < devices; d++) {
		const char *colour = assay_plot_colours[d % ASSAY_PLOT_COLOURS];
		fprintf(script, "%s$h%u using 1:2 smooth unique with lines lw 1.2 dt %d lc rgb '%s' notitle, ",
		        d ? ", " : "plot ", d, d < ASSAY_PLOT_COLOURS ? 1 : 2, colour);
		fprintf(script, "$h%u using 1:2:3:4 with yerrorbars pt 7 ps 0.5 lw 1.2 lc rgb '%s' ", d, colour);
		if (devices > 1)
			fprintf(script, "title '#%u'", d);
		else
			fputs("notitle", script);
	}
}

bool assay_figure_history(struct assay_panel *panel, const struct assay_exhibit *exhibits, size_t count, size_t first,
                          const char *workload)
{
	const uint32_t devices = exhibits[first].verdict.device_count,
	               lines = devices < LINES_MAX ? devices : LINES_MAX;
	uint64_t at, from = UINT64_MAX, to = 0;
	const char *unit = "";
	double most = 0;

	for (size_t i = 0; i < count; i++) {
		const struct assay_run *run = run_in(&exhibits[i], workload, 0);
		if (!assay_figure_same_machine(&exhibits[first], &exhibits[i]) || !run ||
		    !assay_utc_parse(&at, exhibits[i].verdict.finished))
			continue;
		if (i < first)
			return false;
		unit = run->unit;
		from = at < from ? at : from;
		to = at > to ? at : to;
	}
	FILE *script = from < to ? assay_panel_open(panel, ASSAY_PLOT_HEIGHT) : NULL;
	if (!script)
		return false;
	for (uint32_t d = 0; d < lines; d++)
		history_put(script, exhibits, count, first, workload, d, &most);
	most *= 1.05;
	fprintf(script,
	        "unset logscale\nset title '%s' noenhanced textcolor rgb '" ASSAY_PLOT_INK "'\n"
	        "set yrange [0:%.9g]\nset ytics %.9g\nset format y '%s'\nset format x '%%g'\n"
	        "set xlabel 'finished, UTC, as claimed' textcolor rgb '" ASSAY_PLOT_INK "'\n"
	        "set ylabel '%s a second' textcolor rgb '" ASSAY_PLOT_INK "'\n"
	        "set key bottom right horizontal\nset lmargin 10\n" ASSAY_FIGURE_MARGINS,
	        workload, most, step_of(most), format_of(most), unit_words(unit));
	times_put(script, from, to);
	history_plot(script, lines);
	fputs("\nset xtics auto\nset ytics auto\n", script);
	return assay_panel_close(panel, script);
}
