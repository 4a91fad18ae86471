/* SPDX-License-Identifier: Apache-2.0
 *
 * A challenge that a verifier made (SPEC 3, 4.5), as a file: the prover's side, and how either side reads it. */
#ifndef HARNESS_ASKED_H
#define HARNESS_ASKED_H

#include "harness/job.h"

/* Reads the verifier's public key: one. Errors: io.*, key.malformed. */
enum assay_status assay_asked_key(uint8_t key[ASSAY_KEY_BYTES], const char *path,
                                  struct assay_error *error) ASSAY_CHECK_RESULT;

/* Reads NAME.challenge.json, signed by this key. Errors: io.*; challenge.malformed, challenge.signature,
 * challenge.verifier (it is another one's), challenge.expired, or why SPEC 3 refuses it. */
enum assay_status assay_asked_read(struct assay_challenge *challenge, const char *path,
                                   const uint8_t key[ASSAY_KEY_BYTES], struct assay_error *error) ASSAY_CHECK_RESULT;

/* The challenge in an envelope of that file, expired or not. Errors: as above. */
struct assay_envelope;
enum assay_status assay_asked_open(struct assay_challenge *challenge, const struct assay_envelope *envelope,
                                   const char *path, const uint8_t key[ASSAY_KEY_BYTES],
                                   struct assay_error *error) ASSAY_CHECK_RESULT;

/* That it has not expired. Errors: challenge.expired. */
enum assay_status assay_asked_in_time(const struct assay_challenge *challenge,
                                      struct assay_error *error) ASSAY_CHECK_RESULT;

/* That there are as many devices as it asks for. Errors: challenge.devices. */
enum assay_status assay_asked_devices(const struct assay_challenge *challenge, uint32_t devices,
                                      struct assay_error *error) ASSAY_CHECK_RESULT;

/* That no exchange of that name lies there; one that does is removed with `replace`. Errors: io.exists. */
enum assay_status assay_asked_outputs(const char *prefix, bool replace, struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
