/* SPDX-License-Identifier: Apache-2.0
 *
 * See statement.h. SPEC 6, 8. */
#include "verify/statement.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "verify/telemetry.h"

#define PAYLOAD_TYPE "application/vnd.in-toto+json"

bool assay_envelope_parse(struct assay_envelope *envelope, const char *text, size_t len)
{
	bool good = false;
	size_t signature_len;

	memset(envelope, 0, sizeof *envelope);
	/* The final newline is not part of the JSON text. */
	json_t *root = len > 0 && len <= ASSAY_ENVELOPE_BYTES_MAX && text[len - 1] == '\n'
	                   ? assay_json_parse(text, len - 1)
	                   : NULL;
	const json_t *entry = json_array_get(json_object_get(root, "signatures"), 0);
	const char *payload = assay_json_string(root, "payload", len), *keyid = assay_json_string(entry, "keyid", 64);
	const char *signature = assay_json_string(entry, "sig", 88);
	uint8_t keyid_bytes[32];

	if (!payload || !keyid || !signature || !assay_json_hash(keyid_bytes, entry, "keyid"))
		goto done;
	memcpy(envelope->keyid, keyid, 65);
	envelope->payload = malloc(ASSAY_PAYLOAD_BYTES_MAX);
	if (!envelope->payload)
		goto done;
	if (sodium_base642bin(envelope->payload, ASSAY_PAYLOAD_BYTES_MAX, payload, strlen(payload), NULL,
	                      &envelope->payload_len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    sodium_base642bin(envelope->signature, 64, signature, strlen(signature), NULL, &signature_len, NULL,
	                      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    signature_len != 64)
		goto done;

	/* One encoding: whatever was not looked at above shows here. */
	char *again = assay_envelope_text(envelope);
	good = again && strlen(again) == len && memcmp(again, text, len) == 0;
	free(again);
done:
	json_decref(root);
	if (!good) {
		free(envelope->payload);
		envelope->payload = NULL;
	}
	return good;
}

enum assay_status assay_envelope_read(struct assay_envelope *envelope, bool *good, const char *path,
                                      struct assay_error *error)
{
	enum assay_status status = ASSAY_OK;

	FILE *file = fopen(path, "rb");
	if (!file)
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s", path, strerror(errno));
	char *text = malloc(ASSAY_ENVELOPE_BYTES_MAX + 1);
	size_t len = text ? fread(text, 1, ASSAY_ENVELOPE_BYTES_MAX + 1, file) : 0;
	if (!text)
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	else if (ferror(file))
		status = assay_fail(error, ASSAY_ERROR_IO, "io.read", "%s: %s", path, strerror(errno));
	else
		*good = assay_envelope_parse(envelope, text, len);
	free(text);
	fclose(file);
	return status;
}

char *assay_transcript_beside(const char *attestation)
{
	static const char ending[] = ".intoto.json";
	size_t len = strlen(attestation), stem = len - (sizeof ending - 1);

	if (len < sizeof ending || strcmp(attestation + stem, ending) != 0)
		return NULL;
	char *path = malloc(stem + sizeof ".transcript");
	if (path) {
		memcpy(path, attestation, stem);
		memcpy(path + stem, ".transcript", sizeof ".transcript");
	}
	return path;
}

char *assay_envelope_text(const struct assay_envelope *envelope)
{
	size_t base64_len = sodium_base64_encoded_len(envelope->payload_len, sodium_base64_VARIANT_ORIGINAL);
	size_t text_len = base64_len + 512;
	char signature[89];
	char *base64 = malloc(base64_len), *text = malloc(text_len);

	if (base64 && text) {
		sodium_bin2base64(base64, base64_len, envelope->payload, envelope->payload_len,
		                  sodium_base64_VARIANT_ORIGINAL);
		sodium_bin2base64(signature, sizeof signature, envelope->signature, 64, sodium_base64_VARIANT_ORIGINAL);
		snprintf(text, text_len,
		         "{\"payload\":\"%s\",\"payloadType\":\"" PAYLOAD_TYPE
		         "\",\"signatures\":[{\"keyid\":\"%s\",\"sig\":\"%s\"}]}\n",
		         base64, envelope->keyid, signature);
	} else {
		free(text);
		text = NULL;
	}
	free(base64);
	return text;
}

uint8_t *assay_envelope_pae(const struct assay_envelope *envelope, size_t *len)
{
	char head[96];
	int head_len = snprintf(head, sizeof head, "DSSEv1 %zu %s %zu ", strlen(PAYLOAD_TYPE), PAYLOAD_TYPE,
	                        envelope->payload_len);
	uint8_t *pae = malloc((size_t)head_len + envelope->payload_len);

	if (pae) {
		memcpy(pae, head, (size_t)head_len);
		memcpy(pae + head_len, envelope->payload, envelope->payload_len);
		*len = (size_t)head_len + envelope->payload_len;
	}
	return pae;
}

bool assay_envelope_signed_by(const struct assay_envelope *envelope, const uint8_t key[ASSAY_KEY_BYTES])
{
	size_t len;
	uint8_t *pae = assay_envelope_pae(envelope, &len);
	/* libsodium refuses a scalar that is not reduced, and keys of small order. */
	bool valid = pae && crypto_sign_verify_detached(envelope->signature, pae, len, key) == 0;

	free(pae);
	return valid;
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

static bool is_run(const json_t *run)
{
	static const char *const known[] = {"elapsedNs", "firstNs", "highNs", "lowNs", "madNs", "medianNs"};
	static const char *const perhaps[] = {"deviceMedianNs", "energyMj", "steadyNs", "throttledRounds"};
	const json_t *drift = json_object_get(run, "driftPpm");
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
	return assay_json_is(run, 11) && (json_is_null(drift) || json_is_integer(drift));
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

enum assay_reason assay_statement_parse(struct assay_statement *statement, const void *payload, size_t len)
{
	memset(statement, 0, sizeof *statement);
	json_t *root = assay_json_parse(payload, len);
	const json_t *subjects = json_object_get(root, "subject"), *subject = json_array_get(subjects, 0);
	const char *type = assay_json_string(root, "_type", SIZE_MAX);
	const char *predicate_type = assay_json_string(root, "predicateType", SIZE_MAX);
	const char *name = assay_json_string(subject, "name", 64);
	enum assay_reason reason = ASSAY_REASON_STATEMENT_MALFORMED;

	if (!assay_json_is(root, 4) || !type || !predicate_type)
		goto done;
	if (strcmp(type, "https://in-toto.io/Statement/v1") != 0 || strcmp(predicate_type, ASSAY_PREDICATE_TYPE) != 0) {
		reason = ASSAY_REASON_STATEMENT_VERSION;
		goto done;
	}
	if (json_array_size(subjects) == 1 && assay_json_is(subject, 2) && name && strcmp(name, "transcript") == 0 &&
	    assay_json_digest(statement->transcript_digest, subject, "digest") &&
	    predicate_parse(statement, json_object_get(root, "predicate")))
		reason = ASSAY_REASON_NONE;
done:
	if (reason)
		json_decref(root);
	else
		statement->root = root;
	return reason;
}
