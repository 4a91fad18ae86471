/* SPDX-License-Identifier: Apache-2.0
 *
 * What the machines of a token are said to be (SPEC 10.6, 10.7): the store keeps it as it was said. */
#ifndef HARNESS_SERVE_CLAIMS_H
#define HARNESS_SERVE_CLAIMS_H

#include "harness/serve/store.h"
#include "verify/challenge.h"
#include "verify/machine.h"

struct assay_said {
	char *texts[ASSAY_CLAIMS_MAX];
	uint32_t count;
	struct assay_claims claims; /* without a catalogue */
};

/* What is named by --claim, to be released with assay_said_free whatever comes of it. Errors: those of
 * assay_claim_source and assay_claims_add. */
enum assay_status assay_said_read(struct assay_said *said, const char *const *names, uint32_t count,
                                  struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_said_free(struct assay_said *said);

/* To the store, for a token that has none. */
enum assay_status assay_said_keep(const struct assay_said *said, struct assay_store *store, const char *token,
                                  struct assay_error *error) ASSAY_CHECK_RESULT;

/* From it: adds a token's claims to `claims`. Errors: store.failed too when it no longer holds claims there. */
enum assay_status assay_said_find(struct assay_claims *claims, struct assay_store *store, const char *token,
                                  struct assay_error *error) ASSAY_CHECK_RESULT;

/* Tells on standard error, a line each, when not even a machine that is all that is claimed could show it in such a
 * challenge: not on so many devices, not with so large a table. */
void assay_said_warn(const struct assay_claims *claims, const struct assay_challenge *challenge);

#endif
