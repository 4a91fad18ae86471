/* SPDX-License-Identifier: Apache-2.0
 *
 * Results of benchmarks, ours and other people's: what `assay compare` compares. A result is a positive number with a
 * name, and its repetitions where the file has them. Read from text that nobody vouches for: sizes are limited, and
 * what cannot be used is named. */
#ifndef HARNESS_COMPARE_BENCHMARKS_H
#define HARNESS_COMPARE_BENCHMARKS_H

#include "verify/json.h"

enum {
	ASSAY_BENCHMARKS_BYTES_MAX = 16 << 20,
	ASSAY_METRICS_MAX = 4096,
	ASSAY_METRIC_SAMPLES_MAX = 1 << 20, /* of all metrics of a file together */
	ASSAY_METRIC_NAME_MAX = 320,
	ASSAY_NOTES_MAX = 48,
};

/* Remarks, one line each, in printable ASCII. Those past the last are counted. */
struct assay_notes {
	char *text[ASSAY_NOTES_MAX];
	size_t count, more;
};

void assay_note(struct assay_notes *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));
void assay_notes_close(struct assay_notes *notes);

struct assay_metric {
	char *name;    /* printable ASCII; other bytes as \xNN */
	char unit[16]; /* "s", "op/s" ...; "" = none is told */
	bool bigger;   /* is better */
	double value;  /* finite, above 0; the median of the samples where there are some */
	double *samples;
	size_t count, capacity; /* of samples */
	int64_t throttled;      /* samples in which the clock was held down; -1 = unknown */
	char params[64];        /* sizes of the workload; "" = not told */
	bool control;           /* our own workload beside somebody else's */
	unsigned read_in;       /* for readers: the last value with a sample of it, from 1 */
};

struct assay_benchmarks {
	const char *format; /* "google-benchmark" ...; of the last value read */
	struct assay_metric *metrics;
	size_t count, capacity, samples;
	unsigned values;               /* read so far, this one included */
	char device[280], driver[280]; /* as the file tells; "" = it does not */
	char date[40];                 /* the same */
	struct assay_notes *notes;     /* the caller's; may be NULL */
};

/* Which of BMF's measures, and of others without a direction, are better when they are bigger: shell patterns for
 * "BENCHMARK MEASURE", separated by commas, in front of what names say of themselves. May be NULL. */
extern const char *assay_bigger_pattern, *assay_smaller_pattern;

/* Adds the results in a text: JSON of google-benchmark, nvbench, pytest-benchmark, Bencher (BMF), `assay bench --json`
 * or `assay verify --json`, one or several values with other lines around them. `source` is for messages. The caller
 * zeroes *benchmarks first, and releases it also after an error. Errors: benchmarks.malformed, benchmarks.size,
 * benchmarks.unknown, benchmarks.empty. */
enum assay_status assay_benchmarks_parse(struct assay_benchmarks *benchmarks, const char *text, size_t len,
                                         const char *source, struct assay_error *error) ASSAY_CHECK_RESULT;

/* The same from a file. Errors: io.open, io.read too. */
enum assay_status assay_benchmarks_read(struct assay_benchmarks *benchmarks, const char *path,
                                        struct assay_error *error) ASSAY_CHECK_RESULT;

/* A file whole, with a final 0, to be released with free(). Errors: io.open, io.read, benchmarks.size. */
enum assay_status assay_text_read(char **text, size_t *len, const char *path,
                                  struct assay_error *error) ASSAY_CHECK_RESULT;

void assay_benchmarks_close(struct assay_benchmarks *benchmarks);

const struct assay_metric *assay_benchmarks_find(const struct assay_benchmarks *benchmarks, const char *name);

/* For the readers of formats. A metric of this name, made if need be; NULL when there are too many or memory is short,
 * which *status then tells. */
struct assay_metric *assay_benchmarks_metric(struct assay_benchmarks *benchmarks, const char *name, const char *unit,
                                             bool bigger, enum assay_status *status);

/* One more sample. What is no positive finite number is left out, with a note. */
enum assay_status assay_metric_add(struct assay_benchmarks *benchmarks, struct assay_metric *metric, double value);

/* Both of them. */
enum assay_status assay_benchmarks_add(struct assay_benchmarks *benchmarks, const char *name, const char *unit,
                                       bool bigger, double value);

/* When all samples are there: fills the values, and drops metrics that have none. False when out of memory. */
bool assay_benchmarks_medians(struct assay_benchmarks *benchmarks) ASSAY_CHECK_RESULT;

/* A reader adds what is in a value. ASSAY_ERROR_INPUT: too much of it. */
typedef enum assay_status assay_benchmarks_reader(struct assay_benchmarks *benchmarks, const json_t *root);
assay_benchmarks_reader assay_benchmarks_google, assay_benchmarks_nvbench, assay_benchmarks_pytest,
    assay_benchmarks_bencher, assay_benchmarks_bench, assay_benchmarks_verdict;

/* "412.6 GOP/s", "1.42 ms", "17.3": a value of a metric in its unit. */
void assay_value_text(char text[32], double value, const char *unit);

#endif
