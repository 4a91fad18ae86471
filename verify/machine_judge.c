/* SPDX-License-Identifier: Apache-2.0
 *
 * What a prover showed, held against what is claimed of its machine. SPEC 10.8 to 10.10. */
#include <stdio.h>
#include <string.h>

#include "verify/aggregate.h"
#include "verify/machine.h"

/* One judgement in progress. */
struct judge {
	struct assay_verdict *verdict;
	const struct assay_claims *claims;
	bool timed;                                      /* rates are proven; else they are only claimed */
	bool models[ASSAY_CLAIMS_MAX][ASSAY_MODELS_MAX]; /* of each claim */
	const struct assay_model *says[ASSAY_DEVICES_MAX];
	uint32_t members[ASSAY_CLAIMS_MAX];
};

static bool is_claimed(const struct assay_machine_claim *claim, const struct assay_model *model)
{
	return strcmp(model->vendor, claim->vendor) == 0 && assay_model_has_key(model, claim->model) &&
	       assay_model_has_interface(model, claim->interface) &&
	       (!claim->memory_bytes || (model->label_bytes && assay_model_has_memory(model, claim->memory_bytes)));
}

/* What the runs of a device showed, by the verifier's clock, or without one by the prover's. */
static void gather(struct assay_shown *shown, const struct judge *judge, uint32_t device)
{
	*shown = (struct assay_shown){0};
	for (uint32_t i = 0; i < judge->verdict->run_count; i++) {
		const struct assay_run *run = &judge->verdict->runs[i];
		if (run->device != device || !run->proved.shown)
			continue;
		const assay_wide rate = judge->timed ? assay_rate_proven(run) : assay_rate_claimed(run);
		const enum assay_ceiling ceiling = assay_ceiling_of(run->workload);
		if (ceiling != ASSAY_CEILING_CAPACITY && rate > shown->figure[ceiling]) {
			shown->figure[ceiling] = rate;
			if (ceiling == ASSAY_CEILING_MEMORY)
				shown->table_bytes = run->proved.table_bytes;
		}
		const uint64_t capacity = assay_capacity(run->proved.table_bytes, rate);
		if (capacity > shown->figure[ASSAY_CEILING_CAPACITY])
			shown->figure[ASSAY_CEILING_CAPACITY] = capacity;
	}
}

static bool has_models(const struct judge *judge, uint32_t claim)
{
	for (uint32_t m = 0; m < judge->claims->catalogue->count; m++)
		if (judge->models[claim][m])
			return true;
	return false;
}

/* Devices to claims. */
static void join(struct judge *judge, uint32_t device, uint32_t claim)
{
	judge->verdict->claimed_devices[device].claim = (int)claim;
	judge->members[claim]++;
}

/* Whether what the device tells of its units, or of its memory, can be the model's; untold it can. */
static bool has_units(const struct assay_device_claim *said, const struct assay_model *model)
{
	return !said->compute_units || assay_model_has_units(model, said->compute_units);
}

static bool has_memory(const struct assay_device_claim *said, const struct assay_model *model, uint64_t claimed_bytes)
{
	return !said->memory_bytes || (claimed_bytes ? assay_memory_fits(said->memory_bytes, claimed_bytes)
	                                             : assay_model_has_memory(model, said->memory_bytes));
}

/* Whether the device tells of itself what one of a claim's models has. */
static bool fits(const struct judge *judge, uint32_t device, uint32_t claim)
{
	const struct assay_catalogue *catalogue = judge->claims->catalogue;
	const struct assay_device_claim *said = &judge->verdict->devices[device];

	for (uint32_t m = 0; m < catalogue->count; m++)
		if (judge->models[claim][m] && has_units(said, &catalogue->models[m]) &&
		    has_memory(said, &catalogue->models[m], judge->claims->claims[claim].memory_bytes))
			return true;
	return false;
}

/* To the first claim that has room, or the first of these that it fits. */
static void join_first(struct judge *judge, uint32_t device, bool fitting)
{
	const struct assay_catalogue *catalogue = judge->claims->catalogue;
	const struct assay_model *says = judge->says[device];

	for (uint32_t c = 0; c < judge->claims->count; c++) {
		if (judge->members[c] == judge->claims->claims[c].count || !has_models(judge, c) ||
		    (says && !judge->models[c][says - catalogue->models]) || (fitting && !fits(judge, device, c)))
			continue;
		join(judge, device, c);
		return;
	}
}

/* True when a model is lesser than each that is claimed. */
static bool is_lesser(const struct judge *judge, uint32_t claim, const struct assay_model *model)
{
	const struct assay_catalogue *catalogue = judge->claims->catalogue;

	for (uint32_t m = 0; m < catalogue->count; m++)
		if (judge->models[claim][m] && !assay_model_is_lesser(model, &catalogue->models[m]))
			return false;
	return true;
}

static void assign(struct judge *judge)
{
	struct assay_verdict *verdict = judge->verdict;
	uint32_t let = verdict->leased;

	/* Those that say to be a model, then those that say nothing; of both first those that fit. */
	for (int step = 0; step < 4; step++)
		for (uint32_t d = 0; d < verdict->device_count; d++)
			if (verdict->claimed_devices[d].claim < 0 && (judge->says[d] != NULL) == (step < 2) &&
			    (judge->says[d] || strcmp(verdict->devices[d].backend, "cpu") != 0))
				join_first(judge, d, step % 2 == 0);
	for (uint32_t c = 0; c < judge->claims->count; c++) {
		struct assay_claim_result *result = &verdict->claim_results[c];
		result->lacking = result->count - judge->members[c];
		if (!has_models(judge, c)) {
			result->reason = ASSAY_REASON_CLAIM_UNKNOWN;
			continue;
		}
		result->leased = let < result->lacking ? let : result->lacking;
		let -= result->leased;
		result->lacking -= result->leased;
		for (uint32_t d = 0; result->lacking && d < verdict->device_count; d++) {
			struct assay_claimed_device *device = &verdict->claimed_devices[d];
			if (device->claim >= 0 || !judge->says[d] || !is_lesser(judge, c, judge->says[d]))
				continue;
			device->claim = (int)c;
			device->reason = ASSAY_REASON_CLAIM_MODEL;
			snprintf(device->detail, sizeof device->detail, "says that it is %s", device->says);
			result->lacking--;
		}
	}
}

/* Why a device cannot be of this model, in words; false when it can. What it tells of itself counts where it says that
 * it is one that is claimed: of a name that nobody knows nobody knows what it should tell. */
static bool contradicts(char detail[200], const struct judge *judge, uint32_t device, const struct assay_model *model,
                        uint64_t claimed_bytes, const struct assay_shown *shown)
{
	const struct assay_device_claim *said = &judge->verdict->devices[device];
	const uint64_t label = claimed_bytes ? claimed_bytes : model->label_bytes;
	const bool counts = judge->says[device] != NULL;
	enum assay_ceiling ceiling;

	if (counts && !has_units(said, model))
		snprintf(detail, 200, "tells %llu compute units, and %s has %s",
		         (unsigned long long)said->compute_units, model->model, model->units);
	else if (counts && said->memory_bytes && 100 * (assay_wide)said->memory_bytes < 90 * (assay_wide)label)
		snprintf(detail, 200, "tells %.1f GiB of memory, not %.1f", (double)said->memory_bytes / (1 << 30),
		         (double)label / (1 << 30));
	else if (assay_model_is_beyond(model, shown, &ceiling))
		snprintf(detail, 200, "%s more %s than %s can do", judge->timed ? "proved" : "claims",
		         ceiling == ASSAY_CEILING_CAPACITY ? "memory" : assay_ceiling_workload(ceiling), model->model);
	else
		return false;
	return true;
}

/* By the devices' own words and figures; the detail is of the first of the claimed models. */
static bool is_contradicted(struct judge *judge, uint32_t device, uint32_t claim, const struct assay_shown *shown)
{
	const struct assay_catalogue *catalogue = judge->claims->catalogue;
	char detail[200], *first = judge->verdict->claimed_devices[device].detail;
	bool any = false;

	for (uint32_t m = 0; m < catalogue->count; m++) {
		const struct assay_model *model = &catalogue->models[m];
		if (!judge->models[claim][m])
			continue;
		if (!contradicts(any ? detail : first, judge, device, model, judge->claims->claims[claim].memory_bytes,
		                 shown)) {
			*first = '\0';
			return false;
		}
		any = true;
	}
	return any;
}

/* Fills what is consistent with a device's figures, and of that what is least. */
static void match(struct assay_claimed_device *device, const struct assay_catalogue *catalogue,
                  const struct assay_shown *shown)
{
	for (uint32_t m = 0; m < catalogue->count; m++)
		device->consistent[m] = !assay_model_is_beyond(&catalogue->models[m], shown, NULL);
	for (uint32_t m = 0; m < catalogue->count; m++) {
		device->best[m] = device->consistent[m];
		for (uint32_t other = 0; other < catalogue->count && device->best[m]; other++)
			device->best[m] = !device->consistent[other] ||
			                  !assay_model_is_lesser(&catalogue->models[other], &catalogue->models[m]) ||
			                  assay_model_is_lesser(&catalogue->models[m], &catalogue->models[other]);
	}
}

static bool needs_no_such_model(struct assay_claimed_device *device, const struct judge *judge, uint32_t claim)
{
	const struct assay_catalogue *catalogue = judge->claims->catalogue;
	bool lesser[ASSAY_MODELS_MAX], any = false;
	char names[180];

	for (uint32_t m = 0; m < catalogue->count; m++) {
		lesser[m] = device->consistent[m] && is_lesser(judge, claim, &catalogue->models[m]);
		any |= lesser[m];
	}
	if (any) {
		assay_models_words(names, catalogue, lesser);
		snprintf(device->detail, sizeof device->detail, "in reach of %s", names);
	}
	return any;
}

/* A least rate that was not reached. */
static bool is_below(char detail[200], const struct assay_machine_claim *claim, const struct assay_shown *shown)
{
	for (int c = 0; c < ASSAY_CEILING_CAPACITY; c++) {
		if (shown->figure[c] >= claim->minimum[c])
			continue;
		snprintf(detail, 200, "%s: proved %.3g of %.3g a second", assay_ceiling_workload((enum assay_ceiling)c),
		         (double)shown->figure[c], (double)claim->minimum[c]);
		return true;
	}
	return false;
}

/* The least label that a claim can mean; 0 = unknown. */
static uint64_t label_of(const struct judge *judge, uint32_t claim)
{
	const struct assay_catalogue *catalogue = judge->claims->catalogue;
	uint64_t least = judge->claims->claims[claim].memory_bytes;

	for (uint32_t m = 0; m < catalogue->count && !judge->claims->claims[claim].memory_bytes; m++) {
		const uint64_t label = catalogue->models[m].label_bytes;
		if (judge->models[claim][m] && label && (!least || label < least))
			least = label;
	}
	return least;
}

static enum assay_reason device_judge(struct judge *judge, uint32_t d, uint32_t claim)
{
	struct assay_claimed_device *device = &judge->verdict->claimed_devices[d];
	const uint64_t label = label_of(judge, claim);
	struct assay_shown shown;

	gather(&shown, judge, d);
	if (judge->timed)
		match(device, judge->claims->catalogue, &shown);
	const uint64_t capacity = (uint64_t)shown.figure[ASSAY_CEILING_CAPACITY];
	if (device->reason)
		return device->reason;
	if (is_contradicted(judge, d, claim, &shown))
		return ASSAY_REASON_CLAIM_MODEL;
	if (!judge->timed)
		return ASSAY_REASON_CLAIM_TIME;
	if (is_below(device->detail, &judge->claims->claims[claim], &shown))
		return ASSAY_REASON_CLAIM_MINIMUM;
	if (label && 2 * (assay_wide)capacity <= label) {
		snprintf(device->detail, sizeof device->detail, "showed %.1f of %.0f GiB of memory",
		         (double)capacity / (1 << 30), (double)label / (1 << 30));
		return ASSAY_REASON_CLAIM_CAPACITY;
	}
	return needs_no_such_model(device, judge, claim) ? ASSAY_REASON_CLAIM_LESSER : ASSAY_REASON_NONE;
}

/* The graver of two: the codes stand in the order of SPEC 10.10. */
static enum assay_reason graver(enum assay_reason a, enum assay_reason b)
{
	return a && (a < b || !b) ? a : b;
}

void assay_claims_judge(struct assay_verdict *verdict)
{
	const struct assay_claims *claims = verdict->claims;
	struct judge judge = {.verdict = verdict, .claims = claims, .timed = *verdict->receipts_from != '\0'};
	enum assay_reason worst = ASSAY_REASON_NONE;
	uint32_t shown = 0, wanted = 0;

	for (uint32_t c = 0; c < claims->count; c++) {
		struct assay_claim_result *result = &verdict->claim_results[c];
		*result = (struct assay_claim_result){.count = claims->claims[c].count};
		assay_machine_claim_text(result->text, &claims->claims[c]);
		for (uint32_t m = 0; m < claims->catalogue->count; m++)
			judge.models[c][m] = is_claimed(&claims->claims[c], &claims->catalogue->models[m]);
	}
	for (uint32_t d = 0; d < verdict->device_count; d++) {
		judge.says[d] = assay_catalogue_named(claims->catalogue, verdict->devices[d].name);
		verdict->claimed_devices[d] =
		    (struct assay_claimed_device){.claim = -1, .says = judge.says[d] ? judge.says[d]->model : NULL};
	}
	assign(&judge);
	for (uint32_t d = 0; d < verdict->device_count; d++) {
		struct assay_claimed_device *device = &verdict->claimed_devices[d];
		if (device->claim < 0)
			continue;
		struct assay_claim_result *result = &verdict->claim_results[device->claim];
		device->reason = device_judge(&judge, d, (uint32_t)device->claim);
		result->demonstrated += device->reason == ASSAY_REASON_NONE;
		result->reason = graver(device->reason, result->reason);
	}
	for (uint32_t c = 0; c < claims->count; c++) {
		struct assay_claim_result *result = &verdict->claim_results[c];
		if (result->lacking)
			result->reason = graver(ASSAY_REASON_CLAIM_COUNT, result->reason);
		worst = graver(result->reason, worst);
		shown += result->demonstrated;
		wanted += result->count;
	}
	verdict->claims_check = (struct assay_check){.reached = true, .reason = worst};
	snprintf(verdict->claims_check.detail, sizeof verdict->claims_check.detail, "%u of %u devices demonstrated",
	         shown, wanted);
}
