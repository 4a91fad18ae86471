/* SPDX-License-Identifier: Apache-2.0
 *
 * See exchange.h. SPEC 4.5. */
#include "verify/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The members that messages and receipts have in common. */
static json_t *step_json(const struct assay_step *step)
{
	char challenge[65], job[65], commit[65];

	assay_hex(challenge, step->challenge);
	assay_hex(job, step->job);
	assay_hex(commit, step->commit);
	return json_pack("{s:s,s:s,s:i,s:o}", "challenge", challenge, "job", job, "segment", (int)step->segment,
	                 "commit", step->is_commit ? json_string(commit) : json_null());
}

static char *text_of(json_t *object)
{
	char *text = object ? assay_json_text(object) : NULL;

	json_decref(object);
	return text;
}

char *assay_message_text(const struct assay_step *step)
{
	json_t *object = step_json(step);
	char key[65];

	assay_hex(key, step->key);
	json_object_set_new(object, "key", json_string(key));
	return text_of(object);
}

char *assay_receipt_text(const struct assay_step *step)
{
	json_t *object = step_json(step);
	char nonce[65], at[24];

	assay_hex(nonce, step->nonce);
	snprintf(at, sizeof at, "%llu", (unsigned long long)step->at_ns);
	json_object_set_new(object, "at", json_string(at));
	json_object_set_new(object, "nonce", step->is_commit ? json_null() : json_string(nonce));
	return text_of(object);
}

static bool hash_or_null(uint8_t hash[32], bool *is, const json_t *object, const char *name)
{
	*is = !json_is_null(json_object_get(object, name));
	return !*is || assay_json_hash(hash, object, name);
}

static bool step_parse(struct assay_step *step, const json_t *object)
{
	const json_t *segment = json_object_get(object, "segment");

	if (!assay_json_hash(step->challenge, object, "challenge") || !assay_json_hash(step->job, object, "job") ||
	    !json_is_integer(segment) || !hash_or_null(step->commit, &step->is_commit, object, "commit"))
		return false;
	/* Of no step when there is no such segment. */
	const json_int_t number = json_integer_value(segment);
	step->segment = number < 0 || number > ASSAY_SEGMENTS_MAX ? UINT32_MAX : (uint32_t)number;
	return true;
}

bool assay_message_parse(struct assay_step *step, const void *payload, size_t len)
{
	json_t *object = len <= ASSAY_STEP_BYTES_MAX ? assay_json_parse(payload, len) : NULL;

	memset(step, 0, sizeof *step);
	bool good = assay_json_is(object, 5) && step_parse(step, object) && assay_json_hash(step->key, object, "key");
	json_decref(object);
	return good;
}

/* Decimal digits without leading zeros, below 2^63. */
static bool time_parse(uint64_t *at_ns, const char *text)
{
	const size_t len = text ? strlen(text) : 0;
	uint64_t number = 0;

	if (len < 1 || len > 19 || (text[0] == '0' && len > 1) || strspn(text, "0123456789") != len)
		return false;
	for (size_t i = 0; i < len; i++)
		number = 10 * number + (uint64_t)(text[i] - '0');
	*at_ns = number;
	return number <= INT64_MAX;
}

bool assay_receipt_parse(struct assay_step *step, const void *payload, size_t len)
{
	json_t *object = len <= ASSAY_STEP_BYTES_MAX ? assay_json_parse(payload, len) : NULL;
	bool has_nonce;

	memset(step, 0, sizeof *step);
	bool good = assay_json_is(object, 6) && step_parse(step, object) &&
	            time_parse(&step->at_ns, assay_json_string(object, "at", 19)) &&
	            hash_or_null(step->nonce, &has_nonce, object, "nonce") && has_nonce != step->is_commit;
	json_decref(object);
	return good;
}

char *assay_request_text(const uint8_t key[ASSAY_KEY_BYTES], const uint8_t verifier[32])
{
	char key_text[65], verifier_text[65];

	assay_hex(key_text, key);
	assay_hex(verifier_text, verifier);
	return text_of(
	    json_pack("{s:s,s:s,s:s}", "key", key_text, "type", "assay/1 request", "verifier", verifier_text));
}

bool assay_request_parse(uint8_t key[ASSAY_KEY_BYTES], uint8_t verifier[32], const void *payload, size_t len)
{
	json_t *object = len <= ASSAY_STEP_BYTES_MAX ? assay_json_parse(payload, len) : NULL;
	const char *type = assay_json_string(object, "type", 32);

	bool good = assay_json_is(object, 3) && type && strcmp(type, "assay/1 request") == 0 &&
	            assay_json_hash(key, object, "key") && assay_json_hash(verifier, object, "verifier");
	json_decref(object);
	return good;
}

uint32_t assay_steps_of(const struct assay_challenge *challenge)
{
	return 2 * challenge->segment_count + 1;
}

bool assay_steps_over(const struct assay_challenge *challenge, uint64_t at_ns)
{
	const uint64_t second = 1000000000;

	/* `expires` need not fit in nanoseconds. */
	return at_ns / second > challenge->expires || (at_ns / second == challenge->expires && at_ns % second > 0);
}

bool assay_step_is(const struct assay_step *step, uint32_t number)
{
	return step->segment == number / 2 && step->is_commit == (number % 2 == 1);
}
