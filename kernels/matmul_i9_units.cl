/* SPDX-License-Identifier: Apache-2.0
 *
 * matmul-i9/1 (SPEC 5.3) by matrix units for f16: the entry point, arguments and result of matmul_i9.cl, with operands
 * in f16. Numbers of nine bits and their products are exact there, and so are sums of HALF_SUMMANDS products in f32
 * (SPEC 14.14): these are added to the integers of C before they become more. */

SHAPE(matmul_i9_shape) = BLOCK_SHAPE(1);

#define CHUNK_STAGES (HALF_SUMMANDS / 2 / STAGE_WORDS) /* stages of one sum of floats */

#define PART (4 / HALF_PARTS) /* rows that a lane reads at once */
#define PRODUCTS (PART * PART / 2)

/* A lane's words of one step: of part `part` of four rows, from the panels that begin at `panel`. */
FUNCTION void part_load(u32 words[PART][HALF_WORDS], const u32x4 *stage, u32 panel, u32 step, u32 part, u32 lane)
{
	UNROLL
	for (u32 i = 0; i < HALF_WORDS; i++) {
		u32 word = step * HALF_STEP + half_word(lane, i);
		const u32x4 *four = &stage[PIECE(panel + unit_slot(lane) / 4, word, unit_slot(lane) % 4)];
		u32x4 piece = *four;
		UNROLL
		for (u32 row = 0; row < PART; row++)
			words[row][i] = PART == 4 ? word_of(piece, row) : ((const u32 *)four)[part * PART + row];
	}
}

/* The products of one stage. */
FUNCTION void stage_products(half_sums sum[QUADS_ROWS][QUADS_COLUMNS][4][4], const u32x4 *stage, u32 row, u32 column,
                             u32 lane)
{
	UNROLL
	for (u32 step = 0; step < STAGE_WORDS / HALF_STEP; step++) {
		UNROLL
		for (u32 p = 0; p < HALF_PARTS; p++) {
			u32 x[QUADS_ROWS][PART][HALF_WORDS];
			lane = PART < 4 ? fresh(lane) : lane;
			UNROLL
			for (u32 i = 0; i < QUADS_ROWS; i++)
				part_load(x[i], stage, row + i * (QUAD / 16), step, p, lane);
			UNROLL
			for (u32 q = 0; q < HALF_PARTS; q++) {
				u32 y[QUADS_COLUMNS][PART][HALF_WORDS];
				lane = PART < 4 ? fresh(lane) : lane;
				UNROLL
				for (u32 j = 0; j < QUADS_COLUMNS; j++)
					part_load(y[j], stage, column + j * (QUAD / 16), step, q, lane);
				UNROLL
				for (u32 n = 0; n < QUADS_ROWS * QUADS_COLUMNS * PRODUCTS; n++) {
					u32 i = n / PRODUCTS / QUADS_COLUMNS, j = n / PRODUCTS % QUADS_COLUMNS;
					u32 r = n / PART % (PART / 2) * 2, t = n % PART;
					half_sums *into = &sum[i][j][p * PART + r][q * PART + t];
					half_products(into, into + 4, x[i][r], x[i][r + 1], y[j][t]);
				}
			}
		}
	}
}

/* Adds sums of floats to C from row `row` and column `column` on; to nothing when `first`. No other lane touches these
 * entries. Where they are is worked out here each time, not kept in registers. */
FUNCTION void sums_add(GLOBAL u32 *c, half_sums sum[QUADS_ROWS][QUADS_COLUMNS][4][4], u32 row, u32 end, u32 column,
                       u32 tiles, u32 item, u32 first)
{
	UNROLL
	for (u32 p = 0; p < QUADS_ROWS * QUADS_COLUMNS * 4; p++) {
		u32 i = p / 4 / QUADS_COLUMNS, j = p / 4 % QUADS_COLUMNS, r = p % 4, lane = fresh(item);
		UNROLL
		for (u32 s = 0; s < UNIT_SUMS; s++) {
			u32 at_row = row * 16 + i * QUAD + 4 * unit_row(lane, s) + r;
			u32 at_column = column * 16 + j * QUAD + 4 * unit_column(lane, s);
			GLOBAL u32x4 *at = (GLOBAL u32x4 *)(c + ((u64)(at_row / 16) * tiles + at_column / 16) * 256 +
			                                    at_row % 16 * 16 + at_column % 16);
			u32x4 entries;
			UNROLL
			for (u32 t = 0; t < 4; t++)
				word_of(entries, t) = (u32)(int)half_sum(sum[i][j][r][t], s);
			if (at_row / 16 >= end || at_column / 16 >= tiles)
				continue;
			if (!first) {
				u32x4 before = *at;
				UNROLL
				for (u32 t = 0; t < 4; t++)
					word_of(entries, t) += word_of(before, t);
			}
			*at = entries;
		}
	}
}

/* Group g: one block of the tiles first ... first + count - 1, which are whole rows of tiles. `tiles` is the tiles of
 * a band (n / 16), `pairs` = k / 2. Groups: as in matmul_i8_units.cl. */
KERNEL(matmul_i9, GLOBAL const u32 *a, GLOBAL const u32 *b, GLOBAL u32 *c, u32 first, u32 count, u32 tiles, u32 pairs)
{
	u32 end = first / tiles + count / tiles, columns = (tiles + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS;
	u32 blocks = (count / tiles + BLOCK_ROWS - 1) / BLOCK_ROWS, span = GROUP / (8 * columns) * 8;
	u32 height = blocks - span < 8 ? blocks - span : 8, within = GROUP % (8 * columns);
	u32 row = first / tiles + (span + within % height) * BLOCK_ROWS, column = within / height * BLOCK_COLUMNS;
	u32 lane = GROUP_ITEM % UNIT_WAVE, wave = GROUP_ITEM / UNIT_WAVE;
	u32 wave_row = wave % 2 * (WAVE_ROWS / 16), wave_column = wave / 2 * (WAVE_COLUMNS / 16);
	u32 stages = pairs / STAGE_WORDS;
	half_sums sum[QUADS_ROWS][QUADS_COLUMNS][4][4];
	u32x4 staged[PIECES_ITEM];

	UNROLL
	for (u32 s = 0; s < COPY_AHEAD; s++)
		if (s < stages)
			stage_begin(group_memory + s * STAGE_PIECES, staged, a, b, row, end, column, tiles, pairs,
			            s * STAGE_WORDS);
		else
			copy_end();

	for (u32 from = 0; from < stages; from += CHUNK_STAGES) {
		u32 to = stages - from < CHUNK_STAGES ? stages : from + CHUNK_STAGES;
		UNROLL
		for (u32 i = 0; i < QUADS_ROWS * QUADS_COLUMNS * 16; i++)
			half_clear(&sum[0][0][0][0] + i);
		for (u32 s = from; s < to; s++) {
			u32x4 *stage = group_memory + s % STAGES * STAGE_PIECES;
			if (COPY_STAGED)
				stage_write(stage, staged);
			copy_arrive();
			BARRIER();
			if (s + COPY_AHEAD < stages)
				stage_begin(group_memory + (s + COPY_AHEAD) % STAGES * STAGE_PIECES, staged, a, b, row,
				            end, column, tiles, pairs, (s + COPY_AHEAD) * STAGE_WORDS);
			else
				copy_end();
			stage_products(sum, stage, wave_row, BLOCK_ROWS + wave_column, lane);
		}
		sums_add(c, sum, row + wave_row, end, column + wave_column, tiles, lane, from == 0);
	}
}
