/* SPDX-License-Identifier: Apache-2.0
 *
 * matmul-i8/1 (SPEC 5.1): C = A * B^T over signed bytes, exact in 32 bits. Operands in the panel layout of chacha20.cl;
 * C is stored tile after tile, each 16 x 16 entries row by row: the bytes of a Merkle leaf. */

#define MATMUL_VECTORS (16 / LANES)                         /* vectors across a tile */
#define MATMUL_ROWS (LANES == 16 ? 16 : LANES == 4 ? 2 : 4) /* rows held in registers at a time */
#define MATMUL_SUMS (MATMUL_ROWS * MATMUL_VECTORS)

/* Item t: tile first + t of C. `tiles` is the tiles of a band (n / 16), `quads` = k / 4. Items: count. */
KERNEL(matmul_i8, GLOBAL const u32 *a, GLOBAL const u32 *b, GLOBAL u32 *c, u32 first, u32 count, u32 tiles, u32 quads)
{
	u32 tile = first + ITEM;
	if (ITEM >= count)
		return;
	a += (u64)(tile / tiles) * quads * 16;
	b += (u64)(tile % tiles) * quads * 16;
	c += (u64)tile * 256;

	for (u32 row = 0; row < 16; row += MATMUL_ROWS) {
		u32v sum[MATMUL_SUMS], y[MATMUL_VECTORS], excess = splat(0);
		u32 correction[16] = {0};
		UNROLL
		for (u32 s = 0; s < MATMUL_SUMS; s++)
			sum[s] = splat(0);

		for (u32 q = 0; q < quads; q++) {
			GLOBAL const u32 *x = a + (u64)q * 16 + row;
			lanes_load_16(y, b + (u64)q * 16);
			UNROLL
			for (u32 s = 0; s < MATMUL_SUMS; s++)
				sum[s] = dot4(sum[s], x[s / MATMUL_VECTORS], y[s % MATMUL_VECTORS]);
			excess = dot4_excess(excess, lanes_load(x));
		}

		lanes_store(correction, excess);
		UNROLL
		for (u32 s = 0; s < MATMUL_SUMS; s++)
			lanes_store(c + row * 16 + s * LANES, sum[s] - correction[s / MATMUL_VECTORS]);
	}
}
