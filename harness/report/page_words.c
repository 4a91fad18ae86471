/* SPDX-License-Identifier: Apache-2.0
 *
 * What the words of a report mean, and what its workloads compute. See page_report.h. */
#include <string.h>

#include "harness/report/page_report.h"

static const struct {
	const char *name, *text;
} workloads[] = {
    {"matmul-i8/1", "products of matrices of signed bytes, exact: int8 matrix units, or dot products of bytes"},
    {"matmul-i9/1", "products of matrices of integers from -256 to 255, exact: f16 and bf16 matrix units"},
    {"matmul-f32/1", "chains of fused multiply-adds in a fixed order: vector rate in single precision"},
    {"matmul-f64/1", "chains of fused multiply-adds in a fixed order: vector rate in double precision"},
    {"sha256/1", "SHA-256 of numbers that count up: rate of 32-bit integers"},
    {"memory/1",
     "random reads of a table, each from where the last one said: how fast memory is read that way, and that "
     "so much of it was there. A rate of reads without the size of its table says little"},
};

static bool occurs(const char *workload, const struct assay_exhibit *exhibits, size_t count)
{
	bool does = false;

	for (size_t i = 0; i < count; i++)
		for (uint32_t r = 0; r < exhibits[i].verdict.run_count; r++)
			does = does || strcmp(exhibits[i].verdict.runs[r].workload, workload) == 0;
	return does;
}

static bool is_any_shown(const struct assay_exhibit *exhibits, size_t count)
{
	bool is = false;

	for (size_t i = 0; i < count; i++)
		is = is || exhibits[i].verdict.run_count;
	return is;
}

void assay_page_words(struct assay_page *page, const struct assay_exhibit *exhibits, size_t count)
{
	if (!is_any_shown(exhibits, count))
		return;
	assay_page_heading(page, 2, "Words");
	assay_page_list_begin(page);
	assay_page_item(page, "round",
	                "a workload computed once, with a digest of all results (a Merkle root), from which the "
	                "next round takes its numbers: rounds cannot be done side by side, or beforehand");
	assay_page_item(page, "leaf",
	                "a piece of a round's results that can be computed again by itself, in a millisecond or so");
	assay_page_item(page, "work done", "all rounds whose digests are in the file");
	assay_page_item(page, "certified", "of these what is proved: all but the share e* that may be missing");
	assay_page_item(page, "claimed", "said by whoever did the work, and checked by nobody");
	assay_page_item(page, "proven rate",
	                "certified work by the time that a verifier's clock measured around all of it, the "
	                "way to and from the verifier with it");
	for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
		if (occurs(workloads[i].name, exhibits, count))
			assay_page_item(page, workloads[i].name, "%s", workloads[i].text);
	assay_page_item(page, "/1",
	                "the version of a definition; every bit is defined in verify/SPEC.md of the source");
	assay_page_list_end(page);
}
