/* SPDX-License-Identifier: Apache-2.0
 *
 * verify/vectors/claims, made by the counterpart (ci/cases) from SPEC 10.6 to 10.11 alone: claims about machines and
 * what comes of them, and which texts are claims. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "verify/json.h"
#include "verify/machine.h"
#include "verify/test/support.h"

#define CLAIMS "verify/vectors/claims/"

/* The parts of a text, cut in place; the result is how many, and must not be more than there is room for. */
static size_t cut(char *parts[], size_t most, char *text, const char *separator)
{
	size_t count = 0;

	for (char *next = text; next; count++) {
		cr_assert_lt(count, most);
		parts[count] = next;
		next = strstr(next, separator);
		if (next) {
			*next = '\0';
			next += strlen(separator);
		}
	}
	return count;
}

/* Calls for each line that is no comment; the number of these. */
static size_t each_line(const char *path, void (*call)(char *line))
{
	struct test_bytes bytes = test_read(path);
	size_t count = 0;
	char *rest = NULL;

	for (char *line = strtok_r((char *)bytes.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (*line == '#')
			continue;
		call(line);
		count++;
	}
	free(bytes.data);
	return count;
}

static void open_claims(struct assay_claims **claims, char *list)
{
	char *parts[ASSAY_CLAIMS_MAX + 1], paths[ASSAY_CLAIMS_MAX + 1][160];
	const char *texts[ASSAY_CLAIMS_MAX + 1];
	size_t count = cut(parts, ASSAY_CLAIMS_MAX + 1, list, "; ");
	struct assay_error error;

	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(parts[i]);
		const bool is_file = len > 5 && strcmp(parts[i] + len - 5, ".json") == 0;
		cr_assert_lt(snprintf(paths[i], sizeof paths[i], "%s%s", is_file ? CLAIMS : "", parts[i]), 160);
		texts[i] = paths[i];
	}
	cr_assert_eq(assay_claims_open(claims, texts, count, CLAIMS "catalogue.tsv", &error), ASSAY_OK, "%s",
	             error.text);
}

/* The member `claims` without details, which are words, and the reasons of all checks. */
static void compare(const struct assay_verdict *verdict, const char *name, const char *reasons, const char *expected)
{
	char *line = assay_verdict_json(verdict), found[512] = "";
	json_t *root = json_loads(line, 0, NULL), *claims = json_object_get(root, "claims"), *entry, *device;
	size_t i, j;

	json_array_foreach(claims, i, entry) json_array_foreach(json_object_get(entry, "devices"), j, device)
	    cr_expect_eq(json_object_del(device, "detail"), 0);
	/* Null is no text of its own. */
	char *text = json_is_null(claims) ? strdup("null") : assay_json_text(claims);
	cr_expect_str_eq(text, expected, "%s:\n%s\nexpected\n%s", name, text, expected);
	json_array_foreach(json_object_get(root, "checks"), i, entry)
	{
		const char *reason = json_string_value(json_object_get(entry, "reason"));
		if (reason)
			strcat(strcat(found, *found ? "," : ""), reason);
	}
	cr_expect_str_eq(*found ? found : "-", reasons, "%s: %s", name, found);
	free(text);
	free(line);
	json_decref(root);
}

static void one_case(char *line)
{
	char *cells[7], path[200];
	uint8_t verifier[1][ASSAY_KEY_BYTES];
	struct assay_policy policy = test_policy();
	struct assay_claims *claims;
	struct assay_verdict verdict;
	struct assay_error error;
	size_t count;

	cr_assert_eq(cut(cells, 7, line, "\t"), 6, "%s", line);
	cr_assert_eq(assay_keys_read(verifier, &count, 1, "verify/vectors/good/verifier.pem", &error), ASSAY_OK);
	policy.verifiers = (const uint8_t(*)[ASSAY_KEY_BYTES])verifier;
	policy.verifiers_count = 1;
	open_claims(&claims, cells[2]);
	policy.claims = claims;
	cr_assert_lt(snprintf(path, sizeof path, "verify/vectors/%s.intoto.json", cells[1]), (int)sizeof path);
	cr_assert_eq(assay_verify(&verdict, path, NULL, &policy), ASSAY_OK, "%s: %s", cells[0], verdict.error.text);
	cr_expect_str_eq(assay_outcome_name(verdict.outcome), cells[3], "%s", cells[0]);
	compare(&verdict, cells[0], cells[4], cells[5]);
	assay_verdict_close(&verdict);
	assay_claims_close(claims);
}

Test(vectors_claims, what_comes_of_them)
{
	cr_expect_gt(each_line(CLAIMS "index.txt", one_case), 20);
}

static void accepted(char *line)
{
	char *cells[3], found[16 * ASSAY_CLAIM_TEXT_MAX] = "", one[ASSAY_CLAIM_TEXT_MAX];
	struct assay_claims claims = {.count = 0};

	cr_assert_eq(cut(cells, 3, line, "\t"), 2, "%s", line);
	cr_expect_eq(assay_claims_add(&claims, "t", cells[0], strlen(cells[0]), NULL), ASSAY_OK, "%s", cells[0]);
	for (uint32_t i = 0; i < claims.count; i++) {
		assay_machine_claim_text(one, &claims.claims[i]);
		strcat(strcat(found, i ? "; " : ""), one);
	}
	cr_expect_str_eq(found, cells[1], "%s: %s", cells[0], found);
}

static void rejected(char *line)
{
	struct assay_claims claims = {.count = 0};

	cr_expect_eq(assay_claims_add(&claims, "t", line, strlen(line), NULL), ASSAY_ERROR_INPUT, "%s", line);
}

Test(vectors_claims, texts)
{
	cr_expect_gt(each_line(CLAIMS "accept.txt", accepted), 10);
	cr_expect_gt(each_line(CLAIMS "reject.txt", rejected), 20);
}
