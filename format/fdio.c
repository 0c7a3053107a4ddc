/* SPDX-License-Identifier: BSD-2-Clause */
/* Files and memory as sources and sinks. */
#include "gtrace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unpacked.h"

struct file {
	int fd;
	bool close, seekable;
	uint8_t peek[GT_UNPACK_PEEK]; /* of a stream: read to know what it is, not yet given */
	size_t n_peek, peeked;
	uint64_t at; /* where reading for unpacking is */
};

static long read_some(int fd, bool seekable, uint64_t off, void *p, size_t n)
{
	for (;;) {
		ssize_t got = seekable ? pread(fd, p, n, (off_t)off) : read(fd, p, n);

		if (got >= 0 || errno != EINTR)
			return got;
	}
}

/* A stream gives its first bytes again. */
static long read_stream(struct file *f, void *p, size_t n)
{
	size_t left = f->n_peek - f->peeked;

	if (!left)
		return read_some(f->fd, false, 0, p, n);
	n = n < left ? n : left;
	memcpy(p, f->peek + f->peeked, n);
	f->peeked += n;
	return (long)n;
}

static long file_read_at(void *ctx, uint64_t off, void *p, size_t n, struct gt_err *err)
{
	struct file *f = ctx;
	long got;

	if (off > INT64_MAX)
		return 0;
	got = f->seekable ? read_some(f->fd, true, off, p, n) : read_stream(f, p, n);
	if (got < 0)
		return gt_fail_errno(err, GT_IO, "cannot read the trace");
	return got;
}

/* ---- files that somebody has compressed ---- */

static long inflow(void *ctx, void *p, size_t n)
{
	struct file *f = ctx;
	long got = f->seekable ? read_some(f->fd, true, f->at, p, n) : read_stream(f, p, n);

	f->at += got > 0 ? (uint64_t)got : 0;
	return got;
}

static enum gt_packing packing(struct file *f)
{
	while (f->n_peek < sizeof(f->peek)) {
		long got = read_some(f->fd, f->seekable, f->n_peek, f->peek + f->n_peek,
				     sizeof(f->peek) - f->n_peek);

		if (got <= 0)
			break;
		f->n_peek += (size_t)got;
	}
	return gt_packing_of(f->peek, f->n_peek);
}

/* What is packed is read from a file of ours, in which one can seek. */
static int unpack(struct file *f, const char *path, struct stat *st, struct gt_err *err)
{
	struct gt_inflow in = { inflow, f };
	enum gt_packing how = packing(f);
	int fd;

	if (how == GT_PACKED_NOT)
		return GT_OK;
	fd = gt_unpack(&in, how, path, err);
	if (fd < 0)
		return fd;
	if (f->close)
		(void)close(f->fd);
	*f = (struct file){ .fd = fd, .close = true, .seekable = true };
	return fstat(fd, st) ? gt_fail_errno(err, GT_IO, "cannot open '%s'", path) : GT_OK;
}

int gt_source_open(struct gt_source *ret, const char *path, struct gt_err *err)
{
	struct file *f = calloc(1, sizeof(*f));
	struct stat st;

	if (!f)
		return gt_fail(err, GT_NOMEM, "no memory to open '%s'", path);
	f->close = strcmp(path, "-") != 0;
	f->fd = f->close ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : STDIN_FILENO;
	if (f->fd < 0 || fstat(f->fd, &st) < 0) {
		gt_fail_errno(err, GT_IO, "cannot open '%s'", path);
		goto fail;
	}
	if (S_ISDIR(st.st_mode)) {
		gt_fail(err, GT_IO, "'%s' is a directory", path);
		goto fail;
	}
	f->seekable = S_ISREG(st.st_mode);
	/* A regular file on stdin that was read from already is read on from there. */
	if (f->seekable && !f->close && lseek(f->fd, 0, SEEK_CUR) != 0)
		f->seekable = false;
	if (unpack(f, path, &st, err))
		goto fail;
	ret->read_at = file_read_at;
	ret->size = f->seekable ? (uint64_t)st.st_size : UINT64_MAX;
	ret->ctx = f;
	return GT_OK;
fail:
	if (f->close && f->fd >= 0)
		close(f->fd);
	free(f);
	return err ? err->code : GT_IO;
}

void gt_source_close(struct gt_source *src)
{
	struct file *f = src->ctx;

	if (!f || src->read_at != file_read_at)
		return;
	if (f->close)
		close(f->fd);
	free(f);
	*src = (struct gt_source){ 0 };
}

static long mem_read_at(void *ctx, uint64_t off, void *p, size_t n, struct gt_err *err)
{
	const struct gt_mem *m = ctx;

	(void)err;
	if (off >= m->n)
		return 0;
	if (n > m->n - off)
		n = m->n - (size_t)off;
	memcpy(p, m->p + off, n);
	return (long)n;
}

void gt_source_mem(struct gt_source *ret, const struct gt_mem *mem)
{
	union {
		const struct gt_mem *from;
		void *to;
	} u = { .from = mem }; /* read_at's context is not const; this one only reads */

	ret->read_at = mem_read_at;
	ret->size = mem->n;
	ret->ctx = u.to;
}

static int fd_write(void *ctx, const void *p, size_t n, struct gt_err *err)
{
	struct gt_fd_sink *f = ctx;
	const uint8_t *b = p;
	size_t done = 0;

	while (done < n) {
		ssize_t got = write(f->fd, b + done, n - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			int rc = gt_fail_errno(err, GT_IO, "cannot write the trace");

			/* The write may have been half done; a reader wants whole blocks. */
			if (f->regular && ftruncate(f->fd, (off_t)(f->at + f->end)) == 0)
				(void)lseek(f->fd, (off_t)(f->at + f->end), SEEK_SET);
			return rc;
		}
		done += (size_t)got;
	}
	f->end += n;
	return GT_OK;
}

int gt_sink_fd(struct gt_sink *ret, struct gt_fd_sink *f, int fd, struct gt_err *err)
{
	struct stat st;
	off_t at;

	if (fstat(fd, &st) < 0)
		return gt_fail_errno(err, GT_IO, "cannot write the trace");
	at = lseek(fd, 0, SEEK_CUR);
	*f = (struct gt_fd_sink){ .fd = fd, .regular = S_ISREG(st.st_mode) && at >= 0 };
	f->at = f->regular ? (uint64_t)at : 0;
	ret->write = fd_write;
	ret->ctx = f;
	return GT_OK;
}
