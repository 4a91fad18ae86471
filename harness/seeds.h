/* SPDX-License-Identifier: Apache-2.0
 *
 * The seeds of a job's segments and of its draw (SPEC 4.1), and the commitments between them; with a verifier, from the
 * nonces that it releases (SPEC 4.5). */
#ifndef HARNESS_SEEDS_H
#define HARNESS_SEEDS_H

#include "harness/job.h"

/* Once the job's texts are made. With a verifier, what it said already is read. */
enum assay_status assay_seeds_begin(struct assay_job *job, struct assay_error *error) ASSAY_CHECK_RESULT;

/* segment_seeds[j], or sample_key for j = segment_count, when its nonce is known without asking; false otherwise. */
bool assay_seeds_known(struct assay_job *job, uint32_t j);

/* The same, asking for the nonce: all devices are ready. */
enum assay_status assay_seeds_ready(struct assay_job *job, uint32_t j, struct assay_error *error) ASSAY_CHECK_RESULT;

/* All devices are done with segment j. */
enum assay_status assay_seeds_commit(struct assay_job *job, uint32_t j, struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
