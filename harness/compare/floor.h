/* SPDX-License-Identifier: Apache-2.0
 *
 * The noise of a machine: by how much two launches of the same code differ there, one time of a hundred. Found by
 * launching one command again and again (`assay compare --calibrate`), kept in a file of JSON. */
#ifndef HARNESS_COMPARE_FLOOR_H
#define HARNESS_COMPARE_FLOOR_H

#include "harness/compare/interleave.h"

/* Fewer launches do not tell how much launches differ. */
enum { ASSAY_CALIBRATE_MIN = 20, ASSAY_CALIBRATE_MAX = 1000 };

struct assay_floors {
	json_t *root; /* NULL: there is no file */
	double given; /* for all metrics; < 0 = none is given */
};

/* From the values of launches of the same code, at least two: the 99 % bound of the difference (a logarithm) of two
 * launches, or of one launch and the median of all when `to_median`. It is the greater one of what Student's t says of
 * their spread and of three times the greatest difference that was seen: machines have worse moments than they show
 * in twenty launches. */
double assay_floor_of(const double *values, size_t count, bool to_median);

/* "2%" or a file that calibration wrote. Errors: floor.malformed, io.open, io.read. */
enum assay_status assay_floors_read(struct assay_floors *floors, const char *text,
                                    struct assay_error *error) ASSAY_CHECK_RESULT;

/* Of this metric; below 0 when nothing is known of it. */
double assay_floors_get(const struct assay_floors *floors, const char *name);
void assay_floors_close(struct assay_floors *floors);

/* Launches commands[0] that often, spread evenly over the plan's budget if it has one, tells, and writes the file. */
enum assay_status assay_calibrate(const char *path, const struct assay_interleave *plan, uint32_t launches,
                                  struct assay_error *error) ASSAY_CHECK_RESULT;

/* "5%" to 0.05; false when it is no such share from 0.01 % to 1000 %. */
bool assay_percent_parse(double *share, const char *text);

#endif
