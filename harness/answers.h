/* SPDX-License-Identifier: Apache-2.0
 *
 * The verifier's side of an exchange (SPEC 4.5): what it answers to a message, and what it has answered so far. It
 * knows no files and no clock; ledger.h keeps it on a disk. */
#ifndef HARNESS_ANSWERS_H
#define HARNESS_ANSWERS_H

#include "harness/secret.h"
#include "verify/exchange.h"

struct assay_answers {
	/* The caller's. */
	const struct assay_challenge *challenge;
	uint8_t digest[32]; /* SHA-256 of the challenge payload */
	const struct assay_secret *secret;
	/* Puts what there is now where it outlasts the process, before a new receipt is given out: when that fails the
	 * receipt does not exist. May be NULL. */
	enum assay_status (*keep)(void *context, const struct assay_answers *answers, struct assay_error *error);
	void *context;

	/* Job and key, which the first message fixed, and each message with its receipt, as lines and as what the
	 * receipts say. Zeroes before the first one. */
	uint8_t job[32], key[ASSAY_KEY_BYTES];
	uint32_t count;
	struct assay_step steps[ASSAY_STEPS_MAX];
	char *messages[ASSAY_STEPS_MAX], *receipts[ASSAY_STEPS_MAX];
};

/* A message, signed by the key that it names. Errors: exchange.malformed, exchange.signature. */
enum assay_status assay_message_read(struct assay_step *step, const char *line, size_t len,
                                     struct assay_error *error) ASSAY_CHECK_RESULT;

/* How many receipts there are in the end. */
uint32_t assay_answers_total(const struct assay_answers *answers);

/* Answers a line that arrived now, in nanoseconds since 1970. *receipt, a line too, stays the property of `answers`.
 * Errors, which leave everything as it was: exchange.expired, exchange.malformed, exchange.signature,
 * exchange.challenge (another one is meant), exchange.conflict, exchange.order; those of `keep`; memory. */
enum assay_status assay_answer(struct assay_answers *answers, const char *line, size_t len, uint64_t now_ns,
                               const char **receipt, struct assay_error *error) ASSAY_CHECK_RESULT;

/* Takes up a message that was answered before, and its receipt. Errors: exchange.state when it does not come next, or
 * is not of this challenge and these keys; memory. */
enum assay_status assay_answers_restore(struct assay_answers *answers, const char *message, size_t message_len,
                                        const char *receipt, size_t receipt_len,
                                        struct assay_error *error) ASSAY_CHECK_RESULT;

void assay_answers_close(struct assay_answers *answers);

#endif
