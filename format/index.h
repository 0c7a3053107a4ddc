/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The index: one entry for each of our blocks, in file order. The writer appends it to the
 * file; the reader takes it from there, or makes it by walking over the block headers.
 * Offsets count from the start of the section.
 */
#ifndef GT_INDEX_H
#define GT_INDEX_H

#include "block.h"

struct gt_index_entry {
	uint64_t offset; /* of the pcapng block */
	uint64_t t_min, t_max;
	uint64_t gid_min, gid_max; /* of GTAB and KEYFRAME, else 0 */
	uint32_t length;	   /* of the pcapng block */
	uint32_t process, seq, n, lost, aux;
	uint8_t kind;
};

struct gt_index {
	struct gt_index_entry *p; /* owned */
	size_t n, cap;
	uint64_t events, t_first, t_last; /* totals of the EVENTS blocks */
};

void gt_index_free(struct gt_index *x);
/* gt_index_add: append, and count it in the totals. GT_NOMEM. */
int gt_index_add(struct gt_index *x, const struct gt_index_entry *e,
		 struct gt_err *err) GT_MUST_CHECK;

/*
 * gt_index_pack: the index as one or more local-use blocks, appended to OUT, whose first byte
 * will lie at OFFSET of the section.
 */
int gt_index_pack(const struct gt_index *x, uint64_t session, uint64_t offset,
		  struct gt_press *press, struct gt_out *out, struct gt_err *err) GT_MUST_CHECK;

/* What the head of an index block says. */
struct gt_index_head {
	uint64_t session, prev, self, events, t_first, t_last;
	uint32_t n, stored, raw;
	bool zstd, ends;
};

#define GT_INDEX_HEAD	 72u
#define GT_INDEX_TAIL	 16u
#define GT_INDEX_NO_PREV UINT64_MAX

/* gt_index_check: the head alone of an index block; the sum over all of it is checked. */
int gt_index_check(struct gt_index_head *ret, const uint8_t *body, size_t n,
		   struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_index_read: the entries of one index block, put before those that X has already (blocks
 * are read from the last to the first). BODY is the block's body, N bytes. GT_CORRUPT,
 * GT_NOMEM.
 */
int gt_index_read(struct gt_index *x, struct gt_index_head *ret, const uint8_t *body, size_t n,
		  struct gt_unpress *u, struct gt_err *err) GT_MUST_CHECK;

#endif
