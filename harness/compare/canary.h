/* SPDX-License-Identifier: Apache-2.0
 *
 * The control of a comparison: a little of our own workload on the processor, always the same, beside what is compared.
 * When it changes the machine has changed. */
#ifndef HARNESS_COMPARE_CANARY_H
#define HARNESS_COMPARE_CANARY_H

#include "verify/bytes.h"

struct assay_canary;

/* On all cores. Errors: those of the cpu device. */
enum assay_status assay_canary_open(struct assay_canary **canary, struct assay_error *error) ASSAY_CHECK_RESULT;

/* Works for this long, and says how many seconds a round took: the median. */
enum assay_status assay_canary_run(struct assay_canary *canary, uint64_t ns, double *seconds,
                                   struct assay_error *error) ASSAY_CHECK_RESULT;

void assay_canary_close(struct assay_canary *canary);

#endif
