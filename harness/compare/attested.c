/* SPDX-License-Identifier: Apache-2.0
 *
 * See attested.h. */
#include "harness/compare/attested.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/transcript.h"

/* Rounds of a run that are kept: neighbours are taken together until there are no more than that. */
enum { ROUNDS_KEPT = 16384 };

enum assay_status assay_attestation_read(struct assay_envelope *envelope, struct assay_statement *statement,
                                         const char *path, struct assay_error *error)
{
	bool good;
	enum assay_status status = assay_envelope_read(envelope, ASSAY_TYPE_STATEMENT, &good, path, error);

	if (status)
		return status;
	if (good && assay_statement_parse(statement, envelope->payload, envelope->payload_len) == ASSAY_REASON_NONE)
		return ASSAY_OK;
	return assay_fail(error, ASSAY_ERROR_INPUT, "statement.malformed",
	                  "%s: not an attestation of this version (see `assay verify`)", path);
}

bool assay_attestation_is(const char *path)
{
	char *beside = assay_beside(path, "");
	const bool is = beside != NULL;

	free(beside);
	return is;
}

static enum assay_status unverified(const char *path, const struct assay_verdict *verdict, struct assay_error *error)
{
	for (int id = 0; id < ASSAY_CHECK_COUNT; id++) {
		const enum assay_reason reason = verdict->checks[id].reason;
		if (reason)
			return assay_fail(error, ASSAY_ERROR_INPUT, "attestation.unverified", "%s: %s: %s", path,
			                  assay_reason_name(reason), assay_reason_remedy(reason));
	}
	return assay_fail(error, ASSAY_ERROR_INPUT, "attestation.unverified", "%s: the verdict is %s", path,
	                  assay_outcome_name(verdict->outcome));
}

/* Rates of the rounds of one run from its record (SPEC 7.2). */
static enum assay_status rounds_add(struct assay_benchmarks *benchmarks, struct assay_metric *metric, FILE *file,
                                    double work, bool *whole)
{
	uint8_t bytes[8];
	enum assay_status status = ASSAY_OK;

	*whole = fread(bytes, 1, 4, file) == 4;
	const uint32_t rounds = *whole ? assay_le32_read(bytes) : 0;
	const uint32_t group = (rounds + ROUNDS_KEPT - 1) / ROUNDS_KEPT;
	*whole = *whole && rounds <= ASSAY_ROUNDS_MAX && fseeko(file, (off_t)rounds * ASSAY_HASH_BYTES, SEEK_CUR) == 0;
	double ns = 0;
	for (uint32_t r = 0; *whole && !status && r < rounds; r++) {
		*whole = fread(bytes, 1, sizeof bytes, file) == sizeof bytes;
		ns += *whole ? (double)assay_le64_read(bytes) : 0;
		const uint32_t taken = r % group + 1;
		if (taken < group && r + 1 < rounds)
			continue;
		status = assay_metric_add(benchmarks, metric, ns > 0 ? work * taken * 1e9 / ns : 0);
		ns = 0;
	}
	return status;
}

static void params_text(char text[64], const struct assay_segment *segment)
{
	size_t len = 0;

	for (size_t i = 0; segment->work->params[i] && len < 63; i++)
		len += (size_t)snprintf(text + len, 64 - len, "%s%llu", i ? "," : "",
		                        (unsigned long long)segment->params.value[i]);
}

static enum assay_status run_add(struct assay_benchmarks *benchmarks, const struct assay_run *run,
                                 const struct assay_verdict *verdict, const struct assay_segment *segment, FILE *file,
                                 bool *whole)
{
	char name[128], unit[16];
	enum assay_status status = ASSAY_OK;

	snprintf(name, sizeof name, "%.60s #%u %.32s", run->workload, run->device,
	         verdict->devices[run->device].backend);
	snprintf(unit, sizeof unit, "%.12s/s", run->unit);
	struct assay_metric *metric = assay_benchmarks_metric(benchmarks, name, unit, true, &status);
	if (!metric)
		return status;
	metric->throttled = run->claimed.throttled_rounds;
	params_text(metric->params, segment);
	status = rounds_add(benchmarks, metric, file, (double)segment->work->round_work(&segment->params), whole);
	if (!status && run->proved.rate > 0) {
		strcat(name, " proven");
		metric = assay_benchmarks_metric(benchmarks, name, unit, true, &status);
		if (metric) {
			params_text(metric->params, segment);
			status = assay_metric_add(benchmarks, metric, run->proved.rate);
		}
	}
	return status;
}

/* The transcript that was verified, and not another one by now. */
static enum assay_status runs_add(struct assay_benchmarks *benchmarks, const struct assay_verdict *verdict,
                                  struct assay_transcript *transcript, bool *same)
{
	struct assay_challenge challenge;
	char detail[64], hex[65];
	uint8_t digest[ASSAY_HASH_BYTES];
	enum assay_status status = ASSAY_OK;

	*same = assay_challenge_parse(&challenge, transcript->challenge, transcript->challenge_len, detail,
	                              sizeof detail) == ASSAY_REASON_NONE &&
	        assay_transcript_records(transcript, &challenge, digest, detail, sizeof detail) == ASSAY_REASON_NONE;
	if (*same)
		assay_hex(hex, digest);
	*same = *same && strcmp(hex, verdict->subject) == 0;
	for (uint32_t i = 0; *same && !status && i < verdict->run_count; i++) {
		const struct assay_run *run = &verdict->runs[i];
		const struct assay_segment *segment = &challenge.segments[run->segment];
		if (!run->proved.shown || segment->work->is_fill)
			continue;
		*same =
		    fseeko(transcript->file, assay_transcript_run_at(transcript, &challenge, run->segment, run->device),
		           SEEK_SET) == 0;
		if (*same)
			status = run_add(benchmarks, run, verdict, segment, transcript->file, same);
	}
	return status;
}

/* All devices' names and drivers, each once. */
static void devices_text(char *text, size_t capacity, const json_t *devices, const char *member)
{
	const json_t *device;
	size_t i, len = 0;

	*text = '\0';
	json_array_foreach(devices, i, device)
	{
		const char *one = assay_json_word(device, member, "");
		if (i > 0 && strstr(text, one))
			continue;
		if (len < capacity - 1)
			len += (size_t)snprintf(text + len, capacity - len, "%s%.250s", i ? ", " : "", one);
	}
	if (json_array_size(devices) > 1 && len < capacity - 1)
		snprintf(text + len, capacity - len, " x%zu", json_array_size(devices));
	assay_printable(text);
}

static enum assay_status median_fill(struct assay_benchmarks *benchmarks, struct assay_error *error)
{
	return assay_benchmarks_medians(benchmarks) ? ASSAY_OK
	                                            : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
}

enum assay_status assay_attested_read(struct assay_benchmarks *benchmarks, const char *path,
                                      const struct assay_policy *policy, struct assay_error *error)
{
	struct assay_transcript transcript = {0};
	struct assay_envelope envelope = {0};
	struct assay_statement statement = {0};
	struct assay_verdict verdict;
	enum assay_reason reason;
	bool same = true;
	char *beside = assay_beside(path, ".transcript");
	enum assay_status status = assay_verify(&verdict, path, NULL, policy);

	benchmarks->format = "attestation";
	if (status)
		*error = verdict.error;
	else if (verdict.outcome != ASSAY_PASS || verdict.checks[ASSAY_CHECK_TRUST].reason)
		status = unverified(path, &verdict, error);
	if (!status)
		status = assay_attestation_read(&envelope, &statement, path, error);
	if (!status && beside)
		status = assay_transcript_open(&transcript, beside, &reason, error);
	if (!status && beside && reason == ASSAY_REASON_NONE) {
		status = runs_add(benchmarks, &verdict, &transcript, &same);
		if (status)
			(void)assay_fail(error, status, status == ASSAY_ERROR_INPUT ? "benchmarks.size" : "memory",
			                 "%s: too many rounds for the memory here", path);
	}
	if (!status && (!beside || reason != ASSAY_REASON_NONE || !same))
		status = assay_fail(error, ASSAY_ERROR_INPUT, "attestation.changed",
		                    "%s: its files changed while they were read; try again", path);
	if (!status) {
		devices_text(benchmarks->device, sizeof benchmarks->device, statement.devices, "name");
		devices_text(benchmarks->driver, sizeof benchmarks->driver, statement.devices, "driver");
		snprintf(benchmarks->date, sizeof benchmarks->date, "%s", verdict.finished);
		status = median_fill(benchmarks, error);
	}
	assay_transcript_close(&transcript);
	json_decref(statement.root);
	free(envelope.payload);
	free(beside);
	assay_verdict_close(&verdict);
	return status;
}
