/* SPDX-License-Identifier: Apache-2.0
 *
 * The opencl backend: any OpenCL 1.2 device. Devices are numbered across all platforms. On a CPU a work-item holds a
 * whole vector register and is a group of its own; elsewhere it is one lane of a group. */
#include "harness/backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/opencl.h"

enum { DEVICES_MAX = 64, PLATFORMS_MAX = 16 };

struct opencl {
	const struct assay_opencl *cl;
	cl_platform_id platform;
	cl_device_id id;
	cl_context context;
	cl_command_queue queue;
	cl_program program;
	cl_device_type type;
	uint32_t index, lanes, group;
	cl_event marks[2];
};

struct found {
	cl_platform_id platform;
	cl_device_id device;
};

static uint32_t find(const struct assay_opencl *cl, struct found found[DEVICES_MAX])
{
	cl_platform_id platforms[PLATFORMS_MAX];
	cl_uint platform_count = 0;
	uint32_t count = 0;

	if (cl->clGetPlatformIDs(PLATFORMS_MAX, platforms, &platform_count) != CL_SUCCESS)
		return 0;
	for (cl_uint p = 0; p < platform_count && p < PLATFORMS_MAX; p++) {
		cl_device_id devices[DEVICES_MAX];
		cl_uint device_count = 0;
		if (cl->clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, DEVICES_MAX, devices, &device_count) !=
		    CL_SUCCESS)
			continue;
		for (cl_uint d = 0; d < device_count && d < DEVICES_MAX && count < DEVICES_MAX; d++)
			found[count++] = (struct found){platforms[p], devices[d]};
	}
	return count;
}

static enum assay_status opencl_count(uint32_t *count, struct assay_error *error)
{
	struct found found[DEVICES_MAX];
	const struct assay_opencl *cl = assay_opencl_load(error);

	*count = cl ? find(cl, found) : 0;
	if (cl && *count == 0)
		(void)assay_fail(
		    error, ASSAY_OK, "device.missing",
		    "opencl: no platform has a device; install a driver, or PoCL for the CPU (pocl-opencl-icd)");
	return ASSAY_OK;
}

static enum assay_status failed(struct assay_error *error, const struct opencl *device, const char *reason,
                                const char *what, cl_int code)
{
	/* CL_OUT_OF_RESOURCES is what a driver says of anything, a watchdog's kill too. */
	bool memory =
	    code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY || code == CL_INVALID_BUFFER_SIZE;

	return assay_fail(error, memory ? ASSAY_ERROR_MEMORY : ASSAY_ERROR_DEVICE, memory ? "device.memory" : reason,
	                  "opencl:%u: %s: %s%s", device->index, what, assay_opencl_error(code),
	                  memory ? "; free the device, or choose smaller sizes (--row)" : "");
}

static void opencl_close(void *handle)
{
	struct opencl *device = handle;

	for (int i = 0; i < 2; i++)
		if (device->marks[i])
			device->cl->clReleaseEvent(device->marks[i]);
	if (device->program)
		device->cl->clReleaseProgram(device->program);
	if (device->queue)
		device->cl->clReleaseCommandQueue(device->queue);
	if (device->context)
		device->cl->clReleaseContext(device->context);
	free(device);
}

/* Lanes and group size of a device. */
static void choose(struct opencl *device, const struct assay_tuning *tuning)
{
	cl_uint width = 1;

	device->cl->clGetDeviceInfo(device->id, CL_DEVICE_TYPE, sizeof device->type, &device->type, NULL);
	bool cpu = (device->type & CL_DEVICE_TYPE_CPU) != 0;
	if (cpu)
		device->cl->clGetDeviceInfo(device->id, CL_DEVICE_NATIVE_VECTOR_WIDTH_INT, sizeof width, &width, NULL);
	device->lanes = tuning->lanes ? tuning->lanes : width >= 16 ? 16 : width >= 8 ? 8 : width >= 4 ? 4 : 1;
	device->group = tuning->group ? tuning->group : cpu ? 1 : 64;
}

/* Whether the compiler takes NVIDIA's dp4a: compute capability 6.1, by cl_nv_device_attribute_query. */
static bool has_dp4a(const struct opencl *device)
{
	enum { COMPUTE_CAPABILITY_MAJOR = 0x4000, COMPUTE_CAPABILITY_MINOR = 0x4001 };
	char extensions[8192] = "";
	cl_uint major = 0, minor = 0;

	device->cl->clGetDeviceInfo(device->id, CL_DEVICE_EXTENSIONS, sizeof extensions - 1, extensions, NULL);
	if (!strstr(extensions, "cl_nv_device_attribute_query"))
		return false;
	device->cl->clGetDeviceInfo(device->id, COMPUTE_CAPABILITY_MAJOR, sizeof major, &major, NULL);
	device->cl->clGetDeviceInfo(device->id, COMPUTE_CAPABILITY_MINOR, sizeof minor, &minor, NULL);
	return 10 * major + minor >= 61;
}

static enum assay_status opencl_open(void **handle, uint32_t index, const struct assay_tuning *tuning,
                                     struct assay_error *error)
{
	struct found found[DEVICES_MAX];
	char options[64];
	cl_int code;
	const struct assay_opencl *cl = assay_opencl_load(error);

	if (!cl)
		return ASSAY_ERROR_DEVICE;
	if (index >= find(cl, found))
		return assay_fail(error, ASSAY_ERROR_DEVICE, "device.missing", "opencl:%u: no such device", index);
	struct opencl *device = calloc(1, sizeof *device);
	if (!device)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "device.memory", "opencl:%u: out of memory", index);
	device->cl = cl;
	device->index = index;
	device->platform = found[index].platform;
	device->id = found[index].device;
	choose(device, tuning);

	device->context = cl->clCreateContext(NULL, 1, &device->id, NULL, NULL, &code);
	if (device->context)
		device->queue = cl->clCreateCommandQueue(device->context, device->id, CL_QUEUE_PROFILING_ENABLE, &code);
	if (device->context && !device->queue) /* without times, then */
		device->queue = cl->clCreateCommandQueue(device->context, device->id, 0, &code);
	if (!device->queue) {
		enum assay_status status = failed(error, device, "device.open", "cannot be opened", code);
		opencl_close(device);
		return status;
	}
	/* Without warnings, which some compilers say on standard error: vectors that are wider than the processor's are
	 * passed in another way, for one. */
	snprintf(options, sizeof options, "-cl-std=CL1.2 -w -DLANES=%u%s", device->lanes,
	         has_dp4a(device) ? " -DNVIDIA_DP4A" : "");
	enum assay_status status =
	    assay_opencl_program(cl, &device->program, device->context, device->id, options, error);
	if (status) {
		opencl_close(device);
		return status;
	}
	*handle = device;
	return ASSAY_OK;
}

static void opencl_describe(const void *handle, struct assay_device_info *info)
{
	const struct opencl *device = handle;
	const struct assay_opencl *cl = device->cl;
	char platform[128] = "", version[64] = "", standard[128] = "";
	cl_ulong memory = 0, largest = 0, cache = 0;
	cl_uint units = 0;

	cl->clGetPlatformInfo(device->platform, CL_PLATFORM_NAME, sizeof platform - 1, platform, NULL);
	cl->clGetDeviceInfo(device->id, CL_DEVICE_NAME, sizeof info->name - 1, info->name, NULL);
	cl->clGetDeviceInfo(device->id, CL_DEVICE_VERSION, sizeof standard - 1, standard, NULL);
	cl->clGetDeviceInfo(device->id, CL_DRIVER_VERSION, sizeof version - 1, version, NULL);
	cl->clGetDeviceInfo(device->id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof memory, &memory, NULL);
	cl->clGetDeviceInfo(device->id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL);
	/* "OpenCL 3.0", and then what the implementer likes. */
	size_t name_len = strcspn(standard, " ");
	snprintf(info->architecture, sizeof info->architecture, "%.*s",
	         (int)(name_len + strcspn(standard + name_len + (standard[name_len] != 0), " ") + 1), standard);
	snprintf(info->driver, sizeof info->driver, "%s %s", platform, version);
	snprintf(info->variant, sizeof info->variant, "portable, %u lanes, group %u", device->lanes, device->group);
	assay_printable(info->name);
	assay_printable(info->architecture);
	assay_printable(info->driver);
	info->compute_units = units;
	info->memory_bytes = memory;
	cl->clGetDeviceInfo(device->id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof largest, &largest, NULL);
	info->buffer_bytes_max = largest;
	cl->clGetDeviceInfo(device->id, CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, sizeof cache, &cache, NULL);
	info->cache_bytes = cache;
	info->lanes = device->lanes;
	info->is_cpu = (device->type & CL_DEVICE_TYPE_CPU) != 0;
}

static enum assay_status opencl_alloc(void *handle, void **buffer, size_t len, struct assay_error *error)
{
	struct opencl *device = handle;
	char what[64];
	cl_int code;

	*buffer = device->cl->clCreateBuffer(device->context, CL_MEM_READ_WRITE, len, NULL, &code);
	snprintf(what, sizeof what, "allocating %zu MiB", len >> 20);
	return *buffer ? ASSAY_OK : failed(error, device, "device.memory", what, code);
}

static void opencl_release(void *handle, void *buffer)
{
	struct opencl *device = handle;

	if (buffer)
		device->cl->clReleaseMemObject(buffer);
}

static enum assay_status opencl_write(void *handle, void *buffer, size_t offset, const void *data, size_t len,
                                      struct assay_error *error)
{
	struct opencl *device = handle;
	cl_int code =
	    device->cl->clEnqueueWriteBuffer(device->queue, buffer, CL_TRUE, offset, len, data, 0, NULL, NULL);

	return code == CL_SUCCESS ? ASSAY_OK : failed(error, device, "device.transfer", "writing to it", code);
}

static enum assay_status opencl_read(void *handle, void *data, const void *buffer, size_t offset, size_t len,
                                     struct assay_error *error)
{
	struct opencl *device = handle;
	/* The API takes cl_mem without const. */
	cl_mem memory = (cl_mem)(uintptr_t)buffer;
	cl_int code = device->cl->clEnqueueReadBuffer(device->queue, memory, CL_TRUE, offset, len, data, 0, NULL, NULL);

	return code == CL_SUCCESS ? ASSAY_OK : failed(error, device, "device.transfer", "reading from it", code);
}

static bool opencl_variant(const void *handle, enum assay_kernel_id id, uint32_t number, struct assay_variant *variant)
{
	(void)handle, (void)id;
	return assay_variant_portable(variant, number, "OpenCL C, compiled by the driver");
}

static enum assay_status opencl_build(void *handle, struct assay_kernel *kernel, enum assay_kernel_id id,
                                      uint32_t number, struct assay_error *error)
{
	struct opencl *device = handle;
	cl_int code;
	(void)number;

	kernel->handle = device->cl->clCreateKernel(device->program, assay_kernel_names[id], &code);
	return kernel->handle ? ASSAY_OK : failed(error, device, "device.build", assay_kernel_names[id], code);
}

static void opencl_discard(void *handle, struct assay_kernel *kernel)
{
	struct opencl *device = handle;

	device->cl->clReleaseKernel(kernel->handle);
}

/* The largest power of two that divides the items and that the device takes for this kernel. */
static size_t group_size(const struct opencl *device, cl_kernel kernel, uint32_t items)
{
	size_t most = device->group, group = 1;

	device->cl->clGetKernelWorkGroupInfo(kernel, device->id, CL_KERNEL_WORK_GROUP_SIZE, sizeof most, &most, NULL);
	if (most > device->group)
		most = device->group;
	while (group * 2 <= most && items % (group * 2) == 0)
		group *= 2;
	return group;
}

static enum assay_status opencl_launch(void *handle, const struct assay_kernel *built, uint32_t items,
                                       const struct assay_argument *arguments, size_t count, struct assay_error *error)
{
	struct opencl *device = handle;
	const struct assay_opencl *cl = device->cl;
	cl_kernel kernel = built->handle;
	size_t global = items, local = group_size(device, kernel, items);
	cl_int code = CL_SUCCESS;

	for (size_t i = 0; code == CL_SUCCESS && i < count; i++) {
		if (arguments[i].buffer)
			code = cl->clSetKernelArg(kernel, (cl_uint)i, sizeof(cl_mem), &arguments[i].buffer);
		else
			code = cl->clSetKernelArg(kernel, (cl_uint)i, sizeof(cl_uint), &arguments[i].value);
	}
	if (code == CL_SUCCESS)
		code = cl->clEnqueueNDRangeKernel(device->queue, kernel, 1, NULL, &global, &local, 0, NULL, NULL);
	if (code == CL_SUCCESS)
		code = cl->clFlush(device->queue);
	return code == CL_SUCCESS ? ASSAY_OK : failed(error, device, "device.launch", "launching a kernel", code);
}

static enum assay_status opencl_synchronise(void *handle, struct assay_error *error)
{
	struct opencl *device = handle;
	cl_int code = device->cl->clFinish(device->queue);

	return code == CL_SUCCESS ? ASSAY_OK : failed(error, device, "device.launch", "running a kernel", code);
}

static void opencl_mark(void *handle, uint32_t which)
{
	struct opencl *device = handle;

	if (device->marks[which])
		device->cl->clReleaseEvent(device->marks[which]);
	if (device->cl->clEnqueueMarkerWithWaitList(device->queue, 0, NULL, &device->marks[which]) != CL_SUCCESS)
		device->marks[which] = NULL;
}

static bool opencl_elapsed(void *handle, uint64_t *ns)
{
	struct opencl *device = handle;
	cl_ulong passed[2];

	for (int i = 0; i < 2; i++)
		if (!device->marks[i] ||
		    device->cl->clGetEventProfilingInfo(device->marks[i], CL_PROFILING_COMMAND_END, sizeof passed[i],
		                                        &passed[i], NULL) != CL_SUCCESS)
			return false;
	*ns = passed[1] - passed[0];
	return passed[1] > passed[0];
}

const struct assay_backend assay_backend_opencl = {
    .name = "opencl",
    .count = opencl_count,
    .open = opencl_open,
    .close = opencl_close,
    .describe = opencl_describe,
    .alloc = opencl_alloc,
    .release = opencl_release,
    .write = opencl_write,
    .read = opencl_read,
    .variant = opencl_variant,
    .build = opencl_build,
    .discard = opencl_discard,
    .launch = opencl_launch,
    .synchronise = opencl_synchronise,
    .mark = opencl_mark,
    .elapsed = opencl_elapsed,
};
