/* SPDX-License-Identifier: Apache-2.0
 *
 * Devices beside models: what came of claims about the machine (SPEC 10.10), and rates beside what models can do. See
 * page_report.h. */
#include <inttypes.h>

#include "harness/report/page_report.h"

static void models_cell(struct assay_page *page, const struct assay_catalogue *catalogue,
                        const bool which[ASSAY_MODELS_MAX])
{
	char words[180];

	assay_models_words(words, catalogue, which);
	assay_page_cell(page, "%s", *words ? words : "unknown");
}

static void device_row(struct assay_page *page, const struct assay_verdict *verdict, uint32_t d)
{
	const struct assay_claimed_device *device = &verdict->claimed_devices[d];
	const struct assay_claim_result *result = &verdict->claim_results[device->claim];
	const char *kind = assay_reason_kind(device->reason);

	assay_page_cell(page, "#%" PRIu32, d);
	assay_page_cell(page, "%s", result->text);
	assay_page_cell(page, "%s", device->says ? device->says : "nothing that the catalogue knows");
	assay_page_cell(page, "%s", kind ? kind : "demonstrated");
	assay_page_cell(page, "%s%s%s", assay_reason_name(device->reason), *device->detail ? ": " : "", device->detail);
	models_cell(page, verdict->claims->catalogue, device->best);
}

void assay_page_claims(struct assay_page *page, const struct assay_exhibit *exhibit)
{
	static const char *const columns[] = {
	    "#", "claim", "says that it is", "so", "reason", "least models that can do it", NULL};
	const struct assay_verdict *verdict = &exhibit->verdict;

	if (!verdict->claims_check.reached)
		return;
	assay_page_heading(page, 3, "What is claimed of the machine");
	assay_page_table_begin(
	    page,
	    "Demonstrated: by the verifier's clock the device did more than any lesser model can do by its data sheet. "
	    "Least models that can do it: of those that the catalogue has; one of them is enough. Whether it was one "
	    "card is not proved.",
	    columns, 0);
	for (uint32_t d = 0; d < verdict->device_count; d++)
		if (verdict->claimed_devices[d].claim >= 0)
			device_row(page, verdict, d);
	assay_page_table_end(page);
}

/* A rate beside the peak of the model that the device says it is; false when there is no such peak. */
static bool peak_of(const struct assay_model **model, uint64_t *peak, const struct assay_catalogue *catalogue,
                    const struct assay_verdict *verdict, const struct assay_run *run)
{
	const enum assay_ceiling ceiling = assay_ceiling_of(run->workload);

	*model = assay_catalogue_named(catalogue, verdict->devices[run->device].name);
	if (!*model || !run->proved.shown || ceiling == ASSAY_CEILING_CAPACITY)
		return false;
	*peak = (*model)->ceiling[ceiling];
	return *peak > 0 &&
	       (ceiling != ASSAY_CEILING_MEMORY || assay_model_reads_memory(*model, run->proved.table_bytes));
}

static void share_row(struct assay_page *page, const struct assay_run *run, const struct assay_model *model,
                      uint64_t peak)
{
	const double rate = run->proved.rate > 0 ? run->proved.rate : run->claimed.rate;
	const double share = 100 * rate / (double)peak;
	char text[32];

	assay_page_cell(page, "%s", run->workload);
	assay_page_cell(page, "#%" PRIu32, run->device);
	assay_page_cell(page, "%s", model->model);
	assay_quantity(text, rate, run->unit, "/s");
	assay_page_cell(page, "%s", text);
	assay_quantity(text, (double)peak, run->unit, "/s");
	assay_page_cell(page, "%s", text);
	assay_page_cell(page, "%.1f %%%s", share, share > 100 + model->margin_percent ? " (beyond it)" : "");
}

void assay_page_ceilings(struct assay_report_page *report, const struct assay_exhibit *exhibit)
{
	static const char *const columns[] = {"workload", "device", "says that it is", "rate", "at most",
	                                      "share",    NULL};
	static const char caption[] =
	    "Rates (proven ones, else claimed) beside what the model that a device says it is can do at most, by the "
	    "catalogue: its data sheet, by the fastest way there is (SPEC 10.8). A rate well beyond that is no such "
	    "model's.";
	const struct assay_verdict *verdict = &exhibit->verdict;
	struct assay_page *page = &report->page;
	const struct assay_model *model;
	uint64_t peak;
	bool any = false;

	for (uint32_t i = 0; i < verdict->run_count; i++) {
		const struct assay_run *run = &verdict->runs[i];
		if (!peak_of(&model, &peak, report->catalogue, verdict, run))
			continue;
		if (!any)
			assay_page_table_begin(page, caption, columns, UINT32_C(7) << 3);
		any = true;
		share_row(page, run, model, peak);
	}
	if (any)
		assay_page_table_end(page);
}
