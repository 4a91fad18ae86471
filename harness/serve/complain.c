/* SPDX-License-Identifier: Apache-2.0
 *
 * See command.h: what the commands share. */
#include <stdio.h>
#include <stdlib.h>

#include "harness/amount.h"
#include "harness/serve/command.h"

int assay_serve_complain(const struct assay_error *error)
{
	fprintf(stderr, "assay: %s (%s)\n", error->text, error->reason);
	return ASSAY_SERVE_ERROR;
}

int assay_serve_usage(const char *text, bool asked)
{
	fputs(text, asked ? stdout : stderr);
	return asked ? 0 : ASSAY_SERVE_ERROR;
}

enum assay_status assay_serve_number(uint64_t *number, const char *option, const char *text, uint64_t least,
                                     uint64_t most, struct assay_error *error)
{
	if (!assay_amount_number(number, text, least, most))
		return assay_fail(error, ASSAY_ERROR_INPUT, "option.number", "%s %.32s: not a number from %llu to %llu",
		                  option, text, (unsigned long long)least, (unsigned long long)most);
	return ASSAY_OK;
}
