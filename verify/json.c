/* SPDX-License-Identifier: Apache-2.0
 *
 * See json.h. SPEC 1.6. */
#include "verify/json.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

enum { JSON_DEPTH_MAX = 16 };

/* Bytes that jansson takes for it and for its text, at most: of one of each, with what malloc adds and what is still
 * there while a table grows. */
enum { OBJECT_BYTES = 256, ARRAY_BYTES = 160, STRING_BYTES = 112, NAME_BYTES = 96, NEXT_BYTES = 64, LETTER_BYTES = 6 };

/* Depth and characters are checked on the text, before anything is allocated for it. Outside strings a canonical text
 * has no character that jansson would accept and the comparison below would not catch. *bytes is what it will take. */
static bool text_is_plain(const char *text, size_t len, size_t *bytes)
{
	int depth = 0;
	bool in_string = false;

	*bytes = 4096 + len * LETTER_BYTES;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (c < 0x20 || c > 0x7e)
			return false;
		if (in_string) {
			if (c == '\\' && (++i >= len || (text[i] != '"' && text[i] != '\\')))
				return false;
			in_string = c != '"';
		} else if (c == '"') {
			in_string = true;
			*bytes += STRING_BYTES;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_DEPTH_MAX)
				return false;
			*bytes += c == '{' ? OBJECT_BYTES : ARRAY_BYTES;
		} else if (c == '}' || c == ']') {
			depth--;
		} else if (c == '.' || c == 'E') {
			return false;
		} else {
			*bytes += c == ':' ? NAME_BYTES : c == ',' ? NEXT_BYTES : 0;
		}
	}
	return true;
}

/* No truth values, and only integers that every parser holds. */
static bool values_are_allowed(const json_t *value)
{
	const char *name;
	json_t *member;
	size_t i;

	if (json_is_real(value) || json_is_boolean(value))
		return false;
	if (json_is_integer(value))
		return json_integer_value(value) <= ASSAY_JSON_INTEGER_MAX &&
		       json_integer_value(value) >= -ASSAY_JSON_INTEGER_MAX;
	/* The depth of the text is bounded, and with it this recursion. */
	json_array_foreach(value, i, member) if (!values_are_allowed(member)) return false;
	json_object_foreach((json_t *)(uintptr_t)value, name, member) if (!values_are_allowed(member)) return false;
	return true;
}

bool assay_json_has_memory(size_t bytes)
{
	void *volatile room = malloc(bytes); /* which compilers leave out when nobody looks at it */

	free(room);
	return room != NULL;
}

json_t *assay_json_parse(const void *text, size_t len)
{
	size_t bytes;

	if (!text_is_plain(text, len, &bytes) || !assay_json_has_memory(bytes))
		return NULL;
	json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (!value)
		return NULL;

	char *again = values_are_allowed(value) ? assay_json_text(value) : NULL;
	bool same = again && strlen(again) == len && memcmp(again, text, len) == 0;
	free(again);
	if (!same) {
		json_decref(value);
		return NULL;
	}
	return value;
}

char *assay_json_text(const json_t *value)
{
	return json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
}

bool assay_json_is(const json_t *object, size_t count)
{
	return json_is_object(object) && json_object_size(object) == count;
}

bool assay_json_integer(uint64_t *out, const json_t *object, const char *name, uint64_t min, uint64_t max)
{
	const json_t *member = json_object_get(object, name);

	if (!json_is_integer(member) || json_integer_value(member) < 0)
		return false;
	*out = (uint64_t)json_integer_value(member);
	return *out >= min && *out <= max;
}

const char *assay_json_string(const json_t *object, const char *name, size_t max_len)
{
	const json_t *member = json_object_get(object, name);

	return json_is_string(member) && json_string_length(member) <= max_len ? json_string_value(member) : NULL;
}

const char *assay_json_word(const json_t *object, const char *name, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text && *text ? text : otherwise;
}

bool assay_json_hash(uint8_t out[ASSAY_HASH_BYTES], const json_t *object, const char *name)
{
	const char *hex = assay_json_string(object, name, 64);
	size_t len;

	if (!hex || strlen(hex) != 64 || strspn(hex, "0123456789abcdef") != 64)
		return false;
	return sodium_hex2bin(out, ASSAY_HASH_BYTES, hex, 64, NULL, &len, NULL) == 0 && len == ASSAY_HASH_BYTES;
}

bool assay_json_digest(uint8_t out[ASSAY_HASH_BYTES], const json_t *object, const char *name)
{
	const json_t *digest = json_object_get(object, name);

	return assay_json_is(digest, 1) && assay_json_hash(out, digest, "sha256");
}
