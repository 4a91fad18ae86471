/* SPDX-License-Identifier: Apache-2.0
 *
 * See double.c: programs, their kernels, and launches. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/test/double.h"
#include "harness/test/group.h"
#include "harness/test/halves.h"
#include "kernels/kernels.h"

extern const struct assay_kernel_set assay_kernels_scalar, assay_kernels_long;

struct function {
	enum assay_kernel_id id;
	const struct units_kernel *units;
};

struct module {
	const struct units *units; /* NULL: the portable program */
	struct function functions[ASSAY_KERNEL_COUNT];
};

/* The matrix units of the architecture that is played. */
static const struct units *units_here(void)
{
#if defined(VENDOR_CUDA)
	return number("ASSAY_DOUBLE_ARCHITECTURE", 90) >= 80 ? &units_mma_k32 : &units_mma_k16;
#else
	const char *architecture = getenv("ASSAY_DOUBLE_ARCHITECTURE");

	if (!architecture || strncmp(architecture, "gfx90", 5) == 0)
		return &units_mfma_k16;
	return strncmp(architecture, "gfx9", 4) == 0    ? &units_mfma_k32
	       : strncmp(architecture, "gfx11", 5) == 0 ? &units_wmma_11
	                                                : &units_wmma_12;
#endif
}

CALL(module_load, cuModuleLoadData, hipModuleLoadData, void **module, const void *image)
{
	int code = fails_as("module_load", INVALID_IMAGE);
	bool elf = memcmp(image, "\177ELF", 4) == 0, good = elf, units = false;

#if defined(VENDOR_CUDA)
	/* PTX is text; there is machine code for matrix units only. */
	good = good || (strstr(image, ".version ") && strstr(image, ".visible .entry matmul_i8("));
	units = elf || strstr(image, "matmul_i8_shape");
#else
	/* Code objects name what is in them in their first page of symbols. */
	for (size_t i = 0; elf && !units && i < 4096; i++)
		units = memcmp((const char *)image + i, "matmul_i8_shape", 15) == 0;
#endif
	if (!current || !good || code)
		return code ? code : INVALID_IMAGE;
	struct module *loaded = malloc(sizeof *loaded);
	if (!loaded)
		return GPU_ERROR_MEMORY;
	loaded->units = units ? units_here() : NULL;
	*module = loaded;
	return 0;
}

CALL(module_unload, cuModuleUnload, hipModuleUnload, void *module)
{
	free(module);
	return 0;
}

/* A kernel of the program `units`, by its name; NULL when it is not one. */
static const struct units_kernel *units_kernel(const struct module *module, const char *name)
{
	return !module->units                   ? NULL
	       : strcmp(name, "matmul_i8") == 0 ? &module->units->i8
	       : strcmp(name, "matmul_i9") == 0 ? &module->units->i9
	                                        : NULL;
}

CALL(module_function, cuModuleGetFunction, hipModuleGetFunction, void **function, void *module, const char *name)
{
	if (!current || !module || fails("module_function"))
		return INVALID;
	for (size_t id = 0; id < ASSAY_KERNEL_COUNT; id++)
		if (strcmp(assay_kernel_names[id], name) == 0) {
			struct function *found = &((struct module *)module)->functions[id];
			*found = (struct function){(enum assay_kernel_id)id, units_kernel(module, name)};
			*function = found;
			return ((struct module *)module)->units && !found->units ? INVALID : 0;
		}
	return INVALID;
}

CALL(module_global, cuModuleGetGlobal_v2, hipModuleGetGlobal, uint64_t *address, size_t *bytes, void *module,
     const char *name)
{
	const struct units_kernel *kernel;
	char kernel_name[32];

	snprintf(kernel_name, sizeof kernel_name, "%.*s", (int)strcspn(name, "_") + 3, name);
	kernel = module ? units_kernel(module, kernel_name) : NULL;
	if (!current || !kernel || strcmp(name + strlen(kernel_name), "_shape") != 0 || fails("module_global"))
		return INVALID;
	*address = (uint64_t)(uintptr_t)kernel->shape;
	*bytes = 20;
	return 0;
}

/* The same product by plain C. */
static bool long_launch(enum assay_kernel_id id, const void *const *arguments)
{
	const uint32_t first = *(const uint32_t *)arguments[3], count = *(const uint32_t *)arguments[4];
	const uint32_t tiles = *(const uint32_t *)arguments[5], words = *(const uint32_t *)arguments[6];
	uint32_t *a = *(uint32_t *const *)arguments[0], *b = *(uint32_t *const *)arguments[1];

	if (id == ASSAY_KERNEL_MATMUL_I9) {
		a = halves_to_integers(a, (size_t)(first + count) / tiles * words * 16);
		b = halves_to_integers(b, (size_t)tiles * words * 16);
	}
	const void *const converted[] = {&a, &b, arguments[2], arguments[3], arguments[4], arguments[5], arguments[6]};
	if (a && b)
		assay_kernels_long.range[id](converted, 0, count);
	if (id == ASSAY_KERNEL_MATMUL_I9) {
		free(a);
		free(b);
	}
	return a && b;
}

/* Coroutines are slow: long products are left to plain C. */
static bool units_launch(const struct function *function, const void *const *arguments, uint32_t groups)
{
	const uint32_t words = *(const uint32_t *)arguments[6];
	bool good =
	    words <= 1024 ? function->units->run(arguments, groups, GROUP_FIRST) : long_launch(function->id, arguments);

	const char *wrong = getenv("ASSAY_DOUBLE_WRONG");
	if (wrong && strcmp(wrong, "units") == 0)
		(*(uint32_t *const *)arguments[2])[255] ^= 1;
	return good;
}

/* A transient fault. */
static void flip(const struct function *function, const void *const *arguments)
{
	static atomic_long launches;
	const char *wanted = getenv("ASSAY_DOUBLE_FLIP"), *name = assay_kernel_names[function->id];
	size_t len = strlen(name);
	char *end;

	if (!wanted || strncmp(wanted, name, len) != 0 || wanted[len] != ':' ||
	    atomic_fetch_add(&launches, 1) + 1 != strtol(wanted + len + 1, &end, 10))
		return;
	long argument = strtol(end + 1, &end, 10), word = strtol(end + 1, NULL, 10);
	(*(uint32_t *const *)arguments[argument])[word] ^= 1u << 12;
}

CALL(launch, cuLaunchKernel, hipModuleLaunchKernel, void *handle, unsigned grid_x, unsigned grid_y, unsigned grid_z,
     unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes, void *stream, void **parameters,
     void **extra)
{
	const struct function *function = handle;
	const void *const *arguments = (const void *const *)parameters;
	int lost = is_lost(grid_x * block_x), code = lost == LOST ? LOST : fails_as("launch", LOST);

	if (!current || !stream || grid_x == 0 || block_x == 0 || block_x > 1024 || grid_y != 1 || grid_z != 1 ||
	    block_y != 1 || block_z != 1 || extra)
		return INVALID;
	if (shared_bytes != (function->units ? function->units->shape[3] : 0) ||
	    (function->units && block_x != function->units->shape[0]))
		return INVALID;
	if (code || lost)
		return code;
	if (function->units && !units_launch(function, arguments, grid_x))
		return LOST;
	if (!function->units)
		assay_kernels_scalar.range[function->id](arguments, 0, grid_x * block_x);
	flip(function, arguments);
	return 0;
}
