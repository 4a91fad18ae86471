/* SPDX-License-Identifier: Apache-2.0
 *
 * See prover.h. */
#include "verify/test/prover.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "verify/chain.h"
#include "verify/receipts.h"
#include "verify/statement.h"
#include "verify/test/vectors.h"
#include "verify/transcript.h"

enum { LOG2_LEAVES = 6 };

static const char devices[] = "[{\"architecture\":\"none\",\"backend\":\"test\",\"computeUnits\":1,\"deviceId\":null,"
                              "\"driver\":\"0\",\"memoryBytes\":0,\"name\":\"none\",\"variant\":\"0\"}]";

/* The vectors' prover and verifier. */
static struct key {
	uint8_t public[32], secret[64];
	char keyid[65];
} prover_key, verifier_key;

static void keys_load(void)
{
	struct vectors *keys, *exchange;

	if (*prover_key.keyid)
		return;
	keys = vectors_open("keys");
	vectors_select(keys, "good");
	crypto_sign_seed_keypair(prover_key.public, prover_key.secret, vectors_hash(keys, "seed"));
	vectors_close(keys);
	exchange = vectors_open("exchange");
	vectors_select(exchange, "inputs");
	crypto_sign_seed_keypair(verifier_key.public, verifier_key.secret, vectors_hash(exchange, "verifier_seed"));
	vectors_close(exchange);
	assay_keyid(prover_key.keyid, prover_key.public);
	assay_keyid(verifier_key.keyid, verifier_key.public);
}

void prover_init(struct prover *prover, uint32_t samples, bool asked, uint64_t seed)
{
	keys_load();
	memset(prover, 0, sizeof *prover);
	prover->challenge = (struct assay_challenge){
	    .asked = asked,
	    .expires = asked ? 2000000000 : 0,
	    .profile = "test",
	    .devices = 1,
	    .samples = samples,
	    .segment_count = 1,
	    .segments = {{.work = &assay_work_sha256, .params = {{0, LOG2_LEAVES}}, .rounds = PROVER_ROUNDS}}};
	memcpy(prover->challenge.nonce, &seed, sizeof seed);
	if (asked)
		sodium_hex2bin(prover->challenge.verifier, 32, verifier_key.keyid, 64, NULL, NULL, NULL);
}

void prover_nonce(uint8_t nonce[32], const struct prover *prover, uint32_t segment)
{
	static const char label[] = "the verifier's";
	crypto_hash_sha256_state state;

	if (!prover->challenge.asked) {
		memcpy(nonce, assay_nonce_self, 32);
		return;
	}
	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const uint8_t *)label, sizeof label);
	crypto_hash_sha256_update(&state, prover->challenge.nonce, 32);
	crypto_hash_sha256_update(&state, (const uint8_t *)&segment, sizeof segment);
	crypto_hash_sha256_final(&state, nonce);
}

/* A leaf's hash, or that of nothing. */
static void leaf_hash(uint8_t hash[32], const struct prover *prover, uint32_t r, uint32_t i)
{
	const struct assay_segment *segment = &prover->challenge.segments[0];
	uint8_t value[ASSAY_LEAF_BYTES_MAX];

	if (prover->skipped[r * PROVER_LEAVES + i]) {
		memset(value, 0, 32);
		memcpy(value, &prover->filling, sizeof prover->filling);
	} else {
		segment->work->leaf(value, &segment->params, prover->seeds[r], i);
	}
	assay_merkle_leaf(hash, value, 32);
}

static void draw_make(struct prover *prover)
{
	struct assay_commit commit;
	uint8_t nonce[32], segment[32];

	assay_commit_start(&commit, 0);
	assay_commit_rounds(&commit, PROVER_ROUNDS);
	for (uint32_t r = 0; r < PROVER_ROUNDS; r++)
		assay_commit_root(&commit, prover->nodes[r][1]);
	assay_commit_finish(&commit, prover->commit);
	prover_nonce(nonce, prover, 0);
	assay_chain_first_segment(segment, prover->job, nonce);
	prover_nonce(nonce, prover, 1);
	assay_chain_next_segment(prover->sample_key, segment, prover->commit, nonce);
}

void prover_work(struct prover *prover)
{
	char *challenge = assay_challenge_text(&prover->challenge);
	uint8_t seed[32], nonce[32];

	assay_chain_job(prover->job, challenge, strlen(challenge), prover_key.public, devices, sizeof devices - 1);
	free(challenge);
	prover_nonce(nonce, prover, 0);
	assay_chain_first_segment(seed, prover->job, nonce);
	assay_chain_run(seed, seed, 0);
	for (uint32_t r = 0; r < PROVER_ROUNDS; r++) {
		memcpy(prover->seeds[r], seed, 32);
		for (uint32_t i = 0; i < PROVER_LEAVES; i++)
			leaf_hash(prover->nodes[r][PROVER_LEAVES + i], prover, r, i);
		for (uint32_t i = PROVER_LEAVES - 1; i; i--)
			assay_merkle_node(prover->nodes[r][i], prover->nodes[r][2 * i], prover->nodes[r][2 * i + 1]);
		assay_chain_round(seed, prover->nodes[r][1]);
	}
	draw_make(prover);
}

void prover_grind(struct prover *prover, uint64_t filling)
{
	const uint32_t r = PROVER_ROUNDS - 1;
	uint32_t last = PROVER_LEAVES - 1;

	prover->filling = filling;
	while (!prover->skipped[r * PROVER_LEAVES + last])
		last--;
	/* One leaf is enough. */
	leaf_hash(prover->nodes[r][PROVER_LEAVES + last], prover, r, last);
	for (uint32_t i = (PROVER_LEAVES + last) / 2; i; i /= 2)
		assay_merkle_node(prover->nodes[r][i], prover->nodes[r][2 * i], prover->nodes[r][2 * i + 1]);
	draw_make(prover);
}

bool prover_is_lucky(const struct prover *prover)
{
	uint64_t draws[ASSAY_SAMPLES_MAX];

	assay_draw(draws, prover->challenge.samples, prover->sample_key, 0, 0, PROVER_TOTAL);
	for (uint32_t i = 0; i < prover->challenge.samples; i++)
		if (prover->skipped[draws[i]])
			return false;
	return true;
}

/* ---- What it shows ---- */

static char *seal(const struct key *key, const char *type, char *payload)
{
	struct assay_envelope envelope = {.type = type, .payload = (uint8_t *)payload, .payload_len = strlen(payload)};
	size_t pae_len;

	memcpy(envelope.keyid, key->keyid, sizeof envelope.keyid);
	uint8_t *pae = assay_envelope_pae(&envelope, &pae_len);
	crypto_sign_detached(envelope.signature, NULL, pae, pae_len, key->secret);
	char *text = assay_envelope_text(&envelope);
	cr_assert(text);
	free(pae);
	free(payload);
	return text;
}

static void transcript_write(FILE *file, const struct prover *prover, const char *challenge)
{
	const uint32_t samples = prover->challenge.samples;
	uint64_t draws[ASSAY_SAMPLES_MAX];
	uint8_t bytes[8] = {0};

	fputs(ASSAY_TRANSCRIPT_MAGIC, file);
	assay_le32_write(bytes, (uint32_t)strlen(challenge));
	fwrite(bytes, 1, 4, file);
	fputs(challenge, file);
	assay_le32_write(bytes, sizeof devices - 1);
	fwrite(bytes, 1, 4, file);
	fputs(devices, file);
	fwrite(prover_key.public, 1, 32, file);
	assay_le32_write(bytes, PROVER_ROUNDS);
	fwrite(bytes, 1, 4, file);
	for (uint32_t r = 0; r < PROVER_ROUNDS; r++)
		fwrite(prover->nodes[r][1], 1, 32, file);
	memset(bytes, 0, sizeof bytes);
	for (uint32_t r = 0; r < PROVER_ROUNDS; r++)
		fwrite(bytes, 1, 8, file);
	assay_draw(draws, samples, prover->sample_key, 0, 0, PROVER_TOTAL);
	for (uint32_t i = 0; i < samples; i++)
		for (uint64_t at = PROVER_LEAVES + draws[i] % PROVER_LEAVES; at > 1; at /= 2)
			fwrite(prover->nodes[draws[i] / PROVER_LEAVES][at ^ 1], 1, 32, file);
}

static char *receipts_make(const struct prover *prover, const uint8_t digest[32], const uint8_t received[32])
{
	char *text = calloc(3, ASSAY_STEP_LINE_MAX);

	for (uint32_t number = 0; number < 3; number++) {
		struct assay_step step = {
		    .segment = number / 2, .is_commit = number % 2, .at_ns = UINT64_C(1000000000) * (number + 1)};
		memcpy(step.challenge, digest, 32);
		memcpy(step.job, prover->job, 32);
		memcpy(step.commit, received, 32);
		prover_nonce(step.nonce, prover, step.segment);
		char *line = seal(&verifier_key, ASSAY_TYPE_RECEIPT, assay_receipt_text(&step));
		strcat(text, line);
		free(line);
	}
	return text;
}

static json_t *digest_of(const void *data, size_t len)
{
	uint8_t hash[32];
	char hex[65];

	crypto_hash_sha256(hash, data, len);
	assay_hex(hex, hash);
	return json_pack("{s:s}", "sha256", hex);
}

static char *statement_make(const struct prover *prover, const char *challenge, const void *transcript,
                            size_t transcript_len, const char *receipts)
{
	static const char *const members[] = {"elapsedNs", "medianNs", "lowNs", "highNs", "madNs", "firstNs"};
	static const char *const unknown[] = {"steadyNs", "driftPpm", "deviceMedianNs", "throttledRounds", "energyMj"};
	json_t *run = json_object(), *subject = json_array();

	for (size_t i = 0; i < 6; i++)
		json_object_set_new(run, members[i], json_integer(1));
	for (size_t i = 0; i < 5; i++)
		json_object_set_new(run, unknown[i], json_null());
	json_array_append_new(
	    subject, json_pack("{s:o,s:s}", "digest", digest_of(transcript, transcript_len), "name", "transcript"));
	if (receipts)
		json_array_append_new(subject, json_pack("{s:o,s:s}", "digest", digest_of(receipts, strlen(receipts)),
		                                         "name", "receipts"));
	json_t *statement = json_pack(
	    "{s:s,s:s,s:o,s:{s:{s:o,s:s,s:s},s:{s:s,s:i,s:i,s:[[o]],s:i,s:s,s:[n]},s:o,s:{s:s,s:o,s:s,s:s},s:o,s:[s]}}",
	    "_type", "https://in-toto.io/Statement/v1", "predicateType", ASSAY_PREDICATE_TYPE, "subject", subject,
	    "predicate", "challenge", "digest", digest_of(challenge, strlen(challenge)), "mode",
	    prover->challenge.asked ? "verifier" : "self", "profile", prover->challenge.profile, "claimed",
	    "finishedAt", "2030-01-01T00:00:00Z", "pauses", 0, "powerBudgetW", 0, "segments", run, "staggerMs", 0,
	    "startedAt", "2030-01-01T00:00:00Z", "telemetry", "devices", json_loads(devices, 0, NULL), "harness",
	    "gitCommit", "0", "kernels", digest_of("", 0), "name", "test", "version", "0", "nonClaims",
	    assay_non_claims(), "work", "sha256/1");
	cr_assert(statement);
	char *text = assay_json_text(statement);
	json_decref(statement);
	return text;
}

struct test_outcome prover_verify(const struct prover *prover, const uint8_t received[32])
{
	static uint8_t keys[2][ASSAY_KEY_BYTES];
	char *challenge = assay_challenge_text(&prover->challenge), *transcript = NULL, *receipts = NULL;
	struct test_file files[3];
	struct assay_verdict verdict;
	size_t transcript_len;
	uint8_t digest[32];

	memcpy(keys[0], prover_key.public, 32);
	memcpy(keys[1], verifier_key.public, 32);
	FILE *memory = open_memstream(&transcript, &transcript_len);
	transcript_write(memory, prover, challenge);
	fclose(memory);
	crypto_hash_sha256(digest, (const uint8_t *)challenge, strlen(challenge));
	if (prover->challenge.asked)
		receipts = receipts_make(prover, digest, received);
	char *attestation = seal(&prover_key, ASSAY_TYPE_STATEMENT,
	                         statement_make(prover, challenge, transcript, transcript_len, receipts));
	test_file_open(&files[0], attestation, strlen(attestation));
	test_file_open(&files[1], transcript, transcript_len);
	test_file_open(&files[2], receipts ? receipts : "", receipts ? strlen(receipts) : 0);

	const struct assay_policy policy = {.trusted = (const uint8_t(*)[ASSAY_KEY_BYTES])keys,
	                                    .trusted_count = 1,
	                                    .verifiers = (const uint8_t(*)[ASSAY_KEY_BYTES])(keys + 1),
	                                    .verifiers_count = 1,
	                                    .receipts = files[2].path};
	cr_assert_eq(assay_verify(&verdict, files[0].path, files[1].path, &policy), ASSAY_OK, "%s", verdict.error.text);
	const struct test_outcome result = test_outcome_of(&verdict);
	assay_verdict_close(&verdict);
	for (size_t i = 0; i < 3; i++)
		test_file_close(&files[i]);
	free(attestation);
	free(transcript);
	free(receipts);
	free(challenge);
	return result;
}
