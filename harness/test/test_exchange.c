/* SPDX-License-Identifier: Apache-2.0
 *
 * Jobs that a verifier asks for, with a verifier in the test's own process: what is proven, jobs that are cut off at
 * every step and go on, receipts that are not what they must be, and the exchange by files. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "harness/attest.h"
#include "harness/seeds.h"
#include "harness/test/shim.h"
#include "harness/test/support.h"
#include "verify/chain.h"
#include "verify/envelope.h"

enum { DEVICES = 2, SEGMENTS = 4, STEPS = 2 * SEGMENTS + 1 };

static struct assay_error error;
static struct assay_secret prover, asker;
static struct assay_device devices[DEVICES];
static struct assay_challenge challenge;

/* The verifier: what it was sent, and what it does wrong. */
static struct {
	uint32_t cut_at; /* the step that never comes back; STEPS: none */
	bool cut_after;  /* it was answered, and the answer was lost */
	uint32_t asked[STEPS];
	char *sent[STEPS], *answers[STEPS];
	uint64_t clock_ns;
	void (*spoil)(struct assay_step *receipt, uint32_t number);
	const struct assay_secret *signer;
	const char *type;
	bool other_keyid; /* beside a good signature */
} verifier;

static void enter(void)
{
	support_enter();
	cr_assert_geq(sodium_init(), 0);
	shim_reset();
	assay_secret_make(&prover);
	assay_secret_make(&asker);
	for (uint32_t d = 0; d < DEVICES; d++)
		support_ok(assay_device_open(&devices[d], &shim_backend, d, NULL, &error), error);
	const struct assay_params table = {{8, 512, 3}};
	challenge = (struct assay_challenge){.asked = true,
	                                     .expires = 4102444800, /* the year 2100 */
	                                     .profile = "test",
	                                     .devices = DEVICES,
	                                     .samples = 6,
	                                     .leased = 1,
	                                     .segment_count = SEGMENTS,
	                                     .segments = {{&assay_work_sha256, {{0, 5}}, 0, 3},
	                                                  {&assay_work_memory_fill, table, 0, 0},
	                                                  {&assay_work_memory, table, 0, 8},
	                                                  {&assay_work_matmul_i8, {{64, 16, 64}}, 30, 0}}};
	char keyid[65];
	assay_keyid(keyid, asker.key);
	sodium_hex2bin(challenge.verifier, 32, keyid, 64, NULL, NULL, NULL);
	memset(&verifier, 0, sizeof verifier);
	verifier.cut_at = STEPS;
	verifier.signer = &asker;
	verifier.type = ASSAY_TYPE_RECEIPT;
	verifier.clock_ns = UINT64_C(1700000000000000000);
}

static void leave(void)
{
	for (uint32_t i = 0; i < STEPS; i++) {
		free(verifier.sent[i]);
		free(verifier.answers[i]);
	}
	for (uint32_t d = 0; d < DEVICES; d++)
		assay_device_close(&devices[d]);
	cr_assert_eq(shim.live, 0);
	support_leave();
}

TestSuite(exchange, .init = enter, .fini = leave, .timeout = 120);

static enum assay_status ask(void *context, uint32_t number, const char *message, char **receipt,
                             struct assay_error *why)
{
	struct assay_envelope envelope;
	struct assay_step step;

	(void)context;
	cr_assert_lt(number, STEPS);
	verifier.asked[number]++;
	if (number == verifier.cut_at && !verifier.cut_after)
		return assay_fail(why, ASSAY_ERROR_IO, "io.open", "cut off");
	/* What is said again is said in the same words. */
	if (verifier.sent[number])
		cr_assert_str_eq(verifier.sent[number], message);
	else
		cr_assert(verifier.sent[number] = strdup(message));
	cr_assert(assay_envelope_parse(&envelope, ASSAY_TYPE_MESSAGE, message, strlen(message)));
	cr_assert(assay_envelope_signed_by(&envelope, prover.key));
	cr_assert(assay_message_parse(&step, envelope.payload, envelope.payload_len));
	free(envelope.payload);
	cr_assert(assay_step_is(&step, number));
	cr_assert_arr_eq(step.key, prover.key, 32);
	if (!verifier.answers[number]) {
		randombytes_buf(step.nonce, 32);
		step.at_ns = verifier.clock_ns += 40000000;
		if (verifier.spoil)
			verifier.spoil(&step, number);
		char *text = assay_receipt_text(&step);
		verifier.answers[number] = assay_secret_seal(verifier.signer, verifier.type, text);
		free(text);
		char *keyid = strstr(verifier.answers[number], "\"keyid\":\"") + strlen("\"keyid\":\"");
		*keyid = !verifier.other_keyid ? *keyid : *keyid == '0' ? '1' : '0';
	}
	if (number == verifier.cut_at)
		return assay_fail(why, ASSAY_ERROR_IO, "io.open", "cut off");
	cr_assert(*receipt = strdup(verifier.answers[number]));
	return ASSAY_OK;
}

/* A job of this challenge, with the runs of one that was cut off. */
static void job_fill(struct assay_job *job, struct assay_exchange *exchange, struct assay_run_log *runs)
{
	*exchange = (struct assay_exchange){.secret = &prover, .link = {.ask = ask}, .prefix = support_path("x")};
	*job = (struct assay_job){.devices = devices, .challenge = challenge, .exchange = exchange, .runs = runs};
	exchange->challenge = &job->challenge;
	memcpy(exchange->verifier, asker.key, ASSAY_KEY_BYTES);
	memcpy(job->key, prover.key, ASSAY_KEY_BYTES);
}

static void finish(struct assay_job *job, struct assay_exchange *exchange)
{
	assay_exchange_close(exchange);
	assay_job_close(job);
}

static void attest(struct assay_job *job, struct assay_verdict *verdict)
{
	struct assay_attest request = {.job = job,
	                               .secret = &prover,
	                               .started = 1700000000,
	                               .finished = 1700000003,
	                               .prefix = support_path("x"),
	                               .replace = true};

	support_ok(assay_attest_write(&request, verdict, &error), error);
	cr_assert_str_eq(verdict->assurance, "time-bracketed");
	cr_assert_eq(verdict->outcome, ASSAY_INCONCLUSIVE); /* the profile is nobody's */
}

Test(exchange, work_is_bracketed)
{
	struct assay_exchange exchange;
	struct assay_verdict verdict;
	struct assay_job job;

	job_fill(&job, &exchange, NULL);
	support_ok(assay_job_run(&job, &error), error);
	for (uint32_t i = 0; i < STEPS; i++)
		cr_assert_eq(verifier.asked[i], 1);
	attest(&job, &verdict);
	cr_assert(verdict.asked);
	cr_assert_eq(verdict.leased, 1);
	cr_assert_eq(verdict.estar_ppm, assay_estar_ppm(6, 0));
	for (uint32_t i = 0; i < verdict.run_count; i++) {
		const struct assay_run *run = &verdict.runs[i];
		cr_expect_eq(run->proved.bracket.received_ns - run->proved.bracket.released_ns, 40000000);
		if (run->segment != 1)
			cr_expect_float_eq(run->proved.rate, (double)run->proved.certified_work / 0.04, 1e-3);
	}
	assay_verdict_close(&verdict);

	/* As a stranger sees it, who does not know that verifier; and without the receipts. */
	const struct assay_policy stranger = {.trusted = (const uint8_t(*)[ASSAY_KEY_BYTES]) & prover.key,
	                                      .trusted_count = 1};
	cr_assert_eq(assay_verify(&verdict, support_path("x.intoto.json"), NULL, &stranger), ASSAY_OK);
	cr_expect_str_eq(verdict.assurance, "work-proven");
	cr_expect_eq(verdict.checks[ASSAY_CHECK_RECEIPTS].reason, ASSAY_REASON_RECEIPTS_UNTRUSTED);
	cr_expect_eq(verdict.estar_ppm, assay_estar_ppm(6, 64));
	assay_verdict_close(&verdict);
	cr_assert_eq(remove(support_path("x.receipts.jsonl")), 0);
	cr_assert_eq(assay_verify(&verdict, support_path("x.intoto.json"), NULL, &stranger), ASSAY_OK);
	cr_expect_eq(verdict.checks[ASSAY_CHECK_RECEIPTS].reason, ASSAY_REASON_RECEIPTS_MISSING);
	cr_expect_str_eq(verdict.assurance, "self-asserted");
	assay_verdict_close(&verdict);
	finish(&job, &exchange);
}

/* Cut off at each step, before it was answered and after; then it goes on with what the files and the rounds have. */
Test(exchange, cut_off_at_every_step)
{
	for (uint32_t i = 0; i < 2 * STEPS; i++) {
		struct assay_exchange exchange;
		struct assay_verdict verdict;
		struct assay_job job;

		leave();
		enter();
		verifier.cut_at = i / 2;
		verifier.cut_after = i % 2;
		job_fill(&job, &exchange, NULL);
		cr_assert_eq(assay_job_run(&job, &error), ASSAY_ERROR_IO, "step %u", i / 2);
		struct assay_run_log *runs = job.runs;
		job.runs = NULL;
		finish(&job, &exchange);
		verifier.cut_at = STEPS;
		job_fill(&job, &exchange, runs);
		support_ok(assay_job_run(&job, &error), error);
		attest(&job, &verdict);
		cr_expect_eq(verdict.runs[2 * DEVICES].proved.rounds, 8, "step %u", i / 2);
		for (uint32_t step = 0; step < STEPS; step++)
			cr_expect_eq(verifier.asked[step], step == i / 2 ? 2 : 1, "step %u of %u", step, i / 2);
		assay_verdict_close(&verdict);
		finish(&job, &exchange);
	}
}

/* ---- Receipts that are not what they must be ---- */

static uint32_t spoil_at;

static void other_challenge(struct assay_step *receipt, uint32_t number)
{
	receipt->challenge[5] ^= number == spoil_at;
}

static void other_job(struct assay_step *receipt, uint32_t number)
{
	receipt->job[31] ^= number == spoil_at;
}

static void other_segment(struct assay_step *receipt, uint32_t number)
{
	receipt->segment += number == spoil_at;
}

static void other_kind(struct assay_step *receipt, uint32_t number)
{
	receipt->is_commit ^= number == spoil_at;
}

static void other_commit(struct assay_step *receipt, uint32_t number)
{
	receipt->commit[0] ^= number == spoil_at && receipt->is_commit;
}

static void same_time(struct assay_step *receipt, uint32_t number)
{
	receipt->at_ns -= number == spoil_at ? 40000000 : 0;
}

static void after_the_end(struct assay_step *receipt, uint32_t number)
{
	if (number == spoil_at)
		receipt->at_ns = challenge.expires * 1000000000 + 1;
}

/* And what was refused is not kept: a job that goes on would find it. */
static void refused(const char *reason, const char *what)
{
	struct assay_exchange exchange;
	struct assay_job job;

	job_fill(&job, &exchange, NULL);
	cr_expect_eq(assay_job_run(&job, &error), ASSAY_ERROR_INPUT, "%s at %u", what, spoil_at);
	cr_expect_str_eq(error.reason, reason, "%s at %u: %s", what, spoil_at, error.text);
	cr_expect_eq(support_lines("x.receipts.jsonl"), exchange.count, "%s at %u", what, spoil_at);
	finish(&job, &exchange);
}

Test(exchange, receipts_refused)
{
	static const struct {
		const char *what;
		void (*spoil)(struct assay_step *receipt, uint32_t number);
		uint32_t first, step;
	} table[] = {{"challenge", other_challenge, 0, 1}, {"job", other_job, 0, 1},
	             {"segment", other_segment, 0, 1},     {"kind", other_kind, 0, 1},
	             {"commit", other_commit, 1, 2},       {"time", same_time, 1, 1},
	             {"end", after_the_end, 0, 1}};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		for (spoil_at = table[i].first; spoil_at < STEPS; spoil_at += table[i].step) {
			leave();
			enter();
			verifier.spoil = table[i].spoil;
			refused("receipts.mismatch", table[i].what);
		}
	leave();
	enter();
	verifier.signer = &prover;
	refused("receipts.signature", "key");
	leave();
	enter();
	verifier.other_keyid = true;
	refused("receipts.signature", "keyid");
	leave();
	enter();
	verifier.type = ASSAY_TYPE_MESSAGE;
	refused("receipts.malformed", "type");
}

/* ---- By files ---- */

static void asks(const struct assay_link *link, uint32_t number, const char *message, const char *expected)
{
	char *receipt = NULL;
	enum assay_status status = link->ask(link->context, number, message, &receipt, &error);

	if (expected && expected[strlen(expected) - 1] == '\n') {
		support_ok(status, error);
		cr_expect_str_eq(receipt, expected);
	} else {
		cr_expect_neq(status, ASSAY_OK);
		cr_expect_str_eq(error.reason, expected);
	}
	free(receipt);
}

static void file_is(const char *name, const char *expected)
{
	char text[4096] = "";
	FILE *file = fopen(support_path(name), "r");

	cr_assert(file);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	cr_expect_str_eq(text, expected);
}

Test(exchange, by_files)
{
	atomic_bool stop = true;
	struct assay_link_files files = {.prefix = support_path("f"), .expires = 4102444800, .stop = &stop};
	const struct assay_link link = assay_link_files(&files);

	asks(&link, 0, "m0\n", "run.interrupted");
	file_is("f.messages.jsonl", "m0\n");
	support_file("f.receipts.jsonl", "r0\n");
	asks(&link, 0, "m0\n", "r0\n");
	file_is("f.messages.jsonl", "m0\n");
	/* A line is there when its end is. */
	support_file("f.receipts.jsonl", "r0\nr1");
	asks(&link, 1, "m1\n", "run.interrupted");
	file_is("f.messages.jsonl", "m0\nm1\n");
	support_file("f.receipts.jsonl", "r0\nr1\nr2\n");
	asks(&link, 1, "m1\n", "r1\n");
	asks(&link, 2, "m2\n", "r2\n");
	file_is("f.messages.jsonl", "m0\nm1\nm2\n");
	files.expires = 1700000000;
	stop = false;
	asks(&link, 3, "m3\n", "exchange.expired");
	files.prefix = support_path("nowhere/f");
	asks(&link, 0, "m0\n", "io.open");
}
