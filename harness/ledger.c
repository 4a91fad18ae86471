/* SPDX-License-Identifier: Apache-2.0
 *
 * See ledger.h. */
#include "harness/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <sodium.h>

#include "harness/asked.h"
#include "verify/envelope.h"

enum { STATE_BYTES_MAX = 2 * ASSAY_STEPS_MAX * ASSAY_STEP_LINE_MAX };

bool assay_ledger_path(char path[ASSAY_PATH_MAX], const char *challenge)
{
	static const char ending[] = ".challenge.json";
	size_t len = strlen(challenge);

	if (len >= sizeof ending && strcmp(challenge + len - (sizeof ending - 1), ending) == 0)
		len -= sizeof ending - 1;
	return snprintf(path, ASSAY_PATH_MAX, "%.*s.exchange.jsonl", (int)len, challenge) < ASSAY_PATH_MAX;
}

static enum assay_status io_error(struct assay_error *error, const char *reason, const char *path)
{
	return assay_fail(error, ASSAY_ERROR_IO, reason, "%s: %s", path, strerror(errno));
}

/* At most `capacity` bytes of a file. */
static enum assay_status read_all(int file, char *text, size_t capacity, size_t *len, const char *path,
                                  struct assay_error *error)
{
	ssize_t got = 1;

	for (*len = 0; got != 0 && *len<capacity; *len += got> 0 ? (size_t)got : 0) {
		got = read(file, text + *len, capacity - *len);
		if (got < 0 && errno != EINTR)
			return io_error(error, "io.read", path);
	}
	return ASSAY_OK;
}

/* The file that is locked, whatever is at its path by now. */
static enum assay_status challenge_read(struct assay_ledger *ledger, const char *path, struct assay_error *error)
{
	struct assay_envelope envelope;
	size_t len;

	char *text = malloc(ASSAY_ENVELOPE_BYTES_MAX + 1);
	if (!text)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	enum assay_status status = read_all(ledger->lock, text, ASSAY_ENVELOPE_BYTES_MAX + 1, &len, path, error);
	const bool good = !status && assay_envelope_parse(&envelope, ASSAY_TYPE_CHALLENGE, text, len);
	free(text);
	if (!status && !good)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "challenge.malformed",
		                    "%s: is no challenge of a verifier (assay challenge makes them)", path);
	if (!status)
		status = assay_asked_open(&ledger->challenge, &envelope, path, ledger->answers.secret->key, error);
	if (!status)
		crypto_hash_sha256(ledger->answers.digest, envelope.payload, envelope.payload_len);
	if (good)
		free(envelope.payload);
	return status;
}

/* Cuts the next line off; NULL when there is no whole one. */
static const char *line_next(const char **text, size_t *left, size_t *len)
{
	const char *line = *text, *end = memchr(line, '\n', *left);

	*len = end ? (size_t)(end - line) + 1 : 0;
	*text += *len;
	*left -= *len;
	return end ? line : NULL;
}

static enum assay_status lines_restore(struct assay_ledger *ledger, const char *text, size_t left,
                                       struct assay_error *error)
{
	enum assay_status status = ASSAY_OK;

	while (!status && left) {
		size_t message_len, receipt_len;
		const char *message = line_next(&text, &left, &message_len);
		const char *receipt = line_next(&text, &left, &receipt_len);
		/* It is written whole: an end that is cut off may have been given out. */
		status =
		    receipt ? assay_answers_restore(&ledger->answers, message, message_len, receipt, receipt_len, error)
		            : assay_fail(error, ASSAY_ERROR_INPUT, "exchange.state", "its end is cut off");
	}
	return status;
}

static enum assay_status state_read(struct assay_ledger *ledger, struct assay_error *error)
{
	struct assay_error cause;
	size_t len;

	int file = open(ledger->path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return errno == ENOENT ? ASSAY_OK : io_error(error, "io.open", ledger->path);
	char *text = malloc(STATE_BYTES_MAX + 1);
	enum assay_status status = text ? read_all(file, text, STATE_BYTES_MAX + 1, &len, ledger->path, error)
	                                : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	close(file);
	if (!status) {
		status = lines_restore(ledger, text, len, &cause);
		if (status)
			(void)assay_fail(error, status, cause.reason,
			                 "%s: %s; nothing is answered with it: make a new challenge", ledger->path,
			                 cause.text);
	}
	free(text);
	return status;
}

/* What was answered, whole or not at all. The nonce in it may be unheard of yet. */
static enum assay_status state_write(void *context, const struct assay_answers *answers, struct assay_error *error)
{
	const struct assay_ledger *ledger = context;
	const char *lines[2 * ASSAY_STEPS_MAX];

	for (uint32_t i = 0; i < answers->count; i++) {
		lines[2 * i] = answers->messages[i];
		lines[2 * i + 1] = answers->receipts[i];
	}
	return assay_output_write(ledger->path, 0600, lines, 2 * answers->count, true, error);
}

enum assay_status assay_ledger_open(struct assay_ledger *ledger, const char *challenge,
                                    const struct assay_secret *secret, struct assay_error *error)
{
	memset(ledger, 0, sizeof *ledger);
	ledger->answers = (struct assay_answers){
	    .challenge = &ledger->challenge, .secret = secret, .keep = state_write, .context = ledger};
	ledger->lock = open(challenge, O_RDONLY | O_CLOEXEC);
	/* Links lead to one exchange. */
	char *path = ledger->lock < 0 ? NULL : realpath(challenge, NULL);
	if (!path)
		return io_error(error, "io.open", challenge);
	const bool named = assay_ledger_path(ledger->path, path);
	free(path);
	if (!named)
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long", challenge);
	if (flock(ledger->lock, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? assay_fail(error, ASSAY_ERROR_IO, "exchange.busy",
		                                         "%s: another process answers it now", challenge)
		                            : io_error(error, "io.lock", challenge);
	enum assay_status status = challenge_read(ledger, challenge, error);
	return status ? status : state_read(ledger, error);
}

void assay_ledger_close(struct assay_ledger *ledger)
{
	if (!ledger)
		return;
	assay_answers_close(&ledger->answers);
	if (ledger->lock >= 0)
		close(ledger->lock);
	ledger->lock = -1;
}
