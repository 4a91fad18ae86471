/* SPDX-License-Identifier: Apache-2.0
 *
 * What a verifier has answered, on the disk: it is there before anybody hears of it, damage is told and never answered
 * over, and of two processes one answers. */
#include "harness/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "harness/test/exchanges.h"
#include "harness/test/support.h"
#include "verify/envelope.h"

TestSuite(ledger, .fini = support_leave, .timeout = 60);

static struct assay_error error;
static const uint64_t expires = 1900000000, now = UINT64_C(1800000000) * 1000000000;

static struct exchange exchange;
static struct assay_ledger ledger;
static const char *challenge, *state;

static void begin(void)
{
	support_enter();
	exchange_make(&exchange, expires);
	support_file("c.challenge.json", exchange.sealed);
	challenge = strdup(support_path("c.challenge.json"));
	state = strdup(support_path("c.exchange.jsonl"));
}

static void end(void)
{
	exchange_free(&exchange);
	free((char *)challenge);
	free((char *)state);
}

static void opens(uint32_t count)
{
	support_ok(assay_ledger_open(&ledger, challenge, &exchange.verifier, &error), error);
	cr_assert_eq(ledger.answers.count, count);
}

static void refused(const char *path, enum assay_status status, const char *reason)
{
	memset(&error, 0, sizeof error);
	cr_assert_eq(assay_ledger_open(&ledger, path, &exchange.verifier, &error), status, "%s", reason);
	cr_assert_str_eq(error.reason, reason, "%s", error.text);
	assay_ledger_close(&ledger);
}

static void answer(uint32_t first, uint32_t end_step)
{
	for (uint32_t i = first; i < end_step; i++)
		exchange_ask(&ledger.answers, exchange_message(&exchange, i), now + i);
}

/* What the file holds: every message and its receipt. */
static void holds(const struct assay_answers *answers)
{
	static char text[2 * ASSAY_STEPS_MAX * ASSAY_STEP_LINE_MAX];
	size_t len = support_read(state, text, sizeof text), at = 0;

	for (uint32_t i = 0; i < answers->count; i++) {
		const char *const lines[] = {answers->messages[i], answers->receipts[i]};
		for (size_t k = 0; k < 2; k++) {
			cr_assert(at + strlen(lines[k]) <= len && memcmp(text + at, lines[k], strlen(lines[k])) == 0);
			at += strlen(lines[k]);
		}
	}
	cr_assert_eq(at, len);
}

Test(ledger, kept_and_read_back)
{
	char *receipts[EXCHANGE_STEPS] = {NULL};

	begin();
	for (uint32_t i = 0; i < EXCHANGE_STEPS; i++) {
		opens(i);
		for (uint32_t k = 0; k < i; k++)
			cr_assert_str_eq(exchange_ask(&ledger.answers, exchange_message(&exchange, k), now),
			                 receipts[k]);
		cr_assert_eq(support_exists(state), i > 0);
		receipts[i] = strdup(exchange_ask(&ledger.answers, exchange_message(&exchange, i), now + i));
		holds(&ledger.answers);
		exchange_refuses(&ledger.answers, exchange_message(&exchange, i + 2), now, "exchange.order");
		holds(&ledger.answers);
		assay_ledger_close(&ledger);
	}
	cr_assert_eq(support_mode(state), 0600);
	cr_assert_eq(support_files(), 2);
	opens(EXCHANGE_STEPS);
	assay_ledger_close(&ledger);
	for (uint32_t i = 0; i < EXCHANGE_STEPS; i++)
		free(receipts[i]);
	end();
}

Test(ledger, names)
{
	static const char *const names[][2] = {{"c.challenge.json", "c.exchange.jsonl"},
	                                       {"a/b.challenge.json", "a/b.exchange.jsonl"},
	                                       {".challenge.json", ".challenge.json.exchange.jsonl"},
	                                       {"x", "x.exchange.jsonl"},
	                                       {"x.challenge.json.old", "x.challenge.json.old.exchange.jsonl"}};
	char path[ASSAY_PATH_MAX], name[ASSAY_PATH_MAX];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		cr_assert(assay_ledger_path(path, names[i][0]));
		cr_assert_str_eq(path, names[i][1]);
	}
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	cr_assert_not(assay_ledger_path(path, name));
	/* By a link it is the same exchange. */
	begin();
	opens(0);
	answer(0, 1);
	assay_ledger_close(&ledger);
	cr_assert_eq(symlink("c.challenge.json", support_path("link.challenge.json")), 0);
	support_ok(assay_ledger_open(&ledger, support_path("link.challenge.json"), &exchange.verifier, &error), error);
	cr_assert_eq(ledger.answers.count, 1);
	assay_ledger_close(&ledger);
	end();
}

/* Cut between two answers it is an earlier state, which nothing tells from a lost one; cut elsewhere it is refused. */
Test(ledger, torn_at_every_byte)
{
	static char text[2 * EXCHANGE_STEPS * ASSAY_STEP_LINE_MAX];
	size_t ends[EXCHANGE_STEPS + 1] = {0}, len = 0;

	begin();
	opens(0);
	answer(0, EXCHANGE_STEPS);
	for (uint32_t i = 0; i < EXCHANGE_STEPS; i++)
		ends[i + 1] = ends[i] + strlen(ledger.answers.messages[i]) + strlen(ledger.answers.receipts[i]);
	assay_ledger_close(&ledger);
	len = support_read(state, text, sizeof text);
	cr_assert_eq(len, ends[EXCHANGE_STEPS]);
	for (size_t cut = 0; cut <= len; cut++) {
		uint32_t whole = 0;
		while (whole < EXCHANGE_STEPS && ends[whole + 1] <= cut)
			whole++;
		support_write(state, text, cut);
		if (cut > ends[whole]) {
			refused(challenge, ASSAY_ERROR_INPUT, "exchange.state");
			continue;
		}
		opens(whole);
		answer(whole, EXCHANGE_STEPS);
		holds(&ledger.answers);
		assay_ledger_close(&ledger);
	}
	end();
}

/* A byte that is another one, anywhere. */
Test(ledger, damaged_at_every_byte)
{
	static char text[2 * EXCHANGE_STEPS * ASSAY_STEP_LINE_MAX];

	begin();
	opens(0);
	answer(0, 2);
	assay_ledger_close(&ledger);
	const size_t len = support_read(state, text, sizeof text);
	for (size_t i = 0; i < len; i++) {
		text[i] ^= 1;
		support_write(state, text, len);
		refused(challenge, ASSAY_ERROR_INPUT, "exchange.state");
		text[i] ^= 1;
	}
	end();
}

/* Writes the pair of lines that there would be, were this its step, at this time, of this verifier. */
static void forge(const struct assay_secret *prover, const struct assay_secret *verifier, struct assay_step said,
                  struct assay_step answered)
{
	char lines[2 * ASSAY_STEP_LINE_MAX];

	char *message = exchange_line(prover, &said);
	char *payload = assay_receipt_text(&answered);
	char *receipt = assay_secret_seal(verifier, ASSAY_TYPE_RECEIPT, payload);
	snprintf(lines, sizeof lines, "%s%s", message, receipt);
	support_write(state, lines, strlen(lines));
	free(message);
	free(payload);
	free(receipt);
}

Test(ledger, forged)
{
	struct assay_secret other;

	begin();
	assay_secret_make(&other);
	const struct assay_step said = exchange_step(&exchange, 0);
	struct assay_step step = said, answered = said;
	answered.at_ns = now;
	forge(&exchange.prover, &exchange.verifier, said, answered);
	opens(1); /* as it is made here, it holds */
	assay_ledger_close(&ledger);

	forge(&exchange.prover, &other, said, answered);
	refused(challenge, ASSAY_ERROR_INPUT, "exchange.state");
	forge(&other, &exchange.verifier, said, answered);
	refused(challenge, ASSAY_ERROR_INPUT, "exchange.state");
	/* Signed, but not what would have been answered. */
	for (unsigned what = 0; what < 6; what++) {
		step = said;
		struct assay_step bad = answered;
		if (what == 0)
			bad.at_ns = expires * 1000000000 + 1;
		if (what == 1)
			bad.challenge[0] ^= 1;
		if (what == 2)
			bad.job[0] ^= 1;
		if (what == 3)
			bad.segment = 1;
		if (what == 4)
			step.segment = bad.segment = 1;
		if (what == 5)
			bad.is_commit = true;
		forge(&exchange.prover, &exchange.verifier, step, bad);
		refused(challenge, ASSAY_ERROR_INPUT, "exchange.state");
	}
	/* Of another challenge that this key made under the same name. */
	forge(&exchange.prover, &exchange.verifier, said, answered);
	exchange.challenge.nonce[0] ^= 1;
	exchange_seal(&exchange);
	support_write(challenge, exchange.sealed, strlen(exchange.sealed));
	refused(challenge, ASSAY_ERROR_INPUT, "exchange.state");
	end();
}

Test(ledger, more_than_there_can_be)
{
	static char text[3 * ASSAY_STEPS_MAX * ASSAY_STEP_LINE_MAX];

	begin();
	opens(0);
	answer(0, EXCHANGE_STEPS);
	assay_ledger_close(&ledger);
	size_t len = support_read(state, text, sizeof text);
	memmove(text + len, text, len);
	support_write(state, text, 2 * len);
	refused(challenge, ASSAY_ERROR_INPUT, "exchange.state");
	memset(text, '\n', sizeof text);
	support_write(state, text, sizeof text);
	refused(challenge, ASSAY_ERROR_INPUT, "exchange.state");
	memset(text, 0, sizeof text);
	support_write(state, text, sizeof text);
	refused(challenge, ASSAY_ERROR_INPUT, "exchange.state");
	end();
}

Test(ledger, challenges_that_are_not_ours)
{
	struct assay_secret other;
	char path[ASSAY_PATH_MAX];

	begin();
	snprintf(path, sizeof path, "%s", support_path("x"));
	refused(path, ASSAY_ERROR_IO, "io.open");
	cr_assert_eq(mkdir(path, 0700), 0);
	refused(path, ASSAY_ERROR_IO, "io.read");
	cr_assert_eq(rmdir(path), 0);
	support_write(path, "", 0);
	refused(path, ASSAY_ERROR_INPUT, "challenge.malformed");
	support_write(path, exchange.payload, strlen(exchange.payload));
	refused(path, ASSAY_ERROR_INPUT, "challenge.malformed");
	support_write(path, exchange.sealed, strlen(exchange.sealed) - 1);
	refused(path, ASSAY_ERROR_INPUT, "challenge.malformed");
	static char zeros[ASSAY_ENVELOPE_BYTES_MAX + 100];
	support_write(path, zeros, sizeof zeros);
	refused(path, ASSAY_ERROR_INPUT, "challenge.malformed");
	/* Another verifier's, with the right name in it or not. */
	assay_secret_make(&other);
	char *sealed = assay_secret_seal(&other, ASSAY_TYPE_CHALLENGE, exchange.payload);
	support_write(path, sealed, strlen(sealed));
	refused(path, ASSAY_ERROR_INPUT, "challenge.verifier");
	free(sealed);
	sealed = strdup(exchange.sealed);
	char *signature = strstr(sealed, "\"sig\":\"") + 7;
	*signature = *signature == 'A' ? 'B' : 'A';
	support_write(path, sealed, strlen(sealed));
	refused(path, ASSAY_ERROR_INPUT, "challenge.signature");
	free(sealed);
	/* Ours, but for somebody else to answer; one that nobody asked for; one outside the caps. */
	const struct assay_challenge good = exchange.challenge;
	exchange.challenge.verifier[0] ^= 1;
	exchange_seal(&exchange);
	support_write(path, exchange.sealed, strlen(exchange.sealed));
	refused(path, ASSAY_ERROR_INPUT, "challenge.verifier");
	exchange.challenge = good;
	exchange.challenge.asked = false;
	exchange_seal(&exchange);
	support_write(path, exchange.sealed, strlen(exchange.sealed));
	refused(path, ASSAY_ERROR_INPUT, "challenge.verifier");
	exchange.challenge = good;
	exchange.challenge.devices = 65;
	exchange_seal(&exchange);
	support_write(path, exchange.sealed, strlen(exchange.sealed));
	refused(path, ASSAY_ERROR_INPUT, "challenge.caps");
	end();
}

/* One that nobody may read: not answered as if it were not there. */
Test(ledger, state_that_cannot_be_read_or_written)
{
	begin();
	cr_assert_eq(mkdir(state, 0700), 0);
	refused(challenge, ASSAY_ERROR_IO, "io.read");
	cr_assert_eq(rmdir(state), 0);
	opens(0);
	cr_assert_eq(mkdir(state, 0700), 0);
	char *line = exchange_message(&exchange, 0);
	const char *receipt = NULL;
	cr_assert_eq(assay_answer(&ledger.answers, line, strlen(line), now, &receipt, &error), ASSAY_ERROR_IO);
	cr_assert_str_eq(error.reason, "io.write");
	cr_assert(!receipt && ledger.answers.count == 0);
	cr_assert_eq(support_files(), 2, "nothing half-written is left");
	cr_assert_eq(rmdir(state), 0);
	exchange_ask(&ledger.answers, line, now);
	holds(&ledger.answers);
	assay_ledger_close(&ledger);
	end();
}

Test(ledger, one_process_at_a_time)
{
	enum { PROCESSES = 4 };
	pid_t children[PROCESSES];
	unsigned opened = 0;
	int pipe_of[2];

	begin();
	/* While one has it, another one is told so, in this process too. */
	opens(0);
	struct assay_ledger second;
	cr_assert_eq(assay_ledger_open(&second, challenge, &exchange.verifier, &error), ASSAY_ERROR_IO);
	cr_assert_str_eq(error.reason, "exchange.busy");
	assay_ledger_close(&second);
	assay_ledger_close(&ledger);
	/* Several want to answer the same message; all that get to it have the same receipt. */
	cr_assert_eq(pipe(pipe_of), 0);
	for (unsigned p = 0; p < PROCESSES; p++) {
		children[p] = support_fork();
		if (children[p])
			continue;
		char *line = exchange_message(&exchange, 0);
		const char *receipt;
		enum assay_status status;
		do {
			status = assay_ledger_open(&ledger, challenge, &exchange.verifier, &error);
			if (status)
				assay_ledger_close(&ledger);
		} while (status && strcmp(error.reason, "exchange.busy") == 0);
		if (status || assay_answer(&ledger.answers, line, strlen(line), now + p, &receipt, &error) != ASSAY_OK)
			_exit(1);
		ssize_t written = write(pipe_of[1], receipt, strlen(receipt));
		assay_ledger_close(&ledger);
		_exit(written > 0 ? 0 : 1);
	}
	close(pipe_of[1]);
	for (unsigned p = 0; p < PROCESSES; p++) {
		int how;
		cr_assert_eq(waitpid(children[p], &how, 0), children[p]);
		opened += WIFEXITED(how) && WEXITSTATUS(how) == 0;
	}
	cr_assert_eq(opened, PROCESSES);
	char line[2][ASSAY_STEP_LINE_MAX];
	FILE *told = fdopen(pipe_of[0], "r");
	cr_assert(fgets(line[0], sizeof line[0], told));
	for (unsigned p = 1; p < PROCESSES; p++) {
		cr_assert(fgets(line[1], sizeof line[1], told));
		cr_assert_str_eq(line[0], line[1]);
	}
	fclose(told);
	opens(1);
	assay_ledger_close(&ledger);
	end();
}
