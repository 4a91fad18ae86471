/* SPDX-License-Identifier: Apache-2.0
 *
 * matmul-f64/1 (SPEC 5.5): the value of one 8 x 8 tile from the seed, a chunk of k at a time. */
#include <string.h>

#include "verify/arith.h"
#include "verify/matmul.h"

static bool allowed(const struct assay_params *params)
{
	return assay_matmul_allowed(params, 8192, 8, 8);
}

static uint32_t depth(const struct assay_params *params)
{
	return assay_matmul_depth(params, 8);
}

static uint64_t leaf_cost(const struct assay_params *params)
{
	return 4 * params->value[ASSAY_K];
}

static void leaf(uint8_t *value, const struct assay_params *params, const uint8_t seed[ASSAY_HASH_BYTES],
                 uint64_t index)
{
	const uint64_t row_bytes = 8 * params->value[ASSAY_K], tiles = params->value[ASSAY_N] / 8;
	uint8_t a[8][8 * ASSAY_ARITH_FLOATS], b[8][8 * ASSAY_ARITH_FLOATS], key_a[32], key_b[32];
	double sum[8][8] = {{0}};

	assay_matmul_keys(key_a, key_b, "matmul-f64/1", seed);
	for (uint64_t first = 0; first < row_bytes; first += sizeof *a) {
		uint32_t len = (uint32_t)(row_bytes - first < sizeof *a ? row_bytes - first : sizeof *a);
		assay_matmul_rows((uint8_t *)a, sizeof *a, key_a, index / tiles * 8, 8, row_bytes, first, len);
		assay_matmul_rows((uint8_t *)b, sizeof *b, key_b, index % tiles * 8, 8, row_bytes, first, len);
		assay_arith()->tile_f64(sum, (const uint8_t(*)[8 * ASSAY_ARITH_FLOATS]) a,
		                        (const uint8_t(*)[8 * ASSAY_ARITH_FLOATS]) b, len / 8);
	}
	for (uint32_t i = 0; i < 64; i++) {
		uint64_t bits;
		memcpy(&bits, &sum[i / 8][i % 8], sizeof bits);
		assay_le64_write(value + 8 * i, bits);
	}
}

const struct assay_work assay_work_matmul_f64 = {
    .name = "matmul-f64/1",
    .unit = "flop",
    .params = {"k", "m", "n"},
    .leaf_bytes = 512,
    .allowed = allowed,
    .depth = depth,
    .round_work = assay_matmul_round_work,
    .leaf_cost = leaf_cost,
    .leaf = leaf,
};
