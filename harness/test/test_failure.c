/* SPDX-License-Identifier: Apache-2.0
 *
 * A device that fails at the n-th call of any kind, for every n, once or from then on, alone or beside a sound one: it
 * keeps the rounds that it has, the others finish, what was done is attested, and neither memory nor files are left
 * behind. A device that errs is noticed. */
#include <stdio.h>
#include <string.h>

#include "harness/attest.h"
#include "harness/measure.h"
#include "harness/test/shim.h"
#include "harness/test/support.h"

TestSuite(failure, .init = shim_reset, .fini = support_leave, .timeout = 120);

static struct assay_error error;

enum { ROUNDS = 2, SEGMENTS = 2 };

/* Becomes shim.after once the rounds are done. */
static void (*in_openings)(const struct shim_launch *launch);

/* How the last job ended. */
static struct {
	uint32_t rounds[SEGMENTS][2];
	struct assay_failure failures[2];
	bool spare; /* the cpu had to open leaves */
	unsigned remarks;
	struct assay_error remark;
	enum assay_reason recheck;
} seen;

static void remark(const struct assay_error *why)
{
	seen.remarks++;
	if (strcmp(why->reason, "device.spare") != 0)
		seen.remark = *why;
}

/* A small job with everything in it; its status. */
static enum assay_status job(uint32_t count)
{
	static struct assay_device devices[2];
	struct assay_secret secret;
	struct assay_verdict verdict = {0};
	struct assay_job job = {
	    .devices = devices,
	    .remark = remark,
	    .challenge =
	        {
	            .profile = "test",
	            .devices = count,
	            .samples = 3,
	            .segment_count = SEGMENTS,
	            .segments =
	                {
	                    {.work = &assay_work_matmul_i8, .params = {{64, 32, 16}}, .rounds = ROUNDS},
	                    {.work = &assay_work_sha256, .params = {{0, 5}}, .rounds = ROUNDS},
	                },
	        },
	};
	struct assay_attest attest = {.job = &job, .secret = &secret, .prefix = support_path("x")};

	assay_secret_make(&secret);
	memcpy(job.key, secret.key, sizeof job.key);
	for (uint32_t d = 0; d < count; d++)
		support_ok(assay_device_open(&devices[d], &shim_backend, d, NULL, &error), error);
	memset(&error, 0, sizeof error);
	memset(&seen, 0, sizeof seen);
	enum assay_status status = assay_job_run(&job, &error);
	if (in_openings)
		shim.after = in_openings;
	if (!status)
		status = assay_attest_write(&attest, &verdict, &error);
	for (uint32_t d = 0; d < count; d++) {
		seen.failures[d] = job.failures[d];
		for (uint32_t j = 0; j < SEGMENTS; j++)
			seen.rounds[j][d] = job.runs[j * count + d].rounds;
	}
	seen.spare = job.spare.handle != NULL;
	seen.recheck = verdict.checks[ASSAY_CHECK_RECHECK].reason;
	assay_verdict_close(&verdict);
	assay_job_close(&job);
	for (uint32_t d = 0; d < count; d++)
		assay_device_close(&devices[d]);
	return status;
}

/* What SPEC says of these rounds. */
static enum assay_reason expected_recheck(uint32_t count)
{
	enum assay_reason reason = ASSAY_REASON_NONE;

	for (uint32_t j = 0; j < SEGMENTS; j++)
		for (uint32_t d = 0; d < count; d++) {
			if (seen.rounds[j][d] == 0)
				return ASSAY_REASON_RUN_EMPTY;
			if (seen.rounds[j][d] < ROUNDS)
				reason = ASSAY_REASON_RUN_SHORT;
		}
	return reason;
}

/* The device at `position` failed: its rounds end where it did, the other's do not. */
static void rounds_end_there(uint32_t count, uint32_t position)
{
	const uint32_t end = seen.failures[position].segment;

	for (uint32_t j = 0; j < SEGMENTS; j++)
		for (uint32_t d = 0; d < count; d++) {
			uint32_t rounds = seen.rounds[j][d];
			if (d != position || j < end)
				cr_assert_eq(rounds, ROUNDS, "segment %u device %u", j, d);
			else if (j == end)
				cr_assert_lt(rounds, ROUNDS);
			else
				cr_assert_eq(rounds, 0, "it goes on");
		}
	if (count == 2)
		cr_assert_eq(seen.failures[!position].status, ASSAY_OK, "%s", seen.failures[!position].error.text);
}

/* Every n of every kind of call of the device at `position` among `count`. */
static void every_call(uint32_t count, uint32_t position, bool dead)
{
	static const char *const reasons[SHIM_CALLS] = {"device.memory", "device.transfer", "device.transfer",
	                                                "device.launch", "device.launch"};
	/* Before any round, between rounds, between segments, and in the openings. */
	uint32_t nothing = 0, some = 0, openings = 0;
	bool ends[SEGMENTS][ROUNDS] = {0};

	for (int kind = 0; kind < SHIM_CALLS; kind++) {
		for (uint32_t n = 1;; n++) {
			shim_reset();
			shim.device = position;
			shim.kind = (enum shim_call)kind;
			shim.fail_at = n;
			shim.dead = dead;
			enum assay_status status = job(count);
			const struct assay_failure *failure = &seen.failures[position];
			cr_assert_eq(shim.live, 0, "kind %d call %u: %d things are kept", kind, n, shim.live);
			if (atomic_load(&shim.calls[kind]) < n) {
				support_ok(status, error);
				cr_assert_eq(seen.remarks, 0);
				cr_assert_eq(seen.recheck, ASSAY_REASON_NONE);
				cr_assert_eq(support_files(), 2);
				remove(support_path("x.transcript"));
				remove(support_path("x.intoto.json"));
				break;
			}
			cr_assert_eq(failure->status, ASSAY_ERROR_DEVICE, "kind %d call %u fails unnoticed", kind, n);
			cr_assert_str_eq(failure->error.reason, reasons[kind], "kind %d call %u: %s", kind, n,
			                 failure->error.text);
			cr_assert_str_eq(seen.remark.reason, reasons[kind]);
			cr_assert(strstr(seen.remark.text, position ? "shim:1 failed in " : "shim:0 failed in "), "%s",
			          seen.remark.text);
			rounds_end_there(count, position);
			if (count == 1 && seen.rounds[0][0] == 0) {
				cr_assert_eq(status, ASSAY_ERROR_DEVICE);
				cr_assert_str_eq(error.reason, reasons[kind]);
				cr_assert_eq(support_files(), 0, "kind %d call %u leaves a file", kind, n);
				nothing++;
				continue;
			}
			support_ok(status, error);
			cr_assert_eq(support_files(), 2);
			cr_assert_eq(seen.recheck, expected_recheck(count));
			/* Another device of its kind opens what it did, else the processor. */
			cr_assert_eq(seen.spare, count == 1);
			if (failure->segment == SEGMENTS) {
				cr_assert(strstr(seen.remark.text, "in the openings"), "%s", seen.remark.text);
				openings++;
			} else {
				cr_assert(strstr(seen.remark.text, failure->segment ? "sha256/1" : "matmul-i8/1"), "%s",
				          seen.remark.text);
				ends[failure->segment][seen.rounds[failure->segment][position]] = true;
				some++;
			}
			remove(support_path("x.transcript"));
			remove(support_path("x.intoto.json"));
		}
	}
	cr_assert(count == 2 ? nothing == 0 : nothing >= 10);
	cr_assert(some >= 20 && openings >= 10, "the faults were injected: %u, %u", some, openings);
	for (uint32_t j = 0; j < SEGMENTS; j++)
		for (uint32_t r = count == 1 && j == 0; r < ROUNDS; r++)
			cr_assert(ends[j][r], "no end in segment %u after round %u", j, r);
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

/* A sound device goes on for the whole duration when another one has failed, and both are shown. */
Test(failure, others_go_on)
{
	static struct assay_device devices[2];
	struct assay_secret secret;
	struct assay_verdict verdict;
	struct assay_job job = {
	    .devices = devices,
	    .challenge = {.profile = "test",
	                  .devices = 2,
	                  .samples = 1,
	                  .segment_count = 2,
	                  .segments = {{.work = &assay_work_sha256, .params = {{0, 5}}, .duration_ms = 300},
	                               {.work = &assay_work_sha256, .params = {{0, 4}}, .duration_ms = 1}}}};
	struct assay_attest attest = {.job = &job, .secret = &secret, .prefix = support_path("x")};

	support_enter();
	assay_secret_make(&secret);
	memcpy(job.key, secret.key, sizeof job.key);
	attest.prefix = support_path("x");
	for (uint32_t d = 0; d < 2; d++)
		support_ok(assay_device_open(&devices[d], &shim_backend, d, NULL, &error), error);
	shim.device = 1;
	shim.kind = SHIM_LAUNCH;
	shim.fail_at = 40; /* of 7 a round */
	support_ok(assay_job_run(&job, &error), error);
	cr_assert_eq(job.failures[1].status, ASSAY_ERROR_DEVICE);
	cr_assert_eq(job.runs[1].rounds, 4);
	cr_assert_lt(job.runs[1].elapsed_ns, job.runs[0].elapsed_ns);
	cr_assert_geq(job.runs[0].elapsed_ns, 300000000);
	cr_assert_geq(job.runs[2].rounds, 1);
	cr_assert_eq(job.runs[3].rounds, 0);
	support_ok(assay_attest_write(&attest, &verdict, &error), error);
	cr_assert_eq(verdict.outcome, ASSAY_INCONCLUSIVE);
	cr_assert_eq(verdict.runs[3].reason, ASSAY_REASON_RUN_EMPTY);
	cr_assert_eq(verdict.runs[1].proved.rounds, 4);
	assay_verdict_close(&verdict);
	assay_job_close(&job);
	for (uint32_t d = 0; d < 2; d++)
		assay_device_close(&devices[d]);
	cr_assert_eq(shim.live, 0);
}

/* What cannot be is nobody's failure, and ends the job. */
Test(failure, a_size_that_cannot_be)
{
	struct assay_device device;
	struct assay_job job = {
	    .devices = &device,
	    .challenge = {.profile = "test",
	                  .devices = 1,
	                  .samples = 1,
	                  .segment_count = 1,
	                  .segments = {{.work = &assay_work_sha256, .params = {{0, 31}}, .rounds = 1}}}};

	support_ok(assay_device_open(&device, &shim_backend, 0, NULL, &error), error);
	cr_assert_eq(assay_job_run(&job, &error), ASSAY_ERROR_INPUT);
	cr_assert_str_eq(error.reason, "plan.size");
	cr_assert_eq(job.failures[0].status, ASSAY_OK);
	assay_job_close(&job);
	assay_device_close(&device);
}

/* ---- Devices that err ---- */

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

/* Right rounds, but not any more: others open them, and the device is named. */
Test(failure, miscomputed_openings)
{
	static void (*const faults[])(const struct shim_launch *) = {wrong, wrong_hashes};

	support_enter();
	for (size_t i = 0; i < 4; i++) {
		const uint32_t count = 1 + (uint32_t)i / 2, faulty = count - 1;
		shim_reset();
		shim.device = faulty;
		in_openings = faults[i % 2];
		support_ok(job(count), error);
		cr_assert_str_eq(seen.failures[faulty].error.reason, "device.miscompute");
		cr_assert_eq(seen.failures[faulty].segment, SEGMENTS);
		cr_assert_str_eq(seen.remark.reason, "device.miscompute");
		cr_assert_eq(seen.failures[0].status != ASSAY_OK, count == 1, "the other device is not to blame");
		cr_assert_eq(seen.spare, count == 1);
		cr_assert_eq(seen.recheck, ASSAY_REASON_NONE);
		cr_assert_eq(support_files(), 2);
		remove(support_path("x.transcript"));
		remove(support_path("x.intoto.json"));
	}
}

/* Wrong in the rounds, right since: nobody can open what it committed to. */
static void wrong_once(const struct shim_launch *launch)
{
	if (launch->id == ASSAY_KERNEL_MATMUL_I8 && launch->number < 20)
		wrong(launch);
}

Test(failure, miscomputed_then_well)
{
	support_enter();
	for (uint32_t count = 1; count <= 2; count++) {
		shim_reset();
		shim.device = count - 1;
		shim.after = wrong_once;
		cr_assert_eq(job(count), ASSAY_ERROR_DEVICE);
		cr_assert_str_eq(error.reason, "device.miscompute", "%s", error.text);
		cr_assert(
		    strstr(error.text, count == 1 ? "shim:0: matmul-i8/1: what it" : "shim:1: matmul-i8/1: what it"),
		    "%s", error.text);
		if (count == 2)
			cr_assert_eq(seen.failures[0].status, ASSAY_OK, "the sound device is not to blame");
		cr_assert_eq(shim.live, 0);
		cr_assert_eq(support_files(), 0);
	}
}
