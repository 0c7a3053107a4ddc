/* SPDX-License-Identifier: BSD-2-Clause */
/* A window on a source: bytes at an offset, held in one buffer, from files and pipes alike. */
#ifndef GT_FEED_H
#define GT_FEED_H

#include "gtrace.h"

struct gt_feed {
	const struct gt_source *src;
	uint8_t *buf; /* owned */
	size_t cap, n;
	uint64_t start; /* offset of buf[0] */
	size_t chunk;	/* bytes to read at a time */
};

void gt_feed_init(struct gt_feed *f, const struct gt_source *src, size_t chunk);
void gt_feed_free(struct gt_feed *f);
static inline bool gt_feed_seekable(const struct gt_feed *f)
{
	return f->src->size != UINT64_MAX;
}

/*
 * gt_feed_at: the bytes from OFF on, at least WANT of them unless the source ends before; sets
 * *RET (valid until the next call) and *RET_N. On a stream OFF must not lie before the start of the
 * window of the last call. GT_OK, or the source's code, or GT_NOMEM.
 */
int gt_feed_at(struct gt_feed *f, uint64_t off, size_t want, const uint8_t **ret, size_t *ret_n,
	       struct gt_err *err) GT_MUST_CHECK;

#endif
