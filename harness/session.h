/* SPDX-License-Identifier: Apache-2.0
 *
 * One run: from what was asked for to its files. */
#ifndef HARNESS_SESSION_H
#define HARNESS_SESSION_H

#include "harness/order.h"

/* Does it, says what comes of it, and returns the exit code. */
int assay_session_run(const struct assay_order *options);

#endif
