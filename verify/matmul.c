/* SPDX-License-Identifier: Apache-2.0
 *
 * See matmul.h. */
#include "verify/matmul.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

static uint32_t log2_exact(uint64_t power)
{
	return (uint32_t)__builtin_ctzll(power);
}

bool assay_matmul_allowed(const struct assay_params *params, uint64_t k_max, uint32_t element_bytes, uint32_t tile)
{
	uint64_t k = params->value[ASSAY_K], m = params->value[ASSAY_M], n = params->value[ASSAY_N];
	const uint64_t dimension_max = UINT64_C(1) << 20, operand_max = UINT64_C(1) << 37;

	return k >= 64 && k <= k_max && k % 64 == 0 && m >= 16 && m <= dimension_max && (m & (m - 1)) == 0 && n >= 16 &&
	       n <= dimension_max && (n & (n - 1)) == 0 && m * k * element_bytes <= operand_max &&
	       n * k * element_bytes <= operand_max && assay_matmul_depth(params, tile) <= ASSAY_DEPTH_MAX;
}

uint32_t assay_matmul_depth(const struct assay_params *params, uint32_t tile)
{
	return log2_exact(params->value[ASSAY_M]) + log2_exact(params->value[ASSAY_N]) - 2 * log2_exact(tile);
}

uint64_t assay_matmul_round_work(const struct assay_params *params)
{
	return 2 * params->value[ASSAY_M] * params->value[ASSAY_N] * params->value[ASSAY_K];
}

void assay_matmul_keys(uint8_t key_a[ASSAY_HASH_BYTES], uint8_t key_b[ASSAY_HASH_BYTES], const char *name,
                       const uint8_t seed[ASSAY_HASH_BYTES])
{
	const struct assay_part part = {seed, ASSAY_HASH_BYTES};
	char label[64];

	snprintf(label, sizeof label, "assay/1 %s A\n", name);
	assay_hash(key_a, label, &part, 1);
	snprintf(label, sizeof label, "assay/1 %s B\n", name);
	assay_hash(key_b, label, &part, 1);
}

void assay_matmul_rows(uint8_t *out, size_t stride, const uint8_t key[ASSAY_HASH_BYTES], uint64_t row, uint32_t count,
                       uint64_t row_bytes, uint64_t first, uint32_t len)
{
	static const uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES];

	for (uint32_t i = 0; i < count; i++, out += stride) {
		/* Below 2^31 because the operand is at most 2^37 bytes. */
		uint32_t block = (uint32_t)(((row + i) * row_bytes + first) / 64);
		memset(out, 0, len);
		crypto_stream_chacha20_ietf_xor_ic(out, out, len, nonce, block, key);
	}
}
