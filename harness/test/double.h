/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the double of a driver share: double.c, which is the machine, and double_programs.c. */
#ifndef HARNESS_TEST_DOUBLE_H
#define HARNESS_TEST_DOUBLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/vendor.h"

#define EXPORT __attribute__((visibility("default")))
enum { INVALID = 1, NOT_INITIALISED = 3, NO_DEVICE = 100, INVALID_IMAGE = 200, LOST = 700 };

#if defined(VENDOR_CUDA)
#define NAME(cuda, hip) cuda
#else
#define NAME(cuda, hip) hip
#endif
#define CALL(member, cuda, hip, ...)             \
	EXPORT int NAME(cuda, hip)(__VA_ARGS__); \
	EXPORT int NAME(cuda, hip)(__VA_ARGS__)

struct context {
	int device;      /* from 0 */
	atomic_int lost; /* 0, or what its calls say */
};

/* Of the calling thread. */
extern _Thread_local struct context *current;

/* A number of the environment. */
long number(const char *name, long otherwise);

/* Whether this call is the one that is to fail: the error, `otherwise` when none is given; 0 when it is not. */
int fails_as(const char *function, int otherwise);
bool fails(const char *function);

/* What a lost device says, GPU_ERROR_NOT_READY from one that hangs; counts a launch of so many work-items. 0 when it is
 * well. */
int is_lost(unsigned items);

#endif
