/* SPDX-License-Identifier: Apache-2.0
 *
 * See sysfs.h. */
#include "harness/sysfs.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool path_make(char path[1024], const char *format, va_list list)
{
	const char *given = getenv("ASSAY_SYSFS");
	int root = snprintf(path, 1024, "%s/", given && *given ? given : "/sys");

	if (root < 0 || root >= 1024)
		return false;
	int len = vsnprintf(path + root, 1024 - (size_t)root, format, list);
	return len >= 0 && root + len < 1024;
}

bool assay_sysfs_path(char path[1024], const char *format, ...)
{
	va_list list;

	va_start(list, format);
	bool good = path_make(path, format, list);
	va_end(list);
	return good;
}

static void text_read(char text[64], const char *format, va_list list)
{
	char path[1024];
	FILE *file = path_make(path, format, list) ? fopen(path, "re") : NULL;

	if (!file || !fgets(text, 64, file))
		text[0] = '\0';
	if (file)
		fclose(file);
	text[strcspn(text, "\n")] = '\0';
}

void assay_sysfs_text(char text[64], const char *format, ...)
{
	va_list list;

	va_start(list, format);
	text_read(text, format, list);
	va_end(list);
}

int64_t assay_sysfs_number(const char *format, ...)
{
	char text[64], *end;
	va_list list;

	va_start(list, format);
	text_read(text, format, list);
	va_end(list);
	errno = 0;
	long long value = strtoll(text, &end, 10);
	return isdigit((unsigned char)text[0]) && *end == '\0' && errno == 0 ? value : -1;
}
