/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a run: its files are written and checked, and work that was done is not lost. */
#ifndef HARNESS_FINISH_H
#define HARNESS_FINISH_H

#include "harness/attest.h"
#include "harness/journal.h"
#include "harness/state.h"

struct assay_finish {
	struct assay_job *job;
	const struct assay_secret *secret;
	struct assay_journal *journal; /* NULL: there is no checkpoint */
	const char *checkpoint;        /* its path; NULL: there is none */
	const char *prefix;
	bool replace, json;
	time_t started;
	uint64_t rest_ns; /* how long it is expected to take; 0 = unknown */
	FILE *out;        /* for people */
};

/* Fails early when PREFIX.transcript and PREFIX.intoto.json, and PREFIX.checkpoint where that is to be made, could not
 * be written at the end. Errors: io.open, io.exists. */
enum assay_status assay_outputs_check(const char *prefix, bool checkpoint, bool replace,
                                      struct assay_error *error) ASSAY_CHECK_RESULT;

/* Opens, writes, verifies and tells. When PREFIX cannot be written the checkpoint stays; when that is not whole either,
 * the files go to another place: `written` is their prefix, "" when there are none. Returns the exit code; *keep says
 * whether the checkpoint is still of use. */
int assay_finish(const struct assay_finish *finish, bool *keep, char written[ASSAY_PATH_MAX]);

/* Says how to go on with a checkpoint that was left. */
void assay_finish_tell(const char *checkpoint);

#endif
