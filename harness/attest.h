/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes what a job has to show: the transcript (SPEC 7) and the signed attestation (SPEC 8). Both files appear
 * together, after the verifier has read them, or not at all. */
#ifndef HARNESS_ATTEST_H
#define HARNESS_ATTEST_H

#include <time.h>

#include "harness/job.h"
#include "harness/secret.h"

struct assay_attest {
	struct assay_job *job;
	const struct assay_secret *secret;
	time_t started, finished;
	const char *prefix; /* PREFIX.intoto.json and PREFIX.transcript */
	bool replace;       /* existing files */
	uint64_t verify_ns; /* out: how long the verifier took */
};

/* `verdict` is that of the verifier on the finished files, with the prover's own key trusted; to be closed by the
 * caller: an empty or a short run of a device that failed, or of a job that was stopped, is what it may find fault
 * with, and nothing else. Errors: those of the devices, io.exists, io.open, io.write; attest.refused when the verifier
 * does not accept the work. */
enum assay_status assay_attest_write(struct assay_attest *attest, struct assay_verdict *verdict,
                                     struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
