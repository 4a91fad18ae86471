/* SPDX-License-Identifier: Apache-2.0
 *
 * See claims.h. */
#include "verify/claims.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

static uint64_t number(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

static int64_t number_or(int64_t unknown, const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_integer(value) ? json_integer_value(value) : unknown;
}

void assay_claim_read(struct assay_run *run, const json_t *claim)
{
	run->claimed.elapsed_ns = number(claim, "elapsedNs");
	run->claimed.median_ns = number(claim, "medianNs");
	run->claimed.low_ns = number(claim, "lowNs");
	run->claimed.high_ns = number(claim, "highNs");
	run->claimed.mad_ns = number(claim, "madNs");
	run->claimed.first_ns = number(claim, "firstNs");
	run->claimed.steady_ns = number_or(-1, claim, "steadyNs");
	run->claimed.drift_ppm = number_or(INT64_MIN, claim, "driftPpm");
	run->claimed.device_median_ns = number_or(-1, claim, "deviceMedianNs");
	run->claimed.throttled_rounds = number_or(-1, claim, "throttledRounds");
	run->claimed.energy_mj = number_or(-1, claim, "energyMj");
}

/* A text that grows, and is cut at its end. */
struct words {
	char *text;
	size_t len, capacity;
};

static void add(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct words *words, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	int len = vsnprintf(words->text + words->len, words->capacity - words->len, format, list);
	va_end(list);
	if (len > 0)
		words->len += (size_t)len;
	if (words->len >= words->capacity)
		words->len = words->capacity - 1;
}

void assay_energy_words(char text[32], double joules, const char *unit)
{
	static const char *const prefixes[] = {"a", "f", "p", "n", "u", "m", ""};
	const char *shown = strcmp(unit, "hash") == 0 ? "H" : strcmp(unit, "op") == 0 ? "OP" : unit;
	size_t i = 0;

	for (joules *= 1e18; joules >= 1000 && i + 1 < sizeof prefixes / sizeof *prefixes; i++)
		joules /= 1000;
	snprintf(text, 32, "%.*f %sJ/%s", joules < 10 ? 2 : joules < 100 ? 1 : 0, joules, prefixes[i], shown);
}

void assay_claim_words(char text[320], const struct assay_run *run, uint64_t work)
{
	struct words words = {.text = text, .capacity = 320};
	char energy[32];

	text[0] = '\0';
	if (!run->claimed.elapsed_ns)
		return;
	add(&words, "round %.3f ms (%.3f ... %.3f), MAD %.3f", (double)run->claimed.median_ns / 1e6,
	    (double)run->claimed.low_ns / 1e6, (double)run->claimed.high_ns / 1e6, (double)run->claimed.mad_ns / 1e6);
	if (run->claimed.device_median_ns >= 0)
		add(&words, ", %.3f by the device", (double)run->claimed.device_median_ns / 1e6);
	if (run->claimed.steady_ns >= 0)
		add(&words, "; first 2 s %.3f, then %.3f", (double)run->claimed.first_ns / 1e6,
		    (double)run->claimed.steady_ns / 1e6);
	if (run->claimed.drift_ppm != INT64_MIN)
		add(&words, ", drift %+.2f %%", (double)run->claimed.drift_ppm / 1e4);
	if (run->claimed.throttled_rounds >= 0)
		add(&words, "; %" PRId64 " rounds throttled", run->claimed.throttled_rounds);
	if (run->claimed.energy_mj >= 0 && work) {
		assay_energy_words(energy, (double)run->claimed.energy_mj / 1e3 / (double)work, run->unit);
		add(&words, "; %s", energy);
	}
}

static void add_range(struct words *words, const char *name, const struct assay_range *range, double scale,
                      const char *unit)
{
	if (range->min >= 0)
		add(words, ", %s%.0f %s (%.0f ... %.0f)", name, (double)range->median / scale, unit,
		    (double)range->min / scale, (double)range->max / scale);
}

void assay_telemetry_words(char text[480], const struct assay_telemetry_claim *telemetry)
{
	struct words words = {.text = text, .capacity = 480};

	text[0] = '\0';
	if (!*telemetry->source)
		return;
	add(&words, "%s, joined by %s%s", telemetry->source, telemetry->joined,
	    strcmp(telemetry->joined, "unverified") == 0 ? " guess" : "");
	add_range(&words, "", &telemetry->clock_mhz, 1, "MHz");
	add_range(&words, "memory ", &telemetry->memory_clock_mhz, 1, "MHz");
	add_range(&words, "", &telemetry->power_mw, 1000, "W");
	if (telemetry->power_limit_mw >= 0)
		add(&words, ", limit %.0f W", (double)telemetry->power_limit_mw / 1000);
	add_range(&words, "", &telemetry->temperature_mc, 1000, "C");
	if (telemetry->pcie_generation >= 0 && telemetry->pcie_width >= 0)
		add(&words, ", PCIe %" PRId64 ".0 x%" PRId64, telemetry->pcie_generation, telemetry->pcie_width);
	if (telemetry->reasons_known)
		add(&words, ", throttled: %.64s", *telemetry->reasons ? telemetry->reasons : "no");
	if (telemetry->ecc_errors > 0)
		add(&words, ", %" PRId64 " ECC errors", telemetry->ecc_errors);
	if (telemetry->xid_errors > 0)
		add(&words, ", %" PRId64 " Xid errors", telemetry->xid_errors);
}
