/* SPDX-License-Identifier: Apache-2.0
 *
 * The GPU backend, compiled once a vendor (vendor.h). Kernels come from the images in this program, else from the
 * vendor's compiler where it is installed. One stream a device: launches and copies are in order. */
#include "harness/backend.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/gpu.h"
#include "harness/measure.h"

enum { GROUP = 128, GROUP_MAX = 256 }; /* the most is the dialect's */
enum { TIMEOUT = -1 };

struct gpu {
	const struct gpu_driver *driver;
	int id;
	uint32_t index, group, wait_s; /* wait_s: the longest that a launch or a copy may take */
	int version;                   /* of the driver */
	bool stuck;                    /* a kernel does not end: no call may wait for the device */
	void *context, *stream, *modules[ASSAY_PROGRAM_COUNT];
	struct gpu_marks marks;
	uint64_t memory_used_bytes;
	struct assay_monitor_state monitor;
	char architecture[64], pci[32];
};

static enum assay_status failed(struct assay_error *error, const struct gpu *gpu, const char *reason, const char *what,
                                int code)
{
	const struct gpu_error_remedy *known = gpu_remedy(code);
	char text[128];

	if (code == TIMEOUT)
		return assay_fail(error, ASSAY_ERROR_DEVICE, "device.timeout",
		                  GPU_NAME ":%u: %s: not done after %u s; see whether the device hangs (dmesg), or "
		                           "allow more (ASSAY_LAUNCH_SECONDS)",
		                  gpu->index, what, gpu->wait_s);
	gpu_driver_error(text, code);
	return assay_fail(error, code == GPU_ERROR_MEMORY ? ASSAY_ERROR_MEMORY : ASSAY_ERROR_DEVICE,
	                  known && known->reason ? known->reason : reason, GPU_NAME ":%u: %s: %s%s%s", gpu->index, what,
	                  text, known ? "; " : "", known ? known->remedy : "");
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

static uint32_t wait_seconds(void)
{
	const char *given = getenv("ASSAY_LAUNCH_SECONDS");
	long seconds = given ? strtol(given, NULL, 10) : 0;

	return seconds >= 1 && seconds <= 86400 ? (uint32_t)seconds : 120;
}

/* Waits for the stream, not for ever. Asks again and again at first, so that short rounds are timed well. */
static int wait_done(struct gpu *gpu)
{
	const uint64_t start = assay_clock_ns(), busy_ns = 50000000, most_ns = UINT64_C(1000000000) * gpu->wait_s;
	int code = gpu->stuck ? TIMEOUT : gpu->driver->stream_query(gpu->stream);

	while (code == GPU_ERROR_NOT_READY) {
		uint64_t waited_ns = assay_clock_ns() - start;
		if (waited_ns > most_ns) {
			gpu->stuck = true;
			return TIMEOUT;
		}
		if (waited_ns < busy_ns)
			sched_yield();
		else
			nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
		code = gpu->driver->stream_query(gpu->stream);
	}
	return code;
}

static void gpu_close(void *device)
{
	struct gpu *gpu = device;

	if (gpu->context && !gpu->stuck && enter(gpu) == 0) {
		for (int i = 0; i < ASSAY_PROGRAM_COUNT; i++)
			if (gpu->modules[i])
				(void)gpu->driver->module_unload(gpu->modules[i]);
		gpu_marks_release(&gpu->marks, gpu->driver);
		if (gpu->stream)
			(void)gpu->driver->stream_destroy(gpu->stream);
	}
	if (gpu->context && !gpu->stuck)
		(void)gpu->driver->context_release(gpu->id);
	free(gpu);
}

/* ---- Programs ---- */

static void route_find(struct gpu_route *route, const struct gpu *gpu, enum assay_program_id program)
{
	gpu_route(route, program, gpu->architecture, gpu->version, gpu->monitor.driver);
}

static enum assay_status program_load(struct gpu *gpu, enum assay_program_id program, struct assay_error *error)
{
	struct gpu_route route;
	char *code = NULL;

	if (gpu->modules[program])
		return ASSAY_OK;
	route_find(&route, gpu, program);
	if (!route.image) {
		enum assay_status status = gpu_compile(&code, program, gpu->architecture, error);
		if (status)
			return status;
	}
	int result =
	    gpu->driver->module_load(&gpu->modules[program], route.image ? (const void *)route.image->data : code);
	free(code);
	return result == 0 ? ASSAY_OK : failed(error, gpu, "device.build", "loading the kernels", result);
}

/* What can be asked of a device before it is opened; what it does not say stays unknown. */
static void identify(struct gpu *gpu)
{
	if (gpu->driver->device_pci(gpu->pci, sizeof gpu->pci - 1, gpu->id) != 0)
		gpu->pci[0] = '\0';
	(void)gpu->driver->driver_version(&gpu->version);
	(void)assay_monitor_read(&gpu->monitor, &GPU_MONITOR, gpu->pci);
}

static enum assay_status gpu_open(void **device, uint32_t index, const struct assay_tuning *tuning,
                                  struct assay_error *error)
{
	const struct gpu_driver *driver = gpu_driver_load(error);
	size_t available, total;

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
	gpu->wait_s = wait_seconds();
	gpu->group = tuning->group == 0 ? GROUP : tuning->group < GROUP_MAX ? tuning->group : GROUP_MAX;
	enum assay_status status = ASSAY_OK;
	int code = driver->device_get(&gpu->id, (int)index);
	if (code == 0)
		identify(gpu);
	if (code == 0)
		code = driver->context_retain(&gpu->context, gpu->id);
	if (code == 0)
		code = enter(gpu);
	if (code == 0)
		code = driver->stream_create(&gpu->stream, 1); /* does not wait for the default stream */
	gpu->memory_used_bytes = code == 0 && driver->memory_info(&available, &total) == 0 && available <= total
	                             ? total - available
	                             : UINT64_MAX;
	if (code)
		status = failed(error, gpu, "device.open", "cannot be opened", code);
	else if (!gpu_architecture(gpu->architecture, driver, gpu->id))
		status = assay_fail(error, ASSAY_ERROR_DEVICE, "device.open",
		                    GPU_NAME ":%u: the driver does not say what the device is; update it", index);
	else
		status = program_load(gpu, ASSAY_PROGRAM_PORTABLE, error);
	if (status)
		gpu_close(gpu);
	else
		*device = gpu;
	return status;
}

static void gpu_describe(const void *device, struct assay_device_info *info)
{
	const struct gpu *gpu = device;
	char version[64];
	size_t memory = 0;
	int units = 0, cache = 0;
	uint8_t uuid[16];
	struct gpu_route route;

	(void)gpu->driver->device_name(info->name, sizeof info->name - 1, gpu->id);
	(void)gpu->driver->device_memory(&memory, gpu->id);
	(void)gpu->driver->device_attribute(&units, GPU_ATTRIBUTE_UNITS, gpu->id);
	(void)gpu->driver->device_attribute(&cache, GPU_ATTRIBUTE_CACHE, gpu->id);
	assay_printable(info->name);
	snprintf(info->architecture, sizeof info->architecture, "%s", gpu->architecture);
	gpu_version_words(version, sizeof version, gpu->version);
	snprintf(info->driver, sizeof info->driver, "%s%s%s", version, *gpu->monitor.driver ? ", driver " : "",
	         gpu->monitor.driver);
	route_find(&route, gpu, ASSAY_PROGRAM_PORTABLE);
	snprintf(info->variant, sizeof info->variant, "portable, %s, group %u", route.text, gpu->group);
	info->compute_units = units > 0 ? (uint32_t)units : 0;
	info->memory_bytes = memory;
	info->cache_bytes = cache > 0 ? (uint64_t)cache : 0;
	info->lanes = 1;

	if (gpu->driver->device_uuid(uuid, gpu->id) == 0)
		for (size_t i = 0; i < sizeof uuid; i++)
			snprintf(info->uuid + 2 * i, sizeof info->uuid - 2 * i, "%02x", uuid[i]);
	snprintf(info->pci, sizeof info->pci, "%s", gpu->pci);
	assay_printable(info->pci);
	/* A part of a card may say so in its name alone. */
	snprintf(info->partition, sizeof info->partition, "%s",
	         gpu_part_in_name(info->name) ? gpu_part_in_name(info->name) : gpu->monitor.partition);
	info->memory_used_bytes = gpu->memory_used_bytes;
	info->processes = gpu->monitor.processes; /* read before this one was */
	info->monitor = &GPU_MONITOR;
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

	if (!gpu->stuck && enter(gpu) == 0)
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
		code = wait_done(gpu);
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
		code = wait_done(gpu);
	return code == 0 ? ASSAY_OK : failed(error, gpu, "device.transfer", "reading from it", code);
}

static bool gpu_variant(const void *device, enum assay_kernel_id id, uint32_t number, struct assay_variant *variant)
{
	const struct gpu *gpu = device;
	const char *units = gpu_units(gpu->architecture);
	struct gpu_route route;

	if (number > 1 || (number == 1 && (!units || !assay_kernel_in_units[id])))
		return false;
	route_find(&route, gpu, number ? ASSAY_PROGRAM_UNITS : ASSAY_PROGRAM_PORTABLE);
	*variant = (struct assay_variant){.available = route.available};
	snprintf(variant->name, sizeof variant->name, "%s", number ? units : "portable");
	snprintf(variant->route, sizeof variant->route, "%s", route.text);
	return true;
}

/* What the program says of a kernel's groups (kernels.h). */
static int shape_read(struct gpu *gpu, struct assay_shape *shape, void *module, const char *name)
{
	char symbol[64];
	uint64_t address;
	uint32_t numbers[5];
	size_t len;

	snprintf(symbol, sizeof symbol, "%s_shape", name);
	int code = gpu->driver->module_global(&address, &len, module, symbol);
	if (code == 0 && len != sizeof numbers)
		code = GPU_ERROR_IMAGE;
	if (code == 0)
		code = gpu->driver->memory_read(numbers, address, sizeof numbers, gpu->stream);
	if (code == 0)
		code = wait_done(gpu);
	if (code == 0)
		*shape = (struct assay_shape){numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]};
	return code;
}

static enum assay_status gpu_build(void *device, struct assay_kernel *kernel, enum assay_kernel_id id, uint32_t number,
                                   struct assay_error *error)
{
	struct gpu *gpu = device;
	const enum assay_program_id program = number ? ASSAY_PROGRAM_UNITS : ASSAY_PROGRAM_PORTABLE;
	int code = enter(gpu);

	enum assay_status status = code == 0 ? program_load(gpu, program, error) : ASSAY_OK;
	if (status)
		return status;
	if (code == 0)
		code = gpu->driver->module_function(&kernel->handle, gpu->modules[program], assay_kernel_names[id]);
	if (code == 0 && number)
		code = shape_read(gpu, &kernel->shape, gpu->modules[program], assay_kernel_names[id]);
	if (code == 0 && number)
		code = gpu_memory(kernel->handle, kernel->shape.memory_bytes);
	return code == 0 ? ASSAY_OK : failed(error, gpu, "device.build", assay_kernel_names[id], code);
}

static void gpu_discard(void *device, struct assay_kernel *kernel)
{
	(void)device, (void)kernel; /* belongs to the module */
}

static enum assay_status gpu_launch(void *device, const struct assay_kernel *kernel, uint32_t items,
                                    const struct assay_argument *arguments, size_t count, struct assay_error *error)
{
	struct gpu *gpu = device;
	void *parameters[ASSAY_ARGUMENTS_MAX];
	uint32_t group = kernel->shape.items ? kernel->shape.items : 1;

	/* The driver reads the arguments before it returns, and takes them without const. */
	for (size_t i = 0; i < count; i++)
		parameters[i] = arguments[i].buffer ? (void *)(uintptr_t)&arguments[i].buffer
		                                    : (void *)(uintptr_t)&arguments[i].value;
	while (!kernel->shape.items && group * 2 <= gpu->group && items % (group * 2) == 0)
		group *= 2;
	int code = enter(gpu);
	if (code == 0)
		code = gpu->driver->launch(kernel->handle, items / group, 1, 1, group, 1, 1, kernel->shape.memory_bytes,
		                           gpu->stream, parameters, NULL);
	return code == 0 ? ASSAY_OK : failed(error, gpu, "device.launch", "launching a kernel", code);
}

static enum assay_status gpu_synchronise(void *device, struct assay_error *error)
{
	struct gpu *gpu = device;
	int code = enter(gpu);

	if (code == 0)
		code = wait_done(gpu);
	return code == 0 ? ASSAY_OK : failed(error, gpu, "device.launch", "running a kernel", code);
}

static void gpu_set_mark(void *device, uint32_t which)
{
	struct gpu *gpu = device;

	gpu->marks.set[which] = false;
	if (!gpu->stuck && enter(gpu) == 0)
		gpu_mark(&gpu->marks, gpu->driver, which, gpu->stream);
}

static bool gpu_get_elapsed(void *device, uint64_t *ns)
{
	struct gpu *gpu = device;

	return !gpu->stuck && enter(gpu) == 0 && gpu_elapsed(&gpu->marks, gpu->driver, ns);
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
    .variant = gpu_variant,
    .build = gpu_build,
    .discard = gpu_discard,
    .launch = gpu_launch,
    .synchronise = gpu_synchronise,
    .mark = gpu_set_mark,
    .elapsed = gpu_get_elapsed,
};
