/* SPDX-License-Identifier: Apache-2.0
 *
 * See sqlite.h. Opening, and the statements' machinery. */
#include "harness/serve/sqlite.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/state.h"

/* Each leads from the version before to its own: 1, 2 ... */
static const char *const schemas[] = {
    "CREATE TABLE owner (one INTEGER PRIMARY KEY CHECK (one = 1), keyid TEXT NOT NULL) STRICT;"
    "CREATE TABLE tokens (name TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, terms TEXT NOT NULL,"
    " keys_max INTEGER NOT NULL, made INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0, why TEXT NOT NULL DEFAULT "
    "'')"
    " STRICT;"
    "CREATE TABLE keys (keyid TEXT PRIMARY KEY, key BLOB NOT NULL UNIQUE, enrolled INTEGER NOT NULL,"
    " revoked INTEGER NOT NULL DEFAULT 0, why TEXT NOT NULL DEFAULT '') STRICT;"
    "CREATE TABLE users (token TEXT NOT NULL REFERENCES tokens, keyid TEXT NOT NULL REFERENCES keys,"
    " PRIMARY KEY (token, keyid)) STRICT;"
    "CREATE TABLE challenges (id TEXT PRIMARY KEY, token TEXT NOT NULL REFERENCES tokens,"
    " keyid TEXT NOT NULL REFERENCES keys, envelope TEXT NOT NULL, issued INTEGER NOT NULL, expires INTEGER NOT NULL,"
    " total INTEGER NOT NULL, stage INTEGER NOT NULL DEFAULT 0, attestation TEXT NOT NULL DEFAULT '',"
    " transcript TEXT NOT NULL DEFAULT '', receipts TEXT NOT NULL DEFAULT '', verdict TEXT NOT NULL DEFAULT '',"
    " outcome TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', submitted INTEGER NOT NULL DEFAULT 0,"
    " ended INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX challenges_of_key ON challenges (keyid, stage, outcome);"
    "CREATE INDEX challenges_in_stage ON challenges (stage, expires);"
    "CREATE INDEX challenges_by_outcome ON challenges (stage, outcome);"
    "CREATE TABLE steps (challenge TEXT NOT NULL REFERENCES challenges, number INTEGER NOT NULL,"
    " message TEXT NOT NULL, receipt TEXT NOT NULL, PRIMARY KEY (challenge, number)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE devices (device TEXT NOT NULL, keyid TEXT NOT NULL REFERENCES keys,"
    " challenge TEXT NOT NULL REFERENCES challenges, PRIMARY KEY (device, keyid)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX devices_of_key ON devices (keyid);"
    "PRAGMA user_version = 1;",
    "ALTER TABLE challenges ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE challenges ADD COLUMN again INTEGER NOT NULL DEFAULT 0;"
    "PRAGMA user_version = 2;",
    /* said: steps that are no longer there. garbage: files that are to be removed. */
    "ALTER TABLE challenges ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE challenges ADD COLUMN said INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX challenges_by_age ON challenges (pruned, max(ended, expires)) WHERE stage > 1;"
    "CREATE INDEX challenges_of_attestation ON challenges (attestation) WHERE attestation <> '';"
    "CREATE INDEX challenges_of_transcript ON challenges (transcript) WHERE transcript <> '';"
    "CREATE INDEX challenges_of_receipts ON challenges (receipts) WHERE receipts <> '';"
    "CREATE INDEX challenges_of_verdict ON challenges (verdict) WHERE verdict <> '';"
    "CREATE INDEX devices_of_challenge ON devices (challenge);" /* else it is read whole when a challenge goes */
    "ALTER TABLE tokens ADD COLUMN per_day INTEGER NOT NULL DEFAULT 0;" /* 0 = as many as there are */
    "CREATE INDEX challenges_of_token ON challenges (token, issued);"
    "CREATE TABLE garbage (digest TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 3;",
    /* What a token's machines are said to be, as it was said. */
    "CREATE TABLE claims (token TEXT NOT NULL REFERENCES tokens, number INTEGER NOT NULL, text TEXT NOT NULL,"
    " PRIMARY KEY (token, number)) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 4;"};
enum { SCHEMA = sizeof schemas / sizeof *schemas };

enum assay_status assay_sqlite_fail(struct assay_store *store, struct assay_error *error)
{
	const int cause = errno; /* sqlite3_system_errno does not know that of a write */
	const int code = sqlite3_extended_errcode(store->database) & 0xff;

	if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
		return assay_fail(error, ASSAY_ERROR_IO, "store.busy",
		                  "the store is in use by another process for too long: try again");
	if (code == SQLITE_NOMEM)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	if (code == SQLITE_FULL || (code == SQLITE_IOERR && (cause == ENOSPC || cause == EDQUOT || cause == EFBIG)))
		return assay_fail(error, ASSAY_ERROR_IO, ASSAY_STORE_FULL);
	return assay_fail(error, ASSAY_ERROR_IO, "store.failed", "the store: %s; can its files be read and written?",
	                  sqlite3_errmsg(store->database));
}

/* NULL when it cannot be prepared. */
static sqlite3_stmt *prepared(struct assay_store *store, const char *text)
{
	size_t i = 0;

	while (i < ASSAY_STATEMENTS_MAX && store->statements[i].text && store->statements[i].text != text)
		i++;
	if (i == ASSAY_STATEMENTS_MAX)
		return NULL;
	if (!store->statements[i].text && sqlite3_prepare_v3(store->database, text, -1, SQLITE_PREPARE_PERSISTENT,
	                                                     &store->statements[i].statement, NULL) == SQLITE_OK)
		store->statements[i].text = text;
	return store->statements[i].statement;
}

static bool bind(sqlite3_stmt *statement, const char *kinds, va_list values)
{
	bool good = true;

	for (int i = 0; good && kinds[i]; i++) {
		if (kinds[i] == 's')
			good = sqlite3_bind_text(statement, i + 1, va_arg(values, const char *), -1,
			                         SQLITE_TRANSIENT) == SQLITE_OK;
		else if (kinds[i] == 'h')
			good = sqlite3_bind_blob(statement, i + 1, va_arg(values, const uint8_t *), 32,
			                         SQLITE_TRANSIENT) == SQLITE_OK;
		else
			good =
			    sqlite3_bind_int64(statement, i + 1, (sqlite3_int64)va_arg(values, uint64_t)) == SQLITE_OK;
	}
	return good;
}

static sqlite3_stmt *ask(struct assay_store *store, struct assay_error *error, const char *text, const char *kinds,
                         va_list values)
{
	sqlite3_stmt *statement = prepared(store, text);

	if (statement && bind(statement, kinds, values))
		return statement;
	(void)assay_sqlite_fail(store, error);
	assay_sqlite_end(statement);
	return NULL;
}

sqlite3_stmt *assay_sqlite_ask(struct assay_store *store, struct assay_error *error, const char *text,
                               const char *kinds, ...)
{
	va_list values;

	va_start(values, kinds);
	sqlite3_stmt *statement = ask(store, error, text, kinds, values);
	va_end(values);
	return statement;
}

enum assay_status assay_sqlite_next(struct assay_store *store, sqlite3_stmt *statement, bool *has,
                                    struct assay_error *error)
{
	const int code = statement ? sqlite3_step(statement) : SQLITE_ERROR;

	*has = code == SQLITE_ROW;
	if (!statement)
		return ASSAY_ERROR_IO; /* as the question has said */
	return code == SQLITE_ROW || code == SQLITE_DONE ? ASSAY_OK : assay_sqlite_fail(store, error);
}

void assay_sqlite_end(sqlite3_stmt *statement)
{
	if (!statement)
		return;
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

enum assay_status assay_sqlite_do(struct assay_store *store, uint64_t *changed, struct assay_error *error,
                                  const char *text, const char *kinds, ...)
{
	va_list values;
	bool has;

	va_start(values, kinds);
	sqlite3_stmt *statement = ask(store, error, text, kinds, values);
	va_end(values);
	enum assay_status status = assay_sqlite_next(store, statement, &has, error);
	if (changed)
		*changed = status ? 0 : (uint64_t)sqlite3_changes64(store->database);
	assay_sqlite_end(statement);
	return status;
}

void assay_sqlite_text(char *text, size_t size, sqlite3_stmt *statement, int column)
{
	const char *value = (const char *)sqlite3_column_text(statement, column);

	snprintf(text, size, "%s", value ? value : "");
}

uint64_t assay_sqlite_number(sqlite3_stmt *statement, int column)
{
	return (uint64_t)sqlite3_column_int64(statement, column);
}

enum assay_status assay_store_begin(struct assay_store *store, struct assay_error *error)
{
	return assay_sqlite_do(store, NULL, error, "BEGIN IMMEDIATE", "");
}

enum assay_status assay_store_finish(struct assay_store *store, enum assay_status status, struct assay_error *error)
{
	if (!status)
		status = assay_sqlite_do(store, NULL, error, "COMMIT", "");
	/* Some failures have taken it back already. */
	if (status && !sqlite3_get_autocommit(store->database)) {
		enum assay_status ignored = assay_sqlite_do(store, NULL, NULL, "ROLLBACK", "");
		(void)ignored;
	}
	return status;
}

enum assay_status assay_store_check(struct assay_store *store, struct assay_error *error)
{
	enum assay_status status = assay_store_begin(store, error);

	return status ? status : assay_store_finish(store, ASSAY_OK, error);
}

/* ---- Opening ---- */

static enum assay_status version_find(struct assay_store *store, uint64_t *version, struct assay_error *error)
{
	bool has;
	sqlite3_stmt *statement = assay_sqlite_ask(store, error, "PRAGMA user_version", "");
	enum assay_status status = assay_sqlite_next(store, statement, &has, error);

	*version = !status && has ? assay_sqlite_number(statement, 0) : 0;
	assay_sqlite_end(statement);
	return status;
}

enum assay_status assay_sqlite_script(struct assay_store *store, const char *text, struct assay_error *error)
{
	return sqlite3_exec(store->database, text, NULL, NULL, NULL) == SQLITE_OK ? ASSAY_OK
	                                                                          : assay_sqlite_fail(store, error);
}

/* Two processes may come at once. */
static enum assay_status schema_make(struct assay_store *store, struct assay_error *error)
{
	uint64_t version;
	enum assay_status status = version_find(store, &version, error);

	if (!status && version < SCHEMA) {
		status = assay_store_begin(store, error);
		if (!status) {
			status = version_find(store, &version, error);
			for (; !status && version < SCHEMA; version++)
				status = assay_sqlite_script(store, schemas[version], error);
			status = assay_store_finish(store, status, error);
		}
	}
	if (!status && version != SCHEMA)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "store.version",
		                    "the store is of version %llu, and this program knows %d: use a newer one",
		                    (unsigned long long)version, SCHEMA);
	return status;
}

enum assay_status assay_store_open(struct assay_store **store, const char *directory, bool create,
                                   struct assay_error *error)
{
	char path[ASSAY_PATH_MAX];
	struct stat info;

	*store = NULL;
	if (snprintf(path, sizeof path, "%s/store.sqlite", directory) >= ASSAY_PATH_MAX)
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long", directory);
	if (!create && stat(path, &info) != 0)
		return assay_fail(error, ASSAY_ERROR_IO, "store.missing", "%s: %s; `assay serve token` makes a store",
		                  path, strerror(errno));
	struct assay_store *made = calloc(1, sizeof *made);
	if (!made)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	enum assay_status status = ASSAY_OK;
	if (sqlite3_open_v2(path, &made->database,
	                    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX,
	                    NULL) != SQLITE_OK)
		status = assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s", path,
		                    made->database ? sqlite3_errmsg(made->database) : "out of memory");
	if (!status) {
		sqlite3_busy_timeout(made->database, ASSAY_STORE_WAIT_MS);
		status = assay_sqlite_script(
		    made,
		    "PRAGMA auto_vacuum = INCREMENTAL;" /* of one that is made now */
		    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
		    "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;",
		    error);
	}
	if (!status)
		status = schema_make(made, error);
	if (status)
		assay_store_close(made);
	else
		*store = made;
	return status;
}

void assay_store_close(struct assay_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < ASSAY_STATEMENTS_MAX; i++)
		sqlite3_finalize(store->statements[i].statement);
	sqlite3_close(store->database);
	free(store);
}

enum assay_status assay_store_own(struct assay_store *store, const char *keyid, struct assay_error *error)
{
	char owner[ASSAY_HEX_MAX] = "";
	bool has = false;
	enum assay_status status =
	    assay_sqlite_do(store, NULL, error, "INSERT OR IGNORE INTO owner (one, keyid) VALUES (1, ?1)", "s", keyid);

	if (status)
		return status;
	sqlite3_stmt *statement = assay_sqlite_ask(store, error, "SELECT keyid FROM owner", "");
	status = assay_sqlite_next(store, statement, &has, error);
	if (!status && has)
		assay_sqlite_text(owner, sizeof owner, statement, 0);
	assay_sqlite_end(statement);
	if (!status && strcmp(owner, keyid) != 0)
		status =
		    assay_fail(error, ASSAY_ERROR_INPUT, "store.key",
		               "the store is of the key %.16s..., and this one is %.16s...: give that key (-k), or "
		               "another directory (-s)",
		               owner, keyid);
	return status;
}
