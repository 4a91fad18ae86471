/* SPDX-License-Identifier: Apache-2.0
 *
 * A device that fails at the n-th call of any kind, for every n, once or from then on, alone or beside a sound one: the
 * job ends with that error, at once, and leaves neither memory nor files. A device that errs is noticed. */
#include <stdio.h>
#include <string.h>

#include "harness/attest.h"
#include "harness/measure.h"
#include "harness/test/shim.h"
#include "harness/test/support.h"

TestSuite(failure, .init = shim_reset, .fini = support_leave, .timeout = 120);

static struct assay_error error;

/* Becomes shim.after once the rounds are done. */
static void (*in_openings)(const struct shim_launch *launch);

/* A small job with everything in it; its status. */
static enum assay_status job(uint32_t count)
{
	static struct assay_device devices[2];
	struct assay_secret secret;
	struct assay_verdict verdict = {0};
	struct assay_job job = {
	    .devices = devices,
	    .challenge =
	        {
	            .profile = "test",
	            .devices = count,
	            .samples = 3,
	            .segment_count = 2,
	            .segments =
	                {
	                    {.work = &assay_work_matmul_i8, .params = {{64, 32, 16}}, .rounds = 2},
	                    {.work = &assay_work_sha256, .params = {{0, 5}}, .rounds = 2},
	                },
	        },
	};
	struct assay_attest attest = {.job = &job, .secret = &secret, .prefix = support_path("x")};

	assay_secret_make(&secret);
	memcpy(job.key, secret.key, sizeof job.key);
	for (uint32_t d = 0; d < count; d++)
		support_ok(assay_device_open(&devices[d], &shim_backend, d, NULL, &error), error);
	memset(&error, 0, sizeof error);
	enum assay_status status = assay_job_run(&job, &error);
	if (in_openings)
		shim.after = in_openings;
	if (!status)
		status = assay_attest_write(&attest, &verdict, &error);
	assay_verdict_close(&verdict);
	assay_job_close(&job);
	for (uint32_t d = 0; d < count; d++)
		assay_device_close(&devices[d]);
	return status;
}

/* Every n of every kind of call of the device at `position` among `count`. */
static void every_call(uint32_t count, uint32_t position, bool dead)
{
	static const char *const reasons[SHIM_CALLS] = {"device.memory", "device.transfer", "device.transfer",
	                                                "device.launch", "device.launch"};
	uint32_t failures = 0;

	for (int kind = 0; kind < SHIM_CALLS; kind++) {
		for (uint32_t n = 1;; n++) {
			shim_reset();
			shim.device = position;
			shim.kind = (enum shim_call)kind;
			shim.fail_at = n;
			shim.dead = dead;
			enum assay_status status = job(count);
			cr_assert_eq(shim.live, 0, "kind %d call %u: %d things are kept", kind, n, shim.live);
			if (atomic_load(&shim.calls[kind]) < n) {
				support_ok(status, error);
				cr_assert_eq(support_files(), 2);
				remove(support_path("x.transcript"));
				remove(support_path("x.intoto.json"));
				break;
			}
			cr_assert_eq(status, ASSAY_ERROR_DEVICE, "kind %d call %u fails unnoticed", kind, n);
			cr_assert_str_eq(error.reason, reasons[kind], "kind %d call %u: %s", kind, n, error.text);
			cr_assert_eq(support_files(), 0, "kind %d call %u leaves a file", kind, n);
			failures++;
		}
	}
	cr_assert_geq(failures, 50, "the faults were injected");
}

Test(failure, one_device)
{
	support_enter();
	every_call(1, 0, false);
}

Test(failure, one_device_dies)
{
	support_enter();
	every_call(1, 0, true);
}

Test(failure, first_of_two)
{
	support_enter();
	every_call(2, 0, false);
}

Test(failure, second_of_two_dies)
{
	support_enter();
	every_call(2, 1, true);
}

/* A sound device does not go on for the whole duration when another one has failed. */
Test(failure, others_stop)
{
	static struct assay_device devices[2];
	struct assay_job long_job = {
	    .devices = devices,
	    .challenge = {.profile = "test",
	                  .devices = 2,
	                  .samples = 1,
	                  .segment_count = 1,
	                  .segments = {{.work = &assay_work_sha256, .params = {{0, 5}}, .duration_ms = 60000}}}};

	support_enter();
	for (uint32_t d = 0; d < 2; d++)
		support_ok(assay_device_open(&devices[d], &shim_backend, d, NULL, &error), error);
	shim.device = 1;
	shim.kind = SHIM_LAUNCH;
	shim.fail_at = 1000;
	uint64_t start = assay_clock_ns();
	cr_assert_eq(assay_job_run(&long_job, &error), ASSAY_ERROR_DEVICE);
	cr_assert_lt(assay_clock_ns() - start, UINT64_C(20000000000));
	cr_assert_str_eq(error.reason, "device.launch");
	assay_job_close(&long_job);
	for (uint32_t d = 0; d < 2; d++)
		assay_device_close(&devices[d]);
	cr_assert_eq(shim.live, 0);
}

/* ---- Devices that err: nothing is written ---- */

/* Wrong in the same way each time, so that the openings agree with the rounds. */
static void wrong(const struct shim_launch *launch)
{
	if (launch->id == ASSAY_KERNEL_MATMUL_I8)
		for (uint32_t tile = 0; tile < launch->items; tile++)
			((uint32_t *)launch->arguments[2].buffer)[tile * 256 + 17] ^= 1u << 30;
}

static void wrong_hashes(const struct shim_launch *launch)
{
	const struct assay_argument *arguments = launch->arguments;

	if (launch->id == ASSAY_KERNEL_MERKLE_HASH && arguments[4].value == 0)
		for (uint32_t i = 0; i < arguments[6].value; i++)
			((uint32_t *)arguments[2].buffer)[8 * (arguments[3].value + i) + 7] ^= 1;
}

static void refused(const char *reason)
{
	for (uint32_t count = 1; count <= 2; count++) {
		shim.device = count - 1;
		cr_assert_eq(job(count), ASSAY_ERROR_DEVICE, "%u devices: not refused", count);
		cr_assert_str_eq(error.reason, reason, "%s", error.text);
		cr_assert_eq(shim.live, 0);
		cr_assert_eq(support_files(), 0, "something was written");
		if (in_openings)
			shim.after = NULL;
	}
}

Test(failure, miscomputed_rounds)
{
	support_enter();
	shim.after = wrong;
	refused("attest.refused");
	shim.after = wrong_hashes;
	refused("attest.refused");
}

Test(failure, miscomputed_openings)
{
	support_enter();
	in_openings = wrong;
	refused("device.miscompute");
	in_openings = wrong_hashes;
	refused("device.miscompute");
}
