/* SPDX-License-Identifier: Apache-2.0
 *
 * See servers_verifier.h. */
#include "harness/test/servers_verifier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "harness/test/support.h"
#include "verify/envelope.h"
#include "verify/key.h"

static struct assay_challenge challenge;
static struct assay_answers answers;
static char *sealed;
static bool bound, has_attestation, has_transcript;

void server_challenge_make(void)
{
	char keyid[65];

	challenge = (struct assay_challenge){.asked = true,
	                                     .expires = server->expires ? server->expires : (uint64_t)time(NULL) + 600,
	                                     .profile = "assay/1 quick",
	                                     .devices = 1,
	                                     .samples = 128,
	                                     .segment_count = 1};
	assay_keyid(keyid, server_verifier.key);
	sodium_hex2bin(challenge.verifier, 32, keyid, 64, NULL, NULL, NULL);
	randombytes_buf(challenge.nonce, sizeof challenge.nonce);
	for (uint32_t j = 0; j < challenge.segment_count; j++)
		challenge.segments[j] =
		    (struct assay_segment){.work = &assay_work_sha256,
		                           .params = *assay_row_params(&assay_rows[0], &assay_work_sha256),
		                           .duration_ms = 1000};
	char *text = assay_challenge_text(&challenge);
	sealed = assay_secret_seal(server->other_challenge ? &server_stranger : &server_verifier, ASSAY_TYPE_CHALLENGE,
	                           text);
	answers = (struct assay_answers){.challenge = &challenge, .secret = &server_verifier};
	crypto_hash_sha256(answers.digest, (const uint8_t *)text, strlen(text));
	assay_hex(server->id, answers.digest);
	free(text);
}

struct server_reply server_refuse(int status, const char *reason, const char *why)
{
	static char text[1024];

	snprintf(text, sizeof text, "{\"reason\":\"%s\",\"text\":\"%s\"}", reason, why);
	return (struct server_reply){status, text, "Content-Type: application/json\r\n"};
}

static struct server_reply challenges(const struct server_request *request)
{
	struct assay_envelope envelope;
	uint8_t key[32], verifier[32];

	if (!strstr(request->head, "\r\nAuthorization: Bearer " SERVER_TOKEN "\r\n"))
		return server_refuse(401, "token.unknown", "this token is not known; ask for another one");
	if (!assay_envelope_parse(&envelope, ASSAY_TYPE_REQUEST, request->body, request->len))
		return server_refuse(400, "request.malformed", "no request");
	const bool good = assay_request_parse(key, verifier, envelope.payload, envelope.payload_len) &&
	                  assay_envelope_signed_by(&envelope, key) && memcmp(key, server_prover.key, 32) == 0;
	free(envelope.payload);
	if (!good)
		return server_refuse(403, "request.signature", "not signed by that key");
	if (memcmp(verifier, challenge.verifier, 32) != 0)
		return server_refuse(409, "request.verifier", "another verifier is meant");
	const int status = bound ? 200 : 201;
	bound = true;
	return (struct server_reply){status, sealed, "Content-Type: application/json\r\n"};
}

static void receipts_write(void)
{
	FILE *file = fopen(support_path(".state/server.receipts.jsonl"), "w");

	for (uint32_t i = 0; i < answers.count; i++)
		fputs(answers.receipts[i], file);
	fclose(file);
}

static struct server_reply messages(const struct server_request *request)
{
	struct timespec now;
	struct assay_error error;
	const char *receipt;

	clock_gettime(CLOCK_REALTIME, &now);
	const uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	if (assay_answer(&answers, request->body, request->len, now_ns, &receipt, &error) != ASSAY_OK)
		return server_refuse(409, error.reason, error.text);
	receipts_write();
	atomic_store(&server->answered, answers.count);
	return (struct server_reply){200, receipt, "Content-Type: application/json\r\n"};
}

static struct server_reply take(const struct server_request *request, const char *name, bool *has, int status)
{
	if (!*has)
		support_write(support_path(name), request->body, request->len);
	*has = true;
	return (struct server_reply){status, "", ""};
}

static struct server_reply verdict(void)
{
	static char *text;
	struct assay_verdict result;
	const struct assay_policy policy = {.trusted = (const uint8_t(*)[32]) & server_prover.key,
	                                    .trusted_count = 1,
	                                    .verifiers = (const uint8_t(*)[32]) & server_verifier.key,
	                                    .verifiers_count = 1};

	if (!has_attestation || !has_transcript)
		return server_refuse(404, "attestation.missing", "nothing to verify");
	if (server->pending) {
		server->pending--;
		return (struct server_reply){202, "", ""};
	}
	free(text);
	if (assay_verify(&result, support_path(".state/server.intoto.json"), NULL, &policy) != ASSAY_OK)
		return server_refuse(500, "server.busy", result.error.text);
	text = assay_verdict_json(&result);
	assay_verdict_close(&result);
	return (struct server_reply){200, text, "Content-Type: application/json\r\n"};
}

static struct server_reply key(void)
{
	static char pem[ASSAY_PEM_MAX];

	assay_key_pem(pem, server->other_key ? server_stranger.key : server_verifier.key);
	return (struct server_reply){200, pem, "Content-Type: application/x-pem-file\r\n"};
}

static struct server_reply receipts(void)
{
	static char text[ASSAY_STEPS_MAX * ASSAY_STEP_LINE_MAX];

	*text = '\0';
	for (uint32_t i = 0; i < answers.count; i++)
		strcat(text, answers.receipts[i]);
	return (struct server_reply){200, text, ""};
}

struct server_reply server_handle(enum server_route route, const struct server_request *request)
{
	switch (route) {
	case SERVER_KEY:
		return key();
	case SERVER_CHALLENGES:
		return challenges(request);
	case SERVER_MESSAGES:
		return messages(request);
	case SERVER_ATTESTATION:
		return take(request, ".state/server.intoto.json", &has_attestation, 204);
	case SERVER_TRANSCRIPT:
		return take(request, ".state/server.transcript", &has_transcript, 202);
	case SERVER_VERDICT:
		return verdict();
	case SERVER_RECEIPTS:
		return receipts();
	default:
		return server_refuse(404, "challenge.unknown", "there is no such challenge");
	}
}

char *server_forge(const char *receipt)
{
	struct assay_envelope envelope;

	if (!assay_envelope_parse(&envelope, ASSAY_TYPE_RECEIPT, receipt, strlen(receipt)))
		return strdup("");
	char *payload = strndup((const char *)envelope.payload, envelope.payload_len);
	char *forged = assay_secret_seal(&server_stranger, ASSAY_TYPE_RECEIPT, payload);
	free(envelope.payload);
	free(payload);
	return forged;
}

void server_challenge_free(void)
{
	free(sealed);
	sealed = NULL;
}
