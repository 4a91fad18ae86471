/* SPDX-License-Identifier: Apache-2.0
 *
 * The prover's signing key: PKCS#8 PEM, mode 0600, its public half beside it as NAME.pub (SPEC 1.4, RFC 8410). */
#ifndef HARNESS_SECRET_H
#define HARNESS_SECRET_H

#include "verify/bytes.h"

struct assay_secret {
	uint8_t seed[32], key[ASSAY_KEY_BYTES]; /* secret seed, public key */
};

/* A new key in memory. */
void assay_secret_make(struct assay_secret *secret);

/* Reads a key file. Errors: io.open, key.malformed, key.mode (others than the owner can read it). */
enum assay_status assay_secret_read(struct assay_secret *secret, const char *path,
                                    struct assay_error *error) ASSAY_CHECK_RESULT;

/* Writes PATH (0600) and PATH.pub. Errors: io.exists unless `replace`, io.open, io.write. */
enum assay_status assay_secret_write(const struct assay_secret *secret, const char *path, bool replace,
                                     struct assay_error *error) ASSAY_CHECK_RESULT;

/* Signs `len` bytes. */
void assay_secret_sign(uint8_t signature[64], const struct assay_secret *secret, const void *message, size_t len);

/* An envelope (SPEC 8.1) of this text, signed, with its final newline; to be released with free(). NULL when out of
 * memory. */
char *assay_secret_seal(const struct assay_secret *secret, const char *type, const char *payload);

void assay_secret_forget(struct assay_secret *secret);

#endif
