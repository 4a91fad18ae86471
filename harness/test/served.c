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

#define DEVICE_ID "00112233445566778899aabbccddee"

/* As the attestation has them that is made below. */
static json_t *devices_json(const struct served *served)
{
	json_t *devices = json_array();

	for (int d = 0; d < (int)served->challenge.devices; d++) {
		char id[48], name[32];
		snprintf(id, sizeof id, DEVICE_ID "%02x", d);
		snprintf(name, sizeof name, "device %d", d);
		json_array_append_new(devices,
		                      json_pack("{s:s,s:s,s:i,s:s,s:s,s:i,s:s,s:s}", "architecture", "none", "backend",
		                                "vectors", "computeUnits", 1, "deviceId", id, "driver", "0",
		                                "memoryBytes", 0, "name", name, "variant", "scalar"));
	}
	return devices;
}

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
	json_t *devices = devices_json(served);
	served->devices = assay_json_text(devices);
	json_decref(devices);
	assay_chain_job(served->job, served->payload, strlen(served->payload), key->key, served->devices,
	                strlen(served->devices));
	memset(served->commit, 9, 32);
}

void served_close(struct served *served)
{
	free(served->sealed);
	free(served->payload);
	free(served->devices);
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

static json_t *copies(const json_t *value, uint32_t count)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(array, json_deep_copy(value));
	return array;
}

/* The vectors' attestation of one segment of sha256/1 on one device, made to speak of this challenge. */
static void attestation_make(struct served *served)
{
	const struct assay_challenge *challenge = &served->challenge;
	struct test_pair pair = test_pair_read("good/receipts-one");
	struct test_bytes payload = test_payload(&pair.envelope);
	json_t *root = json_loadb((const char *)payload.data, payload.len, 0, NULL);
	json_t *predicate = json_object_get(root, "predicate"), *subject = json_object_get(root, "subject");
	json_t *claimed = json_object_get(predicate, "claimed");
	const json_t *run = json_array_get(json_array_get(json_object_get(claimed, "segments"), 0), 0);
	json_t *segments = json_array(), *work = json_array();

	for (uint32_t j = 0; j < challenge->segment_count; j++) {
		json_t *none = json_null();
		json_array_append_new(
		    segments,
		    copies(challenge->segments[j].work->is_fill || served->idle ? none : run, challenge->devices));
		json_array_append_new(work, json_string(challenge->segments[j].work->name));
	}
	json_object_set_new(claimed, "telemetry",
	                    copies(json_array_get(json_object_get(claimed, "telemetry"), 0), challenge->devices));
	json_object_set_new(claimed, "segments", segments);
	json_object_set_new(predicate, "work", work);
	json_object_set_new(predicate, "devices", devices_json(served));
	digest_set(json_object_get(predicate, "challenge"), served->payload, strlen(served->payload));
	json_object_set_new(json_object_get(predicate, "challenge"), "profile", json_string(challenge->profile));
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

static void le32_put(FILE *file, uint32_t number)
{
	uint8_t bytes[4];

	assay_le32_write(bytes, number);
	fwrite(bytes, 1, sizeof bytes, file);
}

/* The header of a transcript (SPEC 7.1). */
static void header_put(FILE *file, const struct served *served, const char *magic, const char *challenge)
{
	fputs(magic, file);
	le32_put(file, (uint32_t)strlen(challenge));
	fputs(challenge, file);
	le32_put(file, (uint32_t)strlen(served->devices));
	fputs(served->devices, file);
	fwrite(served->key->key, 1, 32, file);
}

void served_show(struct served *served, const char *magic, const char *challenge)
{
	free(served->transcript);
	free(served->attestation);
	FILE *file = open_memstream(&served->transcript, &served->transcript_len);
	header_put(file, served, magic, challenge);
	fclose(file);
	attestation_make(served);
}

void served_exchange(struct served *served)
{
	for (uint32_t number = 0; number < assay_steps_of(&served->challenge); number++)
		served_step(served, number);
}

void served_pretend(struct served *served)
{
	served_exchange(served);
	served_show(served, ASSAY_TRANSCRIPT_MAGIC, served->payload);
}

/* ---- Work ---- */

/* One device in one segment: of a fill only the engine, which the next segment takes. */
struct run {
	struct assay_engine engine;
	uint8_t seed[32]; /* of the first round */
	uint32_t rounds;
	uint8_t (*seeds)[32], (*roots)[32]; /* of each round */
	uint8_t (*bands)[ASSAY_HASH_BYTES]; /* engine.bands a round */
};

/* As few rounds as there may be: one is enough for a duration. */
static void run_do(struct run *run, const struct run *before, struct assay_device *device,
                   const struct assay_segment *segment)
{
	struct assay_engine *engine = &run->engine;
	struct assay_error error;
	uint8_t seed[32];

	if (segment->work->fill)
		*engine = before->engine;
	else
		support_ok(
		    assay_engine_prepare(engine, device, assay_workload_of(segment->work), &segment->params, &error),
		    error);
	if (segment->work->is_fill) {
		support_ok(assay_engine_fill(engine, run->seed, true, &error), error);
		return;
	}
	run->rounds = segment->work->rounds_min ? segment->work->rounds_min(&segment->params) : 1;
	run->seeds = calloc(run->rounds, 32);
	run->roots = calloc(run->rounds, 32);
	run->bands = calloc(run->rounds * engine->bands, ASSAY_HASH_BYTES);
	cr_assert(run->seeds && run->roots && run->bands);
	memcpy(seed, run->seed, 32);
	for (uint32_t r = 0; r < run->rounds; r++) {
		memcpy(run->seeds[r], seed, 32);
		support_ok(assay_engine_round(engine, seed, run->roots[r], run->bands + r * engine->bands, &error),
		           error);
		assay_chain_round(seed, run->roots[r]);
	}
}

/* All segments with their steps; then `chain` is the key of the draw. */
static void runs_do(struct served *served, struct run *runs, struct assay_device *device, uint8_t chain[32])
{
	const struct assay_challenge *challenge = &served->challenge;
	struct assay_commit commit;

	for (uint32_t j = 0; j < challenge->segment_count; j++) {
		served_step(served, 2 * j);
		if (j)
			assay_chain_next_segment(chain, chain, served->commit, served->nonces[j]);
		else
			assay_chain_first_segment(chain, served->job, served->nonces[j]);
		assay_commit_start(&commit, j);
		for (uint32_t d = 0; d < challenge->devices; d++) {
			struct run *run = &runs[j * challenge->devices + d];
			assay_chain_run(run->seed, chain, d);
			if (!served->idle)
				run_do(run, j ? run - challenge->devices : NULL, device, &challenge->segments[j]);
			assay_commit_rounds(&commit, run->rounds);
			for (uint32_t r = 0; r < run->rounds; r++)
				assay_commit_root(&commit, run->roots[r]);
		}
		assay_commit_finish(&commit, served->commit);
		served_step(served, 2 * j + 1);
	}
	served_step(served, 2 * challenge->segment_count);
	assay_chain_next_segment(chain, chain, served->commit, served->nonces[challenge->segment_count]);
}

static void run_open(FILE *file, struct run *run, const struct assay_challenge *challenge, const uint8_t key[32],
                     uint32_t number)
{
	struct assay_engine *engine = &run->engine;
	uint8_t path[ASSAY_DEPTH_MAX * ASSAY_HASH_BYTES];
	uint64_t draws[ASSAY_SAMPLES_MAX];
	struct assay_error error;

	assay_draw(draws, challenge->samples, key, number / challenge->devices, number % challenge->devices,
	           (uint64_t)run->rounds << engine->depth);
	for (uint32_t i = 0; i < challenge->samples; i++) {
		const uint64_t r = draws[i] >> engine->depth, leaf = draws[i] & ((UINT64_C(1) << engine->depth) - 1);
		support_ok(assay_engine_open(engine, run->seeds[r],
		                             (const uint8_t(*)[ASSAY_HASH_BYTES])(run->bands + r * engine->bands), leaf,
		                             path, &error),
		           error);
		fwrite(path, ASSAY_HASH_BYTES, engine->depth, file);
	}
	assay_engine_finish(engine);
	free(run->seeds);
	free(run->roots);
	free(run->bands);
}

void served_work(struct served *served)
{
	const struct assay_challenge *challenge = &served->challenge;
	const uint32_t count = challenge->segment_count * challenge->devices;
	struct run *runs = calloc(count, sizeof *runs);
	struct assay_device device;
	struct assay_error error;
	uint8_t key[32];

	cr_assert(runs);
	support_ok(assay_device_open(&device, &assay_backend_cpu, 0, NULL, &error), error);
	runs_do(served, runs, &device, key);
	FILE *file = open_memstream(&served->transcript, &served->transcript_len);
	header_put(file, served, ASSAY_TRANSCRIPT_MAGIC, served->payload);
	for (uint32_t i = 0; i < count; i++) {
		static const uint8_t no_time[8];
		le32_put(file, runs[i].rounds);
		if (runs[i].rounds)
			fwrite(runs[i].roots, 32, runs[i].rounds, file);
		for (uint32_t r = 0; r < runs[i].rounds; r++)
			fwrite(no_time, 1, sizeof no_time, file);
	}
	for (uint32_t i = 0; i < count; i++)
		if (runs[i].rounds)
			run_open(file, &runs[i], challenge, key, i);
	fclose(file);
	free(runs);
	assay_device_close(&device);
	attestation_make(served);
}

struct serving_reply served_put(const struct served *served, const char *name, const char *body, size_t len)
{
	return serving_ask(served->serving, "PUT", served_path(served, name), "", body, len);
}

void served_submit(struct served *served)
{
	serving_is(served_put(served, "attestation", served->attestation, strlen(served->attestation)), 204, "", 0);
	serving_is(served_put(served, "transcript", served->transcript, served->transcript_len), 202, NULL, 0);
}
