/* SPDX-License-Identifier: Apache-2.0
 *
 * See store.h: tokens, and who may use them. */
#include <string.h>

#include "harness/serve/sqlite.h"

enum assay_status assay_store_token_add(struct assay_store *store, const struct assay_token *token,
                                        const uint8_t hash[32], struct assay_error *error)
{
	uint64_t changed;
	enum assay_status status = assay_sqlite_do(
	    store, &changed, error,
	    "INSERT OR IGNORE INTO tokens (name, hash, terms, keys_max, made, per_day) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	    "shsiii", token->name, hash, token->terms, (uint64_t)token->keys_max, token->made_s,
	    (uint64_t)token->per_day);

	if (!status && !changed)
		status =
		    assay_fail(error, ASSAY_ERROR_INPUT, "token.exists",
		               "%s: there is a token of that name, revoked or not; take another name", token->name);
	return status;
}

/* ?1 is the time before which challenges do not count. */
#define TOKEN_COLUMNS                                                                                          \
	"name, terms, keys_max, made, revoked, why, (SELECT count(*) FROM users WHERE token = name), per_day," \
	" (SELECT count(*) FROM challenges WHERE per_day > 0 AND token = name AND issued > ?1),"               \
	" (SELECT min(issued) FROM challenges WHERE per_day > 0 AND token = name AND issued > ?1)"

static void token_read(struct assay_token *token, sqlite3_stmt *row)
{
	memset(token, 0, sizeof *token);
	assay_sqlite_text(token->name, sizeof token->name, row, 0);
	assay_sqlite_text(token->terms, sizeof token->terms, row, 1);
	token->keys_max = (uint32_t)assay_sqlite_number(row, 2);
	token->made_s = assay_sqlite_number(row, 3);
	token->revoked_s = assay_sqlite_number(row, 4);
	assay_sqlite_text(token->why, sizeof token->why, row, 5);
	token->keys = (uint32_t)assay_sqlite_number(row, 6);
	token->per_day = (uint32_t)assay_sqlite_number(row, 7);
	token->day = (uint32_t)assay_sqlite_number(row, 8);
	token->day_first_s = assay_sqlite_number(row, 9);
}

enum assay_status assay_store_token_find(struct assay_store *store, struct assay_token *token, const uint8_t hash[32],
                                         uint64_t now_s, struct assay_error *error)
{
	bool has = false;

	memset(token, 0, sizeof *token);
	sqlite3_stmt *row = assay_sqlite_ask(store, error, "SELECT " TOKEN_COLUMNS " FROM tokens WHERE hash = ?2", "ih",
	                                     now_s - ASSAY_DAY_S, hash);
	enum assay_status status = assay_sqlite_next(store, row, &has, error);
	if (!status && has)
		token_read(token, row);
	assay_sqlite_end(row);
	return status;
}

enum assay_status assay_store_tokens(struct assay_store *store, uint64_t now_s, assay_token_visit *visit, void *context,
                                     struct assay_error *error)
{
	struct assay_token token;
	bool has = true;
	sqlite3_stmt *row = assay_sqlite_ask(store, error, "SELECT " TOKEN_COLUMNS " FROM tokens ORDER BY made, name",
	                                     "i", now_s - ASSAY_DAY_S);
	enum assay_status status = assay_sqlite_next(store, row, &has, error);

	while (!status && has) {
		token_read(&token, row);
		visit(context, &token);
		status = assay_sqlite_next(store, row, &has, error);
	}
	assay_sqlite_end(row);
	return status;
}

enum assay_status assay_store_claim_add(struct assay_store *store, const char *token, uint32_t number, const char *text,
                                        struct assay_error *error)
{
	return assay_sqlite_do(store, NULL, error, "INSERT INTO claims (token, number, text) VALUES (?1, ?2, ?3)",
	                       "sis", token, (uint64_t)number, text);
}

enum assay_status assay_store_claims(struct assay_store *store, const char *token, assay_claim_visit *visit,
                                     void *context, struct assay_error *error)
{
	bool has = false;
	sqlite3_stmt *row =
	    assay_sqlite_ask(store, error, "SELECT text FROM claims WHERE token = ?1 ORDER BY number", "s", token);
	enum assay_status status = assay_sqlite_next(store, row, &has, error);

	while (!status && has) {
		const char *text = (const char *)sqlite3_column_text(row, 0);
		status = text ? visit(context, text, error)
		              : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
		if (!status)
			status = assay_sqlite_next(store, row, &has, error);
	}
	assay_sqlite_end(row);
	return status;
}

static enum assay_status exists(struct assay_store *store, bool *does, const char *question, const char *value,
                                struct assay_error *error)
{
	sqlite3_stmt *row = assay_sqlite_ask(store, error, question, "s", value);
	enum assay_status status = assay_sqlite_next(store, row, does, error);

	assay_sqlite_end(row);
	return status;
}

enum assay_status assay_store_token_revoke(struct assay_store *store, const char *name, const char *why, uint64_t now_s,
                                           struct assay_error *error)
{
	bool there = false;
	enum assay_status status = exists(store, &there, "SELECT 1 FROM tokens WHERE name = ?1", name, error);

	if (!status && !there)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "token.unknown",
		                    "there is no token of that name; `assay serve list` has them");
	if (!status)
		status = assay_sqlite_do(store, NULL, error,
		                         "UPDATE tokens SET revoked = ?2, why = ?3 WHERE name = ?1 AND revoked = 0",
		                         "sis", name, now_s, why);
	return status;
}

enum assay_status assay_store_key_revoke(struct assay_store *store, const char *keyid, const char *why, uint64_t now_s,
                                         struct assay_error *error)
{
	bool there = false;
	enum assay_status status = exists(store, &there, "SELECT 1 FROM keys WHERE keyid = ?1", keyid, error);

	if (!status && !there)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "key.unknown",
		                    "there is no key of that keyid; `assay serve list` has them");
	if (!status)
		status = assay_sqlite_do(store, NULL, error,
		                         "UPDATE keys SET revoked = ?2, why = ?3 WHERE keyid = ?1 AND revoked = 0",
		                         "sis", keyid, now_s, why);
	return status;
}

enum assay_status assay_store_key_enrol(struct assay_store *store, const struct assay_token *token, const char *keyid,
                                        const uint8_t key[ASSAY_KEY_BYTES], uint64_t now_s, struct assay_error *error)
{
	bool uses = false;
	sqlite3_stmt *row = assay_sqlite_ask(store, error, "SELECT 1 FROM users WHERE token = ?1 AND keyid = ?2", "ss",
	                                     token->name, keyid);
	enum assay_status status = assay_sqlite_next(store, row, &uses, error);

	assay_sqlite_end(row);
	if (status || uses)
		return status;
	if (token->keys >= token->keys_max)
		return assay_fail(error, ASSAY_ERROR_INPUT, "key.limit",
		                  "the token is for %u key%s, and others have it: ask for a token of your own",
		                  token->keys_max, token->keys_max == 1 ? "" : "s");
	status =
	    assay_sqlite_do(store, NULL, error, "INSERT OR IGNORE INTO keys (keyid, key, enrolled) VALUES (?1, ?2, ?3)",
	                    "shi", keyid, key, now_s);
	if (!status)
		status = assay_sqlite_do(store, NULL, error, "INSERT INTO users (token, keyid) VALUES (?1, ?2)", "ss",
		                         token->name, keyid);
	return status;
}
