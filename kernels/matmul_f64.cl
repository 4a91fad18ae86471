/* SPDX-License-Identifier: Apache-2.0
 *
 * matmul-f64/1 (SPEC 5.5): C = A * B^T, each entry a chain of fused multiply-adds over ascending k. Operands as
 * chacha20_rows_f64 makes them; C is stored tile after tile, each 8 x 8 entries row by row: the bytes of a Merkle leaf.
 */

#define F64_VECTORS (16 / LANES64)                           /* across a block */
#define F64_SUMS (LANES64 == 8 ? 16 : LANES64 == 1 ? 32 : 8) /* vectors held in registers at a time */
#define F64_PART (LANES == 1 ? ~0u : 128u) /* of k, whose operands stay in the first cache while all rows are done */

/* Steps from .. end - 1 of k for `wide` blocks side by side, onto what c holds unless `from` is 0. */
FUNCTION void matmul_f64_steps(GLOBAL const u64 *a, GLOBAL const u64 *b, GLOBAL u64 *c, u32 k, u32 columns, u32 from,
                               u32 end, const u32 wide)
{
	const u32 vectors = wide * F64_VECTORS, rows = F64_SUMS / vectors, below = columns * 128;

	for (u32 row = 0; row < 16; row += rows) {
		f64v sum[F64_SUMS], y[2 * F64_VECTORS];

		UNROLL
		for (u32 s = 0; s < F64_SUMS; s++)
			sum[s] = f64_splat(0);
		if (from > 0) {
			UNROLL
			for (u32 s = 0; s < F64_SUMS; s++)
				sum[s] = f64_load(c + FLOATS_ENTRY(row + s / vectors, s % vectors * LANES64, below));
		}

		for (u32 l = from; l < end; l++) {
			GLOBAL const u64 *x = a + (u64)l * 16 + row;
			UNROLL
			for (u32 v = 0; v < vectors; v++)
				y[v] = f64_load(b + ((u64)(v / F64_VECTORS) * k + l) * 16 + v % F64_VECTORS * LANES64);
			UNROLL
			for (u32 s = 0; s < F64_SUMS; s++)
				sum[s] = fma_f64(f64_splat(x[s / vectors]), y[s % vectors], sum[s]);
		}

		UNROLL
		for (u32 s = 0; s < F64_SUMS; s++)
			f64_store(c + FLOATS_ENTRY(row + s / vectors, s % vectors * LANES64, below), sum[s]);
	}
}

/* Steps from .. end - 1 for the block of item `item` and, when wide is 2, for that of the next. */
FUNCTION void matmul_f64_part(u32 item, GLOBAL const u64 *a, GLOBAL const u64 *b, GLOBAL u64 *c, u32 first, u32 count,
                              u32 columns, u32 k, u32 from, u32 end, const u32 wide)
{
	const u32 height = FLOATS_HEIGHT(count / columns), width = FLOATS_WIDTH(columns);
	const u32 row = first / columns + FLOATS_ROW(item, height, width, columns);
	const u32 column = FLOATS_COLUMN(item, height, width, columns);

	matmul_f64_steps(a + (u64)row * k * 16, b + (u64)column * k * 16, c + ((u64)row * columns * 2 + column) * 128,
	                 k, columns, from, end, wide);
}

/* Blocks first .. first + count - 1 of C, whole rows of `columns` (n / 16) blocks. Items: count. */
KERNEL(matmul_f64, GLOBAL const u64 *a, GLOBAL const u64 *b, GLOBAL u64 *c, u32 first, u32 count, u32 columns, u32 k)
{
	if (ITEM >= count)
		return;
	for (u32 from = 0, end; from < k; from = end) {
		end = k - from < F64_PART ? k : from + F64_PART;
		matmul_f64_part(ITEM, a, b, c, first, count, columns, k, from, end, 1);
	}
}
