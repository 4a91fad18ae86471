/* SPDX-License-Identifier: Apache-2.0
 *
 * The hashes of an RFC 6962 tree (SPEC 1.5): SHA-256 over one prefix byte and a value. With prefix 0 the values are the
 * leaves'; with prefix 1 they are pairs of digests, which lie side by side, so one kernel serves every level. */

/* Item t: values LANES * t onwards, each `words` words, LANES at a time. Value i is at in + 8 * in_first + words * i;
 * its digest goes to out + 8 * (out_first + i). Items: ceil(count / LANES). */
KERNEL(merkle_hash, GLOBAL const u32 *in, u32 in_first, GLOBAL u32 *out, u32 out_first, u32 prefix, u32 words,
       u32 count)
{
	u32 first = ITEM * LANES;
	u32 blocks = (4 * words + 1 + 8) / 64 + 1;
	u32v state[8], carry = splat(prefix << 24);

	in += (u64)in_first * 8 + (u64)first * words;
	sha256_start(state);
	for (u32 block = 0; block < blocks; block++) {
		u32v w[16];
		UNROLL
		for (u32 i = 0; i < 16; i++) {
			u32 t = block * 16 + i;
			if (t < words) {
				u32v value = byteswap(lanes_gather(in + t, words, count - first));
				w[i] = carry | (value >> 8);
				carry = value << 24;
			} else if (t == words) {
				w[i] = carry | 0x00800000u;
			} else {
				w[i] = splat(t == blocks * 16 - 1 ? (4 * words + 1) * 8 : 0);
			}
		}
		sha256_compress(state, w);
	}
	out += ((u64)out_first + first) * 8;
	for (u32 i = 0; i < 8; i++)
		lanes_scatter(out + i, 8, byteswap(state[i]), count - first);
}
