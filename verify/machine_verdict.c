/* SPDX-License-Identifier: Apache-2.0
 *
 * What came of claims about a machine, as JSON (SPEC 10.11) and in words. */
#include <stdio.h>
#include <string.h>

#include "verify/json.h"
#include "verify/machine.h"

static json_t *models_json(const struct assay_catalogue *catalogue, const bool which[ASSAY_MODELS_MAX])
{
	json_t *list = json_array();

	for (uint32_t m = 0; m < catalogue->count; m++)
		if (which[m])
			json_array_append_new(list, json_string(catalogue->models[m].model));
	return list;
}

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

static json_t *device_json(const struct assay_verdict *verdict, uint32_t d)
{
	const struct assay_claimed_device *device = &verdict->claimed_devices[d];
	const struct assay_catalogue *catalogue = verdict->claims->catalogue;
	const bool timed = *verdict->receipts_from != '\0';
	const char *kind = assay_reason_kind(device->reason);

	return json_pack("{s:i,s:o,s:o,s:s,s:o,s:o,s:o}", "device", (int)d, "says", text_or_null(device->says),
	                 "reason", text_or_null(assay_reason_name(device->reason)), "status",
	                 kind ? kind : "demonstrated", "detail", text_or_null(device->detail), "consistentWith",
	                 timed ? models_json(catalogue, device->consistent) : json_null(), "bestMatch",
	                 timed ? models_json(catalogue, device->best) : json_null());
}

json_t *assay_claims_verdict_json(const struct assay_verdict *verdict)
{
	json_t *list = json_array();

	if (!verdict->claims || !verdict->claims_check.reached) {
		json_decref(list);
		return json_null();
	}
	for (uint32_t c = 0; c < verdict->claims->count; c++) {
		const struct assay_claim_result *result = &verdict->claim_results[c];
		json_t *devices = json_array();
		for (uint32_t d = 0; d < verdict->device_count; d++)
			if (verdict->claimed_devices[d].claim == (int)c)
				json_array_append_new(devices, device_json(verdict, d));
		json_array_append_new(list,
		                      json_pack("{s:s,s:i,s:i,s:i,s:i,s:o,s:o}", "claim", result->text, "count",
		                                (int)result->count, "demonstrated", (int)result->demonstrated, "leased",
		                                (int)result->leased, "lacking", (int)result->lacking, "reason",
		                                text_or_null(assay_reason_name(result->reason)), "devices", devices));
	}
	return list;
}

json_t *assay_claims_catalogue_json(const struct assay_verdict *verdict)
{
	char digest[65];

	if (!verdict->claims)
		return json_null();
	assay_hex(digest, verdict->claims->catalogue->digest);
	return json_string(digest);
}

bool assay_claim_result_words(char text[480], const struct assay_verdict *verdict, uint32_t claim)
{
	if (!verdict->claims_check.reached || claim >= verdict->claims->count)
		return false;
	const struct assay_claim_result *result = &verdict->claim_results[claim];
	int len = snprintf(text, 480, "%s: %u demonstrated", result->text, result->demonstrated);
	if (result->leased)
		len += snprintf(text + len, 480 - (size_t)len, ", %u let", result->leased);
	if (result->lacking)
		snprintf(text + len, 480 - (size_t)len, ", %u lacking", result->lacking);
	return true;
}

void assay_models_words(char text[180], const struct assay_catalogue *catalogue, const bool which[ASSAY_MODELS_MAX])
{
	enum { NAMED = 3 };
	uint32_t found = 0;
	int len = 0;

	*text = '\0';
	for (uint32_t m = 0; m < catalogue->count; m++)
		if (which[m] && found++ < NAMED)
			len += snprintf(text + len, 180 - (size_t)len, "%s%.40s", len ? ", " : "",
			                catalogue->models[m].model);
	if (found > NAMED)
		snprintf(text + len, 180 - (size_t)len, " and %u more", found - NAMED);
}

void assay_claimed_device_words(char text[480], const struct assay_verdict *verdict, uint32_t device)
{
	const struct assay_claimed_device *found = &verdict->claimed_devices[device];
	char best[180];

	assay_models_words(best, verdict->claims->catalogue, found->best);
	snprintf(text, 480, "%s%s%s%s%s", found->reason ? assay_reason_name(found->reason) : "demonstrated",
	         *found->detail ? ": " : "", found->detail, *best ? "; least models that can do it: " : "", best);
}
