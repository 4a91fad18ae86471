/* SPDX-License-Identifier: Apache-2.0
 *
 * assay status: what a run leaves for those who watch machines, and what becomes of it when it is old, gone or forged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "harness/last.h"
#include "harness/state.h"
#include "harness/test/pages.h"
#include "harness/test/support.h"

TestSuite(status, .fini = support_leave, .timeout = 60);

#define LAST ".state/last.json"

/* A verdict as stored `ago` seconds before now; `check` is one of its checks, or NULL. */
static void store(int code, const char *verdict, const json_t *check, long ago)
{
	char at[32];
	const time_t when = time(NULL) - ago;
	struct tm parts;

	strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&when, &parts));
	json_t *checks = json_array();
	if (check)
		json_array_append(checks, (json_t *)(uintptr_t)check);
	json_t *aggregates =
	    json_pack("[{s:s,s:s,s:i,s:s,s:s,s:{s:i,s:s}}]", "workload", "sha256/1", "unit", "hash", "runs", 1,
	              "certifiedWork", "5", "provenRate", "7", "claimed", "elapsedNs", 1, "rate", "9");
	json_t *root =
	    json_pack("{s:i,s:s,s:{s:s,s:s,s:s,s:o,s:o,s:[{},{}],s:n,s:i}}", "exitCode", code, "finishedAt", at,
	              "verdict", "verdict", verdict, "assurance", "work-proven", "profile", "assay/1 quick", "checks",
	              checks, "aggregates", aggregates, "claimedDevices", "error", "eStarPpm", 107492);
	char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
	char *line = malloc(strlen(text) + 2);
	sprintf(line, "%s\n", text);
	support_file(LAST, line);
	free(line);
	free(text);
	json_decref(root);
}

static void store_reason(int code, const char *verdict, const char *status, const char *reason, const char *remedy)
{
	json_t *check = json_pack("{s:s,s:s,s:s}", "status", status, "reason", reason, "remedy", remedy);

	store(code, verdict, check, 10);
	json_decref(check);
}

/* One line of at most 80 characters that begins with this, and the exit code. */
static void tells(const char *arguments, int code, const char *line)
{
	cr_assert_eq(support_run("$A status %s", arguments), code, "%s: %s%s", arguments, support_out, support_err);
	cr_assert_eq(strncmp(support_out, line, strlen(line)), 0, "%s: %s", arguments, support_out);
	const char *end = strchr(support_out, '\n');
	cr_assert(end && end[1] == '\0' && end - support_out <= 80, "%s: %s", arguments, support_out);
	cr_assert_str_empty(support_err);
}

/* The codes of the four maps. */
static void codes(int own, int npd, int slurm, int nagios, const char *age, const char *line)
{
	static const char *const maps[] = {"", "--exit-map npd", "--exit-map slurm", "--exit-map nagios"};
	static const char *const words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
	const int expected[] = {own, npd, slurm, nagios};
	char arguments[64], nagios_line[128];

	for (int i = 0; i < 4; i++) {
		snprintf(arguments, sizeof arguments, "%s %s", maps[i], age);
		snprintf(nagios_line, sizeof nagios_line, "ASSAY %s: %s", words[nagios], line);
		tells(arguments, expected[i], i == 3 ? nagios_line : line);
	}
}

Test(status, each_state_has_its_reason_and_code)
{
	support_enter();
	codes(6, 2, 0, 3, "", "NONE status.none");
	codes(6, 2, 1, 3, "--max-age 7d", "NONE status.none");
	store(0, "pass", NULL, 10);
	codes(0, 0, 0, 0, "", "PASS work-proven assay/1 quick, 2 devices, 1");
	codes(0, 0, 0, 0, "--max-age 1m", "PASS");
	store(0, "pass", NULL, 100);
	codes(5, 2, 1, 1, "--max-age 90s", "STALE status.stale, 10");
	codes(0, 0, 0, 0, "--max-age 10m", "PASS");
	store(0, "pass", NULL, 9 * 86400);
	codes(5, 2, 1, 1, "--max-age 7d", "STALE status.stale, 9 d ago");
	store(0, "pass", NULL, -4000);
	codes(5, 2, 1, 1, "--max-age 7d", "STALE status.future, in the future");
	codes(0, 0, 0, 0, "", "PASS");
	store_reason(0, "fail", "fail", "leaf.mismatch", "do not rely on this file");
	codes(1, 1, 1, 2, "", "FAIL leaf.mismatch");
	/* A run that found a device wrong is a fail, whatever was signed; old or not. */
	store_reason(1, "inconclusive", "unverifiable", "run.empty", "run again");
	codes(1, 1, 1, 2, "--max-age 1s", "FAIL device.miscompute");
	store_reason(2, "inconclusive", "unverifiable", "run.empty", "run again on a free, healthy device");
	codes(2, 2, 0, 1, "", "INCONCLUSIVE run.empty");
	store(2, "pass", NULL, 10);
	codes(2, 2, 0, 1, "", "INCONCLUSIVE device.failed");
	store_reason(0, "inconclusive", "unverifiable", "profile.unknown", "ask");
	codes(2, 2, 0, 1, "", "INCONCLUSIVE profile.unknown");
	support_file(LAST, "{}\n");
	codes(4, 2, 0, 3, "", "MALFORMED status.malformed");
	cr_assert_eq(support_run("rm $T/" LAST " && mkdir $T/" LAST), 0);
	codes(4, 2, 0, 3, "", "MALFORMED status.malformed");
	cr_assert_eq(support_run("rmdir $T/" LAST " && ln -s last.json $T/" LAST), 0);
	codes(3, 2, 0, 3, "", "UNREADABLE status.unreadable");
	cr_assert_eq(support_run("env -u HOME -u ASSAY_STATE_DIR -u XDG_STATE_HOME $A status"), 3);
	cr_assert(strstr(support_out, "UNREADABLE status.place"), "%s", support_out);
}

Test(status, what_is_no_stored_verdict)
{
	static const char *const texts[] = {
	    "",
	    "\n",
	    "{",
	    "[]\n",
	    "null\n",
	    "{\"exitCode\":0}\n",
	    "{\"exitCode\":0,\"finishedAt\":\"2026-11-24T16:41:29Z\",\"verdict\":null}\n",
	    "{\"exitCode\":0,\"finishedAt\":\"2026-11-24T16:41:29Z\",\"verdict\":{}}\n",
	    "{\"exitCode\":0,\"finishedAt\":\"2026-13-24T16:41:29Z\",\"verdict\":{\"verdict\":\"pass\"}}\n",
	    "{\"exitCode\":256,\"finishedAt\":\"2026-11-24T16:41:29Z\",\"verdict\":{\"verdict\":\"pass\"}}\n",
	    "{\"exitCode\":-1,\"finishedAt\":\"2026-11-24T16:41:29Z\",\"verdict\":{\"verdict\":\"pass\"}}\n",
	    "{\"exitCode\":0,\"finishedAt\":\"2026-11-24T16:41:29Z\",\"verdict\":{\"verdict\":\"pass\"},\"x\":1}\n",
	    "{\"exitCode\":0,\"finishedAt\":\"2026-11-24T16:41:29Z\",\"verdict\":{\"verdict\":\"pass\"}}",
	    "{\"exitCode\":0,\"finishedAt\":\"2026-11-24T16:41:29Z\",\"verdict\":{\"verdict\":null}}\n",
	    "{\"exitCode\":0,\"finishedAt\":\"2026-11-24T16:41:29Z\",\"verdict\":{\"verdict\":1}}\n",
	};

	support_enter();
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		support_file(LAST, texts[i]);
		tells("", 4, "MALFORMED status.malformed");
	}
	/* Nothing but its second name for one thing is wrong with it. */
	support_file(LAST, "{\"exitCode\":1,\"exitCode\":0,\"finishedAt\":\"2026-11-24T16:41:29Z\","
	                   "\"verdict\":{\"verdict\":\"pass\"}}\n");
	tells("", 4, "MALFORMED status.malformed");
	/* Little is enough for a pass, and what is of another type is unknown. */
	support_file(
	    LAST,
	    "{\"exitCode\":0,\"finishedAt\":\"2026-11-24T16:41:29Z\",\"verdict\":{\"aggregates\":[1,{\"claimed\":"
	    "{\"rate\":\"1e9\"},\"runs\":\"x\",\"workload\":7}],\"checks\":7,\"claimedDevices\":{},\"profile\":[],"
	    "\"verdict\":\"pass\"}}\n");
	tells("--textfile $T/x.prom", 0, "PASS unknown unknown, 0 devices");
	cr_assert_eq(support_run("dd if=/dev/zero of=$T/" LAST " bs=1M count=9 2>/dev/null"), 0);
	tells("", 4, "MALFORMED status.malformed");
	cr_assert_eq(support_run("rm $T/" LAST " && mkfifo $T/" LAST), 0);
	tells("", 4, "MALFORMED status.malformed");
}

Test(status, hostile_texts_stay_on_their_line)
{
	support_enter();
	for (int i = 0; pages_hostile[i] && pages_hostile[i][0] >= 0x20; i++) {
		store_reason(1, "fail", "fail", pages_hostile[i], pages_hostile[i]);
		cr_assert_eq(support_run("$A status --exit-map nagios --textfile $T/x.prom"), 2, "%s", support_err);
		cr_assert_eq(strncmp(support_out, "ASSAY CRITICAL: FAIL ", 21), 0, "%s", support_out);
		cr_assert_null(strchr(support_out, '|'), "%s", support_out);
		cr_assert_eq(strcspn(support_out, "\n") + 1, strlen(support_out));
		for (const char *at = support_out; at[1]; at++)
			cr_assert(*at >= 0x20 && *at <= 0x7e, "%d", *at);
		cr_assert_leq(strlen(support_out), 81);
	}
	cr_assert_not(support_exists("pwned"));
}

Test(status, a_run_leaves_its_verdict)
{
	support_enter();
	cr_assert_eq(support_run("$A run -d cpu -w sha256 -p quick --duration 1 -o $T/x"), 0, "%s", support_err);
	cr_assert_eq(support_mode(support_path(LAST)), 0644);
	tells("--max-age 1m", 0, "PASS work-proven assay/1 quick, 1 device, ");
	cr_assert_eq(support_run("$A status --json"), 0);
	json_t *status = json_loads(support_out, JSON_REJECT_DUPLICATES, NULL);
	cr_assert(status, "%s", support_out);
	cr_assert_str_eq(json_string_value(json_object_get(status, "status")), "pass");
	cr_assert(json_is_null(json_object_get(status, "reason")));
	cr_assert_lt(json_integer_value(json_object_get(status, "ageSeconds")), 60);
	/* The verdict is the one of the file. */
	cr_assert_eq(support_run("$V --trust $T/.state/key.pub --json $T/x.intoto.json"), 0);
	json_t *verdict = json_loads(support_out, JSON_REJECT_DUPLICATES, NULL);
	static const char *const members[] = {"verdict",  "subject",    "keyid",  "assurance",
	                                      "segments", "aggregates", "profile"};
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		cr_assert(json_equal(json_object_get(verdict, members[i]),
		                     json_object_get(json_object_get(status, "verdict"), members[i])),
		          "%s", members[i]);
	json_decref(verdict);
	json_decref(status);
	/* Those who only read leave it alone. */
	cr_assert_eq(support_run("cp $T/" LAST
	                         " $T/before && $A verify $T/x.intoto.json; $A report -o $T/p $T/x.intoto.json; "
	                         "cmp $T/" LAST " $T/before && ls $T/.state >$T/ls && ! grep part $T/ls"),
	             0, "%s", support_err);
	/* A run that could not begin says nothing of the devices. */
	cr_assert_eq(support_run("$A run -d cpu -w sha256 -p quick -o $T/x"), 3);
	tells("", 0, "PASS");
}

Test(status, a_run_that_cannot_keep_it_is_what_it_was)
{
	support_long();
	support_enter();
	cr_assert_eq(support_run("$A keygen -o $T/k && mkdir -p $T/.state/last.json"), 0);
	cr_assert_eq(support_run("$A run -d cpu -w sha256 -p quick --duration 1 -k $T/k -o $T/x"), 0, "%s",
	             support_err);
	cr_assert(strstr(support_err, "not kept for `assay status`"), "%s", support_err);
}

/* What failed is kept too: a verdict, and an error without one. */
Test(status, stored_and_read)
{
	struct assay_verdict verdict = {.outcome = ASSAY_PASS, .assurance = "work-proven", .profile = "assay/1 quick"};
	struct assay_error error = {"attest.refused", "the verifier refuses this work"};
	struct assay_last last;

	support_enter();
	assay_last_store(&verdict, NULL, 0, 2000000000);
	assay_last_read(&last, 0, 2000000000);
	cr_assert_eq(last.state, ASSAY_LAST_PASS, "%s", last.text);
	json_decref(last.root);
	assay_last_store(&verdict, &error, 1, 2000000000);
	assay_last_read(&last, 60, 3000000000);
	cr_assert_eq(last.state, ASSAY_LAST_FAIL);
	cr_assert_str_eq(last.reason, "attest.refused");
	cr_assert_eq(last.finished, 2000000000);
	json_decref(last.root);
	verdict.outcome = ASSAY_FAIL;
	verdict.checks[ASSAY_CHECK_RECHECK].reached = true;
	verdict.checks[ASSAY_CHECK_RECHECK].reason = ASSAY_REASON_LEAF_MISMATCH;
	assay_last_store(&verdict, NULL, 0, 2000000000);
	assay_last_read(&last, 0, 2000000000);
	cr_assert_eq(last.state, ASSAY_LAST_FAIL);
	cr_assert_str_eq(last.reason, "leaf.mismatch");
	json_decref(last.root);
}

/* Libraries that a command loads while it runs, by the loader's own account; what is linked does not count. */
static int loads(const char *command)
{
	cr_assert_eq(support_run("rm -f $T/loads.*; LD_DEBUG=files LD_DEBUG_OUTPUT=$T/loads %s >/dev/null", command),
	             0);
	cr_assert_eq(support_run("cat $T/loads.* >$T/all && test -s $T/all"), 0);
	(void)support_run("grep -c 'dynamically loaded by' $T/all");
	return atoi(support_out);
}

/* What takes time is what it does not do: it looks for no device, and has one file open at most. How long it takes is
 * in `make bench`. */
Test(status, looks_at_no_device)
{
	char devices[600];

	support_enter();
	store(0, "pass", NULL, 10);
	cr_assert_eq(loads("$A status"), 0);
	/* The control: what looks for devices is seen to. */
	snprintf(devices, sizeof devices,
	         "ASSAY_OPENCL_LIBRARY=$T/none ASSAY_CUDA_LIBRARY=$(realpath %s/double/libcuda.so) $A devices",
	         support_build());
	cr_assert_gt(loads(devices), 0);
	cr_assert_eq(support_run("ulimit -n 4 && $A status"), 0, "%s", support_err);
	cr_assert_neq(support_run("ulimit -n 3 && $A status"), 0, "without a file there is nothing to tell");
}

Test(status, usage)
{
	static const char *const lines[] = {"--max-age 7",
	                                    "--max-age 0d",
	                                    "--max-age -1d",
	                                    "--max-age 1w",
	                                    "--max-age ''",
	                                    "--max-age 1dd",
	                                    "--max-age 99999999999999999999d",
	                                    "--max-age ' 1d'",
	                                    "--max-age 3651d",
	                                    "--exit-map x",
	                                    "--exit-map default",
	                                    "--exit-map ''",
	                                    "--textfile ''",
	                                    "extra",
	                                    "--no-such-option"};

	support_enter();
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		cr_assert_eq(support_run("$A status %s", lines[i]), 3, "%s: %s", lines[i], support_out);
		cr_assert(strstr(support_err, "usage: assay status"), "%s: %s", lines[i], support_err);
		cr_assert_str_empty(support_out);
	}
}

Test(status, textfile)
{
	support_enter();
	store(0, "pass", NULL, 10);
	tells("--textfile $T/assay.prom", 0, "PASS");
	cr_assert_eq(support_mode(support_path("assay.prom")), 0644);
	char *text = pages_read("assay.prom");
	static const char *const lines[] = {"\nassay_status{state=\"pass\"} 1\n",
	                                    "\nassay_status{state=\"none\"} 0\n",
	                                    "\nassay_rate{workload=\"sha256/1\",unit=\"hash\",by=\"claimed\"} 9\n",
	                                    "\nassay_rate{workload=\"sha256/1\",unit=\"hash\",by=\"proven\"} 7\n",
	                                    "\nassay_certified_work{workload=\"sha256/1\",unit=\"hash\"} 5\n",
	                                    "\nassay_devices 2\n",
	                                    "\nassay_estar_ratio 0.107492\n"};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		cr_assert(strstr(text, lines[i]), "%s in %s", lines[i], text);
	free(text);
	/* Without a verdict there is a file that says so, and it takes the place of the old one. */
	cr_assert_eq(support_run("rm $T/" LAST "; $A status --textfile $T/assay.prom; ls $T"), 0);
	cr_assert_null(strstr(support_out, "part"));
	text = pages_read("assay.prom");
	cr_assert(strstr(text, "assay_status{state=\"none\"} 1\n") && !strstr(text, "assay_rate"), "%s", text);
	free(text);
	/* One that cannot be written is told, and is no fault of the machine. */
	store(0, "pass", NULL, 10);
	cr_assert_eq(support_run("$A status --textfile $T/none/x.prom"), 3);
	cr_assert(strstr(support_err, "io.open") && strstr(support_out, "PASS"), "%s", support_err);
	cr_assert_eq(support_run("$A status --exit-map slurm --textfile $T/none/x.prom"), 0);
	cr_assert_eq(support_run("$A status --exit-map npd --textfile $T/none/x.prom"), 2);
	store_reason(0, "fail", "fail", "leaf.mismatch", "x");
	cr_assert_eq(support_run("$A status --exit-map slurm --textfile $T/none/x.prom"), 1);
}

Test(status, read_by_promtool)
{
	support_enter();
	if (support_run("command -v promtool") != 0)
		support_missing("promtool", "Prometheus is not installed");
	cr_assert_eq(support_run("promtool check rules ci/alerts.yml && promtool test rules ci/alerts_test.yml"), 0,
	             "%s%s", support_out, support_err);
	store(0, "pass", NULL, 10);
	cr_assert_eq(support_run("$A status --textfile $T/x.prom >/dev/null && promtool check metrics <$T/x.prom"), 0,
	             "%s%s", support_out, support_err);
	for (int i = 0; pages_hostile[i] && pages_hostile[i][0] >= 0x20; i++) {
		json_t *verdict =
		    json_pack("{s:s,s:s,s:s,s:s,s:[{s:s,s:s,s:{s:s}}]}", "verdict", "pass", "profile", pages_hostile[i],
		              "assurance", pages_hostile[i], "keyid", pages_hostile[i], "aggregates", "workload",
		              pages_hostile[i], "unit", pages_hostile[i], "claimed", "rate", "1");
		json_t *root =
		    json_pack("{s:i,s:s,s:o}", "exitCode", 0, "finishedAt", "2026-11-24T16:41:29Z", "verdict", verdict);
		char *text = assay_json_text(root);
		const char *const parts[] = {text, "\n"};
		struct assay_error error;
		support_ok(assay_output_write(support_path(LAST), 0644, parts, 2, true, &error), error);
		cr_assert_eq(
		    support_run("$A status --textfile $T/x.prom >/dev/null && promtool check metrics <$T/x.prom"), 0,
		    "%s: %s%s", pages_hostile[i], support_out, support_err);
		free(text);
		json_decref(root);
	}
}

/* The exporter reads the directory of a file that is being replaced all the time, and never a half of it. */
Test(status, read_by_node_exporter)
{
	support_enter();
	if (support_run("command -v prometheus-node-exporter && command -v curl") != 0)
		support_missing("node_exporter", "prometheus-node-exporter or curl is not installed");
	store(0, "pass", NULL, 10);
	cr_assert_eq(
	    support_run(
	        "mkdir $T/d; $A status --textfile $T/d/assay.prom; prometheus-node-exporter "
	        "--web.listen-address=127.0.0.1:0 "
	        "--collector.disable-defaults --collector.textfile --collector.textfile.directory=$T/d 2>$T/log & "
	        "child=$!; "
	        "for i in $(seq 100); do at=$(sed -n 's/.*Listening on\" address=\\(127.0.0.1:[0-9]*\\).*/\\1/p' "
	        "$T/log); "
	        "[ -z \"$at\" ] || break; sleep 0.1; done; "
	        "for i in $(seq 20); do $A status --textfile $T/d/assay.prom >/dev/null; curl -s http://$at/metrics "
	        ">$T/got; "
	        "grep -q '^node_textfile_scrape_error 0' $T/got && grep -q '^assay_status{state=\"pass\"} 1' $T/got || "
	        "{ kill $child; exit 1; }; done; kill $child; grep ^assay_ $T/got"),
	    0, "%s%s", support_out, support_err);
	cr_assert(strstr(support_out, "assay_rate{by=\"claimed\",unit=\"hash\",workload=\"sha256/1\"} 9"), "%s",
	          support_out);
	cr_assert(strstr(support_out, "assay_finished_timestamp_seconds "), "%s", support_out);
}
