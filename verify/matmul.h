/* SPDX-License-Identifier: Apache-2.0
 *
 * What all products have in common (SPEC 5.1): parameters k, m, n, operands from key streams, leaves that are square
 * tiles of C. */
#ifndef VERIFY_MATMUL_H
#define VERIFY_MATMUL_H

#include "verify/work.h"

enum { ASSAY_K, ASSAY_M, ASSAY_N }; /* positions in assay_params */

/* The caps, for elements of so many bytes and tiles of `tile` x `tile` entries. */
bool assay_matmul_allowed(const struct assay_params *params, uint64_t k_max, uint32_t element_bytes, uint32_t tile);
uint32_t assay_matmul_depth(const struct assay_params *params, uint32_t tile);
uint64_t assay_matmul_round_work(const struct assay_params *params);

/* Keys of A and B: the workload's name, "matmul-i8/1", is part of their labels. */
void assay_matmul_keys(uint8_t key_a[ASSAY_HASH_BYTES], uint8_t key_b[ASSAY_HASH_BYTES], const char *name,
                       const uint8_t seed[ASSAY_HASH_BYTES]);

/* Bytes first .. first + len - 1 of rows row .. row + count - 1 of a matrix with rows of `row_bytes`; row i goes to
 * out + i * stride. first, len and row_bytes are multiples of 64. */
void assay_matmul_rows(uint8_t *out, size_t stride, const uint8_t key[ASSAY_HASH_BYTES], uint64_t row, uint32_t count,
                       uint64_t row_bytes, uint64_t first, uint32_t len);

#endif
