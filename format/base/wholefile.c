/* SPDX-License-Identifier: BSD-2-Clause */
/* Output files that appear whole or not at all. */
#include "wholefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define ZSTD_CHUNK (1u << 17)

struct gt_wholefile {
	char *path, *temp; /* owned; temp NULL for stdout and after the rename */
	int fd;		   /* owned by gz where there is one; -1 closed */
	gzFile gz;
	ZSTD_CCtx *zstd; /* owned; NULL: not compressed so */
	char *room;	 /* owned: ZSTD_CHUNK bytes of its output */
	uint64_t bytes;
};

static bool ends(const char *path, const char *suffix)
{
	size_t n = strlen(path), k = strlen(suffix);

	return n > k && !strcmp(path + n - k, suffix);
}

/* A file of our own beside PATH. mkostemp makes it 0600; what the umask allows is given back. */
static int open_temp(struct gt_wholefile *f, struct gt_err *err)
{
	size_t n = strlen(f->path) + sizeof(".XXXXXX");
	mode_t mask = umask(077);

	(void)umask(mask);
	f->temp = malloc(n);
	if (!f->temp)
		return gt_fail(err, GT_NOMEM, "no memory to write '%s'", f->path);
	(void)snprintf(f->temp, n, "%s.XXXXXX", f->path);
	f->fd = mkostemp(f->temp, O_CLOEXEC);
	if (f->fd < 0) {
		int rc = gt_fail_errno(err, errno == EACCES ? GT_DENIED : GT_IO,
				       "cannot write '%s'", f->path);
		free(f->temp);
		f->temp = NULL;
		return rc;
	}
	(void)fchmod(f->fd, 0666 & ~mask);
	return GT_OK;
}

static int open_packer(struct gt_wholefile *f, struct gt_err *err)
{
	bool gz = ends(f->path, ".gz"), zst = ends(f->path, ".zst");

	if (gz) {
		f->gz = gzdopen(f->fd, "wb3");
		if (f->gz)
			(void)gzbuffer(f->gz, 1 << 17);
	} else if (zst) {
		f->room = malloc(ZSTD_CHUNK);
		f->zstd = f->room ? ZSTD_createCCtx() : NULL;
	}
	if ((gz && !f->gz) || (zst && !f->zstd))
		return gt_fail(err, GT_NOMEM, "no memory to compress '%s'", f->path);
	return GT_OK;
}

int gt_wholefile_open(struct gt_wholefile **out, const char *path, struct gt_err *err)
{
	struct gt_wholefile *f = calloc(1, sizeof(*f));
	int rc = GT_OK;

	if (!f || !(f->path = strdup(path))) {
		free(f);
		return gt_fail(err, GT_NOMEM, "no memory to write '%s'", path);
	}
	f->fd = -1;
	if (!strcmp(path, "-"))
		f->fd = STDOUT_FILENO;
	else
		rc = open_temp(f, err);
	if (!rc)
		rc = open_packer(f, err);
	if (rc) {
		gt_wholefile_free(f);
		return rc;
	}
	*out = f;
	return GT_OK;
}

static int put(struct gt_wholefile *f, const char *at, size_t n, struct gt_err *err)
{
	while (n) {
		size_t part = n < 1u << 30 ? n : 1u << 30;
		ssize_t done = f->gz ? gzwrite(f->gz, at, (unsigned)part) : write(f->fd, at, part);
		if (done < 0 && !f->gz && errno == EINTR)
			continue;
		if (done <= 0)
			return gt_fail_errno(err, GT_IO, "cannot write '%s'", f->path);
		at += done;
		n -= (size_t)done;
	}
	return GT_OK;
}

static int squeeze(struct gt_wholefile *f, const void *p, size_t n, ZSTD_EndDirective how,
		   struct gt_err *err)
{
	ZSTD_inBuffer in = { p, n, 0 };
	size_t left;
	int rc;

	do {
		ZSTD_outBuffer out = { f->room, ZSTD_CHUNK, 0 };

		left = ZSTD_compressStream2(f->zstd, &out, &in, how);
		if (ZSTD_isError(left))
			return gt_fail(err, GT_NOMEM, "no memory to compress '%s'", f->path);
		rc = put(f, f->room, out.pos, err);
	} while (!rc && (in.pos < n || (how == ZSTD_e_end && left)));
	return rc;
}

int gt_wholefile_write(struct gt_wholefile *f, const void *p, size_t n, struct gt_err *err)
{
	f->bytes += n;
	return f->zstd ? squeeze(f, p, n, ZSTD_e_continue, err) : put(f, p, n, err);
}

/* Durable: zlib owns the descriptor and closes it, so it is synced through a copy. */
static int finish(struct gt_wholefile *f, struct gt_err *err)
{
	int rc = f->zstd ? squeeze(f, NULL, 0, ZSTD_e_end, err) : GT_OK;

	if (rc)
		return rc;
	int fd = f->gz ? dup(f->fd) : f->fd;
	bool bad = fd < 0;

	if (f->gz) {
		bad = gzclose(f->gz) != Z_OK || bad;
		f->gz = NULL;
	}
	f->fd = -1;
	bad = bad || fsync(fd);
	int saved = errno;
	if (fd >= 0)
		bad = close(fd) || bad;
	errno = saved;
	return bad ? gt_fail_errno(err, GT_IO, "cannot write '%s'", f->path) : GT_OK;
}

int gt_wholefile_commit(struct gt_wholefile *f, struct gt_err *err)
{
	int rc = f->temp ? finish(f, err) : GT_OK;

	if (rc || !f->temp)
		return rc;
	if (rename(f->temp, f->path))
		return gt_fail_errno(err, GT_IO, "cannot rename '%s' to '%s'", f->temp, f->path);
	free(f->temp);
	f->temp = NULL;
	return GT_OK;
}

void gt_wholefile_free(struct gt_wholefile *f)
{
	if (!f)
		return;
	if (f->gz)
		(void)gzclose(f->gz);
	else if (f->fd > STDERR_FILENO)
		(void)close(f->fd);
	if (f->temp)
		(void)unlink(f->temp);
	(void)ZSTD_freeCCtx(f->zstd);
	free(f->room);
	free(f->temp);
	free(f->path);
	free(f);
}

uint64_t gt_wholefile_bytes(const struct gt_wholefile *f)
{
	return f->bytes;
}
