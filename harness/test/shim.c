/* SPDX-License-Identifier: Apache-2.0
 *
 * See shim.h. */
#include "harness/test/shim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct device {
	void *inner;
	uint32_t index, lanes;
	atomic_uint launches;
};

struct kernel {
	struct assay_kernel inner;
	enum assay_kernel_id id;
	uint32_t variant;
};

struct shim shim;

void shim_reset(void)
{
	memset(&shim, 0, sizeof shim);
}

/* True when this call is to fail. */
static bool fails(struct device *device, enum shim_call kind, struct assay_error *error)
{
	static const char *const reasons[SHIM_CALLS] = {"device.memory", "device.transfer", "device.transfer",
	                                                "device.launch", "device.launch"};

	if (device->index != shim.device)
		return false;
	uint32_t number = atomic_fetch_add(&shim.calls[kind], 1) + 1;
	if (shim.kind != kind || shim.fail_at == 0 || (number != shim.fail_at && !(shim.dead && number > shim.fail_at)))
		return false;
	(void)assay_fail(error, ASSAY_ERROR_DEVICE, reasons[kind], "shim:%u: call %u fails", device->index, number);
	return true;
}

static enum assay_status shim_count(uint32_t *count, struct assay_error *error)
{
	(void)error;
	*count = ASSAY_DEVICES_MAX;
	return ASSAY_OK;
}

static enum assay_status shim_open(void **handle, uint32_t index, const struct assay_tuning *tuning,
                                   struct assay_error *error)
{
	struct assay_device_info info;
	struct device *device = calloc(1, sizeof *device);

	if (!device)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "device.memory", "out of memory");
	enum assay_status status = assay_backend_cpu.open(&device->inner, 0, tuning, error);
	if (status) {
		free(device);
		return status;
	}
	assay_backend_cpu.describe(device->inner, &info);
	device->index = index;
	device->lanes = info.lanes;
	atomic_fetch_add(&shim.live, 1);
	*handle = device;
	return ASSAY_OK;
}

static void shim_close(void *handle)
{
	struct device *device = handle;

	assay_backend_cpu.close(device->inner);
	atomic_fetch_sub(&shim.live, 1);
	free(device);
}

static void shim_describe(const void *handle, struct assay_device_info *info)
{
	const struct device *device = handle;

	assay_backend_cpu.describe(device->inner, info);
}

static enum assay_status shim_alloc(void *handle, void **buffer, size_t len, struct assay_error *error)
{
	struct device *device = handle;

	if (fails(device, SHIM_ALLOC, error))
		return ASSAY_ERROR_DEVICE;
	enum assay_status status = assay_backend_cpu.alloc(device->inner, buffer, len, error);
	if (!status) {
		atomic_fetch_add(&shim.live, 1);
		/* What another buffer left there might be right by chance. */
		memset(*buffer, 0xa5, len);
	}
	return status;
}

static void shim_release(void *handle, void *buffer)
{
	struct device *device = handle;

	if (buffer)
		atomic_fetch_sub(&shim.live, 1);
	assay_backend_cpu.release(device->inner, buffer);
}

static enum assay_status shim_write(void *handle, void *buffer, size_t offset, const void *data, size_t len,
                                    struct assay_error *error)
{
	struct device *device = handle;

	return fails(device, SHIM_WRITE, error)
	           ? ASSAY_ERROR_DEVICE
	           : assay_backend_cpu.write(device->inner, buffer, offset, data, len, error);
}

static enum assay_status shim_read(void *handle, void *data, const void *buffer, size_t offset, size_t len,
                                   struct assay_error *error)
{
	struct device *device = handle;

	return fails(device, SHIM_READ, error)
	           ? ASSAY_ERROR_DEVICE
	           : assay_backend_cpu.read(device->inner, data, buffer, offset, len, error);
}

static bool shim_variant(const void *handle, enum assay_kernel_id id, uint32_t number, struct assay_variant *variant)
{
	(void)handle;
	if (number > 0 && (id != ASSAY_KERNEL_MATMUL_I8 || number > shim.variants))
		return false;
	*variant =
	    (struct assay_variant){.route = "by the shim", .available = number == 0 || number != shim.unavailable};
	snprintf(variant->name, sizeof variant->name, number ? "shim%u" : "portable", number);
	return true;
}

static enum assay_status shim_build(void *handle, struct assay_kernel *built, enum assay_kernel_id id, uint32_t number,
                                    struct assay_error *error)
{
	struct device *device = handle;
	struct kernel *kernel = calloc(1, sizeof *kernel);

	if (!kernel)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "device.memory", "out of memory");
	kernel->id = id;
	kernel->variant = number;
	enum assay_status status = assay_backend_cpu.build(device->inner, &kernel->inner, id, 0, error);
	if (status) {
		free(kernel);
		return status;
	}
	atomic_fetch_add(&shim.live, 1);
	built->handle = kernel;
	return ASSAY_OK;
}

static void shim_discard(void *handle, struct assay_kernel *built)
{
	struct device *device = handle;
	struct kernel *kernel = built->handle;

	assay_backend_cpu.discard(device->inner, &kernel->inner);
	atomic_fetch_sub(&shim.live, 1);
	free(kernel);
}

static void launch_begins(void)
{
	int busy = atomic_fetch_add(&shim.busy, 1) + 1, most = atomic_load(&shim.busiest);

	while (busy > most && !atomic_compare_exchange_weak(&shim.busiest, &most, busy))
		;
	if (shim.slow_us)
		usleep(shim.slow_us);
}

static enum assay_status shim_launch(void *handle, const struct assay_kernel *built, uint32_t items,
                                     const struct assay_argument *arguments, size_t count, struct assay_error *error)
{
	struct device *device = handle;
	struct kernel *kernel = built->handle;
	const struct shim_launch launch = {.id = kernel->id,
	                                   .variant = kernel->variant,
	                                   .items = items,
	                                   .lanes = device->lanes,
	                                   .number = atomic_fetch_add(&device->launches, 1) + 1,
	                                   .arguments = arguments};
	const bool faulty = device->index == shim.device;

	if (fails(device, SHIM_LAUNCH, error))
		return ASSAY_ERROR_DEVICE;
	if (faulty && shim.instead && shim.instead(&launch))
		return ASSAY_OK;
	launch_begins();
	enum assay_status status =
	    assay_backend_cpu.launch(device->inner, &kernel->inner, items, arguments, count, error);
	atomic_fetch_sub(&shim.busy, 1);
	if (!status && faulty && shim.after)
		shim.after(&launch);
	return status;
}

static enum assay_status shim_synchronise(void *handle, struct assay_error *error)
{
	struct device *device = handle;

	return fails(device, SHIM_SYNCHRONISE, error) ? ASSAY_ERROR_DEVICE
	                                              : assay_backend_cpu.synchronise(device->inner, error);
}

static void shim_mark(void *handle, uint32_t which)
{
	struct device *device = handle;

	assay_backend_cpu.mark(device->inner, which);
}

static bool shim_elapsed(void *handle, uint64_t *ns)
{
	struct device *device = handle;

	return !(device->index == shim.device && shim.no_times) && assay_backend_cpu.elapsed(device->inner, ns);
}

const struct assay_backend shim_backend = {
    .name = "shim",
    .count = shim_count,
    .open = shim_open,
    .close = shim_close,
    .describe = shim_describe,
    .alloc = shim_alloc,
    .release = shim_release,
    .write = shim_write,
    .read = shim_read,
    .variant = shim_variant,
    .build = shim_build,
    .discard = shim_discard,
    .launch = shim_launch,
    .synchronise = shim_synchronise,
    .mark = shim_mark,
    .elapsed = shim_elapsed,
};
