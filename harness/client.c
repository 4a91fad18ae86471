/* SPDX-License-Identifier: Apache-2.0
 *
 * See client.h: libcurl's easy interface, HTTP/1.1, a handle for each request. What a server has said is gone with its
 * request, and only the connection stays: from 7.83 to 8.1.0 a handle that is used again has a pointer to the last
 * header of the request before (curl#11103), which a header that begins with a space makes it write to. */
#include "harness/client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "harness/curl.h"
#include "harness/token.h"

enum {
	CONNECT_MS = 10000,
	STALLED_S = 60, /* without a byte: the other end hashes a long file meanwhile */
	KEEPALIVE_S = 15,
};

struct assay_client {
	const struct curl *curl;
	void *share; /* the connections */
	void *easy;  /* of the request under way */
	const char *ca;
	bool plain;
	const atomic_bool *stop;
	char cause[CURL_ERROR_SIZE];

	/* Of the request under way. */
	const struct assay_client_request *request;
	struct assay_client_answer *answer;
	size_t capacity, head_len;
	bool no_memory;
};

/* ---- What libcurl calls ---- */

static size_t head_take(char *data, size_t size, size_t count, void *context)
{
	struct assay_client *client = context;

	(void)data;
	client->head_len += size * count;
	return client->head_len <= ASSAY_CLIENT_HEADERS_MAX ? size * count : 0;
}

static bool grow(struct assay_client *client, size_t len, size_t most)
{
	size_t capacity = client->capacity ? client->capacity : 4096;

	while (capacity < len + 1)
		capacity *= 2;
	if (capacity > most + 1)
		capacity = most + 1;
	if (capacity <= client->capacity)
		return true;
	char *grown = realloc(client->answer->body, capacity);
	if (!grown)
		return false;
	client->answer->body = grown;
	client->capacity = capacity;
	return true;
}

static size_t body_take(char *data, size_t size, size_t count, void *context)
{
	struct assay_client *client = context;
	struct assay_client_answer *answer = client->answer;
	const size_t len = size * count;
	long status = 0;

	client->curl->easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
	const size_t most = status / 100 == 2 ? client->request->answer_max : ASSAY_CLIENT_REFUSAL_MAX;
	const size_t taken = len <= most - answer->len ? len : most - answer->len;
	if (!grow(client, answer->len + taken, most)) {
		client->no_memory = true;
		return 0;
	}
	memcpy(answer->body + answer->len, data, taken);
	answer->len += taken;
	answer->too_long = taken < len;
	return taken;
}

static size_t file_give(char *data, size_t size, size_t count, void *context)
{
	FILE *file = context;
	const size_t given = fread(data, 1, size * count, file);

	return ferror(file) ? CURL_READFUNC_ABORT : given;
}

/* A connection that the other end had closed is noticed after the first bytes were given. */
static int file_seek(void *context, int64_t offset, int origin)
{
	return fseeko(context, (off_t)offset, origin) == 0 ? 0 : 1;
}

static int stop_look(void *context, int64_t down, int64_t down_now, int64_t up, int64_t up_now)
{
	const struct assay_client *client = context;

	(void)down, (void)down_now, (void)up, (void)up_now;
	return client->stop && atomic_load(client->stop);
}

/* ---- The handle ---- */

#define SET(client, option, value) ((client)->curl->easy_setopt((client)->easy, option, value) == CURLE_OK)

/* A handle with what is the same for all requests; false when the library does not have all of it. */
static bool renew(struct assay_client *client)
{
	const bool plain = client->plain;

	if (client->easy)
		client->curl->easy_cleanup(client->easy);
	client->easy = client->curl->easy_init();
	bool good = client->easy && SET(client, CURLOPT_SHARE, client->share) && SET(client, CURLOPT_NOSIGNAL, 1L) &&
	            SET(client, CURLOPT_NOPROGRESS, 0L) &&
	            SET(client, CURLOPT_PROTOCOLS, (long)(plain ? CURLPROTO_HTTP : CURLPROTO_HTTPS)) &&
	            SET(client, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
	            SET(client, CURLOPT_USERAGENT, "assay/" ASSAY_VERSION) &&
	            SET(client, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) &&
	            SET(client, CURLOPT_LOW_SPEED_LIMIT, 1L) && SET(client, CURLOPT_LOW_SPEED_TIME, (long)STALLED_S) &&
	            SET(client, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) && SET(client, CURLOPT_HTTP09_ALLOWED, 0L);

	/* Routers on the way forget what is silent for the length of a segment. */
	good = good && SET(client, CURLOPT_TCP_KEEPALIVE, 1L) && SET(client, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S) &&
	       SET(client, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_S);
	good = good && SET(client, CURLOPT_ERRORBUFFER, client->cause) &&
	       SET(client, CURLOPT_WRITEFUNCTION, body_take) && SET(client, CURLOPT_WRITEDATA, client) &&
	       SET(client, CURLOPT_HEADERFUNCTION, head_take) && SET(client, CURLOPT_HEADERDATA, client) &&
	       SET(client, CURLOPT_READFUNCTION, file_give) && SET(client, CURLOPT_SEEKFUNCTION, file_seek) &&
	       SET(client, CURLOPT_XFERINFOFUNCTION, stop_look) && SET(client, CURLOPT_XFERINFODATA, client);
	/* Libraries without a directory of authorities have no option for one. */
	if (good && client->ca) {
		good = SET(client, CURLOPT_CAINFO, client->ca);
		(void)SET(client, CURLOPT_CAPATH, (char *)NULL);
	}
	/* A proxy would see what is not encrypted. */
	return good && (plain ? SET(client, CURLOPT_NOPROXY, "*")
	                      : SET(client, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2));
}

static enum assay_status ca_bad(struct assay_error *error, const char *ca, const char *why)
{
	return assay_fail(error, ASSAY_ERROR_INPUT, "verifier.ca",
	                  "%.200s: %s; name a PEM file of the authority that signed the verifier's certificate (--ca)",
	                  ca ? ca : "the system's authorities", why);
}

enum assay_status assay_client_open(struct assay_client **out, const char *ca, bool plain, const atomic_bool *stop,
                                    struct assay_error *error)
{
	const struct curl *curl;
	enum assay_status status = assay_curl_load(&curl, error);

	*out = NULL;
	if (status)
		return status;
	if (ca && access(ca, R_OK) != 0)
		return ca_bad(error, ca, "cannot be read");
	struct assay_client *client = calloc(1, sizeof *client);
	if (client)
		*client = (struct assay_client){
		    .curl = curl, .share = curl->share_init(), .ca = ca, .plain = plain, .stop = stop};
	if (!client || !client->share) {
		assay_client_close(client);
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	}
	if (curl->share_setopt(client->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) != 0 || !renew(client)) {
		assay_client_close(client);
		return assay_fail(
		    error, ASSAY_ERROR_IO, "verifier.library",
		    "libcurl is older than 7.66, or was built without what HTTPS takes: install a newer one");
	}
	*out = client;
	return ASSAY_OK;
}

void assay_client_close(struct assay_client *client)
{
	if (client && client->easy)
		client->curl->easy_cleanup(client->easy);
	if (client && client->share)
		client->curl->share_cleanup(client->share);
	free(client);
}

/* ---- A request ---- */

static bool headers_add(const struct curl *curl, struct curl_slist **list, const char *name, const char *value)
{
	char line[64 + ASSAY_TOKEN_MAX];

	snprintf(line, sizeof line, "%s%s", name, value);
	struct curl_slist *longer = curl->slist_append(*list, line);
	sodium_memzero(line, sizeof line);
	if (longer)
		*list = longer;
	return longer != NULL;
}

/* One may be a token. */
static void headers_free(const struct curl *curl, struct curl_slist *list)
{
	for (struct curl_slist *line = list; line; line = line->next)
		sodium_memzero(line->data, strlen(line->data));
	curl->slist_free_all(list);
}

static bool request_set(struct assay_client *client, const struct assay_client_request *request,
                        struct curl_slist **headers)
{
	bool good =
	    SET(client, CURLOPT_URL, request->url) && SET(client, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);

	if (request->file) {
		rewind(request->file);
		good = good && SET(client, CURLOPT_UPLOAD, 1L) && SET(client, CURLOPT_READDATA, request->file) &&
		       SET(client, CURLOPT_SEEKDATA, request->file) &&
		       SET(client, CURLOPT_INFILESIZE_LARGE, (int64_t)request->file_bytes);
	} else if (request->body) {
		good = good && SET(client, CURLOPT_POSTFIELDSIZE_LARGE, (int64_t)request->len) &&
		       SET(client, CURLOPT_POSTFIELDS, request->body);
	}
	if (request->type)
		good = good && headers_add(client->curl, headers, "Content-Type: ", request->type);
	if (request->bearer)
		good = good && headers_add(client->curl, headers, "Authorization: Bearer ", request->bearer);
	return good && SET(client, CURLOPT_HTTPHEADER, *headers);
}

/* What libcurl's end of a transfer is: an answer, none, or an error that stays. */
static enum assay_status conclude(struct assay_client *client, int code, struct assay_error *error)
{
	struct assay_client_answer *answer = client->answer;
	const char *cause = *client->cause ? client->cause : client->curl->easy_strerror(code);
	long status = 0;
	int64_t after_s = 0;

	if (client->no_memory || code == CURLE_OUT_OF_MEMORY)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	if (code == CURLE_ABORTED_BY_CALLBACK && client->stop && atomic_load(client->stop))
		return assay_fail(error, ASSAY_ERROR_IO, "run.interrupted", "stopped while waiting for the verifier");
	if (code == CURLE_SSL_CACERT_BADFILE)
		return ca_bad(error, client->ca, "cannot be used");
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return assay_fail(error, ASSAY_ERROR_INPUT, "verifier.certificate",
		                  "%.100s: its certificate does not hold (%.160s); name its authority (--ca FILE), or "
		                  "ask the verifier for the right URL",
		                  client->request->url, cause);
	if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && answer->too_long)) {
		/* What came of it is not known to be whole. */
		answer->len = 0;
		snprintf(answer->cause, sizeof answer->cause, "%.199s",
		         client->head_len > ASSAY_CLIENT_HEADERS_MAX ? "the head of its answer does not end" : cause);
		return ASSAY_OK;
	}
	client->curl->easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
	client->curl->easy_getinfo(client->easy, CURLINFO_RETRY_AFTER, &after_s);
	answer->status = status > 0 && status < 1000 ? (uint32_t)status : 0;
	answer->retry_after_s = after_s <= 0 ? 0 : after_s > UINT32_MAX ? UINT32_MAX : (uint32_t)after_s;
	return ASSAY_OK;
}

enum assay_status assay_client_ask(struct assay_client *client, const struct assay_client_request *request,
                                   struct assay_client_answer *answer, struct assay_error *error)
{
	struct curl_slist *headers = NULL;
	enum assay_status status;

	memset(answer, 0, sizeof *answer);
	client->request = request;
	client->answer = answer;
	client->capacity = client->head_len = 0;
	client->no_memory = false;
	*client->cause = '\0';
	if (renew(client) && request_set(client, request, &headers))
		status = conclude(client, client->curl->easy_perform(client->easy), error);
	else
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	(void)SET(client, CURLOPT_HTTPHEADER, (struct curl_slist *)NULL);
	headers_free(client->curl, headers);
	if (answer->body)
		answer->body[answer->len] = '\0';
	assay_printable(answer->cause);
	if (status) {
		free(answer->body);
		answer->body = NULL;
		answer->len = 0;
	}
	return status;
}
