/* SPDX-License-Identifier: Apache-2.0
 *
 * verify/key.c: public keys in PEM, and what is none. RFC 8410, RFC 7468. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <sodium.h>

#include "verify/key.h"
#include "verify/test/support.h"

#define BEGIN "-----BEGIN PUBLIC KEY-----"
#define END "-----END PUBLIC KEY-----"
#define KEY_1 "MCowBQYDK2VwAyEAD6fLJS2KSgL8v9FkgdtLm50r093K3sxKqxAiAaLqsz4="
#define KEY_2 "MCowBQYDK2VwAyEAZinB6JVn0t29gCom6CaxyBohpa88MB1zvMrdFuGcBLU="
#define PEM_1 BEGIN "\n" KEY_1 "\n" END "\n"
#define PEM_2 BEGIN "\n" KEY_2 "\n" END "\n"

static enum assay_status read_text(uint8_t (*keys)[32], size_t *count, size_t capacity, const void *text, size_t len)
{
	struct test_file file;
	struct assay_error error = {"", ""};

	test_file_open(&file, text, len);
	enum assay_status status = assay_keys_read(keys, count, capacity, file.path, &error);
	test_file_close(&file);
	cr_expect_eq(status != ASSAY_OK, *error.reason != '\0', "an error has a reason");
	cr_expect_eq(status != ASSAY_OK, *error.text != '\0', "an error has a text");
	return status;
}

/* How many keys a text holds, or -1. */
static int keys_in(const char *text)
{
	uint8_t keys[4][32];
	size_t count = 99;

	return read_text(keys, &count, 4, text, strlen(text)) == ASSAY_OK ? (int)count : -1;
}

Test(keys, texts)
{
	static const struct {
		const char *text;
		int count;
	} table[] = {
	    {PEM_1, 1},
	    {BEGIN "\r\n" KEY_1 "\r\n" END "\r\n", 1},
	    {BEGIN "\n" KEY_1 "\n" END, 1},
	    {"for people: the key of node 7\n" PEM_1 "\n\nmore text\n", 1},
	    {BEGIN "\nMCowBQYDK2VwAyEAD6fLJS2KSgL8v9Fk\ngdtLm50r093K3sxKqxAiAaLqsz4=\n" END "\n", 1},
	    {PEM_1 PEM_2, 2},
	    {PEM_1 PEM_1 PEM_2 PEM_1, 4},
	    {PEM_1 PEM_1 PEM_2 PEM_1 PEM_2, -1},
	    {"", -1},
	    {"\n", -1},
	    {"hello", -1},
	    {KEY_1, -1},
	    {BEGIN, -1},
	    {BEGIN "\n" KEY_1 "\n", -1},
	    {BEGIN "\n" END "\n", -1},
	    {END "\n" KEY_1 "\n" BEGIN "\n", -1},
	    {BEGIN "\n" KEY_1 "\n" BEGIN "\n" KEY_1 "\n" END "\n", -1},
	    /* one damaged key spoils the file */
	    {PEM_1 BEGIN "\n" END "\n", -1},
	    {PEM_1 BEGIN "\n" KEY_1 "\n", -1},
	    /* other objects */
	    {"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIBS317vyUUtubYZd3K6ePC56eF5A7i3l/0pRNL1wYLW7\n"
	     "-----END PRIVATE KEY-----\n",
	     -1},
	    {"-----BEGIN OPENSSH PRIVATE KEY-----\n" KEY_1 "\n-----END OPENSSH PRIVATE KEY-----\n", -1},
	    {"-----BEGIN CERTIFICATE-----\n" KEY_1 "\n-----END CERTIFICATE-----\n", -1},
	    {"-----begin public key-----\n" KEY_1 "\n-----end public key-----\n", -1},
	    {BEGIN "\n" KEY_1 "\n-----END PRIVATE KEY-----\n", -1},
	    {"-----BEGIN PRIVATE KEY-----\n" KEY_1 "\n" END "\n", -1},
	    /* base64 */
	    {BEGIN "\n" KEY_1 "=\n" END "\n", -1},
	    {BEGIN "\nMCowBQYDK2VwAyEAD6fLJS2KSgL8v9FkgdtLm50r093K3sxKqxAiAaLqsz4\n" END "\n", -1},
	    {BEGIN "\nMCowBQYDK2VwAyEAD6fLJS2KSgL8v9FkgdtLm50r093K3sxKqxAiAaLqsz5=\n" END "\n", -1},
	    {BEGIN "\nMCowBQYDK2VwAyEAD6fLJS2KSgL8v9FkgdtLm50r093K3sxKqxAiAaLqsz4=AAAA\n" END "\n", -1},
	    {BEGIN "\nMCowBQYDK2VwAyEAD6fLJS2KSgL8v9FkgdtLm50r093K3sxKqxAiAaLq!z4=\n" END "\n", -1},
	    {BEGIN "\nComment: x\n\n" KEY_1 "\n" END "\n", -1},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		cr_expect_eq(keys_in(table[i].text), table[i].count, "row %zu: %s", i, table[i].text);
}

/* A PEM text of any DER. */
static int keys_in_der(const uint8_t *der, size_t len)
{
	char base64[256], text[512];

	sodium_bin2base64(base64, sizeof base64, der, len, sodium_base64_VARIANT_ORIGINAL);
	snprintf(text, sizeof text, BEGIN "\n%s\n" END "\n", base64);
	return keys_in(text);
}

Test(keys, der)
{
	static const uint8_t prefix[12] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
	uint8_t der[64] = {0};

	memcpy(der, prefix, sizeof prefix);
	cr_expect_eq(keys_in_der(der, 44), 1);
	for (size_t len = 0; len < 44; len++)
		cr_expect_eq(keys_in_der(der, len), -1, "%zu bytes", len);
	for (size_t len = 45; len <= sizeof der; len++)
		cr_expect_eq(keys_in_der(der, len), -1, "%zu bytes", len);
	/* Any other byte of the prefix is another algorithm (X25519 is 2b 65 6e, Ed448 2b 65 71) or no SPKI. */
	for (size_t bit = 0; bit < 8 * sizeof prefix; bit++) {
		der[bit / 8] ^= (uint8_t)(1 << bit % 8);
		cr_expect_eq(keys_in_der(der, 44), -1, "bit %zu", bit);
		der[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

Test(keys, files_that_are_none)
{
	uint8_t keys[4][32];
	size_t count;
	struct assay_error error;
	char *text = calloc(1, 1 << 20);
	const size_t len = strlen(PEM_1);

	cr_expect_eq(assay_keys_read(keys, &count, 4, "/nonexistent.pub", &error), ASSAY_ERROR_IO);
	cr_expect_eq(assay_keys_read(keys, &count, 4, "verify", &error), ASSAY_ERROR_IO);
	cr_expect_eq(assay_keys_read(keys, &count, 4, "/nonexistent.pub", NULL), ASSAY_ERROR_IO, "error may be NULL");

	memcpy(text, PEM_1, len);
	cr_expect_eq(read_text(keys, &count, 4, text, len + 1), ASSAY_ERROR_INPUT, "a NUL after the key");
	cr_expect_eq(read_text(keys, &count, 4, "\0" PEM_1, len + 1), ASSAY_ERROR_INPUT, "a NUL before the key");
	memset(text + len, '\n', (1 << 20) - len);
	cr_expect_eq(read_text(keys, &count, 4, text, 65535), ASSAY_OK, "64 KiB");
	cr_expect_eq(read_text(keys, &count, 4, text, 65536), ASSAY_ERROR_IO);
	cr_expect_eq(read_text(keys, &count, 4, text, 1 << 20), ASSAY_ERROR_IO, "1 MiB");
	cr_expect_eq(read_text(keys, &count, 1, PEM_1 PEM_2, 2 * len), ASSAY_ERROR_INPUT, "no room for both");
	cr_expect_eq(read_text(keys, &count, 0, PEM_1, len), ASSAY_ERROR_INPUT, "no room");
	free(text);
}

/* The message names a file; whatever its name holds, it is printable. */
Test(keys, messages_are_printable)
{
	uint8_t keys[1][32];
	size_t count;
	struct assay_error error;

	cr_expect_eq(assay_keys_read(keys, &count, 1, "/nonexistent/\x1b[31m\x07\x9b.pub", &error), ASSAY_ERROR_IO);
	for (const char *c = error.text; *c; c++)
		cr_expect(*c >= 0x20 && *c <= 0x7e);
	cr_expect(strstr(error.text, "/nonexistent/?[31m"), "%s", error.text);
}

/* Reading a block says where it ended, and bounds what it writes. */
Test(keys, pem_blocks_one_after_the_other)
{
	uint8_t der[ASSAY_SPKI_BYTES + 1];
	const char *next = NULL;

	cr_assert(assay_pem_read(der, ASSAY_SPKI_BYTES, "PUBLIC KEY", PEM_1 PEM_2, &next));
	cr_expect_eq(der[43], 0x3e);
	cr_assert(assay_pem_read(der, ASSAY_SPKI_BYTES, "PUBLIC KEY", next, &next));
	cr_expect_eq(der[43], 0xb5);
	cr_expect(!assay_pem_read(der, ASSAY_SPKI_BYTES, "PUBLIC KEY", next, &next));
	cr_expect(!assay_pem_read(der, ASSAY_SPKI_BYTES - 1, "PUBLIC KEY", PEM_1, NULL));
	cr_expect(!assay_pem_read(der, ASSAY_SPKI_BYTES + 1, "PUBLIC KEY", PEM_1, NULL));
	cr_expect(!assay_pem_read(der, ASSAY_SPKI_BYTES, "PRIVATE KEY", PEM_1, NULL));
}
