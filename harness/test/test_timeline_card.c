/* SPDX-License-Identifier: Apache-2.0
 *
 * The time line of a card whose job is cut off and goes on, by the notes of a checkpoint. Nothing here takes time. */
#include <criterion/criterion.h>
#include <string.h>

#include "harness/card.h"
#include "harness/checkpoint.h"
#include "harness/compare/stats.h"

static const struct assay_source source; /* one that is there */
static struct assay_telemetry_past past;
static struct assay_throttled ranges;
static uint32_t told;
static int64_t throttled_rounds;
static const uint32_t segment = 3;
static struct assay_random chance = {20261130};

static void note_take(void *context, const struct assay_telemetry_note *put)
{
	uint8_t record[ASSAY_RECORD_BYTES];
	struct assay_telemetry_note note;

	(void)context;
	assay_note_write(record, put);
	cr_assert(assay_note_read(&note, record));
	cr_assert_eq(note.device, 5);
	if (note.kind == ASSAY_NOTE_STATE) {
		past.state = note.state;
	} else if (note.kind == ASSAY_NOTE_READINGS) {
		assay_timeline_add(&past.line, note.readings.at_ms, note.readings.quantity, &note.readings.sum);
	} else {
		cr_assert_eq(note.rounds.segment, segment);
		cr_assert_eq(note.rounds.first, told, "nothing twice, and nothing left out");
		told = note.rounds.last + 1;
		if (!note.rounds.throttled)
			return;
		assay_throttled_add(&ranges, note.rounds.first, note.rounds.last);
		throttled_rounds += note.rounds.last - note.rounds.first + 1;
	}
}

static void card_new(struct assay_card *card)
{
	memset(card, 0, sizeof *card);
	card->source = &source;
	card->reader = (struct assay_reader){.source = "test", .joined = "uuid"};
	card->kept = true;
}

/* What is read at some time of the job; the clock is held down now and then. */
static void reading(struct assay_card *card, uint64_t job_ns, uint64_t origin_ns)
{
	const uint64_t tenths = job_ns / 100000000;
	const struct assay_sample none = assay_sample_unknown;
	struct assay_sample sample = none;

	sample.clock_mhz = 1000 + (int64_t)(tenths * 7919 % 500);
	sample.temperature_mc = 50000 + (int64_t)tenths;
	sample.reasons = tenths % 7 == 3 || tenths % 50 < 10 ? 1u << ASSAY_THROTTLE_THERMAL : 0;
	sample.ecc_errors = (int64_t)(tenths / 10);
	assay_card_note(card, &sample, origin_ns + job_ns);
}

#define ROUND_NS UINT64_C(40000000)

/* Rounds of 40 ms, with a reading every 100 ms. */
static void round_do(struct assay_card *card, uint32_t r, uint64_t origin_ns)
{
	const uint64_t begin = ROUND_NS * r, end = begin + ROUND_NS;

	for (uint64_t at = (begin / 100000000 + 1) * 100000000; at <= end; at += 100000000)
		reading(card, at, origin_ns);
	assay_card_round(card, origin_ns + begin, origin_ns + end, NULL);
}

static void card_begin(struct assay_card *card, uint32_t round, uint64_t origin_ns)
{
	const struct assay_telemetry_place place = {segment, round, origin_ns, throttled_rounds, &ranges};

	reading(card, ROUND_NS * round, origin_ns);
	assay_card_begin(card, origin_ns + ROUND_NS * round, &place);
}

/* The end of a run that came at a reading, and what is known of it. */
static int64_t card_end(struct assay_card *card, uint32_t rounds, uint64_t origin_ns)
{
	int64_t energy, throttled;

	assay_card_end(card, origin_ns + ROUND_NS * rounds);
	reading(card, ROUND_NS * rounds, origin_ns);
	assay_card_result(card, &energy, &throttled);
	return throttled;
}

Test(timeline, card_goes_on_where_it_was_cut_off)
{
	enum { ROUNDS = 2000 };
	static struct assay_card whole, card;
	struct assay_telemetry_claim all, claim;

	card_new(&whole);
	card_begin(&whole, 0, 1000);
	for (uint32_t r = 0; r < ROUNDS; r++)
		round_do(&whole, r, 1000);
	const int64_t expected = card_end(&whole, ROUNDS, 1000);
	cr_assert(expected > ROUNDS / 4 && expected < ROUNDS);
	assay_card_claim(&whole, &all);

	for (int trial = 0; trial < 30; trial++) {
		uint32_t r = 0;
		uint64_t origin = 1000;
		memset(&past, 0, sizeof past);
		memset(&ranges, 0, sizeof ranges);
		told = 0;
		throttled_rounds = 0;
		card_new(&card);
		card_begin(&card, 0, origin);
		for (int life = 0; life < 3; life++) {
			/* A life ends at a reading, and has saved all that it knew then, and parts of it before. */
			const uint32_t until =
			    life == 2 ? ROUNDS : r + 5 * (1 + (uint32_t)assay_random_below(&chance, (ROUNDS - r) / 10));
			for (; r < until; r++) {
				round_do(&card, r, origin);
				if ((uint32_t)assay_random_below(&chance, 100) == 0)
					assay_card_save(&card, 5, segment,
					                r - (uint32_t)assay_random_below(&chance, r + 1) / 4, note_take,
					                NULL);
			}
			if (life == 2)
				break;
			assay_card_save(&card, 5, segment, r, note_take, NULL);
			cr_assert_eq(told, r, "%u of %u", told, r);
			assay_card_release(&card);
			card_new(&card);
			assay_card_recall(&card, &past);
			origin += 77777;
			card_begin(&card, r, origin);
		}
		cr_assert_eq(card_end(&card, ROUNDS, origin), expected);
		cr_assert_eq(card.throttled.count, whole.throttled.count);
		cr_assert_arr_eq(card.throttled.ranges, whole.throttled.ranges,
		                 whole.throttled.count * sizeof *whole.throttled.ranges);
		for (int q = 0; q < ASSAY_LINE_QUANTITIES; q++) {
			const struct assay_sum one = assay_timeline_sum(&card.line, q),
			                       other = assay_timeline_sum(&whole.line, q);
			cr_assert_eq(one.min, other.min);
			cr_assert_eq(one.max, other.max);
		}
		cr_assert_eq(card.line.step_ms, whole.line.step_ms);
		assay_card_claim(&card, &claim);
		cr_assert_str_eq(claim.source, "test");
		cr_assert_str_eq(claim.reasons, all.reasons);
		cr_assert_eq(claim.ecc_errors, all.ecc_errors);
		cr_assert_eq(claim.samples, all.samples, "%u %u", (unsigned)claim.samples, (unsigned)all.samples);
		cr_assert_eq(claim.clock_mhz.min, all.clock_mhz.min);
		cr_assert_eq(claim.clock_mhz.max, all.clock_mhz.max);
		cr_assert_eq(claim.temperature_mc.max, all.temperature_mc.max);
		cr_assert(claim.clock_mhz.median > 1150 && claim.clock_mhz.median < 1350);
		assay_card_release(&card);
	}
	assay_card_release(&whole);
}

/* A reading that tells no reasons makes the run's rounds unknown, and a checkpoint says nothing of them. */
Test(timeline, unknown_reasons_are_not_saved)
{
	static struct assay_card card;
	const struct assay_sample unknown = assay_sample_unknown;

	card_new(&card);
	card_begin(&card, 0, 1000);
	for (uint32_t r = 0; r < 100; r++) {
		round_do(&card, r, 1000);
		if (r == 49)
			assay_card_note(&card, &unknown, 1000 + ROUND_NS * 50);
	}
	assay_card_save(&card, 5, segment, 100, note_take, NULL);
	cr_assert_eq(told, 50);
	cr_assert_eq(card_end(&card, 100, 1000), -1);
	assay_card_release(&card);
}

/* Sums that no readings come to, from a checkpoint that was made to mislead. */
Test(timeline, sums_do_not_overflow)
{
	struct assay_sum sum = {0};
	const struct assay_sum much = {1, 0, ASSAY_READING_MAX, INT64_MAX - 1};

	assay_sum_add(&sum, &much);
	assay_sum_add(&sum, &much);
	cr_assert_eq(sum.sum, INT64_MAX - 1);
	cr_assert_eq(sum.count, 1);
}

/* Records that no telemetry makes. */
Test(timeline, forged_notes)
{
	static const struct {
		int64_t count, min, max, sum;
		uint64_t at_ms;
		int quantity;
		bool good;
	} cases[] = {{2, 3, 5, 8, 7, 0, true},
	             {0, 3, 5, 8, 7, 0, false},
	             {1 << 20, 3, 3, 3 << 20, 7, 0, false},
	             {2, -1, 5, 8, 7, 0, false},
	             {2, 6, 5, 11, 7, 0, false},
	             {2, 3, 5, 5, 7, 0, false},
	             {2, 3, 5, 11, 7, 0, false},
	             {2, 3, ASSAY_READING_MAX + 1, 8, 7, 0, false},
	             {2, 3, 5, 8, UINT64_C(1) << 53, 0, false},
	             {2, 3, 5, 8, 7, ASSAY_LINE_QUANTITIES, false}};
	uint8_t record[ASSAY_RECORD_BYTES];
	struct assay_telemetry_note note, read;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		memset(&note, 0, sizeof note);
		note.kind = ASSAY_NOTE_READINGS;
		note.readings.at_ms = cases[i].at_ms;
		note.readings.quantity = cases[i].quantity;
		note.readings.sum =
		    (struct assay_sum){(uint64_t)cases[i].count, cases[i].min, cases[i].max, cases[i].sum};
		assay_note_write(record, &note);
		cr_expect_eq(assay_note_read(&read, record), cases[i].good, "case %zu", i);
	}
	memset(&note, 0, sizeof note);
	note.kind = ASSAY_NOTE_ROUNDS;
	note.rounds.first = 2;
	note.rounds.last = 1;
	assay_note_write(record, &note);
	cr_expect_not(assay_note_read(&read, record), "backward");
	memset(&note, 0, sizeof note);
	note.kind = ASSAY_NOTE_STATE;
	assay_note_write(record, &note);
	cr_expect_not(assay_note_read(&read, record), "without a source");
	memset(note.state.source, 'a', sizeof note.state.source);
	assay_note_write(record, &note);
	cr_expect_not(assay_note_read(&read, record), "without an end");
}
