/* SPDX-License-Identifier: Apache-2.0
 *
 * The HIP backend over libamdhip64_cuda.so (hip_over_cuda.c) over the double of CUDA's driver: HIP, to CUDA, to plain
 * C, and the same roots as the cpu device. ci/gpu.sh runs the same over a real driver. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/selftest.h"
#include "harness/test/support.h"
#include "harness/workload.h"

static void shim_over_double(void)
{
	support_enter();
	support_double("ASSAY_HIP_LIBRARY", "libamdhip64_cuda.so", true);
	support_double("ASSAY_CUDA_LIBRARY", "libcuda.so", true);
}

TestSuite(gpu_shim, .init = shim_over_double, .fini = support_leave, .timeout = 120);

Test(gpu_shim, selftest_and_roots)
{
	struct assay_error error;
	struct assay_device cpu, hip;

	support_ok(assay_device_open(&cpu, &assay_backend_cpu, 0, NULL, &error), error);
	support_ok(assay_device_open(&hip, &assay_backend_hip, 0, NULL, &error), error);
	cr_expect_str_eq(hip.info.architecture, "gfx906");
	cr_expect_eq(hip.info.compute_units, 132, "attributes have other numbers");
	cr_expect(strstr(hip.info.name, "HIP over CUDA: Double"), "%s", hip.info.name);
	support_ok(assay_selftest(&hip, &error), error);
	support_same_rounds(&cpu, &hip);
	assay_device_close(&hip);
	assay_device_close(&cpu);
}

Test(gpu_shim, beside_the_cuda_backend)
{
	setenv("ASSAY_DOUBLE_DEVICES", "2", 1);
	cr_expect_eq(support_run("$A selftest -d hip:0,hip:1,cuda:1"), 0, "%s", support_err);
	cr_expect(strstr(support_out, "hip:1") && strstr(support_out, "cuda:1"), "%s", support_out);
}

/* CUDA's failures come up as HIP's. */
Test(gpu_shim, failures)
{
	struct assay_error error = {.text = ""};
	struct assay_device device;
	uint32_t count = 7;

	setenv("ASSAY_DOUBLE_MEMORY", "1", 1);
	support_ok(assay_device_open(&device, &assay_backend_hip, 0, NULL, &error), error);
	cr_expect_eq(assay_selftest(&device, &error), ASSAY_ERROR_MEMORY);
	cr_expect_str_eq(error.reason, "device.memory");
	cr_expect(strstr(error.text, "out of memory"), "%s", error.text);
	assay_device_close(&device);
	cr_expect_eq(support_run("ASSAY_DOUBLE_FAIL=launch:3 $A selftest -d hip"), 3);
	cr_expect(strstr(support_err, "(device.lost)"), "%s", support_err);
	/* Neither an image nor a compiler serves it. */
	cr_expect_eq(support_run("ASSAY_DOUBLE_ARCHITECTURE=50 $A selftest -d hip"), 3);
	cr_expect(strstr(support_err, "(device.build)"), "%s", support_err);
	cr_expect_eq(support_run("ASSAY_CUDA_LIBRARY=/nonexistent.so $A selftest -d hip"), 3);
	cr_expect(strstr(support_err, "(device.missing)"), "%s", support_err);
	cr_expect_eq(assay_backend_hip.count(&count, &error), ASSAY_OK);
	cr_expect_eq(count, 1);
}
