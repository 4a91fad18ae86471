/* SPDX-License-Identifier: Apache-2.0
 *
 * Attestations as results that can be compared. */
#ifndef HARNESS_COMPARE_ATTESTED_H
#define HARNESS_COMPARE_ATTESTED_H

#include "harness/compare/benchmarks.h"
#include "verify/statement.h"

/* What an attestation says, unchecked. `envelope->payload` is to be released with free(), `statement->root` with
 * json_decref. Errors: io.open, io.read, statement.malformed. */
enum assay_status assay_attestation_read(struct assay_envelope *envelope, struct assay_statement *statement,
                                         const char *path, struct assay_error *error) ASSAY_CHECK_RESULT;

/* True for NAME.intoto.json. */
bool assay_attestation_is(const char *path);

/* Verifies an attestation and adds its runs: the rate of each by the median of its rounds, which are samples, and where
 * a verifier bracketed them the proven rate too. Device, driver and date are filled. Errors: attestation.unverified,
 * which says why, and those of reading. */
enum assay_status assay_attested_read(struct assay_benchmarks *benchmarks, const char *path,
                                      const struct assay_policy *policy, struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
