/* SPDX-License-Identifier: Apache-2.0
 *
 * The GPU backend, unmodified, on doubles of both vendors' drivers over OpenCL (double_opencl.c): streams that do not
 * wait, groups of work-items, and the kernels' HIP source, compiled to SPIR and executed. What runs here says nothing
 * about a GPU's speed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/selftest.h"
#include "harness/test/support.h"

TestSuite(gpu_opencl, .fini = support_leave, .timeout = 300);

/* Device 0 of a backend on its double, which runs a program of the build directory, or the source when that is NULL. */
static void open_double(struct assay_device *device, const struct assay_backend *backend, const char *program)
{
	/* PoCL compiles a kernel anew for each size of a group. */
	static const struct assay_tuning tuning = {.group = 4};
	const bool cuda = backend == &assay_backend_cuda;
	struct assay_error error = {.text = ""};
	char path[512], absolute[4096];
	uint32_t count = 0;

	support_enter();
	if (!(cuda ? assay_images_cuda : assay_images_hip)[0].architecture)
		support_missing("images", "no clang for GPUs when this was built");
	if (program) {
		snprintf(path, sizeof path, "%s/%s", support_build(), program);
		if (access(path, R_OK) != 0)
			support_missing("spirv", "no clang-15 and llvm-spirv-15 when this was built");
		setenv("ASSAY_DOUBLE_PROGRAM", path, 1);
	}
	snprintf(path, sizeof path, "%s/double/%s_opencl.so", support_build(), cuda ? "libcuda" : "libamdhip64");
	cr_assert(realpath(path, absolute), "%s", path);
	setenv(cuda ? "ASSAY_CUDA_LIBRARY" : "ASSAY_HIP_LIBRARY", absolute, 1);
	support_ok(backend->count(&count, &error), error);
	if (count == 0 && strstr(error.text, "does not start"))
		support_missing("opencl", error.text);
	cr_assert_neq(count, 0, "%s", error.text);
	support_ok(assay_device_open(device, backend, 0, &tuning, &error), error);
}

static void same_as_cpu(const struct assay_backend *backend, const char *program)
{
	struct assay_device device, cpu;
	struct assay_error error;

	open_double(&device, backend, program);
	cr_assert(support_cpu(&cpu, 0));
	support_ok(assay_selftest(&device, &error), error);
	support_same_rounds(&cpu, &device);
	assay_device_close(&cpu);
	assay_device_close(&device);
}

Test(gpu_opencl, cuda_source)
{
	same_as_cpu(&assay_backend_cuda, NULL);
}

/* As on a device without doubles. */
Test(gpu_opencl, cuda_source_with_doubles_in_integers)
{
	setenv("ASSAY_DOUBLE_SOFT_F64", "1", 1);
	same_as_cpu(&assay_backend_cuda, NULL);
}

Test(gpu_opencl, hip_source)
{
	same_as_cpu(&assay_backend_hip, NULL);
}

Test(gpu_opencl, hip_spir)
{
	same_as_cpu(&assay_backend_hip, "kernels/hip.spir");
}

/* A rotate of SHA-256 by one bit too many: the program is the one that runs, and the self-test finds it. */
Test(gpu_opencl, hip_spir_mutant)
{
	struct assay_device device;
	struct assay_error error;

	open_double(&device, &assay_backend_hip, "mutants/rotate/hip.spir");
	cr_expect_eq(assay_selftest(&device, &error), ASSAY_ERROR_DEVICE);
	cr_expect_str_eq(error.reason, "device.miscompute");
	assay_device_close(&device);
}
