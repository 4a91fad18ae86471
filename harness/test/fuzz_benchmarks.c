/* SPDX-License-Identifier: Apache-2.0
 *
 * Other people's results of benchmarks: what is read of them is positive, finite and printable, and an error has a
 * reason. */
#include "verify/test/fuzz.h"

#include <math.h>
#include <string.h>

#include "harness/compare/benchmarks.h"

static void printable(const char *text)
{
	for (; *text; text++)
		FUZZ_EXPECT(*text >= 0x20 && *text <= 0x7e);
}

static void expect_metric(const struct assay_metric *metric)
{
	char text[32];

	FUZZ_EXPECT(metric->count > 0 && strlen(metric->name) <= ASSAY_METRIC_NAME_MAX);
	printable(metric->name);
	printable(metric->unit);
	for (size_t i = 0; i < metric->count; i++)
		FUZZ_EXPECT(isfinite(metric->samples[i]) && metric->samples[i] > 0);
	FUZZ_EXPECT(isfinite(metric->value) && metric->value > 0);
	assay_value_text(text, metric->value, metric->unit);
	printable(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_notes notes = {0};
	struct assay_benchmarks benchmarks = {.notes = &notes};
	struct assay_error error = {{0}, {0}};

	if (assay_benchmarks_parse(&benchmarks, (const char *)data, size, "input", &error) == ASSAY_OK) {
		FUZZ_EXPECT(benchmarks.count > 0 && benchmarks.count <= ASSAY_METRICS_MAX && benchmarks.format);
		for (size_t i = 0; i < benchmarks.count; i++)
			expect_metric(&benchmarks.metrics[i]);
	} else {
		FUZZ_EXPECT(strncmp(error.reason, "benchmarks.", 11) == 0 && *error.text);
	}
	for (size_t i = 0; i < notes.count; i++)
		printable(notes.text[i]);
	assay_benchmarks_close(&benchmarks);
	assay_notes_close(&notes);
	return 0;
}
