/* SPDX-License-Identifier: Apache-2.0
 *
 * matmul-i8/1 (SPEC 5.1): the value of one 16 x 16 tile from the seed. Only the 32 rows that it needs are generated, a
 * chunk of k at a time, so the memory used does not depend on the parameters. */
#include "verify/arith.h"
#include "verify/matmul.h"

static bool allowed(const struct assay_params *params)
{
	return assay_matmul_allowed(params, 131008, 1, 16);
}

static uint32_t depth(const struct assay_params *params)
{
	return assay_matmul_depth(params, 16);
}

static uint64_t leaf_cost(const struct assay_params *params)
{
	return params->value[ASSAY_K] / 2 + params->value[ASSAY_K];
}

static void leaf(uint8_t *value, const struct assay_params *params, const uint8_t seed[ASSAY_HASH_BYTES],
                 uint64_t index)
{
	const uint64_t k = params->value[ASSAY_K], tiles = params->value[ASSAY_N] / 16;
	int8_t a[16][ASSAY_ARITH_CHUNK], b[16][ASSAY_ARITH_CHUNK];
	int32_t sum[16][16] = {{0}};
	uint8_t key_a[32], key_b[32];

	assay_matmul_keys(key_a, key_b, "matmul-i8/1", seed);
	for (uint64_t first = 0; first < k; first += ASSAY_ARITH_CHUNK) {
		uint32_t len = (uint32_t)(k - first < ASSAY_ARITH_CHUNK ? k - first : ASSAY_ARITH_CHUNK);
		assay_matmul_rows((uint8_t *)a, sizeof *a, key_a, index / tiles * 16, 16, k, first, len);
		assay_matmul_rows((uint8_t *)b, sizeof *b, key_b, index % tiles * 16, 16, k, first, len);
		assay_arith()->tile_i8(sum, (const int8_t(*)[ASSAY_ARITH_CHUNK])a,
		                       (const int8_t(*)[ASSAY_ARITH_CHUNK])b, len);
	}
	for (uint32_t i = 0; i < 256; i++)
		assay_le32_write(value + 4 * i, (uint32_t)sum[i / 16][i % 16]);
}

const struct assay_work assay_work_matmul_i8 = {
    .name = "matmul-i8/1",
    .unit = "op",
    .params = {"k", "m", "n"},
    .leaf_bytes = 1024,
    .allowed = allowed,
    .depth = depth,
    .round_work = assay_matmul_round_work,
    .leaf_cost = leaf_cost,
    .leaf = leaf,
};
