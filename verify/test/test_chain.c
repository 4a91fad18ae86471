/* SPDX-License-Identifier: Apache-2.0
 *
 * verify/chain.c: the certified figure. The chain itself is compared in test_vectors.c. */
#include <criterion/criterion.h>

#include "verify/chain.h"

Test(chain, estar_of_the_documented_sample_counts)
{
	cr_assert_eq(assay_estar_ppm(512, 64), 107492);
	cr_assert_eq(assay_estar_ppm(1, 64), 1000000);
}

Test(chain, certified_work_is_exact_at_the_largest_work)
{
	const uint64_t work = UINT64_MAX >> 1;

	cr_assert_eq(assay_certified(work, 0), work);
	cr_assert_eq(assay_certified(work, 1000000), 0);
}
