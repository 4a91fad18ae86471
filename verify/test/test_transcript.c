/* SPDX-License-Identifier: Apache-2.0
 *
 * verify/transcript.c and recheck.c: a file that changes between the two passes is noticed, whatever the change. */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "verify/test/support.h"
#include "verify/transcript.h"

static struct test_bytes bytes;
static struct test_file file;
static struct assay_transcript transcript;
static struct assay_challenge challenge;

/* The first pass over good/chain. */
static void setup(void)
{
	enum assay_reason reason;
	uint8_t digest[32], expected[32];
	char detail[200];

	bytes = test_read("verify/vectors/good/chain.transcript");
	test_file_open(&file, bytes.data, bytes.len);
	cr_assert_eq(assay_transcript_open(&transcript, file.path, &reason, NULL), ASSAY_OK);
	cr_assert_eq(reason, ASSAY_REASON_NONE);
	cr_assert_eq(
	    assay_challenge_parse(&challenge, transcript.challenge, transcript.challenge_len, detail, sizeof detail),
	    ASSAY_REASON_NONE);
	cr_assert_eq(assay_transcript_records(&transcript, &challenge, digest, detail, sizeof detail),
	             ASSAY_REASON_NONE);
	crypto_hash_sha256(expected, bytes.data, bytes.len);
	cr_assert_arr_eq(digest, expected, 32);
	static const uint8_t nonces[32 * (ASSAY_SEGMENTS_MAX + 1)];
	assay_transcript_chain(&transcript, &challenge, nonces, expected);
}

static void teardown(void)
{
	assay_transcript_close(&transcript);
	test_file_close(&file);
	free(bytes.data);
}

TestSuite(transcript, .init = setup, .fini = teardown);

struct reports {
	unsigned runs, leaves, mismatches;
};

static void report(void *context, uint32_t segment, uint32_t device, uint32_t leaves, enum assay_reason reason)
{
	struct reports *reports = context;

	cr_expect_eq(segment, reports->runs / 2);
	cr_expect_eq(device, reports->runs % 2);
	reports->runs++;
	reports->leaves += leaves;
	reports->mismatches += reason == ASSAY_REASON_LEAF_MISMATCH;
}

static size_t records_at(void)
{
	return 8 + 4 + transcript.challenge_len + 4 + transcript.devices_len + 32;
}

Test(transcript, unchanged)
{
	struct reports reports = {0, 0, 0};

	cr_expect(assay_transcript_recheck(&transcript, &challenge, report, &reports));
	cr_expect(reports.runs == 4 && reports.leaves == 64 && reports.mismatches == 0);
}

/* The count of a record is not read again, and its times are in no commitment: neither can matter. */
Test(transcript, a_root_changed)
{
	for (size_t at = 4; at < 4 + 3 * 32; at += 7) {
		struct reports reports = {0, 0, 0};
		test_file_put(&file, records_at() + at, (uint8_t)~bytes.data[records_at() + at]);
		cr_expect(!assay_transcript_recheck(&transcript, &challenge, report, &reports), "byte %zu", at);
		test_file_put(&file, records_at() + at, bytes.data[records_at() + at]);
	}
}

Test(transcript, an_opening_changed)
{
	struct reports reports = {0, 0, 0};

	test_file_put(&file, bytes.len - 1, (uint8_t)~bytes.data[bytes.len - 1]);
	cr_expect(!assay_transcript_recheck(&transcript, &challenge, report, &reports));
	cr_expect(reports.runs == 4 && reports.mismatches == 1);
}

Test(transcript, cut)
{
	for (size_t len = records_at(); len < bytes.len; len += 97) {
		struct reports reports = {0, 0, 0};
		test_file_write(&file, bytes.data, len);
		cr_expect(!assay_transcript_recheck(&transcript, &challenge, report, &reports), "cut at %zu", len);
	}
}

/* A header whose two texts have these lengths, with as many bytes as they say, or one less. */
static enum assay_reason header(uint32_t challenge_len, uint32_t devices_len, size_t missing)
{
	const size_t len = 8 + 4 + (size_t)challenge_len + 4 + devices_len + 32 - missing;
	uint8_t *text = calloc(1, len + 4);
	struct assay_transcript opened;
	struct test_file other;
	enum assay_reason reason;

	memcpy(text, ASSAY_TRANSCRIPT_MAGIC, 8);
	assay_le32_write(text + 8, challenge_len);
	assay_le32_write(text + 12 + challenge_len, devices_len);
	test_file_open(&other, text, len);
	cr_expect_eq(assay_transcript_open(&opened, other.path, &reason, NULL), ASSAY_OK);
	assay_transcript_close(&opened);
	test_file_close(&other);
	free(text);
	return reason;
}

Test(transcript, lengths_at_their_bounds)
{
	static const uint32_t lengths[] = {0, 1, 2, 65535, 65536, 65537, 65538, 1 << 24};

	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		bool good = lengths[i] >= 1 && lengths[i] <= 65536;
		enum assay_reason expected = good ? ASSAY_REASON_NONE : ASSAY_REASON_TRANSCRIPT_MALFORMED;
		cr_expect_eq(header(lengths[i], 1, 0), expected, "challenge of %u", lengths[i]);
		cr_expect_eq(header(1, lengths[i], 0), expected, "devices of %u", lengths[i]);
		cr_expect_eq(header(lengths[i], 1, 1), ASSAY_REASON_TRANSCRIPT_MALFORMED, "%u", lengths[i]);
		cr_expect_eq(header(1, lengths[i], 1), ASSAY_REASON_TRANSCRIPT_MALFORMED, "%u", lengths[i]);
	}
}
