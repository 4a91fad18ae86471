/* SPDX-License-Identifier: Apache-2.0
 *
 * verify/arith.c: every level that this processor runs against one product and one hash at a time. SPEC 5.1 to 5.3. */
#include <string.h>

#include <criterion/criterion.h>
#include <sodium.h>

#include "verify/arith.h"
#include "verify/bytes.h"
#include "verify/test/support.h"

typedef int8_t rows[16][ASSAY_ARITH_CHUNK];

/* One byte at `row`, `column` of an operand. */
typedef int8_t fill_byte(uint64_t *state, uint32_t row, uint32_t column);

static int8_t lowest(uint64_t *state, uint32_t row, uint32_t column)
{
	(void)state, (void)row, (void)column;
	return -128;
}

static int8_t highest(uint64_t *state, uint32_t row, uint32_t column)
{
	(void)state, (void)row, (void)column;
	return 127;
}

static int8_t rails(uint64_t *state, uint32_t row, uint32_t column)
{
	(void)state;
	return (row + column) % 2 ? 127 : -128;
}

static int8_t anything(uint64_t *state, uint32_t row, uint32_t column)
{
	(void)row, (void)column;
	return (int8_t)test_random(state);
}

static fill_byte *const fillers[] = {lowest, highest, rails, anything};
enum { FILLERS = sizeof fillers / sizeof *fillers };

static void fill(rows x, fill_byte *byte, uint64_t *state)
{
	for (uint32_t i = 0; i < 16; i++)
		for (uint32_t l = 0; l < ASSAY_ARITH_CHUNK; l++)
			x[i][l] = byte(state, i, l);
}

static void naive(int32_t sum[16][16], const int8_t (*a)[ASSAY_ARITH_CHUNK], const int8_t (*b)[ASSAY_ARITH_CHUNK],
                  uint32_t len)
{
	for (uint32_t i = 0; i < 16; i++)
		for (uint32_t j = 0; j < 16; j++)
			for (uint32_t l = 0; l < len; l++)
				sum[i][j] += a[i][l] * b[j][l];
}

Test(arith, the_best_level_comes_first_and_the_baseline_is_always_there)
{
	const struct assay_arith *const *levels = assay_arith_levels();
	size_t count = 0;

	cr_assert_eq(levels[0], assay_arith());
	while (levels[count])
		count++;
	cr_assert_str_eq(levels[count - 1]->name, "baseline");
}

/* Every length, onto sums that are not zero, with what lies behind the length never looked at. */
Test(arith, tiles_of_every_length)
{
	/* One byte off whatever alignment the compiler would give. */
	static int8_t space_a[sizeof(rows) + 1], space_b[sizeof(rows) + 1];
	int8_t(*a)[ASSAY_ARITH_CHUNK] = (int8_t(*)[ASSAY_ARITH_CHUNK])(space_a + 1);
	int8_t(*b)[ASSAY_ARITH_CHUNK] = (int8_t(*)[ASSAY_ARITH_CHUNK])(space_b + 1);
	uint64_t state = 1;

	for (unsigned f = 0; f < FILLERS * FILLERS; f++) {
		fill(a, fillers[f / FILLERS], &state);
		fill(b, fillers[f % FILLERS], &state);
		for (uint32_t len = 64; len <= ASSAY_ARITH_CHUNK; len += 64) {
			int32_t start[16][16], expected[16][16], sum[16][16];
			for (uint32_t i = 0; i < 256; i++)
				start[i / 16][i % 16] = (int32_t)(test_random(&state) >> 34) - (1 << 29);
			memcpy(expected, start, sizeof start);
			naive(expected, (const int8_t(*)[ASSAY_ARITH_CHUNK])a, (const int8_t(*)[ASSAY_ARITH_CHUNK])b,
			      len);
			for (const struct assay_arith *const *level = assay_arith_levels(); *level; level++) {
				memcpy(sum, start, sizeof start);
				(*level)->tile_i8(sum, (const int8_t(*)[ASSAY_ARITH_CHUNK])a,
				                  (const int8_t(*)[ASSAY_ARITH_CHUNK])b, len);
				cr_assert(memcmp(sum, expected, sizeof sum) == 0, "%s, length %u, operands %u",
				          (*level)->name, len, f);
			}
		}
	}
}

/* The largest and the smallest sum that the caps allow: k = 131,008. */
Test(arith, sums_at_the_rails)
{
	static rows low, high;
	uint64_t state = 0;

	fill(low, lowest, &state);
	fill(high, highest, &state);
	for (const struct assay_arith *const *level = assay_arith_levels(); *level; level++) {
		int32_t most[16][16] = {{0}}, least[16][16] = {{0}};
		for (uint32_t done = 0; done < 131008; done += ASSAY_ARITH_CHUNK) {
			uint32_t len = 131008 - done < ASSAY_ARITH_CHUNK ? 131008 - done : ASSAY_ARITH_CHUNK;
			(*level)->tile_i8(most, (const int8_t(*)[ASSAY_ARITH_CHUNK])low,
			                  (const int8_t(*)[ASSAY_ARITH_CHUNK])low, len);
			(*level)->tile_i8(least, (const int8_t(*)[ASSAY_ARITH_CHUNK])high,
			                  (const int8_t(*)[ASSAY_ARITH_CHUNK])low, len);
		}
		for (uint32_t i = 0; i < 256; i++) {
			cr_assert_eq(most[i / 16][i % 16], 131008 * 16384, "%s", (*level)->name);
			cr_assert_eq(least[i / 16][i % 16], -131008 * 16256, "%s", (*level)->name);
		}
	}
}

/* ---- The same for elements of nine bits ---- */

typedef int16_t rows_i16[16][ASSAY_ARITH_CHUNK];

/* Filler f at `row`, `column`: the lowest, the highest, both by turns, anything. */
static int16_t nine_bits(unsigned f, uint64_t *state, uint32_t row, uint32_t column)
{
	const int16_t rail = f == 0 || (f == 2 && (row + column) % 2) ? -256 : 255;

	return f < 3 ? rail : (int16_t)((int)(test_random(state) % 512) - 256);
}

static void fill_i16(rows_i16 x, unsigned f, uint64_t *state)
{
	for (uint32_t i = 0; i < 16; i++)
		for (uint32_t l = 0; l < ASSAY_ARITH_CHUNK; l++)
			x[i][l] = nine_bits(f, state, i, l);
}

Test(arith, tiles_of_nine_bits_of_every_length)
{
	/* One element off whatever alignment the compiler would give. */
	static int16_t space_a[16 * ASSAY_ARITH_CHUNK + 1], space_b[16 * ASSAY_ARITH_CHUNK + 1];
	int16_t(*a)[ASSAY_ARITH_CHUNK] = (int16_t(*)[ASSAY_ARITH_CHUNK])(space_a + 1);
	int16_t(*b)[ASSAY_ARITH_CHUNK] = (int16_t(*)[ASSAY_ARITH_CHUNK])(space_b + 1);
	uint64_t state = 3;

	for (unsigned f = 0; f < FILLERS * FILLERS; f++) {
		fill_i16(a, f / FILLERS, &state);
		fill_i16(b, f % FILLERS, &state);
		for (uint32_t len = 64; len <= ASSAY_ARITH_CHUNK; len += 64) {
			int32_t start[16][16], expected[16][16], sum[16][16];
			for (uint32_t i = 0; i < 256; i++)
				start[i / 16][i % 16] = (int32_t)(test_random(&state) >> 34) - (1 << 29);
			memcpy(expected, start, sizeof start);
			for (uint32_t i = 0; i < 256; i++)
				for (uint32_t l = 0; l < len; l++)
					expected[i / 16][i % 16] += a[i / 16][l] * b[i % 16][l];
			for (const struct assay_arith *const *level = assay_arith_levels(); *level; level++) {
				memcpy(sum, start, sizeof start);
				(*level)->tile_i16(sum, (const int16_t(*)[ASSAY_ARITH_CHUNK])a,
				                   (const int16_t(*)[ASSAY_ARITH_CHUNK])b, len);
				cr_assert(memcmp(sum, expected, sizeof sum) == 0, "%s, length %u, operands %u",
				          (*level)->name, len, f);
			}
		}
	}
}

/* The largest and the smallest sum that the caps allow: k = 32,704. */
Test(arith, sums_of_nine_bits_at_the_rails)
{
	static rows_i16 low, high;
	uint64_t state = 0;

	fill_i16(low, 0, &state);
	fill_i16(high, 1, &state);
	for (const struct assay_arith *const *level = assay_arith_levels(); *level; level++) {
		int32_t most[16][16] = {{0}}, least[16][16] = {{0}};
		for (uint32_t done = 0; done < 32704; done += ASSAY_ARITH_CHUNK) {
			uint32_t len = 32704 - done < ASSAY_ARITH_CHUNK ? 32704 - done : ASSAY_ARITH_CHUNK;
			(*level)->tile_i16(most, (const int16_t(*)[ASSAY_ARITH_CHUNK])low,
			                   (const int16_t(*)[ASSAY_ARITH_CHUNK])low, len);
			(*level)->tile_i16(least, (const int16_t(*)[ASSAY_ARITH_CHUNK])high,
			                   (const int16_t(*)[ASSAY_ARITH_CHUNK])low, len);
		}
		for (uint32_t i = 0; i < 256; i++) {
			cr_assert_eq(most[i / 16][i % 16], 32704 * 65536, "%s", (*level)->name);
			cr_assert_eq(least[i / 16][i % 16], -32704 * 65280, "%s", (*level)->name);
		}
	}
}

static void fold_one(uint8_t fold[32], const uint8_t seed[32], uint64_t i)
{
	uint8_t message[40], digest[32];

	assay_le64_write(message, i);
	memcpy(message + 8, seed, 32);
	crypto_hash_sha256(digest, message, sizeof message);
	for (int byte = 0; byte < 32; byte++)
		fold[byte] ^= digest[byte];
}

/* Every count around the widths of the registers, across the ends of both halves of the counter. */
Test(arith, folds_of_every_count)
{
	static const uint64_t firsts[] = {0,
	                                  1,
	                                  4095,
	                                  (UINT64_C(1) << 31) - 3,
	                                  (UINT64_C(1) << 32) - 1,
	                                  (UINT64_C(1) << 32) - 17,
	                                  (UINT64_C(1) << 40) - 5,
	                                  (UINT64_C(1) << 46) - 64,
	                                  UINT64_MAX - 80};
	uint64_t state = 2;

	for (size_t f = 0; f < sizeof firsts / sizeof *firsts; f++) {
		uint8_t seed[32], start[32], expected[32], fold[32];
		for (int i = 0; i < 32; i++) {
			seed[i] = (uint8_t)test_random(&state);
			start[i] = (uint8_t)test_random(&state);
		}
		memcpy(expected, start, 32);
		for (uint32_t count = 0; count <= 70; count++) {
			for (const struct assay_arith *const *level = assay_arith_levels(); *level; level++) {
				memcpy(fold, start, 32);
				(*level)->sha256_fold(fold, seed, firsts[f], count);
				cr_assert_arr_eq(fold, expected, 32, "%s, %u from %llu", (*level)->name, count,
				                 (unsigned long long)firsts[f]);
			}
			fold_one(expected, seed, firsts[f] + count);
		}
	}
}

Test(arith, levels_agree_on_the_longest_fold)
{
	static const uint8_t seed[32] = {0xff, 0x80, 0x7f};
	uint8_t expected[32] = {0};

	for (uint32_t i = 0; i < 16384; i++)
		fold_one(expected, seed, (UINT64_C(1) << 32) - 9000 + i);
	for (const struct assay_arith *const *level = assay_arith_levels(); *level; level++) {
		uint8_t fold[32] = {0};
		(*level)->sha256_fold(fold, seed, (UINT64_C(1) << 32) - 9000, 16384);
		cr_expect_arr_eq(fold, expected, 32, "%s", (*level)->name);
	}
}
