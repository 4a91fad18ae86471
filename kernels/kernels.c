/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels as plain C. Compiled once per level of instruction set; the build defines KERNELS_LEVEL, the level's
 * name, and LANES, and passes the level's compiler flags. */
#include "kernels/kernels.h"

#include <stdbool.h>

#include "kernels/dialect.h"
#include "kernels/floats.h"

#include "kernels/chacha20.cl"
#include "kernels/matmul_i8.cl"
#include "kernels/matmul_i9.cl"
#include "kernels/chacha20_floats.cl"
#include "kernels/matmul_f32.cl"
#include "kernels/matmul_f64.cl"
#include "kernels/sha256.cl"
#include "kernels/merkle.cl"
#include "kernels/memory.cl"

#define ARG(type, i) (*(type const *)args[i])

static void chacha20_rows_range(const void *const *args, uint32_t first, uint32_t end)
{
	for (uint32_t item = first; item < end; item++)
		chacha20_rows(item, ARG(u32 *, 0), ARG(u32 *, 1), ARG(u32, 2), ARG(u32, 3));
}

static void matmul_i8_range(const void *const *args, uint32_t first, uint32_t end)
{
	for (uint32_t item = first; item < end; item++)
		matmul_i8(item, ARG(u32 *, 0), ARG(u32 *, 1), ARG(u32 *, 2), ARG(u32, 3), ARG(u32, 4), ARG(u32, 5),
		          ARG(u32, 6));
}

static void chacha20_rows_i9_range(const void *const *args, uint32_t first, uint32_t end)
{
	for (uint32_t item = first; item < end; item++)
		chacha20_rows_i9(item, ARG(u32 *, 0), ARG(u32 *, 1), ARG(u32, 2), ARG(u32, 3), ARG(u32, 4));
}

static void matmul_i9_range(const void *const *args, uint32_t first, uint32_t end)
{
	for (uint32_t item = first; item < end; item++)
		matmul_i9(item, ARG(u32 *, 0), ARG(u32 *, 1), ARG(u32 *, 2), ARG(u32, 3), ARG(u32, 4), ARG(u32, 5),
		          ARG(u32, 6));
}

static void chacha20_rows_f32_range(const void *const *args, uint32_t first, uint32_t end)
{
	for (uint32_t item = first; item < end; item++)
		chacha20_rows_f32(item, ARG(u32 *, 0), ARG(u32 *, 1), ARG(u32, 2), ARG(u32, 3));
}

static void chacha20_rows_f64_range(const void *const *args, uint32_t first, uint32_t end)
{
	for (uint32_t item = first; item < end; item++)
		chacha20_rows_f64(item, ARG(u32 *, 0), ARG(u64 *, 1), ARG(u32, 2), ARG(u32, 3));
}

/* With vectors, products go part by part of k, so that the operands of a part stay in a cache while all items use them.
 * With so few vectors across a block that loads would be the limit, two blocks side by side are made at once. */
#define FLOATS_ARGS(element) \
	ARG(element *, 0), ARG(element *, 1), ARG(element *, 2), ARG(u32, 3), ARG(u32, 4), ARG(u32, 5), ARG(u32, 6)
#define FLOATS_RANGE(name, element, vectors, part)                                                     \
	static void name##_range(const void *const *args, uint32_t first, uint32_t end)                \
	{                                                                                              \
		const uint32_t count = ARG(u32, 4), k = ARG(u32, 6), last = end < count ? end : count; \
		const bool pairs = (vectors) == 1 && ARG(u32, 5) % 2 == 0;                             \
		for (uint32_t item = first; LANES == 1 && item < end; item++)                          \
			name(item, FLOATS_ARGS(element));                                              \
		for (uint32_t from = 0, to; LANES > 1 && from < k; from = to) {                        \
			to = k - from < (part) ? k : from + (part);                                    \
			for (uint32_t item = first; item < last; item++)                               \
				if (pairs && item % 2 == 0 && item + 1 < last)                         \
					name##_part(item++, FLOATS_ARGS(element), from, to, 2);        \
				else                                                                   \
					name##_part(item, FLOATS_ARGS(element), from, to, 1);          \
		}                                                                                      \
	}

FLOATS_RANGE(matmul_f32, u32, F32_VECTORS, F32_PART)
FLOATS_RANGE(matmul_f64, u64, F64_VECTORS, F64_PART)

static void sha256_leaves_range(const void *const *args, uint32_t first, uint32_t end)
{
	for (uint32_t item = first; item < end; item++)
		sha256_leaves(item, ARG(u32 *, 0), ARG(u32 *, 1), ARG(u32, 2), ARG(u32, 3), ARG(u32, 4));
}

static void merkle_hash_range(const void *const *args, uint32_t first, uint32_t end)
{
	for (uint32_t item = first; item < end; item++)
		merkle_hash(item, ARG(u32 *, 0), ARG(u32, 1), ARG(u32 *, 2), ARG(u32, 3), ARG(u32, 4), ARG(u32, 5),
		            ARG(u32, 6));
}

static void memory_fill_range(const void *const *args, uint32_t first, uint32_t end)
{
	for (uint32_t item = first; item < end; item++)
		memory_fill(item, ARG(u32 *, 0), ARG(u32 *, 1), ARG(u32, 2), ARG(u32, 3), ARG(u32, 4), ARG(u32, 5));
}

static void memory_walk_range(const void *const *args, uint32_t first, uint32_t end)
{
	for (uint32_t item = first; item < end; item++)
		memory_walk(item, ARG(u32 *, 0), ARG(u32 *, 1), ARG(u32 *, 2), ARG(u32 *, 3), ARG(u32, 4),
		            ARG(u32 *, 5), ARG(u32 *, 6), ARG(u32, 7), ARG(u32, 8), ARG(u32, 9));
}

static void memory_walk_alone_range(const void *const *args, uint32_t first, uint32_t end)
{
	for (uint32_t item = first; item < end; item++)
		memory_walk_alone(item, ARG(u32 *, 0), ARG(u32 *, 1), ARG(u32 *, 2), ARG(u32, 3), ARG(u32, 4),
		                  ARG(u32, 5), ARG(u32, 6));
}

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

extern const struct assay_kernel_set JOIN(assay_kernels_, KERNELS_LEVEL);
const struct assay_kernel_set JOIN(assay_kernels_, KERNELS_LEVEL) = {
    .name = TEXT(KERNELS_LEVEL),
    .lanes = LANES,
    .range =
        {
            [ASSAY_KERNEL_CHACHA20_ROWS] = chacha20_rows_range,
            [ASSAY_KERNEL_MATMUL_I8] = matmul_i8_range,
            [ASSAY_KERNEL_CHACHA20_ROWS_I9] = chacha20_rows_i9_range,
            [ASSAY_KERNEL_MATMUL_I9] = matmul_i9_range,
            [ASSAY_KERNEL_CHACHA20_ROWS_F32] = chacha20_rows_f32_range,
            [ASSAY_KERNEL_MATMUL_F32] = matmul_f32_range,
            [ASSAY_KERNEL_CHACHA20_ROWS_F64] = chacha20_rows_f64_range,
            [ASSAY_KERNEL_MATMUL_F64] = matmul_f64_range,
            [ASSAY_KERNEL_SHA256_LEAVES] = sha256_leaves_range,
            [ASSAY_KERNEL_MERKLE_HASH] = merkle_hash_range,
            [ASSAY_KERNEL_MEMORY_FILL] = memory_fill_range,
            [ASSAY_KERNEL_MEMORY_WALK] = memory_walk_range,
            [ASSAY_KERNEL_MEMORY_WALK_ALONE] = memory_walk_alone_range,
        },
};
