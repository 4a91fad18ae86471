/* SPDX-License-Identifier: Apache-2.0
 *
 * matmul-i9/1 (SPEC 5.3): the value of one 16 x 16 tile from the seed, a chunk of k at a time. */
#include "verify/arith.h"
#include "verify/matmul.h"

static bool allowed(const struct assay_params *params)
{
	return assay_matmul_allowed(params, 32704, 2, 16);
}

static uint32_t depth(const struct assay_params *params)
{
	return assay_matmul_depth(params, 16);
}

static uint64_t leaf_cost(const struct assay_params *params)
{
	return 2 * params->value[ASSAY_K];
}

/* Elements first .. first + len - 1 of sixteen rows: the nine low bits of each half, two's complement. */
static void rows_generate(int16_t rows[16][ASSAY_ARITH_CHUNK], const uint8_t key[ASSAY_HASH_BYTES], uint64_t row,
                          uint64_t k, uint64_t first, uint32_t len)
{
	uint8_t bytes[2 * ASSAY_ARITH_CHUNK];

	for (uint32_t i = 0; i < 16; i++) {
		assay_matmul_rows(bytes, sizeof bytes, key, row + i, 1, 2 * k, 2 * first, 2 * len);
		for (uint32_t l = 0; l < len; l++)
			rows[i][l] = (int16_t)(((bytes[2 * l] | (bytes[2 * l + 1] & 1) << 8) ^ 0x100) - 0x100);
	}
}

static void leaf(uint8_t *value, const struct assay_params *params, const uint8_t seed[ASSAY_HASH_BYTES],
                 uint64_t index)
{
	const uint64_t k = params->value[ASSAY_K], tiles = params->value[ASSAY_N] / 16;
	int16_t a[16][ASSAY_ARITH_CHUNK], b[16][ASSAY_ARITH_CHUNK];
	int32_t sum[16][16] = {{0}};
	uint8_t key_a[32], key_b[32];

	assay_matmul_keys(key_a, key_b, "matmul-i9/1", seed);
	for (uint64_t first = 0; first < k; first += ASSAY_ARITH_CHUNK) {
		uint32_t len = (uint32_t)(k - first < ASSAY_ARITH_CHUNK ? k - first : ASSAY_ARITH_CHUNK);
		rows_generate(a, key_a, index / tiles * 16, k, first, len);
		rows_generate(b, key_b, index % tiles * 16, k, first, len);
		assay_arith()->tile_i16(sum, (const int16_t(*)[ASSAY_ARITH_CHUNK])a,
		                        (const int16_t(*)[ASSAY_ARITH_CHUNK])b, len);
	}
	for (uint32_t i = 0; i < 256; i++)
		assay_le32_write(value + 4 * i, (uint32_t)sum[i / 16][i % 16]);
}

const struct assay_work assay_work_matmul_i9 = {
    .name = "matmul-i9/1",
    .unit = "op",
    .params = {"k", "m", "n"},
    .leaf_bytes = 1024,
    .allowed = allowed,
    .depth = depth,
    .round_work = assay_matmul_round_work,
    .leaf_cost = leaf_cost,
    .leaf = leaf,
};
