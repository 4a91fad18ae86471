/* SPDX-License-Identifier: Apache-2.0
 *
 * What an attacker without the key can do to an attestation that passes: nothing that still passes. Every bit of the
 * envelope, every bit of the transcript's header, thousands of its other bits; bytes cut, added, taken out; other
 * encodings of the same envelope; another transcript. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "verify/statement.h"
#include "verify/test/support.h"

static struct test_pair pair;
static struct test_file envelope, transcript;

static void setup(void)
{
	pair = test_pair_read("good/quick-host");
	test_file_open(&envelope, pair.envelope.data, pair.envelope.len);
	test_file_open(&transcript, pair.transcript.data, pair.transcript.len);
}

static void teardown(void)
{
	test_file_close(&envelope);
	test_file_close(&transcript);
	test_pair_free(&pair);
}

TestSuite(bitflip, .init = setup, .fini = teardown);

Test(bitflip, untouched_it_passes)
{
	cr_assert_eq(test_verify(envelope.path, transcript.path).outcome, ASSAY_PASS);
}

/* The reading of an envelope and its signature decide alone, and are asked for every bit; the whole verification, which
 * takes longer for what can be read, for some. */
Test(bitflip, envelope)
{
	struct test_bytes *text = &pair.envelope;
	char keyid[65];
	const uint8_t *key = test_policy().trusted[0];
	unsigned readable = 0;

	assay_keyid(keyid, key);
	for (size_t bit = 0; bit < 8 * text->len; bit++) {
		struct assay_envelope parsed;
		text->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (assay_envelope_parse(&parsed, ASSAY_TYPE_STATEMENT, (const char *)text->data, text->len)) {
			cr_assert(strcmp(parsed.keyid, keyid) != 0 || !assay_envelope_signed_by(&parsed, key),
			          "bit %zu of byte %zu of the envelope", bit % 8, bit / 8);
			free(parsed.payload);
			readable++;
		}
		if (readable % 16 == 1) {
			test_file_put(&envelope, bit / 8, text->data[bit / 8]);
			cr_assert_null(test_verify(envelope.path, transcript.path).assurance);
		}
		text->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		test_file_put(&envelope, bit / 8, text->data[bit / 8]);
	}
	cr_expect_gt(readable, 1000);
}

/* With a transcript so small that every bit can be asked of the whole verification. */
Test(bitflip, envelope_of_a_small_transcript)
{
	struct test_pair small = test_pair_read("good/profile-host");

	test_file_write(&envelope, small.envelope.data, small.envelope.len);
	test_file_write(&transcript, small.transcript.data, small.transcript.len);
	cr_assert_str_eq(test_verify(envelope.path, transcript.path).assurance, "self-asserted");
	for (size_t bit = 0; bit < 8 * small.envelope.len; bit++) {
		uint8_t byte = small.envelope.data[bit / 8];
		test_file_put(&envelope, bit / 8, (uint8_t)(byte ^ 1 << bit % 8));
		struct test_outcome found = test_verify(envelope.path, transcript.path);
		bool malformed = found.outcome == ASSAY_MALFORMED && found.reason == ASSAY_REASON_ENVELOPE_MALFORMED;
		bool failed = found.outcome == ASSAY_FAIL && (found.reason == ASSAY_REASON_SIGNATURE_KEYID ||
		                                              found.reason == ASSAY_REASON_SIGNATURE_INVALID);
		cr_assert((malformed || failed) && !found.assurance, "bit %zu of byte %zu of the envelope: %s", bit % 8,
		          bit / 8, assay_reason_name(found.reason));
		test_file_put(&envelope, bit / 8, byte);
	}
	test_pair_free(&small);
}

static void flip_transcript(size_t bit)
{
	uint8_t byte = pair.transcript.data[bit / 8];

	test_file_put(&transcript, bit / 8, (uint8_t)(byte ^ 1 << bit % 8));
	struct test_outcome found = test_verify(envelope.path, transcript.path);
	/* Another version, workload or mode is not known to be wrong. */
	bool other = found.reason == ASSAY_REASON_TRANSCRIPT_VERSION || found.reason == ASSAY_REASON_CHALLENGE_MODE ||
	             found.reason == ASSAY_REASON_WORKLOAD_UNKNOWN;
	cr_assert(found.outcome == ASSAY_MALFORMED || found.outcome == ASSAY_FAIL ||
	              (other && found.outcome == ASSAY_INCONCLUSIVE),
	          "bit %zu of byte %zu of the transcript: %s", bit % 8, bit / 8, assay_outcome_name(found.outcome));
	cr_assert(!found.assurance || strcmp(found.assurance, "self-asserted") == 0, "bit %zu of byte %zu", bit % 8,
	          bit / 8);
	test_file_put(&transcript, bit / 8, byte);
}

/* The length of the header and of the first run record: magic, challenge, devices, key, count. */
static size_t header_len(void)
{
	const uint8_t *at = pair.transcript.data;
	size_t challenge_len = assay_le32_read(at + 8), devices_len = assay_le32_read(at + 12 + challenge_len);

	return 8 + 4 + challenge_len + 4 + devices_len + 32 + 4;
}

Test(bitflip, transcript_header)
{
	for (size_t bit = 0; bit < 8 * header_len(); bit++)
		flip_transcript(bit);
}

Test(bitflip, transcript_records)
{
	uint64_t state = 0x62697466;

	for (int i = 0; i < 1000; i++)
		flip_transcript(test_random(&state) % (8 * pair.transcript.len));
	for (size_t bit = 8 * (pair.transcript.len - 4); bit < 8 * pair.transcript.len; bit++)
		flip_transcript(bit);
}

static void expect_envelope_refused(const void *bytes, size_t len, const char *what, size_t where)
{
	test_file_write(&envelope, bytes, len);
	struct test_outcome found = test_verify(envelope.path, transcript.path);
	cr_assert(found.outcome == ASSAY_MALFORMED && found.reason == ASSAY_REASON_ENVELOPE_MALFORMED, "%s %zu: %s",
	          what, where, assay_reason_name(found.reason));
}

Test(bitflip, envelope_bytes_cut_taken_out_and_added)
{
	const size_t len = pair.envelope.len;
	uint8_t *bytes = malloc(len + 2);

	for (size_t cut = 0; cut < len; cut++)
		expect_envelope_refused(pair.envelope.data, cut, "cut at", cut);
	for (size_t at = 0; at < len; at++) {
		memcpy(bytes, pair.envelope.data, at);
		memcpy(bytes + at, pair.envelope.data + at + 1, len - at - 1);
		test_file_write(&envelope, bytes, len - 1);
		cr_assert_neq(test_verify(envelope.path, transcript.path).outcome, ASSAY_PASS, "without byte %zu", at);
		memcpy(bytes + at + 1, pair.envelope.data + at, len - at);
		bytes[at] = (uint8_t) "\0 \nA=\"\\{"[at % 8];
		test_file_write(&envelope, bytes, len + 1);
		cr_assert_neq(test_verify(envelope.path, transcript.path).outcome, ASSAY_PASS, "a byte before %zu", at);
	}
	memcpy(bytes, pair.envelope.data, len);
	for (unsigned byte = 0; byte < 256; byte++) {
		bytes[len] = (uint8_t)byte;
		expect_envelope_refused(bytes, len + 1, "appended", byte);
	}
	free(bytes);
}

/* The same envelope, written otherwise: a text replaced once. */
Test(bitflip, envelope_in_another_encoding)
{
	static const struct {
		const char *from, *to;
	} table[] = {
	    {"{\"payload\"", "{ \"payload\""},
	    {"{\"payload\"", " {\"payload\""},
	    {"{\"payload\"", "\xef\xbb\xbf{\"payload\""},
	    {"\",\"payloadType", "\", \"payloadType"},
	    {"\"signatures\":[", "\"signatures\": ["},
	    {"}]}\n", "}]}"},
	    {"}]}\n", "}]} \n"},
	    {"}]}\n", "}]}\r\n"},
	    {"}]}\n", "}]}\n\n"},
	    {"}]}\n", "},]}\n"},
	    {"}]}\n", "}],\"a\":0}\n"},
	    {"vnd.in-toto+json", "vnd.in\\u002dtoto+json"},
	    {"application/vnd", "application\\/vnd"},
	    {"==\"}]", "=\"}]"},
	    {"==\"}]", "\"}]"},
	    {"==\"}]", "===\"}]"},
	    {"\",\"payloadType", "=\",\"payloadType"},
	    {"\",\"payloadType", "====\",\"payloadType"},
	    {"\"533225625cebdb", "\"533225625CEBDB"},
	    {"{\"keyid\":\"533", "{\"keyid\":\" 533"},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const char *text = (const char *)pair.envelope.data, *at = strstr(text, table[i].from);
		char *other = malloc(pair.envelope.len + 64);
		cr_assert(at, "row %zu: there is no %s", i, table[i].from);
		int len = sprintf(other, "%.*s%s%s", (int)(at - text), text, table[i].to, at + strlen(table[i].from));
		expect_envelope_refused(other, (size_t)len, "row", i);
		free(other);
	}
}

/* The signature's base64: bits that its last letter has to spare, the other alphabet, and a line end. */
Test(bitflip, signature_in_another_encoding)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = (char *)pair.envelope.data, *last = strstr(text, "==\"}]") - 1;
	char *start = strstr(text, "\"sig\":\"") + strlen("\"sig\":\""), *special = strpbrk(start, "+/");
	const char was = *last;
	const size_t value = (size_t)(strchr(alphabet, was) - alphabet);

	cr_assert_eq(value % 16, 0);
	for (size_t bits = 1; bits < 16; bits++) {
		*last = alphabet[value + bits];
		expect_envelope_refused(text, pair.envelope.len, "bits to spare", bits);
	}
	*last = was;
	if (!special)
		special = start;
	char *other = malloc(pair.envelope.len + 3);
	int len = sprintf(other, "%.*s\\n%s", (int)(special - text), text, special);
	expect_envelope_refused(other, (size_t)len, "a line end at", (size_t)(special - text));
	free(other);
	*special = *special == '/' ? '_' : '-';
	expect_envelope_refused(text, pair.envelope.len, "another alphabet at", (size_t)(special - text));
}

static void expect_transcript_refused(const void *bytes, size_t len, const char *what, size_t where)
{
	test_file_write(&transcript, bytes, len);
	struct test_outcome found = test_verify(envelope.path, transcript.path);
	cr_assert(found.outcome == ASSAY_MALFORMED && found.reason == ASSAY_REASON_TRANSCRIPT_MALFORMED, "%s %zu: %s",
	          what, where, assay_reason_name(found.reason));
}

Test(bitflip, transcript_cut_and_extended)
{
	const size_t len = pair.transcript.len, dense = header_len() + 64;
	uint8_t *bytes = calloc(1, len + 70000);

	for (size_t cut = 0; cut < dense; cut++)
		expect_transcript_refused(pair.transcript.data, cut, "cut at", cut);
	for (size_t cut = dense; cut < len; cut += 4801)
		expect_transcript_refused(pair.transcript.data, cut, "cut at", cut);
	for (size_t cut = len - 40; cut < len; cut++)
		expect_transcript_refused(pair.transcript.data, cut, "cut at", cut);
	memcpy(bytes, pair.transcript.data, len);
	static const size_t more[] = {1, 2, 31, 32, 33, 16384, 70000};
	for (size_t i = 0; i < sizeof more / sizeof *more; i++)
		expect_transcript_refused(bytes, len + more[i], "extended by", more[i]);
	free(bytes);
}

Test(bitflip, transcript_bytes_taken_out_and_added)
{
	const size_t len = pair.transcript.len;
	uint8_t *bytes = malloc(len + 1);
	uint64_t state = 0x6f7574;

	for (int i = 0; i < 600; i++) {
		/* Half of them in the header. */
		size_t at = test_random(&state) % (i % 2 ? len : header_len());
		memcpy(bytes, pair.transcript.data, at);
		memcpy(bytes + at, pair.transcript.data + at + 1, len - at - 1);
		test_file_write(&transcript, bytes, len - 1);
		cr_assert_neq(test_verify(envelope.path, transcript.path).outcome, ASSAY_PASS, "without byte %zu", at);
		memcpy(bytes + at + 1, pair.transcript.data + at, len - at);
		bytes[at] = i % 4 < 2 ? pair.transcript.data[at] : (uint8_t)test_random(&state);
		test_file_write(&transcript, bytes, len + 1);
		cr_assert_neq(test_verify(envelope.path, transcript.path).outcome, ASSAY_PASS, "a byte before %zu", at);
	}
	free(bytes);
}

/* The envelope of one attestation with the transcript of another one of the same prover. */
Test(bitflip, transcripts_exchanged)
{
	static const char *const names[] = {"good/chain", "good/profile-host", "good/sixteen-segments",
	                                    "good/one-leaf"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct test_pair other = test_pair_read(names[i]);
		test_file_write(&envelope, pair.envelope.data, pair.envelope.len);
		test_file_write(&transcript, other.transcript.data, other.transcript.len);
		cr_expect_eq(test_verify(envelope.path, transcript.path).reason, ASSAY_REASON_TRANSCRIPT_DIGEST, "%s",
		             names[i]);
		test_file_write(&envelope, other.envelope.data, other.envelope.len);
		test_file_write(&transcript, pair.transcript.data, pair.transcript.len);
		cr_expect_eq(test_verify(envelope.path, transcript.path).reason, ASSAY_REASON_TRANSCRIPT_DIGEST, "%s",
		             names[i]);
		test_pair_free(&other);
	}
}
