/* SPDX-License-Identifier: Apache-2.0
 *
 * See servers.h: one thread, which takes one request after the other from all connections. */
#include "harness/test/servers.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "harness/curl.h"
#include "harness/test/servers_verifier.h"
#include "harness/test/support.h"
#include "verify/envelope.h"
#include "verify/key.h"

enum { CONNECTIONS_MAX = 64, BODY_MAX = 16 << 20 };

struct server *server;
struct assay_secret server_prover, server_verifier, server_stranger;
static pid_t child;
static int listener = -1;

/* Of the server's process. */
static struct server_request request;
static char *last_reply;

/* ---- What becomes of an answer ---- */

static bool say(int to, const void *data, size_t len)
{
	for (const char *at = data; len;) {
		const ssize_t sent = send(to, at, len, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		at += sent;
		len -= (size_t)sent;
	}
	return true;
}

static bool reply_say(int to, const struct server_reply *reply, size_t len)
{
	char line[1024];

	snprintf(line, sizeof line, "HTTP/1.1 %d x\r\n%s", reply->status, reply->more);
	if (reply->status != 204)
		snprintf(line + strlen(line), sizeof line - strlen(line), "Content-Length: %zu\r\n",
		         strlen(reply->text));
	strcat(line, "\r\n");
	return say(to, line, strlen(line)) && say(to, reply->text, len);
}

static bool without_end(int to, const char *start, const char *part, unsigned pause_us)
{
	for (bool good = say(to, start, strlen(start)); good; good = say(to, part, strlen(part)))
		usleep(pause_us);
	return false;
}

/* JSON, as a person would have it; to be released with free(). */
static char *in_lines(const char *text)
{
	json_t *root = json_loads(text, 0, NULL);
	char *lines = json_dumps(root, JSON_INDENT(1));

	json_decref(root);
	return lines;
}

/* True when the connection goes on. */
static bool answer(int to, enum server_route route, enum server_fault fault)
{
	static const char page[] = "<html>\033[31mnot here</html>";
	char half[512];

	switch (fault) {
	case SERVER_DROP_BEFORE:
		return false;
	case SERVER_EMPTY:
		return reply_say(to, &(struct server_reply){200, "", ""}, 0);
	case SERVER_GARBAGE:
		return reply_say(to, &(struct server_reply){200, page, ""}, strlen(page));
	case SERVER_NO_HTTP:
		return say(to, page, strlen(page)) && false;
	case SERVER_ENDLESS:
		return without_end(to, "HTTP/1.1 200 x\r\n\r\n", page, 0);
	case SERVER_ENDLESS_HEAD:
		return without_end(to, "HTTP/1.1 200 x\r\n", "X-Header: and so on\r\n", 0);
	case SERVER_TRICKLE:
		return without_end(to, "HTTP/1.1 200 x\r\nContent-Length: 100000\r\n\r\n", "x", 50000);
	case SERVER_BUSY:
		return reply_say(to, &(struct server_reply){503, page, ""}, strlen(page));
	case SERVER_LATER:
		return reply_say(to, &(struct server_reply){503, "", "Retry-After: 5\r\n"}, 0);
	case SERVER_TOO_MANY:
		return reply_say(to, &(struct server_reply){429, "", "Retry-After: 1\r\n"}, 0);
	case SERVER_QUOTA: {
		struct server_reply reply = server_refuse(429, "token.quota", "the token had its challenges");
		reply.more = "Retry-After: 80000\r\n";
		return reply_say(to, &reply, strlen(reply.text));
	}
	case SERVER_TIMEOUT:
		return reply_say(to, &(struct server_reply){408, "", ""}, 0);
	case SERVER_REDIRECT:
		return reply_say(to, &(struct server_reply){302, "", "Location: http://127.0.0.1:1/v1/key\r\n"}, 0);
	case SERVER_HTML:
		return reply_say(to, &(struct server_reply){404, page, ""}, strlen(page));
	case SERVER_FOLDED: {
		static const char folded[] = "HTTP/1.1 200 x\r\n x: y\r\nContent-Length: 0\r\n\r\n";
		return say(to, folded, sizeof folded - 1);
	}
	case SERVER_POSE: {
		const struct server_reply reply = server_refuse(409, "device.miscompute", "your device computes wrong");
		return reply_say(to, &reply, strlen(reply.text));
	}
	case SERVER_EXPIRED: {
		const struct server_reply reply = server_refuse(410, "exchange.expired", "the challenge has expired");
		return reply_say(to, &reply, strlen(reply.text));
	}
	case SERVER_REFUSE: {
		const struct server_reply reply =
		    server_refuse(403, "key.revoked", "no \\u001b[31m more\\n of this key");
		return reply_say(to, &reply, strlen(reply.text));
	}
	default:
		break;
	}
	struct server_reply reply = server_handle(route, &request);
	if (fault == SERVER_TWICE)
		reply = server_handle(route, &request);
	if (fault == SERVER_DROP_AFTER)
		return false;
	if (fault == SERVER_DELAY)
		usleep(300000);
	if (fault == SERVER_TRUNCATE)
		return reply_say(to, &reply, strlen(reply.text) / 2) && false;
	if (fault == SERVER_CUT) {
		snprintf(half, sizeof half, "%.*s", (int)(strlen(reply.text) / 2 % 500), reply.text);
		return reply_say(to, &(struct server_reply){reply.status, half, ""}, strlen(half));
	}
	char *other = fault == SERVER_OLD      ? strdup(last_reply ? last_reply : "")
	              : fault == SERVER_FORGED ? server_forge(reply.text)
	              : fault == SERVER_LINES  ? in_lines(reply.text)
	                                       : NULL;
	if (other)
		reply.text = other;
	else {
		free(last_reply);
		last_reply = strdup(reply.text);
	}
	const bool goes_on = reply_say(to, &reply, strlen(reply.text));
	free(other);
	return goes_on;
}

/* ---- Requests ---- */

static enum server_route route_of(void)
{
	char line[64 + 64 + 64];
	static const char *const names[] = {
	    "GET /v1/key HTTP",       "POST /v1/challenges HTTP", "POST ID/messages HTTP", "PUT ID/attestation HTTP",
	    "PUT ID/transcript HTTP", "GET ID/verdict HTTP",      "GET ID/receipts HTTP"};

	for (size_t i = 0; i < SERVER_ROUTES; i++) {
		const char *id = strstr(names[i], "ID");
		snprintf(line, sizeof line, "%.*s%s%s%s", id ? (int)(id - names[i]) : (int)strlen(names[i]), names[i],
		         id ? "/v1/challenges/" : "", id ? server->id : "", id ? id + 2 : "");
		if (strncmp(request.head, line, strlen(line)) == 0)
			return (enum server_route)i;
	}
	return SERVER_ROUTES;
}

/* The head byte by byte, then the body. */
static bool request_read(int from)
{
	size_t len = 0;

	while (len < sizeof request.head - 1 && (len < 4 || memcmp(request.head + len - 4, "\r\n\r\n", 4) != 0)) {
		if (recv(from, request.head + len, 1, 0) != 1)
			return false;
		len++;
	}
	request.head[len] = '\0';
	const char *length = strstr(request.head, "\r\nContent-Length: ");
	request.len = length ? strtoul(length + strlen("\r\nContent-Length: "), NULL, 10) : 0;
	if (request.len > BODY_MAX || (strstr(request.head, "Expect: 100") && !say(from, "HTTP/1.1 100 x\r\n\r\n", 18)))
		return false;
	for (size_t got = 0; got < request.len;) {
		const ssize_t more = recv(from, request.body + got, request.len - got, 0);
		if (more <= 0)
			return false;
		got += (size_t)more;
	}
	request.body[request.len] = '\0';
	return true;
}

static bool serve(int connection)
{
	if (!request_read(connection))
		return false;
	const enum server_route route = route_of();
	enum server_fault fault = SERVER_RIGHT;
	if (route != SERVER_CHALLENGES && strstr(request.head, "Authorization"))
		atomic_store(&server->token_elsewhere, true);
	if (!strstr(request.head, "\r\nUser-Agent: assay/" ASSAY_VERSION "\r\n"))
		atomic_store(&server->agent_wrong, true);
	if (route < SERVER_ROUTES)
		atomic_fetch_add(&server->requests[route], 1);
	const unsigned left = atomic_load(&server->fault_count);
	if (route == atomic_load(&server->at) && left) {
		fault = atomic_load(&server->faults[SERVER_FAULTS_MAX - left]);
		atomic_store(&server->fault_count, left - 1);
	}
	return answer(connection, route, fault);
}

static _Noreturn void server_run(void)
{
	struct pollfd polls[CONNECTIONS_MAX + 1] = {{.fd = listener, .events = POLLIN}};
	nfds_t count = 1;

	/* It ends with the test. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	request.body = malloc(BODY_MAX + 1);
	for (;;) {
		poll(polls, count, -1);
		if (polls[0].revents && count <= CONNECTIONS_MAX) {
			polls[count++] = (struct pollfd){.fd = accept(listener, NULL, NULL), .events = POLLIN};
			atomic_fetch_add(&server->connections, 1);
		}
		for (nfds_t i = 1; i < count; i++) {
			if (!polls[i].revents || serve(polls[i].fd))
				continue;
			close(polls[i].fd);
			polls[i--] = polls[--count];
		}
	}
}

/* ---- For tests ---- */

static void key_write(const struct assay_secret *secret, const char *name)
{
	struct assay_error error;

	support_ok(assay_secret_write(secret, support_path(name), true, &error), error);
}

void server_enter(void)
{
	const struct curl *curl;
	struct assay_error error;

	support_enter();
	cr_assert_geq(sodium_init(), 0);
	if (assay_curl_load(&curl, &error) != ASSAY_OK)
		support_missing("curl", error.text);
	server = mmap(NULL, sizeof *server, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert(server != MAP_FAILED);
	assay_secret_make(&server_prover);
	assay_secret_make(&server_verifier);
	assay_secret_make(&server_stranger);
	key_write(&server_prover, "provider");
	key_write(&server_verifier, "verifier");
	key_write(&server_stranger, "stranger");
	support_file("token", SERVER_TOKEN "\n");
	cr_assert_eq(chmod(support_path("token"), 0600), 0);
	support_file(".state/server.receipts.jsonl", "");
}

void server_start(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;

	server_challenge_make();
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(listener, (struct sockaddr *)&address, len), 0);
	cr_assert_eq(listen(listener, 16), 0);
	cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	server->port = ntohs(address.sin_port);
	child = support_fork();
	cr_assert_geq(child, 0);
	if (child == 0)
		server_run();
	close(listener);
}

const char *server_url(void)
{
	static char url[64];

	snprintf(url, sizeof url, "http://127.0.0.1:%u", server->port);
	return url;
}

void server_fail(enum server_route at, uint32_t count, const enum server_fault *faults)
{
	cr_assert_leq(count, SERVER_FAULTS_MAX);
	atomic_store(&server->at, at);
	for (uint32_t i = 0; i < count; i++)
		atomic_store(&server->faults[SERVER_FAULTS_MAX - count + i], faults[i]);
	atomic_store(&server->fault_count, count);
}

void server_leave(void)
{
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	child = 0;
	server_challenge_free();
	support_leave();
}
