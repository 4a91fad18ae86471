/* SPDX-License-Identifier: Apache-2.0
 *
 * What `assay run` is asked for, as a challenge of its own. */
#ifndef HARNESS_ORDER_H
#define HARNESS_ORDER_H

#include <stdio.h>

#include "harness/backend.h"
#include "verify/challenge.h"

enum { ASSAY_STAGGER_ASKED_MAX = 60000 }; /* milliseconds */

struct assay_order {
	const char *devices, *workloads, *profile, *row, *key, *prefix, *variant;
	const char *resume;               /* a checkpoint; NULL: a new job */
	const char *challenge, *verifier; /* a verifier's challenge, and its public key or its URL, which has a
	                                   * challenge of its own; NULL: mode `self` */
	const char *verifier_key, *token_file, *ca; /* with a URL; may be NULL */
	uint32_t duration_s, samples, stagger_ms, power_budget_w;
	uint32_t checkpoint_s; /* 0 = the default, and for long runs only */
	bool force, json, share, attest;
};

/* The challenge for these devices, with a fresh nonce. Errors: profile.*, workload.unknown, plan.stagger, plan.time. */
enum assay_status assay_order_challenge(struct assay_challenge *challenge, const struct assay_order *options,
                                        const struct assay_device *devices, uint32_t count,
                                        struct assay_error *error) ASSAY_CHECK_RESULT;

/* With --max-time: the segments, as long as they fit; `start_ns` is when the command began. Errors: plan.time. */
enum assay_status assay_order_fit(struct assay_challenge *challenge, struct assay_device *devices,
                                  const struct assay_order *options, uint64_t start_ns, FILE *out,
                                  struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
