/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of backends, and devices by id. See backend.h. */
#include "harness/backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct assay_backend *const assay_backends[] = {&assay_backend_cpu, &assay_backend_cuda, &assay_backend_hip,
                                                      &assay_backend_opencl, NULL};

static void describe(struct assay_device *device)
{
	memset(&device->info, 0, sizeof device->info);
	device->info.memory_used_bytes = UINT64_MAX;
	device->info.processes = -1;
	device->backend->describe(device->handle, &device->info);
}

enum assay_status assay_device_open(struct assay_device *device, const struct assay_backend *backend, uint32_t index,
                                    const struct assay_tuning *tuning, struct assay_error *error)
{
	static const struct assay_tuning own;

	memset(device, 0, sizeof *device);
	device->backend = backend;
	if (backend == &assay_backend_cpu)
		snprintf(device->id, sizeof device->id, "%s", backend->name);
	else
		snprintf(device->id, sizeof device->id, "%s:%u", backend->name, index);

	enum assay_status status = backend->open(&device->handle, index, tuning ? tuning : &own, error);
	if (!status)
		describe(device);
	for (int id = 0; !status && id < ASSAY_KERNEL_COUNT; id++)
		status = backend->build(device->handle, &device->kernels[id], (enum assay_kernel_id)id, 0, error);
	if (status)
		assay_device_close(device);
	return status;
}

enum assay_status assay_device_open_id(struct assay_device *device, const char *id, struct assay_error *error)
{
	size_t name_len = strcspn(id, ":");
	unsigned long index = 0;
	char *end = NULL;

	memset(device, 0, sizeof *device);
	if (id[name_len] == ':') {
		index = strtoul(id + name_len + 1, &end, 10);
		if (end == id + name_len + 1 || *end || index > 1000 || id[name_len + 1] == '-')
			return assay_fail(error, ASSAY_ERROR_INPUT, "device.id",
			                  "%s: not a device; ids are like cpu or opencl:0 (see `assay devices`)", id);
	}
	for (const struct assay_backend *const *backend = assay_backends; *backend; backend++) {
		if (strlen((*backend)->name) != name_len || strncmp((*backend)->name, id, name_len) != 0)
			continue;
		uint32_t count;
		struct assay_error why = {.text = ""};
		enum assay_status status = (*backend)->count(&count, &why);
		if (status || index >= count)
			return assay_fail(error, ASSAY_ERROR_DEVICE, "device.missing", "%s: no such device%s%s", id,
			                  *why.text ? ": " : "; `assay devices` lists what there is", why.text);
		return assay_device_open(device, *backend, (uint32_t)index, NULL, error);
	}
	return assay_fail(error, ASSAY_ERROR_INPUT, "device.id",
	                  "%s: no such backend; ids are like cpu or opencl:0 (see `assay devices`)", id);
}

void assay_device_close(struct assay_device *device)
{
	if (!device || !device->handle)
		return;
	for (int id = 0; id < ASSAY_KERNEL_COUNT; id++)
		if (device->kernels[id].handle)
			device->backend->discard(device->handle, &device->kernels[id]);
	device->backend->close(device->handle);
	memset(device, 0, sizeof *device);
}

enum assay_status assay_device_launch(struct assay_device *device, enum assay_kernel_id id, uint32_t items,
                                      const struct assay_argument *arguments, size_t count, struct assay_error *error)
{
	return device->backend->launch(device->handle, &device->kernels[id], items, arguments, count, error);
}

enum assay_status assay_device_use(struct assay_device *device, enum assay_kernel_id id, uint32_t number,
                                   struct assay_error *error)
{
	struct assay_kernel kernel = {0};
	enum assay_status status = device->backend->build(device->handle, &kernel, id, number, error);

	if (status)
		return status;
	device->backend->discard(device->handle, &device->kernels[id]);
	device->kernels[id] = kernel;
	device->kernels[id].variant = number;
	return ASSAY_OK;
}

uint32_t assay_device_items(const struct assay_device *device, enum assay_kernel_id id, uint64_t rows, uint64_t columns)
{
	const struct assay_shape *shape = &device->kernels[id].shape;

	if (!shape->items)
		return (uint32_t)(rows * columns);
	return (uint32_t)((rows + shape->rows - 1) / shape->rows * ((columns + shape->columns - 1) / shape->columns) *
	                  shape->items);
}

bool assay_variant_portable(struct assay_variant *variant, uint32_t number, const char *route)
{
	if (number != 0)
		return false;
	*variant = (struct assay_variant){.name = "portable", .available = true};
	snprintf(variant->route, sizeof variant->route, "%s", route);
	return true;
}
