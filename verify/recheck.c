/* SPDX-License-Identifier: Apache-2.0
 *
 * The second pass over a transcript: draws leaves, recomputes them from their seeds and folds them to the committed
 * roots. See transcript.h. SPEC 9.1, 10.2. */
#include <stdlib.h>
#include <string.h>

#include "verify/chain.h"
#include "verify/transcript.h"

/* One draw of a run. */
struct drawn {
	uint64_t leaf;     /* round * leaves + index in the round */
	uint32_t position; /* its place among the draws, and so its path's */
	bool good;
	uint8_t seed[32], root[32];
};

/* Where the next run's roots and openings are in the file. */
struct cursor {
	off_t roots, openings;
	crypto_hash_sha256_state digest; /* of the openings so far */
	struct drawn *drawn;
};

static int by_leaf(const void *a, const void *b)
{
	uint64_t x = ((const struct drawn *)a)->leaf, y = ((const struct drawn *)b)->leaf;
	return x < y ? -1 : x > y;
}

static int by_position(const void *a, const void *b)
{
	uint32_t x = ((const struct drawn *)a)->position, y = ((const struct drawn *)b)->position;
	return x < y ? -1 : x > y;
}

static bool draw(struct drawn *drawn, const struct assay_transcript *transcript, uint32_t samples, uint32_t segment,
                 uint32_t device, uint64_t total)
{
	uint64_t *leaves = malloc(samples * sizeof *leaves);

	if (!leaves)
		return false;
	assay_draw(leaves, samples, transcript->sample_key, segment, device, total);
	for (uint32_t i = 0; i < samples; i++)
		drawn[i] = (struct drawn){.leaf = leaves[i], .position = i};
	free(leaves);
	return true;
}

/* Walks the rounds of a run and notes the seed and root of each drawn leaf. The draws are sorted by leaf. */
static bool walk(FILE *file, struct drawn *drawn, uint32_t samples, uint32_t depth, uint32_t rounds,
                 const uint8_t seed_0[32], struct assay_commit *commit)
{
	uint8_t seed[32], root[32];
	uint32_t next = 0;

	memcpy(seed, seed_0, 32);
	for (uint32_t r = 0; r < rounds; r++) {
		if (fread(root, 1, sizeof root, file) != sizeof root)
			return false;
		assay_commit_root(commit, root);
		for (; next < samples && drawn[next].leaf >> depth == r; next++) {
			memcpy(drawn[next].seed, seed, 32);
			memcpy(drawn[next].root, root, 32);
		}
		assay_chain_round(seed, root);
	}
	return true;
}

/* Recomputes each drawn leaf and folds it along its path; `good` is whether the root came out. `fill` is the seed of
 * the fill before, or NULL. */
static bool open_leaves(FILE *file, struct cursor *cursor, uint32_t samples, const struct assay_segment *segment,
                        const uint8_t *fill)
{
	const uint32_t depth = segment->work->depth(&segment->params), leaf_bytes = segment->work->leaf_bytes;
	uint8_t path[ASSAY_DEPTH_MAX * 32], values[ASSAY_LEAVES_MAX * ASSAY_LEAF_BYTES_MAX], hash[32];
	struct assay_leaf leaves[ASSAY_LEAVES_MAX];

	for (uint32_t first = 0; first < samples; first += ASSAY_LEAVES_MAX) {
		struct drawn *drawn = cursor->drawn + first;
		const uint32_t count = samples - first < ASSAY_LEAVES_MAX ? samples - first : ASSAY_LEAVES_MAX;
		for (uint32_t i = 0; i < count; i++)
			leaves[i] =
			    (struct assay_leaf){drawn[i].seed, fill, drawn[i].leaf & ((UINT64_C(1) << depth) - 1)};
		assay_work_leaves(values, segment->work, &segment->params, leaves, count);
		for (uint32_t i = 0; i < count; i++) {
			if (fread(path, 32, depth, file) != depth)
				return false;
			crypto_hash_sha256_update(&cursor->digest, path, 32 * (size_t)depth);
			assay_merkle_leaf(hash, values + (size_t)i * leaf_bytes, leaf_bytes);
			for (uint32_t level = 0; level < depth; level++)
				assay_merkle_fold(hash, leaves[i].index, level, path + 32 * level);
			drawn[i].good = memcmp(hash, drawn[i].root, 32) == 0;
		}
	}
	return true;
}

/* One run; *leaves is how many were recomputed. */
static bool run(struct assay_transcript *transcript, const struct assay_challenge *challenge, uint32_t j, uint32_t d,
                struct cursor *cursor, struct assay_commit *commit, uint32_t *leaves, enum assay_reason *reason)
{
	const struct assay_segment *segment = &challenge->segments[j];
	const uint32_t rounds = transcript->rounds[j][d], samples = challenge->samples;
	const uint32_t depth = segment->work->depth(&segment->params);
	const uint32_t needed = segment->work->rounds_min ? segment->work->rounds_min(&segment->params) : 0;
	uint8_t seed[32], fill[32];

	assay_commit_rounds(commit, rounds);
	cursor->roots += 4;
	*leaves = 0;
	*reason = segment->work->is_fill ? ASSAY_REASON_NONE : ASSAY_REASON_RUN_EMPTY;
	if (rounds == 0)
		return true;
	if (segment->work->fill)
		assay_chain_run(fill, transcript->segment_seeds[j - 1], d);

	if (!draw(cursor->drawn, transcript, samples, j, d, (uint64_t)rounds << depth))
		return false;
	qsort(cursor->drawn, samples, sizeof *cursor->drawn, by_leaf);
	assay_chain_run(seed, transcript->segment_seeds[j], d);
	if (fseeko(transcript->file, cursor->roots, SEEK_SET) != 0 ||
	    !walk(transcript->file, cursor->drawn, samples, depth, rounds, seed, commit))
		return false;
	cursor->roots += (off_t)rounds * (32 + 8);

	qsort(cursor->drawn, samples, sizeof *cursor->drawn, by_position);
	if (fseeko(transcript->file, cursor->openings, SEEK_SET) != 0 ||
	    !open_leaves(transcript->file, cursor, samples, segment, segment->work->fill ? fill : NULL))
		return false;
	cursor->openings += (off_t)samples * depth * 32;

	*leaves = samples;
	*reason = segment->rounds > rounds || needed > rounds ? ASSAY_REASON_RUN_SHORT : ASSAY_REASON_NONE;
	for (uint32_t i = 0; i < samples; i++)
		if (!cursor->drawn[i].good)
			*reason = ASSAY_REASON_LEAF_MISMATCH;
	return true;
}

bool assay_transcript_recheck(struct assay_transcript *transcript, const struct assay_challenge *challenge,
                              assay_run_report *report, void *context)
{
	struct cursor cursor = {.drawn = calloc(challenge->samples, sizeof *cursor.drawn)};
	bool good = cursor.drawn != NULL;
	uint8_t openings[32];

	crypto_hash_sha256_init(&cursor.digest);

	cursor.roots = assay_transcript_run_at(transcript, challenge, 0, 0);
	cursor.openings = assay_transcript_run_at(transcript, challenge, challenge->segment_count, 0);
	for (uint32_t j = 0; good && j < challenge->segment_count; j++) {
		struct assay_commit commit;
		uint8_t again[32];

		assay_commit_start(&commit, j);
		for (uint32_t d = 0; good && d < challenge->devices; d++) {
			enum assay_reason reason;
			uint32_t leaves;
			good = run(transcript, challenge, j, d, &cursor, &commit, &leaves, &reason);
			if (good)
				report(context, j, d, leaves, reason);
		}
		assay_commit_finish(&commit, again);
		good = good && memcmp(again, transcript->commits[j], 32) == 0;
	}
	crypto_hash_sha256_final(&cursor.digest, openings);
	free(cursor.drawn);
	return good && memcmp(openings, transcript->openings_digest, 32) == 0;
}
