/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoding ahead: a thread takes apart the next blocks of events while the reader's caller works
 * on those before. It changes nothing of what is read: what it hands over are the events of a
 * block that checked and decoded; all else the reader sees to, and tells, itself.
 */
#ifndef GT_AHEAD_H
#define GT_AHEAD_H

#include "block.h"
#include "gtrace.h"

struct gt_ahead;

/* gt_ahead_new: reads SRC from a thread of its own; takes up to 11 MB. NULL: no memory, no thread.
 */
struct gt_ahead *gt_ahead_new(const struct gt_source *src, uint64_t session);
void gt_ahead_free(struct gt_ahead *a);
/*
 * gt_ahead_take: the B->n events of the block B, which ends at END; the caller's until
 * gt_ahead_give. NULL when they are not there: the caller decodes this one, and the thread goes on
 * behind it.
 */
struct gt_event *gt_ahead_take(struct gt_ahead *a, const struct gt_blk *b, uint64_t end);
void gt_ahead_give(struct gt_ahead *a, struct gt_event *ev);

#endif
