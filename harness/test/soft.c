/* SPDX-License-Identifier: Apache-2.0
 *
 * The dialect's doubles in integers, as functions that a test can call. */
#define SOFT_F64
#include "kernels/dialect.h"
#include "kernels/floats.h"

#include "harness/test/soft.h"

uint64_t soft_fma(uint64_t a, uint64_t b, uint64_t acc)
{
	return fma_f64(a, b, acc);
}

uint64_t soft_number(uint32_t low, uint32_t high)
{
	return f64_grid(low, high);
}
