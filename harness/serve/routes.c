/* SPDX-License-Identifier: Apache-2.0
 *
 * See routes.h. */
#include "harness/serve/routes.h"

#include <stdio.h>
#include <string.h>

const struct assay_route assay_routes[] = {
    {"GET", "/v1/key", NULL, assay_handle_key, false, false},
    {"POST", "/v1/challenges", NULL, assay_handle_issue, false, true},
    {"GET", "/v1/challenges/{id}", NULL, assay_handle_state, false, false},
    {"GET", "/v1/challenges/{id}/challenge", NULL, assay_handle_challenge, false, false},
    {"POST", "/v1/challenges/{id}/messages", NULL, assay_handle_message, false, true},
    {"GET", "/v1/challenges/{id}/receipts", NULL, assay_handle_receipts, false, false},
    {"PUT", "/v1/challenges/{id}/attestation", assay_begin_attestation, assay_handle_attestation, true, true},
    {"GET", "/v1/challenges/{id}/attestation", NULL, assay_handle_attestation_get, false, false},
    {"PUT", "/v1/challenges/{id}/transcript", assay_begin_transcript, assay_handle_transcript, true, true},
    {"GET", "/v1/challenges/{id}/transcript", NULL, assay_handle_transcript_get, false, false},
    {"GET", "/v1/challenges/{id}/verdict", NULL, assay_handle_verdict, false, false},
    {"GET", "/v1/keys/{id}", NULL, assay_handle_holder, false, false},
    {"GET", "/v1/revocations", NULL, assay_handle_revocations, false, false},
    {"GET", "/v1/openapi.json", NULL, assay_handle_openapi, false, false},
    {"GET", "/healthz", NULL, assay_handle_health, false, false},
    {"GET", "/metrics", NULL, assay_handle_metrics, false, false},
    {NULL, NULL, NULL, NULL, false, false}};

size_t assay_routes_count(void)
{
	return sizeof assay_routes / sizeof *assay_routes - 1;
}

/* 64 hex digits in the place of {id}. */
static bool is_path(const char *pattern, const char *path, char id[ASSAY_HEX_MAX])
{
	const char *brace = strchr(pattern, '{');
	const size_t before = brace ? (size_t)(brace - pattern) : 0;

	*id = '\0';
	if (!brace)
		return strcmp(pattern, path) == 0;
	if (strncmp(pattern, path, before) != 0 || strspn(path + before, "0123456789abcdef") != ASSAY_HEX_MAX - 1 ||
	    strcmp(path + before + ASSAY_HEX_MAX - 1, strchr(brace, '}') + 1) != 0)
		return false;
	snprintf(id, ASSAY_HEX_MAX, "%.64s", path + before);
	return true;
}

/* HEAD is GET without its body. */
static bool is_method(const struct assay_route *route, const char *method)
{
	return strcmp(route->method, method) == 0 || (strcmp(route->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

const struct assay_route *assay_route_find(const char *method, const char *path, char id[ASSAY_HEX_MAX],
                                           const char **allow)
{
	bool has_get = false, has_put = false, has_post = false;

	*allow = NULL;
	for (const struct assay_route *route = assay_routes; route->method; route++) {
		if (!is_path(route->path, path, id))
			continue;
		if (is_method(route, method))
			return route;
		has_get = has_get || strcmp(route->method, "GET") == 0;
		has_put = has_put || strcmp(route->method, "PUT") == 0;
		has_post = has_post || strcmp(route->method, "POST") == 0;
	}
	*id = '\0';
	if (has_get || has_put || has_post)
		*allow = has_post ? "POST" : has_put ? "GET, HEAD, PUT" : "GET, HEAD";
	return NULL;
}
