/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a server listens. */
#ifndef HARNESS_SERVE_ADDRESS_H
#define HARNESS_SERVE_ADDRESS_H

#include "harness/serve/http.h"

/* A socket that listens. Errors: listen.address (not HOST:PORT with a numeric address), listen.insecure (not this
 * machine alone, and without TLS), io.listen. */
enum assay_status assay_address_open(int *socket, bool *is_v6, const struct assay_listen *listen, char url[128],
                                     struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
