/* SPDX-License-Identifier: Apache-2.0
 *
 * The plots of a report. Each function makes a panel, and gives false when there is nothing to show, or no memory.
 * Texts of files get into them by assay_plot_label only. */
#ifndef HARNESS_REPORT_FIGURE_H
#define HARNESS_REPORT_FIGURE_H

#include "harness/report/exhibit.h"
#include "harness/report/plot.h"

/* The same for all, so that their axes are in line. */
#define ASSAY_FIGURE_MARGINS "set tmargin 2.6\nset bmargin 3.6\nset rmargin 2\n"

/* Times of the rounds of one segment, a line a device. */
bool assay_figure_rounds(struct assay_panel *panel, const struct assay_exhibit *exhibit, uint32_t segment);

/* Rounds, clock, power and temperature of a device over the time of the job, one above the other; times when it was
 * throttled are shaded, under a bar of ink. */
bool assay_figure_timeline(struct assay_panel *panel, const struct assay_exhibit *exhibit, uint32_t device);

/* Compute rates of a device over operations a byte, under the rate at which it reads memory. */
bool assay_figure_roofline(struct assay_panel *panel, const struct assay_exhibit *exhibit, uint32_t device);

/* A bar for each run of a workload in any of the files, with the interval of its median; a diamond where a rate is
 * proven. Only the first ASSAY_FIGURE_BARS_MAX are drawn; *left_out grows by the number of the others. */
enum { ASSAY_FIGURE_BARS_MAX = 40 };
bool assay_figure_rates(struct assay_panel *panel, const struct assay_exhibit *exhibits, size_t count,
                        const char *workload, size_t *left_out);

/* Rates of a workload on the machine of exhibits[first] in all files of that machine and profile, by the time at which
 * they say that they were finished. False unless there are two, and unless `first` is the first of them. */
bool assay_figure_history(struct assay_panel *panel, const struct assay_exhibit *exhibits, size_t count, size_t first,
                          const char *workload);

/* True when both are of the same key, profile and names of devices. */
bool assay_figure_same_machine(const struct assay_exhibit *a, const struct assay_exhibit *b);

#endif
