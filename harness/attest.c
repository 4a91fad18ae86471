/* SPDX-License-Identifier: Apache-2.0
 *
 * See attest.h. */
#include "harness/attest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "harness/limit.h"
#include "harness/measure.h"
#include "harness/state.h"
#include "verify/statement.h"
#include "verify/transcript.h"

/* Bytes to a file and to its digest. An error stays with the stream until it is flushed. */
struct sink {
	FILE *file;
	crypto_hash_sha256_state digest;
};

static void put(struct sink *sink, const void *bytes, size_t len)
{
	if (len == 0) /* perhaps no pointer either */
		return;
	fwrite(bytes, 1, len, sink->file);
	crypto_hash_sha256_update(&sink->digest, bytes, len);
}

static void put_le32(struct sink *sink, uint32_t value)
{
	uint8_t bytes[4];

	assay_le32_write(bytes, value);
	put(sink, bytes, sizeof bytes);
}

static void put_run(struct sink *sink, const struct assay_run_log *log)
{
	uint8_t bytes[8];

	put_le32(sink, log->rounds);
	put(sink, log->roots, (size_t)log->rounds * ASSAY_HASH_BYTES);
	for (uint32_t r = 0; r < log->rounds; r++) {
		assay_le64_write(bytes, log->round_ns[r]);
		put(sink, bytes, sizeof bytes);
	}
}

static enum assay_status transcript_write(FILE *file, struct assay_job *job, uint8_t digest[32],
                                          struct assay_error *error)
{
	const struct assay_challenge *challenge = &job->challenge;
	const uint32_t runs = challenge->segment_count * challenge->devices;
	struct sink sink = {.file = file};
	enum assay_status status = ASSAY_OK;

	crypto_hash_sha256_init(&sink.digest);
	put(&sink, ASSAY_TRANSCRIPT_MAGIC, 8);
	put_le32(&sink, (uint32_t)strlen(job->challenge_text));
	put(&sink, job->challenge_text, strlen(job->challenge_text));
	put_le32(&sink, (uint32_t)strlen(job->devices_text));
	put(&sink, job->devices_text, strlen(job->devices_text));
	put(&sink, job->key, sizeof job->key);
	for (uint32_t i = 0; i < runs; i++)
		put_run(&sink, &job->runs[i]);
	for (uint32_t i = 0; !status && i < runs; i++) {
		const struct assay_segment *segment = &challenge->segments[i / challenge->devices];
		uint8_t *paths;
		status = assay_job_open(job, i / challenge->devices, i % challenge->devices, &paths, error);
		if (paths)
			put(&sink, paths,
			    (size_t)challenge->samples * segment->work->depth(&segment->params) * ASSAY_HASH_BYTES);
		free(paths);
	}
	crypto_hash_sha256_final(&sink.digest, digest);
	return status;
}

static json_int_t capped(uint64_t ns)
{
	return ns > (uint64_t)ASSAY_JSON_INTEGER_MAX ? ASSAY_JSON_INTEGER_MAX : (json_int_t)ns;
}

static json_t *ns_json(uint64_t ns)
{
	return ns == ASSAY_NS_UNKNOWN ? json_null() : json_integer(capped(ns));
}

static json_t *count_json(int64_t count)
{
	return count < 0 ? json_null() : json_integer(capped((uint64_t)count));
}

static json_t *ppm_json(int64_t ppm)
{
	if (ppm == ASSAY_PPM_UNKNOWN)
		return json_null();
	return json_integer(ppm < 0 ? -capped((uint64_t)-ppm) : capped((uint64_t)ppm));
}

/* A run's claims (SPEC 8.3); NULL when out of memory. */
static json_t *run_json(const struct assay_run_log *log)
{
	struct assay_statistics times;

	if (log->rounds == 0)
		return json_null();
	if (!assay_statistics_of(&times, log->round_ns, log->device_ns, log->rounds))
		return NULL;
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:o,s:o}", "elapsedNs",
	                 capped(log->elapsed_ns ? log->elapsed_ns : 1), "medianNs", capped(times.spread.median),
	                 "lowNs", capped(times.spread.low), "highNs", capped(times.spread.high), "madNs",
	                 capped(times.mad_ns), "firstNs", capped(times.first_ns), "steadyNs", ns_json(times.steady_ns),
	                 "driftPpm", ppm_json(times.drift_ppm), "deviceMedianNs", ns_json(times.device_ns),
	                 "throttledRounds", count_json(log->telemetry.throttled_rounds), "energyMj",
	                 count_json(log->telemetry.energy_mj));
}

static void utc(char text[32], time_t time)
{
	struct tm parts;

	gmtime_r(&time, &parts);
	strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

static json_t *digest_json(const uint8_t hash[32])
{
	char hex[65];

	assay_hex(hex, hash);
	return json_pack("{s:s}", "sha256", hex);
}

static json_t *challenge_digest(const struct assay_job *job)
{
	uint8_t hash[32];

	crypto_hash_sha256(hash, (const uint8_t *)job->challenge_text, strlen(job->challenge_text));
	return digest_json(hash);
}

/* All device code, program after program. */
static json_t *kernels_digest(void)
{
	crypto_hash_sha256_state state;
	uint8_t hash[32];

	crypto_hash_sha256_init(&state);
	for (int i = 0; i < ASSAY_PROGRAM_COUNT; i++)
		crypto_hash_sha256_update(&state, assay_programs[i].source, assay_programs[i].len);
	crypto_hash_sha256_final(&state, hash);
	return digest_json(hash);
}

/* The time lines, and which rounds were throttled, in so many points and ranges at most. */
static void lines_set(json_t *segments, json_t *telemetry, const struct assay_job *job,
                      const struct assay_timeline *lines, unsigned halvings)
{
	const uint32_t count = job->challenge.devices;

	for (uint32_t i = 0; i < job->challenge.segment_count * count; i++) {
		const struct assay_telemetry_run *run = &job->runs[i].telemetry;
		if (job->runs[i].rounds && run->throttled_rounds > 0 && run->throttled.count)
			json_object_set_new(json_array_get(json_array_get(segments, i / count), i % count), "throttled",
			                    assay_throttled_json(&run->throttled, ASSAY_THROTTLED_RANGES >> halvings));
	}
	for (uint32_t d = 0; d < count; d++) {
		json_t *entry = json_array_get(telemetry, d);
		json_t *series = assay_timeline_json(&lines[d], ASSAY_TIMELINE_POINTS >> halvings);
		if (json_is_object(entry) && series)
			json_object_set(entry, "series", series);
		json_decref(series);
	}
}

/* As many of them as there is room for. With five halvings there always is: 1,024 runs of at most 357 bytes with two
 * ranges, 64 entries of at most 1,144 bytes with three points, a devices block of 65,536 bytes and 2,474 bytes of the
 * rest are 506,794. */
static char *text_that_fits(json_t *statement, json_t *segments, json_t *telemetry, const struct assay_job *job,
                            const struct assay_timeline *lines)
{
	char *text = NULL;

	for (unsigned halvings = 0; halvings <= 5; halvings++) {
		free(text);
		lines_set(segments, telemetry, job, lines, halvings);
		text = assay_json_text(statement);
		if (!text || strlen(text) <= ASSAY_PAYLOAD_BYTES_MAX)
			break;
	}
	return text;
}

static char *statement_text(const struct assay_attest *attest, const uint8_t transcript_digest[32])
{
	const struct assay_job *job = attest->job;
	const struct assay_challenge *challenge = &job->challenge;
	char started[32], finished[32], hex[65];
	uint8_t receipts[32];
	json_t *segments = json_array(), *work = json_array(), *telemetry = json_array();
	struct assay_timeline *lines = calloc(challenge->devices, sizeof *lines);

	utc(started, attest->started);
	utc(finished, attest->finished);
	assay_hex(hex, transcript_digest);
	for (uint32_t j = 0; j < challenge->segment_count; j++) {
		json_t *runs = json_array();
		for (uint32_t d = 0; d < challenge->devices; d++)
			json_array_append_new(runs, run_json(&job->runs[j * challenge->devices + d]));
		json_array_append_new(segments, runs);
		json_array_append_new(work, json_string(challenge->segments[j].work->name));
	}
	for (uint32_t d = 0; d < challenge->devices; d++) {
		struct assay_telemetry_claim claim;
		assay_telemetry_claim(job->telemetry, d, &claim, lines ? &lines[d] : NULL);
		json_array_append_new(telemetry, assay_telemetry_json(&claim));
	}
	json_t *predicate =
	    json_pack("{s:{s:o,s:s,s:s},s:{s:s,s:I,s:I,s:o,s:I,s:s,s:o},s:o,s:{s:s,s:o,s:s,s:s},s:o,s:o}", "challenge",
	              "digest", challenge_digest(job), "mode", challenge->asked ? "verifier" : "self", "profile",
	              challenge->profile, "claimed", "finishedAt", finished, "pauses", (json_int_t)job->pauses,
	              "powerBudgetW", (json_int_t)job->power_budget_w, "segments", segments, "staggerMs",
	              (json_int_t)job->stagger_ms, "startedAt", started, "telemetry", telemetry, "devices",
	              assay_json_parse(job->devices_text, strlen(job->devices_text)), "harness", "gitCommit",
	              ASSAY_GIT_COMMIT, "kernels", kernels_digest(), "name", "assay", "version", ASSAY_VERSION,
	              "nonClaims", assay_non_claims(), "work", work);
	json_t *statement = json_pack("{s:s,s:o,s:s,s:[{s:{s:s},s:s}]}", "_type", "https://in-toto.io/Statement/v1",
	                              "predicate", predicate, "predicateType", ASSAY_PREDICATE_TYPE, "subject",
	                              "digest", "sha256", hex, "name", "transcript");
	if (job->exchange) {
		assay_exchange_digest(job->exchange, receipts);
		json_array_append_new(json_object_get(statement, "subject"),
		                      json_pack("{s:o,s:s}", "digest", digest_json(receipts), "name", "receipts"));
	}
	char *text = statement && lines ? text_that_fits(statement, segments, telemetry, job, lines) : NULL;
	json_decref(statement);
	free(lines);
	return text;
}

static enum assay_status envelope_write(FILE *file, const struct assay_attest *attest, const uint8_t digest[32],
                                        struct assay_error *error)
{
	char *payload = statement_text(attest, digest);
	char *text = payload ? assay_secret_seal(attest->secret, ASSAY_TYPE_STATEMENT, payload) : NULL;

	if (text)
		fputs(text, file);
	free(payload);
	free(text);
	return text ? ASSAY_OK : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
}

/* Whether the verifier found in a run what was done in it: an empty one only where the device failed or the job was
 * stopped, and a short one there or where a device is too slow for its table. */
static bool is_as_done(const struct assay_job *job, const struct assay_run *run)
{
	const struct assay_run_log *log = &job->runs[run->segment * job->challenge.devices + run->device];
	const struct assay_segment *segment = &job->challenge.segments[run->segment];
	const struct assay_failure *failure = &job->failures[run->device];
	const bool slow = segment->work->rounds_min && log->rounds < segment->work->rounds_min(&segment->params);
	enum assay_reason reason = ASSAY_REASON_NONE;

	if (log->rounds == 0 && !segment->work->is_fill)
		reason = ASSAY_REASON_RUN_EMPTY;
	else if (log->rounds < segment->rounds || slow)
		reason = ASSAY_REASON_RUN_SHORT;
	return run->reason == reason && run->proved.rounds == log->rounds &&
	       (!reason || job->stopped || (failure->status && failure->segment <= run->segment) ||
	        (reason == ASSAY_REASON_RUN_SHORT && slow));
}

/* The finished files, read by the verifier as a stranger would. */
static enum assay_status check(const struct assay_attest *attest, const char *attestation, const char *transcript,
                               struct assay_verdict *verdict, struct assay_error *error)
{
	struct assay_policy policy = {.trusted = &attest->secret->key, .trusted_count = 1, .budget = UINT64_MAX};
	char receipts[ASSAY_PATH_MAX];

	if (attest->job->exchange) {
		snprintf(receipts, sizeof receipts, "%s.receipts.jsonl", attest->job->exchange->prefix);
		policy.receipts = receipts;
		policy.verifiers = (const uint8_t(*)[ASSAY_KEY_BYTES]) & attest->job->exchange->verifier;
		policy.verifiers_count = 1;
	}
	enum assay_status status = assay_verify(verdict, attestation, transcript, &policy);

	if (status) {
		*error = verdict->error;
		return status;
	}
	bool as_done = verdict->run_count == attest->job->challenge.segment_count * attest->job->challenge.devices;
	for (uint32_t i = 0; i < verdict->run_count; i++)
		as_done = as_done && is_as_done(attest->job, &verdict->runs[i]);
	for (int id = 0; id < ASSAY_CHECK_COUNT; id++) {
		enum assay_reason reason = verdict->checks[id].reason;
		if (id == ASSAY_CHECK_RECHECK ? !as_done : reason && reason != ASSAY_REASON_PROFILE_UNKNOWN)
			return assay_fail(
			    error, ASSAY_ERROR_DEVICE, "attest.refused",
			    "the verifier refuses this work (%s, %s): a device gave a wrong result; nothing was "
			    "written",
			    assay_reason_name(reason), verdict->checks[id].detail);
	}
	return ASSAY_OK;
}

enum assay_status assay_attest_write(struct assay_attest *attest, struct assay_verdict *verdict,
                                     struct assay_error *error)
{
	struct assay_output transcript = {.slot = -1}, attestation = {.slot = -1};
	char path[2][ASSAY_PATH_MAX];
	uint8_t digest[32];

	memset(verdict, 0, sizeof *verdict);
	for (int i = 0; i < 2; i++)
		if (snprintf(path[i], ASSAY_PATH_MAX, "%s%s", attest->prefix, i ? ".intoto.json" : ".transcript") >=
		    ASSAY_PATH_MAX)
			return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long",
			                  attest->prefix);
	enum assay_status status = assay_output_open(&transcript, path[0], 0644, error);
	if (!status)
		status = assay_output_open(&attestation, path[1], 0644, error);
	if (!status)
		status = transcript_write(transcript.file, attest->job, digest, error);
	if (!status)
		status = assay_output_flush(&transcript, error);
	if (!status)
		status = envelope_write(attestation.file, attest, digest, error);
	if (!status)
		status = assay_output_flush(&attestation, error);
	if (!status) {
		uint64_t start = assay_clock_ns();
		status = check(attest, attestation.temporary, transcript.temporary, verdict, error);
		attest->verify_ns = assay_clock_ns() - start;
	}
	assay_limit_hold();
	/* The attestation last: where it is, its transcript is. An old one goes before its transcript does. */
	if (!status && attest->replace)
		unlink(path[1]);
	if (!status)
		status = assay_output_commit(&transcript, attest->replace, error);
	if (!status) {
		status = assay_output_commit(&attestation, attest->replace, error);
		if (status)
			unlink(path[0]);
	}
	/* What is done is done, however late. */
	if (status)
		assay_limit_release();
	assay_output_close(&transcript);
	assay_output_close(&attestation);
	return status;
}
