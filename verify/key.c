/* SPDX-License-Identifier: Apache-2.0
 *
 * See key.h and assay.h. RFC 8410, RFC 7468. */
#include "verify/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

static const uint8_t spki_prefix[ASSAY_SPKI_BYTES - ASSAY_KEY_BYTES] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                                        0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

static void spki(uint8_t der[ASSAY_SPKI_BYTES], const uint8_t key[ASSAY_KEY_BYTES])
{
	memcpy(der, spki_prefix, sizeof spki_prefix);
	memcpy(der + sizeof spki_prefix, key, ASSAY_KEY_BYTES);
}

void assay_keyid(char keyid[65], const uint8_t key[ASSAY_KEY_BYTES])
{
	uint8_t der[ASSAY_SPKI_BYTES], hash[ASSAY_HASH_BYTES];

	spki(der, key);
	crypto_hash_sha256(hash, der, sizeof der);
	assay_hex(keyid, hash);
}

void assay_pem_text(char pem[ASSAY_PEM_MAX], const char *label, const uint8_t *der, size_t der_len)
{
	char base64[96]; /* 48 bytes are 64 characters: one line */

	sodium_bin2base64(base64, sizeof base64, der, der_len, sodium_base64_VARIANT_ORIGINAL);
	snprintf(pem, ASSAY_PEM_MAX, "-----BEGIN %s-----\n%s\n-----END %s-----\n", label, base64, label);
	sodium_memzero(base64, sizeof base64);
}

bool assay_pem_read(uint8_t *der, size_t der_len, const char *label, const char *pem, const char **next)
{
	char marker[64];
	size_t len;

	snprintf(marker, sizeof marker, "-----BEGIN %s-----", label);
	const char *start = strstr(pem, marker);
	if (!start)
		return false;
	start += strlen(marker);
	snprintf(marker, sizeof marker, "-----END %s-----", label);
	const char *end = strstr(start, marker);
	if (!end)
		return false;
	if (next)
		*next = end + strlen(marker);
	return sodium_base642bin(der, der_len, start, (size_t)(end - start), " \t\r\n", &len, NULL,
	                         sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       len == der_len;
}

void assay_key_pem(char pem[ASSAY_PEM_MAX], const uint8_t key[ASSAY_KEY_BYTES])
{
	uint8_t der[ASSAY_SPKI_BYTES];

	spki(der, key);
	assay_pem_text(pem, "PUBLIC KEY", der, sizeof der);
}

static enum assay_status keys_parse(uint8_t (*keys)[ASSAY_KEY_BYTES], size_t *count, size_t capacity, const char *text,
                                    const char *path, struct assay_error *error)
{
	while (strstr(text, "-----BEGIN PUBLIC KEY-----")) {
		uint8_t der[ASSAY_SPKI_BYTES];
		if (!assay_pem_read(der, sizeof der, "PUBLIC KEY", text, &text) ||
		    memcmp(der, spki_prefix, sizeof spki_prefix) != 0)
			return assay_fail(error, ASSAY_ERROR_INPUT, "key.malformed",
			                  "%s: not an Ed25519 public key in PEM; make one with `assay keygen`", path);
		if (*count == capacity)
			return assay_fail(error, ASSAY_ERROR_INPUT, "key.count", "%s: more than %zu keys", path,
			                  capacity);
		memcpy(keys[(*count)++], der + sizeof spki_prefix, ASSAY_KEY_BYTES);
	}
	if (*count == 0)
		return assay_fail(error, ASSAY_ERROR_INPUT, "key.malformed",
		                  "%s: no public key in it (expected \"-----BEGIN PUBLIC KEY-----\")", path);
	return ASSAY_OK;
}

enum assay_status assay_keys_read(uint8_t (*keys)[ASSAY_KEY_BYTES], size_t *count, size_t capacity, const char *path,
                                  struct assay_error *error)
{
	enum { BYTES_MAX = 65535 };
	char *text;
	size_t len;

	*count = 0;
	enum assay_status status = assay_file_read(&text, &len, BYTES_MAX, path, error);
	if (status)
		return status;
	if (len > BYTES_MAX)
		status = assay_fail(error, ASSAY_ERROR_IO, "io.read", "%s: is no key file, it is too long", path);
	else if (strlen(text) != len)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "key.malformed", "%s: not a text file", path);
	else
		status = keys_parse(keys, count, capacity, text, path, error);
	free(text);
	return status;
}
