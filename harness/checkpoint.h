/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of a checkpoint (journal.h): what its writer and its reader share. */
#ifndef HARNESS_CHECKPOINT_H
#define HARNESS_CHECKPOINT_H

#include "harness/journal.h"

enum { ASSAY_RECORD_BYTES = 4 + 4 + ASSAY_HASH_BYTES + 8 + 8 };

void assay_record_write(uint8_t record[ASSAY_RECORD_BYTES], uint32_t segment, uint32_t device,
                        const uint8_t root[ASSAY_HASH_BYTES], uint64_t round_ns, uint64_t elapsed_ns);

void assay_note_write(uint8_t record[ASSAY_RECORD_BYTES], const struct assay_telemetry_note *note);

/* False for a record of another kind, and for one that no telemetry makes. */
bool assay_note_read(struct assay_telemetry_note *note, const uint8_t record[ASSAY_RECORD_BYTES]);

/* Bytes of a batch of `count` records; its check, from the one before it and its first 4 + count records' bytes. */
size_t assay_batch_len(size_t count);
void assay_batch_check(uint8_t check[ASSAY_HASH_BYTES], const uint8_t before[ASSAY_HASH_BYTES], const uint8_t *batch,
                       size_t count);

/* Everything before the first batch, to be released with free(); NULL when out of memory. */
uint8_t *assay_checkpoint_header(size_t *len, uint8_t check[ASSAY_HASH_BYTES], const struct assay_job *job,
                                 uint64_t started);

#endif
