/* SPDX-License-Identifier: Apache-2.0
 *
 * What telemetry said, as records of a checkpoint. See checkpoint.h, journal.h. */
#include <string.h>

#include "harness/checkpoint.h"
#include "verify/json.h"

enum { READINGS_MAX = 1 << 20 }; /* of one record: a day's */

/* In place of a segment; the greatest number of all is a pause. */
static uint32_t mark_of(unsigned kind)
{
	return UINT32_MAX - 1 - kind;
}

static void count_write(uint8_t bytes[4], int64_t count)
{
	assay_le32_write(bytes, count < 0 || count >= UINT32_MAX ? UINT32_MAX : (uint32_t)count);
}

static int64_t count_read(const uint8_t bytes[4])
{
	return assay_le32_read(bytes) == UINT32_MAX ? -1 : (int64_t)assay_le32_read(bytes);
}

void assay_note_write(uint8_t record[ASSAY_RECORD_BYTES], const struct assay_telemetry_note *note)
{
	uint8_t *at = record + 8;

	memset(record, 0, ASSAY_RECORD_BYTES);
	assay_le32_write(record, mark_of(note->kind));
	assay_le32_write(record + 4, note->device);
	if (note->kind == ASSAY_NOTE_ROUNDS) {
		assay_le32_write(at, note->rounds.segment);
		assay_le32_write(at + 4, note->rounds.first);
		assay_le32_write(at + 8, note->rounds.last);
		assay_le32_write(at + 12, note->rounds.throttled);
	} else if (note->kind == ASSAY_NOTE_READINGS) {
		assay_le32_write(at, (uint32_t)note->readings.quantity);
		assay_le32_write(at + 4, (uint32_t)note->readings.sum.count);
		assay_le64_write(at + 8, note->readings.at_ms);
		assay_le64_write(at + 16, (uint64_t)note->readings.sum.min);
		assay_le64_write(at + 24, (uint64_t)note->readings.sum.max);
		assay_le64_write(at + 32, (uint64_t)note->readings.sum.sum);
	} else {
		memcpy(at, note->state.source, 12);
		memcpy(at + 12, note->state.joined, 12);
		assay_le64_write(at + 24, note->state.samples);
		assay_le32_write(at + 32, note->state.reasons);
		assay_le32_write(at + 36, note->state.reasons_known);
		count_write(at + 40, note->state.ecc_errors);
		count_write(at + 44, note->state.xid_errors);
	}
}

static bool readings_read(struct assay_telemetry_note *note, const uint8_t *at)
{
	struct assay_sum *sum = &note->readings.sum;

	note->readings.quantity = (int)(assay_le32_read(at) & 255);
	note->readings.at_ms = assay_le64_read(at + 8);
	sum->count = assay_le32_read(at + 4);
	sum->min = (int64_t)assay_le64_read(at + 16);
	sum->max = (int64_t)assay_le64_read(at + 24);
	sum->sum = (int64_t)assay_le64_read(at + 32);
	return assay_le32_read(at) < ASSAY_LINE_QUANTITIES &&
	       note->readings.at_ms <= (uint64_t)ASSAY_JSON_INTEGER_MAX && sum->count > 0 &&
	       sum->count < READINGS_MAX && sum->min >= 0 && sum->min <= sum->max && sum->max <= ASSAY_READING_MAX &&
	       sum->sum >= sum->min * (int64_t)sum->count && sum->sum <= sum->max * (int64_t)sum->count;
}

static bool state_read(struct assay_telemetry_state *state, const uint8_t *at)
{
	memcpy(state->source, at, 12);
	memcpy(state->joined, at + 12, 12);
	state->samples = assay_le64_read(at + 24);
	state->reasons = assay_le32_read(at + 32);
	state->reasons_known = assay_le32_read(at + 36);
	state->ecc_errors = count_read(at + 40);
	state->xid_errors = count_read(at + 44);
	return *state->source && !state->source[11] && !state->joined[11] &&
	       state->samples <= (uint64_t)ASSAY_JSON_INTEGER_MAX;
}

bool assay_note_read(struct assay_telemetry_note *note, const uint8_t record[ASSAY_RECORD_BYTES])
{
	const uint32_t mark = assay_le32_read(record);
	const uint8_t *at = record + 8;

	memset(note, 0, sizeof *note);
	note->device = assay_le32_read(record + 4);
	if (mark == mark_of(ASSAY_NOTE_READINGS)) {
		note->kind = ASSAY_NOTE_READINGS;
		return readings_read(note, at);
	}
	if (mark == mark_of(ASSAY_NOTE_STATE)) {
		note->kind = ASSAY_NOTE_STATE;
		return state_read(&note->state, at);
	}
	note->kind = ASSAY_NOTE_ROUNDS;
	note->rounds.segment = assay_le32_read(at);
	note->rounds.first = assay_le32_read(at + 4);
	note->rounds.last = assay_le32_read(at + 8);
	note->rounds.throttled = assay_le32_read(at + 12);
	return mark == mark_of(ASSAY_NOTE_ROUNDS) && note->rounds.first <= note->rounds.last;
}
