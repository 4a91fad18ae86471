/* SPDX-License-Identifier: Apache-2.0
 *
 * See bytes.h. SPEC 1.1, 1.2. */
#include "verify/bytes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

uint32_t assay_le32_read(const uint8_t bytes[4])
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

uint64_t assay_le64_read(const uint8_t bytes[8])
{
	return (uint64_t)assay_le32_read(bytes) | (uint64_t)assay_le32_read(bytes + 4) << 32;
}

void assay_le32_write(uint8_t bytes[4], uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

void assay_le64_write(uint8_t bytes[8], uint64_t value)
{
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

void assay_hash(uint8_t out[ASSAY_HASH_BYTES], const char *label, const struct assay_part *parts, size_t count)
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const uint8_t *)label, strlen(label));
	for (size_t i = 0; i < count; i++)
		crypto_hash_sha256_update(&state, parts[i].data, parts[i].len);
	crypto_hash_sha256_final(&state, out);
}

void assay_hex(char hex[65], const uint8_t hash[ASSAY_HASH_BYTES])
{
	sodium_bin2hex(hex, 65, hash, ASSAY_HASH_BYTES);
}

void assay_printable(char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
}

enum assay_status assay_fail(struct assay_error *error, enum assay_status status, const char *reason,
                             const char *format, ...)
{
	if (error) {
		va_list arguments;
		va_start(arguments, format);
		snprintf(error->reason, sizeof error->reason, "%s", reason);
		vsnprintf(error->text, sizeof error->text, format, arguments);
		va_end(arguments);
		assay_printable(error->text);
	}
	return status;
}

enum assay_status assay_file_read(char **text, size_t *len, size_t most, const char *path, struct assay_error *error)
{
	enum assay_status status = ASSAY_OK;
	FILE *file = fopen(path, "rb");

	*text = NULL;
	if (!file)
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s", path, strerror(errno));
	*text = malloc(most + 2);
	*len = *text ? fread(*text, 1, most + 1, file) : 0;
	if (!*text)
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	else if (ferror(file))
		status = assay_fail(error, ASSAY_ERROR_IO, "io.read", "%s: %s", path, strerror(errno));
	else
		(*text)[*len] = '\0';
	fclose(file);
	if (status) {
		free(*text);
		*text = NULL;
	}
	return status;
}
