/* SPDX-License-Identifier: Apache-2.0
 *
 * See baseline.h. */
#include "harness/compare/baseline.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/compare/attested.h"
#include "harness/compare/files.h"
#include "harness/state.h"

/* The attestation last: where it is, all of it is. */
static const char *const endings[] = {".transcript", ".receipts.jsonl", ".intoto.json"};
enum { ENDINGS = sizeof endings / sizeof *endings };

/* Letters and digits for people, and a digest, because other devices may have the same ones. */
static void key_make(char key[96], const struct assay_benchmarks *of)
{
	const char *const texts[] = {of->device, of->driver};
	const struct assay_part parts[] = {{of->device, strlen(of->device) + 1}, {of->driver, strlen(of->driver)}};
	uint8_t hash[ASSAY_HASH_BYTES];
	char hex[65];
	size_t len = 0;

	for (size_t i = 0; i < 2; i++) {
		const size_t most = i ? 80 : 48;
		for (const char *c = texts[i]; *c && len < most; c++) {
			if (isalnum((unsigned char)*c))
				key[len++] = (char)tolower((unsigned char)*c);
			else if (len > 0 && key[len - 1] != '-')
				key[len++] = '-';
		}
		if (len > 0 && key[len - 1] != '-')
			key[len++] = '-';
	}
	assay_hash(hash, "assay baseline", parts, 2);
	assay_hex(hex, hash);
	snprintf(key + len, 96 - len, "%.8s", hex);
}

static enum assay_status copy(const char *from, const char *to, bool needed, struct assay_error *error)
{
	struct assay_output output = {.slot = -1};
	char data[65536];
	FILE *file = fopen(from, "rbe");

	if (!file)
		return errno == ENOENT && !needed
		           ? ASSAY_OK
		           : assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s", from, strerror(errno));
	enum assay_status status = assay_output_open(&output, to, 0644, error);
	for (size_t got = 1; !status && got > 0;) {
		got = fread(data, 1, sizeof data, file);
		if (ferror(file))
			status = assay_fail(error, ASSAY_ERROR_IO, "io.read", "%s: %s", from, strerror(errno));
		else if (fwrite(data, 1, got, output.file) != got)
			status = assay_fail(error, ASSAY_ERROR_IO, "io.write", "%s: %s", to, strerror(errno));
	}
	fclose(file);
	if (!status)
		status = assay_output_flush(&output, error);
	if (!status)
		status = assay_output_commit(&output, true, error);
	assay_output_close(&output);
	return status;
}

/* DIR/KEY/DATE-SUBJECT without an ending; "20261124T164129Z" of "2026-11-24T16:41:29Z". */
static bool place(char stem[ASSAY_PATH_MAX], const char *directory, const struct assay_benchmarks *of,
                  const char *attestation)
{
	char key[96], date[40], *text;
	struct assay_part part;
	uint8_t hash[ASSAY_HASH_BYTES];
	char hex[65];
	size_t len = 0, size;
	struct assay_error error;

	if (assay_text_read(&text, &size, attestation, &error) != ASSAY_OK)
		return false;
	part = (struct assay_part){text, size};
	assay_hash(hash, "", &part, 1);
	assay_hex(hex, hash);
	free(text);
	key_make(key, of);
	for (const char *c = of->date; *c && len < sizeof date - 1; c++)
		if (isalnum((unsigned char)*c))
			date[len++] = *c;
	date[len] = '\0';
	return snprintf(stem, ASSAY_PATH_MAX, "%s/%s/%s-%.12s", directory, key, date, hex) < ASSAY_PATH_MAX - 32;
}

enum assay_status assay_baseline_add(char **path, const char *directory, const char *attestation,
                                     const struct assay_policy *policy, struct assay_error *error)
{
	struct assay_benchmarks one = {0}, again = {0};
	char stem[ASSAY_PATH_MAX], to[ASSAY_PATH_MAX];
	enum assay_status status = assay_attested_read(&one, attestation, policy, error);

	*path = NULL;
	if (!status && !place(stem, directory, &one, attestation))
		status = assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: cannot be read again, or too long a name",
		                    attestation);
	if (!status)
		status = assay_state_parents(stem, error);
	for (size_t i = 0; !status && i < ENDINGS; i++) {
		char *from = assay_beside(attestation, endings[i]);
		snprintf(to, sizeof to, "%.*s%s", ASSAY_PATH_MAX - 32, stem, endings[i]);
		status = from ? copy(from, to, i != 1, error)
		              : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
		free(from);
	}
	/* What was copied is what is relied on. */
	if (!status)
		status = assay_attested_read(&again, to, policy, error);
	if (!status && !(*path = strdup(to)))
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	assay_benchmarks_close(&one);
	assay_benchmarks_close(&again);
	return status;
}

static int by_key_and_date(const void *a, const void *b)
{
	const struct assay_baseline *x = a, *y = b;
	const int key = strcmp(x->key, y->key), date = strcmp(x->date, y->date);

	return key ? key : date ? date : strcmp(x->path, y->path);
}

enum assay_status assay_baselines_list(struct assay_baselines *baselines, const char *directory,
                                       const struct assay_policy *policy, struct assay_error *error)
{
	char **paths;
	size_t count;
	enum assay_status status = assay_paths_list(&paths, &count, directory, error);

	memset(baselines, 0, sizeof *baselines);
	if (status)
		return status;
	baselines->list = calloc(count + 1, sizeof *baselines->list);
	if (!baselines->list)
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	for (size_t i = 0; !status && i < count; i++) {
		struct assay_benchmarks one = {0};
		struct assay_baseline *entry = &baselines->list[baselines->count];
		if (!assay_attestation_is(paths[i]))
			continue;
		entry->path = strdup(paths[i]);
		const char *below = paths[i] + strlen(directory) + 1;
		snprintf(entry->key, sizeof entry->key, "%.*s", (int)strcspn(below, "/"), below);
		if (!entry->path)
			status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
		else if (assay_attested_read(&one, paths[i], policy, &entry->why) == ASSAY_OK)
			entry->why.reason[0] = '\0';
		snprintf(entry->date, sizeof entry->date, "%s", *entry->why.reason ? "" : one.date);
		snprintf(entry->device, sizeof entry->device, "%s", one.device);
		snprintf(entry->driver, sizeof entry->driver, "%s", one.driver);
		baselines->count++;
		assay_benchmarks_close(&one);
	}
	assay_paths_release(paths, count);
	if (status) {
		assay_baselines_release(baselines);
		return status;
	}
	qsort(baselines->list, baselines->count, sizeof *baselines->list, by_key_and_date);
	return ASSAY_OK;
}

void assay_baselines_release(struct assay_baselines *baselines)
{
	for (size_t i = 0; i < baselines->count; i++)
		free(baselines->list[i].path);
	free(baselines->list);
	memset(baselines, 0, sizeof *baselines);
}

enum assay_status assay_baselines_prune(size_t *removed, const struct assay_baselines *baselines, size_t keep,
                                        struct assay_error *error)
{
	*removed = 0;
	for (size_t i = 0; i < baselines->count; i++) {
		const struct assay_baseline *entry = &baselines->list[i];
		size_t newer = 0;
		if (*entry->why.reason)
			continue;
		for (size_t k = i + 1; k < baselines->count && strcmp(baselines->list[k].key, entry->key) == 0; k++)
			newer += !*baselines->list[k].why.reason;
		if (newer < keep)
			continue;
		/* The attestation first: what is left of it then is no result. */
		for (size_t e = ENDINGS; e-- > 0;) {
			char *path = assay_beside(entry->path, endings[e]);
			const bool good = path && (unlink(path) == 0 || errno == ENOENT);
			free(path);
			if (!good)
				return assay_fail(error, ASSAY_ERROR_IO, "io.write", "%s: cannot be removed: %s",
				                  entry->path, strerror(errno));
		}
		++*removed;
	}
	return ASSAY_OK;
}
