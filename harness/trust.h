/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose attestations a command believes. */
#ifndef HARNESS_TRUST_H
#define HARNESS_TRUST_H

#include "verify/cli.h"

enum { ASSAY_TRUST_KEYS_MAX = 1024 };

struct assay_trusted {
	uint8_t keys[ASSAY_TRUST_KEYS_MAX][ASSAY_KEY_BYTES], verifiers[ASSAY_TRUST_KEYS_MAX][ASSAY_KEY_BYTES];
	size_t count, verifiers_count;
};

/* A key file or a directory of them. */
enum assay_status assay_trusted_add(struct assay_trusted *trusted, bool verifier, const char *path,
                                    struct assay_error *error) ASSAY_CHECK_RESULT;

/* Where no key was given: the public half of this user's own, if there is one. */
enum assay_status assay_trusted_own(struct assay_trusted *trusted, struct assay_error *error) ASSAY_CHECK_RESULT;

struct assay_policy assay_trusted_policy(const struct assay_trusted *trusted);

#endif
