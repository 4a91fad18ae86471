/* SPDX-License-Identifier: Apache-2.0
 *
 * Results of other people's benchmarks: what is read of each format, and what becomes of text that is broken, hostile
 * or too much. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "harness/compare/benchmarks.h"
#include "harness/compare/stats.h"

static struct assay_benchmarks benchmarks;
static struct assay_notes notes;
static struct assay_error error;

static void close_all(void)
{
	assay_benchmarks_close(&benchmarks);
	assay_notes_close(&notes);
}

TestSuite(benchmarks, .fini = close_all, .timeout = 60);

static enum assay_status parse(const char *text)
{
	close_all();
	benchmarks.notes = &notes;
	memset(&error, 0, sizeof error);
	return assay_benchmarks_parse(&benchmarks, text, strlen(text), "text", &error);
}

static void is(const char *name, double value, const char *unit, bool bigger, size_t count)
{
	const struct assay_metric *metric = assay_benchmarks_find(&benchmarks, name);

	cr_assert(metric, "%s is missing", name);
	cr_expect(fabs(metric->value / value - 1) < 1e-12, "%s: %g, not %g", name, metric->value, value);
	cr_expect_str_eq(metric->unit, unit);
	cr_expect_eq(metric->bigger, bigger);
	cr_expect_eq(metric->count, count);
}

static bool noted(const char *text)
{
	for (size_t i = 0; i < notes.count; i++)
		if (strstr(notes.text[i], text))
			return true;
	return false;
}

static const char google[] =
    "2026-01-01T00:00:00 Running ./b\n"
    "{\"context\": {\"date\": \"2026-01-01\", \"num_cpus\": 8, \"caches\": [{\"size\": 32768}, {\"size\": 1048576}]},\n"
    " \"benchmarks\": [\n"
    "  {\"name\": \"BM/8\", \"run_name\": \"BM/8\", \"run_type\": \"iteration\", \"real_time\": 10, \"time_unit\": "
    "\"us\"},\n"
    "  {\"name\": \"BM/8\", \"run_name\": \"BM/8\", \"run_type\": \"iteration\", \"real_time\": 30, \"time_unit\": "
    "\"us\"},\n"
    "  {\"name\": \"BM/8\", \"run_name\": \"BM/8\", \"run_type\": \"iteration\", \"real_time\": 12, \"time_unit\": "
    "\"us\"},\n"
    "  {\"name\": \"BM/8_mean\", \"run_name\": \"BM/8\", \"run_type\": \"aggregate\", \"aggregate_name\": \"mean\","
    "   \"real_time\": 17, \"time_unit\": \"us\"},\n"
    "  {\"name\": \"C_mean\", \"run_name\": \"C\", \"run_type\": \"aggregate\", \"aggregate_name\": \"mean\","
    "   \"real_time\": 5, \"time_unit\": \"ms\"},\n"
    "  {\"name\": \"C_median\", \"run_name\": \"C\", \"run_type\": \"aggregate\", \"aggregate_name\": \"median\","
    "   \"real_time\": 4, \"time_unit\": \"ms\"},\n"
    "  {\"name\": \"C_cv\", \"run_name\": \"C\", \"run_type\": \"aggregate\", \"aggregate_name\": \"cv\","
    "   \"real_time\": 0.1, \"time_unit\": \"ms\"},\n"
    "  {\"name\": \"D\", \"error_occurred\": true, \"error_message\": \"no <file>\"},\n"
    "  {\"name\": \"E\", \"real_time\": 7},\n"
    "  {\"name\": \"F\", \"real_time\": 0}]}\n";

Test(benchmarks, google)
{
	cr_assert_eq(parse(google), ASSAY_OK, "%s", error.text);
	cr_expect_str_eq(benchmarks.format, "google-benchmark");
	cr_expect_eq(benchmarks.count, 3);
	is("BM/8", 12e-6, "s", false, 3);
	is("C", 4e-3, "s", false, 1);
	is("E", 7e-9, "s", false, 1);
	cr_expect(noted("D: it says that it failed: no <file>"));
	cr_expect(noted("F: 0 is not above 0"));
	cr_expect_str_eq(benchmarks.device, "8 processors, cache 1024 KiB");
	cr_expect_str_eq(benchmarks.date, "2026-01-01");
	/* Of two values in a text each has its own aggregates. */
	char twice[2 * sizeof google];
	snprintf(twice, sizeof twice, "%s%s", google, google);
	cr_assert_eq(parse(twice), ASSAY_OK, "%s", error.text);
	is("BM/8", 12e-6, "s", false, 6);
	is("C", 4e-3, "s", false, 2);
}

Test(benchmarks, nvbench)
{
	cr_assert_eq(parse("{\"devices\": [{\"name\": \"H100\"}], \"benchmarks\": [{\"name\": \"copy\", \"states\": ["
	                   "{\"name\": \"Device=0 N=1\", \"is_skipped\": false, \"summaries\": ["
	                   "{\"tag\": \"nv/cold/time/cpu/mean\", \"data\": [{\"name\": \"value\", \"value\": \"9\"}]},"
	                   "{\"tag\": \"nv/cold/time/gpu/mean\", \"data\": [{\"name\": \"value\", \"type\": "
	                   "\"float64\", \"value\": \"0.25\"}]}]},"
	                   "{\"name\": \"N=2\", \"is_skipped\": true, \"skip_reason\": \"too big\"},"
	                   "{\"name\": \"N=3\", \"summaries\": [{\"tag\": \"nv/cold/time/gpu/mean\", \"data\": "
	                   "[{\"name\": \"value\", \"value\": \"0x\"}]}]},"
	                   "{\"name\": \"N=4\", \"summaries\": [{\"tag\": \"nv/batch/time/gpu/mean\", \"data\": "
	                   "[{\"name\": \"value\", \"value\": 2}]}]}]}]}"),
	             ASSAY_OK, "%s", error.text);
	cr_expect_eq(benchmarks.count, 2);
	is("copy [Device=0 N=1]", 0.25, "s", false, 1);
	is("copy [N=4]", 2, "s", false, 1);
	cr_expect(noted("copy [N=2]: it says that it was skipped: too big"));
	cr_expect(noted("copy [N=3]: it has no mean time"));
	cr_expect_str_eq(benchmarks.device, "H100");
}

Test(benchmarks, pytest)
{
	cr_assert_eq(parse("{\"machine_info\": {\"cpu\": {\"brand_raw\": \"Xeon\"}}, \"datetime\": \"2026-02-03\", "
	                   "\"benchmarks\": [{\"fullname\": \"t.py::a\", \"name\": \"a\", \"stats\": {\"median\": 0.5, "
	                   "\"data\": [1, 2, 6]}}, {\"name\": \"b\", \"stats\": {\"median\": 0.5}}, "
	                   "{\"name\": \"c\", \"stats\": {\"median\": null}}]}"),
	             ASSAY_OK, "%s", error.text);
	cr_expect_eq(benchmarks.count, 2);
	is("t.py::a", 2, "s", false, 3);
	is("b", 0.5, "s", false, 1);
	cr_expect(noted("c: nan is not above 0") || noted("c: -nan is not above 0"));
	cr_expect_str_eq(benchmarks.device, "Xeon");
}

Test(benchmarks, bencher)
{
	static const char text[] = "{\"x\": {\"latency\": {\"value\": 88}, \"throughput\": {\"value\": 5.5}, "
	                           "\"score\": {\"value\": 3}}, \"y\\u00e9\": {\"file-size\": {\"value\": 42}}}";
	cr_assert_eq(parse(text), ASSAY_OK, "%s", error.text);
	is("x latency", 88e-9, "s", false, 1);
	is("x throughput", 5.5, "", true, 1);
	is("x score", 3, "", false, 1);
	is("y\\xc3\\xa9 file-size", 42, "", false, 1);
	assay_bigger_pattern = "nothing,*score";
	cr_assert_eq(parse(text), ASSAY_OK);
	is("x score", 3, "", true, 1);
	assay_bigger_pattern = NULL;
	assay_smaller_pattern = "x throughput";
	cr_assert_eq(parse(text), ASSAY_OK);
	is("x throughput", 5.5, "", false, 1);
	assay_smaller_pattern = NULL;
}

/* A line of ours beside somebody else's is the control; alone it is what is compared. */
Test(benchmarks, ours)
{
	static const char bench[] =
	    "{\"workload\": \"sha256/1\", \"device\": \"cpu\", \"unit\": \"hash\", \"roundWork\": 1000, "
	    "\"roundMedianNs\": 500, \"bareMedianNs\": 250, \"roundThrottled\": 3, "
	    "\"bareThrottled\": null}\n";
	char text[2048];

	cr_assert_eq(parse(bench), ASSAY_OK, "%s", error.text);
	is("sha256/1 cpu", 2e9, "hash/s", true, 1);
	is("sha256/1 cpu bare kernel", 4e9, "hash/s", true, 1);
	cr_expect_eq(benchmarks.metrics[0].throttled, 3);
	cr_expect_eq(benchmarks.metrics[1].throttled, -1);
	cr_expect_not(benchmarks.metrics[0].control);
	snprintf(text, sizeof text, "%s{\"x\": {\"latency\": {\"value\": 88}}}\n", bench);
	cr_assert_eq(parse(text), ASSAY_OK, "%s", error.text);
	cr_expect_eq(benchmarks.count, 3);
	cr_expect(assay_benchmarks_find(&benchmarks, "sha256/1 cpu")->control);
	cr_expect_not(assay_benchmarks_find(&benchmarks, "x latency")->control);
	cr_assert_eq(
	    parse("{\"verdict\": \"pass\", \"verifier\": \"v\", \"claimedDevices\": [{\"backend\": \"cpu\", "
	          "\"name\": \"Xeon\"}], \"segments\": [{\"device\": 0, \"workload\": \"sha256/1\", \"unit\": "
	          "\"hash\", \"provenRate\": null, \"claimed\": {\"rate\": \"100\"}}, {\"device\": 0, "
	          "\"workload\": \"memory/1\", \"unit\": \"B\", \"provenRate\": \"7\", \"claimed\": {\"rate\": "
	          "\"100\"}}]}"),
	    ASSAY_OK, "%s", error.text);
	is("sha256/1 #0 cpu", 100, "hash/s", true, 1);
	is("memory/1 #0 cpu", 7, "B/s", true, 1);
	cr_expect_eq(parse("{\"verdict\": \"fail\", \"verifier\": \"v\", \"segments\": []}"), ASSAY_ERROR_INPUT);
	cr_expect_str_eq(error.reason, "benchmarks.empty");
}

static void refused(const char *reason, const char *text)
{
	cr_expect_eq(parse(text), ASSAY_ERROR_INPUT, "%.60s", text);
	cr_expect_str_eq(error.reason, reason, "%.60s: %s", text, error.reason);
}

Test(benchmarks, what_is_refused)
{
	refused("benchmarks.malformed", "");
	refused("benchmarks.malformed", "hello\n[1]\n");
	refused("benchmarks.malformed", "{");
	refused("benchmarks.malformed", "{\"x\": {\"latency\": {\"value\": NaN}}}");
	refused("benchmarks.malformed", "{\"x\": {\"latency\": {\"value\": 1e999}}}");
	refused("benchmarks.malformed", "{\"x\": {\"latency\": {\"value\": 1}}, \"x\": {\"latency\": {\"value\": 2}}}");
	refused("benchmarks.malformed", "{\"x\": {\"latency\": {\"value\": 1}}}\n{\"x\": {\"lat");
	refused("benchmarks.unknown", "{}");
	refused("benchmarks.unknown", "{\"benchmarks\": []}");
	refused("benchmarks.unknown", "{\"payloadType\": \"x\"}");
	refused("benchmarks.unknown", "{\"x\": {\"latency\": {\"value\": \"1\"}}}");
	refused("benchmarks.empty", "{\"context\": {}, \"benchmarks\": []}");
	refused("benchmarks.empty", "{\"x\": {\"latency\": {\"value\": -1}, \"size\": {\"value\": 0}}}");
	refused("benchmarks.empty", "{\"context\": {}, \"benchmarks\": [1, null, [], \"x\", {\"name\": 7}]}");
	refused("benchmarks.empty", "{\"devices\": 1, \"benchmarks\": [{\"states\": {\"a\": 1}}]}");
	cr_expect_eq(assay_benchmarks_read(&benchmarks, "/nonexistent", &error), ASSAY_ERROR_IO);
	cr_expect_eq(assay_benchmarks_read(&benchmarks, "/", &error), ASSAY_ERROR_IO);
}

/* Limits hold before the memory is taken. */
Test(benchmarks, too_much)
{
	const size_t most = (size_t)ASSAY_METRICS_MAX + 1;
	char *text = malloc(most * 64), *at = text;

	memset(text, '[', 4000);
	text[0] = '{';
	text[4000] = '\0';
	refused("benchmarks.size", text);
	at += sprintf(at, "{");
	for (size_t i = 0; i < most; i++)
		at += sprintf(at, "%s\"b%zu\": {\"latency\": {\"value\": 1}}", i ? "," : "", i);
	sprintf(at, "}");
	refused("benchmarks.size", text);
	/* One less is read. */
	at = strrchr(text, ',');
	strcpy(at, "}");
	cr_assert_eq(parse(text), ASSAY_OK, "%s", error.text);
	cr_expect_eq(benchmarks.count, ASSAY_METRICS_MAX);
	free(text);
	text = malloc(ASSAY_BENCHMARKS_BYTES_MAX + 2);
	memset(text, ' ', ASSAY_BENCHMARKS_BYTES_MAX + 1);
	text[ASSAY_BENCHMARKS_BYTES_MAX + 1] = '\0';
	refused("benchmarks.size", text);
	/* Lines that begin something and do not end it take no time. */
	for (size_t i = 0; i < ASSAY_BENCHMARKS_BYTES_MAX - 2; i += 2)
		memcpy(text + i, "{\n", 2);
	text[ASSAY_BENCHMARKS_BYTES_MAX - 2] = '\0';
	refused("benchmarks.size", text);
	for (size_t i = 0; i < 1 << 20; i += 4)
		memcpy(text + i, "\n{x}", 4);
	text[1 << 20] = '\0';
	refused("benchmarks.malformed", text);
	free(text);
}

/* Long names that differ stay different, and are cut. */
Test(benchmarks, names)
{
	char text[4096], name[1001];

	memset(name, 'a', 1000);
	name[1000] = '\0';
	snprintf(text, sizeof text,
	         "{\"machine_info\": {}, \"benchmarks\": [{\"name\": \"%sx\", \"stats\": {\"median\": 1}},"
	         "{\"name\": \"%sy\", \"stats\": {\"median\": 2}}]}",
	         name, name);
	cr_assert_eq(parse(text), ASSAY_OK, "%s", error.text);
	cr_assert_eq(benchmarks.count, 2);
	for (size_t i = 0; i < 2; i++)
		cr_expect_leq(strlen(benchmarks.metrics[i].name), ASSAY_METRIC_NAME_MAX);
	cr_assert_eq(
	    parse("{\"\\u001b[31m\\n\": {\"latency\": {\"value\": 1}}, \"\\\\x1b\": {\"latency\": {\"value\": 1}}}"),
	    ASSAY_OK);
	is("\\x1b[31m\\x0a latency", 1e-9, "s", false, 1);
	is("\\x5cx1b latency", 1e-9, "s", false, 1);
}

/* Any byte of a good file changed, taken away or put in: refused or read, never worse. */
Test(benchmarks, mutations)
{
	struct assay_random random = {11};
	char text[sizeof google + 8];
	unsigned read = 0;

	for (int trial = 0; trial < 20000; trial++) {
		size_t len = sizeof google - 1;
		memcpy(text, google, sizeof google);
		for (int changes = 1 + (int)assay_random_below(&random, 3); changes > 0; changes--) {
			const size_t at = (size_t)assay_random_below(&random, len);
			switch (assay_random_below(&random, 3)) {
			case 0:
				text[at] = (char)assay_random_next(&random);
				break;
			case 1:
				memmove(text + at, text + at + 1, len - at);
				len--;
				break;
			default:
				text[at] = "{}[]\",:0e-"[assay_random_below(&random, 10)];
			}
		}
		close_all();
		benchmarks.notes = &notes;
		read += assay_benchmarks_parse(&benchmarks, text, len, "text", &error) == ASSAY_OK;
		for (size_t i = 0; i < benchmarks.count; i++)
			for (size_t k = 0; k < benchmarks.metrics[i].count; k++)
				cr_assert(isfinite(benchmarks.metrics[i].samples[k]) &&
				          benchmarks.metrics[i].samples[k] > 0);
	}
	cr_expect(read > 1000 && read < 19000, "%u of 20000", read);
}

Test(benchmarks, values_for_people)
{
	static const struct {
		double value;
		const char *unit, *text;
	} cases[] = {
	    {1.5, "s", "1.5 s"},         {0.0015, "s", "1.5 ms"},         {2e-6, "s", "2 us"},
	    {1e-12, "s", "0.001 ns"},    {4.126e11, "op/s", "413 GOP/s"}, {17.25, "", "17.25"},
	    {3, "widgets", "3 widgets"},
	};
	char text[32];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assay_value_text(text, cases[i].value, cases[i].unit);
		cr_expect_str_eq(text, cases[i].text);
	}
}
