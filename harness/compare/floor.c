/* SPDX-License-Identifier: Apache-2.0
 *
 * See floor.h. */
#include "harness/compare/floor.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/measure.h"
#include "harness/state.h"

bool assay_percent_parse(double *share, const char *text)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	*share = strtod(text, &end) / 100;
	return strcmp(end, "%") == 0 && *share >= 0.0001 && *share <= 10;
}

/* The 99.5 % quantile of Student's t: G. Hill, "Algorithm 396: Student's t-quantiles", 1970, its expansion in 1/n, good
 * to a thousandth from four degrees of freedom on. */
static double t_quantile(double n)
{
	const double z = assay_normal_z(0.005), z2 = z * z;

	return z * (1 + (z2 + 1) / (4 * n) + ((5 * z2 + 16) * z2 + 3) / (96 * n * n) +
	            (((3 * z2 + 19) * z2 + 17) * z2 - 15) / (384 * n * n * n) +
	            ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / (92160 * n * n * n * n));
}

double assay_floor_of(const double *values, size_t count, bool to_median)
{
	const double n = (double)count;
	double sum = 0, squares = 0, low = HUGE_VAL, high = -HUGE_VAL;

	for (size_t i = 0; i < count; i++) {
		const double value = log(values[i]);
		sum += value;
		low = fmin(low, value);
		high = fmax(high, value);
	}
	for (size_t i = 0; i < count; i++)
		squares += pow(log(values[i]) - sum / n, 2);
	/* A median is less sure than a mean by pi / 2. */
	const double bound = t_quantile(fmax(n - 1, 4)) * sqrt(squares / (n - 1) * (to_median ? 1 + 1.571 / n : 2));
	return fmax(bound, 3 * (high - low));
}

enum assay_status assay_floors_read(struct assay_floors *floors, const char *text, struct assay_error *error)
{
	char *content = NULL;
	size_t len;
	double share;

	*floors = (struct assay_floors){NULL, -1};
	if (assay_percent_parse(&share, text)) {
		floors->given = log1p(share);
		return ASSAY_OK;
	}
	enum assay_status status = assay_text_read(&content, &len, text, error);
	/* Written by us, flat: not deeper than three brackets. */
	const char *deep = content;
	for (int depth = 0; deep && *deep && depth <= 8; deep++)
		depth += (*deep == '{' || *deep == '[') - (*deep == '}' || *deep == ']');
	if (!status && deep && !*deep)
		floors->root = json_loadb(content, len, JSON_REJECT_DUPLICATES, NULL);
	free(content);
	if (!status && !json_is_object(json_object_get(floors->root, "assayFloors")))
		status = assay_fail(error, ASSAY_ERROR_INPUT, "floor.malformed",
		                    "%s: neither a share like 2%% nor a file of `assay compare --calibrate`", text);
	return status;
}

double assay_floors_get(const struct assay_floors *floors, const char *name)
{
	const json_t *floor = json_object_get(json_object_get(floors->root, "assayFloors"), name);
	const double share = json_number_value(json_object_get(floor, "floor"));

	return share > 0 && share < 1e6 ? log1p(share) : floors->given;
}

void assay_floors_close(struct assay_floors *floors)
{
	json_decref(floors->root);
	floors->root = NULL;
}

/* Until `ns` after `start`, or a signal. */
static void wait_until(uint64_t start, uint64_t ns, const atomic_bool *stop)
{
	for (uint64_t now; (now = assay_clock_ns()) - start < ns && !(stop && atomic_load(stop));) {
		const uint64_t left = start + ns - now;
		const struct timespec pause = {(time_t)(left / 1000000000), (long)(left % 1000000000)};
		nanosleep(&pause, NULL);
	}
}

static enum assay_status launches_take(struct assay_benchmarks *all, const struct assay_interleave *plan,
                                       uint32_t launches, struct assay_error *error)
{
	const uint64_t start = assay_clock_ns();
	enum assay_status status = ASSAY_OK;

	/* The first one fills caches, and does not count. */
	for (uint32_t i = 0; !status && i <= launches; i++) {
		struct assay_benchmarks one = {.notes = all->notes};
		bool good;
		char why[256];
		if (plan->progress)
			plan->progress(i, launches, UINT64_MAX);
		wait_until(start, plan->budget_ns / launches * i, plan->stop);
		status = assay_measured_launch(&one, &good, why, plan, 0, error);
		if (!status && !good)
			status = assay_fail(error, ASSAY_ERROR_INPUT, "command.failed", "%.160s: %s", plan->commands[0],
			                    why);
		for (size_t k = 0; i > 0 && !status && k < one.count; k++)
			if (!plan->filter || fnmatch(plan->filter, one.metrics[k].name, 0) == 0)
				status = assay_benchmarks_add(all, one.metrics[k].name, one.metrics[k].unit,
				                              one.metrics[k].bigger, one.metrics[k].value);
		assay_benchmarks_close(&one);
	}
	return status;
}

enum assay_status assay_calibrate(const char *path, const struct assay_interleave *plan, uint32_t launches,
                                  struct assay_error *error)
{
	struct assay_notes notes = {0};
	struct assay_benchmarks all = {.notes = &notes};
	json_t *floors = json_object();
	enum assay_status status = launches_take(&all, plan, launches, error);

	for (size_t i = 0; !status && i < all.count; i++) {
		const struct assay_metric *metric = &all.metrics[i];
		if (metric->count < ASSAY_CALIBRATE_MIN) {
			assay_note(&notes, "%s: in %zu launches only: no floor (metric.missing)", metric->name,
			           metric->count);
			continue;
		}
		const double floor = expm1(assay_floor_of(metric->samples, metric->count, false));
		printf("  %-40s %6.2f %%  of %zu launches\n", metric->name, 100 * floor, metric->count);
		json_object_set_new(floors, metric->name,
		                    json_pack("{s:f, s:I}", "floor", floor, "launches", (json_int_t)metric->count));
	}
	for (size_t i = 0; i < notes.count; i++)
		printf("  note: %s\n", notes.text[i]);
	if (!status && json_object_size(floors) == 0)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "pairs.none", "nothing was measured often enough");
	json_t *root = json_pack("{s:o}", "assayFloors", floors);
	char *text = json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS);
	const char *const parts[] = {text ? text : "", "\n"};
	if (!status)
		status = assay_output_write(path, 0644, parts, 2, true, error);
	free(text);
	json_decref(root);
	assay_benchmarks_close(&all);
	assay_notes_close(&notes);
	return status;
}
