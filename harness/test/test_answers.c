/* SPDX-License-Identifier: Apache-2.0
 *
 * What a verifier answers (SPEC 4.5): the next step and no other, the same again to what was answered, nothing twice
 * and nothing late; and the same as verify/vectors/exchange.txt. */
#include "harness/test/exchanges.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "harness/test/support.h"
#include "verify/envelope.h"

TestSuite(answers, .timeout = 60);

static struct assay_error error;
static const uint64_t second = 1000000000, expires = 1900000000, now = UINT64_C(1800000000) * 1000000000;

static struct exchange exchange;
static struct assay_answers answers;

static void begin(void)
{
	exchange_make(&exchange, expires);
	answers = exchange_answers(&exchange);
}

static void end(void)
{
	assay_answers_close(&answers);
	cr_assert_eq(answers.count, 0);
	exchange_free(&exchange);
}

static const char *ask(char *line, uint64_t at)
{
	return exchange_ask(&answers, line, at);
}

static void refuses(char *line, uint64_t at, const char *reason)
{
	exchange_refuses(&answers, line, at, reason);
}

/* The first `count` steps, one a second. */
static void answer_steps(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		ask(exchange_message(&exchange, i), now + i * second);
}

Test(answers, in_order)
{
	uint8_t nonces[EXCHANGE_STEPS][32];

	begin();
	for (uint32_t i = 0; i < EXCHANGE_STEPS; i++) {
		const struct assay_step asked = exchange_step(&exchange, i);
		const struct assay_step step =
		    exchange_receipt(&exchange, ask(exchange_message(&exchange, i), now + 5 * i));
		cr_assert_eq(answers.count, i + 1);
		cr_assert(assay_step_is(&step, i));
		cr_assert_eq(step.at_ns, now + 5 * i);
		cr_assert_arr_eq(step.challenge, asked.challenge, 32);
		cr_assert_arr_eq(step.job, asked.job, 32);
		cr_assert_arr_eq(step.commit, asked.commit, 32);
		cr_assert_eq(sodium_is_zero(step.nonce, 32), step.is_commit);
		memcpy(nonces[i], step.nonce, 32);
		for (uint32_t k = 0; k < i; k++)
			cr_assert(i % 2 || memcmp(nonces[i], nonces[k], 32) != 0, "a nonce is drawn once");
	}
	cr_assert_eq(answers.count, assay_answers_total(&answers));
	end();
}

Test(answers, repeats_are_the_same_bytes)
{
	char *first[EXCHANGE_STEPS];

	begin();
	for (uint32_t i = 0; i < EXCHANGE_STEPS; i++) {
		first[i] = strdup(ask(exchange_message(&exchange, i), now + i));
		for (uint32_t k = 0; k <= i; k++) {
			cr_assert_str_eq(ask(exchange_message(&exchange, k), now + 1000), first[k]);
			cr_assert_str_eq(ask(exchange_message(&exchange, k), 0), first[k], "by any clock");
		}
		cr_assert_eq(answers.count, i + 1);
	}
	for (uint32_t i = 0; i < EXCHANGE_STEPS; i++)
		free(first[i]);
	end();
}

Test(answers, order)
{
	for (uint32_t done = 0; done <= EXCHANGE_STEPS; done++) {
		begin();
		answer_steps(done);
		for (uint32_t i = done + 1; i < EXCHANGE_STEPS + 4; i++)
			refuses(exchange_message(&exchange, i), now, "exchange.order");
		/* Steps that no challenge has. */
		struct assay_step step = exchange_step(&exchange, 0);
		static const uint32_t segments[] = {3, 16, 17, 1000000, 2147483647};
		for (size_t i = 0; i < sizeof segments / sizeof *segments; i++) {
			step.segment = segments[i];
			refuses(exchange_line(&exchange.prover, &step), now, "exchange.order");
		}
		step = exchange_step(&exchange, EXCHANGE_STEPS); /* the commitment of what is not there */
		refuses(exchange_line(&exchange.prover, &step), now, "exchange.order");
		end();
	}
}

Test(answers, conflict)
{
	struct assay_secret other;

	assay_secret_make(&other);
	for (uint32_t done = 1; done <= EXCHANGE_STEPS; done++) {
		begin();
		answer_steps(done);
		for (uint32_t i = 0; i < EXCHANGE_STEPS; i++) {
			struct assay_step step = exchange_step(&exchange, i);
			step.job[31] ^= 1;
			refuses(exchange_line(&exchange.prover, &step), now, "exchange.conflict");
			step = exchange_step(&exchange, i);
			memcpy(step.key, other.key, 32);
			refuses(exchange_line(&other, &step), now, "exchange.conflict");
			step = exchange_step(&exchange, i);
			step.commit[0] ^= 1;
			if (step.is_commit && i < done)
				refuses(exchange_line(&exchange.prover, &step), now, "exchange.conflict");
		}
		end();
	}
}

/* Whatever was refused before it, the first message that is answered says whose the challenge is. */
Test(answers, first_message_fixes_job_and_key)
{
	struct assay_secret other;

	begin();
	assay_secret_make(&other);
	struct assay_step step = exchange_step(&exchange, 1);
	memcpy(step.key, other.key, 32);
	refuses(exchange_line(&other, &step), now, "exchange.order");
	cr_assert(sodium_is_zero(answers.key, 32) && sodium_is_zero(answers.job, 32));
	answer_steps(1);
	cr_assert_arr_eq(answers.key, exchange.prover.key, 32);
	cr_assert_eq(answers.job[0], 7);
	end();
}

Test(answers, signature)
{
	struct assay_secret other;

	begin();
	assay_secret_make(&other);
	const struct assay_step step = exchange_step(&exchange, 0);
	refuses(exchange_line(&other, &step), now, "exchange.signature"); /* its keyid, its signature */
	char *payload = assay_message_text(&step);
	struct assay_envelope envelope;
	char *line = exchange_message(&exchange, 0);
	cr_assert(assay_envelope_parse(&envelope, ASSAY_TYPE_MESSAGE, line, strlen(line)));
	for (size_t i = 0; i < sizeof envelope.signature; i += 7) {
		envelope.signature[i] ^= 4;
		refuses(assay_envelope_text(&envelope), now, "exchange.signature");
		envelope.signature[i] ^= 4;
	}
	assay_keyid(envelope.keyid, other.key);
	refuses(assay_envelope_text(&envelope), now, "exchange.signature");
	free(envelope.payload);
	free(line);
	/* A signature for another type of envelope. */
	char *receipt = assay_secret_seal(&exchange.prover, ASSAY_TYPE_RECEIPT, payload);
	cr_assert(assay_envelope_parse(&envelope, ASSAY_TYPE_RECEIPT, receipt, strlen(receipt)));
	refuses(strdup(receipt), now, "exchange.malformed");
	envelope.type = ASSAY_TYPE_MESSAGE;
	refuses(assay_envelope_text(&envelope), now, "exchange.signature");
	free(envelope.payload);
	free(receipt);
	free(payload);
	end();
}

Test(answers, challenge)
{
	begin();
	for (uint32_t i = 0; i < EXCHANGE_STEPS; i++) {
		struct assay_step step = exchange_step(&exchange, i);
		step.challenge[i] ^= 1;
		refuses(exchange_line(&exchange.prover, &step), now, "exchange.challenge");
	}
	end();
}

Test(answers, malformed)
{
	static const char *const payloads[] = {"", "{}", "[]", "null", "{\"challenge\":1}", "{ }"};
	static const char *const lines[] = {"", "\n", "{}\n", "null\n", "hello\n", "{\"payload\":\"\"}\n"};
	char long_line[2 * ASSAY_STEP_LINE_MAX];

	begin();
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		exchange_refuses_bytes(&answers, lines[i], strlen(lines[i]), now, "exchange.malformed");
	for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++)
		refuses(assay_secret_seal(&exchange.prover, ASSAY_TYPE_MESSAGE, payloads[i]), now,
		        "exchange.malformed");
	memset(long_line, 'a', sizeof long_line);
	exchange_refuses_bytes(&answers, long_line, sizeof long_line, now, "exchange.malformed");
	/* A message without its newline, with more after it, with a byte of it gone or another one. */
	char *line = exchange_message(&exchange, 0);
	const size_t len = strlen(line);
	for (size_t cut = 0; cut < len; cut++)
		exchange_refuses_bytes(&answers, line, cut, now, "exchange.malformed");
	exchange_refuses_bytes(&answers, line, len + 1, now, "exchange.malformed");
	for (size_t i = 0; i < len; i++) {
		const char was = line[i];
		const char *receipt;
		line[i] ^= 1;
		cr_assert_eq(assay_answer(&answers, line, len, now, &receipt, &error), ASSAY_ERROR_INPUT, "byte %zu",
		             i);
		cr_assert(strcmp(error.reason, "exchange.malformed") == 0 ||
		              strcmp(error.reason, "exchange.signature") == 0,
		          "byte %zu: %s", i, error.reason);
		line[i] = was;
	}
	cr_assert_eq(answers.count, 0);
	/* Members that are missing, too many, or of another kind; and what is no canonical JSON. */
	char *payload = assay_message_text(&(struct assay_step){.segment = 0});
	static const char *const changes[][2] = {{"\"segment\":0", "\"segment\":0,\"x\":0"},
	                                         {",\"segment\":0", ""},
	                                         {"\"segment\":0", "\"segment\":\"0\""},
	                                         {"\"segment\":0", "\"segment\":null"},
	                                         {"\"segment\":0", "\"segment\": 0"},
	                                         {"\"segment\":0", "\"segment\":00"},
	                                         {"\"commit\":null", "\"commit\":\"\""},
	                                         {"\"commit\":null", "\"commit\":0"},
	                                         {"\"job\":\"0", "\"job\":\"A"},
	                                         {"\"job\":\"0", "\"job\":\""},
	                                         {"\"key\":\"0", "\"key\":\"00"}};
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		char text[1024];
		const char *at = strstr(payload, changes[i][0]);
		cr_assert(at, "%s", changes[i][0]);
		snprintf(text, sizeof text, "%.*s%s%s", (int)(at - payload), payload, changes[i][1],
		         at + strlen(changes[i][0]));
		refuses(assay_secret_seal(&exchange.prover, ASSAY_TYPE_MESSAGE, text), now, "exchange.malformed");
	}
	free(payload);
	ask(line, now);
	end();
}

Test(answers, expired)
{
	const uint64_t last = expires * second;
	static const uint64_t late[] = {1, 2, 1000000000, UINT64_C(1) << 62};

	begin();
	for (size_t i = 0; i < sizeof late / sizeof *late; i++)
		refuses(exchange_message(&exchange, 0), last + late[i], "exchange.expired");
	refuses(exchange_message(&exchange, 0), UINT64_MAX, "exchange.expired");
	cr_assert_eq(exchange_receipt(&exchange, ask(exchange_message(&exchange, 0), last)).at_ns, last);
	/* Whatever it is: a repeat, the next one, or nothing at all. */
	refuses(exchange_message(&exchange, 0), last + 1, "exchange.expired");
	refuses(exchange_message(&exchange, 1), last + 1, "exchange.expired");
	refuses(exchange_message(&exchange, 4), last + 1, "exchange.expired");
	refuses(strdup("hello\n"), last + 1, "exchange.expired");
	/* The next receipt would be of a time after it; a repeat is not. */
	refuses(exchange_message(&exchange, 1), last, "exchange.expired");
	ask(exchange_message(&exchange, 0), last);
	end();
}

/* In nanoseconds the last year that a challenge can name does not fit in 64 bits. */
Test(answers, expires_in_the_year_9999)
{
	exchange_make(&exchange, UINT64_C(253402300799));
	answers = exchange_answers(&exchange);
	ask(exchange_message(&exchange, 0), now);
	refuses(exchange_message(&exchange, 1), UINT64_C(1) << 63, "exchange.expired");
	cr_assert_eq(exchange_receipt(&exchange, ask(exchange_message(&exchange, 1), INT64_MAX)).at_ns, INT64_MAX);
	refuses(exchange_message(&exchange, 2), INT64_MAX, "exchange.expired");
	end();
}

Test(answers, times_rise_whatever_the_clock_does)
{
	static const uint64_t clock[EXCHANGE_STEPS] = {1000, 1000, 5, 0, 1003};
	static const uint64_t at[EXCHANGE_STEPS] = {1000, 1001, 1002, 1003, 1004};

	begin();
	for (uint32_t i = 0; i < EXCHANGE_STEPS; i++)
		cr_assert_eq(exchange_receipt(&exchange, ask(exchange_message(&exchange, i), clock[i])).at_ns, at[i],
		             "step %u", i);
	end();
	begin();
	cr_assert_eq(exchange_receipt(&exchange, ask(exchange_message(&exchange, 0), 0)).at_ns, 0);
	end();
}

/* ---- What is kept ---- */

static uint32_t kept;
static bool keeping_fails;

static enum assay_status keep(void *context, const struct assay_answers *all, struct assay_error *why)
{
	cr_assert_eq(context, &kept);
	cr_assert_eq(all->count, kept + 1);
	cr_assert(all->messages[kept] && all->receipts[kept]);
	if (keeping_fails)
		return assay_fail(why, ASSAY_ERROR_IO, "io.write", "full");
	kept = all->count;
	return ASSAY_OK;
}

Test(answers, nothing_is_answered_that_is_not_kept)
{
	const char *receipt = NULL;

	begin();
	kept = 0;
	answers.keep = keep;
	answers.context = &kept;
	for (uint32_t i = 0; i < EXCHANGE_STEPS; i++) {
		const struct assay_answers before = answers;
		char *line = exchange_message(&exchange, i);
		keeping_fails = true;
		cr_assert_eq(assay_answer(&answers, line, strlen(line), now + i, &receipt, &error), ASSAY_ERROR_IO);
		cr_assert_str_eq(error.reason, "io.write");
		cr_assert_null(receipt);
		cr_assert_arr_eq(&answers, &before, sizeof answers);
		keeping_fails = false;
		ask(line, now + i);
		cr_assert_eq(kept, i + 1);
		keeping_fails = true; /* a repeat needs no keeping */
		ask(exchange_message(&exchange, i), now);
	}
	end();
}

Test(answers, restored)
{
	char *messages[EXCHANGE_STEPS], *receipts[EXCHANGE_STEPS];

	begin();
	answer_steps(EXCHANGE_STEPS);
	for (uint32_t i = 0; i < EXCHANGE_STEPS; i++) {
		messages[i] = strdup(answers.messages[i]);
		receipts[i] = strdup(answers.receipts[i]);
	}
	assay_answers_close(&answers);
	for (uint32_t i = 0; i < EXCHANGE_STEPS; i++) {
		/* Only the next one, with its own receipt. */
		for (uint32_t m = 0; m < EXCHANGE_STEPS; m++)
			for (uint32_t r = 0; r < EXCHANGE_STEPS; r++)
				if (m != i || r != i) {
					cr_assert_eq(assay_answers_restore(&answers, messages[m], strlen(messages[m]),
					                                   receipts[r], strlen(receipts[r]), &error),
					             ASSAY_ERROR_INPUT);
					cr_assert_str_eq(error.reason, "exchange.state");
					cr_assert_eq(answers.count, i);
				}
		support_ok(assay_answers_restore(&answers, messages[i], strlen(messages[i]), receipts[i],
		                                 strlen(receipts[i]), &error),
		           error);
		cr_assert_str_eq(ask(exchange_message(&exchange, i), now), receipts[i]);
	}
	for (uint32_t i = 0; i < EXCHANGE_STEPS; i++) {
		free(messages[i]);
		free(receipts[i]);
	}
	end();
}
