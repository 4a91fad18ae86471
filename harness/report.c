/* SPDX-License-Identifier: Apache-2.0
 *
 * See report.h. */
#include "harness/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/command.h"
#include "harness/estimate.h"
#include "harness/measure.h"
#include "verify/claims.h"
#include "verify/cli.h"

void assay_report_progress(void *context, const struct assay_job *job, uint32_t segment, uint32_t device,
                           uint32_t rounds, uint64_t elapsed_ns)
{
	static const char bar[] = "####################";
	const struct assay_segment *asked = &job->challenge.segments[segment];
	uint64_t asked_ns = UINT64_C(1000000) * asked->duration_ms;
	int filled = elapsed_ns < asked_ns ? (int)(20 * elapsed_ns / asked_ns) : 20;
	const struct assay_estimate *estimate = context;
	char left[32];

	assay_time_text(left, estimate                ? assay_estimate_left(estimate, segment, elapsed_ns)
	                      : elapsed_ns < asked_ns ? asked_ns - elapsed_ns
	                                              : 0);
	fprintf(stderr, "\r  %-12s %-10s %-20.*s  round %" PRIu32 "   %s left \033[K", asked->work->name,
	        job->devices[device].id, filled, bar, rounds, left);
}

void assay_report_clear(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}

void assay_report_remark(const struct assay_error *why)
{
	assay_report_clear();
	assay_remark(why);
}

/* How large the table was that was read; and whether the reads say more of a cache than of the memory. */
static void print_table(FILE *out, uint64_t bytes, const struct assay_device_info *info)
{
	fprintf(out, "  %-23s table %.2f GiB%s\n", "", (double)bytes / (1 << 30),
	        bytes / 64 < info->cache_bytes ? ": within 64 times its last cache, so partly a figure of that cache"
	                                       : "");
}

static void print_run(FILE *out, const struct assay_job *job, uint32_t j, uint32_t d)
{
	const struct assay_segment *segment = &job->challenge.segments[j];
	const struct assay_run_log *log = &job->runs[j * job->challenge.devices + d];
	uint64_t asked_ns = UINT64_C(1000000) * segment->duration_ms;
	uint64_t *times = log->rounds ? malloc(log->rounds * sizeof *times) : NULL;
	char rate[32];

	fprintf(out, "  %-12s %-10s %4" PRIu32 " rounds", segment->work->name, job->devices[d].id, log->rounds);
	if (!times) {
		fprintf(out, "   nothing to show\n");
		return;
	}
	memcpy(times, log->round_ns, log->rounds * sizeof *times);
	struct assay_spread spread = assay_spread_of(times, log->rounds);
	free(times);
	assay_quantity(rate,
	               (double)log->rounds * (double)segment->work->round_work(&segment->params) * 1e9 /
	                   (double)(log->elapsed_ns > asked_ns ? log->elapsed_ns : asked_ns),
	               segment->work->unit, "/s");
	fprintf(out, "   %13s claimed   round %.1f ms  (%.1f ... %.1f)\n", rate, (double)spread.median / 1e6,
	        (double)spread.low / 1e6, (double)spread.high / 1e6);
	if (segment->work->table_bytes)
		print_table(out, segment->work->table_bytes(&segment->params), &job->devices[d].info);
}

/* All devices of a segment together (SPEC 9.4). */
static void print_aggregate(FILE *out, const struct assay_job *job, uint32_t j)
{
	const struct assay_segment *segment = &job->challenge.segments[j];
	uint64_t rounds = 0, longest_ns = UINT64_C(1000000) * segment->duration_ms;
	char rate[32], all[32];

	for (uint32_t d = 0; d < job->challenge.devices; d++) {
		const struct assay_run_log *log = &job->runs[j * job->challenge.devices + d];
		rounds += log->rounds;
		if (log->elapsed_ns > longest_ns)
			longest_ns = log->elapsed_ns;
	}
	assay_quantity(rate,
	               (double)rounds * (double)segment->work->round_work(&segment->params) * 1e9 / (double)longest_ns,
	               segment->work->unit, "/s");
	snprintf(all, sizeof all, "all %u", job->challenge.devices);
	fprintf(out, "  %-12s %-10s %4" PRIu64 " rounds   %13s claimed   at once, in %.1f s\n", segment->work->name,
	        all, rounds, rate, (double)longest_ns / 1e9);
}

void assay_report_rates(FILE *out, const struct assay_job *job)
{
	for (uint32_t j = 0; j < job->challenge.segment_count; j++) {
		/* A fill has no rounds. */
		if (job->challenge.segments[j].work->is_fill)
			continue;
		for (uint32_t d = 0; d < job->challenge.devices; d++)
			print_run(out, job, j, d);
		if (job->challenge.devices > 1)
			print_aggregate(out, job, j);
	}
}

void assay_report_claims(FILE *out, const struct assay_job *job, const struct assay_verdict *verdict)
{
	char words[480];

	for (uint32_t i = 0; i < verdict->run_count; i++) {
		const struct assay_run *run = &verdict->runs[i];
		assay_claim_words(words, run, run->proved.work);
		if (run->proved.shown && *words)
			fprintf(out, "  %-12s %-10s %s\n", run->workload, job->devices[run->device].id, words);
	}
	for (uint32_t d = 0; d < verdict->device_count; d++) {
		assay_telemetry_words(words, &verdict->devices[d].telemetry);
		if (*words)
			fprintf(out, "  %-12s %-10s %s\n", "telemetry", job->devices[d].id, words);
	}
}

/* "cuda:0,cuda:2": the devices that did not fail. */
static void list_sound(char *list, size_t size, const struct assay_job *job)
{
	size_t len = 0;

	*list = '\0';
	for (uint32_t d = 0; d < job->challenge.devices; d++)
		if (!job->failures[d].status && len < size)
			len += (size_t)snprintf(list + len, size - len, "%s%s", len ? "," : "", job->devices[d].id);
}

int assay_report_exit(const struct assay_error *error)
{
	return strcmp(error->reason, "device.miscompute") == 0 || strcmp(error->reason, "attest.refused") == 0
	           ? ASSAY_FAIL
	           : ASSAY_EXIT_ERROR;
}

int assay_report_failures(const struct assay_job *job, const struct assay_verdict *verdict, const char *prefix)
{
	enum assay_reason reason = verdict->checks[ASSAY_CHECK_RECHECK].reason;
	char sound[ASSAY_DEVICES_MAX * 32];
	int code = 0;

	for (uint32_t d = 0; d < job->challenge.devices; d++) {
		const struct assay_failure *failure = &job->failures[d];
		if (!failure->status)
			continue;
		fprintf(stderr, "assay: %s failed in %s: %s (%s)\n", job->devices[d].id,
		        failure->segment < job->challenge.segment_count
		            ? job->challenge.segments[failure->segment].work->name
		            : "the openings",
		        failure->error.text, failure->error.reason);
		if (code != ASSAY_FAIL)
			code = assay_report_exit(&failure->error) == ASSAY_FAIL ? ASSAY_FAIL : ASSAY_INCONCLUSIVE;
	}
	if (!code && reason)
		fprintf(stderr,
		        "assay: %s.intoto.json is inconclusive (%s): a device did too little; give it more time\n",
		        prefix, assay_reason_name(reason));
	if (!code)
		return reason ? ASSAY_INCONCLUSIVE : 0;
	list_sound(sound, sizeof sound, job);
	fprintf(stderr, "assay: %s.intoto.json was written and shows what was done%s%s%s; ", prefix,
	        reason ? ", but is inconclusive (" : "", reason ? assay_reason_name(reason) : "", reason ? ")" : "");
	if (*sound)
		fprintf(stderr, "repair what failed, or run without it: -d %s\n", sound);
	else
		fprintf(stderr, "no device is left: repair them, then run again\n");
	return code;
}
