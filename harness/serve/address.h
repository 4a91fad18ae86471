/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a server listens. */
#ifndef HARNESS_SERVE_ADDRESS_H
#define HARNESS_SERVE_ADDRESS_H

#include <sys/socket.h>

#include "harness/serve/http.h"

/* A socket that listens. Errors: listen.address (not HOST:PORT with a numeric address), listen.insecure (not this
 * machine alone, and without TLS), io.listen. */
enum assay_status assay_address_open(int *socket, bool *is_v6, const struct assay_listen *listen, char url[128],
                                     struct assay_error *error) ASSAY_CHECK_RESULT;

/* Whom a connection counts for: the number of an IPv4 address; of an IPv6 one that of its /64, all of which one
 * customer has. The two are not told apart: a server listens at one of them. */
uint64_t assay_address_network(const struct sockaddr *address);

#endif
