/* SPDX-License-Identifier: Apache-2.0
 *
 * A test double of a vendor's driver library, so that the unmodified GPU backend runs where there is no GPU. Device
 * memory is host memory, and a launch runs the same kernels compiled as plain C with one lane, every work-item in turn;
 * those with matrix units run on groups of coroutines with the units that the architecture has (units.c), unless they
 * are too long for that. It takes the real images and looks at no more than what they are. Nothing that ran on it is
 * ever a result.
 *
 * The environment plays the machine: ASSAY_DOUBLE_DEVICES (1), ASSAY_DOUBLE_ARCHITECTURE ("90", "gfx90a"),
 * ASSAY_DOUBLE_DRIVER (12040), ASSAY_DOUBLE_MEMORY and ASSAY_DOUBLE_USED in MiB, ASSAY_DOUBLE_NAME. ASSAY_DOUBLE_FAIL=
 * FUNCTION:N[:CODE] makes the N-th call of a function fail, e.g. launch:3, with that error; ASSAY_DOUBLE_LOST=
 * DEVICE:N[:600] is a device that is lost at its N-th launch (of at least ASSAY_DOUBLE_LARGE work-items), or hangs from
 * there on; ASSAY_DOUBLE_WRONG=units makes products of matrix units wrong. ASSAY_DOUBLE_FLIP=KERNEL:N:ARGUMENT:WORD
 * flips a bit of that word of a buffer after the N-th launch of a kernel, e.g. sha256_leaves:7:1:40. */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/test/double.h"

static atomic_size_t used;
static bool initialised;
_Thread_local struct context *current;

long number(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtol(text, NULL, 10) : otherwise;
}

int fails_as(const char *function, int otherwise)
{
	static atomic_long calls;
	const char *wanted = getenv("ASSAY_DOUBLE_FAIL");
	size_t len = strlen(function);
	char *end;

	if (!wanted || strncmp(wanted, function, len) != 0 || wanted[len] != ':')
		return 0;
	if (atomic_fetch_add(&calls, 1) + 1 != strtol(wanted + len + 1, &end, 10))
		return 0;
	return *end == ':' ? (int)strtol(end + 1, NULL, 10) : otherwise;
}

bool fails(const char *function)
{
	return fails_as(function, INVALID) != 0;
}

int is_lost(unsigned items)
{
	static atomic_long launches;
	const char *wanted = getenv("ASSAY_DOUBLE_LOST");
	char *end = NULL;

	if (!current || !wanted || strtol(wanted, &end, 10) != current->device || *end != ':')
		return 0;
	if (items && items >= number("ASSAY_DOUBLE_LARGE", 1) &&
	    atomic_fetch_add(&launches, 1) + 1 >= strtol(end + 1, &end, 10))
		atomic_store(&current->lost, *end == ':' ? (int)strtol(end + 1, NULL, 10) : LOST);
	return atomic_load(&current->lost);
}

CALL(init, cuInit, hipInit, unsigned flags)
{
	int code = fails_as("init", NO_DEVICE);

	if (flags || number("ASSAY_DOUBLE_DEVICES", 1) == 0)
		return NO_DEVICE;
	initialised = code == 0;
	return code;
}

CALL(driver_version, cuDriverGetVersion, hipDriverGetVersion, int *version)
{
	*version = (int)number("ASSAY_DOUBLE_DRIVER", 12040);
	return 0;
}

CALL(device_count, cuDeviceGetCount, hipGetDeviceCount, int *count)
{
	*count = (int)number("ASSAY_DOUBLE_DEVICES", 1);
	return initialised ? (fails("device_count") ? LOST : 0) : NOT_INITIALISED;
}

CALL(device_get, cuDeviceGet, hipDeviceGet, int *device, int index)
{
	*device = 40 + index;
	return index >= 0 && index < number("ASSAY_DOUBLE_DEVICES", 1) && !fails("device_get") ? 0 : INVALID;
}

CALL(device_name, cuDeviceGetName, hipDeviceGetName, char *name, int len, int device)
{
	const char *given = getenv("ASSAY_DOUBLE_NAME");

	snprintf(name, (size_t)len, given ? "%s" : "Double \033[31m", given);
	return device >= 40 ? 0 : INVALID;
}

CALL(device_uuid, cuDeviceGetUuid, hipDeviceGetUuid, uint8_t *uuid, int device)
{
	for (int i = 0; i < 16; i++)
		uuid[i] = (uint8_t)(16 * i + device - 40);
	return fails("device_uuid") ? INVALID : 0;
}

CALL(device_pci, cuDeviceGetPCIBusId, hipDeviceGetPCIBusId, char *address, int len, int device)
{
	snprintf(address, (size_t)len, "0000:%02X:00.0", 0x3b + device - 40);
	return fails("device_pci") ? INVALID : 0;
}

CALL(device_memory, cuDeviceTotalMem_v2, hipDeviceTotalMem, size_t *bytes, int device)
{
	*bytes = (size_t)number("ASSAY_DOUBLE_MEMORY", 1024) << 20;
	return device >= 40 ? 0 : INVALID;
}

CALL(device_attribute, cuDeviceGetAttribute, hipDeviceGetAttribute, int *value, int attribute, int device)
{
	long architecture = number("ASSAY_DOUBLE_ARCHITECTURE", 90);

	*value = attribute == GPU_ATTRIBUTE_UNITS   ? 132
	         : attribute == GPU_ATTRIBUTE_CACHE ? 50 << 20
	         : attribute == GPU_ATTRIBUTE_MAJOR ? (int)architecture / 10
	         : attribute == GPU_ATTRIBUTE_MINOR ? (int)architecture % 10
	                                            : -1;
	return device >= 40 && *value >= 0 && !fails("device_attribute") ? 0 : INVALID;
}

CALL(context_retain, cuDevicePrimaryCtxRetain, hipDevicePrimaryCtxRetain, void **context, int device)
{
	int code = device >= 40 ? fails_as("context_retain", INVALID) : INVALID;

	struct context *made = code == 0 ? calloc(1, sizeof *made) : NULL;
	if (made)
		made->device = device - 40;
	*context = made;
	return code;
}

CALL(context_release, cuDevicePrimaryCtxRelease_v2, hipDevicePrimaryCtxRelease, int device)
{
	free(current);
	current = NULL;
	return device >= 40 ? 0 : INVALID;
}

CALL(context_use, cuCtxSetCurrent, hipCtxSetCurrent, void *context)
{
	if (fails("context_use"))
		return LOST;
	current = context;
	return context ? 0 : INVALID;
}

CALL(stream_create, cuStreamCreate, hipStreamCreateWithFlags, void **stream, unsigned flags)
{
	if (!current || flags != 1 || fails("stream_create"))
		return INVALID;
	*stream = malloc(1);
	return 0;
}

CALL(stream_destroy, cuStreamDestroy_v2, hipStreamDestroy, void *stream)
{
	free(stream);
	return 0;
}

/* ASSAY_DOUBLE_FAIL=stream_query:N:600 is a kernel that never ends. */
CALL(stream_query, cuStreamQuery, hipStreamQuery, void *stream)
{
	static atomic_bool never;
	int code = fails_as("stream_query", LOST);

	if (code == GPU_ERROR_NOT_READY)
		atomic_store(&never, true);
	if (current && is_lost(0))
		return is_lost(0);
	return !current || !stream ? LOST : atomic_load(&never) ? GPU_ERROR_NOT_READY : code;
}

/* An event is the time at which it was recorded: a launch is over when it returns. */
CALL(event_create, cuEventCreate, hipEventCreateWithFlags, void **event, unsigned flags)
{
	if (!current || flags || fails("event_create"))
		return INVALID;
	*event = calloc(1, sizeof(struct timespec));
	return *event ? 0 : GPU_ERROR_MEMORY;
}

CALL(event_destroy, cuEventDestroy_v2, hipEventDestroy, void *event)
{
	free(event);
	return current ? 0 : INVALID;
}

CALL(event_record, cuEventRecord, hipEventRecord, void *event, void *stream)
{
	if (!current || !event || !stream || fails("event_record"))
		return INVALID;
	return clock_gettime(CLOCK_MONOTONIC, event);
}

CALL(event_elapsed, cuEventElapsedTime, hipEventElapsedTime, float *ms, void *from, void *to)
{
	const struct timespec *start = from, *end = to;

	if (!current || !start->tv_sec || !end->tv_sec || fails("event_elapsed"))
		return INVALID;
	*ms = (float)(1e3 * (double)(end->tv_sec - start->tv_sec) + 1e-6 * (double)(end->tv_nsec - start->tv_nsec));
	return 0;
}

CALL(memory_info, cuMemGetInfo_v2, hipMemGetInfo, size_t *available, size_t *total)
{
	*total = (size_t)number("ASSAY_DOUBLE_MEMORY", 1024) << 20;
	*available = *total - ((size_t)number("ASSAY_DOUBLE_USED", 0) << 20);
	return current && !fails("memory_info") ? 0 : INVALID;
}

CALL(memory_alloc, cuMemAlloc_v2, hipMalloc, uint64_t *address, size_t len)
{
	size_t most = (size_t)number("ASSAY_DOUBLE_MEMORY", 1024) << 20;

	if (!current)
		return INVALID;
	if (fails("memory_alloc") || len > most || atomic_load(&used) + len > most)
		return GPU_ERROR_MEMORY;
	size_t *block = malloc(len + 64);
	if (!block)
		return GPU_ERROR_MEMORY;
	*block = len;
	atomic_fetch_add(&used, len);
	*address = (uint64_t)(uintptr_t)block + 64;
	return 0;
}

CALL(memory_free, cuMemFree_v2, hipFree, uint64_t address)
{
	if (!current || !address)
		return INVALID;
	size_t *block = (size_t *)(uintptr_t)(address - 64);
	atomic_fetch_sub(&used, *block);
	free(block);
	return 0;
}

CALL(memory_write, cuMemcpyHtoDAsync_v2, hipMemcpyHtoDAsync, uint64_t address, const void *data, size_t len,
     void *stream)
{
	int code = fails_as("memory_write", LOST);

	if (!current || !stream || code || is_lost(0) == LOST)
		return code ? code : LOST;
	memcpy((void *)(uintptr_t)address, data, len);
	return 0;
}

CALL(memory_read, cuMemcpyDtoHAsync_v2, hipMemcpyDtoHAsync, void *data, uint64_t address, size_t len, void *stream)
{
	int code = fails_as("memory_read", LOST);

	if (!current || !stream || code || is_lost(0) == LOST)
		return code ? code : LOST;
	memcpy(data, (const void *)(uintptr_t)address, len);
	return 0;
}

#if defined(VENDOR_CUDA)
EXPORT int cuGetErrorString(int code, const char **text);
EXPORT int cuGetErrorString(int code, const char **text)
{
	*text = code == GPU_ERROR_MEMORY ? "out of memory" : "double's error";
	return 0;
}
#else
EXPORT const char *hipGetErrorString(int code);
EXPORT const char *hipGetErrorString(int code)
{
	return code == GPU_ERROR_MEMORY ? "out of memory" : "double's error";
}

EXPORT int hipGetDevicePropertiesR0600(void *properties, int device);
EXPORT int hipGetDevicePropertiesR0600(void *properties, int device)
{
	const char *architecture = getenv("ASSAY_DOUBLE_ARCHITECTURE");

	strcpy((char *)properties + 1160, architecture ? architecture : "gfx90a:sramecc+:xnack-");
	return device >= 40 && !fails("device_attribute") ? 0 : INVALID;
}
#endif
