/* SPDX-License-Identifier: Apache-2.0
 *
 * See telemetry.h. Only the thread reads devices; what it read is noted under the lock, which nobody holds for longer.
 * Times are read under the lock too, so that they are in the order of what they are times of. */
#include "harness/telemetry.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/measure.h"

enum { PERIOD_MS = 100, PATIENCE_MS = 2000 };

struct assay_telemetry {
	uint32_t count;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake, done;          /* the thread's; of those who wait for it */
	uint64_t wanted, started, finished; /* sweeps over all devices */
	bool stop, exited;
	struct assay_card cards[];
};

static const struct assay_source *const sources[] = {&assay_source_nvml, &assay_source_amdgpu, &assay_source_host,
                                                     NULL};

static void sweep(struct assay_telemetry *telemetry)
{
	for (uint32_t d = 0; d < telemetry->count; d++) {
		struct assay_card *card = &telemetry->cards[d];
		struct assay_sample sample = assay_sample_unknown;
		if (!card->source)
			continue;
		card->source->read(card->reader.state, &sample);
		pthread_mutex_lock(&telemetry->lock);
		assay_card_note(card, &sample, assay_clock_ns());
		pthread_mutex_unlock(&telemetry->lock);
	}
}

static struct timespec after(unsigned ms)
{
	struct timespec when;

	clock_gettime(CLOCK_MONOTONIC, &when);
	when.tv_nsec += (long)(ms % 1000) * 1000000;
	when.tv_sec += ms / 1000 + when.tv_nsec / 1000000000;
	when.tv_nsec %= 1000000000;
	return when;
}

static void *sampler(void *context)
{
	struct assay_telemetry *telemetry = context;

	pthread_mutex_lock(&telemetry->lock);
	while (!telemetry->stop) {
		const struct timespec next = after(PERIOD_MS);
		telemetry->started++;
		pthread_mutex_unlock(&telemetry->lock);
		sweep(telemetry);
		pthread_mutex_lock(&telemetry->lock);
		telemetry->finished = telemetry->started;
		pthread_cond_broadcast(&telemetry->done);
		while (!telemetry->stop && telemetry->wanted <= telemetry->finished &&
		       pthread_cond_timedwait(&telemetry->wake, &telemetry->lock, &next) != ETIMEDOUT)
			;
	}
	telemetry->exited = true;
	pthread_cond_broadcast(&telemetry->done);
	pthread_mutex_unlock(&telemetry->lock);
	return NULL;
}

/* Asks for a sweep that has not begun yet. */
static uint64_t want(struct assay_telemetry *telemetry)
{
	telemetry->wanted = telemetry->started + 1;
	pthread_cond_signal(&telemetry->wake);
	return telemetry->wanted;
}

static void release(struct assay_telemetry *telemetry)
{
	for (uint32_t d = 0; d < telemetry->count; d++) {
		struct assay_card *card = &telemetry->cards[d];
		if (card->source)
			card->source->close(card->reader.state);
		assay_card_release(card);
	}
	pthread_cond_destroy(&telemetry->wake);
	pthread_cond_destroy(&telemetry->done);
	pthread_mutex_destroy(&telemetry->lock);
	free(telemetry);
}

struct assay_telemetry *assay_telemetry_start(const struct assay_device *devices, uint32_t count,
                                              const struct assay_telemetry_past *past)
{
	struct assay_telemetry *telemetry = calloc(1, sizeof *telemetry + count * sizeof *telemetry->cards);
	pthread_condattr_t attributes;
	bool any = false;

	if (!telemetry)
		return NULL;
	telemetry->count = count;
	pthread_mutex_init(&telemetry->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&telemetry->wake, &attributes);
	pthread_cond_init(&telemetry->done, &attributes);
	pthread_condattr_destroy(&attributes);
	for (uint32_t d = 0; d < count; d++) {
		struct assay_card *card = &telemetry->cards[d];
		for (const struct assay_source *const *source = sources; !card->source && *source; source++)
			if ((*source)->open(&card->reader, &devices[d]))
				card->source = *source;
		if (past)
			assay_card_recall(card, &past[d]);
		any = any || card->source || *card->past.source;
	}
	/* A first reading, before any run. */
	sweep(telemetry);
	if (any && pthread_create(&telemetry->thread, NULL, sampler, telemetry) == 0)
		return telemetry;
	release(telemetry);
	return NULL;
}

void assay_telemetry_keep(struct assay_telemetry *telemetry)
{
	if (!telemetry)
		return;
	pthread_mutex_lock(&telemetry->lock);
	for (uint32_t d = 0; d < telemetry->count; d++)
		telemetry->cards[d].kept = true;
	pthread_mutex_unlock(&telemetry->lock);
}

void assay_telemetry_begin(struct assay_telemetry *telemetry, uint32_t device,
                           const struct assay_telemetry_place *place)
{
	if (!telemetry)
		return;
	pthread_mutex_lock(&telemetry->lock);
	assay_card_begin(&telemetry->cards[device], assay_clock_ns(), place);
	(void)want(telemetry);
	pthread_mutex_unlock(&telemetry->lock);
}

void assay_telemetry_round(struct assay_telemetry *telemetry, uint32_t device, uint64_t begin_ns, uint64_t end_ns,
                           bool *throttled)
{
	if (!telemetry)
		return;
	pthread_mutex_lock(&telemetry->lock);
	assay_card_round(&telemetry->cards[device], begin_ns, end_ns, throttled);
	pthread_mutex_unlock(&telemetry->lock);
}

/* Under the lock, which others have meanwhile: until all devices were read once more, or patience is over. */
static void one_more(struct assay_telemetry *telemetry)
{
	const struct timespec patience = after(PATIENCE_MS);
	const uint64_t number = want(telemetry);

	while (telemetry->finished < number &&
	       pthread_cond_timedwait(&telemetry->done, &telemetry->lock, &patience) != ETIMEDOUT)
		;
}

struct assay_telemetry_run assay_telemetry_end(struct assay_telemetry *telemetry, uint32_t device)
{
	struct assay_telemetry_run run = {.energy_mj = -1, .throttled_rounds = -1};

	if (!telemetry)
		return run;
	pthread_mutex_lock(&telemetry->lock);
	assay_card_end(&telemetry->cards[device], assay_clock_ns());
	one_more(telemetry);
	assay_card_result(&telemetry->cards[device], &run.energy_mj, &run.throttled_rounds);
	run.throttled = telemetry->cards[device].throttled;
	pthread_mutex_unlock(&telemetry->lock);
	return run;
}

void assay_telemetry_claim(struct assay_telemetry *telemetry, uint32_t device, struct assay_telemetry_claim *claim,
                           struct assay_timeline *line)
{
	*claim = assay_telemetry_none;
	if (line)
		memset(line, 0, sizeof *line);
	if (!telemetry)
		return;
	pthread_mutex_lock(&telemetry->lock);
	assay_card_claim(&telemetry->cards[device], claim);
	if (line)
		*line = telemetry->cards[device].line;
	pthread_mutex_unlock(&telemetry->lock);
}

void assay_telemetry_save(struct assay_telemetry *telemetry, const struct assay_telemetry_limit *limits,
                          assay_telemetry_put *put, void *context)
{
	if (!telemetry)
		return;
	pthread_mutex_lock(&telemetry->lock);
	one_more(telemetry);
	for (uint32_t d = 0; d < telemetry->count; d++)
		assay_card_save(&telemetry->cards[d], d, limits[d].segment, limits[d].rounds, put, context);
	pthread_mutex_unlock(&telemetry->lock);
}

int64_t assay_telemetry_power_limit(struct assay_telemetry *telemetry, uint32_t device)
{
	if (!telemetry)
		return -1;
	pthread_mutex_lock(&telemetry->lock);
	const struct assay_card *card = &telemetry->cards[device];
	int64_t limit_mw = card->source && card->sampled ? card->last.power_limit_mw : -1;
	pthread_mutex_unlock(&telemetry->lock);
	return limit_mw;
}

void assay_telemetry_stop(struct assay_telemetry *telemetry)
{
	const struct timespec patience = after(PATIENCE_MS);

	if (!telemetry)
		return;
	pthread_mutex_lock(&telemetry->lock);
	telemetry->stop = true;
	pthread_cond_signal(&telemetry->wake);
	while (!telemetry->exited && pthread_cond_timedwait(&telemetry->done, &telemetry->lock, &patience) != ETIMEDOUT)
		;
	const bool exited = telemetry->exited;
	pthread_mutex_unlock(&telemetry->lock);
	/* A thread that hangs in a library keeps what it uses. */
	if (!exited) {
		pthread_detach(telemetry->thread);
		return;
	}
	pthread_join(telemetry->thread, NULL);
	release(telemetry);
}
