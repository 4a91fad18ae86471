/* SPDX-License-Identifier: Apache-2.0
 *
 * See store.h: what is old. Every function is a transaction of its own, and a short one: a server waits for it. */
#include <string.h>

#include "harness/serve/sqlite.h"

/* The index challenges_by_age is for this. */
#define OLD " FROM challenges WHERE stage > 1 AND pruned = ?1 AND max(ended, expires) < ?2"

/* ---- Challenges ---- */

static enum assay_status transcript_forget(struct assay_store *store, const char *id, struct assay_error *error)
{
	enum assay_status status = assay_sqlite_do(store, NULL, error,
	                                           "INSERT OR IGNORE INTO garbage SELECT transcript FROM challenges"
	                                           " WHERE id = ?1 AND transcript <> ''",
	                                           "s", id);

	return status ? status
	              : assay_sqlite_do(store, NULL, error,
	                                "UPDATE challenges SET pruned = 1, transcript = '' WHERE id = ?1", "s", id);
}

static enum assay_status rest_forget(struct assay_store *store, const char *id, struct assay_error *error)
{
	enum assay_status status =
	    assay_sqlite_do(store, NULL, error,
	                    "INSERT OR IGNORE INTO garbage"
	                    " SELECT attestation FROM challenges WHERE id = ?1 AND attestation <> ''"
	                    " UNION SELECT receipts FROM challenges WHERE id = ?1 AND receipts <> ''"
	                    " UNION SELECT verdict FROM challenges WHERE id = ?1 AND verdict <> ''",
	                    "s", id);

	if (!status)
		status = assay_sqlite_do(store, NULL, error,
		                         "UPDATE challenges SET pruned = 2, said = " ASSAY_SQLITE_STEPS ","
		                         " envelope = '', attestation = '', receipts = '', verdict = '' WHERE id = ?1",
		                         "s", id);
	return status ? status : assay_sqlite_do(store, NULL, error, "DELETE FROM steps WHERE challenge = ?1", "s", id);
}

static enum assay_status forget(struct assay_store *store, struct assay_pruning *pruning, enum assay_pruned what,
                                const char *id, struct assay_error *error)
{
	uint64_t changed;
	enum assay_status status =
	    assay_sqlite_do(store, &changed, error, "DELETE FROM challenges WHERE id = ?1 AND stage = 5", "s", id);

	_Static_assert(ASSAY_STAGE_EXPIRED == 5, "the stage of what was not begun");
	if (status)
		return status;
	if (changed) {
		pruning->not_begun++;
		return ASSAY_OK;
	}
	pruning->challenges++;
	status = transcript_forget(store, id, error);
	return status || what == ASSAY_PRUNED_TRANSCRIPT ? status : rest_forget(store, id, error);
}

static enum assay_status old_ids(struct assay_store *store, struct assay_ids *ids, enum assay_pruned pruned,
                                 uint64_t before_s, struct assay_error *error)
{
	return assay_sqlite_ids(store, ids,
	                        assay_sqlite_ask(store, error, "SELECT id" OLD " LIMIT ?3", "iii", (uint64_t)pruned,
	                                         before_s, (uint64_t)ASSAY_PRUNE_MAX),
	                        error);
}

static enum assay_status some_forget(struct assay_store *store, struct assay_pruning *pruning, enum assay_pruned what,
                                     uint64_t before_s, struct assay_error *error)
{
	struct assay_ids ids = {.count = 0};
	enum assay_status status = ASSAY_OK;

	for (int pruned = 0; !status && !ids.count && pruned < (int)what; pruned++)
		status = old_ids(store, &ids, (enum assay_pruned)pruned, before_s, error);
	for (uint32_t i = 0; !status && i < ids.count; i++)
		status = forget(store, pruning, what, ids.id[i], error);
	pruning->more = ids.count > 0;
	return status;
}

enum assay_status assay_store_prune(struct assay_store *store, struct assay_pruning *pruning, enum assay_pruned what,
                                    uint64_t before_s, struct assay_error *error)
{
	enum assay_status status = assay_store_begin(store, error);

	return status ? status : assay_store_finish(store, some_forget(store, pruning, what, before_s, error), error);
}

static enum assay_status old_visit(struct assay_store *store, enum assay_pruned pruned, uint64_t before_s,
                                   assay_old_visit *visit, void *context, struct assay_error *error)
{
	struct assay_entry entry;
	bool has = true;
	sqlite3_stmt *row =
	    assay_sqlite_ask(store, error, "SELECT stage, transcript, attestation, receipts, verdict" OLD, "ii",
	                     (uint64_t)pruned, before_s);
	enum assay_status status = assay_sqlite_next(store, row, &has, error);

	while (!status && has) {
		memset(&entry, 0, sizeof entry);
		entry.stage = (enum assay_stage)assay_sqlite_number(row, 0);
		assay_sqlite_text(entry.transcript, sizeof entry.transcript, row, 1);
		assay_sqlite_text(entry.attestation, sizeof entry.attestation, row, 2);
		assay_sqlite_text(entry.receipts, sizeof entry.receipts, row, 3);
		assay_sqlite_text(entry.verdict, sizeof entry.verdict, row, 4);
		visit(context, &entry);
		status = assay_sqlite_next(store, row, &has, error);
	}
	assay_sqlite_end(row);
	return status;
}

enum assay_status assay_store_old(struct assay_store *store, enum assay_pruned what, uint64_t before_s,
                                  assay_old_visit *visit, void *context, struct assay_error *error)
{
	enum assay_status status = ASSAY_OK;

	for (int pruned = 0; !status && pruned < (int)what; pruned++)
		status = old_visit(store, (enum assay_pruned)pruned, before_s, visit, context, error);
	return status;
}

/* ---- Files ---- */

/* One name after the other: what it is removed from is asked for again. */
static enum assay_status garbage_next(struct assay_store *store, char digest[ASSAY_HEX_MAX], bool *used,
                                      struct assay_error *error)
{
	bool has = false;
	/* Each index holds only what is not empty, and is used where that is said. */
	sqlite3_stmt *row = assay_sqlite_ask(
	    store, error,
	    "SELECT digest, EXISTS (SELECT 1 FROM challenges WHERE transcript <> '' AND transcript = digest)"
	    " OR EXISTS (SELECT 1 FROM challenges WHERE attestation <> '' AND attestation = digest)"
	    " OR EXISTS (SELECT 1 FROM challenges WHERE receipts <> '' AND receipts = digest)"
	    " OR EXISTS (SELECT 1 FROM challenges WHERE verdict <> '' AND verdict = digest)"
	    " FROM garbage LIMIT 1",
	    "");
	enum assay_status status = assay_sqlite_next(store, row, &has, error);

	*digest = '\0';
	*used = false;
	if (!status && has) {
		assay_sqlite_text(digest, ASSAY_HEX_MAX, row, 0);
		*used = assay_sqlite_number(row, 1) > 0;
	}
	assay_sqlite_end(row);
	return status;
}

static enum assay_status some_remove(struct assay_store *store, assay_file_remove *remove, void *context, bool *more,
                                     struct assay_error *error)
{
	char digest[ASSAY_HEX_MAX];
	enum assay_status status = ASSAY_OK;

	*more = true;
	for (int i = 0; !status && *more && i < ASSAY_PRUNE_MAX; i++) {
		bool used;
		status = garbage_next(store, digest, &used, error);
		*more = !status && *digest;
		if (*more && !used)
			status = remove(context, digest, error);
		if (!status && *more)
			status =
			    assay_sqlite_do(store, NULL, error, "DELETE FROM garbage WHERE digest = ?1", "s", digest);
	}
	return status ? status : remove(context, NULL, error);
}

enum assay_status assay_store_garbage(struct assay_store *store, assay_file_remove *remove, void *context, bool *more,
                                      struct assay_error *error)
{
	enum assay_status status = assay_store_begin(store, error);

	return status ? status : assay_store_finish(store, some_remove(store, remove, context, more, error), error);
}

/* ---- The database's own room ---- */

static enum assay_status pragma(struct assay_store *store, const char *text, uint64_t *value, struct assay_error *error)
{
	bool has = false;
	sqlite3_stmt *row = assay_sqlite_ask(store, error, text, "");
	enum assay_status status = assay_sqlite_next(store, row, &has, error);

	*value = !status && has ? assay_sqlite_number(row, 0) : 0;
	assay_sqlite_end(row);
	return status;
}

enum assay_status assay_store_shrink(struct assay_store *store, bool *able, bool *more, struct assay_error *error)
{
	enum { INCREMENTAL = 2 };
	uint64_t mode, before, after = 0;
	enum assay_status status = pragma(store, "PRAGMA auto_vacuum", &mode, error);

	*able = mode == INCREMENTAL;
	*more = false;
	if (status || !*able)
		return status;
	status = pragma(store, "PRAGMA freelist_count", &before, error);
	if (!status && before)
		status = assay_sqlite_script(store, "PRAGMA incremental_vacuum (256)", error);
	if (!status)
		status = pragma(store, "PRAGMA freelist_count", &after, error);
	*more = !status && after && after < before;
	/* The file is cut when all of the log has been taken over; nobody is waited for. */
	if (!status && !*more)
		status = assay_sqlite_script(store, "PRAGMA wal_checkpoint (PASSIVE)", error);
	return status;
}

enum assay_status assay_store_rebuild(struct assay_store *store, struct assay_error *error)
{
	return assay_sqlite_script(store, "PRAGMA auto_vacuum = INCREMENTAL; VACUUM; PRAGMA wal_checkpoint (PASSIVE)",
	                           error);
}
