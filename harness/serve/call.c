/* SPDX-License-Identifier: Apache-2.0
 *
 * See call.h. */
#include "harness/serve/call.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* False when there is no such number. */
static bool length_parse(uint64_t *len, const char *text)
{
	if (!text || !*text || strlen(text) > 19 || strspn(text, "0123456789") != strlen(text))
		return false;
	*len = strtoull(text, NULL, 10);
	return true;
}

static void body_check(struct assay_call *call, const struct assay_head *head, bool told)
{
	if (head->transfer || !told)
		assay_reply_refuse(&call->reply, "body.length", "say how long the body is: Content-Length");
	else if ((head->encoding && strcasecmp(head->encoding, "identity") != 0) ||
	         (head->type && strncasecmp(head->type, "multipart/", strlen("multipart/")) == 0))
		assay_reply_refuse(&call->reply, "body.type", "send the bytes as they are, not encoded or in parts");
	else if (!call->request.route->streams && call->to_come > ASSAY_SMALL_BYTES_MAX)
		assay_reply_refuse(&call->reply, "body.size", "the body is longer than any that would be taken");
}

void assay_call_begin(struct assay_server *server, struct assay_call *call, const struct assay_head *head)
{
	struct assay_request *request = &call->request;

	call->reply = ASSAY_REPLY_NONE;
	request->incoming.file = -1;
	request->authorization = head->authorization;
	request->route = assay_route_find(head->method, head->path, request->id, &call->reply.allow);
	call->number = request->route ? (size_t)(request->route - assay_routes) : SIZE_MAX;
	const bool told = length_parse(&call->to_come, head->length);
	if (!request->route) {
		assay_reply_refuse(&call->reply, call->reply.allow ? "method.unknown" : "path.unknown",
		                   call->reply.allow ? "the path has other methods: see Allow"
		                                     : "there is no such path: see /v1/openapi.json");
		return;
	}
	if (!request->route->takes) {
		/* It would be read for as long as it says. */
		if (call->to_come)
			assay_reply_refuse(&call->reply, "body.size", "the request has no body: leave it out");
		return;
	}
	body_check(call, head, told);
	if (call->reply.status || !request->route->begin)
		return;
	request->route->begin(server, request, &call->reply);
	if (!call->reply.status && call->to_come > request->most)
		assay_reply_refuse(&call->reply, "body.size", "the body is longer than any that would be taken");
}

bool assay_call_is_over(const struct assay_call *call, const struct assay_head *head)
{
	return call->reply.status && (call->to_come > ASSAY_DRAIN_BYTES_MAX || head->transfer);
}

void assay_call_take(struct assay_call *call, const void *data, size_t len)
{
	struct assay_request *request = &call->request;
	struct assay_error error;

	/* Of a request that has none, or is refused. */
	if (call->reply.status || !request->route->takes)
		return;
	if (request->route->streams) {
		if (request->incoming.len + len > request->most)
			assay_reply_refuse(&call->reply, "body.size", "the body is longer than it said");
		else if (assay_incoming_write(&request->incoming, data, len, &error) != ASSAY_OK)
			assay_reply_refuse(&call->reply, error.reason, error.text);
	} else if (request->len + len > ASSAY_SMALL_BYTES_MAX)
		assay_reply_refuse(&call->reply, "body.size", "the body is longer than it said");
	else {
		memcpy(call->body + request->len, data, len);
		request->len += len;
	}
}

void assay_call_answer(struct assay_server *server, struct assay_call *call)
{
	call->request.arrived_ns = assay_now_ns();
	call->request.body = call->body;
	if (!call->reply.status)
		call->request.route->handler(server, &call->request, &call->reply);
	assay_call_release(server, call);
}

void assay_call_release(struct assay_server *server, struct assay_call *call)
{
	assay_incoming_close(&call->request.incoming);
	assay_upload_release(server, &call->request);
}
