/* SPDX-License-Identifier: Apache-2.0
 *
 * DSSE envelopes (SPEC 8.1): whatever is signed is in one, and has one encoding. */
#ifndef VERIFY_ENVELOPE_H
#define VERIFY_ENVELOPE_H

#include "verify/json.h"

enum {
	ASSAY_PAYLOAD_BYTES_MAX = 524288,
	ASSAY_ENVELOPE_BYTES_MAX = 716800, /* base64 of the payload, and the rest */
};

/* Payload types. */
#define ASSAY_TYPE_STATEMENT "application/vnd.in-toto+json"
#define ASSAY_TYPE_CHALLENGE "application/vnd.assay.challenge+json"
#define ASSAY_TYPE_MESSAGE "application/vnd.assay.message+json"
#define ASSAY_TYPE_RECEIPT "application/vnd.assay.receipt+json"
#define ASSAY_TYPE_REQUEST "application/vnd.assay.request+json"

struct assay_envelope {
	const char *type; /* one of the above */
	uint8_t *payload; /* of one that was parsed: to be released with free() */
	size_t payload_len;
	char keyid[65];
	uint8_t signature[64];
};

/* Reads an envelope of this type with its final newline, in its one encoding. False when it is anything else. */
bool assay_envelope_parse(struct assay_envelope *envelope, const char *type, const char *text, size_t len);

/* Reads a file of one envelope; *good is what assay_envelope_parse says of it. Errors: io.open, io.read, memory. */
enum assay_status assay_envelope_read(struct assay_envelope *envelope, const char *type, bool *good, const char *path,
                                      struct assay_error *error) ASSAY_CHECK_RESULT;

/* The text with its final newline, to be released with free(); NULL when out of memory. */
char *assay_envelope_text(const struct assay_envelope *envelope);

/* The pre-authentication encoding that is signed, to be released with free(); NULL when out of memory. */
uint8_t *assay_envelope_pae(const struct assay_envelope *envelope, size_t *len);

/* True when the signature over the payload holds for this key. */
bool assay_envelope_signed_by(const struct assay_envelope *envelope, const uint8_t key[ASSAY_KEY_BYTES]);

#endif
