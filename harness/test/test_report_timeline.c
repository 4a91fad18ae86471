/* SPDX-License-Identifier: Apache-2.0
 *
 * What a report and `assay show` say of clocks, power and throttled rounds over time, and of what they leave out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/attest.h"
#include "harness/test/pages.h"
#include "harness/test/support.h"

TestSuite(report_timeline, .fini = support_leave, .timeout = 300);

#define KEYS "--trust verify/vectors/good/key.pem --verifier verify/vectors/good/verifier.pem"

enum { DEVICES = 2, SEGMENTS = 2, ROUNDS = 300 };

static struct assay_error error;

static bool says(const char *file, const char *words)
{
	char *text = pages_read(file);
	const bool found = strstr(text, words) != NULL;

	free(text);
	return found;
}

static void reading(struct assay_telemetry_past *past, uint64_t at_ms, int quantity, int64_t value)
{
	const struct assay_sum one = {1, value, value, value};

	assay_timeline_add(&past->line, at_ms, quantity, &one);
	past->state.samples++;
}

/* A device that warms up, becomes too hot once, and is braked for a moment; of the other one only the temperature is
 * known. */
static struct assay_telemetry_past *past_make(uint64_t job_ms)
{
	struct assay_telemetry_past *past = calloc(DEVICES, sizeof *past);
	double celsius = 41;

	cr_assert(past);
	for (uint32_t d = 0; d < DEVICES; d++)
		past[d].state =
		    (struct assay_telemetry_state){.source = "test", .joined = "uuid", .reasons_known = d == 0};
	past[0].state.reasons = 4;
	for (uint64_t at = 50; at < job_ms; at += 100) {
		const bool hot = at > 12000 && at < 19000, braked = at == 40050;
		const int64_t mhz = hot ? 1410 + (int64_t)(at / 100 % 3) * 15 : braked ? 345 : 1980;
		celsius += hot ? -0.03 : (88 - celsius) * 0.01;
		reading(&past[0], at, ASSAY_LINE_CLOCK, mhz);
		reading(&past[0], at, ASSAY_LINE_POWER, 340 * mhz + (int64_t)(at / 100 * 7919 % 9000));
		reading(&past[0], at, ASSAY_LINE_TEMPERATURE, llround(celsius) * 1000);
		reading(&past[1], at, ASSAY_LINE_TEMPERATURE, llround(celsius - 5) * 1000);
	}
	return past;
}

/* Times as of a card, for rounds that took none. */
static void times_set(struct assay_job *job)
{
	for (uint32_t i = 0; i < SEGMENTS * DEVICES; i++) {
		struct assay_run_log *log = &job->runs[i];
		log->elapsed_ns = 0;
		for (uint32_t r = 0; r < log->rounds; r++) {
			const bool slow = i == 0 && r >= 120 && r < 170;
			log->round_ns[r] = (slow ? 140 : 100) * UINT64_C(1000000) + r * UINT64_C(7919) % 97 * 20000;
			log->elapsed_ns += log->round_ns[r];
		}
	}
	struct assay_telemetry_run *first = &job->runs[0].telemetry, *second = &job->runs[DEVICES].telemetry;
	assay_throttled_add(&first->throttled, 120, 169);
	assay_throttled_add(&second->throttled, 76, 76);
	first->throttled_rounds = 50;
	second->throttled_rounds = 1;
}

/* x.intoto.json, and its key. */
static void exhibit_make(void)
{
	static struct assay_device devices[DEVICES];
	struct assay_secret secret;
	struct assay_verdict verdict;
	struct assay_job job = {
	    .devices = devices,
	    .challenge = {.profile = "test",
	                  .devices = DEVICES,
	                  .samples = 64,
	                  .segment_count = SEGMENTS,
	                  .segments = {{.work = &assay_work_matmul_i8, .params = {{64, 16, 16}}, .rounds = ROUNDS},
	                               {.work = &assay_work_sha256, .params = {{0, 1}}, .rounds = ROUNDS}}}};

	setenv("ASSAY_SYSFS", support_enter(), 1);
	for (uint32_t d = 0; d < DEVICES; d++)
		support_ok(assay_device_open(&devices[d], &assay_backend_cpu, 0, NULL, &error), error);
	assay_secret_make(&secret);
	support_ok(assay_secret_write(&secret, support_path("key"), false, &error), error);
	memcpy(job.key, secret.key, sizeof job.key);
	job.past = past_make(ROUNDS * 205);
	support_ok(assay_job_run(&job, &error), error);
	times_set(&job);
	struct assay_attest attest = {.job = &job, .secret = &secret, .prefix = support_path("x")};
	support_ok(assay_attest_write(&attest, &verdict, &error), error);
	assay_verdict_close(&verdict);
	assay_job_close(&job);
	for (uint32_t d = 0; d < DEVICES; d++)
		assay_device_close(&devices[d]);
}

Test(report_timeline, throttled_rounds_are_named)
{
	static const char *const words[] = {"Over time", "120 to 169", "345 ... 1980", "1410", "unknown"};

	exhibit_make();
	cr_assert_eq(support_run("$A show $T/x.intoto.json"), 0, "%s", support_err);
	cr_assert(strstr(support_out, "throttled rounds: 120-169\n"), "%s", support_out);
	cr_assert(strstr(support_out, "throttled rounds: 76\n"), "%s", support_out);
	cr_assert_eq(support_run("$A report --trust $T/key.pub -o $T/p $T/x.intoto.json"), 2, "%s", support_err);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		cr_expect(says("p/index.html", words[i]), "%s", words[i]);
		cr_expect(says("p/report.md", words[i]), "%s", words[i]);
	}
	char *html = pages_read("p/index.html"), *markdown = pages_read("p/report.md");
	pages_html_holds(html, "timeline");
	pages_markdown_holds(markdown, "timeline");
	free(html);
	free(markdown);
	if (support_run("command -v gnuplot >/dev/null") != 0)
		support_missing("gnuplot", "it is not installed");
	cr_expect(support_exists(support_path("p/timeline-1.png")));
	cr_expect(says("p/index.html", "over the time of the job, with throttled times marked"));
}

/* Older files have no line; of some nothing was read; and some say what cannot be. */
Test(report_timeline, what_is_not_there)
{
	support_enter();
	cr_assert_eq(support_run("$A report " KEYS " -o $T/p verify/vectors/good/claims-lie.intoto.json"), 2, "%s",
	             support_err);
	cr_expect(says("p/index.html", "This file has no time line"));
	cr_assert_eq(support_run("$A report --trust results/intel-xeon-2-cores/2026-11-24/key.pub -o $T/q "
	                         "results/intel-xeon-2-cores/2026-11-24/cpu-quick.intoto.json"),
	             0, "%s", support_err);
	cr_expect(says("q/index.html", "Nothing was read") && !says("q/index.html", "Over time"));
	cr_assert_eq(support_run("$A report " KEYS " -o $T/r verify/vectors/good/timeline-*.intoto.json"), 2, "%s",
	             support_err);
	char *html = pages_read("r/index.html");
	pages_html_holds(html, "vectors");
	free(html);
}

/* Bars that a picture has no room for are in the table, and the page says so. */
Test(report_timeline, bars_left_out)
{
	if (support_run("command -v gnuplot >/dev/null") != 0)
		support_missing("gnuplot", "it is not installed");
	exhibit_make();
	cr_assert_eq(support_run("set --; for i in $(seq 20); do set -- \"$@\" $T/x.intoto.json; done; "
	                         "$A report --trust $T/key.pub -o $T/p \"$@\""),
	             2, "%s", support_err);
	cr_expect_not(says("p/index.html", "bars at most"));
	cr_assert_eq(support_run("set --; for i in $(seq 21); do set -- \"$@\" $T/x.intoto.json; done; "
	                         "$A report --trust $T/key.pub -o $T/p --force \"$@\""),
	             2, "%s", support_err);
	cr_expect(says("p/index.html", "A picture has 40 bars at most: 4 runs are in the table below only"));
}
