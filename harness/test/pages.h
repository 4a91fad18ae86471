/* SPDX-License-Identifier: Apache-2.0
 *
 * Attestations for tests of reports: those of verify/vectors with other texts in them, and what a page may hold. */
#ifndef HARNESS_TEST_PAGES_H
#define HARNESS_TEST_PAGES_H

/* Texts that mean something to HTML, Markdown, gnuplot or a shell. */
extern const char *const pages_hostile[];

/* PREFIX.intoto.json and what belongs to it, as the files of the tests' directory that `as` names. */
void pages_copy(const char *prefix, const char *as);

/* verify/vectors/good/NAME in the same way, with `text` for all texts that a prover chooses; `devices` says whether
 * those of the devices are too, with which no leaf is right. */
void pages_forge(const char *name, const char *as, const char *text, int devices);

/* The same, finished at another time. */
void pages_date(const char *name, const char *as, const char *finished);

/* That a page has only the elements that reports have, closed as they should be, and loads nothing; and that each row
 * of a table of Markdown has as many cells as its head. `what` is for the message. */
void pages_html_holds(const char *html, const char *what);
void pages_markdown_holds(const char *markdown, const char *what);

/* Both, of a report that was written to a directory of the tests'. */
void pages_hold(const char *directory, const char *what);

/* A file of the tests' directory as a string, to be released with free(). */
char *pages_read(const char *name);

#endif
