/* SPDX-License-Identifier: Apache-2.0
 *
 * A file of public keys: what is accepted is written and read again as the same key. */
#include "verify/test/fuzz.h"

#include <string.h>

#include "verify/key.h"

enum { CAPACITY = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	uint8_t keys[CAPACITY][ASSAY_KEY_BYTES], again[1][ASSAY_KEY_BYTES], der[48];
	char path[40], pem[ASSAY_PEM_MAX];
	struct assay_error error = {"", ""};
	size_t count;

	char *text = malloc(size + 1);
	FUZZ_EXPECT(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	const char *next = NULL;
	if (assay_pem_read(der, sizeof der, "PRIVATE KEY", text, &next))
		FUZZ_EXPECT(next > text && next <= text + size);
	free(text);

	fuzz_file(path, &fd, data, size);
	enum assay_status status = assay_keys_read(keys, &count, CAPACITY, path, &error);
	FUZZ_EXPECT(count <= CAPACITY && (status == ASSAY_OK) == (*error.reason == '\0'));
	if (status != ASSAY_OK)
		return 0;
	FUZZ_EXPECT(count >= 1);
	for (size_t i = 0; i < count; i++) {
		size_t one;
		assay_key_pem(pem, keys[i]);
		fuzz_file(path, &fd, (const uint8_t *)pem, strlen(pem));
		FUZZ_EXPECT(assay_keys_read(again, &one, 1, path, &error) == ASSAY_OK && one == 1);
		FUZZ_EXPECT(memcmp(again[0], keys[i], ASSAY_KEY_BYTES) == 0);
	}
	return 0;
}
