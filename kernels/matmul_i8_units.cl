/* SPDX-License-Identifier: Apache-2.0
 *
 * matmul-i8/1 (SPEC 5.1) by matrix units: the entry point, arguments and result of matmul_i8.cl. units.h names the
 * units.
 *
 * A group of 256 work-items makes a block of 128 x 256 entries of C, each of its waves 64 rows of it. For 64 bytes of k
 * at a time the operands' panels are copied into the group's memory, several such stages ahead of the products.
 *
 * Four neighbouring rows of a panel lie side by side, word by word, so that a lane reads a word of rows 4 s ... 4 s + 3
 * at once, s being its slot. Row i of those four belongs to unit product i: a product's rows are 4 apart. In the result
 * the four columns that a lane holds are side by side again, and are written at once. */

#define BLOCK_ITEMS 256
#define BLOCK_ROWS 8                                                  /* panels of A */
#define BLOCK_COLUMNS 16                                              /* panels of B */
#define STAGE_WORDS 16                                                /* of k */
#define STAGE_PIECES ((BLOCK_ROWS + BLOCK_COLUMNS) * STAGE_WORDS * 4) /* of 16 bytes */
#define STAGES (COPY_AHEAD + 1)
#define PIECES_ITEM (STAGE_PIECES / BLOCK_ITEMS)

#define WAVES (BLOCK_ITEMS / UNIT_WAVE) /* two above each other */
#define WAVE_ROWS (BLOCK_ROWS * 16 / 2)
#define WAVE_COLUMNS (BLOCK_COLUMNS * 16 / (WAVES / 2))
#define QUAD (4 * UNIT_SLOTS) /* rows that a wave's lanes read at once */
#define QUADS_ROWS (WAVE_ROWS / QUAD)
#define QUADS_COLUMNS (WAVE_COLUMNS / QUAD)

/* Items of a group, rows and columns of its block in tiles, bytes of its memory, form of the operands: for the host. */
SHAPE(matmul_i8_shape) = {BLOCK_ITEMS, BLOCK_ROWS, BLOCK_COLUMNS, STAGES *STAGE_PIECES * 16, 0};

/* Where a stage keeps word `word` of the four rows `four` of a panel. Eight such pieces fill all memory banks once;
 * those that lanes read together (four words of two pieces, or one word of eight pieces in two panels) are never in the
 * same. */
#define PIECE(panel, word, four) ((panel) * (STAGE_WORDS * 4) + (((word)*4 + (four)) ^ ((word)&2) ^ (((panel)&1) << 2)))

/* Begins to copy the stage's 64 bytes of k of all panels. Panels beyond the last are copies of it. */
FUNCTION void stage_begin(u32x4 *stage, u32x4 staged[PIECES_ITEM], GLOBAL const u32 *a, GLOBAL const u32 *b, u32 row,
                          u32 end, u32 column, u32 columns, u32 quads, u32 word)
{
	UNROLL
	for (u32 i = 0; i < PIECES_ITEM; i++) {
		u32 piece = i * BLOCK_ITEMS + GROUP_ITEM, panel = piece / (STAGE_WORDS * 4);
		u32 rest = piece % (STAGE_WORDS * 4);
		GLOBAL const u32 *operand = panel < BLOCK_ROWS ? a : b;
		u32 last = panel < BLOCK_ROWS ? end - 1 : columns - 1;
		u32 from = panel < BLOCK_ROWS ? row + panel : column + panel - BLOCK_ROWS;
		from = from < last ? from : last;
		copy_begin(stage + PIECE(panel, rest / 4, rest % 4),
		           (GLOBAL const u32x4 *)(operand + ((u64)from * quads + word) * 16) + rest, &staged[i]);
	}
	copy_end();
}

/* Where copies are staged in registers: writes them. */
FUNCTION void stage_write(u32x4 *stage, const u32x4 staged[PIECES_ITEM])
{
	UNROLL
	for (u32 i = 0; i < PIECES_ITEM; i++) {
		u32 piece = i * BLOCK_ITEMS + GROUP_ITEM, rest = piece % (STAGE_WORDS * 4);
		stage[PIECE(piece / (STAGE_WORDS * 4), rest / 4, rest % 4)] = staged[i];
	}
}

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
