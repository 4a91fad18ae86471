/* SPDX-License-Identifier: Apache-2.0
 *
 * Both sides as people run them: `assay run --verifier URL` before `assay serve`, each killed at every step and started
 * again. Nothing is lost: one challenge, one answer to each step, one verdict. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "harness/test/serving.h"
#include "harness/test/support.h"

TestSuite(serve_run, .timeout = 300);

enum { SEGMENTS = 2, STEPS = 2 * SEGMENTS + 1 };

#define TERMS "-w sha256,matmul-f64 --expires 10m"

static struct serving serving;

static void enter(void)
{
	serving_enter(&serving, TERMS);
	support_write(support_path("token"), serving.token, strlen(serving.token));
	cr_assert_eq(support_run("chmod 600 $T/token"), 0);
	serving_start(&serving, "");
}

/* What the server has of this job, and its verdict on it. */
static void judged(void)
{
	serving_sql("CREATE TEMP TABLE one (n INTEGER CHECK (n = 1)); INSERT INTO one SELECT count(*) FROM challenges");
	serving_sql("CREATE TEMP TABLE passed (n INTEGER CHECK (n = 1));"
	            "INSERT INTO passed SELECT count(*) FROM challenges WHERE stage = 2 AND outcome = 'pass'");
	cr_expect_eq(support_lines("x.receipts.jsonl"), STEPS);
	cr_expect_eq(support_run("$V --verifier $T/x.verifier.pub --trust $T/prover.pub $T/x.intoto.json"), 0, "%s%s",
	             support_out, support_err);
	cr_expect(strstr(support_out, "time-bracketed"), "%s", support_out);
}

Test(serve_run, from_nothing_to_the_verdict)
{
	support_long();
	enter();
	cr_assert_eq(support_run("cd $T && $A run -d cpu -k prover --token-file token -o x --verifier "
	                         "http://127.0.0.1:%u",
	                         serving.port),
	             0, "%s%s", support_out, support_err);
	cr_expect(strstr(support_out, "pass, time-bracketed"), "%s", support_out);
	judged();
	cr_expect_eq(support_run("tail -n 3 $T/x.verifier.pub | cmp - $T/verifier.pub"), 0, "%s", support_out);
	serving_leave(&serving);
}

Test(serve_run, both_killed_at_every_step)
{
	support_long();
	char command[512];

	enter();
	snprintf(command, sizeof command, "run -d cpu -k prover --token-file token -o x --verifier http://127.0.0.1:%u",
	         serving.port);
	for (unsigned step = 0; step < STEPS; step++) {
		char options[64];
		const pid_t prover = support_start("run", command, 0);
		for (int i = 0; i < 6000 && support_lines("x.receipts.jsonl") <= step; i++)
			usleep(5000);
		cr_assert_gt(support_lines("x.receipts.jsonl"), step, "step %u does not come", step);
		/* The server first, so that the prover hears of nothing for a while; and it first, every other time. */
		if (step % 2)
			kill(prover, SIGKILL);
		cr_assert_eq(serving_end(&serving, SIGKILL), 128 + SIGKILL);
		usleep(50000);
		kill(prover, SIGKILL);
		cr_assert_eq(support_ended(prover, "run"), 128 + SIGKILL);
		snprintf(options, sizeof options, "--listen 127.0.0.1:%u", serving.port);
		serving_start(&serving, options);
		snprintf(command, sizeof command, "run --resume x.checkpoint -k prover --verifier http://127.0.0.1:%u",
		         serving.port);
	}
	cr_assert_eq(support_run("cd $T && $A %s", command), 0, "%s%s", support_out, support_err);
	cr_expect(strstr(support_out, "pass, time-bracketed"), "%s", support_out);
	judged();
	serving_leave(&serving);
}

/* The server alone is killed: the prover waits for it, and never hears of it. */
Test(serve_run, server_killed_meanwhile)
{
	support_long();
	char command[512], options[64];

	enter();
	snprintf(command, sizeof command, "run -d cpu -k prover --token-file token -o x --verifier http://127.0.0.1:%u",
	         serving.port);
	snprintf(options, sizeof options, "--listen 127.0.0.1:%u", serving.port);
	const pid_t prover = support_start("run", command, 0);
	for (unsigned step = 0; step < STEPS; step++) {
		for (int i = 0; i < 6000 && support_lines("x.receipts.jsonl") <= step; i++)
			usleep(5000);
		cr_assert_gt(support_lines("x.receipts.jsonl"), step, "step %u does not come", step);
		cr_assert_eq(serving_end(&serving, SIGKILL), 128 + SIGKILL);
		serving_start(&serving, options);
	}
	cr_expect_eq(support_ended(prover, "run"), 0, "%s%s", support_out, support_err);
	judged();
	serving_leave(&serving);
}
