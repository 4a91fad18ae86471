/* SPDX-License-Identifier: Apache-2.0
 *
 * A challenge: what is accepted is within the caps, and its text is the text that was read. */
#include "verify/test/fuzz.h"

#include <string.h>

#include "verify/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_challenge challenge, again;
	char detail[32];

	if (assay_challenge_parse(&challenge, data, size, detail, sizeof detail) != ASSAY_REASON_NONE) {
		FUZZ_EXPECT(memchr(detail, '\0', sizeof detail));
		return 0;
	}
	FUZZ_EXPECT(challenge.devices >= 1 && challenge.devices <= ASSAY_DEVICES_MAX);
	FUZZ_EXPECT(challenge.samples >= 1 && challenge.samples <= ASSAY_SAMPLES_MAX);
	FUZZ_EXPECT(challenge.segment_count >= 1 && challenge.segment_count <= ASSAY_SEGMENTS_MAX);
	for (uint32_t i = 0; i < challenge.segment_count; i++) {
		const struct assay_segment *segment = &challenge.segments[i];
		if (segment->work->is_fill) {
			FUZZ_EXPECT(segment->rounds == 0 && segment->duration_ms == 0);
			FUZZ_EXPECT(i + 1 < challenge.segment_count && segment[1].work->fill == segment->work);
			FUZZ_EXPECT(memcmp(&segment->params, &segment[1].params, sizeof segment->params) == 0);
		} else {
			FUZZ_EXPECT((segment->rounds == 0) != (segment->duration_ms == 0));
			FUZZ_EXPECT(assay_segment_rounds_allowed(segment, segment->rounds ? segment->rounds : 1));
		}
		FUZZ_EXPECT(assay_segment_rounds_allowed(segment, 0));
		FUZZ_EXPECT(!segment->work->fill || (i > 0 && segment[-1].work == segment->work->fill));
		FUZZ_EXPECT(segment->work->allowed(&segment->params));
		FUZZ_EXPECT(segment->work->depth(&segment->params) <= ASSAY_DEPTH_MAX);
	}
	assay_challenge_in_profile(&challenge);
	FUZZ_EXPECT(assay_challenge_cost(&challenge) >= 21);

	char *text = assay_challenge_text(&challenge);
	FUZZ_EXPECT(text && strlen(text) == size && memcmp(text, data, size) == 0);
	FUZZ_EXPECT(assay_challenge_parse(&again, text, size, detail, sizeof detail) == ASSAY_REASON_NONE);
	FUZZ_EXPECT(memcmp(&challenge, &again, sizeof again) == 0);
	free(text);
	return 0;
}
