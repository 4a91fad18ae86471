/* SPDX-License-Identifier: Apache-2.0
 *
 * The libraries of one vendor, opened at run time: driver and kernel compiler. Compiled once a vendor, like
 * backend_gpu.c; vendor.h has the names. */
#ifndef HARNESS_GPU_H
#define HARNESS_GPU_H

#include "harness/vendor.h"
#include "verify/bytes.h"

/* Both vendors' objects are in one program. */
#define gpu_driver_load GPU_OBJECT(driver_load)
#define gpu_driver_error GPU_OBJECT(driver_error)
#define gpu_architecture GPU_OBJECT(architecture)
#define gpu_remedy GPU_OBJECT(remedy)
#define gpu_memory GPU_OBJECT(memory)
#define gpu_mark GPU_OBJECT(mark)
#define gpu_elapsed GPU_OBJECT(elapsed)
#define gpu_marks_release GPU_OBJECT(marks_release)
#define gpu_compiler_there GPU_OBJECT(compiler_there)
#define gpu_compile GPU_OBJECT(compile)
#define gpu_route GPU_OBJECT(route)

struct gpu_driver {
#define GPU_MEMBER(member, parameters, cuda, hip) int(*member) parameters;
	GPU_FUNCTIONS(GPU_MEMBER)
};

struct gpu_compiler {
	GPU_COMPILER_FUNCTIONS(GPU_MEMBER)
#undef GPU_MEMBER
};

/* The driver, loaded and initialised once a process; NULL, with the reason, when there is none. */
const struct gpu_driver *gpu_driver_load(struct assay_error *error);

/* The driver's words for an error code. */
void gpu_driver_error(char text[128], int code);

/* What an error asks for; NULL when nothing is known. */
const struct gpu_error_remedy *gpu_remedy(int code);

/* Lets groups of a function have this much memory. */
int gpu_memory(void *function, uint32_t bytes);

/* Marks in a stream, as the backend has them (backend.h). The context is current. */
struct gpu_marks {
	void *events[2];
	bool set[2];
};
void gpu_mark(struct gpu_marks *marks, const struct gpu_driver *driver, uint32_t which, void *stream);
bool gpu_elapsed(struct gpu_marks *marks, const struct gpu_driver *driver, uint64_t *ns);
void gpu_marks_release(struct gpu_marks *marks, const struct gpu_driver *driver);

/* "sm_90", "gfx90a": what a device is. */
bool gpu_architecture(char name[64], const struct gpu_driver *driver, int device);

/* Whether a compiler is here that knows an architecture. */
bool gpu_compiler_there(const char *architecture);

/* How a device gets a program. */
struct gpu_route {
	const struct assay_image *image; /* NULL: by the vendor's compiler, or not at all */
	bool available;
	char text[160]; /* in words; what an image that was passed over needs, too */
};

/* `version` is the driver's as it counts them, `driver` what else is known of it ("" = nothing). */
void gpu_route(struct gpu_route *route, enum assay_program_id program, const char *architecture, int version,
               const char *driver);

/* Compiles a program for an architecture, or finds it in the cache; *code, with a terminator, is to be released with
 * free(). Errors: device.build, with the compiler's first lines, or because there is no compiler. */
enum assay_status gpu_compile(char **code, enum assay_program_id program, const char *architecture,
                              struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
