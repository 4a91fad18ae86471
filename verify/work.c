/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of workloads. See work.h. */
#include "verify/work.h"

#include <string.h>

const struct assay_work *const assay_works[] = {
    &assay_work_matmul_i8, &assay_work_matmul_i9,   &assay_work_matmul_f32, &assay_work_matmul_f64,
    &assay_work_sha256,    &assay_work_memory_fill, &assay_work_memory,     NULL};

const struct assay_work *assay_work_find(const char *name)
{
	for (const struct assay_work *const *work = assay_works; *work; work++)
		if (strcmp((*work)->name, name) == 0)
			return *work;
	return NULL;
}

void assay_work_leaves(uint8_t *values, const struct assay_work *work, const struct assay_params *params,
                       const struct assay_leaf *leaves, uint32_t count)
{
	if (work->leaves)
		work->leaves(values, params, leaves, count);
	else
		for (uint32_t i = 0; i < count; i++)
			work->leaf(values + (size_t)i * work->leaf_bytes, params, leaves[i].seed, leaves[i].index);
}
