/* SPDX-License-Identifier: Apache-2.0
 *
 * See reply.h. */
#include "harness/serve/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/serve/server.h"

/* Seconds of Retry-After. */
enum { RETRY_S = 5, RETRY_FULL_S = 60 };

/* clang-format off */
const struct assay_cause assay_causes[] = {{"request.malformed", 400},
                                           {"token.missing", 401},
                                           {"token.unknown", 401},
                                           {"token.revoked", 403},
                                           {"key.revoked", 403},
                                           {"key.limit", 403},
                                           {"request.signature", 403},
                                           {"exchange.signature", 403},
                                           {"path.unknown", 404},
                                           {"challenge.unknown", 404},
                                           {"key.unknown", 404},
                                           {"object.missing", 404},
                                           {"attestation.missing", 409},
                                           {"method.unknown", 405},
                                           {"exchange.conflict", 409},
                                           {"exchange.order", 409},
                                           {"attestation.conflict", 409},
                                           {"exchange.expired", 410},
                                           {"object.pruned", 410},
                                           {"body.length", 411},
                                           {"body.size", 413},
                                           {"body.type", 415},
                                           {"exchange.malformed", 422},
                                           {"exchange.challenge", 422},
                                           {"request.verifier", 422},
                                           {"attestation.refused", 422},
                                           {"transcript.digest", 422},
                                           {"transcript.refused", 422},
                                           {"challenge.limit", 429},
                                           {"token.quota", 429},
                                           {"server.error", 500},
                                           {"server.busy", 503},
                                           {"store.full", 507},
                                           {NULL, 0}};
/* clang-format on */

void assay_reply_close(struct assay_reply *reply)
{
	free(reply->body);
	reply->body = NULL;
	if (reply->file >= 0)
		close(reply->file);
	reply->file = -1;
}

static void out_of_memory(struct assay_reply *reply)
{
	assay_reply_close(reply);
	reply->status = 503;
	reply->retry_after_s = RETRY_S;
	reply->len = 0;
	snprintf(reply->reason, sizeof reply->reason, "server.busy");
}

void assay_reply_text(struct assay_reply *reply, unsigned status, const char *type, const char *text, size_t len)
{
	assay_reply_close(reply);
	reply->status = status;
	reply->type = type;
	reply->len = len;
	reply->body = malloc(len + 1);
	if (reply->body)
		memcpy(reply->body, text, len);
	else
		out_of_memory(reply);
}

void assay_reply_json(struct assay_reply *reply, unsigned status, json_t *value)
{
	char *text = value ? assay_json_text(value) : NULL;
	char *line = text ? realloc(text, strlen(text) + 2) : NULL;

	json_decref(value);
	assay_reply_close(reply);
	if (!line) {
		free(text);
		out_of_memory(reply);
		return;
	}
	strcat(line, "\n");
	reply->status = status;
	reply->type = "application/json";
	reply->body = line;
	reply->len = strlen(line);
}

void assay_reply_file(struct assay_reply *reply, unsigned status, const char *type, int file, uint64_t len)
{
	assay_reply_close(reply);
	reply->status = status;
	reply->type = type;
	reply->file = file;
	reply->file_len = len;
}

void assay_reply_refuse(struct assay_reply *reply, const char *reason, const char *text)
{
	const struct assay_cause *cause = assay_causes;

	while (cause->reason && strcmp(cause->reason, reason) != 0)
		cause++;
	if (!cause->reason) {
		const bool busy = strcmp(reason, "store.busy") == 0 || strcmp(reason, "memory") == 0;
		assay_log("error", "", "%s (%s)", text, reason);
		assay_reply_refuse(reply, busy ? "server.busy" : "server.error",
		                   busy ? "the server is busy: try again later"
		                        : "the server could not do it, and has logged why: try again later");
		return;
	}
	assay_reply_json(reply, cause->status, json_pack("{s:s,s:s}", "reason", reason, "text", text));
	snprintf(reply->reason, sizeof reply->reason, "%s", reason);
	if (cause->status == 429 || cause->status == 503 || cause->status == 507)
		reply->retry_after_s = cause->status == 507 ? RETRY_FULL_S : RETRY_S;
}
