/* SPDX-License-Identifier: Apache-2.0
 *
 * See files.h: files of a directory, and the history in them. */
#include "harness/compare/files.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/compare/stats.h"
#include "harness/state.h"

enum { DIRECTORIES_MAX = 6, SHORT = 10 };

/* ---- Files of a directory ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool ends(const char *name, const char *ending)
{
	const size_t len = strlen(name), of = strlen(ending);

	return len > of && strcmp(name + len - of, ending) == 0;
}

/* `depth` bounds the recursion; links are not followed. */
static enum assay_status list(char **paths, size_t *count, const char *directory, int depth, struct assay_error *error)
{
	enum assay_status status = ASSAY_OK;
	DIR *open = opendir(directory);

	if (!open)
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s", directory, strerror(errno));
	for (const struct dirent *entry; !status && (entry = readdir(open));) {
		char path[ASSAY_PATH_MAX];
		struct stat info;
		if (entry->d_name[0] == '.' ||
		    snprintf(path, sizeof path, "%s/%s", directory, entry->d_name) >= ASSAY_PATH_MAX ||
		    lstat(path, &info) != 0)
			continue;
		if (S_ISDIR(info.st_mode) && depth < DIRECTORIES_MAX) {
			status = list(paths, count, path, depth + 1, error);
		} else if (S_ISREG(info.st_mode) && ends(path, ".json")) {
			if (*count == ASSAY_FILES_MAX)
				status = assay_fail(error, ASSAY_ERROR_INPUT, "files.many",
				                    "%s: more than %d results; see `assay baseline prune`", directory,
				                    ASSAY_FILES_MAX);
			else if (!(paths[(*count)++] = strdup(path)))
				status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
		}
	}
	closedir(open);
	return status;
}

enum assay_status assay_paths_list(char ***paths, size_t *count, const char *directory, struct assay_error *error)
{
	*count = 0;
	*paths = calloc(ASSAY_FILES_MAX, sizeof **paths);
	enum assay_status status = *paths ? list(*paths, count, directory, 0, error)
	                                  : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	if (status) {
		assay_paths_release(*paths, *count);
		*paths = NULL;
		*count = 0;
		return status;
	}
	qsort(*paths, *count, sizeof **paths, by_text);
	return ASSAY_OK;
}

void assay_paths_release(char **paths, size_t count)
{
	for (size_t i = 0; paths && i < count; i++)
		free(paths[i]);
	free(paths);
}

/* ---- History ---- */

/* One result of one metric. */
struct point {
	double value;
	char date[40], driver[96];
	const char *path;
};

struct series {
	char *name;
	char device[280];
	char unit[16];
	char params[64];
	bool bigger;
	struct point *points;
	size_t count, capacity;
};

struct history {
	struct series *series;
	size_t count, capacity;
	bool dated; /* every file has a date */
};

static void *grown(void *list, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return list;
	const size_t more = *capacity ? 2 * *capacity : 16;
	void *made = realloc(list, more * size);
	if (made)
		*capacity = more;
	return made;
}

static struct series *series_of(struct history *history, const struct assay_metric *metric, const char *device)
{
	for (size_t i = 0; i < history->count; i++)
		if (strcmp(history->series[i].name, metric->name) == 0 &&
		    strcmp(history->series[i].device, device) == 0 &&
		    strcmp(history->series[i].params, metric->params) == 0)
			return &history->series[i];
	struct series *made = grown(history->series, history->count, &history->capacity, sizeof *made);
	if (!made)
		return NULL;
	history->series = made;
	made = &history->series[history->count];
	*made = (struct series){.name = strdup(metric->name), .bigger = metric->bigger};
	if (!made->name)
		return NULL;
	history->count++;
	memcpy(made->unit, metric->unit, sizeof made->unit);
	memcpy(made->params, metric->params, sizeof made->params);
	snprintf(made->device, sizeof made->device, "%s", device);
	return made;
}

static bool file_add(struct history *history, const struct assay_benchmarks *one, const char *path, const char *filter)
{
	history->dated &= *one->date != '\0';
	for (size_t i = 0; i < one->count; i++) {
		const struct assay_metric *metric = &one->metrics[i];
		if (filter && fnmatch(filter, metric->name, 0) != 0)
			continue;
		struct series *series = series_of(history, metric, one->device);
		struct point *points =
		    series ? grown(series->points, series->count, &series->capacity, sizeof *points) : NULL;
		if (!points)
			return false;
		series->points = points;
		struct point *point = &points[series->count++];
		*point = (struct point){.value = metric->value, .path = path};
		snprintf(point->date, sizeof point->date, "%s", one->date);
		snprintf(point->driver, sizeof point->driver, "%.95s", one->driver);
	}
	return true;
}

/* By date; files come sorted by name, which decides where there are no dates. */
static int by_date(const void *a, const void *b)
{
	const struct point *x = a, *y = b;
	const int order = strcmp(x->date, y->date);

	return order ? order : strcmp(x->path, y->path);
}

static double median_from(const double *logs, size_t begin, size_t end)
{
	double scratch[ASSAY_HISTORY_MAX];

	memcpy(scratch, logs + begin, (end - begin) * sizeof *scratch);
	return assay_median(scratch, end - begin);
}

/* How much the values change at change i. */
static double step(const struct assay_changes *changes, size_t i, const double *logs, size_t count)
{
	const size_t begin = i ? changes->at[i - 1] : 0, end = i + 1 < changes->count ? changes->at[i + 1] : count;

	return median_from(logs, changes->at[i], end) - median_from(logs, begin, changes->at[i]);
}

/* Changes that are no more than the limit are none: the least one is taken out, and both sides of it are one, until all
 * are more. So a little change after a great one does not hide it. */
static void small_drop(struct assay_changes *changes, const double *logs, size_t count, double limit)
{
	for (;;) {
		size_t least = 0;
		for (size_t i = 1; i < changes->count; i++)
			if (fabs(step(changes, i, logs, count)) < fabs(step(changes, least, logs, count)))
				least = i;
		if (changes->count == 0 || fabs(step(changes, least, logs, count)) > limit)
			return;
		changes->count--;
		for (size_t i = least; i < changes->count; i++) {
			changes->at[i] = changes->at[i + 1];
			changes->p[i] = changes->p[i + 1];
		}
	}
}

/* Each change is told; the last one makes the finding. */
static bool changes_find(struct assay_comparison *comparison, struct assay_compared *finding,
                         const struct series *series, const struct point *points, size_t count)
{
	double logs[ASSAY_HISTORY_MAX];
	struct assay_changes changes;

	for (size_t i = 0; i < count; i++)
		logs[i] = log(points[i].value);
	if (!assay_changes_of(&changes, logs, count, comparison->rule.alpha, comparison->seed))
		return false;
	small_drop(&changes, logs, count, finding->limit);
	finding->base = finding->fresh = exp(median_from(logs, 0, count));
	finding->base_count = 0;
	finding->count = count;
	for (size_t i = 0; i < changes.count; i++) {
		const size_t begin = i ? changes.at[i - 1] : 0, at = changes.at[i];
		const size_t end = i + 1 < changes.count ? changes.at[i + 1] : count;
		const double change = step(&changes, i, logs, count);
		const bool driver = strcmp(points[at - 1].driver, points[at].driver) != 0;
		finding->base = exp(median_from(logs, begin, at));
		finding->fresh = exp(median_from(logs, at, end));
		finding->base_count = at - begin;
		finding->count = end - at;
		finding->worse = change * (series->bigger ? -1 : 1);
		finding->p = changes.p[i];
		assay_note(&comparison->notes, "%s: %+.1f %% from %.120s%s%.24s on, p = %.2g%s%.60s%s%.60s (change)",
		           series->name, 100 * expm1(change), points[at].path, *points[at].date ? ", " : "",
		           points[at].date, changes.p[i], driver ? ", with the driver " : "",
		           driver ? points[at - 1].driver : "", driver ? " -> " : "", driver ? points[at].driver : "");
	}
	return true;
}

static enum assay_status series_judge(struct assay_comparison *comparison, const struct history *history,
                                      const struct assay_files *files, struct assay_error *error)
{
	bool *believed = calloc(history->count + 1, sizeof *believed);
	double *p = calloc(history->count + 1, sizeof *p);
	bool room = believed && p;

	for (size_t i = 0; room && i < history->count; i++) {
		const struct series *series = &history->series[i];
		const struct assay_metric metric = {.name = series->name, .bigger = series->bigger};
		const size_t kept = series->count < ASSAY_HISTORY_MAX ? series->count : ASSAY_HISTORY_MAX;
		struct assay_compared *finding = assay_compared_add(comparison, &metric);
		room = finding != NULL;
		if (!room)
			break;
		memcpy(finding->unit, series->unit, sizeof finding->unit);
		if (history->dated)
			qsort(series->points, series->count, sizeof *series->points, by_date);
		finding->limit = fmax(finding->limit, assay_floors_get(files->floors, series->name));
		room = changes_find(comparison, finding, series, series->points + series->count - kept, kept);
		p[i] = finding->p;
		if (kept < SHORT)
			snprintf(finding->reason, sizeof finding->reason, "history.short");
	}
	if (room)
		assay_discoveries(believed, p, history->count, comparison->rule.alpha);
	for (size_t i = 0; room && i < history->count; i++) {
		struct assay_compared *finding = &comparison->findings[i];
		if (believed[i] && finding->worse > finding->limit)
			finding->judgement = ASSAY_REGRESSION;
		else if (believed[i] && finding->worse < -finding->limit)
			finding->judgement = ASSAY_BETTER;
		else if (!*finding->reason)
			finding->judgement = ASSAY_SAME;
	}
	free(believed);
	free(p);
	return room ? ASSAY_OK : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
}

static void history_release(struct history *history)
{
	for (size_t i = 0; i < history->count; i++) {
		free(history->series[i].name);
		free(history->series[i].points);
	}
	free(history->series);
}

enum assay_status assay_compare_history(struct assay_comparison *comparison, const char *directory,
                                        const struct assay_files *files, struct assay_error *error)
{
	struct history history = {.dated = true};
	char **paths;
	size_t count;
	enum assay_status status = assay_paths_list(&paths, &count, directory, error);

	comparison->mode = "history";
	for (size_t i = 0; !status && i < count; i++) {
		struct assay_benchmarks one = {.notes = &comparison->notes};
		status = assay_results_read(&one, paths[i], files->policy, error);
		if (!status && !file_add(&history, &one, paths[i], files->filter))
			status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
		assay_benchmarks_close(&one);
	}
	if (!status && !history.dated)
		assay_note(&comparison->notes, "not every file has a date: they are taken in the order of their names");
	if (!status && history.count == 0)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "metric.missing", "%s: no result in it", directory);
	if (!status)
		status = series_judge(comparison, &history, files, error);
	history_release(&history);
	assay_paths_release(paths, count);
	return status;
}
