/* SPDX-License-Identifier: Apache-2.0
 *
 * Pseudo-random operands: the rows of a matrix are consecutive runs of one ChaCha20 key stream (SPEC 1.3, 5.1).
 *
 * Panel layout: rows are stored sixteen together, word by word: word w of row r is at
 * (r / 16 * words + w) * 16 + r % 16, words = 16 * blocks. A product then reads both operands in order. */

#define CHACHA20_QUARTER(a, b, c, d) \
	a += b;                      \
	d = rotl(d ^ a, 16);         \
	c += d;                      \
	b = rotl(b ^ c, 12);         \
	a += b;                      \
	d = rotl(d ^ a, 8);          \
	c += d;                      \
	b = rotl(b ^ c, 7)

/* Block `counter` of the key stream of `key` (8 words), a lane each: words as in memory. */
FUNCTION void chacha20_block(u32v x[16], GLOBAL const u32 *key, u32v counter)
{
	u32v input[16];

	input[0] = splat(0x61707865u);
	input[1] = splat(0x3320646eu);
	input[2] = splat(0x79622d32u);
	input[3] = splat(0x6b206574u);
	for (u32 i = 0; i < 8; i++)
		input[4 + i] = splat(key[i]);
	input[12] = counter;
	for (u32 i = 13; i < 16; i++)
		input[i] = splat(0);
	for (u32 i = 0; i < 16; i++)
		x[i] = input[i];
	for (u32 i = 0; i < 10; i++) {
		CHACHA20_QUARTER(x[0], x[4], x[8], x[12]);
		CHACHA20_QUARTER(x[1], x[5], x[9], x[13]);
		CHACHA20_QUARTER(x[2], x[6], x[10], x[14]);
		CHACHA20_QUARTER(x[3], x[7], x[11], x[15]);
		CHACHA20_QUARTER(x[0], x[5], x[10], x[15]);
		CHACHA20_QUARTER(x[1], x[6], x[11], x[12]);
		CHACHA20_QUARTER(x[2], x[7], x[8], x[13]);
		CHACHA20_QUARTER(x[3], x[4], x[9], x[14]);
	}
	for (u32 i = 0; i < 16; i++)
		x[i] += input[i];
}

/* Which rows and blocks item (p, q, r) makes: rows 16 * p + LANES * r onwards, blocks 16 * q onwards; r runs fastest,
 * so that neighbours write side by side. */
#define CHACHA20_CHUNKS(blocks) (((blocks) + 15) / 16)
#define CHACHA20_ROW(blocks) (ITEM / (16 / LANES) / CHACHA20_CHUNKS(blocks) * 16 + ITEM % (16 / LANES) * LANES)
#define CHACHA20_FIRST(blocks) (ITEM / (16 / LANES) % CHACHA20_CHUNKS(blocks) * 16)

/* `key` is 8 words, `blocks` the blocks of a row, and the first row made is row `first_row` of the matrix. Items: rows
 * / LANES * ceil(blocks / 16). */
KERNEL(chacha20_rows, GLOBAL const u32 *key, GLOBAL u32 *out, u32 first_row, u32 blocks)
{
	const u32 row = CHACHA20_ROW(blocks), first = CHACHA20_FIRST(blocks);
	const u32 end = first + 16 < blocks ? first + 16 : blocks;

	for (u32 block = first; block < end; block++) {
		u32v x[16];
		chacha20_block(x, key, (lanes_index() + first_row + row) * blocks + block);
		GLOBAL u32 *words = out + (((u64)(row / 16) * blocks + block) * 16 * 16 + row % 16);
		for (u32 i = 0; i < 16; i++)
			lanes_store(words + i * 16, x[i]);
	}
}
