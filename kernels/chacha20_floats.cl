/* SPDX-License-Identifier: Apache-2.0
 *
 * Pseudo-random operands on the grids of matmul-f32/1 and matmul-f64/1 (SPEC 5.4, 5.5), from the key stream of
 * chacha20.cl, in panels of sixteen rows: element l of row r is at (r / 16 * elements + l) * 16 + r % 16. Arguments and
 * items are those of chacha20_rows. */

KERNEL(chacha20_rows_f32, GLOBAL const u32 *key, GLOBAL u32 *out, u32 first_row, u32 blocks)
{
	const u32 row = CHACHA20_ROW(blocks), first = CHACHA20_FIRST(blocks);
	const u32 end = first + 16 < blocks ? first + 16 : blocks;

	for (u32 block = first; block < end; block++) {
		u32v x[16];
		chacha20_block(x, key, (lanes_index() + first_row + row) * blocks + block);
		GLOBAL u32 *elements = out + (((u64)(row / 16) * blocks + block) * 16 * 16 + row % 16);
		UNROLL
		for (u32 i = 0; i < 16; i++)
			f32_store(elements + i * 16, f32_grid(x[i]));
	}
}

KERNEL(chacha20_rows_f64, GLOBAL const u32 *key, GLOBAL u64 *out, u32 first_row, u32 blocks)
{
	const u32 row = CHACHA20_ROW(blocks), first = CHACHA20_FIRST(blocks);
	const u32 end = first + 16 < blocks ? first + 16 : blocks;

	for (u32 block = first; block < end; block++) {
		u32v x[16];
		chacha20_block(x, key, (lanes_index() + first_row + row) * blocks + block);
		GLOBAL u64 *elements = out + (((u64)(row / 16) * blocks + block) * 8 * 16 + row % 16);
		UNROLL
		for (u32 i = 0; i < 8; i++) {
			u32 low[LANES], high[LANES];
			lanes_store(low, x[2 * i]);
			lanes_store(high, x[2 * i + 1]);
			for (u32 l = 0; l < LANES; l++)
				elements[i * 16 + l] = f64_grid(low[l], high[l]);
		}
	}
}
