/* SPDX-License-Identifier: Apache-2.0
 *
 * A round computed twice. Results are exact, so a difference is a fault of the device, and its place can be told. */
#ifndef HARNESS_REPEAT_H
#define HARNESS_REPEAT_H

#include "harness/workload.h"

/* A second tree beside an engine's own, so that both computations can be compared hash by hash. */
struct assay_repeat {
	struct assay_engine *engine;
	void *tree;
	uint8_t (*bands)[ASSAY_HASH_BYTES];
};

/* Takes as much of the device's memory as the engine's tree. Errors: device.memory, memory. To be closed also after an
 * error. */
enum assay_status assay_repeat_open(struct assay_repeat *repeat, struct assay_engine *engine,
                                    struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_repeat_close(struct assay_repeat *repeat);

/* Computes the round of this seed again, which the engine has just computed with this root. device.miscompute when the
 * two differ: its text names the device, the workload, `round` and the leaf. */
enum assay_status assay_repeat_round(struct assay_repeat *repeat, const uint8_t seed[ASSAY_HASH_BYTES],
                                     const uint8_t root[ASSAY_HASH_BYTES], uint32_t round,
                                     struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
