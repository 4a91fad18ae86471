/* SPDX-License-Identifier: Apache-2.0
 *
 * The transcript file (SPEC 7), read in constant memory. A first pass takes every byte once: digest, records,
 * commitments. A second one looks up the drawn leaves; roots and openings are hashed again and compared with the first,
 * so both saw the same bytes. */
#ifndef VERIFY_TRANSCRIPT_H
#define VERIFY_TRANSCRIPT_H

#include <stdio.h>

#include <sodium.h>

#include "verify/challenge.h"

enum {
	ASSAY_DEVICES_BYTES_MAX = 65536,
};

#define ASSAY_TRANSCRIPT_MAGIC "assay-t1"

struct assay_transcript {
	FILE *file;
	crypto_hash_sha256_state digest, openings;
	bool in_openings, io_error;
	uint8_t *challenge, *devices; /* bytes of the two texts */
	uint32_t challenge_len, devices_len;
	uint8_t key[ASSAY_KEY_BYTES];

	/* Filled by assay_transcript_records: */
	uint32_t rounds[ASSAY_SEGMENTS_MAX][ASSAY_DEVICES_MAX];
	uint8_t commits[ASSAY_SEGMENTS_MAX][32];
	uint8_t openings_digest[32]; /* of all opening records */

	/* Filled by assay_transcript_chain: */
	uint8_t segment_seeds[ASSAY_SEGMENTS_MAX][32];
	uint8_t sample_key[32];
};

/* Opens the file and reads its header. *reason tells what is wrong with it; the status is an error only when the file
 * cannot be read or memory is short. Always to be closed. */
enum assay_status assay_transcript_open(struct assay_transcript *transcript, const char *path,
                                        enum assay_reason *reason, struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_transcript_close(struct assay_transcript *transcript);

/* The first pass, from the header to the end of the file; `digest` is of the whole file. ASSAY_REASON_NONE or
 * ASSAY_REASON_TRANSCRIPT_MALFORMED. */
enum assay_reason assay_transcript_records(struct assay_transcript *transcript, const struct assay_challenge *challenge,
                                           uint8_t digest[32], char *detail, size_t detail_len);

/* Where the record of a run is in the file (SPEC 7.2); for j = segment_count and d = 0 the end of all records. */
off_t assay_transcript_run_at(const struct assay_transcript *transcript, const struct assay_challenge *challenge,
                              uint32_t segment, uint32_t device);

/* Between the passes: the seeds of all segments and of the draw (SPEC 4.1), from n + 1 nonces of 32 bytes. `job` is the
 * job. */
void assay_transcript_chain(struct assay_transcript *transcript, const struct assay_challenge *challenge,
                            const uint8_t *nonces, uint8_t job[32]);

/* The second pass: checks the drawn leaves of every run, run after run in file order. `report` is called once a run
 * with the number of leaves that were recomputed and ASSAY_REASON_NONE, _RUN_EMPTY, _RUN_SHORT or _LEAF_MISMATCH. False
 * when the file could not be read, has changed since the first pass, or memory is short. */
typedef void assay_run_report(void *context, uint32_t segment, uint32_t device, uint32_t leaves,
                              enum assay_reason reason);
bool assay_transcript_recheck(struct assay_transcript *transcript, const struct assay_challenge *challenge,
                              assay_run_report *report, void *context) ASSAY_CHECK_RESULT;

#endif
