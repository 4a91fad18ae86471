/* SPDX-License-Identifier: Apache-2.0
 *
 * See fuzz_client.h: time, libcurl with sockets that lead to a thread of this process, and that thread. What a record
 * of a script begins with says how it is said: ~ never, ^ when the request's time is nearly over, + after all of a body
 * that waits to be asked for. */
#include "harness/test/fuzz_client.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <sodium.h>

#include "harness/curl.h"
#include "harness/measure.h"
#include "verify/envelope.h"
#include "verify/key.h"

enum {
	/* Of curl/curl.h; the client has no use for these. */
	OPENSOCKETFUNCTION = 20163,
	OPERATION_TIMEDOUT = 28,

	REQUEST_MAX = 1 << 16,
	TIMEOUT_MS_MAX = 31000, /* of a request that sends no large file */
	PAUSE_S_MAX = 75,       /* what a server may ask for, and the longest pause */
};

struct fuzz_world fuzz_world;
struct assay_secret fuzz_prover, fuzz_verifier, fuzz_stranger;
uint8_t fuzz_job[32], fuzz_commit[32];
static int listener;
static struct sockaddr server_address; /* of a kind that has a short one: AF_UNIX, named by the kernel */
static socklen_t server_len = sizeof server_address;
static uint64_t start_ns, ended_ns, timeout_ms;

/* ---- Time ---- */

time_t __wrap_time(time_t *out);
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *rest);

time_t __wrap_time(time_t *out)
{
	const time_t now = (time_t)(fuzz_world.now_ns / 1000000000);

	if (out)
		*out = now;
	return now;
}

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *rest)
{
	(void)rest;
	FUZZ_EXPECT(wanted->tv_sec == 0 && wanted->tv_nsec >= 0);
	fuzz_world.now_ns += (uint64_t)wanted->tv_nsec;
	return 0;
}

uint64_t assay_clock_ns(void)
{
	return fuzz_world.now_ns - start_ns + 1;
}

void fuzz_deadline(uint64_t seconds)
{
	fuzz_world.deadline_ns = fuzz_world.now_ns + seconds * 1000000000;
	fuzz_world.is_first = true;
	ended_ns = fuzz_world.now_ns;
}

/* ---- Chance, the same for each input ---- */

static uint64_t chance;

static const char *chance_name(void)
{
	return "fuzz";
}

static uint32_t chance_number(void)
{
	chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(chance >> 32);
}

static void chance_bytes(void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)bytes)[i] = (uint8_t)chance_number();
}

static struct randombytes_implementation chance_made = {
    .implementation_name = chance_name, .random = chance_number, .buf = chance_bytes};

/* ---- libcurl, as the client calls it ---- */

static struct curl real;

struct curl_sockaddr {
	int family, type, protocol;
	unsigned len;
	struct sockaddr address;
};

/* Nobody but the origin is ever connected to, and that leads to the thread. */
static int socket_open(void *context, int purpose, struct curl_sockaddr *to)
{
	const struct sockaddr_in *address = (const struct sockaddr_in *)(const void *)&to->address;

	(void)context;
	FUZZ_EXPECT(purpose == 0 && to->family == AF_INET);
	FUZZ_EXPECT(address->sin_addr.s_addr == htonl(INADDR_LOOPBACK) && address->sin_port == htons(8443));
	to->family = AF_UNIX;
	to->protocol = 0;
	to->len = server_len;
	memcpy(&to->address, &server_address, server_len);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static void *easy_init(void)
{
	void *easy = real.easy_init();

	FUZZ_EXPECT(easy && real.easy_setopt(easy, OPENSOCKETFUNCTION, socket_open) == CURLE_OK);
	return easy;
}

/* Only what curl.h names is set: nothing that follows redirects, or leaves certificates unverified. */
static bool known(int option)
{
	bool is = false;

#define CURL_IS(name, value) is = is || option == value;
	CURL_CONSTANTS(CURL_IS)
#undef CURL_IS
	return is;
}

static int easy_setopt(void *easy, int option, ...)
{
	va_list arguments;
	int code;

	FUZZ_EXPECT(known(option));
	va_start(arguments, option);
	if (option >= 30000) {
		code = real.easy_setopt(easy, option, va_arg(arguments, int64_t));
	} else if (option >= 10000) {
		code = real.easy_setopt(easy, option, va_arg(arguments, void *));
	} else {
		const long value = va_arg(arguments, long);
		if (option == CURLOPT_TIMEOUT_MS) {
			FUZZ_EXPECT(value > 0 && value <= TIMEOUT_MS_MAX);
			timeout_ms = (uint64_t)value;
		}
		code = real.easy_setopt(easy, option, value);
	}
	va_end(arguments);
	return code;
}

static int easy_perform(void *easy)
{
	const uint8_t first = fuzz_world.script_len ? *fuzz_world.script : 0;
	int code = OPERATION_TIMEDOUT;

	FUZZ_EXPECT(fuzz_world.is_first || fuzz_world.now_ns <= fuzz_world.deadline_ns);
	FUZZ_EXPECT(fuzz_world.now_ns - ended_ns <= PAUSE_S_MAX * UINT64_C(1000000000));
	fuzz_world.is_first = false;
	fuzz_world.now_ns += (first == '~' ? timeout_ms : first == '^' ? timeout_ms - 1 : 1) * 1000000;
	if (first == '~') {
		const uint8_t *end = memchr(fuzz_world.script, 0x1e, fuzz_world.script_len);
		const size_t len = end ? (size_t)(end + 1 - fuzz_world.script) : fuzz_world.script_len;
		fuzz_world.script += len;
		fuzz_world.script_len -= len;
	} else {
		code = real.easy_perform(easy);
	}
	ended_ns = fuzz_world.now_ns;
	return code;
}

enum assay_status __real_assay_curl_load(const struct curl **curl, struct assay_error *error);
enum assay_status __wrap_assay_curl_load(const struct curl **curl, struct assay_error *error);

enum assay_status __wrap_assay_curl_load(const struct curl **curl, struct assay_error *error)
{
	static struct curl wrapped;
	const struct curl *loaded;

	FUZZ_EXPECT(__real_assay_curl_load(&loaded, error) == ASSAY_OK);
	real = wrapped = *loaded;
	wrapped.easy_init = easy_init;
	wrapped.easy_setopt = easy_setopt;
	wrapped.easy_perform = easy_perform;
	*curl = &wrapped;
	return ASSAY_OK;
}

/* ---- The server ---- */

static char request[REQUEST_MAX + 1];
static size_t request_len;

static bool say(int to, const char *bytes, size_t len)
{
	while (len) {
		const ssize_t sent = send(to, bytes, len, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		bytes += sent;
		len -= (size_t)sent;
	}
	return true;
}

/* Reads on; false when the other end is gone. */
static bool more(int from)
{
	const ssize_t got = recv(from, request + request_len, REQUEST_MAX - request_len, 0);

	FUZZ_EXPECT(request_len < REQUEST_MAX);
	request_len += got > 0 ? (size_t)got : 0;
	request[request_len] = '\0';
	return got > 0;
}

/* The head, and where its body begins; NULL when none comes. */
static const char *head_read(int from)
{
	const char *body;

	request_len = 0;
	*request = '\0';
	while (!(body = strstr(request, "\r\n\r\n")))
		if (!more(from))
			return NULL;
	return body + 4;
}

/* The rest of it, which some wait to be asked for. */
static bool body_read(int from, const char *body)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const char *length = strstr(request, "\r\nContent-Length: ");
	const size_t wanted = length && length < body ? strtoul(length + 18, NULL, 10) : 0;

	if (strstr(request, "\r\nExpect: 100-continue\r\n") && !say(from, go_on, sizeof go_on - 1))
		return false;
	while (request_len < (size_t)(body - request) + wanted)
		if (!more(from))
			return false;
	return true;
}

/* The token goes where it belongs, and the key's secret nowhere. */
static void secrets_check(const char *body)
{
	static const char asks[] = "POST /v1/challenges HTTP/1.1\r\n";
	const char *token = strstr(request, FUZZ_TOKEN);

	FUZZ_EXPECT(strstr(request, "\r\nHost: " FUZZ_HOST "\r\n") && strstr(request, "\r\nUser-Agent: assay/"));
	FUZZ_EXPECT(!memmem(request, request_len, fuzz_prover.seed, 32));
	FUZZ_EXPECT(!token == (strncmp(request, asks, sizeof asks - 1) != 0));
	FUZZ_EXPECT(!token || (token < body && !strstr(token + 1, FUZZ_TOKEN) &&
	                       memcmp(token - 24, "\r\nAuthorization: Bearer ", 24) == 0));
}

static void message_look(const char *body, size_t len)
{
	struct assay_step step;
	struct assay_error ignored;

	if (assay_message_read(&step, body, len, &ignored) != ASSAY_OK)
		return;
	memcpy(fuzz_job, step.job, 32);
	memcpy(fuzz_commit, step.commit, 32);
}

/* Answers one request: from the script, which may do so before it has seen all of it. */
static void serve(int connection)
{
	static struct fuzz_text reply;
	struct fuzz_world *world = &fuzz_world;
	const char *body = head_read(connection);
	bool early = world->script_len > 0;

	if (!body)
		return;
	const uint8_t *record = world->script, *end = early ? memchr(record, 0x1e, world->script_len) : NULL;
	size_t record_len = end ? (size_t)(end - record) : world->script_len;
	world->script += record_len + (end != NULL);
	world->script_len -= record_len + (end != NULL);
	const bool honest = !early;
	for (; record_len && (*record == '^' || *record == '+'); record++, record_len--)
		early = early && *record != '+';
	early = early && strstr(request, "\r\nExpect: ");
	if (!early && !body_read(connection, body))
		return;
	const size_t len = request_len - (size_t)(body - request);
	secrets_check(body);
	message_look(body, len);
	if (honest)
		fuzz_honest(&reply, request, body, len);
	else
		fuzz_scripted(&reply, record, record_len, body, len);
	(void)say(connection, reply.bytes, reply.len);
}

/* A connection for each request: libcurl keeps none of this kind. */
static void *server(void *context)
{
	for (;;) {
		const int connection = accept(listener, NULL, NULL);
		FUZZ_EXPECT(connection >= 0);
		serve(connection);
		close(connection);
	}
	return context;
}

/* ---- The world ---- */

static void challenge_make(void)
{
	struct assay_challenge *challenge = &fuzz_world.challenge;
	static const struct assay_params params = {{64, 16, 16}};
	char keyid[65];

	*challenge = (struct assay_challenge){.asked = true,
	                                      .expires = start_ns / 1000000000 + FUZZ_EXPIRES_S,
	                                      .profile = "test",
	                                      .devices = 1,
	                                      .samples = 1,
	                                      .segment_count = 1};
	assay_keyid(keyid, fuzz_verifier.key);
	(void)sodium_hex2bin(challenge->verifier, 32, keyid, 64, NULL, NULL, NULL);
	challenge->segments[0] = (struct assay_segment){.work = &assay_work_matmul_i8, .params = params, .rounds = 1};
	fuzz_world.challenge_text = assay_challenge_text(challenge);
	fuzz_world.sealed = assay_secret_seal(&fuzz_verifier, ASSAY_TYPE_CHALLENGE, fuzz_world.challenge_text);
	FUZZ_EXPECT(fuzz_world.sealed);
	assay_fetched_id(fuzz_world.id, fuzz_world.challenge_text, strlen(fuzz_world.challenge_text));
}

void fuzz_world_make(void)
{
	pthread_t thread;

	FUZZ_EXPECT(randombytes_set_implementation(&chance_made) == 0 && sodium_init() >= 0);
	start_ns = UINT64_C(1800000000) * 1000000000;
	assay_secret_make(&fuzz_prover);
	assay_secret_make(&fuzz_verifier);
	assay_secret_make(&fuzz_stranger);
	challenge_make();
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	server_address.sa_family = AF_UNIX;
	FUZZ_EXPECT(listener >= 0 && bind(listener, &server_address, sizeof server_address.sa_family) == 0);
	FUZZ_EXPECT(listen(listener, 8) == 0 && getsockname(listener, &server_address, &server_len) == 0);
	FUZZ_EXPECT(server_len <= sizeof server_address);
	FUZZ_EXPECT(pthread_create(&thread, NULL, server, NULL) == 0);
}

void fuzz_world_begin(const uint8_t *script, size_t len)
{
	struct fuzz_world *world = &fuzz_world;

	world->script = script;
	world->script_len = len;
	world->liar = false;
	world->now_ns = start_ns;
	chance = 0;
	world->answers = (struct assay_answers){.challenge = &world->challenge, .secret = &fuzz_verifier};
	(void)sodium_hex2bin(world->answers.digest, 32, world->id, 64, NULL, NULL, NULL);
	memset(fuzz_job, 7, 32);
	memset(fuzz_commit, 7, 32);
}

void fuzz_world_end(void)
{
	assay_answers_close(&fuzz_world.answers);
}
