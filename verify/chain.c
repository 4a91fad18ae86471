/* SPDX-License-Identifier: Apache-2.0
 *
 * See chain.h. SPEC 1.5, 4, 9. */
#include "verify/chain.h"

#include <math.h>
#include <string.h>

const uint8_t assay_nonce_self[32];

void assay_chain_job(uint8_t job[32], const void *challenge, size_t challenge_len, const uint8_t key[32],
                     const void *devices, size_t devices_len)
{
	uint8_t challenge_hash[32], devices_hash[32];

	crypto_hash_sha256(challenge_hash, challenge, challenge_len);
	crypto_hash_sha256(devices_hash, devices, devices_len);
	const struct assay_part parts[] = {{challenge_hash, 32}, {key, 32}, {devices_hash, 32}};
	assay_hash(job, "assay/1 job\n", parts, 3);
}

void assay_chain_first_segment(uint8_t segment[32], const uint8_t job[32], const uint8_t nonce[32])
{
	const struct assay_part parts[] = {{job, 32}, {nonce, 32}};
	assay_hash(segment, "assay/1 segment\n", parts, 2);
}

void assay_chain_next_segment(uint8_t next[32], const uint8_t segment[32], const uint8_t commit[32],
                              const uint8_t nonce[32])
{
	const struct assay_part parts[] = {{segment, 32}, {commit, 32}, {nonce, 32}};
	assay_hash(next, "assay/1 segment\n", parts, 3);
}

void assay_chain_run(uint8_t seed[32], const uint8_t segment[32], uint32_t device)
{
	uint8_t index[4];

	assay_le32_write(index, device);
	const struct assay_part parts[] = {{segment, 32}, {index, 4}};
	assay_hash(seed, "assay/1 run\n", parts, 2);
}

void assay_chain_round(uint8_t seed[32], const uint8_t root[32])
{
	const struct assay_part parts[] = {{seed, 32}, {root, 32}};
	assay_hash(seed, "assay/1 round\n", parts, 2);
}

void assay_commit_start(struct assay_commit *commit, uint32_t segment)
{
	static const char label[] = "assay/1 commit\n";
	uint8_t index[4];

	assay_le32_write(index, segment);
	crypto_hash_sha256_init(&commit->state);
	crypto_hash_sha256_update(&commit->state, (const uint8_t *)label, sizeof label - 1);
	crypto_hash_sha256_update(&commit->state, index, sizeof index);
}

void assay_commit_rounds(struct assay_commit *commit, uint32_t rounds)
{
	uint8_t count[4];

	assay_le32_write(count, rounds);
	crypto_hash_sha256_update(&commit->state, count, sizeof count);
}

void assay_commit_root(struct assay_commit *commit, const uint8_t root[32])
{
	crypto_hash_sha256_update(&commit->state, root, 32);
}

void assay_commit_finish(struct assay_commit *commit, uint8_t out[32])
{
	crypto_hash_sha256_final(&commit->state, out);
}

static void prefixed_hash(uint8_t hash[32], uint8_t prefix, const struct assay_part *parts, size_t count)
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, &prefix, 1);
	for (size_t i = 0; i < count; i++)
		crypto_hash_sha256_update(&state, parts[i].data, parts[i].len);
	crypto_hash_sha256_final(&state, hash);
}

void assay_merkle_leaf(uint8_t hash[32], const void *value, size_t len)
{
	const struct assay_part part = {value, len};
	prefixed_hash(hash, 0x00, &part, 1);
}

void assay_merkle_node(uint8_t hash[32], const uint8_t left[32], const uint8_t right[32])
{
	const struct assay_part parts[] = {{left, 32}, {right, 32}};
	prefixed_hash(hash, 0x01, parts, 2);
}

void assay_merkle_fold(uint8_t hash[32], uint64_t index, uint32_t level, const uint8_t sibling[32])
{
	if (index >> level & 1)
		assay_merkle_node(hash, sibling, hash);
	else
		assay_merkle_node(hash, hash, sibling);
}

void assay_draw_key(uint8_t draw_key[32], const uint8_t sample_key[32], uint32_t segment, uint32_t device)
{
	uint8_t position[8];

	assay_le32_write(position, segment);
	assay_le32_write(position + 4, device);
	const struct assay_part parts[] = {{sample_key, 32}, {position, 8}};
	assay_hash(draw_key, "assay/1 draw\n", parts, 2);
}

void assay_draw_words(uint64_t *draws, uint32_t samples, const uint8_t draw_key[32], uint64_t total)
{
	static const uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES];
	/* 2^64 mod total; words at or above 2^64 - excess are skipped. */
	const uint64_t excess = (UINT64_MAX % total + 1) % total;
	uint8_t block[64];
	uint32_t drawn = 0;

	/* Of a run, fewer than one word in 2^16 is skipped: the counter stays far below its end. */
	for (uint32_t counter = 0; drawn < samples; counter++) {
		memset(block, 0, sizeof block);
		crypto_stream_chacha20_ietf_xor_ic(block, block, sizeof block, nonce, counter, draw_key);
		for (size_t i = 0; i < sizeof block && drawn < samples; i += 8) {
			uint64_t word = assay_le64_read(block + i);
			if (word <= UINT64_MAX - excess)
				draws[drawn++] = word % total;
		}
	}
}

void assay_draw(uint64_t *draws, uint32_t samples, const uint8_t sample_key[32], uint32_t segment, uint32_t device,
                uint64_t total)
{
	uint8_t draw_key[32];

	assay_draw_key(draw_key, sample_key, segment, device);
	assay_draw_words(draws, samples, draw_key, total);
}

uint32_t assay_estar_ppm(uint32_t samples, uint32_t log2_redraws)
{
	return (uint32_t)ceil(1e6 * (1.0 - exp2(-(20.0 + log2_redraws) / samples)));
}

uint64_t assay_certified(uint64_t work, uint32_t estar_ppm)
{
	const uint64_t million = 1000000, kept = million - estar_ppm;

	return work / million * kept + work % million * kept / million;
}
