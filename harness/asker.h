/* SPDX-License-Identifier: Apache-2.0
 *
 * The verifier that asks for a job, from the prover's side: by files (its key, its challenge), or at a URL. */
#ifndef HARNESS_ASKER_H
#define HARNESS_ASKER_H

#include <stdio.h>

#include "harness/asked.h"
#include "harness/order.h"
#include "harness/remote.h"

struct assay_asker {
	/* The caller's. */
	const struct assay_order *order;
	const atomic_bool *stop;
	FILE *out; /* for people */

	bool at_url;
	struct assay_remote remote;
	struct assay_exchange exchange;
	struct assay_link_files files;
	struct assay_link_http http;
};

/* Before anything else: that a verifier at a URL can be asked. Errors: those of assay_remote_open and, for a new job,
 * assay_token_get. To be closed, also after an error. */
enum assay_status assay_asker_open(struct assay_asker *asker, struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_asker_close(struct assay_asker *asker);

/* The challenge of a new job for so many devices, and nothing in the way of its files. Errors: those of asked.h and
 * fetched.h. */
enum assay_status assay_asker_challenge(struct assay_asker *asker, struct assay_challenge *challenge, uint32_t devices,
                                        const struct assay_secret *secret,
                                        struct assay_error *error) ASSAY_CHECK_RESULT;

/* The verifier of a job that is resumed, with this challenge. Errors: as above; run.resume, challenge.expired,
 * verifier.key. */
enum assay_status assay_asker_again(struct assay_asker *asker, const struct assay_challenge *challenge,
                                    const char *challenge_text, struct assay_error *error) ASSAY_CHECK_RESULT;

/* The job's exchange with it, before it runs. */
void assay_asker_join(struct assay_asker *asker, struct assay_job *job, const struct assay_secret *secret);

/* Whether a job that is to be resumed is done, and was only not sent. */
bool assay_asker_is_done(const struct assay_asker *asker);

/* Sends the files of that prefix to a server ("": there are none) and prints its verdict. Returns the exit code: the
 * verdict's, but `code` when that is a pass; `code` where there is no server. */
int assay_asker_submit(struct assay_asker *asker, const char *prefix, int code);

/* Says how to go on with a checkpoint that was left. */
void assay_asker_tell(const struct assay_asker *asker, const char *checkpoint);

#endif
