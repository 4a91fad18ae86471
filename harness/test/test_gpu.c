/* SPDX-License-Identifier: Apache-2.0
 *
 * The GPU backend, unmodified, on test doubles of both vendors' drivers (double.c): the same roots as the cpu device,
 * and every call that can fail. What runs here says nothing about a GPU's speed. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VENDOR_CUDA
#include "harness/gpu.h"
#include "harness/selftest.h"
#include "harness/test/support.h"
#include "harness/workload.h"

struct vendor {
	const struct assay_backend *backend;
	const char *variable, *library;
};

static const struct vendor vendors[] = {
    {&assay_backend_cuda, "ASSAY_CUDA_LIBRARY", "libcuda.so"},
    {&assay_backend_hip, "ASSAY_HIP_LIBRARY", "libamdhip64.so"},
};

static void doubles(void)
{
	support_enter();
	for (size_t i = 0; i < 2; i++) {
		char path[512], absolute[4096];
		snprintf(path, sizeof path, "%s/double/%s", support_build(), vendors[i].library);
		if (!realpath(path, absolute))
			support_missing("double", path);
		setenv(vendors[i].variable, absolute, 1);
	}
}

/* Images are made where a clang for GPUs is installed. */
static void images(void)
{
	if (!assay_images_cuda[0].architecture || !assay_images_hip[0].architecture)
		support_missing("images", "no clang for GPUs when this was built");
}

TestSuite(gpu, .init = doubles, .fini = support_leave, .timeout = 120);

Test(gpu, selftest_and_roots)
{
	struct assay_error error;
	struct assay_device cpu;
	const struct assay_params params[] = {{{1088, 32, 64}}, {{2, 7}}};

	images();
	cr_assert_eq(assay_device_open(&cpu, &assay_backend_cpu, 0, NULL, &error), ASSAY_OK);
	for (size_t i = 0; i < 2; i++) {
		struct assay_device device;
		cr_assert_eq(assay_device_open(&device, vendors[i].backend, 0, NULL, &error), ASSAY_OK, "%s",
		             error.text);
		cr_expect_eq(assay_selftest(&device, &error), ASSAY_OK, "%s", error.text);
		cr_expect_eq(device.info.compute_units, 132);
		cr_expect(!strchr(device.info.name, 27), "escape characters in a name");
		for (size_t w = 0; w < 2; w++) {
			struct assay_engine engine[2];
			uint8_t seed[32] = {9}, root[2][32], bands[2][64][32];
			struct assay_device *both[] = {&cpu, &device};
			for (size_t d = 0; d < 2; d++) {
				cr_assert_eq(
				    assay_engine_prepare(&engine[d], both[d], assay_workloads[w], &params[w], &error),
				    ASSAY_OK, "%s", error.text);
				cr_assert_eq(assay_engine_round(&engine[d], seed, root[d], bands[d], &error), ASSAY_OK);
			}
			cr_expect_arr_eq(root[0], root[1], 32, "%s", vendors[i].backend->name);
			cr_expect_arr_eq(bands[0], bands[1], engine[0].bands * 32);
			assay_engine_finish(&engine[0]);
			assay_engine_finish(&engine[1]);
		}
		assay_device_close(&device);
	}
	assay_device_close(&cpu);
}

/* Opens the device and runs the self-test; the status is that of the first call that failed. */
static enum assay_status use(const struct assay_backend *backend, struct assay_error *error)
{
	struct assay_device device;
	enum assay_status status = assay_device_open(&device, backend, 0, NULL, error);

	if (!status) {
		status = assay_selftest(&device, error);
		assay_device_close(&device);
	}
	return status;
}

Test(gpu, every_call_that_can_fail)
{
	static const char *const calls[] = {
	    "device_get:1",      "context_retain:1", "context_use:1",  "context_use:5",
	    "stream_create:1",   "module_load:1",    "memory_alloc:1", "memory_alloc:3",
	    "module_function:1", "memory_write:1",   "memory_read:2",  "launch:1",
	    "launch:7",          "stream_wait:1",    "stream_wait:9",  "device_attribute:1"};

	images();
	for (size_t i = 0; i < 2; i++) {
		for (size_t c = 0; c < sizeof calls / sizeof *calls; c++) {
			/* The count of calls starts anew in a process of its own. */
			char line[512];
			snprintf(line, sizeof line, "ASSAY_DOUBLE_FAIL=%s $A selftest -d %s", calls[c],
			         vendors[i].backend->name);
			cr_expect_eq(support_run("%s", line), 3, "%s: %s", line, support_err);
			cr_expect(strstr(support_err, "(device."), "%s: %s", line, support_err);
		}
	}
}

Test(gpu, out_of_memory_is_said_as_such)
{
	struct assay_error error;

	images();
	setenv("ASSAY_DOUBLE_MEMORY", "1", 1);
	for (size_t i = 0; i < 2; i++) {
		cr_expect_eq(use(vendors[i].backend, &error), ASSAY_ERROR_MEMORY);
		cr_expect_str_eq(error.reason, "device.memory");
		cr_expect(strstr(error.text, "out of memory") && strstr(error.text, "--row"), "%s", error.text);
	}
}

Test(gpu, no_device)
{
	setenv("ASSAY_DOUBLE_DEVICES", "0", 1);
	for (size_t i = 0; i < 2; i++) {
		struct assay_error error = {.text = ""};
		uint32_t count = 7;
		cr_expect_eq(vendors[i].backend->count(&count, &error), ASSAY_OK);
		cr_expect_eq(count, 0);
		cr_expect(strstr(error.text, "does not start"), "%s", error.text);
	}
}

Test(gpu, no_library)
{
	for (size_t i = 0; i < 2; i++) {
		struct assay_error error = {.text = ""};
		uint32_t count = 7;
		setenv(vendors[i].variable, "/nonexistent.so", 1);
		cr_expect_eq(vendors[i].backend->count(&count, &error), ASSAY_OK);
		cr_expect(count == 0 && strstr(error.text, "container"), "%s", error.text);
	}
}

/* A library that is no driver lacks the functions. */
Test(gpu, another_library)
{
	for (size_t i = 0; i < 2; i++) {
		struct assay_error error = {.text = ""};
		uint32_t count = 7;
		setenv(vendors[i].variable, "libm.so.6", 1);
		cr_expect_eq(vendors[i].backend->count(&count, &error), ASSAY_OK);
		cr_expect(count == 0 && strstr(error.text, "too old"), "%s", error.text);
	}
}

/* No image serves it, and no compiler makes one: refused, not crashed. */
Test(gpu, unknown_architecture)
{
	struct assay_error error;

	setenv("ASSAY_DOUBLE_ARCHITECTURE", "50", 1);
	cr_expect_eq(use(&assay_backend_cuda, &error), ASSAY_ERROR_DEVICE);
	cr_expect_str_eq(error.reason, "device.build");
	setenv("ASSAY_DOUBLE_ARCHITECTURE", "gfx9999", 1);
	cr_expect_eq(use(&assay_backend_hip, &error), ASSAY_ERROR_DEVICE);
	cr_expect_str_eq(error.reason, "device.build");
	setenv("ASSAY_DOUBLE_ARCHITECTURE", "nonsense", 1);
	cr_expect_eq(use(&assay_backend_hip, &error), ASSAY_ERROR_DEVICE);
	cr_expect_str_eq(error.reason, "device.open");
}

Test(gpu, two_devices_in_one_job)
{
	images();
	setenv("ASSAY_DOUBLE_DEVICES", "2", 1);
	cr_expect_eq(support_run("$A selftest -d cuda:0,cuda:1,hip:0,hip:1"), 0, "%s", support_err);
	cr_expect(strstr(support_out, "cuda:1") && strstr(support_out, "hip:1"), "%s", support_out);
	cr_expect_eq(support_run("$A selftest -d cuda:2"), 3);
	cr_expect(strstr(support_err, "device.missing"), "%s", support_err);
}

/* The vendors' own compilers, where they are installed, take the same source. */
Test(gpu, nvrtc)
{
	struct assay_error error;
	char *code;

	if (access("/usr/local/cuda/lib64/libnvrtc.so", R_OK) == 0)
		setenv("ASSAY_NVRTC_LIBRARY", "/usr/local/cuda/lib64/libnvrtc.so", 0);
	if (gpu_compile(&code, "sm_90", &error) != ASSAY_OK)
		support_missing("nvrtc", error.text);
	cr_expect(strstr(code, "dp4a.s32.s32") && strstr(code, ".entry matmul_i8("));
	free(code);
	/* A source that it refuses gives its words. */
	cr_assert_eq(gpu_compile(&code, "sm_1", &error), ASSAY_ERROR_DEVICE);
	cr_expect_str_eq(error.reason, "device.build");
	cr_expect_null(code);
}

/* No image serves gfx900: the device gets its kernels from hipRTC. */
Test(gpu, hiprtc)
{
	struct assay_error error;
	struct assay_device device;

	setenv("ASSAY_DOUBLE_ARCHITECTURE", "gfx900:xnack-", 1);
	if (assay_device_open(&device, &assay_backend_hip, 0, NULL, &error) != ASSAY_OK)
		support_missing("hiprtc", error.text);
	cr_expect(strstr(device.info.variant, "at run time"), "%s", device.info.variant);
	cr_expect_str_eq(device.info.architecture, "gfx900");
	assay_device_close(&device);
}
