/* SPDX-License-Identifier: Apache-2.0
 *
 * The dialect's floating point: IEEE 754 numbers side by side, and their fused multiply-add by name, so that no flag of
 * a compiler decides whether there are one or two roundings. Stands after dialect.h in the program that needs it.
 *
 * An `f32v` is LANES floats. An `f64v` is LANES64 doubles, which are as many bytes. In memory both are u32 and u64: the
 * bits of the number.
 *
 *   f32_load(p), f32_store(p, v)   as lanes_load and lanes_store
 *   f32_load_8(p, apart), f32_store_8(p, apart, v)
 *                                  where lanes from the eighth on lie `apart` words behind p
 *   f32_splat(bits)                one number in all lanes
 *   f32_grid(words)                each lane a number of the grid from a word of the key stream
 *   fma_f32(a, b, acc)             a * b + acc, rounded once
 *
 * and the same for f64, where f64_grid(low, high) is one number, as bits.
 *
 * Where there is no double, or where SOFT_F64 is defined, an `f64v` is the bits of one, and fma_f64 is done in
 * integers. It knows zero and normal numbers, whose results are such again: all that there is on the grid
 * (SPEC 5.5, 14.17). */

/* Numbers of the grids, exact whether or not a compiler fuses what is written here. */
#define F32_GRID_UNIT 1.1920928955078125e-07f                   /* 2^-23 */
#define F64_GRID_HIGH 4.656612873077392578125e-10               /* 2^-31 */
#define F64_GRID_LOW 2.220446049250313080847263336181640625e-16 /* 2^-52 */

#if defined(__OPENCL_VERSION__) && !defined(cl_khr_fp64) && !defined(SOFT_F64)
#define SOFT_F64
#endif

#if defined(SOFT_F64) || LANES == 1
#define LANES64 1
#elif LANES == 4
#define LANES64 2
#elif LANES == 8
#define LANES64 4
#else
#define LANES64 8
#endif

#if defined(__OPENCL_VERSION__)

#if LANES == 1
typedef float f32v;
#define DIALECT_F32(x) as_float(x)
#define DIALECT_F32_BITS(x) as_uint(x)
#define f32_grid(x) ((float)(as_int(x) >> 8) * F32_GRID_UNIT)
#else
typedef DIALECT_JOIN(float, LANES) f32v;
#define DIALECT_F32(x) DIALECT_JOIN(as_float, LANES)(x)
#define DIALECT_F32_BITS(x) DIALECT_JOIN(as_uint, LANES)(x)
#define f32_grid(x) (DIALECT_JOIN(convert_float, LANES)(DIALECT_JOIN(as_int, LANES)(x) >> 8) * F32_GRID_UNIT)
#endif
#define f32_load(p) DIALECT_F32(lanes_load(p))
#define f32_store(p, v) lanes_store(p, DIALECT_F32_BITS(v))
#define f32_splat(bits) ((f32v)(as_float((u32)(bits))))
#define fma_f32(a, b, acc) fma(a, b, acc)
#if LANES == 16
#define f32_load_8(p, apart) as_float16((uint16)(vload8(0, p), vload8(0, (p) + (apart))))
#define f32_store_8(p, apart, v) (vstore8(as_uint8((v).lo), 0, p), vstore8(as_uint8((v).hi), 0, (p) + (apart)))
#endif

#if !defined(SOFT_F64)
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#if LANES64 == 1
typedef double f64v;
#define f64_load(p) as_double(*(p))
#define f64_store(p, v) (*(p) = as_ulong(v))
#else
typedef DIALECT_JOIN(double, LANES64) f64v;
#define f64_load(p) DIALECT_JOIN(as_double, LANES64)(DIALECT_JOIN(vload, LANES64)(0, p))
#define f64_store(p, v) DIALECT_JOIN(vstore, LANES64)(DIALECT_JOIN(as_ulong, LANES64)(v), 0, p)
#endif
#define f64_splat(bits) ((f64v)(as_double((u64)(bits))))
#define DIALECT_F64_BITS(x) as_ulong(x)
#define fma_f64(a, b, acc) fma(a, b, acc)
#endif

#elif defined(__cplusplus)

typedef float f32v;

FUNCTION float f32_splat(u32 bits)
{
	union {
		u32 bits;
		float number;
	} both;
	both.bits = bits;
	return both.number;
}

FUNCTION u32 dialect_f32_bits(float number)
{
	union {
		u32 bits;
		float number;
	} both;
	both.number = number;
	return both.bits;
}
#define f32_load(p) f32_splat(*(p))
#define f32_store(p, v) (*(p) = dialect_f32_bits(v))
#define f32_grid(x) ((float)((int)(x) >> 8) * F32_GRID_UNIT)

#if !defined(SOFT_F64)
typedef double f64v;

FUNCTION double f64_splat(u64 bits)
{
	union {
		u64 bits;
		double number;
	} both;
	both.bits = bits;
	return both.number;
}

FUNCTION u64 dialect_f64_bits(double number)
{
	union {
		u64 bits;
		double number;
	} both;
	both.number = number;
	return both.bits;
}
#define f64_load(p) f64_splat(*(p))
#define f64_store(p, v) (*(p) = dialect_f64_bits(v))
#define DIALECT_F64_BITS(x) dialect_f64_bits(x)
#endif

#if defined(__NVPTX__) || defined(__CUDA_ARCH__)
FUNCTION float fma_f32(float a, float b, float acc)
{
	asm("fma.rn.f32 %0, %1, %2, %0;" : "+f"(acc) : "f"(a), "f"(b));
	return acc;
}
#if !defined(SOFT_F64)
FUNCTION double fma_f64(double a, double b, double acc)
{
	asm("fma.rn.f64 %0, %1, %2, %0;" : "+d"(acc) : "d"(a), "d"(b));
	return acc;
}
#endif
#else
#define fma_f32(a, b, acc) __builtin_fmaf(a, b, acc)
#if !defined(SOFT_F64)
#define fma_f64(a, b, acc) __builtin_fma(a, b, acc)
#endif
#endif

#else /* C11 */

typedef float f32v __attribute__((vector_size(4 * LANES)));
typedef int dialect_f32_words __attribute__((vector_size(4 * LANES)));
#define f32_load(p) ((f32v)lanes_load(p))
#define f32_store(p, v) lanes_store(p, (u32v)(v))
#define f32_splat(bits) ((f32v)splat(bits))
#define f32_grid(x) (__builtin_convertvector((dialect_f32_words)(x) >> 8, f32v) * F32_GRID_UNIT)

#if defined(__AVX512F__) && LANES == 16
#include <immintrin.h>
#define fma_f32(a, b, acc) ((f32v)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(acc)))

FUNCTION f32v f32_load_8(const u32 *p, u32 apart)
{
	__m512d first = _mm512_castpd256_pd512(_mm256_loadu_pd((const double *)(const void *)p));
	return (f32v)_mm512_insertf64x4(first, _mm256_loadu_pd((const double *)(const void *)(p + apart)), 1);
}

FUNCTION void f32_store_8(u32 *p, u32 apart, f32v v)
{
	_mm256_storeu_pd((double *)(void *)p, _mm512_castpd512_pd256((__m512d)v));
	_mm256_storeu_pd((double *)(void *)(p + apart), _mm512_extractf64x4_pd((__m512d)v, 1));
}
#elif defined(__FMA__) && LANES == 8
#include <immintrin.h>
#define fma_f32(a, b, acc) ((f32v)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(acc)))
#else
/* An instruction where the processor of this level has one, else the library's. */
FUNCTION f32v fma_f32(f32v a, f32v b, f32v acc)
{
	for (u32 l = 0; l < LANES; l++)
		acc[l] = __builtin_fmaf(a[l], b[l], acc[l]);
	return acc;
}
#endif

#if !defined(SOFT_F64)
typedef double f64v __attribute__((vector_size(8 * LANES64)));

FUNCTION f64v f64_load(const u64 *p)
{
	f64v v;
	memcpy(&v, p, sizeof v);
	return v;
}

FUNCTION void f64_store(u64 *p, f64v v)
{
	memcpy(p, &v, sizeof v);
}

typedef u64 dialect_f64_words __attribute__((vector_size(8 * LANES64)));
#define f64_splat(bits) ((f64v)((dialect_f64_words){0} + (u64)(bits)))

FUNCTION u64 dialect_f64_bits(double number)
{
	u64 bits;
	memcpy(&bits, &number, sizeof bits);
	return bits;
}
#define DIALECT_F64_BITS(x) dialect_f64_bits(x)

#if defined(__AVX512F__) && LANES64 == 8
#define fma_f64(a, b, acc) ((f64v)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(acc)))
#elif defined(__FMA__) && LANES64 == 4
#define fma_f64(a, b, acc) ((f64v)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(acc)))
#else
FUNCTION f64v fma_f64(f64v a, f64v b, f64v acc)
{
	for (u32 l = 0; l < LANES64; l++)
		acc[l] = __builtin_fma(a[l], b[l], acc[l]);
	return acc;
}
#endif
#endif
#endif

#if LANES < 16
#define f32_load_8(p, apart) f32_load(p)
#define f32_store_8(p, apart, v) f32_store(p, v)
#endif

#if !defined(SOFT_F64)
/* Bits 11 ... 63 of high * 2^32 + low as a signed integer, times 2^-52. */
FUNCTION u64 f64_grid(u32 low, u32 high)
{
	return DIALECT_F64_BITS((double)(int)high * F64_GRID_HIGH + (double)(int)(low >> 11) * F64_GRID_LOW);
}
#else

typedef u64 f64v;
#define f64_load(p) (*(p))
#define f64_store(p, v) (*(p) = (v))
#define f64_splat(bits) ((u64)(bits))

/* 128 bits. */
typedef struct {
	u64 high, low;
} soft_wide;

/* Zeros above the highest bit that is set; 64 when there is none. */
FUNCTION u32 soft_zeros(u64 x)
{
	u32 zeros = x ? 0 : 1;

	for (u32 step = 32; step > 0; step /= 2)
		if (!(x >> (64 - step))) {
			x <<= step;
			zeros += step;
		}
	return zeros;
}

FUNCTION soft_wide soft_product(u64 a, u64 b)
{
	const u64 low = 0xffffffffu, a0 = a & low, a1 = a >> 32, b0 = b & low, b1 = b >> 32;
	const u64 middle = a1 * b0 + (a0 * b0 >> 32), other = a0 * b1 + (middle & low);
	soft_wide product;

	product.high = a1 * b1 + (middle >> 32) + (other >> 32);
	product.low = a * b;
	return product;
}

FUNCTION soft_wide soft_left(soft_wide x, u32 bits)
{
	if (bits >= 64) {
		x.high = x.low;
		x.low = 0;
		bits -= 64;
	}
	if (bits > 0) {
		x.high = x.high << bits | x.low >> (64 - bits);
		x.low <<= bits;
	}
	return x;
}

/* What is shifted out remains as the lowest bit: enough for one rounding. */
FUNCTION soft_wide soft_right(soft_wide x, u32 bits)
{
	u64 lost = 0;

	if (bits >= 128) {
		x.low = (x.high | x.low) != 0;
		x.high = 0;
		return x;
	}
	if (bits >= 64) {
		lost = x.low;
		x.low = x.high;
		x.high = 0;
		bits -= 64;
	}
	if (bits > 0) {
		lost |= x.low << (64 - bits);
		x.low = x.low >> bits | x.high << (64 - bits);
		x.high >>= bits;
	}
	x.low |= lost != 0;
	return x;
}

/* Shifts left until bit 126 is set; `exponent` goes with it. */
FUNCTION soft_wide soft_normal(soft_wide x, int *exponent)
{
	const u32 zeros = x.high ? soft_zeros(x.high) : 64 + soft_zeros(x.low);

	/* Bit 127 is set after an addition that carried. */
	if (zeros == 0) {
		*exponent += 1;
		return soft_right(x, 1);
	}
	*exponent -= (int)zeros - 1;
	return soft_left(x, zeros - 1);
}

#define SOFT_SIGN ((u64)1 << 63)
#define SOFT_HIDDEN ((u64)1 << 52)
#define SOFT_EXPONENT(x) ((int)((x) >> 52 & 0x7ff))
#define SOFT_FRACTION(x) (((x) & (SOFT_HIDDEN - 1)) | SOFT_HIDDEN)

/* Product and addend as 128 bits with bit 126 the highest that is set; the exponent is that of bit 126. */
FUNCTION u64 fma_f64(u64 a, u64 b, u64 acc)
{
	u64 sign = (a ^ b) & SOFT_SIGN, addend_sign = acc & SOFT_SIGN;
	int exponent = SOFT_EXPONENT(a) + SOFT_EXPONENT(b) - 1023, addend_exponent = SOFT_EXPONENT(acc);
	soft_wide sum, addend;

	if (!(a << 1) || !(b << 1)) /* zero and something; minus zero is never an addend */
		return acc;
	sum = soft_product(SOFT_FRACTION(a), SOFT_FRACTION(b)); /* bit 104 or 105 */
	exponent += 22;
	sum = soft_normal(sum, &exponent);
	if (acc << 1) {
		addend.high = SOFT_FRACTION(acc) << 10;
		addend.low = 0;
		if (addend_exponent > exponent || (addend_exponent == exponent && addend.high > sum.high)) {
			const soft_wide swap = sum;
			const u64 swap_sign = sign;
			const int swap_exponent = exponent;
			sum = addend;
			sign = addend_sign;
			exponent = addend_exponent;
			addend = swap;
			addend_sign = swap_sign;
			addend_exponent = swap_exponent;
		}
		addend = soft_right(addend, (u32)(exponent - addend_exponent));
		if (sign == addend_sign) {
			sum.low += addend.low;
			sum.high += addend.high + (sum.low < addend.low);
		} else {
			const u64 borrow = sum.low < addend.low;
			sum.low -= addend.low;
			sum.high -= addend.high + borrow;
		}
		if (!(sum.high | sum.low))
			return 0;
		sum = soft_normal(sum, &exponent);
	}
	/* 53 bits remain of 127: 10 in `high` and all of `low` decide, ties to even. */
	u64 fraction = sum.high >> 10;
	const u64 rest = sum.high & 1023;
	if (rest > 512 || (rest == 512 && (sum.low || fraction & 1)))
		fraction++;
	/* A carry out of the fraction, which is zero then, goes into the exponent. */
	return sign | (((u64)exponent << 52) + (fraction - SOFT_HIDDEN));
}

/* The integer between -2^52 and 2^52 - 1, normalised. */
FUNCTION u64 f64_grid(u32 low, u32 high)
{
	const u64 sign = high >> 31 ? SOFT_SIGN : 0, word = (u64)high << 32 | low;
	const u64 whole = (sign ? 0 - (word & ~(u64)0x7ff) : word & ~(u64)0x7ff);
	const u32 zeros = soft_zeros(whole);

	/* `whole` is the number times 2^63, and bit 63 - zeros of it is the highest. */
	return whole ? sign | ((u64)(1023 - zeros) << 52) | (((whole << zeros) >> 11) & (SOFT_HIDDEN - 1)) : 0;
}
#endif
