/* SPDX-License-Identifier: Apache-2.0
 *
 * The assay binary in a long run: killed, interrupted, on a full disk. Nothing that reached the checkpoint is lost, and
 * what comes out of it verifies. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "harness/journal.h"
#include "harness/test/support.h"
#include "verify/transcript.h"

TestSuite(soak, .fini = support_leave, .timeout = 300);

static struct assay_error error;

/* Waits until the checkpoint has this many rounds. */
static void wait_rounds(pid_t child, const char *path, uint64_t rounds)
{
	struct assay_checkpoint checkpoint = {.rounds = 0};

	while (checkpoint.rounds < rounds) {
		cr_assert_eq(waitpid(child, NULL, WNOHANG), 0, "it ended by itself");
		assay_checkpoint_close(&checkpoint);
		if (assay_checkpoint_read(&checkpoint, path, &error))
			checkpoint.rounds = 0;
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
	assay_checkpoint_close(&checkpoint);
}

static void exits(int code, const char *line)
{
	int found = support_run("%s", line);

	cr_assert_eq(found, code, "%s: exit %d\n%s%s", line, found, support_out, support_err);
}

/* The transcript begins with the rounds of the checkpoint, run by run. */
static void holds_rounds(const char *transcript, const struct assay_checkpoint *checkpoint)
{
	struct assay_transcript file;
	enum assay_reason reason;
	uint8_t bytes[32];

	support_ok(assay_transcript_open(&file, transcript, &reason, &error), error);
	cr_assert_eq(reason, ASSAY_REASON_NONE);
	for (uint32_t j = 0; j < checkpoint->challenge.segment_count; j++) {
		const struct assay_run_log *log = &checkpoint->runs[j];
		cr_assert_eq(fread(bytes, 1, 4, file.file), 4);
		uint32_t rounds = assay_le32_read(bytes);
		cr_assert_geq(rounds, log->rounds, "rounds were lost");
		for (uint32_t r = 0; r < rounds; r++) {
			cr_assert_eq(fread(bytes, 1, 32, file.file), 32);
			if (r < log->rounds)
				cr_assert_arr_eq(bytes, log->roots[r], 32);
		}
		cr_assert_eq(fseek(file.file, 8L * rounds, SEEK_CUR), 0);
	}
	assay_transcript_close(&file);
}

static json_int_t pauses_of(const char *name)
{
	exits(0, "true");
	cr_assert_eq(support_run("$A show --json $T/%s.intoto.json", name), 0, "%s", support_err);
	json_t *root = json_loads(support_out, 0, NULL);
	json_int_t pauses = json_integer_value(
	    json_object_get(json_object_get(json_object_get(root, "predicate"), "claimed"), "pauses"));
	json_decref(root);
	return pauses;
}

/* kill -9: what the checkpoint had is in what comes out, resumed or attested as it is. */
Test(soak, killed)
{
	support_long();
	struct assay_checkpoint checkpoint;

	support_enter();
	exits(0, "$A keygen -o $T/k && $A keygen -o $T/other");
	pid_t child = support_start("run", "run -d cpu -w sha256,sha256 -p quick --checkpoint 1 -k k -o x", 0);
	wait_rounds(child, support_path("x.checkpoint"), 2);
	cr_assert_eq(kill(child, SIGKILL), 0);
	cr_assert_eq(support_ended(child, "run"), 128 + SIGKILL);
	support_ok(assay_checkpoint_read(&checkpoint, support_path("x.checkpoint"), &error), error);
	cr_assert_geq(checkpoint.rounds, 2);

	/* Half a record more, as if the disk had lost power. */
	exits(0, "cp $T/x.checkpoint $T/y.checkpoint && head -c 31 $T/k >> $T/x.checkpoint");
	exits(3, "$A run --resume $T/x.checkpoint -k $T/other");
	cr_assert(strstr(support_err, "(checkpoint.key)") && strstr(support_err, "-k KEYFILE"), "%s", support_err);
	exits(0, "cmp -n $(stat -c %s $T/y.checkpoint) $T/x.checkpoint $T/y.checkpoint");

	/* As it is: the segments that did not begin are empty. */
	exits(2, "$A run --resume $T/y.checkpoint --attest -k $T/k -o $T/part");
	exits(2, "$V --trust $T/k.pub $T/part.intoto.json");
	cr_assert(strstr(support_out, "run.empty"), "%s", support_out);
	holds_rounds(support_path("part.transcript"), &checkpoint);
	cr_assert_eq(pauses_of("part"), 0);
	exits(0, "cmp -n $(stat -c %s $T/y.checkpoint) $T/x.checkpoint $T/y.checkpoint");

	exits(0, "$A run --resume $T/x.checkpoint -k $T/k");
	cr_assert(strstr(support_err, "31 bytes are torn"), "%s", support_err);
	exits(0, "$V --trust $T/k.pub $T/x.intoto.json");
	cr_assert(strstr(support_out, "cut off and resumed 1 times"), "%s", support_out);
	holds_rounds(support_path("x.transcript"), &checkpoint);
	cr_assert_eq(pauses_of("x"), 1);
	cr_assert_not(support_exists(support_path("x.checkpoint")), "it has done its work");
	assay_checkpoint_close(&checkpoint);

	/* What it cannot be resumed with. */
	exits(3, "$A run --attest");
	exits(3, "$A run --resume $T/y.checkpoint -p quick");
	cr_assert(strstr(support_err, "(run.resume)"), "%s", support_err);
	exits(3, "$A run --resume $T/y.checkpoint -k $T/k -o $T/x");
	cr_assert(strstr(support_err, "(io.exists)"), "%s", support_err);
	exits(3, "$A run --resume $T/k -k $T/k -o $T/z");
	cr_assert(strstr(support_err, "(checkpoint.malformed)"), "%s", support_err);
	exits(3, "$A run --resume $T/nothing -k $T/k -o $T/z");
	exits(3, "$A run -p quick --checkpoint 0");
	exits(3, "$A run -d cpu -w sha256 -p quick --checkpoint 1 -k $T/k -o $T/y");
	cr_assert(strstr(support_err, "(io.exists)") && strstr(support_err, "--resume"), "%s", support_err);
	cr_assert_not(support_exists(support_path("z.transcript")));
}

/* A key that nobody has after the process would make a checkpoint that nobody could use. */
Test(soak, without_a_key)
{
	support_enter();
	exits(0, "cd $T && env -u HOME -u ASSAY_STATE_DIR -u XDG_CONFIG_HOME -u XDG_CACHE_HOME $A run -d cpu -w sha256 "
	         "-p quick --duration 1 --checkpoint 1 -o x");
	cr_assert(strstr(support_err, "key for this run only") && strstr(support_err, "no checkpoint is written"), "%s",
	          support_err);
	cr_assert_eq(support_files(), 2);
}

/* Ctrl-C: the round is finished and what was done is attested; then the run goes on, and is ended at once. */
Test(soak, interrupted)
{
	support_long();
	struct assay_checkpoint checkpoint;

	support_enter();
	exits(0, "$A keygen -o $T/k");
	pid_t child =
	    support_start("run", "run -d cpu -w sha256,sha256 -p soak --duration 20s --checkpoint 1 -k k -o x", 0);
	wait_rounds(child, support_path("x.checkpoint"), 2);
	cr_assert_eq(kill(child, SIGINT), 0);
	cr_assert_eq(support_ended(child, "run"), 2, "%s%s", support_out, support_err);
	cr_assert(strstr(support_err, "stopping after this round"), "%s", support_err);
	cr_assert(strstr(support_err, "--resume x.checkpoint"), "%s", support_err);
	exits(2, "$V --trust $T/k.pub $T/x.intoto.json");
	cr_assert(strstr(support_out, "run.empty"), "%s", support_out);
	cr_assert_not(strstr(support_out, "mismatch"), "%s", support_out);

	/* Everything is in the checkpoint, and the file that was written holds it. */
	support_ok(assay_checkpoint_read(&checkpoint, support_path("x.checkpoint"), &error), error);
	cr_assert_eq(checkpoint.repeat_every, 16);
	holds_rounds(support_path("x.transcript"), &checkpoint);
	exits(0, "$A show --rounds $T/x.intoto.json");
	uint64_t lines = 0;
	for (const char *at = support_out; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	cr_assert_eq(lines, checkpoint.rounds);
	assay_checkpoint_close(&checkpoint);

	/* Once more, and a second signal ends it at once. */
	exits(0, "cd $T && for f in x.*; do cp $f before.${f#x.}; done");
	child = support_start("run", "run --resume x.checkpoint --checkpoint 1 -k k --force", 0);
	support_ok(assay_checkpoint_read(&checkpoint, support_path("before.checkpoint"), &error), error);
	wait_rounds(child, support_path("x.checkpoint"), checkpoint.rounds + 2);
	cr_assert_eq(kill(child, SIGTERM), 0);
	cr_assert_eq(kill(child, SIGTERM), 0);
	int code = support_ended(child, "run");
	/* Two that come before the first was seen are one. */
	cr_assert(code == 128 + SIGTERM || code == 2, "exit %d\n%s%s", code, support_out, support_err);
	assay_checkpoint_close(&checkpoint);
	support_ok(assay_checkpoint_read(&checkpoint, support_path("x.checkpoint"), &error), error);
	cr_assert_eq(checkpoint.pauses, 1);
	exits(2, "$A run --resume $T/x.checkpoint --attest -k $T/k --force");
	exits(2, "$V --trust $T/k.pub $T/x.intoto.json");
	cr_assert_not(strstr(support_out, "mismatch"), "%s", support_out);
	holds_rounds(support_path("x.transcript"), &checkpoint);
	cr_assert_eq(pauses_of("x"), 1);
	assay_checkpoint_close(&checkpoint);
}

/* A disk of 16 KiB: the checkpoint is cut off, the run goes on, and its files are found elsewhere. */
Test(soak, full_disk)
{
	struct stat info;

	support_enter();
	exits(0, "$A keygen -o $T/k && mkdir -p $T/disk $T/.state");
	if (mount("none", support_path("disk"), "tmpfs", 0, "size=16k") != 0)
		support_missing("root", "a small disk cannot be mounted");
	/* Room for the head of the checkpoint and a few rounds. */
	exits(0, "head -c 8192 /dev/zero > $T/disk/filler");
	pid_t child = support_start("run", "run -d cpu -w sha256 -p quick --checkpoint 1 -k k -o disk/x", 0);
	wait_rounds(child, support_path("disk/x.checkpoint"), 1);
	while (support_run("head -c 4096 /dev/zero >> $T/disk/filler") == 0)
		;
	int code = support_ended(child, "run");
	bool kept = support_exists(support_path("disk/x.checkpoint"));
	int there = stat(support_path(".state/x.intoto.json"), &info);
	umount2(support_path("disk"), MNT_DETACH);
	cr_assert(strstr(support_err, "(io.write)"), "%s", support_err);
	if (there == 0) {
		cr_assert_eq(code, 0, "%s%s", support_out, support_err);
		cr_assert_not(kept, "the checkpoint has done its work");
		exits(0, "$V --trust $T/k.pub $T/.state/x.intoto.json");
	} else {
		/* The last batch found room: the work is in the checkpoint. */
		cr_assert_eq(code, 3, "%s%s", support_out, support_err);
		cr_assert(kept && strstr(support_err, "--resume"), "%s", support_err);
	}
}

/* The same by a limit on the size of files: nothing can be written anywhere, and the checkpoint stays as far as it got.
 */
Test(soak, no_room_anywhere)
{
	support_long();
	struct assay_checkpoint checkpoint;
	struct stat head;

	support_enter();
	if (support_run("prlimit --version") != 0)
		support_missing("prlimit", "files cannot be limited");
	exits(0, "$A keygen -o $T/k");
	/* The head of the checkpoint is there at once, and the first batch after a second. */
	pid_t child = support_start("run", "run -d cpu -w sha256 -p quick --checkpoint 3600 -k k -o x", 0);
	while (stat(support_path("x.checkpoint"), &head) != 0)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	cr_assert_eq(kill(child, SIGKILL), 0);
	(void)support_ended(child, "run");
	exits(0, "rm $T/x.checkpoint");

	/* What it prints goes through a pipe, which has no limit. */
	cr_assert_eq(support_run("cd $T && { prlimit --fsize=%llu:unlimited $A run -d cpu -w sha256 -p quick "
	                         "--duration 1 --checkpoint 1 "
	                         "-k k -o x; echo exit $?; } 2>&1 | cat",
	                         (unsigned long long)head.st_size + 100),
	             0);
	cr_assert(strstr(support_out, "\nexit 3\n"), "%s", support_out);
	/* Where the first round takes all the time there is nothing to write before the end. */
	cr_assert((strstr(support_out, "(checkpoint.write)") && strstr(support_out, "the run goes on")) ||
	              strstr(support_out, " 1 rounds "),
	          "%s", support_out);
	cr_assert(strstr(support_out, "(io.write)") && strstr(support_out, "--resume x.checkpoint"), "%s", support_out);
	support_ok(assay_checkpoint_read(&checkpoint, support_path("x.checkpoint"), &error), error);
	cr_assert_eq(checkpoint.dropped, 0);
	cr_assert_leq(checkpoint.rounds, 1);
	cr_assert_eq(support_files(), 3, "the keys and the checkpoint");
	/* A round that found room can be attested; what has none goes on. */
	exits(checkpoint.rounds ? 0 : 3, "cd $T && $A run --resume x.checkpoint --attest -k k -o part");
	if (checkpoint.rounds == 0)
		exits(0, "cd $T && $A run --resume x.checkpoint -k k && $V --trust k.pub x.intoto.json");
	holds_rounds(support_path(checkpoint.rounds ? "part.transcript" : "x.transcript"), &checkpoint);
	assay_checkpoint_close(&checkpoint);
}
