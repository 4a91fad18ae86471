/* SPDX-License-Identifier: Apache-2.0
 *
 * A libamdhip64 over libcuda, so that the unmodified HIP backend runs on an NVIDIA device (or on the double of its
 * driver). HIP's calls are CUDA's with other names (vendor.h), so most are passed on as they are. The device calls
 * itself gfx906, which has no matrix units: the backend asks for nothing but the portable kernels. In place of an AMD
 * code object it gets the same kernels as PTX: the embedded image that serves it, else NVRTC's.
 *
 * It tests the backend's host side and its kernels; it says nothing about AMD's compiler or an AMD device, and its name
 * for the device says so. */
#include <pthread.h>

#define VENDOR_CUDA
#include "harness/gpu.h"
#include "kernels/kernels.h"

#define EXPORT __attribute__((visibility("default")))
enum { INVALID = 1, NO_DEVICE = 100, OFFSET_R0600 = 1160 };

/* hipDeviceAttribute_t, and the same in CUDA's numbers. */
static const struct {
	int hip, cuda;
} attributes[] = {
    {63, GPU_ATTRIBUTE_UNITS}, {19, GPU_ATTRIBUTE_CACHE}, {23, GPU_ATTRIBUTE_MAJOR}, {61, GPU_ATTRIBUTE_MINOR}};

/* What HIP's names lead to: CUDA's driver, except where HIP differs. */
static struct gpu_driver table;
static const struct gpu_driver *cuda;
static pthread_once_t loaded = PTHREAD_ONCE_INIT;
static _Thread_local int device_used; /* the last whose context this thread retained */

static int device_name(char *name, int len, int device)
{
	char own[256] = "";
	int code = cuda->device_name(own, sizeof own - 1, device);

	snprintf(name, (size_t)len, "HIP over CUDA: %s", own);
	return code;
}

static int device_attribute(int *value, int attribute, int device)
{
	for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
		if (attributes[i].hip == attribute)
			return cuda->device_attribute(value, attributes[i].cuda, device);
	return INVALID;
}

static int context_retain(void **context, int device)
{
	device_used = device;
	return cuda->context_retain(context, device);
}

static int module_load(void **module, const void *code_object)
{
	const struct assay_image *best = NULL;
	struct assay_error error;
	char architecture[64], *code = NULL;
	int version = 0;

	if (memcmp(code_object, "\177ELF", 4) != 0 || !gpu_architecture(architecture, cuda, device_used))
		return INVALID;
	for (const struct assay_image *image = assay_images_cuda; image->architecture; image++)
		if (image->program == ASSAY_PROGRAM_PORTABLE && gpu_image_serves(image, architecture) &&
		    cuda->driver_version(&version) == 0 && image->driver <= version)
			best = image;
	if (!best && gpu_compile(&code, ASSAY_PROGRAM_PORTABLE, architecture, &error) != ASSAY_OK) {
		fprintf(stderr, "hip_over_cuda: %s\n", error.text);
		return INVALID;
	}
	int result = cuda->module_load(module, best ? (const void *)best->data : code);
	free(code);
	return result;
}

static void load(void)
{
	struct assay_error error;

	cuda = gpu_driver_load(&error);
	if (!cuda)
		return;
	table = *cuda;
	table.device_name = device_name;
	table.device_attribute = device_attribute;
	table.context_retain = context_retain;
	table.module_load = module_load;
}

/* All arguments are integers or addresses, at most eleven: such are passed in the same places whatever they are, and a
 * function does not look at those that it has not. So one shape of function passes every call on. */
typedef uintptr_t word;
#define WORDS word a, word b, word c, word d, word e, word f, word g, word h, word i, word j, word k
#define PASS_ON(member, parameters, cuda_name, hip_name)                         \
	EXPORT int hip_##member(WORDS) __asm__(hip_name);                        \
	int hip_##member(WORDS)                                                  \
	{                                                                        \
		int (*next)(WORDS);                                              \
		pthread_once(&loaded, load);                                     \
		memcpy(&next, &table.member, sizeof next);                       \
		return next ? next(a, b, c, d, e, f, g, h, i, j, k) : NO_DEVICE; \
	}
GPU_FUNCTIONS(PASS_ON)

EXPORT const char *hipGetErrorString(int code);
const char *hipGetErrorString(int code)
{
	static _Thread_local char text[128];

	gpu_driver_error(text, code);
	text[strcspn(text, "(")] = '\0'; /* the backend adds the number itself */
	return text;
}

EXPORT int hipGetDevicePropertiesR0600(void *properties, int device);
int hipGetDevicePropertiesR0600(void *properties, int device)
{
	(void)device;
	strcpy((char *)properties + OFFSET_R0600, "gfx906");
	return 0;
}
