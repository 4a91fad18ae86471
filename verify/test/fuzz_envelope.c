/* SPDX-License-Identifier: Apache-2.0
 *
 * An envelope: what is accepted is written again as it was read. */
#include "verify/test/fuzz.h"

#include <string.h>

#include "verify/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[ASSAY_KEY_BYTES] = {0x58};
	struct assay_envelope envelope;
	size_t pae_len;

	if (!assay_envelope_parse(&envelope, ASSAY_TYPE_STATEMENT, (const char *)data, size)) {
		FUZZ_EXPECT(!envelope.payload);
		return 0;
	}
	FUZZ_EXPECT(envelope.payload_len <= ASSAY_PAYLOAD_BYTES_MAX && strlen(envelope.keyid) == 64);
	char *text = assay_envelope_text(&envelope);
	FUZZ_EXPECT(text && strlen(text) == size && memcmp(text, data, size) == 0);
	free(text);
	uint8_t *pae = assay_envelope_pae(&envelope, &pae_len);
	FUZZ_EXPECT(pae && pae_len > envelope.payload_len);
	free(pae);
	FUZZ_EXPECT(!assay_envelope_signed_by(&envelope, key));
	free(envelope.payload);
	return 0;
}
