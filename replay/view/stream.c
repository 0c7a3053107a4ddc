/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeping a stream: on disk where /var/tmp is one, as traces can be large. */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int open_unlinked(void)
{
	int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd >= 0 ? fd : open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static int put(int fd, const char *p, size_t n, struct gt_err *err)
{
	while (n) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return gt_fail_errno(err, GT_IO, "cannot keep the stream in /var/tmp");
		p += done;
		n -= (size_t)done;
	}
	return GT_OK;
}

int gt_stream_copy(struct gt_source *src, int *ret_fd, char name[GT_STREAM_NAME],
		   struct gt_err *err)
{
	char part[1 << 16];
	uint64_t at = 0;
	long n = 0;
	int fd = open_unlinked(), rc = GT_OK;

	if (fd < 0)
		return gt_fail_errno(err, GT_IO, "cannot keep the stream in /var/tmp");
	while (!rc && (n = src->read_at(src->ctx, at, part, sizeof(part), err)) > 0) {
		rc = put(fd, part, (size_t)n, err);
		at += (uint64_t)n;
	}
	rc = n < 0 ? (int)n : rc;
	if (rc) {
		(void)close(fd);
		return rc;
	}
	(void)snprintf(name, GT_STREAM_NAME, "/proc/self/fd/%d", fd);
	*ret_fd = fd;
	return GT_OK;
}

int gt_stream_keep(struct gt_source *src, struct gt_err *err)
{
	char name[GT_STREAM_NAME];
	struct gt_source kept;
	int fd, rc;

	if (src->size != UINT64_MAX)
		return GT_OK;
	rc = gt_stream_copy(src, &fd, name, err);
	if (rc)
		return rc;
	rc = gt_source_open(&kept, name, err);
	(void)close(fd);
	if (rc)
		return rc;
	gt_source_close(src);
	*src = kept;
	return GT_OK;
}
