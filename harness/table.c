/* SPDX-License-Identifier: Apache-2.0
 *
 * See table.h. */
#include "harness/table.h"

/* Of what is free, a tenth is left to the driver, to other buffers and to fragmentation. Where nobody says what is
 * free, a quarter is taken to be in use. */
static uint64_t items_of(const struct assay_device_info *info)
{
	const bool known = info->memory_used_bytes <= info->memory_bytes;
	const uint64_t used = known ? info->memory_used_bytes : info->memory_bytes / 4;
	uint64_t bytes = (info->memory_bytes - used) / 10 * 9;

	if (info->buffer_bytes_max && info->buffer_bytes_max < bytes / ASSAY_MEMORY_PARTS)
		bytes = info->buffer_bytes_max / ASSAY_TABLE_ITEM_BYTES * ASSAY_TABLE_ITEM_BYTES * ASSAY_MEMORY_PARTS;
	if (info->is_cpu && bytes / ASSAY_TABLE_ITEM_BYTES > ASSAY_TABLE_CPU_ITEMS)
		return ASSAY_TABLE_CPU_ITEMS;
	return bytes / ASSAY_TABLE_ITEM_BYTES;
}

struct assay_params assay_table_params(const struct assay_profile *profile, const struct assay_row *row,
                                       const struct assay_device *devices, uint32_t count)
{
	uint64_t items = assay_row_params(row, &assay_work_memory)->value[1];

	if (profile->memory_items_max < UINT32_MAX)
		return assay_memory_params(profile, items);
	items = UINT32_MAX;
	for (uint32_t d = 0; d < count; d++)
		if (items_of(&devices[d].info) < items)
			items = items_of(&devices[d].info);
	return assay_memory_params(profile, items);
}
