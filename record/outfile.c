/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trace file. Until commit a new or replaced file has no name, or on file systems that
 * know no such files a hidden one, in its directory, which stays open: the renames at commit
 * happen where the file is, whatever happens to the path meanwhile.
 */
#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

struct gt_outfile {
	int fd;
	int dirfd;    /* of a file that we made; -1 otherwise */
	char *path;   /* as the user said it; owned */
	char *base;   /* last component; owned; NULL: not a file that we made */
	char tmp[32]; /* its hidden name until commit; "": none */
	bool regular, committed;
	bool torn;	/* a pipe got half a block: nothing more can follow */
	uint64_t bytes; /* in whole blocks */
	struct gt_user owner;
};

/* ---- opening -------------------------------------------------------------------------- */

static int no(struct gt_err *err, const char *path, const char *what)
{
	return gt_fail(err, GT_USAGE, "will not write to '%s': %s", path, what);
}

/* "-", /dev/stdout, /dev/fd/N: the descriptor's number, else -1. */
static int as_descriptor(const char *path)
{
	char *end;

	if (!strcmp(path, "-") || !strcmp(path, "/dev/stdout"))
		return STDOUT_FILENO;
	if (!strncmp(path, "/dev/fd/", 8))
		path += 8;
	else if (!strncmp(path, "/proc/self/fd/", 14))
		path += 14;
	else
		return -1;
	long n = strtol(path, &end, 10);
	return *path >= '0' && *path <= '9' && !*end && n < 1 << 20 ? (int)n : -1;
}

static int open_descriptor(struct gt_outfile *o, int fd, struct gt_err *err)
{
	if (isatty(fd))
		return no(err, o->path, "it is a terminal (name a file with -o, or pipe it on)");
	o->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (o->fd < 0)
		return gt_fail_errno(err, GT_IO, "cannot write to '%s'", o->path);
	return GT_OK;
}

/* What is there already and is neither file nor directory: a fifo or a device, as it is. */
static int open_special(struct gt_outfile *o, struct gt_err *err)
{
	struct stat st;

	o->fd = openat(o->dirfd, o->base, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
	if (o->fd < 0)
		return gt_fail_errno(err, GT_IO, "cannot open '%s'", o->path);
	if (fstat(o->fd, &st) || !(S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
		return no(err, o->path, "it changed while it was opened");
	if (isatty(o->fd))
		return no(err, o->path, "it is a terminal");
	return GT_OK;
}

static int cannot_create(const struct gt_outfile *o, struct gt_err *err)
{
	if (o->owner.other && (errno == EACCES || errno == EPERM))
		return gt_fail_errno(err, GT_DENIED,
				     "cannot create '%s' as user '%s' (another -o, or --user root)",
				     o->path, o->owner.name);
	return gt_fail_errno(err, GT_IO, "cannot create '%s'", o->path);
}

/* Where the file without a name can be had for linkat(2). */
static void fd_path(const struct gt_outfile *o, char ret[32])
{
	(void)snprintf(ret, 32, "/proc/self/fd/%d", o->fd);
}

/* A file that is gone with us if we are killed before the commit. */
static bool create_nameless(struct gt_outfile *o)
{
	char path[32];
	struct stat st;

	o->fd = openat(o->dirfd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (o->fd < 0)
		return false;
	fd_path(o, path);
	if (!stat(path, &st))
		return true;
	(void)close(o->fd);
	o->fd = -1;
	return false;
}

static int create_hidden(struct gt_outfile *o, struct gt_err *err)
{
	if (create_nameless(o)) {
		o->regular = true;
		return GT_OK;
	}
	for (int i = 0; i < 100; i++) {
		uint64_t r = 0;

		if (getrandom(&r, sizeof(r), 0) < 0)
			break;
		(void)snprintf(o->tmp, sizeof(o->tmp), ".gtrec-%016llx", (unsigned long long)r);
		o->fd = openat(o->dirfd, o->tmp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			       0600);
		if (o->fd >= 0) {
			o->regular = true;
			return GT_OK;
		}
		if (errno != EEXIST)
			break;
	}
	o->tmp[0] = 0;
	return cannot_create(o, err);
}

static int check_existing(struct gt_outfile *o, bool *ret_special, struct gt_err *err)
{
	struct stat st;

	*ret_special = false;
	if (fstatat(o->dirfd, o->base, &st, AT_SYMLINK_NOFOLLOW)) {
		if (errno == ENOENT)
			return GT_OK;
		return gt_fail_errno(err, GT_IO, "cannot look at '%s'", o->path);
	}
	switch (st.st_mode & S_IFMT) {
	case S_IFREG: return GT_OK;
	case S_IFLNK: return no(err, o->path, "it is a symbolic link (name the file itself)");
	case S_IFDIR: return no(err, o->path, "it is a directory");
	case S_IFIFO:
	case S_IFCHR: *ret_special = true; return GT_OK;
	default: return no(err, o->path, "it is neither a file nor a pipe");
	}
}

static int open_path(struct gt_outfile *o, struct gt_err *err)
{
	char *a = strdup(o->path), *b = strdup(o->path);
	bool special;
	int rc = GT_OK;

	if (a && b)
		o->base = strdup(basename(b));
	if (!a || !b || !o->base) {
		rc = gt_fail(err, GT_NOMEM, "out of memory");
	} else if (!*o->path || o->path[strlen(o->path) - 1] == '/' || !strcmp(o->base, ".") ||
		   !strcmp(o->base, "..")) {
		rc = no(err, o->path, "it is a directory");
	} else {
		o->dirfd = open(dirname(a), O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (o->dirfd < 0)
			rc = cannot_create(o, err);
	}
	if (!rc)
		rc = check_existing(o, &special, err);
	if (!rc)
		rc = special ? open_special(o, err) : create_hidden(o, err);
	free(a);
	free(b);
	return rc;
}

int gt_outfile_open(struct gt_outfile **out, const char *path, const struct gt_user *owner,
		    struct gt_err *err)
{
	struct gt_outfile *o = calloc(1, sizeof(*o));
	int fd = as_descriptor(path), rc;

	if (!o)
		return gt_fail(err, GT_NOMEM, "out of memory");
	o->fd = o->dirfd = -1;
	if (owner)
		o->owner = *owner;
	o->path = strdup(path);
	if (!o->path) {
		rc = gt_fail(err, GT_NOMEM, "out of memory");
	} else if (fd >= 0) {
		rc = open_descriptor(o, fd, err);
	} else {
		struct gt_user_fs fs;
		rc = gt_user_fs_enter(&fs, &o->owner, err);
		if (!rc) {
			rc = open_path(o, err);
			gt_user_fs_leave(&fs);
		}
	}
	if (rc) {
		gt_outfile_free(o);
		return rc;
	}
	*out = o;
	return GT_OK;
}

/* ---- writing -------------------------------------------------------------------------- */

/* As much as goes; the count written, errno says why it is less than N. */
static size_t write_all(int fd, const char *p, size_t n)
{
	size_t at = 0;

	while (at < n) {
		ssize_t got = write(fd, p + at, n - at);
		if (got > 0) {
			at += (size_t)got;
		} else if (got < 0 && errno == EAGAIN) { /* somebody made the pipe non-blocking */
			struct pollfd pfd = { fd, POLLOUT, 0 };
			(void)poll(&pfd, 1, -1);
		} else if (got == 0 || errno != EINTR) {
			if (got == 0)
				errno = ENOSPC;
			break;
		}
	}
	return at;
}

static int sink_write(void *ctx, const void *p, size_t n, struct gt_err *err)
{
	struct gt_outfile *o = ctx;

	if (o->torn)
		return gt_fail(err, GT_IO, "'%s' has failed before", o->path);
	size_t done = write_all(o->fd, p, n);
	if (done == n) {
		o->bytes += n;
		return GT_OK;
	}
	int e = errno;
	if (o->regular) { /* half a block would hide what may follow it */
		if (ftruncate(o->fd, (off_t)o->bytes) ||
		    lseek(o->fd, (off_t)o->bytes, SEEK_SET) < 0)
			o->torn = true;
	} else {
		o->torn = true;
	}
	errno = e;
	if (e == EPIPE)
		return gt_fail_errno(err, GT_IO, "cannot write to '%s': the reader has gone",
				     o->path);
	return gt_fail_errno(err, GT_IO, "cannot write to '%s'", o->path);
}

struct gt_sink gt_outfile_sink(struct gt_outfile *o)
{
	return (struct gt_sink){ .write = sink_write, .ctx = o };
}

uint64_t gt_outfile_bytes(const struct gt_outfile *o)
{
	return o->bytes;
}

bool gt_outfile_is_regular(const struct gt_outfile *o)
{
	return o->regular;
}

/* ---- commit, close -------------------------------------------------------------------- */

/* Our file gets its name. link, not rename: never over something that has just appeared. */
static int take_name(struct gt_outfile *o)
{
	char path[32];

	if (!o->tmp[0]) {
		fd_path(o, path);
		return linkat(AT_FDCWD, path, o->dirfd, o->base, AT_SYMLINK_FOLLOW);
	}
	if (!linkat(o->dirfd, o->tmp, o->dirfd, o->base, 0))
		(void)unlinkat(o->dirfd, o->tmp, 0);
	else if (errno == EEXIST || renameat(o->dirfd, o->tmp, o->dirfd, o->base))
		return -1; /* rename is for file systems without hard links */
	o->tmp[0] = 0;
	return 0;
}

/* What has the name becomes NAME.old; rename replaces a link itself, never its target. */
static int put_in_place(struct gt_outfile *o, struct gt_err *err)
{
	struct stat st;
	char *old = NULL;
	bool special;
	int rc = check_existing(o, &special, err);

	if (rc)
		return rc;
	if (special)
		return no(err, o->path, "it changed meanwhile");
	if (asprintf(&old, "%s.old", o->base) < 0)
		return gt_fail(err, GT_NOMEM, "out of memory");
	bool was_there = !fstatat(o->dirfd, o->base, &st, AT_SYMLINK_NOFOLLOW);
	if (was_there && renameat(o->dirfd, o->base, o->dirfd, old)) {
		rc = gt_fail_errno(err, GT_IO, "cannot rename '%s' to '%s'", o->path, old);
	} else if (take_name(o)) {
		rc = gt_fail_errno(err, GT_IO, "cannot create '%s'", o->path);
		if (was_there)
			(void)renameat2(o->dirfd, old, o->dirfd, o->base, RENAME_NOREPLACE);
	}
	free(old);
	return rc;
}

int gt_outfile_commit(struct gt_outfile *o, struct gt_err *err)
{
	struct gt_user_fs fs;

	if (o->committed || !o->regular)
		return GT_OK;
	int rc = gt_user_fs_enter(&fs, &o->owner, err);
	if (rc)
		return rc;
	rc = put_in_place(o, err);
	gt_user_fs_leave(&fs);
	o->committed = !rc;
	return rc;
}

int gt_outfile_close(struct gt_outfile *o, struct gt_err *err)
{
	int fd = o->fd;

	o->fd = -1;
	if (fd >= 0 && close(fd) && errno != EINTR)
		return gt_fail_errno(err, GT_IO, "cannot write to '%s'", o->path);
	return GT_OK;
}

void gt_outfile_free(struct gt_outfile *o)
{
	struct gt_user_fs fs;

	if (!o)
		return;
	if (o->tmp[0] && !gt_user_fs_enter(&fs, &o->owner, NULL)) {
		(void)unlinkat(o->dirfd, o->tmp, 0);
		gt_user_fs_leave(&fs);
	}
	if (o->fd >= 0)
		close(o->fd);
	if (o->dirfd >= 0)
		close(o->dirfd);
	free(o->path);
	free(o->base);
	free(o);
}
