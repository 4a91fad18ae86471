/* SPDX-License-Identifier: Apache-2.0
 *
 * Provers of memory/1 that have less than the table, or less of each item. They give the right walks and count what
 * they had to compute instead of reading. Compiled once a level of instruction set, as the kernels are; one core. */
#ifndef HARNESS_TEST_CHEATS_H
#define HARNESS_TEST_CHEATS_H

#include <stdint.h>

enum { CHEAT_WALKERS = 1024 }; /* at a time; what they lack is computed together */

/* What a prover has of the table: whole items below `kept`, and of all others nothing; `part_words` > 0: instead, so
 * many words of every item. */
struct cheat {
	uint32_t items, double_rounds, kept, part_words;
	uint32_t key[32];
	uint32_t *table; /* 32 * kept words, or part_words * items; the caller's */
};

struct cheat_level {
	const char *name;

	/* Makes what the cheat keeps. */
	void (*fill)(const struct cheat *cheat);

	/* Takes CHEAT_WALKERS walkers `reads` reads further. Returns how many items were computed. */
	uint64_t (*walk)(const struct cheat *cheat, uint32_t (*states)[32], uint32_t reads);
};

extern const struct cheat_level cheat_baseline, cheat_avx2, cheat_avx512;

/* The best that this processor runs. */
const struct cheat_level *cheat_best(void);

#endif
