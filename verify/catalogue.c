/* SPDX-License-Identifier: Apache-2.0
 *
 * See catalogue.h. SPEC 10.8. All arithmetic is on integers, so that everybody comes to the same. */
#include "verify/catalogue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "verify/aggregate.h"

enum column {
	MODEL,
	VENDOR,
	KEY,
	INTERFACE,
	NAMES,
	UNITS,
	MEMORY,
	BANDWIDTH,
	CACHE,
	BOOST,
	SHA256_OPS,
	INT8,
	F16,
	F32,
	F64,
	F64_MATRIX,
	MARGIN,
	SOURCE,
	COLUMNS
};

static const char header[] = "model\tvendor\tkey\tinterface\tnames\tunits\tmemory_gib\tbandwidth_gbs\tcache_mib\t"
                             "boost_mhz\tsha256_ops\tint8_tops\tf16_tflops\tf32_tflops\tf64_tflops\t"
                             "f64_matrix_tflops\tmargin_percent\tsource";

/* verify/gpu_catalogue.tsv. */
extern const unsigned char assay_gpu_catalogue[];
extern const size_t assay_gpu_catalogue_len;

static const uint64_t tera = UINT64_C(1000000000000);

const char *assay_ceiling_workload(enum assay_ceiling ceiling)
{
	static const char *const names[ASSAY_CEILING_COUNT] = {
	    [ASSAY_CEILING_MATMUL_I8] = "matmul-i8/1",   [ASSAY_CEILING_MATMUL_I9] = "matmul-i9/1",
	    [ASSAY_CEILING_MATMUL_F32] = "matmul-f32/1", [ASSAY_CEILING_MATMUL_F64] = "matmul-f64/1",
	    [ASSAY_CEILING_SHA256] = "sha256/1",         [ASSAY_CEILING_MEMORY] = "memory/1"};

	return names[ceiling];
}

enum assay_ceiling assay_ceiling_of(const char *workload)
{
	int ceiling = 0;

	while (ceiling < ASSAY_CEILING_CAPACITY &&
	       strcmp(workload, assay_ceiling_workload((enum assay_ceiling)ceiling)) != 0)
		ceiling++;
	return (enum assay_ceiling)ceiling;
}

bool assay_thousandths(uint64_t *number, const char *text, size_t len)
{
	int digits = 0, decimals = -1;

	*number = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.' && decimals < 0 && digits > 0) {
			decimals = 0;
			continue;
		}
		if (text[i] < '0' || text[i] > '9' || decimals == 3 || (decimals < 0 && digits == 6))
			return false;
		*number = *number * 10 + (uint64_t)(text[i] - '0');
		digits++;
		decimals += decimals >= 0;
	}
	for (int i = decimals < 0 ? 0 : decimals; i < 3; i++)
		*number *= 10;
	return decimals != 0;
}

const char *assay_alternative(const char **list, size_t *len)
{
	const char *start = *list;

	if (!*start)
		return NULL;
	*len = strcspn(start, "|");
	*list = start + *len + (start[*len] == '|');
	return start;
}

/* The greatest and the least of alternatives that are numbers, in thousandths; both 0 when there are none. */
static bool bounds(uint64_t *most, uint64_t *least, const char *list)
{
	size_t len;
	uint64_t number;

	const bool several = strchr(list, '|') != NULL;

	*most = *least = 0;
	for (const char *one; (one = assay_alternative(&list, &len));) {
		if (!assay_thousandths(&number, one, len) || (several && number == 0))
			return false;
		*most = number > *most ? number : *most;
		*least = number < *least || !*least ? number : *least;
	}
	return true;
}

/* Of a claim's characters (SPEC 10.7): others would never be met. */
static bool is_word(const char *text)
{
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-_|")] == '\0';
}

/* No alternative is empty. */
static bool is_list(const char *list)
{
	return !*list || (list[0] != '|' && list[strlen(list) - 1] != '|' && !strstr(list, "||"));
}

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool ceilings(struct assay_model *model, char *const cells[COLUMNS])
{
	const uint64_t most = UINT64_C(1) << 62;
	uint64_t number[COLUMNS] = {0}, least, margin;

	for (int i = KEY; i <= MEMORY; i++)
		if (!is_list(cells[i]))
			return false;
	for (int i = BANDWIDTH; i <= F64_MATRIX; i++)
		if (!assay_thousandths(&number[i], cells[i], strlen(cells[i])))
			return false;
	if (!bounds(&number[UNITS], &least, cells[UNITS]) || strchr(cells[UNITS], '.') ||
	    !bounds(&number[MEMORY], &least, cells[MEMORY]) || !*cells[MARGIN] ||
	    !assay_thousandths(&margin, cells[MARGIN], strlen(cells[MARGIN])) || margin % 1000 || margin > 100000)
		return false;
	model->label_bytes = assay_gib(least);
	/* 0 is as unknown as nothing. */
	model->units = number[UNITS] ? cells[UNITS] : "";
	model->memory = number[MEMORY] ? cells[MEMORY] : "";
	uint64_t *ceiling = model->ceiling;
	/* Two levels of Strassen's way are exact in f16, and cost 49 products of 64. */
	const uint64_t by_f16 = (uint64_t)((assay_wide)number[F16] * (tera / 1000) * 64 / 49);
	if (number[INT8])
		ceiling[ASSAY_CEILING_MATMUL_I8] = greater(number[INT8] * (tera / 1000), by_f16);
	if (number[F16] && number[INT8])
		ceiling[ASSAY_CEILING_MATMUL_I9] = greater(by_f16, number[INT8] * (tera / 1000) / 2);
	ceiling[ASSAY_CEILING_MATMUL_F32] = number[F32] * (tera / 1000);
	/* Without units of its own worth the name, integers do it faster. */
	const bool by_integers = !number[F32] || number[F32] > 8 * number[F64];
	if (number[F64])
		ceiling[ASSAY_CEILING_MATMUL_F64] =
		    greater(number[F64_MATRIX], number[F64] * (by_integers ? 4 : 1)) * (tera / 1000);
	/* Thousandths of MHz by thousandths of operations. */
	const assay_wide hashes =
	    number[SHA256_OPS] ? (assay_wide)64 * (number[UNITS] / 1000) * number[BOOST] * 1000000 / number[SHA256_OPS]
	                       : 0;
	ceiling[ASSAY_CEILING_SHA256] = (uint64_t)hashes;
	if (number[CACHE])
		ceiling[ASSAY_CEILING_MEMORY] = number[BANDWIDTH] * 1000000;
	ceiling[ASSAY_CEILING_CAPACITY] = assay_gib(number[MEMORY]);
	model->cache_bytes = (uint64_t)(((assay_wide)number[CACHE] << 20) / 1000);
	model->margin_percent = (uint32_t)(margin / 1000);
	/* Beyond what any figure comes to. */
	bool good = hashes < most;
	for (int i = 0; i < ASSAY_CEILING_COUNT; i++)
		good = good && ceiling[i] < most;
	return good;
}

/* Cuts a line into its cells, in place. */
static bool cut(char *cells[COLUMNS], char *line)
{
	for (int i = 0; i < COLUMNS; i++) {
		cells[i] = line;
		char *tab = strchr(line, '\t');
		if ((tab == NULL) != (i == COLUMNS - 1))
			return false;
		if (tab) {
			*tab = '\0';
			line = tab + 1;
		}
	}
	return *cells[MODEL] && *cells[VENDOR] && *cells[KEY] && is_word(cells[VENDOR]) && is_word(cells[KEY]) &&
	       is_word(cells[INTERFACE]);
}

static bool line_is_plain(const char *line)
{
	for (; *line; line++)
		if (*line != '\t' && (*line < 0x20 || *line > 0x7e))
			return false;
	return true;
}

static enum assay_status lines(struct assay_catalogue *catalogue, const char *name, struct assay_error *error)
{
	bool headed = false;
	int number = 1;
	char *cells[COLUMNS], *next = catalogue->text;

	for (char *line; *next; number++) {
		line = next;
		next += strcspn(next, "\n");
		if (*next)
			*next++ = '\0';
		if (*line == '#')
			continue;
		if (!headed) {
			headed = strcmp(line, header) == 0;
			if (headed)
				continue;
			return assay_fail(error, ASSAY_ERROR_INPUT, "catalogue.malformed",
			                  "%s: line %d: not the names of the columns; SPEC 10.8 has them", name,
			                  number);
		}
		if (catalogue->count == ASSAY_MODELS_MAX)
			return assay_fail(error, ASSAY_ERROR_INPUT, "catalogue.malformed", "%s: more than %d models",
			                  name, ASSAY_MODELS_MAX);
		struct assay_model *model = &catalogue->models[catalogue->count++];
		if (!line_is_plain(line) || !cut(cells, line) || !ceilings(model, cells))
			return assay_fail(error, ASSAY_ERROR_INPUT, "catalogue.malformed",
			                  "%s: line %d: not %d columns with what SPEC 10.8 has in them", name, number,
			                  COLUMNS);
		model->model = cells[MODEL];
		model->vendor = cells[VENDOR];
		model->key = cells[KEY];
		model->interface = cells[INTERFACE];
		model->names = cells[NAMES];
	}
	if (!headed)
		return assay_fail(error, ASSAY_ERROR_INPUT, "catalogue.malformed",
		                  "%s: no line with the names of the columns; SPEC 10.8 has them", name);
	return ASSAY_OK;
}

enum assay_status assay_catalogue_parse(struct assay_catalogue **catalogue, const char *name, const void *text,
                                        size_t len, struct assay_error *error)
{
	struct assay_catalogue *made = calloc(1, sizeof *made);

	*catalogue = NULL;
	if (made)
		made->text = calloc(len + 1, 1);
	if (!made || !made->text) {
		free(made);
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	}
	memcpy(made->text, text, len);
	crypto_hash_sha256(made->digest, text, len);
	enum assay_status status = ASSAY_OK;
	if (strlen(made->text) != len)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "catalogue.malformed", "%s: not a text file", name);
	if (!status)
		status = lines(made, name, error);
	if (status)
		assay_catalogue_close(made);
	else
		*catalogue = made;
	return status;
}

enum assay_status assay_catalogue_open(struct assay_catalogue **catalogue, const char *path, struct assay_error *error)
{
	*catalogue = NULL;
	if (!path)
		return assay_catalogue_parse(catalogue, "the catalogue", assay_gpu_catalogue, assay_gpu_catalogue_len,
		                             error);
	char *text;
	size_t len;
	enum assay_status status = assay_file_read(&text, &len, ASSAY_CATALOGUE_BYTES_MAX, path, error);
	if (!status && len > ASSAY_CATALOGUE_BYTES_MAX)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "catalogue.malformed", "%s: longer than %d bytes", path,
		                    ASSAY_CATALOGUE_BYTES_MAX);
	if (!status)
		status = assay_catalogue_parse(catalogue, path, text, len, error);
	free(text);
	return status;
}

void assay_catalogue_close(struct assay_catalogue *catalogue)
{
	if (catalogue)
		free(catalogue->text);
	free(catalogue);
}
