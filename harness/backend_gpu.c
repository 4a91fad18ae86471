/* SPDX-License-Identifier: Apache-2.0
 *
 * The GPU backend, compiled once a vendor (vendor.h). Kernels come from the images in this program, else from the
 * vendor's compiler where it is installed. One stream a device: launches and copies are in order. */
#include "harness/backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/gpu.h"

enum { GROUP = 128, GROUP_MAX = 256 }; /* the most is the dialect's */

struct gpu {
	const struct gpu_driver *driver;
	int id;
	uint32_t index, group;
	void *context, *stream, *module;
	const char *source; /* where the kernels came from */
	char architecture[64];
};

static enum assay_status failed(struct assay_error *error, const struct gpu *gpu, const char *reason, const char *what,
                                int code)
{
	bool memory = code == GPU_ERROR_MEMORY;
	char text[128];

	gpu_driver_error(text, code);
	return assay_fail(error, memory ? ASSAY_ERROR_MEMORY : ASSAY_ERROR_DEVICE, memory ? "device.memory" : reason,
	                  GPU_NAME ":%u: %s: %s%s", gpu->index, what, text,
	                  memory ? "; free the device, or choose smaller sizes (--row)" : "");
}

static enum assay_status gpu_count(uint32_t *count, struct assay_error *error)
{
	const struct gpu_driver *driver = gpu_driver_load(error);
	int found = 0;

	*count = 0;
	if (!driver)
		return ASSAY_OK;
	int code = driver->device_count(&found);
	if (code == 0 && found > 0)
		*count = (uint32_t)found;
	else
		(void)assay_fail(error, ASSAY_OK, "device.missing",
		                 GPU_NAME ": the driver is there but has no device; check that one may be used here");
	return ASSAY_OK;
}

/* Contexts belong to threads; every call makes the device's current. */
static int enter(const struct gpu *gpu)
{
	return gpu->driver->context_use(gpu->context);
}

static void gpu_close(void *device)
{
	struct gpu *gpu = device;

	if (gpu->context && enter(gpu) == 0) {
		if (gpu->module)
			(void)gpu->driver->module_unload(gpu->module);
		if (gpu->stream)
			(void)gpu->driver->stream_destroy(gpu->stream);
	}
	if (gpu->context)
		(void)gpu->driver->context_release(gpu->id);
	free(gpu);
}

/* The newest image that serves the device; else the vendor's compiler. */
static enum assay_status kernels_load(struct gpu *gpu, struct assay_error *error)
{
	const struct assay_image *best = NULL;
	char *code = NULL;
	int result;

	for (const struct assay_image *image = GPU_IMAGES; image->architecture; image++)
		if (gpu_image_serves(image->architecture, gpu->architecture))
			best = image;
	gpu->source = best ? "ahead of time" : "at run time";
	if (!best) {
		enum assay_status status = gpu_compile(&code, gpu->architecture, error);
		if (status)
			return status;
	}
	result = gpu->driver->module_load(&gpu->module, best ? (const void *)best->data : code);
	free(code);
	return result == 0 ? ASSAY_OK : failed(error, gpu, "device.build", "loading the kernels", result);
}

static enum assay_status gpu_open(void **device, uint32_t index, const struct assay_tuning *tuning,
                                  struct assay_error *error)
{
	const struct gpu_driver *driver = gpu_driver_load(error);

	if (!driver)
		return ASSAY_ERROR_DEVICE;
	if (tuning->lanes > 1)
		return assay_fail(error, ASSAY_ERROR_DEVICE, "device.open", GPU_NAME ":%u: kernels here have one lane",
		                  index);
	struct gpu *gpu = calloc(1, sizeof *gpu);
	if (!gpu)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	gpu->driver = driver;
	gpu->index = index;
	gpu->group = tuning->group == 0 ? GROUP : tuning->group < GROUP_MAX ? tuning->group : GROUP_MAX;
	enum assay_status status = ASSAY_OK;
	int code = driver->device_get(&gpu->id, (int)index);
	if (code == 0)
		code = driver->context_retain(&gpu->context, gpu->id);
	if (code == 0)
		code = enter(gpu);
	if (code == 0)
		code = driver->stream_create(&gpu->stream, 1); /* does not wait for the default stream */
	if (code)
		status = failed(error, gpu, "device.open", "cannot be opened", code);
	else if (!gpu_architecture(gpu->architecture, driver, gpu->id))
		status = assay_fail(error, ASSAY_ERROR_DEVICE, "device.open",
		                    GPU_NAME ":%u: the driver does not say what the device is; update it", index);
	else
		status = kernels_load(gpu, error);
	if (status)
		gpu_close(gpu);
	else
		*device = gpu;
	return status;
}

static void gpu_describe(const void *device, struct assay_device_info *info)
{
	const struct gpu *gpu = device;
	size_t memory = 0;
	int version = 0, units = 0;

	memset(info, 0, sizeof *info);
	(void)gpu->driver->device_name(info->name, sizeof info->name - 1, gpu->id);
	(void)gpu->driver->device_memory(&memory, gpu->id);
	(void)gpu->driver->driver_version(&version);
	(void)gpu->driver->device_attribute(&units, GPU_ATTRIBUTE_UNITS, gpu->id);
	assay_printable(info->name);
	snprintf(info->architecture, sizeof info->architecture, "%s", gpu->architecture);
	snprintf(info->driver, sizeof info->driver, GPU_NAME " %d", version);
	snprintf(info->variant, sizeof info->variant, "portable, compiled %s, group %u", gpu->source, gpu->group);
	info->compute_units = units > 0 ? (uint32_t)units : 0;
	info->memory_bytes = memory;
	info->lanes = 1;
}

static enum assay_status gpu_alloc(void *device, void **buffer, size_t len, struct assay_error *error)
{
	struct gpu *gpu = device;
	uint64_t address = 0;
	char what[64];
	int code = enter(gpu);

	if (code == 0)
		code = gpu->driver->memory_alloc(&address, len);
	*buffer = (void *)(uintptr_t)address;
	snprintf(what, sizeof what, "allocating %zu MiB", len >> 20);
	return code == 0 ? ASSAY_OK : failed(error, gpu, "device.memory", what, code);
}

static void gpu_release(void *device, void *buffer)
{
	struct gpu *gpu = device;

	if (enter(gpu) == 0)
		(void)gpu->driver->memory_free((uint64_t)(uintptr_t)buffer);
}

static enum assay_status gpu_write(void *device, void *buffer, size_t offset, const void *data, size_t len,
                                   struct assay_error *error)
{
	struct gpu *gpu = device;
	int code = enter(gpu);

	if (code == 0)
		code = gpu->driver->memory_write((uint64_t)(uintptr_t)buffer + offset, data, len, gpu->stream);
	/* The caller's memory is free again when this returns. */
	if (code == 0)
		code = gpu->driver->stream_wait(gpu->stream);
	return code == 0 ? ASSAY_OK : failed(error, gpu, "device.transfer", "writing to it", code);
}

static enum assay_status gpu_read(void *device, void *data, const void *buffer, size_t offset, size_t len,
                                  struct assay_error *error)
{
	struct gpu *gpu = device;
	int code = enter(gpu);

	if (code == 0)
		code = gpu->driver->memory_read(data, (uint64_t)(uintptr_t)buffer + offset, len, gpu->stream);
	if (code == 0)
		code = gpu->driver->stream_wait(gpu->stream);
	return code == 0 ? ASSAY_OK : failed(error, gpu, "device.transfer", "reading from it", code);
}

static enum assay_status gpu_build(void *device, void **kernel, enum assay_kernel_id id, struct assay_error *error)
{
	struct gpu *gpu = device;
	int code = enter(gpu);

	if (code == 0)
		code = gpu->driver->module_function(kernel, gpu->module, assay_kernel_names[id]);
	return code == 0 ? ASSAY_OK : failed(error, gpu, "device.build", assay_kernel_names[id], code);
}

static void gpu_discard(void *device, void *kernel)
{
	(void)device, (void)kernel; /* belongs to the module */
}

static enum assay_status gpu_launch(void *device, void *kernel, uint32_t items, const struct assay_argument *arguments,
                                    size_t count, struct assay_error *error)
{
	struct gpu *gpu = device;
	void *parameters[ASSAY_ARGUMENTS_MAX];
	uint32_t group = 1;

	/* The driver reads the arguments before it returns, and takes them without const. */
	for (size_t i = 0; i < count; i++)
		parameters[i] = arguments[i].buffer ? (void *)(uintptr_t)&arguments[i].buffer
		                                    : (void *)(uintptr_t)&arguments[i].value;
	while (group * 2 <= gpu->group && items % (group * 2) == 0)
		group *= 2;
	int code = enter(gpu);
	if (code == 0)
		code = gpu->driver->launch(kernel, items / group, 1, 1, group, 1, 1, 0, gpu->stream, parameters, NULL);
	return code == 0 ? ASSAY_OK : failed(error, gpu, "device.launch", "launching a kernel", code);
}

static enum assay_status gpu_synchronise(void *device, struct assay_error *error)
{
	struct gpu *gpu = device;
	int code = enter(gpu);

	if (code == 0)
		code = gpu->driver->stream_wait(gpu->stream);
	return code == 0 ? ASSAY_OK : failed(error, gpu, "device.launch", "running a kernel", code);
}

const struct assay_backend GPU_BACKEND = {
    .name = GPU_NAME,
    .count = gpu_count,
    .open = gpu_open,
    .close = gpu_close,
    .describe = gpu_describe,
    .alloc = gpu_alloc,
    .release = gpu_release,
    .write = gpu_write,
    .read = gpu_read,
    .build = gpu_build,
    .discard = gpu_discard,
    .launch = gpu_launch,
    .synchronise = gpu_synchronise,
};
