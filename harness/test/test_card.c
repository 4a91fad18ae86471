/* SPDX-License-Identifier: Apache-2.0
 *
 * The bookkeeping of telemetry: energy between any two times, rounds that were throttled against a search of all
 * readings, ranges that are thinned. Nothing here takes time. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/card.h"

TestSuite(card, .timeout = 60);

static const struct assay_source source; /* one that is there */

static struct assay_card card;

static void card_new(void)
{
	memset(&card, 0, sizeof card);
	card.source = &source;
	card.reader = (struct assay_reader){.source = "test", .joined = "uuid"};
}

/* A reading at this time; -1 = unknown. */
static void reading(uint64_t ns, int64_t energy_uj, int64_t power_mw, uint32_t reasons)
{
	struct assay_sample sample = assay_sample_unknown;

	sample.energy_uj = energy_uj;
	sample.power_mw = power_mw;
	sample.reasons = reasons;
	assay_card_note(&card, &sample, ns);
}

static void run_is(int64_t energy_mj, int64_t throttled)
{
	int64_t energy, rounds;

	assay_card_result(&card, &energy, &rounds);
	cr_expect_eq(energy, energy_mj, "%lld mJ, expected %lld", (long long)energy, (long long)energy_mj);
	cr_expect_eq(rounds, throttled, "%lld throttled, expected %lld", (long long)rounds, (long long)throttled);
	assay_card_release(&card);
}

/* 100 J a second by the counter, which stands at 5 J; what power says is not asked. */
static void counter(uint64_t begin, uint64_t end, int64_t energy_mj)
{
	bool begun = false, ended = false;

	card_new();
	for (uint64_t ns = 0; ns <= 1000; ns += 100) {
		if (!begun && begin < ns) {
			assay_card_begin(&card, begin, NULL);
			begun = true;
		}
		if (!ended && end < ns) {
			assay_card_end(&card, end);
			ended = true;
		}
		reading(ns, 5000000 + 1000 * (int64_t)ns, 1, 0);
	}
	run_is(energy_mj, 0);
}

Test(card, energy_by_the_counter)
{
	counter(100, 900, 800);
	counter(150, 850, 700);
	counter(199, 201, 2);
	counter(110, 190, 80);
	counter(0, 1, 1);
	counter(101, 999, 898);
}

/* 2 W, then 4 W: the mean between two readings. */
Test(card, energy_by_power)
{
	card_new();
	reading(0, -1, 2000, 0);
	assay_card_begin(&card, 0, NULL);
	reading(1000000000, -1, 2000, 0);
	reading(2000000000, -1, 4000, 0);
	assay_card_end(&card, 2500000000);
	reading(3000000000, -1, 4000, 0);
	run_is(2000 + 3000 + 2000, 0);
}

/* Power that follows from energy. */
Test(card, power_by_the_counter)
{
	struct assay_telemetry_claim claim;

	card_new();
	reading(0, 0, -1, 0);
	assay_card_begin(&card, 0, NULL);
	reading(1000000000, 2500000, -1, 0);
	reading(3000000000, 12500000, -1, 0);
	assay_card_claim(&card, &claim);
	cr_expect_eq(claim.power_mw.min, 2500);
	cr_expect_eq(claim.power_mw.median, 3750);
	cr_expect_eq(claim.power_mw.max, 5000);
	assay_card_release(&card);
}

/* One reading without, at any place of the run, and none of it is known; outside it does no harm. */
Test(card, unknown_in_the_middle)
{
	for (unsigned lacking = 0; lacking < 8; lacking++)
		for (unsigned what = 0; what < 2; what++) {
			card_new();
			for (unsigned i = 0; i < 8; i++) {
				const bool lacks = i == lacking;
				if (i == 3)
					assay_card_begin(&card, 250, NULL);
				if (i == 6)
					assay_card_end(&card, 550);
				reading(100 * i, what == 0 && lacks ? -1 : 1000 * (int64_t)i, -1,
				        what == 1 && lacks ? ASSAY_REASONS_UNKNOWN : 0);
			}
			/* Energy needs the readings before and after; what held the clock, those in it and after. */
			run_is(what == 0 && lacking >= 2 && lacking <= 6 ? -1 : 3,
			       what == 1 && lacking >= 3 && lacking <= 6 ? -1 : 0);
		}
}

Test(card, a_counter_that_goes_back)
{
	card_new();
	reading(0, 100000, -1, 0);
	assay_card_begin(&card, 10, NULL);
	reading(100, 50000, -1, 0);
	assay_card_end(&card, 150);
	reading(200, 60000, -1, 0);
	run_is(-1, 0);
}

Test(card, nothing_without_a_reading_after_the_end)
{
	card_new();
	reading(0, 0, -1, 0);
	assay_card_begin(&card, 10, NULL);
	reading(100, 1000, -1, 0);
	assay_card_end(&card, 150);
	run_is(-1, -1);
}

Test(card, nothing_without_a_reading_before_the_begin)
{
	card_new();
	assay_card_begin(&card, 10, NULL);
	reading(100, 1000, -1, 0);
	assay_card_end(&card, 150);
	reading(200, 2000, -1, 0);
	run_is(-1, -1);
}

static uint64_t next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

/* Rounds of any length and readings at any times, against a search of all pairs. */
Test(card, throttled_rounds)
{
	enum { ROUNDS = 200, READINGS = 60 };
	uint64_t state = 1;

	for (int trial = 0; trial < 300; trial++) {
		static uint64_t begin[ROUNDS], end[ROUNDS], at[READINGS + 1];
		static bool flags[ROUNDS], held[READINGS + 1];
		const uint64_t longest = 1 + next(&state) % 100;
		uint64_t now = 0, last = 0;
		size_t read = 0;
		int64_t expected = 0, found, energy;
		card_new();
		memset(flags, 0, sizeof flags);
		for (size_t i = 0; i < READINGS; i++) {
			at[i] = last;
			last += 1 + next(&state) % 150;
			held[i] = next(&state) % 4 == 0;
		}
		reading(at[read], 0, -1, held[read]);
		read++;
		assay_card_begin(&card, 0, NULL);
		for (size_t r = 0; r < ROUNDS; r++) {
			/* A pause between some, and readings as their time comes, some just before a round is told. */
			now += trial % 2 && next(&state) % 5 == 0 ? next(&state) % 50 : 0;
			begin[r] = now;
			now += 1 + next(&state) % longest;
			end[r] = now;
			uint64_t told = now + next(&state) % 2;
			while (read + 1 < READINGS && at[read] <= told) {
				reading(at[read], 0, -1, held[read]);
				read++;
			}
			assay_card_round(&card, begin[r], end[r], &flags[r]);
		}
		assay_card_end(&card, now);
		for (; read < READINGS; read++)
			reading(at[read], 0, -1, held[read]);
		at[READINGS] = (at[READINGS - 1] > now ? at[READINGS - 1] : now) + 1;
		held[READINGS] = trial % 3 == 0;
		reading(at[READINGS], 0, -1, held[READINGS]);
		for (size_t r = 0; r < ROUNDS; r++) {
			bool throttled = false;
			for (size_t i = 1; i <= READINGS; i++)
				throttled |= held[i] && at[i - 1] < end[r] && begin[r] < at[i];
			cr_expect_eq(flags[r], throttled, "trial %d round %zu", trial, r);
			expected += throttled;
		}
		assay_card_result(&card, &energy, &found);
		cr_expect_eq(found, expected, "trial %d: %d, expected %d", trial, (int)found, (int)expected);
		assay_card_release(&card);
	}
}

Test(card, series)
{
	struct assay_readings series = {0};

	cr_expect_eq(assay_readings_range(&series).min, -1);
	assay_readings_add(&series, -1);
	cr_expect_eq(assay_readings_range(&series).max, -1);
	for (int64_t i = 0; i < 10; i++)
		assay_readings_add(&series, 10 - i);
	cr_expect_eq(assay_readings_range(&series).min, 1);
	cr_expect_eq(assay_readings_range(&series).median, 5);
	cr_expect_eq(assay_readings_range(&series).max, 10);
	/* A million: not all are kept, and the median is of those that are, from end to end. */
	for (int64_t i = 0; i < 1000000; i++)
		assay_readings_add(&series, 1000 + i);
	struct assay_range range = assay_readings_range(&series);
	cr_expect_leq(series.count, (size_t)ASSAY_READINGS_KEPT);
	cr_expect_geq(series.count, (size_t)ASSAY_READINGS_KEPT / 4);
	cr_expect_eq(range.min, 1);
	cr_expect_eq(range.max, 1000999);
	cr_expect_geq(range.median, 500900);
	cr_expect_leq(range.median, 501100);
	free(series.values);
}

/* Samples outside of runs say nothing of a run; errors count from the first reading to the end of the last run. */
Test(card, claims)
{
	struct assay_telemetry_claim claim;
	struct assay_sample sample = {.clock_mhz = 300,
	                              .memory_clock_mhz = 400,
	                              .power_mw = 50,
	                              .temperature_mc = 30000,
	                              .pcie_width = 8,
	                              .pcie_generation = 1,
	                              .energy_uj = 0,
	                              .ecc_errors = 7,
	                              .xid_errors = 2,
	                              .reasons = 1u << ASSAY_THROTTLE_SYNC_BOOST};

	card_new();
	assay_card_note(&card, &sample, 0);
	assay_card_note(&card, &sample, 100);
	assay_card_begin(&card, 110, NULL);
	sample.clock_mhz = 1000;
	sample.temperature_mc = 60000;
	sample.pcie_generation = 5;
	sample.pcie_width = 16;
	sample.reasons = 1u << ASSAY_THROTTLE_THERMAL | 1u << ASSAY_THROTTLE_HW_POWER_BRAKE;
	assay_card_note(&card, &sample, 200);
	sample.clock_mhz = 3000;
	sample.reasons = 1u << ASSAY_THROTTLE_SW_THERMAL;
	assay_card_note(&card, &sample, 300);
	assay_card_end(&card, 310);
	sample.clock_mhz = 9000;
	sample.reasons = 0;
	sample.ecc_errors = 9;
	sample.xid_errors = 5;
	assay_card_note(&card, &sample, 400);
	sample.ecc_errors = 100;
	sample.reasons = 1u << ASSAY_THROTTLE_SW_POWER_CAP;
	assay_card_note(&card, &sample, 500);
	assay_card_claim(&card, &claim);
	cr_expect_str_eq(claim.source, "test");
	cr_expect_str_eq(claim.joined, "uuid");
	cr_expect_eq(claim.samples, 2);
	cr_expect_eq(claim.clock_mhz.min, 1000);
	cr_expect_eq(claim.clock_mhz.median, 2000);
	cr_expect_eq(claim.clock_mhz.max, 3000);
	cr_expect_eq(claim.memory_clock_mhz.median, 400);
	cr_expect_eq(claim.power_mw.max, 50);
	cr_expect_eq(claim.temperature_mc.min, 60000);
	cr_expect_eq(claim.ecc_errors, 2);
	cr_expect_eq(claim.xid_errors, 3);
	cr_expect_eq(claim.pcie_width, 16);
	cr_expect_eq(claim.pcie_generation, 5);
	cr_expect(claim.reasons_known);
	cr_expect_str_eq(claim.reasons, "hw-power-brake sw-thermal thermal");
	json_t *json = assay_telemetry_json(&claim);
	cr_expect(assay_telemetry_is(json));
	struct assay_telemetry_claim again;
	assay_telemetry_read(&again, json);
	cr_expect_eq(memcmp(&again, &claim, sizeof claim), 0);
	json_decref(json);
	assay_card_release(&card);
}
