/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a trace tells of a wait only after the time asked for: the stack of a goroutine that is
 * parked comes with the snapshot at the trace's end, though it may be parked since long before.
 */
#ifndef GT_SHOW_AHEAD_H
#define GT_SHOW_AHEAD_H

#include "replay/view/run.h"

struct gt_ahead {
	struct gt_run run;
	bool known;
};

/*
 * gt_ahead_open: replays the end of V's trace, from its last keyframe on. Without a way to go there
 * (a stream, a file that ends early) nothing is known, which is no error. Moves V's reader: what
 * was open on it has read what it wanted. Close it also after failure.
 */
int gt_ahead_open(struct gt_ahead *a, struct gt_view *v, struct gt_err *err) GT_MUST_CHECK;
void gt_ahead_close(struct gt_ahead *a);
/*
 * gt_ahead_stack: of the wait that K tells of, if it still lasted at the end; else 0. Adds
 * GT_KF_STACK_CUT to *KFLAGS where it is not whole.
 */
uint32_t gt_ahead_stack(const struct gt_ahead *a, const struct gt_key *k, uint8_t *kflags);

#endif
