/* SPDX-License-Identifier: Apache-2.0
 *
 * See card.h. */
#include "harness/card.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const assay_throttle_names[ASSAY_THROTTLES] = {
    [ASSAY_THROTTLE_HW_POWER_BRAKE] = "hw-power-brake",
    [ASSAY_THROTTLE_HW_SLOWDOWN] = "hw-slowdown",
    [ASSAY_THROTTLE_HW_THERMAL] = "hw-thermal",
    [ASSAY_THROTTLE_SW_POWER_CAP] = "sw-power-cap",
    [ASSAY_THROTTLE_SW_THERMAL] = "sw-thermal",
    [ASSAY_THROTTLE_SYNC_BOOST] = "sync-boost",
    [ASSAY_THROTTLE_THERMAL] = "thermal",
};

const struct assay_sample assay_sample_unknown = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, ASSAY_REASONS_UNKNOWN};

/* Room for one more. */
static bool list_grow(struct assay_round **list, size_t count, size_t *capacity)
{
	if (count < *capacity)
		return true;
	size_t more = *capacity ? 2 * *capacity : 16;
	struct assay_round *grown = realloc(*list, more * sizeof *grown);
	if (!grown)
		return false;
	*list = grown;
	*capacity = more;
	return true;
}

static void settled_add(struct assay_card *card, bool throttled)
{
	const uint32_t round = card->place.round;
	struct assay_settled *last = card->settled_count ? &card->settled[card->settled_count - 1] : NULL;

	if (last && last->segment == card->place.segment && last->throttled == throttled && last->last + 1 == round) {
		last->last = round;
		return;
	}
	if (card->settled_count == card->settled_capacity) {
		const size_t more = card->settled_capacity ? 2 * card->settled_capacity : 16;
		struct assay_settled *grown = realloc(card->settled, more * sizeof *grown);
		if (!grown) {
			card->reasons_unknown = true;
			return;
		}
		card->settled = grown;
		card->settled_capacity = more;
	}
	card->settled[card->settled_count++] = (struct assay_settled){card->place.segment, round, round, throttled};
}

static bool overlap(const struct assay_round *a, const struct assay_round *b)
{
	return a->begin_ns < b->end_ns && b->begin_ns < a->end_ns;
}

static void settle(struct assay_card *card, const struct assay_round *round)
{
	card->throttled_rounds += round->is_throttled;
	if (round->throttled)
		*round->throttled = round->is_throttled;
	if (!card->placed)
		return;
	if (round->is_throttled)
		assay_throttled_add(&card->throttled, card->place.round, card->place.round);
	if (card->kept && !card->reasons_unknown)
		settled_add(card, round->is_throttled);
	card->place.round++;
}

/* The clock was held down for a while. */
static void hold(struct assay_card *card, uint64_t from, uint64_t to)
{
	const struct assay_round while_held = {.begin_ns = from, .end_ns = to};

	for (size_t i = 0; i < card->pending_count; i++)
		card->pending[i].is_throttled |= overlap(&card->pending[i], &while_held);
	if (card->held_count && card->held[card->held_count - 1].end_ns == from)
		card->held[card->held_count - 1].end_ns = to;
	else if (list_grow(&card->held, card->held_count, &card->held_capacity))
		card->held[card->held_count++] = while_held;
	else
		card->reasons_unknown = true;
}

/* Rounds of which a reading at `now` said the last. */
static void settle_pending(struct assay_card *card, uint64_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < card->pending_count; i++) {
		if (card->pending[i].end_ns <= now)
			settle(card, &card->pending[i]);
		else
			card->pending[kept++] = card->pending[i];
	}
	card->pending_count = kept;
}

/* Energy between two readings, by the counter, else by the mean power; -1 = unknown. */
static double energy_between(const struct assay_sample *last, const struct assay_sample *sample, uint64_t ns)
{
	if (last->energy_uj >= 0 && sample->energy_uj >= 0)
		return sample->energy_uj >= last->energy_uj ? (double)(sample->energy_uj - last->energy_uj) : -1;
	if (last->power_mw >= 0 && sample->power_mw >= 0)
		return ((double)last->power_mw + (double)sample->power_mw) / 2 * (double)ns / 1e6;
	return -1;
}

static void line_add(struct assay_card *card, uint64_t now, int quantity, int64_t value)
{
	const struct assay_sum sum = {.count = 1, .min = value, .max = value, .sum = value};
	const uint64_t at_ms = (now - card->place.origin_ns) / 1000000;

	if (!card->placed || value < 0 || value > ASSAY_READING_MAX)
		return;
	assay_timeline_add(&card->line, at_ms, quantity, &sum);
	if (card->kept)
		assay_timeline_add(&card->unsaved, at_ms, quantity, &sum);
}

/* What is claimed of the device speaks of its runs alone. */
static void collect(struct assay_card *card, const struct assay_sample *sample, uint64_t now)
{
	const int64_t values[ASSAY_LINE_QUANTITIES] = {[ASSAY_LINE_CLOCK] = sample->clock_mhz,
	                                               [ASSAY_LINE_MEMORY_CLOCK] = sample->memory_clock_mhz,
	                                               [ASSAY_LINE_POWER] = sample->power_mw,
	                                               [ASSAY_LINE_TEMPERATURE] = sample->temperature_mc};

	for (int q = 0; q < ASSAY_LINE_QUANTITIES; q++) {
		line_add(card, now, q, values[q]);
		assay_readings_add(&card->readings[q], values[q]);
	}
	card->samples++;
	card->in_runs = *sample;
}

/* A reading's part in the run. */
static void note_run(struct assay_card *card, const struct assay_sample *sample, uint64_t now, double used)
{
	const double a_ns = now > card->last_ns ? (used < 0 ? 0 : used) / (double)(now - card->last_ns) : 0;

	if (card->begin_ns >= card->last_ns)
		card->begin_uj = card->energy_uj + a_ns * (double)(card->begin_ns - card->last_ns);
	card->energy_unknown |= used < 0;
	card->reasons_unknown |= sample->reasons == ASSAY_REASONS_UNKNOWN;
	card->reasons_gap |= sample->reasons == ASSAY_REASONS_UNKNOWN;
	card->reasons_ever |= sample->reasons != ASSAY_REASONS_UNKNOWN;
	if (sample->reasons != ASSAY_REASONS_UNKNOWN && sample->reasons != 0) {
		card->reasons |= sample->reasons;
		hold(card, card->last_ns, now);
	}
	settle_pending(card, now);
	if (card->phase == CARD_RUNS || now <= card->end_ns)
		collect(card, sample, now);
	if (card->phase == CARD_ENDS && now >= card->end_ns) {
		/* What went wrong until the end. */
		card->in_runs.ecc_errors = sample->ecc_errors;
		card->in_runs.xid_errors = sample->xid_errors;
		card->end_uj = card->energy_uj + a_ns * (double)(card->end_ns - card->last_ns);
		card->phase = CARD_IDLE;
	}
}

void assay_card_note(struct assay_card *card, const struct assay_sample *read, uint64_t now)
{
	struct assay_sample sample = *read;

	if (!card->sampled) {
		card->first = card->last = sample;
		card->sampled = true;
		card->last_ns = now;
		card->in_runs = assay_sample_unknown;
		return;
	}
	const double used = energy_between(&card->last, &sample, now - card->last_ns);
	/* Who tells energy alone tells power too. */
	if (sample.power_mw < 0 && sample.energy_uj >= 0 && used >= 0 && now > card->last_ns)
		sample.power_mw = (int64_t)(used * 1e6 / (double)(now - card->last_ns));
	if (card->phase != CARD_IDLE && now > card->begin_ns)
		note_run(card, &sample, now, used);
	card->energy_uj += used > 0 ? used : 0;
	card->last = sample;
	card->last_ns = now;
}

void assay_card_begin(struct assay_card *card, uint64_t begin_ns, const struct assay_telemetry_place *place)
{
	card->phase = CARD_RUNS;
	card->begin_ns = begin_ns;
	card->throttled_rounds = 0;
	card->pending_count = card->held_count = 0;
	card->begin_uj = card->energy_uj;
	card->energy_unknown = card->reasons_unknown = !card->sampled;
	card->throttled.count = 0;
	card->placed = place != NULL;
	if (!place)
		return;
	card->place = *place;
	card->throttled = *place->throttled;
	card->throttled_rounds = place->throttled_rounds;
	/* Energy of the part before is not known to its end. */
	card->energy_unknown |= place->round > 0;
	card->reasons_unknown |= place->throttled_rounds < 0;
}

void assay_card_round(struct assay_card *card, uint64_t begin_ns, uint64_t end_ns, bool *throttled)
{
	struct assay_round round = {.begin_ns = begin_ns, .end_ns = end_ns, .throttled = throttled};
	size_t kept = 0;

	if (card->phase != CARD_RUNS)
		return;
	for (size_t i = 0; i < card->held_count; i++) {
		round.is_throttled |= overlap(&round, &card->held[i]);
		if (card->held[i].end_ns > end_ns)
			card->held[kept++] = card->held[i];
	}
	card->held_count = kept;
	if (end_ns <= card->last_ns)
		settle(card, &round);
	else if (list_grow(&card->pending, card->pending_count, &card->pending_capacity))
		card->pending[card->pending_count++] = round;
	else
		card->reasons_unknown = true;
}

void assay_card_end(struct assay_card *card, uint64_t end_ns)
{
	if (card->phase != CARD_RUNS)
		return;
	card->phase = CARD_ENDS;
	card->end_ns = end_ns;
}

void assay_card_result(struct assay_card *card, int64_t *energy_mj, int64_t *throttled_rounds)
{
	const bool whole = card->source && card->phase == CARD_IDLE && card->end_ns > card->begin_ns;

	*energy_mj = whole && !card->energy_unknown ? llround((card->end_uj - card->begin_uj) / 1000) : -1;
	*throttled_rounds = whole && !card->reasons_unknown ? card->throttled_rounds : -1;
	card->phase = CARD_IDLE;
	/* Nobody's flags are written to after this. */
	card->pending_count = 0;
}

/* By how much a counter rose, and by how much it had risen before the job was resumed. */
static int64_t risen(const struct assay_card *card, int64_t first, int64_t last, int64_t before)
{
	const bool here = first >= 0 && last >= first;

	if (!*card->past.source)
		return here ? last - first : -1;
	if (card->samples == card->past.samples)
		return before;
	return here && before >= 0 ? before + last - first : -1;
}

static void state_of(const struct assay_card *card, struct assay_telemetry_state *state)
{
	/* Who only opens what another device did has nothing to say of that. */
	const bool past = *card->past.source && card->samples == card->past.samples;

	snprintf(state->source, sizeof state->source, "%s", past ? card->past.source : card->reader.source);
	snprintf(state->joined, sizeof state->joined, "%s", past ? card->past.joined : card->reader.joined);
	state->samples = card->samples;
	state->reasons = card->reasons;
	/* A reason that was seen was there, whatever else is not known. */
	state->reasons_known = card->reasons || (card->reasons_ever && !card->reasons_gap);
	state->ecc_errors = risen(card, card->first.ecc_errors, card->in_runs.ecc_errors, card->past.ecc_errors);
	state->xid_errors = risen(card, card->first.xid_errors, card->in_runs.xid_errors, card->past.xid_errors);
}

void assay_card_claim(const struct assay_card *card, struct assay_telemetry_claim *claim)
{
	struct assay_telemetry_state state;
	size_t at = 0;

	*claim = assay_telemetry_none;
	if (!card->source && !*card->past.source)
		return;
	state_of(card, &state);
	snprintf(claim->source, sizeof claim->source, "%s", state.source);
	snprintf(claim->joined, sizeof claim->joined, "%s", state.joined);
	claim->samples = state.samples;
	claim->clock_mhz = assay_readings_range(&card->readings[ASSAY_LINE_CLOCK]);
	claim->memory_clock_mhz = assay_readings_range(&card->readings[ASSAY_LINE_MEMORY_CLOCK]);
	claim->power_mw = assay_readings_range(&card->readings[ASSAY_LINE_POWER]);
	claim->power_limit_mw = card->in_runs.power_limit_mw;
	claim->temperature_mc = assay_readings_range(&card->readings[ASSAY_LINE_TEMPERATURE]);
	claim->ecc_errors = state.ecc_errors;
	claim->xid_errors = state.xid_errors;
	claim->pcie_width = card->in_runs.pcie_width;
	claim->pcie_generation = card->in_runs.pcie_generation;
	claim->reasons_known = state.reasons_known;
	for (int i = 0; i < ASSAY_THROTTLES; i++)
		if (state.reasons >> i & 1)
			at += (size_t)snprintf(claim->reasons + at, sizeof claim->reasons - at, "%s%s", at ? " " : "",
			                       assay_throttle_names[i]);
}

/* ---- Through a checkpoint ---- */

/* True when there was something. */
static bool settled_save(struct assay_card *card, uint32_t device, uint32_t segment, uint32_t rounds,
                         assay_telemetry_put *put, void *context)
{
	size_t kept = 0;
	bool any = false;

	for (size_t i = 0; i < card->settled_count; i++) {
		struct assay_settled *settled = &card->settled[i];
		const uint32_t end = settled->segment < segment ? UINT32_MAX : settled->segment == segment ? rounds : 0;
		const uint32_t last = settled->last < end ? settled->last : end - 1;
		const struct assay_telemetry_note note = {
		    .kind = ASSAY_NOTE_ROUNDS,
		    .device = device,
		    .rounds = {settled->segment, settled->first, last, settled->throttled}};
		if (settled->first < end)
			put(context, &note);
		any = any || settled->first < end;
		if (settled->last < end)
			continue;
		settled->first = settled->first < end ? end : settled->first;
		card->settled[kept++] = *settled;
	}
	card->settled_count = kept;
	return any;
}

void assay_card_save(struct assay_card *card, uint32_t device, uint32_t segment, uint32_t rounds,
                     assay_telemetry_put *put, void *context)
{
	struct assay_telemetry_note note = {.kind = ASSAY_NOTE_READINGS, .device = device};
	bool any = settled_save(card, device, segment, rounds, put, context);

	for (uint64_t p = 0; p < ASSAY_TIMELINE_POINTS; p++)
		for (int q = 0; q < ASSAY_LINE_QUANTITIES; q++) {
			note.readings.at_ms = p * card->unsaved.step_ms;
			note.readings.quantity = q;
			note.readings.sum = card->unsaved.points[p][q];
			if (note.readings.sum.count)
				put(context, &note);
			any = any || note.readings.sum.count;
		}
	memset(&card->unsaved, 0, sizeof card->unsaved);
	if (!any)
		return;
	note = (struct assay_telemetry_note){.kind = ASSAY_NOTE_STATE, .device = device};
	state_of(card, &note.state);
	put(context, &note);
}

/* The mean of readings that were put together stands for each of them. */
static void readings_recall(struct assay_readings *readings, const struct assay_timeline *line, int quantity)
{
	for (size_t p = 0; p < ASSAY_TIMELINE_POINTS; p++) {
		const struct assay_sum *sum = &line->points[p][quantity];
		for (uint64_t i = 0; i < sum->count && i < ASSAY_READINGS_KEPT; i++)
			assay_readings_add(readings, sum->sum / (int64_t)sum->count);
	}
	const struct assay_sum all = assay_timeline_sum(line, quantity);
	if (all.count) {
		readings->min = all.min;
		readings->max = all.max;
	}
}

void assay_card_recall(struct assay_card *card, const struct assay_telemetry_past *past)
{
	card->in_runs = assay_sample_unknown;
	card->past = past->state;
	card->line = past->line;
	card->samples = past->state.samples;
	card->reasons = past->state.reasons;
	card->reasons_ever = past->state.reasons_known;
	card->reasons_gap = *past->state.source && !past->state.reasons_known;
	for (int q = 0; q < ASSAY_LINE_QUANTITIES; q++)
		readings_recall(&card->readings[q], &past->line, q);
}

void assay_card_release(struct assay_card *card)
{
	free(card->pending);
	free(card->held);
	free(card->settled);
	for (int q = 0; q < ASSAY_LINE_QUANTITIES; q++)
		free(card->readings[q].values);
}
