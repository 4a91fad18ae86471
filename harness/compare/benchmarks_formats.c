/* SPDX-License-Identifier: Apache-2.0
 *
 * Readers of the formats of benchmarks.h. Times become seconds. What a format says twice is read once: the time, not
 * the rates that were computed from it. */
#include "harness/compare/benchmarks.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static double number_of(const json_t *object, const char *name)
{
	const json_t *member = json_object_get(object, name);

	return json_is_number(member) ? json_number_value(member) : NAN;
}

/* ---- google-benchmark: {"context": {...}, "benchmarks": [...]} ---- */

static double google_unit(const json_t *entry)
{
	const char *unit = assay_json_word(entry, "time_unit", "");

	return strcmp(unit, "s") == 0 ? 1 : strcmp(unit, "ms") == 0 ? 1e-3 : strcmp(unit, "us") == 0 ? 1e-6 : 1e-9;
}

/* Repetitions of one benchmark share their run_name. */
static const char *google_name(const json_t *entry)
{
	const char *run_name = assay_json_word(entry, "run_name", "");

	return *run_name ? run_name : assay_json_word(entry, "name", "");
}

/* Processors and the greatest cache: names of hosts change with every job of a pipeline. */
static void google_machine(struct assay_benchmarks *benchmarks, const json_t *context)
{
	const json_t *cache;
	const double processors = number_of(context, "num_cpus");
	double bytes = 0;
	size_t i;

	json_array_foreach(json_object_get(context, "caches"), i, cache) bytes = fmax(bytes, number_of(cache, "size"));
	if (processors > 0 && processors < 1e6 && bytes < 1e15)
		snprintf(benchmarks->device, sizeof benchmarks->device, "%.0f processors, cache %.0f KiB", processors,
		         bytes / 1024);
}

static enum assay_status google_entry(struct assay_benchmarks *benchmarks, const json_t *entry, bool aggregate)
{
	const char *name = google_name(entry);
	enum assay_status status = ASSAY_OK;

	if (json_is_true(json_object_get(entry, "error_occurred")) || json_is_true(json_object_get(entry, "skipped"))) {
		assay_note(benchmarks->notes, "left out: %.200s: it says that it failed: %.200s (metric.failed)", name,
		           assay_json_word(entry, "error_message", ""));
		return ASSAY_OK;
	}
	if (!*name || !json_object_get(entry, "real_time"))
		return ASSAY_OK;
	struct assay_metric *metric = assay_benchmarks_metric(benchmarks, name, "s", false, &status);
	if (!metric || (aggregate && metric->read_in == benchmarks->values))
		return status;
	metric->read_in = benchmarks->values;
	return assay_metric_add(benchmarks, metric, number_of(entry, "real_time") * google_unit(entry));
}

enum assay_status assay_benchmarks_google(struct assay_benchmarks *benchmarks, const json_t *root)
{
	/* Aggregates stand in only where the repetitions themselves are not in the file: the median rather than the
	 * mean. */
	static const char *const aggregates[] = {"", "median", "mean"};
	const json_t *list = json_object_get(root, "benchmarks"), *context = json_object_get(root, "context"), *entry;
	enum assay_status status = ASSAY_OK;
	size_t i;

	google_machine(benchmarks, context);
	snprintf(benchmarks->date, sizeof benchmarks->date, "%.39s", assay_json_word(context, "date", ""));
	for (size_t k = 0; k < sizeof aggregates / sizeof *aggregates; k++) {
		json_array_foreach(list, i, entry)
		{
			const bool aggregate = strcmp(assay_json_word(entry, "run_type", ""), "aggregate") == 0;
			if (strcmp(aggregate ? assay_json_word(entry, "aggregate_name", "") : "", aggregates[k]) == 0)
				status = google_entry(benchmarks, entry, aggregate);
			if (status)
				return status;
		}
	}
	return ASSAY_OK;
}

/* ---- nvbench: {"devices": [...], "benchmarks": [{"name", "states": [{"name", "summaries": [...]}]}]} ---- */

/* A summary's number: numbers of 64 bits are written as strings there. */
static double nvbench_value(const json_t *state, const char *tag)
{
	const json_t *list = json_object_get(state, "summaries"), *summary, *datum;
	size_t i, k;

	json_array_foreach(list, i, summary)
	{
		if (strcmp(assay_json_word(summary, "tag", ""), tag) != 0)
			continue;
		json_array_foreach(json_object_get(summary, "data"), k, datum)
		{
			const json_t *value = json_object_get(datum, "value");
			if (strcmp(assay_json_word(datum, "name", ""), "value") != 0)
				continue;
			if (json_is_string(value)) {
				char *end;
				const double number = strtod(json_string_value(value), &end);
				return *end || end == json_string_value(value) ? NAN : number;
			}
			return json_is_number(value) ? json_number_value(value) : NAN;
		}
	}
	return NAN;
}

static enum assay_status nvbench_state(struct assay_benchmarks *benchmarks, const char *benchmark, const json_t *state)
{
	static const char *const tags[] = {"nv/cold/time/gpu/mean", "nv/batch/time/gpu/mean", "nv/cold/time/cpu/mean",
	                                   "nv/cpu_only/time/cpu/mean"};
	char name[1024];

	snprintf(name, sizeof name, "%.400s [%.600s]", benchmark, assay_json_word(state, "name", ""));
	if (json_is_true(json_object_get(state, "is_skipped"))) {
		assay_note(benchmarks->notes, "left out: %.200s: it says that it was skipped: %.200s (metric.failed)",
		           name, assay_json_word(state, "skip_reason", ""));
		return ASSAY_OK;
	}
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
		const double value = nvbench_value(state, tags[i]);
		if (!isnan(value))
			return assay_benchmarks_add(benchmarks, name, "s", false, value);
	}
	assay_note(benchmarks->notes, "left out: %.300s: it has no mean time (metric.missing)", name);
	return ASSAY_OK;
}

enum assay_status assay_benchmarks_nvbench(struct assay_benchmarks *benchmarks, const json_t *root)
{
	const json_t *list = json_object_get(root, "benchmarks"), *benchmark, *state;
	const json_t *device = json_array_get(json_object_get(root, "devices"), 0);
	size_t i, k;

	snprintf(benchmarks->device, sizeof benchmarks->device, "%.255s", assay_json_word(device, "name", ""));
	json_array_foreach(list, i, benchmark)
	{
		json_array_foreach(json_object_get(benchmark, "states"), k, state)
		{
			enum assay_status status =
			    nvbench_state(benchmarks, assay_json_word(benchmark, "name", ""), state);
			if (status)
				return status;
		}
	}
	return ASSAY_OK;
}

/* ---- pytest-benchmark: {"machine_info": {...}, "benchmarks": [{"fullname", "stats": {...}}]} ---- */

enum assay_status assay_benchmarks_pytest(struct assay_benchmarks *benchmarks, const json_t *root)
{
	const json_t *list = json_object_get(root, "benchmarks"), *entry, *sample;
	const json_t *machine = json_object_get(root, "machine_info");
	size_t i, k;

	snprintf(benchmarks->device, sizeof benchmarks->device, "%.255s",
	         assay_json_word(json_object_get(machine, "cpu"), "brand_raw", ""));
	snprintf(benchmarks->date, sizeof benchmarks->date, "%.39s", assay_json_word(root, "datetime", ""));
	json_array_foreach(list, i, entry)
	{
		const json_t *stats = json_object_get(entry, "stats"), *data = json_object_get(stats, "data");
		enum assay_status status = ASSAY_OK;
		const char *name = assay_json_word(entry, "fullname", "");
		name = *name ? name : assay_json_word(entry, "name", "");
		struct assay_metric *metric = assay_benchmarks_metric(benchmarks, name, "s", false, &status);
		if (!metric)
			return status;
		if (!json_is_array(data) || json_array_size(data) == 0)
			status = assay_metric_add(benchmarks, metric, number_of(stats, "median"));
		json_array_foreach(data, k, sample)
		{
			if (!status)
				status = assay_metric_add(benchmarks, metric,
				                          json_is_number(sample) ? json_number_value(sample) : NAN);
		}
		if (status)
			return status;
	}
	return ASSAY_OK;
}

/* ---- Bencher: {"BENCHMARK": {"MEASURE": {"value": 1, ...}}} ---- */

static bool matches(const char *patterns, const char *name)
{
	char one[256];

	while (patterns && *patterns) {
		const size_t len = strcspn(patterns, ",");
		snprintf(one, sizeof one, "%.*s", len < 255 ? (int)len : 255, patterns);
		if (len > 0 && fnmatch(one, name, 0) == 0)
			return true;
		patterns += len + (patterns[len] == ',');
	}
	return false;
}

/* The format has no direction; its measures have. */
static bool bencher_bigger(const char *name, const char *measure)
{
	static const char *const words[] = {"throughput", "bandwidth", "per-second", "per_second",
	                                    "ops",        "flops",     "/s",         "hit-rate"};

	if (matches(assay_bigger_pattern, name))
		return true;
	if (matches(assay_smaller_pattern, name))
		return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcasestr(measure, words[i]))
			return true;
	return false;
}

enum assay_status assay_benchmarks_bencher(struct assay_benchmarks *benchmarks, const json_t *root)
{
	const char *benchmark, *measure;
	json_t *measures, *metric;
	char name[1024];

	json_object_foreach((json_t *)(uintptr_t)root, benchmark, measures)
	{
		json_object_foreach(measures, measure, metric)
		{
			/* Its "latency" is in nanoseconds. */
			const bool time = strcmp(measure, "latency") == 0;
			const double value = number_of(metric, "value");
			snprintf(name, sizeof name, "%.700s %.300s", benchmark, measure);
			enum assay_status status =
			    assay_benchmarks_add(benchmarks, name, time ? "s" : "", bencher_bigger(name, measure),
			                         time ? value * 1e-9 : value);
			if (status)
				return status;
		}
	}
	return ASSAY_OK;
}

/* ---- Our own: `assay bench --json`, a device and a workload a value; `assay verify --json`, a verdict ---- */

enum assay_status assay_benchmarks_bench(struct assay_benchmarks *benchmarks, const json_t *root)
{
	static const struct {
		const char *median, *throttled, *what;
	} kinds[] = {{"roundMedianNs", "roundThrottled", ""}, {"bareMedianNs", "bareThrottled", " bare kernel"}};
	char name[256], unit[16];

	snprintf(benchmarks->device, sizeof benchmarks->device, "%.255s", assay_json_word(root, "name", ""));
	snprintf(unit, sizeof unit, "%.12s/s", assay_json_word(root, "unit", ""));
	for (size_t i = 0; i < 2; i++) {
		enum assay_status status = ASSAY_OK;
		const double throttled = number_of(root, kinds[i].throttled);
		snprintf(name, sizeof name, "%.100s %.100s%s", assay_json_word(root, "workload", ""),
		         assay_json_word(root, "device", ""), kinds[i].what);
		struct assay_metric *metric = assay_benchmarks_metric(benchmarks, name, unit, true, &status);
		if (metric)
			status = assay_metric_add(
			    benchmarks, metric, number_of(root, "roundWork") * 1e9 / number_of(root, kinds[i].median));
		if (status)
			return status;
		if (throttled >= 0 && throttled < 1e9)
			metric->throttled = (int64_t)throttled;
	}
	return ASSAY_OK;
}

enum assay_status assay_benchmarks_verdict(struct assay_benchmarks *benchmarks, const json_t *root)
{
	const json_t *list = json_object_get(root, "segments"), *run;
	const json_t *devices = json_object_get(root, "claimedDevices");
	char name[256], unit[16];
	size_t i;

	snprintf(benchmarks->device, sizeof benchmarks->device, "%.255s",
	         assay_json_word(json_array_get(devices, 0), "name", ""));
	snprintf(benchmarks->date, sizeof benchmarks->date, "%.39s", assay_json_word(root, "claimedFinishedAt", ""));
	if (strcmp(assay_json_word(root, "verdict", ""), "fail") == 0 ||
	    strcmp(assay_json_word(root, "verdict", ""), "malformed") == 0) {
		assay_note(benchmarks->notes, "left out: a verdict that is %s (metric.failed)",
		           assay_json_word(root, "verdict", ""));
		return ASSAY_OK;
	}
	json_array_foreach(list, i, run)
	{
		const json_t *claimed = json_object_get(run, "claimed");
		const char *proven = assay_json_word(run, "provenRate", ""),
		           *rate = assay_json_word(claimed, "rate", "");
		const double device = number_of(run, "device"), throttled = number_of(claimed, "throttledRounds");
		const json_t *of = device >= 0 && device < 64 ? json_array_get(devices, (size_t)device) : NULL;
		enum assay_status status = ASSAY_OK;
		/* A fill has no rate. */
		if (!*proven && !*rate)
			continue;
		snprintf(name, sizeof name, "%.100s #%.0f %.60s", assay_json_word(run, "workload", ""), device,
		         assay_json_word(of, "backend", ""));
		snprintf(unit, sizeof unit, "%.12s/s", assay_json_word(run, "unit", ""));
		struct assay_metric *metric = assay_benchmarks_metric(benchmarks, name, unit, true, &status);
		if (metric)
			status = assay_metric_add(benchmarks, metric, strtod(*proven ? proven : rate, NULL));
		if (status)
			return status;
		if (throttled >= 0 && throttled < 1e9)
			metric->throttled = (int64_t)throttled;
	}
	return ASSAY_OK;
}
