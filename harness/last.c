/* SPDX-License-Identifier: Apache-2.0
 *
 * See last.h. */
#include "harness/last.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/command.h"
#include "harness/state.h"
#include "verify/challenge.h"

enum {
	LAST_BYTES_MAX = 8 << 20,
	CLOCKS_DIFFER_S = 300, /* what clocks may be apart */
};

static const char name[] = "last.json";

static const char *const states[ASSAY_LAST_STATES] = {
    [ASSAY_LAST_PASS] = "pass",           [ASSAY_LAST_FAIL] = "fail", [ASSAY_LAST_INCONCLUSIVE] = "inconclusive",
    [ASSAY_LAST_STALE] = "stale",         [ASSAY_LAST_NONE] = "none", [ASSAY_LAST_UNREADABLE] = "unreadable",
    [ASSAY_LAST_MALFORMED] = "malformed",
};

const char *assay_last_name(enum assay_last_state state)
{
	return states[state];
}

static char *last_text(const struct assay_verdict *verdict, const struct assay_error *error, int code, time_t finished)
{
	struct assay_verdict failed = {.outcome = ASSAY_INCONCLUSIVE};
	char at[21];

	if (error)
		failed.error = *error;
	char *line = assay_verdict_json(error ? &failed : verdict);
	json_t *value = line ? json_loads(line, JSON_REJECT_DUPLICATES, NULL) : NULL;
	assay_utc_text(at, (uint64_t)finished);
	json_t *root = json_pack("{s:i,s:s,s:o}", "exitCode", code, "finishedAt", at, "verdict", value);
	char *text = root ? assay_json_text(root) : NULL;
	json_decref(root);
	free(line);
	return text;
}

void assay_last_store(const struct assay_verdict *verdict, const struct assay_error *error, int code, time_t finished)
{
	struct assay_error why;
	char path[ASSAY_PATH_MAX];
	char *text;

	if (!assay_state_kept(path, name))
		return;
	text = last_text(verdict, error, code, finished);
	enum assay_status status =
	    text ? assay_state_parents(path, &why) : assay_fail(&why, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	if (!status)
		status = assay_output_write(path, 0644, (const char *const[]){text, "\n"}, 2, true, &why);
	if (status)
		fprintf(stderr, "assay: not kept for `assay status`: %s (%s)\n", why.text, why.reason);
	free(text);
}

static void state_set(struct assay_last *last, enum assay_last_state state, const char *reason, const char *text)
{
	last->state = state;
	snprintf(last->reason, sizeof last->reason, "%s", reason);
	snprintf(last->text, sizeof last->text, "%s", text);
	assay_printable(last->reason);
	assay_printable(last->text);
}

/* The file's text and its length, to be released with free(); or NULL, with the state set. */
static char *file_read(struct assay_last *last, size_t *len)
{
	char path[ASSAY_PATH_MAX], *text = NULL;
	struct stat info;

	if (!assay_state_kept(path, name)) {
		state_set(last, ASSAY_LAST_UNREADABLE, "status.place", "no state directory: set ASSAY_STATE_DIR");
		return NULL;
	}
	/* A pipe would be waited for. */
	int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (file < 0 && errno == ENOENT) {
		state_set(last, ASSAY_LAST_NONE, "status.none", "no run has ended here yet: assay run");
		return NULL;
	}
	if (file < 0 || fstat(file, &info) != 0) {
		state_set(last, ASSAY_LAST_UNREADABLE, "status.unreadable", strerror(errno));
	} else if (!S_ISREG(info.st_mode) || info.st_size > LAST_BYTES_MAX) {
		state_set(last, ASSAY_LAST_MALFORMED, "status.malformed", "last.json is something else: assay run");
	} else {
		*len = (size_t)info.st_size;
		text = malloc(*len + 1);
		const ssize_t got = text ? read(file, text, *len) : -1;
		if (got < 0) {
			state_set(last, ASSAY_LAST_UNREADABLE, "status.unreadable", strerror(errno));
			free(text);
			text = NULL;
		} else {
			*len = (size_t)got;
		}
	}
	if (file >= 0)
		close(file);
	return text;
}

/* The first check with this status, as the reason of the verdict. */
static bool reason_of(struct assay_last *last, enum assay_last_state state, const char *status)
{
	const json_t *checks = json_object_get(last->verdict, "checks");

	for (size_t i = 0; i < json_array_size(checks); i++) {
		const json_t *check = json_array_get(checks, i);
		const char *is = json_string_value(json_object_get(check, "status")),
		           *reason = json_string_value(json_object_get(check, "reason")),
		           *remedy = json_string_value(json_object_get(check, "remedy"));
		if (is && reason && strcmp(is, status) == 0) {
			state_set(last, state, reason, remedy ? remedy : "");
			return true;
		}
	}
	return false;
}

static void judge(struct assay_last *last, const char *verdict, int64_t code)
{
	const json_t *error = json_object_get(last->verdict, "error");
	const char *reason = json_string_value(json_object_get(error, "reason"));
	const char *text = json_string_value(json_object_get(error, "text"));

	if (reason)
		state_set(last, code == ASSAY_FAIL ? ASSAY_LAST_FAIL : ASSAY_LAST_INCONCLUSIVE, reason,
		          text ? text : "");
	else if (code == ASSAY_FAIL || strcmp(verdict, "fail") == 0 || strcmp(verdict, "malformed") == 0) {
		if (!reason_of(last, ASSAY_LAST_FAIL, "fail"))
			state_set(last, ASSAY_LAST_FAIL, "device.miscompute", "a device computed wrong: repair it");
	} else if (code != 0 || strcmp(verdict, "pass") != 0) {
		if (!reason_of(last, ASSAY_LAST_INCONCLUSIVE, "unverifiable"))
			state_set(last, ASSAY_LAST_INCONCLUSIVE, "device.failed",
			          "a device failed: repair it, run again");
	} else {
		state_set(last, ASSAY_LAST_PASS, "", "");
	}
}

static bool parse(struct assay_last *last, const char *text, size_t len)
{
	uint64_t code;

	/* The newline is none of the value's. */
	last->root = len > 1 && text[len - 1] == '\n' ? assay_json_parse(text, len - 1) : NULL;
	last->verdict = json_object_get(last->root, "verdict");
	const json_t *verdict = json_object_get(last->verdict, "verdict"),
	             *reason = json_object_get(json_object_get(last->verdict, "error"), "reason");
	const char *at = assay_json_string(last->root, "finishedAt", 20);
	if (!assay_json_is(last->root, 3) || !assay_json_integer(&code, last->root, "exitCode", 0, 255) || !at ||
	    !assay_utc_parse(&last->finished, at) || !json_is_object(last->verdict) ||
	    !(json_is_string(verdict) || (json_is_null(verdict) && json_is_string(reason))))
		return false;
	snprintf(last->finished_at, sizeof last->finished_at, "%s", at);
	judge(last, json_is_string(verdict) ? json_string_value(verdict) : "", (int64_t)code);
	return true;
}

void assay_last_read(struct assay_last *last, uint64_t max_age_s, uint64_t now)
{
	size_t len = 0;

	memset(last, 0, sizeof *last);
	char *text = file_read(last, &len);
	if (text && !parse(last, text, len)) {
		json_decref(last->root);
		last->root = last->verdict = NULL;
		last->finished = 0;
		state_set(last, ASSAY_LAST_MALFORMED, "status.malformed",
		          "last.json is damaged or of another version: assay run");
	}
	free(text);
	if (last->state != ASSAY_LAST_PASS || !last->root || !max_age_s)
		return;
	if (last->finished > now + CLOCKS_DIFFER_S)
		state_set(last, ASSAY_LAST_STALE, "status.future",
		          "it passed in the future: set the clock, or run again");
	else if (last->finished + max_age_s < now)
		state_set(last, ASSAY_LAST_STALE, "status.stale", "it passed, too long ago: assay run");
}
