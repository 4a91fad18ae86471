/* SPDX-License-Identifier: Apache-2.0
 *
 * A verifier answers as verify/vectors/exchange.txt says, which another implementation made. SPEC 4.5. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/test/exchanges.h"
#include "harness/test/support.h"
#include "verify/test/vectors.h"

TestSuite(answers_vectors, .timeout = 60);

static struct assay_error error;
static struct exchange exchange;
static struct assay_answers answers;

static void vectors_begin(struct vectors *vectors)
{
	char detail[200];
	const char *payload;

	memset(&exchange, 0, sizeof exchange);
	vectors_select(vectors, "inputs");
	memcpy(exchange.verifier.seed, vectors_hash(vectors, "verifier_seed"), 32);
	memcpy(exchange.verifier.key, vectors_hash(vectors, "verifier_key"), 32);
	memcpy(exchange.digest, vectors_hash(vectors, "challenge_sha256"), 32);
	payload = vectors_text(vectors, "challenge");
	cr_assert_eq(assay_challenge_parse(&exchange.challenge, payload, strlen(payload), detail, sizeof detail),
	             ASSAY_REASON_NONE);
	cr_assert_eq(exchange.challenge.expires, vectors_number(vectors, "expires_seconds"));
	answers = exchange_answers(&exchange);
}

static void vectors_line(char line[ASSAY_STEP_LINE_MAX], struct vectors *vectors, const char *name)
{
	snprintf(line, ASSAY_STEP_LINE_MAX, "%s\n", vectors_text(vectors, "%s", name));
}

static void vectors_restore(struct vectors *vectors, uint64_t count)
{
	char section[16], message[ASSAY_STEP_LINE_MAX], receipt[ASSAY_STEP_LINE_MAX];

	for (uint64_t i = 0; i < count; i++) {
		snprintf(section, sizeof section, "step_%u", (unsigned)i);
		vectors_select(vectors, section);
		vectors_line(message, vectors, "message_envelope");
		vectors_line(receipt, vectors, "receipt_envelope");
		support_ok(assay_answers_restore(&answers, message, strlen(message), receipt, strlen(receipt), &error),
		           error);
	}
}

/* A receipt is the vectors' to the last byte, but for a nonce that is drawn. */
static void vectors_answer(struct vectors *vectors, const char *section)
{
	char message[ASSAY_STEP_LINE_MAX], receipt[ASSAY_STEP_LINE_MAX];
	const char *said = NULL;

	vectors_select(vectors, section);
	const uint64_t after = vectors_number(vectors, "after"), at = vectors_number(vectors, "now");
	vectors_begin(vectors);
	vectors_restore(vectors, after);
	vectors_select(vectors, section);
	vectors_line(message, vectors, "message");
	if (vectors_has(vectors, "answer")) {
		exchange_refuses(&answers, strdup(message), at, vectors_text(vectors, "answer"));
	} else {
		vectors_line(receipt, vectors, "receipt");
		said = exchange_ask(&answers, strdup(message), at);
		struct assay_step ours = exchange_receipt(&exchange, said),
		                  theirs = exchange_receipt(&exchange, receipt);
		if (answers.count > after && !ours.is_commit)
			memcpy(ours.nonce, theirs.nonce, 32);
		else
			cr_expect_str_eq(said, receipt, "%s", section);
		cr_expect_arr_eq(&ours, &theirs, sizeof ours, "%s", section);
	}
	assay_answers_close(&answers);
}

Test(answers_vectors, all)
{
	char sections[64][64];
	size_t count = 0;

	struct vectors *vectors = vectors_open("exchange");
	for (const char *section; (section = vectors_next_section(vectors));)
		if (strncmp(section, "after_", 6) == 0)
			snprintf(sections[count++], sizeof sections[0], "%s", section);
	cr_assert_geq(count, 10);
	for (size_t i = 0; i < count; i++)
		vectors_answer(vectors, sections[i]);
	/* And the exchange itself: commitments have nothing that is drawn. */
	for (uint32_t i = 0; i < 5; i++) {
		char section[16], line[ASSAY_STEP_LINE_MAX], receipt[ASSAY_STEP_LINE_MAX];
		vectors_begin(vectors);
		vectors_restore(vectors, i);
		snprintf(section, sizeof section, "step_%u", i);
		vectors_select(vectors, section);
		vectors_line(line, vectors, "message_envelope");
		vectors_line(receipt, vectors, "receipt_envelope");
		const struct assay_step theirs = exchange_receipt(&exchange, receipt);
		const char *said = exchange_ask(&answers, strdup(line), theirs.at_ns);
		cr_assert_eq(exchange_receipt(&exchange, said).at_ns, theirs.at_ns);
		cr_assert(!theirs.is_commit || strcmp(said, receipt) == 0, "step %u", i);
		assay_answers_close(&answers);
	}
	vectors_close(vectors);
}
