/* SPDX-License-Identifier: Apache-2.0
 *
 * See gpu.h. */
#include "harness/gpu.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/backend.h"
#include "harness/cache.h"

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
		const struct gpu_error_remedy *known = gpu_remedy(driver_code);
		gpu_driver_error(text, driver_code);
		(void)assay_fail(error, ASSAY_ERROR_DEVICE, "device.missing",
		                 GPU_NAME ": the driver does not start: %s; %s", text,
		                 known ? known->remedy : "check that a device is there and may be used");
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

const struct gpu_error_remedy *gpu_remedy(int code)
{
	for (size_t i = 0; i < sizeof gpu_error_remedies / sizeof *gpu_error_remedies; i++)
		if (gpu_error_remedies[i].code == code)
			return &gpu_error_remedies[i];
	return NULL;
}

int gpu_memory(void *function, uint32_t bytes)
{
	return gpu_memory_allow(driver_library, function, bytes);
}

void gpu_mark(struct gpu_marks *marks, const struct gpu_driver *api, uint32_t which, void *stream)
{
	void **event = &marks->events[which];

	if (!*event && api->event_create(event, 0) != 0)
		*event = NULL;
	marks->set[which] = *event && api->event_record(*event, stream) == 0;
}

bool gpu_elapsed(struct gpu_marks *marks, const struct gpu_driver *api, uint64_t *ns)
{
	float ms = 0;

	if (!marks->set[0] || !marks->set[1] || api->event_elapsed(&ms, marks->events[0], marks->events[1]) != 0 ||
	    !(ms > 0 && ms < 1e12f))
		return false;
	*ns = (uint64_t)((double)ms * 1e6);
	return true;
}

void gpu_marks_release(struct gpu_marks *marks, const struct gpu_driver *api)
{
	for (int i = 0; i < 2; i++)
		if (marks->events[i])
			(void)api->event_destroy(marks->events[i]);
	memset(marks, 0, sizeof *marks);
}

/* ---- The compiler ---- */

static bool compiler_load(struct gpu_compiler *compiler)
{
	static const char *const names[] = {GPU_COMPILERS, NULL};
	void *library = library_open(GPU_COMPILER_VARIABLE, names);
	bool whole = library != NULL;

#define GPU_LOAD(member, parameters, cuda, hip) \
	whole = whole && (*(void **)&compiler->member = dlsym(library, GPU_SYMBOL(cuda, hip))) != NULL;
	GPU_COMPILER_FUNCTIONS(GPU_LOAD)
#undef GPU_LOAD
	return whole;
}

bool GPU_COMPILER_PRESENT(void)
{
	struct gpu_compiler compiler;

	return compiler_load(&compiler);
}

bool gpu_compiler_there(const char *architecture)
{
	return gpu_compiler_knows(architecture) && GPU_COMPILER_PRESENT();
}

/* The file of the cache for this program; what the compiler makes depends on nothing else. */
static bool cache_path(char path[ASSAY_PATH_MAX], const struct gpu_compiler *compiler,
                       const struct assay_program *program, const char *architecture)
{
	int version[2] = {0, 0};

	if (compiler->version(&version[0], &version[1]) != 0)
		return false;
	const struct assay_part parts[] = {
	    {version, sizeof version}, {architecture, strlen(architecture) + 1}, {program->source, program->len}};
	return assay_cache_path(path, "assay " GPU_NAME " cache\n", parts, 3);
}

/* The code, or NULL and the compiler's log. */
static char *compile(const struct gpu_compiler *compiler, const struct assay_program *text, const char *architecture,
                     size_t *len, char log[4096])
{
	char option[96], *code = NULL;
	void *program = NULL;

	snprintf(option, sizeof option, GPU_ARCHITECTURE_OPTION, architecture + GPU_ARCHITECTURE_SKIP);
	const char *const options[] = {option, "-DLANES=1"};
	int failed = compiler->create(&program, (const char *)text->source, text->name, 0, NULL, NULL);
	if (!failed)
		failed = compiler->compile(program, 2, options);
	if (failed && program && compiler->log_size(program, len) == 0 && *len < 4096)
		(void)compiler->log(program, log);
	if (!failed)
		failed = compiler->code_size(program, len);
	if (!failed && (code = malloc(*len + 1)) != NULL) {
		failed = compiler->code(program, code);
		code[*len] = '\0';
	}
	if (program)
		(void)compiler->destroy(&program);
	if (failed) {
		free(code);
		return NULL;
	}
	return code;
}

enum assay_status gpu_compile(char **code, enum assay_program_id program, const char *architecture,
                              struct assay_error *error)
{
	const struct assay_program *text = &assay_programs[program];
	struct gpu_compiler compiler;
	char log[4096] = "", path[ASSAY_PATH_MAX];
	size_t len = 0;

	*code = NULL;
	if (!gpu_compiler_knows(architecture))
		return assay_fail(error, ASSAY_ERROR_DEVICE, "device.build",
		                  GPU_NAME ": %s: no kernels for this architecture", architecture);
	if (!compiler_load(&compiler))
		return assay_fail(error, ASSAY_ERROR_DEVICE, "device.build",
		                  GPU_NAME
		                  ": no kernels for %s in this build, and no compiler here (%s); build where clang is "
		                  "installed",
		                  architecture, GPU_COMPILER_NAME);
	bool cached = cache_path(path, &compiler, text, architecture);
	*code = cached ? (char *)assay_cache_read(path, &len) : NULL;
	if (*code)
		return ASSAY_OK;
	*code = compile(&compiler, text, architecture, &len, log);
	if (!*code)
		return assay_fail(error, ASSAY_ERROR_DEVICE, "device.build",
		                  GPU_NAME ": the kernels do not build for %s: %.300s", architecture,
		                  *log ? log : "the compiler says nothing");
	/* Its terminator, which text needs, is kept with it. */
	if (cached)
		assay_cache_write(path, *code, len + 1);
	return ASSAY_OK;
}

/* Of the images that serve, the last in the table is the best; `too_new` is one that wants a newer driver. */
static const struct assay_image *image_find(const struct assay_image **too_new, enum assay_program_id program,
                                            const char *architecture, int version)
{
	const struct assay_image *best = NULL;

	*too_new = NULL;
	for (const struct assay_image *image = GPU_IMAGES; image->architecture; image++)
		if (image->program == program && gpu_image_serves(image, architecture)) {
			if (image->driver > version)
				*too_new = image;
			else
				best = image;
		}
	return best;
}

void gpu_route(struct gpu_route *route, enum assay_program_id program, const char *architecture, int version,
               const char *known)
{
	const struct assay_image *too_new;
	char have[64], way[96] = "", needs[96] = "";

	route->image = image_find(&too_new, program, architecture, version);
	route->available = route->image || gpu_compiler_there(architecture);
	gpu_version_words(have, sizeof have, version);
	if (route->image)
		snprintf(way, sizeof way, "%s%s%s", gpu_image_words(route->image), route->image->architecture,
		         gpu_image_is_text(route->image) ? ", compiled by the driver" : "");
	else if (route->available)
		snprintf(way, sizeof way, "compiled by %s for %.32s", GPU_COMPILER_NAME, architecture);
	else if (!too_new)
		snprintf(way, sizeof way, "no kernels for %.32s in this build, and no %s", architecture,
		         GPU_COMPILER_NAME);
	if (too_new)
		snprintf(needs, sizeof needs, "%s%s%s needs driver %d, have %.32s%s", *way ? " (" : "",
		         gpu_image_words(too_new), too_new->architecture, gpu_driver_of(too_new->driver),
		         *known ? known : have, *way ? ")" : "");
	snprintf(route->text, sizeof route->text, "%s%s", way, needs);
}
