/* SPDX-License-Identifier: Apache-2.0
 *
 * assay challenge: what a verifier asks for, signed. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "harness/command.h"
#include "harness/ledger.h"
#include "harness/order.h"
#include "harness/table.h"
#include "verify/chain.h"
#include "verify/envelope.h"

static const char usage[] =
    "usage: assay challenge -k VERIFIERKEY -o NAME --devices N (--memory 80GiB|cpu | --row NAME) [-p PROFILE] ...\n"
    "\n"
    "Makes NAME.challenge.json, which asks a prover for work at a time of your choice: `assay run --challenge` does "
    "it,\n"
    "and `assay answer` answers meanwhile, so that your clock says how long it took. A challenge is answered once.\n"
    "\n"
    "  -k, --key KEYFILE       your own signing key; make one for this purpose only: assay keygen -o KEYFILE\n"
    "  -o, --output NAME       where to write\n"
    "  -p, --profile NAME      quick (default), standard, soak; see `assay run --help`\n"
    "  -w, --workload NAME,... workloads (all): matmul-i8, matmul-i9, matmul-f32, matmul-f64, sha256, memory\n"
    "      --devices N         how many devices work at once, 1 to 64\n"
    "      --leased N          how many more of that machine are let, and are left alone (0)\n"
    "      --memory SIZE       of each device, as its label says: 24GB, 80GiB (which are the same here), or cpu:\n"
    "                          sizes that fit, and a table for `memory` of 80 % of it, on CPUs of 512 MiB\n"
    "      --row NAME          sizes by name instead: host, small, medium, large, huge\n"
    "      --table SIZE        of the table of `memory`: 512MiB, 4GiB. Profile quick has small ones\n"
    "      --duration TIME     of each workload, for soak: 90, 90s, 10m, 1h (20 s)\n"
    "      --samples N         leaves drawn a run: 128, 256, 512 or 2048 (256)\n"
    "      --expires TIME      from now on, 1m to 366d: then nothing is answered any more, and the files must be with\n"
    "                          you (24h)\n"
    "      --force             replace a challenge that nobody has begun\n";

/* What was asked for. */
struct wanted {
	const char *key, *name, *profile, *works, *row;
	uint64_t memory_bytes, table_bytes; /* 0 = not said */
	bool is_cpu, force;
	uint32_t devices, leased, samples, duration_s;
	uint64_t expires_s;
};

enum { DAY_S = 86400 };
static const uint64_t GIB = UINT64_C(1) << 30;

static enum assay_status number_parse(uint32_t *number, const char *text, uint32_t least, uint32_t most,
                                      const char *reason, struct assay_error *error)
{
	char *end;

	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < least || value > most)
		return assay_fail(error, ASSAY_ERROR_INPUT, reason, "%.32s: not a number from %u to %u", text, least,
		                  most);
	*number = (uint32_t)value;
	return ASSAY_OK;
}

/* A number and a unit of these. */
struct unit {
	const char *name;
	uint64_t factor;
};

static bool quantity_parse(uint64_t *quantity, const char *text, const struct unit *units, uint64_t least,
                           uint64_t most)
{
	char *end;

	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || errno || number > most)
		return false;
	for (; units->name; units++)
		if (strcmp(end, units->name) == 0 && number <= most / units->factor) {
			*quantity = number * units->factor;
			return *quantity >= least;
		}
	return false;
}

static enum assay_status time_parse(uint64_t *seconds, const char *text, const char *option, uint64_t least,
                                    uint64_t most, const char *reason, struct assay_error *error)
{
	static const struct unit units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", DAY_S}, {NULL, 0}};

	return quantity_parse(seconds, text, units, least, most)
	           ? ASSAY_OK
	           : assay_fail(error, ASSAY_ERROR_INPUT, reason,
	                        "%s %.32s: not %" PRIu64 " s to %" PRIu64 " s, as 90s, 10m, 24h or 7d", option, text,
	                        least, most);
}

/* The GB of a card's label are GiB. */
static enum assay_status size_parse(uint64_t *bytes, const char *text, const char *option, const char *reason,
                                    struct assay_error *error)
{
	static const struct unit units[] = {
	    {"MiB", UINT64_C(1) << 20}, {"GiB", UINT64_C(1) << 30}, {"GB", UINT64_C(1) << 30}, {NULL, 0}};

	return quantity_parse(bytes, text, units, 1, UINT64_C(1) << 50)
	           ? ASSAY_OK
	           : assay_fail(error, ASSAY_ERROR_INPUT, reason, "%s %.32s: not a size like 512MiB or 80GiB", option,
	                        text);
}

/* The row for devices of that label, as SPEC 11 has it: they report at least nine tenths of it. */
static const struct assay_row *row_of(uint64_t label_bytes)
{
	size_t row = 1;

	while (row + 1 < ASSAY_ROWS && label_bytes * 9 / 10 >= assay_rows[row + 1].memory_min)
		row++;
	return &assay_rows[row];
}

/* Bytes of a table when none are named. Without --memory a device is one of the smallest of its row. */
static uint64_t table_default(const struct wanted *wanted, const struct assay_row *row)
{
	const uint64_t label = wanted->memory_bytes ? wanted->memory_bytes : row->memory_min / 9 * 10;

	return label ? label / 10 * 8 : (uint64_t)ASSAY_TABLE_CPU_ITEMS * ASSAY_TABLE_ITEM_BYTES;
}

static enum assay_status table_find(struct assay_params *table, const struct wanted *wanted,
                                    const struct assay_profile *profile, const struct assay_row *row,
                                    struct assay_error *error)
{
	const uint64_t least = (uint64_t)ASSAY_MEMORY_ITEMS_MIN * ASSAY_TABLE_ITEM_BYTES;
	const uint64_t most =
	    (uint64_t)(profile->memory_items_max / ASSAY_MEMORY_STEP) * ASSAY_MEMORY_STEP * ASSAY_TABLE_ITEM_BYTES;
	uint64_t bytes = wanted->table_bytes;

	if (!bytes && profile->memory_items_max < UINT32_MAX)
		bytes = assay_row_params(row, &assay_work_memory)->value[1] * ASSAY_TABLE_ITEM_BYTES;
	else if (!bytes)
		bytes = table_default(wanted, row);
	if (bytes < least || (wanted->table_bytes && bytes > most))
		return assay_fail(error, ASSAY_ERROR_INPUT, "challenge.table",
		                  "a table of %" PRIu64 " MiB: workload memory has one of %" PRIu64 " to %" PRIu64
		                  " MiB in this profile (--table), or leave it out (-w)",
		                  bytes >> 20, least >> 20, most >> 20);
	*table = assay_memory_params(profile, bytes / ASSAY_TABLE_ITEM_BYTES);
	return ASSAY_OK;
}

static bool has_table(const struct assay_work *const *works, uint32_t count)
{
	bool has = false;

	for (uint32_t j = 0; j < count; j++)
		has = has || works[j]->is_fill;
	return has;
}

static uint64_t work_s(const struct assay_challenge *challenge)
{
	uint64_t ms = 0;

	for (uint32_t j = 0; j < challenge->segment_count; j++)
		ms += challenge->segments[j].duration_ms;
	return (ms + 999) / 1000;
}

static enum assay_status challenge_make(struct assay_challenge *challenge, const struct wanted *wanted,
                                        const struct assay_secret *secret, const struct assay_row **row,
                                        struct assay_error *error)
{
	const struct assay_work *works[ASSAY_SEGMENTS_MAX];
	const struct assay_profile *profile;
	struct assay_params table = {{0}};
	uint32_t count, duration_ms;
	enum assay_status status = assay_order_profile(&profile, wanted->profile, error);

	*row = wanted->is_cpu ? &assay_rows[0] : row_of(wanted->memory_bytes);
	if (!status && wanted->row)
		status = assay_order_row(row, wanted->row, error);
	if (!status)
		status = assay_works_find(works, &count, wanted->works, error);
	if (!status)
		status = assay_order_duration(&duration_ms, wanted->duration_s, profile, works, count, error);
	if (!status && has_table(works, count))
		status = table_find(&table, wanted, profile, *row, error);
	if (status)
		return status;
	memset(challenge, 0, sizeof *challenge);
	challenge->asked = true;
	challenge->expires = (uint64_t)time(NULL) + wanted->expires_s;
	challenge->devices = wanted->devices;
	challenge->leased = wanted->leased;
	challenge->samples = wanted->samples;
	snprintf(challenge->profile, sizeof challenge->profile, "%s", profile->name);
	randombytes_buf(challenge->nonce, sizeof challenge->nonce);
	assay_order_segments(challenge, works, count, *row, &table, duration_ms);
	/* The keyid is this hash, in digits (SPEC 1.4). */
	char keyid[65];
	assay_keyid(keyid, secret->key);
	(void)sodium_hex2bin(challenge->verifier, sizeof challenge->verifier, keyid, 64, NULL, NULL, NULL);
	if (work_s(challenge) >= wanted->expires_s)
		return assay_fail(error, ASSAY_ERROR_INPUT, "challenge.expires",
		                  "the work alone takes %" PRIu64 " s, and the challenge expires in %" PRIu64
		                  " s: give it more (--expires)",
		                  work_s(challenge), wanted->expires_s);
	return ASSAY_OK;
}

static enum assay_status challenge_write(const char *path, const struct assay_challenge *challenge,
                                         const struct assay_secret *secret, bool replace, struct assay_error *error)
{
	struct assay_challenge again;
	char state[ASSAY_PATH_MAX], detail[200];

	if (!assay_ledger_path(state, path))
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long", path);
	/* What is known of an exchange that has begun is never lost. */
	if (access(state, F_OK) == 0)
		return assay_fail(error, ASSAY_ERROR_IO, "io.exists",
		                  "%s: a challenge of that name was answered; take another -o", state);
	char *payload = assay_challenge_text(challenge);
	char *text = payload ? assay_secret_seal(secret, ASSAY_TYPE_CHALLENGE, payload) : NULL;
	enum assay_status status = ASSAY_OK;
	if (!text)
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	else if (assay_challenge_parse(&again, payload, strlen(payload), detail, sizeof detail) != ASSAY_REASON_NONE)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "challenge.malformed",
		                    "nobody would take it: %s; does the clock of this machine go right?", detail);
	if (!status)
		status = assay_output_write(path, 0644, (const char *const *)&text, 1, replace, error);
	free(text);
	free(payload);
	return status;
}

static void print(const char *path, const struct assay_challenge *challenge, const struct wanted *wanted,
                  const struct assay_row *row)
{
	const double estar = assay_estar_ppm(challenge->samples, 0) / 1e4;
	const struct assay_segment *table = NULL;
	char expires[21], keyid[65];

	assay_utc_text(expires, challenge->expires);
	assay_hex(keyid, challenge->verifier);
	printf("%s\n  profile     %s: %" PRIu64 " s of work\n  workloads  ", path, challenge->profile,
	       work_s(challenge));
	for (uint32_t j = 0; j < challenge->segment_count; j++) {
		if (challenge->segments[j].work->is_fill)
			table = &challenge->segments[j];
		else
			printf(" %s", challenge->segments[j].work->name);
	}
	printf("\n  sizes       row %s", row->name);
	if (table)
		printf(", and a table of %.2f GiB",
		       (double)table->params.value[1] * ASSAY_TABLE_ITEM_BYTES / (double)GIB);
	printf("\n  devices     %u at once", challenge->devices);
	if (challenge->leased)
		printf("; %u more are let", challenge->leased);
	printf("\n  samples     %u a run: e* = %.1f %%, what is not certified of the work\n  expires     %s\n  "
	       "verifier    %s\n",
	       challenge->samples, estar, expires, keyid);
	printf("\nnext, the prover:   assay run --challenge %s --verifier %s.pub -o %s\n"
	       "meanwhile, you:     assay answer -k %s --follow %s %s.messages.jsonl\n"
	       "at the end, you:    assay verify --verifier %s.pub --trust PROVER.pub %s.intoto.json\n",
	       path, wanted->key, wanted->name, wanted->key, path, wanted->name, wanted->key, wanted->name);
}

static enum assay_status samples_parse(uint32_t *samples, const char *text, struct assay_error *error)
{
	static const char *const allowed[] = {"128", "256", "512", "2048"};

	for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
		if (strcmp(text, allowed[i]) == 0) {
			*samples = (uint32_t)strtoul(text, NULL, 10);
			return ASSAY_OK;
		}
	return assay_fail(error, ASSAY_ERROR_INPUT, "challenge.samples", "--samples %.32s: not 128, 256, 512 or 2048",
	                  text);
}

/* One option; *known is false for one that there is not. */
static enum assay_status option_take(struct wanted *wanted, int option, bool *known, struct assay_error *error)
{
	uint64_t seconds = 0;
	enum assay_status status = ASSAY_OK;

	switch (option) {
	case 'k':
		wanted->key = optarg;
		break;
	case 'o':
		wanted->name = optarg;
		break;
	case 'p':
		wanted->profile = optarg;
		break;
	case 'w':
		wanted->works = optarg;
		break;
	case 'r':
		wanted->row = optarg;
		break;
	case 'f':
		wanted->force = true;
		break;
	case 'n':
		return number_parse(&wanted->devices, optarg, 1, ASSAY_DEVICES_MAX, "challenge.devices", error);
	case 'l':
		return number_parse(&wanted->leased, optarg, 0, ASSAY_DEVICES_MAX, "challenge.leased", error);
	case 's':
		return samples_parse(&wanted->samples, optarg, error);
	case 'm':
		wanted->is_cpu = strcmp(optarg, "cpu") == 0;
		wanted->memory_bytes = 0;
		return wanted->is_cpu
		           ? ASSAY_OK
		           : size_parse(&wanted->memory_bytes, optarg, "--memory", "challenge.memory", error);
	case 'T':
		return size_parse(&wanted->table_bytes, optarg, "--table", "challenge.table", error);
	case 't':
		status = time_parse(&seconds, optarg, "--duration", 1, DAY_S, "profile.duration", error);
		wanted->duration_s = (uint32_t)seconds;
		break;
	case 'e':
		return time_parse(&wanted->expires_s, optarg, "--expires", 60, UINT64_C(366) * DAY_S,
		                  "challenge.expires", error);
	default:
		*known = false;
	}
	return status;
}

int assay_command_challenge(int argc, char **argv)
{
	static const struct option table[] = {
	    {"key", required_argument, NULL, 'k'},
	    {"output", required_argument, NULL, 'o'},
	    {"profile", required_argument, NULL, 'p'},
	    {"workload", required_argument, NULL, 'w'},
	    {"devices", required_argument, NULL, 'n'},
	    {"leased", required_argument, NULL, 'l'},
	    {"memory", required_argument, NULL, 'm'},
	    {"row", required_argument, NULL, 'r'},
	    {"table", required_argument, NULL, 'T'},
	    {"duration", required_argument, NULL, 't'},
	    {"samples", required_argument, NULL, 's'},
	    {"expires", required_argument, NULL, 'e'},
	    {"force", no_argument, NULL, 'f'},
	    {"help", no_argument, NULL, 'h'},
	    {0},
	};
	struct wanted wanted = {.profile = "quick", .works = "all", .samples = 256, .expires_s = DAY_S};
	struct assay_secret secret;
	struct assay_challenge challenge;
	const struct assay_row *row;
	struct assay_error error;
	char path[ASSAY_PATH_MAX];

	for (int option; (option = getopt_long(argc, argv, "k:o:p:w:h", table, NULL)) != -1;) {
		bool known = true;
		if (option_take(&wanted, option, &known, &error) != ASSAY_OK)
			return assay_complain(&error);
		if (!known)
			return assay_usage(usage, option == 'h');
	}
	const int sized = (wanted.row != NULL) + wanted.is_cpu + (wanted.memory_bytes > 0);
	if (optind < argc || !wanted.key || !wanted.name || !wanted.devices || sized != 1)
		return assay_usage(usage, false);
	if (snprintf(path, sizeof path, "%s.challenge.json", wanted.name) >= ASSAY_PATH_MAX) {
		(void)assay_fail(&error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long", wanted.name);
		return assay_complain(&error);
	}
	enum assay_status status = assay_secret_read(&secret, wanted.key, &error);
	if (status)
		return assay_complain(&error);
	status = challenge_make(&challenge, &wanted, &secret, &row, &error);
	if (!status)
		status = challenge_write(path, &challenge, &secret, wanted.force, &error);
	assay_secret_forget(&secret);
	if (status)
		return assay_complain(&error);
	print(path, &challenge, &wanted, row);
	return 0;
}
