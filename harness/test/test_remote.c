/* SPDX-License-Identifier: Apache-2.0
 *
 * `assay run --verifier URL` as a process, with a server as another: from nothing to the verdict, killed at every step,
 * what has to be sent later, tokens, keys, and what is refused. */
#include <criterion/criterion.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/measure.h"
#include "harness/test/servers.h"
#include "harness/test/support.h"

TestSuite(remote, .init = server_enter, .fini = server_leave, .timeout = 120);

#define RUN "run --token-file token -d cpu -k provider -o x --verifier "

enum { RECEIPTS = 3 };

static int run(const char *format, const char *arguments)
{
	char command[1024];

	snprintf(command, sizeof command, "cd $T && %s", format);
	strcat(command, " ");
	strcat(command, arguments);
	return support_run("%s", command);
}

static void proven(void)
{
	const int code = support_run(
	    "cd $T && $V --trust provider.pub --verifier x.verifier.pub x.intoto.json && cmp x.receipts.jsonl "
	    ".state/server.receipts.jsonl && cmp x.intoto.json .state/server.intoto.json && cmp x.transcript "
	    ".state/server.transcript");
	cr_assert_eq(code, 0, "%s%s", support_out, support_err);
	cr_expect(strstr(support_out, "PASS  time-bracketed") && strstr(support_out, " proven"), "%s", support_out);
}

static void reason_is(int code, int wanted, const char *reason)
{
	char text[64];

	snprintf(text, sizeof text, "(%s)", reason);
	cr_assert_eq(code, wanted, "%d: %s%s", code, support_out, support_err);
	cr_assert(strstr(support_err, text), "%s: %s", text, support_err);
	cr_assert_not(strchr(support_err, '\033'));
}

Test(remote, from_nothing_to_the_verdict)
{
	server->pending = 2;
	server_start();
	cr_assert_eq(run("$A " RUN, server_url()), 0, "%s%s", support_out, support_err);
	cr_expect(strstr(support_out, "verdict   pass, time-bracketed") && strstr(support_out, "H/s proven"), "%s",
	          support_out);
	cr_expect_not(strstr(support_out, SERVER_TOKEN) || strstr(support_err, SERVER_TOKEN));
	cr_expect_eq(server->requests[SERVER_MESSAGES], RECEIPTS);
	cr_expect_eq(server->requests[SERVER_VERDICT], 3);
	/* One connection, from which nobody waits for a handshake, and the token where it belongs. */
	cr_expect_leq(server->connections, 2);
	cr_expect_not(server->token_elsewhere || server->agent_wrong);
	cr_expect_not(support_exists(support_path("x.checkpoint")));
	cr_expect_eq(support_run("grep -rlF '" SERVER_TOKEN "' $T"), 0);
	cr_expect_eq(strchr(support_out, '\n'), strrchr(support_out, '\n'), "in other files: %s", support_out);
	proven();
	/* Again, and nothing changes. */
	cr_assert_eq(run("$A submit x --json --verifier", server_url()), 0, "%s", support_err);
	cr_expect(strstr(support_out, "\"verdict\":\"pass\"") && strstr(support_out, "\"provenRate\":\""), "%s",
	          support_out);
	cr_expect_eq(server->answered, RECEIPTS);
}

/* Whether a step has come: so many receipts, and then so many uploads. */
static bool has_come(unsigned step)
{
	return step < RECEIPTS ? support_lines("x.receipts.jsonl") > step
	                       : server->requests[SERVER_ATTESTATION + step - RECEIPTS] > 0;
}

/* kill -9 after each receipt, and after each part of the end. */
Test(remote, killed_at_every_step)
{
	support_long();
	char command[512];
	const unsigned steps = RECEIPTS + 3;

	server->pending = 1000;
	server_start();
	snprintf(command, sizeof command, RUN "%s", server_url());
	for (unsigned step = 0; step < steps; step++) {
		const pid_t prover = support_start("prover", command, 0);
		for (int i = 0; !has_come(step) && i < 6000; i++) {
			int status;
			if (waitpid(prover, &status, WNOHANG)) {
				support_run("cat $T/.state/prover.out $T/.state/prover.err");
				cr_assert_fail("it ended before step %u: %s", step, support_out);
			}
			usleep(5000);
		}
		cr_assert(has_come(step), "%u", step);
		kill(prover, SIGKILL);
		cr_assert_eq(support_ended(prover, "prover"), 128 + SIGKILL);
		cr_assert(support_exists(support_path("x.checkpoint")));
		snprintf(command, sizeof command, "run --resume x.checkpoint -k provider --verifier %s", server_url());
	}
	server->pending = 0;
	cr_assert_eq(run("$A run --resume x.checkpoint -k provider --verifier", server_url()), 0, "%s", support_err);
	cr_expect(strstr(support_out, "verdict   pass"), "%s", support_out);
	cr_expect_not(support_exists(support_path("x.checkpoint")));
	cr_expect_eq(server->answered, RECEIPTS);
	proven();
}

/* Everything that can go wrong, at each of the three steps. */
Test(remote, nothing_is_lost_and_nothing_gained)
{
	static const enum server_fault faults[] = {
	    SERVER_DROP_BEFORE, SERVER_DROP_AFTER, SERVER_CUT,          SERVER_GARBAGE, SERVER_RIGHT,   SERVER_OLD,
	    SERVER_TRUNCATE,    SERVER_TIMEOUT,    SERVER_FORGED,       SERVER_TWICE,   SERVER_ENDLESS, SERVER_NO_HTTP,
	    SERVER_EMPTY,       SERVER_BUSY,       SERVER_ENDLESS_HEAD, SERVER_DELAY};

	server_start();
	server_fail(SERVER_MESSAGES, sizeof faults / sizeof *faults, faults);
	cr_assert_eq(run("$A " RUN, server_url()), 0, "%s%s", support_out, support_err);
	cr_expect_eq(server->answered, RECEIPTS);
	cr_expect_eq(server->fault_count, 0);
	cr_expect_eq(server->requests[SERVER_MESSAGES], sizeof faults / sizeof *faults);
	proven();
}

Test(remote, the_end_comes_through)
{
	static const enum server_fault faults[] = {SERVER_DROP_AFTER, SERVER_BUSY, SERVER_TRUNCATE, SERVER_GARBAGE};
	static const enum server_route routes[] = {SERVER_TRANSCRIPT, SERVER_VERDICT, SERVER_ATTESTATION};

	server_start();
	server_fail(SERVER_ATTESTATION, 1, (enum server_fault[]){SERVER_REFUSE});
	reason_is(run("$A " RUN, server_url()), 3, "key.revoked");
	cr_expect(strstr(support_err, "assay submit x --verifier http://127.0.0.1"), "%s", support_err);
	cr_expect_not(support_exists(support_path("x.checkpoint")));
	/* What is no verdict shows as such only there. */
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		server_fail(routes[i], routes[i] == SERVER_VERDICT ? 4 : 2, faults);
		cr_assert_eq(run("$A submit x --verifier", server_url()), 0, "%s", support_err);
		cr_expect_eq(server->fault_count, 0);
	}
	proven();
	/* Too late for the files is not too late for a verdict. */
	server_fail(SERVER_ATTESTATION, 1, (enum server_fault[]){SERVER_EXPIRED});
	cr_assert_eq(run("$A submit x --verifier", server_url()), 0, "%s", support_err);
	cr_expect(strstr(support_err, "(exchange.expired)") && strstr(support_out, "verdict   pass"), "%s",
	          support_err);
	server_fail(SERVER_TRANSCRIPT, 1, (enum server_fault[]){SERVER_REDIRECT});
	reason_is(run("$A submit x --verifier", server_url()), 3, "verifier.redirect");
	reason_is(run("$A submit nothing --verifier", server_url()), 3, "io.open");
	reason_is(run("echo >y.transcript; $A submit y --verifier", server_url()), 3, "transcript.malformed");
	reason_is(
	    run("cp $OLDPWD/verify/vectors/good/budget.transcript z.transcript; $A submit z --verifier", server_url()),
	    3, "challenge.malformed");
	cr_expect_eq(run("$A submit x --verifier", "verifier.pub"), 3);
	cr_expect(strstr(support_err, "usage:"));
}

/* Twice, one second; and what comes after the end is not waited for. */
Test(remote, later_is_honoured)
{
	server_start();
	server_fail(SERVER_CHALLENGES, 3, (enum server_fault[]){SERVER_TOO_MANY, SERVER_TOO_MANY, SERVER_REFUSE});
	const uint64_t start_ns = assay_clock_ns();
	reason_is(run("$A " RUN, server_url()), 3, "key.revoked");
	cr_expect_geq(assay_clock_ns() - start_ns, UINT64_C(2000000000));
	server_fail(SERVER_CHALLENGES, 1, (enum server_fault[]){SERVER_QUOTA});
	const unsigned requests = server->requests[SERVER_CHALLENGES];
	reason_is(run("$A " RUN, server_url()), 3, "token.quota");
	cr_expect_eq(server->requests[SERVER_CHALLENGES], requests + 1);
}

/* Ctrl-C while a step is waited for: the checkpoint is there, and tells where to go on, here with other names. */
Test(remote, interrupted_and_resumed_elsewhere)
{
	enum server_fault faults[20];
	char command[512];

	for (size_t i = 0; i < 20; i++)
		faults[i] = SERVER_BUSY;
	faults[0] = SERVER_RIGHT;
	server_start();
	server_fail(SERVER_MESSAGES, 20, faults);
	snprintf(command, sizeof command, RUN "%s", server_url());
	const pid_t prover = support_start("prover", command, 0);
	for (int i = 0; server->requests[SERVER_MESSAGES] < 4 && i < 3000; i++)
		usleep(10000);
	cr_assert_eq(kill(prover, SIGINT), 0);
	reason_is(support_ended(prover, "prover"), 3, "run.interrupted");
	cr_expect(strstr(support_err, "assay run --resume x.checkpoint --verifier http"), "%s", support_err);
	server_fail(SERVER_MESSAGES, 0, NULL);
	/* Not without its verifier, nor with another one. */
	reason_is(run("$A run --resume x.checkpoint -k", "provider"), 3, "run.resume");
	cr_expect(strstr(support_err, server_url()), "%s", support_err);
	reason_is(run("$A run --resume x.checkpoint -k provider --verifier", "x.verifier.pub"), 3, "run.resume");
	cr_expect(strstr(support_err, server_url()), "%s", support_err);
	reason_is(run("$A run --resume x.checkpoint -k provider --verifier-key stranger.pub --verifier", server_url()),
	          3, "verifier.key");
	cr_assert_eq(run("mkdir y; $A run --resume x.checkpoint -k provider -o y/z --json --verifier", server_url()), 0,
	             "%s", support_err);
	cr_expect(strstr(support_out, "{\"aggregates\":") == support_out, "%s", support_out);
	cr_expect_eq(strchr(support_out, '\n'), strrchr(support_out, '\n'));
	cr_expect_eq(support_run("cd $T && cmp y/z.receipts.jsonl .state/server.receipts.jsonl && cmp y/z.intoto.json "
	                         ".state/server.intoto.json"),
	             0);
	cr_expect_eq(server->answered, RECEIPTS);
}

/* The job goes on when the server says what it should again. */
static void refused_then_resumed(enum server_fault fault, const char *reason)
{
	enum server_fault faults[8];

	for (size_t i = 0; i < 8; i++)
		faults[i] = fault;
	server_fail(SERVER_MESSAGES, 8, faults);
	char command[256];
	const bool first = !support_exists(support_path("x.checkpoint"));
	snprintf(command, sizeof command, "%s",
	         first ? "$A " RUN : "$A run --resume x.checkpoint -k provider --verifier");
	reason_is(run(command, server_url()), 3, reason);
	cr_expect(strstr(support_err, "assay run --resume x.checkpoint --verifier http"), "%s", support_err);
	cr_assert(support_exists(support_path("x.checkpoint")));
	cr_assert_not(support_exists(support_path("x.intoto.json")));
}

Test(remote, refused_at_a_step)
{
	server_start();
	refused_then_resumed(SERVER_REFUSE, "key.revoked");
	refused_then_resumed(SERVER_FORGED, "receipts.signature");
	server_fail(SERVER_MESSAGES, 0, NULL);
	cr_assert_eq(run("$A run --resume x.checkpoint -k provider --verifier", server_url()), 0, "%s", support_err);
	cr_expect_eq(server->answered, RECEIPTS);
	proven();
}

/* Refused before there is a checkpoint: the same command again is enough, or what is in the way is said. */
static void refused(const char *command, const char *reason)
{
	const unsigned answered = server->answered;

	reason_is(run(command, server_url()), 3, reason);
	cr_assert_not(support_exists(support_path("x.checkpoint")), "%s", reason);
	cr_assert_eq(server->answered, answered);
	cr_assert_not(strstr(support_err, "tok-en"), "%s", support_err);
}

Test(remote, refused_before_it_begins)
{
	server_start();
	refused("$A run -d cpu -k provider -o x --verifier", "token.missing");
	refused("chmod 640 token; $A " RUN, "token.mode");
	refused("chmod 604 token; $A " RUN, "token.mode");
	refused("chmod 600 token; ASSAY_TOKEN_FILE=nothing $A run -d cpu -k provider -o x --verifier", "io.open");
	refused("ASSAY_TOKEN='two words' $A run -d cpu -k provider -o x --verifier", "token.malformed");
	refused("printf 'a\\nb' >bad; chmod 600 bad; $A run --token-file bad -d cpu -k provider -o x --verifier",
	        "token.malformed");
	refused("head -c 513 /dev/zero | tr '\\0' a >bad; $A run --token-file bad -d cpu -k provider -o x --verifier",
	        "token.malformed");
	refused("ASSAY_TOKEN=tok-en.2 $A run -d cpu -k provider -o x --verifier", "token.unknown");
	refused("rm x.verifier.pub; $A " RUN "nothing --verifier-key stranger.pub --verifier", "request.verifier");
	refused("$A " RUN, "verifier.key");
	refused("rm x.verifier.pub; $A run --token-file token -d cpu,cpu -k provider -o x --verifier", "device.id");
	refused("$A run --token-file token -d cpu -k stranger -o x --verifier", "request.signature");
	refused("$A " RUN "nothing -w sha256 --verifier", "run.challenge");
	refused("$A " RUN "nothing --challenge c --verifier", "run.challenge");
	refused("touch x.receipts.jsonl; $A " RUN, "io.exists");
	refused("rm x.receipts.jsonl; echo >x.challenge.json; $A " RUN, "io.exists");
	refused("rm x.challenge.json; $A " RUN "nothing --ca nothing --verifier", "verifier.ca");
	refused("env -u ASSAY_STATE_DIR -u HOME $A run --token-file token -d cpu -o x --verifier", "run.key");
	server_fail(SERVER_CHALLENGES, 1, (enum server_fault[]){SERVER_REFUSE});
	refused("$A " RUN, "key.revoked");
	cr_expect(strstr(support_err, "the verifier refuses: no ?[31m more? of this key"), "%s", support_err);
	server_fail(SERVER_KEY, 1, (enum server_fault[]){SERVER_HTML});
	refused("$A " RUN, "verifier.refused");
}

Test(remote, another_verifier)
{
	server->other_challenge = true;
	server_start();
	refused("$A " RUN, "challenge.verifier");
}

Test(remote, another_key)
{
	support_long();
	server->other_key = true;
	server_start();
	refused("$A " RUN, "request.verifier");
	refused("cp verifier.pub x.verifier.pub; $A " RUN, "verifier.key");
	/* Who has the right one does not ask for it. */
	cr_assert_eq(run("$A run --token-file token --verifier-key verifier.pub -d cpu -k provider -o x --verifier",
	                 server_url()),
	             0, "%s", support_err);
	proven();
}

Test(remote, expired)
{
	server->expires = 1700000000;
	server_start();
	refused("$A " RUN, "challenge.expired");
}

Test(remote, urls)
{
	static const char *const bad[] = {"http://example.org",
	                                  "http://127.0.0.1.example.org",
	                                  "http://128.0.0.1",
	                                  "http://localhost.example",
	                                  "https://user:tok-en@host",
	                                  "https://",
	                                  "https://host?query",
	                                  "https://host/a#b",
	                                  "https://host:",
	                                  "https://host:port",
	                                  "https://host/%2e%2e",
	                                  "https://[::1",
	                                  "http://127.0.0.1@example.org",
	                                  "https://ho st",
	                                  "http://0x7f.0.0.1"};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const int code = support_run("cd $T && $A " RUN "'%s'", bad[i]);
		reason_is(code, 3, "verifier.url");
		cr_expect_not(strstr(support_err, "tok-en"), "%s", support_err);
	}
}

/* The environment of whoever is started later. */
Test(remote, the_token_stays_here)
{
	support_long();
	server_start();
	const pid_t prover = fork();
	if (prover == 0) {
		char build[PATH_MAX];
		cr_assert(realpath(support_build(), build));
		strcat(build, "/assay");
		cr_assert_eq(chdir(support_path("")), 0);
		cr_assert(freopen("/dev/null", "w", stdout));
		setenv("ASSAY_TOKEN", SERVER_TOKEN, 1);
		execl(build, "assay", "run", "-d", "cpu", "-k", "provider", "-o", "x", "--verifier", server_url(),
		      NULL);
		_exit(127);
	}
	static char text[65536];
	char path[64];
	for (int i = 0; !server->answered && i < 3000; i++)
		usleep(10000);
	cr_expect_eq(server->answered, 1);
	snprintf(path, sizeof path, "/proc/%d/environ", (int)prover);
	const size_t len = support_read(path, text, sizeof text);
	cr_expect_gt(len, 0);
	cr_expect_null(memmem(text, len, SERVER_TOKEN, strlen(SERVER_TOKEN)));
	int status;
	cr_assert_eq(waitpid(prover, &status, 0), prover);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	proven();
}
