/* SPDX-License-Identifier: Apache-2.0
 *
 * What a server tells: keys, states, stored bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/measure.h"
#include "harness/serve/routes.h"
#include "verify/key.h"

static void refuse(struct assay_reply *reply, const struct assay_error *error)
{
	assay_reply_refuse(reply, error->reason, error->text);
}

void assay_handle_key(struct assay_server *server, struct assay_request *request, struct assay_reply *reply)
{
	char pem[ASSAY_PEM_MAX];

	(void)request;
	assay_key_pem(pem, server->secret.key);
	assay_reply_text(reply, 200, "application/x-pem-file", pem, strlen(pem));
}

void assay_handle_openapi(struct assay_server *server, struct assay_request *request, struct assay_reply *reply)
{
	(void)server, (void)request;
	assay_reply_text(reply, 200, "application/json", (const char *)assay_openapi, assay_openapi_len);
}

void assay_handle_health(struct assay_server *server, struct assay_request *request, struct assay_reply *reply)
{
	struct assay_error error;

	(void)request;
	pthread_mutex_lock(&server->mutex);
	enum assay_status status = assay_store_check(server->store, &error);
	pthread_mutex_unlock(&server->mutex);
	if (status)
		refuse(reply, &error);
	else
		assay_reply_json(reply, 200, json_pack("{s:s}", "status", "ok"));
}

/* Under the mutex. Counting goes over the whole store, and anybody may ask for it: it takes at most a twentieth of the
 * time. */
static enum assay_status totals_find(struct assay_server *server, struct assay_totals *totals,
                                     struct assay_error *error)
{
	const uint64_t began_ns = assay_clock_ns();
	enum assay_status status = ASSAY_OK;

	if (began_ns >= server->totals_until_ns) {
		status = assay_store_totals(server->store, &server->totals, error);
		const uint64_t ended_ns = assay_clock_ns();
		server->totals_until_ns = status ? 0 : ended_ns + 20 * (ended_ns - began_ns);
	}
	*totals = server->totals;
	return status;
}

void assay_handle_metrics(struct assay_server *server, struct assay_request *request, struct assay_reply *reply)
{
	struct assay_totals totals;
	struct assay_error error;

	(void)request;
	pthread_mutex_lock(&server->mutex);
	enum assay_status status = totals_find(server, &totals, &error);
	pthread_mutex_unlock(&server->mutex);
	char *text =
	    status ? NULL : assay_metrics_text(&server->metrics, &totals, assay_objects_room(&server->objects));
	if (!status && !text)
		status = assay_fail(&error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	if (status)
		refuse(reply, &error);
	else
		assay_reply_text(reply, 200, "text/plain; version=0.0.4; charset=utf-8", text, strlen(text));
	free(text);
}

/* ---- A challenge ---- */

const char *assay_state_name(const struct assay_entry *entry)
{
	static const char *const names[ASSAY_STAGE_COUNT] = {NULL,     "submitted",  "judged",
	                                                     "silent", "unfinished", "expired"};

	if (entry->stage != ASSAY_STAGE_OPEN)
		return names[entry->stage];
	return entry->steps == 0 ? "issued" : entry->steps < entry->total ? "begun" : "drawn";
}

json_t *assay_state_json(const struct assay_entry *entry)
{
	char issued[21], expires[21];

	assay_utc_text(issued, entry->issued_s);
	assay_utc_text(expires, entry->expires_s);
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:s?,s:s?}", "id", entry->id, "keyid", entry->keyid, "issued",
	                 issued, "expires", expires, "state", assay_state_name(entry), "steps", (int)entry->steps,
	                 "stepsTotal", (int)entry->total, "outcome", *entry->outcome ? entry->outcome : NULL, "reason",
	                 *entry->reason ? entry->reason : NULL);
}

/* The entry, or a refusal. */
static bool find(struct assay_server *server, const struct assay_request *request, struct assay_entry *entry,
                 struct assay_reply *reply)
{
	pthread_mutex_lock(&server->mutex);
	const bool found = assay_entry_find(server, request, entry, reply);
	pthread_mutex_unlock(&server->mutex);
	return found;
}

void assay_handle_state(struct assay_server *server, struct assay_request *request, struct assay_reply *reply)
{
	struct assay_entry entry;

	if (find(server, request, &entry, reply))
		assay_reply_json(reply, 200, assay_state_json(&entry));
}

void assay_handle_challenge(struct assay_server *server, struct assay_request *request, struct assay_reply *reply)
{
	struct assay_error error;
	char *envelope = NULL;

	pthread_mutex_lock(&server->mutex);
	enum assay_status status = assay_store_envelope(server->store, &envelope, request->id, &error);
	pthread_mutex_unlock(&server->mutex);
	if (status)
		refuse(reply, &error);
	else if (!*envelope)
		assay_reply_refuse(reply, ASSAY_OBJECT_PRUNED);
	else
		assay_reply_text(reply, 200, "application/json", envelope, strlen(envelope));
	free(envelope);
}

struct text {
	char *bytes;
	size_t len;
};

static enum assay_status receipt_append(void *context, const char *message, const char *receipt,
                                        struct assay_error *error)
{
	struct text *text = context;
	const size_t len = strlen(receipt);

	(void)message;
	char *more = realloc(text->bytes, text->len + len + 1);
	if (!more)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	memcpy(more + text->len, receipt, len + 1);
	text->bytes = more;
	text->len += len;
	return ASSAY_OK;
}

enum assay_status assay_receipts_join(struct assay_server *server, const char *id, char **text, size_t *len,
                                      struct assay_error *error)
{
	struct text all = {calloc(1, 1), 0};
	enum assay_status status =
	    all.bytes ? ASSAY_OK : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");

	if (!status)
		status = assay_store_steps(server->store, id, receipt_append, &all, error);
	*text = all.bytes;
	*len = all.len;
	return status;
}

void assay_handle_receipts(struct assay_server *server, struct assay_request *request, struct assay_reply *reply)
{
	struct assay_entry entry;
	struct assay_error error;
	char *text = NULL;
	size_t len;

	pthread_mutex_lock(&server->mutex);
	if (assay_entry_find(server, request, &entry, reply)) {
		if (entry.pruned == ASSAY_PRUNED_ALL)
			assay_reply_refuse(reply, ASSAY_OBJECT_PRUNED);
		else if (assay_receipts_join(server, request->id, &text, &len, &error) == ASSAY_OK)
			assay_reply_text(reply, 200, "application/jsonl", text, len);
		else
			refuse(reply, &error);
	}
	pthread_mutex_unlock(&server->mutex);
	free(text);
}

/* What is there of it: `missing` says that nothing is, `pruned` that something was. */
static void object_reply(const struct assay_server *server, const char *digest, const char *type, const char *missing,
                         bool pruned, struct assay_reply *reply)
{
	struct assay_error error;
	uint64_t len;

	if (pruned) {
		assay_reply_refuse(reply, ASSAY_OBJECT_PRUNED);
		return;
	}
	if (!*digest) {
		assay_reply_refuse(reply, "object.missing", missing);
		return;
	}
	const int file = assay_objects_read(&server->objects, digest, &len, &error);
	if (file < 0)
		refuse(reply, &error);
	else
		assay_reply_file(reply, 200, type, file, len);
}

void assay_handle_attestation_get(struct assay_server *server, struct assay_request *request, struct assay_reply *reply)
{
	struct assay_entry entry;

	if (find(server, request, &entry, reply))
		object_reply(server, entry.attestation, "application/json", "there is no attestation of this challenge",
		             entry.pruned == ASSAY_PRUNED_ALL, reply);
}

void assay_handle_transcript_get(struct assay_server *server, struct assay_request *request, struct assay_reply *reply)
{
	struct assay_entry entry;

	/* An open one has its name at most. */
	if (find(server, request, &entry, reply))
		object_reply(server, assay_entry_is_complete(&entry) ? entry.transcript : "",
		             "application/octet-stream", "there is no transcript of this challenge",
		             assay_entry_is_complete(&entry) && entry.pruned, reply);
}

void assay_handle_verdict(struct assay_server *server, struct assay_request *request, struct assay_reply *reply)
{
	struct assay_entry entry;

	if (!find(server, request, &entry, reply))
		return;
	if (*entry.verdict)
		object_reply(server, entry.verdict, "application/json", "", false, reply);
	else if (entry.pruned == ASSAY_PRUNED_ALL)
		assay_reply_refuse(reply, ASSAY_OBJECT_PRUNED);
	else if (entry.stage == ASSAY_STAGE_EXPIRED)
		assay_reply_refuse(reply, "exchange.expired",
		                   "the challenge expired before anything was begun: ask for a new one");
	else
		assay_reply_json(reply, 202, assay_state_json(&entry));
}

/* ---- Keys ---- */

json_t *assay_time_json(uint64_t seconds)
{
	char text[21];

	if (!seconds)
		return json_null();
	assay_utc_text(text, seconds);
	return json_string(text);
}

json_t *assay_holder_json(const struct assay_holder *holder)
{
	return json_pack(
	    "{s:s,s:o,s:o,s:s?,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "keyid", holder->keyid, "enrolled",
	    assay_time_json(holder->enrolled_s), "revoked", assay_time_json(holder->revoked_s), "revokedReason",
	    holder->revoked_s ? holder->why : NULL, "pass", (json_int_t)holder->outcomes[ASSAY_PASS], "fail",
	    (json_int_t)holder->outcomes[ASSAY_FAIL], "inconclusive", (json_int_t)holder->outcomes[ASSAY_INCONCLUSIVE],
	    "malformed", (json_int_t)holder->outcomes[ASSAY_MALFORMED], "silent",
	    (json_int_t)holder->stages[ASSAY_STAGE_SILENT], "unfinished",
	    (json_int_t)holder->stages[ASSAY_STAGE_UNFINISHED], "drawn", (json_int_t)holder->drawn, "submitted",
	    (json_int_t)holder->stages[ASSAY_STAGE_SUBMITTED], "identityCollisions", (json_int_t)holder->collisions);
}

void assay_handle_holder(struct assay_server *server, struct assay_request *request, struct assay_reply *reply)
{
	struct assay_holder holder;
	struct assay_error error;

	pthread_mutex_lock(&server->mutex);
	enum assay_status status = assay_store_key_find(server->store, &holder, request->id, &error);
	pthread_mutex_unlock(&server->mutex);
	if (status)
		refuse(reply, &error);
	else if (!*holder.keyid)
		assay_reply_refuse(reply, "key.unknown", "no such key has asked for a challenge");
	else
		assay_reply_json(reply, 200, assay_holder_json(&holder));
}

static void revoked_append(void *context, const struct assay_holder *holder)
{
	json_array_append_new(context, json_pack("{s:s,s:o,s:s}", "keyid", holder->keyid, "revoked",
	                                         assay_time_json(holder->revoked_s), "reason", holder->why));
}

void assay_handle_revocations(struct assay_server *server, struct assay_request *request, struct assay_reply *reply)
{
	struct assay_error error;
	json_t *keys = json_array();

	(void)request;
	pthread_mutex_lock(&server->mutex);
	enum assay_status status = assay_store_keys(server->store, true, revoked_append, keys, &error);
	pthread_mutex_unlock(&server->mutex);
	if (status) {
		json_decref(keys);
		refuse(reply, &error);
	} else
		assay_reply_json(reply, 200, json_pack("{s:o}", "keys", keys));
}
