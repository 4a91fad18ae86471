/* SPDX-License-Identifier: Apache-2.0
 *
 * See cache.h. */
#include "harness/cache.h"

#include <stdlib.h>
#include <string.h>

enum { DIGEST_BYTES = ASSAY_HASH_BYTES, FILE_MAX = 64 << 20 };

bool assay_cache_path(char path[ASSAY_PATH_MAX], const char *label, const struct assay_part *parts, size_t count)
{
	uint8_t hash[ASSAY_HASH_BYTES];
	char name[96], hex[65];

	assay_hash(hash, label, parts, count);
	assay_hex(hex, hash);
	snprintf(name, sizeof name, "%s.program", hex);
	return assay_state_cache(path, name);
}

static void digest_of(uint8_t digest[DIGEST_BYTES], const void *program, size_t len)
{
	const struct assay_part part = {program, len};

	assay_hash(digest, "assay cached program\n", &part, 1);
}

uint8_t *assay_cache_read(const char *path, size_t *len)
{
	uint8_t *program = NULL, stored[DIGEST_BYTES], digest[DIGEST_BYTES];
	FILE *file = fopen(path, "rb");
	long size = -1;

	if (!file)
		return NULL;
	if (fseek(file, 0, SEEK_END) == 0)
		size = ftell(file);
	rewind(file);
	if (size > DIGEST_BYTES && size <= FILE_MAX && (program = malloc((size_t)size)) != NULL) {
		*len = (size_t)size - DIGEST_BYTES;
		bool good =
		    fread(stored, 1, sizeof stored, file) == sizeof stored && fread(program, 1, *len, file) == *len;
		if (good)
			digest_of(digest, program, *len);
		if (!good || memcmp(digest, stored, sizeof stored) != 0) {
			free(program);
			program = NULL;
		}
	}
	fclose(file);
	return program;
}

void assay_cache_write(const char *path, const void *program, size_t len)
{
	struct assay_output output;
	uint8_t digest[DIGEST_BYTES];

	if (assay_state_parents(path, NULL) != ASSAY_OK || assay_output_open(&output, path, 0600, NULL) != ASSAY_OK)
		return;
	digest_of(digest, program, len);
	fwrite(digest, 1, sizeof digest, output.file);
	if (fwrite(program, 1, len, output.file) == len && assay_output_flush(&output, NULL) == ASSAY_OK &&
	    assay_output_commit(&output, true, NULL) != ASSAY_OK)
		remove(path);
	assay_output_close(&output);
}
