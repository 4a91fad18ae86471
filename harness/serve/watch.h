/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections, so many of a network, that must get on: each has a time at which it is cut unless it was given another
 * one. A client that sends a byte now and then does not hold a place for ever. */
#ifndef HARNESS_SERVE_WATCH_H
#define HARNESS_SERVE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/serve/metrics.h"

struct assay_watched;

/* NULL when out of memory. Times are of the monotonic clock. One more than `most` of a network is cut at once, and does
 * not count. */
struct assay_watched *assay_watch_open(struct assay_metrics *metrics, int socket, uint64_t network, uint32_t most,
                                       uint64_t until_ns);
/* False for one that was cut for that: what it had sent before can still be read. True for NULL. */
bool assay_watch_counts(const struct assay_watched *watched);
void assay_watch_until(struct assay_watched *watched, uint64_t until_ns);

/* Before the socket is closed. Takes NULL. */
void assay_watch_close(struct assay_watched *watched);

/* Cuts those whose time is over. */
void assay_watch_cut(struct assay_metrics *metrics);

#endif
