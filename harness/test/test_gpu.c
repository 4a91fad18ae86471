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
#include "harness/choose.h"
#include "harness/devices.h"
#include "harness/gpu.h"
#include "harness/selftest.h"
#include "harness/test/support.h"

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
	for (size_t i = 0; i < 2; i++)
		support_double(vendors[i].variable, vendors[i].library, false);
}

/* Images are made where a clang for GPUs is installed. */
static void images(void)
{
	if (!assay_images_cuda[0].architecture || !assay_images_hip[0].architecture)
		support_missing("images", "no clang for GPUs when this was built");
}

TestSuite(gpu, .init = doubles, .fini = support_leave, .timeout = 300);

Test(gpu, selftest_and_roots)
{
	struct assay_error error;
	struct assay_device cpu, device;

	images();
	support_ok(assay_device_open(&cpu, &assay_backend_cpu, 0, NULL, &error), error);
	for (size_t i = 0; i < 2; i++) {
		support_ok(assay_device_open(&device, vendors[i].backend, 0, NULL, &error), error);
		support_ok(assay_selftest(&device, &error), error);
		cr_expect_eq(device.info.compute_units, 132);
		cr_expect(!strchr(device.info.name, 27), "escape characters in a name");
		cr_expect_str_eq(device.info.pci, "0000:3B:00.0");
		cr_expect_str_eq(device.info.uuid, "00102030405060708090a0b0c0d0e0f0");
		support_same_rounds(&cpu, &device);
		assay_device_close(&device);
	}
	assay_device_close(&cpu);
}

/* The id of a device is for one verifier (SPEC 6): SHA-256, cut, as hashlib has it. */
Test(gpu, ids)
{
	uint8_t verifier[2][32] = {{0}, {8}};
	struct assay_device devices[2];
	struct assay_error error;
	json_t *block;

	memset(verifier[0], 7, 32);
	support_ok(assay_device_open(&devices[0], vendors[0].backend, 0, NULL, &error), error);
	support_ok(assay_device_open(&devices[1], &assay_backend_cpu, 0, NULL, &error), error);
	block = assay_devices_json(devices, 2, verifier[0]);
	cr_expect_str_eq(json_string_value(json_object_get(json_array_get(block, 0), "deviceId")),
	                 "d134864f9b12cd1ade48176b62999ff5");
	cr_expect(json_is_null(json_object_get(json_array_get(block, 1), "deviceId")), "it has no UUID");
	json_decref(block);
	block = assay_devices_json(devices, 2, verifier[1]);
	cr_expect_str_neq(json_string_value(json_object_get(json_array_get(block, 0), "deviceId")),
	                  "d134864f9b12cd1ade48176b62999ff5");
	json_decref(block);
	block = assay_devices_json(devices, 2, NULL);
	cr_expect(json_is_null(json_object_get(json_array_get(block, 0), "deviceId")), "nobody asks");
	json_decref(block);
	for (int d = 0; d < 2; d++)
		assay_device_close(&devices[d]);
}

/* Every architecture with matrix units, by each way that it gets them. */
Test(gpu, matrix_units)
{
	static const struct {
		size_t vendor;
		const char *architecture, *driver, *variant, *route;
	} cases[] = {
	    {0, "75", "12040", "mma", "PTX for sm_75"},    {0, "80", "12040", "mma", "PTX for sm_80"},
	    {0, "90", "11040", "mma", "PTX for sm_80"},    {0, "90", "13000", "mma", "sm_90a"},
	    {1, "gfx908", "50221153", "mfma", "gfx908"},   {1, "gfx90a:sramecc+", "60300000", "mfma", "gfx90a"},
	    {1, "gfx942", "60300000", "mfma", "gfx942"},   {1, "gfx1100", "60300000", "wmma", "gfx1100"},
	    {1, "gfx1201", "70000000", "wmma", "gfx1201"},
	};
	struct assay_error error;
	struct assay_device cpu, device;

	images();
	support_ok(assay_device_open(&cpu, &assay_backend_cpu, 0, NULL, &error), error);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i += SUPPORT_STEP) {
		setenv("ASSAY_DOUBLE_ARCHITECTURE", cases[i].architecture, 1);
		setenv("ASSAY_DOUBLE_DRIVER", cases[i].driver, 1);
		support_ok(assay_device_open(&device, vendors[cases[i].vendor].backend, 0, NULL, &error), error);
		support_ok(assay_choose(&device, cases[i].variant, NULL, &error), error);
		cr_expect(strstr(device.info.variant, cases[i].route) || strcmp(cases[i].route, "sm_90a") == 0,
		          "%s: %s", cases[i].architecture, device.info.variant);
		cr_expect_eq(device.kernels[ASSAY_KERNEL_MATMUL_I9].shape.form, 1);
		cr_expect(strstr(device.info.variant, "matmul_i8, matmul_i9 by "), "%s", device.info.variant);
		support_same_rounds(&cpu, &device);
		assay_device_close(&device);
	}
	assay_device_close(&cpu);
}

/* Devices without them, and a variant that nobody has. */
Test(gpu, no_matrix_units)
{
	struct assay_error error;
	struct assay_device device;
	struct assay_variant variant;

	images();
	setenv("ASSAY_DOUBLE_ARCHITECTURE", "61", 1);
	support_ok(assay_device_open(&device, &assay_backend_cuda, 0, NULL, &error), error);
	cr_expect_not(device.backend->variant(device.handle, ASSAY_KERNEL_MATMUL_I8, 1, &variant));
	cr_expect_eq(assay_choose(&device, "mma", NULL, &error), ASSAY_ERROR_INPUT);
	cr_expect_str_eq(error.reason, "variant.unknown");
	support_ok(assay_choose(&device, NULL, NULL, &error), error);
	cr_expect(strstr(device.info.variant, "PTX for sm_61"), "%s", device.info.variant);
	assay_device_close(&device);
	setenv("ASSAY_DOUBLE_ARCHITECTURE", "gfx1030", 1);
	support_ok(assay_device_open(&device, &assay_backend_hip, 0, NULL, &error), error);
	cr_expect_not(device.backend->variant(device.handle, ASSAY_KERNEL_MATMUL_I8, 1, &variant));
	assay_device_close(&device);
}

/* Matrix units that err are not used, and it is said. */
Test(gpu, wrong_matrix_units_are_left_out)
{
	images();
	setenv("ASSAY_DOUBLE_WRONG", "units", 1);
	for (size_t i = 0; i < 2; i++) {
		struct assay_device device;
		struct assay_error error;
		support_ok(assay_device_open(&device, vendors[i].backend, 0, NULL, &error), error);
		support_ok(assay_choose(&device, NULL, NULL, &error), error);
		cr_expect_eq(device.kernels[ASSAY_KERNEL_MATMUL_I8].variant, 0);
		cr_expect_eq(device.kernels[ASSAY_KERNEL_MATMUL_I9].variant, 0);
		cr_expect_eq(assay_choose(&device, i ? "mfma" : "mma", NULL, &error), ASSAY_ERROR_DEVICE);
		cr_expect_str_eq(error.reason, "device.miscompute");
		assay_device_close(&device);
	}
	cr_expect_eq(support_run("$A selftest -d cuda:0,cpu"), ASSAY_FAIL);
	cr_expect(strstr(support_err, "device.miscompute"), "%s", support_err);
	cr_expect(strstr(support_out, "cpu        ok"), "the others are tested all the same: %s", support_out);
}

/* What `assay devices --kernels` says of an old driver. */
Test(gpu, routes_are_told)
{
	images();
	setenv("ASSAY_DOUBLE_DRIVER", "12040", 1);
	setenv("ASSAY_OPENCL_LIBRARY", "/nonexistent.so", 1);
	cr_expect_eq(support_run("$A devices --kernels | grep -cE '^cuda:0 +matmul_i[89] +mma +PTX for sm_80, compiled|"
	                         "^hip:0 +matmul_i[89] +mfma +code object for gfx90a' | grep -qx 4"),
	             0);
	cr_expect_eq(support_run("$A devices --kernels"), 0, "%s", support_err);
	if (strstr(support_out, "machine code"))
		cr_expect(strstr(support_out, "machine code for sm_90a needs driver 580, have CUDA 12.4"), "%s",
		          support_out);
	cr_expect_eq(support_run("$A devices --kernels --json | grep -c '\"variant\":\"mma\"'"), 0, "%s", support_err);
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
	    "launch:7",          "stream_query:1",   "stream_query:9", "device_attribute:1"};

	images();
	for (size_t i = 0; i < 2; i++) {
		for (size_t c = 0; c < sizeof calls / sizeof *calls; c++) {
			/* The count of calls starts anew in a process of its own. */
			char line[512];
			snprintf(line, sizeof line, "ASSAY_DOUBLE_FAIL=%s $A selftest --variant portable -d %s",
			         calls[c], vendors[i].backend->name);
			cr_expect_eq(support_run("%s", line), 3, "%s: %s", line, support_err);
			cr_expect(strstr(support_err, "(device."), "%s: %s", line, support_err);
		}
	}
}

/* Those that only matrix units need. */
Test(gpu, every_call_for_matrix_units)
{
	static const char *const calls[] = {"module_load:2", "module_function:5", "module_global:1", "memory_read:1",
	                                    "stream_query:1"};

	images();
	for (size_t i = 0; i < 2; i++)
		for (size_t c = 0; c < sizeof calls / sizeof *calls; c++) {
			cr_expect_eq(support_run("ASSAY_DOUBLE_FAIL=%s $A selftest --variant %s -d %s", calls[c],
			                         i ? "mfma" : "mma", vendors[i].backend->name),
			             3, "%s: %s", calls[c], support_err);
			cr_expect(strstr(support_err, "(device."), "%s: %s", calls[c], support_err);
		}
}

/* Optional knowledge is no reason to fail. */
Test(gpu, unknown_is_no_error)
{
	static const char *const calls[] = {"device_uuid:1", "device_pci:1", "memory_info:1"};

	images();
	for (size_t c = 0; c < sizeof calls / sizeof *calls; c++)
		cr_expect_eq(support_run("ASSAY_DOUBLE_FAIL=%s $A selftest --variant portable -d cuda:0", calls[c]), 0,
		             "%s: %s", calls[c], support_err);
}

/* What the driver says becomes a reason and a remedy. */
Test(gpu, reasons)
{
	static const struct {
		const char *fail, *reason, *remedy;
	} cases[] = {
	    {"context_retain:1:46", "device.busy", "exclusive mode"},
	    {"module_load:1:222", "device.build", "older than the kernels"},
	    {"launch:3:700", "device.lost", "dmesg"},
	    {"stream_query:3:702", "device.timeout", "display"},
	    {"stream_query:3:719", "device.lost", "until this program ends"},
	    {"memory_read:1:214", "device.lost", "memory is faulty"},
	    {"init:1:803", "device.missing", "differ in version"},
	    {"launch:2:31337", "device.launch", "error 31337"},
	};

	images();
	for (size_t i = 0; i < 2; i++)
		for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
			cr_expect_eq(support_run("ASSAY_DOUBLE_FAIL=%s $A selftest --variant portable -d %s",
			                         cases[c].fail, vendors[i].backend->name),
			             3, "%s", cases[c].fail);
			cr_expect(strstr(support_err, cases[c].reason) && strstr(support_err, cases[c].remedy),
			          "%s: %s", cases[c].fail, support_err);
		}
}

/* A kernel that never ends: an error in the time that is allowed, and no call that waits for it. */
Test(gpu, stuck)
{
	images();
	for (size_t i = 0; i < 2; i++) {
		/* What a hanging device holds is never given back. */
		cr_expect_eq(
		    support_run(
		        "ASAN_OPTIONS=detect_leaks=0 ASSAY_LAUNCH_SECONDS=1 ASSAY_DOUBLE_FAIL=stream_query:4:600 "
		        "timeout 20 $A selftest --variant portable -d %s",
		        vendors[i].backend->name),
		    3, "%s", support_err);
		cr_expect(strstr(support_err, "device.timeout") && strstr(support_err, "ASSAY_LAUNCH_SECONDS"), "%s",
		          support_err);
	}
}

/* ---- Devices that must not be measured ---- */

static void refused(const char *environment, const char *reason, const char *words)
{
	cr_expect_eq(support_run("%s $A run -d cuda:0 -w sha256 -o $T/refused", environment), 3, "%s", environment);
	cr_expect(strstr(support_err, reason) && strstr(support_err, words) && strstr(support_err, "--share"), "%s: %s",
	          environment, support_err);
	cr_expect_eq(support_files(), 0, "something was written");
}

/* Devices that a monitor tells of. */
static void monitored(void)
{
	char monitor[512], *nvml = NULL;

	images();
	snprintf(monitor, sizeof monitor, "%s/double/libnvidia-ml.so", support_build());
	nvml = realpath(monitor, NULL);
	cr_assert_not_null(nvml);
	setenv("ASSAY_NVML_LIBRARY", nvml, 1);
	free(nvml);
}

Test(gpu, busy_and_partitions)
{
	monitored();
	refused("ASSAY_DOUBLE_MEMORY=81920 ASSAY_DOUBLE_USED=42000", "(device.busy)", "41.0 of 80.0 GiB in use");
	refused("ASSAY_DOUBLE_UTILISATION=96", "(device.busy)", "96 % utilised over 2 s");
	refused("ASSAY_DOUBLE_PROCESSES=2", "(device.busy)", "2 other processes");
	refused("ASSAY_DOUBLE_MIG=1", "(device.partition)", "not a whole card (MIG)");
	refused("ASSAY_DOUBLE_VGPU=1", "(device.partition)", "not a whole card (vGPU)");
	refused("ASSAY_DOUBLE_NAME='NVIDIA A100 MIG 1g.5gb'", "(device.partition)", "MIG");
}

/* It runs when that is asked for, and is never certified: the profile is one that verifiers do not know. */
Test(gpu, shared_is_not_certified)
{
	support_long();
	monitored();
	cr_expect_eq(
	    support_run(
	        "ASSAY_DOUBLE_MIG=1 $A run --share --variant portable -d cuda:0 -w sha256 --duration 1 --row host "
	        "-o $T/shared"),
	    0, "%s", support_err);
	cr_expect_eq(support_run("$A verify --trust $ASSAY_STATE_DIR/key.pub $T/shared.intoto.json"), 2, "%s",
	             support_err);
	cr_expect(strstr(support_out, "profile.unknown"), "%s", support_out);
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
