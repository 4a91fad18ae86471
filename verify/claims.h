/* SPDX-License-Identifier: Apache-2.0
 *
 * What a prover claims of runs and devices (SPEC 8.3, 8.5): read from a statement, and in words for people. */
#ifndef VERIFY_CLAIMS_H
#define VERIFY_CLAIMS_H

#include "verify/json.h"

/* The claimed part of a run from its entry in a statement; null claims nothing. */
void assay_claim_read(struct assay_run *run, const json_t *claim);

/* "12.3 pJ/OP"; the unit as in a verdict. */
void assay_energy_words(char text[32], double joules, const char *unit);

/* Times of rounds, throttling and energy, as far as they are known; `work` is what was done, 0 = unknown. */
void assay_claim_words(char text[320], const struct assay_run *run, uint64_t work);

/* What telemetry said, on one line; "" when there was none. */
void assay_telemetry_words(char text[480], const struct assay_telemetry_claim *telemetry);

#endif
