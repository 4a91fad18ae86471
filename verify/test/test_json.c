/* SPDX-License-Identifier: Apache-2.0
 *
 * verify/json.c: one encoding of every value, and no other. SPEC 1.6. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "verify/json.h"
#include "verify/statement.h"

static bool accepted(const char *text, size_t len)
{
	json_t *value = assay_json_parse(text, len);
	bool good = value != NULL;

	if (good) {
		char *again = assay_json_text(value);
		cr_expect(strlen(again) == len && memcmp(again, text, len) == 0, "%s became %s", text, again);
		free(again);
	}
	json_decref(value);
	return good;
}

Test(json, canonical_texts)
{
	static const char *const table[] = {
	    "{}",
	    "[]",
	    "[[],{}]",
	    "[null]",
	    "[0,1,-1,10,9007199254740991,-9007199254740991]",
	    "{\"\":0}",
	    "{\" \":0,\"~\":0}",
	    "{\"A\":0,\"B\":0,\"a\":0}",
	    "{\"a\":0,\"a \":0,\"aa\":0}",
	    "{\"1\":0,\"10\":0,\"9\":0}",
	    "{\"!\":0,\"\\\"\":0,\"#\":0}",
	    "{\"[\":0,\"\\\\\":0,\"]\":0}",
	    "[\"\",\" \",\"/\",\"\\\\\",\"\\\"\",\"\\\\\\\"\",\"~\"]",
	    "[\"{}[],:true.E\"]",
	    "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
	    "{\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}",
	    "[\"[[[[[[[[[[[[[[[[[[[[[[[[\"]",
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		cr_expect(accepted(table[i], strlen(table[i])), "%s", table[i]);
}

Test(json, texts_to_refuse)
{
	static const char *const table[] = {
	    "",
	    " ",
	    "{",
	    "[",
	    "}",
	    "]",
	    "]]]]{",
	    "{}{}",
	    "[][]",
	    "{}\n",
	    "\n{}",
	    " {}",
	    "{} ",
	    "[ ]",
	    "{ }",
	    "[0, 1]",
	    "[0 ,1]",
	    "{\"a\" :0}",
	    "{\"a\": 0}",
	    "[\t]",
	    "[\r]",
	    "\xef\xbb\xbf{}",
	    /* not an object or an array */
	    "0",
	    "\"\"",
	    "null",
	    "true",
	    "false",
	    "-1",
	    /* no truth values */
	    "[true]",
	    "[false]",
	    "{\"a\":true}",
	    "{\"a\":[{\"b\":false}]}",
	    /* numbers */
	    "[-0]",
	    "[00]",
	    "[01]",
	    "[-01]",
	    "[+1]",
	    "[1.]",
	    "[1.0]",
	    "[0.0]",
	    "[1e0]",
	    "[1E0]",
	    "[1e+2]",
	    "[.5]",
	    "[-]",
	    "[0x1]",
	    "[1_0]",
	    "[9007199254740992]",
	    "[-9007199254740992]",
	    "[9223372036854775807]",
	    "[9223372036854775808]",
	    "[-9223372036854775808]",
	    "[99999999999999999999]",
	    "[1000000000000000000000000000000000000000000000000000000000000000000000000]",
	    "[NaN]",
	    "[Infinity]",
	    "[1e999]",
	    /* strings */
	    "[\"]",
	    "[\"\\\"]",
	    "[\"\\/\"]",
	    "[\"\\n\"]",
	    "[\"\\t\"]",
	    "[\"\\b\"]",
	    "[\"\\u0041\"]",
	    "[\"\\u0000\"]",
	    "[\"\\u00e9\"]",
	    "[\"\\U0041\"]",
	    "[\"\\x41\"]",
	    "[\"\t\"]",
	    "[\"\x01\"]",
	    "[\"\x1f\"]",
	    "[\"\x7f\"]",
	    "[\"\x80\"]",
	    "[\"\xc3\xa9\"]",
	    "[\"\xff\"]",
	    "['a']",
	    "[a]",
	    /* members */
	    "{\"b\":0,\"a\":0}",
	    "{\"a\":0,\"A\":0}",
	    "{\"a\":0,\"a\":0}",
	    "{\"a\":0,\"a\":1}",
	    "{\"a\":0,\"b\":0,\"a\":0}",
	    "{\"9\":0,\"10\":0}",
	    "{\"\\\"\":0,\"!\":0}",
	    "{\"aa\":0,\"a\":0}",
	    "{a:0}",
	    "{\"a\"}",
	    "{\"a\":}",
	    "{:0}",
	    "{\"a\":0,}",
	    "{,}",
	    "[,]",
	    "[0,]",
	    "[,0]",
	    "[0,,0]",
	    "{0:0}",
	    "{null:0}",
	    "[0;1]",
	    "[0]//",
	    "[0]/**/",
	    /* deep */
	    "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
	    "{\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}",
	    "[[[[[[[[[[[[[[[[{}]]]]]]]]]]]]]]]]",
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		cr_expect(!accepted(table[i], strlen(table[i])), "%s", table[i]);
	cr_expect(!accepted("{}\0", 3));
	cr_expect(!accepted("\0{}", 3));
	cr_expect(!accepted("[\"a\0b\"]", 7));
	cr_expect(!accepted("{\"a\0\":0}", 8));
	/* The length counts, not what lies behind it. */
	cr_expect(accepted("[0]]", 3));
	cr_expect(!accepted("[0]", 2));
}

/* Every byte at every place of a small text: what is accepted is a text of its own. */
Test(json, every_byte_at_every_place)
{
	static const char original[] = "{\"a\":[1,null,\"\\\\x\"],\"b\":-20}";
	char text[sizeof original];
	unsigned count = 0;

	for (size_t at = 0; at < sizeof original - 1; at++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			memcpy(text, original, sizeof text);
			text[at] = (char)byte;
			count += accepted(text, sizeof text - 1);
		}
	}
	cr_expect_gt(count, sizeof original);
	cr_expect_lt(count, 700);
}

/* A text of many levels must not use the stack, nor one of many members the time. */
Test(json, large_texts, .timeout = 20)
{
	const size_t len = 1 << 18;
	char *text = malloc(len + 64);

	memset(text, '[', len);
	cr_expect(!accepted(text, len));
	memset(text, '1', len);
	cr_expect(!accepted(text, len));
	text[0] = '[', text[len - 1] = ']';
	cr_expect(!accepted(text, len), "a number of %zu digits", len);
	for (size_t i = 1; i < len - 1; i += 2)
		text[i] = '0', text[i + 1] = ',';
	text[len - 1] = '0', text[len] = ']';
	cr_expect(accepted(text, len + 1), "a long array");
	memset(text, 'a', len);
	text[0] = '[', text[1] = '"', text[len - 2] = '"', text[len - 1] = ']';
	cr_expect(accepted(text, len), "a long string");
	free(text);
}

Test(json, readers)
{
	static const char text[] = "{\"a\":5,\"b\":-1,\"c\":\"text\",\"d\":{\"sha256\":\"\"},\"e\":null}";
	json_t *object = assay_json_parse(text, sizeof text - 1);
	uint64_t number;
	uint8_t hash[32];

	cr_assert(object);
	cr_expect(assay_json_integer(&number, object, "a", 5, 5) && number == 5);
	cr_expect(!assay_json_integer(&number, object, "a", 6, 9));
	cr_expect(!assay_json_integer(&number, object, "a", 0, 4));
	cr_expect(!assay_json_integer(&number, object, "b", 0, UINT64_MAX), "negative");
	cr_expect(!assay_json_integer(&number, object, "c", 0, UINT64_MAX));
	cr_expect(!assay_json_integer(&number, object, "z", 0, UINT64_MAX));
	cr_expect(!assay_json_integer(&number, NULL, "a", 0, UINT64_MAX));
	cr_expect_str_eq(assay_json_string(object, "c", 4), "text");
	cr_expect_null(assay_json_string(object, "c", 3));
	cr_expect_null(assay_json_string(object, "e", 3));
	cr_expect_null(assay_json_string(NULL, "c", 3));
	cr_expect(!assay_json_hash(hash, object, "c"));
	cr_expect(!assay_json_digest(hash, object, "d"));
	cr_expect(!assay_json_digest(hash, object, "e"));
	cr_expect(assay_json_is(object, 5) && !assay_json_is(object, 4) && !assay_json_is(NULL, 0));
	json_decref(object);
}

/* A version that this verifier does not know is still canonical JSON. SPEC 8.3, 1.6. */
Test(json, statements_of_another_version)
{
	static const struct {
		const char *text;
		enum assay_reason reason;
	} table[] = {
	    {"{\"_type\":\"x\",\"predicate\":null,\"predicateType\":\"y\",\"subject\":[]}",
	     ASSAY_REASON_STATEMENT_VERSION},
	    {"{\"_type\":\"x\",\"predicate\":[true],\"predicateType\":\"y\",\"subject\":[]}",
	     ASSAY_REASON_STATEMENT_MALFORMED},
	    {"{\"_type\":\"x\",\"predicate\":0.5,\"predicateType\":\"y\",\"subject\":[]}",
	     ASSAY_REASON_STATEMENT_MALFORMED},
	    {"{\"_type\":\"x\",\"predicate\":0,\"predicateType\":\"y\"}", ASSAY_REASON_STATEMENT_MALFORMED},
	    {"{\"_type\":\"x\",\"predicate\":0,\"predicateType\":0,\"subject\":[]}", ASSAY_REASON_STATEMENT_MALFORMED},
	    {"{\"_type\":null,\"predicate\":0,\"predicateType\":\"y\",\"subject\":[]}",
	     ASSAY_REASON_STATEMENT_MALFORMED},
	    {"[]", ASSAY_REASON_STATEMENT_MALFORMED},
	};
	struct assay_statement statement;
	char text[1024];

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		cr_expect_eq(assay_statement_parse(&statement, table[i].text, strlen(table[i].text)), table[i].reason,
		             "%s", table[i].text);
		cr_expect_null(statement.root);
	}
	/* However long the name of that version is. */
	int len = snprintf(text, sizeof text,
	                   "{\"_type\":\"%0500d\",\"predicate\":0,\"predicateType\":\"\",\"subject\":0}", 1);
	cr_expect_eq(assay_statement_parse(&statement, text, (size_t)len), ASSAY_REASON_STATEMENT_VERSION);
}
