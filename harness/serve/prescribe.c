/* SPDX-License-Identifier: Apache-2.0
 *
 * See prescribe.h. */
#include "harness/serve/prescribe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum assay_status assay_prescribe_text(char text[ASSAY_TERMS_MAX], const struct assay_ask *ask,
                                       struct assay_error *error)
{
	json_t *object = json_pack("{s:i,s:i,s:I,s:I,s:i,s:I,s:s,s:s?,s:i,s:I,s:s}", "cpu", (int)ask->is_cpu, "devices",
	                           (int)ask->devices, "duration", (json_int_t)ask->duration_s, "expires",
	                           (json_int_t)ask->expires_s, "leased", (int)ask->leased, "memory",
	                           (json_int_t)ask->memory_bytes, "profile", ask->profile, "row", ask->row, "samples",
	                           (int)ask->samples, "table", (json_int_t)ask->table_bytes, "works", ask->works);
	char *made = object ? assay_json_text(object) : NULL;
	enum assay_status status = ASSAY_OK;

	json_decref(object);
	if (!made || snprintf(text, ASSAY_TERMS_MAX, "%s", made) >= ASSAY_TERMS_MAX)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "token.terms",
		                    "what the token asks for is too long: name fewer workloads (-w)");
	free(made);
	return status;
}

enum assay_status assay_prescribe_read(struct assay_ask *ask, json_t **root, const char *text,
                                       struct assay_error *error)
{
	const uint64_t most = (uint64_t)ASSAY_JSON_INTEGER_MAX;
	uint64_t cpu, devices, duration, leased, samples;

	*ask = ASSAY_ASK_DEFAULT;
	*root = assay_json_parse(text, strlen(text));
	const bool good = assay_json_integer(&cpu, *root, "cpu", 0, 1) &&
	                  assay_json_integer(&devices, *root, "devices", 1, ASSAY_DEVICES_MAX) &&
	                  assay_json_integer(&duration, *root, "duration", 0, 86400) &&
	                  assay_json_integer(&ask->expires_s, *root, "expires", 1, most) &&
	                  assay_json_integer(&leased, *root, "leased", 0, ASSAY_DEVICES_MAX) &&
	                  assay_json_integer(&ask->memory_bytes, *root, "memory", 0, most) &&
	                  assay_json_integer(&samples, *root, "samples", 1, ASSAY_SAMPLES_MAX) &&
	                  assay_json_integer(&ask->table_bytes, *root, "table", 0, most);
	ask->profile = assay_json_string(*root, "profile", 64);
	ask->works = assay_json_string(*root, "works", ASSAY_TERMS_MAX);
	ask->row = assay_json_string(*root, "row", 64);
	if (!good || !ask->profile || !ask->works)
		return assay_fail(error, ASSAY_ERROR_IO, "store.failed", "the terms of a token are damaged");
	ask->is_cpu = cpu != 0;
	ask->devices = (uint32_t)devices;
	ask->duration_s = (uint32_t)duration;
	ask->leased = (uint32_t)leased;
	ask->samples = (uint32_t)samples;
	return ASSAY_OK;
}
