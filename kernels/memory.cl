/* SPDX-License-Identifier: Apache-2.0
 *
 * memory/1 (SPEC 5.6): a table of items that are slow to compute and fast to read, and walkers that read it at random,
 * each read depending on the one before. An item and a walker's state are 32 words: two ChaCha states, coupled. */

#define MEMORY_READS 64 /* of a walker in a round */
#define MEMORY_BATCH                                                                                    \
	(LANES == 1 ? 1 : 4) /* vectors of walkers of a work-item: while some mix, others' reads arrive \
	                      */

#define MEMORY_DOUBLE(p, q)                         \
	CHACHA20_QUARTER(p[0], p[4], p[8], q[12]);  \
	CHACHA20_QUARTER(p[1], p[5], p[9], q[13]);  \
	CHACHA20_QUARTER(p[2], p[6], p[10], q[14]); \
	CHACHA20_QUARTER(p[3], p[7], p[11], q[15]); \
	CHACHA20_QUARTER(p[0], p[5], p[10], q[15]); \
	CHACHA20_QUARTER(p[1], p[6], p[11], q[12]); \
	CHACHA20_QUARTER(p[2], p[7], p[8], q[13]);  \
	CHACHA20_QUARTER(p[3], p[4], p[9], q[14])

/* An even number of coupled double rounds. The halves exchange their last four words after each: so the second of two
 * takes them from the other half, and after it they are back where they were. */
FUNCTION void memory_mix(u32v x[32], u32 double_rounds)
{
	u32v *y = x + 16;

	for (u32 i = 0; i < double_rounds; i += 2) {
		MEMORY_DOUBLE(x, x);
		MEMORY_DOUBLE(y, y);
		MEMORY_DOUBLE(x, y);
		MEMORY_DOUBLE(y, x);
	}
}

/* Items `index` of the table with this key. */
FUNCTION void memory_item(u32v x[32], GLOBAL const u32 *key, u32v index, u32 double_rounds)
{
	UNROLL
	for (u32 i = 0; i < 32; i++)
		x[i] = splat(key[i]);
	x[12] ^= index;
	memory_mix(x, double_rounds);
}

/* The states of walkers `walker`, from the key of their round. */
FUNCTION void memory_start(u32v state[32], GLOBAL const u32 *key, u32v walker)
{
	chacha20_block(state, key, walker * 2);
	chacha20_block(state + 16, key, walker * 2 + 1);
}

/* Where each lane reads next: its first two words as a fraction of 2^64, times the number of items. */
FUNCTION void memory_index(u32 index[LANES], const u32v state[32], u32 items)
{
	u32 low[LANES], high[LANES];

	lanes_store(low, state[0]);
	lanes_store(high, state[1]);
	for (u32 l = 0; l < LANES; l++)
		index[l] = (u32)(((u64)high[l] * items + ((u64)low[l] * items >> 32)) >> 32);
}

/* Where each lane reads next. A table lies in up to four buffers, as one may not be as large as a device's memory: the
 * first has items 0 ... step - 1, and so on. */
FUNCTION void memory_seek(GLOBAL const u32 *from[LANES], const u32v state[32], u32 items, GLOBAL const u32 *part_0,
                          GLOBAL const u32 *part_1, GLOBAL const u32 *part_2, GLOBAL const u32 *part_3, u32 step)
{
	u32 index[LANES];

	memory_index(index, state, items);
	for (u32 l = 0; l < LANES; l++) {
		u32 i = index[l];
		from[l] = part_0;
		if (i >= step) {
			i -= step;
			from[l] = part_1;
			if (i >= step) {
				i -= step;
				from[l] = part_2;
				if (i >= step) {
					i -= step;
					from[l] = part_3;
				}
			}
		}
		from[l] += (u64)i * 32;
	}
}

/* Item t of the kernel: items first + LANES * t onwards of the table, one a lane. `key` is the table's 32 words; `part`
 * begins with item `begin`. Items of the kernel: ceil(count / LANES). */
KERNEL(memory_fill, GLOBAL const u32 *key, GLOBAL u32 *part, u32 begin, u32 first, u32 count, u32 double_rounds)
{
	u32 offset = ITEM * LANES;
	u32v x[32];

	memory_item(x, key, lanes_index() + first + offset, double_rounds);
	for (u32 i = 0; i < 32; i++)
		lanes_scatter(part + ((u64)first - begin + offset) * 32 + i, 32, x[i], count - offset);
}

/* Item t: walkers first + MEMORY_BATCH * LANES * t onwards; the state of walker i after its reads, 32 words, goes to
 * out + 32 * (i - first). `key` is the walkers' 8 words, `items` those of the table, of which each buffer has `step`
 * and the last one the rest; buffers that are not needed are not looked at. Items of the kernel: ceil(count /
 * (MEMORY_BATCH * LANES)). */
KERNEL(memory_walk, GLOBAL const u32 *part_0, GLOBAL const u32 *part_1, GLOBAL const u32 *part_2,
       GLOBAL const u32 *part_3, u32 step, GLOBAL const u32 *key, GLOBAL u32 *out, u32 first, u32 count, u32 items)
{
	u32 offset = ITEM * (MEMORY_BATCH * LANES);
	u32v state[MEMORY_BATCH][32];
	GLOBAL const u32 *from[MEMORY_BATCH][LANES];

	for (u32 b = 0; b < MEMORY_BATCH; b++) {
		memory_start(state[b], key, lanes_index() + first + offset + b * LANES);
		memory_seek(from[b], state[b], items, part_0, part_1, part_2, part_3, step);
	}
	for (u32 read = 0; read < MEMORY_READS; read++)
		for (u32 b = 0; b < MEMORY_BATCH; b++) {
			u32v item[32];
			lanes_gather_32(item, from[b]);
			UNROLL
			for (u32 i = 0; i < 32; i++)
				state[b][i] ^= item[i];
			memory_mix(state[b], 2);
			memory_seek(from[b], state[b], items, part_0, part_1, part_2, part_3, step);
			for (u32 l = 0; l < LANES; l++)
				prefetch_line(from[b][l]);
		}
	for (u32 b = 0; b < MEMORY_BATCH && offset + b * LANES < count; b++)
		for (u32 i = 0; i < 32; i++)
			lanes_scatter(out + (u64)(offset + b * LANES) * 32 + i, 32, state[b][i],
			              count - offset - b * LANES);
}

/* The same walks without a table: every item is computed from the table's key. Items of the kernel: ceil(count /
 * LANES). */
KERNEL(memory_walk_alone, GLOBAL const u32 *table_key, GLOBAL const u32 *key, GLOBAL u32 *out, u32 first, u32 count,
       u32 items, u32 double_rounds)
{
	u32 offset = ITEM * LANES;
	u32v state[32], item[32];
	u32 index[LANES];

	memory_start(state, key, lanes_index() + first + offset);
	for (u32 read = 0; read < MEMORY_READS; read++) {
		memory_index(index, state, items);
		memory_item(item, table_key, lanes_load(index), double_rounds);
		UNROLL
		for (u32 i = 0; i < 32; i++)
			state[i] ^= item[i];
		memory_mix(state, 2);
	}
	for (u32 i = 0; i < 32; i++)
		lanes_scatter(out + (u64)offset * 32 + i, 32, state[i], count - offset);
}
