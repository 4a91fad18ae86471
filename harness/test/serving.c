/* SPDX-License-Identifier: Apache-2.0
 *
 * See serving.h: the server's process, and requests. */
#include "harness/test/serving.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/test/support.h"
#include "verify/json.h"

static void pause_ms(long ms)
{
	const struct timespec pause = {.tv_nsec = ms * 1000000};

	nanosleep(&pause, NULL);
}

void serving_enter(struct serving *serving, const char *terms)
{
	struct assay_error error;

	memset(serving, 0, sizeof *serving);
	signal(SIGPIPE, SIG_IGN);
	support_enter();
	assay_secret_make(&serving->verifier);
	assay_secret_make(&serving->prover);
	support_ok(assay_secret_write(&serving->verifier, support_path("verifier"), false, &error), error);
	support_ok(assay_secret_write(&serving->prover, support_path("prover"), false, &error), error);
	cr_assert_eq(support_run("$A serve token -s $T/store one " SERVING_TERMS " %s", terms), 0, "%s", support_err);
	cr_assert_eq(sscanf(support_out, "%79s", serving->token), 1);
}

void serving_start(struct serving *serving, const char *options)
{
	char arguments[1024], text[1024] = "";
	const char *out = support_path(".state/server.out");
	const char *at = NULL;

	unlink(out);
	snprintf(arguments, sizeof arguments,
	         "serve start -k verifier -s store --listen 127.0.0.1:0 --verifiers 2 --reserve 0MiB %s", options);
	serving->child = support_start("server", arguments, 0);
	for (int i = 0; i < 500 && !at; i++) {
		text[support_read(support_path(".state/server.out"), text, sizeof text - 1)] = '\0';
		at = strchr(text, '\n') ? strrchr(text, ':') : NULL;
		cr_assert_eq(waitpid(serving->child, NULL, WNOHANG), 0, "the server ended");
		pause_ms(20);
	}
	cr_assert(at, "the server does not listen");
	serving->port = (uint16_t)strtoul(at + 1, NULL, 10);
}

int serving_end(struct serving *serving, int number)
{
	cr_assert_eq(kill(serving->child, number), 0);
	const int code = support_ended(serving->child, "server");
	serving->child = 0;
	return code;
}

static int integrity(void *context, int count, char **values, char **names)
{
	(void)names;
	*(bool *)context = count == 1 && strcmp(values[0], "ok") == 0;
	return 0;
}

void serving_sql(const char *sql)
{
	sqlite3 *database;

	cr_assert_eq(sqlite3_open(support_path("store/store.sqlite"), &database), SQLITE_OK);
	sqlite3_busy_timeout(database, 5000);
	cr_assert_eq(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(database));
	sqlite3_close(database);
}

char *serving_told(const char *question)
{
	sqlite3 *database;
	sqlite3_stmt *row;

	cr_assert_eq(sqlite3_open(support_path("store/store.sqlite"), &database), SQLITE_OK);
	sqlite3_busy_timeout(database, 5000);
	cr_assert_eq(sqlite3_prepare_v2(database, question, -1, &row, NULL), SQLITE_OK, "%s", sqlite3_errmsg(database));
	cr_assert_eq(sqlite3_step(row), SQLITE_ROW, "%s", sqlite3_errmsg(database));
	char *text = strdup((const char *)sqlite3_column_text(row, 0));
	sqlite3_finalize(row);
	sqlite3_close(database);
	return text;
}

unsigned serving_counted(const char *question)
{
	char *text = serving_told(question);
	const unsigned count = (unsigned)strtoul(text, NULL, 10);

	free(text);
	return count;
}

unsigned serving_objects(const char *begin)
{
	DIR *open = opendir(support_path("store/objects"));
	unsigned count = 0;

	cr_assert(open);
	for (const struct dirent *entry; (entry = readdir(open));)
		count += *entry->d_name != '.' && strncmp(entry->d_name, begin, strlen(begin)) == 0;
	closedir(open);
	return count;
}

void serving_leave(struct serving *serving)
{
	sqlite3 *database;
	bool whole = false;

	if (serving->child)
		cr_expect_eq(serving_end(serving, SIGTERM), 0, "%s", support_err);
	cr_assert_eq(sqlite3_open(support_path("store/store.sqlite"), &database), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(database, "PRAGMA integrity_check", integrity, &whole, NULL), SQLITE_OK);
	cr_expect(whole, "the store is damaged");
	sqlite3_close(database);
	support_leave();
}

/* ---- Requests ---- */

int serving_connect(const struct serving *serving)
{
	return serving_connect_from(serving, "127.0.0.1");
}

int serving_connect_from(const struct serving *serving, const char *from)
{
	const struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(from)};
	const struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(serving->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct timeval patience = {.tv_sec = 30};

	int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_geq(connection, 0);
	cr_assert_eq(bind(connection, (const struct sockaddr *)&source, sizeof source), 0, "%s", from);
	setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (connect(connection, (const struct sockaddr *)&address, sizeof address) == 0)
		return connection;
	close(connection);
	return -1;
}

bool serving_send(int connection, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		const ssize_t sent = send(connection, at, len, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		at += sent;
		len -= (size_t)sent;
	}
	return true;
}

struct serving_reply serving_receive(int connection)
{
	struct serving_reply reply = {.status = 0};
	size_t room = 65536, len = 0;
	char *text = malloc(room + 1);
	ssize_t got;

	cr_assert(text);
	while ((got = recv(connection, text + len, room - len, 0)) > 0) {
		len += (size_t)got;
		if (len == room)
			cr_assert(text = realloc(text, (room *= 2) + 1));
	}
	close(connection);
	text[len] = '\0';
	char *end = strstr(text, "\r\n\r\n");
	if (end && sscanf(text, "HTTP/1.%*1[01] %u", &reply.status) == 1) {
		snprintf(reply.head, sizeof reply.head, "%.*s", (int)(end + 2 - text), text);
		reply.len = len - (size_t)(end + 4 - text);
		memmove(text, end + 4, reply.len + 1);
	}
	reply.body = text;
	return reply;
}

struct serving_reply serving_ask(const struct serving *serving, const char *method, const char *path,
                                 const char *headers, const void *body, size_t len)
{
	char head[2048], length[64] = "";
	int connection = serving_connect(serving);

	if (connection < 0)
		return (struct serving_reply){.body = calloc(1, 1)};
	if (body)
		snprintf(length, sizeof length, "Content-Length: %zu\r\n", len);
	snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: verifier\r\nConnection: close\r\n%s%s\r\n", method, path,
	         length, headers);
	if (serving_send(connection, head, strlen(head)) && body)
		(void)serving_send(connection, body, len);
	return serving_receive(connection);
}

struct serving_reply serving_get(const struct serving *serving, const char *path)
{
	return serving_ask(serving, "GET", path, "", NULL, 0);
}

void serving_free(struct serving_reply *reply)
{
	free(reply->body);
	reply->body = NULL;
}

void serving_refused(struct serving_reply reply, unsigned status, const char *reason)
{
	json_t *object = json_loads(reply.body, 0, NULL);

	cr_expect_eq(reply.status, status, "%u instead of %u %s: %s", reply.status, status, reason, reply.body);
	cr_assert(object && json_is_object(object), "%s: %s", reason, reply.body);
	cr_expect_str_eq(json_string_value(json_object_get(object, "reason")), reason);
	cr_expect_gt(strlen(json_string_value(json_object_get(object, "text"))), 10);
	cr_expect(strcasestr(reply.head, "\r\nContent-Type: application/json\r\n"));
	cr_expect_eq(strcasestr(reply.head, "\r\nWWW-Authenticate: Bearer\r\n") != NULL, status == 401);
	json_decref(object);
	serving_free(&reply);
}

void serving_is(struct serving_reply reply, unsigned status, const void *body, size_t len)
{
	cr_expect_eq(reply.status, status, "%u: %s", reply.status, reply.body);
	if (body) {
		cr_expect_eq(reply.len, len);
		cr_expect(reply.len == len && memcmp(reply.body, body, len) == 0, "%s", reply.body);
	}
	serving_free(&reply);
}

const char *serving_key_path(const struct assay_secret *secret)
{
	static char path[128];
	char keyid[65];

	assay_keyid(keyid, secret->key);
	snprintf(path, sizeof path, "/v1/keys/%s", keyid);
	return path;
}

const char *serving_member(const struct serving *serving, const char *path, const char *member)
{
	static _Thread_local char text[256];
	struct serving_reply reply = serving_get(serving, path);
	json_t *object = json_loads(reply.body, 0, NULL), *value = json_object_get(object, member);

	*text = '\0';
	if (json_is_integer(value))
		snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
	else if (json_is_string(value))
		snprintf(text, sizeof text, "%s", json_string_value(value));
	json_decref(object);
	serving_free(&reply);
	return text;
}

bool serving_wait(const struct serving *serving, const char *path, const char *member, const char *value)
{
	for (int i = 0; i < 200; i++) {
		if (strcmp(serving_member(serving, path, member), value) == 0)
			return true;
		pause_ms(50);
	}
	return false;
}
