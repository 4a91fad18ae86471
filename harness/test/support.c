/* SPDX-License-Identifier: Apache-2.0
 *
 * See support.h. */
#include "harness/test/support.h"

#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/state.h"
#include "harness/workload.h"

char support_out[65536], support_err[65536];
static char directory[512];

const char *support_build(void)
{
	const char *build = getenv("ASSAY_BUILD");

	return build && *build ? build : "build";
}

const char *support_enter(void)
{
	static char absolute[256], cache[512], state[600];

	cr_assert(realpath(support_build(), absolute), "%s: no build directory", support_build());
	snprintf(directory, sizeof directory, "%s/test-XXXXXX", absolute);
	cr_assert(mkdtemp(directory), "%s", directory);
	cr_assert_eq(chmod(directory, 0755), 0);
	snprintf(state, sizeof state, "%s/.state", directory);
	setenv("ASSAY_STATE_DIR", state, 1);
	/* Compiled kernels, to be found again by the next test. */
	snprintf(cache, sizeof cache, "%s/pocl", absolute);
	setenv("POCL_CACHE_DIR", cache, 0);
	return directory;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info, (void)kind, (void)where;
	return remove(path);
}

void support_leave(void)
{
	if (*directory)
		nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	*directory = '\0';
}

const char *support_path(const char *name)
{
	static char paths[8][1024];
	static unsigned turn;
	char *path = paths[turn++ % 8];

	snprintf(path, sizeof paths[0], "%s/%s", directory, name);
	return path;
}

void support_write(const char *path, const void *data, size_t len)
{
	FILE *file = fopen(path, "wb");

	cr_assert(file, "%s", path);
	cr_assert_eq(fwrite(data, 1, len, file), len);
	cr_assert_eq(fclose(file), 0);
}

size_t support_read(const char *path, void *data, size_t capacity)
{
	FILE *file = fopen(path, "rb");
	size_t len = file ? fread(data, 1, capacity, file) : 0;

	if (file)
		fclose(file);
	return len;
}

size_t support_lines(const char *name)
{
	static char text[65536];
	const size_t len = support_read(support_path(name), text, sizeof text);
	size_t lines = 0;

	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	return lines;
}

void support_file(const char *name, const char *text)
{
	struct assay_error error;
	const char *path = support_path(name);

	support_ok(assay_state_parents(path, &error), error);
	support_write(path, text, strlen(text));
}

bool support_exists(const char *path)
{
	struct stat info;

	return lstat(path, &info) == 0;
}

unsigned support_mode(const char *path)
{
	struct stat info;

	cr_assert_eq(stat(path, &info), 0, "%s", path);
	return info.st_mode & 07777;
}

unsigned support_files(void)
{
	DIR *open = opendir(directory);
	unsigned count = 0;

	cr_assert(open);
	for (const struct dirent *entry; (entry = readdir(open));)
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		         strcmp(entry->d_name, ".state") != 0;
	closedir(open);
	return count;
}

int support_run(const char *format, ...)
{
	char line[4096], whole[8192], out[700], err[700];
	va_list list;

	va_start(list, format);
	vsnprintf(line, sizeof line, format, list);
	va_end(list);
	snprintf(out, sizeof out, "%s/.state.out", directory);
	snprintf(err, sizeof err, "%s/.state.err", directory);
	snprintf(whole, sizeof whole, "B='%.*s' T='%s'; A=$B/assay V=$B/assay-verify; (%s\n) >'%s' 2>'%s'",
	         (int)(strrchr(directory, '/') - directory), directory, directory, line, out, err);
	fflush(NULL);
	int status = system(whole);
	support_out[support_read(out, support_out, sizeof support_out - 1)] = '\0';
	support_err[support_read(err, support_err, sizeof support_err - 1)] = '\0';
	unlink(out);
	unlink(err);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void support_signals(int ignored)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		signal(numbers[i], numbers[i] == ignored ? SIG_IGN : SIG_DFL);
}

/* Whether all threads but this one sleep. */
static bool are_asleep(void)
{
	DIR *tasks = opendir("/proc/self/task");
	bool asleep = tasks != NULL;
	char path[64], state = 0;

	for (struct dirent *entry; asleep && (entry = readdir(tasks));) {
		if (*entry->d_name == '.' || atoi(entry->d_name) == gettid())
			continue;
		snprintf(path, sizeof path, "/proc/self/task/%.20s/stat", entry->d_name);
		FILE *file = fopen(path, "r");
		asleep = !file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1 || state == 'S';
		if (file)
			fclose(file);
	}
	if (tasks)
		closedir(tasks);
	return asleep;
}

pid_t support_fork(void)
{
	for (int i = 0; i < 1000 && !are_asleep(); i++)
		usleep(1000);
	fflush(NULL);
	return fork();
}

pid_t support_start(const char *name, const char *arguments, int ignored)
{
	char line[2 * PATH_MAX + 2048], build[PATH_MAX];

	cr_assert(realpath(support_build(), build));
	snprintf(line, sizeof line,
	         "mkdir -p '%s/.state' && cd '%s' && exec '%s/assay' %s >.state/%s.out 2>.state/%s.err", directory,
	         directory, build, arguments, name, name);
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		support_signals(ignored);
		execl("/bin/sh", "sh", "-c", line, NULL);
		_exit(127);
	}
	return child;
}

int support_ended(pid_t child, const char *name)
{
	char path[128];
	int status;

	cr_assert_eq(waitpid(child, &status, 0), child);
	snprintf(path, sizeof path, ".state/%s.out", name);
	support_out[support_read(support_path(path), support_out, sizeof support_out - 1)] = '\0';
	snprintf(path, sizeof path, ".state/%s.err", name);
	support_err[support_read(support_path(path), support_err, sizeof support_err - 1)] = '\0';
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

_Noreturn void support_missing(const char *what, const char *why)
{
	const char *required = getenv("ASSAY_REQUIRE");
	size_t len = strlen(what);

	for (const char *at = required; at && (at = strstr(at, what)); at += len)
		if ((at == required || at[-1] == ',') && (at[len] == '\0' || at[len] == ','))
			cr_assert_fail("%s is required but missing: %s", what, why);
	fprintf(stderr, "SKIPPED for want of %s: %s\n", what, why);
	cr_skip_test("%s: %s", what, why);
	abort();
}

void support_double(const char *variable, const char *library, bool images)
{
	char path[512], absolute[4096];

	snprintf(path, sizeof path, "%s/double/%s", support_build(), library);
	if (!realpath(path, absolute))
		support_missing("double", path);
	if (images && (!assay_images_cuda[0].architecture || !assay_images_hip[0].architecture))
		support_missing("images", "no clang for GPUs when this was built");
	setenv(variable, absolute, 1);
}

void support_long(void)
{
#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("as shipped only");
#endif
}

void support_opencl(struct assay_device *device, uint32_t lanes, uint32_t group)
{
	const struct assay_tuning tuning = {.lanes = lanes, .group = group};
	struct assay_error error = {.text = "no device"};
	uint32_t count = 0;

	if (support_thread_sanitizer())
		support_missing("opencl", "a device compiler's threads are not for the thread sanitizer");
	if (assay_backend_opencl.count(&count, &error) != ASSAY_OK || count == 0)
		support_missing("opencl", error.text);
	support_ok(assay_device_open(device, &assay_backend_opencl, 0, &tuning, &error), error);
}

bool support_cpu(struct assay_device *device, uint32_t lanes)
{
	const struct assay_tuning tuning = {.lanes = lanes};
	struct assay_error error;

	if (assay_device_open(device, &assay_backend_cpu, 0, &tuning, &error) == ASSAY_OK)
		return true;
	cr_assert(lanes == 8 || lanes == 16, "%s", error.text);
	cr_assert_str_eq(error.reason, "device.open");
	return false;
}

void support_engine(struct assay_engine *engine, struct assay_device *device, const struct assay_workload *workload,
                    const struct assay_params *params, uint8_t fill, bool room)
{
	struct assay_error error;
	uint8_t seed[32];

	support_ok(assay_engine_prepare(engine, device, workload, params, &error), error);
	memset(seed, fill, sizeof seed);
	support_ok(assay_engine_fill(engine, seed, room, &error), error);
}

void support_same_rounds(struct assay_device *one, struct assay_device *other)
{
	struct assay_device *const devices[] = {one, other};

	for (size_t w = 0; assay_workloads[w]; w++) {
		const struct assay_workload *workload = assay_workloads[w];
		struct assay_engine engine[2];
		struct assay_error error;
		uint8_t seed[32] = {9}, root[2][32], bands[2][64][32];
		for (size_t d = 0; d < 2; d++) {
			support_engine(&engine[d], devices[d], workload, &workload->cases[workload->case_count - 1], 5,
			               true);
			cr_assert_leq(engine[d].bands, 64);
			support_ok(assay_engine_round(&engine[d], seed, root[d], bands[d], &error), error);
		}
		cr_expect_arr_eq(root[0], root[1], 32, "%s: %s and %s", workload->work->name, one->id, other->id);
		cr_expect_arr_eq(bands[0], bands[1], engine[0].bands * 32);
		assay_engine_finish(&engine[0]);
		assay_engine_finish(&engine[1]);
	}
}

bool support_thread_sanitizer(void)
{
#if defined(__SANITIZE_THREAD__)
	return true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
	return true;
#endif
#endif
	return false;
}
