/* SPDX-License-Identifier: Apache-2.0
 *
 * The attestation and the transcript of a challenge come in (SPEC 4.6). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/serve/routes.h"
#include "verify/envelope.h"
#include "verify/statement.h"
#include "verify/transcript.h"

static void refuse_over(struct assay_reply *reply)
{
	assay_reply_refuse(reply, "exchange.expired",
	                   "the challenge has expired, and nothing is taken any more: ask for a new one");
}

bool assay_entry_is_complete(const struct assay_entry *entry)
{
	return entry->stage == ASSAY_STAGE_SUBMITTED || entry->stage == ASSAY_STAGE_JUDGED;
}

/* Under the mutex: one upload a challenge at a time. */
static bool place_take(struct assay_server *server, struct assay_request *request)
{
	size_t place = ASSAY_UPLOADS_MAX;

	for (size_t i = 0; i < ASSAY_UPLOADS_MAX; i++) {
		if (strcmp(server->uploads[i], request->id) == 0)
			return false;
		if (!*server->uploads[i])
			place = i;
	}
	if (place == ASSAY_UPLOADS_MAX)
		return false;
	memcpy(server->uploads[place], request->id, ASSAY_HEX_MAX);
	request->uploads = true;
	return true;
}

void assay_upload_release(struct assay_server *server, struct assay_request *request)
{
	if (!request->uploads)
		return;
	pthread_mutex_lock(&server->mutex);
	for (size_t i = 0; i < ASSAY_UPLOADS_MAX; i++)
		if (strcmp(server->uploads[i], request->id) == 0)
			*server->uploads[i] = '\0';
	pthread_mutex_unlock(&server->mutex);
	request->uploads = false;
}

/* Bytes of the longest transcript that answers a challenge (SPEC 7). */
static uint64_t transcript_most(const struct assay_challenge *challenge)
{
	uint64_t bytes = 8 + 4 + ASSAY_CHALLENGE_BYTES_MAX + 4 + ASSAY_DEVICES_BYTES_MAX + 32;

	for (uint32_t j = 0; j < challenge->segment_count; j++) {
		const struct assay_segment *segment = &challenge->segments[j];
		const uint64_t rounds = segment->rounds ? segment->rounds : ASSAY_ROUNDS_MAX;
		bytes += challenge->devices *
		         (4 + rounds * 40 +
		          (uint64_t)challenge->samples * segment->work->depth(&segment->params) * ASSAY_HASH_BYTES);
	}
	return bytes;
}

/* Before the body: what may come, and a file for it. A complete challenge takes nothing more, but says so again. */
static void begin(struct assay_server *server, struct assay_request *request, bool is_transcript,
                  struct assay_reply *reply)
{
	struct assay_challenge challenge;
	struct assay_entry entry;
	struct assay_error error;
	uint8_t digest[32];

	request->most = ASSAY_ENVELOPE_BYTES_MAX;
	request->incoming.file = -1;
	crypto_hash_sha256_init(&request->incoming.state);
	if (!assay_entry_find(server, request, &entry, reply))
		return;
	if (assay_entry_is_complete(&entry) && entry.pruned) {
		assay_reply_refuse(reply, ASSAY_OBJECT_PRUNED);
		return;
	}
	if (entry.revoked && !assay_entry_is_complete(&entry)) {
		assay_reply_refuse(reply, "key.revoked", "the key is revoked: ask the server's operator");
		return;
	}
	if (!assay_entry_is_complete(&entry) &&
	    (entry.stage != ASSAY_STAGE_OPEN || assay_entry_late(server, &entry, assay_now_ns()))) {
		refuse_over(reply);
		return;
	}
	if (is_transcript && !*entry.attestation) {
		assay_reply_refuse(reply, "attestation.missing", "the attestation comes first: put it");
		return;
	}
	enum assay_status status = ASSAY_OK;
	if (is_transcript) {
		status = assay_entry_challenge(server, request->id, &challenge, digest, &error);
		request->most = status ? 0 : transcript_most(&challenge);
		if (request->most > server->limits.transcript_bytes)
			request->most = server->limits.transcript_bytes;
	}
	if (!status && !assay_entry_is_complete(&entry) && !place_take(server, request))
		status = assay_fail(&error, ASSAY_ERROR_IO, "server.busy",
		                    "a file of this challenge is coming already, or too many are: try again later");
	if (!status && !assay_entry_is_complete(&entry))
		status = assay_incoming_open(&request->incoming, &server->objects, &error);
	if (status)
		assay_reply_refuse(reply, error.reason, error.text);
}

void assay_begin_attestation(struct assay_server *server, struct assay_request *request, struct assay_reply *reply)
{
	pthread_mutex_lock(&server->mutex);
	begin(server, request, false, reply);
	pthread_mutex_unlock(&server->mutex);
}

void assay_begin_transcript(struct assay_server *server, struct assay_request *request, struct assay_reply *reply)
{
	pthread_mutex_lock(&server->mutex);
	begin(server, request, true, reply);
	pthread_mutex_unlock(&server->mutex);
}

/* ---- The attestation ---- */

static enum assay_status refuse(struct assay_error *error, const char *what)
{
	return assay_fail(error, ASSAY_ERROR_INPUT, "attestation.refused", "%s", what);
}

/* That it is the key's, of this challenge; and which transcript it names. */
static enum assay_status attestation_check(const struct assay_entry *entry, const char *text, size_t len,
                                           char transcript[ASSAY_HEX_MAX], struct assay_error *error)
{
	struct assay_envelope envelope;
	struct assay_statement statement;
	char challenge[ASSAY_HEX_MAX];
	enum assay_status status = ASSAY_OK;

	if (entry->steps < entry->total)
		return refuse(error, "the exchange is not over: the attestation comes after the last receipt");
	if (!assay_envelope_parse(&envelope, ASSAY_TYPE_STATEMENT, text, len))
		return refuse(error, "not an attestation (SPEC 8.1); it was damaged: send it again");
	if (strcmp(envelope.keyid, entry->keyid) != 0 || !assay_envelope_signed_by(&envelope, entry->key))
		status = refuse(error, "the attestation is not signed by the key that the challenge is for");
	else if (assay_statement_parse(&statement, envelope.payload, envelope.payload_len))
		status = refuse(error, "the statement is not in the form of SPEC 8.2");
	free(envelope.payload);
	if (status)
		return status;
	assay_hex(challenge, statement.challenge_digest);
	assay_hex(transcript, statement.transcript_digest);
	if (strcmp(statement.mode, "verifier") != 0 || strcmp(challenge, entry->id) != 0)
		status = refuse(error, "the attestation is of another challenge");
	json_decref(statement.root);
	return status;
}

/* What came, from its file; to be released with free(). */
static char *incoming_read(const struct assay_incoming *incoming)
{
	char *text = malloc(incoming->len + 1);
	size_t len = 0;

	while (text && len < incoming->len) {
		const ssize_t got = pread(incoming->file, text + len, incoming->len - len, (off_t)len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			free(text);
			return NULL;
		}
		len += (size_t)got;
	}
	return text;
}

/* File and row together, as everywhere: see store.h. */
static enum assay_status attestation_keep(struct assay_server *server, struct assay_request *request,
                                          const struct assay_entry *entry, const char *digest, const char *transcript,
                                          struct assay_error *error)
{
	enum assay_status status = assay_incoming_keep(&request->incoming, &server->objects, error);

	return status ? status : assay_store_attest(server->store, entry->id, digest, transcript, error);
}

static enum assay_status attestation_take(struct assay_server *server, struct assay_request *request,
                                          const struct assay_entry *entry, const char *digest,
                                          struct assay_error *error)
{
	char transcript[ASSAY_HEX_MAX], before[ASSAY_PATH_MAX];

	char *text = incoming_read(&request->incoming);
	if (!text)
		return assay_fail(error, ASSAY_ERROR_IO, "io.read", "a file of the store: %s", strerror(errno));
	enum assay_status status = attestation_check(entry, text, request->incoming.len, transcript, error);
	free(text);
	if (!status)
		status = assay_incoming_sync(&request->incoming, error);
	if (status)
		return status;
	pthread_mutex_lock(&server->mutex);
	status = assay_store_begin(server->store, error);
	if (!status)
		status = assay_store_finish(server->store,
		                            attestation_keep(server, request, entry, digest, transcript, error), error);
	pthread_mutex_unlock(&server->mutex);
	/* An earlier one is nobody's any more. */
	if (!status && *entry->attestation && strcmp(entry->attestation, digest) != 0) {
		assay_objects_path(before, &server->objects, entry->attestation);
		unlink(before);
	}
	return status;
}

/* The entry as it is now, and the digest of what has come; or a refusal. */
static bool entry_again(struct assay_server *server, struct assay_request *request, struct assay_entry *entry,
                        char digest[ASSAY_HEX_MAX], struct assay_reply *reply)
{
	assay_incoming_digest(&request->incoming, digest);
	pthread_mutex_lock(&server->mutex);
	const bool found = assay_entry_find(server, request, entry, reply);
	pthread_mutex_unlock(&server->mutex);
	if (!found)
		return false;
	if (assay_entry_is_complete(entry))
		return true;
	if (entry->revoked)
		assay_reply_refuse(reply, "key.revoked", "the key is revoked: ask the server's operator");
	else if (entry->stage != ASSAY_STAGE_OPEN || assay_entry_late(server, entry, request->arrived_ns))
		refuse_over(reply);
	else if (request->incoming.file < 0)
		assay_reply_refuse(reply, "server.busy", "it is not clear what has come: try again");
	else
		return true;
	return false;
}

void assay_handle_attestation(struct assay_server *server, struct assay_request *request, struct assay_reply *reply)
{
	struct assay_entry entry;
	struct assay_error error;
	char digest[ASSAY_HEX_MAX];

	if (!entry_again(server, request, &entry, digest, reply))
		return;
	if (assay_entry_is_complete(&entry) && strcmp(digest, entry.attestation) != 0)
		assay_reply_refuse(reply, "attestation.conflict",
		                   "another attestation of this challenge is complete, and stays");
	else if (!assay_entry_is_complete(&entry) &&
	         attestation_take(server, request, &entry, digest, &error) != ASSAY_OK)
		assay_reply_refuse(reply, error.reason, error.text);
	else
		assay_reply_text(reply, 204, NULL, "", 0);
}

/* ---- The transcript ---- */

/* That it is of this challenge and key: a verifier cannot tell that of any other file, or of a newer version, and
 * whoever does not like its draw would hand that in. */
static enum assay_status transcript_check(const struct assay_incoming *incoming, const struct assay_entry *entry,
                                          struct assay_error *error)
{
	struct assay_transcript transcript;
	enum assay_reason reason;
	uint8_t digest[32];
	char challenge[ASSAY_HEX_MAX] = "";
	enum assay_status status = assay_transcript_open(&transcript, incoming->path, &reason, error);

	if (!status && !reason) {
		crypto_hash_sha256(digest, transcript.challenge, transcript.challenge_len);
		assay_hex(challenge, digest);
	}
	if (!status && (strcmp(challenge, entry->id) != 0 || memcmp(transcript.key, entry->key, ASSAY_KEY_BYTES) != 0))
		status = assay_fail(error, ASSAY_ERROR_INPUT, "transcript.refused",
		                    "not a transcript of this challenge by its key (SPEC 7.1): put that one, after an "
		                    "attestation that names it");
	assay_transcript_close(&transcript);
	return status;
}

/* Transcript, receipts and the row: then it is complete. */
static enum assay_status transcript_keep(struct assay_server *server, struct assay_request *request,
                                         const struct assay_entry *entry, struct assay_error *error)
{
	char receipts[ASSAY_HEX_MAX], *text = NULL;
	size_t len;
	enum assay_status status = assay_incoming_keep(&request->incoming, &server->objects, error);

	if (!status)
		status = assay_receipts_join(server, entry->id, &text, &len, error);
	if (!status)
		status = assay_objects_put(&server->objects, text, len, receipts, error);
	if (!status)
		status =
		    assay_store_submit(server->store, entry->id, receipts, request->arrived_ns / 1000000000, error);
	free(text);
	return status;
}

static enum assay_status transcript_take(struct assay_server *server, struct assay_request *request,
                                         const struct assay_entry *entry, struct assay_error *error)
{
	enum assay_status status = transcript_check(&request->incoming, entry, error);

	if (!status)
		status = assay_incoming_sync(&request->incoming, error);
	if (status)
		return status;
	pthread_mutex_lock(&server->mutex);
	status = assay_store_begin(server->store, error);
	if (!status)
		status = assay_store_finish(server->store, transcript_keep(server, request, entry, error), error);
	if (!status)
		pthread_cond_signal(&server->work);
	pthread_mutex_unlock(&server->mutex);
	return status;
}

void assay_handle_transcript(struct assay_server *server, struct assay_request *request, struct assay_reply *reply)
{
	struct assay_entry entry;
	struct assay_error error;
	char digest[ASSAY_HEX_MAX];

	if (!entry_again(server, request, &entry, digest, reply))
		return;
	if (strcmp(digest, entry.transcript) != 0) {
		assay_reply_refuse(reply, "transcript.digest",
		                   "not the transcript that the attestation names: put that one, or the attestation "
		                   "again");
		return;
	}
	if (!assay_entry_is_complete(&entry) && transcript_take(server, request, &entry, &error) != ASSAY_OK) {
		assay_reply_refuse(reply, error.reason, error.text);
		return;
	}
	pthread_mutex_lock(&server->mutex);
	if (assay_entry_find(server, request, &entry, reply))
		assay_reply_json(reply, 202, assay_state_json(&entry));
	pthread_mutex_unlock(&server->mutex);
}
