/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All goroutines of a process, read from its memory: status, wait reason, where made, and the
 * stack of each parked one. No trap, no stop, no signal: the target does not notice. What is
 * read may change while it is read; each row says between which times it was true enough, and
 * the engine lets events win.
 */
#ifndef GT_SNAPSHOT_H
#define GT_SNAPSHOT_H

#include "encode.h"

struct gt_snapshot_stats {
	uint64_t goroutines; /* rows given */
	uint64_t dead;	     /* unused structs passed over */
	uint64_t unreadable; /* structs that could not be read or made no sense */
	uint64_t torn;	     /* stacks dropped, as the goroutine moved on meanwhile */
	uint64_t took_ns;
	enum gt_how how; /* how allgs was found */
};

/*
 * gt_snapshot_take: a row to ROW for each goroutine of T that exists, with DEAD also one (status
 * GT_G_DEAD) for each struct that none uses. ALLGS remembers where the
 * runtime's list is; 0 at first. GT_UNSUPPORTED: it cannot be found (a stripped program with
 * hardly any goroutines yet). An error of ROW ends it.
 */
int gt_snapshot_take(const struct gt_target *t, uint32_t process, bool dead, uint64_t *allgs,
		     int (*row)(void *ctx, const struct gt_snap_row *r, struct gt_err *err),
		     void *ctx, struct gt_snapshot_stats *ret, struct gt_err *err) GT_MUST_CHECK;

#endif
