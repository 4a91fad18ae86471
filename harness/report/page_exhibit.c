/* SPDX-License-Identifier: Apache-2.0
 *
 * What a report says of one attestation in words: the verdict, what it means and what it does not, and how anybody can
 * check it again. See page_report.h. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/page_report.h"
#include "verify/challenge.h"

/* $'...' of bash, zsh and POSIX 2024 where a name has what a page does not show. */
void assay_page_quote(FILE *out, const char *path)
{
	bool plain = *path != '\0', printable = true;

	for (const char *at = path; *at; at++) {
		plain = plain && (isalnum((unsigned char)*at) || strchr("/._-+,:=@%", *at));
		printable = printable && *at >= 0x20 && *at <= 0x7e;
	}
	if (plain) {
		fputs(path, out);
		return;
	}
	fputs(printable ? "'" : "$'", out);
	for (; *path; path++) {
		if (printable && *path == '\'')
			fputs("'\\''", out);
		else if (!printable && (*path < 0x20 || *path > 0x7e || *path == '\'' || *path == '\\'))
			fprintf(out, "\\%03o", (unsigned char)*path);
		else
			fputc(*path, out);
	}
	fputc('\'', out);
}

static bool is_trusted(const struct assay_verdict *verdict)
{
	return verdict->checks[ASSAY_CHECK_TRUST].reached && !verdict->checks[ASSAY_CHECK_TRUST].reason;
}

static bool is_proven(const struct assay_verdict *verdict)
{
	return verdict->assurance && strcmp(verdict->assurance, "self-asserted") != 0 && verdict->estar_ppm < 1000000;
}

static void reason_item(struct assay_page *page, const struct assay_check *check)
{
	if (check->reason)
		assay_page_item(page, assay_reason_name(check->reason), "%s%s%s", check->detail,
		                *check->detail ? ". What to do: " : "", assay_reason_remedy(check->reason));
}

/* Work was proved, and not by the machine that was claimed: claims are not looked at when a check before failed. */
static bool is_another_machine(const struct assay_verdict *verdict)
{
	return assay_reason_outcome(verdict->claims_check.reason) == ASSAY_FAIL;
}

/* The one line to read, if only one is. */
static void verdict_line(struct assay_page *page, const struct assay_verdict *verdict)
{
	static const char *const words[] = {"PASS", "FAIL", "INCONCLUSIVE", "", "MALFORMED"};
	const int good = verdict->outcome == ASSAY_PASS ? 1 : verdict->outcome == ASSAY_INCONCLUSIVE ? -1 : 0;

	if (verdict->outcome == ASSAY_PASS && *verdict->receipts_from)
		assay_page_verdict(page, good, words[verdict->outcome],
		                   "time-bracketed: at least %.1f %% of the work was done, as fast as the proven rates "
		                   "or faster, by a verifier's clock. Whose machine did it is not proved.",
		                   100 - verdict->estar_ppm / 1e4);
	else if (verdict->outcome == ASSAY_PASS)
		assay_page_verdict(
		    page, good, words[verdict->outcome],
		    "work-proven: at least %.1f %% of the work was done. How fast, when, and on whose machine is the "
		    "prover's word only.",
		    100 - verdict->estar_ppm / 1e4);
	else if (verdict->outcome == ASSAY_INCONCLUSIVE)
		assay_page_verdict(page, good, words[verdict->outcome],
		                   "nothing contradicts it, and not all of it was shown. The reasons:");
	else if (is_another_machine(verdict))
		assay_page_verdict(page, good, words[verdict->outcome],
		                   "the machine is not what is claimed of it. The reasons:");
	else
		assay_page_verdict(page, good, words[verdict->outcome],
		                   "do not rely on anything that this file says. The reasons:");
	if (verdict->outcome == ASSAY_PASS)
		return;
	assay_page_list_begin(page);
	for (int id = 0; id < ASSAY_CHECK_COUNT; id++)
		reason_item(page, &verdict->checks[id]);
	reason_item(page, &verdict->claims_check);
	assay_page_list_end(page);
}

static void proved(struct assay_page *page, const struct assay_verdict *verdict)
{
	assay_page_item(
	    page, "proved",
	    "Whoever holds the key did at least %.1f %% of the work below, round after round: no round could be "
	    "done before the one ahead of it, and every number came from the challenge. %" PRIu32
	    " leaves (pieces of the results) of each run, drawn when all results were fixed, were computed again "
	    "here, bit for bit. That less was done has a chance below one in a million (2^-20).",
	    100 - verdict->estar_ppm / 1e4, verdict->samples);
	if (*verdict->receipts_from)
		assay_page_item(
		    page, "also proved",
		    "The time, to whoever trusts the verifier. It gave out a number that nobody could know before, "
		    "without which a workload could not begin, and noted when the digest of all its results was there. "
		    "A proven rate is the certified work by that time, so that it was at least reached; a claimed rate "
		    "above it is no contradiction.");
}

static void not_proved(struct assay_page *page, const struct assay_verdict *verdict)
{
	assay_page_item(
	    page, "only claimed",
	    "%sThe names, memory and drivers of the devices; clocks, power, temperature and energy. Nobody "
	    "checked them.",
	    *verdict->receipts_from
	        ? "Times of single rounds, by the prover's own clock, and rates from them. "
	        : "When it was done, and how long it took, by the prover's own clock; so every rate here. ");
	assay_page_item(
	    page, "not proved",
	    "%sThat this machine did it, and did not pass it on (locality). That nobody else used the devices "
	    "(exclusivity). Which physical device did which part (identity), and whether it was a whole one "
	    "(partition). Anything else that is rented with it, such as network, disks or uptime (service).",
	    *verdict->receipts_from ? "" : "When it was done: the same file can be shown for ever. ");
}

/* The receipts are in order. */
static void between(struct assay_page *page, const struct assay_verdict *verdict)
{
	char from[21], to[21];

	if (!verdict->segment_count)
		return;
	assay_utc_text(from, verdict->aggregates[0].bracket.released_ns / 1000000000);
	assay_utc_text(to, verdict->aggregates[verdict->segment_count - 1].bracket.received_ns / 1000000000);
	assay_page_item(page, "done", "between %s and %s, by the verifier's clock", from, to);
}

static void facts(struct assay_page *page, const struct assay_exhibit *exhibit)
{
	const struct assay_verdict *verdict = &exhibit->verdict;
	char words[480];

	for (uint32_t c = 0; assay_claim_result_words(words, verdict, c); c++)
		assay_page_item(page, "machine", "claimed to be %s%s%s", words,
		                verdict->claim_results[c].reason ? ". What to do: " : "",
		                assay_reason_remedy(verdict->claim_results[c].reason));
	if (*verdict->profile)
		assay_page_item(page, "profile", "%s, asked by %s", verdict->profile,
		                verdict->asked ? "a verifier" : "the prover itself");
	if (verdict->estar_ppm)
		assay_page_item(
		    page, "e*",
		    "%.1f %% of a run may be missing: who skipped more is caught, but for a chance of 2^-20: "
		    "(1-e*)^%" PRIu32 "%s = 2^-20. %s",
		    verdict->estar_ppm / 1e4, verdict->samples, *verdict->receipts_from ? "" : " x 2^64",
		    *verdict->receipts_from
		        ? "The verifier gave the prover one draw of leaves."
		        : "Nobody gave the prover its draw of leaves, so that it might have drawn 2^64 times.");
	if (*verdict->keyid)
		assay_page_item(page, "signed by", "%s (%s)", verdict->keyid,
		                is_trusted(verdict) ? "a key that whoever made this page trusts"
		                                    : "no key that whoever made this page trusts");
	if (*verdict->receipts_from) {
		assay_page_item(page, "verifier", "%s (a key that whoever made this page trusts)",
		                verdict->receipts_from);
		between(page, verdict);
	}
	if (*verdict->finished)
		assay_page_item(page, "finished", "%s, as claimed", verdict->finished);
	if (exhibit->statement.root)
		assay_page_item(page, "made by", "%s %s, commit %s, as claimed", assay_exhibit_harness(exhibit, "name"),
		                assay_exhibit_harness(exhibit, "version"), assay_exhibit_harness(exhibit, "gitCommit"));
	if (verdict->stagger_ms)
		assay_page_item(page, "stagger", "device #N began N x %" PRIu32 " ms after #0, as claimed",
		                verdict->stagger_ms);
	if (verdict->power_budget_w)
		assay_page_item(page, "power budget",
		                "devices took turns, so that their power limits fit in %" PRIu32 " W, as claimed",
		                verdict->power_budget_w);
	if (verdict->pauses)
		assay_page_item(page, "pauses",
		                "cut off and resumed %" PRIu32 " times, as claimed; the pauses do not count",
		                verdict->pauses);
	if (verdict->leased)
		assay_page_item(page, "let", "%" PRIu32 " devices more, as the verifier knew; not looked at",
		                verdict->leased);
}

void assay_page_files(struct assay_report_page *report, const struct assay_exhibit *exhibit)
{
	static const char *const columns[] = {"file", "bytes", "SHA-256", NULL};
	char *text = NULL;
	size_t len;

	assay_page_heading(&report->page, 3, "Check it again");
	FILE *out = open_memstream(&text, &len);
	if (out) {
		fprintf(out, "assay-verify %s", report->recheck);
		assay_page_quote(out, exhibit->path);
		fputs("\nsha256sum", out);
		for (int i = 0; i < ASSAY_EXHIBIT_FILES; i++)
			if (*exhibit->files[i].sha256) {
				fputc(' ', out);
				assay_page_quote(out, exhibit->files[i].name);
			}
		fputc('\n', out);
		if (fclose(out) == 0)
			assay_page_code(&report->page, text);
		free(text);
	}
	assay_page_text(
	    &report->page,
	    "Any machine will do: the recheck needs one core and no device. How to do it with openssl and "
	    "sha256sum instead, and what each byte means, is in README.md and verify/SPEC.md of the source.");
	assay_page_table_begin(&report->page, "The files that this page is about.", columns, 2);
	for (int i = 0; i < ASSAY_EXHIBIT_FILES; i++) {
		const struct assay_exhibit_file *file = &exhibit->files[i];
		if (!*file->name)
			continue;
		assay_page_cell(&report->page, "%s", file->name);
		if (*file->sha256)
			assay_page_cell(&report->page, "%" PRIu64, file->bytes);
		else
			assay_page_cell(&report->page, "not there");
		assay_page_cell(&report->page, "%s", file->sha256);
	}
	assay_page_table_end(&report->page);
}

void assay_page_exhibit(struct assay_report_page *report, const struct assay_exhibit *exhibit, size_t number,
                        size_t count)
{
	struct assay_page *page = &report->page;
	const struct assay_verdict *verdict = &exhibit->verdict;

	if (count > 1)
		assay_page_heading(page, 2, "%zu. %s", number, exhibit->name);
	if (exhibit->status) {
		assay_page_verdict(page, -1, "NOT READ", "%s (%s)", verdict->error.text, verdict->error.reason);
		return;
	}
	verdict_line(page, verdict);
	assay_page_list_begin(page);
	if (is_proven(verdict))
		proved(page, verdict);
	if (verdict->run_count &&
	    (verdict->outcome == ASSAY_PASS || verdict->outcome == ASSAY_INCONCLUSIVE || is_another_machine(verdict)))
		not_proved(page, verdict);
	facts(page, exhibit);
	assay_page_list_end(page);
	if (verdict->device_count)
		assay_page_devices(page, exhibit);
	assay_page_claims(page, exhibit);
	if (verdict->run_count) {
		assay_page_rates(page, exhibit);
		assay_page_ceilings(report, exhibit);
		assay_page_rounds(report, exhibit, number);
		assay_page_times(page, exhibit);
		assay_page_telemetry(page, exhibit);
		assay_page_timeline(report, exhibit, number);
		assay_page_roofline(report, exhibit, number);
	}
	assay_page_checks(page, exhibit);
	assay_page_files(report, exhibit);
}
