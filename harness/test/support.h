/* SPDX-License-Identifier: Apache-2.0
 *
 * What the harness's tests share: a place for files, the binaries under test, devices that may be missing. */
#ifndef HARNESS_TEST_SUPPORT_H
#define HARNESS_TEST_SUPPORT_H

#include <sys/types.h>

#include <criterion/criterion.h>

#include "harness/backend.h"
#include "verify/work.h"

/* $ASSAY_BUILD, "build" unless it is set. */
const char *support_build(void);

/* Makes an empty directory below the build directory, and the state directory in it; returns its path. To be removed
 * with support_leave, which takes the place of a suite's .fini. */
const char *support_enter(void);
void support_leave(void);

/* "<directory>/<name>", good until the eighth next call. */
const char *support_path(const char *name);

void support_write(const char *path, const void *data, size_t len);
size_t support_read(const char *path, void *data, size_t capacity); /* 0 when there is no such file */
/* Lines of a file in the directory, of its first 64 KiB; 0 when it is not there. */
size_t support_lines(const char *name);
void support_file(const char *name, const char *text); /* in the directory, with directories on the way */
bool support_exists(const char *path);
unsigned support_mode(const char *path);

/* Files in the directory, hidden ones too; the state directory does not count. */
unsigned support_files(void);

/* Runs a line of shell; $A is the assay binary, $V assay-verify, $T the directory. The exit status as a shell shows it;
 * `support_out` and `support_err` hold what it printed. */
int support_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* fork(), for a child that goes on in this program. AddressSanitizer's allocator is locked for ever in a child when
 * another thread was in it, so the other threads are asleep by then. */
pid_t support_fork(void);

/* In a child: signals that end a process do so, whoever runs the tests, but for `ignored` (0 = none), as nohup has it.
 */
void support_signals(int ignored);

/* `assay` with these arguments, in the directory and the background; what it prints is for support_ended, by a name of
 * its own. Signals as above. */
pid_t support_start(const char *name, const char *arguments, int ignored);
int support_ended(pid_t child, const char *name);

extern char support_out[65536], support_err[65536];

/* Skips the test, loudly, unless $ASSAY_REQUIRE lists `what`: then it fails. */
_Noreturn void support_missing(const char *what, const char *why);

/* Points a variable to the double of a library ("libcuda.so"); `images`: and there are programs for GPUs. Else it does
 * as support_missing does. */
void support_double(const char *variable, const char *library, bool images);

/* Of many cases that run the same code AddressSanitizer sees every fifth; a test that does whole runs again and again
 * is skipped under it, since others show it their code. */
#ifdef __SANITIZE_ADDRESS__
enum { SUPPORT_STEP = 5 };
#else
enum { SUPPORT_STEP = 1 };
#endif
void support_long(void);

/* Opens opencl:0, before any other device because looking for it forks, with these lanes and group (0 = the device's
 * own), or does as support_missing does. */
void support_opencl(struct assay_device *device, uint32_t lanes, uint32_t group);

/* Opens the cpu with these lanes; false when the processor cannot run them. */
bool support_cpu(struct assay_device *device, uint32_t lanes);

/* A workload made ready on a device. Where a fill comes before it, its seed is 32 bytes of `fill`, and its room is
 * taken or it does without. */
struct assay_engine;
struct assay_workload;
void support_engine(struct assay_engine *engine, struct assay_device *device, const struct assay_workload *workload,
                    const struct assay_params *params, uint8_t fill, bool room);

/* A small round of every workload gives the same roots on both devices. */
void support_same_rounds(struct assay_device *one, struct assay_device *other);

/* True under a sanitizer that does not know device compilers' threads. */
bool support_thread_sanitizer(void);

#define support_ok(call, error) cr_assert_eq((call), ASSAY_OK, "%s (%s)", (error).text, (error).reason)

#endif
