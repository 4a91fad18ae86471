/* SPDX-License-Identifier: Apache-2.0
 *
 * See secret.h. */
#include "harness/secret.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "harness/state.h"
#include "verify/envelope.h"
#include "verify/key.h"

enum { PKCS8_BYTES = 48 };

static const uint8_t pkcs8_prefix[PKCS8_BYTES - 32] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                                       0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};

static void expand(uint8_t secret_key[64], uint8_t key[ASSAY_KEY_BYTES], const uint8_t seed[32])
{
	crypto_sign_seed_keypair(key, secret_key, seed);
}

void assay_secret_make(struct assay_secret *secret)
{
	uint8_t secret_key[64];

	randombytes_buf(secret->seed, sizeof secret->seed);
	expand(secret_key, secret->key, secret->seed);
	sodium_memzero(secret_key, sizeof secret_key);
}

enum assay_status assay_secret_read(struct assay_secret *secret, const char *path, struct assay_error *error)
{
	char text[4096];
	uint8_t der[PKCS8_BYTES], secret_key[64];
	struct stat info;

	FILE *file = fopen(path, "rb");
	if (!file || fstat(fileno(file), &info) != 0) {
		int cause = errno;
		if (file)
			fclose(file);
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s; make a key with `assay keygen -o FILE`",
		                  path, strerror(cause));
	}
	if (info.st_mode & 077) {
		fclose(file);
		return assay_fail(error, ASSAY_ERROR_INPUT, "key.mode",
		                  "%s: others can read this secret key; make it private: chmod 600 %s", path, path);
	}
	size_t len = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[len] = '\0';
	bool good = strlen(text) == len && assay_pem_read(der, sizeof der, "PRIVATE KEY", text, NULL) &&
	            memcmp(der, pkcs8_prefix, sizeof pkcs8_prefix) == 0;
	if (good) {
		memcpy(secret->seed, der + sizeof pkcs8_prefix, 32);
		expand(secret_key, secret->key, secret->seed);
	}
	sodium_memzero(text, sizeof text);
	sodium_memzero(der, sizeof der);
	sodium_memzero(secret_key, sizeof secret_key);
	if (!good)
		return assay_fail(error, ASSAY_ERROR_INPUT, "key.malformed",
		                  "%s: not an Ed25519 secret key in PEM; make one with `assay keygen -o FILE`", path);
	return ASSAY_OK;
}

enum assay_status assay_secret_write(const struct assay_secret *secret, const char *path, bool replace,
                                     struct assay_error *error)
{
	char pem[ASSAY_PEM_MAX], public_path[ASSAY_PATH_MAX];
	const char *text = pem;
	uint8_t der[PKCS8_BYTES];

	if (snprintf(public_path, sizeof public_path, "%s.pub", path) >= (int)sizeof public_path)
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long", path);
	enum assay_status status = assay_state_parents(path, error);
	if (!status && !replace && access(path, F_OK) == 0)
		status = assay_fail(error, ASSAY_ERROR_IO, "io.exists", "%s: exists already; use --force or another -o",
		                    path);
	if (status)
		return status;
	/* The public half first: a secret key never stands without it. */
	assay_key_pem(pem, secret->key);
	status = assay_output_write(public_path, 0644, &text, 1, replace, error);
	if (status)
		return status;
	memcpy(der, pkcs8_prefix, sizeof pkcs8_prefix);
	memcpy(der + sizeof pkcs8_prefix, secret->seed, 32);
	assay_pem_text(pem, "PRIVATE KEY", der, sizeof der);
	status = assay_output_write(path, 0600, &text, 1, replace, error);
	if (status && !replace)
		unlink(public_path);
	sodium_memzero(der, sizeof der);
	sodium_memzero(pem, sizeof pem);
	return status;
}

void assay_secret_sign(uint8_t signature[64], const struct assay_secret *secret, const void *message, size_t len)
{
	uint8_t secret_key[64], key[ASSAY_KEY_BYTES];

	expand(secret_key, key, secret->seed);
	crypto_sign_detached(signature, NULL, message, len, secret_key);
	sodium_memzero(secret_key, sizeof secret_key);
}

char *assay_secret_seal(const struct assay_secret *secret, const char *type, const char *payload)
{
	struct assay_envelope envelope = {.type = type, .payload = (uint8_t *)payload, .payload_len = strlen(payload)};
	size_t pae_len;
	uint8_t *pae = assay_envelope_pae(&envelope, &pae_len);

	if (!pae)
		return NULL;
	assay_keyid(envelope.keyid, secret->key);
	assay_secret_sign(envelope.signature, secret, pae, pae_len);
	free(pae);
	return assay_envelope_text(&envelope);
}

void assay_secret_forget(struct assay_secret *secret)
{
	sodium_memzero(secret, sizeof *secret);
}
