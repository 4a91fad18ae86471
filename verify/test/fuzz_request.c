/* SPDX-License-Identifier: Apache-2.0
 *
 * What a stranger posts to a server (SPEC 4.6): a request or a message, as a body and as a payload, which a fuzzer
 * cannot sign. What is accepted is written again as it was read. */
#include "verify/test/fuzz.h"

#include <string.h>

#include "verify/envelope.h"
#include "verify/exchange.h"

static void payload(const uint8_t *data, size_t size)
{
	uint8_t key[ASSAY_KEY_BYTES], verifier[32];

	if (!assay_request_parse(key, verifier, data, size))
		return;
	FUZZ_EXPECT(size <= ASSAY_STEP_BYTES_MAX);
	char *text = assay_request_text(key, verifier);
	FUZZ_EXPECT(text && strlen(text) == size && memcmp(text, data, size) == 0);
	free(text);
}

static void body(const uint8_t *data, size_t size, const char *type)
{
	struct assay_envelope envelope;
	struct assay_step step;

	if (!assay_envelope_parse(&envelope, type, (const char *)data, size))
		return;
	payload(envelope.payload, envelope.payload_len);
	if (assay_message_parse(&step, envelope.payload, envelope.payload_len))
		FUZZ_EXPECT(!assay_envelope_signed_by(&envelope, (const uint8_t[ASSAY_KEY_BYTES]){0x58}));
	char *text = assay_envelope_text(&envelope);
	FUZZ_EXPECT(text && strlen(text) == size && memcmp(text, data, size) == 0);
	free(text);
	free(envelope.payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	payload(data, size);
	body(data, size, ASSAY_TYPE_REQUEST);
	body(data, size, ASSAY_TYPE_MESSAGE);
	return 0;
}
