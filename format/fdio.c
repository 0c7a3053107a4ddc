/* SPDX-License-Identifier: BSD-2-Clause */
/* Files and memory as sources and sinks. */
#include "gtrace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
	int fd;
	bool close, seekable;
};

static long read_some(int fd, bool seekable, uint64_t off, void *p, size_t n)
{
	for (;;) {
		ssize_t got = seekable ? pread(fd, p, n, (off_t)off) : read(fd, p, n);

		if (got >= 0 || errno != EINTR)
			return got;
	}
}

static long file_read_at(void *ctx, uint64_t off, void *p, size_t n, struct gt_err *err)
{
	const struct file *f = ctx;
	long got;

	if (off > INT64_MAX)
		return 0;
	got = read_some(f->fd, f->seekable, off, p, n);
	if (got < 0)
		return gt_fail_errno(err, GT_IO, "cannot read the trace");
	return got;
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
