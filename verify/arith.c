/* SPDX-License-Identifier: Apache-2.0
 *
 * See arith.h. Compiled once per level: the build defines ARITH_LEVEL (its name) and ARITH_LANES, the number of 32-bit
 * values in a vector register. SPEC 5; FIPS 180-4. */
#include "verify/arith.h"

#include <string.h>
#if defined(__FMA__)
#include <immintrin.h>
#endif

#include "verify/bytes.h"

typedef uint32_t lanes __attribute__((vector_size(4 * ARITH_LANES)));

/* Products of halves, added in pairs: what a compiler turns into multiply-add instructions. */
static void tile_i16(int32_t sum[16][16], const int16_t a[16][ASSAY_ARITH_CHUNK],
                     const int16_t b[16][ASSAY_ARITH_CHUNK], uint32_t len)
{
	for (uint32_t i = 0; i < 16; i++) {
		for (uint32_t j = 0; j < 16; j++) {
			int32_t total = 0;
			for (uint32_t l = 0; l < len; l++)
				total += a[i][l] * b[j][l];
			sum[i][j] += total;
		}
	}
}

static void tile_i8(int32_t sum[16][16], const int8_t a[16][ASSAY_ARITH_CHUNK], const int8_t b[16][ASSAY_ARITH_CHUNK],
                    uint32_t len)
{
	int16_t x[16][ASSAY_ARITH_CHUNK], y[16][ASSAY_ARITH_CHUNK];

	for (uint32_t i = 0; i < 16; i++) {
		for (uint32_t l = 0; l < len; l++) {
			x[i][l] = a[i][l];
			y[i][l] = b[i][l];
		}
	}
	tile_i16(sum, (const int16_t(*)[ASSAY_ARITH_CHUNK])x, (const int16_t(*)[ASSAY_ARITH_CHUNK])y, len);
}

/* The numbers of SPEC 5.4 and 5.5; both conversions and both products are exact. */
static float number_f32(const uint8_t bytes[4])
{
	return (float)((int32_t)assay_le32_read(bytes) >> 8) * 0x1p-23f;
}

static double number_f64(const uint8_t bytes[8])
{
	return (double)((int64_t)assay_le64_read(bytes) >> 11) * 0x1p-52;
}

/* sum[j] = x * y[j] + sum[j] with one rounding, whatever the compiler may fuse elsewhere. Without such an instruction,
 * the C library's. */
static inline void fma_f32(float sum[8], float x, const float y[8])
{
#if defined(__FMA__)
	_mm256_storeu_ps(sum, _mm256_fmadd_ps(_mm256_set1_ps(x), _mm256_loadu_ps(y), _mm256_loadu_ps(sum)));
#else
	for (uint32_t j = 0; j < 8; j++)
		sum[j] = __builtin_fmaf(x, y[j], sum[j]);
#endif
}

static inline void fma_f64(double sum[8], double x, const double y[8])
{
#if defined(__FMA__)
	for (uint32_t j = 0; j < 8; j += 4)
		_mm256_storeu_pd(sum + j,
		                 _mm256_fmadd_pd(_mm256_set1_pd(x), _mm256_loadu_pd(y + j), _mm256_loadu_pd(sum + j)));
#else
	for (uint32_t j = 0; j < 8; j++)
		sum[j] = __builtin_fma(x, y[j], sum[j]);
#endif
}

static void tile_f32(float sum[8][8], const uint8_t a[8][4 * ASSAY_ARITH_FLOATS],
                     const uint8_t b[8][4 * ASSAY_ARITH_FLOATS], uint32_t len)
{
	float x[ASSAY_ARITH_FLOATS][8], y[ASSAY_ARITH_FLOATS][8];

	for (uint32_t i = 0; i < 8; i++)
		for (uint32_t l = 0; l < len; l++) {
			x[l][i] = number_f32(a[i] + 4 * l);
			y[l][i] = number_f32(b[i] + 4 * l);
		}
	for (uint32_t l = 0; l < len; l++)
		for (uint32_t i = 0; i < 8; i++)
			fma_f32(sum[i], x[l][i], y[l]);
}

static void tile_f64(double sum[8][8], const uint8_t a[8][8 * ASSAY_ARITH_FLOATS],
                     const uint8_t b[8][8 * ASSAY_ARITH_FLOATS], uint32_t len)
{
	double x[ASSAY_ARITH_FLOATS][8], y[ASSAY_ARITH_FLOATS][8];

	for (uint32_t i = 0; i < 8; i++)
		for (uint32_t l = 0; l < len; l++) {
			x[l][i] = number_f64(a[i] + 8 * l);
			y[l][i] = number_f64(b[i] + 8 * l);
		}
	for (uint32_t l = 0; l < len; l++)
		for (uint32_t i = 0; i < 8; i++)
			fma_f64(sum[i], x[l][i], y[l]);
}

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static const uint32_t initial_hash[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static inline lanes rotate(lanes x, int n)
{
	return x >> n | x << (32 - n);
}

/* SHA-256 of ARITH_LANES messages of one block; w is the message schedule with its first 16 words filled. */
static void sha256_block(lanes hash[8], lanes w[64])
{
	for (int t = 16; t < 64; t++) {
		lanes s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
		lanes s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;
		w[t] = s1 + w[t - 7] + s0 + w[t - 16];
	}

	lanes v[8];
	for (int i = 0; i < 8; i++)
		v[i] = (lanes){0} + initial_hash[i];
	for (int t = 0; t < 64; t++) {
		lanes s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
		lanes choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
		lanes t1 = v[7] + s1 + choice + round_constants[t] + w[t];
		lanes s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
		lanes majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
		for (int i = 7; i > 0; i--)
			v[i] = v[i - 1];
		v[4] += t1;
		v[0] = t1 + s0 + majority;
	}
	for (int i = 0; i < 8; i++)
		hash[i] = v[i] + initial_hash[i];
}

static uint32_t big_endian(const uint8_t bytes[4])
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void sha256_fold(uint8_t fold[32], const uint8_t seed[32], uint64_t first, uint32_t count)
{
	for (uint32_t done = 0; done < count; done += ARITH_LANES) {
		uint32_t used = count - done < ARITH_LANES ? count - done : ARITH_LANES;
		uint32_t low[ARITH_LANES], high[ARITH_LANES];
		lanes w[64], hash[8];

		for (uint32_t l = 0; l < ARITH_LANES; l++) {
			uint64_t i = first + done + l;
			low[l] = __builtin_bswap32((uint32_t)i);
			high[l] = __builtin_bswap32((uint32_t)(i >> 32));
		}
		memcpy(&w[0], low, sizeof w[0]);
		memcpy(&w[1], high, sizeof w[1]);
		for (int t = 0; t < 8; t++)
			w[2 + t] = (lanes){0} + big_endian(seed + 4 * t);
		for (int t = 10; t < 16; t++)
			w[t] = (lanes){0};
		w[10] += 0x80000000u;
		w[15] += 40 * 8;
		sha256_block(hash, w);

		for (int word = 0; word < 8; word++) {
			uint32_t lane[ARITH_LANES];
			memcpy(lane, &hash[word], sizeof lane);
			for (uint32_t l = 0; l < used; l++)
				for (int byte = 0; byte < 4; byte++)
					fold[4 * word + byte] ^= (uint8_t)(lane[l] >> (24 - 8 * byte));
		}
	}
}

/* The quarter round of RFC 8439 2.1 on words a, b, c, d. */
static inline void quarter(lanes *a, lanes *b, lanes *c, lanes *d)
{
	*a += *b;
	*d = rotate(*d ^ *a, 32 - 16);
	*c += *d;
	*b = rotate(*b ^ *c, 32 - 12);
	*a += *b;
	*d = rotate(*d ^ *a, 32 - 8);
	*c += *d;
	*b = rotate(*b ^ *c, 32 - 7);
}

static inline void double_round(lanes x[16])
{
	for (int i = 0; i < 4; i++)
		quarter(&x[i], &x[4 + i], &x[8 + i], &x[12 + i]);
	for (int i = 0; i < 4; i++)
		quarter(&x[i], &x[4 + (i + 1) % 4], &x[8 + (i + 2) % 4], &x[12 + (i + 3) % 4]);
}

/* SPEC 5.6: both halves, then they exchange their last four words. */
static void mix(lanes x[ASSAY_ARITH_STATE], uint32_t double_rounds)
{
	for (uint32_t round = 0; round < double_rounds; round++) {
		double_round(x);
		double_round(x + 16);
		for (int i = 12; i < 16; i++) {
			lanes word = x[i];
			x[i] = x[16 + i];
			x[16 + i] = word;
		}
	}
}

/* Walkers side by side; lanes beyond the last walker repeat it. */
static void walk(uint32_t (*states)[ASSAY_ARITH_STATE], uint32_t count, const uint32_t table[ASSAY_ARITH_STATE],
                 uint32_t items, uint32_t double_rounds)
{
	for (uint32_t done = 0; done < count; done += ARITH_LANES) {
		uint32_t used = count - done < ARITH_LANES ? count - done : ARITH_LANES, lane[ARITH_LANES];
		lanes state[ASSAY_ARITH_STATE], item[ASSAY_ARITH_STATE], index;

		for (uint32_t i = 0; i < ASSAY_ARITH_STATE; i++) {
			for (uint32_t l = 0; l < ARITH_LANES; l++)
				lane[l] = states[done + (l < used ? l : used - 1)][i];
			memcpy(&state[i], lane, sizeof state[i]);
		}
		for (uint32_t read = 0; read < ASSAY_ARITH_READS; read++) {
			for (uint32_t l = 0; l < ARITH_LANES; l++) {
				/* A fraction of 2^64, times the items; the product has 96 bits. */
				uint64_t low = (uint64_t)state[0][l] * items, high = (uint64_t)state[1][l] * items;
				lane[l] = (uint32_t)((high + (low >> 32)) >> 32);
			}
			memcpy(&index, lane, sizeof index);
			for (uint32_t i = 0; i < ASSAY_ARITH_STATE; i++)
				item[i] = (lanes){0} + table[i];
			item[12] ^= index;
			mix(item, double_rounds);
			for (uint32_t i = 0; i < ASSAY_ARITH_STATE; i++)
				state[i] ^= item[i];
			mix(state, 2);
		}
		for (uint32_t i = 0; i < ASSAY_ARITH_STATE; i++)
			for (uint32_t l = 0; l < used; l++)
				states[done + l][i] = state[i][l];
	}
}

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

extern const struct assay_arith JOIN(assay_arith_, ARITH_LEVEL);
const struct assay_arith JOIN(assay_arith_, ARITH_LEVEL) = {
    .name = TEXT(ARITH_LEVEL),
    .tile_i8 = tile_i8,
    .tile_i16 = tile_i16,
    .tile_f32 = tile_f32,
    .tile_f64 = tile_f64,
    .sha256_fold = sha256_fold,
    .walk = walk,
};
