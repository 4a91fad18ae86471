/* SPDX-License-Identifier: Apache-2.0
 *
 * See machine.h. SPEC 10.7: the forms that are JSON. */
#include <stdlib.h>
#include <string.h>

#include "verify/json.h"
#include "verify/machine.h"
#include "verify/work.h"

/* "opsPerSecond" for what counts in "op". */
static const char *rate_name(const char *unit)
{
	return strcmp(unit, "op") == 0     ? "opsPerSecond"
	       : strcmp(unit, "flop") == 0 ? "flopsPerSecond"
	       : strcmp(unit, "hash") == 0 ? "hashesPerSecond"
	                                   : "bytesPerSecond";
}

/* An integer or its digits, from 1 to 10^18. */
static bool rate_parse(uint64_t *rate, const json_t *value)
{
	const uint64_t most = UINT64_C(1000000000000000000);
	const char *digits = json_string_value(value);

	*rate = 0;
	if (json_is_integer(value) && json_integer_value(value) > 0)
		*rate = (uint64_t)json_integer_value(value);
	if (digits && (*digits == '0' || json_string_length(value) > 19))
		return false;
	for (; digits && *digits; digits++) {
		if (*digits < '0' || *digits > '9')
			return false;
		*rate = *rate * 10 + (uint64_t)(*digits - '0');
	}
	return *rate >= 1 && *rate <= most;
}

static bool minimum_parse(struct assay_machine_claim *claim, const json_t *minimum)
{
	size_t found = 0;

	if (!minimum)
		return true;
	for (int i = 0; i < ASSAY_CEILING_CAPACITY; i++) {
		const char *name = assay_ceiling_workload((enum assay_ceiling)i);
		const json_t *entry = json_object_get(minimum, name);
		if (!entry)
			continue;
		const json_t *value = json_object_get(entry, rate_name(assay_work_find(name)->unit));
		if (!assay_json_is(entry, 1) || !rate_parse(&claim->minimum[i], value))
			return false;
		found++;
	}
	return assay_json_is(minimum, found);
}

/* A string that may be missing: then "". NULL when it is something else, is empty, or has a zero in it. */
static const char *word_of(const json_t *object, const char *name, size_t *members)
{
	const json_t *member = json_object_get(object, name);
	const char *text = json_string_value(member);

	if (!member)
		return "";
	(*members)++;
	return text && *text && strlen(text) == json_string_length(member) ? text : NULL;
}

static bool claim_parse(struct assay_machine_claim *claim, const json_t *object)
{
	size_t members = 0;
	const char *vendor = word_of(object, "vendor", &members), *model = word_of(object, "model", &members);
	const char *memory = word_of(object, "memory", &members), *interface = word_of(object, "interface", &members);
	const json_t *minimum = json_object_get(object, "minimum"), *source = json_object_get(object, "source");
	uint64_t count = 1;

	if (!vendor || !model || !memory || !interface ||
	    !assay_claim_words_set(claim, vendor, model, memory, interface) || !minimum_parse(claim, minimum) ||
	    (source && !json_is_string(source)))
		return false;
	if (json_object_get(object, "count")) {
		if (!assay_json_integer(&count, object, "count", 1, ASSAY_DEVICES_MAX))
			return false;
		members++;
	}
	claim->count = (uint32_t)count;
	return assay_json_is(object, members + (minimum != NULL) + (source != NULL));
}

static bool append(struct assay_claims *claims, const struct assay_machine_claim *claim)
{
	if (claims->count == ASSAY_CLAIMS_MAX)
		return false;
	claims->claims[claims->count++] = *claim;
	return true;
}

/* Whether b says all that a says, and as much or more. */
static bool is_said_by(const struct assay_machine_claim *a, const struct assay_machine_claim *b)
{
	return strcmp(a->vendor, b->vendor) == 0 && strcmp(a->model, b->model) == 0 &&
	       (!a->memory_bytes || a->memory_bytes == b->memory_bytes) &&
	       (!*a->interface || strcmp(a->interface, b->interface) == 0);
}

/* Adds the entries of a marketplace, of which equal ones count and those drop out that another one says more exactly.
 */
static bool gather(struct assay_claims *claims, const struct assay_machine_claim *entries, size_t count)
{
	const uint32_t first = claims->count;

	for (size_t i = 0; i < count; i++) {
		bool drops = false, counts = false;
		for (size_t j = 0; j < count && !drops; j++)
			drops = is_said_by(&entries[i], &entries[j]) && !is_said_by(&entries[j], &entries[i]);
		for (uint32_t c = first; c < claims->count && !drops && !counts; c++) {
			counts = is_said_by(&entries[i], &claims->claims[c]);
			claims->claims[c].count += counts;
		}
		if (!drops && !counts && !append(claims, &entries[i]))
			return false;
	}
	for (uint32_t c = first; c < claims->count; c++)
		if (claims->claims[c].count > ASSAY_DEVICES_MAX)
			return false;
	return claims->count > first;
}

/* A string, or "" for null, nothing, and what is empty. */
static const char *word_or_nothing(const json_t *object, const char *name)
{
	const json_t *member = json_object_get(object, name);
	const char *text = json_string_value(member);

	return !member || json_is_null(member) ? "" : text && strlen(text) == json_string_length(member) ? text : NULL;
}

/* One entry of a marketplace; *is_one is false for what says nothing of a GPU. False when it is not as SPEC 10.7 has
 * it. */
static bool model_read(struct assay_machine_claim *claim, bool *is_one, const json_t *entry)
{
	const char *vendor = word_or_nothing(entry, "vendor"), *model = word_or_nothing(entry, "model");
	const char *memory = word_or_nothing(entry, "ram"), *interface = word_or_nothing(entry, "interface");

	*is_one = true;
	return vendor && model && memory && interface && assay_claim_words_set(claim, vendor, model, memory, interface);
}

static bool attribute_read(struct assay_machine_claim *claim, bool *is_one, const json_t *entry)
{
	const json_t *key = json_object_get(entry, "key");

	*is_one = json_is_string(key) && strlen(json_string_value(key)) == json_string_length(key) &&
	          assay_claim_attribute(claim, json_string_value(key));
	return json_is_string(key);
}

static bool entries_add(struct assay_claims *claims, const json_t *array,
                        bool (*read)(struct assay_machine_claim *claim, bool *is_one, const json_t *entry))
{
	struct assay_machine_claim *entries = calloc(json_array_size(array) + 1, sizeof *entries);
	size_t count = 0, i;
	const json_t *entry;
	bool good = entries != NULL, is_one;

	json_array_foreach(array, i, entry)
	{
		good = good && read(&entries[count], &is_one, entry);
		count += good && is_one;
	}
	good = good && gather(claims, entries, count);
	free(entries);
	return good;
}

bool assay_claims_json(struct assay_claims *claims, const json_t *root)
{
	const json_t *list = json_object_get(root, "claims"), *models = json_object_get(root, "gpuModels"), *entry;
	struct assay_machine_claim claim;
	size_t i;

	if (json_is_array(root))
		return entries_add(claims, root, attribute_read);
	if (json_is_array(models))
		return entries_add(claims, models, model_read);
	if (!json_is_array(list) || json_array_size(list) == 0 || json_object_size(root) != 1)
		return false;
	json_array_foreach(list, i, entry) if (!claim_parse(&claim, entry) || !append(claims, &claim)) return false;
	return true;
}
