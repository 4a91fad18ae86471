/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of workloads. See work.h. */
#include "verify/work.h"

#include <string.h>

const struct assay_work *const assay_works[] = {&assay_work_matmul_i8, &assay_work_sha256, NULL};

const struct assay_work *assay_work_find(const char *name)
{
	for (const struct assay_work *const *work = assay_works; *work; work++)
		if (strcmp((*work)->name, name) == 0)
			return *work;
	return NULL;
}
