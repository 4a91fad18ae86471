/* SPDX-License-Identifier: Apache-2.0
 *
 * Pairs of launches and how they are judged. In each pair a coin decides which of both is launched first. Under
 * identical code the sign of a pair's difference is then a fair coin too, whatever else the machine does (drift, modes,
 * throttling), and the sign test asks for nothing else: its false alarms are what alpha says. Sizes are not looked at:
 * where launches disturb each other they say how much a launch was disturbed, and not by which code.
 *
 * Looks. With --pairs there is one look, with all of alpha. With --budget looks come after 12, 18, 27, 40 ... pairs, at
 * most ASSAY_LOOKS_MAX, and when the time is over. Each spends an equal share of alpha and the last one all that is
 * left, so that together they are wrong at most as often as alpha says (the union bound). When the time is over depends
 * on how long launches took, which does not know the signs. */
#ifndef HARNESS_COMPARE_PAIRS_H
#define HARNESS_COMPARE_PAIRS_H

#include "harness/compare/compare.h"
#include "harness/compare/stats.h"

enum { ASSAY_LOOK_FIRST = 12, ASSAY_LOOKS_MAX = 12 };

/* The pairs of one metric, in their order. */
struct assay_pairs {
	double base[ASSAY_PAIRS_MAX], fresh[ASSAY_PAIRS_MAX], worse[ASSAY_PAIRS_MAX];
	size_t count;
	bool decided; /* at the last look */
};

/* False when there is no more room. */
bool assay_pair_add(struct assay_pairs *pairs, bool bigger, double base, double fresh);

/* The number of pairs at which look `look`, from 1 to ASSAY_LOOKS_MAX, is due, and what it spends of alpha. */
uint32_t assay_look_at(uint32_t look);
double assay_look_alpha(double alpha, uint32_t look, bool last);

/* Judges `count` metrics from their pairs at this level; what an earlier look said does not count, so that what is told
 * is what all pairs say. pairs[i] belongs to findings[i]. False when out of memory. */
bool assay_pairs_judge(struct assay_compared *findings, struct assay_pairs *const *pairs, size_t count,
                       const struct assay_rule *rule, double alpha) ASSAY_CHECK_RESULT;

#endif
