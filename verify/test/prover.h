/* SPDX-License-Identifier: Apache-2.0
 *
 * A small prover for tests that need thousands of attestations: one device, one segment of sha256/1, as SPEC 3 to 9
 * have it, by the vectors' key; in mode `verifier` with the vectors' verifier. It leaves out what it is told to. */
#ifndef VERIFY_TEST_PROVER_H
#define VERIFY_TEST_PROVER_H

#include "verify/challenge.h"
#include "verify/test/support.h"

enum { PROVER_LEAVES = 64, PROVER_ROUNDS = 4, PROVER_TOTAL = PROVER_LEAVES * PROVER_ROUNDS };

struct prover {
	struct assay_challenge challenge;
	bool skipped[PROVER_TOTAL]; /* leaves that were never computed: something else is in their place */
	uint64_t filling;           /* what is in their place; another number gives other roots */

	/* Of prover_work: */
	uint8_t nodes[PROVER_ROUNDS][2 * PROVER_LEAVES]
	             [32]; /* node 1 is the root, the children of i are 2i and 2i + 1 */
	uint8_t seeds[PROVER_ROUNDS][32];
	uint8_t job[32], commit[32], sample_key[32];
};

/* A challenge of so many samples; `seed` makes its nonce. */
void prover_init(struct prover *prover, uint32_t samples, bool asked, uint64_t seed);

/* All rounds, from the one with the first leaf that changed on; and the draw. */
void prover_work(struct prover *prover);

/* The last round once more with another filling of its skipped leaves, which changes the draw. */
void prover_grind(struct prover *prover, uint64_t filling);

/* Whether no skipped leaf is drawn. */
bool prover_is_lucky(const struct prover *prover);

/* The nonce that the verifier of mode `verifier` releases in a step, and what it received in one. */
void prover_nonce(uint8_t nonce[32], const struct prover *prover, uint32_t segment);

/* Verifies what it has to show; `received` is the commitment that the verifier's receipts hold (mode `verifier`). */
struct test_outcome prover_verify(const struct prover *prover, const uint8_t received[32]);

#endif
