/* SPDX-License-Identifier: Apache-2.0
 *
 * --max-time: the plan that fits, the end that comes whatever hangs, and nothing left behind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/limit.h"
#include "harness/plan.h"
#include "harness/state.h"
#include "harness/test/shim.h"
#include "harness/test/support.h"

TestSuite(limit, .init = shim_reset, .fini = support_leave, .timeout = 120);

static struct assay_error error;

/* ---- The end ---- */

enum end { HANGS, HOLDS, HOLDS_TWICE, RELEASES };

/* A process with a file half written and a second to live; its exit code. */
static int child(enum end end)
{
	int state;

	pid_t pid = support_fork();
	if (pid == 0) {
		struct assay_output output;
		if (!freopen(support_path("said"), "w", stderr) || !assay_limit_option("1s"))
			_exit(90);
		assay_limit_doing("hanging");
		if (assay_limit_left_ns() > 1000000000 || assay_limit_left_ns() == 0 ||
		    assay_output_open(&output, support_path("half"), 0600, &error) != ASSAY_OK)
			_exit(91);
		if (end != HANGS)
			assay_limit_hold();
		if (end == HOLDS_TWICE)
			assay_limit_hold();
		while (assay_limit_left_ns() > 0)
			usleep(1000);
		if (end == RELEASES)
			assay_limit_release();
		/* Long after the time. */
		usleep(end == HOLDS || end == HOLDS_TWICE ? 300000 : 60000000);
		assay_output_close(&output);
		_exit(92);
	}
	cr_assert_eq(waitpid(pid, &state, 0), pid);
	cr_assert(WIFEXITED(state));
	return WEXITSTATUS(state);
}

Test(limit, ends_what_hangs)
{
	char said[512];

	support_enter();
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(child(i ? RELEASES : HANGS), 3);
		cr_expect_eq(support_files(), 1, "a file half written");
		said[support_read(support_path("said"), said, sizeof said - 1)] = '\0';
		cr_expect_str_eq(said, "assay: --max-time 1s has passed while hanging; ended, and nothing was written "
		                       "(time.exceeded)\n");
	}
}

Test(limit, waits_for_what_belongs_together)
{
	char said[512];

	support_enter();
	cr_assert_eq(child(HOLDS), 92);
	cr_assert_eq(child(HOLDS_TWICE), 92);
	cr_expect_eq(support_read(support_path("said"), said, sizeof said), 0, "nothing is said");
}

/* ---- The plan ---- */

enum { SECOND = 1000 };
static const uint64_t second_ns = 1000000000;

/* Two devices, and segments of this duration (0 = rounds). */
static enum assay_status plan(struct assay_challenge *challenge, uint32_t first_ms, uint32_t second_ms,
                              uint32_t stagger_ms, uint64_t left_ns, uint64_t *needed_ns)
{
	static struct assay_device devices[2];

	*challenge = (struct assay_challenge){
	    .devices = 2,
	    .samples = 4,
	    .segment_count = 2,
	    .segments = {
	        {.work = &assay_work_matmul_i8, .params = {{64, 32, 16}}, .duration_ms = first_ms, .rounds = !first_ms},
	        {.work = &assay_work_sha256, .params = {{0, 5}}, .duration_ms = second_ms, .rounds = !second_ms}}};
	for (uint32_t d = 0; d < 2; d++)
		support_ok(assay_device_open(&devices[d], &shim_backend, d, NULL, &error), error);
	const struct assay_plan plan = {.stagger_ms = stagger_ms, .least_ms = 20 * SECOND, .left_ns = left_ns};
	enum assay_status status = assay_plan_fit(challenge, devices, &plan, needed_ns, &error);
	for (uint32_t d = 0; d < 2; d++)
		assay_device_close(&devices[d]);
	cr_assert_eq(shim.live, 0);
	return status;
}

Test(limit, plan)
{
	struct assay_challenge challenge;
	uint64_t needed_ns;

	/* All of it fits: as it was. */
	support_ok(plan(&challenge, 20 * SECOND, 300 * SECOND, 0, 1000 * second_ns, &needed_ns), error);
	cr_expect_eq(challenge.segments[0].duration_ms, 20 * SECOND);
	cr_expect_eq(challenge.segments[1].duration_ms, 300 * SECOND);
	cr_expect(needed_ns > 320 * second_ns && needed_ns < 420 * second_ns);
	/* The long ones are shortened to an equal part of what is left beside the overhead, in whole seconds. */
	support_ok(plan(&challenge, 86400 * SECOND, 86400 * SECOND, 0, 400 * second_ns, &needed_ns), error);
	for (int j = 0; j < 2; j++) {
		cr_expect_leq(challenge.segments[j].duration_ms, 199 * SECOND);
		cr_expect_geq(challenge.segments[j].duration_ms, 100 * SECOND);
		cr_expect_eq(challenge.segments[j].duration_ms % SECOND, 0);
	}
	cr_expect_leq(needed_ns, 400 * second_ns);
	/* Late starts are in the overhead: 100 s of warm-up in each segment. */
	support_ok(plan(&challenge, 86400 * SECOND, 86400 * SECOND, 100 * SECOND, 400 * second_ns, &needed_ns), error);
	cr_expect_leq(challenge.segments[0].duration_ms, 99 * SECOND);
	/* Rounds take what they take. */
	support_ok(plan(&challenge, 0, 86400 * SECOND, 0, 400 * second_ns, &needed_ns), error);
	cr_expect_eq(challenge.segments[0].duration_ms, 0);
	cr_expect_geq(challenge.segments[1].duration_ms, 200 * SECOND);
	/* Not below the least: said before anything starts, with the time that it takes. */
	cr_expect_eq(plan(&challenge, 20 * SECOND, 20 * SECOND, 0, 40 * second_ns, &needed_ns), ASSAY_ERROR_INPUT);
	cr_expect_str_eq(error.reason, "plan.time");
	cr_expect(strstr(error.text, "--max-time 4"), "%s", error.text);
	cr_expect_eq(plan(&challenge, 20 * SECOND, 20 * SECOND, 0, 0, &needed_ns), ASSAY_ERROR_INPUT);
}

/* A device that fails in the trial is left to fail in the job. */
Test(limit, plan_with_a_failing_device)
{
	struct assay_challenge challenge;
	uint64_t needed_ns;

	for (uint32_t n = 1; n < 30; n++) {
		shim_reset();
		shim.device = 0;
		shim.kind = n % 2 ? SHIM_LAUNCH : SHIM_READ;
		shim.fail_at = n;
		shim.dead = true;
		support_ok(plan(&challenge, 20 * SECOND, 20 * SECOND, 0, 1000 * second_ns, &needed_ns), error);
	}
}

/* ---- Commands ---- */

static void exceeds(const char *line)
{
	/* What a hanging device holds is never given back. */
	int code = support_run("ASAN_OPTIONS=detect_leaks=0 ASSAY_LAUNCH_SECONDS=600 timeout 60 %s", line);

	cr_expect_eq(code, 3, "%s: exit %d\n%s%s", line, code, support_out, support_err);
	cr_expect(strstr(support_err, "assay: --max-time "), "%s: %s", line, support_err);
	cr_expect(strstr(support_err, "(time.exceeded)\n"), "%s: %s", line, support_err);
	cr_expect_eq(support_files(), 0, "%s leaves a file", line);
}

Test(limit, commands_that_hang)
{
	support_enter();
	support_double("ASSAY_CUDA_LIBRARY", "libcuda.so", true);
	exceeds("env ASSAY_DOUBLE_LOST=0:1:600 $A selftest --variant portable -d cuda --max-time 1s");
	exceeds("env ASSAY_DOUBLE_LOST=0:1:600 $A run --variant portable -d cuda -w sha256 --max-time 7 -o $T/x");
	exceeds("env ASSAY_DOUBLE_LOST=0:1:600 ASSAY_DOUBLE_LARGE=65536 $A run --variant portable -d cuda -w sha256 "
	        "--row small --max-time 8s "
	        "-o $T/x");
	exceeds(
	    "env ASSAY_DOUBLE_LOST=0:9:600 $A bench --variant portable -d cuda -w sha256 --seconds 1 --max-time 4s");
}

Test(limit, commands)
{
	support_enter();
	static const char *const names[] = {"run", "bench", "selftest", "devices", "doctor"};
	for (size_t i = 0; i < 5; i++) {
		cr_expect_eq(support_run("$A %s --max-time 5ms", names[i]), 3);
		cr_expect(strstr(support_err, "(time.limit)"), "%s", support_err);
		cr_expect_eq(support_run("$A %s --max-time 60s --max-time 60s", names[i]), 3);
		cr_expect(strstr(support_err, "twice"), "%s", support_err);
	}
	cr_expect_eq(support_run("$A devices --max-time 100 && $A selftest -d cpu --max-time 1m"), 0, "%s",
	             support_err);
	/* 40 s of work in 10 s: said at once. In a little more than that: after a trial. */
	cr_expect_eq(support_run("$A run -d cpu -w matmul-i8,sha256 -p standard --max-time 10s -o $T/x"), 3);
	cr_expect(strstr(support_err, "asks for 40 s of work") && strstr(support_err, "(plan.time)"), "%s",
	          support_err);
	cr_expect_eq(support_run("$A run -d cpu -w sha256,sha256 -p soak --max-time 30s -o $T/x"), 3);
	cr_expect(strstr(support_err, "(plan.time)"), "%s", support_err);
	cr_expect_eq(support_files(), 0);
	/* What does not fit is not measured, and it is said. */
	cr_expect_eq(support_run("$A bench -d cpu -w sha256,matmul-i8 --seconds 40 --max-time 60s --json"), 3, "%s",
	             support_err);
	cr_expect_str_empty(support_out);
	cr_expect(strstr(support_err, "no time for sha256/1 on cpu") && strstr(support_err, "(time.exceeded)"), "%s",
	          support_err);
	cr_expect_eq(support_run("$A bench -d cpu -w sha256,sha256,sha256 --seconds 1 --max-time 6s --json"), 3, "%s",
	             support_err);
	/* Three take longer; whether the first was in time is the machine's affair. */
	cr_expect(strstr(support_err, "(time.exceeded)"), "%s", support_err);
	cr_expect(!*support_out || support_out[strlen(support_out) - 1] == '\n', "no half lines: %s", support_out);
}

Test(limit, a_run_that_fits)
{
	support_long();
	support_enter();
	cr_assert_eq(support_run("$A run -d cpu -w sha256 --max-time 2m -o $T/x"), 0, "%s", support_err);
	cr_expect(strstr(support_out, "fits in --max-time: 5 s a workload"), "%s", support_out);
	cr_expect_eq(support_files(), 2);
	cr_expect_eq(support_run("$V --trust $ASSAY_STATE_DIR/key.pub $T/x.intoto.json"), 0, "%s", support_out);
}
