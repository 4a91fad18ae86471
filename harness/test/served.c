/* SPDX-License-Identifier: Apache-2.0
 *
 * See serving.h: the prover. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "harness/serve/routes.h"
#include "harness/test/serving.h"
#include "harness/test/support.h"
#include "harness/workload.h"
#include "verify/chain.h"
#include "verify/envelope.h"
#include "verify/test/support.h"
#include "verify/transcript.h"

/* As the attestation has it that the one below is made of, but for an id. */
#define DEVICE_ID "00112233445566778899aabbccddeeff"
static const char devices[] =
    "[{\"architecture\":\"none\",\"backend\":\"vectors\",\"computeUnits\":1,\"deviceId\":\"" DEVICE_ID
    "\",\"driver\":\"0\","
    "\"memoryBytes\":0,\"name\":\"device 0\",\"variant\":\"scalar\"}]";

char *serving_request(const struct assay_secret *key, const uint8_t verifier[ASSAY_KEY_BYTES])
{
	char keyid[65];
	uint8_t bytes[32];

	assay_keyid(keyid, verifier);
	sodium_hex2bin(bytes, 32, keyid, 64, NULL, NULL, NULL);
	char *payload = assay_request_text(key->key, bytes);
	char *line = assay_secret_seal(key, ASSAY_TYPE_REQUEST, payload);
	cr_assert(line);
	free(payload);
	return line;
}

struct serving_reply serving_post(const struct serving *serving, const struct assay_secret *key)
{
	char header[128];
	char *request = serving_request(key, serving->verifier.key);

	snprintf(header, sizeof header, "Authorization: Bearer %s\r\n", serving->token);
	struct serving_reply reply = serving_ask(serving, "POST", "/v1/challenges", header, request, strlen(request));
	free(request);
	return reply;
}

void served_open(struct served *served, const struct serving *serving, const struct assay_secret *key, unsigned status)
{
	struct serving_reply reply = serving_post(serving, key);
	struct assay_envelope envelope;
	char detail[200];

	memset(served, 0, sizeof *served);
	served->serving = serving;
	served->key = key;
	cr_assert_eq(reply.status, status, "%u: %s", reply.status, reply.body);
	cr_assert(assay_envelope_parse(&envelope, ASSAY_TYPE_CHALLENGE, reply.body, reply.len));
	cr_assert(assay_envelope_signed_by(&envelope, serving->verifier.key));
	cr_assert_eq(
	    assay_challenge_parse(&served->challenge, envelope.payload, envelope.payload_len, detail, sizeof detail),
	    ASSAY_REASON_NONE, "%s", detail);
	served->payload = strndup((const char *)envelope.payload, envelope.payload_len);
	free(envelope.payload);
	served->sealed = reply.body;
	served->receipts = calloc(1, 1);
	crypto_hash_sha256(served->digest, (const uint8_t *)served->payload, strlen(served->payload));
	assay_hex(served->id, served->digest);
	snprintf(served->path, sizeof served->path, "\r\nLocation: /v1/challenges/%s\r\n", served->id);
	cr_expect(strcasestr(reply.head, served->path), "%s", reply.head);
	snprintf(served->path, sizeof served->path, "/v1/challenges/%s", served->id);
	assay_chain_job(served->job, served->payload, strlen(served->payload), key->key, devices, sizeof devices - 1);
	memset(served->commit, 9, 32);
}

void served_close(struct served *served)
{
	free(served->sealed);
	free(served->payload);
	free(served->receipts);
	free(served->transcript);
	free(served->attestation);
}

const char *served_path(const struct served *served, const char *name)
{
	static _Thread_local char paths[4][320];
	static _Thread_local unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", served->path, name);
	return path;
}

char *served_message(const struct served *served, uint32_t number)
{
	struct assay_step step = {.segment = number / 2, .is_commit = number % 2};

	memcpy(step.challenge, served->digest, 32);
	memcpy(step.job, served->job, 32);
	memcpy(step.key, served->key->key, 32);
	if (step.is_commit)
		memcpy(step.commit, served->commit, 32);
	char *payload = assay_message_text(&step);
	char *line = assay_secret_seal(served->key, ASSAY_TYPE_MESSAGE, payload);
	cr_assert(line);
	free(payload);
	return line;
}

struct serving_reply served_say(const struct served *served, uint32_t number)
{
	char *line = served_message(served, number);
	struct serving_reply reply =
	    serving_ask(served->serving, "POST", served_path(served, "messages"), "", line, strlen(line));

	free(line);
	return reply;
}

void served_step(struct served *served, uint32_t number)
{
	struct serving_reply reply = served_say(served, number);
	struct assay_envelope envelope;
	struct assay_step step;

	cr_assert_eq(reply.status, 200, "%u: %s", reply.status, reply.body);
	cr_assert(assay_envelope_parse(&envelope, ASSAY_TYPE_RECEIPT, reply.body, reply.len));
	cr_assert(assay_envelope_signed_by(&envelope, served->serving->verifier.key));
	cr_assert(assay_receipt_parse(&step, envelope.payload, envelope.payload_len));
	cr_assert(assay_step_is(&step, number));
	free(envelope.payload);
	if (!step.is_commit)
		memcpy(served->nonces[step.segment], step.nonce, 32);
	char *more = realloc(served->receipts, strlen(served->receipts) + reply.len + 1);
	cr_assert(more);
	strcat(more, reply.body);
	served->receipts = more;
	serving_free(&reply);
}

/* ---- What it shows ---- */

static void digest_set(json_t *object, const void *data, size_t len)
{
	uint8_t hash[32];
	char hex[65];

	crypto_hash_sha256(hash, data, len);
	assay_hex(hex, hash);
	json_object_set_new(json_object_get(object, "digest"), "sha256", json_string(hex));
}

/* The vectors' attestation of one segment of sha256/1, made to speak of this challenge. */
static void attestation_make(struct served *served)
{
	struct test_pair pair = test_pair_read("good/receipts-one");
	struct test_bytes payload = test_payload(&pair.envelope);
	json_t *root = json_loadb((const char *)payload.data, payload.len, 0, NULL);
	json_t *predicate = json_object_get(root, "predicate"), *subject = json_object_get(root, "subject");

	digest_set(json_object_get(predicate, "challenge"), served->payload, strlen(served->payload));
	json_object_set_new(json_object_get(predicate, "challenge"), "profile", json_string(served->challenge.profile));
	json_object_set_new(json_array_get(json_object_get(predicate, "devices"), 0), "deviceId",
	                    json_string(DEVICE_ID));
	digest_set(json_array_get(subject, 0), served->transcript, served->transcript_len);
	digest_set(json_array_get(subject, 1), served->receipts, strlen(served->receipts));
	char *text = assay_json_text(root);
	served->attestation = assay_secret_seal(served->key, ASSAY_TYPE_STATEMENT, text);
	cr_assert(served->attestation);
	free(text);
	json_decref(root);
	free(payload.data);
	test_pair_free(&pair);
}

void served_pretend(struct served *served)
{
	for (uint32_t number = 0; number < 3; number++)
		served_step(served, number);
	served->transcript = strdup("no transcript");
	served->transcript_len = strlen(served->transcript);
	attestation_make(served);
}

static void header_write(FILE *file, const struct served *served)
{
	uint8_t bytes[4];

	fputs(ASSAY_TRANSCRIPT_MAGIC, file);
	assay_le32_write(bytes, (uint32_t)strlen(served->payload));
	fwrite(bytes, 1, 4, file);
	fputs(served->payload, file);
	assay_le32_write(bytes, sizeof devices - 1);
	fwrite(bytes, 1, 4, file);
	fputs(devices, file);
	fwrite(served->key->key, 1, 32, file);
}

/* One round, which is enough for a duration. */
void served_work(struct served *served)
{
	const struct assay_segment *segment = &served->challenge.segments[0];
	const uint32_t depth = segment->work->depth(&segment->params), samples = served->challenge.samples;
	static uint8_t bands[4096][ASSAY_HASH_BYTES], path[ASSAY_DEPTH_MAX * ASSAY_HASH_BYTES];
	uint64_t draws[ASSAY_SAMPLES_MAX];
	uint8_t seed[32], chain[32], root[32], bytes[8] = {0};
	struct assay_device device;
	struct assay_engine engine;
	struct assay_commit commit;
	struct assay_error error;

	support_ok(assay_device_open(&device, &assay_backend_cpu, 0, NULL, &error), error);
	support_engine(&engine, &device, assay_workload_of(segment->work), &segment->params, 0, true);
	cr_assert_leq(engine.bands, 4096);
	served_step(served, 0);
	assay_chain_first_segment(chain, served->job, served->nonces[0]);
	assay_chain_run(seed, chain, 0);
	support_ok(assay_engine_round(&engine, seed, root, bands, &error), error);
	assay_commit_start(&commit, 0);
	assay_commit_rounds(&commit, 1);
	assay_commit_root(&commit, root);
	assay_commit_finish(&commit, served->commit);
	served_step(served, 1);
	served_step(served, 2);
	assay_chain_next_segment(chain, chain, served->commit, served->nonces[1]);
	assay_draw(draws, samples, chain, 0, 0, UINT64_C(1) << depth);

	FILE *file = open_memstream(&served->transcript, &served->transcript_len);
	header_write(file, served);
	assay_le32_write(bytes, 1);
	fwrite(bytes, 1, 4, file);
	fwrite(root, 1, 32, file);
	fwrite(bytes, 1, 8, file);
	for (uint32_t i = 0; i < samples; i++) {
		support_ok(
		    assay_engine_open(&engine, seed, (const uint8_t(*)[ASSAY_HASH_BYTES])bands, draws[i], path, &error),
		    error);
		fwrite(path, ASSAY_HASH_BYTES, depth, file);
	}
	fclose(file);
	assay_engine_finish(&engine);
	assay_device_close(&device);
	attestation_make(served);
}

void served_submit(struct served *served)
{
	serving_is(serving_ask(served->serving, "PUT", served_path(served, "attestation"), "", served->attestation,
	                       strlen(served->attestation)),
	           204, "", 0);
	serving_is(serving_ask(served->serving, "PUT", served_path(served, "transcript"), "", served->transcript,
	                       served->transcript_len),
	           202, NULL, 0);
}
