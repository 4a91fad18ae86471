/* SPDX-License-Identifier: Apache-2.0
 *
 * A budget of watts: how many devices compute at once, what they compute, and what cannot be. */
#include <criterion/criterion.h>
#include <sodium.h>

#include "harness/attest.h"
#include "harness/test/shim.h"
#include "harness/test/support.h"

enum { DEVICES = 4, LIMIT_W = 250 };
#define PACKAGE "class/powercap/intel-rapl:0/"

static struct assay_error error;
static struct assay_device devices[DEVICES];

/* All devices are the processor, which may draw 250 W. */
static void enter(void)
{
	setenv("ASSAY_SYSFS", support_enter(), 1);
	support_file(PACKAGE "name", "package-0\n");
	support_file(PACKAGE "constraint_0_power_limit_uw", "250000000\n");
	cr_assert_geq(sodium_init(), 0);
	shim_reset();
	for (uint32_t d = 0; d < DEVICES; d++)
		support_ok(assay_device_open(&devices[d], &shim_backend, d, NULL, &error), error);
}

static void leave(void)
{
	for (uint32_t d = 0; d < DEVICES; d++)
		assay_device_close(&devices[d]);
	cr_assert_eq(shim.live, 0);
	support_leave();
}

TestSuite(power, .init = enter, .fini = leave, .timeout = 120);

/* One segment of rounds and one of a duration. */
static void job_fill(struct assay_job *job, const struct assay_secret *secret, uint32_t budget_w)
{
	*job = (struct assay_job){
	    .devices = devices,
	    .power_budget_w = budget_w,
	    .challenge = {.profile = "test",
	                  .devices = DEVICES,
	                  .samples = 4,
	                  .segment_count = 2,
	                  .segments = {{.work = &assay_work_sha256, .params = {{0, 5}}, .rounds = 5},
	                               {.work = &assay_work_matmul_i8, .params = {{64, 16, 64}}, .duration_ms = 150}}}};
	memcpy(job->key, secret->key, sizeof job->key);
	shim.busiest = 0;
	shim.slow_us = 1000;
}

static void attest(struct assay_job *job, const struct assay_secret *secret, struct assay_verdict *verdict)
{
	struct assay_attest request = {.job = job,
	                               .secret = secret,
	                               .started = 1700000000,
	                               .finished = 1700000003,
	                               .prefix = support_path("x"),
	                               .replace = true};

	support_ok(assay_attest_write(&request, verdict, &error), error);
}

Test(power, devices_take_turns)
{
	static const struct {
		uint32_t budget_w;
		int most;
	} table[] = {{0, DEVICES},     {LIMIT_W, 1},         {2 * LIMIT_W - 1, 1},
	             {2 * LIMIT_W, 2}, {3 * LIMIT_W + 7, 3}, {4 * LIMIT_W, DEVICES}};
	uint8_t roots[DEVICES][5][32];
	struct assay_secret secret;

	assay_secret_make(&secret);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct assay_job job;
		job_fill(&job, &secret, table[i].budget_w);
		support_ok(assay_job_run(&job, &error), error);
		cr_expect_eq(shim.busiest, table[i].most, "%u W: %d at once", table[i].budget_w, (int)shim.busiest);
		for (uint32_t d = 0; d < DEVICES; d++) {
			const struct assay_run_log *log = &job.runs[d], *timed = &job.runs[DEVICES + d];
			cr_assert_eq(log->rounds, 5);
			if (i == 0)
				memcpy(roots[d], log->roots, sizeof roots[d]);
			cr_expect_arr_eq(roots[d], log->roots, sizeof roots[d], "turns change nothing");
			/* Nobody starves, and who waited past the end does no more. */
			cr_expect_geq(timed->rounds, 1);
			cr_expect_lt(timed->elapsed_ns - timed->round_ns[timed->rounds - 1], 150000000);
			uint64_t sum_ns = 0;
			for (uint32_t r = 0; r < log->rounds; r++)
				sum_ns += log->round_ns[r];
			/* What was waited is in no round, but in the time that counts. */
			if (table[i].most == 1 && d == DEVICES - 1)
				cr_expect_gt(log->elapsed_ns, 2 * sum_ns);
		}
		struct assay_verdict verdict;
		attest(&job, &secret, &verdict);
		cr_expect_eq(verdict.power_budget_w, table[i].budget_w);
		cr_expect_eq(verdict.devices[0].telemetry.power_limit_mw, 1000 * LIMIT_W);
		assay_verdict_close(&verdict);
		assay_job_close(&job);
	}
}

/* A share is given back by a device that fails. */
Test(power, failing_device)
{
	struct assay_secret secret;
	struct assay_job job;

	assay_secret_make(&secret);
	job_fill(&job, &secret, LIMIT_W);
	shim.device = 1;
	shim.kind = SHIM_READ;
	shim.fail_at = 4;
	shim.dead = true;
	support_ok(assay_job_run(&job, &error), error);
	cr_expect_eq(shim.busiest, 1);
	for (uint32_t d = 0; d < DEVICES; d++) {
		cr_expect_eq(job.failures[d].status != ASSAY_OK, d == 1);
		cr_expect_eq(job.runs[d].rounds == 5, d != 1);
	}
	assay_job_close(&job);
}

static void refused(uint32_t budget_w, const char *words)
{
	const struct assay_secret secret = {0};
	struct assay_job job;

	job_fill(&job, &secret, budget_w);
	cr_expect_eq(assay_job_run(&job, &error), ASSAY_ERROR_INPUT);
	cr_expect_str_eq(error.reason, "plan.power");
	cr_expect(strstr(error.text, words), "%s", error.text);
	cr_expect_eq(shim.busiest, 0);
	assay_job_close(&job);
}

Test(power, refused)
{
	refused(LIMIT_W - 1, "shim:0 alone may draw 250 W");
	cr_assert_eq(remove(support_path(PACKAGE "constraint_0_power_limit_uw")), 0);
	support_file("class/thermal/thermal_zone0/type", "x86_pkg_temp\n");
	support_file("class/thermal/thermal_zone0/temp", "50000\n");
	refused(LIMIT_W, "the power limit of shim:0 is not told here");
	cr_assert_eq(remove(support_path("class/thermal/thermal_zone0/type")), 0);
	refused(LIMIT_W, "the power limit of shim:0 is not told here");
}
