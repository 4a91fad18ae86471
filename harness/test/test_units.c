/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels with matrix units, for every kind of unit, against the verifier's arithmetic: their real source on groups
 * of coroutines (group.h), with instructions written from the vendors' manuals (units.c). */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "harness/test/group.h"
#include "harness/test/halves.h"
#include "harness/test/support.h"
#include "verify/chain.h"
#include "verify/work.h"

TestSuite(units, .timeout = 300);

static const struct units *const kinds[] = {&units_mma_k16,  &units_mma_k32, &units_mfma_k16,
                                            &units_mfma_k32, &units_wmma_11, &units_wmma_12};

enum { FILLER = 0xa5, MARGIN = 64 };
static const uint8_t seed[32] = {3, 1, 4, 1, 5};

/* Element l of row r of a panel of two elements a word. */
static size_t place(uint64_t row, uint64_t l, uint64_t k)
{
	return ((row / 16 * (k / 2) + l / 2) * 16 + row % 16) * 2 + l % 2;
}

/* An operand in the panel layout of chacha20.cl and the form that the kernel wants, from libsodium. */
static uint32_t *operand(const struct assay_work *work, const char *which, uint64_t rows, uint64_t k)
{
	static const uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES];
	const uint64_t len = work == &assay_work_matmul_i9 ? 2 * k : k;
	const struct assay_part part = {seed, 32};
	uint8_t key[32], *stream = calloc(rows, len);
	uint32_t *panels = aligned_alloc(16, rows * len);
	char label[64];

	snprintf(label, sizeof label, "assay/1 %s %s\n", work->name, which);
	assay_hash(key, label, &part, 1);
	crypto_stream_chacha20_ietf_xor_ic(stream, stream, rows * len, nonce, 0, key);
	for (uint64_t row = 0; row < rows; row++)
		for (uint64_t word = 0; word < len / 4; word++)
			memcpy(panels + (row / 16 * (len / 4) + word) * 16 + row % 16, stream + row * len + word * 4,
			       4);
	for (uint64_t i = 0; len > k && i < rows * k; i++) {
		uint16_t *half = (uint16_t *)panels + i;
		*half = half_bits((*half & 0xff) - (*half & 0x100));
	}
	free(stream);
	return panels;
}

/* A kernel of a kind, and which product it is. */
static const struct units_kernel *kernel_of(const struct units *units, const struct assay_work *work)
{
	return work == &assay_work_matmul_i9 ? &units->i9 : &units->i8;
}

/* Tile rows first ... first + rows - 1 of a k, m, n product: how many tiles are wrong, those that must not be written
 * included. */
static uint64_t wrong_tiles(const struct units *units, const struct assay_work *work, const struct assay_params *params,
                            uint32_t first, uint32_t rows, enum group_order order)
{
	const struct units_kernel *kernel = kernel_of(units, work);
	const uint64_t k = params->value[0], m = params->value[1], n = params->value[2];
	const uint32_t tiles = (uint32_t)(n / 16), from = first * tiles, count = rows * tiles;
	const uint32_t words = (uint32_t)(work == &assay_work_matmul_i9 ? k / 2 : k / 4);
	uint32_t *a = operand(work, "A", m, k), *b = operand(work, "B", n, k);
	uint8_t *c = aligned_alloc(16, m * n * 4 + MARGIN), leaf[ASSAY_LEAF_BYTES_MAX], filler[1024];
	const void *const arguments[] = {&a, &b, &c, &from, &count, &tiles, &words};
	const uint32_t groups =
	    (rows + kernel->shape[1] - 1) / kernel->shape[1] * ((tiles + kernel->shape[2] - 1) / kernel->shape[2]);
	uint64_t wrong = 0;

	memset(c, FILLER, m * n * 4 + MARGIN);
	memset(filler, FILLER, sizeof filler);
	cr_assert(kernel->run(arguments, groups, order), "%s: items wait for ever", units->kind);
	for (uint64_t tile = 0; tile < m * n / 256; tile++) {
		bool wanted = tile >= from && tile < from + count;
		if (wanted)
			work->leaf(leaf, params, seed, tile);
		wrong += memcmp(c + tile * 1024, wanted ? leaf : filler, 1024) != 0;
	}
	cr_assert_arr_eq(c + m * n * 4, filler, MARGIN, "%s writes past the end", units->kind);
	free(a);
	free(b);
	free(c);
	return wrong;
}

static void right_for(const struct assay_work *work, uint64_t k, uint64_t m, uint64_t n, uint32_t first, uint32_t rows)
{
	const struct assay_params params = {{k, m, n}};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		for (int order = GROUP_FIRST; order <= GROUP_LAST; order++)
			cr_expect_eq(wrong_tiles(kinds[i], work, &params, first, rows, (enum group_order)order), 0,
			             "%s: %s k %d m %d n %d", kinds[i]->kind, work->name, (int)k, (int)m, (int)n);
}

static void right(uint64_t k, uint64_t m, uint64_t n, uint32_t first, uint32_t rows)
{
	right_for(&assay_work_matmul_i8, k, m, n, first, rows);
	right_for(&assay_work_matmul_i9, k, m, n, first, rows);
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
	static const struct assay_params params = {{320, 128, 256}};
	const struct assay_work *const works[] = {&assay_work_matmul_i8, &assay_work_matmul_i9};

	for (size_t i = 0; i < 2; i++)
		for (int order = GROUP_FIRST; order <= GROUP_LAST; order++)
			cr_expect_gt(wrong_tiles(&units_no_barrier, works[i], &params, 0, 8, (enum group_order)order),
			             0);
}

/* ---- Sums of floats ---- */

/* More than the 4096 products of one sum, cut as matrix units do. */
Test(units, sums_that_are_cut_are_exact)
{
	static const struct assay_params params = {{4160, 32, 16}};

	halves_order = HALVES_CUT;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		cr_expect_eq(wrong_tiles(kinds[i], &assay_work_matmul_i9, &params, 1, 1, GROUP_LAST), 0, "%s",
		             kinds[i]->kind);
}

/* Entry (0, 0) of one tile, all of whose rows of A are x and of B are y. */
static int32_t entry(const struct units *units, const int *x, const int *y, uint32_t k)
{
	const uint32_t first = 0, count = 1, tiles = 1, pairs = k / 2;
	uint16_t *a = aligned_alloc(16, (size_t)32 * k), *b = aligned_alloc(16, (size_t)32 * k);
	int32_t *c = aligned_alloc(16, 1024), result;
	const void *const arguments[] = {&a, &b, &c, &first, &count, &tiles, &pairs};

	for (uint32_t row = 0; row < 16; row++)
		for (uint32_t l = 0; l < k; l++) {
			a[place(row, l, k)] = half_bits(x[l]);
			b[place(row, l, k)] = half_bits(y[l]);
		}
	cr_assert(units->i9.run(arguments, 1, GROUP_FIRST));
	for (uint32_t i = 1; i < 256; i++)
		cr_expect_eq(c[i], c[0], "%s: entry %u", units->kind, i);
	result = c[0];
	free(a);
	free(b);
	free(c);
	return result;
}

/* As at the rails (harness/rails.c): sums of 4096 products that come near to 2^24, of odd numbers. Sums of floats over
 * 8192 products, of which the last bits are lost, show there, and do not with the operands that a seed gives. */
Test(units, sums_added_too_late_show_at_the_rails_alone)
{
	support_long();
	enum { K = 8256 };
	static const struct assay_params params = {{K, 16, 16}};
	static int x[K], y[K];
	int32_t exact = 0;

	for (uint32_t l = 0; l < K; l++) {
		x[l] = 60 + (int)(l * 2654435761u >> 30);
		y[l] = 63 - (int)(l * 2246822519u >> 30);
		exact += x[l] * y[l];
	}
	cr_expect_eq(entry(&units_mma_k32, x, y, K), exact);
	cr_expect_neq(entry(&units_too_late, x, y, K), exact);
	halves_order = HALVES_CUT;
	cr_expect_eq(entry(&units_mma_k32, x, y, K), exact);
	cr_expect_neq(entry(&units_too_late, x, y, K), exact);
	cr_expect_eq(wrong_tiles(&units_too_late, &assay_work_matmul_i9, &params, 0, 1, GROUP_FIRST), 0);
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
