/* SPDX-License-Identifier: Apache-2.0
 *
 * assay-serve and the connections of one address, or of one network. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/serve/address.h"
#include "harness/serve/watch.h"
#include "harness/test/serving.h"
#include "harness/test/support.h"

TestSuite(serve_addresses, .timeout = 60);

static uint64_t network(const char *text)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	const bool is_v6 = inet_pton(AF_INET6, text, &v6.sin6_addr) == 1;

	cr_assert(is_v6 || inet_pton(AF_INET, text, &v4.sin_addr) == 1, "%s", text);
	return assay_address_network(is_v6 ? (const struct sockaddr *)&v6 : (const struct sockaddr *)&v4);
}

/* All that a customer has of IPv6 is one; each address of IPv4 is another. */
Test(serve_addresses, networks)
{
	cr_expect_eq(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff:ffff:ffff:ffff"));
	cr_expect_neq(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
	cr_expect_neq(network("2001:db8:1:2::1"), network("3001:db8:1:2::1"));
	cr_expect_neq(network("192.0.2.1"), network("192.0.2.2"));
	cr_expect_neq(network("192.0.2.1"), network("193.0.2.1"));
	cr_expect_eq(network("192.0.2.1"), network("192.0.2.1"));
}

/* The third of a /64 is cut, and one of another is not; when one is gone there is a place again. */
Test(serve_addresses, places_of_a_network)
{
	static const struct {
		const char *address;
		bool stays;
	} each[] = {{"2001:db8::1", true},
	            {"2001:db8::2", true},
	            {"2001:db8::3", false},
	            {"2001:db8:0:1::1", true},
	            {"2001:db8::4", false}};
	enum { COUNT = sizeof each / sizeof *each };
	static struct assay_metrics metrics;
	struct assay_watched *watched[COUNT + 1];
	int pairs[COUNT + 1][2];
	char byte;

	assay_metrics_open(&metrics);
	for (size_t i = 0; i < COUNT; i++) {
		cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]), 0);
		watched[i] = assay_watch_open(&metrics, pairs[i][0], network(each[i].address), 2, UINT64_MAX);
		cr_assert(watched[i]);
		cr_expect_eq(assay_watch_counts(watched[i]), each[i].stays);
		cr_expect_eq(recv(pairs[i][1], &byte, 1, MSG_DONTWAIT), each[i].stays ? -1 : 0, "%s", each[i].address);
	}
	cr_expect_eq(metrics.refused, 2);
	cr_expect_eq(metrics.cut, 0);
	/* One that was cut gives no place back. */
	assay_watch_close(watched[2]);
	assay_watch_close(watched[0]);
	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i ? COUNT : 2]), 0);
		watched[i ? COUNT : 2] =
		    assay_watch_open(&metrics, pairs[i ? COUNT : 2][0], network("2001:db8::5"), 2, UINT64_MAX);
		cr_expect_eq(recv(pairs[i ? COUNT : 2][1], &byte, 1, MSG_DONTWAIT), i ? 0 : -1);
	}
}

/* One address does not get all places, and those that it has are no one else's loss. */
Test(serve_addresses, too_many_connections)
{
	static struct serving serving;
	static const char ask[] = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	int held[12];

	serving_enter(&serving, "");
	serving_start(&serving, "--per-address 8");
	for (size_t i = 0; i < 12; i++)
		held[i] = serving_connect(&serving);
	usleep(200000);
	struct serving_reply reply = serving_get(&serving, "/v1/key");
	cr_expect_eq(reply.status, 0, "%u", reply.status);
	serving_free(&reply);
	const int other = serving_connect_from(&serving, "127.0.0.2");
	cr_assert(serving_send(other, ask, sizeof ask - 1));
	serving_is(serving_receive(other), 200, NULL, 0);
	for (size_t i = 0; i < 12; i++)
		close(held[i]);
	for (int i = 0; i < 50 && reply.status != 200; i++) {
		usleep(50000);
		reply = serving_get(&serving, "/metrics");
		if (reply.status == 200) {
			const char *at = strstr(reply.body, "\nassay_connections_refused_total ");
			unsigned refused = 0;
			cr_assert(at && sscanf(at + 1, "%*s %u", &refused) == 1, "%s", reply.body);
			cr_expect_geq(refused, 5);
			/* Nothing that came by those was done. */
			cr_expect_null(strstr(reply.body, "route=\"/v1/key\""), "%s", reply.body);
		}
		serving_free(&reply);
	}
	cr_expect_eq(reply.status, 200);
	serving_leave(&serving);
}
