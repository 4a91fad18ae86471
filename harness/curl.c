/* SPDX-License-Identifier: Apache-2.0
 *
 * See curl.h. */
#include "harness/curl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

static struct curl curl;
static enum { MISSING, UNFIT, STARTED } state;
static pthread_once_t loaded = PTHREAD_ONCE_INIT;

static void load(void)
{
	static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
	const char *given = getenv("ASSAY_CURL_LIBRARY");
	void *library = NULL;
	bool whole = true;

	if (given && *given)
		library = dlopen(given, RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; !(given && *given) && !library && i < sizeof names / sizeof *names; i++)
		library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return;
#define CURL_LOAD(member, result, parameters, symbol)    \
	*(void **)&curl.member = dlsym(library, symbol); \
	whole = whole && curl.member;
	CURL_FUNCTIONS(CURL_LOAD)
#undef CURL_LOAD
	state = whole && curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? STARTED : UNFIT;
}

enum assay_status assay_curl_load(const struct curl **library, struct assay_error *error)
{
	pthread_once(&loaded, load);
	*library = &curl;
	if (state == MISSING)
		return assay_fail(error, ASSAY_ERROR_IO, "verifier.library",
		                  "libcurl is not there, and a verifier at a URL is reached with it: install it "
		                  "(Debian, Ubuntu: apt-get install libcurl4), or exchange files (--challenge)");
	if (state == UNFIT)
		return assay_fail(error, ASSAY_ERROR_IO, "verifier.library",
		                  "libcurl does not start, or is no libcurl 4: install it anew "
		                  "(Debian, Ubuntu: apt-get install --reinstall libcurl4)");
	return ASSAY_OK;
}
