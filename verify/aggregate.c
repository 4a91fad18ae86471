/* SPDX-License-Identifier: Apache-2.0
 *
 * See aggregate.h. */
#include "verify/aggregate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void assay_wide_text(char text[48], assay_wide number)
{
	const uint64_t split = UINT64_C(1000000000000000000);
	char digits[48];
	size_t at = sizeof digits - 1;

	digits[at] = '\0';
	for (; number >= split; number /= split) {
		at -= 18;
		char part[19];
		snprintf(part, sizeof part, "%018llu", (unsigned long long)(number % split));
		memcpy(digits + at, part, 18);
	}
	snprintf(text, 48, "%llu%s", (unsigned long long)number, digits + at);
}

uint64_t assay_bracket_ns(const struct assay_bracket *bracket, uint64_t asked_ns)
{
	const uint64_t ns = bracket->received_ns - bracket->released_ns;

	return ns == 0 ? 0 : ns > asked_ns ? ns : asked_ns;
}

static assay_wide rate(uint64_t work, uint64_t ns)
{
	return ns ? (assay_wide)work * 1000000000 / ns : 0;
}

assay_wide assay_rate_claimed(const struct assay_run *run)
{
	const uint64_t elapsed_ns = run->claimed.elapsed_ns, asked_ns = run->claimed.asked_ns;

	return run->proved.shown && elapsed_ns ? rate(run->proved.work, elapsed_ns > asked_ns ? elapsed_ns : asked_ns)
	                                       : 0;
}

assay_wide assay_rate_proven(const struct assay_run *run)
{
	return run->proved.shown
	           ? rate(run->proved.certified_work, assay_bracket_ns(&run->proved.bracket, run->claimed.asked_ns))
	           : 0;
}

uint64_t assay_capacity(uint64_t table_bytes, assay_wide rate)
{
	const assay_wide other = UINT64_C(80000000000);

	return rate > other ? table_bytes - (uint64_t)((table_bytes * other + rate - 1) / rate) : 0;
}

json_t *assay_bracket_json(const struct assay_bracket *bracket)
{
	char elapsed[48], released[48], received[48];

	if (bracket->received_ns == bracket->released_ns)
		return json_null();
	assay_wide_text(elapsed, bracket->received_ns - bracket->released_ns);
	assay_wide_text(released, bracket->released_ns);
	assay_wide_text(received, bracket->received_ns);
	return json_pack("{s:s,s:s,s:s}", "elapsedNs", elapsed, "received", received, "released", released);
}

void assay_aggregates_fill(struct assay_verdict *verdict)
{
	assay_wide work[ASSAY_SEGMENTS_MAX] = {0}, certified[ASSAY_SEGMENTS_MAX] = {0};
	uint64_t asked_ns[ASSAY_SEGMENTS_MAX] = {0};

	for (uint32_t i = 0; i < verdict->run_count; i++) {
		const struct assay_run *run = &verdict->runs[i];
		struct assay_aggregate *aggregate = &verdict->aggregates[run->segment];
		aggregate->workload = run->workload;
		aggregate->unit = run->unit;
		if (verdict->segment_count <= run->segment)
			verdict->segment_count = run->segment + 1;
		aggregate->bracket = run->proved.bracket;
		asked_ns[run->segment] = run->claimed.asked_ns;
		/* A burst of a device that failed is no rate: the asked time counts even where no device took it. */
		if (aggregate->claimed_ns < run->claimed.asked_ns)
			aggregate->claimed_ns = run->claimed.asked_ns;
		if (!run->proved.shown)
			continue;
		aggregate->runs++;
		if (aggregate->claimed_ns < run->claimed.elapsed_ns)
			aggregate->claimed_ns = run->claimed.elapsed_ns;
		work[run->segment] += run->proved.work;
		certified[run->segment] += run->proved.certified_work;
	}
	for (uint32_t j = 0; j < verdict->segment_count; j++) {
		struct assay_aggregate *aggregate = &verdict->aggregates[j];
		assay_wide_text(aggregate->work, work[j]);
		assay_wide_text(aggregate->certified_work, certified[j]);
		if (aggregate->runs && aggregate->claimed_ns)
			assay_wide_text(aggregate->claimed_rate, work[j] * 1000000000 / aggregate->claimed_ns);
		const uint64_t proven_ns = assay_bracket_ns(&aggregate->bracket, asked_ns[j]);
		if (aggregate->runs && proven_ns)
			assay_wide_text(aggregate->proven_rate, certified[j] * 1000000000 / proven_ns);
	}
}

json_t *assay_aggregates_json(const struct assay_verdict *verdict)
{
	json_t *array = json_array();

	for (uint32_t j = 0; j < verdict->segment_count; j++) {
		const struct assay_aggregate *aggregate = &verdict->aggregates[j];
		const bool claimed = *aggregate->claimed_rate != '\0';
		json_t *claims = json_pack("{s:o,s:o}", "elapsedNs",
		                           claimed ? json_integer((json_int_t)aggregate->claimed_ns) : json_null(),
		                           "rate", claimed ? json_string(aggregate->claimed_rate) : json_null());
		json_t *proven = *aggregate->proven_rate ? json_string(aggregate->proven_rate) : json_null();
		json_array_append_new(array, json_pack("{s:i,s:s,s:s,s:i,s:s,s:s,s:o,s:o,s:o}", "segment", (int)j,
		                                       "workload", aggregate->workload, "unit", aggregate->unit, "runs",
		                                       (int)aggregate->runs, "work", aggregate->work, "certifiedWork",
		                                       aggregate->certified_work, "claimed", claims, "provenRate",
		                                       proven, "timeBracket", assay_bracket_json(&aggregate->bracket)));
	}
	return array;
}
