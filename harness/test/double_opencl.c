/* SPDX-License-Identifier: Apache-2.0
 *
 * A test double of a vendor's driver library over OpenCL on the CPU, so that the unmodified GPU backend runs kernels
 * that a device's compiler made, on streams that do not wait. double.c is the one whose calls can be made to fail.
 *
 * It takes the real images, looks at no more than what they are, and runs in their place the program in the file
 * ASSAY_DOUBLE_PROGRAM, which is the kernels' HIP source compiled for SPIR; without one, the kernels' source as OpenCL
 * C, with ASSAY_DOUBLE_SOFT_F64 as for a device without doubles. Nothing that ran on it is ever a result. */
#undef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 200 /* shared virtual memory */
#include <CL/cl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/vendor.h"
#include "kernels/kernels.h"

#define EXPORT __attribute__((visibility("default")))
enum { INVALID = 1, NO_DEVICE = 100, INVALID_IMAGE = 200, FAILED = 999 };

/* double_NAME has the symbol that vendor.h gives to NAME. */
#define DECLARE(member, parameters, cuda, hip) EXPORT int double_##member parameters __asm__(GPU_SYMBOL(cuda, hip));
GPU_FUNCTIONS(DECLARE)

struct module {
	cl_program program;
	cl_kernel kernels[ASSAY_KERNEL_COUNT];
};

static cl_device_id device_id;
static cl_context primary;
static _Thread_local cl_context current;

static int result(cl_int code)
{
	return code == CL_SUCCESS ? 0 : FAILED;
}

/* The first CPU that shares its memory with the host. */
int double_init(unsigned flags)
{
	cl_platform_id platforms[16];
	cl_uint count = 0, found = 0;
	cl_int code;

	if (flags || clGetPlatformIDs(16, platforms, &count) != CL_SUCCESS)
		return NO_DEVICE;
	for (cl_uint i = 0; !primary && i < count && i < 16; i++) {
		cl_device_svm_capabilities shared = 0;
		if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_CPU, 1, &device_id, &found) == CL_SUCCESS &&
		    clGetDeviceInfo(device_id, CL_DEVICE_SVM_CAPABILITIES, sizeof shared, &shared, NULL) ==
		        CL_SUCCESS &&
		    shared & CL_DEVICE_SVM_FINE_GRAIN_BUFFER)
			primary = clCreateContext(NULL, 1, &device_id, NULL, NULL, &code);
	}
	return primary ? 0 : NO_DEVICE;
}

int double_driver_version(int *version)
{
	*version = 12040;
	return 0;
}

int double_device_count(int *count)
{
	*count = 1;
	return 0;
}

int double_device_get(int *device, int index)
{
	*device = index;
	return index == 0 ? 0 : INVALID;
}

int double_device_name(char *name, int len, int device)
{
	char text[128] = "";

	(void)device;
	clGetDeviceInfo(device_id, CL_DEVICE_NAME, sizeof text - 1, text, NULL);
	snprintf(name, (size_t)len, "Double on %s", text);
	return 0;
}

int double_device_memory(size_t *bytes, int device)
{
	cl_ulong memory = 0;
	cl_int code = clGetDeviceInfo(device_id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof memory, &memory, NULL);

	(void)device;
	*bytes = memory;
	return result(code);
}

int double_device_attribute(int *value, int attribute, int device)
{
	(void)device;
	*value = attribute == GPU_ATTRIBUTE_MAJOR ? 9 : attribute == GPU_ATTRIBUTE_MINOR ? 0 : 1;
	return 0;
}

int double_device_uuid(uint8_t *uuid, int device)
{
	(void)uuid, (void)device;
	return INVALID;
}

int double_device_pci(char *address, int len, int device)
{
	(void)address, (void)len, (void)device;
	return INVALID;
}

int double_context_retain(void **context, int device)
{
	(void)device;
	*context = primary;
	return result(clRetainContext(primary));
}

int double_context_release(int device)
{
	(void)device;
	return result(clReleaseContext(primary));
}

int double_context_use(void *context)
{
	current = context;
	return context == primary ? 0 : INVALID;
}

int double_stream_create(void **stream, unsigned flags)
{
	cl_int code;

	(void)flags;
	const cl_queue_properties properties[] = {CL_QUEUE_PROPERTIES, CL_QUEUE_PROFILING_ENABLE, 0};
	*stream = clCreateCommandQueueWithProperties(current, device_id, properties, &code);
	return result(code);
}

int double_stream_destroy(void *stream)
{
	return result(clReleaseCommandQueue(stream));
}

int double_stream_query(void *stream)
{
	return result(clFinish(stream));
}

/* A marker in the stream, made anew each time that it is recorded. */
int double_event_create(void **event, unsigned flags)
{
	*event = calloc(1, sizeof(cl_event));
	return *event && !flags ? 0 : INVALID;
}

int double_event_destroy(void *event)
{
	cl_event *marker = event;
	cl_int code = *marker ? clReleaseEvent(*marker) : CL_SUCCESS;

	free(event);
	return result(code);
}

int double_event_record(void *event, void *stream)
{
	cl_event *marker = event;

	if (*marker)
		clReleaseEvent(*marker);
	*marker = NULL;
	return result(clEnqueueMarkerWithWaitList(stream, 0, NULL, marker));
}

int double_event_elapsed(float *ms, void *from, void *to)
{
	cl_ulong start = 0, end = 0;
	cl_int code = clGetEventProfilingInfo(*(cl_event *)from, CL_PROFILING_COMMAND_END, sizeof start, &start, NULL);

	if (code == CL_SUCCESS)
		code = clGetEventProfilingInfo(*(cl_event *)to, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL);
	*ms = (float)(1e-6 * (double)(end - start));
	return result(code);
}

int double_memory_info(size_t *available, size_t *total)
{
	int code = double_device_memory(total, 0);

	*available = *total;
	return code;
}

int double_memory_alloc(uint64_t *address, size_t len)
{
	*address = (uintptr_t)clSVMAlloc(current, CL_MEM_READ_WRITE | CL_MEM_SVM_FINE_GRAIN_BUFFER, len, 0);
	return *address ? 0 : GPU_ERROR_MEMORY;
}

int double_memory_free(uint64_t address)
{
	clSVMFree(current, (void *)(uintptr_t)address);
	return address ? 0 : INVALID;
}

int double_memory_write(uint64_t address, const void *data, size_t len, void *stream)
{
	return result(clEnqueueSVMMemcpy(stream, CL_FALSE, (void *)(uintptr_t)address, data, len, 0, NULL, NULL));
}

int double_memory_read(void *data, uint64_t address, size_t len, void *stream)
{
	return result(clEnqueueSVMMemcpy(stream, CL_FALSE, data, (const void *)(uintptr_t)address, len, 0, NULL, NULL));
}

/* A program from a file of SPIR 1.2. */
static cl_program program_read(const char *path)
{
	enum { PROGRAM_MAX = 4 << 20 };
	FILE *file = fopen(path, "rb");
	unsigned char *data = malloc(PROGRAM_MAX);
	const unsigned char *start = data;
	size_t len = file && data ? fread(data, 1, PROGRAM_MAX, file) : 0;
	cl_int code;
	cl_program program = clCreateProgramWithBinary(current, 1, &device_id, &len, &start, NULL, &code);

	if (file)
		fclose(file);
	free(data);
	return program;
}

static cl_program program_build(void)
{
	const struct assay_program *text = &assay_programs[ASSAY_PROGRAM_PORTABLE];
	const char *path = getenv("ASSAY_DOUBLE_PROGRAM"), *source = (const char *)text->source;
	const char *options = path ? "-cl-kernel-arg-info -x spir -spir-std=1.2"
	                      : getenv("ASSAY_DOUBLE_SOFT_F64")
	                          ? "-cl-kernel-arg-info -cl-std=CL1.2 -DLANES=1 -DSOFT_F64"
	                          : "-cl-kernel-arg-info -cl-std=CL1.2 -DLANES=1";
	char log[4096] = "no such program";
	cl_int code;
	cl_program program =
	    path ? program_read(path) : clCreateProgramWithSource(current, 1, &source, &text->len, &code);

	if (program && clBuildProgram(program, 1, &device_id, options, NULL, NULL) == CL_SUCCESS)
		return program;
	if (program) {
		clGetProgramBuildInfo(program, device_id, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, NULL);
		clReleaseProgram(program);
	}
	fprintf(stderr, "double: %s\n", log);
	return NULL;
}

/* PTX is text that names its target; a code object is an ELF file. */
int double_module_load(void **module, const void *image)
{
#if defined(VENDOR_CUDA)
	bool good = strstr(image, ".version 7.") && strstr(image, ".visible .entry matmul_i8(");
#else
	bool good = memcmp(image, "\177ELF", 4) == 0;
#endif
	struct module *made = calloc(1, sizeof *made);

	if (good && made && (made->program = program_build()) != NULL) {
		*module = made;
		return 0;
	}
	free(made);
	return INVALID_IMAGE;
}

int double_module_unload(void *module)
{
	struct module *loaded = module;

	for (size_t i = 0; i < ASSAY_KERNEL_COUNT; i++)
		if (loaded->kernels[i])
			clReleaseKernel(loaded->kernels[i]);
	clReleaseProgram(loaded->program);
	free(loaded);
	return 0;
}

int double_module_function(void **function, void *module, const char *name)
{
	struct module *loaded = module;
	size_t i = 0;
	cl_int code;

	while (i < ASSAY_KERNEL_COUNT && loaded->kernels[i])
		i++;
	if (i == ASSAY_KERNEL_COUNT)
		return INVALID; /* the backend asks for each once */
	*function = loaded->kernels[i] = clCreateKernel(loaded->program, name, &code);
	return result(code);
}

/* Only programs with matrix units have such. */
int double_module_global(uint64_t *address, size_t *bytes, void *module, const char *name)
{
	(void)address, (void)bytes, (void)module, (void)name;
	return INVALID;
}

/* parameters[i] is the address of argument i: a device address where the kernel has a pointer, else 32 bits. */
int double_launch(void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
                  unsigned block_z, unsigned shared_bytes, void *stream, void **parameters, void **extra)
{
	const size_t global = (size_t)grid_x * block_x, local = block_x;
	cl_uint count = 0;
	cl_int code;

	if (grid_y != 1 || grid_z != 1 || block_y != 1 || block_z != 1 || shared_bytes || extra)
		return INVALID;
	code = clGetKernelInfo(function, CL_KERNEL_NUM_ARGS, sizeof count, &count, NULL);
	for (cl_uint i = 0; code == CL_SUCCESS && i < count; i++) {
		cl_kernel_arg_address_qualifier space = 0;
		code = clGetKernelArgInfo(function, i, CL_KERNEL_ARG_ADDRESS_QUALIFIER, sizeof space, &space, NULL);
		if (code == CL_SUCCESS)
			code = space == CL_KERNEL_ARG_ADDRESS_GLOBAL
			           ? clSetKernelArgSVMPointer(function, i, *(void **)parameters[i])
			           : clSetKernelArg(function, i, sizeof(cl_uint), parameters[i]);
	}
	if (code == CL_SUCCESS)
		code = clEnqueueNDRangeKernel(stream, function, 1, NULL, &global, &local, 0, NULL, NULL);
	return result(code);
}

#if defined(VENDOR_HIP)
EXPORT int hipGetDevicePropertiesR0600(void *properties, int device);
EXPORT int hipGetDevicePropertiesR0600(void *properties, int device)
{
	(void)device;
	strcpy((char *)properties + 1160, "gfx90a");
	return 0;
}
#endif
