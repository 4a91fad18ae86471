/* SPDX-License-Identifier: Apache-2.0
 *
 * See metrics.h. Version 0.0.4 of the text format. */
#include "harness/serve/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/measure.h"
#include "harness/serve/routes.h"

/* 0 is for any other one. */
static const unsigned statuses[] = {200, 201, 202, 204, 400, 401, 403, 404, 405, 409,
                                    410, 411, 413, 415, 422, 429, 500, 503, 507, 0};
enum { STATUSES = sizeof statuses / sizeof *statuses };
_Static_assert((int)STATUSES <= (int)ASSAY_METRICS_STATUSES, "room for all statuses");

void assay_metrics_open(struct assay_metrics *metrics)
{
	memset(metrics, 0, sizeof *metrics);
	pthread_mutex_init(&metrics->mutex, NULL);
	metrics->started_ns = assay_clock_ns();
}

void assay_metrics_request(struct assay_metrics *metrics, size_t route, unsigned status)
{
	size_t i = 0;

	while (i + 1 < STATUSES && statuses[i] != status)
		i++;
	pthread_mutex_lock(&metrics->mutex);
	metrics->requests[route < ASSAY_METRICS_ROUTES ? route : ASSAY_METRICS_ROUTES - 1][i]++;
	pthread_mutex_unlock(&metrics->mutex);
}

void assay_metrics_verified(struct assay_metrics *metrics, uint64_t ns)
{
	pthread_mutex_lock(&metrics->mutex);
	metrics->verifications++;
	metrics->verification_ns += ns;
	pthread_mutex_unlock(&metrics->mutex);
}

void assay_metrics_error(struct assay_metrics *metrics)
{
	pthread_mutex_lock(&metrics->mutex);
	metrics->verification_errors++;
	pthread_mutex_unlock(&metrics->mutex);
}

void assay_metrics_connection(struct assay_metrics *metrics, int change)
{
	pthread_mutex_lock(&metrics->mutex);
	metrics->connections += (uint64_t)change;
	pthread_mutex_unlock(&metrics->mutex);
}

void assay_metrics_cut(struct assay_metrics *metrics)
{
	pthread_mutex_lock(&metrics->mutex);
	metrics->cut++;
	pthread_mutex_unlock(&metrics->mutex);
}

void assay_metrics_refused(struct assay_metrics *metrics)
{
	pthread_mutex_lock(&metrics->mutex);
	metrics->refused++;
	pthread_mutex_unlock(&metrics->mutex);
}

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void requests_print(FILE *out, const struct assay_metrics *metrics)
{
	const size_t count = assay_routes_count();

	head(out, "assay_requests_total", "counter", "Requests by route and status; status 0 is any other one.");
	for (size_t r = 0; r < ASSAY_METRICS_ROUTES; r++)
		for (size_t i = 0; i < STATUSES; i++)
			if (metrics->requests[r][i])
				fprintf(
				    out, "assay_requests_total{method=\"%s\",route=\"%s\",status=\"%u\"} %" PRIu64 "\n",
				    r < count ? assay_routes[r].method : "other",
				    r < count ? assay_routes[r].path : "other", statuses[i], metrics->requests[r][i]);
}

/* There from the start, so that an alert sees the first one. */
static void faults_print(FILE *out, const struct assay_metrics *metrics)
{
	uint64_t faults = 0;

	for (size_t r = 0; r < ASSAY_METRICS_ROUTES; r++)
		for (size_t i = 0; i < STATUSES; i++)
			faults += statuses[i] == 500 || statuses[i] == 507 ? metrics->requests[r][i] : 0;
	head(out, "assay_faults_total", "counter", "Requests that the server could not answer: status 500 and 507.");
	fprintf(out, "assay_faults_total %" PRIu64 "\n", faults);
}

static void totals_print(FILE *out, const struct assay_totals *totals)
{
	const struct {
		const char *name;
		uint64_t count;
	} states[] = {{"issued", totals->issued},
	              {"begun", totals->begun},
	              {"drawn", totals->drawn},
	              {"submitted", totals->stages[ASSAY_STAGE_SUBMITTED]},
	              {"judged", totals->stages[ASSAY_STAGE_JUDGED]},
	              {"silent", totals->stages[ASSAY_STAGE_SILENT]},
	              {"unfinished", totals->stages[ASSAY_STAGE_UNFINISHED]},
	              {"expired", totals->stages[ASSAY_STAGE_EXPIRED]}};
	static const enum assay_outcome outcomes[] = {ASSAY_PASS, ASSAY_FAIL, ASSAY_INCONCLUSIVE, ASSAY_MALFORMED};

	head(out, "assay_challenges", "gauge", "Challenges by state.");
	for (size_t i = 0; i < sizeof states / sizeof *states; i++)
		fprintf(out, "assay_challenges{state=\"%s\"} %" PRIu64 "\n", states[i].name, states[i].count);
	head(out, "assay_verdicts", "gauge", "Verdicts by outcome, those of silence among them.");
	for (size_t i = 0; i < 4; i++)
		fprintf(out, "assay_verdicts{outcome=\"%s\"} %" PRIu64 "\n", assay_outcome_name(outcomes[i]),
		        totals->outcomes[outcomes[i]]);
	head(out, "assay_queue_length", "gauge", "Submissions that have no verdict yet.");
	fprintf(out, "assay_queue_length %" PRIu64 "\n", totals->stages[ASSAY_STAGE_SUBMITTED]);
}

char *assay_metrics_text(struct assay_metrics *metrics, const struct assay_totals *totals, uint64_t room_bytes)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	totals_print(out, totals);
	head(out, "assay_store_free_bytes", "gauge", "Room on the disk of the store.");
	fprintf(out, "assay_store_free_bytes %" PRIu64 "\n", room_bytes);
	pthread_mutex_lock(&metrics->mutex);
	requests_print(out, metrics);
	faults_print(out, metrics);
	head(out, "assay_verification_seconds", "summary", "Time that verifications took.");
	fprintf(out, "assay_verification_seconds_sum %.6f\nassay_verification_seconds_count %" PRIu64 "\n",
	        (double)metrics->verification_ns / 1e9, metrics->verifications);
	head(out, "assay_verification_errors_total", "counter", "Verifications that could not be done.");
	fprintf(out, "assay_verification_errors_total %" PRIu64 "\n", metrics->verification_errors);
	head(out, "assay_connections", "gauge", "Connections that are open.");
	fprintf(out, "assay_connections %" PRIu64 "\n", metrics->connections);
	head(out, "assay_connections_cut_total", "counter", "Connections that were too slow.");
	fprintf(out, "assay_connections_cut_total %" PRIu64 "\n", metrics->cut);
	head(out, "assay_connections_refused_total", "counter", "Connections beyond those that one address may have.");
	fprintf(out, "assay_connections_refused_total %" PRIu64 "\n", metrics->refused);
	head(out, "assay_uptime_seconds", "gauge", "Time since the start.");
	fprintf(out, "assay_uptime_seconds %.3f\n", (double)(assay_clock_ns() - metrics->started_ns) / 1e9);
	pthread_mutex_unlock(&metrics->mutex);
	if (fclose(out) != 0) {
		free(text);
		text = NULL;
	}
	return text;
}
