/* SPDX-License-Identifier: Apache-2.0
 *
 * What a prover says that its devices' telemetry said (SPEC 8.5), in an attestation and in a verdict: the same JSON. */
#ifndef VERIFY_TELEMETRY_H
#define VERIFY_TELEMETRY_H

#include "verify/json.h"

/* Points of a time line, and ranges of rounds that were throttled (SPEC 8.3, 8.5): the most that there are. */
enum { ASSAY_TIMELINE_POINTS = 120, ASSAY_THROTTLED_RANGES = 64 };

/* Nothing known: no source. */
extern const struct assay_telemetry_claim assay_telemetry_none;

/* True for null and for an object of SPEC 8.5, with or without a time line. */
bool assay_telemetry_is(const json_t *entry);

/* From such a value, and back: null when there is no source. The time line is not in it: it stays in the statement. */
void assay_telemetry_read(struct assay_telemetry_claim *claim, const json_t *entry);
json_t *assay_telemetry_json(const struct assay_telemetry_claim *claim);

#endif
