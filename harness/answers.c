/* SPDX-License-Identifier: Apache-2.0
 *
 * See answers.h. SPEC 4.5. */
#include "harness/answers.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "verify/envelope.h"
#include "verify/receipts.h"

uint32_t assay_answers_total(const struct assay_answers *answers)
{
	return assay_steps_of(answers->challenge);
}

static bool is_after_the_end(const struct assay_answers *answers, uint64_t ns)
{
	/* Receipts have no later times than that. */
	return ns > INT64_MAX || assay_steps_over(answers->challenge, ns);
}

static enum assay_status refuse(struct assay_error *error, const char *reason, const char *what)
{
	return assay_fail(error, ASSAY_ERROR_INPUT, reason, "%s", what);
}

static enum assay_status expired(struct assay_error *error)
{
	return refuse(error, "exchange.expired",
	              "the challenge has expired, and nothing is answered any more: make a new one");
}

enum assay_status assay_message_read(struct assay_step *step, const char *line, size_t len, struct assay_error *error)
{
	struct assay_envelope envelope;
	char keyid[65];

	if (len >= ASSAY_STEP_LINE_MAX || !assay_envelope_parse(&envelope, ASSAY_TYPE_MESSAGE, line, len))
		return refuse(error, "exchange.malformed", "not a message; it was damaged: get it again");
	const bool good = assay_message_parse(step, envelope.payload, envelope.payload_len);
	assay_keyid(keyid, step->key);
	const bool is_signed =
	    good && strcmp(keyid, envelope.keyid) == 0 && assay_envelope_signed_by(&envelope, step->key);
	free(envelope.payload);
	if (!good)
		return refuse(error, "exchange.malformed", "not a message; it was damaged: get it again");
	return is_signed ? ASSAY_OK
	                 : refuse(error, "exchange.signature", "the message is not signed by the key that it names");
}

/* The number of a step, or `total` when there is none. */
static uint32_t number_of(const struct assay_answers *answers, const struct assay_step *step)
{
	uint32_t number = 0;

	while (number < assay_answers_total(answers) && !assay_step_is(step, number))
		number++;
	return number;
}

/* Whether the message is the next one; *again when it has its receipt already. */
static enum assay_status place_find(uint32_t *number, bool *again, const struct assay_answers *answers,
                                    const struct assay_step *step, struct assay_error *error)
{
	*number = number_of(answers, step);
	*again = *number < answers->count;
	if (memcmp(step->challenge, answers->digest, 32) != 0)
		return refuse(error, "exchange.challenge", "the message is of another challenge");
	if (answers->count &&
	    (memcmp(step->job, answers->job, 32) != 0 || memcmp(step->key, answers->key, ASSAY_KEY_BYTES) != 0))
		return refuse(error, "exchange.conflict",
		              "another job or another key has begun this challenge, which is answered once: make a new "
		              "challenge");
	if (*again && step->is_commit && memcmp(step->commit, answers->steps[*number].commit, 32) != 0)
		return refuse(error, "exchange.conflict",
		              "the segment has another commitment already, which stays: make a new challenge");
	if (*number > answers->count || *number == assay_answers_total(answers))
		return refuse(error, "exchange.order", "the message is not of the next step, nor of one before");
	return ASSAY_OK;
}

/* Both lines are the answers' then. */
static enum assay_status lines_take(struct assay_answers *answers, const char *message, size_t message_len,
                                    char *receipt, struct assay_error *error)
{
	char *copy = receipt ? strndup(message, message_len) : NULL;

	if (!copy) {
		free(receipt);
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	}
	answers->messages[answers->count] = copy;
	answers->receipts[answers->count] = receipt;
	return ASSAY_OK;
}

static void step_add(struct assay_answers *answers, const struct assay_step *message, const struct assay_step *receipt)
{
	memcpy(answers->job, message->job, 32);
	memcpy(answers->key, message->key, ASSAY_KEY_BYTES);
	answers->steps[answers->count++] = *receipt;
}

/* Takes the last one back, of which nobody has heard. */
static void step_remove(struct assay_answers *answers)
{
	const uint32_t last = --answers->count;

	free(answers->messages[last]);
	free(answers->receipts[last]);
	answers->messages[last] = answers->receipts[last] = NULL;
	sodium_memzero(&answers->steps[last], sizeof answers->steps[last]);
	if (last == 0) {
		memset(answers->job, 0, sizeof answers->job);
		memset(answers->key, 0, sizeof answers->key);
	}
}

/* Later than the receipt before it, even when the clock stood still or went back. */
static uint64_t time_of(const struct assay_answers *answers, uint64_t now_ns)
{
	const uint64_t last_ns = answers->count ? answers->steps[answers->count - 1].at_ns : 0;

	return answers->count && now_ns <= last_ns ? last_ns + 1 : now_ns;
}

enum assay_status assay_answer(struct assay_answers *answers, const char *line, size_t len, uint64_t now_ns,
                               const char **receipt, struct assay_error *error)
{
	struct assay_step message, answer;
	uint32_t number;
	bool again;

	if (is_after_the_end(answers, now_ns))
		return expired(error);
	enum assay_status status = assay_message_read(&message, line, len, error);
	if (!status)
		status = place_find(&number, &again, answers, &message, error);
	if (status)
		return status;
	if (again) {
		*receipt = answers->receipts[number];
		return ASSAY_OK;
	}
	answer = message;
	memset(answer.key, 0, sizeof answer.key); /* receipts do not tell it */
	answer.at_ns = time_of(answers, now_ns);
	if (is_after_the_end(answers, answer.at_ns))
		return expired(error);
	if (!answer.is_commit)
		randombytes_buf(answer.nonce, sizeof answer.nonce);
	char *text = assay_receipt_text(&answer);
	char *sealed = text ? assay_secret_seal(answers->secret, ASSAY_TYPE_RECEIPT, text) : NULL;
	free(text);
	status = lines_take(answers, line, len, sealed, error);
	if (status)
		return status;
	step_add(answers, &message, &answer);
	if (answers->keep)
		status = answers->keep(answers->context, answers, error);
	if (status)
		step_remove(answers);
	else
		*receipt = answers->receipts[number];
	return status;
}

/* A receipt of ours that answers this message, next. */
static bool is_answer(const struct assay_answers *answers, const struct assay_step *message, struct assay_step *receipt,
                      const char *line, size_t len)
{
	bool is_signed;

	/* Times that a new receipt could have. */
	return assay_receipt_open(receipt, &is_signed, line, len, answers->secret->key) && is_signed &&
	       assay_step_is(receipt, answers->count) && !is_after_the_end(answers, receipt->at_ns) &&
	       time_of(answers, receipt->at_ns) == receipt->at_ns &&
	       memcmp(receipt->challenge, message->challenge, 32) == 0 && memcmp(receipt->job, message->job, 32) == 0 &&
	       memcmp(receipt->commit, message->commit, 32) == 0;
}

enum assay_status assay_answers_restore(struct assay_answers *answers, const char *message, size_t message_len,
                                        const char *receipt, size_t receipt_len, struct assay_error *error)
{
	struct assay_step said, answered;
	uint32_t number;
	bool again;

	if (assay_message_read(&said, message, message_len, NULL) != ASSAY_OK ||
	    place_find(&number, &again, answers, &said, NULL) != ASSAY_OK || again ||
	    !is_answer(answers, &said, &answered, receipt, receipt_len))
		return assay_fail(error, ASSAY_ERROR_INPUT, "exchange.state",
		                  "step %u is not what this key has answered to this challenge", answers->count + 1);
	enum assay_status status = lines_take(answers, message, message_len, strndup(receipt, receipt_len), error);
	if (!status)
		step_add(answers, &said, &answered);
	return status;
}

void assay_answers_close(struct assay_answers *answers)
{
	while (answers && answers->count)
		step_remove(answers);
}
