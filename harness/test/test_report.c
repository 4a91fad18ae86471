/* SPDX-License-Identifier: Apache-2.0
 *
 * assay report: every verdict gives a page, the same one each time, and no text of a file becomes anything but text. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/page.h"
#include "harness/report/plot.h"
#include "harness/test/pages.h"
#include "harness/test/support.h"

TestSuite(report, .fini = support_leave, .timeout = 300);

#define KEYS "--trust verify/vectors/good/key.pem --verifier verify/vectors/good/verifier.pem"

/* Files that the sanitizers verify at once too; they are of no profile, so that they are inconclusive. */
#define GOOD "verify/vectors/good/"

#define RESULTS "results/intel-xeon-2-cores/2026-11-24/"

/* Pages without plots take no time. */
#define NO_GNUPLOT "PATH=/nonexistent "

static bool have(const char *program)
{
	return support_run("command -v %s >/dev/null", program) == 0;
}

/* The pictures that the Markdown shows are there. */
static unsigned pictures(const char *directory)
{
	char name[256];
	unsigned count = 0;

	snprintf(name, sizeof name, "%s/report.md", directory);
	char *text = pages_read(name);
	for (const char *at = text; (at = strstr(at, "](")); count++) {
		at += 2;
		snprintf(name, sizeof name, "%s/%.*s", directory, (int)strcspn(at, ")"), at);
		cr_assert(support_exists(support_path(name)), "%s", name);
	}
	free(text);
	return count;
}

static bool says(const char *file, const char *words)
{
	char *text = pages_read(file);
	const bool found = strstr(text, words) != NULL;

	free(text);
	return found;
}

Test(report, what_is_proved_and_what_is_not)
{
	support_long();
	support_enter();
	cr_assert_eq(support_run("$A report " KEYS " -o $T/p " RESULTS "cpu-quick.intoto.json"), 2, "%s", support_err);
	cr_assert_eq(support_run("$A report --trust " RESULTS "key.pub -o $T/q " RESULTS "cpu.intoto.json"), 0, "%s",
	             support_err);
	cr_assert(says("p/index.html", "key.untrusted") && says("p/report.md", "key.untrusted"));
	static const char *const words[] = {"work-proven",  "10.7 %",   "locality", "exclusivity",          "identity",
	                                    "partition",    "service",  "Roofline", "assay-verify --trust", "sha256sum",
	                                    "matmul-f64/1", "707 GOP/s"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		cr_assert(says("q/index.html", words[i]), "%s", words[i]);
		cr_assert(says("q/report.md", words[i]), "%s", words[i]);
	}
	/* What each workload is. */
	for (size_t i = 0; assay_works[i]; i++) {
		char item[64];
		snprintf(item, sizeof item, "\n- **%s**: ", assay_works[i]->name);
		cr_assert(assay_works[i]->is_fill || says("q/report.md", item), "%s", item);
	}
	pages_hold("q", "cpu");
	if (!have("w3m"))
		support_missing("w3m", "there is no browser for text");
	cr_assert_eq(support_run("w3m -dump -cols 110 $T/q/index.html"), 0);
	cr_assert(strstr(support_out, "PASS work-proven") && strstr(support_out, "exclusivity"), "%s", support_out);
	cr_assert(!have("gnuplot") ||
	          support_run("w3m -dump $T/q/index.html | grep -q 'Times of the rounds of memory/1'") == 0);
	/* A picture shows its words, and not itself. */
	cr_assert_eq(support_run("w3m -dump $T/q/index.html | grep -E 'base64|PHN2|[A-Za-z0-9+/]{200}'"), 1, "%s",
	             support_out);
}

/* The commands that a page gives are true. */
Test(report, can_be_checked_again)
{
	static const char result[] = RESULTS "cpu-quick";

	support_enter();
	pages_copy(result, "it's $HOME `a`");
	pages_copy(result, "tab\there");
	cr_assert_eq(support_run("cp results/intel-xeon-2-cores/2026-11-24/key.pub \"$T/a key.pub\" && " NO_GNUPLOT
	                         "$A report --trust \"$T/a key.pub\" -o $T/p \"$T/it's \\$HOME \\`a\\`.intoto.json\" "
	                         "\"$T/tab\there.intoto.json\""),
	             0, "%s", support_err);
	pages_hold("p", "quoted");
	/* Both sections' commands, by a shell that knows the quoting of a tab. */
	cr_assert_eq(support_run("sed -n '/^```/,/^```/p' $T/p/report.md | grep -v '^```' >$T/commands && "
	                         "grep -c . $T/commands | grep -qx 4 && PATH=$B:$PATH bash -e $T/commands"),
	             0, "%s%s", support_out, support_err);
	cr_assert(strstr(support_out, "PASS"), "%s", support_out);
}

Test(report, the_same_files_give_the_same_bytes)
{
	support_enter();
	pages_copy(GOOD "chain", "a");
	pages_copy(GOOD "receipts-two", "b");
	cr_assert_eq(
	    support_run("cp " GOOD "key.pem $T/key.pub && cd $T && $A report --trust key.pub -o p a.intoto.json "
	                "b.intoto.json; sleep 1; env TZ=Asia/Tokyo LC_ALL=de_DE.UTF-8 GNUTERM=dumb $A report --trust "
	                "key.pub -o q a.intoto.json b.intoto.json; diff -r p q"),
	    0, "%s%s", support_out, support_err);
	pages_hold("p", "two");
	if (have("gnuplot")) {
		cr_assert_eq(pictures("p"), 3);
		cr_assert(says("p/index.html", "data:image/svg+xml"));
	}
}

/* The same machine at several times, and runs of a single round. */
Test(report, history)
{
	support_enter();
	if (!have("gnuplot"))
		support_missing("gnuplot", "nothing can be drawn");
	for (int i = 0; i < 3; i++) {
		char name[8] = {(char)('a' + i)}, at[32];
		snprintf(at, sizeof at, "20%d0-01-01T00:01:00Z", 2 + i);
		pages_date("chain", name, at);
	}
	cr_assert_eq(support_run("$A report " KEYS " -o $T/p $T/c.intoto.json $T/a.intoto.json $T/b.intoto.json"), 2,
	             "%s", support_err);
	cr_assert(says("p/index.html", "History") && says("p/report.md", "history.png"));
	cr_assert_eq(pictures("p"), 5);
	cr_assert_not(says("p/index.html", "gnuplot failed"));
	/* Times that are the same are no history. */
	pages_date("chain", "b", "2020-01-01T00:01:00Z");
	cr_assert_eq(support_run("$A report --force " KEYS " -o $T/p $T/a.intoto.json $T/b.intoto.json"), 2);
	cr_assert_not(says("p/index.html", "History"));
}

/* Nodes often give their files the same name. */
Test(report, files_of_one_name)
{
	support_enter();
	cr_assert_eq(support_run("mkdir -p $T/a/x $T/b/x $T/b/y"), 0);
	pages_copy(GOOD "chain", "a/x/node");
	pages_copy(GOOD "chain", "b/x/node");
	pages_copy(GOOD "chain", "b/y/node");
	cr_assert_eq(
	    support_run(NO_GNUPLOT "$A report " KEYS " -o $T/p $T/a/x/node.intoto.json $T/b/y/node.intoto.json"), 2,
	    "%s", support_err);
	cr_assert(says("p/report.md", "## 1. x/node\n") && says("p/report.md", "## 2. y/node\n"));
	cr_assert_eq(support_run(NO_GNUPLOT "$A report --force " KEYS
	                                    " -o $T/p $T/a/x/node.intoto.json $T/b/x/node.intoto.json "
	                                    "$T/b/y/node.intoto.json"),
	             2);
	cr_assert(says("p/report.md", "## 1. a/x/node\n") && says("p/report.md", "## 3. b/y/node\n"));
	/* The same file twice has one name. */
	cr_assert_eq(support_run(NO_GNUPLOT "$A report --force " KEYS
	                                    " -o $T/p $T/a/x/node.intoto.json $T/a/x/node.intoto.json"),
	             2);
	cr_assert(says("p/report.md", "## 2. node\n"));
}

Test(report, without_gnuplot)
{
	support_enter();
	pages_copy(GOOD "chain", "a");
	cr_assert_eq(support_run(NO_GNUPLOT "$A report %s -o $T/p $T/a.intoto.json", KEYS), 2, "%s", support_err);
	cr_assert(says("p/index.html", "gnuplot is not installed") && says("p/report.md", "gnuplot is not installed"));
	cr_assert_not(says("p/index.html", "<img"));
	cr_assert_eq(support_run("ls $T/p | tr '\\n' ' '"), 0);
	cr_assert_str_eq(support_out, "index.html report.md ");
	/* One that fails, and one that hangs up in the middle, are no plot either. */
	cr_assert_eq(
	    support_run("mkdir $T/bin && printf '#!/bin/sh\\necho \"<svg><desc>\"; exit 1\\n' >$T/bin/gnuplot && "
	                "chmod +x $T/bin/gnuplot && PATH=$T/bin $A report %s -o $T/q $T/a.intoto.json",
	                KEYS),
	    2, "%s", support_err);
	cr_assert(says("q/index.html", "gnuplot failed"));
	cr_assert_eq(
	    support_run("printf '#!/bin/sh\\necho \"no picture\"\\n' >$T/bin/gnuplot && PATH=$T/bin $A report %s "
	                "--force -o $T/q $T/a.intoto.json",
	                KEYS),
	    2, "%s", support_err);
	cr_assert(says("q/index.html", "gnuplot failed"));
	pages_hold("q", "failed");
}

Test(report, texts_of_files_are_text)
{
	unsigned shown = 0;

	support_enter();
	for (int i = 0; pages_hostile[i]; i++) {
		for (int devices = 0; devices < 2; devices++) {
			pages_forge("chain", "a", pages_hostile[i], devices);
			const int expected = support_run("$V " KEYS " $T/a.intoto.json");
			cr_assert_eq(support_run(NO_GNUPLOT "$A report --force " KEYS " -o $T/p $T/a.intoto.json"),
			             expected, "%s: %s", pages_hostile[i], support_err);
			pages_hold("p", pages_hostile[i]);
			/* The verifier refuses bytes that are not printable. */
			shown += expected == (devices ? 1 : 2);
		}
	}
	cr_assert_geq(shown, 32);
}

/* Names of files get into plots. */
Test(report, names_are_labels)
{
	support_enter();
	static const int chosen[] = {0, 4, 5, 7, 9, 12};
	for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++) {
		char name[128];
		snprintf(name, sizeof name, "%s", pages_hostile[chosen[i]]);
		for (char *at = name; *at; at++)
			*at = *at == '/' ? '_' : *at;
		pages_copy(GOOD "chain", name);
	}
	cr_assert_eq(
	    support_run("cp " GOOD "key.pem $T/key.pub && cd $T && $A report --trust key.pub -o p *.intoto.json"), 2,
	    "%s", support_err);
	pages_hold("p", "names");
	cr_assert_not(support_exists(support_path("pwned")));
	cr_assert_not(support_exists("pwned"));
	if (have("gnuplot"))
		cr_assert_eq(pictures("p"), 7);
	char *html = pages_read("p/index.html");
	cr_assert_not(strstr(html, "gnuplot failed"));
	free(html);
	if (!have("cmark-gfm"))
		support_missing("cmark-gfm", "Markdown was looked at, not rendered");
	cr_assert_eq(support_run("cmark-gfm --unsafe -e table -e autolink -e strikethrough $T/p/report.md"), 0);
	cr_assert_null(strstr(support_out, "<script"));
	cr_assert_null(strstr(support_out, "<a "), "%s", strstr(support_out, "<a "));
	cr_assert_null(strstr(support_out, "src=\"http"));
	cr_assert_null(strstr(support_out, "<del>"));
}

Test(report, escapes)
{
	static const struct {
		const char *text, *html, *markdown;
	} cases[] = {
	    {"a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#39;", "a&#60;b&#62;&#38;\"'"},
	    {"x|y`z\\", "x|y`z\\", "x\\|y\\`z\\\\"},
	    {"\x80\n\t\x7f", "????", "????"},
	    {"https://a www.b c@d", "https://a www.b c@d", "https&#58;//a www&#46;b c`@`d"},
	    {"#0 # e*", "#0 # e*", "#0 \\# e\\*"},
	    {"", "", ""},
	};
	char label[ASSAY_PLOT_LABEL_MAX];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *html, *markdown;
		size_t len;
		FILE *out = open_memstream(&html, &len);
		assay_page_html(out, cases[i].text);
		fclose(out);
		cr_assert_str_eq(html, cases[i].html);
		out = open_memstream(&markdown, &len);
		assay_page_markdown(out, cases[i].text);
		fclose(out);
		cr_assert_str_eq(markdown, cases[i].markdown);
		free(html);
		free(markdown);
	}
	for (int i = 0; pages_hostile[i]; i++) {
		assay_plot_label(label, pages_hostile[i]);
		cr_assert_eq(strpbrk(label, "'\"`$\\<>&|{}^@\n"), NULL, "%s", label);
	}
	assay_plot_label(label, "a name that is longer than a label of a plot can be");
	cr_assert_eq(strlen(label), ASSAY_PLOT_LABEL_MAX - 1);
}

/* Whatever the verifier says of a file there is a page, with the verdict's exit code. */
Test(report, every_file_of_the_vectors)
{
	unsigned count = 0;

	support_enter();
	for (int bad = 0; bad < 2; bad++) {
		const char *from = bad ? "verify/vectors/reject" : "verify/vectors/good";
		DIR *directory = opendir(from);
		cr_assert(directory);
		for (const struct dirent *entry; (entry = readdir(directory));) {
			char line[1024];
			const char *ending = strstr(entry->d_name, ".intoto.json");
			/* One in three, and of those that are refused one in eight. */
			if (!ending || count++ % (bad ? 8 : 3) != 0)
				continue;
			snprintf(line, sizeof line, KEYS " %s/%s", from, entry->d_name);
			const int expected = support_run("$V %s", line);
			cr_assert_eq(support_run(NO_GNUPLOT "$A report --force -o $T/p %s", line), expected, "%s: %s",
			             entry->d_name, support_err);
			pages_hold("p", entry->d_name);
		}
		closedir(directory);
	}
	cr_assert_gt(count, 900);
}

Test(report, many_devices_and_rounds)
{
	support_enter();
	cr_assert_eq(support_run("cd verify/vectors/good && $A report --trust key.pem --verifier verifier.pem -o $T/p "
	                         "sixty-four-devices.intoto.json many-rounds.intoto.json sixteen-segments.intoto.json "
	                         "receipts-short-run.intoto.json"),
	             2, "%s", support_err);
	pages_hold("p", "many");
	if (!have("tidy"))
		support_missing("tidy", "HTML was looked at, not validated");
	cr_assert_eq(support_run("tidy -e -q $T/p/index.html"), 0, "%s", support_err);
}

static void fails(const char *reason, const char *line)
{
	cr_assert_eq(support_run("%s", line), 3, "%s: %s%s", line, support_out, support_err);
	cr_assert(strstr(support_err, reason), "%s: %s", line, support_err);
}

Test(report, what_cannot_be_done)
{
	support_enter();
	pages_copy(GOOD "chain", "a");
	cr_assert_eq(support_run("touch $T/file && mkdir $T/there && echo mine >$T/there/index.html"), 0);
	fails("usage", "$A report $T/a.intoto.json");
	fails("usage", "$A report -o $T/p");
	fails("usage", "$A report -o '' $T/a.intoto.json");
	fails("io.open", "$A report --trust $T/none.pub -o $T/p $T/a.intoto.json");
	fails("io.open", "$A report -o $T/none/p $T/a.intoto.json");
	fails("io.open", "$A report -o $T/file $T/a.intoto.json");
	fails("io.exists", "$A report -o $T/there $T/a.intoto.json");
	fails("usage", "$A report -o $T/p $(for i in $(seq 65); do echo $T/a.intoto.json; done)");
	cr_assert_eq(support_run("cat $T/there/index.html"), 0);
	cr_assert_str_eq(support_out, "mine\n");
	cr_assert_eq(support_run("ls $T/there $T/p 2>/dev/null | grep -c report.md"), 1);
	/* What can be read is on the page all the same. */
	fails("io.open", NO_GNUPLOT "$A report " KEYS " -o $T/p $T/none.intoto.json $T/a.intoto.json");
	cr_assert(says("p/index.html", "NOT READ") && says("p/index.html", "matmul-i8/1"));
	pages_hold("p", "one of two");
	cr_assert_eq(support_run("ulimit -f 0; $A report " KEYS " -o $T/full $T/a.intoto.json"), 3);
	cr_assert_eq(support_run("ls $T/full"), 0);
	cr_assert_str_empty(support_out);
}
