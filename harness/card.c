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

/* ---- Ranges ---- */

static void series_thin(struct assay_series *series)
{
	for (size_t i = 0; i < series->count / 2; i++)
		series->values[i] = series->values[2 * i];
	series->count /= 2;
	series->stride *= 2;
}

void assay_series_add(struct assay_series *series, int64_t value)
{
	if (value < 0)
		return;
	if (series->stride == 0) {
		series->stride = 1;
		series->min = series->max = value;
	}
	series->min = value < series->min ? value : series->min;
	series->max = value > series->max ? value : series->max;
	if (series->skipped > 0) {
		series->skipped--;
		return;
	}
	if (series->count == series->capacity && series->capacity < ASSAY_SERIES_MAX) {
		size_t capacity = series->capacity ? 2 * series->capacity : 64;
		int64_t *values = realloc(series->values, capacity * sizeof *values);
		if (values) {
			series->values = values;
			series->capacity = capacity;
		}
	}
	if (series->count == series->capacity && series->count > 1)
		series_thin(series);
	if (series->count < series->capacity)
		series->values[series->count++] = value;
	series->skipped = series->stride - 1;
}

static int ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

struct assay_range assay_series_range(const struct assay_series *series)
{
	struct assay_range range = {-1, -1, -1};
	const size_t count = series->count;
	int64_t *sorted = count ? malloc(count * sizeof *sorted) : NULL;

	if (!sorted)
		return range;
	memcpy(sorted, series->values, count * sizeof *sorted);
	qsort(sorted, count, sizeof *sorted, ascending);
	range = (struct assay_range){
	    series->min, sorted[(count - 1) / 2] + (sorted[count / 2] - sorted[(count - 1) / 2]) / 2, series->max};
	free(sorted);
	return range;
}

/* ---- Runs ---- */

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

static bool overlap(const struct assay_round *a, const struct assay_round *b)
{
	return a->begin_ns < b->end_ns && b->begin_ns < a->end_ns;
}

static void settle(struct assay_card *card, const struct assay_round *round)
{
	card->throttled_rounds += round->is_throttled;
	if (round->throttled)
		*round->throttled = round->is_throttled;
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

/* What is claimed of the device speaks of its runs alone. */
static void collect(struct assay_card *card, const struct assay_sample *sample)
{
	card->samples++;
	card->in_runs = *sample;
	assay_series_add(&card->clock, sample->clock_mhz);
	assay_series_add(&card->memory_clock, sample->memory_clock_mhz);
	assay_series_add(&card->power, sample->power_mw);
	assay_series_add(&card->temperature, sample->temperature_mc);
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
		collect(card, sample);
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

void assay_card_begin(struct assay_card *card, uint64_t begin_ns)
{
	card->phase = CARD_RUNS;
	card->begin_ns = begin_ns;
	card->throttled_rounds = 0;
	card->pending_count = card->held_count = 0;
	card->begin_uj = card->energy_uj;
	card->energy_unknown = card->reasons_unknown = !card->sampled;
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

static int64_t risen(int64_t first, int64_t last)
{
	return first >= 0 && last >= first ? last - first : -1;
}

void assay_card_claim(const struct assay_card *card, struct assay_telemetry_claim *claim)
{
	size_t at = 0;

	*claim = assay_telemetry_none;
	if (!card->source)
		return;
	snprintf(claim->source, sizeof claim->source, "%s", card->reader.source);
	snprintf(claim->joined, sizeof claim->joined, "%s", card->reader.joined);
	claim->samples = card->samples;
	claim->clock_mhz = assay_series_range(&card->clock);
	claim->memory_clock_mhz = assay_series_range(&card->memory_clock);
	claim->power_mw = assay_series_range(&card->power);
	claim->power_limit_mw = card->in_runs.power_limit_mw;
	claim->temperature_mc = assay_series_range(&card->temperature);
	claim->ecc_errors = risen(card->first.ecc_errors, card->in_runs.ecc_errors);
	claim->xid_errors = risen(card->first.xid_errors, card->in_runs.xid_errors);
	claim->pcie_width = card->in_runs.pcie_width;
	claim->pcie_generation = card->in_runs.pcie_generation;
	/* A reason that was seen was there, whatever else is not known. */
	claim->reasons_known = card->reasons || (card->reasons_ever && !card->reasons_gap);
	for (int i = 0; i < ASSAY_THROTTLES; i++)
		if (card->reasons >> i & 1)
			at += (size_t)snprintf(claim->reasons + at, sizeof claim->reasons - at, "%s%s", at ? " " : "",
			                       assay_throttle_names[i]);
}

void assay_card_release(struct assay_card *card)
{
	free(card->pending);
	free(card->held);
	free(card->clock.values);
	free(card->memory_clock.values);
	free(card->power.values);
	free(card->temperature.values);
}
