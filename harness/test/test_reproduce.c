/* SPDX-License-Identifier: Apache-2.0
 *
 * Rounds done again: what an independent program computed comes out the same on every device; one wrong leaf that no
 * draw met is found. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "harness/attest.h"
#include "harness/test/shim.h"
#include "harness/test/support.h"

TestSuite(reproduce, .init = shim_reset, .fini = support_leave, .timeout = 120);

static struct assay_error error;

static void again(const char *device, const char *name)
{
	cr_expect_eq(support_run("$A reproduce -d %s $PWD/verify/vectors/good/%s.intoto.json", device, name), 0,
	             "%s %s: %s%s", device, name, support_out, support_err);
	cr_expect(strstr(support_out, "REPRODUCED  ") && !strstr(support_out, "DIFFERS"), "%s", support_out);
}

/* Attestations that ci/vectors.py made, without a device. */
Test(reproduce, what_another_program_did)
{
	static const char *const names[] = {"chain", "receipts", "receipts-memory", "quick-host"};

	support_enter();
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		again("cpu", names[i]);
}

/* A bit of a leaf of the second round. */
static void spoil(const struct shim_launch *launch)
{
	static unsigned launches;

	if (launch->id == ASSAY_KERNEL_SHA256_LEAVES && ++launches == 3) /* the one that does not count, and two */
		((uint32_t *)launch->arguments[1].buffer)[5] ^= 1;
}

Test(reproduce, one_wrong_leaf)
{
	struct assay_device device;
	struct assay_secret secret;
	struct assay_verdict verdict;
	struct assay_job job = {.devices = &device,
	                        .challenge = {.profile = "test",
	                                      .devices = 1,
	                                      .samples = 1,
	                                      .segment_count = 1,
	                                      .segments = {{&assay_work_sha256, {{0, 12}}, 0, 4}}}};
	struct assay_attest request = {
	    .job = &job, .secret = &secret, .started = 1700000000, .finished = 1700000003, .prefix = support_path("x")};

	support_enter();
	request.prefix = support_path("x");
	cr_assert_geq(sodium_init(), 0);
	assay_secret_make(&secret);
	memcpy(job.key, secret.key, sizeof job.key);
	support_ok(assay_device_open(&device, &shim_backend, 0, NULL, &error), error);
	shim.after = spoil;
	support_ok(assay_job_run(&job, &error), error);
	shim.after = NULL;
	/* One draw of 16,384 leaves. */
	support_ok(assay_attest_write(&request, &verdict, &error), error);
	cr_assert_str_eq(verdict.assurance, "work-proven");
	assay_verdict_close(&verdict);
	assay_job_close(&job);
	assay_device_close(&device);

	cr_expect_eq(support_run("$A reproduce $T/x.intoto.json"), ASSAY_FAIL, "%s%s", support_out, support_err);
	cr_expect(strstr(support_out, "round 1 DIFFERS; 1 before it are the same"), "%s", support_out);
	cr_expect_eq(support_run("$A reproduce --rounds 1 $T/x.intoto.json"), 0);
}

Test(reproduce, refused)
{
	support_enter();
	cr_expect_eq(support_run("$A reproduce"), 3);
	cr_expect_eq(support_run("$A reproduce --rounds 0 $T/x.intoto.json"), 3);
	cr_expect_eq(support_run("$A reproduce $T/x.intoto.json"), 3);
	cr_expect(strstr(support_err, "(io.open)"), "%s", support_err);
	cr_expect_eq(support_run("$A reproduce -d cpu,cpu $PWD/verify/vectors/good/chain.intoto.json"), 3);
	cr_expect_eq(support_run("$A reproduce -d nope $PWD/verify/vectors/good/chain.intoto.json"), 3);
	cr_expect(strstr(support_err, "(device.id)"), "%s", support_err);
	/* What is refuted by itself is not done again. */
	cr_expect_eq(support_run("$A reproduce $PWD/verify/vectors/reject/work-floats-big-endian.intoto.json"),
	             ASSAY_FAIL, "%s", support_out);
}
