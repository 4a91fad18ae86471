/* SPDX-License-Identifier: Apache-2.0
 *
 * A work-group on one processor: each work-item is a coroutine that runs until it waits for others, at a barrier or at
 * an instruction of its whole wave. Always the first (or always the last) item that can run goes on, so that waves run
 * as far ahead of each other as they may: a missing barrier shows. For kernels with matrix units, where there are none.
 */
#ifndef HARNESS_TEST_GROUP_H
#define HARNESS_TEST_GROUP_H

#include <stddef.h>
#include <stdint.h>

enum { GROUP_ITEMS_MAX = 256, GROUP_WAVE_MAX = 64 };

enum group_order { GROUP_FIRST, GROUP_LAST };

/* Runs `function` once for each of `items` work-items in waves of `wave`. False when they wait for each other for
 * ever, or not all wait at the same barrier. One group at a time in a thread. */
_Bool group_run(void (*function)(void *context, uint32_t item), void *context, uint32_t items, uint32_t wave,
                enum group_order order);

/* Called by a work-item: which it is; waits for all others. */
uint32_t group_item(void);
void group_barrier(void);

/* Called by every lane of a wave with its part; when all have come, `instruction` sees all parts by lane, once. */
typedef void group_instruction(void *const *lanes);
void group_wave(group_instruction *instruction, void *part);

/* ---- Kernels with matrix units on such a group (units.c), by kind of unit ---- */

struct units_kernel {
	const uint32_t *shape;
	_Bool (*run)(const void *const *arguments, uint32_t groups, enum group_order order);
};

struct units {
	const char *kind; /* "mma_k32" ... */
	struct units_kernel i8, i9;
};

/* The kinds of units.h; mma_k32 without its barrier, and with sums of floats that are added to integers too late. */
extern const struct units units_mma_k16, units_mma_k32, units_mfma_k16, units_mfma_k32, units_wmma_11, units_wmma_12,
    units_no_barrier, units_too_late;

#endif
