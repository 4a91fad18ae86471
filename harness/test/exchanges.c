/* SPDX-License-Identifier: Apache-2.0
 *
 * See exchanges.h. */
#include "harness/test/exchanges.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "harness/test/support.h"
#include "verify/envelope.h"

void exchange_seal(struct exchange *exchange)
{
	free(exchange->payload);
	free(exchange->sealed);
	exchange->payload = assay_challenge_text(&exchange->challenge);
	exchange->sealed = assay_secret_seal(&exchange->verifier, ASSAY_TYPE_CHALLENGE, exchange->payload);
	crypto_hash_sha256(exchange->digest, (const uint8_t *)exchange->payload, strlen(exchange->payload));
}

void exchange_make(struct exchange *exchange, uint64_t expires)
{
	static const struct assay_params params = {{64, 16, 16}};
	uint8_t secret_key[64];
	char keyid[65];

	memset(exchange, 0, sizeof *exchange);
	memset(exchange->verifier.seed, 1, 32);
	memset(exchange->prover.seed, 2, 32);
	crypto_sign_seed_keypair(exchange->verifier.key, secret_key, exchange->verifier.seed);
	crypto_sign_seed_keypair(exchange->prover.key, secret_key, exchange->prover.seed);
	assay_keyid(keyid, exchange->verifier.key);
	exchange->challenge = (struct assay_challenge){.asked = true,
	                                               .expires = expires,
	                                               .profile = "test",
	                                               .devices = 1,
	                                               .samples = 1,
	                                               .segment_count = EXCHANGE_SEGMENTS};
	sodium_hex2bin(exchange->challenge.verifier, 32, keyid, 64, NULL, NULL, NULL);
	for (uint32_t j = 0; j < EXCHANGE_SEGMENTS; j++)
		exchange->challenge.segments[j] =
		    (struct assay_segment){.work = &assay_work_matmul_i8, .params = params, .rounds = 1 + j};
	exchange_seal(exchange);
}

struct assay_answers exchange_answers(const struct exchange *exchange)
{
	struct assay_answers answers = {.challenge = &exchange->challenge, .secret = &exchange->verifier};

	memcpy(answers.digest, exchange->digest, 32);
	return answers;
}

struct assay_step exchange_step(const struct exchange *exchange, uint32_t number)
{
	struct assay_step step = {.segment = number / 2, .is_commit = number % 2 == 1};

	memcpy(step.challenge, exchange->digest, 32);
	memset(step.job, 7, 32);
	memcpy(step.key, exchange->prover.key, 32);
	if (step.is_commit)
		memset(step.commit, 10 + (int)step.segment, 32);
	return step;
}

char *exchange_line(const struct assay_secret *secret, const struct assay_step *step)
{
	char *payload = assay_message_text(step);
	char *line = assay_secret_seal(secret, ASSAY_TYPE_MESSAGE, payload);

	cr_assert(line);
	free(payload);
	return line;
}

char *exchange_message(const struct exchange *exchange, uint32_t number)
{
	const struct assay_step step = exchange_step(exchange, number);

	return exchange_line(&exchange->prover, &step);
}

void exchange_free(struct exchange *exchange)
{
	free(exchange->payload);
	free(exchange->sealed);
}

const char *exchange_ask(struct assay_answers *answers, char *line, uint64_t now_ns)
{
	const char *receipt = NULL;
	struct assay_error error;

	support_ok(assay_answer(answers, line, strlen(line), now_ns, &receipt, &error), error);
	cr_assert(receipt);
	free(line);
	return receipt;
}

void exchange_refuses_bytes(struct assay_answers *answers, const char *line, size_t len, uint64_t now_ns,
                            const char *reason)
{
	const struct assay_answers before = *answers;
	struct assay_error error = {.reason = ""};
	const char *receipt = NULL;

	cr_assert_eq(assay_answer(answers, line, len, now_ns, &receipt, &error), ASSAY_ERROR_INPUT, "%s", reason);
	cr_assert_str_eq(error.reason, reason, "%s", error.text);
	cr_assert(*error.text && !strchr(error.text, '\n'));
	cr_assert_null(receipt);
	cr_assert_arr_eq(answers, &before, sizeof before);
}

void exchange_refuses(struct assay_answers *answers, char *line, uint64_t now_ns, const char *reason)
{
	exchange_refuses_bytes(answers, line, strlen(line), now_ns, reason);
	free(line);
}

struct assay_step exchange_receipt(const struct exchange *exchange, const char *line)
{
	struct assay_envelope envelope;
	struct assay_step step;

	cr_assert(assay_envelope_parse(&envelope, ASSAY_TYPE_RECEIPT, line, strlen(line)));
	cr_assert(assay_envelope_signed_by(&envelope, exchange->verifier.key));
	cr_assert(assay_receipt_parse(&step, envelope.payload, envelope.payload_len));
	free(envelope.payload);
	return step;
}
