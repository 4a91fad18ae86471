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
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "harness/state.h"
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

static void load(void)
{
	const char *given = getenv("ASSAY_OPENCL_LIBRARY");
	const char *names[] = {"libOpenCL.so.1", "libnvidia-opencl.so.1", NULL};
	void *library = NULL;

	if (given && *given)
		library = dlopen(given, RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; !library && !(given && *given) && names[i]; i++)
		library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		const char *why = dlerror();
		snprintf(load_error, sizeof load_error, "%s", why ? why : "no OpenCL library");
		return;
	}
#define LOAD(name)                                                \
	if (!(*(void **)&functions.name = dlsym(library, #name))) \
		snprintf(load_error, sizeof load_error, "the OpenCL library has no %s", #name);
	ASSAY_OPENCL_FUNCTIONS(LOAD)
#undef LOAD
	if (!load_error[0] && !survives())
		snprintf(load_error, sizeof load_error,
		         "a driver crashes or hangs when it is asked for devices (try clinfo)");
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

/* ---- The cache: <hash of source, options and device>.clbin, a file of the binary's digest and the binary. Drivers may
 * abort on a damaged binary, so none is given to them. ---- */

static void cache_digest(uint8_t digest[32], const uint8_t *binary, size_t len)
{
	const struct assay_part part = {binary, len};

	assay_hash(digest, "assay OpenCL binary\n", &part, 1);
}

static bool cache_path(char path[ASSAY_PATH_MAX], const struct assay_opencl *cl, cl_device_id device,
                       const char *options)
{
	char texts[3][512] = {"", "", ""}, name[96], hex[65];
	uint8_t hash[32];

	cl->clGetDeviceInfo(device, CL_DEVICE_NAME, sizeof texts[0] - 1, texts[0], NULL);
	cl->clGetDeviceInfo(device, CL_DEVICE_VERSION, sizeof texts[1] - 1, texts[1], NULL);
	cl->clGetDeviceInfo(device, CL_DRIVER_VERSION, sizeof texts[2] - 1, texts[2], NULL);
	const struct assay_part parts[] = {
	    {texts, sizeof texts}, {options, strlen(options) + 1}, {assay_kernel_source, assay_kernel_source_len}};
	assay_hash(hash, "assay OpenCL cache\n", parts, 3);
	assay_hex(hex, hash);
	snprintf(name, sizeof name, "%s.clbin", hex);
	return assay_state_cache(path, name);
}

static cl_program from_cache(const struct assay_opencl *cl, const char *path, cl_context context, cl_device_id device,
                             const char *options)
{
	enum { BINARY_MAX = 64 << 20 };
	cl_program program = NULL;
	uint8_t *binary = NULL, stored[32], digest[32];
	FILE *file = fopen(path, "rb");

	if (!file)
		return NULL;
	if (fseek(file, 0, SEEK_END) == 0) {
		long size = ftell(file);
		if (size > (long)sizeof stored && size <= BINARY_MAX && (binary = malloc((size_t)size)) != NULL) {
			const uint8_t *start = binary;
			size_t len = (size_t)size - sizeof stored;
			rewind(file);
			bool good = fread(stored, 1, sizeof stored, file) == sizeof stored &&
			            fread(binary, 1, len, file) == len;
			if (good)
				cache_digest(digest, binary, len);
			if (good && memcmp(digest, stored, sizeof stored) == 0)
				program = cl->clCreateProgramWithBinary(context, 1, &device, &len, &start, NULL, NULL);
		}
	}
	if (program && cl->clBuildProgram(program, 1, &device, options, NULL, NULL) != CL_SUCCESS) {
		cl->clReleaseProgram(program);
		program = NULL;
	}
	free(binary);
	fclose(file);
	return program;
}

/* A cache that cannot be written is no error. */
static void to_cache(const struct assay_opencl *cl, const char *path, cl_program program)
{
	struct assay_output output;
	size_t len = 0;
	uint8_t *binary, digest[32];

	if (cl->clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof len, &len, NULL) != CL_SUCCESS || len == 0 ||
	    !(binary = malloc(len)))
		return;
	if (cl->clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) == CL_SUCCESS &&
	    assay_state_parents(path, NULL) == ASSAY_OK && assay_output_open(&output, path, 0600, NULL) == ASSAY_OK) {
		cache_digest(digest, binary, len);
		fwrite(digest, 1, sizeof digest, output.file);
		if (fwrite(binary, 1, len, output.file) == len && assay_output_flush(&output, NULL) == ASSAY_OK &&
		    assay_output_commit(&output, true, NULL) != ASSAY_OK)
			remove(path);
		assay_output_close(&output);
	}
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
	const char *source = (const char *)assay_kernel_source;
	char path[ASSAY_PATH_MAX];
	bool cached = cache_path(path, cl, device, options);
	cl_int code;

	*program = cached ? from_cache(cl, path, context, device, options) : NULL;
	if (*program)
		return ASSAY_OK;
	*program = cl->clCreateProgramWithSource(context, 1, &source, &assay_kernel_source_len, &code);
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
