/* SPDX-License-Identifier: Apache-2.0
 *
 * See rounds.h. */
#include "harness/rounds.h"

#include <stdlib.h>

#include "verify/statement.h"

enum assay_status assay_rounds_open(struct assay_rounds *rounds, const char *attestation, struct assay_error *error)
{
	char detail[64];
	enum assay_reason reason;
	char *path = assay_beside(attestation, ".transcript");

	*rounds = (struct assay_rounds){0};
	if (!path)
		return assay_fail(error, ASSAY_ERROR_INPUT, "io.name", "%s: does not end in .intoto.json", attestation);
	enum assay_status status = assay_transcript_open(&rounds->transcript, path, &reason, error);
	if (!status && (reason || assay_challenge_parse(&rounds->challenge, rounds->transcript.challenge,
	                                                rounds->transcript.challenge_len, detail, sizeof detail)))
		status = assay_fail(error, ASSAY_ERROR_INPUT, "transcript.malformed",
		                    "%s: not a transcript of this version (see `assay verify`)", path);
	rounds->malformed = status != ASSAY_OK;
	free(path);
	return status;
}

void assay_rounds_close(struct assay_rounds *rounds)
{
	if (rounds)
		assay_transcript_close(&rounds->transcript);
}

bool assay_rounds_run(struct assay_rounds *rounds, uint32_t *segment, uint32_t *device, uint32_t *count)
{
	FILE *file = rounds->transcript.file;
	uint8_t bytes[4];
	uint64_t ns;

	while (rounds->left)
		if (!assay_rounds_next(rounds, &ns))
			return false;
	if (rounds->malformed || rounds->runs == rounds->challenge.segment_count * rounds->challenge.devices)
		return false;
	rounds->malformed = fread(bytes, 1, sizeof bytes, file) != sizeof bytes;
	*count = rounds->malformed ? 0 : assay_le32_read(bytes);
	rounds->malformed = rounds->malformed || *count > ASSAY_ROUNDS_MAX ||
	                    fseeko(file, (off_t)*count * ASSAY_HASH_BYTES, SEEK_CUR) != 0;
	if (rounds->malformed)
		return false;
	*segment = rounds->runs / rounds->challenge.devices;
	*device = rounds->runs % rounds->challenge.devices;
	rounds->runs++;
	rounds->left = *count;
	return true;
}

bool assay_rounds_next(struct assay_rounds *rounds, uint64_t *ns)
{
	uint8_t bytes[8];

	if (rounds->malformed || rounds->left == 0)
		return false;
	rounds->malformed = fread(bytes, 1, sizeof bytes, rounds->transcript.file) != sizeof bytes;
	if (rounds->malformed) {
		rounds->left = 0;
		return false;
	}
	rounds->left--;
	*ns = assay_le64_read(bytes);
	return true;
}
