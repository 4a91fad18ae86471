/* SPDX-License-Identifier: Apache-2.0
 *
 * The times of the rounds in a transcript (SPEC 7.2), one after the other in constant memory. They are the prover's
 * word. */
#ifndef HARNESS_ROUNDS_H
#define HARNESS_ROUNDS_H

#include "verify/transcript.h"

struct assay_rounds {
	struct assay_transcript transcript;
	struct assay_challenge challenge;
	uint32_t runs;  /* whose record was begun */
	uint32_t left;  /* rounds of this run to come */
	bool malformed; /* the file is no transcript, or has ended too early */
};

/* Opens the transcript beside an attestation. Always to be closed. Errors: io.name, io.open, io.read,
 * transcript.malformed. */
enum assay_status assay_rounds_open(struct assay_rounds *rounds, const char *attestation,
                                    struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_rounds_close(struct assay_rounds *rounds);

/* The next run, in the order of the file, segment by segment and device by device; *count is how many rounds it has.
 * False after the last one and when the file is malformed. */
bool assay_rounds_run(struct assay_rounds *rounds, uint32_t *segment, uint32_t *device, uint32_t *count);

/* The next round of that run. False after the last one and when the file is malformed. */
bool assay_rounds_next(struct assay_rounds *rounds, uint64_t *ns);

#endif
