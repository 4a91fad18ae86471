/* SPDX-License-Identifier: Apache-2.0
 *
 * What differs between the CUDA driver API and HIP for backend_gpu.c, which is compiled once with VENDOR_CUDA and once
 * with VENDOR_HIP: names of functions and libraries, and a few numbers. Both have the same calls with the same
 * arguments; handles and device addresses are 64 bits. Nothing of a vendor's is needed to build: libraries are opened
 * at run time. Sources: cuda.h and nvrtc.h of CUDA 13.0; hip_runtime_api.h and hiprtc.h of ROCm 5.2 to 7. */
#ifndef HARNESS_VENDOR_H
#define HARNESS_VENDOR_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/monitor.h"
#include "kernels/kernels.h"

/* X(member, parameters, CUDA's name, HIP's name). All return 0 for success. */
#define GPU_FUNCTIONS(X)                                                                                               \
	X(init, (unsigned flags), "cuInit", "hipInit")                                                                 \
	X(driver_version, (int *version), "cuDriverGetVersion", "hipDriverGetVersion")                                 \
	X(device_count, (int *count), "cuDeviceGetCount", "hipGetDeviceCount")                                         \
	X(device_get, (int *device, int index), "cuDeviceGet", "hipDeviceGet")                                         \
	X(device_name, (char *name, int len, int device), "cuDeviceGetName", "hipDeviceGetName")                       \
	X(device_memory, (size_t * bytes, int device), "cuDeviceTotalMem_v2", "hipDeviceTotalMem")                     \
	X(device_attribute, (int *value, int attribute, int device), "cuDeviceGetAttribute", "hipDeviceGetAttribute")  \
	X(device_uuid, (uint8_t * uuid, int device), "cuDeviceGetUuid", "hipDeviceGetUuid")                            \
	X(device_pci, (char *address, int len, int device), "cuDeviceGetPCIBusId", "hipDeviceGetPCIBusId")             \
	X(context_retain, (void **context, int device), "cuDevicePrimaryCtxRetain", "hipDevicePrimaryCtxRetain")       \
	X(context_release, (int device), "cuDevicePrimaryCtxRelease_v2", "hipDevicePrimaryCtxRelease")                 \
	X(context_use, (void *context), "cuCtxSetCurrent", "hipCtxSetCurrent")                                         \
	X(stream_create, (void **stream, unsigned flags), "cuStreamCreate", "hipStreamCreateWithFlags")                \
	X(stream_destroy, (void *stream), "cuStreamDestroy_v2", "hipStreamDestroy")                                    \
	X(stream_query, (void *stream), "cuStreamQuery", "hipStreamQuery")                                             \
	X(event_create, (void **event, unsigned flags), "cuEventCreate", "hipEventCreateWithFlags")                    \
	X(event_destroy, (void *event), "cuEventDestroy_v2", "hipEventDestroy")                                        \
	X(event_record, (void *event, void *stream), "cuEventRecord", "hipEventRecord")                                \
	X(event_elapsed, (float *ms, void *from, void *to), "cuEventElapsedTime", "hipEventElapsedTime")               \
	X(memory_info, (size_t * available, size_t * total), "cuMemGetInfo_v2", "hipMemGetInfo")                       \
	X(memory_alloc, (uint64_t * address, size_t len), "cuMemAlloc_v2", "hipMalloc")                                \
	X(memory_free, (uint64_t address), "cuMemFree_v2", "hipFree")                                                  \
	X(memory_write, (uint64_t address, const void *data, size_t len, void *stream), "cuMemcpyHtoDAsync_v2",        \
	  "hipMemcpyHtoDAsync")                                                                                        \
	X(memory_read, (void *data, uint64_t address, size_t len, void *stream), "cuMemcpyDtoHAsync_v2",               \
	  "hipMemcpyDtoHAsync")                                                                                        \
	X(module_load, (void **module, const void *image), "cuModuleLoadData", "hipModuleLoadData")                    \
	X(module_unload, (void *module), "cuModuleUnload", "hipModuleUnload")                                          \
	X(module_function, (void **function, void *module, const char *name), "cuModuleGetFunction",                   \
	  "hipModuleGetFunction")                                                                                      \
	X(module_global, (uint64_t * address, size_t * bytes, void *module, const char *name), "cuModuleGetGlobal_v2", \
	  "hipModuleGetGlobal")                                                                                        \
	X(launch,                                                                                                      \
	  (void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,      \
	   unsigned block_z, unsigned shared_bytes, void *stream, void **parameters, void **extra),                    \
	  "cuLaunchKernel", "hipModuleLaunchKernel")

/* The compiler of kernels at run time. */
#define GPU_COMPILER_FUNCTIONS(X)                                                                       \
	X(version, (int *major, int *minor), "nvrtcVersion", "hiprtcVersion")                           \
	X(create,                                                                                       \
	  (void **program, const char *source, const char *name, int headers, const char *const *texts, \
	   const char *const *names),                                                                   \
	  "nvrtcCreateProgram", "hiprtcCreateProgram")                                                  \
	X(compile, (void *program, int count, const char *const *options), "nvrtcCompileProgram",       \
	  "hiprtcCompileProgram")                                                                       \
	X(log_size, (void *program, size_t *len), "nvrtcGetProgramLogSize", "hiprtcGetProgramLogSize")  \
	X(log, (void *program, char *text), "nvrtcGetProgramLog", "hiprtcGetProgramLog")                \
	X(code_size, (void *program, size_t *len), "nvrtcGetPTXSize", "hiprtcGetCodeSize")              \
	X(code, (void *program, char *code), "nvrtcGetPTX", "hiprtcGetCode")                            \
	X(destroy, (void **program), "nvrtcDestroyProgram", "hiprtcDestroyProgram")

/* Numbers of errors that both vendors share, and what they ask for. */
enum { GPU_ERROR_MEMORY = 2, GPU_ERROR_IMAGE = 200, GPU_ERROR_NOT_READY = 600 };

struct gpu_error_remedy {
	int code;
	const char *reason, *remedy; /* a NULL reason: that of the call */
};

static const struct gpu_error_remedy gpu_error_remedies[] = {
    {GPU_ERROR_MEMORY, "device.memory", "free the device, or choose smaller sizes (--row)"},
    {46, "device.busy", "another process has it for itself (exclusive mode); wait for its end"},
    {209, "device.build", "it takes none of these kernels; build where its compiler is installed"},
    {214, "device.lost", "its memory is faulty; have the card reset or replaced"},
    {216, "device.busy", "another process has it for itself; wait for its end"},
    {222, "device.build", "the driver is older than the kernels; update it"},
    {700, "device.lost", "the device is unusable until this program ends; see the system's log (dmesg)"},
    {702, "device.timeout", "a watchdog ended the kernel; use a card without a display, or smaller sizes (--row)"},
    {719, "device.lost", "the device is unusable until this program ends; see the system's log (dmesg)"},
    {803, NULL, "driver library and kernel module differ in version; restart the machine or install one anew"},
    {804, NULL, "the library is newer than this card's driver may use; install the driver's own library"},
    {999, "device.lost", "the driver knows no more; see the system's log (dmesg)"},
};

#if defined(VENDOR_CUDA)

#define GPU_SYMBOL(cuda, hip) cuda
#define GPU_OBJECT(name) gpu_cuda_##name
#define GPU_BACKEND assay_backend_cuda
#define GPU_NAME "cuda"
#define GPU_LIBRARIES "libcuda.so.1"
#define GPU_LIBRARY_VARIABLE "ASSAY_CUDA_LIBRARY"
#define GPU_COMPILERS "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2"
#define GPU_COMPILER_VARIABLE "ASSAY_NVRTC_LIBRARY"
#define GPU_IMAGES assay_images_cuda
#define GPU_COMPILER_NAME "libnvrtc"
#define GPU_COMPILER_PRESENT assay_compiler_cuda
#define GPU_ARCHITECTURE_OPTION "--gpu-architecture=compute_%s"
#define GPU_ARCHITECTURE_SKIP 3 /* "sm_" */
#define GPU_ERROR_WORDS "cuGetErrorString"
#define GPU_MISSING "no NVIDIA driver here, or it is not passed into this container (docker run --gpus all)"
#define GPU_MONITOR assay_monitor_nvml
enum {
	GPU_ATTRIBUTE_UNITS = 16, /* CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT */
	GPU_ATTRIBUTE_CACHE = 38, /* CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE */
	GPU_ATTRIBUTE_MAJOR = 75, /* CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR */
	GPU_ATTRIBUTE_MINOR = 76,
	GPU_FUNCTION_MEMORY = 8, /* CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES */
};

typedef int gpu_error_words(int code, const char **text);
static inline const char *gpu_error_text(gpu_error_words *function, int code)
{
	const char *text = NULL;
	return function(code, &text) == 0 ? text : NULL;
}

/* "sm_90". */
static inline bool gpu_architecture_name(char *name, size_t len, void *library, int (*attribute)(int *, int, int),
                                         int device)
{
	int major, minor;
	(void)library;

	if (attribute(&major, GPU_ATTRIBUTE_MAJOR, device) != 0 || attribute(&minor, GPU_ATTRIBUTE_MINOR, device) != 0)
		return false;
	snprintf(name, len, "sm_%d%d", major, minor);
	return true;
}

/* PTX is text and serves newer devices too, by the driver's compiler; machine code serves its own. */
static inline bool gpu_image_is_text(const struct assay_image *image)
{
	return image->data[0] == '/';
}

static inline bool gpu_image_serves(const struct assay_image *image, const char *architecture)
{
	int made_for = atoi(image->architecture), is = atoi(architecture + GPU_ARCHITECTURE_SKIP);

	return gpu_image_is_text(image) ? made_for <= is : made_for == is;
}

static inline const char *gpu_image_words(const struct assay_image *image)
{
	return gpu_image_is_text(image) ? "PTX for sm_" : "machine code for sm_";
}

/* What a name says of a part of a card. */
static inline const char *gpu_part_in_name(const char *name)
{
	return strstr(name, " MIG ") ? "MIG" : NULL;
}

/* The matrix units of an architecture; NULL when it has none that we use. */
static inline const char *gpu_units(const char *architecture)
{
	return atoi(architecture + GPU_ARCHITECTURE_SKIP) >= 75 ? "mma" : NULL;
}

/* The oldest driver of a CUDA release (13000), from the release notes of the toolkits. */
static inline int gpu_driver_of(int release)
{
	return release >= 13000 ? 580 : release >= 12000 ? 525 : 450;
}

/* 13000: "CUDA 13.0". */
static inline void gpu_version_words(char *text, size_t len, int version)
{
	snprintf(text, len, "CUDA %d.%d", version / 1000, version % 1000 / 10);
}

/* A group gets more than 48 KiB of memory when the function is told so. */
static inline int gpu_memory_allow(void *library, void *function, uint32_t bytes)
{
	int (*set)(void *, int, int);

	*(void **)&set = dlsym(library, "cuFuncSetAttribute");
	return set ? set(function, GPU_FUNCTION_MEMORY, (int)bytes) : 0;
}

static inline bool gpu_compiler_knows(const char *architecture)
{
	(void)architecture;
	return true;
}

#elif defined(VENDOR_HIP)

#define GPU_SYMBOL(cuda, hip) hip
#define GPU_OBJECT(name) gpu_hip_##name
#define GPU_BACKEND assay_backend_hip
#define GPU_NAME "hip"
#define GPU_LIBRARIES "libamdhip64.so.7", "libamdhip64.so.6", "libamdhip64.so.5"
#define GPU_LIBRARY_VARIABLE "ASSAY_HIP_LIBRARY"
#define GPU_COMPILERS "libhiprtc.so.7", "libhiprtc.so.6", "libamdhip64.so.6", "libamdhip64.so.5"
#define GPU_COMPILER_VARIABLE "ASSAY_HIPRTC_LIBRARY"
#define GPU_IMAGES assay_images_hip
#define GPU_COMPILER_NAME "libhiprtc"
#define GPU_COMPILER_PRESENT assay_compiler_hip
#define GPU_ARCHITECTURE_OPTION "--offload-arch=%s"
#define GPU_ARCHITECTURE_SKIP 0
#define GPU_ERROR_WORDS "hipGetErrorString"
#define GPU_MISSING \
	"no ROCm runtime here, or /dev/kfd is not passed into this container (--device /dev/kfd --device /dev/dri)"
#define GPU_MONITOR assay_monitor_sysfs
enum {
	GPU_ATTRIBUTE_UNITS = 63, /* hipDeviceAttributeMultiprocessorCount */
	GPU_ATTRIBUTE_CACHE = 19, /* hipDeviceAttributeL2CacheSize */
	GPU_ATTRIBUTE_MAJOR = 23, /* hipDeviceAttributeComputeCapabilityMajor */
	GPU_ATTRIBUTE_MINOR = 61,
};

typedef const char *gpu_error_words(int code);
static inline const char *gpu_error_text(gpu_error_words *function, int code)
{
	return function(code);
}

/* "gfx90a", without the features behind a colon. The name is in a structure that has grown: hipDeviceProp_t of ROCm 6
 * (R0600), else that of ROCm 5. */
static inline bool gpu_architecture_name(char *name, size_t len, void *library, int (*attribute)(int *, int, int),
                                         int device)
{
	enum { OFFSET_R0600 = 1160, OFFSET_OLD = 396 };
	char properties[8192] = "";
	int (*get)(void *, int);
	size_t offset = OFFSET_R0600;
	(void)attribute;

	*(void **)&get = dlsym(library, "hipGetDevicePropertiesR0600");
	if (!get) {
		*(void **)&get = dlsym(library, "hipGetDeviceProperties");
		offset = OFFSET_OLD;
	}
	if (!get || get(properties, device) != 0)
		return false;
	snprintf(name, len, "%.*s", (int)strcspn(properties + offset, ":"), properties + offset);
	return strncmp(name, "gfx", 3) == 0;
}

/* A code object serves one architecture. */
static inline bool gpu_image_is_text(const struct assay_image *image)
{
	(void)image;
	return false;
}

static inline bool gpu_image_serves(const struct assay_image *image, const char *architecture)
{
	return strcmp(image->architecture, architecture) == 0;
}

static inline const char *gpu_image_words(const struct assay_image *image)
{
	(void)image;
	return "code object for ";
}

static inline const char *gpu_part_in_name(const char *name)
{
	(void)name;
	return NULL;
}

static inline const char *gpu_units(const char *architecture)
{
	static const char *const with[][2] = {
	    {"gfx908", "mfma"}, {"gfx90a", "mfma"}, {"gfx94", "mfma"}, {"gfx11", "wmma"}, {"gfx12", "wmma"}};

	for (size_t i = 0; i < sizeof with / sizeof *with; i++)
		if (strncmp(architecture, with[i][0], strlen(with[i][0])) == 0)
			return with[i][1];
	return NULL;
}

/* Code objects have no release. */
static inline int gpu_driver_of(int release)
{
	return release;
}

/* 50221153: "HIP 5.2". */
static inline void gpu_version_words(char *text, size_t len, int version)
{
	snprintf(text, len, "HIP %d.%d", version / 10000000, version % 10000000 / 100000);
}

/* A group gets what it asks for. */
static inline int gpu_memory_allow(void *library, void *function, uint32_t bytes)
{
	(void)library, (void)function, (void)bytes;
	return 0;
}

/* hipRTC of ROCm 5 crashes on an architecture that it does not know. */
static inline bool gpu_compiler_knows(const char *architecture)
{
	static const char *const known[] = {"gfx803",  "gfx900",  "gfx906",  "gfx908",  "gfx90a",
	                                    "gfx940",  "gfx942",  "gfx1010", "gfx1030", "gfx1031",
	                                    "gfx1032", "gfx1100", "gfx1101", "gfx1102", NULL};
	for (size_t i = 0; known[i]; i++)
		if (strcmp(known[i], architecture) == 0)
			return true;
	return false;
}

#else
#error "define VENDOR_CUDA or VENDOR_HIP"
#endif

#endif
