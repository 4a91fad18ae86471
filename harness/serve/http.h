/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP by libmicrohttpd: limits of sizes, times and connections; bodies are taken, handlers called, replies sent. */
#ifndef HARNESS_SERVE_HTTP_H
#define HARNESS_SERVE_HTTP_H

#include "harness/serve/server.h"

enum {
	ASSAY_HEADER_BYTES_MAX = 16384,    /* of a connection: request line, headers, and a part of the body */
	ASSAY_RATE_BYTES_MIN = 128 * 1024, /* a second, of a long body and of a file that is sent */
	ASSAY_DRAIN_S = 10,                /* at the end, for requests in progress */
	ASSAY_HTTP_THREADS = 4,
};

/* Where it listens, and the texts of TLS. */
struct assay_listen {
	const char *address;     /* "127.0.0.1:8443", "[::1]:0" */
	bool insecure;           /* without TLS beyond this machine: something in front of it does that */
	char *certificate, *key; /* PEM, or NULL */
};

struct assay_http;

/* Errors: listen.address, listen.insecure, io.listen, tls.malformed. `url` says where it is. */
enum assay_status assay_http_open(struct assay_http **http, struct assay_server *server,
                                  const struct assay_listen *listen, char url[128],
                                  struct assay_error *error) ASSAY_CHECK_RESULT;

/* Takes no more connections, and waits for requests in progress, ASSAY_DRAIN_S at most. Takes NULL. */
void assay_http_close(struct assay_http *http);

#endif
