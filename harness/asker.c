/* SPDX-License-Identifier: Apache-2.0
 *
 * See asker.h. */
#include "harness/asker.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "harness/command.h"
#include "harness/fetched.h"
#include "harness/finish.h"
#include "harness/limit.h"
#include "harness/report.h"
#include "harness/state.h"
#include "harness/submit.h"
#include "harness/token.h"

static enum assay_status path_make(char path[ASSAY_PATH_MAX], const char *prefix, const char *ending,
                                   struct assay_error *error)
{
	return snprintf(path, ASSAY_PATH_MAX, "%s%s", prefix, ending) < ASSAY_PATH_MAX
	           ? ASSAY_OK
	           : assay_fail(error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long", prefix);
}

/* Beside the checkpoint, for a job that is resumed. */
static enum assay_status kept_path(char path[ASSAY_PATH_MAX], const struct assay_order *order,
                                   struct assay_error *error)
{
	static const char ending[] = ".checkpoint";
	const size_t len = order->resume ? strlen(order->resume) : 0, cut = sizeof ending - 1;
	char prefix[ASSAY_PATH_MAX];

	if (len <= cut || len >= sizeof prefix || strcmp(order->resume + len - cut, ending) != 0)
		return path_make(path, order->prefix, ".verifier.pub", error);
	snprintf(prefix, sizeof prefix, "%.*s", (int)(len - cut), order->resume);
	return path_make(path, prefix, ".verifier.pub", error);
}

enum assay_status assay_asker_open(struct assay_asker *asker, struct assay_error *error)
{
	const struct assay_order *order = asker->order;
	char token[ASSAY_TOKEN_MAX + 1];

	asker->at_url = order->verifier && assay_remote_is_url(order->verifier);
	if (!asker->at_url || order->resume)
		assay_token_forget(token);
	if (!asker->at_url)
		return ASSAY_OK;
	asker->remote.url = order->verifier;
	asker->remote.ca = order->ca;
	asker->remote.stop = asker->stop;
	asker->remote.remark = assay_report_remark;
	enum assay_status status = assay_remote_open(&asker->remote, error);
	/* Whoever has none is told before the devices are looked at. */
	if (!status && !order->resume)
		status = assay_token_get(token, order->token_file, error);
	sodium_memzero(token, sizeof token);
	return status;
}

void assay_asker_close(struct assay_asker *asker)
{
	assay_exchange_close(&asker->exchange);
	assay_remote_close(&asker->remote);
}

/* ---- A new job ---- */

static enum assay_status challenge_read(struct assay_asker *asker, struct assay_challenge *challenge,
                                        struct assay_error *error)
{
	uint8_t *key = asker->exchange.verifier;
	enum assay_status status = assay_asked_key(key, asker->order->verifier, error);

	return status ? status : assay_asked_read(challenge, asker->order->challenge, key, error);
}

static enum assay_status challenge_fetch(struct assay_asker *asker, struct assay_challenge *challenge,
                                         const struct assay_secret *secret, struct assay_error *error)
{
	const struct assay_order *order = asker->order;
	char kept[ASSAY_PATH_MAX], path[ASSAY_PATH_MAX], keyid[65], expires[21];
	const struct assay_fetched_key key = {.pinned = order->verifier_key, .kept = kept, .replace = order->force};
	const struct assay_fetched_wish wish = {
	    .secret = secret, .token_file = order->token_file, .path = path, .replace = order->force};

	enum assay_status status = kept_path(kept, order, error);
	if (!status)
		status = path_make(path, order->prefix, ".challenge.json", error);
	if (!status)
		status = assay_fetched_key(asker->exchange.verifier, &asker->remote, &key, error);
	if (!status)
		status = assay_fetched_challenge(challenge, &asker->remote, asker->exchange.verifier, &wish, error);
	if (status)
		return status;
	assay_keyid(keyid, asker->exchange.verifier);
	assay_utc_text(expires, challenge->expires);
	fprintf(asker->out, "verifier  %s, key %.16s... (%s)\nchallenge %s, until %s\n", asker->remote.base, keyid,
	        kept, path, expires);
	return ASSAY_OK;
}

enum assay_status assay_asker_challenge(struct assay_asker *asker, struct assay_challenge *challenge, uint32_t devices,
                                        const struct assay_secret *secret, struct assay_error *error)
{
	const struct assay_order *order = asker->order;
	enum assay_status status = ASSAY_OK;

	/* A server's challenge is asked for when nothing is in its way. */
	if (asker->at_url)
		status = assay_asked_outputs(order->prefix, order->force, error);
	if (!status)
		status = asker->at_url ? challenge_fetch(asker, challenge, secret, error)
		                       : challenge_read(asker, challenge, error);
	if (!status)
		status = assay_asked_devices(challenge, devices, error);
	return status || asker->at_url ? status : assay_asked_outputs(order->prefix, order->force, error);
}

/* ---- One that goes on ---- */

static enum assay_status fetch_again(struct assay_asker *asker, const struct assay_challenge *challenge,
                                     const char *challenge_text, struct assay_error *error)
{
	const struct assay_order *order = asker->order;
	char kept[ASSAY_PATH_MAX], receipts[ASSAY_PATH_MAX], keyid[65], named[65];
	const struct assay_fetched_key key = {.pinned = order->verifier_key, .kept = kept};

	asker->remote.expires = challenge->expires;
	enum assay_status status = kept_path(kept, order, error);
	if (!status)
		status = path_make(receipts, order->prefix, ".receipts.jsonl", error);
	if (!status)
		status = assay_fetched_key(asker->exchange.verifier, &asker->remote, &key, error);
	if (status)
		return status;
	assay_keyid(keyid, asker->exchange.verifier);
	assay_hex(named, challenge->verifier);
	if (strcmp(keyid, named) != 0)
		return assay_fail(error, ASSAY_ERROR_INPUT, "verifier.key",
		                  "%.160s has the key %.16s..., and the challenge is of %.16s...: give the URL of that "
		                  "verifier",
		                  asker->remote.base, keyid, named);
	return assay_fetched_receipts(&asker->remote, challenge, challenge_text, asker->exchange.verifier, receipts,
	                              error);
}

/* The URL of the verifier that the job began with; "" when it began with files. */
static void kept_url(char url[ASSAY_URL_MAX], const struct assay_order *order)
{
	static const char name[] = "Verifier: ";
	char path[ASSAY_PATH_MAX], line[sizeof name + ASSAY_URL_MAX];
	struct assay_error ignored;

	*url = '\0';
	if (path_make(path, order->prefix, ".messages.jsonl", &ignored) || access(path, F_OK) == 0 ||
	    kept_path(path, order, &ignored))
		return;
	FILE *file = fopen(path, "re");
	if (file && fgets(line, sizeof line, file) && strncmp(line, name, sizeof name - 1) == 0)
		snprintf(url, ASSAY_URL_MAX, "%.*s", (int)strcspn(line + sizeof name - 1, "\r\n"),
		         line + sizeof name - 1);
	if (file)
		fclose(file);
}

enum assay_status assay_asker_again(struct assay_asker *asker, const struct assay_challenge *challenge,
                                    const char *challenge_text, struct assay_error *error)
{
	const struct assay_order *order = asker->order;
	char url[ASSAY_URL_MAX];

	kept_url(url, order);
	if (challenge->asked && !asker->at_url && *url)
		return assay_fail(error, ASSAY_ERROR_INPUT, "run.resume",
		                  "%.160s: a server asked for this run: resume it with --verifier %.200s",
		                  order->resume, url);
	if (challenge->asked != (order->verifier != NULL) || (challenge->asked && order->attest))
		return assay_fail(error, ASSAY_ERROR_INPUT, "run.resume", "%s: %s", order->resume,
		                  challenge->asked ? "a verifier asked for this run: resume it with --verifier, as it "
		                                     "began, to its end"
		                                   : "nobody asked for this run: resume it without --verifier");
	if (!challenge->asked)
		return ASSAY_OK;
	enum assay_status status = assay_asked_in_time(challenge, error);
	if (status)
		return status;
	return asker->at_url ? fetch_again(asker, challenge, challenge_text, error)
	                     : assay_asked_key(asker->exchange.verifier, order->verifier, error);
}

/* ---- The exchange ---- */

void assay_asker_join(struct assay_asker *asker, struct assay_job *job, const struct assay_secret *secret)
{
	const char *prefix = asker->order->prefix;

	asker->exchange.challenge = &job->challenge;
	asker->exchange.secret = secret;
	asker->exchange.prefix = prefix;
	job->exchange = &asker->exchange;
	if (asker->at_url) {
		char *text = assay_challenge_text(&job->challenge);
		asker->http = (struct assay_link_http){.remote = &asker->remote, .exchange = &asker->exchange};
		assay_fetched_id(asker->http.id, text ? text : "", text ? strlen(text) : 0);
		free(text);
		asker->remote.expires = job->challenge.expires;
		asker->exchange.link = assay_link_http(&asker->http);
		fprintf(asker->out, "exchange  with %s, whose receipts go to %s.receipts.jsonl\n", asker->remote.base,
		        prefix);
		return;
	}
	asker->files =
	    (struct assay_link_files){.prefix = prefix, .expires = job->challenge.expires, .stop = asker->stop};
	asker->exchange.link = assay_link_files(&asker->files);
	fprintf(asker->out, "exchange  %s.messages.jsonl is for the verifier, whose answers go to %s.receipts.jsonl\n",
	        prefix, prefix);
}

/* ---- The end ---- */

bool assay_asker_is_done(const struct assay_asker *asker)
{
	const struct assay_order *order = asker->order;
	struct assay_checkpoint checkpoint;
	struct assay_error ignored;
	char *payload = NULL;

	if (!asker->at_url || !order->resume || order->force || !assay_submit_has(order->prefix))
		return false;
	const bool is_its = assay_checkpoint_read(&checkpoint, order->resume, &ignored) == ASSAY_OK &&
	                    assay_submit_challenge(&payload, order->prefix, &ignored) == ASSAY_OK &&
	                    strcmp(payload, checkpoint.challenge_text) == 0;
	assay_checkpoint_close(&checkpoint);
	free(payload);
	return is_its;
}

int assay_asker_submit(struct assay_asker *asker, const char *prefix, int code)
{
	const struct assay_order *order = asker->order;
	const uint64_t left_s = assay_limit_left_ns() / 1000000000;
	const struct assay_submission submission = {.remote = &asker->remote,
	                                            .prefix = prefix,
	                                            .json = order->json,
	                                            .out = asker->out,
	                                            .wait_s = left_s < UINT32_MAX ? (uint32_t)left_s + 1 : 0};
	struct assay_error error;
	int verdict = ASSAY_EXIT_ERROR;

	if (!asker->at_url || !*prefix)
		return code;
	assay_limit_doing("the verifier is asked for its verdict");
	if (assay_submit(&submission, &verdict, &error) == ASSAY_OK) {
		/* Files that were only sent leave their checkpoint behind. */
		if (order->resume)
			unlink(order->resume);
		return verdict ? verdict : code;
	}
	assay_remark(&error);
	fprintf(stderr, "assay: what was done is kept: assay submit %s --verifier %s\n", prefix, asker->remote.base);
	return strcmp(error.reason, "verdict.missing") == 0 ? ASSAY_INCONCLUSIVE : ASSAY_EXIT_ERROR;
}

void assay_asker_tell(const struct assay_asker *asker, const char *checkpoint)
{
	if (!asker->order->verifier)
		assay_finish_tell(checkpoint);
	else
		fprintf(stderr, "assay: what was done is kept in %s: assay run --resume %s --verifier %s\n", checkpoint,
		        checkpoint, asker->order->verifier);
}
