/* SPDX-License-Identifier: Apache-2.0
 *
 * See store.h: challenges. */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "harness/serve/sqlite.h"

enum assay_status assay_store_add(struct assay_store *store, const struct assay_entry *entry, const char *envelope,
                                  struct assay_error *error)
{
	return assay_sqlite_do(store, NULL, error,
	                       "INSERT INTO challenges (id, token, keyid, envelope, issued, expires, total)"
	                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	                       "ssssiii", entry->id, entry->token, entry->keyid, envelope, entry->issued_s,
	                       entry->expires_s, (uint64_t)entry->total);
}

static void entry_read(struct assay_entry *entry, sqlite3_stmt *row)
{
	const void *key = sqlite3_column_blob(row, 3);

	assay_sqlite_text(entry->id, sizeof entry->id, row, 0);
	assay_sqlite_text(entry->keyid, sizeof entry->keyid, row, 1);
	assay_sqlite_text(entry->token, sizeof entry->token, row, 2);
	if (key && sqlite3_column_bytes(row, 3) == ASSAY_KEY_BYTES)
		memcpy(entry->key, key, ASSAY_KEY_BYTES);
	entry->revoked = assay_sqlite_number(row, 4) > 0;
	entry->issued_s = assay_sqlite_number(row, 5);
	entry->expires_s = assay_sqlite_number(row, 6);
	entry->total = (uint32_t)assay_sqlite_number(row, 7);
	entry->stage = (enum assay_stage)assay_sqlite_number(row, 8);
	assay_sqlite_text(entry->attestation, sizeof entry->attestation, row, 9);
	assay_sqlite_text(entry->transcript, sizeof entry->transcript, row, 10);
	assay_sqlite_text(entry->receipts, sizeof entry->receipts, row, 11);
	assay_sqlite_text(entry->verdict, sizeof entry->verdict, row, 12);
	assay_sqlite_text(entry->outcome, sizeof entry->outcome, row, 13);
	assay_sqlite_text(entry->reason, sizeof entry->reason, row, 14);
	entry->steps = (uint32_t)assay_sqlite_number(row, 15);
	entry->ended_s = assay_sqlite_number(row, 16);
	entry->attempts = (uint32_t)assay_sqlite_number(row, 17);
	entry->pruned = (enum assay_pruned)assay_sqlite_number(row, 18);
}

enum assay_status assay_store_find(struct assay_store *store, struct assay_entry *entry, const char *id,
                                   struct assay_error *error)
{
	bool has = false;

	memset(entry, 0, sizeof *entry);
	sqlite3_stmt *row = assay_sqlite_ask(
	    store, error,
	    "SELECT id, keyid, token, key, revoked, issued, expires, total, stage, attestation, transcript, receipts,"
	    " verdict, outcome, reason, said + " ASSAY_SQLITE_STEPS ", ended,"
	    " attempts, pruned"
	    " FROM challenges JOIN keys USING (keyid) WHERE id = ?1",
	    "s", id);
	enum assay_status status = assay_sqlite_next(store, row, &has, error);
	if (!status && has)
		entry_read(entry, row);
	assay_sqlite_end(row);
	return status;
}

enum assay_status assay_store_envelope(struct assay_store *store, char **envelope, const char *id,
                                       struct assay_error *error)
{
	bool has = false;

	*envelope = NULL;
	sqlite3_stmt *row = assay_sqlite_ask(store, error, "SELECT envelope FROM challenges WHERE id = ?1", "s", id);
	enum assay_status status = assay_sqlite_next(store, row, &has, error);
	if (!status && has) {
		*envelope = strdup((const char *)sqlite3_column_text(row, 0));
		if (!*envelope)
			status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	} else if (!status)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "challenge.unknown", "there is no such challenge");
	assay_sqlite_end(row);
	return status;
}

enum assay_status assay_store_waiting(struct assay_store *store, char id[ASSAY_HEX_MAX], const char *keyid,
                                      const char *token, uint64_t now_s, struct assay_error *error)
{
	bool has = false;

	*id = '\0';
	sqlite3_stmt *row =
	    assay_sqlite_ask(store, error,
	                     "SELECT id FROM challenges WHERE keyid = ?1 AND stage = 0 AND token = ?2 AND expires > ?3"
	                     " AND NOT EXISTS (SELECT 1 FROM steps WHERE challenge = id) ORDER BY expires DESC LIMIT 1",
	                     "ssi", keyid, token, now_s);
	enum assay_status status = assay_sqlite_next(store, row, &has, error);
	if (!status && has)
		assay_sqlite_text(id, ASSAY_HEX_MAX, row, 0);
	assay_sqlite_end(row);
	return status;
}

enum assay_status assay_store_under_way(struct assay_store *store, uint64_t *of_key, uint64_t *of_all,
                                        const char *keyid, uint64_t now_s, struct assay_error *error)
{
	bool has = false;

	*of_key = *of_all = 0;
	sqlite3_stmt *row = assay_sqlite_ask(store, error,
	                                     "SELECT count(*) FILTER (WHERE keyid = ?1), count(*) FROM challenges"
	                                     " WHERE (stage = 0 AND expires > ?2) OR stage = 1",
	                                     "si", keyid, now_s);
	enum assay_status status = assay_sqlite_next(store, row, &has, error);
	if (!status && has) {
		*of_key = assay_sqlite_number(row, 0);
		*of_all = assay_sqlite_number(row, 1);
	}
	assay_sqlite_end(row);
	return status;
}

/* ---- What is said about one ---- */

enum assay_status assay_store_step_add(struct assay_store *store, const char *id, uint32_t number, const char *message,
                                       const char *receipt, struct assay_error *error)
{
	return assay_sqlite_do(store, NULL, error,
	                       "INSERT INTO steps (challenge, number, message, receipt) VALUES (?1, ?2, ?3, ?4)",
	                       "siss", id, (uint64_t)number, message, receipt);
}

enum assay_status assay_store_steps(struct assay_store *store, const char *id, assay_step_visit *visit, void *context,
                                    struct assay_error *error)
{
	bool has = true;
	sqlite3_stmt *row = assay_sqlite_ask(
	    store, error, "SELECT message, receipt FROM steps WHERE challenge = ?1 ORDER BY number", "s", id);
	enum assay_status status = assay_sqlite_next(store, row, &has, error);

	while (!status && has) {
		status = visit(context, (const char *)sqlite3_column_text(row, 0),
		               (const char *)sqlite3_column_text(row, 1), error);
		if (!status)
			status = assay_sqlite_next(store, row, &has, error);
	}
	assay_sqlite_end(row);
	return status;
}

/* It was in the stage that the statement asks for. */
static enum assay_status changed_one(enum assay_status status, uint64_t changed, struct assay_error *error)
{
	if (status || changed == 1)
		return status;
	return assay_fail(error, ASSAY_ERROR_IO, "store.failed", "the challenge is in another stage by now: try again");
}

enum assay_status assay_store_attest(struct assay_store *store, const char *id, const char *attestation,
                                     const char *transcript, struct assay_error *error)
{
	uint64_t changed;
	enum assay_status status =
	    assay_sqlite_do(store, &changed, error,
	                    "UPDATE challenges SET attestation = ?2, transcript = ?3 WHERE id = ?1 AND stage = 0",
	                    "sss", id, attestation, transcript);

	return changed_one(status, changed, error);
}

enum assay_status assay_store_submit(struct assay_store *store, const char *id, const char *receipts, uint64_t now_s,
                                     struct assay_error *error)
{
	uint64_t changed;
	enum assay_status status = assay_sqlite_do(
	    store, &changed, error,
	    "UPDATE challenges SET stage = 1, receipts = ?2, submitted = ?3 WHERE id = ?1 AND stage = 0", "ssi", id,
	    receipts, now_s);

	return changed_one(status, changed, error);
}

enum assay_status assay_store_attempt(struct assay_store *store, const char *id, struct assay_error *error)
{
	uint64_t changed;
	enum assay_status status =
	    assay_sqlite_do(store, &changed, error,
	                    "UPDATE challenges SET attempts = attempts + 1 WHERE id = ?1 AND stage = 1", "s", id);

	return changed_one(status, changed, error);
}

enum assay_status assay_store_postpone(struct assay_store *store, const char *id, uint32_t attempts, uint64_t again_s,
                                       struct assay_error *error)
{
	uint64_t changed;
	enum assay_status status = assay_sqlite_do(
	    store, &changed, error, "UPDATE challenges SET attempts = ?2, again = ?3 WHERE id = ?1 AND stage = 1",
	    "sii", id, (uint64_t)attempts, again_s);

	return changed_one(status, changed, error);
}

enum assay_status assay_store_end(struct assay_store *store, const char *id, enum assay_stage stage,
                                  const char *verdict, const char *outcome, const char *reason, uint64_t now_s,
                                  struct assay_error *error)
{
	uint64_t changed;
	enum assay_status status =
	    assay_sqlite_do(store, &changed, error,
	                    "UPDATE challenges SET stage = ?2, verdict = ?3, outcome = ?4, reason = ?5, ended = ?6"
	                    " WHERE id = ?1 AND stage < 2",
	                    "sisssi", id, (uint64_t)stage, verdict, outcome, reason, now_s);

	return changed_one(status, changed, error);
}

/* ---- Many ---- */

enum assay_status assay_sqlite_ids(struct assay_store *store, struct assay_ids *ids, sqlite3_stmt *row,
                                   struct assay_error *error)
{
	bool has = true;
	enum assay_status status = assay_sqlite_next(store, row, &has, error);

	ids->count = 0;
	while (!status && has && ids->count < ASSAY_ENTRIES_MAX) {
		assay_sqlite_text(ids->id[ids->count++], ASSAY_HEX_MAX, row, 0);
		status = assay_sqlite_next(store, row, &has, error);
	}
	assay_sqlite_end(row);
	return status;
}

enum assay_status assay_store_submitted(struct assay_store *store, struct assay_ids *ids, uint64_t now_s,
                                        struct assay_error *error)
{
	return assay_sqlite_ids(store, ids,
	                        assay_sqlite_ask(store, error,
	                                         "SELECT id FROM challenges WHERE stage = 1 AND again <= ?1"
	                                         " ORDER BY attempts, submitted, id LIMIT 64",
	                                         "i", now_s),
	                        error);
}

enum assay_status assay_store_overdue(struct assay_store *store, struct assay_ids *ids, uint64_t before_s,
                                      uint64_t since_s, struct assay_error *error)
{
	return assay_sqlite_ids(store, ids,
	                        assay_sqlite_ask(store, error,
	                                         "SELECT id FROM challenges WHERE stage = 0 AND expires < ?1 AND "
	                                         "(issued >= ?2 OR total >" ASSAY_SQLITE_STEPS
	                                         ") ORDER BY expires, id LIMIT 64",
	                                         "ii", before_s, since_s),
	                        error);
}

/* The place of an outcome's name in enum assay_outcome. */
static void outcome_count(uint64_t outcomes[5], const char *name, uint64_t count)
{
	for (int i = 0; i < 5; i++)
		if (i != 3 && strcmp(assay_outcome_name((enum assay_outcome)i), name) == 0)
			outcomes[i] += count;
}

enum assay_status assay_store_totals(struct assay_store *store, struct assay_totals *totals, struct assay_error *error)
{
	bool has = true;

	memset(totals, 0, sizeof *totals);
	sqlite3_stmt *row = assay_sqlite_ask(
	    store, error,
	    "SELECT stage, outcome, count(*), 0 FROM challenges WHERE stage > 0 GROUP BY stage, outcome"
	    " UNION ALL SELECT 0, '', count(*), way FROM (SELECT (SELECT (count(*) > 0) + (count(*) = total) FROM steps"
	    " WHERE challenge = id) AS way FROM challenges WHERE stage = 0) GROUP BY way",
	    "");
	enum assay_status status = assay_sqlite_next(store, row, &has, error);
	while (!status && has) {
		const uint64_t stage = assay_sqlite_number(row, 0), count = assay_sqlite_number(row, 2),
		               way = assay_sqlite_number(row, 3);
		char outcome[16];
		assay_sqlite_text(outcome, sizeof outcome, row, 1);
		if (stage < ASSAY_STAGE_COUNT)
			totals->stages[stage] += count;
		if (stage == 0)
			*(way == 0 ? &totals->issued : way == 1 ? &totals->begun : &totals->drawn) += count;
		outcome_count(totals->outcomes, outcome, count);
		status = assay_sqlite_next(store, row, &has, error);
	}
	assay_sqlite_end(row);
	return status;
}

/* ---- Keys' records ---- */

static enum assay_status holder_counts(struct assay_store *store, struct assay_holder *holder,
                                       struct assay_error *error)
{
	bool has = true;
	sqlite3_stmt *row = assay_sqlite_ask(
	    store, error, "SELECT stage, outcome, count(*) FROM challenges WHERE keyid = ?1 GROUP BY stage, outcome",
	    "s", holder->keyid);
	enum assay_status status = assay_sqlite_next(store, row, &has, error);

	while (!status && has) {
		const uint64_t stage = assay_sqlite_number(row, 0), count = assay_sqlite_number(row, 2);
		char outcome[16];
		assay_sqlite_text(outcome, sizeof outcome, row, 1);
		if (stage < ASSAY_STAGE_COUNT)
			holder->stages[stage] += count;
		if (stage == ASSAY_STAGE_JUDGED)
			outcome_count(holder->outcomes, outcome, count);
		status = assay_sqlite_next(store, row, &has, error);
	}
	assay_sqlite_end(row);
	return status;
}

enum assay_status assay_store_device_add(struct assay_store *store, const char *device, const char *keyid,
                                         const char *challenge, struct assay_error *error)
{
	return assay_sqlite_do(store, NULL, error,
	                       "INSERT OR IGNORE INTO devices (device, keyid, challenge) VALUES (?1, ?2, ?3)", "sss",
	                       device, keyid, challenge);
}

#define HOLDER_COLUMNS                                                                                               \
	"keyid, enrolled, revoked, why, (SELECT count(*) FROM challenges WHERE keyid = keys.keyid AND stage = 0 AND" \
	" total = " ASSAY_SQLITE_STEPS "),"                                                                          \
	" (SELECT count(*) FROM devices AS its WHERE its.keyid = keys.keyid AND EXISTS"                              \
	" (SELECT 1 FROM devices AS other WHERE other.device = its.device AND other.keyid <> its.keyid))"

static void holder_read(struct assay_holder *holder, sqlite3_stmt *row)
{
	memset(holder, 0, sizeof *holder);
	assay_sqlite_text(holder->keyid, sizeof holder->keyid, row, 0);
	holder->enrolled_s = assay_sqlite_number(row, 1);
	holder->revoked_s = assay_sqlite_number(row, 2);
	assay_sqlite_text(holder->why, sizeof holder->why, row, 3);
	holder->drawn = assay_sqlite_number(row, 4);
	holder->collisions = assay_sqlite_number(row, 5);
}

enum assay_status assay_store_key_find(struct assay_store *store, struct assay_holder *holder, const char *keyid,
                                       struct assay_error *error)
{
	bool has = false;

	memset(holder, 0, sizeof *holder);
	sqlite3_stmt *row =
	    assay_sqlite_ask(store, error, "SELECT " HOLDER_COLUMNS " FROM keys WHERE keyid = ?1", "s", keyid);
	enum assay_status status = assay_sqlite_next(store, row, &has, error);
	if (!status && has)
		holder_read(holder, row);
	assay_sqlite_end(row);
	return status || !has ? status : holder_counts(store, holder, error);
}

enum assay_status assay_store_keys(struct assay_store *store, bool revoked_only, assay_holder_visit *visit,
                                   void *context, struct assay_error *error)
{
	struct assay_holder holder;
	bool has = true;
	sqlite3_stmt *row = assay_sqlite_ask(store, error,
	                                     "SELECT " HOLDER_COLUMNS " FROM keys WHERE revoked > 0 OR NOT ?1 ORDER BY"
	                                     " revoked, enrolled, keyid",
	                                     "i", (uint64_t)revoked_only);
	enum assay_status status = assay_sqlite_next(store, row, &has, error);

	while (!status && has) {
		holder_read(&holder, row);
		status = revoked_only ? ASSAY_OK : holder_counts(store, &holder, error);
		if (!status) {
			visit(context, &holder);
			status = assay_sqlite_next(store, row, &has, error);
		}
	}
	assay_sqlite_end(row);
	return status;
}
