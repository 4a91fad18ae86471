/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the SQLite store share: its statements, prepared once, and how their values go in and out. */
#ifndef HARNESS_SERVE_SQLITE_H
#define HARNESS_SERVE_SQLITE_H

#include <sqlite3.h>

#include "harness/serve/store.h"

enum { ASSAY_STATEMENTS_MAX = 48 };

struct assay_store {
	sqlite3 *database;
	/* Texts are literals: their address tells which. */
	struct {
		const char *text;
		sqlite3_stmt *statement;
	} statements[ASSAY_STATEMENTS_MAX];
};

/* Steps of a challenge that are there, in a question on challenges. */
#define ASSAY_SQLITE_STEPS "(SELECT count(*) FROM steps WHERE challenge = id)"

/* A question with its values: 's' const char *, 'i' uint64_t, 'h' 32 bytes. NULL when that fails, which `error` says.
 * To be ended by assay_sqlite_end. */
sqlite3_stmt *assay_sqlite_ask(struct assay_store *store, struct assay_error *error, const char *text,
                               const char *kinds, ...);

/* The next row: *has is false after the last one. */
enum assay_status assay_sqlite_next(struct assay_store *store, sqlite3_stmt *statement, bool *has,
                                    struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_sqlite_end(sqlite3_stmt *statement);

/* A statement without rows, from its values on. *changed (may be NULL) is how many rows it changed. */
enum assay_status assay_sqlite_do(struct assay_store *store, uint64_t *changed, struct assay_error *error,
                                  const char *text, const char *kinds, ...) ASSAY_CHECK_RESULT;

/* Columns. Texts are cut to `size`. */
void assay_sqlite_text(char *text, size_t size, sqlite3_stmt *statement, int column);
uint64_t assay_sqlite_number(sqlite3_stmt *statement, int column);

/* At most ASSAY_ENTRIES_MAX ids, each a row; ends the question. */
enum assay_status assay_sqlite_ids(struct assay_store *store, struct assay_ids *ids, sqlite3_stmt *row,
                                   struct assay_error *error) ASSAY_CHECK_RESULT;

/* Statements without values, one after the other. */
enum assay_status assay_sqlite_script(struct assay_store *store, const char *text,
                                      struct assay_error *error) ASSAY_CHECK_RESULT;

enum assay_status assay_sqlite_fail(struct assay_store *store, struct assay_error *error);

#endif
