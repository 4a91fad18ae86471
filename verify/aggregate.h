/* SPDX-License-Identifier: Apache-2.0
 *
 * All devices of a segment together (SPEC 9.4), and numbers beyond 64 bits. */
#ifndef VERIFY_AGGREGATE_H
#define VERIFY_AGGREGATE_H

#include "verify/json.h"

__extension__ typedef unsigned __int128 assay_wide;

/* In decimal digits. */
void assay_wide_text(char text[48], assay_wide number);

/* Fills the aggregates of a verdict from its runs. */
void assay_aggregates_fill(struct assay_verdict *verdict);

/* Units a second of a run that was shown, rounded down (SPEC 9.3): by the prover's clock, and by the verifier's. Below
 * 2^93, for whoever claims to have taken a nanosecond; 0 = unknown. */
assay_wide assay_rate_claimed(const struct assay_run *run);
assay_wide assay_rate_proven(const struct assay_run *run);

/* The length of a bracket, but at least the asked time (SPEC 9.3); 0 where there is none. */
uint64_t assay_bracket_ns(const struct assay_bracket *bracket, uint64_t asked_ns);
json_t *assay_bracket_json(const struct assay_bracket *bracket);

/* Bytes that a walk over a table shows beside another memory, at so many bytes a second (SPEC 5.6); rounded down. */
uint64_t assay_capacity(uint64_t table_bytes, assay_wide rate);

/* The member `aggregates` of SPEC 10.4, to be released with json_decref. */
json_t *assay_aggregates_json(const struct assay_verdict *verdict);

#endif
