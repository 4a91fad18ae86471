/* SPDX-License-Identifier: Apache-2.0
 *
 * See support.h. */
#include "verify/test/support.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <sodium.h>

#include "verify/statement.h"
#include "verify/test/vectors.h"

struct test_bytes test_read(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct test_bytes bytes = {NULL, 0};

	cr_assert(file, "cannot open %s: the tests run in the repository's root", path);
	cr_assert(fseek(file, 0, SEEK_END) == 0);
	long size = ftell(file);
	rewind(file);
	bytes.data = calloc(1, (size_t)size + 1);
	bytes.len = fread(bytes.data, 1, (size_t)size, file);
	cr_assert_eq(bytes.len, (size_t)size, "%s: cannot be read", path);
	fclose(file);
	return bytes;
}

void test_write(const char *path, const void *data, size_t len)
{
	FILE *file = fopen(path, "wb");

	cr_assert(file && fwrite(data, 1, len, file) == len && fclose(file) == 0, "cannot write %s", path);
}

void test_file_open(struct test_file *file, const void *data, size_t len)
{
	file->fd = memfd_create("test", MFD_CLOEXEC);
	cr_assert_geq(file->fd, 0);
	snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->fd);
	test_file_write(file, data, len);
}

void test_file_write(struct test_file *file, const void *data, size_t len)
{
	cr_assert(ftruncate(file->fd, (off_t)len) == 0 && pwrite(file->fd, data, len, 0) == (ssize_t)len);
}

void test_file_put(struct test_file *file, size_t at, uint8_t byte)
{
	cr_assert_eq(pwrite(file->fd, &byte, 1, (off_t)at), 1);
}

void test_file_close(struct test_file *file)
{
	close(file->fd);
}

struct assay_policy test_policy(void)
{
	static uint8_t keys[1][ASSAY_KEY_BYTES], verifiers[1][ASSAY_KEY_BYTES];
	struct assay_error error;
	size_t count, verifiers_count;

	cr_assert_eq(assay_keys_read(keys, &count, 1, "verify/vectors/good/key.pem", &error), ASSAY_OK);
	cr_assert_eq(assay_keys_read(verifiers, &verifiers_count, 1, "verify/vectors/good/verifier.pem", &error),
	             ASSAY_OK);
	return (struct assay_policy){.trusted = (const uint8_t(*)[ASSAY_KEY_BYTES])keys,
	                             .trusted_count = count,
	                             .verifiers = (const uint8_t(*)[ASSAY_KEY_BYTES])verifiers,
	                             .verifiers_count = verifiers_count};
}

struct test_pair test_pair_read(const char *name)
{
	struct test_pair pair;
	char path[256];

	snprintf(path, sizeof path, "verify/vectors/%s.intoto.json", name);
	pair.envelope = test_read(path);
	snprintf(path, sizeof path, "verify/vectors/%s.transcript", name);
	pair.transcript = test_read(path);
	return pair;
}

void test_pair_free(struct test_pair *pair)
{
	free(pair->envelope.data);
	free(pair->transcript.data);
}

struct test_outcome test_outcome_of(const struct assay_verdict *verdict)
{
	struct test_outcome result = {verdict->outcome, ASSAY_REASON_NONE, verdict->assurance};

	for (int id = 0; id < ASSAY_CHECK_COUNT && !result.reason; id++)
		if (verdict->checks[id].reason != ASSAY_REASON_PROFILE_UNKNOWN)
			result.reason = verdict->checks[id].reason;
	return result;
}

struct test_outcome test_verify(const char *envelope, const char *transcript)
{
	static struct assay_policy policy;
	struct assay_verdict verdict;

	if (!policy.trusted)
		policy = test_policy();
	enum assay_status status = assay_verify(&verdict, envelope, transcript, &policy);
	cr_assert_eq(status, ASSAY_OK, "%s: %s", envelope, verdict.error.text);
	const struct test_outcome result = test_outcome_of(&verdict);
	assay_verdict_close(&verdict);
	return result;
}

struct test_bytes test_payload(const struct test_bytes *text)
{
	struct assay_envelope envelope;

	cr_assert(assay_envelope_parse(&envelope, ASSAY_TYPE_STATEMENT, (const char *)text->data, text->len));
	return (struct test_bytes){envelope.payload, envelope.payload_len};
}

struct test_bytes test_sign(const void *payload, size_t len)
{
	static uint8_t public_key[32], secret_key[64];
	static bool have_key;
	struct assay_envelope envelope = {.type = ASSAY_TYPE_STATEMENT, .payload = malloc(len + 1), .payload_len = len};
	size_t pae_len;

	if (!have_key) {
		struct vectors *vectors = vectors_open("keys");
		vectors_select(vectors, "good");
		crypto_sign_seed_keypair(public_key, secret_key, vectors_hash(vectors, "seed"));
		vectors_close(vectors);
		have_key = true;
	}
	memcpy(envelope.payload, payload, len);
	assay_keyid(envelope.keyid, public_key);
	uint8_t *pae = assay_envelope_pae(&envelope, &pae_len);
	crypto_sign_detached(envelope.signature, NULL, pae, pae_len, secret_key);
	char *text = assay_envelope_text(&envelope);
	cr_assert(text);
	free(pae);
	free(envelope.payload);
	return (struct test_bytes){(uint8_t *)text, strlen(text)};
}

bool test_replace(struct test_bytes *bytes, const void *from, const void *to, size_t len)
{
	uint8_t *at = memmem(bytes->data, bytes->len, from, len);

	if (!at || memmem(at + 1, bytes->len - (size_t)(at + 1 - bytes->data), from, len))
		return false;
	memcpy(at, to, len);
	return true;
}

int test_run(char *output, size_t size, const char *format, ...)
{
	char command[4096], spare[4096];
	va_list arguments;
	size_t len = 0;

	va_start(arguments, format);
	cr_assert_lt(vsnprintf(command, sizeof command, format, arguments), (int)sizeof command);
	va_end(arguments);
	FILE *pipe = popen(command, "r");
	cr_assert(pipe, "cannot run %s", command);
	if (output)
		len = fread(output, 1, size - 1, pipe);
	while (fread(spare, 1, sizeof spare, pipe) > 0)
		;
	if (output)
		output[len] = '\0';
	int status = pclose(pipe);
	cr_assert(WIFEXITED(status), "%s did not exit by itself", command);
	return WEXITSTATUS(status);
}

void test_need(const char *command)
{
	if (test_run(NULL, 0, "command -v %s >/dev/null", command) != 0) {
		fprintf(stderr, "SKIPPED: %s is not installed\n", command);
		cr_skip("%s is not installed", command);
	}
}

const char *test_build(void)
{
	const char *build = getenv("ASSAY_BUILD");
	return build && *build ? build : "build";
}

void test_directory_make(char path[64])
{
	snprintf(path, 64, "%s/assay-test-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	cr_assert(mkdtemp(path));
}

void test_directory_remove(const char *path)
{
	test_run(NULL, 0, "rm -rf '%s'", path);
}

uint64_t test_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}
