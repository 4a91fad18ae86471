/* SPDX-License-Identifier: Apache-2.0
 *
 * verify/vectors/exchange.txt, value by value: messages, receipts, requests, their envelopes and signatures, the chain
 * that the nonces make, proven rates, and what a walk shows at a rate. SPEC 4.5, 4.6, 5.6, 8.6, 9.3. What a verifier
 * answers to other messages is tested where it is answered. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <sodium.h>

#include "verify/aggregate.h"
#include "verify/chain.h"
#include "verify/envelope.h"
#include "verify/exchange.h"
#include "verify/test/support.h"
#include "verify/test/vectors.h"

enum { STEPS = 5, SEGMENTS = 2, DEVICES = 2 };

TestSuite(exchange_vectors, .timeout = 60);

static struct vectors *vectors;
static struct assay_challenge challenge;
static uint8_t digest[32], prover[32], verifier[32];

static void inputs(void)
{
	char detail[200], keyid[65];
	uint8_t key[32], secret_key[64];

	vectors_select(vectors, "inputs");
	const char *text = vectors_text(vectors, "challenge");
	cr_assert_eq(assay_challenge_parse(&challenge, text, strlen(text), detail, sizeof detail), ASSAY_REASON_NONE,
	             "%s", detail);
	crypto_hash_sha256(digest, (const uint8_t *)text, strlen(text));
	vectors_expect(vectors, digest, 32, "challenge_sha256");
	cr_expect_eq(challenge.expires, vectors_number(vectors, "expires_seconds"));
	crypto_sign_seed_keypair(key, secret_key, vectors_hash(vectors, "prover_seed"));
	vectors_expect(vectors, key, 32, "prover_key");
	memcpy(prover, key, 32);
	crypto_sign_seed_keypair(key, secret_key, vectors_hash(vectors, "verifier_seed"));
	vectors_expect(vectors, key, 32, "verifier_key");
	memcpy(verifier, key, 32);
	assay_keyid(keyid, verifier);
	cr_expect_str_eq(keyid, vectors_text(vectors, "verifier_keyid"));
	assay_hex(keyid, challenge.verifier);
	cr_expect_str_eq(keyid, vectors_text(vectors, "verifier_keyid"));
}

/* An envelope of the selected section: "message" or "receipt". */
static void envelope_check(const char *what, const char *type, const uint8_t key[32])
{
	char line[ASSAY_STEP_LINE_MAX];
	struct assay_envelope envelope;
	size_t len;

	snprintf(line, sizeof line, "%s\n", vectors_text(vectors, "%s_envelope", what));
	cr_assert(assay_envelope_parse(&envelope, type, line, strlen(line)));
	const char *payload = vectors_text(vectors, "%s_payload", what);
	cr_assert_eq(envelope.payload_len, strlen(payload));
	cr_expect_arr_eq(envelope.payload, payload, envelope.payload_len);
	vectors_expect(vectors, envelope.signature, 64, "%s_signature", what);
	cr_expect_str_eq(envelope.keyid, vectors_text(vectors, "%s_keyid", what));
	uint8_t *pae = assay_envelope_pae(&envelope, &len);
	vectors_expect(vectors, pae, len, "%s_pae", what);
	cr_expect(assay_envelope_signed_by(&envelope, key));
	free(pae);
	free(envelope.payload);
}

static void text_check(char *text, const char *what)
{
	cr_assert(text);
	cr_expect_str_eq(text, vectors_text(vectors, "%s_payload", what));
	free(text);
}

/* A step from its payloads and back. */
static void step_check(uint32_t number, struct assay_step *receipt, const uint8_t job[32])
{
	char section[16];
	struct assay_step message;

	snprintf(section, sizeof section, "step_%u", number);
	vectors_select(vectors, section);
	const char *said = vectors_text(vectors, "message_payload"),
	           *answered = vectors_text(vectors, "receipt_payload");
	cr_assert(assay_message_parse(&message, said, strlen(said)));
	cr_assert(assay_receipt_parse(receipt, answered, strlen(answered)));
	for (size_t i = 0; i < 2; i++) {
		const struct assay_step *step = i ? receipt : &message;
		cr_expect(assay_step_is(step, number));
		cr_expect_eq(step->segment, vectors_number(vectors, "segment"));
		cr_expect_str_eq(step->is_commit ? "commit" : "ready", vectors_text(vectors, "step"));
		cr_expect_arr_eq(step->challenge, digest, 32);
		cr_expect_arr_eq(step->job, job, 32);
		cr_expect_arr_eq(step->commit, message.commit, 32);
	}
	cr_expect_arr_eq(message.key, prover, 32);
	text_check(assay_message_text(&message), "message");
	text_check(assay_receipt_text(receipt), "receipt");
	envelope_check("message", ASSAY_TYPE_MESSAGE, prover);
	envelope_check("receipt", ASSAY_TYPE_RECEIPT, verifier);
}

/* The request from its payload and back, and no payload but that one. */
static void request_check(void)
{
	uint8_t key[32], keyid[32];

	vectors_select(vectors, "request");
	const char *payload = vectors_text(vectors, "request_payload");
	const size_t len = strlen(payload);
	cr_assert(assay_request_parse(key, keyid, payload, len));
	cr_expect_arr_eq(key, prover, 32);
	cr_expect_arr_eq(keyid, challenge.verifier, 32);
	text_check(assay_request_text(key, keyid), "request");
	envelope_check("request", ASSAY_TYPE_REQUEST, prover);
	for (size_t i = 0; i < len; i++) {
		char *other = strdup(payload);
		other[i] = (char)(other[i] ^ 1);
		/* Another digit is another key, or verifier. */
		const bool taken = assay_request_parse(key, keyid, other, len);
		cr_expect(!taken || (memcmp(key, prover, 32) != 0) != (memcmp(keyid, challenge.verifier, 32) != 0));
		cr_expect_not(assay_request_parse(key, keyid, payload, i));
		free(other);
	}
}

/* SPEC 4.1 with the nonces and commitments of the receipts. */
static void chain_check(const struct assay_step *receipts)
{
	uint8_t seg[32], seed[32], draw_key[32];

	vectors_select(vectors, "chain");
	const uint8_t *sample_key = vectors_hash(vectors, "sample_key");
	assay_chain_first_segment(seg, vectors_hash(vectors, "job"), receipts[0].nonce);
	for (uint32_t j = 0; j <= SEGMENTS; j++) {
		vectors_expect(vectors, receipts[2 * j].nonce, 32, "nonce_%u", j);
		if (j == SEGMENTS)
			break;
		vectors_expect(vectors, seg, 32, "seg_%u", j);
		vectors_expect(vectors, receipts[2 * j + 1].commit, 32, "commit_%u", j);
		for (uint32_t d = 0; d < DEVICES; d++) {
			assay_chain_run(seed, seg, d);
			vectors_expect(vectors, seed, 32, "run_seed_%u_%u", j, d);
			assay_draw_key(draw_key, sample_key, j, d);
			vectors_expect(vectors, draw_key, 32, "draw_key_%u_%u", j, d);
		}
		assay_chain_next_segment(seg, seg, receipts[2 * j + 1].commit, receipts[2 * j + 2].nonce);
	}
	cr_expect_arr_eq(seg, sample_key, 32);
}

static const char *member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "null";
}

/* What a verification of these files says, in numbers and in JSON. */
static void figures_check(void)
{
	const struct assay_policy policy = test_policy();
	struct assay_verdict verdict;

	vectors_select(vectors, "figures");
	cr_assert_eq(assay_verify(&verdict, "verify/vectors/good/receipts-two.intoto.json", NULL, &policy), ASSAY_OK);
	cr_assert_eq(verdict.run_count, SEGMENTS * DEVICES);
	cr_expect_eq(verdict.estar_ppm, vectors_number(vectors, "e_star_ppm"));
	char *text = assay_verdict_json(&verdict);
	json_t *json = json_loads(text, 0, NULL);
	free(text);
	for (uint32_t j = 0; j < SEGMENTS; j++) {
		const struct assay_aggregate *aggregate = &verdict.aggregates[j];
		const json_t *said = json_array_get(json_object_get(json, "aggregates"), j);
		const json_t *bracket = json_object_get(said, "timeBracket");
		cr_expect_eq(aggregate->bracket.released_ns, vectors_number(vectors, "segment_%u_released", j));
		cr_expect_eq(aggregate->bracket.received_ns, vectors_number(vectors, "segment_%u_received", j));
		cr_expect_str_eq(member(bracket, "released"), vectors_text(vectors, "segment_%u_released", j));
		cr_expect_str_eq(member(bracket, "received"), vectors_text(vectors, "segment_%u_received", j));
		cr_expect_str_eq(member(bracket, "elapsedNs"), vectors_text(vectors, "segment_%u_bracket_ns", j));
		cr_expect_eq(challenge.segments[j].duration_ms, vectors_number(vectors, "segment_%u_asked_ms", j));
		cr_expect_str_eq(aggregate->certified_work, vectors_text(vectors, "segment_%u_certified", j));
		cr_expect_str_eq(aggregate->proven_rate, vectors_text(vectors, "segment_%u_proven_rate", j));
		cr_expect_str_eq(member(said, "provenRate"), aggregate->proven_rate);
		for (uint32_t d = 0; d < DEVICES; d++) {
			const struct assay_run *run = &verdict.runs[j * DEVICES + d];
			const json_t *of_run = json_array_get(json_object_get(json, "segments"), j * DEVICES + d);
			cr_expect_eq(run->proved.certified_work, vectors_number(vectors, "run_%u_%u_certified", j, d));
			cr_expect_str_eq(member(of_run, "provenRate"),
			                 vectors_text(vectors, "run_%u_%u_proven_rate", j, d));
		}
	}
	json_decref(json);
	assay_verdict_close(&verdict);
}

/* Rates at their bounds. */
static void proven_check(void)
{
	struct assay_run run = {.workload = "x", .unit = "op", .proved = {.shown = true}};
	static struct assay_verdict verdict;

	memset(&verdict, 0, sizeof verdict);
	run.proved.certified_work = vectors_number(vectors, "certified");
	run.proved.bracket.received_ns = vectors_number(vectors, "bracket_ns");
	run.claimed.asked_ns = 1000000 * vectors_number(vectors, "asked_ms");
	verdict.runs = &run;
	verdict.run_count = 1;
	assay_aggregates_fill(&verdict);
	cr_expect_str_eq(verdict.aggregates[0].proven_rate, vectors_text(vectors, "rate"));
}

/* SPEC 5.6. A rate may pass 64 bits. */
static void capacity_check(void)
{
	static const uint64_t items[] = {64, 1 << 20, (UINT64_C(1) << 32) - (1 << 17), UINT32_MAX};
	const char *digits = vectors_text(vectors, "rate");
	assay_wide rate = 0;

	while (*digits)
		rate = rate * 10 + (unsigned)(*digits++ - '0');
	for (size_t i = 0; i < sizeof items / sizeof *items; i++)
		cr_expect_eq(assay_capacity(128 * items[i], rate), vectors_number(vectors, "of_%" PRIu64, items[i]));
}

/* Messages that come at other times, too, are messages: what is wrong is their place. */
static void after_check(void)
{
	char line[ASSAY_STEP_LINE_MAX];
	struct assay_envelope envelope;
	struct assay_step step;

	(void)vectors_number(vectors, "after");
	(void)vectors_number(vectors, "now");
	(void)vectors_text(vectors, "%s", vectors_has(vectors, "answer") ? "answer" : "receipt");
	snprintf(line, sizeof line, "%s\n", vectors_text(vectors, "message"));
	cr_assert(assay_envelope_parse(&envelope, ASSAY_TYPE_MESSAGE, line, strlen(line)));
	cr_assert(assay_message_parse(&step, envelope.payload, envelope.payload_len));
	cr_expect(assay_envelope_signed_by(&envelope, step.key));
	free(envelope.payload);
}

Test(exchange_vectors, all)
{
	static struct assay_step receipts[STEPS];
	crypto_hash_sha256_state state;
	uint8_t job[32], hash[32];

	vectors = vectors_open("exchange");
	inputs();
	request_check();
	vectors_select(vectors, "inputs");
	const char *text = vectors_text(vectors, "challenge"), *devices = vectors_text(vectors, "devices");
	assay_chain_job(job, text, strlen(text), prover, devices, strlen(devices));
	crypto_hash_sha256_init(&state);
	for (uint32_t i = 0; i < STEPS; i++) {
		step_check(i, &receipts[i], job);
		const char *line = vectors_text(vectors, "receipt_envelope");
		crypto_hash_sha256_update(&state, (const uint8_t *)line, strlen(line));
		crypto_hash_sha256_update(&state, (const uint8_t *)"\n", 1);
		cr_expect(i == 0 || receipts[i].at_ns > receipts[i - 1].at_ns);
	}
	crypto_hash_sha256_final(&state, hash);
	vectors_select(vectors, "file");
	vectors_expect(vectors, hash, 32, "receipts_sha256");
	struct test_bytes file = test_read("verify/vectors/good/receipts-two.receipts.jsonl");
	crypto_hash_sha256(hash, file.data, file.len);
	vectors_expect(vectors, hash, 32, "receipts_sha256");
	free(file.data);
	vectors_select(vectors, "chain");
	vectors_expect(vectors, job, 32, "job");
	chain_check(receipts);
	figures_check();
	vectors_select(vectors, "inputs");
	for (const char *section; (section = vectors_next_section(vectors));) {
		if (strncmp(section, "after_", 6) == 0)
			after_check();
		if (strncmp(section, "proven_", 7) == 0)
			proven_check();
		if (strncmp(section, "capacity_", 9) == 0)
			capacity_check();
	}
	const char *unread = vectors_unread(vectors);
	cr_expect_null(unread, "no test looks at %s", unread);
	vectors_close(vectors);
}
