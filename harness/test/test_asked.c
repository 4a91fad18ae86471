/* SPDX-License-Identifier: Apache-2.0
 *
 * A verifier and a prover as two processes, with files between them: a challenge, its answer, the verdict; both killed
 * again and again; and challenges that are refused. */
#include <criterion/criterion.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/test/support.h"

TestSuite(asked, .fini = support_leave, .timeout = 300);

static void runs(int code, const char *command)
{
	cr_assert_eq(support_run("cd $T && %s", command), code, "%s\n%s%s", command, support_out, support_err);
}

static void begin(const char *challenge)
{
	char command[1024];

	support_enter();
	runs(0, "$A keygen -o provider && $A keygen -o verifier && $A keygen -o other");
	snprintf(command, sizeof command, "$A challenge -k verifier --devices 1 --memory cpu %s -o c", challenge);
	runs(0, command);
}

#define ANSWER "answer -k verifier c.challenge.json x.messages.jsonl --follow"
#define RUN "run --challenge c.challenge.json --verifier verifier.pub -d cpu -k provider -o x"

static size_t lines_of(const char *name)
{
	FILE *file = fopen(support_path(name), "r");
	size_t lines = 0;

	for (int c; file && (c = getc(file)) != EOF;)
		lines += c == '\n';
	if (file)
		fclose(file);
	return lines;
}

static void proven(void)
{
	runs(0, "$V --trust provider.pub --verifier verifier.pub x.intoto.json");
	cr_expect(strstr(support_out, "PASS  time-bracketed") && strstr(support_out, " proven"), "%s", support_out);
	runs(2, "$V --trust provider.pub x.intoto.json");
	cr_expect(strstr(support_out, "receipts.untrusted"), "%s", support_out);
}

Test(asked, from_challenge_to_verdict)
{
	/* A walk must pass over its table eight times. */
	begin(SUPPORT_STEP > 1 ? "-p quick --duration 4 -w sha256,memory" : "-p quick --duration 1 -w sha256,memory");
	pid_t verifier = support_start("verifier", ANSWER, 0);
	pid_t prover = support_start("prover", RUN, 0);
	cr_assert_eq(support_ended(prover, "prover"), 0, "%s%s", support_out, support_err);
	cr_assert_eq(support_ended(verifier, "verifier"), 0, "%s%s", support_out, support_err);
	cr_assert_eq(lines_of("x.messages.jsonl"), 7);
	cr_assert_eq(lines_of("x.receipts.jsonl"), 7);
	proven();
	cr_assert_not(support_exists(support_path("x.checkpoint")));
	/* A challenge is answered once. */
	prover = support_start("prover", RUN " -k other -o y", 0);
	for (int i = 0; lines_of("y.messages.jsonl") < 1 && i < 3000; i++)
		usleep(10000);
	runs(3, "$A answer -k verifier c.challenge.json y.messages.jsonl");
	cr_expect(strstr(support_err, "(exchange.conflict)"), "%s", support_err);
	kill(prover, SIGKILL);
	(void)support_ended(prover, "prover");
}

/* kill -9 of one and of the other after each new receipt. */
Test(asked, both_killed_at_every_step)
{
	support_long();
	begin("-p quick --duration 1 -w sha256,memory");
	const char *command = RUN;
	for (size_t receipts = 1; receipts <= 6; receipts++) {
		pid_t verifier = support_start("verifier", ANSWER, 0), prover = support_start("prover", command, 0);
		for (int i = 0; lines_of("x.receipts.jsonl") < receipts && i < 3000; i++) {
			int status;
			const pid_t gone = waitpid(prover, &status, WNOHANG);
			if (gone)
				support_run("tail -n 3 $T/.state/prover.err");
			cr_assert_eq(gone, 0, "it ended before receipt %zu: %s", receipts, support_out);
			usleep(10000);
		}
		cr_assert_eq(lines_of("x.receipts.jsonl") >= receipts, true);
		kill(receipts % 2 ? prover : verifier, SIGKILL);
		usleep(100000);
		kill(prover, SIGKILL);
		kill(verifier, SIGKILL);
		(void)support_ended(prover, "prover");
		(void)support_ended(verifier, "verifier");
		command = "run --resume x.checkpoint --verifier verifier.pub -k provider";
	}
	pid_t verifier = support_start("verifier", ANSWER, 0);
	runs(0, "$A run --resume x.checkpoint --verifier verifier.pub -k provider");
	cr_assert_eq(support_ended(verifier, "verifier"), 0);
	proven();
	runs(0, "$V --json --trust provider.pub --verifier verifier.pub x.intoto.json");
	cr_expect(strstr(support_out, "\"claimedPauses\":") && !strstr(support_out, "\"claimedPauses\":0,"), "%s",
	          support_out);
}

Test(asked, refused)
{
	static const struct {
		const char *reason, *command;
	} table[] = {
	    {"challenge.verifier",
	     "$A run --challenge c.challenge.json --verifier provider.pub -d cpu -k provider -o x"},
	    {"challenge.signature",
	     "sed 's/\"sig\":\"...../\"sig\":\"AAAAA/' c.challenge.json > d.challenge.json; $A run "
	     "--challenge d.challenge.json --verifier verifier.pub -d cpu -k provider -o x"},
	    {"challenge.malformed",
	     "head -c 100 c.challenge.json > d.challenge.json; $A run --challenge d.challenge.json "
	     "--verifier verifier.pub -d cpu -k provider -o x"},
	    {"challenge.malformed", "$A run --challenge verifier.pub --verifier verifier.pub -d cpu -k provider -o x"},
	    {"challenge.devices",
	     "$A challenge -k verifier --devices 2 --memory cpu -p quick -w sha256 -o two >/dev/null; $A run "
	     "--challenge two.challenge.json --verifier verifier.pub -d cpu -k provider -o x"},
	    {"io.open", "$A run --challenge nothing --verifier verifier.pub -d cpu -k provider -o x"},
	    {"io.open", "$A run --challenge c.challenge.json --verifier nothing -d cpu -k provider -o x"},
	    {"run.challenge", "$A run --challenge c.challenge.json -d cpu -k provider -o x"},
	    {"run.challenge", "$A " RUN " -w sha256"},
	    {"run.challenge", "$A " RUN " -p quick"},
	    {"run.challenge", "$A " RUN " --row host"},
	    {"run.challenge", "$A " RUN " --strict"},
	    {"run.challenge", "$A " RUN " --share"},
	    {"io.exists", "touch x.receipts.jsonl; $A " RUN},
	    {"io.exists", "rm x.receipts.jsonl; touch x.messages.jsonl; $A " RUN},
	};
	begin("-p quick -w sha256");

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		char reason[64];
		runs(3, table[i].command);
		snprintf(reason, sizeof reason, "(%s)", table[i].reason);
		cr_expect(strstr(support_err, reason), "%s: %s", table[i].command, support_err);
		cr_expect_not(support_exists(support_path("x.intoto.json")));
	}
	/* --verifier is nothing by itself. */
	runs(3, "$A run --verifier verifier.pub -d cpu -k provider -o x");
	cr_expect(strstr(support_err, "usage:"), "%s", support_err);
}
