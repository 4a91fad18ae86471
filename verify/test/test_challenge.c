/* SPDX-License-Identifier: Apache-2.0
 *
 * verify/challenge.c and profile.c: every bound of SPEC 3.3 and 5 at its edge, the order of faults, profiles, cost. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "verify/challenge.h"

#define NONCE "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define MATMUL "{\"length\":{\"rounds\":1},\"params\":{\"k\":64,\"m\":16,\"n\":16},\"workload\":\"matmul-i8/1\"}"

static enum assay_reason parse(struct assay_challenge *challenge, const char *text)
{
	char detail[64];

	return assay_challenge_parse(challenge, text, strlen(text), detail, sizeof detail);
}

/* A challenge from JSON texts of its members; NULL stands for the usual one. */
struct members {
	const char *devices, *expires, *leased, *mode, *nonce, *profile, *samples, *segments, *type, *verifier;
};

static enum assay_reason parse_members(struct assay_challenge *challenge, struct members m)
{
	char text[8192];

	snprintf(text, sizeof text,
	         "{\"devices\":%s,\"expires\":%s,\"leased\":%s,\"mode\":%s,\"nonce\":%s,\"profile\":%s,\"samples\":%s,"
	         "\"segments\":%s,"
	         "\"type\":%s,\"verifier\":%s}",
	         m.devices ? m.devices : "1", m.expires ? m.expires : "null", m.leased ? m.leased : "0",
	         m.mode ? m.mode : "\"self\"", m.nonce ? m.nonce : "\"" NONCE "\"", m.profile ? m.profile : "\"p\"",
	         m.samples ? m.samples : "1", m.segments ? m.segments : "[" MATMUL "]",
	         m.type ? m.type : "\"assay/1 challenge\"", m.verifier ? m.verifier : "null");
	return parse(challenge, text);
}

/* A challenge of one segment. */
static enum assay_reason parse_segment(struct assay_challenge *challenge, const char *length, const char *params,
                                       const char *workload)
{
	char segments[512];

	snprintf(segments, sizeof segments, "[{\"length\":%s,\"params\":%s,\"workload\":\"%s\"}]", length, params,
	         workload);
	return parse_members(challenge, (struct members){.segments = segments});
}

#define OK ASSAY_REASON_NONE
#define TIME "\"2030-02-28T23:59:59Z\""
#define CAPS ASSAY_REASON_CHALLENGE_CAPS
#define MALFORMED ASSAY_REASON_CHALLENGE_MALFORMED

Test(challenge, numbers_at_their_bounds)
{
	static const struct {
		const char *number;
		enum assay_reason devices, samples, duration, rounds;
	} table[] = {
	    {"-9007199254740992", MALFORMED, MALFORMED, MALFORMED, MALFORMED},
	    {"-9007199254740991", CAPS, CAPS, CAPS, CAPS},
	    {"-4294967295", CAPS, CAPS, CAPS, CAPS},
	    {"-1", CAPS, CAPS, CAPS, CAPS},
	    {"-0", MALFORMED, MALFORMED, MALFORMED, MALFORMED},
	    {"0", CAPS, CAPS, CAPS, CAPS},
	    {"1", OK, OK, OK, OK},
	    {"01", MALFORMED, MALFORMED, MALFORMED, MALFORMED},
	    {"1.0", MALFORMED, MALFORMED, MALFORMED, MALFORMED},
	    {"1e0", MALFORMED, MALFORMED, MALFORMED, MALFORMED},
	    {"\"1\"", MALFORMED, MALFORMED, MALFORMED, MALFORMED},
	    {"true", MALFORMED, MALFORMED, MALFORMED, MALFORMED},
	    {"null", MALFORMED, MALFORMED, MALFORMED, MALFORMED},
	    {"[1]", MALFORMED, MALFORMED, MALFORMED, MALFORMED},
	    {"63", OK, OK, OK, OK},
	    {"64", OK, OK, OK, OK},
	    {"65", CAPS, OK, OK, OK},
	    {"8191", CAPS, OK, OK, OK},
	    {"8192", CAPS, OK, OK, OK},
	    {"8193", CAPS, CAPS, OK, OK},
	    {"65535", CAPS, CAPS, OK, OK},
	    {"65536", CAPS, CAPS, OK, OK},
	    {"65537", CAPS, CAPS, OK, OK},
	    {"4194303", CAPS, CAPS, OK, OK},
	    {"4194304", CAPS, CAPS, OK, OK},
	    {"4194305", CAPS, CAPS, OK, CAPS},
	    {"86399999", CAPS, CAPS, OK, CAPS},
	    {"86400000", CAPS, CAPS, OK, CAPS},
	    {"86400001", CAPS, CAPS, CAPS, CAPS},
	    {"4294967296", CAPS, CAPS, CAPS, CAPS},
	    {"4294967297", CAPS, CAPS, CAPS, CAPS},
	    {"9007199254740991", CAPS, CAPS, CAPS, CAPS},
	    {"9007199254740992", MALFORMED, MALFORMED, MALFORMED, MALFORMED},
	    {"18446744073709551617", MALFORMED, MALFORMED, MALFORMED, MALFORMED},
	};
	struct assay_challenge c;

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const char *number = table[i].number, *params = "{\"k\":64,\"m\":16,\"n\":16}";
		char length[64];
		cr_expect_eq(parse_members(&c, (struct members){.devices = number}), table[i].devices, "%s", number);
		cr_expect_eq(parse_members(&c, (struct members){.samples = number}), table[i].samples, "%s", number);
		snprintf(length, sizeof length, "{\"durationMs\":%s}", number);
		cr_expect_eq(parse_segment(&c, length, params, "matmul-i8/1"), table[i].duration, "%s", length);
		snprintf(length, sizeof length, "{\"rounds\":%s}", number);
		cr_expect_eq(parse_segment(&c, length, params, "matmul-i8/1"), table[i].rounds, "%s", length);
	}
}

Test(challenge, parameters_at_their_bounds)
{
	static const struct {
		const char *params;
		int rounds;
		enum assay_reason reason;
	} table[] = {
	    {"{\"k\":0,\"m\":16,\"n\":16}", 1, CAPS},
	    {"{\"k\":63,\"m\":16,\"n\":16}", 1, CAPS},
	    {"{\"k\":65,\"m\":16,\"n\":16}", 1, CAPS},
	    {"{\"k\":96,\"m\":16,\"n\":16}", 1, CAPS},
	    {"{\"k\":128,\"m\":16,\"n\":16}", 1, OK},
	    {"{\"k\":130944,\"m\":16,\"n\":16}", 1, OK},
	    {"{\"k\":131007,\"m\":16,\"n\":16}", 1, CAPS},
	    {"{\"k\":131008,\"m\":16,\"n\":16}", 1, OK},
	    {"{\"k\":131072,\"m\":16,\"n\":16}", 1, CAPS},
	    {"{\"k\":-64,\"m\":16,\"n\":16}", 1, CAPS},
	    {"{\"k\":4294967360,\"m\":16,\"n\":16}", 1, CAPS},
	    {"{\"k\":64,\"m\":8,\"n\":16}", 1, CAPS},
	    {"{\"k\":64,\"m\":16,\"n\":8}", 1, CAPS},
	    {"{\"k\":64,\"m\":0,\"n\":16}", 1, CAPS},
	    {"{\"k\":64,\"m\":16,\"n\":0}", 1, CAPS},
	    {"{\"k\":64,\"m\":24,\"n\":16}", 1, CAPS},
	    {"{\"k\":64,\"m\":16,\"n\":48}", 1, CAPS},
	    {"{\"k\":64,\"m\":1048576,\"n\":16}", 1, OK},
	    {"{\"k\":64,\"m\":16,\"n\":1048576}", 1, OK},
	    {"{\"k\":64,\"m\":2097152,\"n\":16}", 1, CAPS},
	    {"{\"k\":64,\"m\":16,\"n\":2097152}", 1, CAPS},
	    {"{\"k\":64,\"m\":16,\"n\":-16}", 1, CAPS},
	    {"{\"k\":64,\"m\":1048576,\"n\":1048576}", 1, OK}, /* depth 32 */
	    /* m * k just below 2^37, the largest that k allows */
	    {"{\"k\":131008,\"m\":1048576,\"n\":16}", 1, OK},
	    {"{\"k\":131008,\"m\":1048576,\"n\":1048576}", 1, OK},
	    /* 2 * 2^40 * 131,008 = 2^57.9995: 32 rounds are below 2^63, 33 are not */
	    {"{\"k\":131008,\"m\":1048576,\"n\":1048576}", 32, OK},
	    {"{\"k\":131008,\"m\":1048576,\"n\":1048576}", 33, CAPS},
	    /* 2 * 2^40 * 65,536 = 2^57: 63 rounds are below 2^63, 64 are 2^63 */
	    {"{\"k\":65536,\"m\":1048576,\"n\":1048576}", 63, OK},
	    {"{\"k\":65536,\"m\":1048576,\"n\":1048576}", 64, CAPS},
	    {"{\"k\":64,\"m\":1048576,\"n\":1048576}", 65535, OK},
	    {"{\"k\":64,\"m\":1048576,\"n\":1048576}", 65536, CAPS},
	    {"{\"k\":131008,\"m\":16,\"n\":16}", 4194304, OK},
	    {"{\"k\":131008,\"m\":16,\"n\":16}", 4194305, CAPS},
	    {"{\"k\":64,\"m\":16}", 1, MALFORMED},
	    {"{\"k\":64,\"m\":16,\"n\":16,\"o\":1}", 1, MALFORMED},
	    {"{\"k\":64,\"m\":16,\"o\":16}", 1, MALFORMED},
	    {"{\"k\":64,\"m\":16,\"n\":null}", 1, MALFORMED},
	    {"{\"k\":64,\"m\":16,\"n\":16.0}", 1, MALFORMED},
	    {"[]", 1, MALFORMED},
	    {"null", 1, MALFORMED},
	    {"{\"log2Digests\":0,\"log2Leaves\":0}", 1, OK},
	    {"{\"log2Digests\":14,\"log2Leaves\":32}", 1, OK},
	    {"{\"log2Digests\":15,\"log2Leaves\":0}", 1, CAPS},
	    {"{\"log2Digests\":0,\"log2Leaves\":33}", 1, CAPS},
	    {"{\"log2Digests\":-1,\"log2Leaves\":0}", 1, CAPS},
	    {"{\"log2Digests\":0,\"log2Leaves\":-1}", 1, CAPS},
	    {"{\"log2Digests\":4294967296,\"log2Leaves\":0}", 1, CAPS},
	    /* 2^16 rounds of 2^32 leaves are 2^48, and of 2^46 digests 2^62 */
	    {"{\"log2Digests\":14,\"log2Leaves\":32}", 65536, OK},
	    {"{\"log2Digests\":14,\"log2Leaves\":32}", 65537, CAPS},
	    /* 2^22 rounds of 2^26 leaves are 2^48 as well */
	    {"{\"log2Digests\":14,\"log2Leaves\":26}", 4194304, OK},
	    {"{\"log2Digests\":14,\"log2Leaves\":27}", 2097152, OK},
	    {"{\"log2Digests\":14,\"log2Leaves\":27}", 2097153, CAPS},
	    {"{\"log2Digests\":14}", 1, MALFORMED},
	    {"{\"k\":64,\"log2Digests\":14,\"log2Leaves\":0}", 1, MALFORMED},
	};
	struct assay_challenge c;

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		char length[32];
		snprintf(length, sizeof length, "{\"rounds\":%d}", table[i].rounds);
		const char *name = strstr(table[i].params, "log2") ? "sha256/1" : "matmul-i8/1";
		cr_expect_eq(parse_segment(&c, length, table[i].params, name), table[i].reason, "%s, %d rounds",
		             table[i].params, table[i].rounds);
		/* A duration counts as one round here; the records are held to the bound later. */
		if (table[i].rounds > 1 && table[i].reason == CAPS) {
			cr_expect_eq(parse_segment(&c, "{\"durationMs\":1}", table[i].params, name), OK);
			cr_expect(assay_segment_rounds_allowed(&c.segments[0], (uint64_t)table[i].rounds - 1));
			cr_expect(!assay_segment_rounds_allowed(&c.segments[0], (uint64_t)table[i].rounds));
			cr_expect(!assay_segment_rounds_allowed(&c.segments[0], UINT32_MAX));
		}
	}
	cr_assert_eq(parse_segment(&c, "{\"durationMs\":1}", table[4].params, "matmul-i8/1"), OK);
	cr_expect(assay_segment_rounds_allowed(&c.segments[0], 0));
	cr_expect(assay_segment_rounds_allowed(&c.segments[0], 4194304));
	cr_expect(!assay_segment_rounds_allowed(&c.segments[0], 4194305));
	cr_expect(!assay_segment_rounds_allowed(&c.segments[0], UINT32_MAX));
}

Test(challenge, number_of_segments)
{
	struct assay_challenge c;
	char segments[4096] = "[";

	cr_expect_eq(parse_members(&c, (struct members){.segments = "[]"}), CAPS);
	cr_expect_eq(parse_members(&c, (struct members){.segments = "{}"}), MALFORMED);
	for (size_t count = 1; count <= 17; count++) {
		strcat(segments, count > 1 ? "," MATMUL : MATMUL);
		strcat(segments, "]");
		cr_expect_eq(parse_members(&c, (struct members){.segments = segments}), count <= 16 ? OK : CAPS, "%zu",
		             count);
		segments[strlen(segments) - 1] = '\0';
	}
}

Test(challenge, texts_and_nulls)
{
	static const char long_name[] = "\"ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp\"";
	static const struct {
		struct members members;
		enum assay_reason reason;
	} table[] = {
	    {{.type = "\"assay/2 challenge\""}, MALFORMED},
	    {{.type = "null"}, MALFORMED},
	    {{.mode = "\"verifier\""}, MALFORMED},
	    {{.mode = "\"verifier\"", .expires = TIME}, MALFORMED},
	    {{.mode = "\"verifier\"", .verifier = "\"" NONCE "\""}, MALFORMED},
	    {{.mode = "\"verifier\"", .expires = TIME, .verifier = "\"" NONCE "\""}, OK},
	    {{.mode = "\"verifier\"", .expires = TIME, .verifier = "\"" NONCE "\"", .leased = "64"}, OK},
	    {{.mode = "\"verifier\"", .expires = TIME, .verifier = "\"" NONCE "\"", .leased = "65"}, CAPS},
	    {{.mode = "\"verifier\"", .expires = TIME, .verifier = "\"" NONCE "\"", .leased = "-1"}, CAPS},
	    {{.mode = "\"verifier\"", .expires = TIME, .verifier = "\"" NONCE "\"", .leased = "null"}, MALFORMED},
	    {{.mode = "\"verifier\"", .expires = "\"2030-02-29T00:00:00Z\"", .verifier = "\"" NONCE "\""}, MALFORMED},
	    {{.leased = "1"}, CAPS},
	    {{.mode = "\"Self\""}, ASSAY_REASON_CHALLENGE_MODE},
	    {{.mode = "\"\""}, ASSAY_REASON_CHALLENGE_MODE},
	    {{.mode = long_name}, ASSAY_REASON_CHALLENGE_MODE},
	    {{.mode = "null"}, MALFORMED},
	    {{.mode = "\"other\"", .expires = "5", .verifier = "null"}, MALFORMED},
	    {{.mode = "\"other\"", .expires = "\"5\"", .verifier = "\"\"", .leased = "99"},
	     ASSAY_REASON_CHALLENGE_MODE},
	    {{.mode = "\"verifier\"", .expires = "true"}, MALFORMED},
	    {{.expires = "0"}, MALFORMED},
	    {{.verifier = "\"\""}, MALFORMED},
	    {{.profile = "\"\""}, OK},
	    {{.profile = "\"assay/1 quick\\\\\\\"\""}, OK},
	    {{.profile = "\"\\n\""}, MALFORMED},
	    {{.profile = "1"}, MALFORMED},
	    {{.nonce = "\"" NONCE "0\""}, MALFORMED},
	    {{.nonce = "\"\""}, MALFORMED},
	    {{.nonce = "\"0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef\""}, MALFORMED},
	    {{.nonce = "\"0123456789abcdeg0123456789abcdef0123456789abcdef0123456789abcdef\""}, MALFORMED},
	    {{.nonce = "null"}, MALFORMED},
	    /* The first fault counts: members and types, mode, expires, devices and samples and segments, each segment
	     */
	    {{.mode = "\"x\"", .nonce = "\"\""}, MALFORMED},
	    {{.mode = "\"x\"", .samples = "\"1\""}, MALFORMED},
	    {{.mode = "\"x\"", .devices = "0"}, ASSAY_REASON_CHALLENGE_MODE},
	    {{.expires = "1", .devices = "0"}, MALFORMED},
	    {{.devices = "0", .segments = "[0]"}, CAPS},
	    {{.segments = "[0]"}, MALFORMED},
	    {{.segments = "[{\"length\":{\"rounds\":-1},\"params\":{},\"workload\":\"x/1\"}]"}, CAPS},
	    {{.segments = "[{\"length\":{\"rounds\":1},\"params\":{},\"workload\":\"x/1\"}]"},
	     ASSAY_REASON_WORKLOAD_UNKNOWN},
	    {{.segments = "[{\"length\":{\"rounds\":1},\"params\":[],\"workload\":\"x/1\"}]"},
	     ASSAY_REASON_WORKLOAD_UNKNOWN},
	    {{.segments = "[{\"length\":{\"rounds\":1},\"other\":0,\"workload\":\"x/1\"}]"}, MALFORMED},
	    {{.segments = "[{\"length\":{\"rounds\":1},\"params\":{},\"workload\":1}]"}, MALFORMED},
	    {{.segments = "[{\"length\":{\"durationMs\":1,\"rounds\":1},\"params\":{},\"workload\":\"x/1\"}]"},
	     MALFORMED},
	    {{.segments = "[{\"length\":{},\"params\":{},\"workload\":\"x/1\"}]"}, MALFORMED},
	    {{.segments = "[{\"length\":5,\"params\":{},\"workload\":\"x/1\"}]"}, MALFORMED},
	    {{.segments = "[{\"length\":{\"ms\":5},\"params\":{},\"workload\":\"x/1\"}]"}, MALFORMED},
	    {{.segments = "[{\"extra\":0,\"length\":{\"rounds\":1},\"params\":{},\"workload\":\"x/1\"}]"}, MALFORMED},
	    {{.segments = "[" MATMUL ",{\"length\":{\"rounds\":1},\"params\":{},\"workload\":\"x/1\"},0]"},
	     ASSAY_REASON_WORKLOAD_UNKNOWN},
	};
	struct assay_challenge c;

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		cr_expect_eq(parse_members(&c, table[i].members), table[i].reason, "row %zu", i);
	cr_expect_eq(parse(&c, "{}"), MALFORMED);
	cr_expect_eq(parse(&c, "[]"), MALFORMED);
	cr_expect_eq(parse(&c, ""), MALFORMED);
}

static void expect_same(const struct assay_challenge *challenge)
{
	struct assay_challenge again;
	char *text = assay_challenge_text(challenge);

	cr_assert(text);
	cr_assert_eq(parse(&again, text), OK, "%s", text);
	char *twice = assay_challenge_text(&again);
	cr_expect_str_eq(text, twice);
	cr_expect_eq(assay_challenge_cost(challenge), assay_challenge_cost(&again));
	cr_expect_eq(again.segment_count, challenge->segment_count);
	for (uint32_t i = 0; i < again.segment_count; i++) {
		cr_expect_eq(again.segments[i].rounds, challenge->segments[i].rounds);
		cr_expect_eq(again.segments[i].duration_ms, challenge->segments[i].duration_ms);
	}
	free(text);
	free(twice);
}

static struct assay_challenge in_profile(const char *profile, uint32_t duration_ms)
{
	struct assay_challenge c = {.devices = 1, .samples = 512, .segment_count = 2, .nonce = {0xff, 1}};

	snprintf(c.profile, sizeof c.profile, "%s", profile);
	c.segments[0] = (struct assay_segment){&assay_work_matmul_i8, {{16384, 2048, 2048}}, duration_ms, 0};
	c.segments[1] = (struct assay_segment){&assay_work_sha256, {{12, 19}}, duration_ms, 0};
	return c;
}

Test(challenge, profiles_row_by_row)
{
	static const uint64_t sides[] = {1024, 2048, 4096, 8192, 16384, 32768, 65536};
	static const struct {
		const char *name;
		uint32_t min, max;
	} durations[] = {
	    {"assay/1 quick", 1000, 5000}, {"assay/1 standard", 20000, 20000}, {"assay/1 soak", 20000, 86400000}};

	for (size_t p = 0; p < 3; p++) {
		struct assay_challenge c = in_profile(durations[p].name, durations[p].min);
		cr_expect(assay_challenge_in_profile(&c));
		expect_same(&c);
		for (size_t row = 0; row < sizeof sides / sizeof *sides; row++) {
			c.segments[0].params = (struct assay_params){{16384, sides[row], sides[row]}};
			cr_expect_eq(assay_challenge_in_profile(&c), row >= 1 && row <= 5, "side %d", (int)sides[row]);
		}
		for (uint64_t leaves = 0; leaves <= 32; leaves++) {
			c = in_profile(durations[p].name, durations[p].max);
			c.segments[1].params = (struct assay_params){{12, leaves}};
			cr_expect_eq(assay_challenge_in_profile(&c), leaves == 12 || (leaves >= 16 && leaves <= 19),
			             "2^%d", (int)leaves);
		}
		for (uint32_t samples = 1; samples <= 8192; samples++) {
			c = in_profile(durations[p].name, durations[p].max);
			c.samples = samples;
			cr_expect_eq(assay_challenge_in_profile(&c), samples == 512 || samples == 2048, "%u", samples);
		}
		c = in_profile(durations[p].name, durations[p].min - 1);
		cr_expect(!assay_challenge_in_profile(&c));
		c = in_profile(durations[p].name, durations[p].max + 1);
		cr_expect(!assay_challenge_in_profile(&c));
		/* One segment is enough to leave it; rounds are never of a profile. */
		c = in_profile(durations[p].name, durations[p].min);
		c.segments[1].duration_ms = durations[p].min - 1;
		cr_expect(!assay_challenge_in_profile(&c));
		c.segments[1] = (struct assay_segment){&assay_work_sha256, {{12, 12}}, 0, durations[p].min};
		cr_expect(!assay_challenge_in_profile(&c));
		expect_same(&c);
	}
	static const char *const others[] = {"",     "assay/1", "assay/1 Quick", "assay/1 quick ", "assay/2 quick",
	                                     "quick"};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		struct assay_challenge c = in_profile(others[i], 5000);
		cr_expect(!assay_challenge_in_profile(&c), "\"%s\"", others[i]);
	}
}

Test(challenge, cost_by_hand)
{
	struct assay_challenge c = in_profile("assay/1 quick", 5000);

	/* depth 14 and 19 */
	cr_expect_eq(assay_challenge_cost(&c), 512u * (8192 + 16384 + 14 + 20) + 512u * (4096 + 19 + 20));
	c.devices = 64;
	c.samples = 8192;
	c.segment_count = 16;
	for (uint32_t i = 0; i < 16; i++)
		c.segments[i] = (struct assay_segment){
		    &assay_work_matmul_i8, {{131008, UINT64_C(1) << 20, UINT64_C(1) << 20}}, 0, 32};
	cr_expect_eq(assay_challenge_cost(&c), UINT64_C(16) * 64 * 8192 * (65504 + 131008 + 32 + 20));
	expect_same(&c);
}
