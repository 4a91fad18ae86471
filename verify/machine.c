/* SPDX-License-Identifier: Apache-2.0
 *
 * See machine.h. SPEC 10.7: the forms that are one line. */
#include "verify/machine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/json.h"

/* A word of SPEC 10.7 in small letters. */
static bool word_copy(char out[33], const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i <= len && len <= 32; i++)
		out[i] = word[i] >= 'A' && word[i] <= 'Z' ? (char)(word[i] - 'A' + 'a') : word[i];
	/* A line with such a word in it would be of the other form. */
	return len <= 32 && strspn(out, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == len &&
	       strcmp(out, "vendor") != 0 && !strstr(out, "vendor.");
}

/* "80Gi", "24576Mi"; "" is 0. */
static bool memory_parse(uint64_t *bytes, const char *text)
{
	static const struct {
		const char *unit;
		int shift;
	} units[] = {{"Gi", 30}, {"GiB", 30}, {"GB", 30}, {"G", 30}, {"Mi", 20}, {"MiB", 20}};
	size_t digits = strspn(text, "0123456789");

	*bytes = 0;
	if (!*text)
		return true;
	if (digits == 0 || digits > 7 || text[0] == '0')
		return false;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (strcmp(text + digits, units[i].unit) == 0)
			*bytes = strtoull(text, NULL, 10) << units[i].shift;
	return *bytes > 0 && *bytes <= UINT64_C(1) << 40;
}

bool assay_claim_words_set(struct assay_machine_claim *claim, const char *vendor, const char *model, const char *memory,
                           const char *interface)
{
	*claim = (struct assay_machine_claim){.count = 1};
	/* In a line it would be taken for memory. */
	if (*interface >= '0' && *interface <= '9')
		return false;
	return *vendor && *model && word_copy(claim->vendor, vendor) && word_copy(claim->model, model) &&
	       word_copy(claim->interface, interface) && memory_parse(&claim->memory_bytes, memory);
}

/* Takes " xN", " ×N" or "×N" off the end. */
static bool count_cut(uint32_t *count, char *line)
{
	char *times = NULL;

	*count = 1;
	/* The last one, unless a path goes on after it: that may begin with anything. */
	for (char *at = line; *at; at++)
		if (strncmp(at, " x", 2) == 0 || strncmp(at, "\xc3\x97", 2) == 0)
			times = at;
	if (!times || strchr(times, '/') || strchr(times, '.'))
		return true;
	const bool is_sign = *times != ' ';
	const char *digits = times + 2;
	size_t len = strspn(digits, "0123456789");
	if (len == 0 || len > 2 || digits[len] || digits[0] == '0')
		return false;
	*count = (uint32_t)atoi(digits);
	*times = '\0';
	if (is_sign && times > line && times[-1] == ' ')
		times[-1] = '\0';
	return *count <= ASSAY_DEVICES_MAX;
}

/* Cuts a line at each separator, in place; the number of parts, or most + 1 when there are more. */
static size_t cut(char *parts[], size_t most, char *line, char separator)
{
	size_t count = 0;

	for (char *next = line; next; count++) {
		if (count == most)
			return most + 1;
		parts[count] = next;
		next = strchr(next, separator);
		if (next)
			*next++ = '\0';
	}
	return count;
}

/* "nvidia/h100/80Gi/sxm", cut in place. */
static bool path_parse(struct assay_machine_claim *claim, char *line)
{
	char *parts[4];
	const char *memory = "", *interface = "";
	size_t count = cut(parts, 4, line, '/');

	if (count < 2 || count > 4)
		return false;
	for (size_t i = 2; i < count; i++)
		if (!*parts[i])
			return false;
	if (count > 2 && parts[2][0] >= '0' && parts[2][0] <= '9')
		memory = parts[2];
	else if (count > 2)
		interface = parts[2];
	if (count == 4 && !*memory)
		return false;
	if (count == 4)
		interface = parts[3];
	return assay_claim_words_set(claim, parts[0], parts[1], memory, interface);
}

/* The next place from `at` on where "vendor/nvidia/..." may begin, or NULL. */
static const char *attribute_start(const char *line, const char *at)
{
	for (; (at = strstr(at, "vendor")); at++)
		if ((at[6] == '/' || at[6] == '.') && (at == line || at[-1] == at[6]))
			return at;
	return NULL;
}

static bool attribute_parse(struct assay_machine_claim *claim, const char *start)
{
	static const char *const names[] = {"vendor", "model", "ram", "interface"};
	const char *values[4] = {"", "", "", ""};
	char copy[160], *parts[8];
	size_t at = 0;

	if (snprintf(copy, sizeof copy, "%s", start) >= (int)sizeof copy)
		return false;
	size_t count = cut(parts, 8, copy, start[6]);
	for (size_t i = 0; i < 4; i++) {
		if (at + 1 >= count || strcmp(parts[at], names[i]) != 0)
			continue;
		values[i] = parts[at + 1];
		if (!*values[i])
			return false;
		at += 2;
	}
	return at == count && assay_claim_words_set(claim, values[0], values[1], values[2], values[3]);
}

bool assay_claim_attribute(struct assay_machine_claim *claim, const char *line)
{
	for (const char *at = line; (at = attribute_start(line, at)); at++)
		if (attribute_parse(claim, at))
			return true;
	return false;
}

bool assay_claim_line(struct assay_machine_claim *claim, const char *line)
{
	char copy[1024];
	uint32_t count;

	if (snprintf(copy, sizeof copy, "%s", line) >= (int)sizeof copy || !count_cut(&count, copy))
		return false;
	bool good = attribute_start(copy, copy) ? assay_claim_attribute(claim, copy) : path_parse(claim, copy);
	claim->count = count;
	return good;
}

void assay_machine_claim_text(char text[ASSAY_CLAIM_TEXT_MAX], const struct assay_machine_claim *claim)
{
	const bool gi = claim->memory_bytes % (1 << 30) == 0;
	char memory[24] = "";

	if (claim->memory_bytes)
		snprintf(memory, sizeof memory, "/%" PRIu64 "%s", claim->memory_bytes >> (gi ? 30 : 20),
		         gi ? "Gi" : "Mi");
	snprintf(text, ASSAY_CLAIM_TEXT_MAX, "%s/%s%s%s%s x%" PRIu32, claim->vendor, claim->model, memory,
	         *claim->interface ? "/" : "", claim->interface, claim->count);
}

enum assay_status assay_claims_add(struct assay_claims *claims, const char *name, const char *text, size_t len,
                                   struct assay_error *error)
{
	struct assay_machine_claim claim;
	bool good = false;

	errno = 0;
	if (len && (text[0] == '{' || text[0] == '[')) {
		/* More than jansson takes for any text. */
		json_t *root = assay_json_has_memory(4096 + 256 * len)
		                   ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL)
		                   : NULL;
		good = root && assay_claims_json(claims, root);
		json_decref(root);
	} else if (strlen(text) == len && claims->count < ASSAY_CLAIMS_MAX) {
		good = assay_claim_line(&claim, text);
		if (good)
			claims->claims[claims->count++] = claim;
	}
	if (!good && errno == ENOMEM)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	return good ? ASSAY_OK
	            : assay_fail(error, ASSAY_ERROR_INPUT, "claim.malformed",
	                         "%s: not a claim; write 'nvidia/h100/80Gi/sxm x8', or see SPEC 10.7 (at most %d)",
	                         name, ASSAY_CLAIMS_MAX);
}

enum assay_status assay_claim_source(char **text, size_t *len, const char *name, struct assay_error *error)
{
	enum assay_status status = ASSAY_OK;

	*len = strlen(name);
	if (*len < 5 || strcmp(name + *len - 5, ".json") != 0) {
		*text = strdup(name);
		return *text ? ASSAY_OK : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	}
	status = assay_file_read(text, len, ASSAY_CLAIM_BYTES_MAX, name, error);
	if (!status && *len > ASSAY_CLAIM_BYTES_MAX)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "claim.malformed", "%s: longer than %d bytes", name,
		                    ASSAY_CLAIM_BYTES_MAX);
	else if (!status && (*len == 0 || ((*text)[0] != '{' && (*text)[0] != '[')))
		status = assay_fail(error, ASSAY_ERROR_INPUT, "claim.malformed",
		                    "%s: not a JSON object or array; SPEC 10.7 has them", name);
	if (status) {
		free(*text);
		*text = NULL;
	}
	return status;
}

enum assay_status assay_claims_open(struct assay_claims **claims, const char *const *texts, size_t count,
                                    const char *catalogue, struct assay_error *error)
{
	struct assay_claims *made = calloc(1, sizeof *made);
	enum assay_status status = ASSAY_OK;

	*claims = NULL;
	if (!made)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	for (size_t i = 0; !status && i < count; i++) {
		char *text;
		size_t len;
		status = assay_claim_source(&text, &len, texts[i], error);
		if (!status)
			status = assay_claims_add(made, texts[i], text, len, error);
		free(text);
	}
	if (!status)
		status = assay_catalogue_open(&made->catalogue, catalogue, error);
	if (status)
		assay_claims_close(made);
	else
		*claims = made;
	return status;
}

void assay_claims_close(struct assay_claims *claims)
{
	if (claims)
		assay_catalogue_close(claims->catalogue);
	free(claims);
}
