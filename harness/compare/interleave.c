/* SPDX-License-Identifier: Apache-2.0
 *
 * See interleave.h. */
#include "harness/compare/interleave.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/compare/canary.h"
#include "harness/compare/launch.h"
#include "harness/measure.h"

static const char *const sides[] = {"base", "new"};

/* What is kept between pairs. */
struct state {
	const struct assay_interleave *plan;
	struct assay_comparison *comparison;
	struct assay_random random;
	struct assay_canary *canary;
	struct assay_pairs **pairs; /* one a finding */
	size_t capacity;
	struct assay_pairs control;
	double *sung; /* what the control said, launch after launch */
	size_t songs;
	unsigned failures[2];
	uint32_t done; /* pairs that were tried */
};

enum assay_status assay_measured_launch(struct assay_benchmarks *benchmarks, bool *good, char why[256],
                                        const struct assay_interleave *plan, int side, struct assay_error *error)
{
	struct assay_launch launch;
	enum assay_status status = assay_launch(&launch, plan->commands[side], plan->timeout_ns, plan->stop, error);

	*good = !status && launch.ending == ASSAY_ENDED;
	*why = '\0';
	if (!status && !*good)
		assay_launch_words(why, &launch, plan->timeout_ns);
	if (*good && plan->wall) {
		status = assay_benchmarks_add(benchmarks, "wall time", "s", false, (double)launch.wall_ns / 1e9);
		for (size_t i = 0; i < benchmarks->count; i++)
			benchmarks->metrics[i].value = benchmarks->metrics[i].samples[0];
	} else if (*good) {
		struct assay_error unread = {{0}, {0}};
		enum assay_status read =
		    assay_benchmarks_parse(benchmarks, launch.output, launch.len, sides[side], &unread);
		*good = read == ASSAY_OK;
		if (read == ASSAY_ERROR_MEMORY) {
			status = read;
			*error = unread;
		} else if (read) {
			snprintf(why, 256, "%.200s (%s)", unread.text, unread.reason);
		}
	}
	assay_launch_close(&launch);
	return status;
}

static bool wanted(const struct state *state, const struct assay_metric *metric)
{
	return !state->plan->filter || fnmatch(state->plan->filter, metric->name, 0) == 0;
}

/* The finding of a metric, made when it is seen first; NULL when out of memory. */
static struct assay_compared *finding_of(struct state *state, const struct assay_metric *metric)
{
	struct assay_comparison *comparison = state->comparison;

	for (size_t i = 0; i < comparison->count; i++)
		if (strcmp(comparison->findings[i].name, metric->name) == 0)
			return &comparison->findings[i];
	if (comparison->count == state->capacity) {
		const size_t capacity = state->capacity ? 2 * state->capacity : 16;
		struct assay_pairs **more = realloc(state->pairs, capacity * sizeof(struct assay_pairs *));
		if (!more)
			return NULL;
		state->pairs = more;
		state->capacity = capacity;
	}
	struct assay_pairs *pairs = state->pairs[comparison->count] = calloc(1, sizeof *pairs);
	struct assay_compared *made = pairs ? assay_compared_add(comparison, metric) : NULL;
	if (!made)
		free(pairs);
	return made;
}

/* Both sides of one pair; `warm` is one that does not count, which makes the findings. */
static bool take(struct state *state, const struct assay_benchmarks results[2], bool warm)
{
	for (int side = 0; side < 2; side++) {
		for (size_t i = 0; i < results[side].count; i++) {
			const struct assay_metric *metric = &results[side].metrics[i];
			const struct assay_metric *other = assay_benchmarks_find(&results[1 - side], metric->name);
			if (!wanted(state, metric))
				continue;
			struct assay_compared *finding = finding_of(state, metric);
			if (!finding)
				return false;
			if (!other)
				assay_note(&state->comparison->notes, "%s: missing in a launch of %s (metric.missing)",
				           metric->name, sides[1 - side]);
			if (metric->throttled > 0)
				assay_note(&state->comparison->notes,
				           "%s: the clock was held down in a launch of %s (throttled)", metric->name,
				           sides[side]);
			struct assay_pairs *pairs = state->pairs[finding - state->comparison->findings];
			if (side == 0 && other && !warm)
				(void)assay_pair_add(pairs, metric->bigger, metric->value, other->value);
		}
	}
	return true;
}

static enum assay_status sing(struct state *state, double *seconds, struct assay_error *error)
{
	enum assay_status status =
	    state->canary ? assay_canary_run(state->canary, state->plan->canary_ns, seconds, error) : ASSAY_OK;

	if (!status && state->canary && state->songs < 2 * ASSAY_PAIRS_MAX + 2)
		state->sung[state->songs++] = log(*seconds);
	return status;
}

/* Both launches, by a coin, each with the control just before it. */
static enum assay_status pair(struct state *state, bool warm, struct assay_error *error)
{
	struct assay_benchmarks results[2] = {{.notes = &state->comparison->notes},
	                                      {.notes = &state->comparison->notes}};
	const int first = (int)assay_random_below(&state->random, 2);
	double seconds[2] = {0, 0};
	enum assay_status status = ASSAY_OK;
	bool good[2] = {false, false};
	char why[256];

	for (int turn = 0; !status && turn < 2; turn++) {
		const int side = turn == 0 ? first : 1 - first;
		status = sing(state, &seconds[side], error);
		if (!status)
			status = assay_measured_launch(&results[side], &good[side], why, state->plan, side, error);
		if (status || good[side] || (state->plan->stop && atomic_load(state->plan->stop)))
			continue;
		assay_note(&state->comparison->notes, "a launch of %s does not count: %s (command.failed)", sides[side],
		           why);
		if (warm || ++state->failures[side] > ASSAY_LAUNCH_FAILURES_MAX)
			status = assay_fail(error, ASSAY_ERROR_INPUT, "command.failed", "%s: %.120s: %s", sides[side],
			                    state->plan->commands[side], why);
	}
	if (!status && warm && good[0] && good[1] && strcmp(results[0].device, results[1].device) != 0)
		assay_note(&state->comparison->notes, "the device differs: %s -> %s (device.differs)",
		           *results[0].device ? results[0].device : "not told",
		           *results[1].device ? results[1].device : "not told");
	if (!status && good[0] && good[1]) {
		if (!take(state, results, warm))
			status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
		if (!warm && state->canary)
			(void)assay_pair_add(&state->control, false, seconds[0], seconds[1]);
	}
	state->done += !warm;
	assay_benchmarks_close(&results[0]);
	assay_benchmarks_close(&results[1]);
	return status;
}

/* *enough: every metric that both sides have is decided. False when out of memory. */
static bool look(struct state *state, bool last, bool *enough)
{
	struct assay_comparison *comparison = state->comparison;
	const double alpha = assay_look_alpha(comparison->rule.alpha, ++comparison->looks, last);

	*enough = true;
	if (!assay_pairs_judge(comparison->findings, state->pairs, comparison->count, &comparison->rule, alpha))
		return false;
	for (size_t i = 0; i < comparison->count; i++)
		*enough = *enough && (state->pairs[i]->decided || state->pairs[i]->count == 0);
	return true;
}

/* Pairs until there are enough, or no time for another one. The first one does not count: it fills caches, and says
 * whether the commands work at all. */
static enum assay_status pairs_run(struct state *state, struct assay_error *error)
{
	const struct assay_interleave *plan = state->plan;
	const uint64_t start = assay_clock_ns(), most = plan->budget_ns ? ASSAY_PAIRS_MAX : plan->pairs;
	uint64_t longest = 0, left = UINT64_MAX;
	bool enough = false;
	enum assay_status status = pair(state, true, error);

	while (!status && !enough && state->done < most && !(plan->stop && atomic_load(plan->stop))) {
		const uint64_t before = assay_clock_ns();
		if (plan->budget_ns) {
			left = before - start < plan->budget_ns ? plan->budget_ns - (before - start) : 0;
			if (left <= longest)
				break;
		}
		if (plan->progress)
			plan->progress(state->done, plan->budget_ns ? 0 : plan->pairs, left);
		status = pair(state, false, error);
		if (assay_clock_ns() - before > longest)
			longest = assay_clock_ns() - before;
		if (!status && plan->budget_ns && state->done < most &&
		    state->done == assay_look_at(state->comparison->looks + 1) && !look(state, false, &enough))
			status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	}
	if (!status && !enough && state->done > 0 && !look(state, true, &enough))
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	return status;
}

/* Was the machine the same for both, and was it the same all the time? */
static bool control_judge(struct state *state)
{
	struct assay_comparison *comparison = state->comparison;
	struct assay_metric metric = {.name = (char *)(uintptr_t) "control", .unit = "s"};
	struct assay_pairs *list[] = {&state->control};
	struct assay_compared *made = assay_compared_add(comparison, &metric);
	struct assay_changes changes;
	const size_t kept = state->songs < ASSAY_HISTORY_MAX ? state->songs : ASSAY_HISTORY_MAX;
	const double *sung = state->sung + state->songs - kept;

	if (!made)
		return false;
	comparison->control = *made;
	comparison->count--;
	comparison->control.limit = comparison->rule.fail_on;
	if (!assay_pairs_judge(&comparison->control, list, 1, &comparison->rule, comparison->rule.alpha) ||
	    !assay_changes_of(&changes, sung, kept, 0.01, comparison->seed))
		return false;
	for (size_t i = 0; i < changes.count; i++) {
		double before[ASSAY_HISTORY_MAX], after[ASSAY_HISTORY_MAX];
		const size_t begin = i ? changes.at[i - 1] : 0, at = changes.at[i];
		const size_t end = i + 1 < changes.count ? changes.at[i + 1] : kept;
		memcpy(before, sung + begin, (at - begin) * sizeof *sung);
		memcpy(after, sung + at, (end - at) * sizeof *sung);
		const double change = assay_median(after, end - at) - assay_median(before, at - begin);
		if (fabs(change) > comparison->rule.fail_on)
			assay_note(&comparison->notes,
			           "the runner changed while this went on: the control took %+.1f %% from pair %zu on; "
			           "both sides alike (runner.drift)",
			           100 * expm1(change), (state->songs - kept + at) / 2);
	}
	assay_comparison_control(comparison);
	return true;
}

/* Metrics of which one side only had any are not passed over. */
static void missing_tell(struct state *state)
{
	for (size_t i = 0; i < state->comparison->count; i++) {
		struct assay_compared *finding = &state->comparison->findings[i];
		if (state->pairs[i]->count > 0)
			continue;
		finding->judgement = ASSAY_UNCLEAR;
		snprintf(finding->reason, sizeof finding->reason, "metric.missing");
	}
}

enum assay_status assay_interleave(struct assay_comparison *comparison, const struct assay_interleave *plan,
                                   struct assay_error *error)
{
	struct state *state = calloc(1, sizeof *state);
	enum assay_status status = state ? ASSAY_OK : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");

	comparison->mode = "interleaved";
	if (status)
		return status;
	state->plan = plan;
	state->comparison = comparison;
	state->random.state = comparison->seed;
	state->sung = calloc(2 * ASSAY_PAIRS_MAX + 2, sizeof *state->sung);
	if (!state->sung)
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	if (!status && plan->canary_ns)
		status = assay_canary_open(&state->canary, error);
	if (!status)
		status = pairs_run(state, error);
	comparison->pairs = state->done;
	if (!status && (comparison->looks == 0 || comparison->count == 0))
		status = assay_fail(error, ASSAY_ERROR_INPUT, "pairs.none",
		                    "nothing was measured: %s; give more time (--budget)",
		                    comparison->count ? "not one pair was done in time" : "no metric matches");
	if (!status)
		missing_tell(state);
	if (!status && state->canary && !control_judge(state))
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	for (size_t i = 0; i < comparison->count; i++)
		free(state->pairs[i]);
	free(state->pairs);
	free(state->sung);
	assay_canary_close(state->canary);
	free(state);
	return status;
}
