/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of an exchange with a server (SPEC 4.6): attestation and transcript go up, and the verdict comes back. */
#ifndef HARNESS_SUBMIT_H
#define HARNESS_SUBMIT_H

#include "harness/remote.h"

struct assay_submission {
	struct assay_remote *remote;
	const char *prefix; /* PREFIX.intoto.json and PREFIX.transcript */
	bool json;          /* the verdict on standard output, as canonical JSON */
	FILE *out;          /* for people */
	uint32_t wait_s;    /* in all; 0: until the challenge has expired, and ten minutes for the verdict */
};

/* Whether both files are there. */
bool assay_submit_has(const char *prefix);

/* The challenge payload in PREFIX.transcript, to be released with free(). Errors: io.*; transcript.malformed,
 * challenge.malformed when no verifier asked for it; memory. */
enum assay_status assay_submit_challenge(char **payload, const char *prefix,
                                         struct assay_error *error) ASSAY_CHECK_RESULT;

/* Sends both files, which were sent before when somebody was interrupted, waits for the verdict and prints it with its
 * proven rates. *code is its exit code, inconclusive when there is none in time. Errors: as above, and those of
 * assay_remote_ask: nothing is lost, and it may be called again. */
enum assay_status assay_submit(const struct assay_submission *submission, int *code,
                               struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
