/* SPDX-License-Identifier: Apache-2.0
 *
 * See devices.h. */
#include "harness/devices.h"

#include <string.h>

#include <sodium.h>

enum { UUID_BYTES = 16, ID_BYTES = 16 };

/* SPEC 6; null without a UUID. */
static json_t *device_id(const char *uuid, const uint8_t verifier[ASSAY_HASH_BYTES])
{
	uint8_t bytes[UUID_BYTES], hash[ASSAY_HASH_BYTES];
	const struct assay_part parts[] = {{verifier, ASSAY_HASH_BYTES}, {bytes, sizeof bytes}};
	char text[65];
	size_t len = 0;

	if (sodium_hex2bin(bytes, sizeof bytes, uuid, strlen(uuid), NULL, &len, NULL) != 0 || len != sizeof bytes)
		return json_null();
	assay_hash(hash, "assay/1 device\n", parts, 2);
	assay_hex(text, hash);
	return json_stringn(text, 2 * ID_BYTES);
}

json_t *assay_devices_json(const struct assay_device *devices, uint32_t count, const uint8_t *verifier)
{
	json_t *array = json_array();

	for (uint32_t d = 0; d < count; d++) {
		const struct assay_device_info *info = &devices[d].info;
		json_array_append_new(array, json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:o}", "architecture",
		                                       info->architecture, "backend", devices[d].backend->name,
		                                       "driver", info->driver, "name", info->name, "variant",
		                                       info->variant, "computeUnits", (json_int_t)info->compute_units,
		                                       "memoryBytes", (json_int_t)info->memory_bytes, "deviceId",
		                                       verifier ? device_id(info->uuid, verifier) : json_null()));
	}
	return array;
}
