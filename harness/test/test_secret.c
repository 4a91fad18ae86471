/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing keys as files: who may read them, what is refused, and that OpenSSL and the harness read each other's. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sodium.h>

#include "harness/secret.h"
#include "harness/test/support.h"
#include "verify/key.h"

TestSuite(secret, .fini = support_leave, .timeout = 60);

static struct assay_error error;

static struct assay_secret make(const char *name)
{
	struct assay_secret secret;

	assay_secret_make(&secret);
	support_ok(assay_secret_write(&secret, support_path(name), false, &error), error);
	return secret;
}

static void refused(const char *path, const char *reason)
{
	struct assay_secret secret;

	memset(&error, 0, sizeof error);
	cr_assert_neq(assay_secret_read(&secret, path, &error), ASSAY_OK, "%s", path);
	cr_assert_str_eq(error.reason, reason, "%s: %s", path, error.text);
	cr_assert_not(strchr(error.text, '\n'));
}

static void same(const struct assay_secret *secret, const char *path)
{
	struct assay_secret read;

	support_ok(assay_secret_read(&read, path, &error), error);
	cr_assert_arr_eq(read.seed, secret->seed, 32);
	cr_assert_arr_eq(read.key, secret->key, 32);
}

static bool has_openssl(void)
{
	return support_run("openssl genpkey -algorithm ed25519") == 0;
}

Test(secret, written_and_read)
{
	uint8_t keys[2][ASSAY_KEY_BYTES];
	size_t count;

	support_enter();
	struct assay_secret secret = make("k");
	cr_assert_eq(support_mode(support_path("k")), 0600);
	cr_assert_eq(support_mode(support_path("k.pub")), 0644);
	cr_assert_eq(support_files(), 2);
	same(&secret, support_path("k"));
	support_ok(assay_keys_read(keys, &count, 2, support_path("k.pub"), &error), error);
	cr_assert_eq(count, 1);
	cr_assert_arr_eq(keys[0], secret.key, 32);
	cr_assert_eq(chmod(support_path("k"), 0400), 0);
	same(&secret, support_path("k"));
	assay_secret_forget(&secret);
	cr_assert(sodium_is_zero((const uint8_t *)&secret, sizeof secret));
}

Test(secret, two_keys_differ)
{
	support_enter();
	struct assay_secret one = make("a"), other = make("b");
	cr_assert_neq(memcmp(one.seed, other.seed, 32), 0);
	cr_assert_neq(memcmp(one.key, other.key, 32), 0);
	cr_assert_not(sodium_is_zero(one.seed, 32));
}

Test(secret, a_wide_umask_does_not_show_it)
{
	support_enter();
	umask(0);
	make("k");
	cr_assert_eq(support_mode(support_path("k")), 0600);
	cr_assert_eq(support_mode(support_path("k.pub")), 0644);
}

Test(secret, replaced_only_when_told)
{
	struct assay_secret other;

	support_enter();
	struct assay_secret secret = make("k");
	assay_secret_make(&other);
	cr_assert_eq(assay_secret_write(&other, support_path("k"), false, &error), ASSAY_ERROR_IO);
	cr_assert_str_eq(error.reason, "io.exists");
	same(&secret, support_path("k"));
	uint8_t keys[1][ASSAY_KEY_BYTES];
	size_t count;
	support_ok(assay_keys_read(keys, &count, 1, support_path("k.pub"), &error), error);
	cr_assert_arr_eq(keys[0], secret.key, 32, "the public half of the key that stays");
	support_ok(assay_secret_write(&other, support_path("k"), true, &error), error);
	same(&other, support_path("k"));
	support_ok(assay_keys_read(keys, &count, 1, support_path("k.pub"), &error), error);
	cr_assert_arr_eq(keys[0], other.key, 32);
	cr_assert_eq(support_files(), 2);
}

Test(secret, readable_by_others)
{
	support_enter();
	make("k");
	for (unsigned bit = 1; bit < 0100; bit <<= 1) {
		cr_assert_eq(chmod(support_path("k"), 0600 | bit), 0);
		refused(support_path("k"), "key.mode");
	}
}

Test(secret, damaged)
{
	char text[512], other[512];

	support_enter();
	struct assay_secret secret = make("k");
	const char *path = support_path("bad");
	size_t len = support_read(support_path("k"), text, sizeof text - 1);
	text[len] = '\0';
	cr_assert_eq(support_run("install -m 600 /dev/null $T/bad"), 0);
	refused(path, "key.malformed");
	/* Cut anywhere before the end of its last line. */
	for (size_t cut = 0; cut + 2 < len; cut++) {
		support_write(path, text, cut);
		refused(path, "key.malformed");
	}
	/* A character that has no place there, anywhere. */
	for (size_t i = 0; i + 1 < len; i++) {
		memcpy(other, text, len);
		other[i] = other[i] == '#' ? '!' : '#';
		support_write(path, other, len);
		refused(path, "key.malformed");
	}
	for (size_t i = 0; i < len; i++) {
		memcpy(other, text, len);
		other[i] = '\0';
		support_write(path, other, len);
		refused(path, "key.malformed");
	}
	/* Line ends of another system are harmless. */
	cr_assert_eq(support_run("sed 's/$/\\r/' $T/k > $T/bad"), 0);
	same(&secret, path);
	/* The public half, a directory, nothing. */
	cr_assert_eq(support_run("cat $T/k.pub > $T/bad"), 0);
	refused(path, "key.malformed");
	cr_assert_eq(mkdir(support_path("dir"), 0700), 0);
	refused(support_path("dir"), "key.malformed");
	refused(support_path("missing"), "io.open");
	refused("/dev/null/x", "io.open");
	cr_assert_eq(support_run("head -c 100000 /dev/zero | tr '\\0' x > $T/bad"), 0);
	refused(path, "key.malformed");
}

Test(secret, cannot_be_written)
{
	struct assay_secret secret;

	support_enter();
	assay_secret_make(&secret);
	cr_assert_eq(assay_secret_write(&secret, "/proc/assay-test/k", false, &error), ASSAY_ERROR_IO);
	support_write(support_path("file"), "x", 1);
	cr_assert_eq(assay_secret_write(&secret, support_path("file/k"), false, &error), ASSAY_ERROR_IO);
	cr_assert_eq(support_files(), 1);
	/* Directories above it are made, for the owner alone. */
	support_ok(assay_secret_write(&secret, support_path("a/b/k"), false, &error), error);
	cr_assert_eq(support_mode(support_path("a/b")), 0700);
}

Test(secret, openssl)
{
	support_enter();
	if (!has_openssl())
		support_missing("openssl", support_err);
	struct assay_secret secret = make("k");
	/* Ours, read by OpenSSL: the same public half, and a signature that each of the two checks. */
	cr_assert_eq(support_run("openssl pkey -in $T/k -pubout | cmp - $T/k.pub"), 0, "%s%s", support_out,
	             support_err);
	cr_assert_eq(support_run("openssl pkey -pubin -in $T/k.pub -noout -text | grep -i ed25519"), 0);
	cr_assert_eq(support_run("openssl pkey -in $T/k | cmp - $T/k"), 0, "the text is OpenSSL's own");
	uint8_t signature[64];
	assay_secret_sign(signature, &secret, "message", 7);
	support_write(support_path("sig"), signature, sizeof signature);
	support_write(support_path("msg"), "message", 7);
	cr_assert_eq(support_run("openssl pkeyutl -verify -pubin -inkey $T/k.pub -rawin -in $T/msg -sigfile $T/sig"), 0,
	             "%s%s", support_out, support_err);
	/* Theirs, read by us. */
	cr_assert_eq(support_run("umask 077; openssl genpkey -algorithm ed25519 -out $T/o && "
	                         "openssl pkey -in $T/o -pubout -out $T/o.pub"),
	             0);
	struct assay_secret other;
	uint8_t keys[1][ASSAY_KEY_BYTES];
	size_t count;
	support_ok(assay_secret_read(&other, support_path("o"), &error), error);
	support_ok(assay_keys_read(keys, &count, 1, support_path("o.pub"), &error), error);
	cr_assert_arr_eq(other.key, keys[0], 32);
	/* Other kinds of key. */
	static const char *const kinds[] = {"-algorithm rsa -pkeyopt rsa_keygen_bits:1024", "-algorithm x25519",
	                                    "-algorithm ed448", "-algorithm ec -pkeyopt ec_paramgen_curve:P-256",
	                                    "-algorithm ed25519 -aes256 -pass pass:x"};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		cr_assert_eq(support_run("umask 077; openssl genpkey %s -out $T/other", kinds[i]), 0, "%s",
		             support_err);
		refused(support_path("other"), "key.malformed");
	}
}
