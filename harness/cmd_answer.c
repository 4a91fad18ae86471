/* SPDX-License-Identifier: Apache-2.0
 *
 * assay answer: a verifier's answers to one who proves, by files. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "harness/command.h"
#include "harness/ledger.h"
#include "harness/measure.h"

static const char usage[] =
    "usage: assay answer -k VERIFIERKEY [-o X.receipts.jsonl] [--follow] NAME.challenge.json X.messages.jsonl\n"
    "\n"
    "Answers the messages of a prover who does the challenge (`assay run --challenge`), each with a signed receipt "
    "that\n"
    "says when, by the clock of this machine. The prover goes on when it has its receipt: bring both files across "
    "soon.\n"
    "What was answered is kept in NAME.exchange.jsonl. Answer a challenge here only, never from a copy of it "
    "elsewhere:\n"
    "it must not get two answers.\n"
    "\n"
    "  -k, --key KEYFILE       the key that made the challenge\n"
    "  -o, --output FILE       where all receipts so far go (X.receipts.jsonl)\n"
    "      --follow            look for messages fifty times a second, until all are answered or the challenge "
    "expires\n";

enum {
	LOOK_MS = 20,
	LINES_MAX = 4 * ASSAY_STEPS_MAX, /* of a prover who says everything a few times */
	BYTES_MAX = LINES_MAX * ASSAY_STEP_LINE_MAX,
};

/* One call. */
struct session {
	const char *challenge, *messages, *output;
	struct assay_ledger ledger;
	char *text; /* of the file of messages, BYTES_MAX + 1 */
	size_t len;
	struct stat seen;                 /* that file, when it was last read */
	uint32_t answered;                /* whole lines that have a receipt */
	uint32_t written;                 /* receipts in the output */
	bool refused, loose;              /* a line was; the last line has no end */
	uint32_t told;                    /* of the refusals below */
	uint8_t tells[LINES_MAX + 1][32]; /* that were told: digests of text and reason */
};

static atomic_bool stop;

/* The first signal lets the answer that is being written be written. */
static void stop_soon(int number)
{
	if (atomic_exchange(&stop, true)) {
		assay_state_clean();
		_exit(128 + number);
	}
}

static void stop_on_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = stop_soon, .sa_flags = SA_RESTART}, before;

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
}

/* ---- Receipts ---- */

/* All receipts so far as one text, to be released with free(). */
static char *receipts_text(const struct assay_answers *answers)
{
	size_t len = 1;

	for (uint32_t i = 0; i < answers->count; i++)
		len += strlen(answers->receipts[i]);
	char *text = malloc(len), *end = text;
	for (uint32_t i = 0; text && i < answers->count; i++)
		end = stpcpy(end, answers->receipts[i]);
	if (text)
		*end = '\0';
	return text;
}

/* A file of that name may only be an earlier one of ours. Receipts that the ledger does not have would mean that it is
 * not the one that was kept. */
static enum assay_status output_check(struct session *session, struct assay_error *error)
{
	char *ours = receipts_text(&session->ledger.answers);
	const size_t most = ours ? strlen(ours) : 0;
	char *theirs = ours ? malloc(most + 1) : NULL;
	enum assay_status status = ASSAY_OK;

	FILE *file = theirs ? fopen(session->output, "re") : NULL;
	if (!theirs)
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	else if (!file && errno != ENOENT)
		status = assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s", session->output, strerror(errno));
	if (file) {
		const size_t len = fread(theirs, 1, most + 1, file);
		if (ferror(file))
			status =
			    assay_fail(error, ASSAY_ERROR_IO, "io.read", "%s: %s", session->output, strerror(errno));
		else if (len > most || memcmp(theirs, ours, len) != 0)
			status = assay_fail(error, ASSAY_ERROR_IO, "io.exists",
			                    "%s: exists already, and has other receipts than %s; take another -o",
			                    session->output, session->ledger.path);
		else if (len == most)
			session->written = session->ledger.answers.count;
		fclose(file);
	}
	free(theirs);
	free(ours);
	return status;
}

static enum assay_status output_write(struct session *session, struct assay_error *error)
{
	const struct assay_answers *answers = &session->ledger.answers;

	if (answers->count == session->written)
		return ASSAY_OK;
	enum assay_status status = assay_output_write(session->output, 0644, (const char *const *)answers->receipts,
	                                              answers->count, true, error);
	if (!status)
		session->written = answers->count;
	return status;
}

/* ---- Messages ---- */

/* Another machine makes this file: no more of it is read than there can be. */
static enum assay_status messages_read(struct session *session, struct assay_error *error)
{
	FILE *file = fopen(session->messages, "re");

	session->len = 0;
	memset(&session->seen, 0, sizeof session->seen);
	if (!file)
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s", session->messages, strerror(errno));
	/* Before it is read: what comes later is seen the next time. */
	(void)fstat(fileno(file), &session->seen);
	session->len = fread(session->text, 1, BYTES_MAX + 1, file);
	const bool failed = ferror(file);
	fclose(file);
	if (failed)
		return assay_fail(error, ASSAY_ERROR_IO, "io.read", "%s: %s", session->messages, strerror(errno));
	size_t lines = 0;
	for (size_t i = 0; i < session->len; i++)
		lines += session->text[i] == '\n';
	session->loose = session->len && session->text[session->len - 1] != '\n';
	if (session->len > BYTES_MAX || lines > LINES_MAX)
		return assay_fail(error, ASSAY_ERROR_INPUT, "exchange.malformed",
		                  "%s: has more than the %d lines of %d bytes that messages are", session->messages,
		                  LINES_MAX, ASSAY_STEP_LINE_MAX);
	return ASSAY_OK;
}

/* Once for each line and reason, and not without end. */
static void refusal_tell(struct session *session, const char *line, size_t len, const struct assay_error *error)
{
	const struct assay_part parts[] = {{line, len}};
	uint8_t digest[32];

	session->refused = true;
	assay_hash(digest, error->reason, parts, 1);
	for (uint32_t i = 0; i < session->told; i++)
		if (memcmp(session->tells[i], digest, 32) == 0)
			return;
	if (session->told > LINES_MAX)
		return;
	memcpy(session->tells[session->told++], digest, 32);
	assay_remark(error);
	if (session->told > LINES_MAX)
		fprintf(stderr, "assay: what else is refused is not told any more\n");
}

/* Answers the lines that are there; the last one may not be whole yet. With `all`, also after one that is refused.
 * Errors: those of files. */
static enum assay_status lines_answer(struct session *session, bool all, struct assay_error *error)
{
	const char *line = session->text, *end;
	size_t left = session->len;
	enum assay_status status = ASSAY_OK;

	session->answered = 0;
	session->refused = false;
	for (uint32_t i = 1; (end = memchr(line, '\n', left)) && (all || !session->refused); i++) {
		const size_t len = (size_t)(end - line) + 1;
		struct assay_error cause, told;
		const char *receipt;
		status = assay_answer(&session->ledger.answers, line, len, assay_time_ns(), &receipt, &cause);
		if (status && strncmp(cause.reason, "exchange.", strlen("exchange.")) != 0) {
			*error = cause;
			return status;
		}
		if (status) {
			(void)assay_fail(&told, status, cause.reason, "%s: line %u: %s", session->messages, i,
			                 cause.text);
			refusal_tell(session, line, len, &told);
		}
		session->answered += !status;
		line += len;
		left -= len;
	}
	return output_write(session, error);
}

static bool is_over(const struct session *session)
{
	return session->written == assay_answers_total(&session->ledger.answers);
}

static bool has_changed(const struct session *session)
{
	struct stat now;

	return stat(session->messages, &now) == 0 &&
	       (now.st_ino != session->seen.st_ino || now.st_dev != session->seen.st_dev ||
	        now.st_size != session->seen.st_size || now.st_mtim.tv_sec != session->seen.st_mtim.tv_sec ||
	        now.st_mtim.tv_nsec != session->seen.st_mtim.tv_nsec);
}

/* ---- The command ---- */

static int once(struct session *session)
{
	struct assay_error error;

	if (messages_read(session, &error) != ASSAY_OK || lines_answer(session, false, &error) != ASSAY_OK)
		return assay_complain(&error);
	if (session->refused)
		return ASSAY_EXIT_ERROR;
	if (session->loose)
		fprintf(stderr, "assay: %s: its last line is not whole yet, and is not answered\n", session->messages);
	printf("%s: %u of %u receipts\n", session->output, session->ledger.answers.count,
	       assay_answers_total(&session->ledger.answers));
	return 0;
}

static void progress(const struct session *session, uint32_t before)
{
	const struct assay_answers *answers = &session->ledger.answers;

	for (uint32_t i = before; i < answers->count; i++) {
		char at[21];
		assay_utc_text(at, answers->steps[i].at_ns / 1000000000);
		printf("%s  %u of %u: ", at, i + 1, assay_answers_total(answers));
		if (i + 1 == assay_answers_total(answers))
			printf("leaves are drawn\n");
		else
			printf("segment %u %s\n", answers->steps[i].segment,
			       answers->steps[i].is_commit ? "is done" : "begins");
	}
	(void)fflush(stdout);
}

/* Answers what is new. What fails, and files that are gone again or too long, may be otherwise the next time. */
static void look(struct session *session)
{
	const uint32_t before = session->ledger.answers.count;
	struct assay_error error;
	enum assay_status status = messages_read(session, &error);

	if (!status)
		status = lines_answer(session, true, &error);
	progress(session, before);
	if (!status)
		return;
	refusal_tell(session, "", 0, &error);
	if (status != ASSAY_ERROR_INPUT)
		memset(&session->seen, 0, sizeof session->seen);
}

static int follow(struct session *session)
{
	const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
	const uint64_t expires = session->ledger.challenge.expires;
	struct assay_error error;

	stop_on_signals();
	/* Answers that were not given out when the process ended. */
	if (assay_time_ns() / 1000000000 < expires && output_write(session, &error) != ASSAY_OK)
		return assay_complain(&error);
	while (!is_over(session)) {
		if (atomic_load(&stop))
			return session->refused ? ASSAY_EXIT_ERROR : 0;
		if (assay_time_ns() / 1000000000 > expires) {
			char text[21];
			assay_utc_text(text, expires);
			(void)assay_fail(&error, ASSAY_ERROR_INPUT, "exchange.expired",
			                 "the challenge expired at %s with %u of %u steps answered: make a new one",
			                 text, session->ledger.answers.count,
			                 assay_answers_total(&session->ledger.answers));
			return assay_complain(&error);
		}
		if (has_changed(session))
			look(session);
		if (!is_over(session))
			nanosleep(&pause, NULL);
	}
	printf("%s: all %u receipts are there\n", session->output, session->written);
	return 0;
}

/* The output must be none of the files that are read, by whatever name. */
static bool is_apart(const struct session *session, const char *key)
{
	static const char ending[] = ".exchange.jsonl";
	const char *const read[] = {session->challenge, session->messages, session->ledger.path, key};
	const size_t len = strlen(session->output);
	struct stat output, other;
	/* The ledger may not be there yet. */
	bool apart = len < sizeof ending || strcmp(session->output + len - (sizeof ending - 1), ending) != 0;

	for (size_t i = 0; i < sizeof read / sizeof *read; i++)
		apart = apart && strcmp(read[i], session->output) != 0 &&
		        (stat(session->output, &output) != 0 || stat(read[i], &other) != 0 ||
		         output.st_ino != other.st_ino || output.st_dev != other.st_dev);
	return apart;
}

static bool output_default(char path[ASSAY_PATH_MAX], const char *messages)
{
	static const char ending[] = ".messages.jsonl";
	size_t len = strlen(messages);

	if (len >= sizeof ending && strcmp(messages + len - (sizeof ending - 1), ending) == 0)
		len -= sizeof ending - 1;
	return snprintf(path, ASSAY_PATH_MAX, "%.*s.receipts.jsonl", (int)len, messages) < ASSAY_PATH_MAX;
}

static int answer(struct session *session, const char *key, const struct assay_secret *secret, bool follows)
{
	struct assay_error error;
	enum assay_status status = assay_ledger_open(&session->ledger, session->challenge, secret, &error);

	if (!status && !is_apart(session, key))
		status = assay_fail(&error, ASSAY_ERROR_IO, "io.exists",
		                    "%s: is another file of this exchange; take another -o", session->output);
	if (!status)
		status = output_check(session, &error);
	session->text = malloc(BYTES_MAX + 1);
	if (!status && !session->text)
		status = assay_fail(&error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	if (status)
		return assay_complain(&error);
	return follows ? follow(session) : once(session);
}

int assay_command_answer(int argc, char **argv)
{
	static const struct option table[] = {{"key", required_argument, NULL, 'k'},
	                                      {"output", required_argument, NULL, 'o'},
	                                      {"follow", no_argument, NULL, 'f'},
	                                      {"help", no_argument, NULL, 'h'},
	                                      {0}};
	static struct session session = {.ledger = {.lock = -1}};
	char path[ASSAY_PATH_MAX];
	struct assay_secret secret;
	struct assay_error error;
	const char *key = NULL;
	bool follows = false;

	for (int option; (option = getopt_long(argc, argv, "k:o:h", table, NULL)) != -1;) {
		if (option == 'k')
			key = optarg;
		else if (option == 'o')
			session.output = optarg;
		else if (option == 'f')
			follows = true;
		else
			return assay_usage(usage, option == 'h');
	}
	if (optind + 2 != argc || !key)
		return assay_usage(usage, false);
	session.challenge = argv[optind];
	session.messages = argv[optind + 1];
	if (!session.output && !output_default(path, session.messages)) {
		(void)assay_fail(&error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long", session.messages);
		return assay_complain(&error);
	}
	if (!session.output)
		session.output = path;
	if (assay_secret_read(&secret, key, &error) != ASSAY_OK)
		return assay_complain(&error);
	int code = answer(&session, key, &secret, follows);
	assay_ledger_close(&session.ledger);
	free(session.text);
	assay_secret_forget(&secret);
	return code;
}
