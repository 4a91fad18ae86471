/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 (FIPS 180-4), LANES messages side by side, and the workload sha256/1 (SPEC 5.2). */

CONSTANT u32 sha256_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

FUNCTION void sha256_start(u32v state[8])
{
	state[0] = splat(0x6a09e667u);
	state[1] = splat(0xbb67ae85u);
	state[2] = splat(0x3c6ef372u);
	state[3] = splat(0xa54ff53au);
	state[4] = splat(0x510e527fu);
	state[5] = splat(0x9b05688cu);
	state[6] = splat(0x1f83d9abu);
	state[7] = splat(0x5be0cd19u);
}

/* One round; the caller renames the eight variables instead of moving them. */
#define SHA256_ROUND(a, b, c, d, e, f, g, h, word, constant)                                                       \
	{                                                                                                          \
		u32v t = h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + (g ^ (e & (f ^ g))) + (word) + (constant); \
		d += t;                                                                                            \
		h = t + (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) | (c & (a | b)));                      \
	}

/* Word i of the next sixteen: from words i, i + 1, i + 9 and i + 14 of the last. */
#define SHA256_EXTEND(i)                                                                                             \
	(w[i] += (rotr(w[(i + 1) & 15], 7) ^ rotr(w[(i + 1) & 15], 18) ^ (w[(i + 1) & 15] >> 3)) + w[(i + 9) & 15] + \
	         (rotr(w[(i + 14) & 15], 17) ^ rotr(w[(i + 14) & 15], 19) ^ (w[(i + 14) & 15] >> 10)))

#define SHA256_SIXTEEN(WORD, k)                                                  \
	SHA256_ROUND(a, b, c, d, e, f, g, h, WORD(0), sha256_constants[k + 0])   \
	SHA256_ROUND(h, a, b, c, d, e, f, g, WORD(1), sha256_constants[k + 1])   \
	SHA256_ROUND(g, h, a, b, c, d, e, f, WORD(2), sha256_constants[k + 2])   \
	SHA256_ROUND(f, g, h, a, b, c, d, e, WORD(3), sha256_constants[k + 3])   \
	SHA256_ROUND(e, f, g, h, a, b, c, d, WORD(4), sha256_constants[k + 4])   \
	SHA256_ROUND(d, e, f, g, h, a, b, c, WORD(5), sha256_constants[k + 5])   \
	SHA256_ROUND(c, d, e, f, g, h, a, b, WORD(6), sha256_constants[k + 6])   \
	SHA256_ROUND(b, c, d, e, f, g, h, a, WORD(7), sha256_constants[k + 7])   \
	SHA256_ROUND(a, b, c, d, e, f, g, h, WORD(8), sha256_constants[k + 8])   \
	SHA256_ROUND(h, a, b, c, d, e, f, g, WORD(9), sha256_constants[k + 9])   \
	SHA256_ROUND(g, h, a, b, c, d, e, f, WORD(10), sha256_constants[k + 10]) \
	SHA256_ROUND(f, g, h, a, b, c, d, e, WORD(11), sha256_constants[k + 11]) \
	SHA256_ROUND(e, f, g, h, a, b, c, d, WORD(12), sha256_constants[k + 12]) \
	SHA256_ROUND(d, e, f, g, h, a, b, c, WORD(13), sha256_constants[k + 13]) \
	SHA256_ROUND(c, d, e, f, g, h, a, b, WORD(14), sha256_constants[k + 14]) \
	SHA256_ROUND(b, c, d, e, f, g, h, a, WORD(15), sha256_constants[k + 15])

#define SHA256_GIVEN(i) w[i]

/* The compression function: adds block w to the state. w is used up. */
FUNCTION void sha256_compress(u32v state[8], u32v w[16])
{
	u32v a = state[0], b = state[1], c = state[2], d = state[3];
	u32v e = state[4], f = state[5], g = state[6], h = state[7];

	SHA256_SIXTEEN(SHA256_GIVEN, 0)
	for (u32 k = 16; k < 64; k += 16) {
		SHA256_SIXTEEN(SHA256_EXTEND, k)
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
	state[5] += f;
	state[6] += g;
	state[7] += h;
}

/* Item t: leaves first_leaf + LANES * t onwards, one a lane; leaf value i, 8 words, goes to out + 8 * i. `seed` is 8
 * words as in memory; a leaf is the XOR of 2^log2_digests digests. Items: ceil(count / LANES). */
KERNEL(sha256_leaves, GLOBAL const u32 *seed, GLOBAL u32 *out, u32 first_leaf, u32 log2_digests, u32 count)
{
	u32 first = ITEM * LANES;
	u32v leaf = lanes_index() + first_leaf + first;
	u32v low = leaf << log2_digests;
	u32v high = log2_digests ? leaf >> ((32 - log2_digests) & 31) : splat(0);
	u32v fold[8];
	for (u32 i = 0; i < 8; i++)
		fold[i] = splat(0);

	for (u32 digest = 0; digest < (u32)1 << log2_digests; digest++) {
		u32v state[8], w[16];
		w[0] = byteswap(low + digest);
		w[1] = byteswap(high);
		for (u32 i = 0; i < 8; i++)
			w[2 + i] = byteswap(splat(seed[i]));
		w[10] = splat(0x80000000u);
		for (u32 i = 11; i < 15; i++)
			w[i] = splat(0);
		w[15] = splat(40 * 8);
		sha256_start(state);
		sha256_compress(state, w);
		for (u32 i = 0; i < 8; i++)
			fold[i] ^= state[i];
	}
	for (u32 i = 0; i < 8; i++)
		lanes_scatter(out + (u64)first * 8 + i, 8, byteswap(fold[i]), count - first);
}
