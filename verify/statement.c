/* SPDX-License-Identifier: Apache-2.0
 *
 * See statement.h. SPEC 6, 8. */
#include "verify/statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/challenge.h"
#include "verify/telemetry.h"

char *assay_beside(const char *attestation, const char *ending)
{
	static const char own[] = ".intoto.json";
	size_t len = strlen(attestation), stem = len - (sizeof own - 1);

	if (len < sizeof own || strcmp(attestation + stem, own) != 0)
		return NULL;
	char *path = malloc(stem + strlen(ending) + 1);
	if (path) {
		memcpy(path, attestation, stem);
		strcpy(path + stem, ending);
	}
	return path;
}

json_t *assay_non_claims(void)
{
	return json_pack("[s,s,s,s,s]", "exclusivity", "identity", "locality", "partition", "service");
}

static bool is_text(const json_t *object, const char *name)
{
	return assay_json_string(object, name, 256) != NULL;
}

static bool is_device(const json_t *device)
{
	uint64_t number;
	const json_t *id = json_object_get(device, "deviceId");

	return assay_json_is(device, 8) && is_text(device, "architecture") && is_text(device, "backend") &&
	       is_text(device, "driver") && is_text(device, "name") && is_text(device, "variant") &&
	       (json_is_null(id) || is_text(device, "deviceId")) &&
	       assay_json_integer(&number, device, "computeUnits", 0, (uint64_t)ASSAY_JSON_INTEGER_MAX) &&
	       assay_json_integer(&number, device, "memoryBytes", 0, (uint64_t)ASSAY_JSON_INTEGER_MAX);
}

json_t *assay_devices_parse(const void *text, size_t len, uint32_t count)
{
	json_t *devices = assay_json_parse(text, len);
	bool good = json_is_array(devices) && json_array_size(devices) == count;

	for (size_t i = 0; good && i < count; i++)
		good = is_device(json_array_get(devices, i));
	if (good)
		return devices;
	json_decref(devices);
	return NULL;
}

/* YYYY-MM-DDThh:mm:ssZ */
static const char *utc_time(const json_t *object, const char *name)
{
	static const char shape[] = "0000-00-00T00:00:00Z";
	const char *time = assay_json_string(object, name, sizeof shape - 1);

	if (!time || strlen(time) != sizeof shape - 1)
		return NULL;
	for (size_t i = 0; i < sizeof shape - 1; i++)
		if (shape[i] == '0' ? time[i] < '0' || time[i] > '9' : time[i] != shape[i])
			return NULL;
	return time;
}

/* Ranges of rounds that were throttled, rising and apart from each other; `rounds` were, and a range may hold others.
 */
static bool are_ranges(const json_t *ranges, const json_t *rounds)
{
	json_int_t next = 0, held = 0;

	if (json_array_size(ranges) < 1 || json_array_size(ranges) > ASSAY_THROTTLED_RANGES)
		return false;
	for (size_t i = 0; i < json_array_size(ranges); i++) {
		const json_t *range = json_array_get(ranges, i);
		const json_t *first = json_array_get(range, 0), *last = json_array_get(range, 1);
		if (json_array_size(range) != 2 || !json_is_integer(first) || !json_is_integer(last) ||
		    json_integer_value(first) < next || json_integer_value(last) < json_integer_value(first) ||
		    json_integer_value(last) >= ASSAY_ROUNDS_MAX)
			return false;
		held += json_integer_value(last) - json_integer_value(first) + 1;
		next = json_integer_value(last) + 2;
	}
	return json_integer_value(rounds) >= (json_int_t)json_array_size(ranges) && json_integer_value(rounds) <= held;
}

static bool is_run(const json_t *run)
{
	static const char *const known[] = {"elapsedNs", "firstNs", "highNs", "lowNs", "madNs", "medianNs"};
	static const char *const perhaps[] = {"deviceMedianNs", "energyMj", "steadyNs", "throttledRounds"};
	const json_t *drift = json_object_get(run, "driftPpm"), *ranges = json_object_get(run, "throttled");
	uint64_t number;

	if (json_is_null(run))
		return true;
	for (size_t i = 0; i < 6; i++)
		if (!assay_json_integer(&number, run, known[i], i == 0, (uint64_t)ASSAY_JSON_INTEGER_MAX))
			return false;
	for (size_t i = 0; i < 4; i++)
		if (!json_is_null(json_object_get(run, perhaps[i])) &&
		    !assay_json_integer(&number, run, perhaps[i], 0, (uint64_t)ASSAY_JSON_INTEGER_MAX))
			return false;
	return assay_json_is(run, 11 + (ranges != NULL)) && (json_is_null(drift) || json_is_integer(drift)) &&
	       (!ranges || are_ranges(ranges, json_object_get(run, "throttledRounds")));
}

static bool are_segments(const json_t *segments)
{
	if (!json_is_array(segments))
		return false;
	for (size_t i = 0; i < json_array_size(segments); i++) {
		const json_t *runs = json_array_get(segments, i);
		if (!json_is_array(runs))
			return false;
		for (size_t d = 0; d < json_array_size(runs); d++)
			if (!is_run(json_array_get(runs, d)))
				return false;
	}
	return true;
}

static bool are_telemetry(const json_t *telemetry)
{
	if (!json_is_array(telemetry))
		return false;
	for (size_t d = 0; d < json_array_size(telemetry); d++)
		if (!assay_telemetry_is(json_array_get(telemetry, d)))
			return false;
	return true;
}

static bool are_names(const json_t *work)
{
	if (!json_is_array(work))
		return false;
	for (size_t i = 0; i < json_array_size(work); i++)
		if (!json_is_string(json_array_get(work, i)))
			return false;
	return true;
}

static bool is_harness(const json_t *harness)
{
	uint8_t digest[32];

	return assay_json_is(harness, 4) && is_text(harness, "gitCommit") && is_text(harness, "name") &&
	       is_text(harness, "version") && assay_json_digest(digest, harness, "kernels");
}

static bool predicate_parse(struct assay_statement *statement, const json_t *predicate)
{
	const json_t *challenge = json_object_get(predicate, "challenge");
	const json_t *claimed = json_object_get(predicate, "claimed");
	json_t *non_claims = assay_non_claims();
	uint64_t stagger_ms = 0, power_budget_w = 0, pauses = 0;
	bool good = assay_json_is(predicate, 6) && assay_json_is(challenge, 3) && assay_json_is(claimed, 7) &&
	            is_harness(json_object_get(predicate, "harness")) &&
	            json_equal(json_object_get(predicate, "nonClaims"), non_claims) &&
	            assay_json_digest(statement->challenge_digest, challenge, "digest") &&
	            utc_time(claimed, "startedAt") &&
	            assay_json_integer(&stagger_ms, claimed, "staggerMs", 0, ASSAY_STAGGER_MS_MAX) &&
	            assay_json_integer(&power_budget_w, claimed, "powerBudgetW", 0, ASSAY_POWER_BUDGET_W_MAX) &&
	            assay_json_integer(&pauses, claimed, "pauses", 0, ASSAY_PAUSES_MAX);

	json_decref(non_claims);
	statement->mode = assay_json_string(challenge, "mode", SIZE_MAX);
	statement->profile = assay_json_string(challenge, "profile", SIZE_MAX);
	statement->stagger_ms = (uint32_t)stagger_ms;
	statement->power_budget_w = (uint32_t)power_budget_w;
	statement->pauses = (uint32_t)pauses;
	statement->finished_at = utc_time(claimed, "finishedAt");
	statement->devices = json_object_get(predicate, "devices");
	statement->work = json_object_get(predicate, "work");
	statement->segments = json_object_get(claimed, "segments");
	statement->telemetry = json_object_get(claimed, "telemetry");
	return good && statement->mode && statement->profile && statement->finished_at &&
	       json_is_array(statement->devices) && are_names(statement->work) && are_segments(statement->segments) &&
	       are_telemetry(statement->telemetry);
}

/* {"digest":{"sha256":...},"name":NAME} */
static bool is_subject(uint8_t digest[32], const json_t *subject, const char *expected)
{
	const char *name = assay_json_string(subject, "name", 64);

	return assay_json_is(subject, 2) && name && strcmp(name, expected) == 0 &&
	       assay_json_digest(digest, subject, "digest");
}

/* The transcript, and the receipts in the mode that has them. */
static bool subjects_parse(struct assay_statement *statement, const json_t *subjects)
{
	const bool has_receipts = strcmp(statement->mode, "verifier") == 0;

	return json_array_size(subjects) == (has_receipts ? 2 : 1) &&
	       is_subject(statement->transcript_digest, json_array_get(subjects, 0), "transcript") &&
	       (!has_receipts || is_subject(statement->receipts_digest, json_array_get(subjects, 1), "receipts"));
}

enum assay_reason assay_statement_parse(struct assay_statement *statement, const void *payload, size_t len)
{
	memset(statement, 0, sizeof *statement);
	json_t *root = assay_json_parse(payload, len);
	const char *type = assay_json_string(root, "_type", SIZE_MAX);
	const char *predicate_type = assay_json_string(root, "predicateType", SIZE_MAX);
	enum assay_reason reason = ASSAY_REASON_STATEMENT_MALFORMED;

	if (!assay_json_is(root, 4) || !type || !predicate_type)
		goto done;
	if (strcmp(type, "https://in-toto.io/Statement/v1") != 0 || strcmp(predicate_type, ASSAY_PREDICATE_TYPE) != 0) {
		reason = ASSAY_REASON_STATEMENT_VERSION;
		goto done;
	}
	if (predicate_parse(statement, json_object_get(root, "predicate")) &&
	    subjects_parse(statement, json_object_get(root, "subject")))
		reason = ASSAY_REASON_NONE;
done:
	if (reason)
		json_decref(root);
	else
		statement->root = root;
	return reason;
}
