/* SPDX-License-Identifier: Apache-2.0
 *
 * verify/vectors/matmul-f32.txt and matmul-f64.txt: operands, sums after some steps on every level of instructions, and
 * leaf values. Written by ci/vectors.py. SPEC 5.4, 5.5. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "verify/arith.h"
#include "verify/chain.h"
#include "verify/test/vectors.h"
#include "verify/work.h"

/* What differs between the two. */
struct type {
	const struct assay_work *work;
	const char *file;
	uint32_t element_bytes;
};

static void key_stream(uint8_t *bytes, size_t len, const uint8_t key[32], uint32_t block)
{
	static const uint8_t zero_nonce[12];

	memset(bytes, 0, len);
	crypto_stream_chacha20_ietf_xor_ic(bytes, bytes, len, zero_nonce, block, key);
}

/* The key of an operand, and its first elements of the first and of the last row, as numbers. */
static void operand(struct vectors *vectors, const struct type *type, char side, uint64_t rows, uint64_t k)
{
	const struct assay_part part = {vectors_hash(vectors, "seed"), 32};
	const uint64_t some[] = {0, rows - 1};
	uint8_t key[32], bytes[64];
	char label[64];

	snprintf(label, sizeof label, "assay/1 %s %c\n", type->work->name, side - 'a' + 'A');
	assay_hash(key, label, &part, 1);
	vectors_expect(vectors, key, 32, "key_%c", side);
	for (size_t i = 0; i < 2; i++) {
		key_stream(bytes, sizeof bytes, key, (uint32_t)(some[i] * k * type->element_bytes / 64));
		for (size_t at = 0; at < sizeof bytes; at += type->element_bytes) {
			float narrow = (float)((int32_t)assay_le32_read(bytes + at) >> 8) / 8388608;
			double wide = type->element_bytes == 8
			                  ? (double)((int64_t)assay_le64_read(bytes + at) >> 11) / 4503599627370496.0
			                  : 0;
			memcpy(bytes + at, type->element_bytes == 8 ? (const void *)&wide : &narrow,
			       type->element_bytes);
		}
		vectors_expect(vectors, bytes, sizeof bytes, "%c_row_%u_64", side, (unsigned)some[i]);
	}
}

/* Entry (0, 0) after some steps, on every level. */
static void sums(struct vectors *vectors, const struct type *type, uint64_t k)
{
	static const uint32_t steps[] = {1, 2, 3, 64};
	static uint8_t a[8][8 * ASSAY_ARITH_FLOATS], b[8][8 * ASSAY_ARITH_FLOATS];
	static uint8_t a32[8][4 * ASSAY_ARITH_FLOATS], b32[8][4 * ASSAY_ARITH_FLOATS];
	const size_t len = 64 * type->element_bytes;

	for (uint32_t row = 0; row < 8; row++) {
		uint32_t block = (uint32_t)(row * k * type->element_bytes / 64);
		key_stream(a[row], len, vectors_hash(vectors, "key_a"), block);
		key_stream(b[row], len, vectors_hash(vectors, "key_b"), block);
		memcpy(a32[row], a[row], 256);
		memcpy(b32[row], b[row], 256);
	}
	for (const struct assay_arith *const *level = assay_arith_levels(); *level; level++)
		for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
			float narrow[8][8] = {{0}};
			double wide[8][8] = {{0}};
			if (type->element_bytes == 4)
				(*level)->tile_f32(narrow, (const uint8_t(*)[4 * ASSAY_ARITH_FLOATS]) a32,
				                   (const uint8_t(*)[4 * ASSAY_ARITH_FLOATS]) b32, steps[i]);
			else
				(*level)->tile_f64(wide, (const uint8_t(*)[8 * ASSAY_ARITH_FLOATS]) a,
				                   (const uint8_t(*)[8 * ASSAY_ARITH_FLOATS]) b, steps[i]);
			vectors_expect(vectors, type->element_bytes == 4 ? (const void *)narrow : wide,
			               type->element_bytes, "sum_%u", steps[i]);
		}
}

/* All leaves of a round: their values one after the other, and their hashes. */
static uint64_t all_leaves(uint8_t **values, uint8_t (**hashes)[32], const struct assay_work *work,
                           const struct assay_params *params, const uint8_t seed[32])
{
	uint64_t leaves = UINT64_C(1) << work->depth(params);

	*values = malloc(leaves * work->leaf_bytes);
	*hashes = malloc(leaves * 32);
	for (uint64_t i = 0; i < leaves; i++) {
		work->leaf(*values + i * work->leaf_bytes, params, seed, i);
		assay_merkle_leaf((*hashes)[i], *values + i * work->leaf_bytes, work->leaf_bytes);
	}
	return leaves;
}

static void compare(const struct type *type)
{
	struct vectors *vectors = vectors_open(type->file);
	const struct assay_work *work = type->work;
	const size_t entry = type->element_bytes, size = work->leaf_bytes;

	cr_assert_eq(assay_work_find(work->name), work);
	while (vectors_next_section(vectors)) {
		uint64_t k = vectors_number(vectors, "k"), m = vectors_number(vectors, "m");
		uint64_t n = vectors_number(vectors, "n");
		const struct assay_params params = {{k, m, n}};
		uint8_t *values, (*hashes)[32], hash[32];

		cr_assert(work->allowed(&params));
		operand(vectors, type, 'a', m, k);
		operand(vectors, type, 'b', n, k);
		sums(vectors, type, k);
		cr_expect_eq(work->depth(&params), vectors_number(vectors, "depth"));
		cr_expect_eq(work->round_work(&params), vectors_number(vectors, "work"));
		cr_expect_eq(work->leaf_cost(&params) + work->depth(&params) + 20, vectors_number(vectors, "cost"));

		uint64_t leaves = all_leaves(&values, &hashes, work, &params, vectors_hash(vectors, "seed"));
		vectors_expect(vectors, values, entry, "c_0_0");
		vectors_expect(vectors, values + entry, entry, "c_0_1");
		vectors_expect(vectors, values + 8 * entry, entry, "c_1_0");
		vectors_expect(vectors, values + size * leaves - entry, entry, "c_last");
		vectors_expect(vectors, values, size, "first_leaf_value");
		vectors_expect(vectors, hashes[0], 32, "first_leaf_hash");
		vectors_expect(vectors, hashes[leaves - 1], 32, "last_leaf_hash");
		crypto_hash_sha256(hash, values, size * leaves);
		vectors_expect(vectors, hash, 32, "values_sha256");
		for (uint64_t count = leaves; count >= 1; count /= 2) {
			if (count == m / 16)
				vectors_expect(vectors, hashes[0], 32, "band_root");
			if (count == 1)
				vectors_expect(vectors, hashes[0], 32, "root");
			for (uint64_t i = 0; i + 1 < count; i += 2)
				assay_merkle_node(hashes[i / 2], hashes[i], hashes[i + 1]);
		}
		free(values);
		free(hashes);
	}
	const char *unread = vectors_unread(vectors);
	cr_expect(!unread, "no test looks at %s", unread);
	vectors_close(vectors);
}

Test(vectors, matmul_f32)
{
	compare(&(const struct type){&assay_work_matmul_f32, "matmul-f32", 4});
}

Test(vectors, matmul_f64)
{
	compare(&(const struct type){&assay_work_matmul_f64, "matmul-f64", 8});
}
