/* SPDX-License-Identifier: Apache-2.0
 *
 * See launch.h. */
#include "harness/compare/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/compare/benchmarks.h"
#include "harness/measure.h"

enum { TICK_MS = 20, TAIL = 4096, DRAIN_NS = 200000000 };

/* What is read of a command that runs. */
struct reading {
	int out, err;
	char *text;
	size_t len, capacity;
	char tail[TAIL]; /* the last of its standard error */
	size_t tail_len;
};

/* In the child: only calls that are safe after fork. */
static _Noreturn void become(const char *command, int out, int err, char *const environment[])
{
	char shell[] = "sh", option[] = "-c";
	char *const arguments[] = {shell, option, (char *)(uintptr_t)command, NULL};
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};
	const int nothing = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		signal(numbers[i], SIG_DFL);
	if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(126);
	execve("/bin/sh", arguments, environment);
	_exit(127);
}

/* The environment with ASSAY_OUTPUT. NULL when out of memory. */
static char **environment_with(char *output)
{
	size_t count = 0, kept = 0;

	while (environ[count])
		count++;
	char **made = malloc((count + 2) * sizeof *made);
	for (size_t i = 0; made && i < count; i++)
		if (strncmp(environ[i], "ASSAY_OUTPUT=", 13) != 0)
			made[kept++] = environ[i];
	if (made) {
		made[kept++] = output;
		made[kept] = NULL;
	}
	return made;
}

static bool text_append(struct reading *reading, const char *data, size_t len)
{
	if (reading->len + len + 1 > reading->capacity) {
		const size_t capacity = 2 * (reading->len + len + 1);
		char *more = realloc(reading->text, capacity);
		if (!more)
			return false;
		reading->text = more;
		reading->capacity = capacity;
	}
	memcpy(reading->text + reading->len, data, len);
	reading->len += len;
	reading->text[reading->len] = '\0';
	return true;
}

static void tail_append(struct reading *reading, const char *data, size_t len)
{
	if (len > TAIL) {
		data += len - TAIL;
		len = TAIL;
	}
	if (reading->tail_len + len > TAIL) {
		const size_t drop = reading->tail_len + len - TAIL;
		memmove(reading->tail, reading->tail + drop, reading->tail_len - drop);
		reading->tail_len -= drop;
	}
	memcpy(reading->tail + reading->tail_len, data, len);
	reading->tail_len += len;
}

/* Takes what there is; closes what has ended. False when out of memory. */
static bool take(struct reading *reading, int wait_ms)
{
	struct pollfd polled[2] = {{reading->out, POLLIN, 0}, {reading->err, POLLIN, 0}};
	char data[65536];

	if (poll(polled, 2, wait_ms) <= 0)
		return true;
	for (int i = 0; i < 2; i++) {
		int *from = i == 0 ? &reading->out : &reading->err;
		if (!polled[i].revents || *from < 0)
			continue;
		const ssize_t got = read(*from, data, sizeof data);
		if (got > 0 && i == 0 && !text_append(reading, data, (size_t)got))
			return false;
		if (got > 0 && i == 1)
			tail_append(reading, data, (size_t)got);
		if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) {
			close(*from);
			*from = -1;
		}
	}
	return true;
}

/* Until the child has ended, and then as long as its pipes have something. False when out of memory. */
static bool follow(struct assay_launch *launch, struct reading *reading, pid_t child, uint64_t timeout_ns,
                   const atomic_bool *stop)
{
	const uint64_t start = assay_clock_ns();
	uint64_t ended_ns = 0;
	bool room = true, killed = false;
	int status = 0;

	while (!ended_ns || (reading->out >= 0 && assay_clock_ns() - ended_ns < DRAIN_NS)) {
		const uint64_t now = assay_clock_ns();
		enum assay_ending why = now - start > timeout_ns                    ? ASSAY_TIMEOUT
		                        : reading->len > ASSAY_BENCHMARKS_BYTES_MAX ? ASSAY_TOO_MUCH
		                        : (stop && atomic_load(stop))               ? ASSAY_STOPPED
		                                                                    : ASSAY_ENDED;
		if (!ended_ns && !killed && (why != ASSAY_ENDED || !room)) {
			launch->ending = why;
			kill(-child, SIGKILL);
			killed = true;
		}
		siginfo_t info = {0};
		if (!ended_ns && waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid) {
			ended_ns = assay_clock_ns();
			/* What it left running would disturb the next one, and hold its pipes; the group is its as long
			 * as nobody has waited for it. */
			kill(-child, SIGKILL);
			waitpid(child, &status, 0);
		}
		room = room && take(reading, ended_ns ? 1 : reading->out < 0 && reading->err < 0 ? 1 : TICK_MS);
		if (reading->out < 0 && reading->err < 0 && !ended_ns)
			usleep(500);
	}
	launch->wall_ns = ended_ns - start;
	if (!killed && WIFSIGNALED(status)) {
		launch->ending = ASSAY_KILLED;
		launch->code = WTERMSIG(status);
	} else if (!killed && WEXITSTATUS(status) != 0) {
		launch->ending = ASSAY_EXITED;
		launch->code = WEXITSTATUS(status);
	}
	return room;
}

static void complaint_of(struct assay_launch *launch, const struct reading *reading)
{
	size_t end = reading->tail_len, begin;

	while (end > 0 && (reading->tail[end - 1] == '\n' || reading->tail[end - 1] == ' '))
		end--;
	for (begin = end; begin > 0 && reading->tail[begin - 1] != '\n' && end - begin < sizeof launch->complaint - 1;)
		begin--;
	snprintf(launch->complaint, sizeof launch->complaint, "%.*s", (int)(end - begin), reading->tail + begin);
	assay_printable(launch->complaint);
}

/* What the command wrote to its file takes the place of what it printed. */
static enum assay_status file_take(struct assay_launch *launch, int file, struct assay_error *error)
{
	const off_t size = lseek(file, 0, SEEK_END);

	if (size <= 0)
		return ASSAY_OK;
	if (size > ASSAY_BENCHMARKS_BYTES_MAX) {
		launch->ending = ASSAY_TOO_MUCH;
		return ASSAY_OK;
	}
	char *text = malloc((size_t)size + 1);
	if (!text)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	const ssize_t got = pread(file, text, (size_t)size, 0);
	if (got < 0) {
		free(text);
		return assay_fail(error, ASSAY_ERROR_IO, "io.read", "a command's result: %s", strerror(errno));
	}
	free(launch->output);
	text[got] = '\0';
	launch->output = text;
	launch->len = (size_t)got;
	return ASSAY_OK;
}

static enum assay_status run(struct assay_launch *launch, struct reading *reading, const char *command,
                             char *const environment[], uint64_t timeout_ns, const atomic_bool *stop,
                             struct assay_error *error)
{
	int out[2], err[2];

	if (pipe2(out, O_CLOEXEC) != 0)
		return assay_fail(error, ASSAY_ERROR_IO, "launch.failed", "no pipe: %s", strerror(errno));
	if (pipe2(err, O_CLOEXEC) != 0) {
		close(out[0]);
		close(out[1]);
		return assay_fail(error, ASSAY_ERROR_IO, "launch.failed", "no pipe: %s", strerror(errno));
	}
	fflush(NULL);
	const pid_t child = fork();
	if (child == 0)
		become(command, out[1], err[1], environment);
	const int why = errno;
	close(out[1]);
	close(err[1]);
	reading->out = out[0];
	reading->err = err[0];
	if (child < 0)
		return assay_fail(error, ASSAY_ERROR_IO, "launch.failed", "no process can be made: %s", strerror(why));
	/* In both, so that neither has to wait for the other. */
	setpgid(child, child);
	fcntl(reading->out, F_SETFL, O_NONBLOCK);
	fcntl(reading->err, F_SETFL, O_NONBLOCK);
	return follow(launch, reading, child, timeout_ns, stop)
	           ? ASSAY_OK
	           : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
}

enum assay_status assay_launch(struct assay_launch *launch, const char *command, uint64_t timeout_ns,
                               const atomic_bool *stop, struct assay_error *error)
{
	const char *directory = getenv("TMPDIR");
	struct reading reading = {.out = -1, .err = -1};
	char path[512], variable[544];

	memset(launch, 0, sizeof *launch);
	snprintf(path, sizeof path, "%.480s/assay-XXXXXX", directory && *directory ? directory : "/tmp");
	const int file = mkostemp(path, O_CLOEXEC);
	if (file < 0)
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s; set TMPDIR", path, strerror(errno));
	snprintf(variable, sizeof variable, "ASSAY_OUTPUT=%s", path);
	char **environment = environment_with(variable);
	enum assay_status status = environment ? run(launch, &reading, command, environment, timeout_ns, stop, error)
	                                       : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	if (!status && !reading.text && !text_append(&reading, "", 0))
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	launch->output = reading.text;
	launch->len = reading.len;
	complaint_of(launch, &reading);
	/* Programs that replace a file leave another one under its name. */
	const int again = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (!status && again >= 0)
		status = file_take(launch, again, error);
	if (again >= 0)
		close(again);
	if (reading.out >= 0)
		close(reading.out);
	if (reading.err >= 0)
		close(reading.err);
	close(file);
	unlink(path);
	free(environment);
	return status;
}

void assay_launch_close(struct assay_launch *launch)
{
	free(launch->output);
	memset(launch, 0, sizeof *launch);
}

void assay_launch_words(char text[256], const struct assay_launch *launch, uint64_t timeout_ns)
{
	const char *colon = *launch->complaint ? ": " : "";

	switch (launch->ending) {
	case ASSAY_TIMEOUT:
		snprintf(text, 256, "took longer than %.0f s and was killed", (double)timeout_ns / 1e9);
		break;
	case ASSAY_TOO_MUCH:
		snprintf(text, 256, "printed more than %d MiB and was killed", ASSAY_BENCHMARKS_BYTES_MAX >> 20);
		break;
	case ASSAY_KILLED:
		snprintf(text, 256, "signal %d%s%s", launch->code, colon, launch->complaint);
		break;
	case ASSAY_EXITED:
		snprintf(text, 256, "exit %d%s%s", launch->code, colon, launch->complaint);
		break;
	case ASSAY_STOPPED:
		snprintf(text, 256, "stopped");
		break;
	default:
		snprintf(text, 256, "exit 0");
	}
}
