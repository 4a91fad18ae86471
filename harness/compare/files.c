/* SPDX-License-Identifier: Apache-2.0
 *
 * See files.h: two results. */
#include "harness/compare/files.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/compare/attested.h"
#include "harness/compare/stats.h"

enum { ROUNDS_MIN = 5 };

enum assay_status assay_results_read(struct assay_benchmarks *benchmarks, const char *path,
                                     const struct assay_policy *policy, struct assay_error *error)
{
	return assay_attestation_is(path) ? assay_attested_read(benchmarks, path, policy, error)
	                                  : assay_benchmarks_read(benchmarks, path, error);
}

/* What both sides are compared by: their rounds where they have some, and launches where BASE is many. */
struct sides {
	struct assay_benchmarks base, fresh;
	bool launches; /* samples of the base are whole launches */
};

static bool same_key(const struct assay_benchmarks *a, const struct assay_benchmarks *b)
{
	return strcmp(a->device, b->device) == 0 && strcmp(a->driver, b->driver) == 0;
}

/* The launches of a directory as samples. */
static enum assay_status directory_read(struct sides *sides, const char *directory, const struct assay_files *files,
                                        struct assay_error *error)
{
	char **paths;
	size_t count, taken = 0;
	enum assay_status status = assay_paths_list(&paths, &count, directory, error);

	if (status)
		return status;
	sides->launches = true;
	snprintf(sides->base.device, sizeof sides->base.device, "%s", sides->fresh.device);
	snprintf(sides->base.driver, sizeof sides->base.driver, "%s", sides->fresh.driver);
	for (size_t i = 0; !status && i < count; i++) {
		struct assay_benchmarks one = {.notes = sides->base.notes};
		status = assay_results_read(&one, paths[i], files->policy, error);
		const bool same = !status && same_key(&one, &sides->fresh);
		taken += same;
		for (size_t k = 0; same && !status && k < one.count; k++) {
			const struct assay_metric *from = &one.metrics[k];
			const struct assay_metric *wanted = assay_benchmarks_find(&sides->fresh, from->name);
			/* Other sizes are another workload. */
			if (wanted && strcmp(wanted->params, from->params) != 0)
				continue;
			struct assay_metric *metric =
			    assay_benchmarks_metric(&sides->base, from->name, from->unit, from->bigger, &status);
			if (!metric)
				break;
			memcpy(metric->params, from->params, sizeof metric->params);
			metric->control = from->control;
			status = assay_metric_add(&sides->base, metric, from->value);
		}
		if (status == ASSAY_ERROR_MEMORY)
			(void)assay_fail(error, status, "memory", "out of memory");
		assay_benchmarks_close(&one);
	}
	assay_paths_release(paths, count);
	if (!status && taken == 0)
		return assay_fail(error, ASSAY_ERROR_INPUT, "baseline.none",
		                  "%s: none of %zu results is of the device %s and the driver %s", directory, count,
		                  *sides->fresh.device ? sides->fresh.device : "that is not told",
		                  *sides->fresh.driver ? sides->fresh.driver : "that is not told");
	if (!status && !assay_benchmarks_medians(&sides->base))
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	return status;
}

/* Fills the change and its interval. False when out of memory. */
static bool measure(struct assay_compared *finding, const struct assay_metric *base, const struct assay_metric *fresh,
                    double floor, double alpha, const struct sides *sides, uint64_t seed)
{
	const double z = assay_normal_z(alpha / 2);
	double of_rounds = 0;
	struct assay_ratio ratio;

	finding->base = base->value;
	finding->fresh = fresh->value;
	finding->base_count = base->count;
	finding->count = fresh->count;
	finding->worse = log(fresh->value / base->value) * (finding->bigger ? -1 : 1);
	/* Rounds of one launch stand against rounds of another one, never against launches. */
	if (!sides->launches && base->count >= ROUNDS_MIN && fresh->count >= ROUNDS_MIN) {
		if (!assay_ratio_of(&ratio, base->samples, base->count, fresh->samples, fresh->count, alpha, seed))
			return false;
		of_rounds = (ratio.high - ratio.low) / 2;
	}
	/* The floor is a bound for one time of a hundred. */
	const double of_launches = floor / assay_normal_z(0.005);
	const double deviation = hypot(of_launches, of_rounds / z);
	finding->low = finding->worse - z * deviation;
	finding->high = finding->worse + z * deviation;
	finding->p = deviation > 0 ? 2 * assay_normal_tail(fabs(finding->worse) / deviation) : 1;
	finding->limit = fmax(finding->limit, floor);
	return true;
}

static void unclear(struct assay_compared *finding, const char *reason)
{
	finding->judgement = ASSAY_UNCLEAR;
	snprintf(finding->reason, sizeof finding->reason, "%s", reason);
}

/* What differs besides the code. */
static void differences_tell(struct assay_comparison *comparison, const struct sides *sides)
{
	const struct assay_benchmarks *base = &sides->base, *fresh = &sides->fresh;

	if (fresh->format && strcmp(fresh->format, "attestation") == 0)
		assay_note(&comparison->notes,
		           "rates of attestations are claimed, by the prover's own clock, unless they are "
		           "called proven");
	if (strcmp(base->device, fresh->device) != 0)
		assay_note(&comparison->notes, "the device differs: %s -> %s (device.differs)",
		           *base->device ? base->device : "not told", *fresh->device ? fresh->device : "not told");
	if (strcmp(base->driver, fresh->driver) != 0)
		assay_note(&comparison->notes, "the driver differs: %s -> %s (driver.differs)",
		           *base->driver ? base->driver : "not told", *fresh->driver ? fresh->driver : "not told");
}

static void throttled_tell(struct assay_comparison *comparison, const struct assay_metric *metric, const char *side)
{
	if (metric->throttled > 0)
		assay_note(&comparison->notes, "%s: the clock was held down in %lld rounds of %s (throttled)",
		           metric->name, (long long)metric->throttled, side);
}

/* Metrics of both sides become findings, those of one side unclear ones. */
static enum assay_status match(struct assay_comparison *comparison, const struct sides *sides,
                               const struct assay_files *files, struct assay_error *error)
{
	bool unknown = false;

	for (size_t i = 0; i < sides->base.count + sides->fresh.count; i++) {
		const bool of_base = i < sides->base.count;
		const struct assay_metric *metric =
		    of_base ? &sides->base.metrics[i] : &sides->fresh.metrics[i - sides->base.count];
		const struct assay_metric *other =
		    assay_benchmarks_find(of_base ? &sides->fresh : &sides->base, metric->name);
		if ((!of_base && other) || (files->filter && fnmatch(files->filter, metric->name, 0) != 0))
			continue;
		struct assay_compared *finding = assay_compared_add(comparison, metric);
		if (!finding)
			return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
		if (!other) {
			unclear(finding, "metric.missing");
			*(of_base ? &finding->base : &finding->fresh) = metric->value;
			continue;
		}
		double floor = assay_floors_get(files->floors, metric->name);
		if (sides->launches && metric->count >= ASSAY_CALIBRATE_MIN)
			floor = assay_floor_of(metric->samples, metric->count, true);
		if (floor < 0) {
			unknown = true;
			floor = HUGE_VAL;
			unclear(finding, "floor.unknown");
		}
		if (!measure(finding, metric, other, floor, comparison->rule.alpha, sides, comparison->seed))
			return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
		if (strcmp(metric->params, other->params) != 0)
			unclear(finding, "params.differ");
		else if (strcmp(metric->unit, other->unit) != 0 || metric->bigger != other->bigger)
			unclear(finding, "unit.differs");
		throttled_tell(comparison, metric, "base");
		throttled_tell(comparison, other, "new");
	}
	if (unknown)
		assay_note(&comparison->notes,
		           "how much launches of the same code differ on this machine is not known, so that no change "
		           "is a regression: measure it with --calibrate, and give --floor (floor.unknown)");
	return ASSAY_OK;
}

/* The first of our own workloads beside others is the control, and no finding. */
static void control_take(struct assay_comparison *comparison, const struct sides *sides)
{
	size_t kept = 0;

	for (size_t i = 0; i < comparison->count; i++) {
		const struct assay_metric *base = assay_benchmarks_find(&sides->base, comparison->findings[i].name);
		const struct assay_metric *fresh = assay_benchmarks_find(&sides->fresh, comparison->findings[i].name);
		if (!base || !fresh || !base->control || !fresh->control)
			comparison->findings[kept++] = comparison->findings[i];
		else if (!comparison->control.name)
			comparison->control = comparison->findings[i];
		else
			free(comparison->findings[i].name);
	}
	comparison->count = kept;
}

static enum assay_status judge(struct assay_comparison *comparison, bool across, bool device_differs,
                               struct assay_error *error)
{
	double *p = calloc(comparison->count + 1, sizeof *p);
	bool *believed = calloc(comparison->count + 1, sizeof *believed);
	const double alpha = comparison->rule.alpha;

	if (!p || !believed) {
		free(p);
		free(believed);
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	}
	for (size_t i = 0; i < comparison->count; i++)
		p[i] = comparison->findings[i].p;
	assay_discoveries(believed, p, comparison->count, alpha);
	for (size_t i = 0; i < comparison->count; i++) {
		struct assay_compared *finding = &comparison->findings[i];
		if (*finding->reason)
			continue;
		assay_compared_judge(finding, &comparison->rule, alpha, believed[i]);
		if (finding->judgement == ASSAY_REGRESSION && device_differs && !across)
			unclear(finding, "device.differs");
	}
	struct assay_compared *control = &comparison->control;
	if (control->name && !*control->reason)
		assay_compared_judge(control, &comparison->rule, alpha, control->p <= alpha);
	assay_comparison_control(comparison);
	free(p);
	free(believed);
	return ASSAY_OK;
}

enum assay_status assay_compare_files(struct assay_comparison *comparison, const char *base, const char *fresh,
                                      const struct assay_files *files, struct assay_error *error)
{
	struct sides sides = {.base = {.notes = &comparison->notes}, .fresh = {.notes = &comparison->notes}};
	struct stat info;
	enum assay_status status = assay_results_read(&sides.fresh, fresh, files->policy, error);

	comparison->mode = "files";
	if (!status && stat(base, &info) == 0 && S_ISDIR(info.st_mode))
		status = directory_read(&sides, base, files, error);
	else if (!status)
		status = assay_results_read(&sides.base, base, files->policy, error);
	if (!status)
		differences_tell(comparison, &sides);
	if (!status)
		status = match(comparison, &sides, files, error);
	if (!status) {
		control_take(comparison, &sides);
		status = judge(comparison, files->across, strcmp(sides.base.device, sides.fresh.device) != 0, error);
	}
	if (!status && comparison->count == 0)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "metric.missing", "%s and %s: no metric to compare", base,
		                    fresh);
	assay_benchmarks_close(&sides.base);
	assay_benchmarks_close(&sides.fresh);
	return status;
}
