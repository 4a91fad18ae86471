/* SPDX-License-Identifier: Apache-2.0
 *
 * verify/vectors/{chacha20,merkle,matmul-i8,matmul-i9,sha256}.txt: key stream, trees and leaf values, value by value.
 * They were written by ci/vectors.py, which shares no line with the verifier. SPEC 1.3, 1.5, 5. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "verify/chain.h"
#include "verify/test/vectors.h"
#include "verify/work.h"

static const uint8_t zero_nonce[12];

static void everything_was_compared(struct vectors *vectors)
{
	const char *unread = vectors_unread(vectors);

	cr_expect(!unread, "no test looks at %s", unread);
	vectors_close(vectors);
}

static void key_stream(uint8_t *bytes, size_t len, const uint8_t key[32], uint32_t block)
{
	memset(bytes, 0, len);
	crypto_stream_chacha20_ietf_xor_ic(bytes, bytes, len, zero_nonce, block, key);
}

Test(vectors, chacha20)
{
	static uint8_t bytes[65536];
	struct vectors *vectors = vectors_open("chacha20");
	uint8_t hash[32];
	size_t len;

	vectors_select(vectors, "rfc8439");
	memset(bytes, 0, 64);
	crypto_stream_chacha20_ietf_xor_ic(bytes, bytes, 64, vectors_hex(vectors, &len, "nonce"),
	                                   (uint32_t)vectors_number(vectors, "counter"), vectors_hash(vectors, "key"));
	vectors_expect(vectors, bytes, 64, "block");
	while (vectors_next_section(vectors)) {
		static const uint32_t blocks[] = {0, 1, 2, 255, 256, INT32_MAX, 2147483648u, 4294967294u, 4294967295u};
		const uint8_t *key = vectors_hash(vectors, "key");
		for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
			key_stream(bytes, 64, key, blocks[i]);
			vectors_expect(vectors, bytes, 64, "block_%u", blocks[i]);
		}
		key_stream(bytes, sizeof bytes, key, 0);
		crypto_hash_sha256(hash, bytes, sizeof bytes);
		vectors_expect(vectors, hash, 32, "sha256_of_first_65536_bytes");
	}
	everything_was_compared(vectors);
}

/* Halves a level of a tree, in place. */
static void level_up(uint8_t (*hashes)[32], uint64_t count)
{
	for (uint64_t i = 0; i < count; i += 2)
		assay_merkle_node(hashes[i / 2], hashes[i], hashes[i + 1]);
}

/* The root that a leaf and its path lead to. */
static void fold_path(uint8_t hash[32], uint64_t index, const uint8_t *path, size_t len)
{
	for (uint32_t level = 0; level < len / 32; level++)
		assay_merkle_fold(hash, index, level, path + 32 * level);
}

Test(vectors, merkle)
{
	static uint8_t hashes[1024][32], leaf_hashes[1024][32];
	struct vectors *vectors = vectors_open("merkle");

	while (vectors_next_section(vectors)) {
		uint64_t leaves = vectors_number(vectors, "leaves");
		uint32_t level = 0;
		for (uint64_t i = 0; i < leaves; i++) {
			uint8_t value[8];
			assay_le64_write(value, i);
			assay_merkle_leaf(hashes[i], value, sizeof value);
		}
		memcpy(leaf_hashes, hashes, sizeof hashes);
		for (uint64_t count = leaves;; count /= 2, level++) {
			if (vectors_has(vectors, "level_%u", level))
				vectors_expect(vectors, hashes, 32 * count, "level_%u", level);
			if (count == 1)
				break;
			level_up(hashes, count);
		}
		vectors_expect(vectors, hashes[0], 32, "root");

		for (uint64_t i = 0; i < leaves; i++) {
			uint8_t hash[32];
			size_t len;
			if (!vectors_has(vectors, "path_%u", (unsigned)i))
				continue;
			const uint8_t *path = vectors_hex(vectors, &len, "path_%u", (unsigned)i);
			cr_expect_eq(len, 32 * level);
			memcpy(hash, leaf_hashes[i], 32);
			fold_path(hash, i, path, len);
			cr_expect_arr_eq(hash, hashes[0], 32, "path of leaf %u of %u", (unsigned)i, (unsigned)leaves);
			memcpy(hash, leaf_hashes[i], 32);
			fold_path(hash, i ^ 1, path, len);
			cr_expect(leaves == 1 || memcmp(hash, hashes[0], 32) != 0, "leaf %u at the wrong side",
			          (unsigned)i);
		}
	}
	everything_was_compared(vectors);
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

/* The first 64 bytes of a row, whose elements are numbers of `bits` bits in as many bytes as they need. */
static void operand_row(struct vectors *vectors, const char *matrix, const uint8_t key[32], uint64_t row,
                        uint64_t row_bytes, uint32_t bits)
{
	uint8_t bytes[64];

	key_stream(bytes, sizeof bytes, key, (uint32_t)(row * row_bytes / 64));
	/* The bits above the sign are as the sign. */
	for (size_t i = 1; bits == 9 && i < sizeof bytes; i += 2)
		bytes[i] = bytes[i] & 1 ? 0xff : 0;
	vectors_expect(vectors, bytes, sizeof bytes, "%s_row_%u_64", matrix, (unsigned)row);
}

static void operand_rows(struct vectors *vectors, const struct assay_work *work, const char *matrix, uint64_t rows,
                         uint64_t k)
{
	const uint32_t bits = work == &assay_work_matmul_i8 ? 8 : 9;
	const struct assay_part part = {vectors_hash(vectors, "seed"), 32};
	uint8_t key[32];
	char label[48];

	snprintf(label, sizeof label, "assay/1 %s %s\n", work->name, *matrix == 'a' ? "A" : "B");
	assay_hash(key, label, &part, 1);
	vectors_expect(vectors, key, 32, "key_%s", matrix);
	operand_row(vectors, matrix, key, 0, (bits + 7) / 8 * k, bits);
	operand_row(vectors, matrix, key, rows - 1, (bits + 7) / 8 * k, bits);
}

static void expect_entry(struct vectors *vectors, const uint8_t value[4], const char *name)
{
	cr_expect_eq((int32_t)assay_le32_read(value), atoi(vectors_text(vectors, "%s", name)), "%s", name);
}

static void matmul(const char *file, const char *name)
{
	struct vectors *vectors = vectors_open(file);
	const struct assay_work *work = assay_work_find(name);

	while (vectors_next_section(vectors)) {
		uint64_t k = vectors_number(vectors, "k"), m = vectors_number(vectors, "m");
		uint64_t n = vectors_number(vectors, "n");
		const struct assay_params params = {{k, m, n}};
		uint8_t *values, (*hashes)[32], hash[32];

		cr_assert(work->allowed(&params));
		operand_rows(vectors, work, "a", m, k);
		operand_rows(vectors, work, "b", n, k);
		cr_expect_eq(work->depth(&params), vectors_number(vectors, "depth"));
		cr_expect_eq(work->round_work(&params), vectors_number(vectors, "work"));
		cr_expect_eq(work->leaf_cost(&params) + work->depth(&params) + 20, vectors_number(vectors, "cost"));

		uint64_t leaves = all_leaves(&values, &hashes, work, &params, vectors_hash(vectors, "seed"));
		expect_entry(vectors, values, "c_0_0");
		expect_entry(vectors, values + 4, "c_0_1");
		expect_entry(vectors, values + 64, "c_1_0");
		expect_entry(vectors, values + 1024 * leaves - 4, "c_last");
		vectors_expect(vectors, values, 1024, "first_leaf_value");
		vectors_expect(vectors, hashes[0], 32, "first_leaf_hash");
		vectors_expect(vectors, hashes[leaves - 1], 32, "last_leaf_hash");
		crypto_hash_sha256(hash, values, 1024 * leaves);
		vectors_expect(vectors, hash, 32, "values_sha256");
		for (uint64_t count = leaves; count >= 1; count /= 2) {
			if (count == m / 16)
				vectors_expect(vectors, hashes[0], 32, "band_root");
			if (count == 1)
				vectors_expect(vectors, hashes[0], 32, "root");
			else
				level_up(hashes, count);
		}
		free(values);
		free(hashes);
	}
	everything_was_compared(vectors);
}

Test(vectors, matmul_i8)
{
	matmul("matmul-i8", "matmul-i8/1");
}

Test(vectors, matmul_i9)
{
	matmul("matmul-i9", "matmul-i9/1");
}

Test(vectors, sha256)
{
	struct vectors *vectors = vectors_open("sha256");
	const struct assay_work *work = assay_work_find("sha256/1");

	while (vectors_next_section(vectors)) {
		const struct assay_params params = {{vectors_number(vectors, "b"), vectors_number(vectors, "h")}};
		static const uint64_t digests[] = {0, 1, UINT64_C(1) << 32};
		const uint8_t *seed = vectors_hash(vectors, "seed");
		uint8_t *values, (*hashes)[32], digest[32];

		/* With one digest a leaf, leaf i is digest i. */
		for (size_t i = 0; i < sizeof digests / sizeof *digests; i++) {
			const struct assay_params single = {{0, 32}};
			work->leaf(digest, &single, seed, digests[i]);
			vectors_expect(vectors, digest, 32, "digest_%llu", (unsigned long long)digests[i]);
		}
		cr_expect_eq(work->round_work(&params), vectors_number(vectors, "work"));
		cr_expect_eq(work->leaf_cost(&params) + work->depth(&params) + 20, vectors_number(vectors, "cost"));
		uint64_t leaves = all_leaves(&values, &hashes, work, &params, seed);
		vectors_expect(vectors, values, 32, "first_leaf_value");
		vectors_expect(vectors, hashes[0], 32, "first_leaf_hash");
		vectors_expect(vectors, values + 32 * (leaves - 1), 32, "last_leaf_value");
		vectors_expect(vectors, hashes[leaves - 1], 32, "last_leaf_hash");
		for (uint64_t count = leaves; count > 1; count /= 2)
			level_up(hashes, count);
		vectors_expect(vectors, hashes[0], 32, "root");
		free(values);
		free(hashes);
	}
	everything_was_compared(vectors);
}
