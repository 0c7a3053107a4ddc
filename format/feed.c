/* SPDX-License-Identifier: BSD-2-Clause */
/* A window on a source. */
#include "feed.h"

#include <stdlib.h>
#include <string.h>

void gt_feed_init(struct gt_feed *f, const struct gt_source *src, size_t chunk)
{
	*f = (struct gt_feed){ .src = src, .chunk = chunk };
}

void gt_feed_free(struct gt_feed *f)
{
	free(f->buf);
	f->buf = NULL;
}

static int reserve(struct gt_feed *f, size_t want, struct gt_err *err)
{
	size_t cap = want + f->chunk;
	uint8_t *p;

	if (cap <= f->cap)
		return GT_OK;
	p = realloc(f->buf, cap);
	if (!p)
		return gt_fail(err, GT_NOMEM, "no memory to read the trace");
	f->buf = p;
	f->cap = cap;
	return GT_OK;
}

/* Move the window so that it begins at OFF; a stream must read its way there. */
static int slide(struct gt_feed *f, uint64_t off, struct gt_err *err)
{
	if (off >= f->start && off <= f->start + f->n) {
		size_t skip = (size_t)(off - f->start);

		if (skip)
			memmove(f->buf, f->buf + skip, f->n - skip);
		f->n -= skip;
		f->start = off;
		return GT_OK;
	}
	if (gt_feed_seekable(f)) {
		f->start = off;
		f->n = 0;
		return GT_OK;
	}
	if (off < f->start)
		return gt_fail(err, GT_USAGE, "a stream cannot be read backwards");
	while (f->start + f->n < off) {
		uint64_t ahead = off - f->start - f->n;
		long got;

		f->start += f->n;
		f->n = 0;
		got = f->src->read_at(f->src->ctx, f->start, f->buf,
				      ahead < f->cap ? (size_t)ahead : f->cap, err);
		if (got < 0)
			return (int)got;
		if (got == 0)
			return GT_OK;
		f->n = (size_t)got;
	}
	f->start = off;
	f->n = 0;
	return GT_OK;
}

int gt_feed_at(struct gt_feed *f, uint64_t off, size_t want, const uint8_t **ret, size_t *ret_n,
	       struct gt_err *err)
{
	int rc;

	if (off < f->start || off > f->start + f->n || f->start + f->n - off < want) {
		rc = reserve(f, want, err);
		if (!rc)
			rc = slide(f, off, err);
		if (rc)
			return rc;
		while (f->start == off && f->n < want) {
			long got = f->src->read_at(f->src->ctx, off + f->n, f->buf + f->n,
						   f->cap - f->n, err);

			if (got < 0)
				return (int)got;
			if (got == 0)
				break;
			f->n += (size_t)got;
		}
	}
	if (off < f->start || off > f->start + f->n) { /* the stream ended before OFF */
		*ret = f->buf;
		*ret_n = 0;
		return GT_OK;
	}
	*ret = f->buf + (off - f->start);
	*ret_n = f->n - (size_t)(off - f->start);
	return GT_OK;
}
