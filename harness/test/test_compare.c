/* SPDX-License-Identifier: Apache-2.0
 *
 * `assay compare` as pipelines call it: what is found, what is named, exit codes, files for other programs. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "harness/compare/files.h"
#include "harness/measure.h"
#include "harness/test/support.h"

TestSuite(compare, .fini = support_leave, .timeout = 120);

#define RESULTS "results/intel-xeon-2-cores/2026-11-24/"
#define TRUST "--trust " RESULTS "key.pub "

/* A program that says how long it took: `time`, and up to 1.5 % more. */
static void program(const char *name, int time, const char *before)
{
	char text[512];

	snprintf(
	    text, sizeof text,
	    "%s\necho '{\"a <&> b\": {\"latency\": {\"value\": '$((%d + $(od -An -N1 -tu1 /dev/urandom) / 16))'}}}'\n",
	    before, time);
	support_file(name, text);
}

static int compare(const char *arguments)
{
	return support_run("cd $T && $A compare --canary off --seed 1 %s", arguments);
}

static json_t *found(const char *arguments)
{
	char line[512];

	snprintf(line, sizeof line, "%s --json", arguments);
	cr_assert_leq(compare(line), 2, "%s", support_err);
	json_t *root = json_loads(support_out, JSON_REJECT_DUPLICATES, NULL);
	cr_assert(root, "%s", support_out);
	return root;
}

static const char *member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

Test(compare, two_commands)
{
	support_enter();
	program("old", 1000, "");
	program("new", 1100, "");
	cr_expect_eq(compare("--ab 'sh old' 'sh new'"), 1, "%s%s", support_out, support_err);
	cr_expect(strstr(support_out, "REGRESSION") && strstr(support_out, "12 pairs") && strstr(support_out, "seed 1"),
	          "%s", support_out);
	cr_expect_str_empty(support_err);
	/* The other way round it is better. */
	cr_expect_eq(compare("--ab 'sh new' 'sh old'"), 0);
	cr_expect(strstr(support_out, "better"), "%s", support_out);
	cr_expect_eq(compare("--ab --pairs 40 'sh old' 'sh old'"), 0);
	cr_expect(strstr(support_out, "same") && strstr(support_out, "40 pairs"), "%s", support_out);
	/* Worse, but by less than is asked for; or by less than anybody minds. */
	cr_expect_eq(compare("--ab --fail-on 20% 'sh old' 'sh new'"), 0);
	cr_expect(strstr(support_out, "same"), "%s", support_out);
	cr_expect_eq(compare("--ab --absolute 0.001 'sh old' 'sh new'"), 0);
	cr_expect(strstr(support_out, "same"), "%s", support_out);
	/* With the control, which is wrong one time of a hundred itself, and then says so. */
	const int code = support_run("cd $T && $A compare --ab --pairs 10 'sh old' 'sh new'");
	cr_expect_eq(code, strstr(support_out, "runner.changed") ? 0 : 1, "%s%s", support_out, support_err);
	cr_expect(strstr(support_out, "control"), "%s", support_out);
	cr_expect_eq(compare("--ab --wall --pairs 12 'sleep 0.02' 'sleep 0.06'"), 1);
	cr_expect(strstr(support_out, "wall time"), "%s", support_out);
}

/* Noise that hides a change is said to. */
Test(compare, noise)
{
	support_enter();
	support_file("noisy",
	             "echo '{\"x\": {\"latency\": {\"value\": '$((100 + $(od -An -N1 -tu1 /dev/urandom)))'}}}'\n");
	json_t *root = found("--ab --pairs 10 'sh noisy' 'sh noisy'");
	const json_t *finding = json_array_get(json_object_get(root, "findings"), 0);
	cr_expect_str_eq(member(root, "verdict"), "inconclusive");
	cr_expect_str_eq(member(finding, "reason"), "noise");
	cr_expect_gt(json_number_value(json_object_get(finding, "couldSeePercent")), 5);
	cr_expect(strstr(support_err, "compare.inconclusive"));
	json_decref(root);
	cr_expect_eq(compare("--ab --pairs 10 --inconclusive fail 'sh noisy' 'sh noisy'"), 2);
	cr_expect_str_empty(support_err);
	cr_expect_eq(compare("--ab --pairs 10 --inconclusive pass 'sh noisy' 'sh noisy'"), 0);
	cr_expect_str_empty(support_err);
}

static void fails(const char *reason, const char *arguments)
{
	cr_expect_eq(compare(arguments), 3, "%s: %s%s", arguments, support_out, support_err);
	cr_expect(strstr(support_err, reason), "%s: %s", arguments, support_err);
	cr_expect_str_empty(support_out);
}

/* A command that fails, is slow or leaves something out is named, and its pairs do not count. */
Test(compare, launches_that_fail)
{
	support_enter();
	program("old", 1000, "");
	program("flaky", 1000, "echo x >> count; case $(wc -l < count) in 5|9) echo broken >&2; exit 4;; esac");
	program("worse", 1000, "echo x >> times; [ $(wc -l < times) -lt 4 ] || kill -9 $$");
	program("slow", 1000, "[ ! -e once ] || sleep 30; touch once");
	fails("command.failed", "--ab 'exit 5' 'sh old'");
	cr_expect(strstr(support_err, "base: exit 5: exit 5"), "%s", support_err);
	fails("benchmarks.malformed", "--ab 'sh old' 'echo hello'");
	fails("command.failed", "--ab 'sh old' 'sh worse'");
	cr_expect(strstr(support_err, "new: sh worse: exit 137: "), "%s", support_err);
	fails("command.failed", "--ab --timeout 1s 'sh old' 'sh slow'");
	cr_expect(strstr(support_err, "longer than 1 s"), "%s", support_err);
	cr_expect_eq(compare("--ab --pairs 16 'sh old' 'sh flaky'"), 0, "%s", support_err);
	cr_expect(strstr(support_out, "a launch of new does not count: exit 4: broken"), "%s", support_out);
	fails("pairs.none", "--ab --filter nothing 'sh old' 'sh old'");
	fails("pairs.none", "--ab --budget 1s 'sleep 0.6; sh old' 'sleep 0.6; sh old'");
}

Test(compare, metrics_of_one_side)
{
	support_enter();
	support_file("one", "echo '{\"x\": {\"latency\": {\"value\": 5}}, \"only\": {\"latency\": {\"value\": 5}}}'\n");
	support_file("two", "echo '{\"x\": {\"latency\": {\"value\": 5}}, \"more\": {\"latency\": {\"value\": 5}}}'\n");
	json_t *root = found("--ab --budget 20s 'sh one' 'sh two'");
	const json_t *findings = json_object_get(root, "findings"), *finding;
	size_t i;
	cr_expect_eq(json_array_size(findings), 3);
	cr_expect_str_eq(member(root, "verdict"), "inconclusive");
	/* It does not wait for what never comes. */
	cr_expect_eq(json_integer_value(json_object_get(root, "pairs")), 12);
	json_array_foreach(findings, i, finding) cr_expect_str_eq(
	    member(finding, "reason"), strcmp(member(finding, "name"), "x latency") == 0 ? "" : "metric.missing");
	cr_expect_eq(json_array_size(json_object_get(root, "notes")), 2);
	json_decref(root);
	cr_expect_eq(compare("--ab --inconclusive fail 'sh one' 'sh two'"), 2);
}

/* What other programs read, with names that would break it. */
Test(compare, files_for_others)
{
	char text[8192];

	support_enter();
	program("old", 1000, "");
	program("new", 1100, "");
	cr_expect_eq(compare("--ab 'sh old' 'sh new' --junit j --markdown m --bigger-json b --openmetrics o"), 1);
	text[support_read(support_path("j"), text, sizeof text - 1)] = '\0';
	cr_expect(strstr(text, "failures=\"1\"") && strstr(text, "name=\"a &#60;&#38;&#62; b latency\"><failure"), "%s",
	          text);
	cr_expect_eq(support_run("command -v python3 >/dev/null || exit 0; python3 -c 'import sys, xml.dom.minidom; "
	                         "xml.dom.minidom.parse(sys.argv[1])' $T/j"),
	             0, "%s", support_err);
	text[support_read(support_path("m"), text, sizeof text - 1)] = '\0';
	cr_expect(strstr(text, "### assay compare: regression\n") && strstr(text, "| a &#60;&#38;&#62; b latency | "),
	          "%s", text);
	text[support_read(support_path("o"), text, sizeof text - 1)] = '\0';
	cr_expect(strstr(text, "assay_compare_verdict{workload=\"a <&> b latency\",unit=\"s\"} 1\n# EOF\n"), "%s",
	          text);
	json_t *bigger = json_load_file(support_path("b"), 0, NULL);
	cr_assert(json_is_array(bigger) && json_array_size(bigger) == 1);
	const double value = json_number_value(json_object_get(json_array_get(bigger, 0), "value"));
	cr_expect(value > 1e9 / 1116 && value < 1e9 / 1099, "%g", value);
	json_decref(bigger);
	/* A file that cannot be written hides no regression, and is no pass. */
	cr_expect_eq(compare("--ab 'sh old' 'sh new' --junit none/j"), 1);
	cr_expect(strstr(support_err, "io.open"));
	cr_expect_eq(compare("--ab 'sh new' 'sh old' --junit none/j"), 3);
}

/* Numbers are equal but for a tenth; noise of a hundredth is given, not known, or calibrated. */
Test(compare, two_files)
{
	support_enter();
	support_file("base.json",
	             "{\"x\": {\"latency\": {\"value\": 100}}, \"y\": {\"throughput\": {\"value\": 100}}}");
	support_file("new.json",
	             "{\"x\": {\"latency\": {\"value\": 110}}, \"y\": {\"throughput\": {\"value\": 99.9}}}");
	cr_expect_eq(compare("--floor 1% base.json new.json"), 1, "%s%s", support_out, support_err);
	cr_expect(strstr(support_out, "REGRESSION") && strstr(support_out, "same"), "%s", support_out);
	cr_expect_eq(compare("--floor 1% new.json base.json"), 0);
	cr_expect_eq(compare("base.json new.json"), 0);
	cr_expect(strstr(support_out, "inconclusive  (floor.unknown)") && strstr(support_out, "+10.0 % +- ?"), "%s",
	          support_out);
	program("old", 1000, "");
	const uint64_t start = assay_clock_ns();
	cr_expect_eq(compare("--calibrate 20 --budget 2s -o floor.json 'sh old'"), 0, "%s", support_err);
	json_t *root = json_load_file(support_path("floor.json"), 0, NULL);
	const double floor = json_number_value(
	    json_object_get(json_object_get(json_object_get(root, "assayFloors"), "a <&> b latency"), "floor"));
	cr_expect(floor > 0.01 && floor < 0.06, "%g", floor);
	cr_expect_geq(assay_clock_ns() - start, 2000000000);
	json_decref(root);
	cr_expect_eq(support_run("cd $T && sh old > a.json && sed 's/1[0-9]*}/1100}/' a.json > b.json"), 0);
	cr_expect_eq(compare("--floor floor.json a.json b.json"), 1, "%s%s", support_out, support_err);
	fails("floor.malformed", "--floor base.json base.json new.json");
	fails("io.open", "--floor nothing base.json new.json");
	fails("io.open", "nothing new.json");
}

/* When our own workload beside theirs changed too, it is the runner. */
Test(compare, control_of_files)
{
	static const char line[] =
	    "{\"workload\": \"sha256/1\", \"device\": \"cpu\", \"unit\": \"hash\", \"roundWork\": 1000, "
	    "\"roundMedianNs\": %d, \"bareMedianNs\": 250}\n{\"x\": {\"latency\": {\"value\": %d}}}\n";
	char text[512];

	support_enter();
	for (int i = 0; i < 4; i++) {
		const char *const names[] = {"base", "code", "runner", "both"};
		snprintf(text, sizeof text, line, i >= 2 ? 540 : 500, i % 2 ? 110 : 100);
		support_file(names[i], text);
	}
	cr_expect_eq(compare("--floor 1% base code"), 1, "%s", support_out);
	cr_expect_eq(compare("--floor 1% base both"), 0, "%s", support_out);
	cr_expect(strstr(support_out, "the runner changed: -7.4 % on the control") &&
	              strstr(support_out, "(runner.changed)"),
	          "%s", support_out);
	cr_expect_eq(compare("--floor 1% --inconclusive fail base both"), 2);
}

Test(compare, attestations)
{
	support_long();
	support_enter();
	cr_expect_eq(support_run("$A compare --floor 1%% --fail-on 25%% " TRUST RESULTS "cpu-quick.intoto.json " RESULTS
	                         "cpu-quick.intoto.json"),
	             0, "%s", support_err);
	cr_expect(strstr(support_out, "sha256/1 #0 cpu  102 -> 102 MH/s") && strstr(support_out, "same"), "%s",
	          support_out);
	/* Nobody vouches for it; a bit of the transcript differs. */
	cr_expect_eq(support_run("$A compare " RESULTS "cpu-quick.intoto.json " RESULTS "cpu-quick.intoto.json"), 3);
	cr_expect(strstr(support_err, "key.untrusted") && strstr(support_err, "attestation.unverified"), "%s",
	          support_err);
	cr_expect_eq(support_run("cp " RESULTS
	                         "cpu-quick.* $T && printf x | dd of=$T/cpu-quick.transcript bs=1 seek=3000 "
	                         "conv=notrunc 2>/dev/null; $A compare " TRUST "$T/cpu-quick.intoto.json " RESULTS
	                         "cpu-quick.intoto.json"),
	             3);
	cr_expect(strstr(support_err, "transcript.digest") && strstr(support_err, "attestation.unverified"), "%s",
	          support_err);
	/* Another size of the table; rates that a verifier vouched for on one side only. */
	cr_expect_eq(support_run("$A compare --json " TRUST "--verifier " RESULTS "verifier.pub " RESULTS
	                         "cpu-time-bracketed.intoto.json " RESULTS "cpu.intoto.json"),
	             0, "%s", support_err);
	cr_expect(strstr(support_out, "\"params.differ\"") && strstr(support_out, "\"memory/1 #0 cpu proven\""), "%s",
	          support_out);
}

Test(compare, history)
{
	struct assay_random random = {31};
	char name[32], text[128];

	support_enter();
	for (int i = 10; i < 50; i++) {
		snprintf(name, sizeof name, "h/%d.json", i);
		snprintf(text, sizeof text,
		         "{\"x\": {\"latency\": {\"value\": %d}}, \"y\": {\"latency\": {\"value\": %d}}}",
		         (i < 37 ? 1000 : 1060) + (int)assay_random_below(&random, 20),
		         1000 + (int)assay_random_below(&random, 20));
		support_file(name, text);
	}
	cr_expect_eq(compare("--history h"), 1, "%s", support_err);
	cr_expect(strstr(support_out, "from h/37.json on"), "%s", support_out);
	cr_expect(strstr(support_out, "same"), "%s", support_out);
	cr_expect_eq(compare("--history --fail-on 10% h"), 0, "%s", support_err);
	/* It became fast again. */
	for (int i = 50; i < 65; i++) {
		snprintf(name, sizeof name, "h/%d.json", i);
		snprintf(text, sizeof text, "{\"x\": {\"latency\": {\"value\": %d}}}",
		         1000 + (int)assay_random_below(&random, 20));
		support_file(name, text);
	}
	cr_expect_eq(compare("--history h"), 0, "%s", support_err);
	cr_expect(strstr(support_out, "better"), "%s", support_out);
	/* One odd last value is nothing. */
	support_file("h/99.json", "{\"y\": {\"latency\": {\"value\": 2000}}}");
	cr_expect_eq(compare("--history h"), 0, "%s", support_err);
	support_file("s/1.json", "{\"y\": {\"latency\": {\"value\": 2000}}}");
	cr_expect_eq(compare("--history --inconclusive fail s"), 2);
	cr_expect(strstr(support_out, "history.short"), "%s", support_out);
	support_file("h/bad.json", "{");
	fails("benchmarks.malformed", "--history h");
	fails("io.open", "--history nothing");
}

/* A directory whose launches say how much they differ. */
Test(compare, directory_as_base)
{
	char name[32], text[128];

	support_enter();
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof name, "b/%d.json", i);
		snprintf(text, sizeof text, "{\"x\": {\"latency\": {\"value\": %d}}}", 1000 + i * 7 % 12);
		support_file(name, text);
	}
	support_file("same.json", "{\"x\": {\"latency\": {\"value\": 1008}}}");
	support_file("worse.json", "{\"x\": {\"latency\": {\"value\": 1050}}}");
	support_file("other.json",
	             "{\"devices\": [{\"name\": \"H100\"}], \"benchmarks\": [{\"name\": \"c\", \"states\": [{"
	             "\"summaries\": [{\"tag\": \"nv/cold/time/gpu/mean\", \"data\": [{\"name\": \"value\", "
	             "\"value\": 1}]}]}]}]}");
	cr_expect_eq(compare("b worse.json"), 1, "%s%s", support_out, support_err);
	/* Too few tell nothing. */
	cr_expect_eq(support_run("cd $T && mkdir few && cp b/1*.json few && rm few/1.json"), 0);
	cr_expect_eq(compare("--inconclusive fail few worse.json"), 2);
	cr_expect(strstr(support_out, "floor.unknown"), "%s", support_out);
	cr_expect_eq(compare("--fail-on 5% b same.json"), 0);
	cr_expect(strstr(support_out, "same"), "%s", support_out);
	fails("baseline.none", "b other.json");
	/* Another device: told, and no regression. */
	cr_expect_eq(compare("same.json other.json"), 0);
	cr_expect(strstr(support_out, "the device differs: not told -> H100"), "%s", support_out);
}

/* A signal ends it with what there is, and nothing goes on. */
Test(compare, stopped)
{
	support_enter();
	program("old", 1000, "sleep 0.05");
	pid_t child =
	    support_start("c", "compare --ab --canary off --budget 1h --fail-on 0.1% 'sh old' 'sh old; : 4711'", 0);
	usleep(2500000);
	kill(child, SIGTERM);
	cr_expect_leq(support_ended(child, "c"), 1, "%s", support_err);
	cr_expect(strstr(support_out, "pairs of launches"), "%s%s", support_out, support_err);
	cr_expect_neq(system("pgrep -f '[;] : 4711' >/dev/null"), 0);
}

Test(compare, usage)
{
	static const char *const lines[] = {
	    "",
	    "a",
	    "a b c",
	    "--ab a",
	    "--ab --history a",
	    "--ab a b --fail-on 5",
	    "--ab a b --fail-on 0%",
	    "--ab a b --fail-on x%",
	    "--ab a b --pairs 7",
	    "--ab a b --pairs 1025",
	    "--ab a b --budget 0",
	    "--ab a b --seed x",
	    "--ab a b --inconclusive maybe",
	    "--ab a b --absolute nan",
	    "--calibrate 5 a",
	    "--calibrate 4 -o x a",
	    "-o x a b",
	    "--ab --floor 2% a b",
	};

	support_enter();
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		cr_expect_eq(compare(lines[i]), 3, "%s", lines[i]);
		cr_expect(strstr(support_err, "usage: assay compare"), "%s: %s", lines[i], support_err);
		cr_expect_str_empty(support_out);
	}
}
