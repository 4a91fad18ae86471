/* SPDX-License-Identifier: Apache-2.0
 *
 * matmul-i9/1 (SPEC 5.3): C = A * B^T over integers of nine bits, exact in 32 bits. Operands in the panel layout of
 * chacha20.cl, two elements a word; C is stored tile after tile, as in matmul_i8.cl. */

/* Nine low bits of each half, signed, in one of two forms: integers of 16 bits, or f16. */
#define I9_FORM_F16 1

FUNCTION u32v i9_half(u32v bits, u32 form)
{
	const u32v negative = (bits >> 8) & 1u, magnitude = (bits ^ (splat(0) - negative)) + negative;
	const u32v size = magnitude & 0x1ffu; /* 0 ... 256 */
	u32v mantissa = size, exponent = splat(8), normal;

	if (form != I9_FORM_F16)
		return ((bits & 0x1ffu) ^ 0x100u) - 0x100u;
	/* The leading bit to position 8, in four steps: a step is taken where the upper bits are clear. */
	UNROLL
	for (u32 step = 8; step > 0; step /= 2) {
		const u32v clear = (((mantissa >> (9 - step)) + 0x1ffu) >> 9) ^ 1u; /* 1 where they are */
		mantissa <<= clear * step;
		exponent -= clear * step;
	}
	normal = splat(0) - ((mantissa >> 8) & 1u); /* all ones, or none for zero */
	return (negative << 15) | ((((exponent + 15u) << 10) | ((mantissa & 0xffu) << 2)) & normal);
}

/* chacha20_rows with every half word in that form. Items: as there. */
KERNEL(chacha20_rows_i9, GLOBAL const u32 *key, GLOBAL u32 *out, u32 first_row, u32 blocks, u32 form)
{
	const u32 row = CHACHA20_ROW(blocks), first = CHACHA20_FIRST(blocks);
	const u32 end = first + 16 < blocks ? first + 16 : blocks;

	for (u32 block = first; block < end; block++) {
		u32v x[16];
		chacha20_block(x, key, (lanes_index() + first_row + row) * blocks + block);
		GLOBAL u32 *words = out + (((u64)(row / 16) * blocks + block) * 16 * 16 + row % 16);
		UNROLL
		for (u32 i = 0; i < 16; i++)
			lanes_store(words + i * 16,
			            (i9_half(x[i], form) & 0xffffu) | (i9_half(x[i] >> 16, form) << 16));
	}
}

/* Item t: tile first + t of C. `tiles` is the tiles of a band (n / 16), `pairs` = k / 2. Items: count. */
KERNEL(matmul_i9, GLOBAL const u32 *a, GLOBAL const u32 *b, GLOBAL u32 *c, u32 first, u32 count, u32 tiles, u32 pairs)
{
	u32 tile = first + ITEM;
	if (ITEM >= count)
		return;
	a += (u64)(tile / tiles) * pairs * 16;
	b += (u64)(tile % tiles) * pairs * 16;
	c += (u64)tile * 256;

	for (u32 row = 0; row < 16; row += MATMUL_ROWS) {
		u32v sum[MATMUL_SUMS], y[MATMUL_VECTORS];
		UNROLL
		for (u32 s = 0; s < MATMUL_SUMS; s++)
			sum[s] = splat(0);

		for (u32 p = 0; p < pairs; p++) {
			GLOBAL const u32 *x = a + (u64)p * 16 + row;
			lanes_load_16(y, b + (u64)p * 16);
			UNROLL
			for (u32 s = 0; s < MATMUL_SUMS; s++)
				sum[s] = dot2(sum[s], x[s / MATMUL_VECTORS], y[s % MATMUL_VECTORS]);
		}

		UNROLL
		for (u32 s = 0; s < MATMUL_SUMS; s++)
			lanes_store(c + row * 16 + s * LANES, sum[s]);
	}
}
