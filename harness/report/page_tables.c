/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of one attestation. See page_report.h. */
#include <inttypes.h>
#include <stdlib.h>

#include "harness/report/page_report.h"

/* Bits of columns of numbers. */
#define NUMBERS(first, last) ((UINT32_C(2) << (last)) - (UINT32_C(1) << (first)))

void assay_page_devices(struct assay_page *page, const struct assay_exhibit *exhibit)
{
	static const char *const columns[] = {
	    "#", "name", "architecture", "backend", "variant", "compute units", "memory", "driver", NULL};
	const struct assay_verdict *verdict = &exhibit->verdict;
	char memory[32];

	assay_page_heading(page, 3, "Devices");
	assay_page_table_begin(
	    page, "What the prover says they are. It had to say so before the work began; nobody checked it.", columns,
	    NUMBERS(5, 6));
	for (uint32_t d = 0; d < verdict->device_count; d++) {
		const uint64_t bytes = verdict->devices[d].memory_bytes;
		snprintf(memory, sizeof memory, "%.1f GiB", (double)bytes / (1 << 30));
		assay_page_cell(page, "#%" PRIu32, d);
		assay_page_cell(page, "%s", verdict->devices[d].name);
		assay_page_cell(page, "%s", verdict->devices[d].architecture);
		assay_page_cell(page, "%s", verdict->devices[d].backend);
		assay_page_cell(page, "%s", assay_exhibit_device(exhibit, d, "variant"));
		assay_page_cell(page, "%" PRIu64, verdict->devices[d].compute_units);
		assay_page_cell(page, "%s", bytes ? memory : "unknown");
		assay_page_cell(page, "%s", assay_exhibit_device(exhibit, d, "driver"));
	}
	assay_page_table_end(page);
}

static void quantity_cell(struct assay_page *page, double value, const char *unit, const char *per)
{
	char text[32];

	assay_quantity(text, value, unit, per);
	assay_page_cell(page, "%s", value > 0 ? text : "-");
}

void assay_page_interval_cell(struct assay_page *page, const struct assay_run *run)
{
	const double median = assay_exhibit_rate(run, run->claimed.median_ns);
	double scale = 1;
	char text[32];

	if (median <= 0) {
		assay_page_cell(page, "-");
		return;
	}
	while (median / scale >= 1000 && scale < 1e18)
		scale *= 1000;
	const int digits = median / scale < 10 ? 2 : median / scale < 100 ? 1 : 0;
	assay_quantity(text, median, run->unit, "/s");
	assay_page_cell(page, "%s (%.*f ... %.*f)", text, digits, assay_exhibit_rate(run, run->claimed.high_ns) / scale,
	                digits, assay_exhibit_rate(run, run->claimed.low_ns) / scale);
}

/* Columns that some files have nothing for. */
struct extent {
	bool any, timed, several, proven, remarks, throttled, energy;
};

static struct extent extent_of(const struct assay_verdict *verdict)
{
	struct extent extent = {.several = verdict->device_count > 1};

	for (uint32_t i = 0; i < verdict->run_count; i++) {
		const struct assay_run *run = &verdict->runs[i];
		extent.any = extent.any || run->proved.shown || run->reason;
		extent.timed = extent.timed || (run->proved.shown && run->claimed.elapsed_ns);
		extent.proven = extent.proven || run->proved.rate > 0;
		extent.remarks = extent.remarks || run->reason || run->proved.table_bytes;
		extent.throttled = extent.throttled || (run->proved.shown && run->claimed.throttled_rounds >= 0);
		extent.energy = extent.energy || (run->proved.shown && run->claimed.energy_mj >= 0);
	}
	return extent;
}

/* The verifier's, or else the prover's. */
static void seconds_cell(struct assay_page *page, uint64_t bracket_ns, uint64_t claimed_ns)
{
	const uint64_t ns = bracket_ns ? bracket_ns : claimed_ns;

	if (ns)
		assay_page_cell(page, "%.3f s", (double)ns / 1e9);
	else
		assay_page_cell(page, "-");
}

static void together_row(struct assay_page *page, const struct assay_verdict *verdict,
                         const struct assay_aggregate *aggregate, const struct extent *extent)
{
	assay_page_cell(page, "%s", aggregate->workload);
	assay_page_cell(page, "%" PRIu32 " of %" PRIu32 " together", aggregate->runs, verdict->device_count);
	if (extent->proven)
		quantity_cell(page, strtod(aggregate->proven_rate, NULL), aggregate->unit, "/s");
	quantity_cell(page, strtod(aggregate->claimed_rate, NULL), aggregate->unit, "/s");
	assay_page_cell(page, "-");
	seconds_cell(page, assay_bracket_ns(&aggregate->bracket, 0), aggregate->claimed_ns);
	quantity_cell(page, strtod(aggregate->work, NULL), aggregate->unit, "");
	quantity_cell(page, strtod(aggregate->certified_work, NULL), aggregate->unit, "");
	if (extent->remarks)
		assay_page_cell(page, "-");
}

static void remark_cell(struct assay_page *page, const struct assay_run *run)
{
	char proven[48] = "";

	if (run->proved.capacity_bytes)
		snprintf(proven, sizeof proven, ", %.2f GiB proven", (double)run->proved.capacity_bytes / (1 << 30));
	if (!run->proved.shown)
		assay_page_cell(page, "%s: %s", assay_reason_name(run->reason), assay_reason_remedy(run->reason));
	else if (run->proved.table_bytes)
		assay_page_cell(page, "%.2f GiB table%s%s%s", (double)run->proved.table_bytes / (1 << 30), proven,
		                run->reason ? "; " : "", assay_reason_name(run->reason));
	else
		assay_page_cell(page, "%s", run->reason ? assay_reason_name(run->reason) : "");
}

static void run_row(struct assay_page *page, const struct assay_run *run, const struct extent *extent)
{
	assay_page_cell(page, "%s", run->workload);
	assay_page_cell(page, "#%" PRIu32, run->device);
	if (extent->proven)
		quantity_cell(page, run->proved.rate, run->unit, "/s");
	quantity_cell(page, run->claimed.rate, run->unit, "/s");
	assay_page_interval_cell(page, run);
	seconds_cell(page, assay_bracket_ns(&run->proved.bracket, 0), run->claimed.elapsed_ns);
	quantity_cell(page, (double)run->proved.work, run->unit, "");
	quantity_cell(page, (double)run->proved.certified_work, run->unit, "");
	if (extent->remarks)
		remark_cell(page, run);
}

void assay_page_rates(struct assay_page *page, const struct assay_exhibit *exhibit)
{
	const struct assay_verdict *verdict = &exhibit->verdict;
	const struct extent extent = extent_of(verdict);
	const char *columns[10] = {"workload", "device"};
	uint32_t at = 2;

	if (extent.proven)
		columns[at++] = "proven rate";
	columns[at++] = "claimed rate";
	columns[at++] = "rate of the median round (95 %)";
	columns[at++] = "time";
	columns[at++] = "work done";
	columns[at++] = "certified";
	if (extent.remarks)
		columns[at] = "remarks";
	assay_page_heading(page, 3, "Work and rates");
	if (!extent.any) {
		assay_page_text(page, "Nothing was shown.");
		return;
	}
	assay_page_table_begin(page,
	                       extent.proven
	                           ? "Certified work is proved, and so is the time, by a verifier's clock; the proven "
	                             "rate is one by the other. Claimed rates are by the prover's clock."
	                           : "Certified work is proved. Time and rates are claimed: they are by the prover's "
	                             "own clock.",
	                       columns, NUMBERS(2, at - 1));
	for (uint32_t j = 0; j < verdict->segment_count; j++) {
		if (extent.several && verdict->aggregates[j].runs)
			together_row(page, verdict, &verdict->aggregates[j], &extent);
		for (uint32_t i = 0; i < verdict->run_count; i++) {
			const struct assay_run *run = &verdict->runs[i];
			/* A fill is not rechecked, and has no rate. */
			if (run->segment == j && (run->proved.shown || run->reason))
				run_row(page, run, &extent);
		}
	}
	assay_page_table_end(page);
	assay_page_note(
	    page,
	    "A claimed rate divides all work of a run by all its time. That of the median round leaves out what "
	    "lies between rounds, and those that took much longer, and has its 95 %% interval, without a guess at "
	    "the shape of the distribution. Rates of bare kernels, without hashing and proof, are in no "
	    "attestation: assay bench measures them.");
}

static void ms_cell(struct assay_page *page, int64_t ns)
{
	if (ns < 0)
		assay_page_cell(page, "-");
	else
		assay_page_cell(page, "%.3f", (double)ns / 1e6);
}

static void time_row(struct assay_page *page, const struct assay_run *run, const struct assay_series *series,
                     const struct extent *extent)
{
	char energy[32];

	assay_page_cell(page, "%s", run->workload);
	assay_page_cell(page, "#%" PRIu32, run->device);
	assay_page_cell(page, "%" PRIu32, run->proved.rounds);
	assay_page_cell(page, "%.3f (%.3f ... %.3f)", (double)run->claimed.median_ns / 1e6,
	                (double)run->claimed.low_ns / 1e6, (double)run->claimed.high_ns / 1e6);
	ms_cell(page, (int64_t)run->claimed.mad_ns);
	if (series && series->slow)
		assay_page_cell(page, "%" PRIu32 " (%.1f %%)", series->slow, 100 * series->slow_share);
	else
		assay_page_cell(page, "%s", series ? "0" : "-");
	ms_cell(page, run->claimed.device_median_ns);
	ms_cell(page, run->claimed.steady_ns >= 0 ? (int64_t)run->claimed.first_ns : -1);
	ms_cell(page, run->claimed.steady_ns);
	if (run->claimed.drift_ppm == INT64_MIN)
		assay_page_cell(page, "-");
	else
		assay_page_cell(page, "%+.2f %%", (double)run->claimed.drift_ppm / 1e4);
	if (extent->throttled && run->claimed.throttled_rounds < 0)
		assay_page_cell(page, "unknown");
	else if (extent->throttled)
		assay_page_cell(page, "%" PRId64 " of %" PRIu32, run->claimed.throttled_rounds, run->proved.rounds);
	if (!extent->energy)
		return;
	if (run->claimed.energy_mj >= 0 && run->proved.work) {
		assay_energy_words(energy, (double)run->claimed.energy_mj / 1e3 / (double)run->proved.work, run->unit);
		assay_page_cell(page, "%s", energy);
	} else {
		assay_page_cell(page, "unknown");
	}
}

void assay_page_times(struct assay_page *page, const struct assay_exhibit *exhibit)
{
	const struct assay_verdict *verdict = &exhibit->verdict;
	const struct extent extent = extent_of(verdict);
	const char *columns[13] = {"workload", "device",    "rounds",    "median (95 %)", "spread",
	                           "slow",     "by device", "first 2 s", "then",          "drift"};
	uint32_t at = 10;

	if (!extent.timed)
		return;
	if (extent.throttled)
		columns[at++] = "throttled";
	if (extent.energy)
		columns[at++] = "energy";
	assay_page_table_begin(
	    page,
	    "Times of rounds in milliseconds, as claimed. Spread is the median absolute deviation; "
	    "slow are rounds of more than one and a half times the median, and their part of the "
	    "time; \"by device\" is the median by the device's own clock. First 2 s and then: medians "
	    "of the rounds up to there and after; drift is how much longer (+) or shorter (-) the last "
	    "third of the latter takes than the first. Where there are too few: -.",
	    columns, NUMBERS(2, at - 1));
	for (uint32_t i = 0; i < verdict->run_count; i++)
		if (verdict->runs[i].proved.shown && verdict->runs[i].claimed.elapsed_ns)
			time_row(page, &verdict->runs[i], exhibit->series ? &exhibit->series[i] : NULL, &extent);
	assay_page_table_end(page);
	if (!extent.throttled || !extent.energy)
		assay_page_note(page, "Not known: %s%s%s.", extent.throttled ? "" : "how many rounds were throttled",
		                extent.throttled || extent.energy ? "" : ", and ",
		                extent.energy ? "" : "how much energy was used");
}

static void range_cell(struct assay_page *page, const struct assay_range *range, double scale)
{
	if (range->min < 0)
		assay_page_cell(page, "unknown");
	else
		assay_page_cell(page, "%.0f (%.0f ... %.0f)", (double)range->median / scale, (double)range->min / scale,
		                (double)range->max / scale);
}

static void errors_cell(struct assay_page *page, const struct assay_telemetry_claim *claim)
{
	char ecc[32] = "unknown", xid[32] = "unknown";

	if (claim->ecc_errors >= 0)
		snprintf(ecc, sizeof ecc, "%" PRId64, claim->ecc_errors);
	if (claim->xid_errors >= 0)
		snprintf(xid, sizeof xid, "%" PRId64, claim->xid_errors);
	if (claim->ecc_errors < 0 && claim->xid_errors < 0)
		assay_page_cell(page, "unknown");
	else
		assay_page_cell(page, "%s, %s", ecc, xid);
}

static void telemetry_row(struct assay_page *page, const struct assay_telemetry_claim *claim, uint32_t device)
{
	assay_page_cell(page, "#%" PRIu32, device);
	assay_page_cell(page, "%s, by %s", claim->source, claim->joined);
	range_cell(page, &claim->clock_mhz, 1);
	range_cell(page, &claim->memory_clock_mhz, 1);
	range_cell(page, &claim->power_mw, 1000);
	if (claim->power_limit_mw < 0)
		assay_page_cell(page, "unknown");
	else
		assay_page_cell(page, "%.0f", (double)claim->power_limit_mw / 1000);
	range_cell(page, &claim->temperature_mc, 1000);
	assay_page_cell(page, "%s", !claim->reasons_known ? "unknown" : *claim->reasons ? claim->reasons : "no");
	errors_cell(page, claim);
	if (claim->pcie_width < 0 || claim->pcie_generation < 0)
		assay_page_cell(page, "unknown");
	else
		assay_page_cell(page, "%" PRId64 ".0 x%" PRId64, claim->pcie_generation, claim->pcie_width);
}

void assay_page_telemetry(struct assay_page *page, const struct assay_exhibit *exhibit)
{
	static const char *const columns[] = {"device",    "source",    "MHz",      "memory, MHz", "W", "limit, W",
	                                      "degrees C", "throttled", "ECC, Xid", "PCIe",        NULL};
	const struct assay_verdict *verdict = &exhibit->verdict;
	bool any = false;

	for (uint32_t d = 0; d < verdict->device_count; d++)
		any = any || *verdict->devices[d].telemetry.source;
	assay_page_heading(page, 3, "Clocks, power and temperature");
	if (!any) {
		assay_page_text(page,
		                "Nothing was read: the system tells none of it, or the run was too short. Whether "
		                "a clock was held down is unknown.");
		return;
	}
	assay_page_table_begin(
	    page,
	    "Median (least ... greatest) over the runs, what held the clock down, and errors of memory "
	    "and driver, as the prover says that its system said. Nobody checks it.",
	    columns, NUMBERS(2, 6) | NUMBERS(8, 8));
	for (uint32_t d = 0; d < verdict->device_count; d++)
		if (*verdict->devices[d].telemetry.source)
			telemetry_row(page, &verdict->devices[d].telemetry, d);
	assay_page_table_end(page);
}

static void check_row(struct assay_page *page, const char *name, const struct assay_check *check, bool reasons)
{
	const bool open = assay_reason_outcome(check->reason) == ASSAY_INCONCLUSIVE;

	assay_page_cell(page, "%s", name);
	assay_page_cell(page, "%s",
	                !check->reached  ? "skipped"
	                : !check->reason ? "pass"
	                : open           ? "unverifiable"
	                                 : "fail");
	assay_page_cell(page, "%s", check->detail);
	if (!reasons)
		return;
	assay_page_cell(page, "%s", assay_reason_name(check->reason));
	assay_page_cell(page, "%s", assay_reason_remedy(check->reason));
}

void assay_page_checks(struct assay_page *page, const struct assay_exhibit *exhibit)
{
	static const char *const all[] = {"check", "status", "detail", "reason", "what to do", NULL},
	                         *const passed[] = {"check", "status", "detail", NULL};
	const struct assay_verdict *verdict = &exhibit->verdict;
	bool any = verdict->claims_check.reason != ASSAY_REASON_NONE;

	for (int id = 0; id < ASSAY_CHECK_COUNT; id++)
		any = any || verdict->checks[id].reason;
	assay_page_heading(page, 3, "Checks");
	assay_page_table_begin(page, "In the order of SPEC section 10.1.", any ? all : passed, 0);
	for (int id = 0; id < ASSAY_CHECK_COUNT; id++)
		check_row(page, assay_check_name((enum assay_check_id)id), &verdict->checks[id], any);
	if (verdict->claims)
		check_row(page, "claims", &verdict->claims_check, any);
	assay_page_table_end(page);
}
