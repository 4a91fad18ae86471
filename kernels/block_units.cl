/* SPDX-License-Identifier: Apache-2.0
 *
 * What the products by matrix units have in common (units.h names the units). A group of 256 work-items makes a block
 * of 128 x 256 entries of C, each of its waves 64 rows of it. For sixteen words of k at a time the operands' panels are
 * copied into the group's memory, several such stages ahead of the products.
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

/* What the host reads of such a kernel; `form` is that of its operands. */
#define BLOCK_SHAPE(form)                                                               \
	{                                                                               \
		BLOCK_ITEMS, BLOCK_ROWS, BLOCK_COLUMNS, STAGES *STAGE_PIECES * 16, form \
	}

/* Where a stage keeps word `word` of the four rows `four` of a panel. Eight such pieces fill all memory banks once;
 * those that lanes read together (four words of two pieces, or one word of eight pieces in two panels) are never in the
 * same. */
#define PIECE(panel, word, four) ((panel) * (STAGE_WORDS * 4) + (((word)*4 + (four)) ^ ((word)&2) ^ (((panel)&1) << 2)))

/* Begins to copy the stage's words of all panels. Panels beyond the last are copies of it. */
FUNCTION void stage_begin(u32x4 *stage, u32x4 staged[PIECES_ITEM], GLOBAL const u32 *a, GLOBAL const u32 *b, u32 row,
                          u32 end, u32 column, u32 columns, u32 words, u32 word)
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
		           (GLOBAL const u32x4 *)(operand + ((u64)from * words + word) * 16) + rest, &staged[i]);
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
