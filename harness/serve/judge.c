/* SPDX-License-Identifier: Apache-2.0
 *
 * What is submitted is verified, and what has expired is ended (SPEC 4.6, 10). The queue is the store's: what was not
 * verified when the process ended is verified by the next one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/measure.h"
#include "harness/serve/claims.h"
#include "harness/serve/routes.h"

enum {
	PAUSE_S = 10, /* for something to verify, and when the store cannot be used */
	SWEEP_MS = 250,
};

static struct {
	pthread_t threads[ASSAY_VERIFIERS_MAX], sweeper;
	struct judge {
		struct assay_server *server;
		uint32_t number;
	} each[ASSAY_VERIFIERS_MAX];
	uint32_t count;
	bool sweeps;
} judges;

/* ---- Verdicts ---- */

/* The first reason that is as grave as the verdict: a short run is not why a key failed. */
static const char *reason_of(const struct assay_verdict *verdict)
{
	for (int id = 0; id <= ASSAY_CHECK_COUNT; id++) {
		const enum assay_reason reason =
		    id < ASSAY_CHECK_COUNT ? verdict->checks[id].reason : verdict->claims_check.reason;
		if (reason && assay_reason_outcome(reason) == verdict->outcome)
			return assay_reason_name(reason);
	}
	return "";
}

static enum assay_status verify(struct assay_server *server, const struct assay_entry *entry,
                                const struct assay_claims *claims, uint64_t budget, struct assay_verdict *verdict)
{
	char attestation[ASSAY_PATH_MAX], transcript[ASSAY_PATH_MAX], receipts[ASSAY_PATH_MAX];
	const struct assay_policy policy = {.trusted = (const uint8_t(*)[ASSAY_KEY_BYTES])entry->key,
	                                    .trusted_count = 1,
	                                    .verifiers = (const uint8_t(*)[ASSAY_KEY_BYTES])server->secret.key,
	                                    .verifiers_count = 1,
	                                    .receipts = receipts,
	                                    .budget = budget,
	                                    .claims = claims->count ? claims : NULL};

	assay_objects_path(attestation, &server->objects, entry->attestation);
	assay_objects_path(transcript, &server->objects, entry->transcript);
	assay_objects_path(receipts, &server->objects, entry->receipts);
	return assay_verify(verdict, attestation, transcript, &policy);
}

/* Its text, which is released. */
static enum assay_status verdict_put(const struct assay_server *server, char *json, char object[ASSAY_HEX_MAX],
                                     struct assay_error *error)
{
	enum assay_status status = json ? assay_objects_put(&server->objects, json, strlen(json), object, error)
	                                : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");

	free(json);
	return status;
}

/* The verdict, and the devices that were shown. */
static enum assay_status verdict_keep(struct assay_server *server, const struct assay_entry *entry,
                                      const struct assay_verdict *verdict, struct assay_error *error)
{
	const bool shown = verdict->assurance && strcmp(verdict->assurance, "time-bracketed") == 0;
	char object[ASSAY_HEX_MAX];
	enum assay_status status = verdict_put(server, assay_verdict_json(verdict), object, error);

	for (uint32_t d = 0; !status && shown && d < verdict->device_count; d++)
		if (*verdict->devices[d].id)
			status = assay_store_device_add(server->store, verdict->devices[d].id, entry->keyid, entry->id,
			                                error);
	return status ? status
	              : assay_store_end(server->store, entry->id, ASSAY_STAGE_JUDGED, object,
	                                assay_outcome_name(verdict->outcome), reason_of(verdict),
	                                assay_now_ns() / 1000000000, error);
}

/* *told is what a verification came to; what cannot be kept of it is no fault of its own. */
static enum assay_status judge(struct assay_server *server, const struct assay_entry *entry, bool *told,
                               struct assay_error *error)
{
	struct assay_claims claims = {.catalogue = server->catalogue};
	struct assay_challenge challenge;
	struct assay_verdict verdict;
	uint8_t digest[32];

	*told = false;
	pthread_mutex_lock(&server->mutex);
	enum assay_status status = assay_entry_challenge(server, entry->id, &challenge, digest, error);
	if (!status)
		status = assay_said_find(&claims, server->store, entry->token, error);
	pthread_mutex_unlock(&server->mutex);
	if (status)
		return status;
	const uint64_t began_ns = assay_clock_ns();
	/* The server asked for it, whatever it costs. */
	status = verify(server, entry, &claims, assay_challenge_cost(&challenge), &verdict);
	if (status) {
		*error = verdict.error;
		assay_verdict_close(&verdict);
		return status;
	}
	*told = true;
	assay_metrics_verified(&server->metrics, assay_clock_ns() - began_ns);
	pthread_mutex_lock(&server->mutex);
	status = assay_store_begin(server->store, error);
	if (!status)
		status = assay_store_finish(server->store, verdict_keep(server, entry, &verdict, error), error);
	pthread_mutex_unlock(&server->mutex);
	if (!status)
		assay_log("verdict", entry->id, "%s %s", assay_outcome_name(verdict.outcome), reason_of(&verdict));
	assay_verdict_close(&verdict);
	return status;
}

/* ---- Ends without a verification ---- */

struct ending {
	enum assay_stage stage;
	const char *outcome, *reason, *text;
};

static const struct ending
    not_begun = {ASSAY_STAGE_EXPIRED, "", "", ""},
    opening_missing = {ASSAY_STAGE_SILENT, "fail", "opening.missing",
                       "the key had all receipts, and its files were not there in time"},
    unfinished = {ASSAY_STAGE_UNFINISHED, "inconclusive", "exchange.unfinished",
                  "the key did not come to the end of the exchange in time"},
    forgotten = {ASSAY_STAGE_UNFINISHED, "inconclusive", "exchange.unfinished",
                 "the server does not know what was said last, which is no fault of the key: ask for a new challenge"},
    not_verified = {ASSAY_STAGE_JUDGED, "inconclusive", "verification.failed",
                    "the server could not verify what it has, which is no fault of the key: ask for a new challenge"};

/* A verdict in the form of SPEC 10.4. */
static char *ending_json(const struct assay_entry *entry, const struct ending *ending)
{
	const struct assay_verdict nothing = {.assurance = NULL};
	char *json = assay_verdict_json(&nothing), *line = NULL;
	json_t *object = json && *json ? assay_json_parse(json, strlen(json) - 1) : NULL;

	free(json);
	if (!object)
		return NULL;
	json_object_set_new(object, "verdict", json_string(ending->outcome));
	json_object_set_new(object, "keyid", json_string(entry->keyid));
	json_object_set_new(object, "mode", json_string("verifier"));
	json_object_set_new(object, "error", json_pack("{s:s,s:s}", "reason", ending->reason, "text", ending->text));
	json = assay_json_text(object);
	json_decref(object);
	if (json && asprintf(&line, "%s\n", json) < 0)
		line = NULL;
	free(json);
	return line;
}

static enum assay_status ending_keep(struct assay_server *server, const struct assay_entry *entry,
                                     const struct ending *ending, struct assay_error *error)
{
	char object[ASSAY_HEX_MAX] = "";
	enum assay_status status = ASSAY_OK;

	if (*ending->outcome)
		status = verdict_put(server, ending_json(entry, ending), object, error);
	return status ? status
	              : assay_store_end(server->store, entry->id, ending->stage, object, ending->outcome,
	                                ending->reason, assay_now_ns() / 1000000000, error);
}

/* Under the mutex. */
static enum assay_status end(struct assay_server *server, const struct assay_entry *entry, const struct ending *ending,
                             struct assay_error *error)
{
	enum assay_status status = assay_store_begin(server->store, error);

	if (!status)
		status = assay_store_finish(server->store, ending_keep(server, entry, ending, error), error);
	if (!status)
		assay_log("end", entry->id, "%s", *ending->reason ? ending->reason : "not begun");
	return status;
}

/* ---- Threads ---- */

static bool is_judged_now(const struct assay_server *server, const char *id)
{
	for (size_t i = 0; i < ASSAY_VERIFIERS_MAX; i++)
		if (strcmp(server->judging[i], id) == 0)
			return true;
	return false;
}

/* Under the mutex: the first one that nobody has. That it begins is on the disk: what ends the process each time is not
 * begun for ever. */
static bool take(struct assay_server *server, size_t thread, struct assay_entry *entry)
{
	struct assay_ids ids;
	struct assay_error error;

	if (assay_store_submitted(server->store, &ids, assay_now_ns() / 1000000000, &error) != ASSAY_OK)
		return false;
	for (uint32_t i = 0; i < ids.count; i++) {
		if (is_judged_now(server, ids.id[i]) ||
		    assay_store_find(server->store, entry, ids.id[i], &error) != ASSAY_OK || !*entry->id ||
		    assay_store_attempt(server->store, ids.id[i], &error) != ASSAY_OK)
			continue;
		memcpy(server->judging[thread], ids.id[i], ASSAY_HEX_MAX);
		return true;
	}
	return false;
}

static void wait_for(struct assay_server *server)
{
	const unsigned seconds = server->limits.retry_s < PAUSE_S ? server->limits.retry_s : PAUSE_S;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	pthread_cond_timedwait(&server->work, &server->mutex, &until);
}

/* Others come first until then. */
static enum assay_status put_off(struct assay_server *server, const struct assay_entry *entry, uint32_t attempts,
                                 struct assay_error *error)
{
	const uint32_t doubled = entry->attempts < ASSAY_ATTEMPTS_MAX ? entry->attempts : ASSAY_ATTEMPTS_MAX;
	const uint64_t pause_s = (uint64_t)server->limits.retry_s << doubled;

	pthread_mutex_lock(&server->mutex);
	enum assay_status status =
	    assay_store_postpone(server->store, entry->id, attempts, assay_now_ns() / 1000000000 + pause_s, error);
	pthread_mutex_unlock(&server->mutex);
	return status;
}

static enum assay_status give_up(struct assay_server *server, const struct assay_entry *entry,
                                 struct assay_error *error)
{
	pthread_mutex_lock(&server->mutex);
	enum assay_status status = end(server, entry, &not_verified, error);
	pthread_mutex_unlock(&server->mutex);
	return status;
}

/* One attempt. What cannot be verified is nobody's fault, and does not stay for ever; nor does what has ended the
 * process so often. Errors: of the store, which cannot be used now. */
static enum assay_status attempt(struct assay_server *server, const struct assay_entry *entry,
                                 struct assay_error *error)
{
	const uint32_t attempts = entry->attempts + 1;
	enum assay_status status = ASSAY_OK;
	bool told = false;

	if (attempts <= ASSAY_ATTEMPTS_MAX) {
		status = judge(server, entry, &told, error);
		if (!status)
			return ASSAY_OK;
		assay_metrics_error(&server->metrics);
		assay_log("error", entry->id, "attempt %u, not verified: %s (%s)", attempts, error->text,
		          error->reason);
	}
	if (!told && attempts >= ASSAY_ATTEMPTS_MAX)
		status = give_up(server, entry, error);
	return status ? put_off(server, entry, attempts - told, error) : ASSAY_OK;
}

static void *judge_loop(void *context)
{
	struct assay_server *server = ((struct judge *)context)->server;
	const uint32_t thread = ((struct judge *)context)->number;
	struct assay_entry entry;
	struct assay_error error;

	pthread_mutex_lock(&server->mutex);
	while (!atomic_load(&server->stopping)) {
		if (!take(server, thread, &entry)) {
			wait_for(server);
			continue;
		}
		pthread_mutex_unlock(&server->mutex);
		enum assay_status status = attempt(server, &entry, &error);
		pthread_mutex_lock(&server->mutex);
		if (status && !atomic_load(&server->stopping))
			wait_for(server);
		*server->judging[thread] = '\0';
	}
	pthread_mutex_unlock(&server->mutex);
	return NULL;
}

/* ---- What has expired ---- */

/* What an open one has come to. A key whose files were refused has not kept silent. */
static const struct ending *overdue(const struct assay_entry *entry)
{
	if (entry->steps == 0)
		return &not_begun;
	return entry->steps == entry->total && !entry->revoked ? &opening_missing : &unfinished;
}

/* What is still coming may be in time. */
static bool is_coming(const struct assay_server *server, const char *id)
{
	for (size_t i = 0; i < ASSAY_UPLOADS_MAX; i++)
		if (strcmp(server->uploads[i], id) == 0)
			return true;
	return false;
}

/* Under the mutex, or before the threads: with this ending, or that of an overdue one (NULL). */
static enum assay_status end_open(struct assay_server *server, const char *id, const struct ending *ending,
                                  struct assay_error *error)
{
	struct assay_entry entry;
	enum assay_status status = assay_store_find(server->store, &entry, id, error);

	return status ? status : end(server, &entry, ending ? ending : overdue(&entry), error);
}

void assay_judges_sweep(struct assay_server *server)
{
	struct assay_ids ids;
	struct assay_error error;
	const uint64_t now_ns = assay_now_ns();

	pthread_mutex_lock(&server->mutex);
	enum assay_status status = assay_store_overdue(server->store, &ids, now_ns / 1000000000 - ASSAY_GRACE_S,
	                                               assay_late_since_s(server, now_ns), &error);
	for (uint32_t i = 0; !status && i < ids.count; i++) {
		if (!is_coming(server, ids.id[i]))
			status = end_open(server, ids.id[i], NULL, &error);
	}
	pthread_mutex_unlock(&server->mutex);
	if (status)
		assay_log("error", "", "%s (%s)", error.text, error.reason);
}

enum assay_status assay_judges_restored(struct assay_server *server, struct assay_error *error)
{
	struct assay_ids ids = {.count = 1};
	enum assay_status status = ASSAY_OK;

	while (!status && ids.count) {
		status = assay_store_overdue(server->store, &ids, INT64_MAX, 0, error);
		for (uint32_t i = 0; !status && i < ids.count; i++)
			status = end_open(server, ids.id[i], &forgotten, error);
	}
	return status;
}

static void *sweep_loop(void *context)
{
	const struct timespec pause = {.tv_nsec = SWEEP_MS * 1000000L};
	struct assay_server *server = context;

	while (!atomic_load(&server->stopping)) {
		assay_judges_sweep(server);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

enum assay_status assay_judges_start(struct assay_server *server, struct assay_error *error)
{
	judges.count = 0;
	for (uint32_t i = 0; i < ASSAY_VERIFIERS_MAX; i++)
		judges.each[i] = (struct judge){server, i};
	judges.sweeps = pthread_create(&judges.sweeper, NULL, sweep_loop, server) == 0;
	while (judges.sweeps && judges.count < server->limits.verifiers &&
	       pthread_create(&judges.threads[judges.count], NULL, judge_loop, &judges.each[judges.count]) == 0)
		judges.count++;
	return judges.count ? ASSAY_OK : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "no threads can be started");
}

void assay_judges_join(struct assay_server *server)
{
	pthread_mutex_lock(&server->mutex);
	pthread_cond_broadcast(&server->work);
	pthread_mutex_unlock(&server->mutex);
	for (uint32_t i = 0; i < judges.count; i++)
		pthread_join(judges.threads[i], NULL);
	if (judges.sweeps)
		pthread_join(judges.sweeper, NULL);
	judges.count = 0;
	judges.sweeps = false;
}
