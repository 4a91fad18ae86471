/* SPDX-License-Identifier: Apache-2.0
 *
 * A statement, and a devices block: canonical JSON of any kind. */
#include "verify/test/fuzz.h"

#include <string.h>

#include "verify/statement.h"

static void json(const uint8_t *data, size_t size)
{
	json_t *value = assay_json_parse(data, size);

	if (value) {
		char *text = assay_json_text(value);
		FUZZ_EXPECT(text && strlen(text) == size && memcmp(text, data, size) == 0);
		free(text);
	}
	json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t counts[] = {1, 2, 64};
	struct assay_statement statement;

	json(data, size);
	if (assay_statement_parse(&statement, data, size) == ASSAY_REASON_NONE) {
		FUZZ_EXPECT(statement.root && statement.mode && statement.profile &&
		            strlen(statement.finished_at) == 20);
		FUZZ_EXPECT(json_is_array(statement.devices) && json_is_array(statement.work));
		FUZZ_EXPECT(json_is_array(statement.segments));
		json_decref(statement.root);
	} else {
		FUZZ_EXPECT(!statement.root);
	}
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		json_t *devices = assay_devices_parse(data, size, counts[i]);
		FUZZ_EXPECT(!devices || json_array_size(devices) == counts[i]);
		json_decref(devices);
	}
	return 0;
}
