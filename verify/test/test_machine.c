/* SPDX-License-Identifier: Apache-2.0
 *
 * verify/machine.c, machine_json.c, machine_judge.c: claims about a machine (SPEC 10.6 to 10.11). The
 * vectors of verify/vectors/claims say the same of whole files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "verify/aggregate.h"
#include "verify/machine.h"
#include "verify/test/support.h"

static struct assay_catalogue *three_models(void)
{
	struct assay_catalogue *catalogue;
	struct assay_error error;

	cr_assert_eq(assay_catalogue_open(&catalogue, "verify/test/models.tsv", &error), ASSAY_OK, "%s", error.text);
	return catalogue;
}

/* All forms of SPEC 10.7, and what becomes of them. */
Test(machine, forms)
{
	static const struct {
		const char *text, *expected; /* "" = refused */
	} table[] = {
	    {"nvidia/h100/80Gi/sxm x8", "nvidia/h100/80Gi/sxm x8"},
	    {"NVIDIA/H100/80GB/SXM5", "nvidia/h100/80Gi/sxm5 x1"},
	    {"nvidia/h100/sxm\xc3\x97"
	     "8",
	     "nvidia/h100/sxm x8"},
	    {"nvidia/h100 \xc3\x97"
	     "64",
	     "nvidia/h100 x64"},
	    {"amd/mi300x/196608Mi", "amd/mi300x/192Gi x1"},
	    {"amd/mi300x/1536MiB", "amd/mi300x/1536Mi x1"},
	    {"nvidia/h100/1024G", "nvidia/h100/1024Gi x1"},
	    {"nvidia", ""},
	    {"", ""},
	    {"nvidia/", ""},
	    {"/h100", ""},
	    {"nvidia/h100/", ""},
	    {"nvidia/h100/sxm/80Gi", ""},
	    {"nvidia/h100/80Gi/sxm/x", ""},
	    {"nvidia/h100/80Ti", ""},
	    {"nvidia/h100/080Gi", ""},
	    {"nvidia/h100/0Gi", ""},
	    {"nvidia/h100/1025Gi", ""},
	    {"nvidia/h100/99999999Mi", ""},
	    {"nvidia/h100/80Gi/5sxm", ""},
	    {"nvidia/h100 x0", ""},
	    {"nvidia/h100 x65", ""},
	    {"nvidia/h100 x08", ""},
	    {"nvidia/h100 x8 ", ""},
	    {"nvidia/h100 x", ""},
	    {"nvidia/h100  x8", ""},
	    {"nvidia/h 100", ""},
	    {"nvidia/\x1b[31m", ""},
	    {"nvidia/h100h100h100h100h100h100h100h100h", ""},
	    {"capabilities/gpu/vendor/nvidia/model/h100/ram/80Gi/interface/sxm", "nvidia/h100/80Gi/sxm x1"},
	    {"akash.network/capabilities.gpu.vendor.nvidia.model.a100.ram.40Gi", "nvidia/a100/40Gi x1"},
	    {"vendor/nvidia/model/t4", "nvidia/t4 x1"},
	    {"vendor/nvidia/model/t4 x4", "nvidia/t4 x4"},
	    {"a/vendor.x.model.y", ""},
	    {"Vendor/nvidia", ""},
	    {"xvendor/a/model/b", ""},
	    {"vendor/nvidia/model/*", ""},
	    {"vendor/nvidia", ""},
	    {"vendor/nvidia/model/t4/ram", ""},
	    {"vendor/nvidia/model/t4/interface/sxm/ram/80Gi", ""},
	    {"vendor/nvidia/model/t4/size/80Gi", ""},
	    {"{\"claims\":[{\"vendor\":\"nvidia\",\"model\":\"h200\",\"memory\":\"141Gi\",\"interface\":\"sxm\","
	     "\"count\":8,"
	     "\"minimum\":{\"matmul-i8/1\":{\"opsPerSecond\":\"1000\"}},\"source\":\"a "
	     "page\"},{\"vendor\":\"a\",\"model\":\"b\"}]}",
	     "nvidia/h200/141Gi/sxm x8; a/b x1"},
	    {"{\"claims\":[]}", ""},
	    {"{\"claims\":[{\"vendor\":\"a\",\"model\":\"b\"}],\"more\":1}", ""},
	    {"{\"claims\":[{\"vendor\":\"a\",\"model\":\"b\",\"more\":1}]}", ""},
	    {"{\"claims\":[{\"vendor\":\"a\",\"model\":\"b\",\"model\":\"b\"}]}", ""},
	    {"{\"claims\":[{\"vendor\":\"a\",\"model\":\"\"}]}", ""},
	    {"{\"claims\":[{\"vendor\":\"a\",\"model\":\"b\",\"count\":0}]}", ""},
	    {"{\"claims\":[{\"vendor\":\"a\",\"model\":\"b\",\"memory\":\"\"}]}", ""},
	    {"{\"claims\":[{\"vendor\":\"a\",\"model\":\"b\\u0000\"}]}", ""},
	    {"{\"claims\":[{\"vendor\":\"a\",\"model\":\"b\",\"source\":1}]}", ""},
	    {"{\"claims\":[{\"vendor\":\"a\",\"model\":\"b\",\"minimum\":[]}]}", ""},
	    {"{\"claims\":[{\"vendor\":\"a\",\"model\":\"b\",\"minimum\":{\"matmul-i8/1\":{\"flopsPerSecond\":1}}}]}",
	     ""},
	    {"{\"claims\":[{\"vendor\":\"a\",\"model\":\"b\",\"minimum\":{\"memory-fill/1\":{\"bytesPerSecond\":1}}}]}",
	     ""},
	    {"{\"claims\":[{\"vendor\":\"a\",\"model\":\"b\",\"minimum\":{\"sha256/1\":{\"hashesPerSecond\":0}}}]}",
	     ""},
	    {"{\"claims\":[{\"vendor\":\"a\",\"model\":\"b\",\"minimum\":{\"sha256/1\":{\"hashesPerSecond\":1.5}}}]}",
	     ""},
	    {"{\"claims\":[{\"vendor\":\"a\",\"model\":\"b\",\"minimum\":{\"sha256/"
	     "1\":{\"hashesPerSecond\":\"1000000000000000001\"}}}]}",
	     ""},
	    {"{\"claims\":[{\"vendor\":\"a\",\"model\":\"b\",\"minimum\":{\"sha256/1\":{\"hashesPerSecond\":\"\"}}}]}",
	     ""},
	    {"{\"claims\":[{\"vendor\":\"a\",\"model\":\"b\",\"minimum\":{\"sha256/1\":{\"hashesPerSecond\":\"1\"}}}]}",
	     "a/b x1"},
	    {"[{\"key\":\"capabilities/gpu/vendor/nvidia/model/h100\",\"value\":\"true\"},"
	     "{\"key\":\"capabilities/gpu/vendor/nvidia/model/h100/ram/80Gi/interface/sxm\",\"value\":\"true\"},"
	     "{\"key\":\"capabilities/gpu/vendor/nvidia/model/h100/interface/sxm\",\"value\":\"true\"},"
	     "{\"key\":\"region\",\"value\":\"eu\"}]",
	     "nvidia/h100/80Gi/sxm x1"},
	    {"[{\"key\":\"region\"}]", ""},
	    {"[]", ""},
	    {"{\"gpuModels\":[{\"vendor\":\"nvidia\",\"model\":\"h100\",\"ram\":\"80Gi\",\"interface\":\"SXM5\"},"
	     "{\"vendor\":\"nvidia\",\"model\":\"h100\",\"ram\":\"80Gi\",\"interface\":\"SXM5\"},"
	     "{\"vendor\":\"nvidia\",\"model\":\"t4\",\"ram\":null,\"interface\":\"\"}],\"name\":\"x\"}",
	     "nvidia/h100/80Gi/sxm5 x2; nvidia/t4 x1"},
	    {"{\"gpuModels\":[]}", ""},
	    {"{\"gpuModels\":[1]}", ""},
	    {"{", ""},
	    {"[\"a\"]", ""},
	};
	struct assay_error error;

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct assay_claims claims = {.count = 0};
		char found[512] = "", one[ASSAY_CLAIM_TEXT_MAX];
		if (assay_claims_add(&claims, "t", table[i].text, strlen(table[i].text), &error) != ASSAY_OK) {
			cr_expect_str_eq(table[i].expected, "", "row %zu: %s", i, table[i].text);
			cr_expect_str_eq(error.reason, "claim.malformed");
			continue;
		}
		for (uint32_t c = 0; c < claims.count; c++) {
			assay_machine_claim_text(one, &claims.claims[c]);
			strcat(strcat(found, c ? "; " : ""), one);
		}
		cr_expect_str_eq(found, table[i].expected, "row %zu: %s", i, found);
	}
}

Test(machine, seventeen_claims_are_too_many)
{
	const char *texts[ASSAY_CLAIMS_MAX + 1];
	struct assay_claims *claims;
	struct assay_error error;

	for (size_t i = 0; i <= ASSAY_CLAIMS_MAX; i++)
		texts[i] = "a/b";
	cr_assert_eq(assay_claims_open(&claims, texts, ASSAY_CLAIMS_MAX, NULL, &error), ASSAY_OK);
	cr_expect_eq(claims->count, ASSAY_CLAIMS_MAX);
	assay_claims_close(claims);
	cr_expect_eq(assay_claims_open(&claims, texts, ASSAY_CLAIMS_MAX + 1, NULL, &error), ASSAY_ERROR_INPUT);
	cr_expect_null(claims);
	assay_claims_close(NULL);
}

static long allowed;

static void *seldom(size_t bytes)
{
	if (allowed-- > 0)
		return malloc(bytes);
	errno = ENOMEM;
	return NULL;
}

/* What has no memory is no claim that cannot be read, whichever allocation fails. */
Test(machine, no_memory_for_a_claim)
{
	static const char text[] = "{\"claims\":[{\"vendor\":\"a\",\"model\":\"b\",\"minimum\":{\"sha256/1\":"
	                           "{\"hashesPerSecond\":\"1\"}}}]}";
	enum assay_status status = ASSAY_ERROR_MEMORY;
	struct assay_error error;
	long failed = 0;

	for (; status && failed < 1000; failed++) {
		struct assay_claims claims = {.count = 0};
		allowed = failed;
		json_set_alloc_funcs(seldom, free);
		status = assay_claims_add(&claims, "t", text, sizeof text - 1, &error);
		json_set_alloc_funcs(malloc, free);
		if (status)
			cr_expect_str_eq(error.reason, "memory", "allocation %ld: %s", failed, error.text);
	}
	cr_expect(!status && failed > 10, "%ld", failed);
}

/* Two devices in one second, by the verifier's clock. */
static struct assay_verdict machine(const char *name, uint64_t rate, uint64_t capacity, bool timed)
{
	struct assay_verdict verdict = {.device_count = 2, .run_count = 4};

	verdict.devices = calloc(2, sizeof *verdict.devices);
	verdict.claimed_devices = calloc(2, sizeof *verdict.claimed_devices);
	verdict.runs = calloc(4, sizeof *verdict.runs);
	cr_assert(verdict.devices && verdict.claimed_devices && verdict.runs);
	strcpy(verdict.receipts_from, timed ? "a" : "");
	for (uint32_t i = 0; i < 4; i++) {
		struct assay_run *run = &verdict.runs[i];
		run->device = i % 2;
		run->segment = i / 2;
		run->workload = i < 2 ? "matmul-i8/1" : "memory/1";
		run->proved.shown = true;
		/* A walk twenty times as fast as another memory, SPEC 5.6. */
		run->proved.work = run->proved.certified_work = i < 2 ? rate : UINT64_C(1600000000000);
		run->proved.table_bytes = i < 2 ? 0 : capacity / 19 * 20;
		run->claimed.elapsed_ns = 1000000000;
		run->proved.bracket.received_ns = timed ? 1000000000 : 0;
		strcpy(verdict.devices[run->device].name, name);
		strcpy(verdict.devices[run->device].backend, "cuda");
	}
	return verdict;
}

/* What a device must have shown so that a claim holds, and the words for what it did not. */
Test(machine, judged)
{
	static const uint64_t tera = UINT64_C(1000000000000), gib = UINT64_C(1) << 30;
	static const struct {
		const char *claim, *name;
		uint64_t tops, capacity_gib;
		bool timed;
		const char *reason, *first, *second;
	} table[] = {
	    {"v/great/sxm x2", "Great 80", 1800, 60, true, "", "demonstrated; least models that can do it: Great",
	     "demonstrated; least models that can do it: Great"},
	    {"v/great/pcie x2", "Great 40", 800, 25, true, "claim.lesser",
	     "claim.lesser: in reach of Little; least models that can do it: Little", ""},
	    {"v/great/80Gi/sxm x2", "Great 80", 1000, 40, true, "claim.capacity",
	     "claim.capacity: showed 40.0 of 80 GiB of memory; least models that can do it: Great Half", ""},
	    {"v/great/sxm x2", "Great 80", 2500, 60, true, "claim.model",
	     "claim.model: proved more matmul-i8/1 than Great can do", ""},
	    {"v/great/sxm x2", "Great 80", 1800, 60, false, "claim.time", "claim.time", ""},
	    {"v/great/sxm x2", "Great 80", 2500, 60, false, "claim.model",
	     "claim.model: claims more matmul-i8/1 than Great can do", ""},
	    {"v/great/sxm x2", "Little", 500, 20, true, "claim.model",
	     "claim.model: says that it is Little; least models that can do it: Little", ""},
	    {"v/great/sxm x2", "whatever it is", 1800, 60, true, "", "demonstrated; least models that can do it: Great",
	     ""},
	    {"v/great/sxm x3", "Great 80", 1800, 60, true, "claim.count",
	     "demonstrated; least models that can do it: Great", ""},
	    {"v/great/sxm x1", "Great 80", 1800, 60, true, "", "demonstrated; least models that can do it: Great", ""},
	    {"v/greater x1", "Great 80", 1800, 60, true, "claim.unknown", "", ""},
	    {"w/great x1", "Great 80", 1800, 60, true, "claim.unknown", "", ""},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct assay_verdict verdict =
		    machine(table[i].name, table[i].tops * tera, table[i].capacity_gib * gib, table[i].timed);
		struct assay_claims claims = {.catalogue = three_models()};
		struct assay_error error;
		char words[480];
		cr_assert_eq(assay_claims_add(&claims, "t", table[i].claim, strlen(table[i].claim), &error), ASSAY_OK);
		verdict.claims = &claims;
		assay_claims_judge(&verdict);
		cr_expect(verdict.claims_check.reached);
		cr_expect_str_eq(assay_reason_name(verdict.claims_check.reason), table[i].reason, "row %zu: %s", i,
		                 assay_reason_name(verdict.claims_check.reason));
		for (uint32_t d = 0; d < 2; d++) {
			const char *expected = d == 0 || !*table[i].second ? table[i].first : table[i].second;
			if (verdict.claimed_devices[d].claim < 0)
				continue;
			assay_claimed_device_words(words, &verdict, d);
			cr_expect_str_eq(words, expected, "row %zu: %s", i, words);
		}
		assay_catalogue_close(claims.catalogue);
		assay_verdict_close(&verdict);
	}
}

/* A prover that claims to have taken a nanosecond: of two rates beyond 64 bits the greater one counts, and its table.
 */
Test(machine, rates_beyond_64_bits)
{
	struct assay_verdict verdict = machine("Great 80", 1, UINT64_C(40) << 30, false);
	struct assay_claims claims = {.catalogue = three_models()};
	struct assay_error error;

	cr_assert_eq(assay_claims_add(&claims, "t", "v/great/sxm", 11, &error), ASSAY_OK);
	verdict.claims = &claims;
	for (uint32_t i = 0; i < 4; i += 2) {
		struct assay_run *run = &verdict.runs[i];
		run->workload = "memory/1";
		run->claimed.elapsed_ns = 1;
		run->proved.work = UINT64_C(1) << (40 + i);
		run->proved.table_bytes = UINT64_C(1) << (20 + 8 * i);
	}
	assay_claims_judge(&verdict);
	cr_expect_eq(verdict.claims_check.reason, ASSAY_REASON_CLAIM_MODEL, "%s",
	             assay_reason_name(verdict.claims_check.reason));
	assay_catalogue_close(claims.catalogue);
	assay_verdict_close(&verdict);
}

/* Devices that are let stand for those that are lacking, and no others. */
Test(machine, devices_that_are_let)
{
	struct assay_verdict verdict = machine("Great 80", UINT64_C(1800000000000000), UINT64_C(60) << 30, true);
	struct assay_claims claims = {.catalogue = three_models()};
	struct assay_error error;
	char words[480];

	cr_assert_eq(assay_claims_add(&claims, "t", "v/great/sxm x8", 14, &error), ASSAY_OK);
	verdict.claims = &claims;
	verdict.leased = 5;
	assay_claims_judge(&verdict);
	cr_expect_eq(verdict.claims_check.reason, ASSAY_REASON_CLAIM_COUNT);
	cr_assert(assay_claim_result_words(words, &verdict, 0));
	cr_expect_str_eq(words, "v/great/sxm x8: 2 demonstrated, 5 let, 1 lacking");
	cr_expect(!assay_claim_result_words(words, &verdict, 1));
	verdict.leased = 7;
	assay_claims_judge(&verdict);
	cr_expect_eq(verdict.claims_check.reason, ASSAY_REASON_NONE);
	cr_assert(assay_claim_result_words(words, &verdict, 0));
	cr_expect_str_eq(words, "v/great/sxm x8: 2 demonstrated, 6 let");
	assay_catalogue_close(claims.catalogue);
	assay_verdict_close(&verdict);
}
