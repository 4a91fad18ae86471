/* SPDX-License-Identifier: Apache-2.0
 *
 * See seeds.h. */
#include "harness/seeds.h"

#include <string.h>

#include "harness/journal.h"
#include "verify/chain.h"

enum assay_status assay_seeds_begin(struct assay_job *job, struct assay_error *error)
{
	assay_chain_job(job->job, job->challenge_text, strlen(job->challenge_text), job->key, job->devices_text,
	                strlen(job->devices_text));
	return job->exchange ? assay_exchange_open(job->exchange, job->challenge_text, job->job, error) : ASSAY_OK;
}

static void seed_set(struct assay_job *job, uint32_t j, const uint8_t nonce[ASSAY_HASH_BYTES])
{
	uint8_t *seed = j < job->challenge.segment_count ? job->segment_seeds[j] : job->sample_key;

	if (j == 0)
		assay_chain_first_segment(seed, job->job, nonce);
	else
		assay_chain_next_segment(seed, job->segment_seeds[j - 1], job->commits[j - 1], nonce);
}

bool assay_seeds_known(struct assay_job *job, uint32_t j)
{
	uint8_t nonce[ASSAY_HASH_BYTES];

	if (!job->exchange)
		memcpy(nonce, assay_nonce_self, sizeof nonce);
	else if (!assay_exchange_has(job->exchange, j, nonce))
		return false;
	seed_set(job, j, nonce);
	return true;
}

enum assay_status assay_seeds_ready(struct assay_job *job, uint32_t j, struct assay_error *error)
{
	uint8_t nonce[ASSAY_HASH_BYTES];

	if (assay_seeds_known(job, j))
		return ASSAY_OK;
	enum assay_status status = assay_exchange_ready(job->exchange, j, nonce, error);
	if (!status)
		seed_set(job, j, nonce);
	return status;
}

enum assay_status assay_seeds_commit(struct assay_job *job, uint32_t j, struct assay_error *error)
{
	struct assay_commit commit;

	assay_commit_start(&commit, j);
	for (uint32_t d = 0; d < job->challenge.devices; d++) {
		const struct assay_run_log *log = &job->runs[j * job->challenge.devices + d];
		assay_commit_rounds(&commit, log->rounds);
		for (uint32_t r = 0; r < log->rounds; r++)
			assay_commit_root(&commit, log->roots[r]);
	}
	assay_commit_finish(&commit, job->commits[j]);
	/* A verifier takes no other commitment: whoever goes on from the checkpoint must have these rounds. */
	if (job->exchange && job->journal) {
		enum assay_status status = assay_journal_flush(job->journal, error);
		if (status)
			return status;
	}
	return job->exchange ? assay_exchange_commit(job->exchange, j, job->commits[j], error) : ASSAY_OK;
}
