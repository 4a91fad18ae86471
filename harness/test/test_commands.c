/* SPDX-License-Identifier: Apache-2.0
 *
 * The assay binary as people and programs call it: exit codes, one line that says what is wrong, and nothing left
 * behind. */
#include <limits.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "harness/measure.h"
#include "harness/test/support.h"

TestSuite(commands, .fini = support_leave, .timeout = 300);

/* One line "assay: ... (reason)" on standard error, nothing on standard output, exit 3, at once. */
static void fails(const char *reason, const char *line)
{
	char pattern[128];
	regex_t regex;
	uint64_t start = assay_clock_ns();
	int code = support_run("%s", line);

	cr_assert_eq(code, 3, "%s: exit %d\n%s%s", line, code, support_out, support_err);
	cr_assert_lt(assay_clock_ns() - start, UINT64_C(4000000000), "%s: not at once", line);
	snprintf(pattern, sizeof pattern, "^assay: [^\n]*[^ \n] \\(%s\\)\n$", reason);
	cr_assert_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	cr_assert_eq(regexec(&regex, support_err, 0, NULL, 0), 0, "%s: %s", line, support_err);
	regfree(&regex);
	cr_assert_str_empty(support_out, "%s", line);
}

static void usage(const char *line)
{
	cr_assert_eq(support_run("%s", line), 3, "%s\n%s%s", line, support_out, support_err);
	cr_assert(*support_err, "%s: nothing said", line);
	cr_assert_str_empty(support_out, "%s", line);
}

Test(commands, help_and_usage)
{
	static const char *const names[] = {"devices",   "doctor", "keygen",  "run",      "verify",
	                                    "challenge", "answer", "show",    "selftest", "bench",
	                                    "report",    "status", "compare", "baseline"};
	char line[128];

	support_enter();
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		cr_assert_eq(support_run("$A %s --help", names[i]), 0, "%s", names[i]);
		cr_assert(strstr(support_out, names[i]) && strstr(support_out, "usage: assay "), "%s", support_out);
		cr_assert_str_empty(support_err);
		cr_assert_eq(support_run("$A %s -h", names[i]), 0, "%s", names[i]);
		cr_assert_eq(support_run("$A help; $A --help"), 0);
		cr_assert(strstr(support_out, names[i]));
		snprintf(line, sizeof line, "$A %s --no-such-option", names[i]);
		usage(line);
		snprintf(line, sizeof line, "$A %s -Z", names[i]);
		usage(line);
	}
	usage("$A");
	usage("$A nothing");
	usage("$A ''");
	usage("$A verify");
	usage("$A show");
	usage("$A show a b");
	usage("$A run extra");
	usage("$A devices extra");
	usage("$A doctor extra");
	usage("$A keygen extra");
	usage("$A selftest extra");
	usage("$A bench --seconds 0");
	usage("$A bench --seconds 5x");
	usage("$A run --duration 0");
	usage("$A run --duration -1");
	usage("$A run --duration x");
	usage("$A run --duration ''");
	usage("$A run --duration 86401");
	usage("$A run --duration 4294967316"); /* 20 in 32 bits */
	usage("$A run --stagger -1");
	usage("$A run --stagger ''");
	usage("$A run --stagger 5ms");
	usage("$A run --stagger 60001");
	usage("$A run --power-budget 0");
	usage("$A run --power-budget 1kW");
	usage("$A run --power-budget 1000001");
	usage("$A run --duration 25h");
	usage("$A run --duration 1441m");
	usage("$A run --duration 1d");
	usage("$A run --duration 1mm");
	usage("$A run --duration h");
	usage("$A run --duration ' 20'");
	usage("$A run --duration 0h");
	usage("$A run --duration 5124095576030431h"); /* overflows to few seconds */
	cr_assert_eq(support_run("$A --version && $V --version"), 0);
	cr_assert_eq(support_files(), 0);
}

Test(commands, devices_as_json)
{
	bool cpu = false;

	support_enter();
	cr_assert_eq(support_run("$A devices --json"), 0, "%s", support_err);
	json_t *devices = json_loads(support_out, JSON_REJECT_DUPLICATES, NULL);
	cr_assert(json_is_array(devices), "%s", support_out);
	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *device = json_array_get(devices, i);
		const char *id = json_string_value(json_object_get(device, "id"));
		cr_assert(id && json_is_string(json_object_get(device, "name")));
		cr_assert_gt(json_integer_value(json_object_get(device, "memoryBytes")), 1 << 20);
		cr_assert_geq(json_integer_value(json_object_get(device, "computeUnits")), 1);
		cpu |= strcmp(id, "cpu") == 0;
	}
	cr_assert(cpu);
	json_decref(devices);
	cr_assert_eq(support_run("$A devices"), 0);
	cr_assert_eq(strncmp(support_out, "cpu ", 4), 0, "%s", support_out);
	/* Without any OpenCL the cpu is still there, and why the others are not is said. */
	cr_assert_eq(support_run("ASSAY_OPENCL_LIBRARY=/nonexistent.so $A devices"), 0);
	cr_assert_eq(strncmp(support_out, "cpu ", 4), 0);
	cr_assert(strstr(support_err, "opencl"), "%s", support_err);
	cr_assert_eq(support_run("ASSAY_OPENCL_LIBRARY=/nonexistent.so $A selftest -d all"), 0);
	fails("device.missing", "ASSAY_OPENCL_LIBRARY=/nonexistent.so $A selftest -d opencl");
	/* A library that is no OpenCL library. */
	cr_assert_eq(support_run("ASSAY_OPENCL_LIBRARY=libm.so.6 $A selftest -d all"), 0, "%s", support_err);
}

Test(commands, run_fails_at_once)
{
	support_enter();
	cr_assert_eq(support_run("$A keygen -o $T/k && cp $T/k $T/open && chmod 644 $T/open && "
	                         "head -c 60 $T/k > $T/bad && install -m 600 $T/k.pub $T/public && chmod 600 $T/bad && "
	                         "touch $T/t.transcript "
	                         "$T/a.intoto.json && mkdir $T/d.transcript $T/e.intoto.json && ln -s none "
	                         "$T/l.transcript"),
	             0, "%s", support_err);
	unsigned before = support_files();
	fails("plan.power", "ASSAY_SYSFS=$T $A run -d cpu -w sha256 --power-budget 100 -k $T/k -o $T/x");
	fails("plan.stagger", "$A run -d cpu,opencl:0 --stagger 5000 -k $T/k -o $T/x");
	fails("io.open", "$A run -d cpu -k $T/k -o $T/missing/x");
	fails("io.open", "$A run -d cpu -k $T/k -o /proc/x");
	fails("io.open", "$A run -d cpu -k $T/k -o $T/$(printf %0300d 1)");
	fails("io.open", "$A run -d cpu -k $T/k -o $(printf %04090d 1)");
	fails("io.exists", "$A run -d cpu -k $T/k -o $T/t");
	fails("io.exists", "$A run -d cpu -k $T/k -o $T/a");
	fails("io.exists", "$A run -d cpu -k $T/k -o $T/l");
	fails("io.exists", "$A run -d cpu -k $T/k -o $T/d --force");
	fails("io.exists", "$A run -d cpu -k $T/k -o $T/e --force");
	fails("device.id", "$A run -d nope -k $T/k -o $T/x");
	fails("device.id", "$A run -d '' -k $T/k -o $T/x");
	fails("device.id", "$A run -d cpu,cpu -k $T/k -o $T/x");
	fails("device.id", "$A run -d cpu:x -k $T/k -o $T/x");
	fails("device.id", "$A run -d cpu:-1 -k $T/k -o $T/x");
	fails("device.missing", "$A run -d cpu:1 -k $T/k -o $T/x");
	fails("device.missing", "$A run -d cpu:99 -k $T/k -o $T/x");
	fails("workload.unknown", "$A run -d cpu -w nope -k $T/k -o $T/x");
	fails("workload.unknown", "$A run -d cpu -w sha256/2 -k $T/k -o $T/x");
	fails("workload.unknown", "$A run -d cpu -w sha -k $T/k -o $T/x");
	fails("workload.unknown", "$A run -d cpu -w '' -k $T/k -o $T/x");
	fails("workload.unknown", "$A run -d cpu -w sha256$(printf ',sha256%.0s' $(seq 16)) -k $T/k -o $T/x");
	fails("profile.unknown", "$A run -d cpu -p nope -k $T/k -o $T/x");
	fails("profile.unknown", "$A run -d cpu -p '' -k $T/k -o $T/x");
	fails("profile.duration", "$A run -d cpu -p quick --duration 6 -k $T/k -o $T/x");
	fails("profile.duration", "$A run -d cpu -p quick --duration 1m -k $T/k -o $T/x");
	fails("profile.duration", "$A run -d cpu -p standard --duration 21 -k $T/k -o $T/x");
	fails("profile.duration", "$A run -d cpu -p soak --duration 19 -k $T/k -o $T/x");
	fails("profile.duration", "$A run -d cpu -p soak --duration 19s -k $T/k -o $T/x");
	fails("io.open", "$A run -d cpu -k $T/nokey -o $T/x");
	fails("key.mode", "$A run -d cpu -k $T/open -o $T/x");
	fails("key.malformed", "$A run -d cpu -k $T/bad -o $T/x");
	fails("key.malformed", "$A run -d cpu -k $T/public -o $T/x");
	cr_assert_eq(support_files(), before, "something was left");
}

Test(commands, keygen)
{
	support_enter();
	cr_assert_eq(support_run("$A keygen -o $T/k"), 0);
	cr_assert(strstr(support_out, "keyid "));
	cr_assert_eq(support_mode(support_path("k")), 0600);
	fails("io.exists", "$A keygen -o $T/k");
	cr_assert_eq(support_run("cp $T/k $T/before; $A keygen -o $T/k --force && ! cmp -s $T/k $T/before"), 0);
	fails("io.open", "$A keygen -o /proc/k");
	fails("io.open", "env -u HOME -u ASSAY_STATE_DIR -u XDG_CONFIG_HOME $A keygen");
	fails("io.open", "env -u ASSAY_STATE_DIR -u XDG_CONFIG_HOME HOME=/proc/none $A keygen");
	cr_assert_eq(support_run("env -u ASSAY_STATE_DIR -u XDG_CONFIG_HOME HOME=$T/home $A keygen"), 0);
	cr_assert(support_exists(support_path("home/.config/assay/key.pub")));
	cr_assert_eq(support_mode(support_path("home/.config/assay")), 0700);
}

Test(commands, output_that_cannot_be_written)
{
	support_enter();
	static const char *const lines[] = {
	    "devices",   "devices --json",         "doctor",          "doctor --json", "--help",
	    "--version", "keygen -o $T/k --force", "selftest -d cpu", "run --help"};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		cr_assert_eq(support_run("$A %s > /dev/full", lines[i]), 3, "%s > /dev/full", lines[i]);
		cr_assert_eq(support_run("$A %s >&-", lines[i]), 3, "%s >&-", lines[i]);
	}
	/* Closed streams do not end up in files. */
	cr_assert_eq(support_run("$A keygen -o $T/c >&- 2>&- <&-; head -c 27 $T/c"), 0);
	cr_assert_str_eq(support_out, "-----BEGIN PRIVATE KEY-----");
	cr_assert_eq(support_run("tail -n +4 $T/c; tail -n +4 $T/c.pub"), 0);
	cr_assert_str_empty(support_out, "%s", support_out);
}

/* ---- Signals ---- */

/* A run that is at work, with this signal ignored (0 = none) as nohup does. */
static pid_t run_start(int ignored)
{
	pid_t child = support_start("run", "run -d cpu -w sha256 -p quick -o x", ignored);

	nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 200000000}, NULL);
	cr_assert_eq(waitpid(child, NULL, WNOHANG), 0, "it is at work");
	return child;
}

static void ends(pid_t child, int number)
{
	int status;
	uint64_t start = assay_clock_ns();

	cr_assert_eq(kill(child, number), 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_lt(assay_clock_ns() - start, UINT64_C(1000000000), "signal %d: too slow", number);
	cr_assert(WIFEXITED(status), "signal %d", number);
	cr_assert_eq(WEXITSTATUS(status), 128 + number);
	cr_assert_eq(support_files(), 0, "signal %d leaves a file", number);
}

Test(commands, interrupted)
{
	support_enter();
	ends(run_start(0), SIGINT);
	ends(run_start(0), SIGTERM);
	pid_t child = run_start(SIGHUP);
	cr_assert_eq(kill(child, SIGHUP), 0);
	nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
	cr_assert_eq(waitpid(child, NULL, WNOHANG), 0, "what the caller ignores stays ignored");
	ends(child, SIGTERM);
	ends(run_start(0), SIGHUP);
}

/* ---- Real runs ---- */

static void verdict_is(int code, const char *line)
{
	int found = support_run("%s", line);

	cr_assert_eq(found, code, "%s: exit %d\n%s%s", line, found, support_out, support_err);
}

/* One byte of a file, at its position in per mille, is another one. */
static void tamper(const char *name, unsigned per_mille)
{
	char line[256];

	snprintf(line, sizeof line,
	         "F=$T/%s; S=$(stat -c %%s $F); P=$((S * %u / 1000)); "
	         "O=$(od -An -tu1 -j $P -N 1 $F | tr -d ' '); "
	         "printf \"\\\\$(printf %%o $((O ^ 1)))\" | dd of=$F bs=1 seek=$P conv=notrunc 2>/dev/null",
	         name, per_mille);
	cr_assert_eq(support_run("%s", line), 0, "%s", support_err);
}

Test(commands, run_and_verify)
{
	support_enter();
	cr_assert_eq(support_run("$A keygen -o $T/k && $A keygen -o $T/other"), 0);
	cr_assert_eq(support_run("cd $T && $A run -d cpu -w sha256 -p quick --duration 1 -k k -o x --json"), 0, "%s",
	             support_err);
	/* Standard output is one line, a JSON verdict. */
	char *end = strchr(support_out, '\n');
	cr_assert(end && end[1] == '\0', "%s", support_out);
	json_t *verdict = json_loads(support_out, JSON_REJECT_DUPLICATES, NULL);
	cr_assert_str_eq(json_string_value(json_object_get(verdict, "verdict")), "pass", "%s", support_out);
	json_decref(verdict);
	cr_assert_eq(support_files(), 6);

	verdict_is(0, "$V --trust $T/k.pub $T/x.intoto.json");
	verdict_is(0, "$A verify --trust $T $T/x.intoto.json");
	verdict_is(2, "$V $T/x.intoto.json");
	verdict_is(2, "$V --trust $T/other.pub $T/x.intoto.json");
	verdict_is(0, "$A show $T/x.intoto.json");
	verdict_is(0, "$A show --json $T/x.intoto.json | tail -n +2 | cmp - /dev/null");
	verdict_is(0, "test $($A show --rounds $T/x.intoto.json | wc -l) -ge 1");
	verdict_is(3, "$A show $T/x.intoto.json > /dev/full");
	verdict_is(3, "$V --json --trust $T/k.pub $T/x.intoto.json > /dev/full");
	verdict_is(3, "$V $T/missing.intoto.json");
	verdict_is(3, "$A show $T/missing");
	verdict_is(4, "$A show $T/k");
	verdict_is(3, "cp $T/x.intoto.json $T/alone.intoto.json; $V $T/alone.intoto.json");

	static const struct {
		const char *name;
		unsigned per_mille;
	} changes[] = {{"x.transcript", 0},    {"x.transcript", 1},    {"x.transcript", 500}, {"x.transcript", 999},
	               {"x.intoto.json", 100}, {"x.intoto.json", 900}, {"x.intoto.json", 999}};
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		tamper(changes[i].name, changes[i].per_mille);
		int code = support_run("$V --trust $T/k.pub $T/x.intoto.json");
		cr_assert(code == 1 || code == 4 || (code == 2 && changes[i].per_mille == 0), "%s at %u: exit %d\n%s",
		          changes[i].name, changes[i].per_mille, code, support_out);
		tamper(changes[i].name, changes[i].per_mille);
	}
	verdict_is(0, "$V --trust $T/k.pub $T/x.intoto.json");
}

/* As a user who owns nothing: no home, a directory that cannot be written, results elsewhere. */
Test(commands, run_as_nobody)
{
	support_long();
	support_enter();
	if (geteuid() != 0)
		support_missing("root", "only root can become somebody else");
	if (support_run("setpriv --reuid=65534 --regid=65534 --clear-groups env $A --version") != 0)
		support_missing("setpriv", "nobody cannot run the binary here");
	cr_assert_eq(support_run("mkdir $T/out $T/closed && chmod 777 $T/out && chmod 555 $T/closed"), 0);
	const char *nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups env -u HOME -u ASSAY_STATE_DIR "
	                     "-u XDG_CONFIG_HOME -u XDG_CACHE_HOME";
	char line[1024];
	snprintf(line, sizeof line, "cd $T/closed && %s $A run -d cpu -w sha256", nobody);
	fails("io.open", line);
	snprintf(line, sizeof line, "cd $T/closed && %s HOME=/root $A keygen", nobody);
	fails("io.open", line);
	cr_assert_eq(support_run("cd $T/closed && %s HOME=/nonexistent $A run -d cpu -w sha256 -o $T/out/x", nobody), 0,
	             "%s%s", support_out, support_err);
	cr_assert(strstr(support_err, "key for this run only"), "%s", support_err);
	cr_assert_eq(support_run("ls $T/out | wc -l; $V $T/out/x.intoto.json"), 2);
	cr_assert_eq(strncmp(support_out, "2\n", 2), 0, "%s", support_out);
	cr_assert(strstr(support_out, "work-proven"), "%s", support_out);
	cr_assert_not(strstr(support_out, "mismatch"), "%s", support_out);
}
