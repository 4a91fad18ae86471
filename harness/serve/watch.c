/* SPDX-License-Identifier: Apache-2.0
 *
 * See watch.h. */
#include "harness/serve/watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "harness/measure.h"

struct assay_watched {
	struct assay_watched *next, **at;
	int socket;
	uint64_t network, until_ns;
	bool counts; /* for its network */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct assay_watched *first;

/* Under the mutex. */
static uint32_t count_of(uint64_t network)
{
	uint32_t count = 0;

	for (const struct assay_watched *watched = first; watched; watched = watched->next)
		count += watched->counts && watched->network == network;
	return count;
}

struct assay_watched *assay_watch_open(struct assay_metrics *metrics, int socket, uint64_t network, uint32_t most,
                                       uint64_t until_ns)
{
	struct assay_watched *watched = calloc(1, sizeof *watched);

	if (!watched)
		return NULL;
	pthread_mutex_lock(&mutex);
	*watched = (struct assay_watched){.next = first,
	                                  .at = &first,
	                                  .socket = socket,
	                                  .network = network,
	                                  .counts = count_of(network) < most,
	                                  .until_ns = until_ns};
	if (first)
		first->at = &watched->next;
	first = watched;
	if (!watched->counts) {
		shutdown(socket, SHUT_RDWR);
		watched->until_ns = UINT64_MAX;
		assay_metrics_refused(metrics);
	}
	pthread_mutex_unlock(&mutex);
	return watched;
}

bool assay_watch_counts(const struct assay_watched *watched)
{
	return !watched || watched->counts; /* which never changes */
}

void assay_watch_until(struct assay_watched *watched, uint64_t until_ns)
{
	if (!watched)
		return;
	pthread_mutex_lock(&mutex);
	watched->until_ns = until_ns;
	pthread_mutex_unlock(&mutex);
}

void assay_watch_close(struct assay_watched *watched)
{
	if (!watched)
		return;
	pthread_mutex_lock(&mutex);
	*watched->at = watched->next;
	if (watched->next)
		watched->next->at = watched->at;
	pthread_mutex_unlock(&mutex);
	free(watched);
}

void assay_watch_cut(struct assay_metrics *metrics)
{
	const uint64_t now_ns = assay_clock_ns();

	pthread_mutex_lock(&mutex);
	for (struct assay_watched *watched = first; watched; watched = watched->next)
		if (watched->until_ns <= now_ns) {
			shutdown(watched->socket, SHUT_RDWR);
			watched->until_ns = UINT64_MAX;
			assay_metrics_cut(metrics);
		}
	pthread_mutex_unlock(&mutex);
}
