/* SPDX-License-Identifier: Apache-2.0
 *
 * A backend that is the cpu backend seen through faults: calls that fail, and kernels that compute something else. One
 * set of faults a process; it is read by device threads and changed between jobs only. */
#ifndef HARNESS_TEST_SHIM_H
#define HARNESS_TEST_SHIM_H

#include <stdatomic.h>

#include "harness/backend.h"

enum shim_call { SHIM_ALLOC, SHIM_WRITE, SHIM_READ, SHIM_LAUNCH, SHIM_SYNCHRONISE, SHIM_CALLS };

/* A launch: buffers are plain memory here. */
struct shim_launch {
	enum assay_kernel_id id;
	uint32_t variant, items, lanes, number; /* `number` counts this device's launches from 1 */
	const struct assay_argument *arguments;
};

struct shim {
	/* Device that has the faults. */
	uint32_t device;

	/* Calls of this kind, counted from 1, that fail: `fail_at`, and all later ones too when `dead`. 0 = none. */
	enum shim_call kind;
	uint32_t fail_at;
	bool dead;

	/* Variants of matmul_i8 beside the portable one, all the same, and the number of one that is not available. */
	uint32_t variants, unavailable;

	/* Called instead of a launch when it is not NULL and returns true, and after one. */
	bool (*instead)(const struct shim_launch *launch);
	void (*after)(const struct shim_launch *launch);

	/* The device says no times. */
	bool no_times;

	/* Launches of all devices take this much longer. */
	unsigned slow_us;

	/* Counted by the shim. */
	atomic_uint calls[SHIM_CALLS]; /* of the faulty device */
	atomic_int busy, busiest;      /* launches in progress, of all devices, and the most of them at once */
	atomic_int live;               /* buffers, kernels and devices not given back, of all devices */
};

extern struct shim shim;
extern const struct assay_backend shim_backend;

/* No faults, counts at zero. */
void shim_reset(void);

#endif
