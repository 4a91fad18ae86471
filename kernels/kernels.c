/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels as plain C. Compiled once per level of instruction set; the build defines KERNELS_LEVEL, the level's
 * name, and LANES, and passes the level's compiler flags. */
#include "kernels/kernels.h"

#include "kernels/dialect.h"

#include "kernels/chacha20.cl"
#include "kernels/matmul_i8.cl"
#include "kernels/matmul_i9.cl"
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
		memory_fill(item, ARG(u32 *, 0), ARG(u32 *, 1), ARG(u32, 2), ARG(u32, 3), ARG(u32, 4));
}

static void memory_walk_range(const void *const *args, uint32_t first, uint32_t end)
{
	for (uint32_t item = first; item < end; item++)
		memory_walk(item, ARG(u32 *, 0), ARG(u32 *, 1), ARG(u32 *, 2), ARG(u32, 3), ARG(u32, 4), ARG(u32, 5));
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
            [ASSAY_KERNEL_SHA256_LEAVES] = sha256_leaves_range,
            [ASSAY_KERNEL_MERKLE_HASH] = merkle_hash_range,
            [ASSAY_KERNEL_MEMORY_FILL] = memory_fill_range,
            [ASSAY_KERNEL_MEMORY_WALK] = memory_walk_range,
            [ASSAY_KERNEL_MEMORY_WALK_ALONE] = memory_walk_alone_range,
        },
};
