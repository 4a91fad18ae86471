/* SPDX-License-Identifier: Apache-2.0
 *
 * Doubles in integers (kernels/floats.h): single operations, on bits, and all kernels with them. */
#ifndef HARNESS_TEST_SOFT_H
#define HARNESS_TEST_SOFT_H

#include <stdint.h>

#include "kernels/kernels.h"

uint64_t soft_fma(uint64_t a, uint64_t b, uint64_t acc);
uint64_t soft_number(uint32_t low, uint32_t high);

extern const struct assay_kernel_set assay_kernels_soft; /* four lanes */

#endif
