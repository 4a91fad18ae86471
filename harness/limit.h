/* SPDX-License-Identifier: Apache-2.0
 *
 * --max-time: a command ends within a time, whatever a driver does. Nothing is ever set on a card, so that there is
 * nothing to take back there. */
#ifndef HARNESS_LIMIT_H
#define HARNESS_LIMIT_H

#include "verify/bytes.h"

/* Starts the clock with the text of an option: 1 s to 7 days. When the time has passed, the process removes unfinished
 * files, says so in one line (time.exceeded) and exits with 3, even if all other threads hang. False, and said, when it
 * is no time. */
bool assay_limit_option(const char *text);

/* What is left, in nanoseconds; UINT64_MAX without a limit. */
uint64_t assay_limit_left_ns(void);

/* What is being done now, for the line above: a string that stays, like "testing devices". */
void assay_limit_doing(const char *what);

/* From a hold to its release the process is not ended: between two files that belong together. */
void assay_limit_hold(void);
void assay_limit_release(void);

#endif
