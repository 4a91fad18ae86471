/* SPDX-License-Identifier: Apache-2.0
 *
 * See trust.h. */
#include "harness/trust.h"

#include <unistd.h>

#include "harness/state.h"

enum assay_status assay_trusted_add(struct assay_trusted *trusted, bool verifier, const char *path,
                                    struct assay_error *error)
{
	return verifier
	           ? assay_keys_gather(trusted->verifiers, &trusted->verifiers_count, ASSAY_TRUST_KEYS_MAX, path, error)
	           : assay_keys_gather(trusted->keys, &trusted->count, ASSAY_TRUST_KEYS_MAX, path, error);
}

enum assay_status assay_trusted_own(struct assay_trusted *trusted, struct assay_error *error)
{
	char path[ASSAY_PATH_MAX];

	if (trusted->count > 0 || !assay_state_config(path, "key.pub") || access(path, R_OK) != 0)
		return ASSAY_OK;
	return assay_keys_gather(trusted->keys, &trusted->count, ASSAY_TRUST_KEYS_MAX, path, error);
}

struct assay_policy assay_trusted_policy(const struct assay_trusted *trusted)
{
	return (struct assay_policy){
	    .trusted = (const uint8_t(*)[ASSAY_KEY_BYTES])trusted->keys,
	    .trusted_count = trusted->count,
	    .verifiers = (const uint8_t(*)[ASSAY_KEY_BYTES])trusted->verifiers,
	    .verifiers_count = trusted->verifiers_count,
	};
}
