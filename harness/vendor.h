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

/* X(member, parameters, CUDA's name, HIP's name). All return 0 for success. */
#define GPU_FUNCTIONS(X)                                                                                              \
	X(init, (unsigned flags), "cuInit", "hipInit")                                                                \
	X(driver_version, (int *version), "cuDriverGetVersion", "hipDriverGetVersion")                                \
	X(device_count, (int *count), "cuDeviceGetCount", "hipGetDeviceCount")                                        \
	X(device_get, (int *device, int index), "cuDeviceGet", "hipDeviceGet")                                        \
	X(device_name, (char *name, int len, int device), "cuDeviceGetName", "hipDeviceGetName")                      \
	X(device_memory, (size_t * bytes, int device), "cuDeviceTotalMem_v2", "hipDeviceTotalMem")                    \
	X(device_attribute, (int *value, int attribute, int device), "cuDeviceGetAttribute", "hipDeviceGetAttribute") \
	X(context_retain, (void **context, int device), "cuDevicePrimaryCtxRetain", "hipDevicePrimaryCtxRetain")      \
	X(context_release, (int device), "cuDevicePrimaryCtxRelease_v2", "hipDevicePrimaryCtxRelease")                \
	X(context_use, (void *context), "cuCtxSetCurrent", "hipCtxSetCurrent")                                        \
	X(stream_create, (void **stream, unsigned flags), "cuStreamCreate", "hipStreamCreateWithFlags")               \
	X(stream_destroy, (void *stream), "cuStreamDestroy_v2", "hipStreamDestroy")                                   \
	X(stream_wait, (void *stream), "cuStreamSynchronize", "hipStreamSynchronize")                                 \
	X(memory_alloc, (uint64_t * address, size_t len), "cuMemAlloc_v2", "hipMalloc")                               \
	X(memory_free, (uint64_t address), "cuMemFree_v2", "hipFree")                                                 \
	X(memory_write, (uint64_t address, const void *data, size_t len, void *stream), "cuMemcpyHtoDAsync_v2",       \
	  "hipMemcpyHtoDAsync")                                                                                       \
	X(memory_read, (void *data, uint64_t address, size_t len, void *stream), "cuMemcpyDtoHAsync_v2",              \
	  "hipMemcpyDtoHAsync")                                                                                       \
	X(module_load, (void **module, const void *image), "cuModuleLoadData", "hipModuleLoadData")                   \
	X(module_unload, (void *module), "cuModuleUnload", "hipModuleUnload")                                         \
	X(module_function, (void **function, void *module, const char *name), "cuModuleGetFunction",                  \
	  "hipModuleGetFunction")                                                                                     \
	X(launch,                                                                                                     \
	  (void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,     \
	   unsigned block_z, unsigned shared_bytes, void *stream, void **parameters, void **extra),                   \
	  "cuLaunchKernel", "hipModuleLaunchKernel")

/* The compiler of kernels at run time. */
#define GPU_COMPILER_FUNCTIONS(X)                                                                       \
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
#define GPU_ARCHITECTURE_OPTION "--gpu-architecture=compute_%s"
#define GPU_ARCHITECTURE_SKIP 3 /* "sm_" */
#define GPU_ERROR_WORDS "cuGetErrorString"
#define GPU_MISSING "no NVIDIA driver here, or it is not passed into this container (docker run --gpus all)"
enum {
	GPU_ATTRIBUTE_UNITS = 16, /* CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT */
	GPU_ATTRIBUTE_MAJOR = 75, /* CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR */
	GPU_ATTRIBUTE_MINOR = 76,
	GPU_ERROR_MEMORY = 2, /* CUDA_ERROR_OUT_OF_MEMORY */
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

/* PTX of an older architecture serves a newer device. */
static inline bool gpu_image_serves(const char *image, const char *architecture)
{
	return atoi(image) <= atoi(architecture + 3);
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
#define GPU_ARCHITECTURE_OPTION "--offload-arch=%s"
#define GPU_ARCHITECTURE_SKIP 0
#define GPU_ERROR_WORDS "hipGetErrorString"
#define GPU_MISSING \
	"no ROCm runtime here, or /dev/kfd is not passed into this container (--device /dev/kfd --device /dev/dri)"
enum {
	GPU_ATTRIBUTE_UNITS = 63, /* hipDeviceAttributeMultiprocessorCount */
	GPU_ATTRIBUTE_MAJOR = 23, /* hipDeviceAttributeComputeCapabilityMajor */
	GPU_ATTRIBUTE_MINOR = 61,
	GPU_ERROR_MEMORY = 2, /* hipErrorOutOfMemory */
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
static inline bool gpu_image_serves(const char *image, const char *architecture)
{
	return strcmp(image, architecture) == 0;
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
