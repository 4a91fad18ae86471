/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers of f16, and sums of their products in f32 as instructions of matrix units make them. */
#ifndef HARNESS_TEST_HALVES_H
#define HARNESS_TEST_HALVES_H

#include <stddef.h>
#include <stdint.h>

/* The number that these bits are; not for infinities. */
float half_number(uint16_t bits);

/* The bits of an integer, -2048 to 2048. */
uint16_t half_bits(int number);

/* How sums are made: each addition rounded to nearest; or all addends of an instruction cut below 24 bits of the
 * largest, added exactly, and cut again, as measured on NVIDIA's (Fasi et al., PeerJ CS 330). */
enum halves_order { HALVES_ROUND, HALVES_CUT };
extern enum halves_order halves_order;

/* `sum` and the products of x[0] ... x[count - 1] with y[0] ..., `y` with a stride. */
float halves_sum(float sum, const float *x, const float *y, int stride, int count);

/* Integers of 16 bits for so many words of two halves, to be released with free(). */
uint32_t *halves_to_integers(const uint32_t *words, size_t count);

#endif
