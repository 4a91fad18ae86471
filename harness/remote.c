/* SPDX-License-Identifier: Apache-2.0
 *
 * See remote.h. */
#include "harness/remote.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "harness/measure.h"
#include "verify/challenge.h"

enum {
	TIMEOUT_MS = 30000,
	BYTES_A_MS = 16, /* of a file, at least */
	PAUSE_MS = 100,
	PAUSE_MS_MAX = 15000,
	TIMED_TIMEOUT_MS = 4000, /* of the first attempt; then twice as long, and so on */
	TIMED_PAUSE_MS_MAX = 400,
	RETRY_AFTER_S_MAX = 60,
	TRIES = 6,
	UNTIL_S = 60,
	GRACE_S = 60, /* this machine's clock may be wrong */
	REMARK_S = 60,
	WARM_MS = 5000,
	KEY_BYTES_MAX = 4096,
};

/* ---- URLs ---- */

bool assay_remote_is_url(const char *text)
{
	return strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
}

/* The length of the host at the start of a text; 0 when there is none. */
static size_t host_len(const char *text)
{
	if (*text != '[')
		return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.");
	const size_t len = strspn(text + 1, "0123456789abcdefABCDEF:.");
	return len && text[1 + len] == ']' ? len + 2 : 0;
}

/* No name but localhost is looked up: another may lead elsewhere. */
static bool is_loopback(const char *host, size_t len)
{
	unsigned parts[4];
	char text[16], more;

	if ((len == 9 && strncmp(host, "localhost", 9) == 0) || (len == 5 && strncmp(host, "[::1]", 5) == 0))
		return true;
	if (len >= sizeof text)
		return false;
	snprintf(text, sizeof text, "%.*s", (int)len, host);
	return sscanf(text, "%3u.%3u.%3u.%3u%c", &parts[0], &parts[1], &parts[2], &parts[3], &more) == 4 &&
	       parts[0] == 127 && parts[1] < 256 && parts[2] < 256 && parts[3] < 256;
}

static enum assay_status url_take(struct assay_remote *remote, bool *plain, struct assay_error *error)
{
	static const char path_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
	const char *host = strstr(remote->url, "://") + 3, *rest = host + host_len(host);
	size_t len = strlen(remote->url);
	const size_t host_bytes = (size_t)(rest - host);

	*plain = strncmp(remote->url, "http://", 7) == 0;
	if (*rest == ':' && rest[1] >= '0' && rest[1] <= '9')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (host_bytes == 0 || len >= sizeof remote->base || (*rest && *rest != '/') ||
	    rest[strspn(rest, path_letters)] != '\0')
		return assay_fail(error, ASSAY_ERROR_INPUT, "verifier.url",
		                  "--verifier %.100s: is not a URL like https://HOST, https://HOST:PORT or "
		                  "https://HOST/PATH, without a name, a ? or a # in it",
		                  strchr(host, '@') ? "URL" : remote->url);
	if (*plain && !is_loopback(host, host_bytes))
		return assay_fail(
		    error, ASSAY_ERROR_INPUT, "verifier.url",
		    "--verifier %.200s: http:// would show your token to everybody on the way, and is for this "
		    "machine itself only: use https://",
		    remote->url);
	while (remote->url[len - 1] == '/')
		len--;
	snprintf(remote->base, sizeof remote->base, "%.*s", (int)len, remote->url);
	return ASSAY_OK;
}

enum assay_status assay_remote_open(struct assay_remote *remote, struct assay_error *error)
{
	const char *ca = remote->ca ? remote->ca : getenv("ASSAY_CA_FILE");
	bool plain;
	enum assay_status status = url_take(remote, &plain, error);

	return status ? status : assay_client_open(&remote->client, ca && *ca ? ca : NULL, plain, remote->stop, error);
}

void assay_remote_close(struct assay_remote *remote)
{
	if (remote)
		assay_client_close(remote->client);
	if (remote)
		remote->client = NULL;
}

/* ---- What an answer is ---- */

static bool is_later(uint32_t status)
{
	return status == 0 || status == 408 || status == 429 || status >= 500 || status < 200;
}

/* A reason that a server may have (SPEC 4.6). Others are of this machine: its exit code and what watches it go by
 * them. */
static bool is_servers(const char *reason)
{
	static const char *const areas[] = {"attestation", "body",   "challenge", "exchange", "key",
	                                    "method",      "object", "path",      "request",  "server",
	                                    "store",       "token",  "transcript"};
	const size_t area_len = strcspn(reason, ".");
	bool is = false;

	for (size_t i = 0; i < sizeof areas / sizeof *areas; i++)
		is = is || (strlen(areas[i]) == area_len && memcmp(areas[i], reason, area_len) == 0);
	return is && strlen(reason) < sizeof((struct assay_error *)NULL)->reason &&
	       strspn(reason, "abcdefghijklmnopqrstuvwxyz0123456789.-") == strlen(reason);
}

/* The server's own reason and text, where it has them: false otherwise. */
static bool own_words(const struct assay_client_answer *answer, struct assay_error *error)
{
	json_t *root = answer->too_long || !answer->body
	                   ? NULL
	                   : json_loadb(answer->body, answer->len, JSON_REJECT_DUPLICATES, NULL);
	const char *reason = json_string_value(json_object_get(root, "reason"));
	const char *text = json_string_value(json_object_get(root, "text"));
	const bool has = reason && text && is_servers(reason);

	if (has)
		(void)assay_fail(error, ASSAY_ERROR_INPUT, reason, "the verifier refuses: %.320s", text);
	json_decref(root);
	return has;
}

static enum assay_status refused(const struct assay_remote *remote, const struct assay_client_answer *answer,
                                 struct assay_error *error)
{
	if (answer->status / 100 == 3)
		return assay_fail(error, ASSAY_ERROR_INPUT, "verifier.redirect",
		                  "%.200s: sends requests elsewhere (HTTP %" PRIu32 "), which is not followed: ask the "
		                  "verifier for the right URL",
		                  remote->base, answer->status);
	if (own_words(answer, error))
		return ASSAY_ERROR_INPUT;
	return assay_fail(error, ASSAY_ERROR_INPUT, "verifier.refused",
	                  "%.200s: HTTP %" PRIu32 " without a reason: is this the URL of an Assay verifier?",
	                  remote->base, answer->status);
}

static enum assay_status no_answer(const struct assay_remote *remote, const struct assay_client_answer *answer,
                                   struct assay_error *error)
{
	return assay_fail(error, ASSAY_ERROR_IO, "verifier.answer",
	                  "%.200s: HTTP %" PRIu32 " and %zu%s bytes are no answer to this: is this the URL of an Assay "
	                  "verifier?",
	                  remote->base, answer->status, answer->len, answer->too_long ? " or more" : "");
}

/* Why there is nothing yet, in a few words. */
static void cause_text(char text[240], const struct assay_client_answer *answer)
{
	struct assay_error own;

	if (answer->status == 0)
		snprintf(text, 240, "no answer: %s", *answer->cause ? answer->cause : "nothing came");
	else if (own_words(answer, &own))
		snprintf(text, 240, "HTTP %" PRIu32 ", %.40s: %.160s", answer->status, own.reason, own.text);
	else if (answer->status / 100 == 2)
		snprintf(text, 240, "HTTP %" PRIu32 " with something else than an answer", answer->status);
	else
		snprintf(text, 240, "HTTP %" PRIu32, answer->status);
}

/* ---- Again, later ---- */

bool assay_remote_pause(const struct assay_remote *remote, uint64_t ms)
{
	enum { PART_MS = 50 };

	for (; ms; ms -= ms < PART_MS ? ms : PART_MS) {
		const struct timespec part = {.tv_nsec = (long)(ms < PART_MS ? ms : PART_MS) * 1000000};
		if (remote->stop && atomic_load(remote->stop))
			return false;
		nanosleep(&part, NULL);
	}
	return !remote->stop || !atomic_load(remote->stop);
}

/* What goes on over the attempts of one request. */
struct attempts {
	bool is_timed;
	uint64_t began_ns, end; /* end: seconds since 1970 */
	uint64_t told_ns;       /* when it was said that an answer is waited for */
	uint64_t pause_ms;      /* the next one */
	uint32_t wrong;         /* answers that were none, one after the other */
};

/* The longest pause now. */
static uint64_t pause_most_ms(const struct attempts *attempts)
{
	const uint64_t passed_ms = (assay_clock_ns() - attempts->began_ns) / 1000000;

	if (!attempts->is_timed || passed_ms / 16 > PAUSE_MS_MAX)
		return PAUSE_MS_MAX;
	return passed_ms / 16 > TIMED_PAUSE_MS_MAX ? passed_ms / 16 : TIMED_PAUSE_MS_MAX;
}

/* Many provers that lost the same server do not come back at the same time. */
static uint64_t pause_ms(struct attempts *attempts, const struct assay_client_answer *answer)
{
	const uint64_t after_s = answer->retry_after_s < RETRY_AFTER_S_MAX ? answer->retry_after_s : RETRY_AFTER_S_MAX;
	const uint64_t most_ms = pause_most_ms(attempts);
	const uint64_t whole_ms = attempts->pause_ms < most_ms ? attempts->pause_ms : most_ms;
	const uint64_t ms = whole_ms / 2 + randombytes_uniform((uint32_t)whole_ms / 2 + 1);

	attempts->pause_ms = attempts->pause_ms * 2 < PAUSE_MS_MAX ? attempts->pause_ms * 2 : PAUSE_MS_MAX;
	/* Who asks for too much is told so, whatever it costs; who is only busy may be free at once. */
	return attempts->is_timed && answer->status != 429 ? ms : after_s * 1000 + ms;
}

static void tell(const struct assay_remote *remote, struct attempts *attempts, const char *cause)
{
	const uint64_t now_ns = assay_clock_ns();
	struct assay_error why;
	char end[21];

	/* What passes at once is not worth a line. */
	if (!remote->remark || attempts->pause_ms < 8 * PAUSE_MS ||
	    (attempts->told_ns && now_ns - attempts->told_ns < REMARK_S * UINT64_C(1000000000)))
		return;
	attempts->told_ns = now_ns;
	assay_utc_text(end, attempts->end);
	(void)assay_fail(&why, ASSAY_ERROR_IO, "verifier.unreachable", "%.160s: %.200s; trying again until %s",
	                 remote->base, cause, end);
	remote->remark(&why);
}

/* There was no answer in time. */
static enum assay_status over(const struct assay_remote *remote, const struct assay_client_answer *answer,
                              const char *cause, struct assay_error *error)
{
	if (remote->expires && !remote->until)
		return assay_fail(error, ASSAY_ERROR_IO, "exchange.expired",
		                  "the challenge expired before %.160s answered (%.120s): ask for another one",
		                  remote->base, cause);
	if (own_words(answer, error))
		return ASSAY_ERROR_IO;
	return assay_fail(error, ASSAY_ERROR_IO, "verifier.unreachable",
	                  "%.160s: %.160s; see that the URL is right and can be reached from here, and try again",
	                  remote->base, cause);
}

/* Waits for the next attempt. */
static enum assay_status later(const struct assay_remote *remote, struct attempts *attempts,
                               const struct assay_client_answer *answer, struct assay_error *error)
{
	const uint64_t now = (uint64_t)time(NULL);
	uint64_t ms = pause_ms(attempts, answer);
	char cause[240];

	cause_text(cause, answer);
	/* Who asked for too much before there is a challenge, and is told to come back after the end, is not kept. */
	const bool in_vain = answer->status == 429 && !remote->expires && now + answer->retry_after_s > attempts->end;
	if (now >= attempts->end || in_vain)
		return over(remote, answer, cause, error);
	tell(remote, attempts, cause);
	if (ms > (attempts->end - now) * 1000)
		ms = (attempts->end - now) * 1000;
	return assay_remote_pause(remote, ms)
	           ? ASSAY_OK
	           : assay_fail(error, ASSAY_ERROR_IO, "run.interrupted", "stopped while waiting for %.160s (%.160s)",
	                        remote->base, cause);
}

/* One attempt: *again, or this is how it ends. */
static enum assay_status attempt(struct assay_remote *remote, const struct assay_remote_request *request,
                                 const struct assay_client_request *exact, struct attempts *attempts,
                                 struct assay_client_answer *answer, bool *again, struct assay_error *error)
{
	const uint32_t tries = remote->tries ? remote->tries : TRIES;
	enum assay_status status = assay_client_ask(remote->client, exact, answer, error);

	*again = false;
	if (status)
		return status;
	if (answer->status)
		remote->answered_ns = assay_clock_ns();
	if (is_later(answer->status)) {
		attempts->wrong = 0;
		*again = true;
		return ASSAY_OK;
	}
	if (answer->status / 100 != 2)
		return refused(remote, answer, error);
	const bool expected = !answer->too_long && (answer->status == request->ok || answer->status == request->ok_too);
	if (expected && (!request->fits || request->fits(request->context, answer)))
		return ASSAY_OK;
	*again = ++attempts->wrong < tries;
	return *again || expected ? ASSAY_OK : no_answer(remote, answer, error);
}

enum assay_status assay_remote_ask(struct assay_remote *remote, const struct assay_remote_request *request,
                                   struct assay_client_answer *answer, struct assay_error *error)
{
	const uint64_t now = (uint64_t)time(NULL);
	struct attempts attempts = {.is_timed = request->is_timed,
	                            .began_ns = assay_clock_ns(),
	                            .end = remote->until     ? remote->until
	                                   : remote->expires ? remote->expires + GRACE_S
	                                                     : now + UNTIL_S,
	                            .pause_ms = PAUSE_MS};
	enum assay_status status = ASSAY_OK;
	char url[2 * ASSAY_URL_MAX];
	bool again = true;

	snprintf(url, sizeof url, "%s%s", remote->base, request->path);
	uint64_t timeout_ms = (remote->timeout_ms ? remote->timeout_ms : TIMEOUT_MS) + request->file_bytes / BYTES_A_MS;
	/* An end that was set is an end; the second in which it comes is not known to be whole. */
	if (remote->until && remote->until >= now && timeout_ms > (remote->until - now + 1) * 1000)
		timeout_ms = (remote->until - now + 1) * 1000;
	if (timeout_ms > INT32_MAX)
		timeout_ms = INT32_MAX;
	const uint64_t first_ms = request->is_timed && timeout_ms > TIMED_TIMEOUT_MS ? TIMED_TIMEOUT_MS : timeout_ms;
	struct assay_client_request exact = {.url = url,
	                                     .type = request->type,
	                                     .bearer = request->bearer,
	                                     .body = request->body,
	                                     .len = request->len,
	                                     .file = request->file,
	                                     .file_bytes = request->file_bytes,
	                                     .answer_max = request->answer_max,
	                                     .timeout_ms = (uint32_t)first_ms};
	for (;;) {
		status = attempt(remote, request, &exact, &attempts, answer, &again, error);
		if (status || !again)
			break;
		status = later(remote, &attempts, answer, error);
		if (status)
			break;
		free(answer->body);
		exact.timeout_ms = (uint32_t)(exact.timeout_ms < timeout_ms / 2 ? 2 * exact.timeout_ms : timeout_ms);
	}
	if (status) {
		free(answer->body);
		memset(answer, 0, sizeof *answer);
	}
	return status;
}

void assay_remote_warm(struct assay_remote *remote)
{
	const uint64_t now_ns = assay_clock_ns();
	char url[2 * ASSAY_URL_MAX];
	struct assay_client_answer answer;
	struct assay_error ignored;

	if (remote->answered_ns && now_ns - remote->answered_ns < WARM_MS * UINT64_C(1000000))
		return;
	snprintf(url, sizeof url, "%s/v1/key", remote->base);
	const struct assay_client_request request = {.url = url, .answer_max = KEY_BYTES_MAX, .timeout_ms = WARM_MS};
	if (assay_client_ask(remote->client, &request, &answer, &ignored) == ASSAY_OK && answer.status)
		remote->answered_ns = assay_clock_ns();
	free(answer.body);
}
