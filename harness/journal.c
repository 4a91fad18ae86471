/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing a checkpoint. See journal.h. */
#include "harness/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "harness/checkpoint.h"
#include "harness/state.h"

struct records {
	uint8_t *bytes;
	size_t count, capacity;
	bool forgot; /* memory was short: one is missing, so that none may follow */
};

struct assay_journal {
	char path[ASSAY_PATH_MAX];
	uint32_t interval_ms;
	void (*note)(const struct assay_error *why);
	int file;

	/* What was noted and is not on the disk: rounds, and what telemetry says of them and of earlier ones. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct records rounds, notes;
	struct assay_telemetry_limit limits[ASSAY_DEVICES_MAX]; /* the rounds that were noted */
	struct assay_telemetry *telemetry;
	bool ending;
	pthread_t thread;
	bool started;

	/* Of the file, and of the notes; one flush at a time. */
	pthread_mutex_t file_lock;
	uint64_t len;
	uint8_t check[ASSAY_HASH_BYTES];
	bool failing;
};

static bool write_all(int file, const uint8_t *bytes, size_t len, uint64_t at)
{
	while (len > 0) {
		ssize_t written = pwrite(file, bytes, len, (off_t)at);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0) {
			errno = written ? errno : ENOSPC;
			return false;
		}
		bytes += written;
		at += (uint64_t)written;
		len -= (size_t)written;
	}
	while (fsync(file) != 0)
		if (errno != EINTR)
			return false;
	return true;
}

/* Once when it begins to fail, and once when it no longer does. */
static void tell(struct assay_journal *journal, const struct assay_error *failure)
{
	struct assay_error why;

	if (failure && !journal->failing)
		(void)assay_fail(&why, ASSAY_ERROR_IO, failure->reason,
		                 "%s; the run goes on, and writes it as soon as it can", failure->text);
	if (!failure && journal->failing)
		(void)assay_fail(&why, ASSAY_ERROR_IO, "checkpoint.write", "%s: is written again", journal->path);
	if (journal->note && !failure != !journal->failing)
		journal->note(&why);
	journal->failing = failure != NULL;
}

static void record_add(struct records *records, const uint8_t record[ASSAY_RECORD_BYTES])
{
	if (records->count == records->capacity && !records->forgot) {
		size_t capacity = records->capacity ? 2 * records->capacity : 256;
		uint8_t *bytes = realloc(records->bytes, capacity * ASSAY_RECORD_BYTES);
		records->forgot = !bytes;
		if (bytes) {
			records->bytes = bytes;
			records->capacity = capacity;
		}
	}
	if (!records->forgot)
		memcpy(records->bytes + records->count++ * ASSAY_RECORD_BYTES, record, ASSAY_RECORD_BYTES);
}

static void records_drop(struct records *records, size_t count)
{
	if (count == 0) /* perhaps no pointer either */
		return;
	records->count -= count;
	memmove(records->bytes, records->bytes + count * ASSAY_RECORD_BYTES, records->count * ASSAY_RECORD_BYTES);
}

static void note_add(void *context, const struct assay_telemetry_note *note)
{
	uint8_t record[ASSAY_RECORD_BYTES];

	assay_note_write(record, note);
	record_add(context, record);
}

/* The rounds that were noted by now, and then what telemetry says of them; how many of either there are. */
static void gather(struct assay_journal *journal, size_t *rounds, size_t *notes)
{
	struct assay_telemetry_limit limits[ASSAY_DEVICES_MAX];

	pthread_mutex_lock(&journal->lock);
	*rounds = journal->rounds.count;
	memcpy(limits, journal->limits, sizeof limits);
	struct assay_telemetry *telemetry = journal->telemetry;
	pthread_mutex_unlock(&journal->lock);
	assay_telemetry_save(telemetry, limits, note_add, &journal->notes);
	*notes = journal->notes.count;
}

/* The batch of so many rounds and notes, to be released with free(); NULL when memory is short. */
static uint8_t *batch_make(struct assay_journal *journal, size_t rounds, size_t notes, uint8_t check[ASSAY_HASH_BYTES])
{
	uint8_t *batch = malloc(assay_batch_len(rounds + notes)), *at = batch + 4;

	if (!batch)
		return NULL;
	pthread_mutex_lock(&journal->lock);
	if (rounds)
		memcpy(at, journal->rounds.bytes, rounds * ASSAY_RECORD_BYTES);
	pthread_mutex_unlock(&journal->lock);
	at += rounds * ASSAY_RECORD_BYTES;
	if (notes)
		memcpy(at, journal->notes.bytes, notes * ASSAY_RECORD_BYTES);
	at += notes * ASSAY_RECORD_BYTES;
	assay_le32_write(batch, (uint32_t)(rounds + notes));
	assay_batch_check(check, journal->check, batch, rounds + notes);
	memcpy(at, check, ASSAY_HASH_BYTES);
	return batch;
}

enum assay_status assay_journal_flush(struct assay_journal *journal, struct assay_error *error)
{
	uint8_t check[ASSAY_HASH_BYTES];
	enum assay_status status = ASSAY_OK;
	struct assay_error why;
	size_t rounds, notes;

	pthread_mutex_lock(&journal->file_lock);
	gather(journal, &rounds, &notes);
	const size_t count = rounds + notes;
	uint8_t *batch = count ? batch_make(journal, rounds, notes, check) : NULL;
	if (count && !batch) {
		status = assay_fail(&why, ASSAY_ERROR_MEMORY, "memory", "out of memory for a checkpoint");
	} else if (count && !write_all(journal->file, batch, assay_batch_len(count), journal->len)) {
		status = assay_fail(&why, ASSAY_ERROR_IO, "checkpoint.write", "%s: %s", journal->path, strerror(errno));
		/* What is torn would be dropped by a reader too, but may take the room of something else. */
		int cut = ftruncate(journal->file, (off_t)journal->len);
		(void)cut;
	} else if (count) {
		journal->len += assay_batch_len(count);
		memcpy(journal->check, check, sizeof check);
		pthread_mutex_lock(&journal->lock);
		records_drop(&journal->rounds, rounds);
		pthread_mutex_unlock(&journal->lock);
		records_drop(&journal->notes, notes);
	}
	if (status && error)
		*error = why;
	if (status)
		tell(journal, &why);
	else if (count)
		tell(journal, NULL);
	free(batch);
	pthread_mutex_unlock(&journal->file_lock);
	return status;
}

static void *writer(void *context)
{
	struct assay_journal *journal = context;
	struct timespec next;
	bool ending = false;

	while (!ending) {
		clock_gettime(CLOCK_MONOTONIC, &next);
		next.tv_sec += journal->interval_ms / 1000;
		next.tv_nsec += 1000000L * (journal->interval_ms % 1000);
		if (next.tv_nsec >= 1000000000L) {
			next.tv_sec++;
			next.tv_nsec -= 1000000000L;
		}
		pthread_mutex_lock(&journal->lock);
		while (!journal->ending && pthread_cond_timedwait(&journal->changed, &journal->lock, &next) == 0)
			;
		ending = journal->ending;
		pthread_mutex_unlock(&journal->lock);
		/* A failure is told, and tried again. */
		if (!ending)
			(void)!assay_journal_flush(journal, NULL);
	}
	return NULL;
}

void assay_journal_telemetry(struct assay_journal *journal, struct assay_telemetry *telemetry)
{
	assay_telemetry_keep(telemetry);
	pthread_mutex_lock(&journal->lock);
	journal->telemetry = telemetry;
	pthread_mutex_unlock(&journal->lock);
}

void assay_journal_round(struct assay_journal *journal, uint32_t segment, uint32_t device, uint32_t round,
                         const uint8_t root[ASSAY_HASH_BYTES], uint64_t round_ns, uint64_t elapsed_ns)
{
	uint8_t record[ASSAY_RECORD_BYTES];

	assay_record_write(record, segment, device, root, round_ns, elapsed_ns);
	pthread_mutex_lock(&journal->lock);
	record_add(&journal->rounds, record);
	if (!journal->rounds.forgot)
		journal->limits[device] = (struct assay_telemetry_limit){segment, round + 1};
	pthread_mutex_unlock(&journal->lock);
}

/* The file is there and holds `len` bytes with this check at their end. */
static enum assay_status begin(struct assay_journal **out, const struct assay_journal_wish *wish, uint64_t len,
                               const uint8_t check[ASSAY_HASH_BYTES], struct assay_error *error)
{
	struct assay_journal *journal = calloc(1, sizeof *journal);
	pthread_condattr_t monotonic;
	enum assay_status status = ASSAY_OK;

	if (!journal)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	snprintf(journal->path, sizeof journal->path, "%s", wish->path);
	journal->interval_ms = wish->interval_ms;
	journal->note = wish->note;
	journal->len = len;
	memcpy(journal->check, check, ASSAY_HASH_BYTES);
	pthread_mutex_init(&journal->lock, NULL);
	pthread_mutex_init(&journal->file_lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&journal->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	journal->file = open(wish->path, O_RDWR | O_CLOEXEC);
	if (journal->file < 0)
		status = assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s", wish->path, strerror(errno));
	/* File systems without locks are taken at their word. */
	else if (flock(journal->file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "checkpoint.busy",
		                    "%s: another process goes on with this run; wait for it or end it", wish->path);
	else if (ftruncate(journal->file, (off_t)len) != 0)
		status = assay_fail(error, ASSAY_ERROR_IO, "io.write", "%s: %s", wish->path, strerror(errno));
	if (!status) {
		journal->started = pthread_create(&journal->thread, NULL, writer, journal) == 0;
		if (!journal->started)
			status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory",
			                    "no thread can be started; raise the process limit (ulimit -u)");
	}
	if (status)
		assay_journal_close(journal, false);
	else
		*out = journal;
	return status;
}

enum assay_status assay_journal_create(struct assay_journal **journal, const struct assay_journal_wish *wish,
                                       const struct assay_job *job, uint64_t started, bool replace,
                                       struct assay_error *error)
{
	struct assay_output output = {.slot = -1};
	uint8_t check[ASSAY_HASH_BYTES];
	size_t len;
	uint8_t *header = assay_checkpoint_header(&len, check, job, started);

	*journal = NULL;
	if (!header)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	enum assay_status status = assay_output_open(&output, wish->path, 0644, error);
	if (!status) {
		fwrite(header, 1, len, output.file);
		status = assay_output_flush(&output, error);
	}
	if (!status)
		status = assay_output_commit(&output, replace, error);
	assay_output_close(&output);
	free(header);
	return status ? status : begin(journal, wish, len, check, error);
}

enum assay_status assay_journal_resume(struct assay_journal **journal, const struct assay_journal_wish *wish,
                                       const struct assay_checkpoint *checkpoint, bool pause, struct assay_error *error)
{
	uint8_t record[ASSAY_RECORD_BYTES];

	*journal = NULL;
	enum assay_status status = begin(journal, wish, checkpoint->len, checkpoint->check, error);
	if (!status && pause) {
		static const uint8_t nothing[ASSAY_HASH_BYTES];
		assay_record_write(record, UINT32_MAX, UINT32_MAX, nothing, 0, 0);
		pthread_mutex_lock(&(*journal)->lock);
		record_add(&(*journal)->rounds, record);
		pthread_mutex_unlock(&(*journal)->lock);
	}
	return status;
}

void assay_journal_close(struct assay_journal *journal, bool remove)
{
	if (!journal)
		return;
	if (journal->started) {
		pthread_mutex_lock(&journal->lock);
		journal->ending = true;
		pthread_cond_signal(&journal->changed);
		pthread_mutex_unlock(&journal->lock);
		pthread_join(journal->thread, NULL);
	}
	if (remove)
		unlink(journal->path);
	if (journal->file >= 0)
		close(journal->file);
	pthread_cond_destroy(&journal->changed);
	pthread_mutex_destroy(&journal->lock);
	pthread_mutex_destroy(&journal->file_lock);
	free(journal->rounds.bytes);
	free(journal->notes.bytes);
	free(journal);
}
