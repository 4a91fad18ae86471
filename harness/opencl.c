/* SPDX-License-Identifier: Apache-2.0
 *
 * See opencl.h. */
#include "harness/opencl.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "harness/cache.h"
#include "kernels/kernels.h"

static struct assay_opencl functions;
static char load_error[256];
static pthread_once_t loaded = PTHREAD_ONCE_INIT;

enum { SURVIVES_MS = 30000, SURVIVED = 77 };

/* Some drivers end the process when they find nothing they like. Ask for devices in a child first, before this process
 * has threads. False when the child did not live to tell, or hangs. */
static bool survives(void)
{
	pid_t child = fork(), ended = 0;
	int state;

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a parent that is out of time does not wait */
		cl_platform_id platforms[16];
		cl_uint count = 0, devices;
		int null = open("/dev/null", O_WRONLY);
		if (null >= 0)
			dup2(null, STDERR_FILENO);
		if (functions.clGetPlatformIDs(16, platforms, &count) == CL_SUCCESS)
			for (cl_uint i = 0; i < count && i < 16; i++)
				functions.clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 0, NULL, &devices);
		_exit(SURVIVED);
	}
	if (child < 0)
		return true;
	for (int ms = 0; ms < SURVIVES_MS && (ended = waitpid(child, &state, WNOHANG)) == 0; ms++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	if (ended == 0) {
		kill(child, SIGKILL);
		waitpid(child, &state, 0);
	}
	/* Without a status to read, a parent that ignores its children's ends say, the driver gets the benefit of the
	 * doubt. */
	return ended < 0 || (ended == child && WIFEXITED(state) && WEXITSTATUS(state) == SURVIVED);
}

/* False, with the reason in load_error, when it cannot be used. */
static bool load_from(const char *name)
{
	void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);

	load_error[0] = '\0';
	if (!library) {
		const char *why = dlerror();
		snprintf(load_error, sizeof load_error, "%s", why ? why : "no OpenCL library");
		return false;
	}
#define LOAD(name)                                                \
	if (!(*(void **)&functions.name = dlsym(library, #name))) \
		snprintf(load_error, sizeof load_error, "the OpenCL library has no %s", #name);
	ASSAY_OPENCL_FUNCTIONS(LOAD)
#undef LOAD
	if (!load_error[0] && !survives())
		snprintf(load_error, sizeof load_error,
		         "a driver crashes or hangs when it is asked for devices (try clinfo)");
	return !load_error[0];
}

/* A loader that knows no driver is as good as none: NVIDIA's containers lack the file that names its library. */
static void load(void)
{
	const char *given = getenv("ASSAY_OPENCL_LIBRARY"), *loader = given && *given ? given : "libOpenCL.so.1";
	char why[sizeof load_error];
	cl_uint platforms = 0;

	bool good = load_from(loader);
	if (loader == given || (good && functions.clGetPlatformIDs(0, NULL, &platforms) == CL_SUCCESS && platforms))
		return;
	const struct assay_opencl first = functions;
	memcpy(why, load_error, sizeof why);
	if (load_from("libnvidia-opencl.so.1"))
		return;
	/* What is used and told is what the loader has and says. */
	functions = first;
	memcpy(load_error, why, sizeof why);
}

const struct assay_opencl *assay_opencl_load(struct assay_error *error)
{
	pthread_once(&loaded, load);
	if (load_error[0]) {
		(void)assay_fail(error, ASSAY_ERROR_DEVICE, "device.missing",
		                 "opencl: %s; install an OpenCL driver, or PoCL for the CPU (pocl-opencl-icd)",
		                 load_error);
		return NULL;
	}
	return &functions;
}

const char *assay_opencl_error(cl_int code)
{
	static const struct {
		cl_int code;
		const char *name;
	} names[] = {
#define NAME(name) {name, #name}
	    NAME(CL_DEVICE_NOT_FOUND),        NAME(CL_DEVICE_NOT_AVAILABLE),
	    NAME(CL_COMPILER_NOT_AVAILABLE),  NAME(CL_MEM_OBJECT_ALLOCATION_FAILURE),
	    NAME(CL_OUT_OF_RESOURCES),        NAME(CL_OUT_OF_HOST_MEMORY),
	    NAME(CL_BUILD_PROGRAM_FAILURE),   NAME(CL_INVALID_VALUE),
	    NAME(CL_INVALID_BINARY),          NAME(CL_INVALID_BUFFER_SIZE),
	    NAME(CL_INVALID_KERNEL_NAME),     NAME(CL_INVALID_KERNEL_ARGS),
	    NAME(CL_INVALID_WORK_GROUP_SIZE),
#undef NAME
	};
	static __thread char number[32];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].code == code)
			return names[i].name;
	snprintf(number, sizeof number, "OpenCL error %d", code);
	return number;
}

/* ---- The cache ---- */

static bool cache_path(char path[ASSAY_PATH_MAX], const struct assay_opencl *cl, cl_device_id device,
                       const char *options)
{
	const struct assay_program *program = &assay_programs[ASSAY_PROGRAM_PORTABLE];
	char texts[3][512] = {"", "", ""};

	cl->clGetDeviceInfo(device, CL_DEVICE_NAME, sizeof texts[0] - 1, texts[0], NULL);
	cl->clGetDeviceInfo(device, CL_DEVICE_VERSION, sizeof texts[1] - 1, texts[1], NULL);
	cl->clGetDeviceInfo(device, CL_DRIVER_VERSION, sizeof texts[2] - 1, texts[2], NULL);
	const struct assay_part parts[] = {
	    {texts, sizeof texts}, {options, strlen(options) + 1}, {program->source, program->len}};
	return assay_cache_path(path, "assay OpenCL cache\n", parts, 3);
}

static cl_program from_cache(const struct assay_opencl *cl, const char *path, cl_context context, cl_device_id device,
                             const char *options)
{
	size_t len;
	uint8_t *binary = assay_cache_read(path, &len);
	const uint8_t *start = binary;

	if (!binary)
		return NULL;
	cl_program program = cl->clCreateProgramWithBinary(context, 1, &device, &len, &start, NULL, NULL);
	if (program && cl->clBuildProgram(program, 1, &device, options, NULL, NULL) != CL_SUCCESS) {
		cl->clReleaseProgram(program);
		program = NULL;
	}
	free(binary);
	return program;
}

static void to_cache(const struct assay_opencl *cl, const char *path, cl_program program)
{
	size_t len = 0;
	uint8_t *binary;

	if (cl->clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof len, &len, NULL) != CL_SUCCESS || len == 0 ||
	    !(binary = malloc(len)))
		return;
	if (cl->clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) == CL_SUCCESS)
		assay_cache_write(path, binary, len);
	free(binary);
}

/* The first lines of the compiler's log. */
static enum assay_status build_failed(const struct assay_opencl *cl, cl_program program, cl_device_id device,
                                      cl_int code, struct assay_error *error)
{
	char log[8192] = "";
	size_t len = 0;

	if (cl->clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, &len) != CL_SUCCESS)
		snprintf(log, sizeof log, "its log is longer than %zu bytes", sizeof log);
	return assay_fail(error, ASSAY_ERROR_DEVICE, "device.build", "opencl: the kernels do not build (%s): %.300s",
	                  assay_opencl_error(code), *log ? log : "the compiler says nothing");
}

enum assay_status assay_opencl_program(const struct assay_opencl *cl, cl_program *program, cl_context context,
                                       cl_device_id device, const char *options, struct assay_error *error)
{
	const struct assay_program *text = &assay_programs[ASSAY_PROGRAM_PORTABLE];
	const char *source = (const char *)text->source;
	char path[ASSAY_PATH_MAX];
	bool cached = cache_path(path, cl, device, options);
	cl_int code;

	*program = cached ? from_cache(cl, path, context, device, options) : NULL;
	if (*program)
		return ASSAY_OK;
	*program = cl->clCreateProgramWithSource(context, 1, &source, &text->len, &code);
	if (!*program)
		return assay_fail(error, ASSAY_ERROR_DEVICE, "device.build", "opencl: %s", assay_opencl_error(code));
	code = cl->clBuildProgram(*program, 1, &device, options, NULL, NULL);
	if (code != CL_SUCCESS) {
		enum assay_status status = build_failed(cl, *program, device, code, error);
		cl->clReleaseProgram(*program);
		*program = NULL;
		return status;
	}
	if (cached)
		to_cache(cl, path, *program);
	return ASSAY_OK;
}
