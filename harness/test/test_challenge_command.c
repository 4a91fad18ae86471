/* SPDX-License-Identifier: Apache-2.0
 *
 * assay challenge as people and programs call it: what it refuses, and that what it makes is in its profile. */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/asked.h"
#include "harness/test/support.h"
#include "verify/envelope.h"

TestSuite(challenge_command, .fini = support_leave, .timeout = 120);

static struct assay_error error;
static uint8_t key[ASSAY_KEY_BYTES];

static void begin(void)
{
	support_enter();
	cr_assert_eq(support_run("$A keygen -o $T/v"), 0);
	support_ok(assay_asked_key(key, support_path("v.pub"), &error), error);
}

/* One line "assay: ... (reason)" on standard error, exit 3, and no file. */
static void fails(const char *reason, const char *arguments)
{
	char pattern[128];
	regex_t regex;
	const unsigned files = support_files();

	cr_assert_eq(support_run("$A challenge %s", arguments), 3, "%s\n%s", arguments, support_out);
	snprintf(pattern, sizeof pattern, "^assay: [^\n]*[^ \n] \\(%s\\)\n$", reason);
	cr_assert_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	cr_assert_eq(regexec(&regex, support_err, 0, NULL, 0), 0, "%s: %s", arguments, support_err);
	regfree(&regex);
	cr_assert_str_empty(support_out);
	cr_assert_eq(support_files(), files, "%s", arguments);
}

static void usage(const char *arguments)
{
	cr_assert_eq(support_run("$A challenge %s", arguments), 3, "%s", arguments);
	cr_assert(strstr(support_err, "usage: assay challenge"), "%s: %s", arguments, support_err);
	cr_assert_str_empty(support_out);
}

/* Makes $T/NAME.challenge.json and reads it back. */
static struct assay_challenge made(const char *name, const char *arguments)
{
	struct assay_challenge challenge;
	char path[64];

	cr_assert_eq(support_run("$A challenge -k $T/v -o $T/%s %s", name, arguments), 0, "%s: %s", arguments,
	             support_err);
	cr_assert_str_empty(support_err);
	snprintf(path, sizeof path, "%s.challenge.json", name);
	support_ok(assay_asked_read(&challenge, support_path(path), key, &error), error);
	cr_assert(assay_challenge_in_profile(&challenge), "%s", arguments);
	cr_assert_eq(support_mode(support_path(path)), 0644);
	return challenge;
}

static const struct assay_segment *segment_of(const struct assay_challenge *challenge, const struct assay_work *work)
{
	for (uint32_t j = 0; j < challenge->segment_count; j++)
		if (challenge->segments[j].work == work)
			return &challenge->segments[j];
	cr_assert_fail("no segment of %s", work->name);
	return NULL;
}

/* Bytes of the table. */
static uint64_t table_of(const struct assay_challenge *challenge)
{
	return 128 * segment_of(challenge, &assay_work_memory)->params.value[1];
}

Test(challenge_command, bad_options)
{
#define GOOD "-k $T/v -o $T/x --devices 1 --memory cpu "
	begin();
	usage("");
	usage("--devices 1 --memory cpu -o $T/x");
	usage("--devices 1 --memory cpu -k $T/v");
	usage("--memory cpu -k $T/v -o $T/x");
	usage("--devices 1 -k $T/v -o $T/x");
	usage("-k $T/v -o $T/x --devices 1 --memory cpu --row host");
	usage("-k $T/v -o $T/x --devices 1 --memory cpu --memory 8GB --row host");
	usage(GOOD "extra");
	usage(GOOD "--no-such-option");
	fails("io.open", "-k $T/none -o $T/x --devices 1 --memory cpu");
	cr_assert_eq(support_run("install -m 600 $T/v.pub $T/public"), 0);
	fails("key.malformed", "-k $T/public -o $T/x --devices 1 --memory cpu");
	static const char *const bad[][2] = {
	    {"--devices 0", "challenge.devices"},
	    {"--devices 65", "challenge.devices"},
	    {"--devices -1", "challenge.devices"},
	    {"--devices ''", "challenge.devices"},
	    {"--devices 1x", "challenge.devices"},
	    {"--devices 18446744073709551617", "challenge.devices"},
	    {"--leased 65", "challenge.leased"},
	    {"--leased -1", "challenge.leased"},
	    {"--leased x", "challenge.leased"},
	    {"--samples 0", "challenge.samples"},
	    {"--samples 255", "challenge.samples"},
	    {"--samples 0256", "challenge.samples"},
	    {"--samples 1024", "challenge.samples"},
	    {"--samples ''", "challenge.samples"},
	    {"--memory 0GiB", "challenge.memory"},
	    {"--memory 80", "challenge.memory"},
	    {"--memory GiB", "challenge.memory"},
	    {"--memory 80gib", "challenge.memory"},
	    {"--memory '80 GiB'", "challenge.memory"},
	    {"--memory -1GiB", "challenge.memory"},
	    {"--memory 1.5GiB", "challenge.memory"},
	    {"--memory 17592186044416GiB", "challenge.memory"},
	    {"--memory CPU", "challenge.memory"},
	    {"--table 0GiB", "challenge.table"},
	    {"--table 1", "challenge.table"},
	    {"--table 127MiB", "challenge.table"},
	    {"--table 2049MiB", "challenge.table"},
	    {"--table 127MiB -p standard", "challenge.table"},
	    {"--table 512GiB -p standard", "challenge.table"},
	    {"--expires 59", "challenge.expires"},
	    {"--expires 59s", "challenge.expires"},
	    {"--expires 0", "challenge.expires"},
	    {"--expires 367d", "challenge.expires"},
	    {"--expires 8785h", "challenge.expires"},
	    {"--expires 1w", "challenge.expires"},
	    {"--expires ''", "challenge.expires"},
	    {"--expires -1h", "challenge.expires"},
	    {"--expires 307445734561825861m", "challenge.expires"}, /* overflows to few seconds */
	    {"--expires 119s -p standard", "challenge.expires"},
	    {"-p soak --duration 5h", "challenge.expires"}, /* six times five hours */
	    {"-p nope", "profile.unknown"},
	    {"-p ''", "profile.unknown"},
	    {"-p quick --duration 6", "profile.duration"},
	    {"-p standard --duration 21", "profile.duration"},
	    {"-p soak --duration 19", "profile.duration"},
	    {"--duration 0", "profile.duration"},
	    {"--duration 25h", "profile.duration"},
	    {"--duration x", "profile.duration"},
	    {"-w nope", "workload.unknown"},
	    {"-w ''", "workload.unknown"},
	    {"-w sha256$(printf ',sha256%.0s' $(seq 16))", "workload.unknown"},
	    {"-o $T/missing/x", "io.open"},
	    {"-o /proc/x", "io.open"},
	    {"-o $(printf %04090d 1)", "io.open"},
	    {"-o $T/$(printf %0300d 1)", "io.open"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char line[512];
		snprintf(line, sizeof line, GOOD "%s", bad[i][0]);
		fails(bad[i][1], line);
	}
	fails("profile.row", "-k $T/v -o $T/x --devices 1 --row giant");
	fails("profile.row", "-k $T/v -o $T/x --devices 1 --row ''");
	/* Too little for a table, and well without one. */
	fails("challenge.table", "-k $T/v -o $T/x -p standard --devices 1 --memory 159MiB");
	cr_assert_eq(support_run("$A challenge -k $T/v -o $T/x -p standard --devices 1 --memory 159MiB -w sha256"), 0);
	cr_assert_eq(support_run("chmod 644 $T/v"), 0);
	fails("key.mode", GOOD);
}

Test(challenge_command, every_row_of_every_profile)
{
	static const char *const profiles[] = {"quick", "standard", "soak"};
	static const char *const samples[] = {"128", "256", "512", "2048"};
	char name[32], arguments[128];

	begin();
	for (size_t p = 0; p < 3; p++)
		for (size_t row = 0; row < ASSAY_ROWS; row++) {
			snprintf(name, sizeof name, "%s-%s", profiles[p], assay_rows[row].name);
			snprintf(arguments, sizeof arguments, "-p %s --row %s --devices 3 --samples %s", profiles[p],
			         assay_rows[row].name, samples[row % 4]);
			const struct assay_challenge challenge = made(name, arguments);
			cr_assert_eq(challenge.devices, 3);
			cr_assert_eq(challenge.samples, strtoul(samples[row % 4], NULL, 10));
			cr_assert_str_eq(challenge.profile + strlen("assay/1 "), profiles[p]);
			for (size_t w = 0; assay_works[w]; w++) {
				const struct assay_segment *segment = segment_of(&challenge, assay_works[w]);
				const struct assay_params *params = assay_row_params(&assay_rows[row], assay_works[w]);
				if (!assay_works[w]->is_fill && !assay_works[w]->fill)
					cr_assert_arr_eq(&segment->params, params, sizeof *params);
			}
		}
}

Test(challenge_command, memory_of_a_label)
{
	static const struct {
		const char *memory;
		size_t row;
		uint64_t table_mib;
	} labels[] = {{"cpu", 0, 512},
	              {"4GB", 1, 4096 * 8 / 10},
	              {"5GiB", 1, 4096},
	              {"6143MiB", 1, 4914},
	              {"6GB", 2, 6144 * 8 / 10},
	              {"15GB", 2, 12288},
	              {"16GB", 3, 16384 * 8 / 10},
	              {"24GB", 3, 24576 * 8 / 10},
	              {"63GB", 3, 64512 * 8 / 10},
	              {"64GiB", 4, 65536 * 8 / 10},
	              {"80GB", 4, 65536},
	              {"80GiB", 4, 65536},
	              {"160MiB", 1, 128},
	              {"1000GB", 4, 524288}};
	char name[32], arguments[128];

	begin();
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
		snprintf(name, sizeof name, "m%zu", i);
		snprintf(arguments, sizeof arguments, "-p standard --devices 1 --memory %s", labels[i].memory);
		const struct assay_challenge challenge = made(name, arguments);
		const uint64_t most = labels[i].table_mib << 20, least = most - (UINT64_C(32) << 20);
		cr_assert(table_of(&challenge) <= most && table_of(&challenge) + 1 > least, "%s: %llu MiB",
		          labels[i].memory, (unsigned long long)table_of(&challenge) >> 20);
		cr_assert_arr_eq(&segment_of(&challenge, &assay_work_sha256)->params,
		                 assay_row_params(&assay_rows[labels[i].row], &assay_work_sha256),
		                 sizeof(struct assay_params), "%s", labels[i].memory);
		/* In profile quick tables are those of the row. */
		snprintf(name, sizeof name, "q%zu", i);
		snprintf(arguments, sizeof arguments, "--devices 1 --memory %s", labels[i].memory);
		const struct assay_challenge quick = made(name, arguments);
		cr_assert_eq(table_of(&quick),
		             128 * assay_row_params(&assay_rows[labels[i].row], &assay_work_memory)->value[1]);
	}
	/* The last word counts. */
	struct assay_challenge challenge = made("l", "-p standard --devices 1 --memory 80GB --memory cpu");
	cr_assert_eq(table_of(&challenge), UINT64_C(512) << 20);
	challenge = made("t1", "-p standard --devices 1 --memory 80GB --table 4GiB");
	cr_assert_eq(table_of(&challenge), UINT64_C(4) << 30);
	challenge = made("t2", "-p soak --devices 1 --row large --table 160MiB");
	cr_assert_eq(table_of(&challenge), UINT64_C(160) << 20);
	challenge = made("t3", "--devices 1 --row large --table 2GiB");
	cr_assert_eq(table_of(&challenge), UINT64_C(2) << 30);
	challenge = made("t4", "-p standard --devices 1 --row small");
	cr_assert_eq(table_of(&challenge), UINT64_C(512) << 20);
}

Test(challenge_command, what_was_asked_for)
{
	begin();
	const uint64_t before = (uint64_t)time(NULL);
	struct assay_challenge challenge =
	    made("a", "--devices 8 --leased 2 --memory 24GB -w sha256,matmul-i8 -p soak --duration 90 --expires 10m");
	cr_assert(challenge.asked);
	cr_assert_eq(challenge.devices, 8);
	cr_assert_eq(challenge.leased, 2);
	cr_assert_eq(challenge.samples, 256);
	cr_assert_eq(challenge.segment_count, 2);
	cr_assert_eq(challenge.segments[0].work, &assay_work_sha256);
	cr_assert_eq(challenge.segments[1].duration_ms, 90000);
	cr_assert(challenge.expires >= before + 600 && challenge.expires <= before + 610);
	static const char *const said[] = {
	    "assay/1 soak: 180 s of work", "sha256/1 matmul-i8/1",  "row large",       "8 at once; 2 more are let",
	    "256 a run: e* = 5.3 %",       "assay run --challenge", "assay answer -k", "assay verify --verifier"};
	for (size_t i = 0; i < sizeof said / sizeof *said; i++)
		cr_assert(strstr(support_out, said[i]), "%s: %s", said[i], support_out);
	char keyid[65];
	assay_keyid(keyid, key);
	cr_assert(strstr(support_out, keyid));
	const struct assay_challenge other = made("b", "--devices 1 --memory cpu --expires 1m");
	cr_assert_neq(memcmp(challenge.nonce, other.nonce, 32), 0);
	challenge = made("c", "--devices 1 --memory cpu");
	cr_assert(challenge.expires >= before + 86400 && challenge.expires <= before + 86430);
	challenge = made("d", "--devices 64 --memory cpu --expires 366d -w memory");
	cr_assert_eq(challenge.segment_count, 2);
	cr_assert(challenge.expires >= before + 366 * 86400);
}

Test(challenge_command, replaced_only_when_told_and_not_begun)
{
	static char first[8192], second[8192];

	begin();
	made("x", "--devices 1 --memory cpu");
	const size_t len = support_read(support_path("x.challenge.json"), first, sizeof first);
	fails("io.exists", "-k $T/v -o $T/x --devices 1 --memory cpu");
	cr_assert_eq(support_read(support_path("x.challenge.json"), second, sizeof second), len);
	cr_assert_arr_eq(first, second, len);
	made("x", "--devices 1 --memory cpu --force");
	support_read(support_path("x.challenge.json"), second, sizeof second);
	cr_assert_neq(memcmp(first, second, len), 0);
	support_file("x.exchange.jsonl", "");
	fails("io.exists", "-k $T/v -o $T/x --devices 1 --memory cpu --force");
	cr_assert_eq(support_run("rm $T/x.challenge.json"), 0);
	fails("io.exists", "-k $T/v -o $T/x --devices 1 --memory cpu");
	cr_assert_eq(support_run("$A challenge -k $T/v -o $T/y --devices 1 --memory cpu > /dev/full"), 3);
}
