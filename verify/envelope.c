/* SPDX-License-Identifier: Apache-2.0
 *
 * See envelope.h. SPEC 8.1. */
#include "verify/envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

bool assay_envelope_parse(struct assay_envelope *envelope, const char *type, const char *text, size_t len)
{
	bool good = false;
	size_t signature_len;

	memset(envelope, 0, sizeof *envelope);
	envelope->type = type;
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
	const size_t most = strlen(payload) / 4 * 3 + 1;
	envelope->payload = malloc(most);
	if (!envelope->payload)
		goto done;
	if (sodium_base642bin(envelope->payload, most < ASSAY_PAYLOAD_BYTES_MAX ? most : ASSAY_PAYLOAD_BYTES_MAX,
	                      payload, strlen(payload), NULL, &envelope->payload_len, NULL,
	                      sodium_base64_VARIANT_ORIGINAL) != 0 ||
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

enum assay_status assay_envelope_read(struct assay_envelope *envelope, const char *type, bool *good, const char *path,
                                      struct assay_error *error)
{
	char *text;
	size_t len;

	enum assay_status status = assay_file_read(&text, &len, ASSAY_ENVELOPE_BYTES_MAX, path, error);
	if (!status)
		*good = assay_envelope_parse(envelope, type, text, len);
	free(text);
	return status;
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
		         "{\"payload\":\"%s\",\"payloadType\":\"%s\",\"signatures\":[{\"keyid\":\"%s\","
		         "\"sig\":\"%s\"}]}\n",
		         base64, envelope->type, envelope->keyid, signature);
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
	int head_len = snprintf(head, sizeof head, "DSSEv1 %zu %s %zu ", strlen(envelope->type), envelope->type,
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
