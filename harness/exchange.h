/* SPDX-License-Identifier: Apache-2.0
 *
 * The prover's side of an exchange with a verifier (SPEC 4.5): says when it is ready and what it commits to, and keeps
 * the receipts in PREFIX.receipts.jsonl, so that a job that was killed goes on where it was. */
#ifndef HARNESS_EXCHANGE_H
#define HARNESS_EXCHANGE_H

#include "harness/link.h"
#include "harness/secret.h"
#include "verify/receipts.h"

struct assay_exchange {
	/* The caller's. */
	const struct assay_challenge *challenge;
	const struct assay_secret *secret;
	uint8_t verifier[ASSAY_KEY_BYTES]; /* the public key of the challenge's verifier */
	struct assay_link link;
	const char *prefix;

	/* Of the exchange so far: receipts, as lines and as what they say. */
	struct assay_receipts_of of;    /* what receipts must agree with; no commitments */
	const struct assay_step *asked; /* what a receipt is waited for; NULL: nothing */
	uint32_t count;
	char *lines[ASSAY_STEPS_MAX];
	struct assay_step steps[ASSAY_STEPS_MAX];
};

/* Begins or goes on: what the file of receipts has is taken. The caller fills the first part and zeroes the rest.
 * Errors: receipts.malformed, receipts.mismatch when the file is of another job; io.*. */
enum assay_status assay_exchange_open(struct assay_exchange *exchange, const char *challenge_text,
                                      const uint8_t job[32], struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_exchange_close(struct assay_exchange *exchange);

/* Ready for segment j: its nonce. Errors: those of the link; receipts.malformed, .signature, .mismatch. */
enum assay_status assay_exchange_ready(struct assay_exchange *exchange, uint32_t j, uint8_t nonce[32],
                                       struct assay_error *error) ASSAY_CHECK_RESULT;
enum assay_status assay_exchange_commit(struct assay_exchange *exchange, uint32_t j, const uint8_t commit[32],
                                        struct assay_error *error) ASSAY_CHECK_RESULT;

/* Whether a line is the receipt of the next step: of the commitment that is under way, or else of any. Errors:
 * receipts.malformed, .signature, .mismatch. */
enum assay_status assay_exchange_look(const struct assay_exchange *exchange, const char *line, struct assay_step *step,
                                      struct assay_error *error) ASSAY_CHECK_RESULT;

/* Whether segment j has its nonce already. */
bool assay_exchange_has(const struct assay_exchange *exchange, uint32_t j, uint8_t nonce[32]);

/* Of all receipts, as the statement names them. */
void assay_exchange_digest(const struct assay_exchange *exchange, uint8_t digest[32]);

#endif
