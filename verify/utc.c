/* SPDX-License-Identifier: Apache-2.0
 *
 * Times of challenges as text (SPEC 3.1): the proleptic Gregorian calendar in days of 86,400 seconds. */
#include <stdio.h>
#include <string.h>

#include "verify/challenge.h"

enum { DAY = 86400, YEAR_MIN = 2000, YEAR_MAX = 9999 };

static bool is_leap(uint32_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static uint32_t days_of_month(uint32_t year, uint32_t month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (uint32_t)(month == 2 && is_leap(year));
}

/* Days from the first of January 1970 to that of a year. */
static uint64_t days_to_year(uint32_t year)
{
	const uint64_t before = year - 1;

	return 365 * (uint64_t)(year - 1970) + (before / 4 - before / 100 + before / 400) - 477;
}

void assay_utc_text(char text[21], uint64_t seconds)
{
	const uint32_t second = (uint32_t)(seconds % DAY);
	uint64_t days = seconds / DAY;
	uint32_t year = 1970, month = 1;

	while (year < YEAR_MAX && days_to_year(year + 1) <= days)
		year++;
	days -= days_to_year(year);
	for (; month < 12 && days >= days_of_month(year, month); month++)
		days -= days_of_month(year, month);
	char full[80];
	snprintf(full, sizeof full, "%04u-%02u-%02uT%02u:%02u:%02uZ", year, month, (uint32_t)days + 1, second / 3600,
	         second / 60 % 60, second % 60);
	snprintf(text, 21, "%.20s", full);
}

bool assay_utc_parse(uint64_t *seconds, const char *text)
{
	static const char shape[] = "0000-00-00T00:00:00Z";
	uint32_t parts[6] = {0};
	size_t part = 0;

	for (size_t i = 0; i < sizeof shape; i++) {
		if (shape[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
			return false;
		if (shape[i] == '0')
			parts[part] = 10 * parts[part] + (uint32_t)(text[i] - '0');
		else
			part++;
	}
	const uint32_t year = parts[0], month = parts[1], day = parts[2];
	if (year < YEAR_MIN || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month) ||
	    parts[3] > 23 || parts[4] > 59 || parts[5] > 59)
		return false;
	uint64_t days = days_to_year(year) + day - 1;
	for (uint32_t m = 1; m < month; m++)
		days += days_of_month(year, m);
	*seconds = days * DAY + 3600 * parts[3] + 60 * parts[4] + parts[5];
	return true;
}
