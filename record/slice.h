/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes the probes of one process out and puts them in again, on a thread of its own: either takes
 * the kernel some ten to some hundred milliseconds, in which rings must be drained.
 */
#ifndef GT_SLICE_H
#define GT_SLICE_H

#include "attach.h"

struct gt_slice;

/* One change that was asked for, and is done. */
struct gt_slice_done {
	bool on;		   /* probes are in */
	uint64_t begin_ns, end_ns; /* the change took from .. to */
	int rc;			   /* of putting them in; then they are out */
	struct gt_err err;
};

/* gt_slice_new: borrows A and T, which nobody else may touch but for losses. ON: they are in. */
int gt_slice_new(struct gt_slice **out, struct gt_attach *a, const struct gt_target *t, bool on,
		 struct gt_err *err) GT_MUST_CHECK;
/* gt_slice_free: waits for a change under way. */
void gt_slice_free(struct gt_slice *s);
/* gt_slice_ask: begin a change, unless one is under way or it is so already. */
int gt_slice_ask(struct gt_slice *s, bool on, struct gt_err *err) GT_MUST_CHECK;
/* gt_slice_take: true, once for each change: it is done. */
bool gt_slice_take(struct gt_slice *s, struct gt_slice_done *ret);

#endif
