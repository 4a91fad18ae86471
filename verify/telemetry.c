/* SPDX-License-Identifier: Apache-2.0
 *
 * See telemetry.h. */
#include "verify/telemetry.h"

#include <string.h>

#define RANGE_UNKNOWN      \
	{                  \
		-1, -1, -1 \
	}

enum { REASONS_MAX = 16, REASON_LEN_MAX = 32 };

const struct assay_telemetry_claim assay_telemetry_none = {.clock_mhz = RANGE_UNKNOWN,
                                                           .memory_clock_mhz = RANGE_UNKNOWN,
                                                           .power_mw = RANGE_UNKNOWN,
                                                           .temperature_mc = RANGE_UNKNOWN,
                                                           .power_limit_mw = -1,
                                                           .ecc_errors = -1,
                                                           .xid_errors = -1,
                                                           .pcie_width = -1,
                                                           .pcie_generation = -1};

/* Members of a claim and where they are kept. */
static const struct {
	const char *name;
	size_t offset;
} ranges[] = {{"clockMhz", offsetof(struct assay_telemetry_claim, clock_mhz)},
              {"memoryClockMhz", offsetof(struct assay_telemetry_claim, memory_clock_mhz)},
              {"powerMw", offsetof(struct assay_telemetry_claim, power_mw)},
              {"temperatureMc", offsetof(struct assay_telemetry_claim, temperature_mc)}},
  numbers[] = {{"powerLimitMw", offsetof(struct assay_telemetry_claim, power_limit_mw)},
               {"eccErrors", offsetof(struct assay_telemetry_claim, ecc_errors)},
               {"xidErrors", offsetof(struct assay_telemetry_claim, xid_errors)},
               {"pcieWidth", offsetof(struct assay_telemetry_claim, pcie_width)},
               {"pcieGeneration", offsetof(struct assay_telemetry_claim, pcie_generation)}};

enum { RANGES = sizeof ranges / sizeof *ranges, NUMBERS = sizeof numbers / sizeof *numbers };

static bool is_count(const json_t *object, const char *name)
{
	uint64_t number;

	return assay_json_integer(&number, object, name, 0, (uint64_t)ASSAY_JSON_INTEGER_MAX);
}

static bool is_range(const json_t *range)
{
	return json_is_null(range) || (assay_json_is(range, 3) && is_count(range, "max") && is_count(range, "median") &&
	                               is_count(range, "min"));
}

static bool is_joined(const char *joined)
{
	static const char *const ways[] = {"uuid", "pci", "host", "unverified"};

	for (size_t i = 0; joined && i < sizeof ways / sizeof *ways; i++)
		if (strcmp(joined, ways[i]) == 0)
			return true;
	return false;
}

/* Names in order, none twice. */
static bool are_reasons(const json_t *reasons)
{
	const char *before = "";

	if (json_is_null(reasons))
		return true;
	if (!json_is_array(reasons) || json_array_size(reasons) > REASONS_MAX)
		return false;
	for (size_t i = 0; i < json_array_size(reasons); i++) {
		const char *reason = json_string_value(json_array_get(reasons, i));
		if (!reason || strlen(reason) > REASON_LEN_MAX || strcmp(before, reason) >= 0 ||
		    reason[strspn(reason, "abcdefghijklmnopqrstuvwxyz0123456789-")])
			return false;
		before = reason;
	}
	return true;
}

/* One quantity of a time line: the least, the mean and the greatest of each point, or null where nothing was read.
 * All have as many points; *ends becomes true when the last one is known. */
static bool is_column(const json_t *column, size_t *points, bool *ends)
{
	const json_t *const rows[] = {json_object_get(column, "min"), json_object_get(column, "mean"),
	                              json_object_get(column, "max")};
	const size_t count = json_array_size(rows[0]);
	size_t known = 0;

	if (json_is_null(column))
		return true;
	if (!assay_json_is(column, 3) || count < 1 || count > ASSAY_TIMELINE_POINTS || (*points && *points != count) ||
	    json_array_size(rows[1]) != count || json_array_size(rows[2]) != count)
		return false;
	*points = count;
	for (size_t i = 0; i < count; i++) {
		json_int_t before = 0;
		size_t integers = 0;
		for (size_t row = 0; row < 3; row++) {
			const json_t *value = json_array_get(rows[row], i);
			if (json_is_null(value))
				continue;
			if (!json_is_integer(value) || json_integer_value(value) < before)
				return false;
			before = json_integer_value(value);
			integers++;
		}
		if (integers != 0 && integers != 3)
			return false;
		known += integers / 3;
		*ends = *ends || (integers && i + 1 == count);
	}
	return known > 0;
}

static bool is_series(const json_t *series)
{
	static const char *const columns[] = {"clockMhz", "powerMw", "temperatureMc"};
	uint64_t step;
	size_t points = 0;
	bool ends = false, good = assay_json_is(series, 4) &&
	                          assay_json_integer(&step, series, "stepMs", 1, (uint64_t)ASSAY_JSON_INTEGER_MAX);

	for (size_t i = 0; good && i < sizeof columns / sizeof *columns; i++)
		good = is_column(json_object_get(series, columns[i]), &points, &ends);
	return good && ends;
}

bool assay_telemetry_is(const json_t *entry)
{
	const json_t *series = json_object_get(entry, "series");
	const char *source = assay_json_string(entry, "source", sizeof((struct assay_telemetry_claim *)0)->source - 1);
	bool good = assay_json_is(entry, RANGES + NUMBERS + 4 + (series != NULL)) && source && *source &&
	            (!series || is_series(series)) && is_joined(assay_json_string(entry, "joined", 16)) &&
	            is_count(entry, "samples") && are_reasons(json_object_get(entry, "throttleReasons"));

	for (size_t i = 0; i < RANGES; i++)
		good = good && is_range(json_object_get(entry, ranges[i].name));
	for (size_t i = 0; i < NUMBERS; i++)
		good =
		    good && (json_is_null(json_object_get(entry, numbers[i].name)) || is_count(entry, numbers[i].name));
	return good || json_is_null(entry);
}

static int64_t number_read(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

void assay_telemetry_read(struct assay_telemetry_claim *claim, const json_t *entry)
{
	*claim = assay_telemetry_none;
	if (!json_is_object(entry))
		return;
	snprintf(claim->source, sizeof claim->source, "%s", json_string_value(json_object_get(entry, "source")));
	snprintf(claim->joined, sizeof claim->joined, "%s", json_string_value(json_object_get(entry, "joined")));
	claim->samples = (uint64_t)number_read(entry, "samples");
	for (size_t i = 0; i < RANGES; i++) {
		const json_t *range = json_object_get(entry, ranges[i].name);
		*(struct assay_range *)((char *)claim + ranges[i].offset) =
		    (struct assay_range){.min = number_read(range, "min"),
		                         .median = number_read(range, "median"),
		                         .max = number_read(range, "max")};
	}
	for (size_t i = 0; i < NUMBERS; i++)
		*(int64_t *)((char *)claim + numbers[i].offset) = number_read(entry, numbers[i].name);
	const json_t *reasons = json_object_get(entry, "throttleReasons");
	claim->reasons_known = json_is_array(reasons);
	for (size_t i = 0, at = 0; i < json_array_size(reasons); i++)
		at += (size_t)snprintf(claim->reasons + at, sizeof claim->reasons - at, "%s%s", i ? " " : "",
		                       json_string_value(json_array_get(reasons, i)));
}

static json_t *number_json(int64_t number)
{
	return number < 0 ? json_null() : json_integer(number);
}

static json_t *range_json(const struct assay_range *range)
{
	if (range->min < 0)
		return json_null();
	return json_pack("{s:I,s:I,s:I}", "max", (json_int_t)range->max, "median", (json_int_t)range->median, "min",
	                 (json_int_t)range->min);
}

static json_t *reasons_json(const struct assay_telemetry_claim *claim)
{
	json_t *array = claim->reasons_known ? json_array() : json_null();

	for (const char *at = claim->reasons; claim->reasons_known && *at;) {
		size_t len = strcspn(at, " ");
		json_array_append_new(array, json_stringn(at, len));
		at += len + (at[len] == ' ');
	}
	return array;
}

json_t *assay_telemetry_json(const struct assay_telemetry_claim *claim)
{
	if (!*claim->source)
		return json_null();
	json_t *entry = json_pack("{s:s,s:s,s:I,s:o}", "source", claim->source, "joined", claim->joined, "samples",
	                          (json_int_t)claim->samples, "throttleReasons", reasons_json(claim));
	for (size_t i = 0; i < RANGES; i++)
		json_object_set_new(entry, ranges[i].name,
		                    range_json((const struct assay_range *)((const char *)claim + ranges[i].offset)));
	for (size_t i = 0; i < NUMBERS; i++)
		json_object_set_new(entry, numbers[i].name,
		                    number_json(*(const int64_t *)((const char *)claim + numbers[i].offset)));
	return entry;
}
