/* SPDX-License-Identifier: Apache-2.0
 *
 * verify/vectors/{chain,estar,keys}.txt: a whole job with its seeds, commitments and draws, the certified figure, and
 * keys, value by value. SPEC 1.4, 4, 9. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "verify/chain.h"
#include "verify/challenge.h"
#include "verify/key.h"
#include "verify/test/support.h"
#include "verify/test/vectors.h"

static void everything_was_compared(struct vectors *vectors)
{
	const char *unread = vectors_unread(vectors);

	cr_expect_null(unread, "no test looks at %s", unread);
	vectors_close(vectors);
}

static void expect_draws(struct vectors *vectors, const uint64_t *draws, const char *name)
{
	char text[256] = "";

	for (size_t i = 0, at = 0; i < 10; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, i ? " %" PRIu64 : "%" PRIu64, draws[i]);
	cr_expect_str_eq(text, vectors_text(vectors, "%s", name));
}

/* One run of the job: from its segment's seed to its draws. Rounds are counted, and committed. */
static void expect_run(struct vectors *vectors, const struct assay_challenge *challenge, const uint8_t segment_seed[32],
                       const uint8_t sample_key[32], uint32_t j, uint32_t d, struct assay_commit *commit)
{
	const struct assay_segment *segment = &challenge->segments[j];
	uint8_t seed[32], draw_key[32];
	uint64_t draws[ASSAY_SAMPLES_MAX];
	char section[32];

	snprintf(section, sizeof section, "run_%u_%u", j, d);
	vectors_select(vectors, section);
	assay_chain_run(seed, segment_seed, d);
	vectors_expect(vectors, seed, 32, "run_seed");
	assay_commit_rounds(commit, segment->rounds);
	for (uint32_t r = 0; r < segment->rounds; r++) {
		const uint8_t *root = vectors_hash(vectors, "root_%u", r);
		vectors_expect(vectors, seed, 32, "seed_%u", r);
		assay_commit_root(commit, root);
		assay_chain_round(seed, root);
	}
	assay_draw_key(draw_key, sample_key, j, d);
	vectors_expect(vectors, draw_key, 32, "draw_key");
	assay_draw(draws, challenge->samples, sample_key, j, d,
	           (uint64_t)segment->rounds << segment->work->depth(&segment->params));
	expect_draws(vectors, draws, "draws");
}

Test(vectors, chain)
{
	struct vectors *vectors = vectors_open("chain");
	struct assay_challenge challenge;
	char detail[64];
	uint8_t hash[32], segment[32], commit_hash[32];

	vectors_select(vectors, "inputs");
	const char *text = vectors_text(vectors, "challenge"), *devices = vectors_text(vectors, "devices");
	const uint8_t *key = vectors_hash(vectors, "prover_key");
	cr_assert_eq(assay_challenge_parse(&challenge, text, strlen(text), detail, sizeof detail), ASSAY_REASON_NONE);
	crypto_hash_sha256(hash, (const uint8_t *)text, strlen(text));
	vectors_expect(vectors, hash, 32, "challenge_sha256");
	crypto_hash_sha256(hash, (const uint8_t *)devices, strlen(devices));
	vectors_expect(vectors, hash, 32, "devices_sha256");

	vectors_select(vectors, "chain");
	const uint8_t *sample_key = vectors_hash(vectors, "sample_key");
	assay_chain_job(hash, text, strlen(text), key, devices, strlen(devices));
	vectors_expect(vectors, hash, 32, "job");
	assay_chain_first_segment(segment, hash, assay_nonce_self);
	for (uint32_t j = 0; j < challenge.segment_count; j++) {
		struct assay_commit commit;
		vectors_expect(vectors, segment, 32, "seg_%u", j);
		assay_commit_start(&commit, j);
		for (uint32_t d = 0; d < challenge.devices; d++)
			expect_run(vectors, &challenge, segment, sample_key, j, d, &commit);
		assay_commit_finish(&commit, commit_hash);
		vectors_select(vectors, "chain");
		vectors_expect(vectors, commit_hash, 32, "commit_%u", j);
		assay_chain_next_segment(segment, segment, commit_hash, assay_nonce_self);
	}
	vectors_expect(vectors, segment, 32, "sample_key");

	vectors_select(vectors, "skipping");
	for (unsigned i = 0; vectors_has(vectors, "draw_key_%u", i); i++) {
		uint64_t draws[10];
		char name[16];
		assay_draw_words(draws, 10, vectors_hash(vectors, "draw_key_%u", i),
		                 vectors_number(vectors, "total_%u", i));
		snprintf(name, sizeof name, "draws_%u", i);
		expect_draws(vectors, draws, name);
	}
	everything_was_compared(vectors);
}

/* Every draw is below the total, and a total of one leaf draws that leaf. */
Test(vectors, draws_at_the_edges)
{
	static const uint64_t totals[] = {1, 2, 3, 255, 256, 257, UINT64_C(1) << 48, (UINT64_C(1) << 48) - 1};
	static const uint8_t sample_key[32] = {1};
	uint64_t draws[ASSAY_SAMPLES_MAX];

	for (size_t t = 0; t < sizeof totals / sizeof *totals; t++) {
		assay_draw(draws, ASSAY_SAMPLES_MAX, sample_key, 15, 63, totals[t]);
		for (size_t i = 0; i < ASSAY_SAMPLES_MAX; i++)
			cr_assert_lt(draws[i], totals[t]);
	}
}

Test(vectors, estar)
{
	struct vectors *vectors = vectors_open("estar");

	for (const char *section; (section = vectors_next_section(vectors));) {
		unsigned g;
		if (sscanf(section, "g_%u", &g) == 1) {
			for (uint32_t s = 1; s <= ASSAY_SAMPLES_MAX; s++)
				if (vectors_has(vectors, "s_%u", s))
					cr_expect_eq(assay_estar_ppm(s, g), vectors_number(vectors, "s_%u", s),
					             "e* of %u samples, g = %u", s, g);
			continue;
		}
		static const uint64_t works[] = {1,
		                                 9,
		                                 999999,
		                                 1000000,
		                                 UINT64_C(1) << 32,
		                                 UINT64_C(9007199254740993),
		                                 UINT64_C(1) << 62,
		                                 UINT64_MAX >> 1};
		uint32_t samples, estar = (uint32_t)vectors_number(vectors, "e_star_ppm");
		cr_assert_eq(sscanf(section, "certified_s_%u", &samples), 1);
		cr_expect_eq(assay_estar_ppm(samples, 64), estar);
		for (size_t i = 0; i < sizeof works / sizeof *works; i++)
			cr_expect_eq(assay_certified(works[i], estar),
			             vectors_number(vectors, "work_%" PRIu64, works[i]));
	}
	everything_was_compared(vectors);
}

/* A PEM text as the vectors write it, with a line end as a backslash and n. */
static void expect_pem(struct vectors *vectors, const char *name, const char *pem)
{
	char text[512] = "";

	for (size_t at = 0; *pem; pem++)
		at += (size_t)snprintf(text + at, sizeof text - at, *pem == '\n' ? "\\n" : "%c", *pem);
	cr_expect_str_eq(text, vectors_text(vectors, "%s", name));
}

static void expect_key(struct vectors *vectors)
{
	const uint8_t *seed = vectors_hash(vectors, "seed");
	uint8_t public_key[32], secret_key[64], signature[64], spki[ASSAY_SPKI_BYTES], pkcs8[48], keys[1][32];
	char pem[ASSAY_PEM_MAX], keyid[65];
	const char *message = vectors_text(vectors, "message");
	struct test_file file;
	size_t count;

	crypto_sign_seed_keypair(public_key, secret_key, seed);
	vectors_expect(vectors, public_key, 32, "public");
	assay_keyid(keyid, public_key);
	cr_expect_str_eq(keyid, vectors_text(vectors, "keyid"));
	assay_key_pem(pem, public_key);
	expect_pem(vectors, "spki_pem", pem);
	cr_expect(assay_pem_read(spki, sizeof spki, "PUBLIC KEY", pem, NULL));
	vectors_expect(vectors, spki, sizeof spki, "spki");
	test_file_open(&file, pem, strlen(pem));
	cr_expect_eq(assay_keys_read(keys, &count, 1, file.path, NULL), ASSAY_OK);
	cr_expect_arr_eq(keys[0], public_key, 32);
	test_file_close(&file);

	memcpy(pkcs8, "\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20", 16);
	memcpy(pkcs8 + 16, seed, 32);
	assay_pem_text(pem, "PRIVATE KEY", pkcs8, sizeof pkcs8);
	expect_pem(vectors, "pkcs8_pem", pem);
	crypto_sign_detached(signature, NULL, (const uint8_t *)message, strlen(message), secret_key);
	vectors_expect(vectors, signature, 64, "signature");
	crypto_sign_detached(signature, NULL, (const uint8_t *)"", 0, secret_key);
	vectors_expect(vectors, signature, 64, "signature_of_nothing");
}

Test(vectors, keys)
{
	struct vectors *vectors = vectors_open("keys");

	for (const char *section; (section = vectors_next_section(vectors));) {
		if (strcmp(section, "small_order") != 0) {
			expect_key(vectors);
			continue;
		}
		/* [0]B - [h]A = R for R = -[h]A: for a key of small order a few tries forge a signature. */
		for (unsigned i = 0; vectors_has(vectors, "refused_%u", i); i++) {
			const uint8_t *key = vectors_hash(vectors, "refused_%u", i);
			for (unsigned r = 0; vectors_has(vectors, "refused_%u", r); r++) {
				uint8_t signature[64] = {0};
				memcpy(signature, vectors_hash(vectors, "refused_%u", r), 32);
				for (uint8_t message = 0; message < 16; message++)
					cr_expect(crypto_sign_verify_detached(signature, &message, 1, key) != 0,
					          "key %u of small order", i);
			}
		}
	}
	everything_was_compared(vectors);
}
