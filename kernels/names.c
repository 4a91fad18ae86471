/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of the kernels in the source, and what is in which program. See kernels.h. */
#include "kernels/kernels.h"

const char *const assay_kernel_names[ASSAY_KERNEL_COUNT] = {
    [ASSAY_KERNEL_CHACHA20_ROWS] = "chacha20_rows",
    [ASSAY_KERNEL_MATMUL_I8] = "matmul_i8",
    [ASSAY_KERNEL_CHACHA20_ROWS_I9] = "chacha20_rows_i9",
    [ASSAY_KERNEL_MATMUL_I9] = "matmul_i9",
    [ASSAY_KERNEL_CHACHA20_ROWS_F32] = "chacha20_rows_f32",
    [ASSAY_KERNEL_MATMUL_F32] = "matmul_f32",
    [ASSAY_KERNEL_CHACHA20_ROWS_F64] = "chacha20_rows_f64",
    [ASSAY_KERNEL_MATMUL_F64] = "matmul_f64",
    [ASSAY_KERNEL_SHA256_LEAVES] = "sha256_leaves",
    [ASSAY_KERNEL_MERKLE_HASH] = "merkle_hash",
    [ASSAY_KERNEL_MEMORY_FILL] = "memory_fill",
    [ASSAY_KERNEL_MEMORY_WALK] = "memory_walk",
    [ASSAY_KERNEL_MEMORY_WALK_ALONE] = "memory_walk_alone",
};

const _Bool assay_kernel_in_units[ASSAY_KERNEL_COUNT] = {[ASSAY_KERNEL_MATMUL_I8] = 1, [ASSAY_KERNEL_MATMUL_I9] = 1};
