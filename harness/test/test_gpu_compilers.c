/* SPDX-License-Identifier: Apache-2.0
 *
 * The vendors' own compilers, where they are installed: what they make of the source, and a device that needs it. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VENDOR_CUDA
#include "harness/gpu.h"
#include "harness/selftest.h"
#include "harness/test/support.h"

/* They take the same source. */
Test(gpu, nvrtc)
{
	static const char *const targets[] = {"sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"};
	struct assay_error error;
	char *code;

	if (access("/usr/local/cuda/lib64/libnvrtc.so", R_OK) == 0)
		setenv("ASSAY_NVRTC_LIBRARY", "/usr/local/cuda/lib64/libnvrtc.so", 0);
	if (!gpu_compiler_there("sm_90"))
		support_missing("nvrtc", "no libnvrtc");
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i += SUPPORT_STEP) {
		support_ok(gpu_compile(&code, ASSAY_PROGRAM_PORTABLE, targets[i], &error), error);
		cr_expect(strstr(code, "dp4a.s32.s32") && strstr(code, ".entry matmul_i8("), "%s", targets[i]);
		free(code);
		support_ok(gpu_compile(&code, ASSAY_PROGRAM_UNITS, targets[i], &error), error);
		cr_expect(strstr(code, i ? "mma.sync.aligned.m16n8k32" : "mma.sync.aligned.m8n8k16"), "%s", targets[i]);
		cr_expect(strstr(code, i ? "mma.sync.aligned.m16n8k16" : "mma.sync.aligned.m16n8k8"), "%s", targets[i]);
		free(code);
	}
	/* A source that it refuses gives its words. */
	cr_assert_eq(gpu_compile(&code, ASSAY_PROGRAM_PORTABLE, "sm_1", &error), ASSAY_ERROR_DEVICE);
	cr_expect_str_eq(error.reason, "device.build");
	cr_expect_null(code);
}

/* No image serves gfx900: the device gets its kernels from hipRTC. */
Test(gpu, hiprtc)
{
	struct assay_error error;
	struct assay_device device;

	setenv("ASSAY_DOUBLE_ARCHITECTURE", "gfx900:xnack-", 1);
	if (!assay_compiler_hip())
		support_missing("hiprtc", "no libhiprtc or libamdhip64");
	support_ok(assay_device_open(&device, &assay_backend_hip, 0, NULL, &error), error);
	cr_expect(strstr(device.info.variant, "compiled by libhiprtc"), "%s", device.info.variant);
	cr_expect_str_eq(device.info.architecture, "gfx900");
	assay_device_close(&device);
	/* What was compiled is kept; what somebody damaged is not used. */
	cr_expect_eq(support_run("ls $T/.state/*.program | wc -l | grep -qx 1"), 0);
	cr_expect_eq(support_run("for f in $T/.state/*.program; do dd if=/dev/zero of=$f bs=1 seek=900 count=8 "
	                         "conv=notrunc status=none; done"),
	             0);
	support_ok(assay_device_open(&device, &assay_backend_hip, 0, NULL, &error), error);
	support_ok(assay_selftest(&device, &error), error);
	assay_device_close(&device);
}
