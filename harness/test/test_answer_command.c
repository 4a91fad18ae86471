/* SPDX-License-Identifier: Apache-2.0
 *
 * assay answer as people and programs call it: by files that another machine makes, once or for as long as it takes,
 * and with receipts that a verifier of files believes. */
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "harness/measure.h"
#include "harness/test/exchanges.h"
#include "harness/test/support.h"
#include "verify/receipts.h"

TestSuite(answer_command, .fini = support_leave, .timeout = 120);

enum { SOON_MS = 15000 };

static struct exchange exchange;
static struct assay_error error;

/* Files of an exchange that expires in so many seconds: $T/v, $T/c.challenge.json. */
static void begin(uint64_t seconds)
{
	support_enter();
	exchange_make(&exchange, (uint64_t)time(NULL) + seconds);
	support_ok(assay_secret_write(&exchange.verifier, support_path("v"), false, &error), error);
	support_file("c.challenge.json", exchange.sealed);
}

/* Messages of the first steps, and what follows them. */
static void messages(const char *name, uint32_t count, const char *rest)
{
	char text[8 * ASSAY_STEP_LINE_MAX] = "", whole[64];

	for (uint32_t i = 0; i < count; i++) {
		char *line = exchange_message(&exchange, i);
		strcat(text, line);
		free(line);
	}
	strcat(text, rest);
	/* Never seen half-written. */
	snprintf(whole, sizeof whole, "%s.new", name);
	support_file(whole, text);
	snprintf(text, sizeof text, "%s", support_path(whole));
	cr_assert_eq(rename(text, support_path(name)), 0);
}

/* One line "assay: ... (reason)" on standard error, and exit 3. */
static void fails(const char *reason, const char *arguments)
{
	char pattern[128];
	regex_t regex;

	cr_assert_eq(support_run("$A answer %s", arguments), 3, "%s\n%s%s", arguments, support_out, support_err);
	snprintf(pattern, sizeof pattern, "^assay: [^\n]*[^ \n] \\(%s\\)\n$", reason);
	cr_assert_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	cr_assert_eq(regexec(&regex, support_err, 0, NULL, 0), 0, "%s: %s", arguments, support_err);
	regfree(&regex);
}

static void answers(void)
{
	cr_assert_eq(support_run("$A answer -k $T/v $T/c.challenge.json $T/x.messages.jsonl"), 0, "%s", support_err);
}

/* What a verifier of files finds: so many receipts, of this exchange. */
static void receipts_are(const char *name, uint32_t count)
{
	static struct assay_receipts receipts;
	struct assay_receipts_of of = {.challenge = &exchange.challenge};
	uint8_t commits[EXCHANGE_SEGMENTS][32];
	enum assay_reason reason;
	char detail[200];

	for (uint32_t j = 0; j < EXCHANGE_SEGMENTS; j++)
		memcpy(commits[j], exchange_step(&exchange, 2 * j + 1).commit, 32);
	memcpy(of.digest, exchange.digest, 32);
	memcpy(of.job, exchange_step(&exchange, 0).job, 32);
	of.commits = (const uint8_t(*)[32])commits;
	support_ok(assay_receipts_read(&receipts, count, support_path(name), &reason, &error), error);
	cr_assert_eq(reason, ASSAY_REASON_NONE, "%s", assay_reason_name(reason));
	cr_assert_eq(assay_receipts_match(&receipts, &of, detail, sizeof detail), ASSAY_REASON_NONE, "%s", detail);
	cr_assert(assay_receipts_signed_by(&receipts, exchange.verifier.key));
	const uint64_t now = (uint64_t)time(NULL);
	for (uint32_t i = 0; i < count; i++)
		cr_assert(receipts.steps[i].at_ns / 1000000000 + 60 > now &&
		          receipts.steps[i].at_ns / 1000000000 <= now);
	assay_receipts_close(&receipts);
	cr_assert_eq(support_mode(support_path(name)), 0644);
}

Test(answer_command, step_by_step)
{
	static char before[EXCHANGE_STEPS * ASSAY_STEP_LINE_MAX], after[EXCHANGE_STEPS * ASSAY_STEP_LINE_MAX];
	size_t len = 0;

	begin(3600);
	messages("x.messages.jsonl", 0, "");
	answers();
	cr_assert_not(support_exists(support_path("x.receipts.jsonl")));
	for (uint32_t count = 1; count <= EXCHANGE_STEPS; count++) {
		messages("x.messages.jsonl", count, "");
		answers();
		receipts_are("x.receipts.jsonl", count);
		/* What was answered stays as it is. */
		size_t now = support_read(support_path("x.receipts.jsonl"), after, sizeof after);
		cr_assert(now > len && memcmp(before, after, len) == 0);
		answers();
		cr_assert_eq(support_read(support_path("x.receipts.jsonl"), before, sizeof before), now);
		cr_assert_arr_eq(before, after, now);
		len = now;
	}
	cr_assert(strstr(support_out, "5 of 5 receipts"), "%s", support_out);
	/* Lost, and given again. */
	cr_assert_eq(unlink(support_path("x.receipts.jsonl")), 0);
	answers();
	cr_assert_eq(support_read(support_path("x.receipts.jsonl"), after, sizeof after), len);
	cr_assert_arr_eq(before, after, len);
	cr_assert_eq(support_run("$A answer -k $T/v $T/c.challenge.json $T/x.messages.jsonl -o $T/other"), 0);
	receipts_are("other", EXCHANGE_STEPS);
	exchange_free(&exchange);
}

Test(answer_command, refuses)
{
	char line[64];

	begin(3600);
	messages("x.messages.jsonl", 1, "");
	cr_assert_eq(support_run("$A answer $T/c.challenge.json $T/x.messages.jsonl"), 3);
	cr_assert(strstr(support_err, "usage: assay answer"));
	cr_assert_eq(support_run("$A answer -k $T/v $T/c.challenge.json"), 3);
	cr_assert_eq(support_run("$A answer -k $T/v $T/c.challenge.json $T/x.messages.jsonl more"), 3);
	fails("io.open", "-k $T/v $T/c.challenge.json $T/none");
	fails("io.open", "-k $T/v $T/none $T/x.messages.jsonl");
	fails("io.open", "-k $T/none $T/c.challenge.json $T/x.messages.jsonl");
	fails("io.open", "-k $T/v $T/c.challenge.json $T/x.messages.jsonl -o $T/none/x");
	fails("io.read", "-k $T/v $T/c.challenge.json $T");
	fails("challenge.malformed", "-k $T/v $T/v.pub $T/x.messages.jsonl");
	cr_assert_eq(support_run("$A keygen -o $T/w"), 0);
	fails("challenge.verifier", "-k $T/w $T/c.challenge.json $T/x.messages.jsonl");
	/* The output is no other file of the exchange, by whatever name, and no other file with something in it. */
	cr_assert_eq(support_run("ln -s c.challenge.json $T/link; ln $T/v $T/hard; echo hello > $T/note"), 0);
	static const char *const outputs[] = {
	    "c.challenge.json",  "x.messages.jsonl", "v", "link", "hard", "c.exchange.jsonl", "note",
	    "new.exchange.jsonl"};
	for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
		char arguments[256];
		snprintf(arguments, sizeof arguments, "-k $T/v $T/c.challenge.json $T/x.messages.jsonl -o $T/%s",
		         outputs[i]);
		fails("io.exists", arguments);
	}
	cr_assert_eq(support_run("cat $T/note"), 0);
	cr_assert_str_eq(support_out, "hello\n");

	/* A line that is refused ends it, and what came before is answered. */
	messages("x.messages.jsonl", 2, "hello\nhello\n");
	fails("exchange.malformed", "-k $T/v $T/c.challenge.json $T/x.messages.jsonl");
	cr_assert(strstr(support_err, "line 3"), "%s", support_err);
	receipts_are("x.receipts.jsonl", 2);
	struct assay_step step = exchange_step(&exchange, 1);
	step.commit[0] ^= 1;
	char *other = exchange_line(&exchange.prover, &step);
	messages("x.messages.jsonl", 2, other);
	fails("exchange.conflict", "-k $T/v $T/c.challenge.json $T/x.messages.jsonl");
	free(other);
	other = exchange_message(&exchange, 4);
	messages("x.messages.jsonl", 2, other);
	fails("exchange.order", "-k $T/v $T/c.challenge.json $T/x.messages.jsonl");
	other[strlen(other) - 1] = '\0';
	/* Not whole yet: left for the next time. */
	messages("x.messages.jsonl", 3, other);
	answers();
	cr_assert(strstr(support_err, "not whole yet"), "%s", support_err);
	receipts_are("x.receipts.jsonl", 3);
	free(other);
	/* Long lines and many. */
	cr_assert_eq(support_run("head -c 5000 /dev/zero | tr '\\0' a > $T/x.messages.jsonl; "
	                         "echo >> $T/x.messages.jsonl"),
	             0);
	fails("exchange.malformed", "-k $T/v $T/c.challenge.json $T/x.messages.jsonl");
	cr_assert_eq(support_run("yes '' | head -1000 > $T/x.messages.jsonl"), 0);
	fails("exchange.malformed", "-k $T/v $T/c.challenge.json $T/x.messages.jsonl");
	cr_assert_eq(support_run("head -c 3000000 /dev/zero > $T/x.messages.jsonl"), 0);
	fails("exchange.malformed", "-k $T/v $T/c.challenge.json $T/x.messages.jsonl");
	/* Receipts that the ledger has lost are not made a second time. */
	messages("x.messages.jsonl", 3, "");
	cr_assert_eq(support_run("rm $T/c.exchange.jsonl"), 0);
	fails("io.exists", "-k $T/v $T/c.challenge.json $T/x.messages.jsonl");
	cr_assert_not(support_exists(support_path("c.exchange.jsonl")));
	support_file("c.exchange.jsonl", "hello\nhello\n");
	fails("exchange.state", "-k $T/v $T/c.challenge.json $T/x.messages.jsonl");
	snprintf(line, sizeof line, "%u", support_mode(support_path("v")));
	cr_assert_str_eq(line, "384", "the key is as it was"); /* 0600 */
	exchange_free(&exchange);
}

Test(answer_command, expired)
{
	begin(3600);
	messages("x.messages.jsonl", 1, "");
	answers();
	/* The same exchange, had it expired: its ledger goes with another challenge. */
	exchange.challenge.expires = (uint64_t)time(NULL) - 10;
	exchange_seal(&exchange);
	support_file("d.challenge.json", exchange.sealed);
	messages("y.messages.jsonl", 1, "");
	fails("exchange.expired", "-k $T/v $T/d.challenge.json $T/y.messages.jsonl");
	fails("exchange.expired", "-k $T/v $T/d.challenge.json $T/y.messages.jsonl --follow");
	cr_assert_not(support_exists(support_path("y.receipts.jsonl")));
	cr_assert_not(support_exists(support_path("d.exchange.jsonl")));
	exchange_free(&exchange);
}

/* ---- Following ---- */

static pid_t follow(void)
{
	static char binary[512], paths[4][1024];

	snprintf(binary, sizeof binary, "%s/assay", support_build());
	snprintf(paths[0], sizeof paths[0], "%s", support_path("v"));
	snprintf(paths[1], sizeof paths[1], "%s", support_path("c.challenge.json"));
	snprintf(paths[2], sizeof paths[2], "%s", support_path("x.messages.jsonl"));
	snprintf(paths[3], sizeof paths[3], "%s", support_path("err"));
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		support_signals(0);
		if (!freopen("/dev/null", "w", stdout) || !freopen(paths[3], "w", stderr))
			_exit(99);
		execl(binary, binary, "answer", "--follow", "-k", paths[0], paths[1], paths[2], (char *)NULL);
		_exit(99);
	}
	return child;
}

/* Waits until a file has so many lines. */
static void lines_come(const char *name, unsigned count)
{
	static char text[16 * ASSAY_STEP_LINE_MAX];
	const struct timespec pause = {.tv_nsec = 20000000};
	unsigned lines = 0;

	for (unsigned ms = 0; ms < SOON_MS && lines < count; ms += 20) {
		const size_t len = support_read(support_path(name), text, sizeof text);
		lines = 0;
		for (size_t i = 0; i < len; i++)
			lines += text[i] == '\n';
		if (lines < count)
			nanosleep(&pause, NULL);
	}
	cr_assert_eq(lines, count, "%s: %.*s", name, 400, text);
}

static int ends(pid_t child)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	int how = 0;

	for (unsigned ms = 0; ms < SOON_MS; ms += 20) {
		if (waitpid(child, &how, WNOHANG) == child)
			return WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
		nanosleep(&pause, NULL);
	}
	kill(child, SIGKILL);
	waitpid(child, &how, 0);
	return -1;
}

Test(answer_command, follows_to_the_end)
{
	begin(3600);
	pid_t child = follow();
	for (uint32_t count = 1; count <= EXCHANGE_STEPS; count++) {
		messages("x.messages.jsonl", count, "");
		lines_come("x.receipts.jsonl", count);
	}
	cr_assert_eq(ends(child), 0);
	receipts_are("x.receipts.jsonl", EXCHANGE_STEPS);
	lines_come("err", 0);
	/* Once more: there is nothing to do. */
	cr_assert_eq(ends(follow()), 0);
	cr_assert_eq(unlink(support_path("x.receipts.jsonl")), 0);
	cr_assert_eq(ends(follow()), 0);
	receipts_are("x.receipts.jsonl", EXCHANGE_STEPS);
	exchange_free(&exchange);
}

Test(answer_command, follows_what_is_wrong_for_a_while)
{
	begin(3600);
	pid_t child = follow();
	messages("x.messages.jsonl", 1, "hello\n");
	lines_come("err", 1);
	messages("x.messages.jsonl", 2, "hello\n");
	lines_come("x.receipts.jsonl", 2);
	/* Cut in the middle of a line, which is the rest of the time. */
	char *next = exchange_message(&exchange, 2);
	next[100] = '\0';
	messages("x.messages.jsonl", 2, next);
	free(next);
	/* Another process is not let in meanwhile. */
	fails("exchange.busy", "-k $T/v $T/c.challenge.json $T/x.messages.jsonl");
	cr_assert_eq(unlink(support_path("x.messages.jsonl")), 0);
	messages("x.messages.jsonl", EXCHANGE_STEPS, "");
	lines_come("x.receipts.jsonl", EXCHANGE_STEPS);
	cr_assert_eq(ends(child), 0);
	lines_come("err", 1); /* said once */
	exchange_free(&exchange);
}

Test(answer_command, follow_is_stopped_or_killed)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGKILL, SIGHUP};

	begin(3600);
	for (uint32_t i = 0; i < 4; i++) {
		pid_t child = follow();
		messages("x.messages.jsonl", i + 1, "");
		lines_come("x.receipts.jsonl", i + 1);
		kill(child, signals[i]);
		cr_assert_eq(ends(child), signals[i] == SIGKILL ? 128 + SIGKILL : 0, "signal %d", signals[i]);
		lines_come("err", 0);
		receipts_are("x.receipts.jsonl", i + 1);
	}
	/* The challenge, its state, messages, receipts, the key and its public half, errors: no part of a file. */
	cr_assert_eq(support_files(), 7);
	pid_t child = follow();
	messages("x.messages.jsonl", EXCHANGE_STEPS, "");
	cr_assert_eq(ends(child), 0);
	receipts_are("x.receipts.jsonl", EXCHANGE_STEPS);
	exchange_free(&exchange);
}

Test(answer_command, follow_ends_when_the_challenge_does)
{
	begin(4);
	pid_t child = follow();
	messages("x.messages.jsonl", 1, "");
	lines_come("x.receipts.jsonl", 1);
	cr_assert_eq(ends(child), 3);
	lines_come("err", 1);
	cr_assert_eq(support_run("grep -c exchange.expired $T/err"), 0);
	exchange_free(&exchange);
}
