/* SPDX-License-Identifier: Apache-2.0
 *
 * memory/1 and its fill (SPEC 5.6): the walks of some walkers, every item that they read computed from the table's key.
 * There is no table here. */
#include "verify/work.h"

#include <string.h>

#include <sodium.h>

#include "verify/arith.h"

enum { DOUBLE_ROUNDS, ITEMS, LOG2_WALKERS }; /* positions in assay_params */
enum { STATE_BYTES = 4 * ASSAY_ARITH_STATE, PASSES = 8 };

static bool allowed(const struct assay_params *params)
{
	const uint64_t double_rounds = params->value[DOUBLE_ROUNDS], items = params->value[ITEMS];

	return double_rounds >= 2 && double_rounds <= 4096 && double_rounds % 2 == 0 && items >= 64 &&
	       items <= UINT32_MAX && params->value[LOG2_WALKERS] <= 22;
}

static uint32_t depth(const struct assay_params *params)
{
	return (uint32_t)params->value[LOG2_WALKERS];
}

static uint64_t round_work(const struct assay_params *params)
{
	return (uint64_t)ASSAY_ARITH_READS * STATE_BYTES << params->value[LOG2_WALKERS];
}

static uint64_t leaf_cost(const struct assay_params *params)
{
	return ASSAY_ARITH_READS * params->value[DOUBLE_ROUNDS] / 8;
}

static uint64_t table_bytes(const struct assay_params *params)
{
	return params->value[ITEMS] * STATE_BYTES;
}

/* Rounds that read as many items as the table has, eight times. */
static uint32_t rounds_min(const struct assay_params *params)
{
	const uint64_t reads = (uint64_t)ASSAY_ARITH_READS << params->value[LOG2_WALKERS];

	return (uint32_t)((PASSES * params->value[ITEMS] + reads - 1) / reads);
}

/* Bytes 128 * index onwards of the key stream of H(label, seed), as words. */
static void state_words(uint32_t words[ASSAY_ARITH_STATE], const char *label, const uint8_t seed[ASSAY_HASH_BYTES],
                        uint64_t index)
{
	static const uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES];
	const struct assay_part part = {seed, ASSAY_HASH_BYTES};
	uint8_t key[ASSAY_HASH_BYTES], bytes[STATE_BYTES] = {0};

	assay_hash(key, label, &part, 1);
	crypto_stream_chacha20_ietf_xor_ic(bytes, bytes, sizeof bytes, nonce, (uint32_t)(2 * index), key);
	for (uint32_t i = 0; i < ASSAY_ARITH_STATE; i++)
		words[i] = assay_le32_read(bytes + 4 * i);
}

static void leaves(uint8_t *values, const struct assay_params *params, const struct assay_leaf *list, uint32_t count)
{
	uint32_t table[ASSAY_ARITH_STATE], states[ASSAY_LEAVES_MAX][ASSAY_ARITH_STATE];

	state_words(table, "assay/1 memory/1 table\n", list[0].fill, 0);
	for (uint32_t i = 0; i < count; i++)
		state_words(states[i], "assay/1 memory/1 walkers\n", list[i].seed, list[i].index);
	assay_arith()->walk(states, count, table, (uint32_t)params->value[ITEMS],
	                    (uint32_t)params->value[DOUBLE_ROUNDS]);
	for (uint32_t i = 0; i < count * ASSAY_ARITH_STATE; i++)
		assay_le32_write(values + 4 * i, states[i / ASSAY_ARITH_STATE][i % ASSAY_ARITH_STATE]);
}

static uint32_t no_depth(const struct assay_params *params)
{
	(void)params;
	return 0;
}

static uint64_t nothing(const struct assay_params *params)
{
	(void)params;
	return 0;
}

const struct assay_work assay_work_memory_fill = {
    .name = "memory-fill/1",
    .unit = "B",
    .params = {"doubleRounds", "items", "log2Walkers"},
    .allowed = allowed,
    .depth = no_depth,
    .round_work = nothing,
    .leaf_cost = nothing,
    .is_fill = true,
};

const struct assay_work assay_work_memory = {
    .name = "memory/1",
    .unit = "B",
    .params = {"doubleRounds", "items", "log2Walkers"},
    .leaf_bytes = STATE_BYTES,
    .allowed = allowed,
    .depth = depth,
    .round_work = round_work,
    .leaf_cost = leaf_cost,
    .leaves = leaves,
    .fill = &assay_work_memory_fill,
    .table_bytes = table_bytes,
    .rounds_min = rounds_min,
};
