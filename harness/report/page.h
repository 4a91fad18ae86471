/* SPDX-License-Identifier: Apache-2.0
 *
 * A document that is written as HTML and as Markdown at once, from the same calls, so that both say the same. All text
 * is escaped for both, whoever it is from; what is not printable ASCII becomes '?'. HTML needs no script, no network
 * and no other file: its style and its pictures are in it. */
#ifndef HARNESS_REPORT_PAGE_H
#define HARNESS_REPORT_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { ASSAY_PAGE_COLUMNS_MAX = 16 };

struct assay_page {
	FILE *html, *markdown;
	size_t columns, cell; /* of the table that is open */
	uint32_t numbers;     /* columns of numbers, as bits */
};

/* A text like printf's. */
#define ASSAY_PAGE_TEXT(text, rest) __attribute__((format(printf, text, rest)))

/* Head and foot of the document. */
void assay_page_begin(struct assay_page *page, const char *title);
void assay_page_end(struct assay_page *page);

/* A heading; level 1 is the title's, which assay_page_begin wrote. A part of level 2 ends where the next begins. */
void assay_page_heading(struct assay_page *page, int level, const char *format, ...) ASSAY_PAGE_TEXT(3, 4);

/* A paragraph; one that says less than the rest; and the one line that says how it went, `good` being 1, 0 (bad) or -1
 * (neither). */
void assay_page_text(struct assay_page *page, const char *format, ...) ASSAY_PAGE_TEXT(2, 3);
void assay_page_note(struct assay_page *page, const char *format, ...) ASSAY_PAGE_TEXT(2, 3);
void assay_page_verdict(struct assay_page *page, int good, const char *word, const char *format, ...)
    ASSAY_PAGE_TEXT(4, 5);

/* A list of terms and what is said of them. */
void assay_page_list_begin(struct assay_page *page);
void assay_page_item(struct assay_page *page, const char *term, const char *format, ...) ASSAY_PAGE_TEXT(3, 4);
void assay_page_list_end(struct assay_page *page);

/* A table: its columns, ended by NULL and at most ASSAY_PAGE_COLUMNS_MAX, of which those in `numbers` are
 * right-aligned, then cells, row by row. */
void assay_page_table_begin(struct assay_page *page, const char *caption, const char *const *columns, uint32_t numbers);
void assay_page_cell(struct assay_page *page, const char *format, ...) ASSAY_PAGE_TEXT(2, 3);
void assay_page_table_end(struct assay_page *page);

/* Lines to be copied. */
void assay_page_code(struct assay_page *page, const char *text);

/* Pictures side by side, as many as there is room for: in HTML each SVG of its own, in Markdown one PNG of them all
 * that lies beside the document. */
void assay_page_pictures_begin(struct assay_page *page, const char *png, const char *alternative);
void assay_page_picture(struct assay_page *page, const char *svg, size_t len, const char *format, ...)
    ASSAY_PAGE_TEXT(4, 5);
void assay_page_pictures_end(struct assay_page *page, const char *caption);

/* Text as content or attribute of HTML, and as Markdown outside of code. */
void assay_page_html(FILE *out, const char *text);
void assay_page_markdown(FILE *out, const char *text);

extern const char assay_page_style[];

#endif
