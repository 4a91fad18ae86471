/* SPDX-License-Identifier: Apache-2.0
 *
 * A small exchange for tests of the verifier's side: a challenge of two segments, its keys, messages as a prover seals
 * them, and what is said to them. */
#ifndef HARNESS_TEST_EXCHANGES_H
#define HARNESS_TEST_EXCHANGES_H

#include "harness/answers.h"

enum { EXCHANGE_SEGMENTS = 2, EXCHANGE_STEPS = 2 * EXCHANGE_SEGMENTS + 1 };

struct exchange {
	struct assay_secret verifier, prover;
	struct assay_challenge challenge;
	uint8_t digest[32];
	char *payload, *sealed; /* of the challenge */
};

/* Keys are made of their numbers. `expires` is in seconds since 1970. */
void exchange_make(struct exchange *exchange, uint64_t expires);
void exchange_free(struct exchange *exchange);

/* Seals the challenge again, as it is now. */
void exchange_seal(struct exchange *exchange);

struct assay_answers exchange_answers(const struct exchange *exchange);

/* What the prover says in a step: its job is of 7, commitment j of 10 + j. */
struct assay_step exchange_step(const struct exchange *exchange, uint32_t number);

/* Lines, to be released with free(): of any step, and of that one. */
char *exchange_line(const struct assay_secret *secret, const struct assay_step *step);
char *exchange_message(const struct exchange *exchange, uint32_t number);

/* The receipt of a line, which is released. */
const char *exchange_ask(struct assay_answers *answers, char *line, uint64_t now_ns);

/* That a line is refused for this reason, and nothing has changed. The second one releases it. */
void exchange_refuses_bytes(struct assay_answers *answers, const char *line, size_t len, uint64_t now_ns,
                            const char *reason);
void exchange_refuses(struct assay_answers *answers, char *line, uint64_t now_ns, const char *reason);

/* What a receipt says, which this exchange's verifier has signed. */
struct assay_step exchange_receipt(const struct exchange *exchange, const char *line);

#endif
