/* SPDX-License-Identifier: Apache-2.0
 *
 * See link.h: the exchange over HTTP (SPEC 4.6). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/exchange.h"
#include "harness/remote.h"

/* Whether this is the receipt: an answer to another request is not. */
static bool fits(const void *context, const struct assay_client_answer *answer)
{
	const struct assay_link_http *http = context;
	struct assay_step step;
	struct assay_error ignored;

	return answer->body && strlen(answer->body) == answer->len &&
	       assay_exchange_look(http->exchange, answer->body, &step, &ignored) == ASSAY_OK;
}

static enum assay_status ask(void *context, uint32_t number, const char *message, char **receipt,
                             struct assay_error *error)
{
	const struct assay_link_http *http = context;
	struct assay_client_answer answer;
	char path[128];

	snprintf(path, sizeof path, "/v1/challenges/%s/messages", http->id);
	const struct assay_remote_request request = {.path = path,
	                                             .type = "application/json",
	                                             .body = message,
	                                             .len = strlen(message),
	                                             .answer_max = ASSAY_STEP_LINE_MAX,
	                                             .is_timed = true,
	                                             .ok = 200,
	                                             .fits = fits,
	                                             .context = http};
	/* No handshake between a nonce and its commitment, if that can be helped. */
	if (number % 2 == 0)
		assay_remote_warm(http->remote);
	enum assay_status status = assay_remote_ask(http->remote, &request, &answer, error);
	if (status)
		return status;
	*receipt = answer.body ? answer.body : strdup("");
	return *receipt ? ASSAY_OK : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
}

struct assay_link assay_link_http(struct assay_link_http *http)
{
	return (struct assay_link){.ask = ask, .context = http};
}
