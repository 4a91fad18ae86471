/* SPDX-License-Identifier: Apache-2.0
 *
 * libcurl by dlopen: $ASSAY_CURL_LIBRARY, else libcurl.so.4, else libcurl-gnutls.so.4. Values of its stable ABI;
 * source: curl/curl.h and curl/easy.h of libcurl 7.66 to 8, with which test_curl.c compares them where that header is
 * there. */
#ifndef HARNESS_CURL_H
#define HARNESS_CURL_H

#include <stddef.h>

#include "verify/bytes.h"

/* X(name, value) */
#define CURL_CONSTANTS(X)                        \
	X(CURLOPT_WRITEDATA, 10001)              \
	X(CURLOPT_URL, 10002)                    \
	X(CURLOPT_READDATA, 10009)               \
	X(CURLOPT_ERRORBUFFER, 10010)            \
	X(CURLOPT_WRITEFUNCTION, 20011)          \
	X(CURLOPT_READFUNCTION, 20012)           \
	X(CURLOPT_POSTFIELDS, 10015)             \
	X(CURLOPT_USERAGENT, 10018)              \
	X(CURLOPT_LOW_SPEED_LIMIT, 19)           \
	X(CURLOPT_LOW_SPEED_TIME, 20)            \
	X(CURLOPT_HTTPHEADER, 10023)             \
	X(CURLOPT_HEADERDATA, 10029)             \
	X(CURLOPT_SSLVERSION, 32)                \
	X(CURLOPT_NOPROGRESS, 43)                \
	X(CURLOPT_UPLOAD, 46)                    \
	X(CURLOPT_XFERINFODATA, 10057)           \
	X(CURLOPT_CAINFO, 10065)                 \
	X(CURLOPT_HEADERFUNCTION, 20079)         \
	X(CURLOPT_HTTPGET, 80)                   \
	X(CURLOPT_HTTP_VERSION, 84)              \
	X(CURLOPT_CAPATH, 10097)                 \
	X(CURLOPT_SHARE, 10100)                  \
	X(CURLOPT_NOSIGNAL, 99)                  \
	X(CURLOPT_INFILESIZE_LARGE, 30115)       \
	X(CURLOPT_POSTFIELDSIZE_LARGE, 30120)    \
	X(CURLOPT_TIMEOUT_MS, 155)               \
	X(CURLOPT_CONNECTTIMEOUT_MS, 156)        \
	X(CURLOPT_SEEKFUNCTION, 20167)           \
	X(CURLOPT_SEEKDATA, 10168)               \
	X(CURLOPT_NOPROXY, 10177)                \
	X(CURLOPT_PROTOCOLS, 181)                \
	X(CURLOPT_TCP_KEEPALIVE, 213)            \
	X(CURLOPT_TCP_KEEPIDLE, 214)             \
	X(CURLOPT_TCP_KEEPINTVL, 215)            \
	X(CURLOPT_XFERINFOFUNCTION, 20219)       \
	X(CURLOPT_SUPPRESS_CONNECT_HEADERS, 265) \
	X(CURLOPT_HTTP09_ALLOWED, 285)           \
	X(CURLINFO_RESPONSE_CODE, 0x200002)      \
	X(CURLINFO_RETRY_AFTER, 0x600039)        \
	X(CURLSHOPT_SHARE, 1)                    \
	X(CURL_LOCK_DATA_CONNECT, 5)             \
	X(CURLPROTO_HTTP, 1)                     \
	X(CURLPROTO_HTTPS, 2)                    \
	X(CURL_SSLVERSION_TLSv1_2, 6)            \
	X(CURL_HTTP_VERSION_1_1, 2)              \
	X(CURL_ERROR_SIZE, 256)                  \
	X(CURL_READFUNC_ABORT, 0x10000000)       \
	X(CURL_GLOBAL_DEFAULT, 3)                \
	X(CURLE_OK, 0)                           \
	X(CURLE_WRITE_ERROR, 23)                 \
	X(CURLE_OUT_OF_MEMORY, 27)               \
	X(CURLE_ABORTED_BY_CALLBACK, 42)         \
	X(CURLE_PEER_FAILED_VERIFICATION, 60)    \
	X(CURLE_SSL_CACERT_BADFILE, 77)

/* Not where the real header was included before. */
#ifndef CURLINC_CURL_H
enum {
#define CURL_ENUMERATOR(name, value) name = value,
	CURL_CONSTANTS(CURL_ENUMERATOR)
#undef CURL_ENUMERATOR
};

struct curl_slist {
	char *data;
	struct curl_slist *next;
};
#endif

/* X(member, result, parameters, symbol): a library has all of them. CURL * and CURLSH * are void *, CURLcode,
 * CURLoption and their like are int. */
#define CURL_FUNCTIONS(X)                                                                                       \
	X(global_init, int, (long flags), "curl_global_init")                                                   \
	X(easy_init, void *, (void), "curl_easy_init")                                                          \
	X(easy_setopt, int, (void *easy, int option, ...), "curl_easy_setopt")                                  \
	X(easy_perform, int, (void *easy), "curl_easy_perform")                                                 \
	X(easy_getinfo, int, (void *easy, int info, ...), "curl_easy_getinfo")                                  \
	X(easy_strerror, const char *, (int code), "curl_easy_strerror")                                        \
	X(easy_cleanup, void, (void *easy), "curl_easy_cleanup")                                                \
	X(share_init, void *, (void), "curl_share_init")                                                        \
	X(share_setopt, int, (void *share, int option, ...), "curl_share_setopt")                               \
	X(share_cleanup, int, (void *share), "curl_share_cleanup")                                              \
	X(slist_append, struct curl_slist *, (struct curl_slist * list, const char *line), "curl_slist_append") \
	X(slist_free_all, void, (struct curl_slist * list), "curl_slist_free_all")

struct curl {
#define CURL_MEMBER(member, result, parameters, symbol) result(*member) parameters;
	CURL_FUNCTIONS(CURL_MEMBER)
#undef CURL_MEMBER
};

/* Loaded and started once a process, before it has threads. Errors: verifier.library. */
enum assay_status assay_curl_load(const struct curl **curl, struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
