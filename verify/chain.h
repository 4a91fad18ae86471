/* SPDX-License-Identifier: Apache-2.0
 *
 * The chain of SPEC 4, Merkle paths of SPEC 1.5, and the draw and the certified figure of SPEC 9. */
#ifndef VERIFY_CHAIN_H
#define VERIFY_CHAIN_H

#include <sodium.h>

#include "verify/bytes.h"

void assay_chain_job(uint8_t job[32], const void *challenge, size_t challenge_len, const uint8_t key[32],
                     const void *devices, size_t devices_len);

/* seg_0 from the job. */
void assay_chain_first_segment(uint8_t segment[32], const uint8_t job[32], const uint8_t nonce[32]);

/* seg_{j+1} from seg_j; `next` may be `segment`. */
void assay_chain_next_segment(uint8_t next[32], const uint8_t segment[32], const uint8_t commit[32],
                              const uint8_t nonce[32]);

/* seed_0 of a device's run. */
void assay_chain_run(uint8_t seed[32], const uint8_t segment[32], uint32_t device);

/* seed_{r+1} from seed_r, in place. */
void assay_chain_round(uint8_t seed[32], const uint8_t root[32]);

/* The commitment of a segment: start, then for each device its rounds and its roots in order, then finish. */
struct assay_commit {
	crypto_hash_sha256_state state;
};
void assay_commit_start(struct assay_commit *commit, uint32_t segment);
void assay_commit_rounds(struct assay_commit *commit, uint32_t rounds);
void assay_commit_root(struct assay_commit *commit, const uint8_t root[32]);
void assay_commit_finish(struct assay_commit *commit, uint8_t out[32]);

/* The nonce of every segment in mode `self`: zeros. */
extern const uint8_t assay_nonce_self[32];

/* hash = leaf(value), node(left, right); `hash` may be `left` or `right`. */
void assay_merkle_leaf(uint8_t hash[32], const void *value, size_t len);
void assay_merkle_node(uint8_t hash[32], const uint8_t left[32], const uint8_t right[32]);

/* Folds one sibling into a running hash: level `level` of the path of leaf `index`. */
void assay_merkle_fold(uint8_t hash[32], uint64_t index, uint32_t level, const uint8_t sibling[32]);

/* The first `samples` draws of a run among `total` leaves. SPEC 9.1; `assay_draw_words` is its second half. */
void assay_draw_key(uint8_t draw_key[32], const uint8_t sample_key[32], uint32_t segment, uint32_t device);
void assay_draw_words(uint64_t *draws, uint32_t samples, const uint8_t draw_key[32], uint64_t total);
void assay_draw(uint64_t *draws, uint32_t samples, const uint8_t sample_key[32], uint32_t segment, uint32_t device,
                uint64_t total);

/* e* in parts per million, rounded up (SPEC 9.2), for 2^log2_redraws tries. */
uint32_t assay_estar_ppm(uint32_t samples, uint32_t log2_redraws);

/* floor(work * (1 - e*)). */
uint64_t assay_certified(uint64_t work, uint32_t estar_ppm);

#endif
