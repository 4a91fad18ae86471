/* SPDX-License-Identifier: Apache-2.0
 *
 * See submit.h. */
#include "harness/submit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/fetched.h"
#include "harness/measure.h"
#include "harness/state.h"
#include "verify/challenge.h"
#include "verify/cli.h"

enum {
	VERDICT_BYTES_MAX = 4 << 20, /* 1,024 runs of a kilobyte or two */
	WAIT_S = 600,
	LOOK_MS = 200,
	LOOK_MS_MAX = 5000,
	LATE_S = 60, /* after a challenge has expired its verdict can still be had */
};

/* ---- The files ---- */

static enum assay_status path_make(char path[ASSAY_PATH_MAX], const char *prefix, const char *ending,
                                   struct assay_error *error)
{
	return snprintf(path, ASSAY_PATH_MAX, "%s%s", prefix, ending) < ASSAY_PATH_MAX
	           ? ASSAY_OK
	           : assay_fail(error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long", prefix);
}

bool assay_submit_has(const char *prefix)
{
	char path[ASSAY_PATH_MAX];
	struct assay_error ignored;

	/* Where the attestation is, its transcript is. */
	return path_make(path, prefix, ".intoto.json", &ignored) == ASSAY_OK && access(path, F_OK) == 0;
}

static enum assay_status file_open(FILE **file, uint64_t *bytes, const char *path, struct assay_error *error)
{
	struct stat info;

	*file = fopen(path, "rbe");
	if (*file && fstat(fileno(*file), &info) == 0 && S_ISREG(info.st_mode)) {
		*bytes = (uint64_t)info.st_size;
		return ASSAY_OK;
	}
	const char *why = *file ? "is no file" : strerror(errno);
	enum assay_status status = assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s", path, why);
	if (*file)
		fclose(*file);
	*file = NULL;
	return status;
}

/* The head of SPEC 7.1. */
static char *payload_read(FILE *file)
{
	uint8_t head[12];
	uint32_t len = 0;

	if (fread(head, 1, sizeof head, file) == sizeof head && memcmp(head, "assay-t1", 8) == 0)
		len = assay_le32_read(head + 8);
	char *payload = len && len <= ASSAY_CHALLENGE_BYTES_MAX ? malloc(len + 1) : NULL;
	if (payload && fread(payload, 1, len, file) == len && !memchr(payload, '\0', len)) {
		payload[len] = '\0';
		return payload;
	}
	free(payload);
	return NULL;
}

enum assay_status assay_submit_challenge(char **payload, const char *prefix, struct assay_error *error)
{
	char path[ASSAY_PATH_MAX];
	FILE *file;
	uint64_t bytes;

	*payload = NULL;
	enum assay_status status = path_make(path, prefix, ".transcript", error);
	if (!status)
		status = file_open(&file, &bytes, path, error);
	if (status)
		return status;
	*payload = payload_read(file);
	fclose(file);
	return *payload ? ASSAY_OK
	                : assay_fail(error, ASSAY_ERROR_INPUT, "transcript.malformed",
	                             "%s: is no transcript; it was damaged, or made by another program", path);
}

/* ---- Up ---- */

static enum assay_status put(const struct assay_submission *submission, const char *id, const char *what,
                             uint32_t status_ok, struct assay_error *error)
{
	const bool is_attestation = strcmp(what, "attestation") == 0;
	char path[ASSAY_PATH_MAX], wanted[128];
	struct assay_client_answer answer;
	FILE *file;
	uint64_t bytes;

	enum assay_status status =
	    path_make(path, submission->prefix, is_attestation ? ".intoto.json" : ".transcript", error);
	if (!status)
		status = file_open(&file, &bytes, path, error);
	if (status)
		return status;
	snprintf(wanted, sizeof wanted, "/v1/challenges/%s/%s", id, what);
	const struct assay_remote_request request = {.path = wanted,
	                                             .type = is_attestation ? "application/json"
	                                                                    : "application/octet-stream",
	                                             .file = file,
	                                             .file_bytes = bytes,
	                                             .answer_max = ASSAY_CLIENT_REFUSAL_MAX,
	                                             .ok = status_ok};
	status = assay_remote_ask(submission->remote, &request, &answer, error);
	free(answer.body);
	fclose(file);
	return status;
}

/* ---- The verdict ---- */

static int outcome_of(const json_t *verdict)
{
	static const enum assay_outcome outcomes[] = {ASSAY_PASS, ASSAY_FAIL, ASSAY_INCONCLUSIVE, ASSAY_MALFORMED};
	const char *word = json_string_value(json_object_get(verdict, "verdict"));

	for (size_t i = 0; word && i < sizeof outcomes / sizeof *outcomes; i++)
		if (strcmp(word, assay_outcome_name(outcomes[i])) == 0)
			return (int)outcomes[i];
	return -1;
}

static json_t *verdict_parse(const struct assay_client_answer *answer)
{
	json_t *root = answer->body ? json_loadb(answer->body, answer->len, JSON_REJECT_DUPLICATES, NULL) : NULL;

	if (root && outcome_of(root) >= 0)
		return root;
	json_decref(root);
	return NULL;
}

static bool verdict_fits(const void *context, const struct assay_client_answer *answer)
{
	(void)context;
	if (answer->status == 202)
		return true;
	json_t *root = verdict_parse(answer);
	json_decref(root);
	return root != NULL;
}

/* A word of the server's, for a terminal. */
static const char *word(char text[80], const json_t *object, const char *name)
{
	snprintf(text, 80, "%.79s", assay_json_word(object, name, ""));
	assay_printable(text);
	return text;
}

static void rate_print(FILE *out, const json_t *aggregate)
{
	char workload[80], unit[80], digits[80], rate[32];

	if (*word(digits, aggregate, "provenRate") < '0' || *digits > '9')
		return;
	assay_quantity(rate, strtod(digits, NULL), word(unit, aggregate, "unit"), "/s");
	fprintf(out, "          %-12.40s %s proven\n", word(workload, aggregate, "workload"), rate);
}

static void verdict_print(FILE *out, const json_t *root)
{
	char text[80], more[80];
	size_t i;
	json_t *entry;

	fprintf(out, "verdict   %s", word(text, root, "verdict"));
	fprintf(out, "%s%s\n", *word(text, root, "assurance") ? ", " : "", text);
	json_array_foreach(json_object_get(root, "checks"), i, entry)
	{
		/* The last one is of claims, where the verifier has some. */
		if (i <= ASSAY_CHECK_COUNT && *word(text, entry, "reason"))
			fprintf(out, "          %s: %s\n", text, word(more, entry, "remedy"));
	}
	const json_t *why = json_object_get(root, "error");
	if (*word(text, why, "reason"))
		fprintf(out, "          %s: %s\n", text, word(more, why, "text"));
	json_array_foreach(json_object_get(root, "aggregates"), i, entry)
	{
		if (i < ASSAY_SEGMENTS_MAX)
			rate_print(out, entry);
	}
}

/* On one line, and printable, however it came. */
static void verdict_json(const json_t *root)
{
	char *text = assay_json_text(root);

	printf("%s\n", text ? text : "{\"verdict\":\"inconclusive\"}");
	free(text);
}

/* Looks until there is one; *code stays inconclusive when there is none in time. */
static enum assay_status verdict_wait(const struct assay_submission *submission, const char *id, int *code,
                                      struct assay_error *error)
{
	const uint64_t end_ns =
	    assay_clock_ns() + (submission->wait_s ? submission->wait_s : WAIT_S) * UINT64_C(1000000000);
	struct assay_remote *remote = submission->remote;
	struct assay_client_answer answer;
	char wanted[128];

	snprintf(wanted, sizeof wanted, "/v1/challenges/%s/verdict", id);
	const struct assay_remote_request request = {
	    .path = wanted, .answer_max = VERDICT_BYTES_MAX, .ok = 200, .ok_too = 202, .fits = verdict_fits};
	*code = ASSAY_INCONCLUSIVE;
	remote->until = (uint64_t)time(NULL) + (submission->wait_s ? submission->wait_s : WAIT_S);
	for (uint64_t ms = LOOK_MS;; ms = ms * 2 < LOOK_MS_MAX ? ms * 2 : LOOK_MS_MAX) {
		enum assay_status status = assay_remote_ask(remote, &request, &answer, error);
		if (status)
			return status;
		if (answer.status != 202)
			break;
		free(answer.body);
		const uint64_t after_ms = UINT64_C(1000) * answer.retry_after_s;
		if (assay_clock_ns() >= end_ns)
			return assay_fail(error, ASSAY_ERROR_IO, "verdict.missing",
			                  "%.200s has all it needs, and no verdict yet: ask again later", remote->base);
		if (!assay_remote_pause(remote, after_ms > ms ? (after_ms < LOOK_MS_MAX ? after_ms : LOOK_MS_MAX) : ms))
			return assay_fail(error, ASSAY_ERROR_IO, "run.interrupted",
			                  "stopped while waiting for the verdict");
	}
	json_t *root = verdict_parse(&answer);
	enum assay_status status = ASSAY_OK;
	if (root) {
		*code = outcome_of(root);
		verdict_print(submission->out, root);
		if (submission->json)
			verdict_json(root);
	} else
		status = assay_fail(error, ASSAY_ERROR_INPUT, "verifier.answer",
		                    "%.200s: gives no verdict in this form", remote->base);
	json_decref(root);
	free(answer.body);
	return status;
}

/* ---- All of it ---- */

/* Of what came too late there may be a verdict as well. */
static enum assay_status too_late(const struct assay_submission *submission, const char *id, char *payload, int *code,
                                  struct assay_error *error)
{
	struct assay_error ignored;

	free(payload);
	if (verdict_wait(submission, id, code, &ignored) != ASSAY_OK)
		return ASSAY_ERROR_INPUT;
	if (submission->remote->remark)
		submission->remote->remark(error);
	return ASSAY_OK;
}

enum assay_status assay_submit(const struct assay_submission *submission, int *code, struct assay_error *error)
{
	struct assay_challenge challenge;
	char *payload = NULL, id[65], detail[200];
	enum assay_status status = assay_submit_challenge(&payload, submission->prefix, error);

	if (!status &&
	    (assay_challenge_parse(&challenge, payload, strlen(payload), detail, sizeof detail) || !challenge.asked))
		status = assay_fail(error, ASSAY_ERROR_INPUT, "challenge.malformed",
		                    "%.200s.transcript: no verifier asked for this run", submission->prefix);
	if (!status) {
		const uint64_t late = (uint64_t)time(NULL) + LATE_S;
		assay_fetched_id(id, payload, strlen(payload));
		submission->remote->until = submission->wait_s         ? (uint64_t)time(NULL) + submission->wait_s
		                            : challenge.expires > late ? challenge.expires
		                                                       : late;
		status = put(submission, id, "attestation", 204, error);
	}
	if (!status)
		status = put(submission, id, "transcript", 202, error);
	if (status && payload && strcmp(error->reason, "exchange.expired") == 0)
		return too_late(submission, id, payload, code, error);
	if (!status) {
		fprintf(submission->out, "submitted %s.intoto.json and %s.transcript; waiting for the verdict\n",
		        submission->prefix, submission->prefix);
		fflush(submission->out);
		status = verdict_wait(submission, id, code, error);
	}
	free(payload);
	return status;
}
