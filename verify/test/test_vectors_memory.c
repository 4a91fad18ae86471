/* SPDX-License-Identifier: Apache-2.0
 *
 * memory/1 against verify/vectors/memory.txt, on every level that this processor runs: items, the first reads of a
 * walk, whole walks, and their tree. SPEC 5.6. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "verify/arith.h"
#include "verify/chain.h"
#include "verify/test/vectors.h"
#include "verify/work.h"

enum { WORDS = ASSAY_ARITH_STATE };

TestSuite(memory_vectors, .timeout = 300);

static void words_of(uint32_t words[WORDS], const uint8_t *bytes)
{
	for (size_t i = 0; i < WORDS; i++)
		words[i] = assay_le32_read(bytes + 4 * i);
}

/* One coupled double round, from SPEC 5.6 and RFC 8439 alone: what the vectors between start and end are made of. */
static void coupled(uint32_t x[WORDS])
{
	static const uint8_t quarters[8][4] = {{0, 4, 8, 12},  {1, 5, 9, 13},  {2, 6, 10, 14}, {3, 7, 11, 15},
	                                       {0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13},  {3, 4, 9, 14}};
	static const uint8_t turns[4] = {16, 12, 8, 7};

	for (size_t half = 0; half < 32; half += 16)
		for (size_t q = 0; q < 8; q++)
			for (size_t step = 0; step < 4; step++) {
				const uint8_t *at = quarters[q];
				uint32_t *a = &x[half + at[step % 2 ? 2 : 0]], *b = &x[half + at[step % 2 ? 3 : 1]];
				uint32_t *d = &x[half + at[step % 2 ? 1 : 3]];
				*a += step % 2 ? *b : x[half + at[1]];
				*d ^= *a;
				*d = *d << turns[step] | *d >> (32 - turns[step]);
			}
	for (size_t i = 12; i < 16; i++) {
		uint32_t word = x[i];
		x[i] = x[i + 16];
		x[i + 16] = word;
	}
}

static void mixed(uint8_t bytes[4 * WORDS], const uint32_t from[WORDS], uint32_t double_rounds)
{
	uint32_t x[WORDS];

	memcpy(x, from, sizeof x);
	for (uint32_t i = 0; i < double_rounds; i++)
		coupled(x);
	for (size_t i = 0; i < WORDS; i++)
		assay_le32_write(bytes + 4 * i, x[i]);
}

/* The first reads of a walker, step by step. */
static void first_reads(struct vectors *vectors, uint32_t walker, const uint32_t table[WORDS], uint64_t items,
                        uint32_t double_rounds)
{
	uint32_t state[WORDS], item[WORDS];
	uint8_t bytes[4 * WORDS];
	size_t len;

	words_of(state, vectors_hex(vectors, &len, "walker_%u_state_0", walker));
	for (uint32_t n = 0; n < 3; n++) {
		__extension__ typedef unsigned __int128 wide;
		uint64_t fraction = (uint64_t)state[1] << 32 | state[0];
		uint64_t index = (uint64_t)((wide)fraction * items >> 64);
		cr_expect_eq(index, vectors_number(vectors, "walker_%u_index_%u", walker, n));
		memcpy(item, table, sizeof item);
		item[12] ^= (uint32_t)index;
		mixed(bytes, item, double_rounds);
		words_of(item, bytes);
		for (size_t i = 0; i < WORDS; i++)
			state[i] ^= item[i];
		mixed(bytes, state, 2);
		words_of(state, bytes);
		if (n < 2)
			vectors_expect(vectors, bytes, sizeof bytes, "walker_%u_state_%u", walker, n + 1);
	}
}

/* All leaves of a round, in calls of every length. */
static void walks(struct vectors *vectors, const struct assay_params *params)
{
	const struct assay_work *work = &assay_work_memory;
	const uint32_t leaves = 1u << params->value[2];
	uint8_t values[8][4 * WORDS], hashes[8][32];
	struct assay_leaf list[8];

	cr_assert_leq(leaves, 8);
	for (uint32_t i = 0; i < leaves; i++)
		list[i] =
		    (struct assay_leaf){vectors_hash(vectors, "seed"), vectors_hash(vectors, "fill"), leaves - 1 - i};
	for (uint32_t count = 1; count <= leaves; count++) {
		assay_work_leaves(values[0], work, params, list + leaves - count, count);
		vectors_expect(vectors, values[count - 1], sizeof values[0], "first_leaf_value");
	}
	vectors_expect(vectors, values[0], sizeof values[0], "last_leaf_value");
	for (uint32_t i = 0; i < leaves; i++)
		assay_merkle_leaf(hashes[leaves - 1 - i], values[i], sizeof values[i]);
	vectors_expect(vectors, hashes[0], 32, "first_leaf_hash");
	vectors_expect(vectors, hashes[leaves - 1], 32, "last_leaf_hash");
	for (uint32_t count = leaves; count > 1; count /= 2)
		for (uint32_t i = 0; i < count / 2; i++)
			assay_merkle_node(hashes[i], hashes[2 * i], hashes[2 * i + 1]);
	vectors_expect(vectors, hashes[0], 32, "root");
}

Test(memory_vectors, items_and_walks)
{
	struct vectors *vectors = vectors_open("memory");
	const struct assay_work *work = assay_work_find("memory/1"), *fill = assay_work_find("memory-fill/1");

	cr_assert(work && fill && work->fill == fill && fill->is_fill);
	while (vectors_next_section(vectors)) {
		const struct assay_params params = {{vectors_number(vectors, "double_rounds"),
		                                     vectors_number(vectors, "items"),
		                                     vectors_number(vectors, "log2_walkers")}};
		const uint32_t last = (1u << params.value[2]) - 1, double_rounds = (uint32_t)params.value[0];
		const uint64_t at[] = {0, 1, params.value[1] - 1};
		uint32_t table[WORDS], item[WORDS];
		uint8_t bytes[4 * WORDS];
		size_t len;

		cr_assert(work->allowed(&params) && fill->allowed(&params));
		cr_expect_eq(work->round_work(&params), vectors_number(vectors, "work"));
		cr_expect_eq(work->leaf_cost(&params) + work->depth(&params) + 20, vectors_number(vectors, "cost"));
		cr_expect_eq(work->rounds_min(&params), vectors_number(vectors, "least_rounds"));
		words_of(table, vectors_hex(vectors, &len, "table_key"));
		cr_assert_eq(len, sizeof bytes);
		mixed(bytes, table, 2);
		vectors_expect(vectors, bytes, sizeof bytes, "mixed_2");
		for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
			memcpy(item, table, sizeof item);
			item[12] ^= (uint32_t)at[i];
			mixed(bytes, item, double_rounds);
			vectors_expect(vectors, bytes, sizeof bytes, "item_%llu", (unsigned long long)at[i]);
		}
		first_reads(vectors, 0, table, params.value[1], double_rounds);
		if (last)
			first_reads(vectors, last, table, params.value[1], double_rounds);
		walks(vectors, &params);
	}
	cr_expect_null(vectors_unread(vectors), "%s was not compared", vectors_unread(vectors));
	vectors_close(vectors);
}

/* Every level, with every number of walkers, gives what one walker at a time gives. */
Test(memory_vectors, levels_agree)
{
	static uint32_t expected[37][WORDS], states[37][WORDS];
	uint32_t table[WORDS];

	randombytes_buf_deterministic(table, sizeof table, (const uint8_t[32]){1});
	randombytes_buf_deterministic(expected, sizeof expected, (const uint8_t[32]){2});
	memcpy(states, expected, sizeof states);
	for (size_t i = 0; i < 37; i++)
		assay_arith()->walk(&expected[i], 1, table, UINT32_MAX, 6);
	for (const struct assay_arith *const *level = assay_arith_levels(); *level; level++)
		for (uint32_t count = 1; count <= 37; count++) {
			uint32_t mine[37][WORDS];
			memcpy(mine, states, sizeof mine);
			(*level)->walk(mine, count, table, UINT32_MAX, 6);
			cr_assert_arr_eq(mine, expected, count * sizeof *mine, "%s, %u walkers", (*level)->name, count);
			cr_assert_arr_eq(mine + count, states + count, (37 - count) * sizeof *mine);
		}
}
