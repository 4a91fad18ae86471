/* SPDX-License-Identifier: Apache-2.0
 *
 * See claims.h. */
#include "harness/serve/claims.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/table.h"

enum assay_status assay_said_read(struct assay_said *said, const char *const *names, uint32_t count,
                                  struct assay_error *error)
{
	enum assay_status status = ASSAY_OK;

	*said = (struct assay_said){.count = 0};
	for (uint32_t i = 0; !status && i < count; i++) {
		size_t len;
		status = assay_claim_source(&said->texts[i], &len, names[i], error);
		said->count += status == ASSAY_OK;
		if (!status)
			status = assay_claims_add(&said->claims, names[i], said->texts[i], len, error);
	}
	return status;
}

void assay_said_free(struct assay_said *said)
{
	for (uint32_t i = 0; i < said->count; i++)
		free(said->texts[i]);
	said->count = 0;
}

enum assay_status assay_said_keep(const struct assay_said *said, struct assay_store *store, const char *token,
                                  struct assay_error *error)
{
	enum assay_status status = ASSAY_OK;

	for (uint32_t i = 0; !status && i < said->count; i++)
		status = assay_store_claim_add(store, token, i, said->texts[i], error);
	return status;
}

static enum assay_status add(void *context, const char *text, struct assay_error *error)
{
	return assay_claims_add(context, "the store", text, strlen(text), error);
}

enum assay_status assay_said_find(struct assay_claims *claims, struct assay_store *store, const char *token,
                                  struct assay_error *error)
{
	enum assay_status status = assay_store_claims(store, token, add, claims, error);

	if (status == ASSAY_ERROR_INPUT)
		status = assay_fail(error, ASSAY_ERROR_IO, "store.failed", "the claims of a token are damaged");
	return status;
}

/* ---- What no machine can show ---- */

static uint64_t table_bytes(const struct assay_challenge *challenge)
{
	for (uint32_t j = 0; j < challenge->segment_count; j++)
		if (challenge->segments[j].work == &assay_work_memory)
			return challenge->segments[j].params.value[1] * ASSAY_TABLE_ITEM_BYTES;
	return 0;
}

/* More than half of its memory must be shown (SPEC 10.10). Where a claim says none it is that of its models, which the
 * catalogue of the server knows: the small tables of profile quick are not made for that. */
static bool is_shown_by(const struct assay_challenge *challenge, const struct assay_machine_claim *claim)
{
	const uint64_t bytes = table_bytes(challenge);

	return claim->memory_bytes ? bytes > claim->memory_bytes / 2
	                           : bytes && strcmp(challenge->profile, "assay/1 quick") != 0;
}

void assay_said_warn(const struct assay_claims *claims, const struct assay_challenge *challenge)
{
	char text[ASSAY_CLAIM_TEXT_MAX];
	uint32_t devices = 0, c = 0;

	for (uint32_t i = 0; i < claims->count; i++)
		devices += claims->claims[i].count;
	if (devices > challenge->devices + challenge->leased)
		fprintf(
		    stderr,
		    "assay: %u devices are claimed, and these challenges ask for %u beside %u that are let: nobody can "
		    "show the rest (claim.count): --devices, --leased\n",
		    devices, challenge->devices, challenge->leased);
	while (c < claims->count && is_shown_by(challenge, &claims->claims[c]))
		c++;
	if (c == claims->count)
		return;
	assay_machine_claim_text(text, &claims->claims[c]);
	fprintf(stderr,
	        "assay: %s: these challenges have a table of %.1f GiB, and more than half of a device's memory must be "
	        "shown where it is known (claim.capacity): -p standard, -w memory, --memory\n",
	        text, (double)table_bytes(challenge) / (1 << 30));
}
