/* SPDX-License-Identifier: Apache-2.0
 *
 * What a server answers, and why: every reason that it knows, with its status. */
#ifndef HARNESS_SERVE_REPLY_H
#define HARNESS_SERVE_REPLY_H

#include <stddef.h>

#include "verify/json.h"

struct assay_reply {
	unsigned status;
	char reason[40]; /* "" when it is no refusal */
	char *body;      /* the reply's */
	size_t len;
	int file; /* -1 = none; instead of `body` */
	uint64_t file_len;
	const char *type;
	char location[96];
	uint32_t retry_after_s; /* 0 = not said */
	struct {
		uint32_t most, left, reset_s; /* a day; until there is one more. most 0 = not said */
	} quota;
	const char *allow; /* methods, for 405 */
};

struct assay_cause {
	const char *reason;
	unsigned status;
};

/* All reasons, ended by NULL. */
extern const struct assay_cause assay_causes[];

/* Not yet a reply. */
#define ASSAY_REPLY_NONE ((struct assay_reply){.file = -1})

void assay_reply_text(struct assay_reply *reply, unsigned status, const char *type, const char *text, size_t len);

/* Takes the value over. */
void assay_reply_json(struct assay_reply *reply, unsigned status, json_t *value);

/* Takes the file over. */
void assay_reply_file(struct assay_reply *reply, unsigned status, const char *type, int file, uint64_t len);

/* A refusal: {"reason","text"}. A reason that is in no table is an error of the server's, and its text stays here. */
void assay_reply_refuse(struct assay_reply *reply, const char *reason, const char *text);

void assay_reply_close(struct assay_reply *reply);

#endif
