/* SPDX-License-Identifier: Apache-2.0
 *
 * verify/vectors/good and reject: every attestation gets the verdict and the reasons that index.txt states. good/ names
 * all reasons in the order of SPEC 10.1, reject/ the first one that is not profile.unknown. */
#include <dirent.h>
#include <fenv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "verify/test/support.h"

/* "profile.unknown,run.empty", or "-". In the recheck the verdict holds the gravest reason of all runs. */
static void reasons(char text[256], const struct assay_verdict *verdict, bool first_only)
{
	*text = '\0';
	for (int id = 0; id < ASSAY_CHECK_COUNT; id++) {
		const struct assay_check *check = &verdict->checks[id];
		if (!check->reason || (first_only && (check->reason == ASSAY_REASON_PROFILE_UNKNOWN || *text)))
			continue;
		if (*text)
			strcat(text, ",");
		strcat(text, assay_reason_name(check->reason));
	}
	if (!*text)
		strcpy(text, "-");
}

/* What must hold of any verdict, whatever it is. */
static void expect_consistent(const char *path, const struct assay_verdict *verdict)
{
	bool ended = false, all_shown = verdict->run_count > 0;

	for (int id = 0; id < ASSAY_CHECK_COUNT; id++) {
		const struct assay_check *check = &verdict->checks[id];
		bool goes_on = !check->reason || check->reason == ASSAY_REASON_KEY_UNTRUSTED ||
		               check->reason == ASSAY_REASON_RECEIPTS_UNTRUSTED ||
		               check->reason == ASSAY_REASON_PROFILE_UNKNOWN;
		cr_expect(check->reached || (!check->reason && !*check->detail), "%s: %s was skipped and has a reason",
		          path, assay_check_name((enum assay_check_id)id));
		cr_expect(!ended || !check->reason, "%s: %s after the verification had ended", path,
		          assay_check_name((enum assay_check_id)id));
		ended |= !goes_on;
	}
	for (uint32_t i = 0; i < verdict->run_count; i++) {
		const struct assay_run *run = &verdict->runs[i];
		/* A fill has nothing to show. */
		if (strcmp(run->workload, "memory-fill/1") != 0)
			all_shown = all_shown && run->proved.shown && !run->reason;
		cr_expect(run->proved.certified_work <= run->proved.work, "%s", path);
		cr_expect(run->proved.shown || (!run->proved.work && !run->proved.rounds && run->claimed.rate == 0),
		          "%s: figures of a run that was not shown", path);
	}
	const bool bracketed = verdict->assurance && strcmp(verdict->assurance, "time-bracketed") == 0;
	const bool proven = bracketed || (verdict->assurance && strcmp(verdict->assurance, "work-proven") == 0);
	bool signature_held =
	    verdict->checks[ASSAY_CHECK_SIGNATURE].reached && !verdict->checks[ASSAY_CHECK_SIGNATURE].reason;
	cr_expect_eq(proven, all_shown, "%s", path);
	cr_expect_eq(verdict->assurance != NULL, signature_held, "%s", path);
	cr_expect_eq(bracketed, proven && *verdict->receipts_from != '\0', "%s", path);
	for (uint32_t i = 0; i < verdict->run_count; i++)
		cr_expect(verdict->runs[i].proved.rate == 0 || (*verdict->receipts_from && verdict->asked), "%s", path);
	cr_expect(verdict->outcome != ASSAY_PASS || (proven && !ended), "%s", path);
	cr_expect(signature_held || (!*verdict->keyid && !*verdict->subject && !verdict->runs), "%s", path);
}

/* `assurance` is "-" for none, and NULL where the index does not say. */
static void expect_entry(const struct assay_policy *policy, const char *folder, const char *name, const char *outcome,
                         const char *reason, const char *assurance)
{
	struct assay_verdict verdict;
	char path[256], found[256];

	snprintf(path, sizeof path, "verify/vectors/%s/%s.intoto.json", folder, name);
	enum assay_status status = assay_verify(&verdict, path, NULL, policy);
	cr_expect_eq(status, ASSAY_OK, "%s: %s", path, verdict.error.text);
	if (!status) {
		reasons(found, &verdict, strcmp(folder, "reject") == 0);
		cr_expect(strcmp(assay_outcome_name(verdict.outcome), outcome) == 0 && strcmp(found, reason) == 0,
		          "%s: expected %s %s, found %s %s", path, outcome, reason, assay_outcome_name(verdict.outcome),
		          found);
		if (assurance)
			cr_expect_str_eq(verdict.assurance ? verdict.assurance : "-", assurance, "%s", path);
		expect_consistent(path, &verdict);
	}
	assay_verdict_close(&verdict);
}

static size_t files_in(const char *folder)
{
	size_t count = 0;
	DIR *directory = opendir(folder);

	cr_assert(directory);
	for (const struct dirent *entry; (entry = readdir(directory));)
		count += strstr(entry->d_name, ".intoto.json") != NULL;
	closedir(directory);
	return count;
}

static void expect_index(const char *folder)
{
	const struct assay_policy all = test_policy();
	struct assay_policy without_verifier = all;
	char path[256], *rest = NULL;
	size_t count = 0;

	without_verifier.verifiers_count = 0;
	snprintf(path, sizeof path, "verify/vectors/%s/index.txt", folder);
	struct test_bytes index = test_read(path);
	for (char *line = strtok_r((char *)index.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char name[128], outcome[32], reason[128], assurance[32], without[3][128];
		if (*line == '#')
			continue;
		int fields = sscanf(line, "%127s %31s %127s %31s %127s %127s %127s", name, outcome, reason, assurance,
		                    without[0], without[1], without[2]);
		cr_assert(fields == 3 || fields == 4 || fields == 7, "%s: %s", path, line);
		expect_entry(&all, folder, name, outcome, reason, fields > 3 ? assurance : NULL);
		if (fields == 7)
			expect_entry(&without_verifier, folder, name, without[0], without[1], without[2]);
		count++;
	}
	snprintf(path, sizeof path, "verify/vectors/%s", folder);
	cr_expect_eq(count, files_in(path), "%s: %zu attestations, and index.txt has %zu", path, files_in(path), count);
	free(index.data);
}

Test(attestations, good)
{
	expect_index("good");
}

Test(attestations, reject)
{
	expect_index("reject");
}

/* Without a trusted key nothing passes, and what is refused stays refused. */
Test(attestations, nobody_trusted)
{
	const struct assay_policy nobody = {.trusted = NULL};
	struct assay_verdict verdict;

	cr_assert_eq(assay_verify(&verdict, "verify/vectors/good/chain.intoto.json", NULL, &nobody), ASSAY_OK);
	cr_expect_eq(verdict.outcome, ASSAY_INCONCLUSIVE);
	cr_expect_eq(verdict.checks[ASSAY_CHECK_TRUST].reason, ASSAY_REASON_KEY_UNTRUSTED);
	cr_expect_str_eq(verdict.assurance, "work-proven");
	assay_verdict_close(&verdict);
}

static uint64_t verdict_cost(const char *path, const struct assay_policy *policy)
{
	struct assay_verdict verdict;

	cr_assert_eq(assay_verify(&verdict, path, NULL, policy), ASSAY_OK);
	const uint64_t cost = verdict.cost;
	assay_verdict_close(&verdict);
	return cost;
}

/* The budget is a limit that may be reached and not passed. SPEC 12. */
/* A program that rounds otherwise has the same verdicts, and rounds as before. */
Test(attestations, rounding_of_the_caller)
{
	static const int ways[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
	struct assay_verdict verdict;
	const struct assay_policy policy = test_policy();

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		cr_assert_eq(fesetround(ways[i]), 0);
		enum assay_status status =
		    assay_verify(&verdict, "verify/vectors/good/floats.intoto.json", NULL, &policy);
		cr_expect_eq(fegetround(), ways[i]);
		fesetround(FE_TONEAREST);
		cr_expect_eq(status, ASSAY_OK);
		cr_expect_str_eq(verdict.assurance, "work-proven");
		assay_verdict_close(&verdict);
	}
}

Test(attestations, budget_to_the_unit)
{
	struct assay_policy policy = test_policy();
	struct assay_verdict verdict;
	const char *path = "verify/vectors/good/quick-host.intoto.json";

	policy.budget = 512 * (16384 / 2 + 16384 + 14 + 20) + 512 * (4096 + 12 + 20) - 1;
	cr_assert_eq(assay_verify(&verdict, path, NULL, &policy), ASSAY_OK);
	cr_expect_eq(verdict.outcome, ASSAY_INCONCLUSIVE);
	cr_expect_eq(verdict.checks[ASSAY_CHECK_COST].reason, ASSAY_REASON_COST_EXCEEDED);
	cr_expect_eq(verdict.cost, policy.budget + 1);
	cr_expect_eq(verdict.run_count, 0);
	assay_verdict_close(&verdict);

	path = "verify/vectors/good/one-leaf.intoto.json";
	const uint64_t cost = verdict_cost(path, &policy);
	policy.budget = cost;
	cr_assert_eq(assay_verify(&verdict, path, NULL, &policy), ASSAY_OK);
	cr_expect(verdict.checks[ASSAY_CHECK_RECHECK].reached && verdict.run_count == 1);
	assay_verdict_close(&verdict);
	policy.budget = cost - 1;
	cr_assert_eq(assay_verify(&verdict, path, NULL, &policy), ASSAY_OK);
	cr_expect(!verdict.checks[ASSAY_CHECK_RECHECK].reached);
	assay_verdict_close(&verdict);
}
