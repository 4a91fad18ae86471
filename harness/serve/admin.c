/* SPDX-License-Identifier: Apache-2.0
 *
 * assay serve token, revoke and list: who may ask, and what is known of them. The server may run meanwhile. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "harness/serve/claims.h"
#include "harness/serve/command.h"
#include "harness/serve/prescribe.h"
#include "harness/serve/server.h"

const char assay_serve_token_usage[] =
    "usage: assay serve token -s DIR NAME [--keys N] --devices N (--memory 80GiB|cpu | --row NAME) [-p PROFILE] ...\n"
    "\n"
    "Makes a token, and prints it this once: whoever has it may ask for challenges, which are what you say here, each "
    "with\n"
    "a nonce of its own. Only a hash of it is kept.\n"
    "\n"
    "  -s, --store DIR         the server's; made when it is not there\n"
    "      --keys N            how many provers' keys may use it, those that come first (1)\n"
    "      --per-day N         challenges that it gets within 24 hours, of all keys (any number)\n"
    "      --claim CLAIM       hold each proof against this (up to 16 times): 'nvidia/h100/80Gi/sxm x8' or a .json "
    "file\n"
    "                          (SPEC 10.7). Verdicts have what came of it; before them provers are told "
    "nothing\n" ASSAY_ASK_USAGE;

const char assay_serve_revoke_usage[] =
    "usage: assay serve revoke -s DIR (--token NAME | --key KEYID) [--reason TEXT]\n"
    "\n"
    "A revoked token gets no challenges; a revoked key gets none either, and nothing of it is answered or taken any "
    "more.\n"
    "\n"
    "  -s, --store DIR         the server's\n"
    "      --token NAME        the token of that name\n"
    "      --key KEYID         the key, by its keyid: 64 hex digits\n"
    "      --reason TEXT       of a key it is told to everybody (/v1/revocations)\n";

const char assay_serve_list_usage[] = "usage: assay serve list -s DIR [--json]\n"
                                      "\n"
                                      "Tokens, and keys with their verdicts.\n"
                                      "\n"
                                      "  -s, --store DIR         the server's\n"
                                      "      --json              as one line of JSON\n";

/* ---- token ---- */

enum { TOKEN_BYTES = 32, TOKEN_MAX = 64, KEYS_MAX = 100000, PER_DAY_MAX = 1000000 };

static bool is_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	const size_t len = strlen(name);

	return len > 0 && len < ASSAY_NAME_MAX && strspn(name, allowed) == len;
}

/* "assay1_" and 256 random bits. */
static void token_make(char text[TOKEN_MAX], uint8_t hash[32])
{
	uint8_t bytes[TOKEN_BYTES];
	char base64[TOKEN_MAX - 8];

	randombytes_buf(bytes, sizeof bytes);
	sodium_bin2base64(base64, sizeof base64, bytes, sizeof bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	snprintf(text, TOKEN_MAX, "assay1_%s", base64);
	crypto_hash_sha256(hash, (const uint8_t *)text, strlen(text));
	sodium_memzero(bytes, sizeof bytes);
	sodium_memzero(base64, sizeof base64);
}

/* That a challenge can be made of it: a mistake shows now, and not to a prover. */
static enum assay_status ask_check(struct assay_challenge *challenge, const struct assay_ask *ask,
                                   struct assay_error *error)
{
	const struct assay_row *row;
	struct assay_secret secret;
	char *text;

	assay_secret_make(&secret);
	enum assay_status status = assay_ask_make(challenge, &row, ask, secret.key, error);
	if (!status)
		status = assay_ask_seal(&text, challenge, &secret, error);
	if (!status)
		free(text);
	assay_secret_forget(&secret);
	return status;
}

/* A token without all of its claims would give out verdicts that are none of them. */
static enum assay_status token_keep(struct assay_store *store, const struct assay_token *token, const uint8_t hash[32],
                                    const struct assay_said *said, struct assay_error *error)
{
	enum assay_status status = assay_store_begin(store, error);

	if (status)
		return status;
	status = assay_store_token_add(store, token, hash, error);
	if (!status)
		status = assay_said_keep(said, store, token->name, error);
	return assay_store_finish(store, status, error);
}

static enum assay_status token_add(const char *directory, struct assay_token *token, const struct assay_ask *ask,
                                   const struct assay_said *said, char text[TOKEN_MAX], struct assay_error *error)
{
	static struct assay_challenge challenge;
	struct assay_objects objects;
	struct assay_store *store = NULL;
	uint8_t hash[32];

	enum assay_status status = ask_check(&challenge, ask, error);
	if (!status)
		status = assay_prescribe_text(token->terms, ask, error);
	if (!status)
		status = assay_objects_open(&objects, directory, error);
	if (!status)
		status = assay_store_open(&store, directory, true, error);
	token_make(text, hash);
	token->made_s = (uint64_t)time(NULL);
	if (!status)
		status = token_keep(store, token, hash, said, error);
	assay_store_close(store);
	if (!status)
		assay_said_warn(&said->claims, &challenge);
	return status;
}

int assay_serve_token(int argc, char **argv)
{
	enum { KEYS = 256, PER_DAY, CLAIM };
	static const struct option table[] = {ASSAY_ASK_LONG,
	                                      {"store", required_argument, NULL, 'S'},
	                                      {"keys", required_argument, NULL, KEYS},
	                                      {"per-day", required_argument, NULL, PER_DAY},
	                                      {"claim", required_argument, NULL, CLAIM},
	                                      {"help", no_argument, NULL, 'h'},
	                                      {0}};
	struct assay_ask ask = ASSAY_ASK_DEFAULT;
	struct assay_token token = {.keys_max = 1};
	struct assay_error error;
	const char *directory = NULL, *claims[ASSAY_CLAIMS_MAX];
	struct assay_said said;
	uint32_t claims_count = 0;
	char text[TOKEN_MAX];
	uint64_t keys = 1, per_day = 0;

	for (int option, which = -1; (option = getopt_long(argc, argv, "s:h" ASSAY_ASK_SHORT, table, &which)) != -1;
	     which = -1) {
		bool known = true;
		enum assay_status status = ASSAY_OK;
		/* --samples is an 's' too, but a long one. */
		if (option == 'S' || (option == 's' && which < 0))
			directory = optarg;
		else if (option == KEYS)
			status = assay_serve_number(&keys, "--keys", optarg, 1, KEYS_MAX, &error);
		else if (option == PER_DAY)
			status = assay_serve_number(&per_day, "--per-day", optarg, 1, PER_DAY_MAX, &error);
		else if (option == CLAIM && claims_count == ASSAY_CLAIMS_MAX)
			status = assay_fail(&error, ASSAY_ERROR_INPUT, "claim.malformed", "--claim: more than %d",
			                    ASSAY_CLAIMS_MAX);
		else if (option == CLAIM)
			claims[claims_count++] = optarg;
		else
			status = assay_ask_option(&ask, option, optarg, &known, &error);
		if (status)
			return assay_serve_complain(&error);
		if (!known)
			return assay_serve_usage(assay_serve_token_usage, option == 'h');
	}
	if (optind + 1 != argc || !directory || !assay_ask_is_complete(&ask))
		return assay_serve_usage(assay_serve_token_usage, false);
	if (!is_name(argv[optind])) {
		(void)assay_fail(&error, ASSAY_ERROR_INPUT, "token.name",
		                 "%.80s: a name of a token has 1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-'",
		                 argv[optind]);
		return assay_serve_complain(&error);
	}
	snprintf(token.name, sizeof token.name, "%s", argv[optind]);
	token.keys_max = (uint32_t)keys;
	token.per_day = (uint32_t)per_day;
	enum assay_status status = assay_said_read(&said, claims, claims_count, &error);
	if (!status)
		status = token_add(directory, &token, &ask, &said, text, &error);
	assay_said_free(&said);
	if (status)
		return assay_serve_complain(&error);
	printf("%s\n", text);
	sodium_memzero(text, sizeof text);
	return 0;
}

/* ---- revoke ---- */

int assay_serve_revoke(int argc, char **argv)
{
	static const struct option table[] = {
	    {"store", required_argument, NULL, 's'}, {"token", required_argument, NULL, 't'},
	    {"key", required_argument, NULL, 'k'},   {"reason", required_argument, NULL, 'r'},
	    {"help", no_argument, NULL, 'h'},        {0}};
	const char *directory = NULL, *token = NULL, *key = NULL, *reason = "";
	char why[ASSAY_WHY_MAX];
	struct assay_error error;
	struct assay_store *store = NULL;

	for (int option; (option = getopt_long(argc, argv, "s:h", table, NULL)) != -1;) {
		if (option == 's')
			directory = optarg;
		else if (option == 't')
			token = optarg;
		else if (option == 'k')
			key = optarg;
		else if (option == 'r')
			reason = optarg;
		else
			return assay_serve_usage(assay_serve_revoke_usage, option == 'h');
	}
	if (optind < argc || !directory || !token == !key)
		return assay_serve_usage(assay_serve_revoke_usage, false);
	enum assay_status status = ASSAY_OK;
	if (snprintf(why, sizeof why, "%s", reason) >= (int)sizeof why)
		status = assay_fail(&error, ASSAY_ERROR_INPUT, "reason.length", "--reason: at most %d characters",
		                    ASSAY_WHY_MAX - 1);
	assay_printable(why);
	if (!status)
		status = assay_store_open(&store, directory, false, &error);
	if (!status)
		status = token ? assay_store_token_revoke(store, token, why, (uint64_t)time(NULL), &error)
		               : assay_store_key_revoke(store, key, why, (uint64_t)time(NULL), &error);
	assay_store_close(store);
	return status ? assay_serve_complain(&error) : 0;
}

/* ---- list ---- */

struct list {
	struct assay_store *store;
	json_t *all;
};

/* Null when they are damaged. */
static json_t *claims_json(struct assay_store *store, const char *token)
{
	struct assay_claims claims = {.count = 0};
	struct assay_error error;
	char text[ASSAY_CLAIM_TEXT_MAX];
	json_t *list = json_array();

	if (assay_said_find(&claims, store, token, &error) != ASSAY_OK) {
		json_decref(list);
		return json_null();
	}
	for (uint32_t c = 0; c < claims.count; c++) {
		assay_machine_claim_text(text, &claims.claims[c]);
		json_array_append_new(list, json_string(text));
	}
	return list;
}

static void token_append(void *context, const struct assay_token *token)
{
	const struct list *list = context;
	json_t *per_day = token->per_day ? json_integer(token->per_day) : json_null();

	json_array_append_new(json_object_get(list->all, "tokens"),
	                      json_pack("{s:s,s:o,s:i,s:i,s:o,s:i,s:o,s:o,s:o,s:o}", "name", token->name, "terms",
	                                assay_json_parse(token->terms, strlen(token->terms)), "keys", (int)token->keys,
	                                "keysMax", (int)token->keys_max, "perDay", per_day, "day", (int)token->day,
	                                "made", assay_time_json(token->made_s), "revoked",
	                                assay_time_json(token->revoked_s), "revokedReason",
	                                token->revoked_s ? json_string(token->why) : json_null(), "claims",
	                                claims_json(list->store, token->name)));
}

static void key_append(void *context, const struct assay_holder *key)
{
	const struct list *list = context;

	json_array_append_new(json_object_get(list->all, "keys"), assay_holder_json(key));
}

static void claims_print(struct assay_store *store, const char *token)
{
	json_t *list = claims_json(store, token), *claim;
	size_t i;

	json_array_foreach(list, i, claim) printf("       claimed: %s\n", json_string_value(claim));
	if (!json_is_array(list))
		printf("       what is claimed cannot be read: the store is damaged, or in use for too long\n");
	json_decref(list);
}

static void token_print(void *context, const struct assay_token *token)
{
	const struct list *list = context;
	char words[ASSAY_PRESCRIBE_WORDS_MAX];

	assay_prescribe_words(words, token->terms);
	printf("token  %-24s %u of %u keys", token->name, token->keys, token->keys_max);
	if (token->per_day)
		printf(", %u of %u challenges within 24 h", token->day, token->per_day);
	printf("%s%s%s\n       %s\n", token->revoked_s ? "; revoked" : "", *token->why ? ": " : "", token->why, words);
	claims_print(list->store, token->name);
}

static void key_print(void *context, const struct assay_holder *key)
{
	(void)context;
	printf("key    %s\n       %" PRIu64 " pass, %" PRIu64 " fail, %" PRIu64 " inconclusive, %" PRIu64
	       " malformed, %" PRIu64 " silent, %" PRIu64 " unfinished%s%s%s\n",
	       key->keyid, key->outcomes[ASSAY_PASS], key->outcomes[ASSAY_FAIL], key->outcomes[ASSAY_INCONCLUSIVE],
	       key->outcomes[ASSAY_MALFORMED], key->stages[ASSAY_STAGE_SILENT], key->stages[ASSAY_STAGE_UNFINISHED],
	       key->revoked_s ? "; revoked" : "", *key->why ? ": " : "", key->why);
	if (key->drawn || key->stages[ASSAY_STAGE_SUBMITTED])
		printf("       %" PRIu64 " drawn and not opened yet, %" PRIu64 " opened and not judged yet\n",
		       key->drawn, key->stages[ASSAY_STAGE_SUBMITTED]);
	if (key->collisions)
		printf("       other keys have shown %" PRIu64 " of its device ids too: challenge them at once\n",
		       key->collisions);
}

int assay_serve_list(int argc, char **argv)
{
	static const struct option table[] = {{"store", required_argument, NULL, 's'},
	                                      {"json", no_argument, NULL, 'j'},
	                                      {"help", no_argument, NULL, 'h'},
	                                      {0}};
	struct list list = {.store = NULL};
	struct assay_error error;
	const char *directory = NULL;
	bool json = false;

	for (int option; (option = getopt_long(argc, argv, "s:h", table, NULL)) != -1;) {
		if (option == 's')
			directory = optarg;
		else if (option == 'j')
			json = true;
		else
			return assay_serve_usage(assay_serve_list_usage, option == 'h');
	}
	if (optind < argc || !directory)
		return assay_serve_usage(assay_serve_list_usage, false);
	list.all = json_pack("{s:[],s:[]}", "tokens", "keys");
	enum assay_status status = assay_store_open(&list.store, directory, false, &error);
	if (!status)
		status = assay_store_tokens(list.store, (uint64_t)time(NULL), json ? token_append : token_print, &list,
		                            &error);
	if (!status)
		status = assay_store_keys(list.store, false, json ? key_append : key_print, &list, &error);
	assay_store_close(list.store);
	char *text = status || !json ? NULL : assay_json_text(list.all);
	if (text)
		printf("%s\n", text);
	free(text);
	json_decref(list.all);
	return status ? assay_serve_complain(&error) : 0;
}
