/* SPDX-License-Identifier: Apache-2.0
 *
 * What telemetry leaves behind of a job of any length, in constant memory: a time line of clocks, power and
 * temperature, their ranges and medians, and the rounds that were throttled (SPEC 8.3, 8.5). Pure bookkeeping, without
 * threads and clocks. */
#ifndef HARNESS_TIMELINE_H
#define HARNESS_TIMELINE_H

#include "verify/telemetry.h"

enum { ASSAY_LINE_CLOCK, ASSAY_LINE_MEMORY_CLOCK, ASSAY_LINE_POWER, ASSAY_LINE_TEMPERATURE, ASSAY_LINE_QUANTITIES };

/* A reading that is larger is none: nothing is as fast, strong or hot as that, and sums of readings are to fit. */
#define ASSAY_READING_MAX INT64_C(1000000000)

/* Readings of one quantity, together; `count` 0 = none. */
struct assay_sum {
	uint64_t count;
	int64_t min, max, sum;
};

void assay_sum_add(struct assay_sum *sum, const struct assay_sum *more);

/* Point p is the readings from p * step_ms to (p + 1) * step_ms. When the points are not enough the step doubles, and
 * two of them become one: so any two lines with the same readings are the same, however these came. */
struct assay_timeline {
	uint64_t step_ms; /* 0: nothing is there yet */
	struct assay_sum points[ASSAY_TIMELINE_POINTS][ASSAY_LINE_QUANTITIES];
};

enum { ASSAY_TIMELINE_STEP_MS = 100 };

void assay_timeline_add(struct assay_timeline *line, uint64_t at_ms, int quantity, const struct assay_sum *sum);

/* All readings of a quantity together. */
struct assay_sum assay_timeline_sum(const struct assay_timeline *line, int quantity);

/* `series` of SPEC 8.5 in at most so many points; NULL when nothing was read that it tells of. */
json_t *assay_timeline_json(const struct assay_timeline *line, size_t points_max);

/* Ranges of rounds, from the first to the last one of each. */
struct assay_throttled {
	uint32_t count;
	struct {
		uint32_t first, last;
	} ranges[ASSAY_THROTTLED_RANGES + 1]; /* one more, for a moment */
};

/* Rounds after all those that it has. When there are too many ranges the two nearest ones become one. */
void assay_throttled_add(struct assay_throttled *throttled, uint32_t first, uint32_t last);

/* A range and its median. When there are too many values every second one is dropped, and from then on not taken. */
struct assay_readings {
	int64_t *values, min, max;
	size_t count, capacity, stride, skipped;
};
enum { ASSAY_READINGS_KEPT = 65536 };

void assay_readings_add(struct assay_readings *readings, int64_t value); /* -1 is none */
struct assay_range assay_readings_range(const struct assay_readings *readings);

/* ---- What a checkpoint keeps of telemetry ---- */

/* What is known of a device beside its time line; -1 = unknown. */
struct assay_telemetry_state {
	char source[12], joined[12]; /* SPEC 8.5; "" = no source */
	uint64_t samples;
	uint32_t reasons; /* seen; bits as in source.h */
	bool reasons_known;
	int64_t ecc_errors, xid_errors;
};

/* One piece: rounds of a run that were throttled, or were not; readings of one quantity; or the state so far. */
struct assay_telemetry_note {
	enum { ASSAY_NOTE_ROUNDS, ASSAY_NOTE_READINGS, ASSAY_NOTE_STATE } kind;
	uint32_t device;
	union {
		struct {
			uint32_t segment, first, last;
			bool throttled;
		} rounds;
		struct {
			uint64_t at_ms;
			int quantity;
			struct assay_sum sum;
		} readings;
		struct assay_telemetry_state state;
	};
};

typedef void assay_telemetry_put(void *context, const struct assay_telemetry_note *note);

/* Of a device, what was known when its job was cut off. */
struct assay_telemetry_past {
	struct assay_telemetry_state state;
	struct assay_timeline line;
};

/* `throttled` of SPEC 8.3 in at most so many ranges, of at least one. */
json_t *assay_throttled_json(const struct assay_throttled *throttled, size_t ranges_max);

#endif
