/* SPDX-License-Identifier: Apache-2.0
 *
 * See amount.h. */
#include "harness/amount.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

/* A number and one of the units, which end with one without a name. */
static bool parse(uint64_t *amount, const char *text, const struct unit *units, uint64_t least, uint64_t most)
{
	char *end;

	errno = 0;
	const unsigned long long number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || errno)
		return false;
	for (; units->name; units++)
		if (strcmp(end, units->name) == 0 && number <= most / units->factor) {
			*amount = number * units->factor;
			return *amount >= least;
		}
	return false;
}

bool assay_amount_number(uint64_t *number, const char *text, uint64_t least, uint64_t most)
{
	static const struct unit units[] = {{"", 1}, {NULL, 0}};

	return parse(number, text, units, least, most);
}

bool assay_amount_time(uint64_t *seconds, const char *text, uint64_t least, uint64_t most)
{
	static const struct unit units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {NULL, 0}};

	return parse(seconds, text, units, least, most);
}

bool assay_amount_size(uint64_t *bytes, const char *text, uint64_t least, uint64_t most)
{
	static const struct unit units[] = {
	    {"MiB", UINT64_C(1) << 20}, {"GiB", UINT64_C(1) << 30}, {"GB", UINT64_C(1) << 30}, {NULL, 0}};

	return parse(bytes, text, units, least, most);
}
