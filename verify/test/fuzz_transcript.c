/* SPDX-License-Identifier: Apache-2.0
 *
 * What lies behind the signature, which a fuzzer cannot make: a transcript's header, records and recheck. */
#include "verify/test/fuzz.h"

#include <string.h>

#include "verify/transcript.h"

enum { COST_MAX = 1 << 17 };

struct reports {
	const struct assay_challenge *challenge;
	uint32_t runs;
};

static void report(void *context, uint32_t segment, uint32_t device, uint32_t leaves, enum assay_reason reason)
{
	struct reports *reports = context;

	FUZZ_EXPECT(segment < reports->challenge->segment_count && device < reports->challenge->devices);
	FUZZ_EXPECT(leaves <= reports->challenge->samples);
	/* A fill has no leaves of its own: its walk shows the table. */
	if (reports->challenge->segments[segment].work->is_fill)
		FUZZ_EXPECT(reason == ASSAY_REASON_NONE && leaves == 0);
	else
		FUZZ_EXPECT((reason == ASSAY_REASON_RUN_EMPTY) == (leaves == 0));
	reports->runs++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	/* Static: the rounds of 16 x 64 runs are large. */
	static struct assay_transcript transcript;
	static struct assay_challenge challenge;
	enum assay_reason reason;
	static const uint8_t nonces[32 * (ASSAY_SEGMENTS_MAX + 1)];
	uint8_t digest[32], expected[32];
	struct reports reports = {&challenge, 0};
	char path[40], detail[200] = "";

	fuzz_file(path, &fd, data, size);
	FUZZ_EXPECT(assay_transcript_open(&transcript, path, &reason, NULL) == ASSAY_OK);
	if (!reason &&
	    !assay_challenge_parse(&challenge, transcript.challenge, transcript.challenge_len, detail, sizeof detail)) {
		json_decref(assay_json_parse(transcript.devices, transcript.devices_len));
		reason = assay_transcript_records(&transcript, &challenge, digest, detail, sizeof detail);
		FUZZ_EXPECT(!reason || (reason == ASSAY_REASON_TRANSCRIPT_MALFORMED && *detail));
		if (!reason) {
			crypto_hash_sha256(expected, data, size);
			FUZZ_EXPECT(memcmp(digest, expected, 32) == 0);
		}
		if (!reason && assay_challenge_cost(&challenge) <= COST_MAX) {
			assay_transcript_chain(&transcript, &challenge, nonces, digest);
			FUZZ_EXPECT(assay_transcript_recheck(&transcript, &challenge, report, &reports));
			FUZZ_EXPECT(reports.runs == challenge.segment_count * challenge.devices);
		}
	}
	assay_transcript_close(&transcript);
	return 0;
}
