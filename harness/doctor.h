/* SPDX-License-Identifier: Apache-2.0
 *
 * What `assay doctor` finds out: findings with stable ids, and what may be wrong with a vendor's cards. Looks, and
 * changes nothing; but a driver that makes its device nodes on first use does so. */
#ifndef HARNESS_DOCTOR_H
#define HARNESS_DOCTOR_H

#include <glob.h>

#include "harness/backend.h"
#include "harness/state.h"

enum { ASSAY_FINDINGS_MAX = 24, ASSAY_FOUND_MAX = 8 };

enum assay_finding_status { ASSAY_FINDING_OK, ASSAY_FINDING_PROBLEM, ASSAY_FINDING_FACT, ASSAY_FINDING_SKIPPED };

/* Printable ASCII. */
struct assay_finding {
	enum assay_finding_status status;
	const char *id;                /* "doctor.nvidia-node" */
	char detail[640], remedy[320]; /* "" where there is nothing to do */
};

/* How many devices a backend has. */
struct assay_found {
	uint32_t count;
	struct assay_error error; /* why there is none */
};

struct assay_doctor {
	const char *root;                          /* what /sys, /proc, /dev, /etc and /run are below: "" */
	const char *container;                     /* what shows that this is one; NULL when nothing does */
	struct assay_found found[ASSAY_FOUND_MAX]; /* in the order of assay_backends */
	struct assay_finding findings[ASSAY_FINDINGS_MAX];
	size_t count;
};

/* Adds a finding; `remedy` may be NULL. */
void assay_finding_add(struct assay_doctor *doctor, enum assay_finding_status status, const char *id,
                       const char *remedy, const char *format, ...) __attribute__((format(printf, 5, 6)));

const struct assay_found *assay_doctor_found(const struct assay_doctor *doctor, const struct assay_backend *backend);

/* The path of a file below the root. */
const char *assay_doctor_path(char path[ASSAY_PATH_MAX], const struct assay_doctor *doctor, const char *name);

/* The start of a file, and its first line without blanks at the end; "" when it cannot be read. */
const char *assay_doctor_text(char text[512], const char *path);
const char *assay_doctor_line(char text[512], const char *path);

/* The files of a pattern, how many; to be released with globfree, also when there are none. */
size_t assay_doctor_list(glob_t *files, const char *pattern);

/* The same for files that name OpenCL drivers and have `word` in their name. *place is where: $OCL_ICD_VENDORS, a
 * directory or one such file, or the usual directory. */
size_t assay_doctor_icds(glob_t *files, const char **place, const struct assay_doctor *doctor, const char *word);

/* Adds what there is to say of every vendor's cards, from the bus to the backend. */
void assay_doctor_cards(struct assay_doctor *doctor);

#endif
