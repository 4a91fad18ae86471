/* SPDX-License-Identifier: Apache-2.0
 *
 * A test double of a vendor's driver library, so that the unmodified GPU backend runs where there is no GPU. Device
 * memory is host memory, and a launch runs the same kernels compiled as plain C with one lane, every work-item in turn.
 * It takes the real images and looks at no more than what they are. Nothing that ran on it is ever a result.
 *
 * The environment plays the machine: ASSAY_DOUBLE_DEVICES (1), ASSAY_DOUBLE_ARCHITECTURE ("90", "gfx90a"), and
 * ASSAY_DOUBLE_FAIL=FUNCTION:N makes the N-th call of a function fail, e.g. launch:3; ASSAY_DOUBLE_MEMORY in MiB. */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/vendor.h"
#include "kernels/kernels.h"

#define EXPORT __attribute__((visibility("default")))
enum { INVALID = 1, NOT_INITIALISED = 3, NO_DEVICE = 100, INVALID_IMAGE = 200, LOST = 700 };

extern const struct assay_kernel_set assay_kernels_scalar;

#if defined(VENDOR_CUDA)
#define NAME(cuda, hip) cuda
#else
#define NAME(cuda, hip) hip
#endif
#define CALL(member, cuda, hip, ...)             \
	EXPORT int NAME(cuda, hip)(__VA_ARGS__); \
	EXPORT int NAME(cuda, hip)(__VA_ARGS__)

static atomic_size_t used;
static bool initialised;
static _Thread_local void *current;

static long number(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtol(text, NULL, 10) : otherwise;
}

/* Whether this call is the one that is to fail. */
static bool fails(const char *function)
{
	static atomic_long calls;
	const char *wanted = getenv("ASSAY_DOUBLE_FAIL");
	size_t len = strlen(function);

	if (!wanted || strncmp(wanted, function, len) != 0 || wanted[len] != ':')
		return false;
	return atomic_fetch_add(&calls, 1) + 1 == strtol(wanted + len + 1, NULL, 10);
}

CALL(init, cuInit, hipInit, unsigned flags)
{
	if (flags || fails("init") || number("ASSAY_DOUBLE_DEVICES", 1) == 0)
		return NO_DEVICE;
	initialised = true;
	return 0;
}

CALL(driver_version, cuDriverGetVersion, hipDriverGetVersion, int *version)
{
	*version = 12040;
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
	snprintf(name, (size_t)len, "Double \033[31m%d", device);
	return 0;
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
	         : attribute == GPU_ATTRIBUTE_MAJOR ? (int)architecture / 10
	         : attribute == GPU_ATTRIBUTE_MINOR ? (int)architecture % 10
	                                            : -1;
	return device >= 40 && *value >= 0 && !fails("device_attribute") ? 0 : INVALID;
}

CALL(context_retain, cuDevicePrimaryCtxRetain, hipDevicePrimaryCtxRetain, void **context, int device)
{
	*context = malloc(1);
	return device >= 40 && !fails("context_retain") ? 0 : INVALID;
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

CALL(stream_wait, cuStreamSynchronize, hipStreamSynchronize, void *stream)
{
	return current && stream && !fails("stream_wait") ? 0 : LOST;
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
	if (!current || !stream || fails("memory_write"))
		return LOST;
	memcpy((void *)(uintptr_t)address, data, len);
	return 0;
}

CALL(memory_read, cuMemcpyDtoHAsync_v2, hipMemcpyDtoHAsync, void *data, uint64_t address, size_t len, void *stream)
{
	if (!current || !stream || fails("memory_read"))
		return LOST;
	memcpy(data, (const void *)(uintptr_t)address, len);
	return 0;
}

/* PTX is text that names its target; a code object is an ELF file. */
CALL(module_load, cuModuleLoadData, hipModuleLoadData, void **module, const void *image)
{
#if defined(VENDOR_CUDA)
	bool good = strstr(image, ".version 7.") && strstr(image, ".visible .entry matmul_i8(");
#else
	bool good = memcmp(image, "\177ELF", 4) == 0;
#endif
	if (!current || !good || fails("module_load"))
		return INVALID_IMAGE;
	*module = malloc(1);
	return 0;
}

CALL(module_unload, cuModuleUnload, hipModuleUnload, void *module)
{
	free(module);
	return 0;
}

CALL(module_function, cuModuleGetFunction, hipModuleGetFunction, void **function, void *module, const char *name)
{
	if (!current || !module || fails("module_function"))
		return INVALID;
	for (size_t id = 0; id < ASSAY_KERNEL_COUNT; id++)
		if (strcmp(assay_kernel_names[id], name) == 0) {
			*function = (void *)(uintptr_t)&assay_kernels_scalar.range[id];
			return 0;
		}
	return INVALID;
}

CALL(launch, cuLaunchKernel, hipModuleLaunchKernel, void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
     unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes, void *stream, void **parameters,
     void **extra)
{
	if (!current || !stream || grid_x == 0 || block_x == 0 || block_x > 1024 || grid_y != 1 || grid_z != 1 ||
	    block_y != 1 || block_z != 1 || shared_bytes || extra || fails("launch"))
		return LOST;
	(*(assay_kernel_range *const *)function)((const void *const *)parameters, 0, grid_x * block_x);
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
