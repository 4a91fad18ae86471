/* SPDX-License-Identifier: Apache-2.0
 *
 * The inner loops of the recheck, compiled once per level of instruction set and chosen at run time. All levels
 * give the same bits; tests run each level that the machine has. */
#ifndef VERIFY_ARITH_H
#define VERIFY_ARITH_H

#include <stdint.h>

enum {
	ASSAY_ARITH_CHUNK = 1024, /* k of one call of tile_i8 */
	ASSAY_ARITH_FLOATS = 256, /* k of one call of tile_f32 or tile_f64 */
	ASSAY_ARITH_STATE = 32,   /* words of a walker of memory/1, and of an item */
	ASSAY_ARITH_READS = 64,   /* of a walker */
};

struct assay_arith {
	const char *name;

	/* sum[i][j] += sum over l < len of a[i][l] * b[j][l]; len <= ASSAY_ARITH_CHUNK, a multiple of 64. The caller
	 * keeps the sums below 2^31. */
	void (*tile_i8)(int32_t sum[16][16], const int8_t a[16][ASSAY_ARITH_CHUNK],
	                const int8_t b[16][ASSAY_ARITH_CHUNK], uint32_t len);

	/* The same for 16-bit elements, of at most nine bits. */
	void (*tile_i16)(int32_t sum[16][16], const int16_t a[16][ASSAY_ARITH_CHUNK],
	                 const int16_t b[16][ASSAY_ARITH_CHUNK], uint32_t len);
	/* sum[i][j] = a[i][l] * b[j][l] + sum[i][j] with one rounding, for l = 0 ... len - 1 in this order; len <=
	 * ASSAY_ARITH_FLOATS. Rows of a and b are bytes of the key stream. */
	void (*tile_f32)(float sum[8][8], const uint8_t a[8][4 * ASSAY_ARITH_FLOATS],
	                 const uint8_t b[8][4 * ASSAY_ARITH_FLOATS], uint32_t len);
	void (*tile_f64)(double sum[8][8], const uint8_t a[8][8 * ASSAY_ARITH_FLOATS],
	                 const uint8_t b[8][8 * ASSAY_ARITH_FLOATS], uint32_t len);

	/* fold ^= SHA-256(LE64(i) || seed) for first <= i < first + count, as the 32 bytes of the digests. */
	void (*sha256_fold)(uint8_t fold[32], const uint8_t seed[32], uint64_t first, uint32_t count);

	/* Takes `count` walkers from their first states to their last ones, in the table with this key. */
	void (*walk)(uint32_t (*states)[ASSAY_ARITH_STATE], uint32_t count, const uint32_t table[ASSAY_ARITH_STATE],
	             uint32_t items, uint32_t double_rounds);
};

/* Levels that this processor can run, best first, ended by NULL. */
const struct assay_arith *const *assay_arith_levels(void);

/* The best level. */
const struct assay_arith *assay_arith(void);

#endif
