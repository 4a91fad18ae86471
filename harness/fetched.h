/* SPDX-License-Identifier: Apache-2.0
 *
 * What a verifier's server has for a prover (SPEC 4.6): its key, a challenge, the receipts so far; and the files that
 * keep them, so that a run that was killed goes on. */
#ifndef HARNESS_FETCHED_H
#define HARNESS_FETCHED_H

#include "harness/remote.h"
#include "harness/secret.h"
#include "verify/challenge.h"

/* Which key a verifier has. */
struct assay_fetched_key {
	const char *pinned; /* a file with the only key that will do; NULL: the server's, kept on first use */
	const char *kept;   /* PREFIX.verifier.pub, which names the URL too */
	bool replace;       /* another one that is kept */
};

/* Gets the server's key, unless it is pinned: it must be the one that is kept, where one is. Then it is kept. Errors:
 * verifier.key when it is another one; those of assay_remote_ask; io.*, key.malformed. */
enum assay_status assay_fetched_key(uint8_t key[ASSAY_KEY_BYTES], struct assay_remote *remote,
                                    const struct assay_fetched_key *wish, struct assay_error *error) ASSAY_CHECK_RESULT;

/* What asks for a challenge, and where it is kept: in `path`, where another one is replaced only with `replace`. */
struct assay_fetched_wish {
	const struct assay_secret *secret;
	const char *token_file; /* as assay_token_get has it */
	const char *path;
	bool replace;
};

/* Asks for a challenge of the verifier with this key; the token is forgotten. Errors: those of assay_token_get,
 * assay_remote_ask and assay_asked_open; challenge.malformed, challenge.expired; io.*. */
enum assay_status assay_fetched_challenge(struct assay_challenge *challenge, struct assay_remote *remote,
                                          const uint8_t key[ASSAY_KEY_BYTES], const struct assay_fetched_wish *wish,
                                          struct assay_error *error) ASSAY_CHECK_RESULT;

/* Gets the receipts so far into a file, unless it is there: those that this key signed for one job of this challenge.
 * That they are not to be had is no error: whoever sends the same messages gets the same receipts. Errors: io.*,
 * memory. */
enum assay_status assay_fetched_receipts(struct assay_remote *remote, const struct assay_challenge *challenge,
                                         const char *challenge_text, const uint8_t key[ASSAY_KEY_BYTES],
                                         const char *path, struct assay_error *error) ASSAY_CHECK_RESULT;

/* The digest of a challenge payload, by which the server knows it. */
void assay_fetched_id(char id[65], const void *payload, size_t len);

#endif
