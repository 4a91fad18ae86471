/* SPDX-License-Identifier: Apache-2.0
 *
 * See fuzz_serve.h: the server that fuzz_serve.c sends requests to, brought to its states by a prover's requests
 * and back to them from copies of its tables. */
#include "harness/test/fuzz_serve.h"

#include <dirent.h>
#include <string.h>

#include "harness/serve/prescribe.h"
#include "harness/serve/sqlite.h"
#include "verify/envelope.h"
#include "verify/transcript.h"

struct assay_server fuzz_server;
struct assay_secret fuzz_prover, fuzz_stranger;
char fuzz_ids[FUZZ_STATES][ASSAY_HEX_MAX], fuzz_key[65], fuzz_keyid[65];
struct fuzz_transcript fuzz_transcripts[FUZZ_STATES];
static char directory[40];

/* What there is of the states. */
static const char *const tables[] = {"keys", "users", "challenges", "steps", "devices"};
enum { TABLES = sizeof tables / sizeof *tables, OBJECTS_MAX = 16 };
static char objects[OBJECTS_MAX][ASSAY_HEX_MAX];
static size_t objects_count;

/* ---- What start.c has ---- */

uint64_t assay_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void assay_log(const char *event, const char *id, const char *format, ...)
{
	(void)event, (void)id, (void)format;
}

/* ---- The server's state ---- */

static void sql(const char *text)
{
	FUZZ_EXPECT(sqlite3_exec(fuzz_server.store->database, text, NULL, NULL, NULL) == SQLITE_OK);
}

/* A request that works, of the challenge of a state: its id is N in the text. */
static void good(uint32_t state, const char *text)
{
	static uint8_t bytes[32768];
	const size_t len = strlen(text);

	FUZZ_EXPECT(len <= sizeof bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = i && text[i - 1] == '@' && text[i] == 'N' ? (uint8_t)('0' + state) : (uint8_t)text[i];
	fuzz_request(bytes, len);
}

static const char ready[] = "POST /v1/challenges/@N/messages\nSeal: m\n\n"
                            "{\"challenge\":\"@N\",\"commit\":null,\"job\":\"@j\",\"key\":\"@k\",\"segment\":0}",
                  commit[] = "POST /v1/challenges/@N/messages\nSeal: m\n\n"
                             "{\"challenge\":\"@N\",\"commit\":\"@j\",\"job\":\"@j\",\"key\":\"@k\",\"segment\":0}",
                  last[] = "POST /v1/challenges/@N/messages\nSeal: m\n\n"
                           "{\"challenge\":\"@N\",\"commit\":null,\"job\":\"@j\",\"key\":\"@k\",\"segment\":1}";

/* One that has steps is not given out again: there is one without. */
static void issue(uint32_t state)
{
	sqlite3_stmt *row;

	good(state, "POST /v1/challenges\nAuthorization: Bearer @t\nSeal: r\n\n"
	            "{\"key\":\"@k\",\"type\":\"assay/1 request\",\"verifier\":\"@v\"}");
	FUZZ_EXPECT(sqlite3_prepare_v2(fuzz_server.store->database,
	                               "SELECT id FROM challenges WHERE id NOT IN (SELECT challenge FROM steps)", -1,
	                               &row, NULL) == SQLITE_OK &&
	            sqlite3_step(row) == SQLITE_ROW);
	assay_sqlite_text(fuzz_ids[state], ASSAY_HEX_MAX, row, 0);
	FUZZ_EXPECT(sqlite3_step(row) == SQLITE_DONE);
	sqlite3_finalize(row);
}

static void transcript_put(struct fuzz_transcript *transcript, const void *data, uint32_t len, bool tells_len)
{
	FUZZ_EXPECT(transcript->len + 4 + len <= sizeof transcript->bytes);
	if (tells_len) {
		assay_le32_write((uint8_t *)transcript->bytes + transcript->len, len);
		transcript->len += 4;
	}
	memcpy(transcript->bytes + transcript->len, data, len);
	transcript->len += len;
}

/* Its header. */
static void transcript_make(uint32_t state)
{
	struct fuzz_transcript *transcript = &fuzz_transcripts[state];
	struct assay_envelope envelope;
	struct assay_error error;
	uint8_t hash[32];
	char *text;

	FUZZ_EXPECT(assay_store_envelope(fuzz_server.store, &text, fuzz_ids[state], &error) == ASSAY_OK);
	FUZZ_EXPECT(assay_envelope_parse(&envelope, ASSAY_TYPE_CHALLENGE, text, strlen(text)));
	transcript_put(transcript, ASSAY_TRANSCRIPT_MAGIC, 8, false);
	transcript_put(transcript, envelope.payload, (uint32_t)envelope.payload_len, true);
	transcript_put(transcript, "[]", 2, true);
	transcript_put(transcript, fuzz_prover.key, sizeof fuzz_prover.key, false);
	crypto_hash_sha256(hash, (const uint8_t *)transcript->bytes, transcript->len);
	assay_hex(transcript->digest, hash);
	free(envelope.payload);
	free(text);
}

/* The vectors' statement of one segment, about the challenge of a state and its transcript. */
static void attest(uint32_t state)
{
	static char text[16384], request[16384];
	struct assay_envelope envelope;
	FILE *file = fopen("verify/vectors/good/receipts-one.intoto.json", "re");

	FUZZ_EXPECT(file);
	const size_t len = fread(text, 1, sizeof text, file);
	fclose(file);
	FUZZ_EXPECT(assay_envelope_parse(&envelope, ASSAY_TYPE_STATEMENT, text, len));
	json_t *root = json_loadb((const char *)envelope.payload, envelope.payload_len, 0, NULL);
	free(envelope.payload);
	json_t *of_challenge = json_object_get(json_object_get(root, "predicate"), "challenge");
	json_t *of_transcript = json_array_get(json_object_get(root, "subject"), 0);
	json_object_set_new(json_object_get(of_challenge, "digest"), "sha256", json_string(fuzz_ids[state]));
	json_object_set_new(json_object_get(of_transcript, "digest"), "sha256",
	                    json_string(fuzz_transcripts[state].digest));
	char *payload = assay_json_text(root);
	json_decref(root);
	snprintf(request, sizeof request, "PUT /v1/challenges/@N/attestation\nSeal: s\n\n%s", payload);
	free(payload);
	good(state, request);
}

static void remove_all(void)
{
	fuzz_remove(directory);
}

static void server_make(void)
{
	struct assay_ask ask = ASSAY_ASK_DEFAULT;
	struct assay_token made = {.name = "fuzz", .keys_max = 1};
	struct assay_error error;
	uint8_t hash[32];

	snprintf(directory, sizeof directory, "%s/fuzz_serve-XXXXXX",
	         access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	FUZZ_EXPECT(mkdtemp(directory));
	atexit(remove_all);
	fuzz_server.limits = (struct assay_limits){.transcript_bytes = 1 << 16, .key_challenges = 8};
	assay_secret_make(&fuzz_server.secret);
	assay_secret_make(&fuzz_prover);
	assay_secret_make(&fuzz_stranger);
	assay_keyid(fuzz_server.keyid, fuzz_server.secret.key);
	(void)sodium_hex2bin(fuzz_server.keyid_bytes, 32, fuzz_server.keyid, 64, NULL, NULL, NULL);
	assay_keyid(fuzz_keyid, fuzz_prover.key);
	assay_hex(fuzz_key, fuzz_prover.key);
	assay_metrics_open(&fuzz_server.metrics);
	pthread_mutex_init(&fuzz_server.mutex, NULL);
	pthread_cond_init(&fuzz_server.work, NULL);
	FUZZ_EXPECT(assay_objects_open(&fuzz_server.objects, directory, &error) == ASSAY_OK);
	FUZZ_EXPECT(assay_store_open(&fuzz_server.store, directory, true, &error) == ASSAY_OK);
	/* Nobody pulls a plug here. */
	sql("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF");
	FUZZ_EXPECT(assay_store_own(fuzz_server.store, fuzz_server.keyid, &error) == ASSAY_OK);
	ask.works = "sha256";
	ask.is_cpu = true;
	ask.devices = 1;
	FUZZ_EXPECT(assay_prescribe_text(made.terms, &ask, &error) == ASSAY_OK);
	crypto_hash_sha256(hash, (const uint8_t *)FUZZ_TOKEN, strlen(FUZZ_TOKEN));
	FUZZ_EXPECT(assay_store_token_add(fuzz_server.store, &made, hash, &error) == ASSAY_OK);
}

/* A challenge in each state, as a prover brings it there, in copies of the tables. */
static void states_make(void)
{
	struct assay_entry submitted;
	struct assay_error error;
	char text[160];

	for (uint32_t state = FUZZ_STATES; state-- > 0;) {
		issue(state);
		transcript_make(state);
		if (state >= FUZZ_BEGUN)
			good(state, ready);
		if (state >= FUZZ_DRAWN) {
			good(state, commit);
			good(state, last);
		}
		if (state == FUZZ_ATTESTED || state == FUZZ_SUBMITTED)
			attest(state);
		if (state == FUZZ_SUBMITTED)
			good(state, "PUT /v1/challenges/@N/transcript\n\n@w");
	}
	FUZZ_EXPECT(assay_store_find(fuzz_server.store, &submitted, fuzz_ids[FUZZ_SUBMITTED], &error) == ASSAY_OK &&
	            submitted.stage == ASSAY_STAGE_SUBMITTED);
	snprintf(text, sizeof text, "UPDATE challenges SET expires = 1 WHERE id = '%s'", fuzz_ids[FUZZ_SILENT]);
	sql(text);
	assay_judges_sweep(&fuzz_server);
	for (size_t i = 0; i < TABLES; i++) {
		snprintf(text, sizeof text, "CREATE TEMP TABLE %s_then AS SELECT * FROM %s", tables[i], tables[i]);
		sql(text);
	}
}

/* No file is left half; with `all`, those that came since are removed. */
static void objects_reset(bool all)
{
	DIR *open = opendir(fuzz_server.objects.path);

	FUZZ_EXPECT(open);
	for (const struct dirent *entry; (entry = readdir(open));) {
		FUZZ_EXPECT(strncmp(entry->d_name, "part-", 5) != 0);
		bool of_state = *entry->d_name == '.' || !all;
		for (size_t i = 0; i < objects_count; i++)
			of_state = of_state || strcmp(entry->d_name, objects[i]) == 0;
		if (!of_state)
			FUZZ_EXPECT(unlinkat(dirfd(open), entry->d_name, 0) == 0);
	}
	closedir(open);
}

static void objects_keep(void)
{
	DIR *open = opendir(fuzz_server.objects.path);

	for (const struct dirent *entry; open && (entry = readdir(open)) && objects_count < OBJECTS_MAX;)
		if (*entry->d_name != '.')
			snprintf(objects[objects_count++], ASSAY_HEX_MAX, "%.64s", entry->d_name);
	FUZZ_EXPECT(open && objects_count < OBJECTS_MAX);
	closedir(open);
}

void fuzz_server_make(void)
{
	server_make();
	states_make();
	objects_keep();
}

void fuzz_server_reset(void)
{
	static int64_t changes;
	static unsigned runs;
	char text[96];

	objects_reset(++runs % 64 == 0);
	if (sqlite3_total_changes64(fuzz_server.store->database) == changes)
		return;
	sql("BEGIN; PRAGMA defer_foreign_keys = ON");
	for (size_t i = 0; i < TABLES; i++) {
		snprintf(text, sizeof text, "DELETE FROM %s", tables[i]);
		sql(text);
		snprintf(text, sizeof text, "INSERT INTO %s SELECT * FROM %s_then", tables[i], tables[i]);
		sql(text);
	}
	sql("COMMIT");
	changes = sqlite3_total_changes64(fuzz_server.store->database);
}
