/* SPDX-License-Identifier: Apache-2.0
 *
 * See fetched.h. */
#include "harness/fetched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "harness/asked.h"
#include "harness/state.h"
#include "harness/token.h"
#include "verify/envelope.h"
#include "verify/exchange.h"
#include "verify/key.h"
#include "verify/receipts.h"

enum {
	KEY_BYTES_MAX = 4096,
	CHALLENGE_BYTES_MAX = 2 * ASSAY_CHALLENGE_BYTES_MAX, /* base64 of a payload, and the rest */
	RECEIPTS_BYTES_MAX = ASSAY_STEPS_MAX * ASSAY_STEP_LINE_MAX,
};

/* ---- The key ---- */

static bool key_parse(uint8_t key[ASSAY_KEY_BYTES], const struct assay_client_answer *answer)
{
	uint8_t der[ASSAY_SPKI_BYTES];
	char pem[ASSAY_PEM_MAX];

	if (!answer->body || strlen(answer->body) != answer->len ||
	    !assay_pem_read(der, sizeof der, "PUBLIC KEY", answer->body, NULL))
		return false;
	memcpy(key, der + ASSAY_SPKI_BYTES - ASSAY_KEY_BYTES, ASSAY_KEY_BYTES);
	/* Keys of other kinds are as long, and begin otherwise. */
	assay_key_pem(pem, key);
	return strstr(answer->body, pem) != NULL;
}

static bool key_fits(const void *context, const struct assay_client_answer *answer)
{
	uint8_t key[ASSAY_KEY_BYTES];

	(void)context;
	return key_parse(key, answer);
}

static enum assay_status key_get(uint8_t key[ASSAY_KEY_BYTES], struct assay_remote *remote, struct assay_error *error)
{
	const struct assay_remote_request request = {
	    .path = "/v1/key", .answer_max = KEY_BYTES_MAX, .ok = 200, .fits = key_fits};
	struct assay_client_answer answer;
	enum assay_status status = assay_remote_ask(remote, &request, &answer, error);

	if (!status && !key_parse(key, &answer))
		status =
		    assay_fail(error, ASSAY_ERROR_INPUT, "key.malformed",
		               "%.200s/v1/key: is no Ed25519 public key in PEM: is this the URL of an Assay verifier?",
		               remote->base);
	free(answer.body);
	return status;
}

static enum assay_status key_keep(const uint8_t key[ASSAY_KEY_BYTES], const struct assay_remote *remote,
                                  const char *path, struct assay_error *error)
{
	char pem[ASSAY_PEM_MAX];
	const char *const parts[] = {"Verifier: ", remote->base, "\n", pem};

	assay_key_pem(pem, key);
	return assay_output_write(path, 0644, parts, sizeof parts / sizeof *parts, true, error);
}

enum assay_status assay_fetched_key(uint8_t key[ASSAY_KEY_BYTES], struct assay_remote *remote,
                                    const struct assay_fetched_key *wish, struct assay_error *error)
{
	uint8_t kept[ASSAY_KEY_BYTES];
	char is[65], was[65];
	enum assay_status status =
	    wish->pinned ? assay_asked_key(key, wish->pinned, error) : key_get(key, remote, error);

	if (status || wish->replace || access(wish->kept, F_OK) != 0)
		return status ? status : key_keep(key, remote, wish->kept, error);
	status = assay_asked_key(kept, wish->kept, error);
	if (status || memcmp(kept, key, ASSAY_KEY_BYTES) == 0)
		return status;
	assay_keyid(is, key);
	assay_keyid(was, kept);
	return assay_fail(error, ASSAY_ERROR_INPUT, "verifier.key",
	                  "%.160s has the key %.16s..., and %.120s is %.16s...: ask the verifier which is its own, and "
	                  "take another -o for a new run",
	                  wish->pinned ? wish->pinned : remote->base, is, wish->kept, was);
}

/* ---- The challenge ---- */

void assay_fetched_id(char id[65], const void *payload, size_t len)
{
	uint8_t digest[32];

	crypto_hash_sha256(digest, payload, len);
	assay_hex(id, digest);
}

static bool challenge_fits(const void *context, const struct assay_client_answer *answer)
{
	struct assay_envelope envelope;

	if (!answer->body || !assay_envelope_parse(&envelope, ASSAY_TYPE_CHALLENGE, answer->body, answer->len))
		return false;
	const bool is_signed = assay_envelope_signed_by(&envelope, context);
	free(envelope.payload);
	return is_signed;
}

/* The request, signed; NULL when out of memory. */
static char *request_seal(const struct assay_secret *secret, const uint8_t verifier[ASSAY_KEY_BYTES])
{
	char keyid[65];
	uint8_t bytes[32];

	assay_keyid(keyid, verifier);
	sodium_hex2bin(bytes, sizeof bytes, keyid, 64, NULL, NULL, NULL);
	char *text = assay_request_text(secret->key, bytes);
	char *sealed = text ? assay_secret_seal(secret, ASSAY_TYPE_REQUEST, text) : NULL;
	free(text);
	return sealed;
}

static enum assay_status challenge_ask(struct assay_client_answer *answer, struct assay_remote *remote,
                                       const uint8_t key[ASSAY_KEY_BYTES], const struct assay_fetched_wish *wish,
                                       struct assay_error *error)
{
	char token[ASSAY_TOKEN_MAX + 1];
	enum assay_status status = assay_token_get(token, wish->token_file, error);
	char *body = status ? NULL : request_seal(wish->secret, key);

	if (body) {
		const struct assay_remote_request request = {.path = "/v1/challenges",
		                                             .type = "application/json",
		                                             .bearer = token,
		                                             .body = body,
		                                             .len = strlen(body),
		                                             .answer_max = CHALLENGE_BYTES_MAX,
		                                             .ok = 201,
		                                             .ok_too = 200,
		                                             .fits = challenge_fits,
		                                             .context = key};
		status = assay_remote_ask(remote, &request, answer, error);
	} else if (!status)
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	assay_token_forget(token);
	free(body);
	return status;
}

static bool file_is(const char *path, const char *text, size_t len)
{
	char *there = malloc(len + 1);
	FILE *file = fopen(path, "re");
	const bool same = there && file && fread(there, 1, len + 1, file) == len && memcmp(there, text, len) == 0;

	if (file)
		fclose(file);
	free(there);
	return same;
}

enum assay_status assay_fetched_challenge(struct assay_challenge *challenge, struct assay_remote *remote,
                                          const uint8_t key[ASSAY_KEY_BYTES], const struct assay_fetched_wish *wish,
                                          struct assay_error *error)
{
	struct assay_client_answer answer = {.body = NULL};
	struct assay_envelope envelope = {.payload = NULL};
	enum assay_status status = challenge_ask(&answer, remote, key, wish, error);

	if (!status &&
	    (!answer.body || !assay_envelope_parse(&envelope, ASSAY_TYPE_CHALLENGE, answer.body, answer.len)))
		status = assay_fail(error, ASSAY_ERROR_INPUT, "challenge.malformed",
		                    "%.200s: gives no challenge: is "
		                    "this the URL of an Assay verifier?",
		                    remote->base);
	if (!status)
		status = assay_asked_open(challenge, &envelope, remote->base, key, error);
	if (!status)
		status = assay_asked_in_time(challenge, error);
	/* The same command again, after it was killed: the server has the same challenge for it. */
	if (!status && !file_is(wish->path, answer.body, answer.len))
		status =
		    assay_output_write(wish->path, 0644, (const char *const *)&answer.body, 1, wish->replace, error);
	free(envelope.payload);
	free(answer.body);
	return status;
}

/* ---- Receipts ---- */

struct receipts_wanted {
	struct assay_receipts_of of;
	const uint8_t *key;
};

/* Whether they are those of the first steps, or none: of any job, but of one. */
static bool receipts_fit(const void *context, const struct assay_client_answer *answer)
{
	const struct receipts_wanted *wanted = context;
	struct assay_receipts_of of = wanted->of;
	struct assay_step step, before;
	const char *line = answer->body;
	bool is_signed;

	for (uint32_t number = 0; answer->len && line < answer->body + answer->len; number++) {
		const char *end = memchr(line, '\n', answer->len - (size_t)(line - answer->body));
		if (!end || number == assay_steps_of(of.challenge) ||
		    !assay_receipt_open(&step, &is_signed, line, (size_t)(end + 1 - line), wanted->key) || !is_signed)
			return false;
		if (number == 0)
			memcpy(of.job, step.job, 32);
		if (assay_receipt_fault(&step, number ? &before : NULL, number, &of, NULL))
			return false;
		before = step;
		line = end + 1;
	}
	return true;
}

enum assay_status assay_fetched_receipts(struct assay_remote *remote, const struct assay_challenge *challenge,
                                         const char *challenge_text, const uint8_t key[ASSAY_KEY_BYTES],
                                         const char *path, struct assay_error *error)
{
	struct receipts_wanted wanted = {.of.challenge = challenge, .key = key};
	char id[65], from[128];
	struct assay_client_answer answer;
	struct assay_error ignored;

	if (access(path, F_OK) == 0)
		return ASSAY_OK;
	crypto_hash_sha256(wanted.of.digest, (const uint8_t *)challenge_text, strlen(challenge_text));
	assay_hex(id, wanted.of.digest);
	snprintf(from, sizeof from, "/v1/challenges/%s/receipts", id);
	const struct assay_remote_request request = {
	    .path = from, .answer_max = RECEIPTS_BYTES_MAX, .ok = 200, .fits = receipts_fit, .context = &wanted};
	enum assay_status status = assay_remote_ask(remote, &request, &answer, &ignored);
	if (status)
		return ASSAY_OK;
	if (answer.len && receipts_fit(&wanted, &answer))
		status = assay_output_write(path, 0644, (const char *const *)&answer.body, 1, false, error);
	free(answer.body);
	return status;
}
