/* SPDX-License-Identifier: Apache-2.0
 *
 * See gpu.h. */
#include "harness/gpu.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"

static struct gpu_driver driver;
static void *driver_library;
static char driver_missing[256];
static int driver_code; /* of initialisation */
static pthread_once_t driver_loaded = PTHREAD_ONCE_INIT;

/* The library that a variable names, or the first of a list that is there. */
static void *library_open(const char *variable, const char *const *names)
{
	const char *given = getenv(variable);
	void *library = NULL;

	if (given && *given)
		return dlopen(given, RTLD_NOW | RTLD_LOCAL);
	for (; !library && *names; names++)
		library = dlopen(*names, RTLD_NOW | RTLD_LOCAL);
	return library;
}

static void driver_load(void)
{
	static const char *const names[] = {GPU_LIBRARIES, NULL};

	driver_library = library_open(GPU_LIBRARY_VARIABLE, names);
	if (!driver_library) {
		snprintf(driver_missing, sizeof driver_missing, "%s", GPU_MISSING);
		return;
	}
#define GPU_LOAD(member, parameters, cuda, hip)                                                        \
	if (!(*(void **)&driver.member = dlsym(driver_library, GPU_SYMBOL(cuda, hip))))                \
		snprintf(driver_missing, sizeof driver_missing, "the driver is too old: it has no %s", \
		         GPU_SYMBOL(cuda, hip));
	GPU_FUNCTIONS(GPU_LOAD)
#undef GPU_LOAD
	if (!driver_missing[0])
		driver_code = driver.init(0);
}

const struct gpu_driver *gpu_driver_load(struct assay_error *error)
{
	char text[128];

	pthread_once(&driver_loaded, driver_load);
	if (driver_missing[0]) {
		(void)assay_fail(error, ASSAY_ERROR_DEVICE, "device.missing", GPU_NAME ": %s", driver_missing);
		return NULL;
	}
	if (driver_code) {
		gpu_driver_error(text, driver_code);
		(void)assay_fail(
		    error, ASSAY_ERROR_DEVICE, "device.missing",
		    GPU_NAME ": the driver does not start: %s; check that a device is there and may be used", text);
		return NULL;
	}
	return &driver;
}

void gpu_driver_error(char text[128], int code)
{
	const char *words = NULL;
	gpu_error_words *function;

	*(void **)&function = driver_library ? dlsym(driver_library, GPU_ERROR_WORDS) : NULL;
	if (function)
		words = gpu_error_text(function, code);
	snprintf(text, 128, "%s (error %d)", words ? words : "unknown", code);
	assay_printable(text);
}

bool gpu_architecture(char name[64], const struct gpu_driver *api, int device)
{
	return gpu_architecture_name(name, 64, driver_library, api->device_attribute, device);
}

enum assay_status gpu_compile(char **code, const char *architecture, struct assay_error *error)
{
	static const char *const names[] = {GPU_COMPILERS, NULL};
	struct gpu_compiler compiler;
	char option[96], log[4096] = "";
	const char *missing = NULL;
	size_t len = 0;
	void *program = NULL, *library = library_open(GPU_COMPILER_VARIABLE, names);

	*code = NULL;
#define GPU_LOAD(member, parameters, cuda, hip)                                               \
	if (library && !(*(void **)&compiler.member = dlsym(library, GPU_SYMBOL(cuda, hip)))) \
		missing = GPU_SYMBOL(cuda, hip);
	GPU_COMPILER_FUNCTIONS(GPU_LOAD)
#undef GPU_LOAD
	if (!library || missing)
		return assay_fail(error, ASSAY_ERROR_DEVICE, "device.build",
		                  GPU_NAME
		                  ": no kernels for %s in this build, and no compiler here (%s); build where clang is "
		                  "installed",
		                  architecture, GPU_COMPILER_NAME);
	if (!gpu_compiler_knows(architecture))
		return assay_fail(error, ASSAY_ERROR_DEVICE, "device.build",
		                  GPU_NAME ": %s: no kernels for this architecture", architecture);

	char *source = malloc(assay_kernel_source_len + 1);
	if (!source)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	memcpy(source, assay_kernel_source, assay_kernel_source_len);
	source[assay_kernel_source_len] = '\0';
	snprintf(option, sizeof option, GPU_ARCHITECTURE_OPTION, architecture + GPU_ARCHITECTURE_SKIP);
	const char *const options[] = {option, "-DLANES=1"};
	int failed = compiler.create(&program, source, "kernels", 0, NULL, NULL);
	if (!failed)
		failed = compiler.compile(program, 2, options);
	if (failed && program && compiler.log_size(program, &len) == 0 && len < sizeof log)
		(void)compiler.log(program, log);
	if (!failed)
		failed = compiler.code_size(program, &len);
	if (!failed && (*code = malloc(len + 1)) != NULL) {
		failed = compiler.code(program, *code);
		(*code)[len] = '\0';
	}
	if (program)
		(void)compiler.destroy(&program);
	free(source);
	if (!failed && *code)
		return ASSAY_OK;
	free(*code);
	*code = NULL;
	return assay_fail(error, ASSAY_ERROR_DEVICE, "device.build",
	                  GPU_NAME ": the kernels do not build for %s: %.300s", architecture,
	                  *log ? log : "the compiler says nothing");
}
