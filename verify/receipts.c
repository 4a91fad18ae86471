/* SPDX-License-Identifier: Apache-2.0
 *
 * See receipts.h. SPEC 8.6. */
#include "verify/receipts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

enum { FILE_BYTES_MAX = ASSAY_STEPS_MAX * ASSAY_STEP_LINE_MAX };

bool assay_receipt_open(struct assay_step *step, bool *is_signed, const char *line, size_t len,
                        const uint8_t key[ASSAY_KEY_BYTES])
{
	struct assay_envelope envelope;
	char keyid[65];

	*is_signed = false;
	if (len >= ASSAY_STEP_LINE_MAX || !assay_envelope_parse(&envelope, ASSAY_TYPE_RECEIPT, line, len))
		return false;
	const bool good = assay_receipt_parse(step, envelope.payload, envelope.payload_len);
	assay_keyid(keyid, key);
	*is_signed = good && strcmp(keyid, envelope.keyid) == 0 && assay_envelope_signed_by(&envelope, key);
	free(envelope.payload);
	return good;
}

static bool line_parse(struct assay_receipts *receipts, const char *line, size_t len)
{
	struct assay_envelope *envelope = &receipts->envelopes[receipts->count];

	if (!assay_envelope_parse(envelope, ASSAY_TYPE_RECEIPT, line, len))
		return false;
	return assay_receipt_parse(&receipts->steps[receipts->count++], envelope->payload, envelope->payload_len);
}

/* Line by line, each with its newline. */
static bool lines_parse(struct assay_receipts *receipts, uint32_t count, const char *text, size_t len)
{
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t line_len = end ? (size_t)(end - text) + 1 : 0;
		if (!end || receipts->count == count || line_len >= ASSAY_STEP_LINE_MAX ||
		    !line_parse(receipts, text, line_len))
			return false;
		text += line_len;
		len -= line_len;
	}
	return receipts->count == count;
}

/* The digest of a text and of what follows it in the file; true when something does. */
static bool rest_digest(uint8_t digest[32], const char *text, size_t len, FILE *file)
{
	crypto_hash_sha256_state state;
	uint8_t more[4096];
	bool longer = false;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const uint8_t *)text, len);
	while ((len = fread(more, 1, sizeof more, file)) > 0) {
		crypto_hash_sha256_update(&state, more, len);
		longer = true;
	}
	crypto_hash_sha256_final(&state, digest);
	return longer;
}

enum assay_status assay_receipts_read(struct assay_receipts *receipts, uint32_t count, const char *path,
                                      enum assay_reason *reason, struct assay_error *error)
{
	enum assay_status status = ASSAY_OK;

	memset(receipts, 0, sizeof *receipts);
	*reason = ASSAY_REASON_RECEIPTS_MISSING;
	FILE *file = path ? fopen(path, "rb") : NULL;
	if (!file)
		return !path || errno == ENOENT
		           ? ASSAY_OK
		           : assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s", path, strerror(errno));
	char *text = malloc(FILE_BYTES_MAX);
	size_t len = text ? fread(text, 1, FILE_BYTES_MAX, file) : 0;
	bool longer = text && rest_digest(receipts->digest, text, len, file);
	if (!text)
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	else if (ferror(file))
		status = assay_fail(error, ASSAY_ERROR_IO, "io.read", "%s: %s", path, strerror(errno));
	else
		*reason = !longer && lines_parse(receipts, count, text, len) ? ASSAY_REASON_NONE
		                                                             : ASSAY_REASON_RECEIPTS_MALFORMED;
	free(text);
	fclose(file);
	return status;
}

void assay_receipts_close(struct assay_receipts *receipts)
{
	for (uint32_t i = 0; i < ASSAY_STEPS_MAX; i++)
		free(receipts->envelopes[i].payload);
	memset(receipts, 0, sizeof *receipts);
}

const char *assay_receipt_fault(const struct assay_step *step, const struct assay_step *before, uint32_t number,
                                const struct assay_receipts_of *of, const uint8_t *commit)
{
	if (!assay_step_is(step, number))
		return "is of another step";
	if (memcmp(step->challenge, of->digest, 32) != 0)
		return "is of another challenge";
	if (memcmp(step->job, of->job, 32) != 0)
		return "is of another job";
	if (step->is_commit && commit && memcmp(step->commit, commit, 32) != 0)
		return "is of another commitment";
	if (before && step->at_ns <= before->at_ns)
		return "is not later than the one before";
	return assay_steps_over(of->challenge, step->at_ns) ? "is of a time after the challenge expired" : NULL;
}

enum assay_reason assay_receipts_match(const struct assay_receipts *receipts, const struct assay_receipts_of *of,
                                       char *detail, size_t detail_len)
{
	char keyid[65];

	assay_hex(keyid, of->challenge->verifier);
	for (uint32_t i = 0; i < receipts->count; i++) {
		const struct assay_step *step = &receipts->steps[i];
		const uint8_t *commit = i % 2 ? of->commits[i / 2] : NULL;
		const char *what = assay_receipt_fault(step, i ? step - 1 : NULL, i, of, commit);
		if (!what && strcmp(receipts->envelopes[i].keyid, keyid) != 0)
			what = "is signed by another key than the challenge's";
		if (!what)
			continue;
		snprintf(detail, detail_len, "line %u %s", i + 1, what);
		return ASSAY_REASON_RECEIPTS_MISMATCH;
	}
	return ASSAY_REASON_NONE;
}

bool assay_receipts_signed_by(const struct assay_receipts *receipts, const uint8_t key[ASSAY_KEY_BYTES])
{
	for (uint32_t i = 0; i < receipts->count; i++)
		if (!assay_envelope_signed_by(&receipts->envelopes[i], key))
			return false;
	return receipts->count > 0;
}

void assay_receipts_nonces(const struct assay_receipts *receipts, uint8_t *nonces)
{
	for (uint32_t i = 0; i < receipts->count; i += 2)
		memcpy(nonces + 32 * (i / 2), receipts->steps[i].nonce, 32);
}
