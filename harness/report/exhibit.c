/* SPDX-License-Identifier: Apache-2.0
 *
 * See exhibit.h. */
#include "harness/report/exhibit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "harness/command.h"
#include "harness/rounds.h"

static void file_read(struct assay_exhibit_file *file)
{
	unsigned char buffer[65536], hash[32];
	crypto_hash_sha256_state state;
	FILE *open = *file->name ? fopen(file->name, "rb") : NULL;

	if (!open)
		return;
	crypto_hash_sha256_init(&state);
	for (size_t len; (len = fread(buffer, 1, sizeof buffer, open)) > 0; file->bytes += len)
		crypto_hash_sha256_update(&state, buffer, len);
	crypto_hash_sha256_final(&state, hash);
	if (!ferror(open))
		assay_hex(file->sha256, hash);
	fclose(open);
}

static void files_read(struct assay_exhibit *exhibit)
{
	static const char *const endings[ASSAY_EXHIBIT_FILES] = {"", ".transcript", ".receipts.jsonl"};

	for (int i = 0; i < ASSAY_EXHIBIT_FILES; i++) {
		char *name = i ? assay_beside(exhibit->path, endings[i]) : strdup(exhibit->path);
		if (name && (i < ASSAY_EXHIBIT_RECEIPTS || exhibit->verdict.asked))
			snprintf(exhibit->files[i].name, sizeof exhibit->files[i].name, "%s", name);
		free(name);
		file_read(&exhibit->files[i]);
	}
}

/* The statement once more, for what a verdict does not repeat; only as the key of the verdict signed it, whatever has
 * become of the file since. */
static void statement_read(struct assay_exhibit *exhibit)
{
	struct assay_error error;
	struct assay_rounds rounds;
	char keyid[65];
	bool good;

	if (!exhibit->verdict.checks[ASSAY_CHECK_STATEMENT].reached ||
	    exhibit->verdict.checks[ASSAY_CHECK_STATEMENT].reason ||
	    assay_envelope_read(&exhibit->envelope, ASSAY_TYPE_STATEMENT, &good, exhibit->path, &error) || !good)
		return;
	if (assay_rounds_open(&rounds, exhibit->path, &error) == ASSAY_OK) {
		assay_keyid(keyid, rounds.transcript.key);
		if (strcmp(keyid, exhibit->verdict.keyid) != 0 ||
		    !assay_envelope_signed_by(&exhibit->envelope, rounds.transcript.key) ||
		    assay_statement_parse(&exhibit->statement, exhibit->envelope.payload,
		                          exhibit->envelope.payload_len))
			exhibit->statement.root = NULL;
	}
	assay_rounds_close(&rounds);
}

static int by_time(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The ranges of rounds that were throttled, when they are of this run. */
static void spans_read(struct assay_series *series, const json_t *run)
{
	const json_t *ranges = json_object_get(run, "throttled");

	for (size_t i = 0; i < json_array_size(ranges); i++) {
		const json_t *range = json_array_get(ranges, i);
		const json_int_t last = json_integer_value(json_array_get(range, 1));
		if (last < (json_int_t)series->rounds)
			series->spans[series->span_count++] = (struct assay_span){
			    .first = (uint32_t)json_integer_value(json_array_get(range, 0)), .last = (uint32_t)last};
	}
}

/* Round r went on from one time to another. */
static void spans_time(struct assay_series *series, uint32_t *span, uint32_t r, double from, double to)
{
	if (*span == series->span_count)
		return;
	struct assay_span *at = &series->spans[*span];
	if (r == at->first)
		at->from = from;
	if (r == at->last) {
		at->to = to;
		++*span;
	}
}

/* A run's rounds, `share` of them a point; `room` is for that many. */
static void series_read(struct assay_series *series, struct assay_rounds *rounds, uint32_t count, uint64_t *room,
                        const json_t *run, uint64_t median_ns)
{
	const uint32_t share = (count + ASSAY_SERIES_POINTS - 1) / ASSAY_SERIES_POINTS;
	double since = 0;
	uint32_t filled = 0, r = 0, span = 0;

	*series = (struct assay_series){.rounds = count, .rounds_a_point = share};
	spans_read(series, run);
	for (uint64_t ns; assay_rounds_next(rounds, &ns);) {
		room[filled++] = ns;
		if (ns > median_ns + median_ns / 2) {
			series->slow++;
			series->slow_share += (double)ns / 1e9;
		}
		spans_time(series, &span, r++, since, since + (double)ns / 1e9);
		since += (double)ns / 1e9;
		if (filled < share && rounds->left)
			continue;
		qsort(room, filled, sizeof *room, by_time);
		series->points[series->count++] = (struct assay_point){
		    since,
		    ((double)room[(filled - 1) / 2] + (double)room[filled / 2]) / 2e6,
		    (double)room[0] / 1e6,
		    (double)room[filled - 1] / 1e6,
		};
		filled = 0;
	}
	series->slow_share = since > 0 ? series->slow_share / since : 0;
}

static void rounds_read(struct assay_exhibit *exhibit)
{
	const struct assay_verdict *verdict = &exhibit->verdict;
	struct assay_rounds rounds;
	struct assay_error error;
	uint32_t j, d, count;

	if (verdict->run_count == 0 || !verdict->checks[ASSAY_CHECK_DIGEST].reached ||
	    verdict->checks[ASSAY_CHECK_DIGEST].reason)
		return;
	const size_t room_len = ASSAY_ROUNDS_MAX / ASSAY_SERIES_POINTS + 1;
	uint64_t *room = malloc(room_len * sizeof *room);
	exhibit->series = room ? calloc(verdict->run_count, sizeof *exhibit->series) : NULL;
	bool good = exhibit->series && assay_rounds_open(&rounds, exhibit->path, &error) == ASSAY_OK;
	for (uint32_t i = 0; good && i < verdict->run_count && assay_rounds_run(&rounds, &j, &d, &count); i++)
		series_read(&exhibit->series[i], &rounds, count, room,
		            exhibit->statement.root ? json_array_get(json_array_get(exhibit->statement.segments, j), d)
		                                    : NULL,
		            verdict->runs[i].claimed.median_ns);
	if (exhibit->series && (!good || rounds.malformed)) {
		free(exhibit->series);
		exhibit->series = NULL;
	}
	if (good)
		assay_rounds_close(&rounds);
	free(room);
}

/* Segments one after the other, each as long as its longest run. */
static void begins_read(struct assay_exhibit *exhibit)
{
	const struct assay_verdict *verdict = &exhibit->verdict;

	for (uint32_t j = 0; j < verdict->segment_count; j++) {
		uint64_t longest = 0;
		for (uint32_t d = 0; d < verdict->device_count; d++)
			if (verdict->runs[j * verdict->device_count + d].claimed.elapsed_ns > longest)
				longest = verdict->runs[j * verdict->device_count + d].claimed.elapsed_ns;
		exhibit->begins[j + 1] = exhibit->begins[j] + (double)longest / 1e9;
	}
}

/* The last parts of its path, without the ending. */
static void name_set(struct assay_exhibit *exhibit, size_t parts)
{
	static const char ending[] = ".intoto.json";
	const char *path = exhibit->path, *end = path + strlen(path), *begin = end;

	if (end - path > (ptrdiff_t)strlen(ending) && strcmp(end - strlen(ending), ending) == 0)
		end -= strlen(ending);
	for (; begin > path && (begin[-1] != '/' || --parts > 0); begin--)
		;
	if (end - begin >= (ptrdiff_t)sizeof exhibit->name)
		begin = end - sizeof exhibit->name + 1;
	snprintf(exhibit->name, sizeof exhibit->name, "%.*s", (int)(end - begin), begin);
	assay_printable(exhibit->name);
}

static bool are_told_apart(const struct assay_exhibit *exhibits, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(exhibits[i].name, exhibits[k].name) == 0 &&
			    strcmp(exhibits[i].path, exhibits[k].path) != 0)
				return false;
	return true;
}

void assay_exhibits_name(struct assay_exhibit *exhibits, size_t count)
{
	enum { PARTS_MAX = 8 };

	for (size_t parts = 2; parts <= PARTS_MAX && !are_told_apart(exhibits, count); parts++)
		for (size_t i = 0; i < count; i++)
			name_set(&exhibits[i], parts);
}

void assay_exhibit_open(struct assay_exhibit *exhibit, const char *path, const struct assay_policy *policy)
{
	memset(exhibit, 0, sizeof *exhibit);
	snprintf(exhibit->path, sizeof exhibit->path, "%s", path);
	name_set(exhibit, 1);
	exhibit->status = assay_verify(&exhibit->verdict, path, NULL, policy);
	if (exhibit->status)
		return;
	files_read(exhibit);
	statement_read(exhibit);
	rounds_read(exhibit);
	if (exhibit->verdict.run_count)
		begins_read(exhibit);
}

void assay_exhibit_close(struct assay_exhibit *exhibit)
{
	assay_verdict_close(&exhibit->verdict);
	free(exhibit->envelope.payload);
	json_decref(exhibit->statement.root);
	free(exhibit->series);
}

int assay_exhibit_code(const struct assay_exhibit *exhibit)
{
	return exhibit->status ? ASSAY_EXIT_ERROR : (int)exhibit->verdict.outcome;
}

double assay_exhibit_rate(const struct assay_run *run, uint64_t round_ns)
{
	if (!run->proved.shown || !run->proved.rounds || !round_ns)
		return 0;
	return (double)run->proved.work / run->proved.rounds * 1e9 / (double)round_ns;
}

double assay_exhibit_time(const struct assay_exhibit *exhibit, const struct assay_run *run, double computing)
{
	const struct assay_series *series = &exhibit->series[run - exhibit->verdict.runs];
	const double late = (double)exhibit->verdict.stagger_ms / 1e3 * run->device,
	             worked = (double)run->claimed.elapsed_ns / 1e9 - late,
	             whole = series->count ? series->points[series->count - 1].seconds : 0;

	return exhibit->begins[run->segment] + late +
	       (worked > 0 && whole > 0 ? computing * worked / whole : computing);
}

static const json_t *line_of(const struct assay_exhibit *exhibit, uint32_t device)
{
	return exhibit->statement.root ? json_object_get(json_array_get(exhibit->statement.telemetry, device), "series")
	                               : NULL;
}

static const struct {
	const char *column;
	double scale;
} quantities[ASSAY_QUANTITIES] = {{"clockMhz", 1}, {"powerMw", 1000}, {"temperatureMc", 1000}};

size_t assay_exhibit_points(const struct assay_exhibit *exhibit, uint32_t device, double *step)
{
	const json_t *line = line_of(exhibit, device);
	size_t points = 0;

	*step = (double)json_integer_value(json_object_get(line, "stepMs")) / 1e3;
	for (int q = 0; q < ASSAY_QUANTITIES && points == 0; q++)
		points = json_array_size(json_object_get(json_object_get(line, quantities[q].column), "mean"));
	return points;
}

bool assay_exhibit_point(const struct assay_exhibit *exhibit, uint32_t device, int quantity, size_t point,
                         double values[3])
{
	static const char *const rows[] = {"min", "mean", "max"};
	const json_t *column = json_object_get(line_of(exhibit, device), quantities[quantity].column);

	for (int i = 0; i < 3; i++) {
		const json_t *value = json_array_get(json_object_get(column, rows[i]), point);
		if (!json_is_integer(value))
			return false;
		values[i] = (double)json_integer_value(value) / quantities[quantity].scale;
	}
	return true;
}

const char *assay_exhibit_device(const struct assay_exhibit *exhibit, uint32_t device, const char *member)
{
	return assay_json_word(exhibit->statement.root ? json_array_get(exhibit->statement.devices, device) : NULL,
	                       member, "unknown");
}

const char *assay_exhibit_harness(const struct assay_exhibit *exhibit, const char *member)
{
	return assay_json_word(json_object_get(json_object_get(exhibit->statement.root, "predicate"), "harness"),
	                       member, "unknown");
}
