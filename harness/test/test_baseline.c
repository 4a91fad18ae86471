/* SPDX-License-Identifier: Apache-2.0
 *
 * Baselines: added, listed, pruned, and refused when they were edited. */
#include <string.h>

#include "harness/test/support.h"

TestSuite(baseline, .fini = support_leave, .timeout = 120);

#define RESULTS "results/intel-xeon-2-cores/2026-11-24/"
#define TRUST "--trust " RESULTS "key.pub --verifier " RESULTS "verifier.pub "

Test(baseline, add_list_prune)
{
	support_long();
	support_enter();
	cr_expect_eq(support_run("$A baseline add $T/b " TRUST RESULTS "cpu-quick.intoto.json " RESULTS
	                         "cpu-time-bracketed.intoto.json"),
	             0, "%s", support_err);
	cr_expect(strstr(support_out, "/b/intel-r-xeon-r-processor-compiler-12-2-0-"), "%s", support_out);
	cr_expect_eq(support_run("cat $T/b/*/*-*.receipts.jsonl | cmp - " RESULTS "cpu-time-bracketed.receipts.jsonl"),
	             0);
	/* Once more changes nothing. */
	cr_expect_eq(
	    support_run("$A baseline add $T/b " TRUST RESULTS "cpu-quick.intoto.json; find $T/b -type f | wc -l"), 0);
	cr_expect(strstr(support_out, "\n5\n"), "%s", support_out);
	cr_expect_eq(support_run("$A baseline list $T/b " TRUST), 0);
	cr_expect(strstr(support_out, "2026-11-24T16:41:54Z  Intel(R) Xeon(R) Processor, compiler 12.2.0"), "%s",
	          support_out);
	cr_expect_eq(support_run("$A baseline prune $T/b --keep 1 " TRUST "&& ls $T/b/*"), 0);
	cr_expect(strstr(support_out, "removed 1\n") && !strstr(support_out, "20261124T164154Z"), "%s", support_out);
	cr_expect(strstr(support_out, "20261124T164209Z"), "%s", support_out);
}

/* One that was edited is told, compares with nothing, and is not taken for the newest. */
Test(baseline, edited)
{
	support_enter();
	cr_expect_eq(support_run("$A baseline add $T/b " TRUST RESULTS
	                         "cpu-quick.intoto.json && $A compare $T/b " TRUST RESULTS "cpu-quick.intoto.json"),
	             0, "%s", support_err);
	cr_expect_eq(support_run("for f in $T/b/*/*.transcript; do printf x | dd of=$f bs=1 seek=3000 conv=notrunc "
	                         "2>/dev/null; done"),
	             0);
	cr_expect_eq(support_run("$A baseline list $T/b " TRUST), 1);
	cr_expect(strstr(support_out, "NOT VERIFIED") && strstr(support_out, "transcript.digest"), "%s", support_out);
	cr_expect_eq(support_run("$A baseline list --json $T/b " TRUST), 1);
	cr_expect(strstr(support_out, "\"reason\":\"attestation.unverified\""), "%s", support_out);
	cr_expect_eq(support_run("$A compare $T/b " TRUST RESULTS "cpu-quick.intoto.json"), 3);
	cr_expect(strstr(support_err, "attestation.unverified"), "%s", support_err);
	cr_expect_eq(support_run("$A baseline prune $T/b --keep 1 " TRUST), 0);
	cr_expect_str_eq(support_out, "removed 0\n");
	/* Nothing that does not verify gets in. */
	cr_expect_eq(support_run("cp " RESULTS
	                         "cpu-quick.* $T; echo >> $T/cpu-quick.transcript; $A baseline add $T/c " TRUST
	                         "$T/cpu-quick.intoto.json; [ $? = 3 ] && [ ! -e $T/c ]"),
	             0);
	cr_expect_eq(support_run("$A baseline add $T/c " RESULTS "cpu-quick.intoto.json; [ $? = 3 ] && [ ! -e $T/c ]"),
	             0, "%s", support_out);
}

Test(baseline, usage)
{
	static const char *const lines[] = {"",
	                                    "add",
	                                    "add b",
	                                    "list",
	                                    "list a b",
	                                    "prune b",
	                                    "list b --keep 1",
	                                    "prune b --keep 0",
	                                    "prune b --keep x",
	                                    "remove b",
	                                    "add b c --json"};

	support_enter();
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		cr_expect_eq(support_run("cd $T && $A baseline %s", lines[i]), 3, "%s", lines[i]);
		cr_expect(strstr(support_err, "usage: assay baseline"), "%s: %s", lines[i], support_err);
	}
	cr_expect_eq(support_run("$A baseline list $T/nothing"), 3);
	cr_expect(strstr(support_err, "io.open"));
}
