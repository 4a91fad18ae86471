/* SPDX-License-Identifier: Apache-2.0
 *
 * See vectors.h. */
#include "verify/test/vectors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <sodium.h>

#include "verify/test/support.h"

enum { ENTRIES_MAX = 1024 };

struct entry {
	const char *section, *name, *value;
	uint8_t *bytes; /* the value as bytes, once asked for */
	bool read;
};

struct vectors {
	char *text, *file;
	const char *section;
	size_t count, next;
	struct entry entries[ENTRIES_MAX];
	char unread[256];
};

struct vectors *vectors_open(const char *name)
{
	struct vectors *vectors = calloc(1, sizeof *vectors);
	char path[256], *rest = NULL;
	const char *section = "";

	snprintf(path, sizeof path, "verify/vectors/%s.txt", name);
	vectors->file = strdup(path);
	vectors->text = (char *)test_read(path).data;
	for (char *line = strtok_r(vectors->text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *equals = strstr(line, " = ");
		if (*line == '#')
			continue;
		if (*line == '[') {
			section = line + 1;
			line[strlen(line) - 1] = '\0';
			continue;
		}
		cr_assert(equals, "%s: \"%s\" has no value", path, line);
		cr_assert_lt(vectors->count, ENTRIES_MAX);
		*equals = '\0';
		vectors->entries[vectors->count++] =
		    (struct entry){.section = section, .name = line, .value = equals + 3};
	}
	cr_assert_gt(vectors->count, 0, "%s is empty", path);
	return vectors;
}

void vectors_close(struct vectors *vectors)
{
	for (size_t i = 0; i < vectors->count; i++)
		free(vectors->entries[i].bytes);
	free(vectors->text);
	free(vectors->file);
	free(vectors);
}

const char *vectors_next_section(struct vectors *vectors)
{
	const char *last = vectors->section;

	while (vectors->next < vectors->count && vectors->entries[vectors->next].section == last)
		vectors->next++;
	vectors->section = vectors->next < vectors->count ? vectors->entries[vectors->next].section : NULL;
	return vectors->section;
}

void vectors_select(struct vectors *vectors, const char *section)
{
	for (size_t i = 0; i < vectors->count; i++) {
		if (strcmp(vectors->entries[i].section, section) == 0) {
			vectors->section = vectors->entries[i].section;
			vectors->next = i;
			return;
		}
	}
	cr_assert_fail("%s has no section %s", vectors->file, section);
}

static struct entry *find(struct vectors *vectors, const char *name, va_list arguments)
{
	char text[128];

	vsnprintf(text, sizeof text, name, arguments);
	for (size_t i = 0; i < vectors->count; i++)
		if (vectors->entries[i].section == vectors->section && strcmp(vectors->entries[i].name, text) == 0)
			return &vectors->entries[i];
	return NULL;
}

static struct entry *get(struct vectors *vectors, const char *name, va_list arguments)
{
	struct entry *entry = find(vectors, name, arguments);

	cr_assert(entry, "%s [%s] has no %s", vectors->file, vectors->section, name);
	entry->read = true;
	return entry;
}

bool vectors_has(struct vectors *vectors, const char *name, ...)
{
	va_list arguments;

	va_start(arguments, name);
	bool has = find(vectors, name, arguments) != NULL;
	va_end(arguments);
	return has;
}

const char *vectors_text(struct vectors *vectors, const char *name, ...)
{
	va_list arguments;

	va_start(arguments, name);
	const char *value = get(vectors, name, arguments)->value;
	va_end(arguments);
	return value;
}

uint64_t vectors_number(struct vectors *vectors, const char *name, ...)
{
	va_list arguments;
	char *end;

	va_start(arguments, name);
	const char *value = get(vectors, name, arguments)->value;
	va_end(arguments);
	uint64_t number = strtoull(value, &end, 10);
	cr_assert(*value && !*end, "%s %s: \"%s\" is no number", vectors->file, name, value);
	return number;
}

static const uint8_t *hex(struct vectors *vectors, size_t *len, struct entry *entry)
{
	size_t room = strlen(entry->value) / 2;

	if (!entry->bytes)
		entry->bytes = malloc(room + 1);
	cr_assert(sodium_hex2bin(entry->bytes, room + 1, entry->value, strlen(entry->value), NULL, len, NULL) == 0 &&
	              *len == room,
	          "%s [%s] %s is not hexadecimal", vectors->file, entry->section, entry->name);
	return entry->bytes;
}

const uint8_t *vectors_hex(struct vectors *vectors, size_t *len, const char *name, ...)
{
	va_list arguments;

	va_start(arguments, name);
	struct entry *entry = get(vectors, name, arguments);
	va_end(arguments);
	return hex(vectors, len, entry);
}

const uint8_t *vectors_hash(struct vectors *vectors, const char *name, ...)
{
	va_list arguments;
	size_t len;

	va_start(arguments, name);
	struct entry *entry = get(vectors, name, arguments);
	va_end(arguments);
	const uint8_t *hash = hex(vectors, &len, entry);
	cr_assert_eq(len, 32, "%s [%s] %s is no hash", vectors->file, entry->section, entry->name);
	return hash;
}

const char *vectors_unread(struct vectors *vectors)
{
	for (size_t i = 0; i < vectors->count; i++) {
		if (!vectors->entries[i].read) {
			snprintf(vectors->unread, sizeof vectors->unread, "%s %s", vectors->entries[i].section,
			         vectors->entries[i].name);
			return vectors->unread;
		}
	}
	return NULL;
}

void vectors_expect(struct vectors *vectors, const void *bytes, size_t len, const char *name, ...)
{
	va_list arguments;
	size_t expected_len;

	va_start(arguments, name);
	struct entry *entry = get(vectors, name, arguments);
	va_end(arguments);
	const uint8_t *expected = hex(vectors, &expected_len, entry);
	cr_expect(len == expected_len && memcmp(bytes, expected, len) == 0, "%s [%s] %s differs", vectors->file,
	          entry->section, entry->name);
}
