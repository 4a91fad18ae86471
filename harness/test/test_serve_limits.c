/* SPDX-License-Identifier: Apache-2.0
 *
 * assay-serve and those who mean it no good: sizes, times, numbers; TLS. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "harness/test/serving.h"
#include "harness/test/support.h"
#include "verify/test/support.h"

TestSuite(serve_limits, .timeout = 120);

static struct serving serving;
static struct served served;

static struct serving_reply raw(const char *text)
{
	const int connection = serving_connect(&serving);

	cr_assert_geq(connection, 0);
	(void)serving_send(connection, text, strlen(text));
	return serving_receive(connection);
}

static struct serving_reply claim(const char *method, const char *path, const char *headers)
{
	char text[1024];

	snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n", method, path, headers);
	return raw(text);
}

Test(serve_limits, paths_and_methods)
{
	serving_enter(&serving, "");
	serving_start(&serving, "");
	static const char *const unknown[] = {"/",
	                                      "/v1",
	                                      "/v1/key/",
	                                      "/v1/challenges/",
	                                      "/v1/challenges/00",
	                                      "/v1/keys/x",
	                                      "/v1/challenges/../key",
	                                      "/%2e%2e/%2e%2e/etc/passwd",
	                                      "/<script>alert(1)</script>"};
	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
		struct serving_reply reply = claim("GET", unknown[i], "");
		cr_expect_null(strstr(reply.body, "script"));
		serving_refused(reply, 404, "path.unknown");
	}
	struct serving_reply reply = claim("DELETE", "/v1/challenges", "");
	cr_expect(strstr(reply.head, "\r\nAllow: POST\r\n"), "%s", reply.head);
	serving_refused(reply, 405, "method.unknown");
	reply = claim("POST", "/v1/key", "Content-Length: 0\r\n");
	cr_expect(strstr(reply.head, "\r\nAllow: GET, HEAD\r\n"), "%s", reply.head);
	serving_refused(reply, 405, "method.unknown");
	char path[128] = "/v1/challenges/";
	memset(path + 15, '0', 64);
	strcpy(path + 79, "/transcript");
	reply = claim("POST", path, "Content-Length: 0\r\n");
	cr_expect(strstr(reply.head, "\r\nAllow: GET, HEAD, PUT\r\n"), "%s", reply.head);
	serving_refused(reply, 405, "method.unknown");
	reply = claim("HEAD", "/v1/key", "");
	cr_expect_eq(reply.status, 200);
	cr_expect_eq(reply.len, 0);
	cr_expect(strstr(reply.head, "\r\nContent-Length: 113\r\n"), "%s", reply.head);
	serving_free(&reply);
	serving_leave(&serving);
}

/* A copy with a word in place of one that is as long. */
static char *with(const char *text, const char *word, const char *other)
{
	char *copy = strdup(text), *at = strstr(copy, word);

	cr_assert(at && strlen(word) == strlen(other));
	memcpy(at, other, strlen(other));
	return copy;
}

/* Whoever does not like its draw hands in what no verifier can say of that it fails: it is not taken. */
Test(serve_limits, no_transcript_of_the_challenge)
{
	serving_enter(&serving, "");
	serving_start(&serving, "");
	served_open(&served, &serving, &serving.prover, 201);
	served_exchange(&served);
	char *workload = with(served.payload, "sha256/1", "sha256/9");
	char *mode = with(served.payload, "\"mode\":\"verifier\"", "\"mode\":\"whatever\"");
	const struct {
		const char *magic, *challenge;
	} cases[] = {{"assay-t2", served.payload}, {"assay-t1", workload}, {"assay-t1", mode}, {"", ""}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		served_show(&served, cases[i].magic, cases[i].challenge);
		serving_is(served_put(&served, "attestation", served.attestation, strlen(served.attestation)), 204, "",
		           0);
		serving_refused(served_put(&served, "transcript", served.transcript, served.transcript_len), 422,
		                "transcript.refused");
	}
	cr_expect_str_eq(serving_member(&serving, served.path, "state"), "drawn");
	served_show(&served, "assay-t1", served.payload);
	served_submit(&served);
	cr_expect(serving_wait(&serving, served.path, "state", "judged"));
	free(workload);
	free(mode);
	served_close(&served);
	serving_leave(&serving);
}

Test(serve_limits, sizes)
{
	const size_t len = 1 << 20;
	char *zeroes = calloc(1, len);

	serving_enter(&serving, "");
	serving_start(&serving, "--transcript-max 100000");
	served_open(&served, &serving, &serving.prover, 201);
	const char *paths[] = {"/v1/challenges", served_path(&served, "messages")};
	for (size_t i = 0; i < 2; i++) {
		serving_refused(serving_ask(&serving, "POST", paths[i], "", zeroes, 4096), 413, "body.size");
		serving_refused(serving_ask(&serving, "POST", paths[i], "", zeroes, len), 413, "body.size");
		/* Longer than is ever read. */
		serving_refused(claim("POST", paths[i], "Content-Length: 999999999999\r\n"), 413, "body.size");
		serving_refused(claim("POST", paths[i], ""), 411, "body.length");
		serving_refused(claim("POST", paths[i], "Content-Length: 1\r\nContent-Encoding: gzip\r\n\r\nx"), 415,
		                "body.type");
		serving_refused(
		    claim("POST", paths[i], "Content-Length: 1\r\nContent-Type: multipart/form-data\r\n\r\nx"), 415,
		    "body.type");
		serving_refused(claim("POST", paths[i], "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"), 411,
		                "body.length");
	}
	/* Nor is what a request without a body brings. */
	serving_refused(claim("GET", "/v1/key", "Content-Length: 999999999999\r\n"), 413, "body.size");
	serving_refused(serving_ask(&serving, "GET", served.path, "", zeroes, 1000), 413, "body.size");
	serving_is(serving_ask(&serving, "GET", served.path, "", zeroes, 0), 200, NULL, 0);
	serving_refused(served_put(&served, "attestation", zeroes, 716801), 413, "body.size");
	serving_refused(claim("PUT", served_path(&served, "attestation"), "Content-Length: 9999999\r\n"), 413,
	                "body.size");
	served_pretend(&served);
	serving_is(served_put(&served, "attestation", served.attestation, strlen(served.attestation)), 204, "", 0);
	serving_refused(served_put(&served, "transcript", zeroes, 100001), 413, "body.size");
	serving_refused(served_put(&served, "transcript", zeroes, 100000), 422, "transcript.digest");
	serving_refused(claim("PUT", served_path(&served, "transcript"), "Content-Length: 9999999999999999999\r\n"),
	                413, "body.size");
	/* Headers without end are no request at all. */
	memset(zeroes, 'a', len - 1);
	struct serving_reply reply = serving_get(&serving, "/v1/key");
	cr_expect_eq(reply.status, 200);
	serving_free(&reply);
	const int connection = serving_connect(&serving);
	cr_assert(serving_send(connection, "GET /v1/key HTTP/1.1\r\nX: ", 25));
	(void)serving_send(connection, zeroes, 100000);
	reply = serving_receive(connection);
	cr_expect(reply.status == 431 || reply.status == 413 || reply.status == 0, "%u", reply.status);
	serving_free(&reply);
	free(zeroes);
	served_close(&served);
	serving_leave(&serving);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Requests with bytes that were changed, cut or doubled, and then an end: nothing of it is the server's error, each is
 * over at once, with or without an answer, and no connection stays. */
Test(serve_limits, garbage)
{
	const double began = seconds();
	uint64_t state = 20261124;
	char *whole, *text;

	serving_enter(&serving, "");
	serving_start(&serving, "");
	served_open(&served, &serving, &serving.prover, 201);
	char *line = served_message(&served, 0);
	cr_assert_gt(asprintf(&whole,
	                      "POST %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
	                      served_path(&served, "messages"), strlen(line), line),
	             0);
	const size_t len = strlen(whole), head = len - strlen(line);
	text = malloc(2 * len);
	for (int i = 0; i < 300; i++) {
		size_t size = len;
		memcpy(text, whole, len);
		/* Mostly in the head, which is short. */
		const size_t at = test_random(&state) % (i % 4 ? head : len);
		if (i % 3 == 0)
			text[at] = (char)test_random(&state);
		else if (i % 3 == 1)
			size = at;
		else {
			memcpy(text + at, whole + at / 2, len - at / 2);
			size = at + len - at / 2;
		}
		const int connection = serving_connect(&serving);
		(void)serving_send(connection, text, size);
		shutdown(connection, SHUT_WR);
		struct serving_reply reply = serving_receive(connection);
		cr_expect(reply.status == 0 || (reply.status >= 200 && reply.status < 506), "%u", reply.status);
		cr_expect(reply.status != 500, "%s", reply.body);
		serving_free(&reply);
	}
	cr_expect_leq(seconds() - began, 15);
	bool gone = false;
	for (int i = 0; i < 40 && !gone; i++) {
		struct serving_reply metrics = serving_get(&serving, "/metrics");
		gone = strstr(metrics.body, "\nassay_connections 1\n") != NULL;
		serving_free(&metrics);
		usleep(50000);
	}
	cr_expect(gone, "connections stay");
	/* A length and chunks. */
	serving_refused(claim("POST", "/v1/challenges", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"),
	                411, "body.length");
	cr_expect_str_eq(serving_member(&serving, "/healthz", "status"), "ok");
	serving_is(serving_ask(&serving, "POST", served_path(&served, "messages"), "", line, strlen(line)), 200, NULL,
	           0);
	free(text);
	free(whole);
	free(line);
	served_close(&served);
	serving_leave(&serving);
}

/* A byte now and then does not keep a connection. */
static void drip(const char *start)
{
	const double began = seconds();
	const int connection = serving_connect(&serving);
	bool open = serving_send(connection, start, strlen(start));

	while (open && seconds() - began < 20) {
		usleep(100000);
		open = serving_send(connection, "x", 1);
	}
	close(connection);
	cr_expect_not(open, "after 20 s: %s", start);
	cr_expect_geq(seconds() - began, 0.9);
	cr_expect_leq(seconds() - began, 10);
}

Test(serve_limits, slow_ones)
{
	serving_enter(&serving, "");
	serving_start(&serving, "--header-seconds 1 --body-seconds 1");
	drip("");
	drip("GET /v1/key HTTP/1.1\r\nX-Slow: ");
	drip("POST /v1/challenges HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\n");
	struct serving_reply reply = serving_get(&serving, "/metrics");
	cr_expect(strstr(reply.body, "\nassay_connections_cut_total 3\n"), "%s", reply.body);
	serving_free(&reply);
	serving_leave(&serving);
}

/* A connection stays while a segment is done, and no handshake falls into its time. */
Test(serve_limits, kept_connections)
{
	static const char ask[] = "GET /v1/key HTTP/1.1\r\nHost: a\r\n\r\n";
	char text[4096];

	serving_enter(&serving, "");
	serving_start(&serving, "--header-seconds 1 --idle-seconds 3");
	const int connection = serving_connect(&serving);
	for (int i = 0; i < 2; i++) {
		cr_assert(serving_send(connection, ask, sizeof ask - 1));
		const ssize_t len = recv(connection, text, sizeof text, 0);
		cr_assert(len > 12 && strncmp(text, "HTTP/1.1 200", 12) == 0, "request %d", i);
		usleep(1500000);
	}
	usleep(2500000);
	cr_expect_eq(recv(connection, text, sizeof text, 0), 0, "it is cut in the end");
	close(connection);
	serving_leave(&serving);
}

Test(serve_limits, challenges_of_a_key)
{
	struct served begun[3];

	serving_enter(&serving, "");
	serving_start(&serving, "--key-challenges 2");
	for (size_t i = 0; i < 2; i++) {
		served_open(&begun[i], &serving, &serving.prover, 201);
		served_step(&begun[i], 0);
	}
	struct serving_reply reply = serving_post(&serving, &serving.prover);
	cr_expect(strstr(reply.head, "\r\nRetry-After: "), "%s", reply.head);
	serving_refused(reply, 429, "challenge.limit");
	/* One that is complete does not make room, which costs the server its verification; one with its verdict does.
	 */
	served_pretend(&begun[0]);
	served_submit(&begun[0]);
	cr_assert(serving_wait(&serving, begun[0].path, "state", "judged"));
	serving_sql("UPDATE challenges SET stage = 1, again = 1 << 40 WHERE stage = 2");
	serving_refused(serving_post(&serving, &serving.prover), 429, "challenge.limit");
	serving_sql("UPDATE challenges SET stage = 2 WHERE stage = 1");
	served_open(&begun[2], &serving, &serving.prover, 201);
	for (size_t i = 0; i < 3; i++)
		served_close(&begun[i]);
	serving_leave(&serving);
}

static unsigned number_of(const struct serving_reply *reply, const char *name)
{
	char start[64];
	unsigned number = UINT_MAX;

	snprintf(start, sizeof start, "\r\n%s: ", name);
	const char *at = strstr(reply->head, start);
	cr_expect(at && sscanf(at + strlen(start), "%u", &number) == 1, "%s: %s", name, reply->head);
	return number;
}

/* What a token gets a day, of all its keys; the answers say what is left. */
Test(serve_limits, quota_of_a_token)
{
	struct served each[3];
	char sql[160];

	serving_enter(&serving, "--keys 2 --per-day 3");
	serving_start(&serving, "");
	for (unsigned i = 0; i < 3; i++) {
		served_open(&each[i], &serving, i == 1 ? &serving.verifier : &serving.prover, 201);
		/* The same once more is none. */
		struct serving_reply again = serving_post(&serving, i == 1 ? &serving.verifier : &serving.prover);
		cr_expect_eq(again.status, 200);
		cr_expect_eq(number_of(&again, "RateLimit-Limit"), 3);
		cr_expect_eq(number_of(&again, "RateLimit-Remaining"), 2 - i);
		cr_expect_geq(number_of(&again, "RateLimit-Reset"), 86300);
		cr_expect_leq(number_of(&again, "RateLimit-Reset"), 86400);
		serving_free(&again);
		served_step(&each[i], 0);
	}
	struct serving_reply reply = serving_post(&serving, &serving.prover);
	cr_expect_eq(number_of(&reply, "RateLimit-Remaining"), 0);
	cr_expect_geq(number_of(&reply, "Retry-After"), 86300);
	cr_expect_eq(number_of(&reply, "Retry-After"), number_of(&reply, "RateLimit-Reset"));
	serving_refused(reply, 429, "token.quota");
	cr_assert_eq(support_run("$A serve list -s $T/store"), 0, "%s", support_err);
	cr_expect(strstr(support_out, "2 of 2 keys, 3 of 3 challenges within 24 h\n"), "%s", support_out);
	/* What is under way goes on; the first one becomes a day old. */
	served_pretend(&each[1]);
	serving_sql("UPDATE challenges SET issued = issued - 86350");
	reply = serving_post(&serving, &serving.prover);
	cr_expect_leq(number_of(&reply, "Retry-After"), 50);
	serving_refused(reply, 429, "token.quota");
	snprintf(sql, sizeof sql, "UPDATE challenges SET issued = issued - 100 WHERE id = '%s'", each[0].id);
	serving_sql(sql);
	reply = serving_post(&serving, &serving.prover);
	cr_expect_eq(number_of(&reply, "RateLimit-Remaining"), 0);
	serving_is(reply, 201, NULL, 0);
	for (size_t i = 0; i < 3; i++)
		served_close(&each[i]);
	serving_leave(&serving);
}

Test(serve_limits, tls)
{
	test_need("openssl");
	serving_enter(&serving, "");
	cr_assert_eq(
	    support_run("umask 077; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
	                "-subj /CN=verifier -addext subjectAltName=IP:127.0.0.1 -keyout $T/tls.key -out "
	                "$T/tls.pem"),
	    0, "%s", support_err);
	serving_start(&serving, "--cert tls.pem --cert-key tls.key");
	static const char ask[] =
	    "printf 'GET /v1/key HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n' | openssl "
	    "s_client -quiet -verify_return_error %s -connect 127.0.0.1:%u | sed '1,/^.$/d' | cmp - "
	    "$T/verifier.pub";
	cr_expect_eq(support_run(ask, "-CAfile $T/tls.pem -verify_ip 127.0.0.1", serving.port), 0, "%s", support_err);
	cr_expect_eq(support_run(ask, "-CAfile $T/tls.pem -tls1_2", serving.port), 0, "%s", support_err);
	/* Nobody else's certificate, and no old version. */
	cr_expect_neq(support_run(ask, "-CAfile $T/tls.pem -verify_ip 127.0.0.2", serving.port), 0);
	cr_expect_neq(support_run(ask, "-CAfile $T/tls.pem -tls1_1", serving.port), 0);
	/* Not without it. */
	struct serving_reply reply = serving_get(&serving, "/v1/key");
	cr_expect_eq(reply.status, 0);
	serving_free(&reply);
	serving_leave(&serving);
}
