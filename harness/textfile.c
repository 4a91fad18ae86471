/* SPDX-License-Identifier: Apache-2.0
 *
 * The last verdict as a file for the textfile collector of Prometheus' node_exporter. That asks for a name that ends in
 * .prom, for a file that appears whole (written under another name, then renamed), and for no time stamps on samples:
 * https://github.com/prometheus/node_exporter#textfile-collector */
#include <stdlib.h>
#include <string.h>

#include "harness/last.h"
#include "harness/state.h"

/* A label's value; backslash, quote and newline are the format's own. */
static void label(FILE *out, const char *text)
{
	char one[2] = "";

	for (; *text; text++) {
		one[0] = *text;
		assay_printable(one);
		if (*one == '\\' || *one == '"')
			fputc('\\', out);
		fputc(*one, out);
	}
}

static void head(FILE *out, const char *metric, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", metric, help, metric);
}

/* One sample, if this is a count in decimal digits. */
static void sample(FILE *out, const char *metric, const json_t *aggregate, const char *by, const json_t *value)
{
	const char *digits = json_string_value(value);

	if (!digits || !*digits || strlen(digits) > 47 || digits[strspn(digits, "0123456789")])
		return;
	fprintf(out, "%s{workload=\"", metric);
	label(out, assay_json_word(aggregate, "workload", ""));
	fputs("\",unit=\"", out);
	label(out, assay_json_word(aggregate, "unit", ""));
	if (*by)
		fprintf(out, "\",by=\"%s", by);
	fprintf(out, "\"} %s\n", digits);
}

static void put_rates(FILE *out, const json_t *verdict)
{
	const json_t *aggregates = json_object_get(verdict, "aggregates");

	head(out, "assay_rate",
	     "Units a second of all devices together, by the clock of the prover (claimed) or of a "
	     "verifier (proven).");
	for (size_t i = 0; i < json_array_size(aggregates); i++) {
		const json_t *aggregate = json_array_get(aggregates, i);
		sample(out, "assay_rate", aggregate, "claimed",
		       json_object_get(json_object_get(aggregate, "claimed"), "rate"));
		sample(out, "assay_rate", aggregate, "proven", json_object_get(aggregate, "provenRate"));
	}
	head(out, "assay_certified_work", "Units of work that the last run proved.");
	for (size_t i = 0; i < json_array_size(aggregates); i++) {
		const json_t *aggregate = json_array_get(aggregates, i);
		if (json_integer_value(json_object_get(aggregate, "runs")) > 0)
			sample(out, "assay_certified_work", aggregate, "", json_object_get(aggregate, "certifiedWork"));
	}
}

static void put(FILE *out, const struct assay_last *last)
{
	head(out, "assay_status", "What the last run came to: 1 for the state that it is in.");
	for (int state = 0; state < ASSAY_LAST_STATES; state++)
		fprintf(out, "assay_status{state=\"%s\"} %d\n", assay_last_name((enum assay_last_state)state),
		        state == (int)last->state);
	if (!last->root)
		return;
	head(out, "assay_finished_timestamp_seconds", "When the last run ended, by the clock of this machine.");
	fprintf(out, "assay_finished_timestamp_seconds %llu\n", (unsigned long long)last->finished);
	head(out, "assay_run_info", "The last run.");
	fputs("assay_run_info{profile=\"", out);
	label(out, assay_json_word(last->verdict, "profile", ""));
	fputs("\",assurance=\"", out);
	label(out, assay_json_word(last->verdict, "assurance", ""));
	fputs("\",keyid=\"", out);
	label(out, assay_json_word(last->verdict, "keyid", ""));
	fputs("\"} 1\n", out);
	head(out, "assay_devices", "Devices of the last run, as it says.");
	fprintf(out, "assay_devices %zu\n", json_array_size(json_object_get(last->verdict, "claimedDevices")));
	const json_t *ppm = json_object_get(last->verdict, "eStarPpm");
	if (json_is_integer(ppm)) {
		head(out, "assay_estar_ratio", "The part of the work that may be missing from a run that passed.");
		fprintf(out, "assay_estar_ratio %.6f\n", (double)json_integer_value(ppm) / 1e6);
	}
	put_rates(out, last->verdict);
}

enum assay_status assay_last_textfile(const struct assay_last *last, const char *path, struct assay_error *error)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out)
		put(out, last);
	if (!out || fclose(out) != 0) {
		free(text);
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	}
	enum assay_status status = assay_output_write(path, 0644, (const char *const[]){text}, 1, true, error);
	free(text);
	return status;
}
