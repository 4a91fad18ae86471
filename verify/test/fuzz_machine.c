/* SPDX-License-Identifier: Apache-2.0
 *
 * A claim about a machine, or after a '#' a catalogue of models: what is accepted is within its bounds, and a claim is
 * its own line again. */
#include "verify/test/fuzz.h"

#include <string.h>

#include "verify/machine.h"

static void catalogue(const uint8_t *data, size_t size)
{
	struct assay_catalogue *catalogue;
	struct assay_error error;
	struct assay_shown shown = {.table_bytes = UINT64_MAX};

	if (assay_catalogue_parse(&catalogue, "fuzz", data, size, &error) != ASSAY_OK) {
		FUZZ_EXPECT(!catalogue && strcmp(error.reason, "catalogue.malformed") == 0);
		return;
	}
	for (int c = 0; c < ASSAY_CEILING_COUNT; c++)
		shown.figure[c] = UINT64_MAX;
	for (uint32_t m = 0; m < catalogue->count; m++) {
		const struct assay_model *model = &catalogue->models[m];
		bool known = false;
		for (int c = 0; c < ASSAY_CEILING_COUNT; c++) {
			FUZZ_EXPECT(model->ceiling[c] < UINT64_C(1) << 62);
			known |= model->ceiling[c] > 0;
		}
		FUZZ_EXPECT(assay_model_is_beyond(model, &shown, NULL) == known);
		FUZZ_EXPECT(!assay_model_is_lesser(model, model));
		assay_model_has_units(model, 1);
	}
	assay_catalogue_named(catalogue, "NVIDIA H100 PCIe");
	assay_catalogue_close(catalogue);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct assay_claims claims = {.count = 0};
	struct assay_error error;

	if (size && data[0] == '#') {
		catalogue(data, size);
		return 0;
	}
	char *text = malloc(size + 1);
	FUZZ_EXPECT(text);
	memcpy(text, data, size);
	text[size] = '\0';
	if (assay_claims_add(&claims, "fuzz", text, size, &error) == ASSAY_OK) {
		FUZZ_EXPECT(claims.count >= 1 && claims.count <= ASSAY_CLAIMS_MAX);
		for (uint32_t i = 0; i < claims.count; i++) {
			char line[ASSAY_CLAIM_TEXT_MAX];
			struct assay_machine_claim again;
			FUZZ_EXPECT(claims.claims[i].count >= 1 && claims.claims[i].count <= ASSAY_DEVICES_MAX);
			assay_machine_claim_text(line, &claims.claims[i]);
			FUZZ_EXPECT(assay_claim_line(&again, line));
			memcpy(again.minimum, claims.claims[i].minimum, sizeof again.minimum);
			FUZZ_EXPECT(memcmp(&again, &claims.claims[i], sizeof again) == 0);
		}
	} else {
		FUZZ_EXPECT(strcmp(error.reason, "claim.malformed") == 0);
	}
	free(text);
	return 0;
}
