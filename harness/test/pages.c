/* SPDX-License-Identifier: Apache-2.0
 *
 * See pages.h. */
#include "harness/test/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sodium.h>

#include "harness/test/support.h"
#include "verify/json.h"
#include "verify/test/support.h"

const char *const pages_hostile[] = {"<script>alert(1)</script>",
                                     "</title><script>alert(1)</script>",
                                     "\"><img src=x onerror=alert(1)>",
                                     "' onmouseover='alert(1)",
                                     "a|b|c\\|d\\\\|e",
                                     "`touch pwned`",
                                     "``` ```` `x",
                                     "$(touch pwned)",
                                     "'; system 'touch pwned'; '",
                                     "'.system('touch pwned').'",
                                     "END\\nEND",
                                     "![x](http://localhost/x.png) [a](javascript:alert(1))",
                                     "www.example.org https://example.org a@example.org @all",
                                     "**bold** _em_ ~~no~~ # - + 1. <!-- -->",
                                     "&lt;b&gt; &#60; &amp",
                                     "%s%n%x $HOME ~ {/Symbol a} x^2_3 @{x}",
                                     "\x01\x1b[31m\x7f",
                                     NULL};

static void write_as(const char *as, const char *ending, const void *data, size_t len)
{
	char file[512];

	snprintf(file, sizeof file, "%s%s", as, ending);
	support_write(support_path(file), data, len);
}

void pages_copy(const char *prefix, const char *as)
{
	char from[256];
	static const char *const endings[] = {".intoto.json", ".transcript", ".receipts.jsonl"};

	for (int i = 0; i < 3; i++) {
		snprintf(from, sizeof from, "%s%s", prefix, endings[i]);
		if (!support_exists(from))
			continue;
		struct test_bytes bytes = test_read(from);
		write_as(as, endings[i], bytes.data, bytes.len);
		free(bytes.data);
	}
}

/* The devices block of a transcript, replaced. */
static struct test_bytes devices_replaced(const struct test_bytes *transcript, const json_t *devices)
{
	const size_t at = 12 + assay_le32_read(transcript->data + 8),
	             rest = at + 4 + assay_le32_read(transcript->data + at);
	char *text = assay_json_text(devices);
	const size_t len = strlen(text);
	struct test_bytes bytes = {.data = malloc(transcript->len + len), .len = at + 4 + len + transcript->len - rest};

	memcpy(bytes.data, transcript->data, at);
	assay_le32_write(bytes.data + at, (uint32_t)len);
	memcpy(bytes.data + at + 4, text, len);
	memcpy(bytes.data + at + 4 + len, transcript->data + rest, transcript->len - rest);
	free(text);
	return bytes;
}

static void device_texts(json_t *devices, const char *text)
{
	static const char *const members[] = {"architecture", "backend", "driver", "name", "variant", "deviceId"};

	for (size_t d = 0; d < json_array_size(devices); d++)
		for (size_t i = 0; i < sizeof members / sizeof *members; i++)
			json_object_set_new(json_array_get(devices, d), members[i], json_string(text));
}

void pages_forge(const char *name, const char *as, const char *text, int devices)
{
	char path[128], source[33], hex[65];
	uint8_t hash[32];

	snprintf(path, sizeof path, "good/%s", name);
	struct test_pair pair = test_pair_read(path);
	struct test_bytes payload = test_payload(&pair.envelope), transcript = pair.transcript;
	json_t *root = json_loadb((const char *)payload.data, payload.len, 0, NULL);
	json_t *predicate = json_object_get(root, "predicate"), *harness = json_object_get(predicate, "harness"),
	       *telemetry = json_object_get(json_object_get(predicate, "claimed"), "telemetry");
	cr_assert(root && harness && telemetry);
	static const char *const members[] = {"gitCommit", "name", "version"};
	for (int i = 0; i < 3; i++)
		json_object_set_new(harness, members[i], json_string(text));
	snprintf(source, sizeof source, "%.32s", text);
	for (size_t d = 0; d < json_array_size(telemetry); d++)
		if (json_is_object(json_array_get(telemetry, d)))
			json_object_set_new(json_array_get(telemetry, d), "source", json_string(source));
	if (devices) {
		device_texts(json_object_get(predicate, "devices"), text);
		transcript = devices_replaced(&pair.transcript, json_object_get(predicate, "devices"));
		crypto_hash_sha256(hash, transcript.data, transcript.len);
		assay_hex(hex, hash);
		json_object_set_new(json_object_get(json_array_get(json_object_get(root, "subject"), 0), "digest"),
		                    "sha256", json_string(hex));
	}
	char *statement = assay_json_text(root);
	struct test_bytes envelope = test_sign(statement, strlen(statement));
	write_as(as, ".intoto.json", envelope.data, envelope.len);
	write_as(as, ".transcript", transcript.data, transcript.len);
	free(envelope.data);
	free(statement);
	if (devices)
		free(transcript.data);
	json_decref(root);
	free(payload.data);
	test_pair_free(&pair);
}

void pages_date(const char *name, const char *as, const char *finished)
{
	char path[128];

	snprintf(path, sizeof path, "good/%s", name);
	struct test_pair pair = test_pair_read(path);
	struct test_bytes payload = test_payload(&pair.envelope);
	json_t *root = json_loadb((const char *)payload.data, payload.len, 0, NULL);
	json_object_set_new(json_object_get(json_object_get(root, "predicate"), "claimed"), "finishedAt",
	                    json_string(finished));
	char *statement = assay_json_text(root);
	struct test_bytes envelope = test_sign(statement, strlen(statement));
	write_as(as, ".intoto.json", envelope.data, envelope.len);
	write_as(as, ".transcript", pair.transcript.data, pair.transcript.len);
	free(envelope.data);
	free(statement);
	json_decref(root);
	free(payload.data);
	test_pair_free(&pair);
}

char *pages_read(const char *name)
{
	struct test_bytes bytes = test_read(support_path(name));

	cr_assert_eq(strlen((const char *)bytes.data), bytes.len, "%s: a zero byte", name);
	return (char *)bytes.data;
}

/* Elements of reports, and whether they are closed. */
static const struct {
	const char *name;
	bool alone;
} elements[] = {{"html", false},  {"head", false},       {"meta", true},     {"title", false}, {"style", false},
                {"body", false},  {"main", false},       {"h1", false},      {"h2", false},    {"h3", false},
                {"p", false},     {"strong", false},     {"dl", false},      {"dt", false},    {"dd", false},
                {"div", false},   {"table", false},      {"caption", false}, {"span", false},  {"thead", false},
                {"tbody", false}, {"tr", false},         {"th", false},      {"td", false},    {"figure", false},
                {"img", true},    {"figcaption", false}, {"pre", false},     {"code", false}};

enum { ELEMENTS = sizeof elements / sizeof *elements, DEPTH_MAX = 16 };

static int element_at(const char *at)
{
	const size_t len = strcspn(at, " >");

	for (int i = 0; i < ELEMENTS; i++)
		if (strlen(elements[i].name) == len && strncmp(at, elements[i].name, len) == 0)
			return i;
	return -1;
}

/* Attributes are of names that reports have, in double quotes; an image is in the page. */
static const char *attributes(const char *at, const char *what)
{
	static const char *const names[] = {"lang",  "charset", "http-equiv", "content", "name",
	                                    "scope", "class",   "alt",        "src"};

	while (*at == ' ') {
		const char *value = strstr(at, "=\"");
		const size_t len = value ? (size_t)(value - at - 1) : 0;
		bool known = false;
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			known = known || (strlen(names[i]) == len && strncmp(at + 1, names[i], len) == 0);
		cr_assert(known, "%s: %.40s", what, at);
		cr_assert(len != 3 || strncmp(at + 1, "src", 3) != 0 ||
		              strncmp(value + 2, "data:image/svg+xml;base64,", 26) == 0,
		          "%s: %.60s", what, at);
		at = strchr(value + 2, '"');
		cr_assert(at, "%s", what);
		at++;
	}
	cr_assert_eq(*at, '>', "%s: %.40s", what, at);
	return at;
}

void pages_html_holds(const char *html, const char *what)
{
	int open[DEPTH_MAX], depth = 0;
	static const char doctype[] = "<!DOCTYPE html>\n";

	cr_assert_eq(strncmp(html, doctype, strlen(doctype)), 0, "%s", what);
	for (const char *at = strchr(html + strlen(doctype), '<'); at; at = strchr(at, '<')) {
		const bool closes = at[1] == '/';
		const int element = element_at(at + 1 + closes);
		cr_assert_geq(element, 0, "%s: %.40s", what, at);
		if (closes) {
			cr_assert(depth > 0 && open[depth - 1] == element, "%s: %.40s", what, at);
			depth--;
			at++;
			continue;
		}
		at = attributes(at + 1 + strlen(elements[element].name), what);
		if (!elements[element].alone) {
			cr_assert_lt(depth, DEPTH_MAX, "%s", what);
			open[depth++] = element;
		}
	}
	cr_assert_eq(depth, 0, "%s", what);
	for (const char *at = html; *at; at++)
		cr_assert(*at == '\n' || (*at >= 0x20 && *at <= 0x7e), "%s: byte %d", what, *at);
}

static unsigned cells(const char *line, size_t len)
{
	unsigned count = 0;

	for (size_t i = 0; i < len; i++) {
		if (line[i] == '\\')
			i++;
		else
			count += line[i] == '|';
	}
	return count;
}

void pages_markdown_holds(const char *markdown, const char *what)
{
	unsigned head = 0;
	bool code = false;

	for (const char *line = markdown; *line;) {
		const size_t len = strcspn(line, "\n");
		if (strncmp(line, "```", 3) == 0)
			code = !code;
		else if (!code && *line == '|' && head)
			cr_assert_eq(cells(line, len), head, "%s: %.*s", what, (int)len, line);
		else if (!code && *line == '|')
			head = cells(line, len);
		else
			head = 0;
		for (size_t i = 0; !code && i < len; i++)
			cr_assert(line[i] != '<' && line[i] != '>', "%s: %.*s", what, (int)len, line);
		line += len + (line[len] == '\n');
	}
	cr_assert_not(code, "%s: code that does not end", what);
}

void pages_hold(const char *directory, const char *what)
{
	char name[256];

	snprintf(name, sizeof name, "%s/index.html", directory);
	char *text = pages_read(name);
	pages_html_holds(text, what);
	free(text);
	snprintf(name, sizeof name, "%s/report.md", directory);
	text = pages_read(name);
	pages_markdown_holds(text, what);
	free(text);
}
