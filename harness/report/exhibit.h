/* SPDX-License-Identifier: Apache-2.0
 *
 * One attestation as a report shows it: the verdict, what the statement says beside it, the times of its rounds, and
 * the digests of its files. */
#ifndef HARNESS_REPORT_EXHIBIT_H
#define HARNESS_REPORT_EXHIBIT_H

#include "verify/statement.h"
#include "verify/telemetry.h"

enum {
	ASSAY_EXHIBITS_MAX = 64,
	ASSAY_SERIES_POINTS = 200, /* of a plot: more rounds are put together */
};

/* Rounds that follow each other, as one point of a plot. */
struct assay_point {
	double seconds; /* of computing, from the start of the run to the end of these rounds */
	double median_ms, low_ms, high_ms;
};

struct assay_series {
	uint32_t rounds, rounds_a_point, count;
	uint32_t slow;     /* rounds that took more than one and a half times the median */
	double slow_share; /* of the time of all rounds */
	struct assay_point points[ASSAY_SERIES_POINTS];
	uint32_t span_count; /* as many as ranges of throttled rounds, in seconds of computing too */
	struct assay_span {
		uint32_t first, last;
		double from, to;
	} spans[ASSAY_THROTTLED_RANGES];
};

/* What a time line tells of (SPEC 8.5). */
enum { ASSAY_QUANTITY_CLOCK, ASSAY_QUANTITY_POWER, ASSAY_QUANTITY_TEMPERATURE, ASSAY_QUANTITIES };

struct assay_exhibit_file {
	char name[4096];
	char sha256[65]; /* "" when the file is not there or cannot be read */
	uint64_t bytes;
};

enum { ASSAY_EXHIBIT_ATTESTATION, ASSAY_EXHIBIT_TRANSCRIPT, ASSAY_EXHIBIT_RECEIPTS, ASSAY_EXHIBIT_FILES };

struct assay_exhibit {
	char path[4096];          /* as it was named */
	char name[64];            /* its last part, without its ending; see assay_exhibits_name */
	enum assay_status status; /* of assay_verify, whose error is the verdict's */
	struct assay_verdict verdict;
	struct assay_envelope envelope;
	struct assay_statement statement;      /* `root` is NULL unless the verdict's key signed it */
	double begins[ASSAY_SEGMENTS_MAX + 1]; /* of segments on the time line (SPEC 8.5), in seconds; and its end */
	struct assay_exhibit_file files[ASSAY_EXHIBIT_FILES];
	struct assay_series
	    *series; /* one a run of the verdict; NULL unless the transcript is the one that was signed */
};

/* Verifies and reads. What cannot be read is left out; the status says whether the attestation could be verified. To be
 * closed in any case. */
void assay_exhibit_open(struct assay_exhibit *exhibit, const char *path, const struct assay_policy *policy);
void assay_exhibit_close(struct assay_exhibit *exhibit);

/* Longer names where one would stand for two files: as many parts of the paths, from their ends, as tell them apart. */
void assay_exhibits_name(struct assay_exhibit *exhibits, size_t count);

/* The exit code of its verdict: 3 when it could not be read. */
int assay_exhibit_code(const struct assay_exhibit *exhibit);

/* Claimed units a second of a run in a round of this time; 0 when nothing was shown or the time is unknown. */
double assay_exhibit_rate(const struct assay_run *run, uint64_t round_ns);

/* Where on the time line a run is after so many seconds of computing. What it waited for or computed twice is spread
 * evenly. */
double assay_exhibit_time(const struct assay_exhibit *exhibit, const struct assay_run *run, double computing);

/* How many points the time line of a device has, 0 = there is none; and how many seconds each is. */
size_t assay_exhibit_points(const struct assay_exhibit *exhibit, uint32_t device, double *step);

/* The least, the mean and the greatest of a point in MHz, W and degrees Celsius; false where they are not known. */
bool assay_exhibit_point(const struct assay_exhibit *exhibit, uint32_t device, int quantity, size_t point,
                         double values[3]);

/* A member of the statement's device or harness, "unknown" where there is none. */
const char *assay_exhibit_device(const struct assay_exhibit *exhibit, uint32_t device, const char *member);
const char *assay_exhibit_harness(const struct assay_exhibit *exhibit, const char *member);

#endif
