/* SPDX-License-Identifier: BSD-2-Clause */
/* gzip and zstd around a whole trace. */
#include "unpacked.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define CHUNK	   (1u << 17)
#define RATIO	   64u
#define SLACK	   (16u << 20)
#define MAX_WINDOW 27 /* zstd's own limit for files of strangers */

struct unpack {
	const struct gt_inflow *in;
	const char *name;
	int fd;
	uint64_t read, written;
	uint8_t from[CHUNK], to[CHUNK];
};

static const uint8_t gzip_magic[] = { 0x1f, 0x8b }, zstd_magic[] = { 0x28, 0xb5, 0x2f, 0xfd };

enum gt_packing gt_packing_of(const uint8_t *p, size_t n)
{
	if (n >= sizeof(gzip_magic) && !memcmp(p, gzip_magic, sizeof(gzip_magic)))
		return GT_PACKED_GZIP;
	if (n >= sizeof(zstd_magic) && !memcmp(p, zstd_magic, sizeof(zstd_magic)))
		return GT_PACKED_ZSTD;
	return GT_PACKED_NOT;
}

static int put(struct unpack *u, size_t n, struct gt_err *err)
{
	const uint8_t *p = u->to;

	u->written += n;
	if (u->written > u->read * RATIO + SLACK)
		return gt_fail(err, GT_LIMIT,
			       "'%s' unpacks to more than %u times its size: no trace", u->name,
			       RATIO);
	while (n) {
		ssize_t done = write(u->fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return gt_fail_errno(err, GT_IO, "cannot unpack '%s'", u->name);
		p += done;
		n -= (size_t)done;
	}
	return GT_OK;
}

/* The next compressed bytes: the count, 0 at the end, or a code. */
static long fill(struct unpack *u, struct gt_err *err)
{
	long n = u->in->read(u->in->ctx, u->from, CHUNK);

	if (n < 0)
		return gt_fail_errno(err, GT_IO, "cannot read '%s'", u->name);
	u->read += (uint64_t)n;
	return n;
}

static int from_gzip(struct unpack *u, struct gt_err *err)
{
	z_stream z = { 0 };
	long n = 0;
	int rc = GT_OK, state = Z_OK;

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return gt_fail(err, GT_NOMEM, "no memory to unpack '%s'", u->name);
	while (!rc && state >= Z_OK) {
		if (!z.avail_in) {
			n = fill(u, err);
			if (n <= 0)
				break;
			z.next_in = u->from;
			z.avail_in = (uInt)n;
		}
		if (state == Z_STREAM_END && inflateReset(&z) != Z_OK)
			break;
		z.next_out = u->to;
		z.avail_out = CHUNK;
		state = inflate(&z, Z_NO_FLUSH);
		rc = put(u, CHUNK - z.avail_out, err);
	}
	(void)inflateEnd(&z);
	return n < 0 ? (int)n : rc;
}

static int from_zstd(struct unpack *u, struct gt_err *err)
{
	ZSTD_DCtx *d = ZSTD_createDCtx();
	ZSTD_inBuffer in = { u->from, 0, 0 };
	long n = 0;
	int rc = GT_OK;
	bool full = false; /* the output buffer was filled: there may be more without input */

	if (!d || ZSTD_isError(ZSTD_DCtx_setParameter(d, ZSTD_d_windowLogMax, MAX_WINDOW)))
		rc = gt_fail(err, GT_NOMEM, "no memory to unpack '%s'", u->name);
	while (!rc) {
		ZSTD_outBuffer out = { u->to, CHUNK, 0 };

		if (in.pos == in.size && !full) {
			n = fill(u, err);
			if (n <= 0)
				break;
			in = (ZSTD_inBuffer){ u->from, (size_t)n, 0 };
		}
		if (ZSTD_isError(ZSTD_decompressStream(d, &out, &in)))
			break;
		full = out.pos == CHUNK;
		rc = put(u, out.pos, err);
	}
	(void)ZSTD_freeDCtx(d);
	return n < 0 ? (int)n : rc;
}

int gt_unpack(const struct gt_inflow *in, enum gt_packing how, const char *name, struct gt_err *err)
{
	static const char *const where[] = { "/var/tmp", "/tmp" };
	struct unpack *u = malloc(sizeof(*u));
	int rc, fd = -1;

	if (!u)
		return gt_fail(err, GT_NOMEM, "no memory to unpack '%s'", name);
	for (size_t i = 0; i < 2 && fd < 0; i++)
		fd = open(where[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0) {
		free(u);
		return gt_fail_errno(err, GT_IO, "cannot unpack '%s' into /var/tmp", name);
	}
	u->in = in;
	u->name = name;
	u->fd = fd;
	u->read = u->written = 0;
	rc = how == GT_PACKED_ZSTD ? from_zstd(u, err) : from_gzip(u, err);
	free(u);
	if (rc)
		(void)close(fd);
	return rc ? rc : fd;
}
