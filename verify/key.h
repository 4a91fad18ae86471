/* SPDX-License-Identifier: Apache-2.0
 *
 * Ed25519 public keys (SPEC 1.4): SPKI DER and PEM, keyid. Secret keys are the harness's business. */
#ifndef VERIFY_KEY_H
#define VERIFY_KEY_H

#include "verify/bytes.h"

enum {
	ASSAY_SPKI_BYTES = 44,
	ASSAY_PEM_MAX = 256, /* room for a PEM text of a key with its terminator */
};

/* Text of at most `der_len` = 48 bytes between PEM markers of this label, e.g. "PUBLIC KEY". */
void assay_pem_text(char pem[ASSAY_PEM_MAX], const char *label, const uint8_t *der, size_t der_len);

/* Decodes the first PEM block with this label; *next (may be NULL) is where it ended. False when there is none, when it
 * is damaged, or when it does not hold exactly `der_len` bytes. */
bool assay_pem_read(uint8_t *der, size_t der_len, const char *label, const char *pem, const char **next);

void assay_key_pem(char pem[ASSAY_PEM_MAX], const uint8_t key[ASSAY_KEY_BYTES]);

#endif
