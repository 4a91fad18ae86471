/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of one device from the readings of its telemetry: pure bookkeeping, without threads and clocks. A
 * reading speaks for the time since the one before. Calls come in the order of their times. See telemetry.h. */
#ifndef HARNESS_CARD_H
#define HARNESS_CARD_H

#include "harness/source.h"
#include "harness/timeline.h"
#include "verify/telemetry.h"

/* Where a run stands in its job. */
struct assay_telemetry_place {
	uint32_t segment, round;  /* the round that comes next: not 0 in one that is resumed */
	uint64_t origin_ns;       /* when, by the clock, the time line would have begun (SPEC 8.5) */
	int64_t throttled_rounds; /* of the rounds before; -1 = unknown */
	const struct assay_throttled *throttled;
};

/* Rounds that follow each other, of which the same is known. */
struct assay_settled {
	uint32_t segment, first, last;
	bool throttled;
};

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
	bool placed;
	struct assay_telemetry_place place; /* if it is; its `round` is the next to be settled */
	struct assay_throttled throttled;

	/* Of all runs. */
	struct assay_readings readings[ASSAY_LINE_QUANTITIES];
	uint64_t samples;
	uint32_t reasons;
	bool reasons_ever, reasons_gap;
	struct assay_timeline line;
	struct assay_telemetry_state past; /* of before the job was resumed */

	/* What is not in a checkpoint yet, if one is `kept`. */
	bool kept;
	struct assay_timeline unsaved;
	struct assay_settled *settled;
	size_t settled_count, settled_capacity;
};

void assay_card_note(struct assay_card *card, const struct assay_sample *sample, uint64_t now);
/* Without a place (NULL) the run is in no time line, and nothing is told of its single rounds. */
void assay_card_begin(struct assay_card *card, uint64_t begin_ns, const struct assay_telemetry_place *place);
void assay_card_round(struct assay_card *card, uint64_t begin_ns, uint64_t end_ns, bool *throttled);
void assay_card_end(struct assay_card *card, uint64_t end_ns);

/* Of the run that ended, once a reading came after that; -1 = unknown. */
void assay_card_result(struct assay_card *card, int64_t *energy_mj, int64_t *throttled_rounds);
void assay_card_claim(const struct assay_card *card, struct assay_telemetry_claim *claim);

/* Gives what a checkpoint does not have yet, but of no rounds from `rounds` of `segment` on. */
void assay_card_save(struct assay_card *card, uint32_t device, uint32_t segment, uint32_t rounds,
                     assay_telemetry_put *put, void *context);

/* Before the first run: what a checkpoint had. */
void assay_card_recall(struct assay_card *card, const struct assay_telemetry_past *past);

void assay_card_release(struct assay_card *card);

#endif
