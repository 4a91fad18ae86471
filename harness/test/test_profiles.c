/* SPDX-License-Identifier: Apache-2.0
 *
 * What is asked for: what each profile gives each workload. */
#include <string.h>

#include "harness/order.h"
#include "harness/test/support.h"

TestSuite(profiles, .timeout = 120);

static struct assay_error error;

/* Ten seconds in all, but at least one and at most five each. */
Test(profiles, quick_is_shared_out)
{
	static const struct {
		const char *workloads;
		uint32_t count, ms;
	} table[] = {{"sha256", 1, 5000},
	             {"matmul-i8,sha256", 2, 5000},
	             {"sha256,sha256,sha256", 3, 3333},
	             {"memory,sha256,matmul-i8", 4, 3333}, /* a fill takes no share */
	             {"sha256,matmul-i8,sha256,sha256,sha256,sha256,sha256", 7, 1428},
	             {"sha256,sha256,sha256,sha256,sha256,sha256,sha256,sha256,sha256,sha256,sha256", 11, 1000}};
	struct assay_device cpu;
	struct assay_challenge challenge;

	cr_assert(support_cpu(&cpu, 0));
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct assay_order wish = {.workloads = table[i].workloads, .profile = "quick", .samples = 512};
		support_ok(assay_order_challenge(&challenge, &wish, &cpu, 1, &error), error);
		cr_expect_eq(challenge.segment_count, table[i].count);
		for (uint32_t j = 0; j < challenge.segment_count; j++)
			cr_expect_eq(challenge.segments[j].duration_ms,
			             challenge.segments[j].work->is_fill ? 0 : table[i].ms, "%s", table[i].workloads);
		cr_expect(assay_challenge_in_profile(&challenge), "%s", table[i].workloads);
		wish.share = true;
		support_ok(assay_order_challenge(&challenge, &wish, &cpu, 1, &error), error);
		cr_expect_not(assay_challenge_in_profile(&challenge), "shared is never certified");
	}
	assay_device_close(&cpu);
}

Test(profiles, durations_of_profiles)
{
	static const struct {
		const char *profile;
		uint32_t asked_s, ms; /* 0: refused */
	} table[] = {{"quick", 1, 1000},      {"quick", 5, 5000},      {"quick", 6, 0},          {"standard", 0, 20000},
	             {"standard", 20, 20000}, {"standard", 19, 0},     {"standard", 21, 0},      {"soak", 0, 20000},
	             {"soak", 19, 0},         {"soak", 3600, 3600000}, {"soak", 86400, 86400000}};
	struct assay_device cpu;
	struct assay_challenge challenge;

	cr_assert(support_cpu(&cpu, 0));
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const struct assay_order wish = {
		    .workloads = "all", .profile = table[i].profile, .duration_s = table[i].asked_s, .samples = 512};
		enum assay_status status = assay_order_challenge(&challenge, &wish, &cpu, 1, &error);
		cr_assert_eq(status, table[i].ms ? ASSAY_OK : ASSAY_ERROR_INPUT, "%s %u", table[i].profile,
		             table[i].asked_s);
		if (status)
			cr_expect_str_eq(error.reason, "profile.duration");
		else
			cr_expect_eq(challenge.segments[0].duration_ms, table[i].ms);
		cr_expect(status || assay_challenge_in_profile(&challenge));
	}
	assay_device_close(&cpu);
}
