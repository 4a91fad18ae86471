/* SPDX-License-Identifier: Apache-2.0
 *
 * matmul-i8/1 (SPEC 5.1): the value of one 16 x 16 tile from the seed. Only the 32 rows that it needs are generated, a
 * chunk of k at a time, so the memory used does not depend on the parameters. */
#include "verify/work.h"

#include <string.h>

#include <sodium.h>

#include "verify/arith.h"

enum { K, M, N }; /* positions in assay_params */

static uint32_t log2_exact(uint64_t power)
{
	return (uint32_t)__builtin_ctzll(power);
}

static bool allowed(const struct assay_params *params)
{
	uint64_t k = params->value[K], m = params->value[M], n = params->value[N];
	const uint64_t dimension_max = UINT64_C(1) << 20, operand_max = UINT64_C(1) << 37;

	return k >= 64 && k <= 131008 && k % 64 == 0 && m >= 16 && m <= dimension_max && (m & (m - 1)) == 0 &&
	       n >= 16 && n <= dimension_max && (n & (n - 1)) == 0 && m * k <= operand_max && n * k <= operand_max &&
	       log2_exact(m) + log2_exact(n) - 8 <= ASSAY_DEPTH_MAX;
}

static uint32_t depth(const struct assay_params *params)
{
	return log2_exact(params->value[M]) + log2_exact(params->value[N]) - 8;
}

static uint64_t round_work(const struct assay_params *params)
{
	return 2 * params->value[M] * params->value[N] * params->value[K];
}

static uint64_t leaf_cost(const struct assay_params *params)
{
	return params->value[K] / 2 + params->value[K];
}

/* Columns first .. first + len - 1 of sixteen rows of a matrix with k columns. */
static void rows_generate(int8_t rows[16][ASSAY_ARITH_CHUNK], const uint8_t key[32], uint64_t row, uint64_t k,
                          uint64_t first, uint32_t len)
{
	static const uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES];

	for (uint64_t i = 0; i < 16; i++) {
		uint8_t *bytes = (uint8_t *)rows[i];
		/* Below 2^31 because the operand is at most 2^37 bytes. */
		uint32_t block = (uint32_t)(((row + i) * k + first) / 64);
		memset(bytes, 0, len);
		crypto_stream_chacha20_ietf_xor_ic(bytes, bytes, len, nonce, block, key);
	}
}

static void leaf(uint8_t *value, const struct assay_params *params, const uint8_t seed[ASSAY_HASH_BYTES],
                 uint64_t index)
{
	const uint64_t k = params->value[K], tiles = params->value[N] / 16;
	const struct assay_part part = {seed, ASSAY_HASH_BYTES};
	int8_t a[16][ASSAY_ARITH_CHUNK], b[16][ASSAY_ARITH_CHUNK];
	int32_t sum[16][16] = {{0}};
	uint8_t key_a[32], key_b[32];

	assay_hash(key_a, "assay/1 matmul-i8/1 A\n", &part, 1);
	assay_hash(key_b, "assay/1 matmul-i8/1 B\n", &part, 1);
	for (uint64_t first = 0; first < k; first += ASSAY_ARITH_CHUNK) {
		uint32_t len = (uint32_t)(k - first < ASSAY_ARITH_CHUNK ? k - first : ASSAY_ARITH_CHUNK);
		rows_generate(a, key_a, index / tiles * 16, k, first, len);
		rows_generate(b, key_b, index % tiles * 16, k, first, len);
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
    .round_work = round_work,
    .leaf_cost = leaf_cost,
    .leaf = leaf,
};
