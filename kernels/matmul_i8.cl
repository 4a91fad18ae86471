/* SPDX-License-Identifier: Apache-2.0
 *
 * matmul-i8/1 (SPEC 5.1): C = A * B^T over signed bytes, exact in 32 bits. Operands in the panel layout of chacha20.cl;
 * C is stored tile after tile, each 16 x 16 entries row by row: the bytes of a Merkle leaf. */

#define MATMUL_VECTORS (16 / LANES)                         /* vectors across a tile */
#define MATMUL_ROWS (LANES == 16 ? 16 : LANES == 4 ? 2 : 4) /* rows held in registers at a time */

/* Item t: tile t of C. `tiles` is the tiles of a band (n / 16), `quads` = k / 4. Items: m / 16 * tiles. */
KERNEL(matmul_i8, GLOBAL const u32 *a, GLOBAL const u32 *b, GLOBAL u32 *c, u32 tiles, u32 quads)
{
	a += (u64)(ITEM / tiles) * quads * 16;
	b += (u64)(ITEM % tiles) * quads * 16;
	c += (u64)ITEM * 256;

	for (u32 row = 0; row < 16; row += MATMUL_ROWS) {
		u32v sum[MATMUL_ROWS][MATMUL_VECTORS];
		u32v excess = splat(0);
		for (u32 i = 0; i < MATMUL_ROWS; i++)
			for (u32 v = 0; v < MATMUL_VECTORS; v++)
				sum[i][v] = splat(0);

		for (u32 q = 0; q < quads; q++) {
			GLOBAL const u32 *x = a + (u64)q * 16 + row;
			u32v y[MATMUL_VECTORS];
			for (u32 v = 0; v < MATMUL_VECTORS; v++)
				y[v] = lanes_load(b + (u64)q * 16 + v * LANES);
			for (u32 i = 0; i < MATMUL_ROWS; i++)
				for (u32 v = 0; v < MATMUL_VECTORS; v++)
					sum[i][v] = dot4(sum[i][v], x[i], y[v]);
			excess = dot4_excess(excess, lanes_load(x));
		}

		u32 correction[16] = {0};
		lanes_store(correction, excess);
		for (u32 i = 0; i < MATMUL_ROWS; i++)
			for (u32 v = 0; v < MATMUL_VECTORS; v++)
				lanes_store(c + (row + i) * 16 + v * LANES, sum[i][v] - correction[i]);
	}
}
