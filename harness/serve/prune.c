/* SPDX-License-Identifier: Apache-2.0
 *
 * assay serve prune: what is old makes room. The server may run meanwhile, and either may be killed: a name waits in
 * the store until its file is gone. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "harness/amount.h"
#include "harness/measure.h"
#include "harness/serve/command.h"
#include "harness/serve/objects.h"

const char assay_serve_prune_usage[] =
    "usage: assay serve prune -s DIR --older-than TIME [--all] [--dry-run]\n"
    "\n"
    "Removes the transcripts, nearly all of the bytes, of challenges that ended and expired so long ago, and "
    "challenges\n"
    "that were never begun. Attestations, receipts and verdicts stay: with the prover's copy of a transcript anybody "
    "can\n"
    "verify it as before. What keys have come to stays in any case. The server may run meanwhile.\n"
    "\n"
    "  -s, --store DIR         the server's\n"
    "      --older-than TIME   1d to 3660d: 90d\n"
    "      --all               all else that there is of these challenges too, but what each came to\n"
    "      --dry-run           only say what would go\n";

enum { SHARE = 4 /* so many times as long as a transaction is the pause after it: others write then */ };

struct prune {
	const char *directory;
	struct assay_objects objects;
	struct assay_store *store;
	enum assay_pruned what;
	uint64_t before_s;
	struct assay_pruning pruning;
	uint64_t files, bytes;
};

static enum assay_status file_remove(void *context, const char *digest, struct assay_error *error)
{
	struct prune *prune = context;
	uint64_t len;

	if (!digest)
		return assay_objects_settle(&prune->objects, error);
	enum assay_status status = assay_objects_remove(&prune->objects, digest, &len, error);

	if (!status && len) {
		prune->files++;
		prune->bytes += len;
	}
	return status;
}

/* ---- One transaction each ---- */

static enum assay_status challenges(struct prune *prune, bool *more, struct assay_error *error)
{
	enum assay_status status =
	    assay_store_prune(prune->store, &prune->pruning, prune->what, prune->before_s, error);

	*more = prune->pruning.more;
	return status;
}

static enum assay_status files(struct prune *prune, bool *more, struct assay_error *error)
{
	return assay_store_garbage(prune->store, file_remove, prune, more, error);
}

static enum assay_status room(struct prune *prune, bool *more, struct assay_error *error)
{
	bool able, taken;
	enum assay_status status = assay_store_shrink(prune->store, &able, more, error);

	if (status || able)
		return status;
	status = assay_objects_lock(prune->directory, &taken, error);
	if (!status && taken)
		return assay_store_rebuild(prune->store, error);
	if (!status)
		fprintf(stderr, "assay: an earlier version made this store: its database gives no room back before "
		                "this was done once without a server\n");
	return status;
}

static enum assay_status repeat(struct prune *prune,
                                enum assay_status (*step)(struct prune *, bool *, struct assay_error *),
                                struct assay_error *error)
{
	enum assay_status status = ASSAY_OK;

	for (bool more = true; !status && more;) {
		const uint64_t began_ns = assay_clock_ns();
		status = step(prune, &more, error);
		const uint64_t pause_ns = SHARE * (assay_clock_ns() - began_ns);
		const struct timespec pause = {(time_t)(pause_ns / 1000000000), (long)(pause_ns % 1000000000)};
		if (more)
			nanosleep(&pause, NULL);
	}
	return status;
}

/* ---- All of it ---- */

static double database_mb(const struct prune *prune)
{
	char path[ASSAY_PATH_MAX];
	struct stat info;

	snprintf(path, sizeof path, "%s/store.sqlite", prune->directory);
	return stat(path, &info) == 0 ? (double)info.st_size / 1e6 : 0;
}

/* A file that several challenges have counts for each. */
static void old_count(void *context, const struct assay_entry *entry)
{
	struct prune *prune = context;
	const char *const digests[] = {entry->transcript, entry->attestation, entry->receipts, entry->verdict};
	char path[ASSAY_PATH_MAX];
	struct stat info;

	if (entry->stage == ASSAY_STAGE_EXPIRED) {
		prune->pruning.not_begun++;
		return;
	}
	prune->pruning.challenges++;
	for (size_t i = 0; i < (prune->what == ASSAY_PRUNED_ALL ? 4 : 1); i++) {
		assay_objects_path(path, &prune->objects, digests[i]);
		if (*digests[i] && stat(path, &info) == 0) {
			prune->files++;
			prune->bytes += (uint64_t)info.st_size;
		}
	}
}

static enum assay_status prune_do(struct prune *prune, bool dry, struct assay_error *error)
{
	enum assay_status status = assay_store_open(&prune->store, prune->directory, false, error);

	if (!status)
		status = assay_objects_open(&prune->objects, prune->directory, error);
	const double before_mb = database_mb(prune);
	if (!status && dry)
		status = assay_store_old(prune->store, prune->what, prune->before_s, old_count, prune, error);
	if (!status && !dry)
		status = repeat(prune, challenges, error);
	if (!status && !dry)
		status = repeat(prune, files, error);
	if (!status && !dry)
		status = repeat(prune, room, error);
	assay_store_close(prune->store);
	if (status)
		return status;
	printf("%s %" PRIu64 " challenges: %" PRIu64 " files of %.1f MB; and %" PRIu64 " that were not begun",
	       dry ? "would prune" : "pruned", prune->pruning.challenges, prune->files, (double)prune->bytes / 1e6,
	       prune->pruning.not_begun);
	if (!dry)
		printf("; database %.1f -> %.1f MB", before_mb, database_mb(prune));
	printf("\n");
	return ASSAY_OK;
}

int assay_serve_prune(int argc, char **argv)
{
	enum { OLDER = 256, ALL, DRY };
	static const struct option table[] = {
	    {"store", required_argument, NULL, 's'}, {"older-than", required_argument, NULL, OLDER},
	    {"all", no_argument, NULL, ALL},         {"dry-run", no_argument, NULL, DRY},
	    {"help", no_argument, NULL, 'h'},        {0}};
	struct prune prune = {.what = ASSAY_PRUNED_TRANSCRIPT};
	struct assay_error error;
	uint64_t age_s = 0;
	bool dry = false;

	for (int option; (option = getopt_long(argc, argv, "s:h", table, NULL)) != -1;) {
		if (option == 's')
			prune.directory = optarg;
		else if (option == ALL)
			prune.what = ASSAY_PRUNED_ALL;
		else if (option == DRY)
			dry = true;
		else if (option != OLDER)
			return assay_serve_usage(assay_serve_prune_usage, option == 'h');
		else if (!assay_amount_time(&age_s, optarg, ASSAY_DAY_S, UINT64_C(3660) * ASSAY_DAY_S)) {
			(void)assay_fail(&error, ASSAY_ERROR_INPUT, "prune.age",
			                 "--older-than %.32s: not 1d to 3660d, as 90d", optarg);
			return assay_serve_complain(&error);
		}
	}
	if (optind < argc || !prune.directory || !age_s)
		return assay_serve_usage(assay_serve_prune_usage, false);
	prune.before_s = (uint64_t)time(NULL) - age_s;
	return prune_do(&prune, dry, &error) ? assay_serve_complain(&error) : 0;
}
