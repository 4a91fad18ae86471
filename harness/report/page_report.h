/* SPDX-License-Identifier: Apache-2.0
 *
 * What `assay report` says of attestations: parts of a page. */
#ifndef HARNESS_REPORT_PAGE_REPORT_H
#define HARNESS_REPORT_PAGE_REPORT_H

#include "harness/report/exhibit.h"
#include "harness/report/figure.h"
#include "harness/report/page.h"
#include "verify/aggregate.h"
#include "verify/claims.h"
#include "verify/cli.h"
#include "verify/machine.h"

struct assay_report_page {
	struct assay_page page;
	const char *directory; /* where pictures go */
	const char *recheck;   /* the options of `assay-verify` with keys, quoted, each followed by a space */
	const struct assay_catalogue *catalogue;
	bool replace;
	bool no_gnuplot;          /* it is not installed */
	enum assay_status status; /* of writing pictures */
	struct assay_error error;
};

/* All that there is to say of one file; its number is from 1, of `count`. */
void assay_page_exhibit(struct assay_report_page *report, const struct assay_exhibit *exhibit, size_t number,
                        size_t count);

/* Its parts: tables, and pictures. */
void assay_page_devices(struct assay_page *page, const struct assay_exhibit *exhibit);
void assay_page_rates(struct assay_page *page, const struct assay_exhibit *exhibit);
void assay_page_times(struct assay_page *page, const struct assay_exhibit *exhibit);
void assay_page_telemetry(struct assay_page *page, const struct assay_exhibit *exhibit);
void assay_page_checks(struct assay_page *page, const struct assay_exhibit *exhibit);
void assay_page_claims(struct assay_page *page, const struct assay_exhibit *exhibit);
void assay_page_ceilings(struct assay_report_page *report, const struct assay_exhibit *exhibit);
void assay_page_files(struct assay_report_page *report, const struct assay_exhibit *exhibit);
void assay_page_rounds(struct assay_report_page *report, const struct assay_exhibit *exhibit, size_t number);
void assay_page_timeline(struct assay_report_page *report, const struct assay_exhibit *exhibit, size_t number);
void assay_page_roofline(struct assay_report_page *report, const struct assay_exhibit *exhibit, size_t number);

/* "707 GOP/s (690 ... 720)": rate of the median round and its interval, with one prefix for all three. */
void assay_page_interval_cell(struct assay_page *page, const struct assay_run *run);

/* Several files side by side: a table, and pictures. */
void assay_page_several(struct assay_report_page *report, const struct assay_exhibit *exhibits, size_t count);

/* What the words mean that these files need, at the end of a page. */
void assay_page_words(struct assay_page *page, const struct assay_exhibit *exhibits, size_t count);

/* Panels as pictures of a page and as DIR/NAME; their scripts are released. */
void assay_page_panels(struct assay_report_page *report, struct assay_panel *panels, size_t count, const char *name,
                       const char *title, const char *caption);

/* A path as a word of a shell. */
void assay_page_quote(FILE *out, const char *path);

#endif
