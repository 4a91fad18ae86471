/* SPDX-License-Identifier: Apache-2.0
 *
 * Second part of the dialect, for kernels in which a work-group works together: its memory, its barrier, copies into
 * it, and the matrix units by name. Prepended after dialect.h.
 *
 * A *unit product* adds to a UNIT_SLOTS x UNIT_SLOTS block of 32-bit sums the exact products of signed bytes of two
 * operands of UNIT_SLOTS rows (A * B^T). The lanes of a wave hold it together:
 *
 *   operand    lane l brings words unit_word(l, i), i < UNIT_WORDS, of row unit_slot(l)
 *   sums       lane l holds entries (unit_row(l, r), unit_column(l, r)), r < UNIT_SUMS
 *
 * One call takes UNIT_STEP words of each row. Which words those are does not matter, as long as both operands agree:
 * the sums are exact, so their order is free. unit_products makes two such blocks, of rows `a0` and `a1` with the same
 * `b`.
 *
 *                                        instruction                 wave  slots  words  step  sums
 *   MMA_K16    NVIDIA sm_75              mma.m8n8k16.s8                32      8      1     4     2
 *   MMA_K32    NVIDIA sm_80 and later    mma.m16n8k32.s8               32      8      2     8     2
 *   MFMA_K16   AMD gfx908, gfx90a        v_mfma_i32_16x16x16i8         64     16      1     4     4
 *   MFMA_K32   AMD gfx942                v_mfma_i32_16x16x32_i8        64     16      2     8     4
 *   WMMA_11    AMD gfx11                 v_wmma_i32_16x16x16_iu8       32     16      4     4     8
 *   WMMA_12    AMD gfx12                 v_wmma_i32_16x16x16_iu8       32     16      2     4     8
 *
 * A *half product* is the same for operands of f16, two a word, and sums in f32, on the same slots and entries; its own
 * are only how many words a lane brings, which, and how many of each row a call takes. Sums are exact while they are
 * integers below 2^24, whatever the order.
 *
 *                                        instruction                 words  step
 *   MMA_K16    NVIDIA sm_75              mma.m16n8k8.f32.f16             1     4
 *   MMA_K32    NVIDIA sm_80 and later    mma.m16n8k16.f32.f16            2     8
 *   MFMA_...   AMD gfx908 to gfx942      v_mfma_f32_16x16x16f16          2     8
 *   WMMA_11    AMD gfx11                 v_wmma_f32_16x16x16_f16         8     8
 *   WMMA_12    AMD gfx12                 v_wmma_f32_16x16x16_f16         4     8
 *
 * Sources: PTX ISA 9.0, 9.7.14; AMD's CDNA1, CDNA3, RDNA3 and RDNA4 instruction set references. */

/* How many products a sum of floats may have where operands are those of matmul-i9/1 (SPEC 14.14). */
#if !defined(HALF_SUMMANDS)
#define HALF_SUMMANDS 4096
#endif

/* ---- The machine's instructions. A program that defines UNITS_EMULATED brings its own (harness/test/units.c). ---- */

#if !defined(UNITS_EMULATED)

/* The group's memory; how much of it there is the launch says. */
extern __attribute__((shared)) u32x4 group_memory[];

/* SHAPE(name) = {five numbers}: what the host reads from the program. */
#define SHAPE(name)                                     \
	extern "C" __attribute__((device)) u32 name[5]; \
	__attribute__((device, used)) u32 name[5]

/* x, of which the compiler knows nothing: what depends on it is not worked out earlier. On AMD's, where a compiler
 * would read ahead as far as there are registers, no memory access moves across it either. */
FUNCTION u32 fresh(u32 x)
{
#if defined(__AMDGCN__)
	asm volatile("" : "+v"(x)::"memory");
#else
	asm volatile("" : "+r"(x));
#endif
	return x;
}

#if defined(__NVPTX__) || defined(__CUDA_ARCH__)

#if defined(__clang__)
#define GROUP ((u32)__nvvm_read_ptx_sreg_ctaid_x())
#define GROUP_ITEM ((u32)__nvvm_read_ptx_sreg_tid_x())
#else
#define GROUP (blockIdx.x)
#define GROUP_ITEM (threadIdx.x)
#endif
#define BARRIER() __syncthreads()

#if __CUDA_ARCH__ >= 800
#define UNITS_MMA_K32
FUNCTION void mma_m16n8k32(u32 *c0, u32 *c1, u32 *c2, u32 *c3, u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1)
{
	asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
	             "{%0, %1, %2, %3};"
	             : "+r"(*c0), "+r"(*c1), "+r"(*c2), "+r"(*c3)
	             : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

FUNCTION void mma_m16n8k16(float *c0, float *c1, float *c2, float *c3, u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1)
{
	asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
	             "{%0, %1, %2, %3};"
	             : "+f"(*c0), "+f"(*c1), "+f"(*c2), "+f"(*c3)
	             : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

FUNCTION void cp_async(u32x4 *to, const u32x4 *from)
{
	u32 address;
	asm("{ .reg .u64 t; cvta.to.shared.u64 t, %1; cvt.u32.u64 %0, t; }" : "=r"(address) : "l"(to));
	asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(address), "l"(from) : "memory");
}
#define cp_async_commit() asm volatile("cp.async.commit_group;" ::: "memory")
#define cp_async_wait(n) asm volatile("cp.async.wait_group %0;" ::"n"(n) : "memory")
#else
#define UNITS_MMA_K16
FUNCTION void mma_m8n8k16(u32 *c0, u32 *c1, u32 a, u32 b)
{
	asm volatile("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0, %1}, {%2}, {%3}, {%0, %1};"
	             : "+r"(*c0), "+r"(*c1)
	             : "r"(a), "r"(b));
}

FUNCTION void mma_m16n8k8(float *c0, float *c1, float *c2, float *c3, u32 a0, u32 a1, u32 b)
{
	asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, "
	             "{%0, %1, %2, %3};"
	             : "+f"(*c0), "+f"(*c1), "+f"(*c2), "+f"(*c3)
	             : "r"(a0), "r"(a1), "r"(b));
}
#endif

#elif defined(__AMDGCN__)

typedef _Float16 units_f16x4 __attribute__((ext_vector_type(4)));
typedef _Float16 units_f16x8 __attribute__((ext_vector_type(8)));
typedef _Float16 units_f16x16 __attribute__((ext_vector_type(16)));
#define GROUP (__builtin_amdgcn_workgroup_id_x())
#define GROUP_ITEM (__builtin_amdgcn_workitem_id_x())
FUNCTION void BARRIER(void)
{
	__builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
	__builtin_amdgcn_s_barrier();
	__builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
}
#if defined(__GFX12__)
#define UNITS_WMMA_12
#elif defined(__GFX11__)
#define UNITS_WMMA_11
#elif defined(__gfx940__) || defined(__gfx942__)
#define UNITS_MFMA_K32
#else
#define UNITS_MFMA_K16
#endif

#else
#error "no matrix units are known here"
#endif
#endif

/* ---- Who holds what ---- */

#if defined(UNITS_MMA_K16) || defined(UNITS_MMA_K32)

#define UNIT_WAVE 32
#define UNIT_SLOTS 8
#define UNIT_SUMS 2
#define unit_slot(lane) ((lane) / 4)
#define unit_word(lane, i) ((lane) % 4 + 4 * (i))
#define unit_row(lane, r) ((lane) / 4)
#define unit_column(lane, r) ((lane) % 4 * 2 + (r))
typedef struct {
	u32 x[UNIT_SUMS];
} unit_sums;
#define unit_sum(sums, r) ((sums).x[r])

FUNCTION void unit_clear(unit_sums *sum)
{
	sum->x[0] = sum->x[1] = 0;
}

typedef struct {
	float x[UNIT_SUMS];
} half_sums;
#define half_sum(sums, r) ((sums).x[r])
#define half_word(lane, i) unit_word(lane, i)

FUNCTION void half_clear(half_sums *sum)
{
	sum->x[0] = sum->x[1] = 0;
}

#if defined(UNITS_MMA_K32)
#define UNIT_WORDS 2
#define UNIT_STEP 8
FUNCTION void unit_products(unit_sums *sum0, unit_sums *sum1, const u32 *a0, const u32 *a1, const u32 *b)
{
	mma_m16n8k32(&sum0->x[0], &sum0->x[1], &sum1->x[0], &sum1->x[1], a0[0], a1[0], a0[1], a1[1], b[0], b[1]);
}

#define HALF_WORDS 2
#define HALF_STEP 8
FUNCTION void half_products(half_sums *sum0, half_sums *sum1, const u32 *a0, const u32 *a1, const u32 *b)
{
	mma_m16n8k16(&sum0->x[0], &sum0->x[1], &sum1->x[0], &sum1->x[1], a0[0], a1[0], a0[1], a1[1], b[0], b[1]);
}
#else
#define UNIT_WORDS 1
#define UNIT_STEP 4
FUNCTION void unit_products(unit_sums *sum0, unit_sums *sum1, const u32 *a0, const u32 *a1, const u32 *b)
{
	mma_m8n8k16(&sum0->x[0], &sum0->x[1], a0[0], b[0]);
	mma_m8n8k16(&sum1->x[0], &sum1->x[1], a1[0], b[0]);
}

#define HALF_WORDS 1
#define HALF_STEP 4
FUNCTION void half_products(half_sums *sum0, half_sums *sum1, const u32 *a0, const u32 *a1, const u32 *b)
{
	mma_m16n8k8(&sum0->x[0], &sum0->x[1], &sum1->x[0], &sum1->x[1], a0[0], a1[0], b[0]);
}
#endif

#else

typedef int units_i32x2 __attribute__((vector_size(8)));
typedef int units_i32x4 __attribute__((vector_size(16)));
typedef int units_i32x8 __attribute__((vector_size(32)));
typedef float units_f32x4 __attribute__((vector_size(16)));
typedef float units_f32x8 __attribute__((vector_size(32)));
#define UNIT_SLOTS 16
#define HALF_STEP 8
#define unit_slot(lane) ((lane) % 16)
#define unit_column(lane, r) ((lane) % 16)
#define unit_sum(sums, r) ((u32)(sums)[r])
#define half_sum(sums, r) ((sums)[r])

#if defined(UNITS_WMMA_11) || defined(UNITS_WMMA_12)
#define UNIT_WAVE 32
#define UNIT_STEP 4
#define UNIT_SUMS 8
typedef units_i32x8 unit_sums;
typedef units_f32x8 half_sums;
#else
#define UNIT_WAVE 64
#define UNIT_SUMS 4
#define unit_word(lane, i) ((lane) / 16 + 4 * (i))
#define unit_row(lane, r) ((lane) / 16 * 4 + (r))
typedef units_i32x4 unit_sums;
typedef units_f32x4 half_sums;
#define HALF_WORDS 2
#define half_word(lane, i) ((lane) / 16 * 2 + (i))
FUNCTION half_sums half_product(half_sums sum, const u32 *a, const u32 *b)
{
	units_i32x2 x = {(int)a[0], (int)a[1]}, y = {(int)b[0], (int)b[1]};
	return __builtin_amdgcn_mfma_f32_16x16x16f16((units_f16x4)x, (units_f16x4)y, sum, 0, 0, 0);
}
#endif

#if defined(UNITS_WMMA_11)
#define UNIT_WORDS 4
#define unit_word(lane, i) (i)
#define unit_row(lane, r) (2 * (r) + (lane) / 16)
FUNCTION unit_sums units_product(unit_sums sum, const u32 *a, const u32 *b)
{
	units_i32x4 x = {(int)a[0], (int)a[1], (int)a[2], (int)a[3]}, y = {(int)b[0], (int)b[1], (int)b[2], (int)b[3]};
	return __builtin_amdgcn_wmma_i32_16x16x16_iu8_w32(1, x, 1, y, sum, 0);
}

#define HALF_WORDS 8
#define HALF_PARTS 2
#define half_word(lane, i) (i)
FUNCTION half_sums half_product(half_sums sum, const u32 *a, const u32 *b)
{
	units_i32x8 x, y;
	UNROLL
	for (u32 i = 0; i < HALF_WORDS; i++) {
		x[i] = (int)a[i];
		y[i] = (int)b[i];
	}
	return __builtin_amdgcn_wmma_f32_16x16x16_f16_w32((units_f16x16)x, (units_f16x16)y, sum);
}
#elif defined(UNITS_WMMA_12)
#define UNIT_WORDS 2
#define unit_word(lane, i) ((lane) / 16 * 2 + (i))
#define unit_row(lane, r) ((lane) / 16 * 8 + (r))
FUNCTION unit_sums units_product(unit_sums sum, const u32 *a, const u32 *b)
{
	units_i32x2 x = {(int)a[0], (int)a[1]}, y = {(int)b[0], (int)b[1]};
	return __builtin_amdgcn_wmma_i32_16x16x16_iu8_w32_gfx12(1, x, 1, y, sum, 0);
}

#define HALF_WORDS 4
#define half_word(lane, i) ((lane) / 16 * 4 + (i))
FUNCTION half_sums half_product(half_sums sum, const u32 *a, const u32 *b)
{
	units_i32x4 x = {(int)a[0], (int)a[1], (int)a[2], (int)a[3]}, y = {(int)b[0], (int)b[1], (int)b[2], (int)b[3]};
	return __builtin_amdgcn_wmma_f32_16x16x16_f16_w32_gfx12((units_f16x8)x, (units_f16x8)y, sum);
}
#elif defined(UNITS_MFMA_K32)
#define UNIT_WORDS 2
#define UNIT_STEP 8
FUNCTION unit_sums units_product(unit_sums sum, const u32 *a, const u32 *b)
{
	long x = (long)(a[0] | (u64)a[1] << 32), y = (long)(b[0] | (u64)b[1] << 32);
	return __builtin_amdgcn_mfma_i32_16x16x32_i8(x, y, sum, 0, 0, 0);
}
#else
#define UNIT_WORDS 1
#define UNIT_STEP 4
FUNCTION unit_sums units_product(unit_sums sum, const u32 *a, const u32 *b)
{
	return __builtin_amdgcn_mfma_i32_16x16x16i8((int)a[0], (int)b[0], sum, 0, 0, 0);
}
#endif

FUNCTION void unit_clear(unit_sums *sum)
{
	*sum = (unit_sums){0};
}

FUNCTION void unit_products(unit_sums *sum0, unit_sums *sum1, const u32 *a0, const u32 *a1, const u32 *b)
{
	*sum0 = units_product(*sum0, a0, b);
	*sum1 = units_product(*sum1, a1, b);
}

FUNCTION void half_clear(half_sums *sum)
{
	*sum = (half_sums){0};
}

FUNCTION void half_products(half_sums *sum0, half_sums *sum1, const u32 *a0, const u32 *a1, const u32 *b)
{
	*sum0 = half_product(*sum0, a0, b);
	*sum1 = half_product(*sum1, a1, b);
}
#endif

/* Into how many parts the four rows that a lane can read at once are cut, where registers are few. */
#if !defined(HALF_PARTS)
#define HALF_PARTS 1
#endif

/* ---- Copies into the group's memory, in sets that copy_end closes ----
 *
 * copy_begin starts to copy a piece; copy_arrive ends when all but the newest COPY_AHEAD - 1 sets have arrived. The
 * next barrier shows them to the group. Where only registers can carry a copy, COPY_STAGED is 1: copy_begin reads into
 * *staged, and the kernel writes what was staged before that barrier. */

#if defined(UNITS_MMA_K32)
#define COPY_STAGED 0
#define COPY_AHEAD 3
#define copy_begin(to, from, staged) ((void)(staged), cp_async(to, from))
#define copy_end() cp_async_commit()
#define copy_arrive() cp_async_wait(COPY_AHEAD - 1)
#else
#define COPY_STAGED 1
#define COPY_AHEAD 1
#define copy_begin(to, from, staged) ((void)(to), *(staged) = *(from))
#define copy_end() ((void)0)
#define copy_arrive() ((void)0)
#endif
