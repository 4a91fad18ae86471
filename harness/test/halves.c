/* SPDX-License-Identifier: Apache-2.0
 *
 * See halves.h. */
#include "harness/test/halves.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Simple enough; under a sanitizer they would take most of the time. */
#define MACHINE __attribute__((no_sanitize("address", "undefined")))

enum halves_order halves_order = HALVES_ROUND;

MACHINE float half_number(uint16_t bits)
{
	const uint32_t exponent = bits >> 10 & 31, fraction = bits & 1023, sign = (uint32_t)(bits >> 15) << 31;
	const uint32_t wide = sign | (exponent + 112) << 23 | fraction << 13;
	float number;

	if (exponent == 0)
		return ldexpf(sign ? -(float)fraction : (float)fraction, -24);
	memcpy(&number, &wide, 4);
	return number;
}

uint16_t half_bits(int number)
{
	const float value = (float)number;
	uint32_t bits;

	memcpy(&bits, &value, 4);
	if (number == 0)
		return 0;
	/* Five bits of exponent with a bias of 15 in place of 127, ten of fraction. */
	return (uint16_t)(bits >> 31 << 15 | ((bits >> 23 & 0xff) - 112) << 10 | (bits >> 13 & 0x3ff));
}

/* A float is `mantissa` * 2^(`exponent` - 150). */
struct parts {
	int64_t mantissa; /* of 24 bits */
	int exponent;
};

MACHINE static struct parts parts_of(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, 4);
	const int64_t size = (bits >> 23 & 255) ? (1 << 23 | (bits & 0x7fffff)) : 0;
	return (struct parts){bits >> 31 ? -size : size, bits >> 23 & 255};
}

/* What is left of a number when its last bits are cut off. */
static inline int64_t cut(int64_t number, int bits)
{
	const int64_t size = number < 0 ? -number : number, left = bits < 63 ? size >> bits : 0;

	return number < 0 ? -left : left;
}

MACHINE float halves_sum(float sum, const float *x, const float *y, int stride, int count)
{
	struct parts parts[17];
	int64_t total = 0;
	int most, bits = 0;

	if (halves_order == HALVES_ROUND) {
		/* The product of two numbers of 11 bits is exact. */
		for (int i = 0; i < count; i++)
			sum += x[i] * y[i * stride];
		return sum;
	}
	parts[count] = parts_of(sum);
	most = parts[count].exponent;
	for (int i = 0; i < count; i++) {
		parts[i] = parts_of(x[i] * y[i * stride]);
		most = parts[i].exponent > most ? parts[i].exponent : most;
	}
	for (int i = 0; i <= count; i++)
		total += cut(parts[i].mantissa, most - parts[i].exponent);
	while (total >> bits >= 1 << 24 || -total >> bits >= 1 << 24)
		bits++;
	return ldexpf((float)cut(total, bits), most - 150 + bits);
}

uint32_t *halves_to_integers(const uint32_t *words, size_t count)
{
	uint32_t *integers = malloc(count * 4);

	for (size_t i = 0; integers && i < count; i++)
		integers[i] = (uint16_t)(int)half_number((uint16_t)words[i]) |
		              (uint32_t)(uint16_t)(int)half_number((uint16_t)(words[i] >> 16)) << 16;
	return integers;
}
