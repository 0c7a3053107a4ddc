/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A trace written anew: what a reader gives goes to a writer. What lies outside the asked span,
 * or is of goroutines that are not asked for, stays away; a keyframe at the start says what the
 * others were doing then, and new keyframes come from the same engine that readers use.
 */
#ifndef GT_COPY_H
#define GT_COPY_H

#include "format/base/u64map.h"
#include "replay/view/open.h"

struct gt_copy_opts {
	const struct gt_u64map *gids; /* only these goroutines; NULL: all */
	struct gt_redact *redact;     /* NULL: names stay */
	const char *remark;	      /* a comment to add; NULL: none */
	uint64_t session;	      /* of the copy */
	int level;		      /* zstd's; 0: as gtrec */
	bool no_stacks;
};

struct gt_copy_stats {
	uint64_t events, bytes, lost;
	uint64_t losses; /* places */
	uint64_t from_ns, to_ns;
	uint64_t blocks_kept, blocks_dropped; /* of kinds that this version does not know */
};

/*
 * gt_copy_run: V, freshly opened, to SINK. What the input lacks is told as it is read, and
 * stands as losses in the copy, which is whole by itself. GT_UNSUPPORTED for traces that later
 * versions forbid to rewrite.
 */
int gt_copy_run(struct gt_view *v, const struct gt_copy_opts *o, const struct gt_sink *sink,
		struct gt_copy_stats *ret, struct gt_err *err) GT_MUST_CHECK;

#endif
