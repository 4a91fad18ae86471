/* SPDX-License-Identifier: Apache-2.0
 *
 * The attestation: an in-toto statement (SPEC 8) in an envelope. */
#ifndef VERIFY_STATEMENT_H
#define VERIFY_STATEMENT_H

#include "verify/envelope.h"
#include "verify/json.h"

enum {
	ASSAY_STAGGER_MS_MAX = 86400000,
	ASSAY_POWER_BUDGET_W_MAX = 1000000,
	ASSAY_PAUSES_MAX = 1000000,
};

#define ASSAY_PREDICATE_TYPE "urn:assay:attestation:1"

/* NAME.intoto.json -> NAME and this ending (".transcript", ".receipts.jsonl"), to be released with free(). NULL when
 * the path has another ending. */
char *assay_beside(const char *attestation, const char *ending);

/* What a statement says; the JSON values belong to `root`. */
struct assay_statement {
	json_t *root; /* to be released with json_decref */
	uint8_t transcript_digest[32], challenge_digest[32];
	uint8_t receipts_digest[32]; /* in mode `verifier` */
	const char *mode, *profile, *finished_at;
	const json_t *devices, *work;
	const json_t *segments, *telemetry; /* of `claimed` */
	uint32_t stagger_ms, power_budget_w, pauses;
};

/* ASSAY_REASON_NONE, _STATEMENT_MALFORMED or _STATEMENT_VERSION. `root` is NULL unless it returns NONE. */
enum assay_reason assay_statement_parse(struct assay_statement *statement, const void *payload, size_t len);

/* The devices block (SPEC 6): an array of `count` devices, or NULL. To be released with json_decref. */
json_t *assay_devices_parse(const void *text, size_t len, uint32_t count);

/* The array of non-claims, to be released with json_decref. */
json_t *assay_non_claims(void);

#endif
