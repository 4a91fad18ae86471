/* SPDX-License-Identifier: Apache-2.0
 *
 * See state.h. */
#include "harness/state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { UNFINISHED_MAX = 8 };

/* Temporary names for the signal handler; a slot is in use while `used` is set. */
static struct {
	volatile sig_atomic_t used;
	char path[ASSAY_PATH_MAX];
} unfinished[UNFINISHED_MAX];

static bool below(char path[ASSAY_PATH_MAX], const char *xdg, const char *in_home, const char *name)
{
	const char *state = getenv("ASSAY_STATE_DIR"), *base = getenv(xdg), *home = getenv("HOME");
	int len;

	if (state && *state)
		len = snprintf(path, ASSAY_PATH_MAX, "%s/%s", state, name);
	else if (base && *base == '/')
		len = snprintf(path, ASSAY_PATH_MAX, "%s/assay/%s", base, name);
	else if (home && *home == '/' && home[1])
		len = snprintf(path, ASSAY_PATH_MAX, "%s/%s/assay/%s", home, in_home, name);
	else
		return false;
	return len > 0 && len < ASSAY_PATH_MAX;
}

bool assay_state_config(char path[ASSAY_PATH_MAX], const char *name)
{
	return below(path, "XDG_CONFIG_HOME", ".config", name);
}

bool assay_state_cache(char path[ASSAY_PATH_MAX], const char *name)
{
	return below(path, "XDG_CACHE_HOME", ".cache", name);
}

bool assay_state_kept(char path[ASSAY_PATH_MAX], const char *name)
{
	return below(path, "XDG_STATE_HOME", ".local/state", name);
}

enum assay_status assay_state_parents(const char *path, struct assay_error *error)
{
	char part[ASSAY_PATH_MAX];

	snprintf(part, sizeof part, "%s", path);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
			return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s", part, strerror(errno));
		struct stat info;
		if (stat(part, &info) != 0)
			return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: cannot be made: %s", part,
			                  strerror(errno));
		*slash = '/';
	}
	return ASSAY_OK;
}

static void forget(struct assay_output *output)
{
	if (output->slot >= 0)
		unfinished[output->slot].used = 0;
	output->slot = -1;
	output->temporary[0] = '\0';
}

enum assay_status assay_output_open(struct assay_output *output, const char *path, unsigned mode,
                                    struct assay_error *error)
{
	struct timespec now;

	memset(output, 0, sizeof *output);
	output->slot = -1;
	clock_gettime(CLOCK_REALTIME, &now);
	if (snprintf(output->path, sizeof output->path, "%s", path) >= ASSAY_PATH_MAX ||
	    snprintf(output->temporary, sizeof output->temporary, "%s.part%lld%09ld", path, (long long)now.tv_sec,
	             now.tv_nsec) >= ASSAY_PATH_MAX) {
		/* Cut short it may be the name of another file. */
		output->temporary[0] = '\0';
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long", path);
	}
	for (int i = 0; i < UNFINISHED_MAX && output->slot < 0; i++) {
		if (!unfinished[i].used) {
			memcpy(unfinished[i].path, output->temporary, sizeof unfinished[i].path);
			atomic_signal_fence(memory_order_seq_cst);
			unfinished[i].used = 1;
			output->slot = i;
		}
	}
	int file = open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (file >= 0 && !(output->file = fdopen(file, "wb"))) {
		close(file);
		unlink(output->temporary);
	}
	if (!output->file) {
		enum assay_status status =
		    assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: cannot be written: %s; choose another place (-o)",
		               output->path, strerror(errno));
		forget(output);
		return status;
	}
	return ASSAY_OK;
}

enum assay_status assay_output_flush(struct assay_output *output, struct assay_error *error)
{
	bool good =
	    output->file && fflush(output->file) == 0 && !ferror(output->file) && fsync(fileno(output->file)) == 0;

	if (!good)
		return assay_fail(error, ASSAY_ERROR_IO, "io.write", "%s: %s; nothing was written", output->path,
		                  strerror(errno ? errno : EIO));
	return ASSAY_OK;
}

/* A name is on the disk when its directory is. File systems that cannot say so are taken at their word. */
static void directory_sync(const char *path)
{
	char directory[ASSAY_PATH_MAX];
	const char *slash = strrchr(path, '/');

	snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
	int file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (file >= 0) {
		fsync(file);
		close(file);
	}
}

enum assay_status assay_output_commit(struct assay_output *output, bool replace, struct assay_error *error)
{
	if (output->file && fclose(output->file) != 0) {
		output->file = NULL;
		return assay_fail(error, ASSAY_ERROR_IO, "io.write", "%s: %s", output->path, strerror(errno));
	}
	output->file = NULL;
	/* link(2) refuses an existing name; some file systems have no links, and there a check has to do. */
	if (!replace && link(output->temporary, output->path) == 0) {
		unlink(output->temporary);
		forget(output);
		directory_sync(output->path);
		return ASSAY_OK;
	}
	if (!replace && (errno == EEXIST || access(output->path, F_OK) == 0))
		return assay_fail(error, ASSAY_ERROR_IO, "io.exists", "%s: exists already; use --force or another -o",
		                  output->path);
	if (rename(output->temporary, output->path) != 0)
		return assay_fail(error, ASSAY_ERROR_IO, "io.write", "%s: %s", output->path, strerror(errno));
	forget(output);
	directory_sync(output->path);
	return ASSAY_OK;
}

void assay_output_close(struct assay_output *output)
{
	if (!output)
		return;
	if (output->file)
		fclose(output->file);
	output->file = NULL;
	if (output->temporary[0]) {
		unlink(output->temporary);
		forget(output);
	}
}

enum assay_status assay_output_write(const char *path, unsigned mode, const char *const *parts, size_t count,
                                     bool replace, struct assay_error *error)
{
	struct assay_output output = {.slot = -1};
	enum assay_status status = assay_output_open(&output, path, mode, error);

	for (size_t i = 0; !status && i < count; i++)
		fputs(parts[i], output.file);
	if (!status)
		status = assay_output_flush(&output, error);
	if (!status)
		status = assay_output_commit(&output, replace, error);
	assay_output_close(&output);
	return status;
}

/* What a first signal sets. */
static atomic_bool *_Atomic stop_asked;

void assay_state_stop(atomic_bool *stop)
{
	atomic_store(&stop_asked, stop);
}

/* Only calls that are safe in a signal handler, here and below. */
void assay_state_clean(void)
{
	for (int i = 0; i < UNFINISHED_MAX; i++)
		if (unfinished[i].used)
			unlink(unfinished[i].path);
}

static void end(int number)
{
	static const char text[] = "\nassay: interrupted; unfinished files are removed\n";
	static const char stopping[] = "\nassay: stopping after this round; once more ends at once\n";
	atomic_bool *stop = atomic_load(&stop_asked);

	if (stop && !atomic_exchange(stop, true)) {
		int before = errno;
		ssize_t told = write(STDERR_FILENO, stopping, sizeof stopping - 1);
		(void)told;
		errno = before;
		return;
	}
	assay_state_clean();
	ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
	(void)written;
	_exit(128 + number);
}

void assay_state_signals(void)
{
	struct sigaction action = {.sa_handler = end, .sa_flags = SA_RESTART};

	sigemptyset(&action.sa_mask);
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		struct sigaction before;
		/* What the caller ignores (nohup) stays ignored. */
		if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit on files is told as a full disk is */
}
