/* SPDX-License-Identifier: Apache-2.0
 *
 * assay serve prune that is killed, wherever it is; the room that the database gives back. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "harness/serve/objects.h"
#include "harness/test/serving.h"
#include "harness/test/support.h"

TestSuite(serve_prune_kills, .timeout = 120);

#define PRUNE_ALL "$A serve prune -s $T/store --older-than 90d --all"

static struct serving serving;
static struct served served;

enum { OLD = 48, YOUNG = 16, FILES = 4, TEXT_BYTES = 20000 };

/* A file of a challenge: what is in it, its digest, its path. */
struct part {
	char text[48], digest[ASSAY_HEX_MAX], path[ASSAY_PATH_MAX];
};

static struct part part_of(int row, int number)
{
	struct part part;
	uint8_t hash[32];

	snprintf(part.text, sizeof part.text, "file %d of challenge %d", number, row);
	crypto_hash_sha256(hash, (const uint8_t *)part.text, strlen(part.text));
	assay_hex(part.digest, hash);
	snprintf(part.path, sizeof part.path, "%s/%s", support_path("store/objects"), part.digest);
	return part;
}

/* Challenges that were judged, the first of them long ago. */
static void fill(void)
{
	char *sql = NULL;
	size_t len;
	FILE *out = open_memstream(&sql, &len);

	fputs("BEGIN; INSERT INTO keys (keyid, key, enrolled) VALUES ('k', x'00', 1);", out);
	for (int row = 0; row < OLD + YOUNG; row++) {
		fprintf(
		    out,
		    "INSERT INTO challenges (id, token, keyid, envelope, issued, expires, total, stage, outcome, ended,"
		    " transcript, attestation, receipts, verdict) VALUES ('%064d', 'one', 'k', 'e', 1, %s, 1, 2, "
		    "'pass',"
		    " 2",
		    row, row < OLD ? "3" : "99999999999");
		for (int number = 0; number < FILES; number++) {
			const struct part part = part_of(row, number);
			support_write(part.path, part.text, strlen(part.text));
			fprintf(out, ", '%s'", part.digest);
		}
		fprintf(out, "); INSERT INTO steps VALUES ('%064d', 0, hex(zeroblob(%d)), 'r');", row, TEXT_BYTES / 2);
	}
	fputs("COMMIT", out);
	fclose(out);
	serving_sql(sql);
	free(sql);
}

/* What is there is whole, and what was forgotten is forgotten as a whole. */
static void whole(void)
{
	unsigned there = 0;
	char *named =
	    serving_told("SELECT group_concat(transcript || attestation || receipts || verdict) FROM challenges");

	for (int row = 0; row < OLD + YOUNG; row++)
		for (int number = 0; number < FILES; number++) {
			const struct part part = part_of(row, number);
			const bool is_there = support_exists(part.path);
			cr_expect(is_there || !strstr(named, part.digest), "%s is gone", part.text);
			there += is_there;
		}
	free(named);
	cr_expect_geq(there, FILES * YOUNG);
	cr_expect_eq(
	    serving_counted("SELECT count(*) FROM challenges WHERE pruned = 2 AND (attestation <> '' OR envelope <> ''"
	                    " OR said <> 1 OR EXISTS (SELECT 1 FROM steps WHERE challenge = id))"),
	    0);
	cr_expect_eq(
	    serving_counted("SELECT count(*) FROM challenges WHERE pruned = 0 AND (transcript = '' OR envelope = ''"
	                    " OR said <> 0 OR NOT EXISTS (SELECT 1 FROM steps WHERE challenge = id))"),
	    0);
}

static void ends_well(void)
{
	cr_assert_eq(support_run(PRUNE_ALL), 0, "%s", support_err);
	whole();
	cr_expect_eq(serving_objects(""), FILES * YOUNG);
	cr_expect_eq(serving_counted("SELECT count(*) FROM challenges WHERE pruned = 2"), OLD);
	cr_expect_eq(serving_counted("SELECT count(*) FROM garbage"), 0);
}

/* Wherever it is killed the store is whole, and the next time does the rest. */
Test(serve_prune_kills, killed)
{
	unsigned kills = 0;
	int status = -1;

	serving_enter(&serving, "");
	fill();
	for (useconds_t wait_us = 4000; status != 0 && kills < 40; wait_us += wait_us / 4) {
		const pid_t child = support_start("prune", "serve prune -s store --older-than 90d --all", 0);
		usleep(wait_us);
		kill(child, SIGKILL);
		status = support_ended(child, "prune");
		kills += status != 0;
		whole();
	}
	cr_expect_geq(kills, 1);
	ends_well();
	serving_leave(&serving);
}

struct failing {
	struct assay_objects files;
	int left;
};

static enum assay_status removed_or_not(void *context, const char *digest, struct assay_error *error)
{
	struct failing *failing = context;
	uint64_t len;
	enum assay_status status = assay_objects_remove(&failing->files, digest, &len, error);

	return status || failing->left-- > 0 ? status
	                                     : assay_fail(error, ASSAY_ERROR_IO, "io.remove", "as if it ended here");
}

/* The same at each step exactly: names wait and no file is gone; files are gone, and their names still wait. */
Test(serve_prune_kills, ended_at_each_step)
{
	struct assay_pruning pruning = {0};
	struct failing failing;
	struct assay_store *store;
	struct assay_error error;
	bool more;

	serving_enter(&serving, "");
	fill();
	support_ok(assay_objects_open(&failing.files, support_path("store"), &error), error);
	support_ok(assay_store_open(&store, support_path("store"), false, &error), error);
	support_ok(assay_store_prune(store, &pruning, ASSAY_PRUNED_ALL, 1000, &error), error);
	cr_expect_eq(pruning.challenges, ASSAY_PRUNE_MAX);
	cr_expect(pruning.more);
	cr_expect_eq(serving_objects(""), FILES * (OLD + YOUNG));
	for (failing.left = 0; failing.left < 3; failing.left++) {
		const int left = failing.left;
		const unsigned before = serving_objects("");
		cr_assert_eq(assay_store_garbage(store, removed_or_not, &failing, &more, &error), ASSAY_ERROR_IO);
		failing.left = left;
		/* Those that were gone already are asked for again, and are no error. */
		cr_expect_eq(serving_objects(""), before - 1);
		cr_expect_eq(serving_counted("SELECT count(*) FROM garbage"), FILES * ASSAY_PRUNE_MAX);
	}
	assay_store_close(store);
	whole();
	ends_well();
	serving_leave(&serving);
}

/* ---- Room ---- */

static off_t database_bytes(void)
{
	struct stat info;

	cr_assert_eq(stat(support_path("store/store.sqlite"), &info), 0);
	return info.st_size;
}

/* The database becomes smaller while a server has it open and is asked. */
Test(serve_prune_kills, room_is_given_back)
{
	serving_enter(&serving, "");
	fill();
	serving_start(&serving, "");
	served_open(&served, &serving, &serving.prover, 201);
	serving_sql("PRAGMA wal_checkpoint (PASSIVE)");
	const off_t before = database_bytes();
	cr_assert_eq(support_run(PRUNE_ALL), 0, "%s", support_err);
	cr_expect_str_empty(support_err);
	cr_expect_lt(database_bytes(), before - (off_t)(OLD - 4) * TEXT_BYTES, "%lld -> %lld", (long long)before,
	             (long long)database_bytes());
	served_step(&served, 0);
	served_close(&served);
	serving_leave(&serving);
}
