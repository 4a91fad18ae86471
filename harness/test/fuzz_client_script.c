/* SPDX-License-Identifier: Apache-2.0
 *
 * What the server of fuzz_client.h says. A record of a script is bytes of HTTP, in which @ and a letter stand for what
 * a fuzzer does not come by: @k and @K the PEM of the verifier's key and of a stranger's; @c the challenge; @r the
 * right answer to the message of this request, @a all receipts so far; @d the challenge's digest, @j job, @m
 * commitment, @v the verifier's keyid, @t the time in nanoseconds, @e when the challenge expires; @x 4096 bytes; @L the
 * length of what follows the head. @s and a letter seal the rest, up to @., as a (r)eceipt, a (c)hallenge or a
 * (m)essage, with the verifier's key, @f with the stranger's. */
#include "harness/test/fuzz_client.h"

#include <string.h>

#include "verify/envelope.h"
#include "verify/key.h"

enum { FILL = 4096 };

static void put(struct fuzz_text *text, const void *bytes, size_t len)
{
	fuzz_put(text->bytes, &text->len, FUZZ_REPLY_MAX, bytes, len);
}

static void put_text(struct fuzz_text *text, const char *more)
{
	put(text, more, strlen(more));
}

static void put_key(struct fuzz_text *text, const struct assay_secret *secret)
{
	char pem[ASSAY_PEM_MAX];

	assay_key_pem(pem, secret->key);
	put_text(text, pem);
}

static void put_hex(struct fuzz_text *text, const uint8_t hash[32])
{
	char hex[65];

	assay_hex(hex, hash);
	put_text(text, hex);
}

/* ---- An honest server ---- */

static void put_json(struct fuzz_text *reply, const char *status, const char *body)
{
	char head[160];

	snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
	         status, strlen(body));
	put_text(reply, head);
	put_text(reply, body);
}

static void put_refusal(struct fuzz_text *reply, const struct assay_error *error)
{
	char body[1024];

	snprintf(body, sizeof body, "{\"reason\":\"%s\",\"text\":\"%s\"}\n", error->reason, error->text);
	put_json(reply, "409 Conflict", body);
}

/* The receipt of a message, which may be of a step that was answered. */
static const char *receipt_of(const char *body, size_t len, struct assay_error *error)
{
	const char *receipt = NULL;

	return assay_answer(&fuzz_world.answers, body, len, fuzz_world.now_ns, &receipt, error) == ASSAY_OK ? receipt
	                                                                                                    : NULL;
}

static void put_receipts(struct fuzz_text *text)
{
	for (uint32_t i = 0; i < fuzz_world.answers.count; i++)
		put_text(text, fuzz_world.answers.receipts[i]);
}

void fuzz_honest(struct fuzz_text *reply, const char *head, const char *body, size_t len)
{
	static struct fuzz_text text;
	struct assay_error error;
	char path[128];

	reply->len = text.len = 0;
	*text.bytes = '\0';
	const size_t path_len = strcspn(head, " ") + 1;
	snprintf(path, sizeof path, "%.*s", (int)strcspn(head + path_len, " "), head + path_len);
	const char *end = strrchr(path, '/');
	if (strcmp(path, "/v1/key") == 0) {
		put_key(&text, &fuzz_verifier);
		put_json(reply, "200 OK", text.bytes);
	} else if (strcmp(path, "/v1/challenges") == 0) {
		put_json(reply, "201 Created", fuzz_world.sealed);
	} else if (strncmp(path, "/v1/challenges/", 15) != 0 || strncmp(path + 15, fuzz_world.id, 64) != 0) {
		put_json(reply, "404 Not Found", "{\"reason\":\"challenge.unknown\",\"text\":\"no such challenge\"}\n");
	} else if (strcmp(end, "/messages") == 0) {
		const char *receipt = receipt_of(body, len, &error);
		if (receipt)
			put_json(reply, "200 OK", receipt);
		else
			put_refusal(reply, &error);
	} else if (strcmp(end, "/receipts") == 0) {
		put_receipts(&text);
		put_json(reply, "200 OK", text.bytes);
	} else if (strcmp(end, "/attestation") == 0) {
		put_text(reply, "HTTP/1.1 204 No Content\r\n\r\n");
	} else if (strcmp(end, "/transcript") == 0) {
		put_json(reply, "202 Accepted", "");
	} else {
		FUZZ_EXPECT(strcmp(end, "/verdict") == 0);
		put_json(reply, "200 OK",
		         "{\"aggregates\":[{\"provenRate\":\"88300000\",\"unit\":\"hash\",\"workload\":\"sha256/1\"}],"
		         "\"assurance\":\"time-bracketed\",\"checks\":[],\"verdict\":\"pass\"}\n");
	}
}

/* ---- The script ---- */

static void put_receipt(struct fuzz_text *text, const char *body, size_t len)
{
	struct assay_error error;
	const char *receipt = receipt_of(body, len, &error);

	put_text(text, receipt ? receipt : "");
}

/* What a letter stands for; false when for nothing. */
static bool put_word(struct fuzz_text *text, uint8_t letter, const char *body, size_t len)
{
	static const char fill[FILL] = "";
	char words[32];

	switch (letter) {
	case 'k':
		put_key(text, &fuzz_verifier);
		return true;
	case 'K':
		put_key(text, &fuzz_stranger);
		return true;
	case 'c':
		put_text(text, fuzz_world.sealed);
		return true;
	case 'r':
		put_receipt(text, body, len);
		return true;
	case 'a':
		put_receipts(text);
		return true;
	case 'd':
		put_text(text, fuzz_world.id);
		return true;
	case 'j':
		put_hex(text, fuzz_job);
		return true;
	case 'm':
		put_hex(text, fuzz_commit);
		return true;
	case 'v':
		put_hex(text, fuzz_world.challenge.verifier);
		return true;
	case 't':
		snprintf(words, sizeof words, "%llu", (unsigned long long)fuzz_world.now_ns);
		put_text(text, words);
		return true;
	case 'e':
		assay_utc_text(words, fuzz_world.challenge.expires);
		put_text(text, words);
		return true;
	case 'x':
		put(text, fill, sizeof fill);
		return true;
	default:
		return false;
	}
}

static void seal(struct fuzz_text *text, size_t from, const struct assay_secret *secret, uint8_t type)
{
	char *payload = strndup(text->bytes + from, text->len - from);
	char *sealed = assay_secret_seal(secret,
	                                 type == 'c'   ? ASSAY_TYPE_CHALLENGE
	                                 : type == 'm' ? ASSAY_TYPE_MESSAGE
	                                               : ASSAY_TYPE_RECEIPT,
	                                 payload);

	FUZZ_EXPECT(payload && sealed);
	fuzz_world.liar = fuzz_world.liar || secret == &fuzz_verifier;
	text->len = from;
	put_text(text, sealed);
	free(payload);
	free(sealed);
}

/* The length of what follows the head, where the head says @L. */
static void length_put(struct fuzz_text *text, size_t at)
{
	const char *end = memmem(text->bytes, text->len, "\r\n\r\n", 4);
	char digits[24];

	const size_t body = end ? text->len - (size_t)(end + 4 - text->bytes) : 0;
	const int len = snprintf(digits, sizeof digits, "%06zu", body);
	if (at + (size_t)len <= text->len)
		memcpy(text->bytes + at, digits, (size_t)len);
}

void fuzz_scripted(struct fuzz_text *reply, const uint8_t *record, size_t record_len, const char *body, size_t len)
{
	size_t sealed_from = 0, length_at = SIZE_MAX;
	const struct assay_secret *secret = NULL;
	uint8_t type = 0;

	reply->len = 0;
	for (size_t i = 0; i < record_len; i++) {
		const uint8_t next = record[i] == '@' && i + 1 < record_len ? record[i + 1] : 0;
		if ((next == 's' || next == 'f') && !secret && i + 2 < record_len) {
			secret = next == 's' ? &fuzz_verifier : &fuzz_stranger;
			sealed_from = reply->len;
			type = record[i + 2];
			i += 2;
		} else if (next == '.' && secret) {
			seal(reply, sealed_from, secret, type);
			secret = NULL;
			i++;
		} else if (next == 'L' && length_at == SIZE_MAX) {
			length_at = reply->len;
			put_text(reply, "000000");
			i++;
		} else if (put_word(reply, next, body, len)) {
			i++;
		} else {
			put(reply, record + i, 1);
		}
	}
	if (secret)
		seal(reply, sealed_from, secret, type);
	if (length_at != SIZE_MAX)
		length_put(reply, length_at);
}
