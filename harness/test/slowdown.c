/* SPDX-License-Identifier: Apache-2.0
 *
 * How much slower provers of memory/1 are that have no table, half of one, parts of its items, or one table for two
 * devices: `make cheats`, or `build/cheats [LOG2_ITEMS [DOUBLE_ROUNDS]]`. One core against one core. Beside each
 * figure stands what SPEC 5.6 makes one expect: from what an item costs to compute and to read, measured here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/measure.h"
#include "harness/test/cheats.h"

enum { WORK = 1 << 12, REPEATS = 3 }; /* items to compute in a trial, turns of which the best counts */

static const struct cheat_level *level;

static void states_make(uint32_t (*states)[32])
{
	uint32_t x = 1;

	for (uint32_t i = 0; i < CHEAT_WALKERS * 32; i++)
		states[i / 32][i % 32] = x = x * 1664525 + 1013904223;
}

/* Nanoseconds a read; the fewest of some trials. */
static double read_ns(const struct cheat *cheat, uint32_t reads)
{
	static uint32_t states[CHEAT_WALKERS][32];
	double best = 0;

	for (int i = 0; i <= REPEATS; i++) {
		states_make(states);
		uint64_t start = assay_clock_ns();
		level->walk(cheat, states, reads);
		double ns = (double)(assay_clock_ns() - start) / reads / CHEAT_WALKERS;
		if (i == 1 || (i > 1 && ns < best))
			best = ns;
	}
	return best;
}

static void row(const char *name, double ns, double honest, double expected)
{
	printf("  %-58s %10.1f ns %8.1f x   expected %8.1f x\n", name, ns, ns / honest, expected);
}

int main(int argc, char **argv)
{
	const int log2_items = argc > 1 ? atoi(argv[1]) : 21;
	struct cheat cheat = {.double_rounds = argc > 2 ? (uint32_t)atoi(argv[2]) : 1536};

	if (log2_items < 10 || log2_items > 26 || cheat.double_rounds < 2 || cheat.double_rounds % 2) {
		fprintf(stderr, "usage: %s [LOG2_ITEMS (10 to 26) [DOUBLE_ROUNDS (even)]]\n", argv[0]);
		return 3;
	}
	level = cheat_best();
	cheat.items = cheat.kept = 1u << log2_items;
	for (uint32_t i = 0; i < 32; i++)
		cheat.key[i] = i * 2654435761u;
	cheat.table = aligned_alloc(1 << 21, (size_t)cheat.items * 128 + (1 << 21));
	if (!cheat.table)
		return 3;
	printf("cheats    memory/1 with %u items (%u MiB), %u double rounds; one core, %s\n", cheat.items,
	       cheat.items >> 13, cheat.double_rounds, level->name);

	uint64_t start = assay_clock_ns();
	level->fill(&cheat);
	const double make = (double)(assay_clock_ns() - start) / cheat.items, honest = read_ns(&cheat, 64);
	printf("  an item costs %.0f ns to compute; an honest read and its mixing %.1f ns\n", make, honest);

	const struct cheat none = {.items = cheat.items, .double_rounds = cheat.double_rounds, .kept = 0};
	struct cheat half = cheat, part = cheat, none_keyed = none;
	memcpy(none_keyed.key, cheat.key, sizeof cheat.key);
	const double alone = read_ns(&none_keyed, WORK / CHEAT_WALKERS);
	row("no table", alone, honest, (make + honest) / honest);
	half.kept /= 2;
	row("half a table", read_ns(&half, WORK / CHEAT_WALKERS), honest, (make / 2 + honest) / honest);
	part.part_words = 2;
	level->fill(&part);
	row("8 bytes of every item", read_ns(&part, WORK / CHEAT_WALKERS), honest, (make + honest) / honest);

	/* Were the fill and the walk one segment, a prover without a table could spend the fill's time on the walk. */
	for (int passes = 1; passes <= 8; passes *= 8) {
		char name[96];
		snprintf(name, sizeof name, "no table, %d pass%s, fill and walk in one bracket", passes,
		         passes > 1 ? "es" : "");
		/* From what was measured above. */
		row(name, passes * alone, make + passes * honest, passes * (make + honest) / (make + passes * honest));
	}
	/* In the walk's bracket: device A's walk, then B's fill, then B's walk; honest devices walk side by side. */
	const uint32_t reads = 8 * (cheat.items / CHEAT_WALKERS);
	static uint32_t states[CHEAT_WALKERS][32];
	states_make(states);
	start = assay_clock_ns();
	level->walk(&cheat, states, reads);
	level->fill(&cheat);
	level->walk(&cheat, states, reads);
	row("one table for two devices, one after the other, 8 passes",
	    (double)(assay_clock_ns() - start) / cheat.items, 8 * honest, 2 + make / honest / 8);
	free(cheat.table);
	return 0;
}
