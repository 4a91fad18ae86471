/* SPDX-License-Identifier: Apache-2.0
 *
 * The dialect: one kernel source for C11, OpenCL C, CUDA and HIP. Prepended to every kernel; a kernel itself includes
 * nothing and has no #ifdef. kernels/README.md has the rules.
 *
 * LANES is how many 32-bit values a work-item holds side by side: 1 on a GPU, 4, 8 or 16 where the compiler has vector
 * registers. A `u32v` is LANES such values and knows + - ^ & | ~ << >> with another u32v or with a u32. */
#if !defined(LANES)
#error "define LANES as 1, 4, 8 or 16"
#endif

/* In front of a loop with constant bounds whose arrays are to stay in registers. */
#if defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__)
#define UNROLL _Pragma("GCC unroll 64")
#else
#define UNROLL _Pragma("unroll")
#endif

#if defined(__OPENCL_VERSION__)

#define DIALECT_JOIN_(a, b) a##b
#define DIALECT_JOIN(a, b) DIALECT_JOIN_(a, b)
#define asm __asm__
#define GLOBAL __global
#define CONSTANT __constant
#define FUNCTION static inline
#define KERNEL(name, ...) __kernel void name(__VA_ARGS__)
#define ITEM ((u32)get_global_id(0))
typedef uint u32;
typedef ulong u64;
#if LANES == 1
typedef uint u32v;
#define lanes_index() 0u
#define lanes_load(p) (*(p))
#define lanes_store(p, v) (*(p) = (v))
#else
typedef DIALECT_JOIN(uint, LANES) u32v;
#define DIALECT_INDEX4 0, 1, 2, 3
#define DIALECT_INDEX8 DIALECT_INDEX4, 4, 5, 6, 7
#define DIALECT_INDEX16 DIALECT_INDEX8, 8, 9, 10, 11, 12, 13, 14, 15
#define lanes_index() ((u32v)(DIALECT_JOIN(DIALECT_INDEX, LANES)))
#define lanes_load(p) DIALECT_JOIN(vload, LANES)(0, p)
#define lanes_store(p, v) DIALECT_JOIN(vstore, LANES)(v, 0, p)
#endif
#define splat(x) ((u32v)(x))
#define as_u32v(x) __builtin_astype(x, u32v)
#define rotl(x, n) rotate((u32v)(x), (u32v)(n))
typedef uint4 u32x4;
#define word_of(v, i) ((v).s##i)
#if LANES == 1
#define byteswap(x) as_uint(as_uchar4((u32)(x)).s3210)
#endif

#elif defined(__cplusplus)

/* CUDA by nvcc, NVRTC or clang, HIP by hipcc, hipRTC or clang. One lane; no headers are needed. */
#define GLOBAL
#define CONSTANT static __attribute__((constant)) const
#define FUNCTION static inline __attribute__((device, always_inline))
/* Groups of at most 256, so that a work-item may have registers enough. */
#if defined(__HIP__) || defined(__HIPCC_RTC__)
#define DIALECT_GROUP __attribute__((amdgpu_flat_work_group_size(1, 256)))
#else
#define DIALECT_GROUP __attribute__((launch_bounds(256)))
#endif
#define KERNEL(name, ...) extern "C" __attribute__((global)) DIALECT_GROUP void name(__VA_ARGS__)
#if defined(__AMDGCN__)
#define ITEM \
	(__builtin_amdgcn_workgroup_id_x() * __builtin_amdgcn_workgroup_size_x() + __builtin_amdgcn_workitem_id_x())
#elif defined(__NVPTX__) && defined(__clang__)
#define ITEM ((u32)(__nvvm_read_ptx_sreg_ctaid_x() * __nvvm_read_ptx_sreg_ntid_x() + __nvvm_read_ptx_sreg_tid_x()))
#elif defined(__SPIRV__)
__attribute__((device)) unsigned long get_global_id(unsigned dimension); /* OpenCL's */
#define ITEM ((u32)get_global_id(0))
#else
#define ITEM (blockIdx.x * blockDim.x + threadIdx.x)
#endif
typedef unsigned int u32;
typedef unsigned long long u64;
typedef u32 u32v;
#define lanes_index() 0u
#define lanes_load(p) (*(p))
#define lanes_store(p, v) (*(p) = (v))
#define splat(x) ((u32v)(x))
#if defined(__CUDACC__) && !defined(__clang__)
typedef struct __attribute__((aligned(16))) {
	u32 word[4];
} u32x4;
#define word_of(v, i) ((v).word[i])
#else
typedef u32 u32x4 __attribute__((vector_size(16)));
#define word_of(v, i) ((v)[i])
#endif
/* Compilers make funnel shifts of it (v_alignbit, shf), and fold constants; ci/gpu_kernels looks. */
#define rotl(x, n) (((x) << (n)) | ((x) >> (32 - (n))))
#if defined(__AMDGCN__)
#define byteswap(x) __builtin_amdgcn_perm(0, x, 0x00010203)
#elif defined(__NVPTX__) || defined(__CUDA_ARCH__)
FUNCTION u32 byteswap(u32 x)
{
	asm("prmt.b32 %0, %1, 0, 0x0123;" : "=r"(x) : "r"(x));
	return x;
}
#define byteswap byteswap
#endif

#else /* C11 with the vector types of gcc and clang */

#include <stdint.h>
#include <string.h>
#define GLOBAL
#define CONSTANT static const
#define FUNCTION static inline __attribute__((always_inline))
#define KERNEL(name, ...) static void name(u32 dialect_item, __VA_ARGS__)
#define ITEM dialect_item
typedef uint32_t u32;
typedef uint64_t u64;
typedef u32 u32v __attribute__((vector_size(4 * LANES)));
typedef u32 u32x4 __attribute__((vector_size(16)));
#define word_of(v, i) ((v)[i])

FUNCTION u32v lanes_load(const u32 *p)
{
	u32v v;
	memcpy(&v, p, sizeof v);
	return v;
}

FUNCTION void lanes_store(u32 *p, u32v v)
{
	memcpy(p, &v, sizeof v);
}

FUNCTION u32v lanes_index(void)
{
	const u32 index[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	return lanes_load(index);
}
#define splat(x) ((u32v){0} + (u32)(x))
#define as_u32v(x) ((u32v)(x))
#define rotl(x, n) (((x) << (n)) | ((x) >> (32 - (n))))
#endif

#define rotr(x, n) rotl(x, 32 - (n))

/* u32x4 is four words that are read and written at once, word_of(v, i) one of them. */

#if !defined(byteswap)
/* The bytes of each lane in reverse order. */
FUNCTION u32v byteswap(u32v x)
{
	return (rotl(x, 8) & 0x00ff00ffu) | (rotl(x, 24) & 0xff00ff00u);
}
#endif

/* Words p[0] ... p[15] in order. p is aligned to 16 bytes: where there is one lane, four words are read at once. */
FUNCTION void lanes_load_16(u32v out[16 / LANES], GLOBAL const u32 *p)
{
#if LANES == 1
	UNROLL
	for (u32 i = 0; i < 16; i += 4) {
		u32x4 four = *(GLOBAL const u32x4 *)(p + i);
		out[i] = splat(word_of(four, 0));
		out[i + 1] = splat(word_of(four, 1));
		out[i + 2] = splat(word_of(four, 2));
		out[i + 3] = splat(word_of(four, 3));
	}
#else
	UNROLL
	for (u32 i = 0; i < 16; i += LANES)
		out[i / LANES] = lanes_load(p + i);
#endif
}

#if LANES > 1
/* LANES vectors as a square of words: rows become columns. Blocks of d x d words change places, d = 1, 2, 4 ...: word e
 * of the upper vector of a pair is its own where e / d is even, else word e - d of the lower one, and so on. */
#define DIALECT_UPPER(e, d) ((e) & (d) ? LANES + (e) - (d) : (e))
#define DIALECT_LOWER(e, d) ((e) & (d) ? LANES + (e) : (e) + (d))
#define DIALECT_EACH4(F, e, d) F(e, d), F(e + 1, d), F(e + 2, d), F(e + 3, d)
#define DIALECT_EACH8(F, e, d) DIALECT_EACH4(F, e, d), DIALECT_EACH4(F, e + 4, d)
#define DIALECT_EACH16(F, e, d) DIALECT_EACH8(F, e, d), DIALECT_EACH8(F, e + 8, d)
#if LANES == 4
#define DIALECT_EACH(F, d) DIALECT_EACH4(F, 0, d)
#elif LANES == 8
#define DIALECT_EACH(F, d) DIALECT_EACH8(F, 0, d)
#else
#define DIALECT_EACH(F, d) DIALECT_EACH16(F, 0, d)
#endif
#if defined(__clang__)
#define DIALECT_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define DIALECT_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (u32v){__VA_ARGS__})
#endif
#define DIALECT_EXCHANGE(x, d)                                                              \
	UNROLL                                                                              \
	for (u32 i = 0; i < LANES; i++)                                                     \
		if (!(i & (d))) {                                                           \
			u32v a = x[i], b = x[i + (d)];                                      \
			x[i] = DIALECT_SHUFFLE(a, b, DIALECT_EACH(DIALECT_UPPER, d));       \
			x[i + (d)] = DIALECT_SHUFFLE(a, b, DIALECT_EACH(DIALECT_LOWER, d)); \
		}

FUNCTION void lanes_transpose(u32v x[LANES])
{
	DIALECT_EXCHANGE(x, 1)
	DIALECT_EXCHANGE(x, 2)
#if LANES >= 8
	DIALECT_EXCHANGE(x, 4)
#endif
#if LANES == 16
	DIALECT_EXCHANGE(x, 8)
#endif
}
#endif

/* Lane l of out[i] is from[l][i], i = 0 ... 31; all from[l] are aligned to 128 bytes. */
FUNCTION void lanes_gather_32(u32v out[32], GLOBAL const u32 *const from[LANES])
{
#if LANES == 1
	lanes_load_16(out, from[0]);
	lanes_load_16(out + 16, from[0] + 16);
#else
	UNROLL
	for (u32 part = 0; part < 32; part += LANES) {
		UNROLL
		for (u32 l = 0; l < LANES; l++)
			out[part + l] = lanes_load(from[l] + part);
		lanes_transpose(out + part);
	}
#endif
}

/* Says that the 128 bytes at p will be read soon. */
#if LANES == 1
#define prefetch_line(p) ((void)(p))
#elif defined(__OPENCL_VERSION__)
#define prefetch_line(p) prefetch(p, 32)
#else
#define prefetch_line(p) (__builtin_prefetch(p), __builtin_prefetch((p) + 16))
#endif

/* Lane l is p[l * stride]; lanes from `count` on repeat the first. */
FUNCTION u32v lanes_gather(GLOBAL const u32 *p, u32 stride, u32 count)
{
	u32 lane[LANES];
	for (u32 l = 0; l < LANES; l++)
		lane[l] = p[l < count ? (u64)l * stride : 0];
	return lanes_load(lane);
}

/* p[l * stride] = lane l, for the first `count` lanes. */
FUNCTION void lanes_scatter(GLOBAL u32 *p, u32 stride, u32v v, u32 count)
{
	u32 lane[LANES];
	lanes_store(lane, v);
	for (u32 l = 0; l < LANES; l++)
		if (l < count)
			p[(u64)l * stride] = lane[l];
}

/* ---- Exact dot products of four signed bytes ------------------------------------------------------------------
 *
 * dot4(acc, x, y) adds to each lane of acc the products of the bytes of x with those of the lane of y, modulo 2^32,
 * plus an excess that depends on x alone and that a machine's instruction may bring with it: dot4_excess(sum, x) adds
 * that excess for each lane of x. So acc - sum is exact on every machine; where there is no excess, sum stays zero. */

#if defined(__AVX512VNNI__) && LANES == 16 && !defined(__OPENCL_VERSION__)
/* vpdpbusd takes unsigned bytes on the left: y + 128, hence an excess of 128 times the sum of the bytes of x. */
#include <immintrin.h>
#define dot4(acc, x, y) ((u32v)_mm512_dpbusd_epi32((__m512i)(acc), (__m512i)((y) ^ 0x80808080u), (__m512i)splat(x)))
#define dot4_excess(sum, x) ((u32v)_mm512_dpbusd_epi32((__m512i)(sum), (__m512i)splat(0x80808080u), (__m512i)(x)))
#else

#define dot4_excess(sum, x) (sum)
#if defined(__AVX2__) && LANES == 8 && !defined(__OPENCL_VERSION__)
#define DIALECT_MADD __builtin_ia32_pmaddwd256
#elif defined(__SSE2__) && LANES == 4 && !defined(__OPENCL_VERSION__)
#define DIALECT_MADD __builtin_ia32_pmaddwd128
#elif defined(__AVX512BW__) && LANES == 16 && defined(__OPENCL_VERSION__)
#define DIALECT_MADD __builtin_ia32_pmaddwd512
#elif defined(__AVX2__) && LANES == 8 && defined(__OPENCL_VERSION__)
#define DIALECT_MADD __builtin_ia32_pmaddwd256
#endif

#if defined(DIALECT_MADD)
/* Bytes 1 and 3, then 0 and 2, as signed halves; one instruction multiplies pairs of halves and adds them. */
typedef short dialect_i16v __attribute__((vector_size(4 * LANES)));
typedef int dialect_i32v __attribute__((vector_size(4 * LANES)));
FUNCTION u32v dot4(u32v acc, u32 x, u32v y)
{
	dialect_i16v xv = (dialect_i16v)splat(x), yv = (dialect_i16v)y;
	dialect_i32v odd = DIALECT_MADD(xv >> 8, yv >> 8), even = DIALECT_MADD((xv << 8) >> 8, (yv << 8) >> 8);
	return acc + as_u32v(odd) + as_u32v(even);
}
#elif defined(__NVPTX__) || defined(__CUDA_ARCH__) || (defined(NVIDIA_DP4A) && LANES == 1)
FUNCTION u32v dot4(u32v acc, u32 x, u32v y)
{
	asm("dp4a.s32.s32 %0, %1, %2, %0;" : "+r"(acc) : "r"(x), "r"(y)); /* sm_61 and later */
	return acc;
}
#elif defined(__GFX11__) || defined(__GFX12__)
#define dot4(acc, x, y) ((u32v)__builtin_amdgcn_sudot4(true, (int)(x), true, (int)(y), (int)(acc), false))
#elif defined(__gfx906__) || defined(__gfx908__) || defined(__gfx90a__) || defined(__gfx940__) || \
    defined(__gfx942__) || defined(__gfx1030__) || defined(__gfx1031__) || defined(__gfx1032__)
#define dot4(acc, x, y) ((u32v)__builtin_amdgcn_sdot4((int)(x), (int)(y), (int)(acc), false))
#elif defined(__opencl_c_integer_dot_product_input_4x8bit_packed) && LANES == 1
#define dot4(acc, x, y) ((u32v)(acc) + (u32v)dot_4x8packed_ss_int(x, y))
#else
FUNCTION u32v dialect_byte(u32v x, u32 shift)
{
	return (((x >> shift) & 0xffu) ^ 0x80u) - 0x80u;
}

FUNCTION u32v dot4(u32v acc, u32 x, u32v y)
{
	for (u32 shift = 0; shift < 32; shift += 8)
		acc += dialect_byte(splat(x), shift) * dialect_byte(y, shift);
	return acc;
}
#endif
#endif

/* ---- Exact dot products of two signed halves: acc plus the products of the halves of x with those of each lane of y,
 * modulo 2^32. ---- */

#if defined(__AVX512VNNI__) && LANES == 16 && !defined(__OPENCL_VERSION__)
#define dot2(acc, x, y) ((u32v)_mm512_dpwssd_epi32((__m512i)(acc), (__m512i)splat(x), (__m512i)(y)))
#elif defined(DIALECT_MADD)
#define dot2(acc, x, y) ((acc) + as_u32v(DIALECT_MADD((dialect_i16v)splat(x), (dialect_i16v)(y))))
#elif defined(__gfx906__) || defined(__gfx908__) || defined(__gfx90a__) || defined(__gfx940__) || \
    defined(__gfx942__) || defined(__gfx1030__) || defined(__gfx1031__) || defined(__gfx1032__)
typedef short dialect_i16x2 __attribute__((vector_size(4)));
#define dot2(acc, x, y)                                                                                           \
	((u32v)__builtin_amdgcn_sdot2(__builtin_bit_cast(dialect_i16x2, x), __builtin_bit_cast(dialect_i16x2, y), \
	                              (int)(acc), false))
#else
FUNCTION u32v dialect_low(u32v x)
{
	return ((x & 0xffffu) ^ 0x8000u) - 0x8000u;
}

FUNCTION u32v dot2(u32v acc, u32 x, u32v y)
{
	return acc + dialect_low(splat(x)) * dialect_low(y) + dialect_low(splat(x >> 16)) * dialect_low(y >> 16);
}
#endif
