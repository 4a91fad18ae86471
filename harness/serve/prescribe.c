/* SPDX-License-Identifier: Apache-2.0
 *
 * See prescribe.h. */
#include "harness/serve/prescribe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum assay_status assay_prescribe_text(char text[ASSAY_TERMS_MAX], const struct assay_ask *ask,
                                       struct assay_error *error)
{
	json_t *object = json_pack("{s:i,s:i,s:I,s:I,s:i,s:I,s:s,s:s?,s:i,s:I,s:s}", "cpu", (int)ask->is_cpu, "devices",
	                           (int)ask->devices, "duration", (json_int_t)ask->duration_s, "expires",
	                           (json_int_t)ask->expires_s, "leased", (int)ask->leased, "memory",
	                           (json_int_t)ask->memory_bytes, "profile", ask->profile, "row", ask->row, "samples",
	                           (int)ask->samples, "table", (json_int_t)ask->table_bytes, "works", ask->works);
	char *made = object ? assay_json_text(object) : NULL;
	enum assay_status status = ASSAY_OK;

	json_decref(object);
	if (!made || snprintf(text, ASSAY_TERMS_MAX, "%s", made) >= ASSAY_TERMS_MAX)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "token.terms",
		                    "what the token asks for is too long: name fewer workloads (-w)");
	free(made);
	return status;
}

enum assay_status assay_prescribe_read(struct assay_ask *ask, json_t **root, const char *text,
                                       struct assay_error *error)
{
	const uint64_t most = (uint64_t)ASSAY_JSON_INTEGER_MAX;
	uint64_t cpu, devices, duration, leased, samples;

	*ask = ASSAY_ASK_DEFAULT;
	*root = assay_json_parse(text, strlen(text));
	const bool good = assay_json_integer(&cpu, *root, "cpu", 0, 1) &&
	                  assay_json_integer(&devices, *root, "devices", 1, ASSAY_DEVICES_MAX) &&
	                  assay_json_integer(&duration, *root, "duration", 0, 86400) &&
	                  assay_json_integer(&ask->expires_s, *root, "expires", 1, most) &&
	                  assay_json_integer(&leased, *root, "leased", 0, ASSAY_DEVICES_MAX) &&
	                  assay_json_integer(&ask->memory_bytes, *root, "memory", 0, most) &&
	                  assay_json_integer(&samples, *root, "samples", 1, ASSAY_SAMPLES_MAX) &&
	                  assay_json_integer(&ask->table_bytes, *root, "table", 0, most);
	ask->profile = assay_json_string(*root, "profile", 64);
	ask->works = assay_json_string(*root, "works", ASSAY_TERMS_MAX);
	ask->row = assay_json_string(*root, "row", 64);
	if (!good || !ask->profile || !ask->works)
		return assay_fail(error, ASSAY_ERROR_IO, "store.failed", "the terms of a token are damaged");
	ask->is_cpu = cpu != 0;
	ask->devices = (uint32_t)devices;
	ask->duration_s = (uint32_t)duration;
	ask->leased = (uint32_t)leased;
	ask->samples = (uint32_t)samples;
	return ASSAY_OK;
}

/* ---- For people ---- */

/* In the largest unit of which there are two or more, all of them whole. */
static void time_words(char words[32], uint64_t seconds)
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
	size_t i = 0;

	while (units[i].seconds > 1 && (seconds % units[i].seconds || seconds < 2 * units[i].seconds))
		i++;
	snprintf(words, 32, "%" PRIu64 " %s", seconds / units[i].seconds, units[i].name);
}

static void size_words(char words[32], uint64_t bytes)
{
	const bool whole = bytes % (UINT64_C(1) << 30) == 0;

	snprintf(words, 32, "%" PRIu64 " %s", whole ? bytes >> 30 : bytes >> 20, whole ? "GiB" : "MiB");
}

static void ask_print(FILE *out, const struct assay_ask *ask)
{
	const char *plural = ask->devices == 1 ? "" : "s";
	char words[32];

	fprintf(out, "%s, %s, %u ", ask->profile, strcmp(ask->works, "all") == 0 ? "all workloads" : ask->works,
	        ask->devices);
	size_words(words, ask->memory_bytes);
	if (ask->is_cpu)
		fprintf(out, "CPU%s", plural);
	else
		fprintf(out, "device%s of %s%s", plural, ask->row ? "row " : "", ask->row ? ask->row : words);
	if (ask->leased)
		fprintf(out, " beside %u that are let", ask->leased);
	size_words(words, ask->table_bytes);
	if (ask->table_bytes)
		fprintf(out, ", a table of %s", words);
	time_words(words, ask->duration_s);
	if (ask->duration_s)
		fprintf(out, ", %s of each", words);
	time_words(words, ask->expires_s);
	fprintf(out, ", %u samples, within %s", ask->samples, words);
}

void assay_prescribe_words(char words[ASSAY_PRESCRIBE_WORDS_MAX], const char *text)
{
	struct assay_ask ask;
	struct assay_error error;
	json_t *root;
	const bool good = assay_prescribe_read(&ask, &root, text, &error) == ASSAY_OK;
	FILE *out = fmemopen(words, ASSAY_PRESCRIBE_WORDS_MAX, "w");

	*words = '\0';
	if (out && good)
		ask_print(out, &ask);
	else if (out)
		fputs(error.text, out);
	if (out)
		fclose(out);
	json_decref(root);
}
