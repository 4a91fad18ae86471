/* SPDX-License-Identifier: Apache-2.0
 *
 * What an attacker *with* the key can do: sign again whatever he altered in the transcript of good/chain, with every
 * digest put right. Then the recheck is all that stands against him, and no bit but those of his own clock may be free.
 */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <sodium.h>

#include "verify/challenge.h"
#include "verify/statement.h"
#include "verify/test/support.h"

static struct test_pair pair;
static struct test_bytes payload;
static struct test_file envelope, transcript;
static size_t challenge_at, challenge_len, devices_at, devices_len, records_at;

static void setup(void)
{
	pair = test_pair_read("good/chain");
	payload = test_payload(&pair.envelope);
	test_file_open(&envelope, pair.envelope.data, pair.envelope.len);
	test_file_open(&transcript, pair.transcript.data, pair.transcript.len);
	challenge_at = 12;
	challenge_len = assay_le32_read(pair.transcript.data + 8);
	devices_at = challenge_at + challenge_len + 4;
	devices_len = assay_le32_read(pair.transcript.data + devices_at - 4);
	records_at = devices_at + devices_len + 32;
}

static void teardown(void)
{
	test_file_close(&envelope);
	test_file_close(&transcript);
	free(payload.data);
	test_pair_free(&pair);
}

TestSuite(resign, .init = setup, .fini = teardown);

static void replace_digest(struct test_bytes *statement, const void *old, const void *new, size_t len)
{
	uint8_t hash[32];
	char old_hex[65], new_hex[65];

	crypto_hash_sha256(hash, old, len);
	assay_hex(old_hex, hash);
	crypto_hash_sha256(hash, new, len);
	assay_hex(new_hex, hash);
	cr_assert(test_replace(statement, old_hex, new_hex, 64));
}

/* Signs a statement that fits these bytes, as far as a statement of the same length can, and verifies. */
static struct test_outcome verify_signed_again(const uint8_t *bytes)
{
	struct test_bytes statement = {malloc(payload.len), payload.len};

	memcpy(statement.data, payload.data, payload.len);
	replace_digest(&statement, pair.transcript.data, bytes, pair.transcript.len);
	replace_digest(&statement, pair.transcript.data + challenge_at, bytes + challenge_at, challenge_len);
	cr_assert(test_replace(&statement, pair.transcript.data + devices_at, bytes + devices_at, devices_len));
	struct test_bytes text = test_sign(statement.data, statement.len);
	test_file_write(&envelope, text.data, text.len);
	test_file_write(&transcript, bytes, pair.transcript.len);
	struct test_outcome found = test_verify(envelope.path, transcript.path);
	free(text.data);
	free(statement.data);
	return found;
}

static bool is_proven(struct test_outcome found)
{
	return found.assurance && strcmp(found.assurance, "work-proven") == 0;
}

Test(resign, untouched_it_is_proven)
{
	struct test_bytes text = test_sign(payload.data, payload.len);

	cr_expect_eq(text.len, pair.envelope.len);
	cr_expect_arr_eq(text.data, pair.envelope.data, text.len, "Ed25519 signatures are deterministic");
	free(text.data);
	struct test_outcome found = verify_signed_again(pair.transcript.data);
	cr_assert(is_proven(found) && found.reason == ASSAY_REASON_NONE);
}

static struct test_outcome flip(size_t bit)
{
	pair.transcript.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	uint8_t *bytes = malloc(pair.transcript.len);
	memcpy(bytes, pair.transcript.data, pair.transcript.len);
	pair.transcript.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	struct test_outcome found = verify_signed_again(bytes);
	free(bytes);
	return found;
}

static void expect_not_proven(size_t bit)
{
	struct test_outcome found = flip(bit);
	cr_assert(!is_proven(found) && found.reason != ASSAY_REASON_NONE, "bit %zu of byte %zu: nothing noticed",
	          bit % 8, bit / 8);
}

Test(resign, every_bit_of_the_header)
{
	for (size_t bit = 0; bit < 8 * records_at; bit++)
		expect_not_proven(bit);
}

/* Where the run records' round times are; everything else in a record must be right. */
Test(resign, every_bit_of_the_roots)
{
	static const uint32_t rounds[] = {3, 3, 2, 2};
	size_t at = records_at;

	for (size_t run = 0; run < 4; run++) {
		cr_assert_eq(assay_le32_read(pair.transcript.data + at), rounds[run]);
		size_t times = at + 4 + 32 * rounds[run], end = times + 8 * rounds[run];
		for (size_t bit = 8 * at; bit < 8 * times; bit++)
			expect_not_proven(bit);
		for (size_t bit = 8 * times; bit < 8 * end; bit += 5)
			cr_assert(is_proven(flip(bit)), "a round time is a claim");
		at = end;
	}
}

/* Every opening is used, and every hash of it. Several bits of each hash. */
Test(resign, every_hash_of_the_openings)
{
	size_t records = 4 + 3 * 40 + 4 + 3 * 40 + 4 + 2 * 40 + 4 + 2 * 40;

	for (size_t at = records_at + records; at < pair.transcript.len; at += 3) {
		struct test_outcome found = flip(8 * at + at % 8);
		cr_assert_eq(found.reason, ASSAY_REASON_LEAF_MISMATCH, "byte %zu", at);
		cr_assert_eq(found.outcome, ASSAY_FAIL);
	}
}

/* Openings in another order, runs exchanged between devices, the same opening twice. */
Test(resign, openings_exchanged)
{
	const size_t records = 4 + 3 * 40 + 4 + 3 * 40 + 4 + 2 * 40 + 4 + 2 * 40, first = records_at + records;
	const size_t depth_bytes = 2 * 32, run_bytes = 16 * depth_bytes;
	uint8_t *bytes = malloc(pair.transcript.len);

	memcpy(bytes, pair.transcript.data, pair.transcript.len);
	memcpy(bytes + first, pair.transcript.data + first + run_bytes, run_bytes);
	memcpy(bytes + first + run_bytes, pair.transcript.data + first, run_bytes);
	cr_expect_eq(verify_signed_again(bytes).reason, ASSAY_REASON_LEAF_MISMATCH);

	/* Of 16 draws of 12 leaves some are the same; one of these gets the opening of another leaf. */
	memcpy(bytes, pair.transcript.data, pair.transcript.len);
	size_t same = 0, other = 0;
	for (size_t i = 1; i < 16; i++) {
		if (memcmp(bytes + first, bytes + first + i * depth_bytes, depth_bytes) != 0)
			other = i;
		for (size_t k = 0; k < i; k++)
			if (memcmp(bytes + first + k * depth_bytes, bytes + first + i * depth_bytes, depth_bytes) == 0)
				same = i;
	}
	cr_assert(same && other);
	const uint8_t *opening = pair.transcript.data + first + other * depth_bytes;
	if (memcmp(bytes + first + same * depth_bytes, opening, depth_bytes) == 0)
		opening = pair.transcript.data + first;
	memcpy(bytes + first + same * depth_bytes, opening, depth_bytes);
	cr_expect_eq(verify_signed_again(bytes).reason, ASSAY_REASON_LEAF_MISMATCH);

	/* Roots exchanged between the devices of the first segment. */
	memcpy(bytes, pair.transcript.data, pair.transcript.len);
	memcpy(bytes + records_at, pair.transcript.data + records_at + 124, 124);
	memcpy(bytes + records_at + 124, pair.transcript.data + records_at, 124);
	cr_expect_eq(verify_signed_again(bytes).reason, ASSAY_REASON_LEAF_MISMATCH);
	free(bytes);
}
