/* SPDX-License-Identifier: Apache-2.0
 *
 * sha256/1 (SPEC 5.2): the value of one leaf, the XOR of a run of digests. */
#include "verify/work.h"

#include <string.h>

#include "verify/arith.h"

enum { LOG2_DIGESTS, LOG2_LEAVES }; /* positions in assay_params */

static bool allowed(const struct assay_params *params)
{
	return params->value[LOG2_DIGESTS] <= 14 && params->value[LOG2_LEAVES] <= ASSAY_DEPTH_MAX;
}

static uint32_t depth(const struct assay_params *params)
{
	return (uint32_t)params->value[LOG2_LEAVES];
}

static uint64_t round_work(const struct assay_params *params)
{
	return UINT64_C(1) << (params->value[LOG2_DIGESTS] + params->value[LOG2_LEAVES]);
}

static uint64_t leaf_cost(const struct assay_params *params)
{
	return UINT64_C(1) << params->value[LOG2_DIGESTS];
}

static void leaf(uint8_t *value, const struct assay_params *params, const uint8_t seed[ASSAY_HASH_BYTES],
                 uint64_t index)
{
	uint64_t digests = UINT64_C(1) << params->value[LOG2_DIGESTS];

	memset(value, 0, ASSAY_HASH_BYTES);
	assay_arith()->sha256_fold(value, seed, index * digests, (uint32_t)digests);
}

const struct assay_work assay_work_sha256 = {
    .name = "sha256/1",
    .unit = "hash",
    .params = {"log2Digests", "log2Leaves"},
    .leaf_bytes = 32,
    .allowed = allowed,
    .depth = depth,
    .round_work = round_work,
    .leaf_cost = leaf_cost,
    .leaf = leaf,
};
