/* SPDX-License-Identifier: Apache-2.0
 *
 * assay serve start: the server itself, from its options to its end. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/amount.h"
#include "harness/measure.h"
#include "harness/serve/command.h"
#include "harness/serve/http.h"
#include "harness/serve/server.h"
#include "harness/serve/watch.h"

const char assay_serve_start_usage[] =
    "usage: assay serve start -k VERIFIERKEY -s DIR [--listen 127.0.0.1:8443] [--cert CHAIN.pem --cert-key KEY.pem]\n"
    "\n"
    "Serves until SIGTERM or SIGINT, which lets requests in progress and the verification at hand end; a second one "
    "does\n"
    "not. Prints where it listens, and logs one line an event on standard error.\n"
    "\n"
    "  -k, --key KEYFILE       the verifier's key; it must be the same one each time\n"
    "  -s, --store DIR         where everything is kept; made when it is not there\n"
    "      --catalogue FILE    what models can do, for claims about machines, in place of what is built in (SPEC "
    "10.8)\n"
    "      --listen HOST:PORT  a numeric address; port 0 takes a free one (127.0.0.1:8443)\n"
    "      --cert FILE         certificate and chain for TLS, PEM\n"
    "      --cert-key FILE     its key, PEM, readable by its owner only\n"
    "      --insecure-listen   listen beyond this machine without TLS: a proxy in front does it\n"
    "      --verifiers N       verifications at a time (the number of processors)\n"
    "      --transcript-max N  bytes of a transcript (268435456)\n"
    "      --reserve SIZE      room on the disk for what is under way: with less there are no new challenges (1GiB)\n"
    "      --key-challenges N  challenges of a key that are under way or have no verdict yet (4)\n"
    "      --connections N     at a time (256)\n"
    "      --per-address N     of these from one address, or one /64 of IPv6 (64); give more behind a proxy\n"
    "      --header-seconds N  for the headers of a first request (20)\n"
    "      --idle-seconds N    for those of each further one on its connection (120)\n"
    "      --body-seconds N    for a small body; long ones get a second more per 128 KiB (20)\n"
    "      --retry-seconds N   after a verification that could not be done (a file cannot be read, no memory); then\n"
    "                          twice as long, and 5 times in all (60)\n"
    "      --late-seconds N    after a start: files are taken of whoever had all receipts before it and whose time\n"
    "                          ended since, as the server may have been away (3600)\n"
    "      --restored          the store comes from a copy: what was open in it ends, without a fault of its keys,\n"
    "                          since it could be answered a second time\n";

enum { PEM_BYTES_MAX = 65536, TICK_MS = 100 };

uint64_t assay_now_ns(void)
{
	return assay_time_ns();
}

void assay_log(const char *event, const char *id, const char *format, ...)
{
	char time[21], text[640];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	assay_printable(text);
	assay_utc_text(time, assay_now_ns() / 1000000000);
	/* One write, so that lines of several threads do not mix. */
	fprintf(stderr, "%s %s%s%.16s %s\n", time, event, *id ? " " : "", id, text);
}

/* ---- Options ---- */

struct options {
	const char *key, *directory, *catalogue, *certificate, *certificate_key;
	struct assay_listen listen;
	struct assay_limits limits;
	bool restored;
};

enum {
	LISTEN = 256,
	CATALOGUE,
	CERT,
	CERT_KEY,
	INSECURE,
	VERIFIERS,
	TRANSCRIPT,
	RESERVE,
	KEY_CHALLENGES,
	CONNECTIONS,
	PER_ADDRESS,
	HEADER_S,
	IDLE_S,
	BODY_S,
	RETRY_S,
	LATE_S,
	RESTORED
};

static enum assay_status number_option(uint32_t *number, const char *option, const char *text, uint32_t least,
                                       uint32_t most, struct assay_error *error)
{
	uint64_t value = 0;
	enum assay_status status = assay_serve_number(&value, option, text, least, most, error);

	*number = (uint32_t)value;
	return status;
}

static enum assay_status limit_option(struct assay_limits *limits, int option, const char *text,
                                      struct assay_error *error)
{
	switch (option) {
	case VERIFIERS:
		return number_option(&limits->verifiers, "--verifiers", text, 1, ASSAY_VERIFIERS_MAX, error);
	case TRANSCRIPT:
		return assay_serve_number(&limits->transcript_bytes, "--transcript-max", text, 1, UINT64_C(1) << 40,
		                          error);
	case RESERVE:
		return assay_amount_size(&limits->reserve_bytes, text, 0, UINT64_C(1) << 50)
		           ? ASSAY_OK
		           : assay_fail(error, ASSAY_ERROR_INPUT, "option.size",
		                        "--reserve %.32s: not a size like 512MiB or 4GiB", text);
	case KEY_CHALLENGES:
		return number_option(&limits->key_challenges, "--key-challenges", text, 1, 1000, error);
	case CONNECTIONS:
		return number_option(&limits->connections, "--connections", text, ASSAY_HTTP_THREADS, 10000, error);
	case PER_ADDRESS:
		return number_option(&limits->per_address, "--per-address", text, 1, 10000, error);
	case IDLE_S:
		return number_option(&limits->idle_s, "--idle-seconds", text, 1, 600, error);
	case RETRY_S:
		return number_option(&limits->retry_s, "--retry-seconds", text, 1, 3600, error);
	case LATE_S:
		return number_option(&limits->late_s, "--late-seconds", text, 0, 604800, error);
	case HEADER_S:
		return number_option(&limits->header_s, "--header-seconds", text, 1, 600, error);
	default:
		return number_option(&limits->body_s, "--body-seconds", text, 1, 600, error);
	}
}

/* 0, or an exit code with what is to be told. */
static int options_read(struct options *options, int argc, char **argv, bool *ends)
{
	static const struct option table[] = {{"key", required_argument, NULL, 'k'},
	                                      {"store", required_argument, NULL, 's'},
	                                      {"catalogue", required_argument, NULL, CATALOGUE},
	                                      {"listen", required_argument, NULL, LISTEN},
	                                      {"cert", required_argument, NULL, CERT},
	                                      {"cert-key", required_argument, NULL, CERT_KEY},
	                                      {"insecure-listen", no_argument, NULL, INSECURE},
	                                      {"verifiers", required_argument, NULL, VERIFIERS},
	                                      {"transcript-max", required_argument, NULL, TRANSCRIPT},
	                                      {"reserve", required_argument, NULL, RESERVE},
	                                      {"key-challenges", required_argument, NULL, KEY_CHALLENGES},
	                                      {"connections", required_argument, NULL, CONNECTIONS},
	                                      {"per-address", required_argument, NULL, PER_ADDRESS},
	                                      {"header-seconds", required_argument, NULL, HEADER_S},
	                                      {"idle-seconds", required_argument, NULL, IDLE_S},
	                                      {"body-seconds", required_argument, NULL, BODY_S},
	                                      {"retry-seconds", required_argument, NULL, RETRY_S},
	                                      {"late-seconds", required_argument, NULL, LATE_S},
	                                      {"restored", no_argument, NULL, RESTORED},
	                                      {"help", no_argument, NULL, 'h'},
	                                      {0}};
	struct assay_error error;

	*ends = true;
	for (int option; (option = getopt_long(argc, argv, "k:s:h", table, NULL)) != -1;) {
		if (option == 'k')
			options->key = optarg;
		else if (option == 's')
			options->directory = optarg;
		else if (option == LISTEN)
			options->listen.address = optarg;
		else if (option == CATALOGUE)
			options->catalogue = optarg;
		else if (option == CERT)
			options->certificate = optarg;
		else if (option == CERT_KEY)
			options->certificate_key = optarg;
		else if (option == INSECURE)
			options->listen.insecure = true;
		else if (option == RESTORED)
			options->restored = true;
		else if (option < LISTEN)
			return assay_serve_usage(assay_serve_start_usage, option == 'h');
		else if (limit_option(&options->limits, option, optarg, &error) != ASSAY_OK)
			return assay_serve_complain(&error);
	}
	if (optind < argc || !options->key || !options->directory || !options->certificate != !options->certificate_key)
		return assay_serve_usage(assay_serve_start_usage, false);
	*ends = false;
	return 0;
}

static enum assay_status pem_read(char **text, const char *path, bool is_secret, struct assay_error *error)
{
	struct stat info;
	FILE *file = fopen(path, "re");
	const bool good = file && fstat(fileno(file), &info) == 0;

	*text = NULL;
	enum assay_status status = ASSAY_OK;
	if (!good)
		status = assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s", path, strerror(errno));
	else if (is_secret && info.st_mode & 077)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "key.mode",
		                    "%s: others can read this secret key; make it private: chmod 600 %s", path, path);
	else if (!(*text = calloc(1, PEM_BYTES_MAX + 1)))
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	else if (fread(*text, 1, PEM_BYTES_MAX + 1, file) > PEM_BYTES_MAX || ferror(file) ||
	         !strstr(*text, "-----BEGIN "))
		status = assay_fail(error, ASSAY_ERROR_INPUT, "tls.malformed", "%s: not a PEM file", path);
	if (file)
		fclose(file);
	return status;
}

static void pem_free(char *text)
{
	if (text)
		sodium_memzero(text, PEM_BYTES_MAX + 1);
	free(text);
}

/* ---- From start to end ---- */

static enum assay_status server_open(struct assay_server *server, const struct options *options,
                                     struct assay_error *error)
{
	pthread_condattr_t clock;

	server->limits = options->limits;
	enum assay_status status = assay_secret_read(&server->secret, options->key, error);
	if (status)
		return status;
	assay_keyid(server->keyid, server->secret.key);
	(void)sodium_hex2bin(server->keyid_bytes, 32, server->keyid, 64, NULL, NULL, NULL);
	assay_metrics_open(&server->metrics);
	pthread_mutex_init(&server->mutex, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&server->work, &clock);
	status = assay_catalogue_open(&server->catalogue, options->catalogue, error);
	if (!status)
		status = assay_objects_open(&server->objects, options->directory, error);
	bool taken = false;
	if (!status)
		status = assay_objects_lock(options->directory, &taken, error);
	if (!status && !taken)
		status = assay_fail(error, ASSAY_ERROR_IO, "store.locked",
		                    "%s: another process has this store: a server, or `assay serve prune` at its end",
		                    options->directory);
	if (!status)
		assay_objects_clean(&server->objects);
	if (!status)
		status = assay_store_open(&server->store, options->directory, true, error);
	return status ? status : assay_store_own(server->store, server->keyid, error);
}

static void end_now(int number)
{
	_exit(128 + number);
}

/* All threads inherit that these signals are blocked; the main one waits for them. */
static void signals_block(sigset_t *signals)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction before;

	sigemptyset(signals);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaddset(signals, numbers[i]);
	pthread_sigmask(SIG_BLOCK, signals, NULL);
}

static void signals_end(const sigset_t *signals)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	const struct sigaction action = {.sa_handler = end_now};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (sigismember(signals, numbers[i]) == 1)
			sigaction(numbers[i], &action, NULL);
	pthread_sigmask(SIG_UNBLOCK, signals, NULL);
}

/* A file and a socket for each connection, and some. */
static void descriptors_raise(uint32_t connections)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 2 * connections + 128) {
		limit.rlim_cur = limit.rlim_max < 2 * connections + 128 ? limit.rlim_max : 2 * connections + 128;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static enum assay_status serve(struct assay_server *server, const struct options *options, struct assay_error *error)
{
	const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
	struct assay_http *http;
	sigset_t signals;
	char url[128];
	int number;

	descriptors_raise(options->limits.connections);
	signals_block(&signals);
	server->started_s = assay_now_ns() / 1000000000;
	enum assay_status status = options->restored ? assay_judges_restored(server, error) : ASSAY_OK;
	if (!status)
		status = assay_judges_start(server, error);
	if (!status)
		status = assay_http_open(&http, server, &options->listen, url, error);
	if (!status) {
		assay_log("start", server->keyid, "%s", url);
		printf("listening on %s\n", url);
		(void)fflush(stdout);
		while ((number = sigtimedwait(&signals, NULL, &tick)) < 0)
			assay_watch_cut(&server->metrics);
		assay_log("stop", "", "signal %d; once more ends at once", number);
		signals_end(&signals);
		assay_http_close(http);
	}
	atomic_store(&server->stopping, true);
	assay_judges_join(server);
	return status;
}

int assay_serve_start(int argc, char **argv)
{
	static struct assay_server server;
	const long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct options options = {.listen = {.address = "127.0.0.1:8443"},
	                          .limits = {.transcript_bytes = UINT64_C(256) << 20,
	                                     .reserve_bytes = UINT64_C(1) << 30,
	                                     .key_challenges = 4,
	                                     .connections = 256,
	                                     .per_address = 64,
	                                     .header_s = 20,
	                                     .idle_s = 120,
	                                     .body_s = 20,
	                                     .retry_s = 60,
	                                     .late_s = 3600,
	                                     .verifiers = processors < 1                     ? 1
	                                                  : processors > ASSAY_VERIFIERS_MAX ? ASSAY_VERIFIERS_MAX
	                                                                                     : (uint32_t)processors}};
	struct assay_error error;
	bool ends;
	int code = options_read(&options, argc, argv, &ends);

	if (ends)
		return code;
	enum assay_status status = ASSAY_OK;
	if (options.certificate)
		status = pem_read(&options.listen.certificate, options.certificate, false, &error);
	if (!status && options.certificate)
		status = pem_read(&options.listen.key, options.certificate_key, true, &error);
	if (!status)
		status = server_open(&server, &options, &error);
	if (!status)
		status = serve(&server, &options, &error);
	assay_store_close(server.store);
	assay_catalogue_close(server.catalogue);
	assay_secret_forget(&server.secret);
	pem_free(options.listen.key);
	pem_free(options.listen.certificate);
	return status ? assay_serve_complain(&error) : 0;
}
