/* SPDX-License-Identifier: Apache-2.0
 *
 * assay serve prune: what goes and what stays, beside a server and killed wherever it is; stores of earlier versions.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "harness/serve/objects.h"
#include "harness/serve/sqlite.h"
#include "harness/test/serving.h"
#include "harness/test/support.h"
#include "verify/test/support.h"

TestSuite(serve_prune, .timeout = 120);

#define PRUNE "$A serve prune -s $T/store --older-than 90d "

static struct serving serving;
static struct served old, young;

static void age(const char *id)
{
	char sql[192];

	snprintf(sql, sizeof sql,
	         "UPDATE challenges SET issued = issued - 8640000, ended = ended - 8640000, expires = expires - 8640000"
	         " WHERE id = '%s'",
	         id);
	serving_sql(sql);
}

static void judged(struct served *served)
{
	served_open(served, &serving, &serving.prover, 201);
	served_pretend(served);
	served_submit(served);
	cr_assert(serving_wait(&serving, served->path, "state", "judged"));
}

/* One file for both transcripts, as a store of before may have it. */
static void transcript_share(const struct served *served, const struct served *other)
{
	char hex[65], text[320];
	uint8_t hash[32];

	crypto_hash_sha256(hash, (const uint8_t *)served->transcript, served->transcript_len);
	assay_hex(hex, hash);
	snprintf(text, sizeof text, "store/objects/%s", hex);
	cr_assert_eq(unlink(support_path(text)), 0);
	snprintf(text, sizeof text,
	         "UPDATE challenges SET transcript = (SELECT transcript FROM challenges WHERE id = '%s')"
	         " WHERE id = '%s'",
	         other->id, served->id);
	serving_sql(text);
}

/* ---- What goes, and what stays ---- */

static const char *const parts[] = {"challenge", "receipts", "attestation", "verdict", "transcript"};
enum { PARTS = 5 };

/* The first `gone` from the end are no longer kept, and the others are what they were. */
static void parts_are(const struct served *served, const struct serving_reply *before, size_t gone)
{
	for (size_t i = 0; i < PARTS; i++)
		if (i + gone >= PARTS)
			serving_refused(serving_get(&serving, served_path(served, parts[i])), 410, "object.pruned");
		else
			serving_is(serving_get(&serving, served_path(served, parts[i])), 200, before[i].body,
			           before[i].len);
}

Test(serve_prune, goes_and_stays)
{
	struct serving_reply before[PARTS];

	serving_enter(&serving, "");
	serving_start(&serving, "");
	/* Both have the same transcript, which stays while one of them has it. */
	judged(&old);
	judged(&young);
	transcript_share(&young, &old);
	for (size_t i = 0; i < PARTS; i++)
		before[i] = serving_get(&serving, served_path(&old, parts[i]));
	struct serving_reply record = serving_get(&serving, serving_key_path(&serving.prover));
	cr_expect_eq(serving_objects(""), 2 * 3 + 1);
	cr_assert_eq(support_run(PRUNE), 0, "%s", support_err);
	cr_expect_eq(strncmp(support_out, "pruned 0 challenges: 0 files of 0.0 MB; and 0 that were not begun", 65), 0,
	             "%s", support_out);
	/* What has not expired stays, whenever it ended. */
	age(old.id);
	serving_sql("UPDATE challenges SET expires = expires + 8640000");
	cr_assert_eq(support_run(PRUNE "--dry-run"), 0, "%s", support_err);
	cr_expect_str_eq(support_out, "would prune 0 challenges: 0 files of 0.0 MB; and 0 that were not begun\n");
	serving_sql("UPDATE challenges SET expires = expires - 8640000");
	cr_assert_eq(support_run(PRUNE "--dry-run"), 0, "%s", support_err);
	cr_expect_str_eq(support_out, "would prune 1 challenges: 1 files of 0.0 MB; and 0 that were not begun\n");
	parts_are(&old, before, 0);

	cr_assert_eq(support_run(PRUNE), 0, "%s", support_err);
	cr_expect_eq(strncmp(support_out, "pruned 1 challenges: 0 files of", 31), 0, "%s", support_out);
	parts_are(&old, before, 1);
	serving_refused(served_put(&old, "transcript", old.transcript, old.transcript_len), 410, "object.pruned");
	serving_is(serving_get(&serving, served_path(&young, "transcript")), 200, old.transcript, old.transcript_len);
	age(young.id);
	cr_assert_eq(support_run(PRUNE), 0, "%s", support_err);
	cr_expect_eq(strncmp(support_out, "pruned 1 challenges: 1 files of", 31), 0, "%s", support_out);
	cr_expect_eq(serving_objects(""), 2 * 3);

	cr_assert_eq(support_run(PRUNE "--all"), 0, "%s", support_err);
	cr_expect_eq(strncmp(support_out, "pruned 2 challenges: 6 files of", 31), 0, "%s", support_out);
	cr_expect_eq(serving_objects(""), 0);
	parts_are(&old, before, PARTS);
	serving_refused(served_say(&old, 0), 410, "exchange.expired");
	serving_refused(served_put(&old, "attestation", old.attestation, strlen(old.attestation)), 410,
	                "object.pruned");
	cr_expect_str_eq(serving_member(&serving, old.path, "state"), "judged");
	cr_expect_str_eq(serving_member(&serving, old.path, "outcome"), "malformed");
	cr_expect_str_eq(serving_member(&serving, old.path, "steps"), "3");
	serving_is(serving_get(&serving, serving_key_path(&serving.prover)), 200, record.body, record.len);
	/* Once more there is nothing to do. */
	cr_assert_eq(support_run(PRUNE "--all"), 0, "%s", support_err);
	cr_expect_eq(strncmp(support_out, "pruned 0 challenges: 0 files", 28), 0, "%s", support_out);
	for (size_t i = 0; i < PARTS; i++)
		serving_free(&before[i]);
	serving_free(&record);
	served_close(&old);
	served_close(&young);
	serving_leave(&serving);
}

/* Those that ended without files: silence stays on the key's record, and what was not begun leaves nothing. */
Test(serve_prune, silent_and_not_begun)
{
	struct served silent, issued;

	serving_enter(&serving, "");
	serving_sql("UPDATE tokens SET terms = replace(terms, '\"expires\":60', '\"expires\":2')");
	serving_start(&serving, "");
	served_open(&silent, &serving, &serving.prover, 201);
	served_exchange(&silent);
	served_open(&issued, &serving, &serving.prover, 201);
	cr_assert(serving_wait(&serving, issued.path, "state", "expired"));
	cr_assert(serving_wait(&serving, silent.path, "state", "silent"));
	age(silent.id);
	age(issued.id);
	/* One under way stays, however old it is. */
	serving_sql("UPDATE tokens SET terms = replace(terms, '\"expires\":2', '\"expires\":60')");
	served_open(&old, &serving, &serving.prover, 201);
	cr_assert_eq(support_run(PRUNE), 0, "%s", support_err);
	cr_expect_eq(strncmp(support_out, "pruned 1 challenges: 0 files of 0.0 MB; and 1 that were not begun", 65), 0,
	             "%s", support_out);
	serving_refused(serving_get(&serving, issued.path), 404, "challenge.unknown");
	serving_refused(serving_get(&serving, served_path(&silent, "transcript")), 404, "object.missing");
	cr_expect_str_eq(serving_member(&serving, served_path(&silent, "verdict"), "verdict"), "fail");
	cr_assert_eq(support_run(PRUNE "--all"), 0, "%s", support_err);
	serving_refused(serving_get(&serving, served_path(&silent, "verdict")), 410, "object.pruned");
	cr_expect_str_eq(serving_member(&serving, silent.path, "reason"), "opening.missing");
	cr_expect_str_eq(serving_member(&serving, serving_key_path(&serving.prover), "silent"), "1");
	cr_expect_str_eq(serving_member(&serving, old.path, "state"), "issued");
	served_close(&silent);
	served_close(&issued);
	served_close(&old);
	serving_leave(&serving);
}

/* ---- Beside a server ---- */

static atomic_bool over, waits;
static char sql_wait[128]; /* a name of a file waits to be removed, as if an old challenge had it too */

static enum assay_status removed(void *context, const char *digest, struct assay_error *error)
{
	uint64_t len;

	return digest ? assay_objects_remove(context, digest, &len, error) : assay_objects_settle(context, error);
}

static void *prune_on(void *context)
{
	const uint64_t now_s = (uint64_t)time(NULL);
	struct assay_objects files;
	struct assay_store *store;
	struct assay_error error;
	uint64_t *const pruned = context;

	support_ok(assay_store_open(&store, support_path("store"), false, &error), error);
	support_ok(assay_objects_open(&files, support_path("store"), &error), error);
	while (!atomic_load(&over)) {
		struct assay_pruning pruning = {0};
		bool more;
		if (atomic_load(&waits))
			support_ok(assay_sqlite_script(store, sql_wait, &error), error);
		support_ok(assay_store_prune(store, &pruning, ASSAY_PRUNED_TRANSCRIPT, now_s - 7776000, &error), error);
		support_ok(assay_store_garbage(store, removed, &files, &more, &error), error);
		*pruned += pruning.challenges;
		usleep(500);
	}
	assay_store_close(store);
	return NULL;
}

/* A file is handed in while it is removed for another challenge that had it: who has it now keeps it. */
Test(serve_prune, a_file_that_comes_again)
{
	enum { ROUNDS = 12 };
	uint64_t pruned = 0;
	uint8_t hash[32];
	char digest[ASSAY_HEX_MAX];
	pthread_t thread;

	serving_enter(&serving, "");
	serving_start(&serving, "");
	atomic_store(&over, false);
	cr_assert_eq(pthread_create(&thread, NULL, prune_on, &pruned), 0);
	for (int i = 0; i < ROUNDS; i++) {
		served_open(&young, &serving, &serving.prover, 201);
		served_pretend(&young);
		crypto_hash_sha256(hash, (const uint8_t *)young.attestation, strlen(young.attestation));
		assay_hex(digest, hash);
		snprintf(sql_wait, sizeof sql_wait, "INSERT OR IGNORE INTO garbage VALUES ('%s')", digest);
		atomic_store(&waits, true);
		served_submit(&young);
		cr_assert(serving_wait(&serving, young.path, "state", "judged"));
		cr_expect_str_eq(serving_member(&serving, young.path, "reason"), "transcript.malformed");
		serving_is(serving_get(&serving, served_path(&young, "attestation")), 200, young.attestation,
		           strlen(young.attestation));
		atomic_store(&waits, false);
		age(young.id);
		served_close(&young);
	}
	usleep(50000);
	atomic_store(&over, true);
	pthread_join(thread, NULL);
	cr_expect_eq(pruned, ROUNDS);
	struct serving_reply reply = serving_get(&serving, "/metrics");
	cr_expect(strstr(reply.body, "\nassay_verification_errors_total 0\n"), "%s", reply.body);
	serving_free(&reply);
	serving_leave(&serving);
}

/* ---- Stores of earlier versions ---- */

static const char older_id[] = "1a862cf54b5de3f81a6358789be765dbc340a9b0f0a94ee9e6f81f46efe4b084";

/* Version 2 as a server of it left it; 1 is without two columns. */
static void older(int version)
{
	static char text[65536];
	char keyid[65], sql[128];

	text[support_read("harness/test/store_2.sql", text, sizeof text - 1)] = '\0';
	cr_assert_eq(support_run("rm -r $T/store && mkdir -m 700 $T/store"), 0);
	serving_sql(text);
	if (version == 1)
		serving_sql("ALTER TABLE challenges DROP COLUMN attempts; ALTER TABLE challenges DROP COLUMN again;"
		            "PRAGMA user_version = 1");
	assay_keyid(keyid, serving.verifier.key);
	snprintf(sql, sizeof sql, "UPDATE owner SET keyid = '%s'", keyid);
	serving_sql(sql);
}

Test(serve_prune, older_stores)
{
	char path[128];

	serving_enter(&serving, "");
	snprintf(path, sizeof path, "/v1/challenges/%s", older_id);
	for (int version = 1; version <= 2; version++) {
		older(version);
		for (int i = 0; i < 2; i++) {
			serving_start(&serving, "");
			cr_assert_eq(serving_end(&serving, SIGTERM), 0, "%s", support_err);
		}
		serving_start(&serving, "");
		cr_expect_str_eq(serving_member(&serving, path, "outcome"), "pass");
		cr_expect_str_eq(serving_member(&serving, path, "steps"), "3");
		cr_assert_eq(support_run("$A serve token -s $T/store two " SERVING_TERMS), 0, "%s", support_err);
		cr_assert_eq(sscanf(support_out, "%79s", serving.token), 1);
		judged(&young);
		/* Its database gives room back after it was rebuilt, for which no server may have it. */
		age(older_id);
		cr_assert_eq(support_run(PRUNE), 0, "%s", support_err);
		cr_expect(strstr(support_err, "an earlier version made this store"), "%s", support_err);
		cr_expect_eq(serving_counted("PRAGMA auto_vacuum"), 0);
		cr_assert_eq(serving_end(&serving, SIGTERM), 0, "%s", support_err);
		cr_assert_eq(support_run(PRUNE "--all"), 0, "%s", support_err);
		cr_expect_str_empty(support_err);
		cr_expect_eq(serving_counted("PRAGMA auto_vacuum"), 2);
		serving_start(&serving, "");
		cr_expect_str_eq(serving_member(&serving, path, "outcome"), "pass");
		cr_expect_str_eq(serving_member(&serving, path, "steps"), "3");
		serving_is(serving_get(&serving, served_path(&young, "transcript")), 200, young.transcript,
		           young.transcript_len);
		served_close(&young);
		cr_assert_eq(serving_end(&serving, SIGTERM), 0, "%s", support_err);
	}
	serving_leave(&serving);
}
