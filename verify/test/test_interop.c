/* SPDX-License-Identifier: Apache-2.0
 *
 * Other people's tools read the same bytes: openssl the key and the DSSE signature, sha256sum the digests. SPEC 1.4, 8.
 */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "verify/key.h"
#include "verify/statement.h"
#include "verify/test/support.h"

#define KEY "verify/vectors/good/key.pem"

static char directory[64];
static struct assay_envelope envelope;

/* pae, payload and sig: what is signed, what it holds, and the raw signature. */
static void setup(void)
{
	struct test_bytes text = test_read("verify/vectors/good/quick-host.intoto.json");
	char path[128];
	size_t pae_len;

	test_directory_make(directory);
	cr_assert(assay_envelope_parse(&envelope, ASSAY_TYPE_STATEMENT, (const char *)text.data, text.len));
	uint8_t *pae = assay_envelope_pae(&envelope, &pae_len);
	snprintf(path, sizeof path, "%s/pae", directory);
	test_write(path, pae, pae_len);
	snprintf(path, sizeof path, "%s/payload", directory);
	test_write(path, envelope.payload, envelope.payload_len);
	snprintf(path, sizeof path, "%s/sig", directory);
	test_write(path, envelope.signature, 64);
	free(pae);
	free(text.data);
}

static void teardown(void)
{
	free(envelope.payload);
	test_directory_remove(directory);
}

TestSuite(interop, .init = setup, .fini = teardown);

static int openssl_verify(const char *key, const char *message, const char *signature)
{
	return test_run(NULL, 0, "cd %s && openssl pkeyutl -verify -rawin -pubin -inkey %s -in %s -sigfile %s 2>&1",
	                directory, key, message, signature);
}

Test(interop, openssl_verifies_the_signature)
{
	char key[256];

	test_need("openssl");
	cr_assert(realpath(KEY, key));
	cr_expect_eq(openssl_verify(key, "pae", "sig"), 0);
	cr_expect_neq(openssl_verify(key, "payload", "sig"), 0, "the payload alone is not what is signed");

	/* A flipped bit at either side, and another key. */
	cr_assert_eq(test_run(NULL, 0, "cd %s && (cat pae; printf x) >longer && head -c -1 pae >shorter", directory),
	             0);
	cr_expect_neq(openssl_verify(key, "longer", "sig"), 0);
	cr_expect_neq(openssl_verify(key, "shorter", "sig"), 0);
	char path[128];
	snprintf(path, sizeof path, "%s/flipped", directory);
	envelope.signature[5] ^= 1;
	test_write(path, envelope.signature, 64);
	cr_expect_neq(openssl_verify(key, "pae", "flipped"), 0);
	cr_assert_eq(
	    test_run(NULL, 0, "cd %s && openssl genpkey -algorithm ed25519 | openssl pkey -pubout >other", directory),
	    0);
	cr_expect_neq(openssl_verify("other", "pae", "sig"), 0);
}

/* The same from nothing but the file: base64, and a PAE by printf. */
Test(interop, a_shell_verifies_the_file)
{
	static const char script[] =
	    "f=verify/vectors/good/quick-host.intoto.json; d=%s\n"
	    "sed 's/{\"payload\":\"\\([^\"]*\\)\".*/\\1/' $f | tr -d '\\n' | base64 -d >$d/p || exit 9\n"
	    "sed 's/.*\"sig\":\"\\([^\"]*\\)\".*/\\1/' $f | tr -d '\\n' | base64 -d >$d/s || exit 9\n"
	    "{ printf 'DSSEv1 28 application/vnd.in-toto+json %%d ' $(wc -c <$d/p); cat $d/p; } >$d/m\n"
	    "openssl pkeyutl -verify -rawin -pubin -inkey " KEY " -in $d/m -sigfile $d/s >/dev/null\n";

	test_need("openssl");
	test_need("base64");
	cr_expect_eq(test_run(NULL, 0, script, directory), 0);
	cr_expect_eq(
	    test_run(NULL, 0, "cmp %s/m %s/pae && cmp %s/s %s/sig", directory, directory, directory, directory), 0);
}

Test(interop, openssl_writes_the_same_key)
{
	char other[1024], ours[ASSAY_PEM_MAX], keyid[65];
	uint8_t keys[1][ASSAY_KEY_BYTES];
	size_t count;

	test_need("openssl");
	cr_assert_eq(assay_keys_read(keys, &count, 1, KEY, NULL), ASSAY_OK);
	cr_assert_eq(test_run(other, sizeof other, "openssl pkey -pubin -in " KEY), 0);
	assay_key_pem(ours, keys[0]);
	cr_expect_str_eq(ours, other);
	struct test_bytes file = test_read(KEY);
	cr_expect_str_eq((char *)file.data, other);
	free(file.data);

	cr_assert_eq(test_run(other, sizeof other,
	                      "openssl pkey -pubin -in " KEY
	                      " -outform DER | openssl dgst -sha256 -r | cut -c1-64 | tr -d '\\n'"),
	             0);
	assay_keyid(keyid, keys[0]);
	cr_expect_str_eq(keyid, other);
	cr_expect_str_eq(keyid, envelope.keyid);
}

/* A key that openssl made is read, whatever line ends it went through; its private half and other kinds are not. */
Test(interop, keys_that_openssl_made)
{
	uint8_t keys[2][ASSAY_KEY_BYTES];
	struct assay_error error;
	size_t count;
	char path[128];

	test_need("openssl");
	cr_assert_eq(
	    test_run(NULL, 0,
	             "cd %s && openssl genpkey -algorithm ed25519 -out secret.pem && openssl pkey -in secret.pem "
	             "-pubout -out a.pub && sed 's/$/\\r/' a.pub >b.pub && openssl pkey -in secret.pem -text_pub "
	             "-pubout -out c.pub && openssl genpkey -algorithm x25519 | openssl pkey -pubout -out x.pub && "
	             "openssl ecparam -name prime256v1 -genkey -noout | openssl ec -pubout -out e.pub 2>/dev/null",
	             directory),
	    0);
	static const struct {
		const char *name;
		enum assay_status status;
	} table[] = {{"a.pub", ASSAY_OK},          {"b.pub", ASSAY_OK},          {"c.pub", ASSAY_OK},
	             {"x.pub", ASSAY_ERROR_INPUT}, {"e.pub", ASSAY_ERROR_INPUT}, {"secret.pem", ASSAY_ERROR_INPUT}};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		snprintf(path, sizeof path, "%s/%s", directory, table[i].name);
		cr_expect_eq(assay_keys_read(keys, &count, 2, path, &error), table[i].status, "%s: %s", table[i].name,
		             error.text);
	}
}

Test(interop, sha256sum_finds_the_digests)
{
	char sum[65];

	test_need("sha256sum");
	cr_assert_eq(test_run(sum, sizeof sum, "sha256sum verify/vectors/good/quick-host.transcript"), 0);
	cr_expect(memmem(envelope.payload, envelope.payload_len, sum, 64), "the subject's digest");
	/* SPEC 14.2: cut the challenge out of the transcript. */
	cr_assert_eq(test_run(sum, sizeof sum,
	                      "f=verify/vectors/good/quick-host.transcript\n"
	                      "n=$(od -An -j8 -N4 -t u4 $f | tr -d ' ')\n"
	                      "tail -c +13 $f | head -c $n | sha256sum"),
	             0);
	cr_expect(memmem(envelope.payload, envelope.payload_len, sum, 64), "the challenge's digest");
}

/* A time-stamp token (RFC 3161) over an attestation, as README has it: an authority of the test's own stamps the
 * request, and the token is that of this file and of no other. */
Test(interop, openssl_stamps_an_attestation)
{
	static const char config[] = "[tsa]\\ndefault_tsa = one\\n[one]\\nserial = ./serial\\nsigner_digest = sha256\\n"
	                             "default_policy = 1.2.3.4\\ndigests = sha256\\n";

	test_need("openssl");
	cr_assert_eq(
	    test_run(NULL, 0,
	             "cp verify/vectors/good/quick-host.intoto.json %s/node.intoto.json && cd %s && exec 2>log && "
	             "printf '%s' >tsa.cnf && echo 01 >serial && "
	             "openssl req -x509 -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.pem -days 2 -subj /CN=tsa "
	             "-addext extendedKeyUsage=critical,timeStamping && "
	             "openssl ts -query -data node.intoto.json -sha256 -cert -out node.tsq && "
	             "openssl ts -reply -config tsa.cnf -queryfile node.tsq -inkey tsa.key -signer tsa.pem "
	             "-out node.tsr",
	             directory, directory, config),
	    0);
	cr_expect_eq(test_run(NULL, 0,
	                      "cd %s && openssl ts -verify -data node.intoto.json -in node.tsr -CAfile tsa.pem 2>&1",
	                      directory),
	             0);
	/* Another attestation; and an authority that is not trusted. */
	cr_expect_neq(test_run(NULL, 0,
	                       "cp verify/vectors/good/receipts-two.intoto.json %s/other.json && cd %s && "
	                       "openssl ts -verify -data other.json -in node.tsr -CAfile tsa.pem 2>&1",
	                       directory, directory),
	              0);
	cr_expect_neq(
	    test_run(NULL, 0,
	             "cd %s && openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 2 "
	             "-subj /CN=tsa -addext extendedKeyUsage=critical,timeStamping 2>log && "
	             "openssl ts -verify -data node.intoto.json -in node.tsr -CAfile other.pem 2>&1",
	             directory),
	    0);
}
