/* SPDX-License-Identifier: Apache-2.0
 *
 * What a server counts, for GET /metrics. */
#ifndef HARNESS_SERVE_METRICS_H
#define HARNESS_SERVE_METRICS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ASSAY_METRICS_ROUTES = 24, ASSAY_METRICS_STATUSES = 24 };

struct assay_metrics {
	pthread_mutex_t mutex;
	uint64_t started_ns; /* by the monotonic clock */
	/* By number of a route (the last one is for requests of none) and place in the table of statuses. */
	uint64_t requests[ASSAY_METRICS_ROUTES][ASSAY_METRICS_STATUSES];
	uint64_t verifications, verification_ns, verification_errors;
	uint64_t connections, cut, refused; /* open now; that were too slow; too many of one address */
};

void assay_metrics_open(struct assay_metrics *metrics);
void assay_metrics_request(struct assay_metrics *metrics, size_t route, unsigned status);
void assay_metrics_verified(struct assay_metrics *metrics, uint64_t ns);
void assay_metrics_error(struct assay_metrics *metrics); /* a verification could not be done */
void assay_metrics_connection(struct assay_metrics *metrics, int change);
void assay_metrics_cut(struct assay_metrics *metrics);
void assay_metrics_refused(struct assay_metrics *metrics);

/* The text of the exposition format, to be released with free(); NULL when out of memory. */
struct assay_totals;
char *assay_metrics_text(struct assay_metrics *metrics, const struct assay_totals *totals, uint64_t room_bytes);

#endif
