/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that appear whole or not at all, and where files belong. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/state.h"
#include "harness/test/support.h"

TestSuite(state, .fini = support_leave, .timeout = 60);

static struct assay_error error;

/* Writes a text to a file the way the harness does. */
static enum assay_status put(const char *path, const char *text, bool replace)
{
	struct assay_output output;
	enum assay_status status = assay_output_open(&output, path, 0644, &error);

	if (!status) {
		fputs(text, output.file);
		status = assay_output_flush(&output, &error);
	}
	if (!status)
		status = assay_output_commit(&output, replace, &error);
	assay_output_close(&output);
	return status;
}

static void holds(const char *path, const char *text)
{
	char data[256];
	size_t len = support_read(path, data, sizeof data);

	cr_assert_eq(len, strlen(text), "%s", path);
	cr_assert_arr_eq(data, text, len);
}

/* ---- Outputs ---- */

Test(state, temporary_then_named)
{
	struct assay_output output;
	const char *path;

	support_enter();
	path = support_path("a");
	support_ok(assay_output_open(&output, path, 0640, &error), error);
	cr_assert_not(support_exists(path));
	cr_assert(support_exists(output.temporary));
	cr_assert_eq(strncmp(output.temporary, path, strlen(path)), 0, "beside its own name");
	fputs("one", output.file);
	support_ok(assay_output_flush(&output, &error), error);
	cr_assert_not(support_exists(path));
	holds(output.temporary, "one");
	support_ok(assay_output_commit(&output, false, &error), error);
	holds(path, "one");
	cr_assert_eq(support_mode(path), 0640);
	assay_output_close(&output);
	assay_output_close(&output);
	assay_output_close(NULL);
	holds(path, "one");
	cr_assert_eq(support_files(), 1);
}

Test(state, closed_without_commit)
{
	struct assay_output output;

	support_enter();
	support_ok(assay_output_open(&output, support_path("a"), 0644, &error), error);
	assay_output_close(&output);
	cr_assert_eq(support_files(), 0);
}

Test(state, replaces_only_when_told)
{
	const char *path;

	support_enter();
	path = support_path("a");
	support_ok(put(path, "one", false), error);
	cr_assert_eq(put(path, "two", false), ASSAY_ERROR_IO);
	cr_assert_str_eq(error.reason, "io.exists");
	holds(path, "one");
	cr_assert_eq(support_files(), 1);
	support_ok(put(path, "three", true), error);
	holds(path, "three");
	cr_assert_eq(support_files(), 1);
	/* A dangling link is a name that is taken. */
	cr_assert_eq(symlink("/nonexistent/target", support_path("b")), 0);
	cr_assert_eq(put(support_path("b"), "four", false), ASSAY_ERROR_IO);
	cr_assert_str_eq(error.reason, "io.exists");
	/* A directory cannot be replaced. */
	cr_assert_eq(mkdir(support_path("c"), 0755), 0);
	cr_assert_eq(put(support_path("c"), "five", true), ASSAY_ERROR_IO);
	cr_assert_eq(put(support_path("c"), "five", false), ASSAY_ERROR_IO);
	cr_assert_eq(support_files(), 3);
}

Test(state, disk_full)
{
	const struct rlimit limit = {4096, 4096};
	static char large[65536];
	const char *path;

	support_enter();
	path = support_path("a");
	support_ok(put(path, "old", false), error);
	memset(large, 'x', sizeof large - 1);
	pid_t child = support_fork();
	if (child == 0) {
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		bool good = put(path, large, true) == ASSAY_ERROR_IO && strcmp(error.reason, "io.write") == 0 &&
		            put(support_path("b"), large, false) == ASSAY_ERROR_IO;
		_exit(good ? 0 : 1);
	}
	int status;
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0, "a full disk is not reported as io.write");
	holds(path, "old");
	cr_assert_eq(support_files(), 1);
}

Test(state, cannot_be_opened)
{
	support_enter();
	cr_assert_eq(put(support_path("missing/a"), "x", false), ASSAY_ERROR_IO);
	cr_assert_str_eq(error.reason, "io.open");
	cr_assert_eq(put("/proc/assay-test", "x", false), ASSAY_ERROR_IO);
	cr_assert_eq(put("/dev/full/a", "x", false), ASSAY_ERROR_IO);
	support_write(support_path("file"), "x", 1);
	cr_assert_eq(put(support_path("file/a"), "x", false), ASSAY_ERROR_IO);
	cr_assert_eq(support_files(), 1);
}

/* The longest path that there is, of components of 200: its temporary name does not fit, which must not cost the user
 * the file that has the name. */
Test(state, name_too_long)
{
	char path[ASSAY_PATH_MAX + 100], name[ASSAY_PATH_MAX];
	struct assay_output output;
	size_t len;

	support_enter();
	snprintf(path, sizeof path, "%s", support_path("d"));
	while ((len = strlen(path)) < ASSAY_PATH_MAX - 1) {
		cr_assert(mkdir(path, 0700) == 0 || errno == EEXIST, "%s", strerror(errno));
		size_t room = ASSAY_PATH_MAX - 1 - len, part = room > 300 ? 200 : room - 1;
		path[len] = '/';
		memset(path + len + 1, 'n', part);
		path[len + 1 + part] = '\0';
	}
	cr_assert_eq(strlen(path), ASSAY_PATH_MAX - 1);
	support_write(path, "precious", 8);
	cr_assert_eq(assay_output_open(&output, path, 0644, &error), ASSAY_ERROR_IO);
	cr_assert_str_eq(error.reason, "io.open");
	assay_output_close(&output);
	cr_assert(support_exists(path), "the user's file is gone");

	/* And far too long, and a component that is. */
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	cr_assert_eq(put(name, "x", false), ASSAY_ERROR_IO);
	name[256] = '\0';
	cr_assert_eq(put(support_path(name), "x", false), ASSAY_ERROR_IO);
	cr_assert_str_eq(error.reason, "io.open");
}

/* Many processes write to one name at once: without `replace` one wins and its file is whole. */
Test(state, concurrent_writers)
{
	enum { WRITERS = 8, LEN = 50000 };
	static char text[LEN + 1], data[LEN + 1];
	const char *path;
	int winners = 0, status;

	support_enter();
	path = support_path("a");
	for (int replace = 0; replace < 2; replace++) {
		winners = 0;
		for (int i = 0; i < WRITERS; i++) {
			if (support_fork() == 0) {
				memset(text, 'a' + i, LEN);
				_exit(put(path, text, replace) == ASSAY_OK                 ? 0
				      : strcmp(error.reason, "io.exists") == 0 && !replace ? 1
				                                                           : 2);
			}
		}
		for (int i = 0; i < WRITERS; i++) {
			cr_assert_gt(wait(&status), 0);
			cr_assert(WIFEXITED(status) && WEXITSTATUS(status) < 2);
			winners += WEXITSTATUS(status) == 0;
		}
		cr_assert_eq(winners, replace ? WRITERS : 1);
		cr_assert_eq(support_read(path, data, sizeof data), LEN);
		for (int i = 1; i < LEN; i++)
			cr_assert_eq(data[i], data[0], "a mixed file");
		cr_assert_eq(support_files(), 1);
	}
}

/* More outputs than a signal can clean up are still outputs, and slots come back. */
Test(state, many_outputs)
{
	struct assay_output outputs[12];
	char name[16];

	support_enter();
	for (int turn = 0; turn < 3; turn++) {
		for (int i = 0; i < 12; i++) {
			snprintf(name, sizeof name, "f%d", i);
			support_ok(assay_output_open(&outputs[i], support_path(name), 0644, &error), error);
		}
		for (int i = 0; i < 12; i++)
			assay_output_close(&outputs[i]);
	}
	cr_assert_eq(support_files(), 0);
	/* A failed open does not take the slot of another output with it. */
	struct assay_output good, bad;
	cr_assert_neq(assay_output_open(&bad, support_path("missing/x"), 0644, &error), ASSAY_OK);
	support_ok(assay_output_open(&good, support_path("x"), 0644, &error), error);
	assay_output_close(&bad);
	pid_t child = support_fork();
	if (child == 0) {
		freopen("/dev/null", "w", stderr);
		assay_state_signals();
		raise(SIGTERM);
		_exit(0);
	}
	int status;
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM);
	cr_assert_eq(support_files(), 0, "the signal did not remove the unfinished file");
	assay_output_close(&good);
}

/* ---- Places ---- */

static void set(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

Test(state, places)
{
	/* NULL: not set. A relative XDG directory is to be ignored (XDG Base Directory Specification). */
	static const char *const states[] = {NULL, "", "/s"}, *const homes[] = {NULL, "", "/h", "/", "relative"},
	                         *const bases[] = {NULL, "", "/x", "relative"};
	char path[ASSAY_PATH_MAX], expected[64];

	for (size_t s = 0; s < 3; s++)
		for (size_t h = 0; h < 5; h++)
			for (size_t x = 0; x < 4; x++)
				for (int cache = 0; cache < 2; cache++) {
					bool home = homes[h] && strcmp(homes[h], "/h") == 0, base = x == 2;
					set("ASSAY_STATE_DIR", states[s]);
					set("HOME", homes[h]);
					set("XDG_CONFIG_HOME", cache ? "/wrong" : bases[x]);
					set("XDG_CACHE_HOME", cache ? bases[x] : "/wrong");
					bool found = (cache ? assay_state_cache : assay_state_config)(path, "f");
					snprintf(expected, sizeof expected, "%s",
					         s == 2  ? "/s/f"
					         : base  ? "/x/assay/f"
					         : cache ? "/h/.cache/assay/f"
					                 : "/h/.config/assay/f");
					cr_assert_eq(found, s == 2 || base || home, "%zu %zu %zu %d", s, h, x, cache);
					if (found)
						cr_assert_str_eq(path, expected);
				}
	/* A path that does not fit is none. */
	char *longest = malloc(ASSAY_PATH_MAX);
	memset(longest, 'x', ASSAY_PATH_MAX - 1);
	longest[0] = '/';
	longest[ASSAY_PATH_MAX - 1] = '\0';
	set("ASSAY_STATE_DIR", longest);
	cr_assert_not(assay_state_config(path, "f"));
	free(longest);
}

Test(state, parents)
{
	support_enter();
	umask(0);
	support_ok(assay_state_parents(support_path("a/b//c/file"), &error), error);
	cr_assert_eq(support_mode(support_path("a")), 0700);
	cr_assert_eq(support_mode(support_path("a/b")), 0700);
	cr_assert_eq(support_mode(support_path("a/b/c")), 0700);
	cr_assert_not(support_exists(support_path("a/b/c/file")));
	support_ok(assay_state_parents(support_path("a/b/c/file"), &error), error);
	support_ok(assay_state_parents("file", &error), error);
	support_ok(assay_state_parents("/file", &error), error);
	support_write(support_path("f"), "x", 1);
	cr_assert_eq(assay_state_parents(support_path("f/g/file"), &error), ASSAY_ERROR_IO);
	cr_assert_str_eq(error.reason, "io.open");
	cr_assert_eq(assay_state_parents("/proc/assay-test/file", &error), ASSAY_ERROR_IO);
	cr_assert_eq(assay_state_parents("/proc/assay-test/file", NULL), ASSAY_ERROR_IO);
}
