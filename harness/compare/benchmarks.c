/* SPDX-License-Identifier: Apache-2.0
 *
 * See benchmarks.h: metrics, and which reader a JSON value is for. */
#include "harness/compare/benchmarks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/compare/stats.h"

enum { DEPTH_MAX = 64, STARTS_MAX = 64 };

const char *assay_bigger_pattern, *assay_smaller_pattern;

/* Two names that differ stay different: bytes that cannot be shown are written out, and one that is too long ends with
 * a digest of all of it. */
static void name_make(char name[ASSAY_METRIC_NAME_MAX + 1], const char *given)
{
	const struct assay_part part = {given, strlen(given)};
	uint8_t hash[ASSAY_HASH_BYTES];
	char hex[65];
	size_t len = 0;

	for (const char *c = given; *c && len + 4 <= ASSAY_METRIC_NAME_MAX; c++) {
		if (*c < 0x20 || *c > 0x7e || *c == '\\')
			len += (size_t)snprintf(name + len, 5, "\\x%02x", (unsigned)(unsigned char)*c);
		else
			name[len++] = *c;
	}
	name[len] = '\0';
	if (len + 4 > ASSAY_METRIC_NAME_MAX) {
		assay_hash(hash, "", &part, 1);
		assay_hex(hex, hash);
		snprintf(name + ASSAY_METRIC_NAME_MAX - 20, 20, "...%.16s", hex);
	}
}

const struct assay_metric *assay_benchmarks_find(const struct assay_benchmarks *benchmarks, const char *name)
{
	for (size_t i = 0; i < benchmarks->count; i++)
		if (strcmp(benchmarks->metrics[i].name, name) == 0)
			return &benchmarks->metrics[i];
	return NULL;
}

struct assay_metric *assay_benchmarks_metric(struct assay_benchmarks *benchmarks, const char *name, const char *unit,
                                             bool bigger, enum assay_status *status)
{
	char made[ASSAY_METRIC_NAME_MAX + 1];

	name_make(made, name);
	struct assay_metric *metric = (struct assay_metric *)(uintptr_t)assay_benchmarks_find(benchmarks, made);
	if (metric)
		return metric;
	*status = ASSAY_ERROR_INPUT;
	if (benchmarks->count == ASSAY_METRICS_MAX)
		return NULL;
	*status = ASSAY_ERROR_MEMORY;
	if (benchmarks->count == benchmarks->capacity) {
		const size_t capacity = benchmarks->capacity ? 2 * benchmarks->capacity : 16;
		metric = realloc(benchmarks->metrics, capacity * sizeof *metric);
		if (!metric)
			return NULL;
		benchmarks->metrics = metric;
		benchmarks->capacity = capacity;
	}
	metric = &benchmarks->metrics[benchmarks->count];
	*metric = (struct assay_metric){.name = strdup(made), .bigger = bigger, .throttled = -1};
	snprintf(metric->unit, sizeof metric->unit, "%.15s", unit);
	assay_printable(metric->unit);
	if (!metric->name)
		return NULL;
	benchmarks->count++;
	*status = ASSAY_OK;
	return metric;
}

enum assay_status assay_metric_add(struct assay_benchmarks *benchmarks, struct assay_metric *metric, double value)
{
	if (!isfinite(value) || value <= 0) {
		assay_note(benchmarks->notes, "left out: %s: %g is not above 0 (metric.value)", metric->name, value);
		return ASSAY_OK;
	}
	if (benchmarks->samples == ASSAY_METRIC_SAMPLES_MAX)
		return ASSAY_ERROR_INPUT;
	if (metric->count == metric->capacity) {
		const size_t capacity = metric->capacity ? 2 * metric->capacity : 4;
		double *samples = realloc(metric->samples, capacity * sizeof *samples);
		if (!samples)
			return ASSAY_ERROR_MEMORY;
		metric->samples = samples;
		metric->capacity = capacity;
	}
	metric->samples[metric->count++] = value;
	benchmarks->samples++;
	return ASSAY_OK;
}

enum assay_status assay_benchmarks_add(struct assay_benchmarks *benchmarks, const char *name, const char *unit,
                                       bool bigger, double value)
{
	enum assay_status status = ASSAY_OK;
	struct assay_metric *metric = assay_benchmarks_metric(benchmarks, name, unit, bigger, &status);

	return metric ? assay_metric_add(benchmarks, metric, value) : status;
}

void assay_benchmarks_close(struct assay_benchmarks *benchmarks)
{
	for (size_t i = 0; i < benchmarks->count; i++) {
		free(benchmarks->metrics[i].name);
		free(benchmarks->metrics[i].samples);
	}
	free(benchmarks->metrics);
	memset(benchmarks, 0, sizeof *benchmarks);
}

/* ---- Which format ---- */

static bool has(const json_t *root, const char *name)
{
	return json_object_get(root, name) != NULL;
}

static bool is_nvbench(const json_t *root)
{
	const json_t *list = json_object_get(root, "benchmarks");
	return has(root, "devices") && json_is_array(list) &&
	       (json_array_size(list) == 0 || has(json_array_get(list, 0), "states"));
}

static bool is_pytest(const json_t *root)
{
	return has(root, "machine_info") && json_is_array(json_object_get(root, "benchmarks"));
}

static bool is_google(const json_t *root)
{
	return json_is_object(json_object_get(root, "context")) && json_is_array(json_object_get(root, "benchmarks"));
}

static bool is_bench(const json_t *root)
{
	return has(root, "roundMedianNs") && has(root, "workload");
}

static bool is_verdict(const json_t *root)
{
	return has(root, "verdict") && has(root, "segments") && has(root, "verifier");
}

static bool is_bencher(const json_t *root)
{
	const char *name;
	json_t *member;

	json_object_foreach((json_t *)(uintptr_t)root, name, member)
	{
		const char *measure;
		json_t *metric;
		if (!json_is_object(member))
			return false;
		json_object_foreach(member, measure,
		                    metric) if (!json_is_number(json_object_get(metric, "value"))) return false;
	}
	return json_object_size(root) > 0;
}

static const struct {
	const char *name;
	bool (*is)(const json_t *root);
	assay_benchmarks_reader *read;
} formats[] = {
    {"nvbench", is_nvbench, assay_benchmarks_nvbench},        {"pytest-benchmark", is_pytest, assay_benchmarks_pytest},
    {"google-benchmark", is_google, assay_benchmarks_google}, {"assay bench", is_bench, assay_benchmarks_bench},
    {"assay verify", is_verdict, assay_benchmarks_verdict},   {"Bencher", is_bencher, assay_benchmarks_bencher},
};

static enum assay_status value_read(struct assay_benchmarks *benchmarks, const json_t *root, const char *source,
                                    struct assay_error *error)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		if (!formats[i].is(root))
			continue;
		const size_t before = benchmarks->count;
		benchmarks->values++;
		enum assay_status status = formats[i].read(benchmarks, root);
		const bool ours = formats[i].read == assay_benchmarks_bench;
		for (size_t k = before; k < benchmarks->count; k++)
			benchmarks->metrics[k].control = ours;
		if (!ours || !benchmarks->format)
			benchmarks->format = formats[i].name;
		if (status == ASSAY_ERROR_INPUT)
			return assay_fail(error, status, "benchmarks.size",
			                  "%s: more than %d results, or %d repetitions; split it", source,
			                  ASSAY_METRICS_MAX, ASSAY_METRIC_SAMPLES_MAX);
		return status ? assay_fail(error, status, "memory", "out of memory") : ASSAY_OK;
	}
	if (has(root, "payloadType"))
		return assay_fail(error, ASSAY_ERROR_INPUT, "benchmarks.unknown",
		                  "%s: an attestation is compared as a file NAME.intoto.json, with its transcript",
		                  source);
	return assay_fail(error, ASSAY_ERROR_INPUT, "benchmarks.unknown",
	                  "%s: JSON, but of no benchmark that is known: google-benchmark, nvbench, pytest-benchmark, "
	                  "Bencher (BMF), `assay bench --json`, `assay verify --json`",
	                  source);
}

/* ---- The text ---- */

/* jansson's parser calls itself for each bracket. */
static bool depth_is_allowed(const char *text, size_t len)
{
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		if (in_string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			in_string = !in_string;
		else if (in_string && text[i] == '\n')
			in_string = false; /* no string of JSON, but of what stands around it */
		else if (!in_string && (text[i] == '{' || text[i] == '['))
			depth++;
		else if (!in_string && (text[i] == '}' || text[i] == ']'))
			depth -= depth > 0;
		if (depth > DEPTH_MAX)
			return false;
	}
	return true;
}

/* The next line that begins with a brace; `len` when there is none. */
static size_t next_start(const char *text, size_t len, size_t from)
{
	bool at_line = true;

	for (size_t i = from; i < len; i++) {
		if (at_line && text[i] == '{')
			return i;
		at_line = text[i] == '\n' || (at_line && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r'));
	}
	return len;
}

bool assay_benchmarks_medians(struct assay_benchmarks *benchmarks)
{
	for (size_t i = 0; i < benchmarks->count; i++) {
		struct assay_metric *metric = &benchmarks->metrics[i];
		double *scratch = malloc((metric->count + 1) * sizeof *scratch);
		if (!scratch)
			return false;
		if (metric->count > 0) {
			memcpy(scratch, metric->samples, metric->count * sizeof *scratch);
			metric->value = assay_median(scratch, metric->count);
		}
		free(scratch);
	}
	/* Those without a value were named. Ours are what is compared where there is nothing else. */
	size_t kept = 0, others = 0;
	for (size_t i = 0; i < benchmarks->count; i++)
		others += !benchmarks->metrics[i].control;
	for (size_t i = 0; i < benchmarks->count; i++) {
		if (benchmarks->metrics[i].count > 0) {
			benchmarks->metrics[i].control &= others > 0;
			benchmarks->metrics[kept++] = benchmarks->metrics[i];
		} else {
			free(benchmarks->metrics[i].name);
		}
	}
	benchmarks->count = kept;
	return true;
}

enum assay_status assay_benchmarks_parse(struct assay_benchmarks *benchmarks, const char *text, size_t len,
                                         const char *source, struct assay_error *error)
{
	json_error_t complaint = {.text = "no line begins with a brace"};
	enum assay_status status = ASSAY_OK;
	unsigned values = 0, bad = 0;

	if (len > ASSAY_BENCHMARKS_BYTES_MAX || !depth_is_allowed(text, len))
		return assay_fail(error, ASSAY_ERROR_INPUT, "benchmarks.size",
		                  "%s: more than %d MiB, or nested deeper than %d", source,
		                  ASSAY_BENCHMARKS_BYTES_MAX >> 20, DEPTH_MAX);
	for (size_t at = next_start(text, len, 0); !status && at < len && bad < STARTS_MAX;) {
		json_error_t now;
		json_t *root =
		    json_loadb(text + at, len - at,
		               JSON_DISABLE_EOF_CHECK | JSON_DECODE_INT_AS_REAL | JSON_REJECT_DUPLICATES, &now);
		if (root) {
			status = value_read(benchmarks, root, source, error);
			json_decref(root);
			values++;
			at = next_start(text, len, at + (size_t)now.position);
		} else {
			if (bad++ == 0)
				complaint = now;
			at = next_start(text, len, at + 1);
			/* What follows is the rest of something broken. */
			if (values > 0)
				break;
		}
	}
	if (status)
		return status;
	if (values == 0 || bad > 0)
		return assay_fail(error, ASSAY_ERROR_INPUT, "benchmarks.malformed", "%s: not JSON of a benchmark: %s",
		                  source, complaint.text);
	if (!assay_benchmarks_medians(benchmarks))
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	return benchmarks->count > 0
	           ? ASSAY_OK
	           : assay_fail(error, ASSAY_ERROR_INPUT, "benchmarks.empty", "%s: no result in it", source);
}

enum assay_status assay_benchmarks_read(struct assay_benchmarks *benchmarks, const char *path,
                                        struct assay_error *error)
{
	char *text;
	size_t len;
	enum assay_status status = assay_text_read(&text, &len, path, error);

	if (status)
		return status;
	status = assay_benchmarks_parse(benchmarks, text, len, path, error);
	free(text);
	return status;
}
