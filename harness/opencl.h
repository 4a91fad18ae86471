/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenCL 1.2 by dlopen: the functions that the backend calls, its error texts, and the cache of built programs. */
#ifndef HARNESS_OPENCL_H
#define HARNESS_OPENCL_H

#include <CL/cl.h>

#include "verify/bytes.h"

#define ASSAY_OPENCL_FUNCTIONS(X)      \
	X(clGetPlatformIDs)            \
	X(clGetPlatformInfo)           \
	X(clGetDeviceIDs)              \
	X(clGetDeviceInfo)             \
	X(clCreateContext)             \
	X(clReleaseContext)            \
	X(clCreateCommandQueue)        \
	X(clReleaseCommandQueue)       \
	X(clCreateBuffer)              \
	X(clReleaseMemObject)          \
	X(clEnqueueWriteBuffer)        \
	X(clEnqueueReadBuffer)         \
	X(clCreateProgramWithSource)   \
	X(clCreateProgramWithBinary)   \
	X(clBuildProgram)              \
	X(clGetProgramBuildInfo)       \
	X(clGetProgramInfo)            \
	X(clReleaseProgram)            \
	X(clCreateKernel)              \
	X(clReleaseKernel)             \
	X(clGetKernelWorkGroupInfo)    \
	X(clSetKernelArg)              \
	X(clEnqueueNDRangeKernel)      \
	X(clFlush)                     \
	X(clFinish)                    \
	X(clEnqueueMarkerWithWaitList) \
	X(clGetEventProfilingInfo)     \
	X(clReleaseEvent)

struct assay_opencl {
#define ASSAY_OPENCL_MEMBER(name) __typeof__(name) *name;
	ASSAY_OPENCL_FUNCTIONS(ASSAY_OPENCL_MEMBER)
#undef ASSAY_OPENCL_MEMBER
};

/* The library, loaded once a process: $ASSAY_OPENCL_LIBRARY if set, else the ICD loader when it knows a driver, else
 * NVIDIA's implementation, which is in its containers without the file that the loader looks for. NULL, with the
 * reason, when there is none. */
const struct assay_opencl *assay_opencl_load(struct assay_error *error);

/* "CL_OUT_OF_RESOURCES" and the like. */
const char *assay_opencl_error(cl_int code);

/* A program of the embedded source for one device, from the cache on disk or by the device's compiler. `options` is the
 * compiler's command line. Errors: device.build, with the compiler's first lines. */
enum assay_status assay_opencl_program(const struct assay_opencl *cl, cl_program *program, cl_context context,
                                       cl_device_id device, const char *options,
                                       struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
