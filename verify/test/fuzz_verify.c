/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole verification: LE32 length of the envelope, envelope, transcript. The trusted key is that of the vectors, and
 * the budget too small for any profile, so that nothing may pass. */
#include "verify/test/fuzz.h"

#include <string.h>

#include "verify/json.h"

enum { BUDGET = 1 << 17 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t keys[1][ASSAY_KEY_BYTES];
	static size_t count;
	static int envelope_fd = -1, transcript_fd = -1;
	struct assay_policy policy = {.trusted = (const uint8_t(*)[ASSAY_KEY_BYTES])keys, .budget = BUDGET};
	struct assay_verdict verdict;
	char envelope[40], transcript[40];

	if (!count)
		FUZZ_EXPECT(assay_keys_read(keys, &count, 1, "verify/vectors/good/key.pem", NULL) == ASSAY_OK);
	if (size < 4)
		return 0;
	policy.trusted_count = count;
	size_t split = assay_le32_read(data);
	data += 4;
	size -= 4;
	if (split > size)
		split = size;
	fuzz_file(envelope, &envelope_fd, data, split);
	fuzz_file(transcript, &transcript_fd, data + split, size - split);

	FUZZ_EXPECT(assay_verify(&verdict, envelope, transcript, &policy) == ASSAY_OK);
	FUZZ_EXPECT(verdict.outcome != ASSAY_PASS);
	char *line = assay_verdict_json(&verdict);
	FUZZ_EXPECT(line);
	json_t *root = assay_json_parse(line, strlen(line) - 1);
	FUZZ_EXPECT(root);
	json_decref(root);
	free(line);
	assay_verdict_close(&verdict);
	return 0;
}
