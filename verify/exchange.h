/* SPDX-License-Identifier: Apache-2.0
 *
 * What prover and verifier say to each other (SPEC 4.5, 4.6): messages, receipts and requests, as canonical JSON. */
#ifndef VERIFY_EXCHANGE_H
#define VERIFY_EXCHANGE_H

#include "verify/challenge.h"

enum {
	ASSAY_STEP_BYTES_MAX = 2048,                  /* of a payload */
	ASSAY_STEP_LINE_MAX = 4096,                   /* of an envelope of one, with its newline and a terminator */
	ASSAY_STEPS_MAX = 2 * ASSAY_SEGMENTS_MAX + 1, /* of a challenge */
};

/* Step 2j is `ready` for segment j and its nonce, step 2j + 1 the commitment of segment j. */
struct assay_step {
	uint8_t challenge[32], job[32]; /* SHA-256 of the challenge payload; SPEC 4.1 */
	uint32_t segment;
	bool is_commit;
	uint8_t commit[32];           /* when it is one */
	uint8_t key[ASSAY_KEY_BYTES]; /* messages: the prover's */
	uint8_t nonce[32];            /* receipts that are not of a commit */
	uint64_t at_ns;               /* receipts: since 1970, by the verifier's clock */
};

/* Payloads, to be released with free(); NULL when out of memory. */
char *assay_message_text(const struct assay_step *step);
char *assay_receipt_text(const struct assay_step *step);

/* False for anything but such a payload in its canonical form. */
bool assay_message_parse(struct assay_step *step, const void *payload, size_t len);
bool assay_receipt_parse(struct assay_step *step, const void *payload, size_t len);

/* A prover's request for a challenge (SPEC 4.6): its key, and the keyid of the verifier's. */
char *assay_request_text(const uint8_t key[ASSAY_KEY_BYTES], const uint8_t verifier[32]);
bool assay_request_parse(uint8_t key[ASSAY_KEY_BYTES], uint8_t verifier[32], const void *payload, size_t len);

/* How many steps a challenge has. */
uint32_t assay_steps_of(const struct assay_challenge *challenge);

/* Whether the challenge had expired at this time, in nanoseconds since 1970. */
bool assay_steps_over(const struct assay_challenge *challenge, uint64_t at_ns);

/* Whether the step is of this number. */
bool assay_step_is(const struct assay_step *step, uint32_t number);

#endif
