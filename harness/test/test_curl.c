/* SPDX-License-Identifier: Apache-2.0
 *
 * What harness/curl.h says of libcurl is what libcurl's own header says, where that is installed; and the library is
 * found, or missed in one line. */
#if __has_include(<curl/curl.h>)
#define CURL_DISABLE_DEPRECATION
#include <curl/curl.h>
#endif

#include "harness/curl.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "harness/test/support.h"

TestSuite(curl, .fini = support_leave, .timeout = 60);

#ifdef CURLINC_CURL_H
#define SAME(name, value) _Static_assert((long)(name) == (long)(value), "differs from libcurl's header");
CURL_CONSTANTS(SAME)
#undef SAME
_Static_assert(offsetof(struct curl_slist, data) == 0 && offsetof(struct curl_slist, next) == sizeof(char *) &&
                   sizeof(struct curl_slist) == 2 * sizeof(char *),
               "differs from libcurl's header");
_Static_assert(sizeof(curl_off_t) == sizeof(int64_t) && sizeof(CURLcode) == sizeof(int) &&
                   sizeof(CURLoption) == sizeof(int) && sizeof(CURLINFO) == sizeof(int),
               "differs from libcurl's header");
#endif

/* The values above were compared when this was compiled. */
Test(curl, header_is_known)
{
#ifndef CURLINC_CURL_H
	support_missing("curl", "libcurl's header is not installed");
#endif
}

Test(curl, is_found)
{
	const struct curl *curl;
	struct assay_error error;

	if (assay_curl_load(&curl, &error) != ASSAY_OK)
		support_missing("curl", error.text);
	void *easy = curl->easy_init();
	cr_assert(easy);
	cr_assert_eq(curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L), CURLE_OK);
	curl->easy_cleanup(easy);
}

/* No such file, and libraries that are another one. */
Test(curl, is_missed)
{
	static const char *const names[] = {"/nowhere/libcurl.so.4", "libm.so.6"};

	support_enter();
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const int code =
		    support_run("cd $T && $A keygen -o k >/dev/null && ASSAY_TOKEN=t ASSAY_CURL_LIBRARY=%s $A run "
		                "--verifier https://127.0.0.1:1 -d cpu -k k -o x; e=$?; rm -f k*; exit $e",
		                names[i]);
		cr_assert_eq(code, 3);
		cr_expect(strstr(support_err, "(verifier.library)") && strstr(support_err, "install"), "%s",
		          support_err);
		cr_expect_eq(strchr(support_err, '\n'), strrchr(support_err, '\n'), "one line: %s", support_err);
		cr_expect_eq(support_files(), 0);
	}
}
