/* SPDX-License-Identifier: Apache-2.0
 *
 * assay-verify as a user or a pipeline sees it: exit codes, one JSON verdict a line, and nothing on the terminal that
 * the files' maker chose. ASSAY_BUILD names the build directory. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "verify/json.h"
#include "verify/test/support.h"

#define GOOD "verify/vectors/good/"
#define REJECT "verify/vectors/reject/"
#define TRUST "--trust " GOOD "key.pem "

static char directory[64];

static void setup(void)
{
	test_directory_make(directory);
}

static void teardown(void)
{
	test_directory_remove(directory);
}

TestSuite(cli, .init = setup, .fini = teardown);

/* $d is the directory of this test. */
static int verify(char *output, size_t size, const char *arguments)
{
	return test_run(output, size, "d=%s; %s/assay-verify %s", directory, test_build(), arguments);
}

Test(cli, exit_codes)
{
	static const struct {
		const char *arguments;
		int code;
	} table[] = {
	    /* quick-host is the only one that passes, and takes longest under sanitizers. */
	    {TRUST GOOD "quick-host.intoto.json", 0},
	    {TRUST REJECT "binding-mode.intoto.json", 1},
	    {GOOD "chain.intoto.json", 2},
	    {TRUST GOOD "chain.intoto.json", 2},
	    {TRUST REJECT "envelope-crlf.intoto.json", 4},
	    {TRUST "--budget 1 " GOOD "quick-host.intoto.json", 2},
	    {"--help", 0},
	    {"--version", 0},
	    /* usage */
	    {"", 3},
	    {TRUST, 3},
	    {"--unknown " GOOD "chain.intoto.json", 3},
	    {"-x " GOOD "chain.intoto.json", 3},
	    {"--trust", 3},
	    {"--budget " GOOD "chain.intoto.json", 3},
	    {"--budget 0 " GOOD "chain.intoto.json", 3},
	    {"--budget -1 " GOOD "chain.intoto.json", 3},
	    {"--budget ' -1' " GOOD "chain.intoto.json", 3},
	    {"--budget '' " GOOD "chain.intoto.json", 3},
	    {"--budget 5x " GOOD "chain.intoto.json", 3},
	    {"--budget 0x10 " GOOD "chain.intoto.json", 3},
	    {"--budget 18446744073709551616 " GOOD "chain.intoto.json", 3},
	    /* keys */
	    {"--trust /nonexistent " GOOD "chain.intoto.json", 3},
	    {"--trust " GOOD "index.txt " GOOD "chain.intoto.json", 3},
	    {"--trust " GOOD " " GOOD "chain.intoto.json", 2}, /* no *.pub in it */
	    /* claims about a machine */
	    {TRUST "--claim nvidia/h100 " GOOD "chain.intoto.json", 2},
	    {TRUST "--claim a/b " GOOD "chain.intoto.json", 2},
	    {TRUST "--claim nvidia " GOOD "chain.intoto.json", 3},
	    {TRUST "--claim '' " GOOD "chain.intoto.json", 3},
	    {TRUST "--claim /nonexistent.json " GOOD "chain.intoto.json", 3},
	    {TRUST "--claim a/b --catalogue /nonexistent " GOOD "chain.intoto.json", 3},
	    {TRUST "--claim a/b --catalogue " GOOD "index.txt " GOOD "chain.intoto.json", 3},
	    {TRUST "$(seq -f '--claim a/%.0f' 17) " GOOD "chain.intoto.json", 3},
	    /* files */
	    {TRUST "/nonexistent.intoto.json", 3},
	    {TRUST GOOD, 3},
	    {TRUST GOOD "chain.transcript", 4},
	    {TRUST GOOD "key.pem", 4},
	    /* The worst of several: 3, 4, 1, 2, 0. */
	    {TRUST GOOD "chain.intoto.json " GOOD "quick-host.intoto.json", 2},
	    {TRUST GOOD "chain.intoto.json " REJECT "binding-mode.intoto.json " GOOD "one-leaf.intoto.json", 1},
	    {TRUST REJECT "binding-mode.intoto.json " REJECT "envelope-crlf.intoto.json " GOOD "chain.intoto.json", 4},
	    {TRUST REJECT "envelope-crlf.intoto.json /nonexistent.intoto.json " REJECT "binding-mode.intoto.json", 3},
	};
	char arguments[1024];

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		snprintf(arguments, sizeof arguments, "%s >/dev/null 2>&1", table[i].arguments);
		int code = verify(NULL, 0, arguments);
		cr_expect_eq(code, table[i].code, "assay-verify %s: %d", table[i].arguments, code);
	}
}

/* Whether the key was trusted shows in what is said of it: the verdict is 2 either way. */
Test(cli, trusted_directories)
{
	char output[8192];

	cr_expect_eq(verify(output, sizeof output, "--trust $d " GOOD "chain.intoto.json"), 2);
	cr_expect(strstr(output, "key.untrusted"), "%s", output);
	cr_assert_eq(test_run(NULL, 0, "cp " GOOD "key.pem %s/good.pub && cp " GOOD "index.txt %s/notes.txt", directory,
	                      directory),
	             0);
	cr_expect_eq(verify(output, sizeof output, "--trust $d " GOOD "chain.intoto.json"), 2);
	cr_expect(!strstr(output, "key.untrusted"), "%s", output);
	/* What is named like a key and is none is left out, and named. */
	cr_assert_eq(test_run(NULL, 0, "cp " GOOD "index.txt %s/other.pub", directory), 0);
	cr_expect_eq(verify(output, sizeof output, "--trust $d " GOOD "chain.intoto.json 2>&1"), 2);
	cr_expect(strstr(output, "left out") && strstr(output, "other.pub"), "%s", output);
	cr_expect(!strstr(output, "key.untrusted"), "%s", output);
	/* 1024 keys are read, the next one is too many and not forgotten. */
	cr_assert_eq(test_run(NULL, 0,
	                      "cd %s && rm other.pub && for i in $(seq 512); do cat good.pub; done >a.pub && "
	                      "head -n 1533 a.pub >b.pub",
	                      directory),
	             0);
	cr_expect_eq(verify(output, sizeof output, "--trust $d " GOOD "chain.intoto.json 2>&1"), 2, "%s", output);
	cr_expect_eq(verify(output, sizeof output, "--trust $d " TRUST GOOD "chain.intoto.json 2>&1"), 3);
	cr_expect(strstr(output, "key.count"), "%s", output);
}

/* A key that is trusted as a prover's and as a verifier's does not tell of its own time. */
Test(cli, receipts_of_the_prover_itself)
{
	char output[8192];

	cr_expect_eq(verify(output, sizeof output,
	                    "--trust " GOOD "key.pem --verifier " GOOD "key.pem "
	                    "verify/vectors/reject/receipts-untrusted-prover.intoto.json"),
	             2);
	cr_expect(strstr(output, "receipts.untrusted"), "%s", output);
}

Test(cli, files_that_cannot_be_read)
{
	char output[4096];

	cr_assert_eq(test_run(NULL, 0, "cp " GOOD "chain.intoto.json %s/alone.intoto.json", directory), 0);
	cr_expect_eq(verify(output, sizeof output, TRUST "$d/alone.intoto.json 2>&1"), 3);
	cr_expect(strstr(output, "alone.transcript"), "%s", output);
	cr_expect(strstr(output, "(io.open)"), "%s", output);
	cr_expect_eq(verify(output, sizeof output, TRUST "--json $d/alone.intoto.json 2>/dev/null"), 3);
	cr_expect(strstr(output, "\"verdict\":null") && strstr(output, "\"reason\":\"io.open\""), "%s", output);
	cr_assert_eq(test_run(NULL, 0, "mkdir %s/alone.transcript", directory), 0);
	cr_expect_eq(verify(output, sizeof output, TRUST "$d/alone.intoto.json 2>&1"), 3);
	/* Another ending has no transcript beside it. */
	cr_assert_eq(test_run(NULL, 0, "cp " GOOD "chain.intoto.json %s/alone.json", directory), 0);
	cr_expect_eq(verify(output, sizeof output, TRUST "$d/alone.json 2>&1"), 3);
}

Test(cli, verdicts_that_cannot_be_written)
{
	char output[4096];

	cr_expect_eq(verify(output, sizeof output, TRUST GOOD "chain.intoto.json 2>&1 >/dev/full"), 3);
	cr_expect(strstr(output, "io.write"), "%s", output);
	cr_expect_eq(verify(NULL, 0, TRUST "--json " GOOD "chain.intoto.json 2>/dev/null >/dev/full"), 3);
	cr_expect_eq(verify(NULL, 0, TRUST GOOD "chain.intoto.json 2>/dev/null >&-"), 3, "a closed output");
}

static json_t *json_line(const char *line)
{
	size_t len = strlen(line);
	json_t *root = len && line[len - 1] == '\n' ? assay_json_parse(line, len - 1) : NULL;

	cr_assert(root, "not one line of canonical JSON: %s", line);
	return root;
}

Test(cli, json)
{
	char output[65536], *rest = NULL;
	unsigned lines = 0;

	cr_assert_eq(verify(output, sizeof output, TRUST "--json " GOOD "chain.intoto.json"), 2);
	json_t *root = json_line(output);
	cr_expect_str_eq(json_string_value(json_object_get(root, "verdict")), "inconclusive");
	cr_expect_str_eq(json_string_value(json_object_get(root, "assurance")), "work-proven");
	json_decref(root);

	cr_assert_eq(verify(output, sizeof output, TRUST "--json --budget 1 " GOOD "quick-host.intoto.json"), 2);
	root = json_line(output);
	cr_expect(strstr(output, "\"cost.exceeded\""));
	json_decref(root);

	cr_assert_eq(
	    verify(output, sizeof output, TRUST "--json " GOOD "chain.intoto.json " REJECT "envelope-crlf.intoto.json"),
	    4);
	for (char *line = strtok_r(output, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), lines++) {
		root = assay_json_parse(line, strlen(line));
		cr_expect(root, "%s", line);
		json_decref(root);
	}
	cr_expect_eq(lines, 2);
}

/* Whatever a file holds or is called, only printable ASCII and line ends come out. */
Test(cli, nothing_but_text_reaches_the_terminal)
{
	char output[1 << 18];
	static const char *const arguments[] = {
	    TRUST "\"$d\"/*.intoto.json 2>&1",
	    TRUST "--json \"$d\"/*.intoto.json 2>&1",
	    "--trust \"$d\"/*.pub " GOOD "chain.intoto.json 2>&1",
	    TRUST REJECT "*esc*.intoto.json " REJECT "*control*.intoto.json " GOOD "odd-devices.intoto.json 2>&1",
	};

	cr_assert_eq(test_run(NULL, 0,
	                      "d=%s; e=$(printf '\\033[31m\\007\\233'); cp " GOOD
	                      "chain.intoto.json \"$d/$e.intoto.json\" && "
	                      "cp " GOOD "chain.transcript \"$d/$e.transcript\" && "
	                      "cp " GOOD "chain.intoto.json \"$d/alone$e.intoto.json\" && "
	                      "cp " GOOD "index.txt \"$d/$e.pub\"",
	                      directory),
	             0);
	for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++) {
		cr_expect_neq(verify(output, sizeof output, arguments[i]), 0);
		cr_expect_str_not_empty(output);
		for (const char *c = output; *c; c++)
			cr_assert((*c >= 0x20 && *c <= 0x7e) || *c == '\n', "assay-verify %s: byte 0x%02x",
			          arguments[i], (unsigned char)*c);
	}
}
