/* SPDX-License-Identifier: Apache-2.0
 *
 * See address.h. */
#include "harness/serve/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 128 };

/* "1.2.3.4:5", "[::1]:5". Names are not looked up: what they mean is not for a server to guess. */
static bool address_parse(struct addrinfo **found, const char *text)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	                               .ai_socktype = SOCK_STREAM};
	const char *colon = strrchr(text, ':');
	char host[64];
	size_t len = colon ? (size_t)(colon - text) : 0;

	*found = NULL;
	if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) || strlen(colon + 1) > 5 ||
	    strtoul(colon + 1, NULL, 10) > 65535)
		return false;
	const bool braces = len > 2 && text[0] == '[' && text[len - 1] == ']';
	if (braces) {
		text++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof host || (memchr(text, ':', len) != NULL) != braces)
		return false;
	snprintf(host, sizeof host, "%.*s", (int)len, text);
	return getaddrinfo(host, colon + 1, &hints, found) == 0;
}

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
	const struct sockaddr_in *v4 = (const void *)address;
	return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
}

uint64_t assay_address_network(const struct sockaddr *address)
{
	enum { PREFIX_BYTES = 8 };
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;
	uint64_t network = 0;

	if (address->sa_family != AF_INET6)
		return ntohl(v4->sin_addr.s_addr);
	for (size_t i = 0; i < PREFIX_BYTES; i++)
		network = network << 8 | v6->sin6_addr.s6_addr[i];
	return network;
}

static bool url_make(char url[128], int socket, bool is_tls)
{
	struct sockaddr_storage bound;
	socklen_t len = sizeof bound;
	char host[64], port[8];

	if (getsockname(socket, (struct sockaddr *)&bound, &len) != 0 ||
	    getnameinfo((struct sockaddr *)&bound, len, host, sizeof host, port, sizeof port,
	                NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return false;
	const bool is_v6 = bound.ss_family == AF_INET6;
	snprintf(url, 128, "%s://%s%s%s:%s", is_tls ? "https" : "http", is_v6 ? "[" : "", host, is_v6 ? "]" : "", port);
	return true;
}

enum assay_status assay_address_open(int *fd, bool *is_v6, const struct assay_listen *listen_at, char url[128],
                                     struct assay_error *error)
{
	const int on = 1;
	struct addrinfo *found;

	if (!address_parse(&found, listen_at->address))
		return assay_fail(error, ASSAY_ERROR_INPUT, "listen.address",
		                  "--listen %.80s: not like 127.0.0.1:8443 or [::1]:8443", listen_at->address);
	if (!listen_at->key && !listen_at->insecure && !is_loopback(found->ai_addr)) {
		freeaddrinfo(found);
		return assay_fail(error, ASSAY_ERROR_INPUT, "listen.insecure",
		                  "--listen %.80s: tokens would go over a network unencrypted; give --cert and "
		                  "--cert-key, or --insecure-listen when a proxy on the way does TLS",
		                  listen_at->address);
	}
	*is_v6 = found->ai_family == AF_INET6;
	*fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const bool good = *fd >= 0 && setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
	                  (!*is_v6 || setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
	                  bind(*fd, found->ai_addr, found->ai_addrlen) == 0 && listen(*fd, BACKLOG) == 0 &&
	                  url_make(url, *fd, listen_at->key != NULL);
	const int cause = errno;
	freeaddrinfo(found);
	if (good)
		return ASSAY_OK;
	if (*fd >= 0)
		close(*fd);
	return assay_fail(error, ASSAY_ERROR_IO, "io.listen", "--listen %.80s: %s", listen_at->address,
	                  strerror(cause));
}
