/* SPDX-License-Identifier: Apache-2.0
 *
 * Header and first pass. See transcript.h. SPEC 7, 4. */
#include "verify/transcript.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "verify/chain.h"

/* Reads exactly `len` bytes into the digest too. False at the end of the file or on an error. */
static bool take(struct assay_transcript *transcript, void *bytes, size_t len)
{
	if (fread(bytes, 1, len, transcript->file) != len) {
		transcript->io_error = ferror(transcript->file) != 0;
		return false;
	}
	crypto_hash_sha256_update(&transcript->digest, bytes, len);
	if (transcript->in_openings)
		crypto_hash_sha256_update(&transcript->openings, bytes, len);
	return true;
}

static bool take_over(struct assay_transcript *transcript, uint64_t len)
{
	uint8_t buffer[16384];

	for (; len > 0; len -= len < sizeof buffer ? len : sizeof buffer)
		if (!take(transcript, buffer, len < sizeof buffer ? (size_t)len : sizeof buffer))
			return false;
	return true;
}

/* LE32 length, 1 to `max`, and that many bytes; *text is for the caller to release even when this fails. */
static bool take_text(struct assay_transcript *transcript, uint8_t **text, uint32_t *len, uint32_t max, bool *no_memory)
{
	uint8_t prefix[4];

	if (!take(transcript, prefix, sizeof prefix))
		return false;
	*len = assay_le32_read(prefix);
	if (*len < 1 || *len > max)
		return false;
	*text = malloc(*len);
	*no_memory = !*text;
	return *text && take(transcript, *text, *len);
}

enum assay_status assay_transcript_open(struct assay_transcript *transcript, const char *path,
                                        enum assay_reason *reason, struct assay_error *error)
{
	char magic[8];
	bool no_memory = false;

	memset(transcript, 0, sizeof *transcript);
	*reason = ASSAY_REASON_TRANSCRIPT_MALFORMED;
	transcript->file = fopen(path, "rb");
	if (!transcript->file)
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s; it belongs beside the attestation", path,
		                  strerror(errno));
	crypto_hash_sha256_init(&transcript->digest);
	if (take(transcript, magic, sizeof magic)) {
		if (memcmp(magic, ASSAY_TRANSCRIPT_MAGIC, 7) == 0 && magic[7] != ASSAY_TRANSCRIPT_MAGIC[7])
			*reason = ASSAY_REASON_TRANSCRIPT_VERSION;
		else if (memcmp(magic, ASSAY_TRANSCRIPT_MAGIC, 8) == 0 &&
		         take_text(transcript, &transcript->challenge, &transcript->challenge_len,
		                   ASSAY_CHALLENGE_BYTES_MAX, &no_memory) &&
		         take_text(transcript, &transcript->devices, &transcript->devices_len, ASSAY_DEVICES_BYTES_MAX,
		                   &no_memory) &&
		         take(transcript, transcript->key, sizeof transcript->key))
			*reason = ASSAY_REASON_NONE;
	}
	if (no_memory)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	if (transcript->io_error)
		return assay_fail(error, ASSAY_ERROR_IO, "io.read", "%s: cannot be read", path);
	return ASSAY_OK;
}

void assay_transcript_close(struct assay_transcript *transcript)
{
	if (!transcript)
		return;
	if (transcript->file)
		fclose(transcript->file);
	free(transcript->challenge);
	free(transcript->devices);
	memset(transcript, 0, sizeof *transcript);
}

/* One run record (SPEC 7.2). */
static bool run_record(struct assay_transcript *transcript, const struct assay_segment *segment,
                       struct assay_commit *commit, uint32_t *rounds, const char **what)
{
	uint8_t count[4], root[32];

	*what = "a run record is cut short";
	if (!take(transcript, count, sizeof count))
		return false;
	*rounds = assay_le32_read(count);
	if (!assay_segment_rounds_allowed(segment, *rounds) || (segment->rounds && *rounds > segment->rounds)) {
		*what = "a run has more rounds than allowed or asked for";
		return false;
	}
	assay_commit_rounds(commit, *rounds);
	for (uint32_t r = 0; r < *rounds; r++) {
		if (!take(transcript, root, sizeof root))
			return false;
		assay_commit_root(commit, root);
	}
	return take_over(transcript, UINT64_C(8) * *rounds);
}

static bool records(struct assay_transcript *transcript, const struct assay_challenge *challenge, const char **what)
{
	for (uint32_t j = 0; j < challenge->segment_count; j++) {
		struct assay_commit commit;

		assay_commit_start(&commit, j);
		for (uint32_t d = 0; d < challenge->devices; d++)
			if (!run_record(transcript, &challenge->segments[j], &commit, &transcript->rounds[j][d], what))
				return false;
		assay_commit_finish(&commit, transcript->commits[j]);
	}

	*what = "an opening record is cut short";
	crypto_hash_sha256_init(&transcript->openings);
	transcript->in_openings = true;
	for (uint32_t j = 0; j < challenge->segment_count; j++) {
		const struct assay_segment *segment = &challenge->segments[j];
		uint64_t opening = UINT64_C(32) * challenge->samples * segment->work->depth(&segment->params);
		for (uint32_t d = 0; d < challenge->devices; d++)
			if (transcript->rounds[j][d] && !take_over(transcript, opening))
				return false;
	}
	crypto_hash_sha256_final(&transcript->openings, transcript->openings_digest);
	transcript->in_openings = false;
	*what = "there are bytes after its end";
	return getc(transcript->file) == EOF;
}

enum assay_reason assay_transcript_records(struct assay_transcript *transcript, const struct assay_challenge *challenge,
                                           uint8_t digest[32], char *detail, size_t detail_len)
{
	const char *what;

	if (!records(transcript, challenge, &what)) {
		snprintf(detail, detail_len, "%s", what);
		return ASSAY_REASON_TRANSCRIPT_MALFORMED;
	}
	crypto_hash_sha256_final(&transcript->digest, digest);
	return ASSAY_REASON_NONE;
}

off_t assay_transcript_run_at(const struct assay_transcript *transcript, const struct assay_challenge *challenge,
                              uint32_t segment, uint32_t device)
{
	off_t at = 8 + 4 + (off_t)transcript->challenge_len + 4 + (off_t)transcript->devices_len + ASSAY_KEY_BYTES;

	for (uint32_t i = 0; i < segment * challenge->devices + device; i++)
		at += 4 + (off_t)transcript->rounds[i / challenge->devices][i % challenge->devices] *
		              (ASSAY_HASH_BYTES + 8);
	return at;
}

void assay_transcript_chain(struct assay_transcript *transcript, const struct assay_challenge *challenge,
                            const uint8_t *nonces, uint8_t job[32])
{
	uint8_t seed[32];

	assay_chain_job(job, transcript->challenge, transcript->challenge_len, transcript->key, transcript->devices,
	                transcript->devices_len);
	assay_chain_first_segment(seed, job, nonces);
	for (uint32_t j = 0; j < challenge->segment_count; j++) {
		memcpy(transcript->segment_seeds[j], seed, 32);
		assay_chain_next_segment(seed, seed, transcript->commits[j], nonces + 32 * (j + 1));
	}
	memcpy(transcript->sample_key, seed, 32);
}
