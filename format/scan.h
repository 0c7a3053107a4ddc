/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding our blocks in a file, one after the other, whatever state it is in: frames are
 * followed while they make sense; behind damage the next block that checks is searched for.
 */
#ifndef GT_SCAN_H
#define GT_SCAN_H

#include "block.h"
#include "feed.h"

struct gt_scan {
	struct gt_feed *feed;
	struct gt_damage *damage; /* counted here */
	uint64_t pos;		  /* of the next pcapng block */
	uint64_t section;	  /* where the section began */
	uint64_t foreign;	  /* blocks that are valid pcapng but not ours */
	uint64_t index_at;	  /* of the last index block met, UINT64_MAX none */
	uint64_t limit;		  /* give up when no block of ours was found before this offset */
	bool peek;		  /* headers only: do not read bodies, do not try checksums */
	bool follow;		  /* an unfinished block at the end is not damage */
	bool at_end;
};

struct gt_found {
	struct gt_blk h;
	const uint8_t
		*body;	 /* as stored; valid until the next call on the feed; NULL in peek mode */
	uint64_t offset; /* of the pcapng block */
	uint32_t length;
	bool gap; /* something before it was damaged */
};

void gt_scan_init(struct gt_scan *s, struct gt_feed *feed, struct gt_damage *damage);
/*
 * gt_scan_next: 1 and the next block of ours, 0 at the end (or for now, with follow). GT_VERSION:
 * a block of a later format; GT_UNSUPPORTED: a big-endian section. Both may be called again
 * and go on behind it.
 */
int gt_scan_next(struct gt_scan *s, struct gt_found *ret, struct gt_err *err) GT_MUST_CHECK;

/* gt_damage_note: remember the first problem, in words. */
void gt_damage_note(struct gt_damage *d, const char *fmt, ...) GT_PRINTF(2, 3);

#endif
