/* SPDX-License-Identifier: Apache-2.0
 *
 * See http.h. */
#include "harness/serve/http.h"

#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "harness/measure.h"
#include "harness/serve/address.h"
#include "harness/serve/call.h"
#include "harness/serve/watch.h"

struct assay_http {
	struct MHD_Daemon *daemon;
	struct assay_server *server;
	atomic_int requests; /* in progress */
};

/* One request, and its connection. */
struct visit {
	struct assay_call call;
	struct assay_watched *watched;
};

static uint64_t in_s(uint64_t seconds)
{
	return assay_clock_ns() + seconds * 1000000000;
}

/* ---- Connections ---- */

static void connection_notify(void *context, struct MHD_Connection *connection, void **socket_context,
                              enum MHD_ConnectionNotificationCode what)
{
	struct assay_http *http = context;
	const struct assay_limits *limits = &http->server->limits;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD),
	                               *peer = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		if (info && peer)
			*socket_context = assay_watch_open(&http->server->metrics, info->connect_fd,
			                                   assay_address_network(peer->client_addr),
			                                   limits->per_address, in_s(limits->header_s));
		assay_metrics_connection(&http->server->metrics, 1);
	} else {
		assay_watch_close(*socket_context);
		*socket_context = NULL;
		assay_metrics_connection(&http->server->metrics, -1);
	}
}

/* ---- Before the body ---- */

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* ---- The reply ---- */

static void number_add(struct MHD_Response *response, const char *name, uint32_t value)
{
	char number[16];

	snprintf(number, sizeof number, "%" PRIu32, value);
	(void)MHD_add_response_header(response, name, number);
}

static void headers_add(struct MHD_Response *response, const struct assay_reply *reply)
{
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	(void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (reply->type)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->type);
	if (*reply->location)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, reply->location);
	if (reply->status == 405 && reply->allow)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, reply->allow);
	if (reply->status == 401)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	if (reply->retry_after_s)
		number_add(response, MHD_HTTP_HEADER_RETRY_AFTER, reply->retry_after_s);
	if (reply->quota.most) {
		number_add(response, "RateLimit-Limit", reply->quota.most);
		number_add(response, "RateLimit-Remaining", reply->quota.left);
		number_add(response, "RateLimit-Reset", reply->quota.reset_s);
	}
}

static void call_log(struct assay_server *server, const struct assay_call *call)
{
	const bool known = call->request.route != NULL;
	/* Probes come all the time. */
	const bool probe = known && strncmp(call->request.route->path, "/v1/", 4) != 0 && call->reply.status == 200;

	assay_metrics_request(&server->metrics, call->number, call->reply.status);
	if (!probe)
		assay_log("request", call->request.id, "%s %s %u%s%s", known ? call->request.route->method : "other",
		          known ? call->request.route->path : "other", call->reply.status,
		          *call->reply.reason ? " " : "", call->reply.reason);
}

static enum MHD_Result reply_send(struct assay_http *http, struct visit *visit, struct MHD_Connection *connection)
{
	struct assay_reply *reply = &visit->call.reply;
	struct MHD_Response *response;

	/* What the request holds is free before anybody hears of the reply. */
	assay_call_release(http->server, &visit->call);
	call_log(http->server, &visit->call);
	assay_watch_until(visit->watched, in_s(http->server->limits.body_s + reply->file_len / ASSAY_RATE_BYTES_MIN));
	if (reply->file >= 0) {
		response = MHD_create_response_from_fd64(reply->file_len, reply->file);
		if (response)
			reply->file = -1;
	} else {
		response = MHD_create_response_from_buffer(reply->len, reply->body, MHD_RESPMEM_MUST_FREE);
		if (response)
			reply->body = NULL;
	}
	if (!response)
		return MHD_NO;
	headers_add(response, reply);
	enum MHD_Result result = MHD_queue_response(connection, reply->status, response);
	MHD_destroy_response(response);
	return result;
}

/* ---- What libmicrohttpd calls ---- */

static void visit_end(void *context, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode why)
{
	struct assay_http *http = context;
	struct visit *visit = *state;

	(void)connection, (void)why;
	if (!visit)
		return;
	assay_call_release(http->server, &visit->call);
	assay_reply_close(&visit->call.reply);
	assay_watch_until(visit->watched, in_s(http->server->limits.idle_s));
	free(visit);
	*state = NULL;
	atomic_fetch_sub(&http->requests, 1);
}

static enum MHD_Result visit_begin(struct assay_http *http, struct MHD_Connection *connection, const char *path,
                                   const char *method, void **state)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	const struct assay_head head = {.method = method,
	                                .path = path,
	                                .authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION),
	                                .length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH),
	                                .transfer = header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING),
	                                .encoding = header(connection, MHD_HTTP_HEADER_CONTENT_ENCODING),
	                                .type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE)};
	struct assay_watched *watched = info ? info->socket_context : NULL;
	struct visit *visit = assay_watch_counts(watched) ? calloc(1, sizeof *visit) : NULL;

	if (!visit)
		return MHD_NO;
	atomic_fetch_add(&http->requests, 1);
	*state = visit;
	visit->watched = watched;
	assay_call_begin(http->server, &visit->call, &head);
	assay_watch_until(visit->watched,
	                  in_s(http->server->limits.body_s + visit->call.to_come / ASSAY_RATE_BYTES_MIN));
	return assay_call_is_over(&visit->call, &head) ? reply_send(http, visit, connection) : MHD_YES;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *data, size_t *len, void **state)
{
	struct assay_http *http = context;
	struct visit *visit = *state;

	(void)version;
	if (!visit)
		return visit_begin(http, connection, path, method, state);
	if (*len) {
		assay_call_take(&visit->call, data, *len);
		*len = 0;
		return MHD_YES;
	}
	assay_call_answer(http->server, &visit->call);
	return reply_send(http, visit, connection);
}

/* ---- Opening ---- */

static struct MHD_Daemon *daemon_start(struct assay_http *http, const struct assay_listen *listen, int socket,
                                       bool is_v6)
{
	const struct assay_limits *limits = &http->server->limits;
	/* Not epoll, of which libmicrohttpd wants edges: it misses an end that comes together with bytes. */
	const unsigned flags =
	    MHD_USE_POLL | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC | (is_v6 ? MHD_USE_IPv6 : 0);
	const struct MHD_OptionItem tls[] = {
	    {MHD_OPTION_HTTPS_MEM_KEY, 0, listen->key},
	    {MHD_OPTION_HTTPS_MEM_CERT, 0, listen->certificate},
	    {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t) "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
	    {MHD_OPTION_END, 0, NULL}};
	const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};

	return MHD_start_daemon(
	    flags | (listen->key ? MHD_USE_TLS : 0), 0, NULL, NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET, socket,
	    MHD_OPTION_THREAD_POOL_SIZE, (unsigned)ASSAY_HTTP_THREADS, MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)limits->connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)ASSAY_HEADER_BYTES_MAX,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(limits->header_s + limits->idle_s + limits->body_s),
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_CONNECTION, connection_notify, http,
	    MHD_OPTION_NOTIFY_COMPLETED, visit_end, http, MHD_OPTION_ARRAY, listen->key ? tls : none, MHD_OPTION_END);
}

enum assay_status assay_http_open(struct assay_http **http, struct assay_server *server,
                                  const struct assay_listen *listen, char url[128], struct assay_error *error)
{
	bool is_v6 = false;
	int socket = -1;

	*http = NULL;
	if (listen->key && MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
		return assay_fail(error, ASSAY_ERROR_IO, "tls.missing",
		                  "this libmicrohttpd has no TLS: put a proxy in front, and leave --cert out");
	enum assay_status status = assay_address_open(&socket, &is_v6, listen, url, error);
	if (status)
		return status;
	struct assay_http *made = calloc(1, sizeof *made);
	if (!made) {
		close(socket);
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	}
	made->server = server;
	made->daemon = daemon_start(made, listen, socket, is_v6);
	if (!made->daemon) {
		close(socket);
		free(made);
		return listen->key ? assay_fail(error, ASSAY_ERROR_INPUT, "tls.malformed",
		                                "the server does not start; are --cert and --cert-key PEM, and of each "
		                                "other?")
		                   : assay_fail(error, ASSAY_ERROR_IO, "io.listen", "the server does not start: %s",
		                                strerror(errno));
	}
	*http = made;
	return ASSAY_OK;
}

void assay_http_close(struct assay_http *http)
{
	const struct timespec pause = {.tv_nsec = 20 * 1000000};
	const uint64_t until_ns = in_s(ASSAY_DRAIN_S);

	if (!http)
		return;
	const MHD_socket socket = MHD_quiesce_daemon(http->daemon);
	/* What waits to be accepted is refused now; the number stays in use until the threads have ended. */
	if (socket != MHD_INVALID_SOCKET)
		shutdown(socket, SHUT_RDWR);
	while (atomic_load(&http->requests) > 0 && assay_clock_ns() < until_ns) {
		assay_watch_cut(&http->server->metrics);
		nanosleep(&pause, NULL);
	}
	MHD_stop_daemon(http->daemon);
	if (socket != MHD_INVALID_SOCKET)
		close(socket);
	free(http);
}
