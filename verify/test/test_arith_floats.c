/* SPDX-License-Identifier: Apache-2.0
 *
 * verify/arith.c: chains of fused multiply-adds, every level against the C library's. SPEC 5.4, 5.5. */
#include <math.h>
#include <string.h>

#include <criterion/criterion.h>

#include "verify/arith.h"
#include "verify/bytes.h"
#include "verify/test/support.h"

enum { LEN = ASSAY_ARITH_FLOATS };
typedef uint8_t rows[8][8 * LEN];
typedef uint8_t rows_f32[8][4 * LEN];

/* Words: at the ends, near zero, those of rails (harness/rails_floats.c), and any; the bits that do not count are any.
 */
static void fill(rows x, unsigned kind, bool wide, uint64_t *state)
{
	const uint32_t size = wide ? 8 : 4, unused = wide ? 11 : 8;

	for (uint32_t i = 0; i < 8; i++)
		for (uint32_t l = 0; l < LEN; l++) {
			uint64_t any = test_random(state), word = any;
			if (kind == 1)
				word = (any >> 8) % 2 ? UINT64_MAX >> 1 : UINT64_C(1) << 63;
			else if (kind == 2)
				word = (any >> 20) % 4 ? 0 : UINT64_MAX;
			if (!wide && kind)
				word >>= 32;
			word = (word & ~((UINT64_C(1) << unused) - 1)) | (any & ((UINT64_C(1) << unused) - 1));
			for (uint32_t byte = 0; byte < size; byte++)
				x[i][size * l + byte] = (uint8_t)(word >> 8 * byte);
		}
}

Test(arith, chains_of_floats_of_every_length)
{
	static rows a, b;
	static rows_f32 a32, b32;
	uint64_t state = 7;

	for (unsigned kind = 0; kind < 9; kind++) {
		fill(a, kind / 3, false, &state);
		fill(b, kind % 3, false, &state);
		for (uint32_t i = 0; i < 8; i++) {
			memcpy(a32[i], a[i], sizeof a32[i]);
			memcpy(b32[i], b[i], sizeof b32[i]);
		}
		for (uint32_t len = 1; len <= LEN; len += len < 8 ? 1 : 31) {
			float start[8][8], expected[8][8], sum[8][8];
			for (uint32_t i = 0; i < 64; i++)
				start[i / 8][i % 8] = expected[i / 8][i % 8] = ldexpf(
				    (float)((int32_t)test_random(&state) >> 8), -(int)(test_random(&state) % 24));
			for (uint32_t l = 0; l < len; l++)
				for (uint32_t i = 0; i < 64; i++) {
					int32_t x = (int32_t)assay_le32_read(a[i / 8] + 4 * l) >> 8;
					int32_t y = (int32_t)assay_le32_read(b[i % 8] + 4 * l) >> 8;
					float *entry = &expected[i / 8][i % 8];
					*entry = fmaf(ldexpf((float)x, -23), ldexpf((float)y, -23), *entry);
				}
			for (const struct assay_arith *const *level = assay_arith_levels(); *level; level++) {
				memcpy(sum, start, sizeof sum);
				(*level)->tile_f32(sum, (const uint8_t(*)[4 * LEN]) a32,
				                   (const uint8_t(*)[4 * LEN]) b32, len);
				cr_assert(memcmp(sum, expected, sizeof sum) == 0, "%s, length %u, operands %u",
				          (*level)->name, len, kind);
			}
		}
	}
}

Test(arith, chains_of_doubles_of_every_length)
{
	static rows a, b;
	uint64_t state = 8;

	for (unsigned kind = 0; kind < 9; kind++) {
		fill(a, kind / 3, true, &state);
		fill(b, kind % 3, true, &state);
		for (uint32_t len = 1; len <= LEN; len += len < 8 ? 1 : 31) {
			double start[8][8], expected[8][8], sum[8][8];
			for (uint32_t i = 0; i < 64; i++)
				start[i / 8][i % 8] = expected[i / 8][i % 8] = ldexp(
				    (double)((int64_t)test_random(&state) >> 11), -(int)(test_random(&state) % 60));
			for (uint32_t l = 0; l < len; l++)
				for (uint32_t i = 0; i < 64; i++) {
					int64_t x = (int64_t)assay_le64_read(a[i / 8] + 8 * l) >> 11;
					int64_t y = (int64_t)assay_le64_read(b[i % 8] + 8 * l) >> 11;
					double *entry = &expected[i / 8][i % 8];
					*entry = fma(ldexp((double)x, -52), ldexp((double)y, -52), *entry);
				}
			for (const struct assay_arith *const *level = assay_arith_levels(); *level; level++) {
				memcpy(sum, start, sizeof sum);
				(*level)->tile_f64(sum, (const uint8_t(*)[8 * LEN]) a, (const uint8_t(*)[8 * LEN]) b,
				                   len);
				cr_assert(memcmp(sum, expected, sizeof sum) == 0, "%s, length %u, operands %u",
				          (*level)->name, len, kind);
			}
		}
	}
}

/* Sums that end beside the middle between two numbers: 2^8 or 2^11 and a product of 2^30 + 1 or 2^62 + 1 units. */
Test(arith, chains_end_with_one_rounding)
{
	for (const struct assay_arith *const *level = assay_arith_levels(); *level; level++) {
		uint8_t x32[8][4 * LEN] = {{0}}, y32[8][4 * LEN] = {{0}}, x64[8][8 * LEN] = {{0}},
		                   y64[8][8 * LEN] = {{0}};
		float sum32[8][8];
		double sum64[8][8];
		for (uint32_t i = 0; i < 8; i++) {
			assay_le32_write(x32[i], 33025u << 8);
			assay_le32_write(y32[i], 32513u << 8);
			assay_le64_write(x64[i], UINT64_C(2147549185) << 11);
			assay_le64_write(y64[i], UINT64_C(2147418113) << 11);
		}
		for (uint32_t i = 0; i < 64; i++) {
			sum32[i / 8][i % 8] = 256;
			sum64[i / 8][i % 8] = 2048;
		}
		(*level)->tile_f32(sum32, (const uint8_t(*)[4 * LEN]) x32, (const uint8_t(*)[4 * LEN]) y32, 1);
		(*level)->tile_f64(sum64, (const uint8_t(*)[8 * LEN]) x64, (const uint8_t(*)[8 * LEN]) y64, 1);
		for (uint32_t i = 0; i < 64; i++) {
			cr_assert_eq(sum32[i / 8][i % 8], 256 + 0x1p-15f, "%s", (*level)->name);
			cr_assert_eq(sum64[i / 8][i % 8], 2048 + 0x1p-41, "%s", (*level)->name);
		}
	}
}
