/* SPDX-License-Identifier: Apache-2.0
 *
 * The attestation: DSSE envelope and in-toto statement (SPEC 8). */
#ifndef VERIFY_STATEMENT_H
#define VERIFY_STATEMENT_H

#include "verify/json.h"

enum {
	ASSAY_PAYLOAD_BYTES_MAX = 524288,
	ASSAY_ENVELOPE_BYTES_MAX = 716800, /* base64 of the payload, and the rest */
	ASSAY_STAGGER_MS_MAX = 86400000,
	ASSAY_POWER_BUDGET_W_MAX = 1000000,
	ASSAY_PAUSES_MAX = 1000000,
};

#define ASSAY_PREDICATE_TYPE "urn:assay:attestation:1"

struct assay_envelope {
	uint8_t *payload; /* to be released with free() */
	size_t payload_len;
	char keyid[65];
	uint8_t signature[64];
};

/* Reads the bytes of an attestation file in its one encoding. False when it is anything else. */
bool assay_envelope_parse(struct assay_envelope *envelope, const char *text, size_t len);

/* Reads an attestation file; *good is what assay_envelope_parse says of it. Errors: io.open, io.read, memory. */
enum assay_status assay_envelope_read(struct assay_envelope *envelope, bool *good, const char *path,
                                      struct assay_error *error) ASSAY_CHECK_RESULT;

/* NAME.intoto.json -> NAME.transcript, to be released with free(). NULL when the path has another ending. */
char *assay_transcript_beside(const char *attestation);

/* The file's text with its final newline, to be released with free(); NULL when out of memory. */
char *assay_envelope_text(const struct assay_envelope *envelope);

/* The pre-authentication encoding that is signed, to be released with free(); NULL when out of memory. */
uint8_t *assay_envelope_pae(const struct assay_envelope *envelope, size_t *len);

/* True when the signature over the payload holds for this key. */
bool assay_envelope_signed_by(const struct assay_envelope *envelope, const uint8_t key[ASSAY_KEY_BYTES]);

/* What a statement says; the JSON values belong to `root`. */
struct assay_statement {
	json_t *root; /* to be released with json_decref */
	uint8_t transcript_digest[32], challenge_digest[32];
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
