/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel with matrix units, for every kind of unit, against the verifier's arithmetic: its real source on groups of
 * coroutines (group.h), with instructions written from the vendors' manuals (units.c). */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "harness/test/group.h"
#include "verify/chain.h"
#include "verify/work.h"

TestSuite(units, .timeout = 300);

static const struct units *const kinds[] = {&units_mma_k16,  &units_mma_k32, &units_mfma_k16,
                                            &units_mfma_k32, &units_wmma_11, &units_wmma_12};

enum { FILLER = 0xa5, MARGIN = 64 };
static const uint8_t seed[32] = {3, 1, 4, 1, 5};

/* An operand in the panel layout of chacha20.cl, from libsodium. */
static uint32_t *operand(const char *label, uint64_t rows, uint64_t k)
{
	static const uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES];
	const struct assay_part part = {seed, 32};
	uint8_t key[32], *stream = calloc(rows, k);
	uint32_t *panels = aligned_alloc(16, rows * k);

	assay_hash(key, label, &part, 1);
	crypto_stream_chacha20_ietf_xor_ic(stream, stream, rows * k, nonce, 0, key);
	for (uint64_t row = 0; row < rows; row++)
		for (uint64_t word = 0; word < k / 4; word++)
			memcpy(panels + (row / 16 * (k / 4) + word) * 16 + row % 16, stream + row * k + word * 4, 4);
	free(stream);
	return panels;
}

/* Tile rows first ... first + rows - 1 of a k, m, n product: how many tiles are wrong, those that must not be written
 * included. */
static uint64_t wrong_tiles(const struct units *units, uint64_t k, uint64_t m, uint64_t n, uint32_t first,
                            uint32_t rows, enum group_order order)
{
	const struct assay_params params = {{k, m, n}};
	const uint32_t tiles = (uint32_t)(n / 16), quads = (uint32_t)(k / 4), from = first * tiles,
	               count = rows * tiles;
	uint32_t *a = operand("assay/1 matmul-i8/1 A\n", m, k), *b = operand("assay/1 matmul-i8/1 B\n", n, k);
	uint8_t *c = aligned_alloc(16, m * n * 4 + MARGIN), leaf[ASSAY_LEAF_BYTES_MAX], filler[1024];
	const void *const arguments[] = {&a, &b, &c, &from, &count, &tiles, &quads};
	const uint32_t groups =
	    (rows + units->shape[1] - 1) / units->shape[1] * ((tiles + units->shape[2] - 1) / units->shape[2]);
	uint64_t wrong = 0;

	memset(c, FILLER, m * n * 4 + MARGIN);
	memset(filler, FILLER, sizeof filler);
	cr_assert(units->run(arguments, groups, order), "%s: items wait for ever", units->kind);
	for (uint64_t tile = 0; tile < m * n / 256; tile++) {
		bool wanted = tile >= from && tile < from + count;
		if (wanted)
			assay_work_matmul_i8.leaf(leaf, &params, seed, tile);
		wrong += memcmp(c + tile * 1024, wanted ? leaf : filler, 1024) != 0;
	}
	cr_assert_arr_eq(c + m * n * 4, filler, MARGIN, "%s writes past the end", units->kind);
	free(a);
	free(b);
	free(c);
	return wrong;
}

static void right(uint64_t k, uint64_t m, uint64_t n, uint32_t first, uint32_t rows)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		for (int order = GROUP_FIRST; order <= GROUP_LAST; order++)
			cr_expect_eq(wrong_tiles(kinds[i], k, m, n, first, rows, (enum group_order)order), 0,
			             "%s: k %d m %d n %d", kinds[i]->kind, (int)k, (int)m, (int)n);
}

Test(units, one_tile)
{
	right(64, 16, 16, 0, 1);
}

Test(units, one_block)
{
	right(320, 128, 256, 0, 8);
}

/* Fewer stages than are copied ahead; as many; one more. */
Test(units, stages)
{
	for (uint64_t k = 64; k <= 320; k += 64)
		right(k, 16, 32, 0, 1);
}

Test(units, many_blocks)
{
	right(128, 512, 512, 0, 32);
}

/* A band, as it is opened: 16 rows, many columns. Few columns, more rows of blocks than go down together. */
Test(units, tall_and_wide)
{
	right(64, 16, 2048, 0, 1);
	right(64, 2048, 16, 0, 128);
}

Test(units, some_rows_of_a_product)
{
	right(64, 256, 64, 3, 9);
}

/* The tests see a race: without the barrier what others copied is read too early. */
Test(units, missing_barrier_shows)
{
	cr_expect_gt(wrong_tiles(&units_no_barrier, 320, 128, 256, 0, 8, GROUP_FIRST), 0);
	cr_expect_gt(wrong_tiles(&units_no_barrier, 320, 128, 256, 0, 8, GROUP_LAST), 0);
}

/* ---- The group itself ---- */

static void nothing(void *const *lanes)
{
	(void)lanes;
}

static void half_wait(void *context, uint32_t item)
{
	(void)context;
	if (item % 2)
		group_barrier();
}

static void lanes_differ(void *context, uint32_t item)
{
	(void)context;
	if (item % 32 < 31)
		group_wave(nothing, context);
	else
		group_barrier();
}

Test(units, waiting_for_ever_is_noticed)
{
	cr_expect_not(group_run(half_wait, NULL, 64, 32, GROUP_FIRST));
	cr_expect_not(group_run(lanes_differ, NULL, 64, 32, GROUP_LAST));
}
