/* SPDX-License-Identifier: Apache-2.0
 *
 * See token.h. */
#include "harness/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

enum { FILE_MAX = 4096 };

static char hidden[ASSAY_TOKEN_MAX + 2]; /* one too long shows as such */

void assay_token_hide(void)
{
	char *given = getenv("ASSAY_TOKEN");

	if (!given)
		return;
	snprintf(hidden, sizeof hidden, "%s", given);
	sodium_memzero(given, strlen(given));
	unsetenv("ASSAY_TOKEN");
}

void assay_token_forget(char token[ASSAY_TOKEN_MAX + 1])
{
	sodium_memzero(token, ASSAY_TOKEN_MAX + 1);
	sodium_memzero(hidden, sizeof hidden);
}

/* One word of what RFC 6750 lets a token be, and space around it. */
static bool word_take(char token[ASSAY_TOKEN_MAX + 1], const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
	const char *first = text + strspn(text, " \t\r\n");
	const size_t len = strspn(first, letters);

	if (len == 0 || len > ASSAY_TOKEN_MAX || first[len + strspn(first + len, " \t\r\n")] != '\0')
		return false;
	memcpy(token, first, len);
	token[len] = '\0';
	return true;
}

static enum assay_status file_read(char token[ASSAY_TOKEN_MAX + 1], const char *path, struct assay_error *error)
{
	char text[FILE_MAX + 1];
	struct stat info;
	size_t len = 0;
	ssize_t more = 0;

	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0 || fstat(file, &info) != 0) {
		const int cause = errno;
		if (file >= 0)
			close(file);
		return assay_fail(error, ASSAY_ERROR_IO, "io.open",
		                  "%s: %s; name the file with your token (--token-file)", path, strerror(cause));
	}
	if (info.st_mode & 077) {
		close(file);
		return assay_fail(error, ASSAY_ERROR_INPUT, "token.mode",
		                  "%s: others can read this token; make it private: chmod 600 %s", path, path);
	}
	while (len < FILE_MAX && (more = read(file, text + len, FILE_MAX - len)) > 0)
		len += (size_t)more;
	close(file);
	text[len] = '\0';
	const bool good = more == 0 && len < FILE_MAX && strlen(text) == len && word_take(token, text);
	sodium_memzero(text, sizeof text);
	return good
	           ? ASSAY_OK
	           : assay_fail(error, ASSAY_ERROR_INPUT, "token.malformed",
	                        "%s: holds no token, which is one word of at most %d letters, digits and -._~+/=", path,
	                        ASSAY_TOKEN_MAX);
}

enum assay_status assay_token_get(char token[ASSAY_TOKEN_MAX + 1], const char *path, struct assay_error *error)
{
	const char *named = path ? path : getenv("ASSAY_TOKEN_FILE");

	*token = '\0';
	if (named && *named)
		return file_read(token, named, error);
	if (!*hidden)
		return assay_fail(
		    error, ASSAY_ERROR_INPUT, "token.missing",
		    "a verifier at a URL asks for a token: put the one that it gave you into a file "
		    "(chmod 600) and name that with --token-file or ASSAY_TOKEN_FILE, or set ASSAY_TOKEN");
	return word_take(token, hidden)
	           ? ASSAY_OK
	           : assay_fail(error, ASSAY_ERROR_INPUT, "token.malformed",
	                        "ASSAY_TOKEN is no token, which is one word of at most %d letters, "
	                        "digits and -._~+/=",
	                        ASSAY_TOKEN_MAX);
}
