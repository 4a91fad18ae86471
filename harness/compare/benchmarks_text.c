/* SPDX-License-Identifier: Apache-2.0
 *
 * See benchmarks.h: remarks, files of text, and values for people. */
#include "harness/compare/benchmarks.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/cli.h"

void assay_note(struct assay_notes *notes, const char *format, ...)
{
	char text[512];
	va_list list;

	if (!notes)
		return;
	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	assay_printable(text);
	/* The same remark of each of a hundred launches is one. */
	for (size_t i = 0; i < notes->count; i++)
		if (strcmp(notes->text[i], text) == 0)
			return;
	if (notes->count < ASSAY_NOTES_MAX && (notes->text[notes->count] = strdup(text)))
		notes->count++;
	else
		notes->more++;
}

void assay_notes_close(struct assay_notes *notes)
{
	for (size_t i = 0; i < notes->count; i++)
		free(notes->text[i]);
	memset(notes, 0, sizeof *notes);
}

enum assay_status assay_text_read(char **text, size_t *len, const char *path, struct assay_error *error)
{
	enum assay_status status = ASSAY_OK;
	FILE *file = fopen(path, "rbe");
	size_t capacity = 0;

	*text = NULL;
	*len = 0;
	if (!file)
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s", path, strerror(errno));
	for (size_t got = 1; !status && got > 0 && *len <= ASSAY_BENCHMARKS_BYTES_MAX;) {
		if (*len + 1 >= capacity) {
			char *more = realloc(*text, capacity = capacity ? 2 * capacity : 65536);
			if (!more) {
				status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
				break;
			}
			*text = more;
		}
		got = fread(*text + *len, 1, capacity - *len - 1, file);
		*len += got;
		(*text)[*len] = '\0';
	}
	if (!status && ferror(file))
		status = assay_fail(error, ASSAY_ERROR_IO, "io.read", "%s: %s", path, strerror(errno));
	if (!status && *len > ASSAY_BENCHMARKS_BYTES_MAX)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "benchmarks.size", "%s: more than %d MiB", path,
		                    ASSAY_BENCHMARKS_BYTES_MAX >> 20);
	fclose(file);
	if (status) {
		free(*text);
		*text = NULL;
	}
	return status;
}

void assay_value_text(char text[32], double value, const char *unit)
{
	static const struct {
		double above, factor;
		const char *name;
	} times[] = {{1, 1, "s"}, {1e-3, 1e3, "ms"}, {1e-6, 1e6, "us"}, {0, 1e9, "ns"}};
	const size_t len = strlen(unit);
	char alone[16];
	size_t i = 0;

	if (strcmp(unit, "s") == 0) {
		while (value < times[i].above)
			i++;
		snprintf(text, 32, "%.4g %s", value * times[i].factor, times[i].name);
	} else if (len > 2 && strcmp(unit + len - 2, "/s") == 0) {
		snprintf(alone, sizeof alone, "%.*s", (int)(len - 2), unit);
		assay_quantity(text, value, alone, "/s");
	} else {
		snprintf(text, 32, "%.5g%s%.12s", value, *unit ? " " : "", unit);
	}
}
