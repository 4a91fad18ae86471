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

struct assay_journal {
	char path[ASSAY_PATH_MAX];
	uint32_t interval_ms;
	void (*note)(const struct assay_error *why);
	int file;

	/* What was noted and is not on the disk. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint8_t *records;
	size_t count, capacity;
	bool forgot; /* memory was short: a round is missing, so that none may follow */
	bool ending;
	pthread_t thread;
	bool started;

	/* Of the file; one flush at a time. */
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

/* The batch of what was noted, to be released with free(); *count records of it. NULL and a count when memory is short.
 */
static uint8_t *batch_make(struct assay_journal *journal, size_t *count, uint8_t check[ASSAY_HASH_BYTES])
{
	pthread_mutex_lock(&journal->lock);
	*count = journal->count;
	uint8_t *batch = *count ? malloc(assay_batch_len(*count)) : NULL;
	if (batch)
		memcpy(batch + 4, journal->records, *count * ASSAY_RECORD_BYTES);
	pthread_mutex_unlock(&journal->lock);
	if (batch) {
		assay_le32_write(batch, (uint32_t)*count);
		assay_batch_check(check, journal->check, batch, *count);
		memcpy(batch + 4 + *count * ASSAY_RECORD_BYTES, check, ASSAY_HASH_BYTES);
	}
	return batch;
}

enum assay_status assay_journal_flush(struct assay_journal *journal, struct assay_error *error)
{
	uint8_t check[ASSAY_HASH_BYTES];
	enum assay_status status = ASSAY_OK;
	struct assay_error why;
	size_t count;

	pthread_mutex_lock(&journal->file_lock);
	uint8_t *batch = batch_make(journal, &count, check);
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
		journal->count -= count;
		memmove(journal->records, journal->records + count * ASSAY_RECORD_BYTES,
		        journal->count * ASSAY_RECORD_BYTES);
		pthread_mutex_unlock(&journal->lock);
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

static void record_add(struct assay_journal *journal, const uint8_t record[ASSAY_RECORD_BYTES])
{
	pthread_mutex_lock(&journal->lock);
	if (journal->count == journal->capacity && !journal->forgot) {
		size_t capacity = journal->capacity ? 2 * journal->capacity : 256;
		uint8_t *records = realloc(journal->records, capacity * ASSAY_RECORD_BYTES);
		journal->forgot = !records;
		if (records) {
			journal->records = records;
			journal->capacity = capacity;
		}
	}
	if (!journal->forgot)
		memcpy(journal->records + journal->count++ * ASSAY_RECORD_BYTES, record, ASSAY_RECORD_BYTES);
	pthread_mutex_unlock(&journal->lock);
}

void assay_journal_round(struct assay_journal *journal, uint32_t segment, uint32_t device,
                         const uint8_t root[ASSAY_HASH_BYTES], uint64_t round_ns, uint64_t elapsed_ns)
{
	uint8_t record[ASSAY_RECORD_BYTES];

	assay_record_write(record, segment, device, root, round_ns, elapsed_ns);
	record_add(journal, record);
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
		record_add(*journal, record);
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
	free(journal->records);
	free(journal);
}
