/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels as the host sees them: by name, as source text for device compilers, and as plain C for each level of the
 * CPU's instruction set. Argument lists stand at the kernels themselves. */
#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum assay_kernel_id {
	ASSAY_KERNEL_CHACHA20_ROWS,
	ASSAY_KERNEL_MATMUL_I8,
	ASSAY_KERNEL_CHACHA20_ROWS_I9,
	ASSAY_KERNEL_MATMUL_I9,
	ASSAY_KERNEL_CHACHA20_ROWS_F32,
	ASSAY_KERNEL_MATMUL_F32,
	ASSAY_KERNEL_CHACHA20_ROWS_F64,
	ASSAY_KERNEL_MATMUL_F64,
	ASSAY_KERNEL_SHA256_LEAVES,
	ASSAY_KERNEL_MERKLE_HASH,
	ASSAY_KERNEL_MEMORY_FILL,
	ASSAY_KERNEL_MEMORY_WALK,
	ASSAY_KERNEL_MEMORY_WALK_ALONE,
	ASSAY_KERNEL_COUNT
};

/* Vectors of walkers of an item of memory_walk, and buffers that it reads a table from. */
#define ASSAY_MEMORY_BATCH(lanes) ((lanes) == 1 ? 1 : 4)
enum { ASSAY_MEMORY_PARTS = 4 };

/* Name of a kernel in the source, e.g. "matmul_i8". */
extern const char *const assay_kernel_names[ASSAY_KERNEL_COUNT];

/* Which kernels the program `units` has too. */
extern const _Bool assay_kernel_in_units[ASSAY_KERNEL_COUNT];

/* Texts for device compilers, whole programs once LANES is defined. `portable` has every kernel; `units` has those that
 * use matrix units, under the same names and with the same arguments. */
enum assay_program_id { ASSAY_PROGRAM_PORTABLE, ASSAY_PROGRAM_UNITS, ASSAY_PROGRAM_COUNT };

struct assay_program {
	const char *name;
	const unsigned char *source; /* `len` bytes and a terminator */
	size_t len;
};

extern const struct assay_program assay_programs[ASSAY_PROGRAM_COUNT];

/* A program for one architecture, made ahead of time where a compiler for it was at hand: PTX text with its terminator
 * ("61" serves compute capability 6.1 and later), NVIDIA machine code ("90a"), or an AMD code object ("gfx90a"), which
 * serve that architecture alone. */
struct assay_image {
	const char *architecture;
	enum assay_program_id program;
	int driver; /* the oldest release that loads it, as the driver counts them (13000); 0 = any */
	const unsigned char *data;
	size_t len;
};

/* What a program of the kernel NAME says of it in the variable NAME_shape, when its groups make blocks of tiles
 * together: work-items of a group, rows and columns of its block in tiles, bytes of group memory, form of the operands.
 */
struct assay_shape {
	uint32_t items, rows, columns, memory_bytes;
	uint32_t form; /* of its operands: see the kernel that makes them; 0 where there is one form */
};

/* Ended by a NULL architecture; older architectures first. */
extern const struct assay_image assay_images_cuda[], assay_images_hip[];

/* Runs items [first, end) of a kernel; args[i] is the address of argument i. */
typedef void assay_kernel_range(const void *const *args, uint32_t first, uint32_t end);

/* The kernels compiled for one level of instruction set. */
struct assay_kernel_set {
	const char *name; /* "baseline", "avx2", "avx512" */
	uint32_t lanes;
	assay_kernel_range *range[ASSAY_KERNEL_COUNT];
};

extern const struct assay_kernel_set assay_kernels_baseline;
#if defined(__x86_64__)
extern const struct assay_kernel_set assay_kernels_avx2;   /* needs AVX2 and FMA */
extern const struct assay_kernel_set assay_kernels_avx512; /* needs AVX-512 F, BW, VL and VNNI, and FMA */
#endif

#endif
