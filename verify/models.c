/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions to the models of a catalogue. See catalogue.h. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "verify/aggregate.h"
#include "verify/catalogue.h"

/* The name without the vendor, which drivers say or not. */
static const char *bare(const char *name)
{
	static const char *const vendors[] = {"NVIDIA ", "AMD ", "Intel(R) "};

	for (size_t i = 0; i < sizeof vendors / sizeof *vendors; i++)
		if (strncasecmp(name, vendors[i], strlen(vendors[i])) == 0)
			return name + strlen(vendors[i]);
	return name;
}

const struct assay_model *assay_catalogue_named(const struct assay_catalogue *catalogue, const char *name)
{
	size_t len;

	name = bare(name);
	for (uint32_t i = 0; i < catalogue->count; i++) {
		const char *list = catalogue->models[i].names;
		for (const char *one; (one = assay_alternative(&list, &len));) {
			const char *stripped = bare(one);
			/* No prefix has a '|' in it. */
			len -= (size_t)(stripped - one);
			if (len && strlen(name) == len && strncasecmp(name, stripped, len) == 0)
				return &catalogue->models[i];
		}
	}
	return NULL;
}

bool assay_model_has_key(const struct assay_model *model, const char *key)
{
	const char *list = model->key;
	size_t len;

	for (const char *one; (one = assay_alternative(&list, &len));)
		if (strlen(key) == len && strncmp(key, one, len) == 0)
			return true;
	return false;
}

bool assay_model_has_interface(const struct assay_model *model, const char *interface)
{
	const char *list = model->interface;
	const size_t asked = strlen(interface);
	size_t len;

	if (!*list || !asked)
		return true;
	for (const char *one; (one = assay_alternative(&list, &len));)
		if (strncmp(interface, one, asked < len ? asked : len) == 0)
			return true;
	return false;
}

bool assay_model_has_units(const struct assay_model *model, uint64_t units)
{
	const char *list = model->units;
	size_t len;

	if (!*list)
		return true;
	for (const char *one; (one = assay_alternative(&list, &len));)
		if (strtoull(one, NULL, 10) == units)
			return true;
	return false;
}

uint64_t assay_gib(uint64_t thousandths)
{
	return (uint64_t)(((assay_wide)thousandths << 30) / 1000);
}

bool assay_memory_fits(uint64_t bytes, uint64_t label)
{
	return 90 * (assay_wide)label <= 100 * (assay_wide)bytes && 100 * (assay_wide)bytes <= 105 * (assay_wide)label;
}

bool assay_model_has_memory(const struct assay_model *model, uint64_t bytes)
{
	const char *list = model->memory;
	size_t len;
	uint64_t label;

	if (!*list)
		return true;
	for (const char *one; (one = assay_alternative(&list, &len));)
		if (assay_thousandths(&label, one, len) && assay_memory_fits(bytes, assay_gib(label)))
			return true;
	return false;
}

bool assay_model_reads_memory(const struct assay_model *model, uint64_t table_bytes)
{
	return table_bytes >= 64 * (assay_wide)model->cache_bytes;
}

bool assay_model_is_beyond(const struct assay_model *model, const struct assay_shown *shown,
                           enum assay_ceiling *ceiling)
{
	for (int i = 0; i < ASSAY_CEILING_COUNT; i++) {
		const assay_wide percent = i == ASSAY_CEILING_CAPACITY ? 105 : 100 + model->margin_percent;
		if (i == ASSAY_CEILING_MEMORY && !assay_model_reads_memory(model, shown->table_bytes))
			continue;
		if (model->ceiling[i] && 100 * shown->figure[i] > percent * model->ceiling[i]) {
			if (ceiling)
				*ceiling = (enum assay_ceiling)i;
			return true;
		}
	}
	return false;
}

/* In so many ceilings `model` is lesser than `other` that it could be told. */
static int lesser_in(const struct assay_model *model, const struct assay_model *other)
{
	int count = 0;

	for (int i = 0; i < ASSAY_CEILING_COUNT; i++) {
		const assay_wide mine = model->ceiling[i], others = other->ceiling[i];
		if (mine && others)
			count += i == ASSAY_CEILING_CAPACITY
			             ? 4 * mine < 3 * others
			             : 13 * (100 + model->margin_percent) * mine < 1000 * others;
	}
	return count;
}

bool assay_model_is_lesser(const struct assay_model *model, const struct assay_model *other)
{
	const int count = lesser_in(model, other);

	return count > 0 && count >= lesser_in(other, model);
}
