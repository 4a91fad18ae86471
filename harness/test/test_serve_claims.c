/* SPDX-License-Identifier: Apache-2.0
 *
 * assay-serve holds machines against what is claimed of them: claims of a token (SPEC 10.6), a catalogue of its own. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <jansson.h>

#include "harness/test/serving.h"
#include "harness/test/support.h"

TestSuite(serve_claims, .timeout = 120);

static struct serving serving;
static struct served served;

/* Two models, of which it is known under which names they show, and that the first is the lesser one. */
static void catalogue_write(const char *name)
{
	char text[1024];

	snprintf(
	    text, sizeof text,
	    "model\tvendor\tkey\tinterface\tnames\tunits\tmemory_gib\tbandwidth_gbs\tcache_mib\tboost_mhz\t"
	    "sha256_ops\tint8_tops\tf16_tflops\tf32_tflops\tf64_tflops\tf64_matrix_tflops\tmargin_percent\tsource\n"
	    "This\tacme\tthis\t\t%s\t\t\t\t\t\t\t1\t\t\t\t\t0\tnone\n"
	    "Other\tacme\tother\t\tOther of Acme\t\t\t\t\t\t\t1000\t\t\t\t\t0\tnone\n",
	    name);
	support_file("models.tsv", text);
}

/* Another token, which is that of the next challenges. */
static void token(const char *name, const char *claims)
{
	cr_assert_eq(support_run("$A serve token -s $T/store %s " SERVING_TERMS " %s", name, claims), 0, "%s",
	             support_err);
	cr_assert_eq(sscanf(support_out, "%79s", serving.token), 1);
}

/* Its verdict, to be released with json_decref. */
static json_t *judged(bool idle)
{
	served_open(&served, &serving, &serving.prover, 201);
	served.idle = idle;
	served_work(&served);
	served_submit(&served);
	cr_assert(serving_wait(&serving, served.path, "state", "judged"));
	struct serving_reply reply = serving_get(&serving, served_path(&served, "verdict"));
	json_t *root = json_loads(reply.body, 0, NULL);
	cr_assert(root, "%s", reply.body);
	serving_free(&reply);
	return root;
}

/* What a verdict says of the check and of its first claim, and what the server says of the challenge. */
static void is_judged(bool idle, const char *outcome, const char *reason, const char *status, const char *claim,
                      int demonstrated)
{
	json_t *root = judged(idle);
	const json_t *checks = json_object_get(root, "checks");
	const json_t *check = json_array_get(checks, json_array_size(checks) - 1);
	const json_t *first = json_array_get(json_object_get(root, "claims"), 0);

	cr_expect_str_eq(json_string_value(json_object_get(root, "verdict")), outcome);
	cr_expect_str_eq(json_string_value(json_object_get(check, "id")), "claims");
	cr_expect_str_eq(json_string_value(json_object_get(check, "status")), status);
	cr_expect_str_eq(json_string_value(json_object_get(first, "claim")), claim);
	cr_expect_eq(json_integer_value(json_object_get(first, "demonstrated")), demonstrated);
	cr_expect_eq(json_string_length(json_object_get(root, "catalogue")), 64);
	cr_expect_str_eq(serving_member(&serving, served.path, "outcome"), outcome);
	cr_expect_str_eq(serving_member(&serving, served.path, "reason"), reason);
	json_decref(root);
	served_close(&served);
}

static void record_is(const char *pass, const char *fail, const char *inconclusive)
{
	const char *path = serving_key_path(&serving.prover);

	cr_expect_str_eq(serving_member(&serving, path, "pass"), pass);
	cr_expect_str_eq(serving_member(&serving, path, "fail"), fail);
	cr_expect_str_eq(serving_member(&serving, path, "inconclusive"), inconclusive);
}

/* What is contradicted counts against the key, and is why it failed though its run is empty too; what is not
 * demonstrated does not. The claims are the server's: the file is gone. */
Test(serve_claims, verdicts)
{
	serving_enter(&serving, "");
	catalogue_write("device 0");
	serving_start(&serving, "--catalogue models.tsv");
	token("holds", "--claim acme/THIS");
	is_judged(false, "pass", "", "pass", "acme/this x1", 1);
	record_is("1", "0", "0");
	token("contradicted", "--claim 'acme/other x1'");
	is_judged(true, "fail", "claim.model", "fail", "acme/other x1", 0);
	record_is("1", "1", "0");
	support_file("faster.json", "{\"claims\": [{\"vendor\": \"acme\", \"model\": \"this\",\n\"minimum\":"
	                            " {\"sha256/1\": {\"hashesPerSecond\": \"1000000000000000000\"}}}]}\n");
	token("faster", "--claim $T/faster.json --claim acme/unheard");
	cr_assert_eq(unlink(support_path("faster.json")), 0);
	is_judged(false, "inconclusive", "claim.unknown", "unverifiable", "acme/this x1", 0);
	record_is("1", "1", "1");
	serving_leave(&serving);
}

/* The whole way, by a prover who learns of it from the verdict. */
Test(serve_claims, told_to_the_prover)
{
	serving_enter(&serving, "");
	cr_assert_eq(support_run("$A devices --json"), 0, "%s", support_err);
	json_t *root = json_loads(support_out, 0, NULL);
	const json_t *cpu = json_array_get(root, 0);
	cr_assert(cpu, "%s", support_out);
	cr_assert_str_eq(json_string_value(json_object_get(cpu, "backend")), "cpu");
	catalogue_write(json_string_value(json_object_get(cpu, "name")));
	json_decref(root);
	token("two", "--claim acme/other");
	support_write(support_path("token"), serving.token, strlen(serving.token));
	cr_assert_eq(support_run("chmod 600 $T/token"), 0);
	serving_start(&serving, "--catalogue models.tsv");
	cr_expect_eq(support_run("cd $T && $A run -d cpu -k prover --token-file token -o x --verifier "
	                         "http://127.0.0.1:%u",
	                         serving.port),
	             1, "%s%s", support_out, support_err);
	cr_expect(strstr(support_out, "fail, time-bracketed"), "%s", support_out);
	cr_expect(strstr(support_out, "claim.model: what is claimed is not what was signed or shown"), "%s",
	          support_out);
	serving_leave(&serving);
}

/* Claims that the store no longer has are no fault of the key: they are waited for, as files are. */
Test(serve_claims, damaged)
{
	char text[4096];

	serving_enter(&serving, "");
	catalogue_write("device 0");
	token("two", "--claim acme/this");
	serving_sql("UPDATE claims SET text = 'acme'");
	serving_start(&serving, "--catalogue models.tsv --retry-seconds 1");
	served_open(&served, &serving, &serving.prover, 201);
	served_work(&served);
	served_submit(&served);
	for (int i = 0; i < 400; i++) {
		text[support_read(support_path(".state/server.err"), text, sizeof text - 1)] = '\0';
		if (strstr(text, "not verified"))
			break;
		usleep(20000);
	}
	cr_expect(strstr(text, "the claims of a token are damaged (store.failed)"), "%s", text);
	cr_expect_str_eq(serving_member(&serving, served.path, "state"), "submitted");
	cr_assert_eq(support_run("$A serve list -s $T/store"), 0);
	cr_expect(strstr(support_out, "what is claimed cannot be read"), "%s", support_out);
	cr_assert_eq(support_run("$A serve list -s $T/store --json"), 0);
	cr_expect(strstr(support_out, "\"claims\":null"), "%s", support_out);
	serving_sql("UPDATE claims SET text = 'acme/this'");
	cr_assert(serving_wait(&serving, served.path, "state", "judged"));
	cr_expect_str_eq(serving_member(&serving, served.path, "outcome"), "pass");
	served_close(&served);
	serving_leave(&serving);
}

/* ---- Tokens ---- */

Test(serve_claims, tokens)
{
	char many[17 * 16 + 1] = "";

	serving_enter(&serving, "");
	support_file("akash.json", "{\"gpuModels\": [{\"vendor\": \"nvidia\", \"model\": \"h100\", \"ram\": \"80Gi\"},"
	                           "{\"vendor\": \"nvidia\", \"model\": \"h100\", \"ram\": \"80Gi\"}]}");
	support_file("text.json", "nvidia/h100");
	static const char *const refused[] = {"nvidia", "'nvidia/h100 x65'", "$T/text.json",
	                                      "nvidia/h100 --claim nvidia/h100/80"};
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		cr_expect_eq(support_run("$A serve token -s $T/store two " SERVING_TERMS " --claim %s", refused[i]), 3);
		cr_expect(strstr(support_err, "(claim.malformed)"), "%s", support_err);
	}
	for (int i = 0; i < 16; i++)
		strcat(many, "--claim a/b ");
	token("most", many);
	strcat(many, "--claim a/b");
	cr_expect_eq(support_run("$A serve token -s $T/store two " SERVING_TERMS " %s", many), 3);
	cr_expect(strstr(support_err, "more than 16 (claim.malformed)"), "%s", support_err);
	cr_expect_eq(support_run("$A serve token -s $T/store two " SERVING_TERMS " --claim $T/none.json"), 3);
	cr_expect(strstr(support_err, "(io.open)"), "%s", support_err);
	/* A name that is taken takes its claims along. */
	cr_expect_eq(support_run("$A serve token -s $T/store one " SERVING_TERMS " --claim a/b"), 3);
	cr_expect_eq(serving_counted("SELECT count(*) FROM claims"), 16);
	token("two", "--claim $T/akash.json --claim nvidia/a100");
	cr_assert_eq(support_run("$A serve list -s $T/store"), 0, "%s", support_err);
	cr_expect(strstr(support_out, "       claimed: nvidia/h100/80Gi x2\n       claimed: nvidia/a100 x1\n"), "%s",
	          support_out);
	cr_assert_eq(support_run("$A serve list -s $T/store --json"), 0, "%s", support_err);
	cr_expect(strstr(support_out, "\"claims\":[\"nvidia/h100/80Gi x2\",\"nvidia/a100 x1\"]"), "%s", support_out);
	cr_expect(strstr(support_out, "\"claims\":[]"), "%s", support_out);
	serving_leave(&serving);
}

/* Who asks for too little is told. */
Test(serve_claims, warnings)
{
	static const struct {
		const char *options;
		bool count, capacity;
	} each[] = {
	    {"-p standard --memory 80GB --devices 8 --claim 'nvidia/h100/80Gi x8'", false, false},
	    {"-p standard --memory 80GB --devices 6 --leased 2 --claim 'nvidia/h100/80Gi x8'", false, false},
	    {"-p standard --memory 80GB --devices 6 --leased 1 --claim 'nvidia/h100/80Gi x8'", true, false},
	    {"-p standard --memory 80GB --devices 8 --claim 'nvidia/h100 x8'", false, false},
	    {"-p standard --memory 80GB --devices 8 --claim 'nvidia/h100 x4' --claim 'nvidia/a100 x5'", true, false},
	    {"-p quick --memory 80GB --devices 8 --claim 'nvidia/h100 x8'", false, true},
	    {"-p quick --memory 80GB --devices 8 --claim 'nvidia/h100/80Gi x8'", false, true},
	    {"-p standard -w sha256 --memory 80GB --devices 8 --claim 'nvidia/h100 x8'", false, true},
	    {"-p standard --memory 24GB --devices 2 --claim nvidia/l4/24Gi --claim nvidia/h100/80Gi", false, true},
	    {"-p standard --memory 80GB --devices 8", false, false},
	};

	serving_enter(&serving, "");
	for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
		unsigned lines = 0;
		cr_assert_eq(support_run("$A serve token -s $T/store t%zu %s", i, each[i].options), 0, "%s",
		             support_err);
		for (const char *at = support_err; (at = strchr(at, '\n')); at++)
			lines++;
		cr_expect_eq(strstr(support_err, "(claim.count)") != NULL, each[i].count, "%zu: %s", i, support_err);
		cr_expect_eq(strstr(support_err, "(claim.capacity)") != NULL, each[i].capacity, "%zu: %s", i,
		             support_err);
		cr_expect_eq(lines, each[i].count + each[i].capacity, "%zu: %s", i, support_err);
	}
	serving_leave(&serving);
}

/* A store of version 3 had no claims; its tokens stay, with verdicts without, and new ones have some. */
Test(serve_claims, older_store)
{
	serving_enter(&serving, "");
	catalogue_write("device 0");
	serving_sql("DROP TABLE claims; PRAGMA user_version = 3");
	serving_start(&serving, "--catalogue models.tsv");
	cr_expect_eq(serving_counted("PRAGMA user_version"), 4);
	json_t *root = judged(false);
	cr_expect(json_is_null(json_object_get(root, "claims")));
	cr_expect_str_eq(json_string_value(json_object_get(root, "verdict")), "pass");
	json_decref(root);
	served_close(&served);
	token("two", "--claim acme/other");
	cr_assert_eq(support_run("$A serve list -s $T/store"), 0, "%s", support_err);
	cr_expect(strstr(support_out, "claimed: acme/other x1\n"), "%s", support_out);
	serving_leave(&serving);
}

/* It does not start with a catalogue that it cannot read. */
Test(serve_claims, catalogues)
{
	serving_enter(&serving, "");
	support_file("bad.tsv", "model\n");
	cr_expect_eq(
	    support_run("cd $T && $A serve start -k verifier -s store --listen 127.0.0.1:0 --catalogue bad.tsv"), 3);
	cr_expect(strstr(support_err, "(catalogue.malformed)"), "%s", support_err);
	cr_expect_eq(support_run("cd $T && $A serve start -k verifier -s store --listen 127.0.0.1:0 --catalogue none"),
	             3);
	cr_expect(strstr(support_err, "(io.open)"), "%s", support_err);
	serving_leave(&serving);
}
