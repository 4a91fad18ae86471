/* SPDX-License-Identifier: Apache-2.0
 *
 * See asked.h. */
#include "harness/asked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/state.h"
#include "verify/envelope.h"

enum assay_status assay_asked_key(uint8_t key[ASSAY_KEY_BYTES], const char *path, struct assay_error *error)
{
	uint8_t keys[1][ASSAY_KEY_BYTES];
	size_t count;
	enum assay_status status = assay_keys_read(keys, &count, 1, path, error);

	if (!status)
		memcpy(key, keys[0], ASSAY_KEY_BYTES);
	return status;
}

enum assay_status assay_asked_in_time(const struct assay_challenge *challenge, struct assay_error *error)
{
	char text[21];

	if ((uint64_t)time(NULL) < challenge->expires)
		return ASSAY_OK;
	assay_utc_text(text, challenge->expires);
	return assay_fail(error, ASSAY_ERROR_INPUT, "challenge.expired",
	                  "the challenge expired at %s: ask for another one", text);
}

enum assay_status assay_asked_open(struct assay_challenge *challenge, const struct assay_envelope *envelope,
                                   const char *path, const uint8_t key[ASSAY_KEY_BYTES], struct assay_error *error)
{
	char keyid[65], named[65], detail[200];

	assay_keyid(keyid, key);
	if (strcmp(keyid, envelope->keyid) != 0)
		return assay_fail(error, ASSAY_ERROR_INPUT, "challenge.verifier",
		                  "%s: is signed by %.16s..., not by the verifier's key (%.16s...); ask that verifier "
		                  "for its key, or for its challenge",
		                  path, envelope->keyid, keyid);
	if (!assay_envelope_signed_by(envelope, key))
		return assay_fail(error, ASSAY_ERROR_INPUT, "challenge.signature",
		                  "%s: its signature does not hold; it was altered: get it again", path);
	enum assay_reason reason =
	    assay_challenge_parse(challenge, envelope->payload, envelope->payload_len, detail, sizeof detail);
	if (reason)
		return assay_fail(error, ASSAY_ERROR_INPUT, assay_reason_name(reason), "%s: %s; %s", path, detail,
		                  assay_reason_remedy(reason));
	assay_hex(named, challenge->verifier);
	if (!challenge->asked || strcmp(named, keyid) != 0)
		return assay_fail(error, ASSAY_ERROR_INPUT, "challenge.verifier",
		                  "%s: names another verifier than the one that signed it", path);
	return ASSAY_OK;
}

enum assay_status assay_asked_read(struct assay_challenge *challenge, const char *path,
                                   const uint8_t key[ASSAY_KEY_BYTES], struct assay_error *error)
{
	struct assay_envelope envelope = {.payload = NULL};
	bool good = false;
	enum assay_status status = assay_envelope_read(&envelope, ASSAY_TYPE_CHALLENGE, &good, path, error);

	if (!status && !good)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "challenge.malformed",
		                    "%s: is no challenge of a verifier (assay challenge makes them)", path);
	if (!status)
		status = assay_asked_open(challenge, &envelope, path, key, error);
	if (!status)
		status = assay_asked_in_time(challenge, error);
	if (good)
		free(envelope.payload);
	return status;
}

enum assay_status assay_asked_devices(const struct assay_challenge *challenge, uint32_t devices,
                                      struct assay_error *error)
{
	if (devices != challenge->devices)
		return assay_fail(error, ASSAY_ERROR_INPUT, "challenge.devices",
		                  "the challenge is for %u device%s, and %u %s named: give as many (-d)",
		                  challenge->devices, challenge->devices == 1 ? "" : "s", devices,
		                  devices == 1 ? "is" : "are");
	return ASSAY_OK;
}

enum assay_status assay_asked_outputs(const char *prefix, bool replace, struct assay_error *error)
{
	static const char *const endings[] = {".messages.jsonl", ".receipts.jsonl"};
	char path[ASSAY_PATH_MAX];

	for (size_t i = 0; i < 2; i++) {
		if (snprintf(path, sizeof path, "%s%s", prefix, endings[i]) >= ASSAY_PATH_MAX)
			return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long", prefix);
		if (replace)
			unlink(path);
		else if (access(path, F_OK) == 0)
			return assay_fail(error, ASSAY_ERROR_IO, "io.exists",
			                  "%s: exists already; use --force or another -o", path);
	}
	return ASSAY_OK;
}
