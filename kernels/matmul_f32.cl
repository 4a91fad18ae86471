/* SPDX-License-Identifier: Apache-2.0
 *
 * matmul-f32/1 (SPEC 5.4): C = A * B^T, each entry a chain of fused multiply-adds over ascending k. Operands as
 * chacha20_rows_f32 makes them; C is stored tile after tile, each 8 x 8 entries row by row: the bytes of a Merkle leaf.
 */

/* Which block of 16 x 16 entries an item makes. With vectors, up to four rows of blocks go together, and of these two
 * columns: items that follow one another read the same operands, and an even item and the next make blocks side by
 * side. */
#define FLOATS_HEIGHT(rows) (LANES == 1 ? 1u : (rows) % 4 == 0 ? 4u : (rows) % 2 == 0 ? 2u : 1u)
#define FLOATS_WIDTH(columns) (LANES == 1 || (columns) % 2 ? 1u : 2u)
#define FLOATS_ROW(item, height, width, columns) \
	((item) / ((height) * (columns)) * (height) + (item) / (width) % (height))
#define FLOATS_COLUMN(item, height, width, columns) \
	((item) % ((height) * (columns)) / ((height) * (width)) * (width) + (item) % (width))

/* Word of entry (row, column) counted from the block whose first tile is at `c`; tiles of the next eight rows are
 * `below` further. */
#define FLOATS_ENTRY(row, column, below) \
	((u64)((row) / 8) * (below) + ((column) / 8 * 64 + (row) % 8 * 8 + (column) % 8))

#define F32_VECTORS (16 / LANES)                          /* across a block */
#define F32_SUMS (LANES == 16 ? 16 : LANES == 1 ? 64 : 8) /* vectors held in registers at a time */
#define F32_PART (LANES == 1 ? ~0u : 256u) /* of k, whose operands stay in the first cache while all rows are done */

/* Steps from .. end - 1 of k for `wide` blocks side by side, onto what c holds unless `from` is 0. */
FUNCTION void matmul_f32_steps(GLOBAL const u32 *a, GLOBAL const u32 *b, GLOBAL u32 *c, u32 k, u32 columns, u32 from,
                               u32 end, const u32 wide)
{
	const u32 vectors = wide * F32_VECTORS, rows = F32_SUMS / vectors, below = columns * 128;

	for (u32 row = 0; row < 16; row += rows) {
		f32v sum[F32_SUMS], y[2 * F32_VECTORS];

		UNROLL
		for (u32 s = 0; s < F32_SUMS; s++)
			sum[s] = f32_splat(0);
		if (from > 0) {
			UNROLL
			for (u32 s = 0; s < F32_SUMS; s++)
				sum[s] =
				    f32_load_8(c + FLOATS_ENTRY(row + s / vectors, s % vectors * LANES, below), 64);
		}

		for (u32 l = from; l < end; l++) {
			GLOBAL const u32 *x = a + (u64)l * 16 + row;
			UNROLL
			for (u32 v = 0; v < vectors; v++)
				y[v] = f32_load(b + ((u64)(v / F32_VECTORS) * k + l) * 16 + v % F32_VECTORS * LANES);
			UNROLL
			for (u32 s = 0; s < F32_SUMS; s++)
				sum[s] = fma_f32(f32_splat(x[s / vectors]), y[s % vectors], sum[s]);
		}

		UNROLL
		for (u32 s = 0; s < F32_SUMS; s++)
			f32_store_8(c + FLOATS_ENTRY(row + s / vectors, s % vectors * LANES, below), 64, sum[s]);
	}
}

/* Steps from .. end - 1 for the block of item `item` and, when wide is 2, for that of the next. */
FUNCTION void matmul_f32_part(u32 item, GLOBAL const u32 *a, GLOBAL const u32 *b, GLOBAL u32 *c, u32 first, u32 count,
                              u32 columns, u32 k, u32 from, u32 end, const u32 wide)
{
	const u32 height = FLOATS_HEIGHT(count / columns), width = FLOATS_WIDTH(columns);
	const u32 row = first / columns + FLOATS_ROW(item, height, width, columns);
	const u32 column = FLOATS_COLUMN(item, height, width, columns);

	matmul_f32_steps(a + (u64)row * k * 16, b + (u64)column * k * 16, c + ((u64)row * columns * 2 + column) * 128,
	                 k, columns, from, end, wide);
}

/* Blocks first .. first + count - 1 of C, whole rows of `columns` (n / 16) blocks. Items: count. */
KERNEL(matmul_f32, GLOBAL const u32 *a, GLOBAL const u32 *b, GLOBAL u32 *c, u32 first, u32 count, u32 columns, u32 k)
{
	if (ITEM >= count)
		return;
	for (u32 from = 0, end; from < k; from = end) {
		end = k - from < F32_PART ? k : from + F32_PART;
		matmul_f32_part(ITEM, a, b, c, first, count, columns, k, from, end, 1);
	}
}
