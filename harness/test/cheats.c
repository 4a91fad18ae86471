/* SPDX-License-Identifier: Apache-2.0
 *
 * See cheats.h. The arithmetic is the kernels' own, so that a cheat is as fast as an honest prover at everything that
 * both do. The build defines CHEAT_LEVEL and LANES. */
#include "harness/test/cheats.h"

#include "kernels/dialect.h"

#include "kernels/chacha20.cl"
#include "kernels/memory.cl"

/* Items at `count` indices, into 32 words each. */
static void compute(const struct cheat *cheat, const u32 *indices, u32 count, u32 (*items)[32])
{
	for (u32 first = 0; first < count; first += LANES) {
		u32 index[LANES];
		u32v x[32];
		for (u32 l = 0; l < LANES; l++)
			index[l] = indices[first + l < count ? first + l : first];
		memory_item(x, cheat->key, lanes_load(index), cheat->double_rounds);
		for (u32 i = 0; i < 32; i++) {
			u32 word[LANES];
			lanes_store(word, x[i]);
			for (u32 l = 0; l < LANES && first + l < count; l++)
				items[first + l][i] = word[l];
		}
	}
}

static void fill(const struct cheat *cheat)
{
	const u32 count = cheat->part_words ? cheat->items : cheat->kept;
	const u32 words = cheat->part_words ? cheat->part_words : 32;
	u32 indices[64], items[64][32];

	for (u32 first = 0; first < count; first += 64) {
		const u32 now = count - first < 64 ? count - first : 64;
		for (u32 i = 0; i < now; i++)
			indices[i] = first + i;
		compute(cheat, indices, now, items);
		for (u32 i = 0; i < now; i++)
			memcpy(cheat->table + ((u64)first + i) * words, items[i], 4 * words);
	}
}

/* The next items of all walkers: read where they are kept, else computed. Whoever has a part of an item still needs the
 * rest of it, and to compute a part is to compute the whole. */
static u64 fetch(const struct cheat *cheat, const u32 *indices, u32 (*items)[32])
{
	static _Thread_local u32 missing[CHEAT_WALKERS], at[CHEAT_WALKERS], computed[CHEAT_WALKERS][32];
	u32 count = 0;

	for (u32 w = 0; w < CHEAT_WALKERS; w++)
		if (!cheat->part_words && indices[w] < cheat->kept)
			__builtin_prefetch(cheat->table + (u64)indices[w] * 32);
	for (u32 w = 0; w < CHEAT_WALKERS; w++) {
		if (!cheat->part_words && indices[w] < cheat->kept) {
			memcpy(items[w], cheat->table + (u64)indices[w] * 32, 128);
		} else {
			at[count] = w;
			missing[count++] = indices[w];
		}
	}
	compute(cheat, missing, count, computed);
	for (u32 i = 0; i < count; i++) {
		memcpy(items[at[i]], computed[i], 128);
		if (cheat->part_words)
			memcpy(items[at[i]], cheat->table + (u64)missing[i] * cheat->part_words, 4 * cheat->part_words);
	}
	return count;
}

static uint64_t walk(const struct cheat *cheat, uint32_t (*states)[32], uint32_t reads)
{
	static _Thread_local u32 indices[CHEAT_WALKERS], items[CHEAT_WALKERS][32];
	u32 lane[LANES];
	u64 computed = 0;

	for (u32 read = 0; read < reads; read++) {
		for (u32 w = 0; w < CHEAT_WALKERS; w++)
			indices[w] =
			    (u32)(((u64)states[w][1] * cheat->items + ((u64)states[w][0] * cheat->items >> 32)) >> 32);
		computed += fetch(cheat, indices, items);
		for (u32 first = 0; first < CHEAT_WALKERS; first += LANES) {
			u32v x[32];
			for (u32 i = 0; i < 32; i++) {
				for (u32 l = 0; l < LANES; l++)
					lane[l] = states[first + l][i] ^ items[first + l][i];
				x[i] = lanes_load(lane);
			}
			memory_mix(x, 2);
			for (u32 i = 0; i < 32; i++) {
				lanes_store(lane, x[i]);
				for (u32 l = 0; l < LANES; l++)
					states[first + l][i] = lane[l];
			}
		}
	}
	return computed;
}

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

const struct cheat_level JOIN(cheat_, CHEAT_LEVEL) = {.name = TEXT(CHEAT_LEVEL), .fill = fill, .walk = walk};

#if LANES == 4
const struct cheat_level *cheat_best(void)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vnni"))
		return &cheat_avx512;
	if (__builtin_cpu_supports("avx2"))
		return &cheat_avx2;
#endif
	return &cheat_baseline;
}
#endif
