/* SPDX-License-Identifier: Apache-2.0
 *
 * See ask.h. */
#include "harness/ask.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "harness/amount.h"
#include "harness/table.h"
#include "harness/terms.h"
#include "verify/chain.h"
#include "verify/envelope.h"

enum { DAY_S = 86400 };

static enum assay_status number_parse(uint32_t *number, const char *text, uint32_t least, uint32_t most,
                                      const char *reason, struct assay_error *error)
{
	uint64_t value;

	if (!assay_amount_number(&value, text, least, most))
		return assay_fail(error, ASSAY_ERROR_INPUT, reason, "%.32s: not a number from %u to %u", text, least,
		                  most);
	*number = (uint32_t)value;
	return ASSAY_OK;
}

static enum assay_status time_parse(uint64_t *seconds, const char *text, const char *option, uint64_t least,
                                    uint64_t most, const char *reason, struct assay_error *error)
{
	return assay_amount_time(seconds, text, least, most)
	           ? ASSAY_OK
	           : assay_fail(error, ASSAY_ERROR_INPUT, reason,
	                        "%s %.32s: not %" PRIu64 " s to %" PRIu64 " s, as 90s, 10m, 24h or 7d", option, text,
	                        least, most);
}

static enum assay_status size_parse(uint64_t *bytes, const char *text, const char *option, const char *reason,
                                    struct assay_error *error)
{
	return assay_amount_size(bytes, text, 1, UINT64_C(1) << 50)
	           ? ASSAY_OK
	           : assay_fail(error, ASSAY_ERROR_INPUT, reason, "%s %.32s: not a size like 512MiB or 80GiB", option,
	                        text);
}

/* The row for devices of that label, as SPEC 11 has it: they report at least nine tenths of it. */
static const struct assay_row *row_of(uint64_t label_bytes)
{
	size_t row = 1;

	while (row + 1 < ASSAY_ROWS && label_bytes * 9 / 10 >= assay_rows[row + 1].memory_min)
		row++;
	return &assay_rows[row];
}

/* Bytes of a table when none are named. Without --memory a device is one of the smallest of its row. */
static uint64_t table_default(const struct assay_ask *ask, const struct assay_row *row)
{
	const uint64_t label = ask->memory_bytes ? ask->memory_bytes : row->memory_min / 9 * 10;

	return label ? label / 10 * 8 : (uint64_t)ASSAY_TABLE_CPU_ITEMS * ASSAY_TABLE_ITEM_BYTES;
}

static enum assay_status table_find(struct assay_params *table, const struct assay_ask *ask,
                                    const struct assay_profile *profile, const struct assay_row *row,
                                    struct assay_error *error)
{
	const uint64_t least = (uint64_t)ASSAY_MEMORY_ITEMS_MIN * ASSAY_TABLE_ITEM_BYTES;
	const uint64_t most =
	    (uint64_t)(profile->memory_items_max / ASSAY_MEMORY_STEP) * ASSAY_MEMORY_STEP * ASSAY_TABLE_ITEM_BYTES;
	uint64_t bytes = ask->table_bytes;

	if (!bytes && profile->memory_items_max < UINT32_MAX)
		bytes = assay_row_params(row, &assay_work_memory)->value[1] * ASSAY_TABLE_ITEM_BYTES;
	else if (!bytes)
		bytes = table_default(ask, row);
	if (bytes < least || (ask->table_bytes && bytes > most))
		return assay_fail(error, ASSAY_ERROR_INPUT, "challenge.table",
		                  "a table of %" PRIu64 " MiB: workload memory has one of %" PRIu64 " to %" PRIu64
		                  " MiB in this profile (--table), or leave it out (-w)",
		                  bytes >> 20, least >> 20, most >> 20);
	*table = assay_memory_params(profile, bytes / ASSAY_TABLE_ITEM_BYTES);
	return ASSAY_OK;
}

static bool has_table(const struct assay_work *const *works, uint32_t count)
{
	bool has = false;

	for (uint32_t j = 0; j < count; j++)
		has = has || works[j]->is_fill;
	return has;
}

static enum assay_status samples_parse(uint32_t *samples, const char *text, struct assay_error *error)
{
	static const char *const allowed[] = {"128", "256", "512", "2048"};

	for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
		if (strcmp(text, allowed[i]) == 0) {
			*samples = (uint32_t)strtoul(text, NULL, 10);
			return ASSAY_OK;
		}
	return assay_fail(error, ASSAY_ERROR_INPUT, "challenge.samples", "--samples %.32s: not 128, 256, 512 or 2048",
	                  text);
}

enum assay_status assay_ask_option(struct assay_ask *ask, int option, const char *value, bool *known,
                                   struct assay_error *error)
{
	uint64_t seconds = 0;
	enum assay_status status = ASSAY_OK;

	switch (option) {
	case 'p':
		ask->profile = value;
		break;
	case 'w':
		ask->works = value;
		break;
	case 'r':
		ask->row = value;
		break;
	case 'n':
		return number_parse(&ask->devices, value, 1, ASSAY_DEVICES_MAX, "challenge.devices", error);
	case 'l':
		return number_parse(&ask->leased, value, 0, ASSAY_DEVICES_MAX, "challenge.leased", error);
	case 's':
		return samples_parse(&ask->samples, value, error);
	case 'm':
		ask->is_cpu = strcmp(value, "cpu") == 0;
		ask->memory_bytes = 0;
		return ask->is_cpu ? ASSAY_OK
		                   : size_parse(&ask->memory_bytes, value, "--memory", "challenge.memory", error);
	case 'T':
		return size_parse(&ask->table_bytes, value, "--table", "challenge.table", error);
	case 't':
		status = time_parse(&seconds, value, "--duration", 1, DAY_S, "profile.duration", error);
		ask->duration_s = (uint32_t)seconds;
		break;
	case 'e':
		return time_parse(&ask->expires_s, value, "--expires", 60, UINT64_C(366) * DAY_S, "challenge.expires",
		                  error);
	default:
		*known = false;
	}
	return status;
}

bool assay_ask_is_complete(const struct assay_ask *ask)
{
	return ask->devices && (ask->row != NULL) + ask->is_cpu + (ask->memory_bytes > 0) == 1;
}

uint64_t assay_ask_work_s(const struct assay_challenge *challenge)
{
	uint64_t ms = 0;

	for (uint32_t j = 0; j < challenge->segment_count; j++)
		ms += challenge->segments[j].duration_ms;
	return (ms + 999) / 1000;
}

enum assay_status assay_ask_make(struct assay_challenge *challenge, const struct assay_row **row,
                                 const struct assay_ask *ask, const uint8_t verifier[ASSAY_KEY_BYTES],
                                 struct assay_error *error)
{
	const struct assay_work *works[ASSAY_SEGMENTS_MAX];
	const struct assay_profile *profile;
	struct assay_params table = {{0}};
	uint32_t count, duration_ms;
	enum assay_status status = assay_terms_profile(&profile, ask->profile, error);

	*row = ask->is_cpu ? &assay_rows[0] : row_of(ask->memory_bytes);
	if (!status && ask->row)
		status = assay_terms_row(row, ask->row, error);
	if (!status)
		status = assay_terms_works(works, &count, ask->works, error);
	if (!status)
		status = assay_terms_duration(&duration_ms, ask->duration_s, profile, works, count, error);
	if (!status && has_table(works, count))
		status = table_find(&table, ask, profile, *row, error);
	if (status)
		return status;
	memset(challenge, 0, sizeof *challenge);
	challenge->asked = true;
	challenge->expires = (uint64_t)time(NULL) + ask->expires_s;
	challenge->devices = ask->devices;
	challenge->leased = ask->leased;
	challenge->samples = ask->samples;
	snprintf(challenge->profile, sizeof challenge->profile, "%s", profile->name);
	randombytes_buf(challenge->nonce, sizeof challenge->nonce);
	assay_terms_segments(challenge, works, count, *row, &table, duration_ms);
	/* The keyid is this hash, in digits (SPEC 1.4). */
	char keyid[65];
	assay_keyid(keyid, verifier);
	(void)sodium_hex2bin(challenge->verifier, sizeof challenge->verifier, keyid, 64, NULL, NULL, NULL);
	if (assay_ask_work_s(challenge) >= ask->expires_s)
		return assay_fail(error, ASSAY_ERROR_INPUT, "challenge.expires",
		                  "the work alone takes %" PRIu64 " s, and the challenge expires in %" PRIu64
		                  " s: give it more (--expires)",
		                  assay_ask_work_s(challenge), ask->expires_s);
	return ASSAY_OK;
}

enum assay_status assay_ask_seal(char **text, const struct assay_challenge *challenge,
                                 const struct assay_secret *secret, struct assay_error *error)
{
	struct assay_challenge again;
	char detail[200];
	char *payload = assay_challenge_text(challenge);
	enum assay_status status = ASSAY_OK;

	*text = payload ? assay_secret_seal(secret, ASSAY_TYPE_CHALLENGE, payload) : NULL;
	if (!*text)
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	else if (assay_challenge_parse(&again, payload, strlen(payload), detail, sizeof detail) != ASSAY_REASON_NONE)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "challenge.malformed",
		                    "nobody would take it: %s; does the clock of this machine go right?", detail);
	free(payload);
	if (status) {
		free(*text);
		*text = NULL;
	}
	return status;
}
