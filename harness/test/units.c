/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels with matrix units as plain C, on a group of coroutines. Compiled once a kind of unit (UNITS_KIND, and the
 * macro that units.h asks for). The instructions are written from the vendors' manuals, entry by entry; the kernels and
 * the tables of units.h are the real ones. Copies arrive at the last moment at which they must. */
#include "harness/test/group.h"

#include <stdlib.h>

#include "harness/test/halves.h"

#define LANES 1
#include "kernels/dialect.h"

#define UNITS_EMULATED
#define SHAPE(name) static const u32 name[5]
#define fresh(x) (x)
#define GROUP emulated_group
#define GROUP_ITEM group_item()
#if defined(UNITS_NO_BARRIER)
#define BARRIER()
#else
#define BARRIER() group_barrier()
#endif

static _Thread_local u32 emulated_group;
static _Thread_local void *emulated_memory;
#define group_memory ((u32x4 *)emulated_memory)

/* The instructions are plain enough; under a sanitizer they would take most of the time. */
#define MACHINE __attribute__((no_sanitize("address", "undefined")))

/* ---- NVIDIA (PTX ISA 9.7.14): mma.m8n8k16 and mma.m16n8k32 with signed bytes, m16n8k8 and m16n8k16 with f16 ---- */

#if defined(UNITS_MMA_K16) || defined(UNITS_MMA_K32)
struct mma {
	u32 *c[4];
	u32 a[4], b[2];
};

MACHINE static int32_t byte_of(const void *words, int index)
{
	return ((const int8_t *)words)[index];
}

/* Entry (row, column) of C, of `rows` x 8, with `ks` bytes of k. */
MACHINE static void mma(void *const *lanes, int rows, int ks)
{
	int32_t a[16][32], b[32][8];

	for (int lane = 0; lane < 32; lane++) {
		const struct mma *part = lanes[lane];
		const int group = lane >> 2, thread = lane % 4;
		for (int i = 0; i < rows * ks / 32; i++) {
			/* m8n8k16: i < 4. m16n8k32: 0..3 and 8..11 in the upper rows; from 8 on k + 16. */
			int row = i / 4 % 2 ? group + 8 : group, k = thread * 4 + (i & 3) + (i >= 8 ? 16 : 0);
			a[row][k] = byte_of(part->a, i);
		}
		for (int i = 0; i < ks / 4; i++)
			b[thread * 4 + (i & 3) + (i >= 4 ? 16 : 0)][group] = byte_of(part->b, i);
	}
	for (int lane = 0; lane < 32; lane++) {
		const struct mma *part = lanes[lane];
		for (int i = 0; i < rows / 4; i++) {
			int row = (lane >> 2) + (i >= 2 ? 8 : 0), column = lane % 4 * 2 + (i & 1);
			for (int k = 0; k < ks; k++)
				*part->c[i] += (u32)(a[row][k] * b[k][column]);
		}
	}
}

struct mma_half {
	float *c[4];
	u32 a[4], b[2];
};

static float half_of(const void *words, int index)
{
	return half_number(((const uint16_t *)words)[index]);
}

/* The same for a C of 16 x 8 in f32, with `ks` halves of k. */
MACHINE static void mma_half(void *const *lanes, int ks)
{
	float a[16][16], b[16][8];

	for (int lane = 0; lane < 32; lane++) {
		const struct mma_half *part = lanes[lane];
		const int group = lane >> 2, thread = lane % 4;
		for (int i = 0; i < ks / 2; i++) {
			/* 0, 1, 4 and 5 in the upper rows; from 4 on k + 8. */
			int row = i / 2 % 2 ? group + 8 : group;
			a[row][thread * 2 + (i & 1) + (i >= 4 ? 8 : 0)] = half_of(part->a, i);
		}
		for (int i = 0; i < ks / 4; i++)
			b[thread * 2 + (i & 1) + (i >= 2 ? 8 : 0)][group] = half_of(part->b, i);
	}
	for (int lane = 0; lane < 32; lane++) {
		const struct mma_half *part = lanes[lane];
		for (int i = 0; i < 4; i++) {
			int row = (lane >> 2) + (i >= 2 ? 8 : 0), column = lane % 4 * 2 + (i & 1);
			*part->c[i] = halves_sum(*part->c[i], a[row], &b[0][column], 8, ks);
		}
	}
}

#if defined(UNITS_MMA_K32)
static void mma_m16n8k16_all(void *const *lanes)
{
	mma_half(lanes, 16);
}

static void mma_m16n8k16(float *c0, float *c1, float *c2, float *c3, u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1)
{
	struct mma_half part = {{c0, c1, c2, c3}, {a0, a1, a2, a3}, {b0, b1}};

	group_wave(mma_m16n8k16_all, &part);
}

static void mma_m16n8k32_all(void *const *lanes)
{
	mma(lanes, 16, 32);
}

static void mma_m16n8k32(u32 *c0, u32 *c1, u32 *c2, u32 *c3, u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1)
{
	struct mma part = {{c0, c1, c2, c3}, {a0, a1, a2, a3}, {b0, b1}};

	group_wave(mma_m16n8k32_all, &part);
}

/* Copies of an item, by set; they happen when they are waited for. */
static _Thread_local struct {
	struct {
		void *to;
		const void *from;
		u32 set;
	} copy[64];
	u32 first, end, sets;
} copies[GROUP_ITEMS_MAX];

#define cp_async(to, from) cp_async_begin(to, from)
static void cp_async_begin(void *to, const void *from)
{
	u32 item = group_item(), at = copies[item].end++ % 64;

	if (copies[item].end - copies[item].first > 64)
		abort();
	copies[item].copy[at].to = to;
	copies[item].copy[at].from = from;
	copies[item].copy[at].set = copies[item].sets;
}

static void cp_async_commit(void)
{
	copies[group_item()].sets++;
}

static void cp_async_wait(u32 newest)
{
	u32 item = group_item();

	for (; copies[item].first < copies[item].end; copies[item].first++) {
		u32 at = copies[item].first % 64;
		if (copies[item].copy[at].set + newest >= copies[item].sets)
			return;
		memcpy(copies[item].copy[at].to, copies[item].copy[at].from, 16);
	}
}
#else
static void mma_m8n8k16_all(void *const *lanes)
{
	mma(lanes, 8, 16);
}

static void mma_m8n8k16(u32 *c0, u32 *c1, u32 a, u32 b)
{
	struct mma part = {{c0, c1}, {a}, {b}};

	group_wave(mma_m8n8k16_all, &part);
}

static void mma_m16n8k8_all(void *const *lanes)
{
	mma_half(lanes, 8);
}

static void mma_m16n8k8(float *c0, float *c1, float *c2, float *c3, u32 a0, u32 a1, u32 b)
{
	struct mma_half part = {{c0, c1, c2, c3}, {a0, a1}, {b}};

	group_wave(mma_m16n8k8_all, &part);
}
#endif

/* ---- AMD (instruction set references of CDNA1, CDNA3, RDNA3, RDNA4) ---- */

#else
struct matrix {
	int8_t a[16], b[16];
	int32_t d[8];
};

/* A lane brings `bytes` bytes of row (of A) or column (of B) lane % 16, from k = first(lane) on; entry r of D is
 * (row(lane, r), lane % 16). */
MACHINE static void matrix(void *const *lanes, int wave, int bytes, int ks, int sums, int (*first)(int lane),
                           int (*row)(int lane, int r))
{
	int32_t a[16][32], b[32][16];

	for (int lane = 0; lane < wave; lane++) {
		const struct matrix *part = lanes[lane];
		for (int i = 0; i < bytes; i++) {
			a[lane % 16][first(lane) + i] = part->a[i];
			b[first(lane) + i][lane % 16] = part->b[i];
		}
	}
	for (int lane = 0; lane < wave; lane++) {
		struct matrix *part = lanes[lane];
		for (int r = 0; r < sums; r++)
			for (int k = 0; k < ks; k++)
				part->d[r] = (int32_t)((u32)part->d[r] + (u32)(a[row(lane, r)][k] * b[k][lane % 16]));
	}
}

/* The same for `halves` halves and sums in f32. */
struct matrix_half {
	uint16_t a[16], b[16];
	float d[8];
};

MACHINE static void matrix_half(void *const *lanes, int wave, int halves, int ks, int sums, int (*first)(int lane),
                                int (*row)(int lane, int r))
{
	float a[16][16], b[16][16];

	for (int lane = 0; lane < wave; lane++) {
		const struct matrix_half *part = lanes[lane];
		for (int i = 0; i < halves; i++) {
			a[lane % 16][first(lane) + i] = half_number(part->a[i]);
			b[first(lane) + i][lane % 16] = half_number(part->b[i]);
		}
	}
	for (int lane = 0; lane < wave; lane++) {
		struct matrix_half *part = lanes[lane];
		for (int r = 0; r < sums; r++)
			part->d[r] = halves_sum(part->d[r], a[row(lane, r)], &b[0][lane % 16], 16, ks);
	}
}

#define MATRIX(name, wave, bytes, ks, sums, operand, vector, FIRST, ROW) \
	MATRIX_OF(matrix, name, wave, bytes, bytes, ks, sums, operand, vector, FIRST, ROW)
#define MATRIX_HALF(name, wave, halves, ks, sums, operand, vector, FIRST, ROW) \
	MATRIX_OF(matrix_half, name, wave, halves, 2 * halves, ks, sums, operand, vector, FIRST, ROW)
#define MATRIX_OF(matrix, name, wave, elements, bytes, ks, sums, operand, vector, FIRST, ROW) \
	static int name##_first(int lane)                                                     \
	{                                                                                     \
		(void)lane;                                                                   \
		return FIRST;                                                                 \
	}                                                                                     \
	static int name##_row(int lane, int r)                                                \
	{                                                                                     \
		return ROW;                                                                   \
	}                                                                                     \
	static void name##_all(void *const *lanes)                                            \
	{                                                                                     \
		matrix(lanes, wave, elements, ks, sums, name##_first, name##_row);            \
	}                                                                                     \
	static vector name(operand a, operand b, vector sum)                                  \
	{                                                                                     \
		struct matrix part;                                                           \
		_Static_assert(sizeof a == bytes && sizeof sum == 4 * sums, "registers");     \
		memcpy(part.a, &a, sizeof a);                                                 \
		memcpy(part.b, &b, sizeof b);                                                 \
		memcpy(part.d, &sum, sizeof sum);                                             \
		group_wave(name##_all, &part);                                                \
		memcpy(&sum, part.d, sizeof sum);                                             \
		return sum;                                                                   \
	}

typedef int i32x2 __attribute__((vector_size(8)));
typedef int i32x4 __attribute__((vector_size(16)));
typedef int i32x8 __attribute__((vector_size(32)));
typedef float f32x4 __attribute__((vector_size(16)));
typedef float f32x8 __attribute__((vector_size(32)));
typedef short units_f16x4 __attribute__((vector_size(8)));
typedef short units_f16x8 __attribute__((vector_size(16)));
typedef short units_f16x16 __attribute__((vector_size(32)));
#if defined(UNITS_MFMA_K16) || defined(UNITS_MFMA_K32)
MATRIX_HALF(mfma_half, 64, 4, 16, 4, units_f16x4, f32x4, lane / 16 * 4, lane / 16 * 4 + r)
#define __builtin_amdgcn_mfma_f32_16x16x16f16(a, b, c, x, y, z) mfma_half(a, b, c)
#elif defined(UNITS_WMMA_11)
MATRIX_HALF(wmma_half_11, 32, 16, 16, 8, units_f16x16, f32x8, 0, 2 * r + lane / 16)
#define __builtin_amdgcn_wmma_f32_16x16x16_f16_w32(a, b, c) wmma_half_11(a, b, c)
#else
MATRIX_HALF(wmma_half_12, 32, 8, 16, 8, units_f16x8, f32x8, lane / 16 * 8, lane / 16 * 8 + r)
#define __builtin_amdgcn_wmma_f32_16x16x16_f16_w32_gfx12(a, b, c) wmma_half_12(a, b, c)
#endif
#if defined(UNITS_MFMA_K16)
MATRIX(mfma_16x16x16, 64, 4, 16, 4, int, i32x4, lane / 16 * 4, lane / 16 * 4 + r)
#define __builtin_amdgcn_mfma_i32_16x16x16i8(a, b, c, x, y, z) mfma_16x16x16(a, b, c)
#elif defined(UNITS_MFMA_K32)
MATRIX(mfma_16x16x32, 64, 8, 32, 4, long, i32x4, lane / 16 * 8, lane / 16 * 4 + r)
#define __builtin_amdgcn_mfma_i32_16x16x32_i8(a, b, c, x, y, z) mfma_16x16x32(a, b, c)
#elif defined(UNITS_WMMA_11)
MATRIX(wmma_11, 32, 16, 16, 8, i32x4, i32x8, 0, 2 * r + lane / 16)
#define __builtin_amdgcn_wmma_i32_16x16x16_iu8_w32(sa, a, sb, b, c, clamp) wmma_11(a, b, c)
#else
MATRIX(wmma_12, 32, 8, 16, 8, i32x2, i32x8, lane / 16 * 8, lane / 16 * 8 + r)
#define __builtin_amdgcn_wmma_i32_16x16x16_iu8_w32_gfx12(sa, a, sb, b, c, clamp) wmma_12(a, b, c)
#endif
#endif

#include "kernels/units.h"

#include "kernels/block_units.cl"

#include "kernels/matmul_i8_units.cl"

#include "kernels/matmul_i9_units.cl"

#define ARG(type, i) (*(type const *)arguments[i])
#define KIND_(kind) units_##kind
#define KIND(kind) KIND_(kind)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

static _Bool run(void (*item)(void *context, uint32_t index), const u32 *shape, const void *const *arguments,
                 uint32_t groups, enum group_order order)
{
	_Bool good = 1;

	emulated_memory = aligned_alloc(16, shape[3]);
	if (!emulated_memory)
		abort();
	for (emulated_group = 0; good && emulated_group < groups; emulated_group++) {
		/* Memory holds what earlier groups left, or anything. */
		memset(emulated_memory, 0xa5, shape[3]);
#if defined(UNITS_MMA_K32)
		memset(copies, 0, sizeof copies);
#endif
		good = group_run(item, (void *)(uintptr_t)arguments, shape[0], UNIT_WAVE, order);
	}
	free(emulated_memory);
	return good;
}

#define RUN(kernel)                                                                                               \
	static void kernel##_item(void *context, u32 index)                                                       \
	{                                                                                                         \
		const void *const *arguments = context;                                                           \
		kernel(index, ARG(u32 *, 0), ARG(u32 *, 1), ARG(u32 *, 2), ARG(u32, 3), ARG(u32, 4), ARG(u32, 5), \
		       ARG(u32, 6));                                                                              \
	}                                                                                                         \
	static _Bool kernel##_run(const void *const *arguments, uint32_t groups, enum group_order order)          \
	{                                                                                                         \
		return run(kernel##_item, kernel##_shape, arguments, groups, order);                              \
	}
RUN(matmul_i8)
RUN(matmul_i9)

const struct units KIND(UNITS_KIND) = {
    .kind = TEXT(UNITS_KIND), .i8 = {matmul_i8_shape, matmul_i8_run}, .i9 = {matmul_i9_shape, matmul_i9_run}};
