/* SPDX-License-Identifier: Apache-2.0
 *
 * The server without its sockets (SPEC 4.6): requests one after the other, from their heads to their replies, on a
 * store that has a challenge in each state. An input is, for each request, and 0x1e between two: METHOD PATH; a line
 * NAME: VALUE each for Authorization, Length, Transfer, Encoding, Type; an empty line; the body. A fuzzer signs nothing
 * by itself: Seal: TYPE signs the body with the prover's key, Forge: TYPE with another one. In all of it @0 to @5 are
 * ids of the challenges, @w and @d the beginning of a transcript of the one that was named last and its digest, @j the
 * job, @k and @i the prover's key and keyid, @v the verifier's keyid, @t the token. */
#include "verify/test/fuzz.h"

#include <dirent.h>
#include <string.h>

#include "harness/serve/call.h"
#include "harness/serve/prescribe.h"
#include "harness/serve/sqlite.h"
#include "verify/envelope.h"
#include "verify/transcript.h"

enum { REQUESTS_MAX = 6, TEXT_MAX = 1 << 16, ISSUED = 0, BEGUN, DRAWN, ATTESTED, SUBMITTED, SILENT, STATES };

static struct assay_server server;
static struct assay_secret prover, stranger;
static char directory[40], ids[STATES][ASSAY_HEX_MAX], key[65], keyid[65];
static const char job[] = "0707070707070707070707070707070707070707070707070707070707070707", token[] = "assay1_fuzz";
static struct transcript {
	char bytes[4096], digest[ASSAY_HEX_MAX];
	size_t len;
} transcripts[STATES];
static size_t named; /* the state of which the last id was */
static unsigned runs;

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

static void sql(const char *text)
{
	FUZZ_EXPECT(sqlite3_exec(server.store->database, text, NULL, NULL, NULL) == SQLITE_OK);
}

/* ---- One request ---- */

struct text {
	char bytes[TEXT_MAX + 1];
	size_t len;
};

/* Up to the limits of a body, and not beyond what it needs: a sanitizer sees the end. */
static void put(struct text *text, const char *bytes, size_t len)
{
	if (len > TEXT_MAX - text->len)
		len = TEXT_MAX - text->len;
	memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
	text->bytes[text->len] = '\0';
}

static void expand(struct text *text, const uint8_t *data, size_t len)
{
	text->len = 0;
	*text->bytes = '\0';
	for (size_t i = 0; i < len; i++) {
		const char *word = NULL;
		const uint8_t next = data[i] == '@' && i + 1 < len ? data[i + 1] : 0;
		if (next >= '0' && next < '0' + STATES)
			word = ids[named = next - '0'];
		else if (next == 'w')
			word = transcripts[named].bytes;
		else if (next)
			word = next == 'j'   ? job
			       : next == 'k' ? key
			       : next == 'i' ? keyid
			       : next == 'v' ? server.keyid
			       : next == 'd' ? transcripts[named].digest
			       : next == 't' ? token
			                     : NULL;
		if (word)
			put(text, word, next == 'w' ? transcripts[named].len : strlen(word));
		else
			put(text, (const char *)data + i, 1);
		i += word != NULL;
	}
}

static const char *type_of(const char *word)
{
	return *word == 'r' ? ASSAY_TYPE_REQUEST : *word == 's' ? ASSAY_TYPE_STATEMENT : ASSAY_TYPE_MESSAGE;
}

static bool known(const char *reason)
{
	const struct assay_cause *cause = assay_causes;

	while (cause->reason && strcmp(cause->reason, reason) != 0)
		cause++;
	return cause->reason != NULL;
}

/* What holds for every reply. */
static void reply_check(const struct assay_call *call)
{
	const struct assay_reply *reply = &call->reply;

	/* Nothing that a stranger sends is the server's error. */
	FUZZ_EXPECT(reply->status >= 200 && reply->status < 500);
	FUZZ_EXPECT((reply->status >= 400) == (*reply->reason != '\0') && (!*reply->reason || known(reply->reason)));
	FUZZ_EXPECT((reply->file >= 0) != (reply->body != NULL));
	FUZZ_EXPECT(call->request.incoming.file < 0 && !call->request.uploads);
	if (reply->body && reply->type && strcmp(reply->type, "application/json") == 0) {
		json_t *root = json_loadb(reply->body, reply->len, JSON_REJECT_DUPLICATES, NULL);
		FUZZ_EXPECT(root && reply->body[reply->len - 1] == '\n');
		json_decref(root);
	}
	for (size_t i = 0; i < ASSAY_UPLOADS_MAX; i++)
		FUZZ_EXPECT(!*server.uploads[i]);
}

/* The body on the heap, in two parts, each as long as it is. */
static void call_do(struct assay_call *call, const struct assay_head *head, const char *body, size_t len)
{
	const size_t first = len / 3;

	memset(call, 0, sizeof *call);
	assay_call_begin(&server, call, head);
	if (assay_call_is_over(call, head)) {
		assay_call_release(&server, call);
		return;
	}
	for (size_t part = 0; part < 2; part++) {
		const size_t part_len = part ? len - first : first;
		char *bytes = malloc(part_len + 1);
		FUZZ_EXPECT(bytes);
		memcpy(bytes, body + (part ? first : 0), part_len);
		if (part_len)
			assay_call_take(call, bytes, part_len);
		free(bytes);
	}
	assay_call_answer(&server, call);
}

/* Each request may be repeated, and then has the same answer and no other effect. */
static void call_twice(const struct assay_head *head, const char *body, size_t len)
{
	static struct assay_call call, again;

	call_do(&call, head, body, len);
	reply_check(&call);
	call_do(&again, head, body, len);
	reply_check(&again);
	const bool tells_time = call.request.route && strcmp(call.request.route->path, "/metrics") == 0;
	const bool is_new = call.reply.status == 201;
	FUZZ_EXPECT(again.reply.status == (is_new ? 200 : call.reply.status));
	FUZZ_EXPECT(strcmp(again.reply.reason, call.reply.reason) == 0);
	if (!tells_time && call.reply.body)
		FUZZ_EXPECT(again.reply.len == call.reply.len &&
		            memcmp(again.reply.body, call.reply.body, call.reply.len) == 0);
	assay_reply_close(&call.reply);
	assay_reply_close(&again.reply);
}

static void request_do(const uint8_t *data, size_t len)
{
	static const char *const names[] = {
	    "Authorization: ", "Length: ", "Transfer: ", "Encoding: ", "Type: ", "Seal: ", "Forge: "};
	enum { AUTHORIZATION, LENGTH, TRANSFER, ENCODING, TYPE, SEAL, FORGE, NAMES };
	static struct text start, body;
	const char *values[NAMES] = {NULL};
	char length[24], *rest = start.bytes;

	const uint8_t *end = memmem(data, len, "\n\n", 2);
	const size_t start_len = end ? (size_t)(end - data) : len;
	expand(&start, data, start_len);
	expand(&body, data + start_len + (end ? 2 : 0), len - start_len - (end ? 2 : 0));
	const char *method = strsep(&rest, " \n"), *path = rest ? strsep(&rest, "\n") : "";
	for (const char *line; (line = strsep(&rest, "\n"));)
		for (size_t i = 0; i < NAMES; i++)
			if (strncmp(line, names[i], strlen(names[i])) == 0)
				values[i] = line + strlen(names[i]);
	if (values[SEAL] || values[FORGE]) {
		char *sealed = assay_secret_seal(values[SEAL] ? &prover : &stranger,
		                                 type_of(values[SEAL] ? values[SEAL] : values[FORGE]), body.bytes);
		body.len = 0;
		FUZZ_EXPECT(sealed);
		put(&body, sealed, strlen(sealed));
		free(sealed);
	}
	snprintf(length, sizeof length, "%zu", body.len);
	const struct assay_head head = {.method = method,
	                                .path = path,
	                                .authorization = values[AUTHORIZATION],
	                                .length = values[LENGTH] ? values[LENGTH] : length,
	                                .transfer = values[TRANSFER],
	                                .encoding = values[ENCODING],
	                                .type = values[TYPE]};
	call_twice(&head, body.bytes, body.len);
}

/* ---- The server's state ---- */

/* A request that works, of the challenge of a state: its id is N in the text. */
static void good(uint32_t state, const char *text)
{
	static uint8_t bytes[32768];
	const size_t len = strlen(text);

	FUZZ_EXPECT(len <= sizeof bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = i && text[i - 1] == '@' && text[i] == 'N' ? (uint8_t)('0' + state) : (uint8_t)text[i];
	request_do(bytes, len);
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
	FUZZ_EXPECT(sqlite3_prepare_v2(server.store->database,
	                               "SELECT id FROM challenges WHERE id NOT IN (SELECT challenge FROM steps)", -1,
	                               &row, NULL) == SQLITE_OK &&
	            sqlite3_step(row) == SQLITE_ROW);
	assay_sqlite_text(ids[state], ASSAY_HEX_MAX, row, 0);
	FUZZ_EXPECT(sqlite3_step(row) == SQLITE_DONE);
	sqlite3_finalize(row);
}

static void transcript_put(struct transcript *transcript, const void *data, uint32_t len, bool tells_len)
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
	struct transcript *transcript = &transcripts[state];
	struct assay_envelope envelope;
	struct assay_error error;
	uint8_t hash[32];
	char *text;

	FUZZ_EXPECT(assay_store_envelope(server.store, &text, ids[state], &error) == ASSAY_OK);
	FUZZ_EXPECT(assay_envelope_parse(&envelope, ASSAY_TYPE_CHALLENGE, text, strlen(text)));
	transcript_put(transcript, ASSAY_TRANSCRIPT_MAGIC, 8, false);
	transcript_put(transcript, envelope.payload, (uint32_t)envelope.payload_len, true);
	transcript_put(transcript, "[]", 2, true);
	transcript_put(transcript, prover.key, sizeof prover.key, false);
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
	json_object_set_new(json_object_get(of_challenge, "digest"), "sha256", json_string(ids[state]));
	json_object_set_new(json_object_get(of_transcript, "digest"), "sha256", json_string(transcripts[state].digest));
	char *payload = assay_json_text(root);
	json_decref(root);
	snprintf(request, sizeof request, "PUT /v1/challenges/@N/attestation\nSeal: s\n\n%s", payload);
	free(payload);
	good(state, request);
}

static void remove_all(void)
{
	char command[96];

	snprintf(command, sizeof command, "rm -rf %s", directory);
	if (system(command) != 0)
		fprintf(stderr, "%s stays\n", directory);
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
	server.limits = (struct assay_limits){.transcript_bytes = 1 << 16, .key_challenges = 8};
	assay_secret_make(&server.secret);
	assay_secret_make(&prover);
	assay_secret_make(&stranger);
	assay_keyid(server.keyid, server.secret.key);
	(void)sodium_hex2bin(server.keyid_bytes, 32, server.keyid, 64, NULL, NULL, NULL);
	assay_keyid(keyid, prover.key);
	assay_hex(key, prover.key);
	assay_metrics_open(&server.metrics);
	pthread_mutex_init(&server.mutex, NULL);
	pthread_cond_init(&server.work, NULL);
	FUZZ_EXPECT(assay_objects_open(&server.objects, directory, &error) == ASSAY_OK);
	FUZZ_EXPECT(assay_store_open(&server.store, directory, true, &error) == ASSAY_OK);
	/* Nobody pulls a plug here. */
	sql("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF");
	FUZZ_EXPECT(assay_store_own(server.store, server.keyid, &error) == ASSAY_OK);
	ask.works = "sha256";
	ask.is_cpu = true;
	ask.devices = 1;
	FUZZ_EXPECT(assay_prescribe_text(made.terms, &ask, &error) == ASSAY_OK);
	crypto_hash_sha256(hash, (const uint8_t *)token, strlen(token));
	FUZZ_EXPECT(assay_store_token_add(server.store, &made, hash, &error) == ASSAY_OK);
}

/* A challenge in each state, as a prover brings it there, in copies of the tables. */
static void states_make(void)
{
	struct assay_entry submitted;
	struct assay_error error;
	char text[160];

	for (uint32_t state = STATES; state-- > 0;) {
		issue(state);
		transcript_make(state);
		if (state >= BEGUN)
			good(state, ready);
		if (state >= DRAWN) {
			good(state, commit);
			good(state, last);
		}
		if (state == ATTESTED || state == SUBMITTED)
			attest(state);
		if (state == SUBMITTED)
			good(state, "PUT /v1/challenges/@N/transcript\n\n@w");
	}
	FUZZ_EXPECT(assay_store_find(server.store, &submitted, ids[SUBMITTED], &error) == ASSAY_OK &&
	            submitted.stage == ASSAY_STAGE_SUBMITTED);
	snprintf(text, sizeof text, "UPDATE challenges SET expires = 1 WHERE id = '%s'", ids[SILENT]);
	sql(text);
	assay_judges_sweep(&server);
	for (size_t i = 0; i < TABLES; i++) {
		snprintf(text, sizeof text, "CREATE TEMP TABLE %s_then AS SELECT * FROM %s", tables[i], tables[i]);
		sql(text);
	}
}

/* No file is left half; with `all`, those that came since are removed. */
static void objects_reset(bool all)
{
	DIR *open = opendir(server.objects.path);

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
	DIR *open = opendir(server.objects.path);

	for (const struct dirent *entry; open && (entry = readdir(open)) && objects_count < OBJECTS_MAX;)
		if (*entry->d_name != '.')
			snprintf(objects[objects_count++], ASSAY_HEX_MAX, "%.64s", entry->d_name);
	FUZZ_EXPECT(open && objects_count < OBJECTS_MAX);
	closedir(open);
}

/* As at first. */
static void reset(void)
{
	static int64_t changes;
	char text[96];

	objects_reset(++runs % 64 == 0);
	if (sqlite3_total_changes64(server.store->database) == changes)
		return;
	sql("BEGIN; PRAGMA defer_foreign_keys = ON");
	for (size_t i = 0; i < TABLES; i++) {
		snprintf(text, sizeof text, "DELETE FROM %s", tables[i]);
		sql(text);
		snprintf(text, sizeof text, "INSERT INTO %s SELECT * FROM %s_then", tables[i], tables[i]);
		sql(text);
	}
	sql("COMMIT");
	changes = sqlite3_total_changes64(server.store->database);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool made;

	if (!made) {
		server_make();
		states_make();
		objects_keep();
		made = true;
	}
	for (int i = 0; i < REQUESTS_MAX && size; i++) {
		const uint8_t *end = memchr(data, 0x1e, size);
		const size_t len = end ? (size_t)(end - data) : size;
		request_do(data, len);
		data += len + (end != NULL);
		size -= len + (end != NULL);
	}
	reset();
	return 0;
}
