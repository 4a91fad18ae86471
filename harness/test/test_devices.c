/* SPDX-License-Identifier: Apache-2.0
 *
 * Several devices in one job, on test doubles of both vendors' drivers and on several devices of one OpenCL platform;
 * and what `assay run` says when one of them fails. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "harness/attest.h"
#include "harness/test/support.h"

TestSuite(devices, .fini = support_leave, .timeout = 300);

/* The drivers' doubles, with this many devices each. */
static void doubles(const char *count)
{
	static const char *const libraries[2][2] = {{"ASSAY_CUDA_LIBRARY", "libcuda.so"},
	                                            {"ASSAY_HIP_LIBRARY", "libamdhip64.so"}};

	support_enter();
	/* Images are made where a clang for GPUs is installed. */
	if (!assay_images_cuda[0].architecture || !assay_images_hip[0].architecture)
		support_missing("images", "no clang for GPUs when this was built");
	for (size_t i = 0; i < 2; i++) {
		char path[512], absolute[4096];
		snprintf(path, sizeof path, "%s/double/%s", support_build(), libraries[i][1]);
		if (!realpath(path, absolute))
			support_missing("double", path);
		setenv(libraries[i][0], absolute, 1);
	}
	setenv("ASSAY_DOUBLE_DEVICES", count, 1);
}

/* ---- `assay run` when devices fail ---- */

/* cuda:1 is lost in its first round; the processor goes on. */
Test(devices, one_is_lost)
{
	doubles("2");
	cr_assert_eq(support_run("ASSAY_DOUBLE_LOST=1:140 $A run --variant portable -d cpu,cuda:1 -w sha256 --row host "
	                         "-o $T/x --json"),
	             2, "%s", support_err);
	cr_expect(strstr(support_err, "assay: cuda:1 failed in sha256/1 after 0 rounds: cuda:1: "), "%s", support_err);
	cr_expect(strstr(support_err, "(device.lost)"), "%s", support_err);
	cr_expect(strstr(support_err, "inconclusive (run.empty)"), "%s", support_err);
	cr_expect(strstr(support_err, "run without it: -d cpu\n"), "%s", support_err);
	/* The verdict is all that standard output has. */
	json_t *verdict = json_loads(support_out, JSON_REJECT_DUPLICATES, NULL);
	cr_assert_str_eq(json_string_value(json_object_get(verdict, "verdict")), "inconclusive", "%s", support_out);
	const json_t *runs = json_object_get(verdict, "segments");
	cr_expect_str_eq(json_string_value(json_object_get(json_array_get(runs, 1), "reason")), "run.empty");
	cr_expect(json_is_object(json_object_get(json_array_get(runs, 0), "proved")));
	json_decref(verdict);
	cr_expect_eq(support_files(), 2);
	cr_expect_eq(support_run("$V --trust $ASSAY_STATE_DIR/key.pub $T/x.intoto.json"), 2, "%s", support_err);
}

Test(devices, the_only_one_is_lost)
{
	doubles("1");
	cr_assert_eq(
	    support_run("ASSAY_DOUBLE_LOST=0:140 $A run --variant portable -d hip -w sha256 --row host -o $T/x"), 3,
	    "%s", support_err);
	cr_expect(strstr(support_err, "assay: hip:0: "), "%s", support_err);
	cr_expect(strstr(support_err, "(device.lost)"), "%s", support_err);
	cr_expect_eq(support_files(), 0, "something was written");
}
