/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests to a verifier's server one by one: what ends them and when, what is given up, and certificates. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/exchange.h"
#include "harness/fetched.h"
#include "harness/measure.h"
#include "harness/test/servers.h"
#include "harness/test/support.h"

TestSuite(client, .init = server_enter, .fini = server_leave, .timeout = 60);

static struct assay_error error;
static struct assay_remote remote;

static void begin(const char *url)
{
	remote = (struct assay_remote){.url = url, .tries = 2, .timeout_ms = 5000};
	support_ok(assay_remote_open(&remote, &error), error);
}

static bool is_timed;

static enum assay_status get(const char *path, size_t most)
{
	const struct assay_remote_request request = {.path = path, .answer_max = most, .is_timed = is_timed, .ok = 200};
	struct assay_client_answer answer;
	const enum assay_status status = assay_remote_ask(&remote, &request, &answer, &error);

	if (!status)
		cr_assert_leq(answer.len, most);
	free(answer.body);
	return status;
}

static void fails(enum server_fault fault, uint32_t within_s, const char *reason)
{
	enum server_fault faults[SERVER_FAULTS_MAX];

	for (size_t i = 0; i < SERVER_FAULTS_MAX; i++)
		faults[i] = fault;
	server_fail(SERVER_KEY, SERVER_FAULTS_MAX, faults);
	remote.until = (uint64_t)time(NULL) + within_s;
	cr_assert_neq(get("/v1/key", 4096), ASSAY_OK);
	cr_assert_str_eq(error.reason, reason, "%s", error.text);
	cr_assert(*error.text && !strchr(error.text, '\n') && !strchr(error.text, '\033'));
}

Test(client, each_fault_has_its_reason)
{
	server_start();
	begin(server_url());
	support_ok(get("/v1/key", 4096), error);
	fails(SERVER_DROP_BEFORE, 1, "verifier.unreachable");
	fails(SERVER_TRUNCATE, 1, "verifier.unreachable");
	remote.timeout_ms = 500;
	fails(SERVER_TRICKLE, 1, "verifier.unreachable");
	remote.timeout_ms = 5000;
	fails(SERVER_NO_HTTP, 1, "verifier.unreachable");
	fails(SERVER_ENDLESS_HEAD, 1, "verifier.unreachable");
	cr_expect(strstr(error.text, "does not end"), "%s", error.text);
	fails(SERVER_BUSY, 1, "verifier.unreachable");
	cr_expect(strstr(error.text, "HTTP 503"), "%s", error.text);
	fails(SERVER_TIMEOUT, 0, "verifier.unreachable");
	fails(SERVER_TOO_MANY, 0, "verifier.unreachable");
	fails(SERVER_ENDLESS, 9, "verifier.answer");
	fails(SERVER_REDIRECT, 9, "verifier.redirect");
	fails(SERVER_HTML, 9, "verifier.refused");
	fails(SERVER_REFUSE, 9, "key.revoked");
	/* Exit codes and what watches the machine go by some reasons. */
	fails(SERVER_POSE, 9, "verifier.refused");
	remote.until = 0;
	remote.expires = (uint64_t)time(NULL) - 100;
	server_fail(SERVER_KEY, 1, (enum server_fault[]){SERVER_BUSY});
	cr_assert_neq(get("/v1/key", 4096), ASSAY_OK);
	cr_assert_str_eq(error.reason, "exchange.expired");
	assay_remote_close(&remote);
}

/* While a segment's time runs no pause is longer than 0.4 s, and what stalls is given up after 4 s: the same faults
 * elsewhere take 6 s and more, and 30 s. Who asks for too much waits as long as it is told. */
Test(client, a_segment_does_not_wait)
{
	static const enum server_fault faults[] = {SERVER_BUSY,        SERVER_DROP_AFTER, SERVER_TIMEOUT,
	                                           SERVER_DROP_BEFORE, SERVER_BUSY,       SERVER_LATER};
	uint64_t took_ns[2];

	server_start();
	begin(server_url());
	for (size_t i = 0; i < 2; i++) {
		is_timed = i == 1;
		server_fail(SERVER_KEY, sizeof faults / sizeof *faults, faults);
		const uint64_t start_ns = assay_clock_ns();
		support_ok(get("/v1/key", 4096), error);
		took_ns[i] = assay_clock_ns() - start_ns;
	}
	/* 0.1 + 0.2 + 0.4 ... s, each by half or in whole, and the five that the server wants. libcurl repeats what was
	 * dropped on an old connection by itself. */
	cr_expect_geq(took_ns[0], UINT64_C(5700000000));
	cr_expect_leq(took_ns[1], took_ns[0] / 2);
	cr_expect_geq(took_ns[1], UINT64_C(300000000));
	remote.timeout_ms = 0;
	server_fail(SERVER_KEY, 1, (enum server_fault[]){SERVER_TRICKLE});
	uint64_t start_ns = assay_clock_ns();
	support_ok(get("/v1/key", 4096), error);
	cr_expect_leq(assay_clock_ns() - start_ns, UINT64_C(9000000000));
	server_fail(SERVER_KEY, 1, (enum server_fault[]){SERVER_TOO_MANY});
	start_ns = assay_clock_ns();
	support_ok(get("/v1/key", 4096), error);
	cr_expect_geq(assay_clock_ns() - start_ns, UINT64_C(1000000000));
	assay_remote_close(&remote);
}

/* To the byte. */
Test(client, answers_are_bounded)
{
	server_start();
	begin(server_url());
	server_fail(SERVER_KEY, 0, NULL);
	support_ok(get("/v1/key", 113), error);
	cr_assert_neq(get("/v1/key", 112), ASSAY_OK);
	cr_assert_str_eq(error.reason, "verifier.answer", "%s", error.text);
	assay_remote_close(&remote);
}

/* Nothing of an answer outlasts its request: libcurl adds a header that begins with a space to the one before it, which
 * may be of an answer that is gone. */
Test(client, answers_are_apart)
{
	server_start();
	begin(server_url());
	for (int i = 0; i < 3; i++) {
		server_fail(SERVER_KEY, i == 1, (enum server_fault[]){SERVER_FOLDED});
		support_ok(get("/v1/key", 4096), error);
	}
	cr_expect_leq(server->connections, 2);
	assay_remote_close(&remote);
}

/* ---- What is kept, and shown ---- */

static struct assay_challenge challenge;
static char *challenge_text;

static void challenged(void)
{
	const struct assay_fetched_wish wish = {
	    .secret = &server_prover, .token_file = support_path("token"), .path = support_path("x.challenge.json")};

	server_start();
	begin(server_url());
	support_ok(assay_fetched_challenge(&challenge, &remote, server_verifier.key, &wish, &error), error);
	challenge_text = assay_challenge_text(&challenge);
}

/* One receipt, by which a job goes on. */
static void ready(void)
{
	static const uint8_t job[32] = {7};
	struct assay_link_http http = {.remote = &remote};
	struct assay_exchange exchange = {
	    .challenge = &challenge, .secret = &server_prover, .prefix = support_path("x")};
	uint8_t nonce[32];

	http.exchange = &exchange;
	assay_fetched_id(http.id, challenge_text, strlen(challenge_text));
	exchange.link = assay_link_http(&http);
	memcpy(exchange.verifier, server_verifier.key, ASSAY_KEY_BYTES);
	support_ok(assay_exchange_open(&exchange, challenge_text, job, &error), error);
	support_ok(assay_exchange_ready(&exchange, 0, nonce, &error), error);
	assay_exchange_close(&exchange);
}

static bool receipts_come(const uint8_t key[ASSAY_KEY_BYTES], enum server_fault fault)
{
	server_fail(SERVER_RECEIPTS, 2, (enum server_fault[]){fault, fault});
	unlink(support_path("r"));
	support_ok(assay_fetched_receipts(&remote, &challenge, challenge_text, key, support_path("r"), &error), error);
	return support_exists(support_path("r"));
}

/* Only what the verifier's key signed is kept: a job would go on with it, and could not. */
Test(client, receipts_are_looked_at)
{
	static const enum server_fault faults[] = {SERVER_GARBAGE, SERVER_CUT, SERVER_FORGED, SERVER_EMPTY};

	challenged();
	ready();
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		cr_expect_not(receipts_come(server_verifier.key, faults[i]), "%zu", i);
	cr_expect_not(receipts_come(server_prover.key, SERVER_RIGHT));
	cr_assert(receipts_come(server_verifier.key, SERVER_RIGHT));
	cr_expect_eq(support_run("cd $T && cmp r x.receipts.jsonl"), 0, "%s", support_out);
	free(challenge_text);
	assay_remote_close(&remote);
}

/* A verdict is one line, however it came. */
Test(client, verdicts_are_lines)
{
	uint8_t head[12] = "assay-t1";
	static char transcript[sizeof head + ASSAY_CHALLENGE_BYTES_MAX];

	challenged();
	assay_le32_write(head + 8, (uint32_t)strlen(challenge_text));
	memcpy(transcript, head, sizeof head);
	strcpy(transcript + sizeof head, challenge_text);
	support_write(support_path("x.transcript"), transcript, sizeof head + strlen(challenge_text));
	support_file("x.intoto.json", "{}\n");
	server_fail(SERVER_VERDICT, 1, (enum server_fault[]){SERVER_LINES});
	cr_assert_eq(support_run("cd $T && $A submit x --json --verifier %s", server_url()), 4, "%s", support_err);
	cr_expect(strstr(support_out, "\"verdict\":\"malformed\""), "%s", support_out);
	cr_expect_eq(strchr(support_out, '\n'), support_out + strlen(support_out) - 1, "%s", support_out);
	free(challenge_text);
	assay_remote_close(&remote);
}

static void *stop_soon(void *context)
{
	usleep(200000);
	atomic_store((atomic_bool *)context, true);
	return NULL;
}

/* In the middle of an answer that does not come, and in a pause. */
Test(client, ends_when_it_is_stopped)
{
	static const enum server_fault faults[] = {SERVER_TRICKLE, SERVER_TOO_MANY};
	atomic_bool stop = false;
	pthread_t thread;

	server_start();
	begin(server_url());
	assay_remote_close(&remote);
	remote = (struct assay_remote){.url = server_url(), .stop = &stop};
	support_ok(assay_remote_open(&remote, &error), error);
	for (size_t i = 0; i < 2; i++) {
		atomic_store(&stop, false);
		cr_assert_eq(pthread_create(&thread, NULL, stop_soon, &stop), 0);
		const uint64_t start_ns = assay_clock_ns();
		fails(faults[i], 30, "run.interrupted");
		cr_expect_lt(assay_clock_ns() - start_ns, UINT64_C(5000000000));
		pthread_join(thread, NULL);
	}
	assay_remote_close(&remote);
}

Test(client, nobody_is_there)
{
	server_start();
	begin("http://127.0.0.1:1");
	remote.until = (uint64_t)time(NULL) + 1;
	const uint64_t start_ns = assay_clock_ns();
	cr_assert_neq(get("/v1/key", 4096), ASSAY_OK);
	cr_assert_str_eq(error.reason, "verifier.unreachable", "%s", error.text);
	cr_expect_lt(assay_clock_ns() - start_ns, UINT64_C(5000000000));
	assay_remote_close(&remote);
}

/* ---- Certificates: openssl's own server, which gives out files ---- */

static pid_t tls;

static void tls_leave(void)
{
	if (tls > 0) {
		kill(tls, SIGKILL);
		waitpid(tls, NULL, 0);
	}
	tls = 0;
	server_leave();
}

TestSuite(client_tls, .init = server_enter, .fini = tls_leave, .timeout = 60);

/* An authority, a certificate of this name by it, and the server; returns its port. */
static unsigned tls_start(const char *name)
{
	unsigned port = 0;

	if (support_run("command -v openssl") != 0)
		support_missing("openssl", "it is not installed");
	const int code = support_run(
	    "cd $T && mkdir -p v1 && cp verifier.pub v1/key && "
	    "openssl req -x509 -newkey ed25519 -nodes -keyout ca.key -out ca.pem -subj /CN=authority -days 2 && "
	    "openssl req -x509 -newkey ed25519 -nodes -keyout other.key -out other.pem -subj /CN=other -days 2 && "
	    "printf 'subjectAltName=%s' >ext && openssl req -newkey ed25519 -nodes -keyout s.key -out s.csr -subj "
	    "/CN=s && "
	    "openssl x509 -req -in s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out s.pem",
	    name);
	cr_assert_eq(code, 0, "%s", support_err);
	fflush(NULL);
	tls = fork();
	if (tls == 0) {
		if (chdir(support_path("")) != 0 || !freopen("tls.out", "w", stdout) ||
		    !freopen("/dev/null", "w", stderr))
			_exit(127);
		execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-WWW", "-cert", "s.pem", "-key",
		       "s.key", NULL);
		_exit(127);
	}
	for (int i = 0; !port && i < 500; i++) {
		static char text[4096];
		const size_t len = support_read(support_path("tls.out"), text, sizeof text - 1);
		text[len] = '\0';
		const char *line = strstr(text, "ACCEPT 127.0.0.1:");
		if (line && strchr(line, '\n'))
			port = (unsigned)strtoul(line + strlen("ACCEPT 127.0.0.1:"), NULL, 10);
		usleep(10000);
	}
	cr_assert(port);
	return port;
}

/* `reason`: or several; NULL: it is trusted. */
static void tls_get(const char *url, const char *ca, const char *reason)
{
	remote = (struct assay_remote){.url = url, .ca = ca, .until = (uint64_t)time(NULL) + 5};
	enum assay_status status = assay_remote_open(&remote, &error);

	if (!status)
		status = get("/v1/key", 4096);
	if (!reason)
		support_ok(status, error);
	else {
		cr_assert_neq(status, ASSAY_OK, "%s", reason);
		cr_assert(strstr(reason, error.reason), "%s (%s)", error.text, error.reason);
		cr_expect(strstr(error.text, "--ca"), "%s", error.text);
	}
	assay_remote_close(&remote);
}

Test(client_tls, certificates_are_verified)
{
	char url[64], ca[600], other[600], empty[600];
	const unsigned port = tls_start("IP:127.0.0.1");

	snprintf(url, sizeof url, "https://127.0.0.1:%u", port);
	snprintf(ca, sizeof ca, "%s", support_path("ca.pem"));
	snprintf(other, sizeof other, "%s", support_path("other.pem"));
	snprintf(empty, sizeof empty, "%s", support_path("token"));
	tls_get(url, ca, NULL);
	tls_get(url, NULL, "verifier.certificate");
	tls_get(url, other, "verifier.certificate");
	/* Libraries differ in what they say to a file without one. */
	tls_get(url, empty, "verifier.ca or verifier.certificate");
	setenv("ASSAY_CA_FILE", ca, 1);
	tls_get(url, NULL, NULL);
	unsetenv("ASSAY_CA_FILE");
	/* The whole command: as far as the key, which it believes only with the authority. */
	cr_assert_eq(support_run("cd $T && $A run --token-file token -d cpu -k provider -o x --verifier %s", url), 3);
	cr_expect(strstr(support_err, "(verifier.certificate)"), "%s", support_err);
	cr_expect_not(support_exists(support_path("x.verifier.pub")));
	cr_assert_eq(support_run("cd $T && $A run --token-file token -d cpu -k provider -o x --ca ca.pem --max-time 4s "
	                         "--verifier %s",
	                         url),
	             3);
	cr_expect(support_exists(support_path("x.verifier.pub")), "%s", support_err);
}

Test(client_tls, a_certificate_of_another_host)
{
	char url[64], ca[600];
	const unsigned port = tls_start("DNS:example.org");

	snprintf(url, sizeof url, "https://127.0.0.1:%u", port);
	snprintf(ca, sizeof ca, "%s", support_path("ca.pem"));
	tls_get(url, ca, "verifier.certificate");
}
