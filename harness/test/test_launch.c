/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands that end in every way, and those that do not. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "harness/compare/launch.h"
#include "harness/measure.h"

enum { SECOND = 1000000000 };

TestSuite(launch, .timeout = 60);

static struct assay_launch run(const char *command, uint64_t timeout_ns, const atomic_bool *stop)
{
	struct assay_launch launch;
	struct assay_error error;

	cr_assert_eq(assay_launch(&launch, command, timeout_ns, stop, &error), ASSAY_OK, "%s", error.text);
	cr_assert(launch.output);
	return launch;
}

Test(launch, what_it_prints)
{
	struct assay_launch launch = run("cat; echo one; echo two >&2; echo three", 10 * (uint64_t)SECOND, NULL);
	char words[256];

	cr_expect_eq(launch.ending, ASSAY_ENDED);
	cr_expect_str_eq(launch.output, "one\nthree\n");
	cr_expect_eq(launch.len, 10);
	cr_expect_str_eq(launch.complaint, "two");
	assay_launch_close(&launch);
	launch = run("echo first >&2; echo 'last \001word' >&2; exit 7", 10 * (uint64_t)SECOND, NULL);
	cr_expect_eq(launch.ending, ASSAY_EXITED);
	cr_expect_eq(launch.code, 7);
	assay_launch_words(words, &launch, SECOND);
	cr_expect_str_eq(words, "exit 7: last ?word");
	assay_launch_close(&launch);
	launch = run("kill -SEGV $$", 10 * (uint64_t)SECOND, NULL);
	cr_expect_eq(launch.ending, ASSAY_KILLED);
	cr_expect_eq(launch.code, SIGSEGV);
	assay_launch_close(&launch);
	launch = run("exec /nonexistent", 10 * (uint64_t)SECOND, NULL);
	cr_expect_eq(launch.ending, ASSAY_EXITED);
	assay_launch_close(&launch);
}

Test(launch, its_file)
{
	struct assay_launch launch = run("echo noise; echo result > $ASSAY_OUTPUT", 10 * (uint64_t)SECOND, NULL);

	cr_expect_str_eq(launch.output, "result\n");
	assay_launch_close(&launch);
	/* Replaced, as careful programs do, and a name that is no file any more. */
	launch = run("echo new > $ASSAY_OUTPUT.x; mv $ASSAY_OUTPUT.x $ASSAY_OUTPUT", 10 * (uint64_t)SECOND, NULL);
	cr_expect_str_eq(launch.output, "new\n");
	assay_launch_close(&launch);
	launch = run("echo printed; rm $ASSAY_OUTPUT", 10 * (uint64_t)SECOND, NULL);
	cr_expect_str_eq(launch.output, "printed\n");
	assay_launch_close(&launch);
	launch = run("truncate -s 1G $ASSAY_OUTPUT", 10 * (uint64_t)SECOND, NULL);
	cr_expect_eq(launch.ending, ASSAY_TOO_MUCH);
	assay_launch_close(&launch);
}

/* Killed with all that it started, and nothing waits for what holds its pipes. */
Test(launch, those_that_do_not_end)
{
	const uint64_t start = assay_clock_ns();
	struct assay_launch launch = run("trap '' TERM INT; sleep 77 & sleep 78", SECOND / 5, NULL);
	char words[256];

	cr_expect_eq(launch.ending, ASSAY_TIMEOUT);
	assay_launch_words(words, &launch, SECOND);
	cr_expect_str_eq(words, "took longer than 1 s and was killed");
	assay_launch_close(&launch);
	launch = run("sleep 79 & echo done", 10 * (uint64_t)SECOND, NULL);
	cr_expect_eq(launch.ending, ASSAY_ENDED);
	cr_expect_str_eq(launch.output, "done\n");
	assay_launch_close(&launch);
	/* In another group, with our pipe: not ours to kill, and not waited for. */
	launch = run("setsid sleep 3 & echo away", 10 * (uint64_t)SECOND, NULL);
	cr_expect_eq(launch.ending, ASSAY_ENDED);
	cr_expect_str_eq(launch.output, "away\n");
	assay_launch_close(&launch);
	launch = run("exec >&- 2>&-; sleep 0.3", 10 * (uint64_t)SECOND, NULL);
	cr_expect_eq(launch.ending, ASSAY_ENDED);
	cr_expect(launch.wall_ns > 290000000 && launch.wall_ns < 3 * (uint64_t)SECOND);
	assay_launch_close(&launch);
	cr_expect_lt(assay_clock_ns() - start, 8 * (uint64_t)SECOND);
	cr_expect_neq(system("pgrep -f '^sleep 7[789]$' >/dev/null"), 0);
}

Test(launch, one_that_prints_without_end)
{
	struct assay_launch launch = run("yes", 30 * (uint64_t)SECOND, NULL);

	cr_expect_eq(launch.ending, ASSAY_TOO_MUCH);
	assay_launch_close(&launch);
	/* Its errors are not kept. */
	launch = run("yes x | head -c 100000000 >&2; echo ok", 30 * (uint64_t)SECOND, NULL);
	cr_expect_eq(launch.ending, ASSAY_ENDED);
	cr_expect_str_eq(launch.complaint, "x");
	assay_launch_close(&launch);
}

Test(launch, stopped)
{
	const atomic_bool stop = true;
	struct assay_launch launch = run("sleep 30", 60 * (uint64_t)SECOND, &stop);

	cr_expect_eq(launch.ending, ASSAY_STOPPED);
	assay_launch_close(&launch);
}

Test(launch, nowhere_to_write)
{
	struct assay_launch launch;
	struct assay_error error;

	setenv("TMPDIR", "/nonexistent", 1);
	cr_expect_eq(assay_launch(&launch, "true", SECOND, NULL, &error), ASSAY_ERROR_IO);
	cr_expect_str_eq(error.reason, "io.open");
	assay_launch_close(&launch);
}
