/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of a checkpoint, and reading one. See journal.h. */
#include "harness/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/measure.h"
#include "verify/transcript.h"

#define MAGIC "assay-j2"

enum { IDS_BYTES_MAX = 4096, FIXED_BYTES = ASSAY_KEY_BYTES + 8 + 4 + 4 + 4 };

void assay_record_write(uint8_t record[ASSAY_RECORD_BYTES], uint32_t segment, uint32_t device,
                        const uint8_t root[ASSAY_HASH_BYTES], uint64_t round_ns, uint64_t elapsed_ns)
{
	assay_le32_write(record, segment);
	assay_le32_write(record + 4, device);
	memcpy(record + 8, root, ASSAY_HASH_BYTES);
	assay_le64_write(record + 40, round_ns);
	assay_le64_write(record + 48, elapsed_ns);
}

size_t assay_batch_len(size_t count)
{
	return 4 + count * ASSAY_RECORD_BYTES + ASSAY_HASH_BYTES;
}

void assay_batch_check(uint8_t check[ASSAY_HASH_BYTES], const uint8_t before[ASSAY_HASH_BYTES], const uint8_t *batch,
                       size_t count)
{
	const struct assay_part parts[] = {{before, ASSAY_HASH_BYTES}, {batch, 4 + count * ASSAY_RECORD_BYTES}};

	assay_hash(check, "assay journal batch\n", parts, 2);
}

static void header_check(uint8_t check[ASSAY_HASH_BYTES], const uint8_t *header, size_t len)
{
	const struct assay_part part = {header, len};

	assay_hash(check, "assay journal\n", &part, 1);
}

uint8_t *assay_checkpoint_header(size_t *len, uint8_t check[ASSAY_HASH_BYTES], const struct assay_job *job,
                                 uint64_t started)
{
	char ids[IDS_BYTES_MAX] = "";

	for (uint32_t d = 0; d < job->challenge.devices; d++)
		snprintf(ids + strlen(ids), sizeof ids - strlen(ids), "%s%s", d ? "," : "", job->devices[d].id);
	const char *const texts[] = {job->challenge_text, job->devices_text, ids};
	*len = 8 + FIXED_BYTES + ASSAY_HASH_BYTES;
	for (size_t i = 0; i < 3; i++)
		*len += 4 + strlen(texts[i]);
	uint8_t *header = malloc(*len), *at = header;
	if (!header)
		return NULL;
	memcpy(at, MAGIC, 8);
	at += 8;
	for (size_t i = 0; i < 3; i++) {
		assay_le32_write(at, (uint32_t)strlen(texts[i]));
		memcpy(at + 4, texts[i], strlen(texts[i]));
		at += 4 + strlen(texts[i]);
	}
	memcpy(at, job->key, ASSAY_KEY_BYTES);
	assay_le64_write(at + 32, started);
	assay_le32_write(at + 40, job->stagger_ms);
	assay_le32_write(at + 44, job->repeat_every);
	assay_le32_write(at + 48, job->power_budget_w);
	at += FIXED_BYTES;
	header_check(check, header, (size_t)(at - header));
	memcpy(at, check, ASSAY_HASH_BYTES);
	return header;
}

/* ---- Reading ---- */

/* What is left of the file, so that no length in it is believed. */
struct source {
	FILE *file;
	uint64_t left;
	crypto_hash_sha256_state digest; /* of the header */
};

static bool take(struct source *source, void *bytes, uint64_t len)
{
	if (len > source->left || fread(bytes, 1, len, source->file) != len)
		return false;
	source->left -= len;
	return true;
}

static bool take_header(struct source *source, void *bytes, uint64_t len)
{
	bool good = take(source, bytes, len);

	if (good)
		crypto_hash_sha256_update(&source->digest, bytes, len);
	return good;
}

/* A text with a terminator that is not counted; the caller releases it. */
static bool take_text(struct source *source, char **text, uint32_t max)
{
	uint8_t prefix[4];

	if (!take_header(source, prefix, sizeof prefix))
		return false;
	uint32_t len = assay_le32_read(prefix);
	if (len < 1 || len > max)
		return false;
	*text = malloc(len + 1);
	if (!*text || !take_header(source, *text, len))
		return false;
	(*text)[len] = '\0';
	return strlen(*text) == len;
}

static bool header_read(struct assay_checkpoint *checkpoint, struct source *source)
{
	static const char label[] = "assay journal\n";
	uint8_t fixed[FIXED_BYTES], check[ASSAY_HASH_BYTES];
	char magic[8], detail[64];

	crypto_hash_sha256_init(&source->digest);
	crypto_hash_sha256_update(&source->digest, (const uint8_t *)label, sizeof label - 1);
	if (!take_header(source, magic, sizeof magic) || memcmp(magic, MAGIC, sizeof magic) != 0 ||
	    !take_text(source, &checkpoint->challenge_text, ASSAY_CHALLENGE_BYTES_MAX) ||
	    !take_text(source, &checkpoint->devices_text, ASSAY_DEVICES_BYTES_MAX) ||
	    !take_text(source, &checkpoint->ids, IDS_BYTES_MAX) || !take_header(source, fixed, sizeof fixed) ||
	    !take(source, checkpoint->check, sizeof check))
		return false;
	crypto_hash_sha256_final(&source->digest, check);
	memcpy(checkpoint->key, fixed, ASSAY_KEY_BYTES);
	checkpoint->started = assay_le64_read(fixed + 32);
	checkpoint->stagger_ms = assay_le32_read(fixed + 40);
	checkpoint->repeat_every = assay_le32_read(fixed + 44);
	checkpoint->power_budget_w = assay_le32_read(fixed + 48);
	return memcmp(check, checkpoint->check, sizeof check) == 0 &&
	       assay_challenge_parse(&checkpoint->challenge, checkpoint->challenge_text,
	                             strlen(checkpoint->challenge_text), detail, sizeof detail) == ASSAY_REASON_NONE;
}

/* The next batch, to be released with free(); NULL at what is not a whole one. */
static uint8_t *batch_read(struct assay_checkpoint *checkpoint, struct source *source, size_t *count)
{
	uint8_t prefix[4], check[ASSAY_HASH_BYTES];

	if (!take(source, prefix, sizeof prefix))
		return NULL;
	*count = assay_le32_read(prefix);
	if (*count < 1 || *count > source->left / ASSAY_RECORD_BYTES)
		return NULL;
	uint8_t *batch = malloc(assay_batch_len(*count));
	if (!batch)
		return NULL;
	memcpy(batch, prefix, sizeof prefix);
	bool good = take(source, batch + 4, *count * ASSAY_RECORD_BYTES + ASSAY_HASH_BYTES);
	if (good)
		assay_batch_check(check, checkpoint->check, batch, *count);
	if (good && memcmp(check, batch + 4 + *count * ASSAY_RECORD_BYTES, sizeof check) == 0) {
		memcpy(checkpoint->check, check, sizeof check);
		return batch;
	}
	free(batch);
	return NULL;
}

/* What telemetry said. Of rounds only those count that are there, one after the other. */
static bool note_take(struct assay_checkpoint *checkpoint, const uint8_t record[ASSAY_RECORD_BYTES])
{
	struct assay_telemetry_note note;

	if (!assay_note_read(&note, record) || note.device >= checkpoint->challenge.devices)
		return false;
	struct assay_telemetry_past *past = &checkpoint->past[note.device];
	if (note.kind == ASSAY_NOTE_READINGS) {
		assay_timeline_add(&past->line, note.readings.at_ms, note.readings.quantity, &note.readings.sum);
	} else if (note.kind == ASSAY_NOTE_STATE) {
		past->state = note.state;
	} else {
		if (note.rounds.segment >= checkpoint->challenge.segment_count)
			return false;
		const uint32_t i = note.rounds.segment * checkpoint->challenge.devices + note.device;
		struct assay_run_log *log = &checkpoint->runs[i];
		if (note.rounds.first != checkpoint->told[i] || note.rounds.last >= log->rounds)
			return true;
		checkpoint->told[i] = note.rounds.last + 1;
		if (note.rounds.throttled) {
			assay_throttled_add(&log->telemetry.throttled, note.rounds.first, note.rounds.last);
			log->telemetry.throttled_rounds += note.rounds.last - note.rounds.first + 1;
		}
	}
	return true;
}

/* What is known of some rounds of a run only is not known of the run. */
static void telemetry_settle(struct assay_checkpoint *checkpoint)
{
	for (uint32_t i = 0; i < checkpoint->challenge.segment_count * checkpoint->challenge.devices; i++) {
		struct assay_run_log *log = &checkpoint->runs[i];
		log->telemetry.energy_mj = -1;
		if (checkpoint->told[i] < log->rounds)
			log->telemetry.throttled_rounds = -1;
	}
}

static enum assay_status append(struct assay_run_log *log, const uint8_t record[ASSAY_RECORD_BYTES],
                                struct assay_error *error)
{
	enum assay_status status = assay_log_reserve(log, error);

	if (status)
		return status;
	memcpy(log->roots[log->rounds], record + 8, ASSAY_HASH_BYTES);
	log->round_ns[log->rounds] = assay_le64_read(record + 40);
	log->elapsed_ns = assay_le64_read(record + 48);
	/* The device's own clock is not kept. */
	log->device_ns[log->rounds] = ASSAY_NS_UNKNOWN;
	log->bands_dropped = true;
	log->rounds++;
	return ASSAY_OK;
}

/* Records whose check holds are what a harness wrote, unless the file was made to mislead. */
static enum assay_status records_take(struct assay_checkpoint *checkpoint, uint32_t *segment, const uint8_t *records,
                                      size_t count, struct assay_error *error)
{
	const struct assay_challenge *challenge = &checkpoint->challenge;

	for (const uint8_t *record = records; count > 0; count--, record += ASSAY_RECORD_BYTES) {
		const uint32_t j = assay_le32_read(record), d = assay_le32_read(record + 4);
		if (j == UINT32_MAX && d == UINT32_MAX) {
			checkpoint->pauses++;
			continue;
		}
		if (note_take(checkpoint, record))
			continue;
		if (j < *segment || j >= challenge->segment_count || d >= challenge->devices)
			return assay_fail(error, ASSAY_ERROR_INPUT, "checkpoint.malformed", "a record out of place");
		struct assay_run_log *log = &checkpoint->runs[j * challenge->devices + d];
		const struct assay_segment *asked = &challenge->segments[j];
		*segment = j;
		if (!assay_segment_rounds_allowed(asked, log->rounds + 1) ||
		    (asked->rounds && log->rounds >= asked->rounds) || assay_le64_read(record + 48) < log->elapsed_ns)
			return assay_fail(error, ASSAY_ERROR_INPUT, "checkpoint.malformed", "a round that cannot be");
		enum assay_status status = append(log, record, error);
		if (status)
			return status;
		checkpoint->rounds++;
	}
	return ASSAY_OK;
}

static enum assay_status read_all(struct assay_checkpoint *checkpoint, struct source *source, uint64_t size,
                                  struct assay_error *error)
{
	enum assay_status status = ASSAY_OK;
	uint32_t segment = 0;
	size_t count;

	if (!header_read(checkpoint, source))
		return assay_fail(error, ASSAY_ERROR_INPUT, "checkpoint.malformed",
		                  "no checkpoint of this version, or its head is damaged");
	const size_t runs = (size_t)checkpoint->challenge.segment_count * checkpoint->challenge.devices;
	checkpoint->runs = calloc(runs, sizeof *checkpoint->runs);
	checkpoint->told = calloc(runs, sizeof *checkpoint->told);
	checkpoint->past = calloc(checkpoint->challenge.devices, sizeof *checkpoint->past);
	if (!checkpoint->runs || !checkpoint->told || !checkpoint->past)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	checkpoint->len = size - source->left;
	for (uint8_t *batch; !status && (batch = batch_read(checkpoint, source, &count)) != NULL; free(batch)) {
		status = records_take(checkpoint, &segment, batch + 4, count, error);
		checkpoint->len += assay_batch_len(count);
	}
	checkpoint->dropped = size - checkpoint->len;
	telemetry_settle(checkpoint);
	return status;
}

enum assay_status assay_checkpoint_read(struct assay_checkpoint *checkpoint, const char *path,
                                        struct assay_error *error)
{
	struct source source = {.file = fopen(path, "rb")};
	struct assay_error why;
	struct stat info;

	memset(checkpoint, 0, sizeof *checkpoint);
	if (!source.file || fstat(fileno(source.file), &info) != 0 || !S_ISREG(info.st_mode)) {
		enum assay_status status = assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s", path,
		                                      source.file ? "not a file" : strerror(errno));
		if (source.file)
			fclose(source.file);
		return status;
	}
	source.left = (uint64_t)info.st_size;
	enum assay_status status = read_all(checkpoint, &source, source.left, &why);
	if (ferror(source.file))
		status = assay_fail(error, ASSAY_ERROR_IO, "io.read", "%s: cannot be read", path);
	else if (status)
		status = assay_fail(error, status, why.reason, "%s: %s", path, why.text);
	fclose(source.file);
	return status;
}

void assay_checkpoint_close(struct assay_checkpoint *checkpoint)
{
	if (!checkpoint)
		return;
	for (uint32_t i = 0;
	     checkpoint->runs && i < checkpoint->challenge.segment_count * checkpoint->challenge.devices; i++)
		assay_log_release(&checkpoint->runs[i]);
	free(checkpoint->runs);
	free(checkpoint->told);
	free(checkpoint->past);
	free(checkpoint->challenge_text);
	free(checkpoint->devices_text);
	free(checkpoint->ids);
	memset(checkpoint, 0, sizeof *checkpoint);
}
