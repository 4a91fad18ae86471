/* SPDX-License-Identifier: Apache-2.0
 *
 * Drawing by gnuplot, which gets a script on its standard input and gives a picture on its standard output: no file of
 * it has a name, and no shell is involved. Colours are those of Okabe and Ito, which people with any colour vision can
 * tell apart. */
#ifndef HARNESS_REPORT_PLOT_H
#define HARNESS_REPORT_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum {
	ASSAY_PLOT_WIDTH = 440,
	ASSAY_PLOT_HEIGHT = 250,
	ASSAY_PLOT_COLOURS = 6,
	ASSAY_PLOT_LABEL_MAX = 40,
};

/* Of text and axes, of lines of a grid, and of bars. In an SVG colours follow whether the reader's screen is light or
 * dark. */
#define ASSAY_PLOT_INK "#1f2328"
#define ASSAY_PLOT_GRID "#d8dee4"
#define ASSAY_PLOT_BAR "#56b4e9"
extern const char *const assay_plot_colours[ASSAY_PLOT_COLOURS];

/* One plot: what gnuplot is told after the settings that all have. */
struct assay_panel {
	char *script;
	size_t len;
	int height;
	char alternative[160]; /* what it shows, for those who see no pictures */
};

enum assay_plot_result { ASSAY_PLOT_DRAWN, ASSAY_PLOT_MISSING, ASSAY_PLOT_FAILED };

/* A panel that is written to the stream until assay_panel_close, which gives false when out of memory. To be released
 * with free(panel->script). */
FILE *assay_panel_open(struct assay_panel *panel, int height);
bool assay_panel_close(struct assay_panel *panel, FILE *script);

/* A text of a stranger as one that gnuplot takes for nothing but text between single quotes: other characters than
 * letters, digits and some signs become '_', and a long one is cut. */
void assay_plot_label(char label[ASSAY_PLOT_LABEL_MAX], const char *text);

/* One panel as SVG, or all as one PNG in two columns; the picture is to be released with free(). */
enum assay_plot_result assay_plot_svg(const struct assay_panel *panel, char **svg, size_t *len);
enum assay_plot_result assay_plot_png(const struct assay_panel *panels, size_t count, char **png, size_t *len);

#endif
