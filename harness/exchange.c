/* SPDX-License-Identifier: Apache-2.0
 *
 * See exchange.h. */
#include "harness/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "harness/state.h"
#include "verify/envelope.h"

/* A receipt that is not what it must be, in the verifier's order of things. */
static enum assay_status receipt_bad(struct assay_error *error, const char *reason, uint32_t number, const char *what)
{
	return assay_fail(error, ASSAY_ERROR_INPUT, reason,
	                  "receipt %u %s; the job cannot go on with it: get it again, or ask for a new challenge",
	                  number + 1, what);
}

enum assay_status assay_exchange_look(const struct assay_exchange *exchange, const char *line, struct assay_step *step,
                                      struct assay_error *error)
{
	const uint32_t number = exchange->count;
	const struct assay_step *before = number ? &exchange->steps[number - 1] : NULL;
	bool is_signed;

	if (number >= assay_steps_of(exchange->challenge))
		return receipt_bad(error, "receipts.malformed", number, "is one too many");
	if (!assay_receipt_open(step, &is_signed, line, strlen(line), exchange->verifier))
		return receipt_bad(error, "receipts.malformed", number, "is no receipt");
	if (!is_signed)
		return receipt_bad(error, "receipts.signature", number, "is not signed by the verifier's key");
	const char *fault =
	    assay_receipt_fault(step, before, number, &exchange->of, exchange->asked ? exchange->asked->commit : NULL);
	return fault ? receipt_bad(error, "receipts.mismatch", number, fault) : ASSAY_OK;
}

/* Takes the line of the next step, which is released by assay_exchange_close. */
static enum assay_status receipt_take(struct assay_exchange *exchange, char *line, struct assay_error *error)
{
	struct assay_step step;
	enum assay_status status = assay_exchange_look(exchange, line, &step, error);

	if (status)
		return status;
	exchange->steps[exchange->count] = step;
	exchange->lines[exchange->count++] = line;
	return ASSAY_OK;
}

static bool path_of(char path[ASSAY_PATH_MAX], const char *prefix)
{
	return snprintf(path, ASSAY_PATH_MAX, "%s.receipts.jsonl", prefix) < ASSAY_PATH_MAX;
}

enum assay_status assay_exchange_open(struct assay_exchange *exchange, const char *challenge_text,
                                      const uint8_t job[32], struct assay_error *error)
{
	enum assay_status status = ASSAY_OK;
	char path[ASSAY_PATH_MAX], line[ASSAY_STEP_LINE_MAX];

	exchange->of.challenge = exchange->challenge;
	crypto_hash_sha256(exchange->of.digest, (const uint8_t *)challenge_text, strlen(challenge_text));
	memcpy(exchange->of.job, job, 32);
	if (!path_of(path, exchange->prefix))
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long", exchange->prefix);
	FILE *file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? ASSAY_OK
		                       : assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s", path, strerror(errno));
	while (!status && fgets(line, sizeof line, file)) {
		/* The last line may have been cut off with the process that wrote it. */
		if (!strchr(line, '\n'))
			break;
		char *copy = strdup(line);
		if (!copy)
			status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
		else if ((status = receipt_take(exchange, copy, error)) != ASSAY_OK)
			free(copy);
	}
	fclose(file);
	return status;
}

void assay_exchange_close(struct assay_exchange *exchange)
{
	for (uint32_t i = 0; exchange && i < exchange->count; i++)
		free(exchange->lines[i]);
	if (exchange)
		exchange->count = 0;
}

/* All receipts so far. */
static enum assay_status receipts_write(const struct assay_exchange *exchange, struct assay_error *error)
{
	char path[ASSAY_PATH_MAX];

	(void)path_of(path, exchange->prefix);
	return assay_output_write(path, 0644, (const char *const *)exchange->lines, exchange->count, true, error);
}

static enum assay_status step(struct assay_exchange *exchange, struct assay_step *step, struct assay_error *error)
{
	const uint32_t number = 2 * step->segment + step->is_commit;
	char *receipt = NULL;

	if (number < exchange->count)
		return ASSAY_OK;
	memcpy(step->challenge, exchange->of.digest, 32);
	memcpy(step->job, exchange->of.job, 32);
	memcpy(step->key, exchange->secret->key, ASSAY_KEY_BYTES);
	char *text = assay_message_text(step);
	char *message = text ? assay_secret_seal(exchange->secret, ASSAY_TYPE_MESSAGE, text) : NULL;
	free(text);
	if (!message)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	exchange->asked = step;
	enum assay_status status = exchange->link.ask(exchange->link.context, number, message, &receipt, error);
	free(message);
	if (!status)
		status = receipt_take(exchange, receipt, error);
	exchange->asked = NULL;
	if (status)
		free(receipt);
	return status ? status : receipts_write(exchange, error);
}

enum assay_status assay_exchange_ready(struct assay_exchange *exchange, uint32_t j, uint8_t nonce[32],
                                       struct assay_error *error)
{
	struct assay_step ready = {.segment = j};
	enum assay_status status = step(exchange, &ready, error);

	if (!status)
		memcpy(nonce, exchange->steps[2 * j].nonce, 32);
	return status;
}

enum assay_status assay_exchange_commit(struct assay_exchange *exchange, uint32_t j, const uint8_t commit[32],
                                        struct assay_error *error)
{
	struct assay_step committed = {.segment = j, .is_commit = true};

	memcpy(committed.commit, commit, 32);
	enum assay_status status = step(exchange, &committed, error);
	if (!status && memcmp(exchange->steps[2 * j + 1].commit, commit, 32) != 0)
		return receipt_bad(error, "receipts.mismatch", 2 * j + 1, "is of another commitment");
	return status;
}

bool assay_exchange_has(const struct assay_exchange *exchange, uint32_t j, uint8_t nonce[32])
{
	if (2 * j >= exchange->count)
		return false;
	memcpy(nonce, exchange->steps[2 * j].nonce, 32);
	return true;
}

void assay_exchange_digest(const struct assay_exchange *exchange, uint8_t digest[32])
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	for (uint32_t i = 0; i < exchange->count; i++)
		crypto_hash_sha256_update(&state, (const uint8_t *)exchange->lines[i], strlen(exchange->lines[i]));
	crypto_hash_sha256_final(&state, digest);
}
