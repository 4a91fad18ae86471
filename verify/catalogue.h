/* SPDX-License-Identifier: Apache-2.0
 *
 * The catalogue of models (SPEC 10.8): what a device of each could do at most. */
#ifndef VERIFY_CATALOGUE_H
#define VERIFY_CATALOGUE_H

#include "verify/aggregate.h"
#include "verify/bytes.h"

enum { ASSAY_CATALOGUE_BYTES_MAX = 1 << 20 };

/* What has a ceiling: the workloads with rates, in units a second, and bytes of memory. */
enum assay_ceiling {
	ASSAY_CEILING_MATMUL_I8,
	ASSAY_CEILING_MATMUL_I9,
	ASSAY_CEILING_MATMUL_F32,
	ASSAY_CEILING_MATMUL_F64,
	ASSAY_CEILING_SHA256,
	ASSAY_CEILING_MEMORY,
	ASSAY_CEILING_CAPACITY,
	ASSAY_CEILING_COUNT
};

/* "matmul-i8/1" ... of a ceiling that is a workload's; NULL for the capacity. */
const char *assay_ceiling_workload(enum assay_ceiling ceiling);

/* The ceiling of a workload; that of the capacity, which is none's, when it has none. */
enum assay_ceiling assay_ceiling_of(const char *workload);

/* The texts are parts of the catalogue's; but for the first two they may be alternatives with '|' between. */
struct assay_model {
	const char *model, *vendor;
	const char *key, *interface, *names, *units, *memory;
	uint64_t ceiling[ASSAY_CEILING_COUNT]; /* 0 = unknown */
	uint64_t label_bytes;                  /* the least label of its memory; 0 = unknown */
	uint64_t cache_bytes;
	uint32_t margin_percent;
};

struct assay_catalogue {
	uint8_t digest[ASSAY_HASH_BYTES]; /* SHA-256 of its text */
	uint32_t count;
	struct assay_model models[ASSAY_MODELS_MAX];
	char *text;
};

/* Reads a catalogue file, or with NULL the one that is built in, to be released with assay_catalogue_close. Errors:
 * ASSAY_ERROR_IO, ASSAY_ERROR_INPUT (catalogue.malformed), ASSAY_ERROR_MEMORY. */
enum assay_status assay_catalogue_open(struct assay_catalogue **catalogue, const char *path,
                                       struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_catalogue_close(struct assay_catalogue *catalogue);

/* The same from a text in memory, which need not end in a zero; `name` stands in errors. */
enum assay_status assay_catalogue_parse(struct assay_catalogue **catalogue, const char *name, const void *text,
                                        size_t len, struct assay_error *error) ASSAY_CHECK_RESULT;

/* The model that drivers show under this name, or NULL. */
const struct assay_model *assay_catalogue_named(const struct assay_catalogue *catalogue, const char *name);

/* Whether a claim can mean the model: by its key; by an interface, where both have one and one begins with the other.
 */
bool assay_model_has_key(const struct assay_model *model, const char *key);
bool assay_model_has_interface(const struct assay_model *model, const char *interface);

/* False when it is known that drivers tell other numbers of compute units, or that no label of its memory is that. */
bool assay_model_has_units(const struct assay_model *model, uint64_t units);
bool assay_model_has_memory(const struct assay_model *model, uint64_t bytes);

/* True when a label can be that of so many bytes: drivers keep some, and makers round. */
bool assay_memory_fits(uint64_t bytes, uint64_t label);

/* For those who read a catalogue's text. The next of alternatives with '|' between, of *len characters, NULL at the
 * end; a decimal number of at most three decimals below 10^6 in thousandths ("" is 0); GiB in bytes. */
const char *assay_alternative(const char **list, size_t *len);
bool assay_thousandths(uint64_t *number, const char *text, size_t len);
uint64_t assay_gib(uint64_t thousandths);

/* False for a table that lies in the model's caches: how fast it is read says nothing of memory. */
bool assay_model_reads_memory(const struct assay_model *model, uint64_t table_bytes);

/* What a device did: units a second by workload and bytes; 0 = nothing. */
struct assay_shown {
	assay_wide figure[ASSAY_CEILING_COUNT]; /* below 2^93 */
	uint64_t table_bytes;                   /* of the walk of that rate */
};

/* True when a device of this model cannot have done that; *ceiling (may be NULL) is the first that it was beyond. */
bool assay_model_is_beyond(const struct assay_model *model, const struct assay_shown *shown,
                           enum assay_ceiling *ceiling);

/* True when `model` can do so much less than `other`, in as many ways as it can do more or in more of them, that it
 * could be told. */
bool assay_model_is_lesser(const struct assay_model *model, const struct assay_model *other);

#endif
