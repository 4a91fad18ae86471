/* SPDX-License-Identifier: Apache-2.0
 *
 * What a verification takes is bounded by the challenge (SPEC 12): it reads files that are larger than all the memory
 * that it may have. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/attest.h"
#include "harness/compare/attested.h"
#include "harness/test/support.h"
#include "verify/test/support.h"

TestSuite(bounds, .fini = support_leave, .timeout = 300);

/* Of all that is not code: SPEC 12 says 16 MiB; a quarter of it will do for one run. No statement takes as much as one
 * that is none. */
enum { ONE_RUN_KIB = 4 << 10, MOST_KIB = 16 << 10, NONE_KIB = 64 << 10 };

static struct assay_error error;

/* The longest that a statement tells: every second round of all runs throttled, and 120 points of each device. */
static void telemetry_fill(struct assay_job *job, uint32_t rounds)
{
	const uint32_t devices = job->challenge.devices;

	for (uint32_t i = 0; rounds >= 2 * ASSAY_THROTTLED_RANGES && i < job->challenge.segment_count * devices; i++) {
		job->runs[i].telemetry = (struct assay_telemetry_run){.energy_mj = INT64_MAX};
		for (uint32_t r = 0; r < rounds; r += 2)
			assay_throttled_add(&job->runs[i].telemetry.throttled, r, r);
		job->runs[i].telemetry.throttled_rounds = rounds / 2;
	}
}

static struct assay_telemetry_past *past_make(uint32_t devices)
{
	static const struct assay_sum most = {1, ASSAY_READING_MAX, ASSAY_READING_MAX, ASSAY_READING_MAX};
	struct assay_telemetry_past *past = calloc(devices, sizeof *past);

	cr_assert(past);
	for (uint32_t d = 0; d < devices; d++) {
		past[d].state = (struct assay_telemetry_state){
		    "elevenchars", "unverified", ASSAY_JSON_INTEGER_MAX, 127, true, UINT32_MAX - 1, UINT32_MAX - 1};
		for (uint64_t p = 0; p < ASSAY_TIMELINE_POINTS; p++)
			for (int q = 0; q < ASSAY_LINE_QUANTITIES; q++)
				assay_timeline_add(&past[d].line, p << 40, q, &most);
	}
	return past;
}

/* An attestation of segments of rounds with one leaf, each run of the same device. Returns the transcript's KiB. */
static long prove(uint32_t runs, uint32_t segments, uint32_t rounds, uint32_t samples)
{
	static struct assay_device devices[ASSAY_DEVICES_MAX];
	struct assay_secret secret;
	struct assay_job job = {
	    .devices = devices,
	    .challenge = {.profile = "test", .devices = runs, .samples = samples, .segment_count = segments}};
	struct assay_attest request = {.job = &job, .secret = &secret, .prefix = support_path("x"), .replace = true};
	struct assay_verdict verdict;
	struct stat about;

	for (uint32_t d = 0; d < runs; d++)
		support_ok(assay_device_open(&devices[d], &assay_backend_cpu, 0, NULL, &error), error);
	for (uint32_t j = 0; j < segments; j++)
		job.challenge.segments[j] =
		    (struct assay_segment){.work = &assay_work_sha256, .params = {{0, 0}}, .rounds = rounds};
	assay_secret_make(&secret);
	memcpy(job.key, secret.key, sizeof job.key);
	job.past = past_make(runs);
	support_ok(assay_job_run(&job, &error), error);
	telemetry_fill(&job, rounds);
	support_ok(assay_attest_write(&request, &verdict, &error), error);
	cr_assert_str_eq(verdict.assurance, "work-proven");
	assay_verdict_close(&verdict);
	assay_job_close(&job);
	for (uint32_t d = 0; d < runs; d++)
		assay_device_close(&devices[d]);
	cr_assert_eq(stat(support_path("x.transcript"), &about), 0);
	return (long)(about.st_size >> 10);
}

/* With so much memory it comes to its verdict. */
static void verify_within(long kib, int code, const char *reason)
{
#ifdef __SANITIZE_ADDRESS__
	/* Its own memory is larger than any bound. */
	(void)kib;
	cr_expect_eq(support_run("$V $T/x.intoto.json"), code, "%s%s", support_out, support_err);
#else
	cr_expect_eq(support_run("ulimit -d %ld && $V $T/x.intoto.json", kib), code, "%s%s", support_out, support_err);
#endif
	cr_expect(strstr(support_out, reason), "%s%s", support_out, support_err);
}

/* With so little it says so, whatever it was that had none. */
static void not_verified_within(long kib)
{
#ifdef __SANITIZE_ADDRESS__
	(void)kib;
#else
	cr_expect_eq(support_run("ulimit -d %ld && $V $T/x.intoto.json", kib), 3, "%ld KiB: %s%s", kib, support_out,
	             support_err);
	cr_expect(strstr(support_err, "(memory)"), "%ld KiB: %s%s", kib, support_out, support_err);
#endif
}

Test(bounds, memory_does_not_grow_with_the_file)
{
#ifdef __SANITIZE_ADDRESS__
	enum { ROUNDS = 1 << 12 };
#else
	enum { ROUNDS = 1 << 18 };
#endif
	support_enter();
	const long kib = prove(1, 1, ROUNDS, ASSAY_SAMPLES_MAX);
#ifdef __SANITIZE_ADDRESS__
	(void)kib;
#else
	cr_assert_gt(kib, ONE_RUN_KIB, "the file would fit in memory");
	/* The bound bites: with too little there is no verdict. */
	cr_expect_eq(support_run("ulimit -d 256 && $V $T/x.intoto.json"), 3, "%s%s", support_out, support_err);
#endif
	verify_within(ONE_RUN_KIB, 2, "profile.unknown");
}

/* What takes most in memory of what is shortest in a file, signed by whoever. */
Test(bounds, memory_of_a_statement_that_is_none)
{
	struct test_pair pair = test_pair_read("good/receipts-one");
	char *payload = malloc(ASSAY_PAYLOAD_BYTES_MAX);
	size_t len = 0;

	support_enter();
	cr_assert(payload);
	for (payload[len++] = '['; len + 4 <= ASSAY_PAYLOAD_BYTES_MAX; len += 3)
		memcpy(payload + len, "{},", 3);
	payload[len - 1] = ']';
	struct test_bytes envelope = test_sign(payload, len);
	test_write(support_path("x.intoto.json"), envelope.data, envelope.len);
	test_write(support_path("x.transcript"), pair.transcript.data, pair.transcript.len);
	verify_within(NONE_KIB, 4, "statement.malformed");
	not_verified_within(MOST_KIB);
	free(envelope.data);
	free(payload);
	test_pair_free(&pair);
}

Test(bounds, memory_with_the_most_runs)
{
#ifdef __SANITIZE_ADDRESS__
	enum { RUNS = 8 };
#else
	enum { RUNS = ASSAY_DEVICES_MAX };
#endif
	support_enter();
	(void)prove(RUNS, ASSAY_SEGMENTS_MAX, 2 * ASSAY_THROTTLED_RANGES, 64);
	verify_within(MOST_KIB, 2, "profile.unknown");
	for (long kib = 1 << 10; kib < MOST_KIB / 2; kib += 331)
		not_verified_within(kib);
	/* There is room for a time line of each device, and for ranges of each run, but not for all of them. */
	struct assay_envelope envelope = {0};
	struct assay_statement statement = {0};
	support_ok(assay_attestation_read(&envelope, &statement, support_path("x.intoto.json"), &error), error);
	cr_expect_leq(envelope.payload_len, ASSAY_PAYLOAD_BYTES_MAX);
	for (uint32_t j = 0; j < ASSAY_SEGMENTS_MAX; j++)
		for (uint32_t d = 0; d < RUNS; d++) {
			const json_t *run = json_array_get(json_array_get(statement.segments, j), d);
			cr_assert_geq(json_array_size(json_object_get(run, "throttled")), 2);
		}
	for (uint32_t d = 0; d < RUNS; d++) {
		const json_t *series = json_object_get(json_array_get(statement.telemetry, d), "series"),
		             *clock = json_object_get(json_object_get(series, "clockMhz"), "mean");
		cr_assert_geq(json_array_size(clock), 3);
#ifndef __SANITIZE_ADDRESS__
		cr_assert_lt(json_array_size(clock), ASSAY_TIMELINE_POINTS / 2);
#endif
	}
	free(envelope.payload);
	json_decref(statement.root);
}
