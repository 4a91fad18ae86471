/* SPDX-License-Identifier: Apache-2.0
 *
 * Which levels of arith.c this processor can run. See arith.h. */
#include <stddef.h>

#include "verify/arith.h"

extern const struct assay_arith assay_arith_baseline;
#if defined(__x86_64__)
extern const struct assay_arith assay_arith_avx2, assay_arith_avx512;
#endif

const struct assay_arith *const *assay_arith_levels(void)
{
	static const struct assay_arith *const levels[] = {
#if defined(__x86_64__)
		&assay_arith_avx512,
		&assay_arith_avx2,
#endif
		&assay_arith_baseline,
		NULL,
	};
	const struct assay_arith *const *best = levels;

#if defined(__x86_64__)
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("fma"))
		best++;
	if (best != levels && (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")))
		best++;
#endif
	return best;
}

const struct assay_arith *assay_arith(void)
{
	return assay_arith_levels()[0];
}
