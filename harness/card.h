/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of one device from the readings of its telemetry: pure bookkeeping, without threads and clocks. A
 * reading speaks for the time since the one before. Calls come in the order of their times. See telemetry.h. */
#ifndef HARNESS_CARD_H
#define HARNESS_CARD_H

#include "harness/source.h"
#include "verify/telemetry.h"

/* A range and its median. When there are too many values every second one is dropped, and from then on not taken. */
struct assay_series {
	int64_t *values, min, max;
	size_t count, capacity, stride, skipped;
};
enum { ASSAY_SERIES_MAX = 65536 };

void assay_series_add(struct assay_series *series, int64_t value); /* -1 is none */
struct assay_range assay_series_range(const struct assay_series *series);

struct assay_round {
	uint64_t begin_ns, end_ns;
	bool is_throttled, *throttled;
};

struct assay_card {
	/* The owner's. */
	const struct assay_source *source; /* NULL: it has none */
	struct assay_reader reader;

	/* The last reading, and energy used since the first. */
	bool sampled;
	uint64_t last_ns;
	struct assay_sample first, last, in_runs; /* in_runs: the latest one in a run */
	double energy_uj;

	/* The run in progress or the last one. */
	enum { CARD_IDLE, CARD_RUNS, CARD_ENDS } phase;
	uint64_t begin_ns, end_ns;
	double begin_uj, end_uj;
	bool energy_unknown, reasons_unknown;
	int64_t throttled_rounds;
	struct assay_round *pending; /* rounds that no reading spoke for to their end */
	size_t pending_count, pending_capacity;
	struct assay_round *held; /* times when the clock was held down, that a round may still reach back to */
	size_t held_count, held_capacity;

	/* Of all runs. */
	struct assay_series clock, memory_clock, power, temperature;
	uint64_t samples;
	uint32_t reasons;
	bool reasons_ever, reasons_gap;
};

void assay_card_note(struct assay_card *card, const struct assay_sample *sample, uint64_t now);
void assay_card_begin(struct assay_card *card, uint64_t begin_ns);
void assay_card_round(struct assay_card *card, uint64_t begin_ns, uint64_t end_ns, bool *throttled);
void assay_card_end(struct assay_card *card, uint64_t end_ns);

/* Of the run that ended, once a reading came after that; -1 = unknown. */
void assay_card_result(struct assay_card *card, int64_t *energy_mj, int64_t *throttled_rounds);
void assay_card_claim(const struct assay_card *card, struct assay_telemetry_claim *claim);
void assay_card_release(struct assay_card *card);

#endif
