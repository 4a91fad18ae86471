/* SPDX-License-Identifier: Apache-2.0
 *
 * The file of receipts (SPEC 8.6): a verifier's word on when each segment of a job was done. */
#ifndef VERIFY_RECEIPTS_H
#define VERIFY_RECEIPTS_H

#include "verify/envelope.h"
#include "verify/exchange.h"

struct assay_receipts {
	uint32_t count; /* of lines */
	struct assay_step steps[ASSAY_STEPS_MAX];
	struct assay_envelope envelopes[ASSAY_STEPS_MAX];
	uint8_t digest[32]; /* of the file */
};

/* One receipt, of a line; false when it is none. *is_signed: in the name of this key, and by it. */
bool assay_receipt_open(struct assay_step *step, bool *is_signed, const char *line, size_t len,
                        const uint8_t key[ASSAY_KEY_BYTES]);

/* Reads a file. *reason is ASSAY_REASON_NONE, _RECEIPTS_MISSING or _RECEIPTS_MALFORMED, which is so when there are not
 * `count` receipts; `digest` is of any file that is there. Errors: io.read, memory. Always to be closed. */
enum assay_status assay_receipts_read(struct assay_receipts *receipts, uint32_t count, const char *path,
                                      enum assay_reason *reason, struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_receipts_close(struct assay_receipts *receipts);

/* What they must agree with. */
struct assay_receipts_of {
	const struct assay_challenge *challenge;
	uint8_t digest[32], job[32]; /* of the challenge payload; SPEC 4.1 */
	const uint8_t (*commits)[32];
};

/* What keeps a receipt from being that of step `number` after the one `before` (NULL: there is none), as "is of another
 * job"; NULL when nothing does. `commit` is the commitment that it must name, or NULL for any. */
const char *assay_receipt_fault(const struct assay_step *step, const struct assay_step *before, uint32_t number,
                                const struct assay_receipts_of *of, const uint8_t *commit);

/* ASSAY_REASON_NONE or _RECEIPTS_MISMATCH, with what does not agree in `detail`. */
enum assay_reason assay_receipts_match(const struct assay_receipts *receipts, const struct assay_receipts_of *of,
                                       char *detail, size_t detail_len);

/* The nonces in them, of 32 bytes each. */
void assay_receipts_nonces(const struct assay_receipts *receipts, uint8_t *nonces);

/* Whether this key signed all of them. */
bool assay_receipts_signed_by(const struct assay_receipts *receipts, const uint8_t key[ASSAY_KEY_BYTES]);

#endif
