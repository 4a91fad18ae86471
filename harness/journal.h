/* SPDX-License-Identifier: Apache-2.0
 *
 * The checkpoint of a long job: a file that grows while the job runs, from which it can be resumed or attested after
 * the process was killed. It holds no secret. It is the harness's own and of no interest to a verifier:
 *
 *     "assay-j2", LE32 length and bytes of: challenge payload, devices block, ids of the devices ("cpu,opencl:0")
 *     prover's public key (32)
 *     LE64 start (seconds since 1970), LE32 stagger in ms, LE32 rounds of which one is repeated, LE32 watts of budget
 *     check (32): SHA-256 of "assay journal\n" and all of the above
 *
 * then batches: LE32 number of records, the records, check (32): SHA-256 of "assay journal batch\n", the check before
 * it, the number and the records.
 *
 * A record is LE32 segment, LE32 device, root (32), LE64 round_ns, LE64 elapsed_ns. One with 2^32 - 1 in the first two
 * says that the job was resumed here. Others are of telemetry, with 2^32 - 2 - kind in place of the segment, and 48
 * bytes after the device, the last of them 0:
 *
 *     kind 0   LE32 segment, first and last round; LE32 1 if these were throttled, 0 if not
 *     kind 1   readings of a quantity: LE32 quantity, LE32 their number, LE64 ms on the time line, LE64 least
 *              of them, LE64 greatest, LE64 sum
 *     kind 2   source (12), joined (12), LE64 readings in all, LE32 reasons for throttling, LE32 1 if these are
 *              known; LE32 memory errors, LE32 driver's errors, each 2^32 - 1 if unknown
 *
 * A batch that is cut short, or whose check does not hold, ends the file: it and
 * what follows are dropped. */
#ifndef HARNESS_JOURNAL_H
#define HARNESS_JOURNAL_H

#include "harness/job.h"

enum { ASSAY_JOURNAL_SECONDS = 30 };

/* What a checkpoint holds. */
struct assay_checkpoint {
	struct assay_challenge challenge;
	char *challenge_text, *devices_text, *ids;
	uint8_t key[ASSAY_KEY_BYTES];
	uint64_t started;
	uint32_t stagger_ms, repeat_every, power_budget_w;
	uint32_t pauses;
	uint64_t rounds;                   /* in all */
	struct assay_run_log *runs;        /* as in struct assay_job, which may take them: NULL then */
	struct assay_telemetry_past *past; /* likewise */
	uint32_t *told;                    /* of each run, how many rounds it is known of whether they were throttled */

	uint64_t len, dropped; /* bytes of the file that hold, and bytes after them */
	uint8_t check[ASSAY_HASH_BYTES];
};

/* Errors: io.open, io.read, memory; checkpoint.malformed. Always to be closed. */
enum assay_status assay_checkpoint_read(struct assay_checkpoint *checkpoint, const char *path,
                                        struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_checkpoint_close(struct assay_checkpoint *checkpoint);

/* A checkpoint that is being written, by a thread of its own, every so many milliseconds: devices never wait for the
 * disk. What cannot be written is kept and tried again. */
struct assay_journal;

struct assay_journal_wish {
	const char *path;
	uint32_t interval_ms;
	void (*note)(const struct assay_error *why); /* of a disk that is full, and of its end; may be NULL */
};

/* Starts a checkpoint of a job whose texts are made (assay_job_texts). Errors: io.open, io.exists, io.write, memory. */
enum assay_status assay_journal_create(struct assay_journal **journal, const struct assay_journal_wish *wish,
                                       const struct assay_job *job, uint64_t started, bool replace,
                                       struct assay_error *error) ASSAY_CHECK_RESULT;

/* Goes on with one that was read, with `pause` noting that the job was interrupted. Errors: io.open, io.write, memory;
 * checkpoint.busy when another process does so. */
enum assay_status assay_journal_resume(struct assay_journal **journal, const struct assay_journal_wish *wish,
                                       const struct assay_checkpoint *checkpoint, bool pause,
                                       struct assay_error *error) ASSAY_CHECK_RESULT;

/* What the devices' telemetry says is to be written too, until the journal is closed. */
void assay_journal_telemetry(struct assay_journal *journal, struct assay_telemetry *telemetry);

/* Notes a round by its number in its run. From any thread. */
void assay_journal_round(struct assay_journal *journal, uint32_t segment, uint32_t device, uint32_t round,
                         const uint8_t root[ASSAY_HASH_BYTES], uint64_t round_ns, uint64_t elapsed_ns);

/* Writes what was noted. Errors: checkpoint.write, memory: what was noted is still there. */
enum assay_status assay_journal_flush(struct assay_journal *journal, struct assay_error *error) ASSAY_CHECK_RESULT;

/* Ends the thread and closes the file, which is removed when it has done its work. What was not flushed is lost. Takes
 * NULL. */
void assay_journal_close(struct assay_journal *journal, bool remove);

#endif
