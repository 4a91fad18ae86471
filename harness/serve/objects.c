/* SPDX-License-Identifier: Apache-2.0
 *
 * See objects.h. */
#include "harness/serve/objects.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char unfinished[] = "part-";

/* A limit on the size of files is told as a full disk is. */
static enum assay_status write_fail(const char *what, int cause, struct assay_error *error)
{
	return cause == ENOSPC || cause == EDQUOT || cause == EFBIG
	           ? assay_fail(error, ASSAY_ERROR_IO, ASSAY_STORE_FULL)
	           : assay_fail(error, ASSAY_ERROR_IO, "io.write", "%s: %s", what, strerror(cause));
}

static enum assay_status directory_make(const char *path, struct assay_error *error)
{
	struct stat info;

	if ((mkdir(path, 0700) != 0 && errno != EEXIST) || stat(path, &info) != 0)
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s", path, strerror(errno));
	if (!S_ISDIR(info.st_mode))
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: not a directory", path);
	if (info.st_mode & 077)
		return assay_fail(error, ASSAY_ERROR_INPUT, "store.mode",
		                  "%s: others can look into it; make it private: chmod 700 %s", path, path);
	return ASSAY_OK;
}

enum assay_status assay_objects_open(struct assay_objects *objects, const char *directory, struct assay_error *error)
{
	if (snprintf(objects->path, sizeof objects->path, "%s/objects", directory) >= (int)sizeof objects->path)
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long", directory);
	enum assay_status status = directory_make(directory, error);
	return status ? status : directory_make(objects->path, error);
}

enum assay_status assay_objects_lock(const char *directory, bool *taken, struct assay_error *error)
{
	char path[ASSAY_PATH_MAX];

	*taken = false;
	if (snprintf(path, sizeof path, "%s/lock", directory) >= ASSAY_PATH_MAX)
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long", directory);
	const int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0)
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s", path, strerror(errno));
	*taken = flock(lock, LOCK_EX | LOCK_NB) == 0;
	const int cause = errno;
	if (!*taken)
		close(lock);
	return *taken || cause == EWOULDBLOCK
	           ? ASSAY_OK
	           : assay_fail(error, ASSAY_ERROR_IO, "io.lock", "%s: %s", path, strerror(cause));
}

void assay_objects_clean(const struct assay_objects *objects)
{
	DIR *open = opendir(objects->path);

	for (const struct dirent *entry; open && (entry = readdir(open));)
		if (strncmp(entry->d_name, unfinished, strlen(unfinished)) == 0)
			(void)unlinkat(dirfd(open), entry->d_name, 0);
	if (open)
		closedir(open);
}

void assay_objects_path(char path[ASSAY_PATH_MAX], const struct assay_objects *objects, const char *digest)
{
	snprintf(path, ASSAY_PATH_MAX, "%s/%s", objects->path, digest);
}

enum assay_status assay_incoming_open(struct assay_incoming *incoming, const struct assay_objects *objects,
                                      struct assay_error *error)
{
	uint8_t random[32];
	char name[65];

	randombytes_buf(random, sizeof random);
	assay_hex(name, random);
	snprintf(incoming->path, sizeof incoming->path, "%s/%s%.32s", objects->path, unfinished, name);
	incoming->len = 0;
	crypto_hash_sha256_init(&incoming->state);
	incoming->file = open(incoming->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return incoming->file >= 0 ? ASSAY_OK : write_fail(objects->path, errno, error);
}

enum assay_status assay_incoming_write(struct assay_incoming *incoming, const void *data, size_t len,
                                       struct assay_error *error)
{
	const uint8_t *at = data;

	crypto_hash_sha256_update(&incoming->state, data, len);
	incoming->len += len;
	while (len && incoming->file >= 0) {
		const ssize_t written = write(incoming->file, at, len);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return write_fail("a file of the store", errno, error);
		at += written;
		len -= (size_t)written;
	}
	return ASSAY_OK;
}

void assay_incoming_digest(const struct assay_incoming *incoming, char digest[ASSAY_HEX_MAX])
{
	crypto_hash_sha256_state state = incoming->state;
	uint8_t hash[32];

	crypto_hash_sha256_final(&state, hash);
	assay_hex(digest, hash);
}

/* A name is on the disk when its directory is. */
enum assay_status assay_objects_settle(const struct assay_objects *objects, struct assay_error *error)
{
	int file = open(objects->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const bool good = file >= 0 && (fsync(file) == 0 || errno == EINVAL);
	const int cause = errno;

	if (file >= 0)
		close(file);
	return good ? ASSAY_OK : write_fail(objects->path, cause, error);
}

uint64_t assay_objects_room(const struct assay_objects *objects)
{
	struct statvfs info;

	return statvfs(objects->path, &info) == 0 ? (uint64_t)info.f_bavail * info.f_frsize : 0;
}

enum assay_status assay_objects_remove(const struct assay_objects *objects, const char *digest, uint64_t *len,
                                       struct assay_error *error)
{
	char path[ASSAY_PATH_MAX];
	struct stat info;

	assay_objects_path(path, objects, digest);
	*len = lstat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
	return unlink(path) == 0 || errno == ENOENT
	           ? ASSAY_OK
	           : assay_fail(error, ASSAY_ERROR_IO, "io.remove", "%s: %s", path, strerror(errno));
}

enum assay_status assay_incoming_sync(struct assay_incoming *incoming, struct assay_error *error)
{
	return fsync(incoming->file) == 0 ? ASSAY_OK : write_fail("a file of the store", errno, error);
}

enum assay_status assay_incoming_keep(struct assay_incoming *incoming, const struct assay_objects *objects,
                                      struct assay_error *error)
{
	char path[ASSAY_PATH_MAX], digest[ASSAY_HEX_MAX];

	assay_incoming_digest(incoming, digest);
	assay_objects_path(path, objects, digest);
	if (fsync(incoming->file) != 0 || rename(incoming->path, path) != 0)
		return write_fail(path, errno, error);
	*incoming->path = '\0';
	return assay_objects_settle(objects, error);
}

void assay_incoming_close(struct assay_incoming *incoming)
{
	if (!incoming || incoming->file < 0)
		return;
	if (*incoming->path)
		unlink(incoming->path);
	close(incoming->file);
	incoming->file = -1;
}

enum assay_status assay_objects_put(const struct assay_objects *objects, const void *text, size_t len,
                                    char digest[ASSAY_HEX_MAX], struct assay_error *error)
{
	struct assay_incoming incoming;
	enum assay_status status = assay_incoming_open(&incoming, objects, error);

	if (status)
		return status;
	status = assay_incoming_write(&incoming, text, len, error);
	if (!status)
		status = assay_incoming_keep(&incoming, objects, error);
	assay_incoming_digest(&incoming, digest);
	assay_incoming_close(&incoming);
	return status;
}

int assay_objects_read(const struct assay_objects *objects, const char *digest, uint64_t *len,
                       struct assay_error *error)
{
	char path[ASSAY_PATH_MAX];
	struct stat info;

	assay_objects_path(path, objects, digest);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file >= 0 && fstat(file, &info) == 0) {
		*len = (uint64_t)info.st_size;
		return file;
	}
	(void)assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: %s", path, strerror(errno));
	if (file >= 0)
		close(file);
	return -1;
}
