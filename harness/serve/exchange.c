/* SPDX-License-Identifier: Apache-2.0
 *
 * Challenges are given out, and messages are answered (SPEC 4.5, 4.6). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/answers.h"
#include "harness/serve/prescribe.h"
#include "harness/serve/routes.h"
#include "verify/envelope.h"

/* ---- A challenge ---- */

static const char bearer[] = "Bearer ";

/* A request that the key in it has signed, for this verifier. */
static enum assay_status request_read(const struct assay_server *server, const struct assay_request *request,
                                      uint8_t key[ASSAY_KEY_BYTES], char keyid[ASSAY_HEX_MAX],
                                      struct assay_error *error)
{
	struct assay_envelope envelope;
	uint8_t verifier[32];

	if (!assay_envelope_parse(&envelope, ASSAY_TYPE_REQUEST, request->body, request->len))
		return assay_fail(error, ASSAY_ERROR_INPUT, "request.malformed",
		                  "not an envelope of a request (SPEC 4.6, 8.1)");
	const bool good = assay_request_parse(key, verifier, envelope.payload, envelope.payload_len);
	if (good)
		assay_keyid(keyid, key);
	const bool is_signed = good && strcmp(keyid, envelope.keyid) == 0 && assay_envelope_signed_by(&envelope, key);
	free(envelope.payload);
	if (!good)
		return assay_fail(error, ASSAY_ERROR_INPUT, "request.malformed",
		                  "not a request: its members are key, type and verifier (SPEC 4.6)");
	if (!is_signed)
		return assay_fail(error, ASSAY_ERROR_INPUT, "request.signature",
		                  "the request is not signed by the key that it names");
	if (memcmp(verifier, server->keyid_bytes, sizeof verifier) != 0)
		return assay_fail(error, ASSAY_ERROR_INPUT, "request.verifier",
		                  "the request is for another verifier: get this one's key from /v1/key");
	return ASSAY_OK;
}

static enum assay_status token_check(struct assay_server *server, const char *authorization, uint64_t now_s,
                                     struct assay_token *token, struct assay_error *error)
{
	uint8_t hash[32];

	if (!authorization)
		return assay_fail(error, ASSAY_ERROR_INPUT, "token.missing",
		                  "no token: send the header Authorization: Bearer TOKEN");
	if (strncasecmp(authorization, bearer, strlen(bearer)) != 0)
		return assay_fail(error, ASSAY_ERROR_INPUT, "token.unknown",
		                  "not a token of this server: send the header Authorization: Bearer TOKEN");
	authorization += strlen(bearer);
	/* It is looked for by its hash, so that no time tells of the others. */
	crypto_hash_sha256(hash, (const uint8_t *)authorization, strlen(authorization));
	enum assay_status status = assay_store_token_find(server->store, token, hash, now_s, error);
	if (!status && !*token->name)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "token.unknown",
		                    "not a token of this server: ask its operator for one");
	if (!status && token->revoked_s)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "token.revoked",
		                    "the token is revoked: ask the server's operator for another one");
	return status;
}

/* A new challenge of the token for the key. */
static enum assay_status challenge_make(struct assay_server *server, const struct assay_token *token, const char *keyid,
                                        uint64_t now_s, char id[ASSAY_HEX_MAX], char **envelope,
                                        struct assay_error *error)
{
	struct assay_entry entry = {.issued_s = now_s};
	struct assay_challenge challenge;
	const struct assay_row *row;
	struct assay_ask ask;
	json_t *root;
	uint8_t digest[32];
	enum assay_status status = assay_prescribe_read(&ask, &root, token->terms, error);

	if (!status)
		status = assay_ask_make(&challenge, &row, &ask, server->secret.key, error);
	json_decref(root);
	if (!status)
		status = assay_ask_seal(envelope, &challenge, &server->secret, error);
	char *payload = status ? NULL : assay_challenge_text(&challenge);
	if (!status && !payload)
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	if (status)
		return status;
	crypto_hash_sha256(digest, (const uint8_t *)payload, strlen(payload));
	free(payload);
	assay_hex(id, digest);
	snprintf(entry.id, sizeof entry.id, "%s", id);
	snprintf(entry.token, sizeof entry.token, "%s", token->name);
	snprintf(entry.keyid, sizeof entry.keyid, "%s", keyid);
	entry.expires_s = challenge.expires;
	entry.total = assay_steps_of(&challenge);
	return assay_store_add(server->store, &entry, *envelope, error);
}

static enum assay_status limits_check(struct assay_server *server, const struct assay_token *token, const char *keyid,
                                      uint64_t now_s, struct assay_error *error)
{
	uint64_t of_key, of_all;
	char next[21];
	enum assay_status status = assay_store_under_way(server->store, &of_key, &of_all, keyid, now_s, error);

	assay_utc_text(next, token->day_first_s + ASSAY_DAY_S);
	if (!status && token->per_day && token->day >= token->per_day)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "token.quota",
		                    "the token is for %u challenges a day, and has had them: there is one again at %s",
		                    token->per_day, next);
	if (!status && of_key >= server->limits.key_challenges)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "challenge.limit",
		                    "the key has %u challenges under way: finish one, or wait until one has its "
		                    "verdict or expires",
		                    server->limits.key_challenges);
	if (!status && of_all >= ASSAY_UNDER_WAY_MAX)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "server.busy", "too much is under way: try again later");
	/* What is under way has the rest of the room. */
	if (!status && assay_objects_room(&server->objects) < server->limits.reserve_bytes)
		status = assay_fail(error, ASSAY_ERROR_IO, ASSAY_STORE_FULL);
	return status;
}

/* Everything or nothing. *again is true when the challenge is not new. */
static enum assay_status issue(struct assay_server *server, const struct assay_request *request,
                               struct assay_token *token, char id[ASSAY_HEX_MAX], bool *again, char **envelope,
                               struct assay_error *error)
{
	const uint64_t now_s = request->arrived_ns / 1000000000;
	struct assay_holder holder;
	uint8_t key[ASSAY_KEY_BYTES];
	char keyid[ASSAY_HEX_MAX];
	enum assay_status status = token_check(server, request->authorization, now_s, token, error);

	if (!status)
		status = request_read(server, request, key, keyid, error);
	if (!status)
		status = assay_store_key_find(server->store, &holder, keyid, error);
	if (!status && holder.revoked_s)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "key.revoked",
		                    "the key is revoked: ask the server's operator");
	if (!status)
		status = assay_store_key_enrol(server->store, token, keyid, key, now_s, error);
	if (!status)
		status = assay_store_waiting(server->store, id, keyid, token->name, now_s, error);
	*again = !status && *id;
	if (*again)
		return assay_store_envelope(server->store, envelope, id, error);
	if (!status)
		status = limits_check(server, token, keyid, now_s, error);
	return status ? status : challenge_make(server, token, keyid, now_s, id, envelope, error);
}

/* `more`: a challenge that is not in the token's count yet. */
static void quota_tell(struct assay_reply *reply, const struct assay_token *token, uint32_t more, uint64_t now_s)
{
	const uint32_t day = token->day + more;
	const uint64_t first_s = token->day ? token->day_first_s : now_s;

	reply->quota.most = token->per_day;
	reply->quota.left = day < token->per_day ? token->per_day - day : 0;
	reply->quota.reset_s = first_s + ASSAY_DAY_S > now_s ? (uint32_t)(first_s + ASSAY_DAY_S - now_s) : 1;
}

void assay_handle_issue(struct assay_server *server, struct assay_request *request, struct assay_reply *reply)
{
	const uint64_t now_s = request->arrived_ns / 1000000000;
	struct assay_error error;
	struct assay_token token;
	char *envelope = NULL;
	bool again = false;

	pthread_mutex_lock(&server->mutex);
	enum assay_status status = assay_store_begin(server->store, &error);
	if (!status)
		status = assay_store_finish(
		    server->store, issue(server, request, &token, request->id, &again, &envelope, &error), &error);
	pthread_mutex_unlock(&server->mutex);
	if (status) {
		*request->id = '\0';
		assay_reply_refuse(reply, error.reason, error.text);
		if (strcmp(reply->reason, "token.quota") == 0) {
			quota_tell(reply, &token, 0, now_s);
			reply->retry_after_s = reply->quota.reset_s;
		}
	} else {
		quota_tell(reply, &token, !again, now_s);
		assay_reply_text(reply, again ? 200 : 201, "application/json", envelope, strlen(envelope));
		snprintf(reply->location, sizeof reply->location, "/v1/challenges/%s", request->id);
	}
	free(envelope);
}

/* ---- Messages ---- */

bool assay_entry_find(struct assay_server *server, const struct assay_request *request, struct assay_entry *entry,
                      struct assay_reply *reply)
{
	struct assay_error error;

	if (assay_store_find(server->store, entry, request->id, &error) != ASSAY_OK)
		assay_reply_refuse(reply, error.reason, error.text);
	else if (!*entry->id)
		assay_reply_refuse(reply, "challenge.unknown", "there is no such challenge: ask for one");
	else
		return true;
	return false;
}

bool assay_entry_over(const struct assay_entry *entry, uint64_t at_ns)
{
	const struct assay_challenge challenge = {.expires = entry->expires_s};

	return assay_steps_over(&challenge, at_ns);
}

uint64_t assay_late_since_s(const struct assay_server *server, uint64_t at_ns)
{
	return at_ns / 1000000000 < server->started_s + server->limits.late_s ? server->started_s : 0;
}

bool assay_entry_late(const struct assay_server *server, const struct assay_entry *entry, uint64_t at_ns)
{
	const bool was_away = entry->issued_s < assay_late_since_s(server, at_ns) && entry->steps == entry->total;

	return assay_entry_over(entry, at_ns) && !was_away;
}

enum assay_status assay_entry_challenge(struct assay_server *server, const char *id, struct assay_challenge *challenge,
                                        uint8_t digest[32], struct assay_error *error)
{
	struct assay_envelope envelope;
	char *text, detail[200];
	enum assay_status status = assay_store_envelope(server->store, &text, id, error);

	if (status)
		return status;
	if (!assay_envelope_parse(&envelope, ASSAY_TYPE_CHALLENGE, text, strlen(text))) {
		free(text);
		return assay_fail(error, ASSAY_ERROR_IO, "store.failed", "a stored challenge is damaged");
	}
	crypto_hash_sha256(digest, envelope.payload, envelope.payload_len);
	if (assay_challenge_parse(challenge, envelope.payload, envelope.payload_len, detail, sizeof detail))
		status = assay_fail(error, ASSAY_ERROR_IO, "store.failed", "a stored challenge is damaged");
	free(envelope.payload);
	free(text);
	return status;
}

static enum assay_status step_restore(void *context, const char *message, const char *receipt,
                                      struct assay_error *error)
{
	return assay_answers_restore(context, message, strlen(message), receipt, strlen(receipt), error);
}

/* The receipt does not exist before it is on the disk. */
struct keeper {
	struct assay_server *server;
	const char *id;
};

static enum assay_status step_keep(void *context, const struct assay_answers *answers, struct assay_error *error)
{
	const struct keeper *keeper = context;
	const uint32_t last = answers->count - 1;

	return assay_store_step_add(keeper->server->store, keeper->id, last, answers->messages[last],
	                            answers->receipts[last], error);
}

/* Without the store: what the key that the challenge is for has signed. In the order of SPEC 4.5. */
static enum assay_status message_check(const struct assay_entry *entry, const struct assay_request *request,
                                       struct assay_step *step, struct assay_error *error)
{
	char challenge[ASSAY_HEX_MAX];
	/* In a store that was restored, before its time. */
	const bool has_ended = entry->stage == ASSAY_STAGE_UNFINISHED || entry->stage == ASSAY_STAGE_EXPIRED;

	if (has_ended || assay_entry_over(entry, request->arrived_ns))
		return assay_fail(error, ASSAY_ERROR_INPUT, "exchange.expired",
		                  "the challenge has expired, and nothing is answered any more: ask for a new one");
	enum assay_status status = assay_message_read(step, request->body, request->len, error);
	if (status)
		return status;
	assay_hex(challenge, step->challenge);
	if (strcmp(challenge, entry->id) != 0)
		return assay_fail(error, ASSAY_ERROR_INPUT, "exchange.challenge",
		                  "the message is of another challenge");
	if (memcmp(step->key, entry->key, ASSAY_KEY_BYTES) != 0)
		return assay_fail(error, ASSAY_ERROR_INPUT, "exchange.conflict",
		                  "the challenge is for the key that asked for it: ask for one with this key");
	return ASSAY_OK;
}

static void answer(struct assay_server *server, const struct assay_request *request, const struct assay_step *step,
                   struct assay_reply *reply)
{
	struct keeper keeper = {server, request->id};
	struct assay_challenge challenge;
	struct assay_answers answers = {
	    .challenge = &challenge, .secret = &server->secret, .keep = step_keep, .context = &keeper};
	struct assay_error error;
	const char *receipt;
	enum assay_status status = assay_entry_challenge(server, request->id, &challenge, answers.digest, &error);

	if (!status)
		status = assay_store_steps(server->store, request->id, step_restore, &answers, &error);
	/* A commitment is there when its message has come; a nonce goes out only now. */
	if (!status)
		status = assay_answer(&answers, request->body, request->len,
		                      step->is_commit ? request->arrived_ns : assay_now_ns(), &receipt, &error);
	if (status)
		assay_reply_refuse(reply, error.reason, error.text);
	else
		assay_reply_text(reply, 200, "application/json", receipt, strlen(receipt));
	assay_answers_close(&answers);
}

void assay_handle_message(struct assay_server *server, struct assay_request *request, struct assay_reply *reply)
{
	struct assay_entry entry;
	struct assay_error error;
	struct assay_step step;

	pthread_mutex_lock(&server->mutex);
	const bool found = assay_entry_find(server, request, &entry, reply);
	pthread_mutex_unlock(&server->mutex);
	if (!found)
		return;
	if (entry.revoked) {
		assay_reply_refuse(reply, "key.revoked", "the key is revoked: ask the server's operator");
		return;
	}
	if (message_check(&entry, request, &step, &error) != ASSAY_OK) {
		assay_reply_refuse(reply, error.reason, error.text);
		return;
	}
	pthread_mutex_lock(&server->mutex);
	answer(server, request, &step, reply);
	pthread_mutex_unlock(&server->mutex);
}
