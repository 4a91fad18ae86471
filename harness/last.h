/* SPDX-License-Identifier: Apache-2.0
 *
 * What the last run of this machine came to, kept for `assay status`: last.json in the state directory, canonical JSON
 * with exactly `exitCode` (of the run), `finishedAt` and `verdict` (SPEC 10.4; when a device computed so wrong that
 * nothing was signed its `verdict` is null and `error` says what). */
#ifndef HARNESS_LAST_H
#define HARNESS_LAST_H

#include <time.h>

#include "verify/json.h"

/* Stores it, mode 0644, whole or not at all. Where it cannot be stored that is said, and the run is what it was; where
 * there is no state directory nothing is done. `error` is NULL for a run that was signed. */
void assay_last_store(const struct assay_verdict *verdict, const struct assay_error *error, int code, time_t finished);

/* In the order of the columns of `assay status --exit-map`. */
enum assay_last_state {
	ASSAY_LAST_PASS,
	ASSAY_LAST_FAIL,         /* contradicted, or a device computed wrong */
	ASSAY_LAST_INCONCLUSIVE, /* not all was shown */
	ASSAY_LAST_STALE,        /* passed, but longer ago than was asked for, or in the future */
	ASSAY_LAST_NONE,         /* nothing has been stored */
	ASSAY_LAST_UNREADABLE,   /* it cannot be read */
	ASSAY_LAST_MALFORMED,    /* it is something else */
	ASSAY_LAST_STATES
};

struct assay_last {
	enum assay_last_state state;
	char reason[41]; /* "" for a pass; else a reason code: of a check, of the run, or status.* */
	char text[200];  /* what to do, or what is wrong; printable ASCII, as all texts here */
	uint64_t finished;
	char finished_at[21];
	json_t *root, *verdict; /* NULL unless it was read; root is to be released with json_decref */
};

/* Reads what was stored. `max_age_s` is 0 for any age; `now` is in seconds since 1970. */
void assay_last_read(struct assay_last *last, uint64_t max_age_s, uint64_t now);

/* "pass", "fail", "inconclusive", "stale", "none", "unreadable", "malformed". */
const char *assay_last_name(enum assay_last_state state);

/* The same for Prometheus' node_exporter: the text format, without times. Errors: io.open, io.write, memory. */
enum assay_status assay_last_textfile(const struct assay_last *last, const char *path,
                                      struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
