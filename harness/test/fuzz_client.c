/* SPDX-License-Identifier: Apache-2.0
 *
 * A prover and a server that says anything at all (SPEC 4.6): its key, a challenge, a whole exchange, what was done,
 * the verdict. The first byte of an input says how the prover was called; the rest is what the server says, as
 * fuzz_client_script.c has it, until there is no more: then it is honest. A prover that was turned away comes back, as
 * `assay run --resume` does, and at the end to an honest server only. Whatever was said: nothing hangs or waits longer
 * than is written down, no secret goes anywhere, what is printed is printable, what is written to a file holds for
 * those who verify, and who does not have the verifier's key cannot keep the prover from its verdict. */
#include "harness/test/fuzz_client.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <sodium.h>

#include "harness/asked.h"
#include "harness/state.h"
#include "harness/submit.h"
#include "harness/token.h"
#include "verify/envelope.h"
#include "verify/receipts.h"

enum {
	PINNED = 1, /* the verifier's key is known */
	JSON = 2,   /* the verdict as JSON */
	COMES_BACK = 4,
	VERDICT_S = 600,  /* a verdict is waited for */
	UNTIL_S = 61,     /* something else, without a challenge; a second more where seconds are counted */
	GRACE_S = 61 + 1, /* after the challenge has expired */
};

static char directory[40], kept[64], challenge_path[80], receipts_path[80], token_path[64], pinned_path[64], prefix[64];
static int printed = -1; /* standard output */

/* What a prover has in memory, or in its checkpoint. */
static struct {
	struct assay_remote remote;
	struct assay_exchange exchange;
	struct assay_challenge challenge;
	char *challenge_text;
	bool has_challenge;
	bool fetched; /* the file of receipts, as they are on the server: of a job that only the server knows of */
} prover;

/* ---- What always holds ---- */

static void printable(const char *text, const char *besides)
{
	for (; *text; text++)
		FUZZ_EXPECT((*text >= 0x20 && *text <= 0x7e) || strchr(besides, *text));
}

static void error_check(const struct assay_error *error)
{
	FUZZ_EXPECT(*error->reason && *error->text);
	FUZZ_EXPECT(strspn(error->reason, "abcdefghijklmnopqrstuvwxyz0123456789.-") == strlen(error->reason));
	printable(error->text, "");
	/* What is said of a device only the prover itself says. */
	FUZZ_EXPECT(strncmp(error->reason, "device.", 7) != 0 && strcmp(error->reason, "attest.refused") != 0);
}

/* The receipts that lie there are the verifier's, of this challenge, and step by step. */
static void receipts_check(bool all)
{
	static const uint8_t job[32] = {7}, commits[ASSAY_SEGMENTS_MAX][32];
	struct assay_receipts receipts;
	struct assay_receipts_of of = {.challenge = &prover.challenge, .commits = commits};
	enum assay_reason reason;
	struct assay_error error;
	struct stat info;
	char detail[200];
	uint32_t count = 0;

	if (!prover.has_challenge || stat(receipts_path, &info) != 0)
		return;
	FILE *file = fopen(receipts_path, "re");
	FUZZ_EXPECT(file);
	for (int c; (c = fgetc(file)) != EOF;)
		count += c == '\n';
	fclose(file);
	FUZZ_EXPECT(!all || count == assay_steps_of(&prover.challenge));
	memcpy(of.job, job, 32);
	crypto_hash_sha256(of.digest, (const uint8_t *)prover.challenge_text, strlen(prover.challenge_text));
	FUZZ_EXPECT(assay_receipts_read(&receipts, count, receipts_path, &reason, &error) == ASSAY_OK);
	FUZZ_EXPECT(reason == ASSAY_REASON_NONE && count <= ASSAY_STEPS_MAX);
	FUZZ_EXPECT(count && assay_receipts_signed_by(&receipts, prover.exchange.verifier));
	FUZZ_EXPECT(assay_receipts_match(&receipts, &of, detail, sizeof detail) == ASSAY_REASON_NONE ||
	            (fuzz_world.liar && prover.fetched && !all));
	assay_receipts_close(&receipts);
}

/* ---- A prover ---- */

static void remark(const struct assay_error *why)
{
	error_check(why);
}

/* Seconds in which something is asked for again. */
static uint64_t until_expired(void)
{
	const uint64_t end = prover.challenge.expires + GRACE_S, now = (uint64_t)time(NULL);

	return now < end ? end - now : 0;
}

static enum assay_status key_get(uint8_t mode, struct assay_error *error)
{
	const struct assay_fetched_key wish = {.pinned = mode & PINNED ? pinned_path : NULL, .kept = kept};
	uint8_t again[1][ASSAY_KEY_BYTES];
	size_t count;

	fuzz_deadline(prover.has_challenge ? until_expired() : UNTIL_S);
	enum assay_status status = assay_fetched_key(prover.exchange.verifier, &prover.remote, &wish, error);
	if (!status) {
		FUZZ_EXPECT(assay_keys_read(again, &count, 1, kept, NULL) == ASSAY_OK);
		FUZZ_EXPECT(memcmp(again[0], prover.exchange.verifier, ASSAY_KEY_BYTES) == 0);
	}
	return status;
}

static enum assay_status challenge_get(struct assay_error *error)
{
	const struct assay_fetched_wish wish = {
	    .secret = &fuzz_prover, .token_file = token_path, .path = challenge_path};
	struct assay_challenge again;
	struct assay_error why;

	fuzz_deadline(UNTIL_S);
	enum assay_status status =
	    assay_fetched_challenge(&prover.challenge, &prover.remote, prover.exchange.verifier, &wish, error);
	if (!status)
		status = assay_asked_devices(&prover.challenge, 1, error);
	if (status)
		return status;
	FUZZ_EXPECT(assay_asked_read(&again, challenge_path, prover.exchange.verifier, &why) == ASSAY_OK);
	FUZZ_EXPECT(memcmp(&again, &prover.challenge, sizeof again) == 0);
	prover.challenge_text = assay_challenge_text(&prover.challenge);
	prover.has_challenge = true;
	return ASSAY_OK;
}

/* What is there already, as asker.c has it. */
static enum assay_status receipts_get(struct assay_error *error)
{
	fuzz_deadline(until_expired());
	const bool before = access(receipts_path, F_OK) == 0;
	enum assay_status status = assay_fetched_receipts(&prover.remote, &prover.challenge, prover.challenge_text,
	                                                  prover.exchange.verifier, receipts_path, error);
	prover.fetched = prover.fetched || (!before && access(receipts_path, F_OK) == 0);
	receipts_check(false);
	return status;
}

static enum assay_status exchange_do(struct assay_error *error)
{
	static const uint8_t job[32] = {7}, commit[32];
	static struct assay_link_http http;
	struct assay_exchange *exchange = &prover.exchange;
	uint8_t nonce[32];

	exchange->challenge = &prover.challenge;
	exchange->secret = &fuzz_prover;
	exchange->prefix = prefix;
	http = (struct assay_link_http){.remote = &prover.remote, .exchange = exchange};
	assay_fetched_id(http.id, prover.challenge_text, strlen(prover.challenge_text));
	exchange->link = assay_link_http(&http);
	prover.remote.expires = prover.challenge.expires;
	enum assay_status status = assay_exchange_open(exchange, prover.challenge_text, job, error);
	for (uint32_t j = 0; !status && j <= prover.challenge.segment_count; j++) {
		fuzz_deadline(until_expired());
		status = assay_exchange_ready(exchange, j, nonce, error);
		fuzz_deadline(until_expired());
		if (!status && j < prover.challenge.segment_count)
			status = assay_exchange_commit(exchange, j, commit, error);
	}
	assay_exchange_close(exchange);
	receipts_check(!status);
	return status;
}

/* ---- The end ---- */

static void files_make(void)
{
	char path[80];
	uint8_t head[12] = "assay-t1";

	assay_le32_write(head + 8, (uint32_t)strlen(prover.challenge_text));
	snprintf(path, sizeof path, "%s.transcript", prefix);
	FILE *file = fopen(path, "we");
	FUZZ_EXPECT(file && fwrite(head, 1, sizeof head, file) == sizeof head);
	FUZZ_EXPECT(fputs(prover.challenge_text, file) >= 0 && fclose(file) == 0);
	snprintf(path, sizeof path, "%s.intoto.json", prefix);
	file = fopen(path, "we");
	FUZZ_EXPECT(file && fputs("{}\n", file) >= 0 && fclose(file) == 0);
}

/* One line, which is one JSON object with a verdict. */
static void json_check(void)
{
	static char text[FUZZ_REPLY_MAX * 6 + 2];

	fflush(stdout);
	const ssize_t len = pread(printed, text, sizeof text - 1, 0);
	FUZZ_EXPECT(len > 1 && len < (ssize_t)sizeof text - 1);
	text[len] = '\0';
	printable(text, "\n");
	FUZZ_EXPECT(strchr(text, '\n') == text + len - 1);
	json_t *root = json_loadb(text, (size_t)len, JSON_REJECT_DUPLICATES, NULL);
	FUZZ_EXPECT(json_is_string(json_object_get(root, "verdict")));
	json_decref(root);
}

static enum assay_status submit(uint8_t mode, int *code, struct assay_error *error)
{
	const uint64_t now = (uint64_t)time(NULL);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	const struct assay_submission submission = {
	    .remote = &prover.remote, .prefix = prefix, .json = mode & JSON, .out = out};

	FUZZ_EXPECT(out && ftruncate(printed, 0) == 0 && lseek(printed, 0, SEEK_SET) == 0);
	files_make();
	const uint64_t late = prover.challenge.expires > now + UNTIL_S ? prover.challenge.expires - now : UNTIL_S;
	fuzz_deadline(late + VERDICT_S + GRACE_S);
	enum assay_status status = assay_submit(&submission, code, error);
	prover.remote.until = 0;
	fclose(out);
	printable(text, "\n");
	free(text);
	if (!status) {
		FUZZ_EXPECT(*code == ASSAY_PASS || *code == ASSAY_FAIL || *code == ASSAY_INCONCLUSIVE ||
		            *code == ASSAY_MALFORMED);
		if (mode & JSON)
			json_check();
	}
	return status;
}

static bool stranger_is_kept(void)
{
	uint8_t keys[1][ASSAY_KEY_BYTES];
	size_t count;

	return assay_keys_read(keys, &count, 1, kept, NULL) == ASSAY_OK &&
	       memcmp(keys[0], fuzz_verifier.key, ASSAY_KEY_BYTES) != 0;
}

/* From where it is to the verdict. */
static enum assay_status come(uint8_t mode, int *code, struct assay_error *error)
{
	prover.remote = (struct assay_remote){.url = FUZZ_URL, .remark = remark};
	enum assay_status status = assay_remote_open(&prover.remote, error);
	FUZZ_EXPECT(!status);
	if (prover.has_challenge)
		prover.remote.expires = prover.challenge.expires;
	const bool again = prover.has_challenge;
	status = key_get(mode, error);
	if (!status)
		status = again ? receipts_get(error) : challenge_get(error);
	if (!status)
		status = exchange_do(error);
	if (!status)
		status = submit(mode, code, error);
	if (status)
		error_check(error);
	assay_remote_close(&prover.remote);
	return status;
}

/* Nothing is left half. */
static void files_remove(void)
{
	char command[96];

	unlink(kept);
	unlink(challenge_path);
	unlink(receipts_path);
	snprintf(command, sizeof command, "%s/x.transcript", directory);
	unlink(command);
	snprintf(command, sizeof command, "%s/x.intoto.json", directory);
	unlink(command);
}

static void remove_all(void)
{
	fuzz_remove(directory);
}

static void make(void)
{
	const char *const token[] = {FUZZ_TOKEN, "\n"};
	struct assay_error error;

	fuzz_world_make();
	snprintf(directory, sizeof directory, "%s/fuzz_client-XXXXXX",
	         access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	FUZZ_EXPECT(mkdtemp(directory));
	atexit(remove_all);
	snprintf(prefix, sizeof prefix, "%s/x", directory);
	snprintf(kept, sizeof kept, "%s.verifier.pub", prefix);
	snprintf(challenge_path, sizeof challenge_path, "%s.challenge.json", prefix);
	snprintf(receipts_path, sizeof receipts_path, "%s.receipts.jsonl", prefix);
	snprintf(token_path, sizeof token_path, "%s/token", directory);
	snprintf(pinned_path, sizeof pinned_path, "%s/verifier", directory);
	FUZZ_EXPECT(assay_output_write(token_path, 0600, token, 2, true, &error) == ASSAY_OK);
	FUZZ_EXPECT(assay_secret_write(&fuzz_verifier, pinned_path, true, &error) == ASSAY_OK);
	strcat(pinned_path, ".pub");
	printed = memfd_create("out", MFD_CLOEXEC);
	FUZZ_EXPECT(printed >= 0 && dup2(printed, STDOUT_FILENO) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_error error;
	int code = -1;

	if (printed < 0)
		make();
	const uint8_t mode = size ? *data : 0;
	memset(&prover, 0, sizeof prover);
	fuzz_world_begin(data + (size > 0), size - (size > 0));
	enum assay_status status = come(mode, &code, &error);
	if (status && mode & COMES_BACK)
		status = come(mode, &code, &error);
	const bool honest = !fuzz_world.liar;
	fuzz_world.script_len = 0;
	if (status)
		status = come(mode, &code, &error);
	/* A stranger's key that was taken on first use stays, and so does the end of a challenge. */
	if (honest && !stranger_is_kept() && fuzz_world.now_ns / 1000000000 < fuzz_world.challenge.expires)
		FUZZ_EXPECT(!status);
	free(prover.challenge_text);
	fuzz_world_end();
	files_remove();
	return 0;
}
