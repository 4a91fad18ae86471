/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers, times and sizes as people write them: digits first, no sign and no space, a unit at once behind them. Each
 * function is false, and its result undefined, when the text is something else or not within `least` and `most`. */
#ifndef HARNESS_AMOUNT_H
#define HARNESS_AMOUNT_H

#include "verify/bytes.h"

/* "8". */
bool assay_amount_number(uint64_t *number, const char *text, uint64_t least, uint64_t most);

/* "90s", "10m", "24h", "7d", or seconds: "90". */
bool assay_amount_time(uint64_t *seconds, const char *text, uint64_t least, uint64_t most);

/* "512MiB", "80GiB", and "80GB" for the same: the GB of a card's label are GiB. */
bool assay_amount_size(uint64_t *bytes, const char *text, uint64_t least, uint64_t most);

#endif
