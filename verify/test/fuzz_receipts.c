/* SPDX-License-Identifier: Apache-2.0
 *
 * What prover and verifier say to each other: payloads of messages and receipts, which a fuzzer cannot sign, and files
 * of receipts. What is accepted is written again as it was read. */
#include "verify/test/fuzz.h"

#include <string.h>

#include "verify/receipts.h"

static void payloads(const uint8_t *data, size_t size)
{
	struct assay_step step;
	char *text = NULL;

	if (assay_message_parse(&step, data, size))
		FUZZ_EXPECT(text = assay_message_text(&step));
	else if (assay_receipt_parse(&step, data, size))
		FUZZ_EXPECT(text = assay_receipt_text(&step));
	if (!text)
		return;
	FUZZ_EXPECT(step.at_ns <= INT64_MAX);
	/* A segment that cannot be is kept as one that there is not. */
	if (step.segment <= ASSAY_SEGMENTS_MAX)
		FUZZ_EXPECT(strlen(text) == size && memcmp(text, data, size) == 0);
	else
		for (uint32_t number = 0; number < ASSAY_STEPS_MAX; number++)
			FUZZ_EXPECT(!assay_step_is(&step, number));
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static struct assay_receipts receipts;
	static struct assay_challenge challenge;
	static const uint8_t commits[ASSAY_SEGMENTS_MAX][32], key[ASSAY_KEY_BYTES] = {0x58};
	const struct assay_receipts_of of = {.challenge = &challenge, .commits = commits};
	enum assay_reason reason;
	char path[40], detail[200];

	payloads(data, size);
	fuzz_file(path, &fd, data, size);
	for (uint32_t count = 1; count <= 7; count += 2) {
		FUZZ_EXPECT(assay_receipts_read(&receipts, count, path, &reason, NULL) == ASSAY_OK);
		FUZZ_EXPECT(reason == ASSAY_REASON_NONE || reason == ASSAY_REASON_RECEIPTS_MALFORMED);
		FUZZ_EXPECT(receipts.count <= count && (reason || receipts.count == count));
		if (!reason) {
			/* Nobody's challenge. */
			FUZZ_EXPECT(assay_receipts_match(&receipts, &of, detail, sizeof detail) ==
			            ASSAY_REASON_RECEIPTS_MISMATCH);
			FUZZ_EXPECT(!assay_receipts_signed_by(&receipts, key));
		}
		assay_receipts_close(&receipts);
	}
	return 0;
}
