/* SPDX-License-Identifier: Apache-2.0
 *
 * verify/catalogue.c, models.c: catalogues of models, and the one of this repository (SPEC 10.8). */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "verify/catalogue.h"
#include "verify/test/support.h"

#define HEADER                                                                                                       \
	"model\tvendor\tkey\tinterface\tnames\tunits\tmemory_gib\tbandwidth_gbs\tcache_mib\tboost_mhz\tsha256_ops\t" \
	"int8_tops\tf16_tflops\tf32_tflops\tf64_tflops\tf64_matrix_tflops\tmargin_percent\tsource\n"

static struct assay_catalogue *three_models(void)
{
	struct assay_catalogue *catalogue;
	struct assay_error error;

	cr_assert_eq(assay_catalogue_open(&catalogue, "verify/test/models.tsv", &error), ASSAY_OK, "%s", error.text);
	return catalogue;
}

Test(catalogue, ceilings)
{
	static const uint64_t expected[3][ASSAY_CEILING_COUNT] = {
	    {UINT64_C(1979000000000000), UINT64_C(1291755102040816), UINT64_C(67000000000000), UINT64_C(67000000000000),
	     UINT64_C(14855275310), UINT64_C(3350000000000), UINT64_C(85899345920)},
	    {UINT64_C(1513000000000000), UINT64_C(987428571428571), UINT64_C(51000000000000), UINT64_C(51000000000000),
	     UINT64_C(11371651865), UINT64_C(2000000000000), UINT64_C(42949672960)},
	    /* No f16, no cache, no operations of a digest; binary64 by integers is four times its rate. */
	    {UINT64_C(660600000000000), 0, UINT64_C(82600000000000), UINT64_C(5160000000000), 0, 0,
	     UINT64_C(25769803776)}};
	struct assay_catalogue *catalogue = three_models();

	cr_assert_eq(catalogue->count, 3);
	for (uint32_t m = 0; m < 3; m++)
		for (int c = 0; c < ASSAY_CEILING_COUNT; c++)
			cr_expect_eq(catalogue->models[m].ceiling[c], expected[m][c], "%u %d: %llu", m, c,
			             (unsigned long long)catalogue->models[m].ceiling[c]);
	const struct assay_model *models = catalogue->models;
	cr_expect_eq(assay_catalogue_named(catalogue, "NVIDIA great 80"), &models[0]);
	cr_expect_eq(assay_catalogue_named(catalogue, "Great-80"), &models[0]);
	cr_expect_null(assay_catalogue_named(catalogue, "Great 8"));
	cr_expect_null(assay_catalogue_named(catalogue, "NVIDIA "));
	cr_expect(assay_model_has_units(&models[1], 57) && assay_model_has_units(&models[1], 114));
	cr_expect(!assay_model_has_units(&models[1], 11) && assay_model_has_units(&models[2], 11));
	cr_expect(assay_model_is_lesser(&models[1], &models[0]) && !assay_model_is_lesser(&models[0], &models[1]));
	cr_expect(assay_model_is_lesser(&models[2], &models[1]));
	/* Little has more of binary32 than Great, and less of all else. */
	cr_expect(!assay_model_is_lesser(&models[0], &models[2]));
	assay_catalogue_close(catalogue);
}

/* Just within, and just beyond. */
Test(catalogue, what_is_beyond_a_model)
{
	static const struct {
		enum assay_ceiling ceiling;
		uint64_t figure, table_bytes;
		bool beyond;
	} table[] = {
	    {ASSAY_CEILING_MATMUL_I8, UINT64_C(2176900000000000), 0, false},
	    {ASSAY_CEILING_MATMUL_I8, UINT64_C(2176900000000001), 0, true},
	    {ASSAY_CEILING_CAPACITY, UINT64_C(90194313216), 0, false},
	    {ASSAY_CEILING_CAPACITY, UINT64_C(90194313217), 0, true},
	    /* 50 MiB of cache say nothing of a table below 3,200. */
	    {ASSAY_CEILING_MEMORY, UINT64_C(3685000000001), UINT64_C(3200) << 20, true},
	    {ASSAY_CEILING_MEMORY, UINT64_C(3685000000000), UINT64_C(3200) << 20, false},
	    {ASSAY_CEILING_MEMORY, UINT64_MAX, (UINT64_C(3200) << 20) - 1, false},
	    {ASSAY_CEILING_SHA256, UINT64_MAX, 0, true},
	};
	struct assay_catalogue *catalogue = three_models();

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct assay_shown shown = {.table_bytes = table[i].table_bytes};
		shown.figure[table[i].ceiling] = table[i].figure;
		cr_expect_eq(assay_model_is_beyond(&catalogue->models[0], &shown, NULL), table[i].beyond, "row %zu", i);
	}
	assay_catalogue_close(catalogue);
}

Test(catalogue, catalogues_that_are_none)
{
	static const char *const texts[] = {
	    "",
	    "# nothing\n",
	    "model\tvendor\n",
	    HEADER "A\tv\ta\n",
	    HEADER "A\tv\ta\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\n" /* no margin */,
	    HEADER "A\tv\ta\t\t\t\t\t\t\t\t\t\t\t\t\t\t101\t\n",
	    HEADER "A\tv\ta\t\t\t\t\t\t\t\t\t\t\t\t\t\t1.5\t\n",
	    HEADER "A\tv\ta\t\t\t\t\t\t\t\t\t\t\t\t\t\t10\t\t\n",
	    HEADER "A\tv\ta\t\t\t\t1e3\t\t\t\t\t\t\t\t\t\t10\t\n",
	    HEADER "A\tv\ta\t\t\t\t-1\t\t\t\t\t\t\t\t\t\t10\t\n",
	    HEADER "A\tv\ta\t\t\t\t1.\t\t\t\t\t\t\t\t\t\t10\t\n",
	    HEADER "A\tv\ta\t\t\t\t.5\t\t\t\t\t\t\t\t\t\t10\t\n",
	    HEADER "A\tv\ta\t\t\t\t1.2345\t\t\t\t\t\t\t\t\t\t10\t\n",
	    HEADER "A\tv\ta\t\t\t\t1000000\t\t\t\t\t\t\t\t\t\t10\t\n",
	    HEADER "A\tv\ta\t\t\t1||2\t\t\t\t\t\t\t\t\t\t\t10\t\n",
	    HEADER "A\tv\ta\t\t\t1|0\t\t\t\t\t\t\t\t\t\t\t10\t\n",
	    HEADER "A\tv\ta|\t\t\t\t\t\t\t\t\t\t\t\t\t\t10\t\n",
	    HEADER "A\tv\ta\t|b\t\t\t\t\t\t\t\t\t\t\t\t\t10\t\n",
	    HEADER "A\tv\ta\t\t\t\t2|x\t\t\t\t\t\t\t\t\t\t10\t\n",
	    HEADER "A\tv\ta\t\t\t1.5\t\t\t\t\t\t\t\t\t\t\t10\t\n",
	    HEADER "\tv\ta\t\t\t\t\t\t\t\t\t\t\t\t\t\t10\t\n",
	    HEADER "A\t\ta\t\t\t\t\t\t\t\t\t\t\t\t\t\t10\t\n",
	    HEADER "A\tv\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t10\t\n",
	    HEADER "A\x1b\tv\ta\t\t\t\t\t\t\t\t\t\t\t\t\t\t10\t\n",
	    HEADER "A\tv\ta\t\t\t\t\t\t\t\t\t\t\t\t\t\t10\t\r\n",
	    HEADER "A\tv\ta\t\t\t999999\t\t\t\t999999\t0.001\t\t\t\t\t\t10\t\n",
	    HEADER "A\tV\ta\t\t\t\t\t\t\t\t\t\t\t\t\t\t10\t\n",
	    HEADER "A\tv\tA\t\t\t\t\t\t\t\t\t\t\t\t\t\t10\t\n",
	    HEADER "A\tv\ta\tSXM\t\t\t\t\t\t\t\t\t\t\t\t\t10\t\n",
	    HEADER "\n",
	};
	struct assay_catalogue *catalogue;
	struct assay_error error;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		cr_expect_eq(assay_catalogue_parse(&catalogue, "t", texts[i], strlen(texts[i]), &error),
		             ASSAY_ERROR_INPUT, "row %zu", i);
		cr_expect_str_eq(error.reason, "catalogue.malformed");
		cr_expect_null(catalogue);
	}
	cr_expect_eq(assay_catalogue_parse(&catalogue, "t", "#\0", 2, &error), ASSAY_ERROR_INPUT);
}

/* Unknown, like an empty cell: nothing that a driver tells is another number. */
Test(catalogue, zero_is_unknown)
{
	static const char *const zeros[] = {"0", "00", "0.0", "0.000"};
	struct assay_catalogue *catalogue;
	struct assay_error error;
	char text[512];

	for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++) {
		snprintf(text, sizeof text, HEADER "A\tv\ta\t\t\t%s\t%s\t\t\t\t\t\t\t\t\t\t10\t\n",
		         i < 2 ? zeros[i] : "", zeros[i]);
		cr_assert_eq(assay_catalogue_parse(&catalogue, "t", text, strlen(text), &error), ASSAY_OK, "%s",
		             zeros[i]);
		cr_expect(assay_model_has_units(&catalogue->models[0], 132), "%s", zeros[i]);
		cr_expect(assay_model_has_memory(&catalogue->models[0], 1 << 30), "%s", zeros[i]);
		cr_expect_eq(catalogue->models[0].label_bytes, 0);
		assay_catalogue_close(catalogue);
	}
}

/* The one that is built in: each of its names is one model's, none is lesser than itself. */
Test(catalogue, the_catalogue_of_this_repository)
{
	struct assay_catalogue *catalogue;
	struct assay_error error;

	cr_assert_eq(assay_catalogue_open(&catalogue, NULL, &error), ASSAY_OK, "%s", error.text);
	for (uint32_t m = 0; m < catalogue->count; m++) {
		const struct assay_model *model = &catalogue->models[m];
		char names[512], *rest = NULL;
		cr_assert_lt(snprintf(names, sizeof names, "%s", model->names), (int)sizeof names);
		for (char *name = strtok_r(names, "|", &rest); name; name = strtok_r(NULL, "|", &rest))
			cr_expect_eq(assay_catalogue_named(catalogue, name), model, "%s", name);
		cr_expect(!assay_model_is_lesser(model, model), "%s", model->model);
		for (uint32_t other = 0; other < m; other++)
			cr_expect_str_neq(model->model, catalogue->models[other].model);
	}
	assay_catalogue_close(catalogue);
}

static const struct assay_model *model_of(const struct assay_catalogue *catalogue, const char *name)
{
	for (uint32_t m = 0; m < catalogue->count; m++)
		if (strcmp(catalogue->models[m].model, name) == 0)
			return &catalogue->models[m];
	cr_assert_fail("%s is not in the catalogue", name);
	return NULL;
}

/* A card that is sold under a better name: whatever it shows it is consistent with that, so that the claim is not
 * demonstrated if it is lesser. */
Test(catalogue, fakes)
{
	static const char *const table[][2] = {
	    {"RTX 4090", "A100 SXM4 40GB"},
	    {"RTX 4090", "A100 SXM4 80GB"},
	    {"RTX 4090", "H100 PCIe 80GB"},
	    {"L40S", "A100 SXM4 80GB"},
	    {"RTX 5090", "A100 SXM4 80GB"},
	    {"A100 SXM4 40GB", "A100 SXM4 80GB"},
	    {"A100 SXM4 80GB", "H100 SXM5 80GB"},
	    {"A100 SXM4 80GB", "H100 PCIe 80GB"},
	    {"H100 PCIe 80GB", "H100 SXM5 80GB"},
	    {"H20 96GB", "H100 SXM5 80GB"},
	    {"H100 SXM5 80GB", "H200 SXM 141GB"},
	    {"H200 SXM 141GB", "B200"},
	    {"RTX 3090", "RTX 4090"},
	    {"RTX 4080", "RTX 4090"},
	    {"RTX 3090", "A100 SXM4 40GB"},
	    {"A10", "A100 SXM4 40GB"},
	    {"T4", "A10"},
	    {"V100 SXM2 16GB", "V100 SXM2 32GB"},
	    {"P40", "V100 SXM2 32GB"},
	    {"RTX PRO 6000 Blackwell", "H100 SXM5 80GB"},
	    {"MI210", "MI300X"},
	    {"RX 7900 XTX", "MI210"},
	    {"H100 SXM5 80GB", "B200"},
	    {"L4", "L40S"},
	};
	/* Who gives more than was claimed passes. */
	static const char *const better[][2] = {
	    {"H100 SXM5 80GB", "H100 PCIe 80GB"}, {"H200 SXM 141GB", "H100 SXM5 80GB"},
	    {"B200", "H100 SXM5 80GB"},           {"RTX 4090", "RTX 3090"},
	    {"A100 SXM4 80GB", "A100 SXM4 40GB"}, {"MI300X", "MI210"},
	    {"H100 NVL 94GB", "H100 PCIe 80GB"},  {"H100 PCIe 80GB", "RTX 4090"}};
	struct assay_catalogue *catalogue;

	cr_assert_eq(assay_catalogue_open(&catalogue, NULL, NULL), ASSAY_OK);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const struct assay_model *fake = model_of(catalogue, table[i][0]);
		const struct assay_model *claimed = model_of(catalogue, table[i][1]);
		cr_expect(assay_model_is_lesser(fake, claimed), "%s as %s", table[i][0], table[i][1]);
	}
	for (size_t i = 0; i < sizeof better / sizeof *better; i++)
		cr_expect(!assay_model_is_lesser(model_of(catalogue, better[i][0]), model_of(catalogue, better[i][1])),
		          "%s as %s", better[i][0], better[i][1]);
	assay_catalogue_close(catalogue);
}
