/* SPDX-License-Identifier: Apache-2.0
 *
 * The server without its sockets (SPEC 4.6): requests one after the other, from their heads to their replies, on a
 * store that has a challenge in each state. An input is, for each request, and 0x1e between two: METHOD PATH; a line
 * NAME: VALUE each for Authorization, Length, Transfer, Encoding, Type; an empty line; the body. A fuzzer signs nothing
 * by itself: Seal: TYPE signs the body with the prover's key, Forge: TYPE with another one. In all of it @0 to @5 are
 * ids of the challenges, @w and @d the beginning of a transcript of the one that was named last and its digest, @j the
 * job, @k and @i the prover's key and keyid, @v the verifier's keyid, @t the token. */
#include "harness/test/fuzz_serve.h"

#include <string.h>

#include "harness/serve/call.h"
#include "verify/envelope.h"

enum { REQUESTS_MAX = 6, TEXT_MAX = 1 << 16 };

static const char job[] = "0707070707070707070707070707070707070707070707070707070707070707";
static size_t named; /* the state of which the last id was */

struct text {
	char bytes[TEXT_MAX + 1];
	size_t len;
};

/* Up to the limits of a body, and not beyond what it needs: a sanitizer sees the end. */
static void put(struct text *text, const char *bytes, size_t len)
{
	fuzz_put(text->bytes, &text->len, TEXT_MAX, bytes, len);
}

static void expand(struct text *text, const uint8_t *data, size_t len)
{
	text->len = 0;
	*text->bytes = '\0';
	for (size_t i = 0; i < len; i++) {
		const char *word = NULL;
		const uint8_t next = data[i] == '@' && i + 1 < len ? data[i + 1] : 0;
		if (next >= '0' && next < '0' + FUZZ_STATES)
			word = fuzz_ids[named = next - '0'];
		else if (next == 'w')
			word = fuzz_transcripts[named].bytes;
		else if (next)
			word = next == 'j'   ? job
			       : next == 'k' ? fuzz_key
			       : next == 'i' ? fuzz_keyid
			       : next == 'v' ? fuzz_server.keyid
			       : next == 'd' ? fuzz_transcripts[named].digest
			       : next == 't' ? FUZZ_TOKEN
			                     : NULL;
		if (word)
			put(text, word, next == 'w' ? fuzz_transcripts[named].len : strlen(word));
		else
			put(text, (const char *)data + i, 1);
		i += word != NULL;
	}
}

static const char *type_of(const char *word)
{
	return *word == 'r' ? ASSAY_TYPE_REQUEST : *word == 's' ? ASSAY_TYPE_STATEMENT : ASSAY_TYPE_MESSAGE;
}

static bool known(const char *reason)
{
	const struct assay_cause *cause = assay_causes;

	while (cause->reason && strcmp(cause->reason, reason) != 0)
		cause++;
	return cause->reason != NULL;
}

/* What holds for every reply. */
static void reply_check(const struct assay_call *call)
{
	const struct assay_reply *reply = &call->reply;

	/* Nothing that a stranger sends is the server's error. */
	FUZZ_EXPECT(reply->status >= 200 && reply->status < 500);
	FUZZ_EXPECT((reply->status >= 400) == (*reply->reason != '\0') && (!*reply->reason || known(reply->reason)));
	FUZZ_EXPECT((reply->file >= 0) != (reply->body != NULL));
	FUZZ_EXPECT(call->request.incoming.file < 0 && !call->request.uploads);
	if (reply->body && reply->type && strcmp(reply->type, "application/json") == 0) {
		json_t *root = json_loadb(reply->body, reply->len, JSON_REJECT_DUPLICATES, NULL);
		FUZZ_EXPECT(root && reply->body[reply->len - 1] == '\n');
		json_decref(root);
	}
	for (size_t i = 0; i < ASSAY_UPLOADS_MAX; i++)
		FUZZ_EXPECT(!*fuzz_server.uploads[i]);
}

/* The body on the heap, in two parts, each as long as it is. */
static void call_do(struct assay_call *call, const struct assay_head *head, const char *body, size_t len)
{
	const size_t first = len / 3;

	memset(call, 0, sizeof *call);
	assay_call_begin(&fuzz_server, call, head);
	if (assay_call_is_over(call, head)) {
		assay_call_release(&fuzz_server, call);
		return;
	}
	for (size_t part = 0; part < 2; part++) {
		const size_t part_len = part ? len - first : first;
		char *bytes = malloc(part_len + 1);
		FUZZ_EXPECT(bytes);
		memcpy(bytes, body + (part ? first : 0), part_len);
		if (part_len)
			assay_call_take(call, bytes, part_len);
		free(bytes);
	}
	assay_call_answer(&fuzz_server, call);
}

/* Each request may be repeated, and then has the same answer and no other effect. */
static void call_twice(const struct assay_head *head, const char *body, size_t len)
{
	static struct assay_call call, again;

	call_do(&call, head, body, len);
	reply_check(&call);
	call_do(&again, head, body, len);
	reply_check(&again);
	const bool tells_time = call.request.route && strcmp(call.request.route->path, "/metrics") == 0;
	const bool is_new = call.reply.status == 201;
	FUZZ_EXPECT(again.reply.status == (is_new ? 200 : call.reply.status));
	FUZZ_EXPECT(strcmp(again.reply.reason, call.reply.reason) == 0);
	if (!tells_time && call.reply.body)
		FUZZ_EXPECT(again.reply.len == call.reply.len &&
		            memcmp(again.reply.body, call.reply.body, call.reply.len) == 0);
	assay_reply_close(&call.reply);
	assay_reply_close(&again.reply);
}

void fuzz_request(const uint8_t *data, size_t len)
{
	static const char *const names[] = {
	    "Authorization: ", "Length: ", "Transfer: ", "Encoding: ", "Type: ", "Seal: ", "Forge: "};
	enum { AUTHORIZATION, LENGTH, TRANSFER, ENCODING, TYPE, SEAL, FORGE, NAMES };
	static struct text start, body;
	const char *values[NAMES] = {NULL};
	char length[24], *rest = start.bytes;

	const uint8_t *end = memmem(data, len, "\n\n", 2);
	const size_t start_len = end ? (size_t)(end - data) : len;
	expand(&start, data, start_len);
	expand(&body, data + start_len + (end ? 2 : 0), len - start_len - (end ? 2 : 0));
	const char *method = strsep(&rest, " \n"), *path = rest ? strsep(&rest, "\n") : "";
	for (const char *line; (line = strsep(&rest, "\n"));)
		for (size_t i = 0; i < NAMES; i++)
			if (strncmp(line, names[i], strlen(names[i])) == 0)
				values[i] = line + strlen(names[i]);
	if (values[SEAL] || values[FORGE]) {
		char *sealed = assay_secret_seal(values[SEAL] ? &fuzz_prover : &fuzz_stranger,
		                                 type_of(values[SEAL] ? values[SEAL] : values[FORGE]), body.bytes);
		body.len = 0;
		FUZZ_EXPECT(sealed);
		put(&body, sealed, strlen(sealed));
		free(sealed);
	}
	snprintf(length, sizeof length, "%zu", body.len);
	const struct assay_head head = {.method = method,
	                                .path = path,
	                                .authorization = values[AUTHORIZATION],
	                                .length = values[LENGTH] ? values[LENGTH] : length,
	                                .transfer = values[TRANSFER],
	                                .encoding = values[ENCODING],
	                                .type = values[TYPE]};
	call_twice(&head, body.bytes, body.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool made;

	if (!made) {
		fuzz_server_make();
		made = true;
	}
	for (int i = 0; i < REQUESTS_MAX && size; i++) {
		const uint8_t *end = memchr(data, 0x1e, size);
		const size_t len = end ? (size_t)(end - data) : size;
		fuzz_request(data, len);
		data += len + (end != NULL);
		size -= len + (end != NULL);
	}
	fuzz_server_reset();
	return 0;
}
