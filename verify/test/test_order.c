/* SPDX-License-Identifier: Apache-2.0
 *
 * Files with more than one fault: which one is told (SPEC 10.1), and what is not told because a check was not reached.
 */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "verify/test/support.h"

static struct test_pair pair;
static struct test_file envelope, transcript;

static void setup(void)
{
	pair = test_pair_read("good/chain");
	test_file_open(&envelope, pair.envelope.data, pair.envelope.len);
	test_file_open(&transcript, pair.transcript.data, pair.transcript.len);
}

static void teardown(void)
{
	test_file_close(&envelope);
	test_file_close(&transcript);
	test_pair_free(&pair);
}

TestSuite(order, .init = setup, .fini = teardown);

/* The signature's last significant character, a bit of it that counts. */
static void break_signature(void)
{
	const char *sig = strstr((const char *)pair.envelope.data, "\"sig\":\"") + 7;

	test_file_put(&envelope, (size_t)(sig - (const char *)pair.envelope.data), *sig == 'A' ? 'B' : 'A');
}

static void verdict_of(struct assay_verdict *verdict)
{
	const struct assay_policy policy = test_policy();

	cr_assert_eq(assay_verify(verdict, envelope.path, transcript.path, &policy), ASSAY_OK);
}

/* Nothing but the header is read of a transcript whose signature has not held. */
Test(order, a_broken_signature_comes_before_cut_records)
{
	struct assay_verdict verdict;

	break_signature();
	test_file_write(&transcript, pair.transcript.data, pair.transcript.len - 1);
	verdict_of(&verdict);
	cr_expect_eq(verdict.outcome, ASSAY_FAIL);
	cr_expect_eq(verdict.checks[ASSAY_CHECK_SIGNATURE].reason, ASSAY_REASON_SIGNATURE_INVALID);
	cr_expect(verdict.checks[ASSAY_CHECK_TRANSCRIPT].reached);
	cr_expect(!verdict.checks[ASSAY_CHECK_RECORDS].reached);
	cr_expect_null(verdict.assurance);
	cr_expect_str_empty(verdict.keyid);
	assay_verdict_close(&verdict);
}

Test(order, a_cut_header_comes_before_a_broken_signature)
{
	struct assay_verdict verdict;

	break_signature();
	test_file_write(&transcript, pair.transcript.data, 100);
	verdict_of(&verdict);
	cr_expect_eq(verdict.outcome, ASSAY_MALFORMED);
	cr_expect_eq(verdict.checks[ASSAY_CHECK_TRANSCRIPT].reason, ASSAY_REASON_TRANSCRIPT_MALFORMED);
	cr_expect(!verdict.checks[ASSAY_CHECK_SIGNATURE].reached);
	assay_verdict_close(&verdict);
}

/* The records of a file that is too short are told before its digest, which is wrong as well. */
Test(order, cut_records_come_before_the_digest)
{
	struct assay_verdict verdict;

	test_file_write(&transcript, pair.transcript.data, pair.transcript.len - 1);
	verdict_of(&verdict);
	cr_expect_eq(verdict.outcome, ASSAY_MALFORMED);
	cr_expect_eq(verdict.checks[ASSAY_CHECK_TRANSCRIPT].reason, ASSAY_REASON_NONE);
	cr_expect_eq(verdict.checks[ASSAY_CHECK_RECORDS].reason, ASSAY_REASON_TRANSCRIPT_MALFORMED);
	cr_expect(!verdict.checks[ASSAY_CHECK_DIGEST].reached);
	cr_expect_str_eq(verdict.assurance, "self-asserted");
	assay_verdict_close(&verdict);
}

Test(order, a_broken_signature_comes_before_a_refused_challenge)
{
	struct assay_verdict verdict;

	break_signature();
	test_file_put(&transcript, 12, '[');
	verdict_of(&verdict);
	cr_expect_eq(verdict.outcome, ASSAY_FAIL);
	cr_expect_eq(verdict.checks[ASSAY_CHECK_SIGNATURE].reason, ASSAY_REASON_SIGNATURE_INVALID);
	for (int id = ASSAY_CHECK_TRUST; id < ASSAY_CHECK_COUNT; id++) {
		cr_expect(!verdict.checks[id].reached);
		cr_expect_str_empty(verdict.checks[id].detail);
	}
	assay_verdict_close(&verdict);
}

Test(order, a_refused_challenge_skips_records_and_digest)
{
	struct assay_verdict verdict;

	test_file_put(&transcript, 12, '[');
	verdict_of(&verdict);
	cr_expect_eq(verdict.outcome, ASSAY_MALFORMED);
	cr_expect(verdict.checks[ASSAY_CHECK_STATEMENT].reached);
	cr_expect(!verdict.checks[ASSAY_CHECK_RECORDS].reached);
	cr_expect(!verdict.checks[ASSAY_CHECK_DIGEST].reached);
	cr_expect_eq(verdict.checks[ASSAY_CHECK_CHALLENGE].reason, ASSAY_REASON_CHALLENGE_MALFORMED);
	cr_expect_str_eq(verdict.assurance, "self-asserted");
	assay_verdict_close(&verdict);
}

Test(order, a_statement_comes_before_a_refused_challenge)
{
	static const char statement[] = "{\"_type\":\"another\",\"predicate\":0,\"predicateType\":\"\",\"subject\":0}";
	struct test_bytes text = test_sign(statement, sizeof statement - 1);
	struct assay_verdict verdict;

	test_file_write(&envelope, text.data, text.len);
	test_file_put(&transcript, 12, '[');
	verdict_of(&verdict);
	cr_expect_eq(verdict.outcome, ASSAY_INCONCLUSIVE);
	cr_expect_eq(verdict.checks[ASSAY_CHECK_STATEMENT].reason, ASSAY_REASON_STATEMENT_VERSION);
	cr_expect(!verdict.checks[ASSAY_CHECK_CHALLENGE].reached);
	cr_expect_str_empty(verdict.finished);
	assay_verdict_close(&verdict);
	free(text.data);
}

/* An untrusted key does not end the verification, and a worse fault outweighs it. */
Test(order, an_untrusted_key_and_a_wrong_digest)
{
	const struct assay_policy nobody = {.trusted = NULL};
	struct assay_verdict verdict;

	test_file_put(&transcript, pair.transcript.len - 1, (uint8_t)~pair.transcript.data[pair.transcript.len - 1]);
	cr_assert_eq(assay_verify(&verdict, envelope.path, transcript.path, &nobody), ASSAY_OK);
	cr_expect_eq(verdict.outcome, ASSAY_FAIL);
	cr_expect_eq(verdict.checks[ASSAY_CHECK_TRUST].reason, ASSAY_REASON_KEY_UNTRUSTED);
	cr_expect_eq(verdict.checks[ASSAY_CHECK_DIGEST].reason, ASSAY_REASON_TRANSCRIPT_DIGEST);
	cr_expect(!verdict.checks[ASSAY_CHECK_DEVICES].reached);
	assay_verdict_close(&verdict);
}

/* A malformed envelope is told without its transcript. */
Test(order, a_malformed_envelope_needs_no_transcript)
{
	const struct assay_policy policy = test_policy();
	struct assay_verdict verdict;

	test_file_write(&envelope, "{}\n", 3);
	cr_assert_eq(assay_verify(&verdict, envelope.path, "/nonexistent/x.transcript", &policy), ASSAY_OK);
	cr_expect_eq(verdict.outcome, ASSAY_MALFORMED);
	assay_verdict_close(&verdict);
}

/* What cannot be read is no verdict. */
Test(order, files_that_cannot_be_read)
{
	const struct assay_policy policy = test_policy();
	const struct {
		const char *envelope, *transcript;
		enum assay_status status;
	} table[] = {
	    {"/nonexistent.intoto.json", NULL, ASSAY_ERROR_IO},
	    {"/nonexistent.intoto.json", transcript.path, ASSAY_ERROR_IO},
	    {"verify", transcript.path, ASSAY_ERROR_IO},
	    {envelope.path, "/nonexistent.transcript", ASSAY_ERROR_IO},
	    {envelope.path, "verify", ASSAY_ERROR_IO},
	    {envelope.path, NULL, ASSAY_ERROR_INPUT},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct assay_verdict verdict;
		cr_expect_eq(assay_verify(&verdict, table[i].envelope, table[i].transcript, &policy), table[i].status,
		             "row %zu", i);
		cr_expect_neq(verdict.outcome, ASSAY_PASS, "row %zu", i);
		cr_expect_str_not_empty(verdict.error.text, "row %zu", i);
		cr_expect_str_not_empty(verdict.error.reason, "row %zu", i);
		assay_verdict_close(&verdict);
	}
	assay_verdict_close(NULL);
}
