/* SPDX-License-Identifier: Apache-2.0
 *
 * What assay-serve says of itself: metrics, health, openapi.json. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "harness/measure.h"
#include "harness/serve/routes.h"
#include "harness/test/serving.h"
#include "harness/test/support.h"
#include "verify/test/support.h"

TestSuite(serve_says, .timeout = 120);

static struct serving serving;

/* Each line is a comment of the two kinds or a sample of the name that the comments before it are about. */
static void exposition_check(char *text)
{
	char name[128] = "", type[32] = "";
	unsigned samples = 0;

	cr_assert_eq(text[strlen(text) - 1], '\n');
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char *end;
		if (strncmp(line, "# HELP ", 7) == 0) {
			cr_expect_eq(sscanf(line, "# HELP %127[a-z_] ", name), 1, "%s", line);
			continue;
		}
		if (strncmp(line, "# TYPE ", 7) == 0) {
			char again[128];
			cr_expect_eq(sscanf(line, "# TYPE %127[a-z_] %31[a-z]", again, type), 2, "%s", line);
			cr_expect_str_eq(again, name);
			cr_expect(strcmp(type, "counter") == 0 || strcmp(type, "gauge") == 0 ||
			          strcmp(type, "summary") == 0);
			continue;
		}
		cr_expect_eq(strncmp(line, name, strlen(name)), 0, "%s after %s", line, name);
		size_t at = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
		if (line[at] == '{') {
			end = strrchr(line, '}');
			cr_assert(end, "%s", line);
			at = (size_t)(end - line) + 1;
		}
		cr_assert_eq(line[at], ' ', "%s", line);
		strtod(line + at + 1, &end);
		cr_expect(end > line + at + 1 && *end == '\0', "%s", line);
		samples++;
	}
	cr_expect_gt(samples, 16);
}

Test(serve_says, metrics_and_health)
{
	serving_enter(&serving, "");
	serving_start(&serving, "");
	cr_expect_str_eq(serving_member(&serving, "/healthz", "status"), "ok");
	serving_refused(serving_get(&serving, "/nothing"), 404, "path.unknown");
	struct serving_reply reply = serving_get(&serving, "/metrics");
	cr_expect(strstr(reply.head, "text/plain; version=0.0.4"));
	cr_expect(strstr(reply.body, "\nassay_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"} 1\n"));
	cr_expect(strstr(reply.body, "\nassay_requests_total{method=\"other\",route=\"other\",status=\"404\"} 1\n"));
	cr_expect(strstr(reply.body, "\nassay_faults_total 0\n"));
	if (test_run(NULL, 0, "command -v promtool >/dev/null") == 0) {
		support_write(support_path("metrics"), reply.body, reply.len);
		cr_expect_eq(support_run("promtool check metrics <$T/metrics"), 0, "%s", support_err);
	}
	exposition_check(reply.body);
	serving_free(&reply);
	/* Without its store it is not well, from when it counts again. */
	serving_sql("DROP TABLE steps; DROP TABLE challenges");
	usleep(1000000);
	serving_refused(serving_get(&serving, "/metrics"), 500, "server.error");
	serving_leave(&serving);
}

/* What anybody may ask for does not keep the server from its work: a large store is not counted each time. */
Test(serve_says, metrics_are_cheap)
{
	enum { ASKED = 20 };
	uint64_t took_ns[2];

	serving_enter(&serving, "");
	serving_sql("INSERT INTO keys (keyid, key, enrolled) VALUES ('k', x'00', 1);"
	            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)"
	            " INSERT INTO challenges (id, token, keyid, envelope, issued, expires, total, stage, outcome)"
	            " SELECT hex(randomblob(32)), 'one', 'k', '', 1, 2, 3, 2, 'pass' FROM n");
	serving_start(&serving, "");
	for (size_t i = 0; i < 2; i++) {
		const uint64_t start_ns = assay_clock_ns();
		for (int n = 0; n < (i ? ASKED : 1); n++)
			serving_is(serving_get(&serving, "/metrics"), 200, NULL, 0);
		took_ns[i] = assay_clock_ns() - start_ns;
	}
	cr_expect_lt(took_ns[1], ASKED / 2 * took_ns[0], "%.1f and %.1f ms", (double)took_ns[0] / 1e6,
	             (double)took_ns[1] / 1e6);
	serving_leave(&serving);
}

static bool has_reason(const json_t *list, const char *reason)
{
	size_t i;
	json_t *each;

	json_array_foreach(list, i, each) if (strcmp(json_string_value(each), reason) == 0) return true;
	return false;
}

/* The reasons of one answer. */
static json_t *reasons_of(const json_t *response)
{
	json_t *content = json_object_get(json_object_get(response, "content"), "application/json");
	json_t *all = json_object_get(json_object_get(content, "schema"), "allOf");

	return json_object_get(json_object_get(json_object_get(json_array_get(all, 1), "properties"), "reason"),
	                       "enum");
}

/* Every path, method and reason that the server knows stands in openapi.json, and the reverse; each reason under its
 * status. */
Test(serve_says, openapi)
{
	json_t *root = json_loadb((const char *)assay_openapi, assay_openapi_len, JSON_REJECT_DUPLICATES, NULL);
	json_t *paths = json_object_get(root, "paths"), *path, *operation, *response;
	json_t *reasons = json_object_get(
	    json_object_get(json_object_get(json_object_get(root, "components"), "schemas"), "Reason"), "enum");
	const char *name, *method, *status;
	size_t operations = 0, causes = 0, i;
	json_t *each;

	cr_assert(root);
	for (const struct assay_route *route = assay_routes; route->method; route++) {
		char lower[8];
		for (i = 0; (lower[i] = (char)tolower(route->method[i])); i++)
			;
		cr_expect(json_object_get(json_object_get(paths, route->path), lower), "%s %s", route->method,
		          route->path);
	}
	json_object_foreach(paths, name, path)
	{
		json_object_foreach(path, method, operation)
		{
			if (strcmp(method, "parameters") == 0)
				continue;
			operations++;
			json_object_foreach(json_object_get(operation, "responses"), status, response)
			{
				json_array_foreach(reasons_of(response), i, each)
				{
					const struct assay_cause *cause = assay_causes;
					while (cause->reason && strcmp(cause->reason, json_string_value(each)) != 0)
						cause++;
					cr_assert(cause->reason, "%s", json_string_value(each));
					cr_expect_eq(cause->status, strtoul(status, NULL, 10), "%s %s: %s", method,
					             name, cause->reason);
				}
			}
		}
	}
	cr_expect_eq(operations, assay_routes_count());
	for (const struct assay_cause *cause = assay_causes; cause->reason; cause++, causes++)
		cr_expect(has_reason(reasons, cause->reason), "%s", cause->reason);
	cr_expect_eq(causes, json_array_size(reasons));
	json_decref(root);
}

/* What a token asks for, in words; in JSON it is what it was. */
Test(serve_says, terms_of_tokens)
{
	static const struct {
		const char *options, *words;
	} each[] = {
	    {"--devices 1 --memory cpu -p quick -w sha256 --samples 128 --expires 60s",
	     "quick, sha256, 1 CPU, 128 samples, within 60 s"},
	    {"--devices 8 --memory 80GB -p standard --leased 2 --expires 24h --per-day 24 --keys 9",
	     "standard, all workloads, 8 devices of 80 GiB beside 2 that are let, 256 samples, within 24 h"},
	    {"--devices 2 --row large -p soak -w memory,sha256 --table 512MiB --duration 1h --expires 7d",
	     "soak, memory,sha256, 2 devices of row large, a table of 512 MiB, 60 min of each, 256 samples, within 7 "
	     "d"},
	};
	enum { COUNT = sizeof each / sizeof *each };

	support_enter();
	for (size_t i = 0; i < COUNT; i++)
		cr_assert_eq(support_run("$A serve token -s $T/store t%zu %s", i, each[i].options), 0, "%s",
		             support_err);
	cr_assert_eq(support_run("$A serve list -s $T/store"), 0, "%s", support_err);
	for (size_t i = 0; i < COUNT; i++)
		cr_expect(strstr(support_out, each[i].words), "%s: %s", each[i].words, support_out);
	cr_expect(strstr(support_out, "0 of 9 keys, 0 of 24 challenges within 24 h\n"), "%s", support_out);
	cr_expect_null(strchr(support_out, '{'), "%s", support_out);
	cr_assert_eq(support_run("$A serve list -s $T/store --json"), 0, "%s", support_err);
	json_t *root = json_loads(support_out, 0, NULL);
	const json_t *token = json_array_get(json_object_get(root, "tokens"), 1);
	const json_t *terms = json_object_get(token, "terms");
	cr_expect_eq(json_integer_value(json_object_get(terms, "devices")), 8);
	cr_expect_eq(json_integer_value(json_object_get(terms, "expires")), 86400);
	cr_expect_eq(json_integer_value(json_object_get(token, "perDay")), 24);
	json_decref(root);
	support_leave();
}
