/* SPDX-License-Identifier: Apache-2.0
 *
 * matmul-i8/1 (SPEC 5.1) by matrix units: the entry point, arguments and result of matmul_i8.cl. */

SHAPE(matmul_i8_shape) = BLOCK_SHAPE(0);

/* A lane's words of one step: of four rows each, from the panels that begin at `panel`. */
FUNCTION void quad_load(u32 words[4][UNIT_WORDS], const u32x4 *stage, u32 panel, u32 step, u32 lane)
{
	UNROLL
	for (u32 i = 0; i < UNIT_WORDS; i++) {
		u32 word = step * UNIT_STEP + unit_word(lane, i);
		u32x4 piece = stage[PIECE(panel + unit_slot(lane) / 4, word, unit_slot(lane) % 4)];
		UNROLL
		for (u32 row = 0; row < 4; row++)
			words[row][i] = word_of(piece, row);
	}
}

/* Group g: one block of the tiles first ... first + count - 1, which are whole rows of tiles. `tiles` is the tiles of
 * a band (n / 16), `quads` = k / 4. Groups: ceil(count / tiles / BLOCK_ROWS) * ceil(tiles / BLOCK_COLUMNS). */
KERNEL(matmul_i8, GLOBAL const u32 *a, GLOBAL const u32 *b, GLOBAL u32 *c, u32 first, u32 count, u32 tiles, u32 quads)
{
	/* Blocks run down eight rows of blocks, then to the right: what runs at the same time shares operands. */
	u32 end = first / tiles + count / tiles, columns = (tiles + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS;
	u32 blocks = (count / tiles + BLOCK_ROWS - 1) / BLOCK_ROWS, span = GROUP / (8 * columns) * 8;
	u32 height = blocks - span < 8 ? blocks - span : 8, within = GROUP % (8 * columns);
	u32 row = first / tiles + (span + within % height) * BLOCK_ROWS, column = within / height * BLOCK_COLUMNS;
	u32 lane = GROUP_ITEM % UNIT_WAVE, wave = GROUP_ITEM / UNIT_WAVE;
	u32 wave_row = wave % 2 * (WAVE_ROWS / 16), wave_column = wave / 2 * (WAVE_COLUMNS / 16);
	unit_sums sum[QUADS_ROWS][QUADS_COLUMNS][4][4];
	u32x4 staged[PIECES_ITEM];

	UNROLL
	for (u32 i = 0; i < QUADS_ROWS * QUADS_COLUMNS * 16; i++)
		unit_clear(&sum[0][0][0][0] + i);
	UNROLL
	for (u32 s = 0; s < COPY_AHEAD; s++)
		if (s < quads / STAGE_WORDS)
			stage_begin(group_memory + s * STAGE_PIECES, staged, a, b, row, end, column, tiles, quads,
			            s * STAGE_WORDS);
		else
			copy_end();

	for (u32 s = 0; s < quads / STAGE_WORDS; s++) {
		u32x4 *stage = group_memory + s % STAGES * STAGE_PIECES;
		if (COPY_STAGED)
			stage_write(stage, staged);
		copy_arrive();
		BARRIER();
		if (s + COPY_AHEAD < quads / STAGE_WORDS)
			stage_begin(group_memory + (s + COPY_AHEAD) % STAGES * STAGE_PIECES, staged, a, b, row, end,
			            column, tiles, quads, (s + COPY_AHEAD) * STAGE_WORDS);
		else
			copy_end();
		UNROLL
		for (u32 step = 0; step < STAGE_WORDS / UNIT_STEP; step++) {
			u32 x[QUADS_ROWS][4][UNIT_WORDS], y[QUADS_COLUMNS][4][UNIT_WORDS];
			UNROLL
			for (u32 i = 0; i < QUADS_ROWS; i++)
				quad_load(x[i], stage, wave_row + i * (QUAD / 16), step, lane);
			UNROLL
			for (u32 j = 0; j < QUADS_COLUMNS; j++)
				quad_load(y[j], stage, BLOCK_ROWS + wave_column + j * (QUAD / 16), step, lane);
			UNROLL
			for (u32 p = 0; p < QUADS_ROWS * QUADS_COLUMNS * 8; p++) {
				u32 i = p / 8 / QUADS_COLUMNS, j = p / 8 % QUADS_COLUMNS, r = p / 4 % 2 * 2, t = p % 4;
				unit_products(&sum[i][j][r][t], &sum[i][j][r + 1][t], x[i][r], x[i][r + 1], y[j][t]);
			}
		}
	}

	UNROLL
	for (u32 p = 0; p < QUADS_ROWS * QUADS_COLUMNS * 4 * UNIT_SUMS; p++) {
		u32 i = p / UNIT_SUMS / 4 / QUADS_COLUMNS, j = p / UNIT_SUMS / 4 % QUADS_COLUMNS;
		u32 r = p / UNIT_SUMS % 4, s = p % UNIT_SUMS;
		u32 at_row = (row + wave_row) * 16 + i * QUAD + 4 * unit_row(lane, s) + r;
		u32 at_column = (column + wave_column) * 16 + j * QUAD + 4 * unit_column(lane, s);
		u32x4 entries;
		UNROLL
		for (u32 t = 0; t < 4; t++)
			word_of(entries, t) = unit_sum(sum[i][j][r][t], s);
		if (at_row / 16 < end && at_column / 16 < tiles)
			*(GLOBAL u32x4 *)(c + ((u64)(at_row / 16) * tiles + at_column / 16) * 256 + at_row % 16 * 16 +
			                  at_column % 16) = entries;
	}
}
