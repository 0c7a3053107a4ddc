/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What in the sums looks wrong: goroutine leaks and contended locks, named by where the
 * goroutines were made and where they wait. The rules are stated in gtstat(1), LEAKS and
 * LOCKS; a finding carries the figures that it rests on.
 */
#ifndef GT_SUSPECT_H
#define GT_SUSPECT_H

#include "tally.h"

/* Parts that the span is cut into, to see whether a site goes on leaking. */
#define GT_LEAK_PARTS 16

struct gt_leak {
	uint32_t group; /* who made them */
	uint32_t process;
	uint32_t place;	 /* where most of them wait; GT_NO_PLACE where no stack was recorded */
	uint32_t reason; /* for what */
	uint64_t stuck;	 /* goroutines that wait there and look as if for ever */
	uint64_t before; /* of the same site, made before the span, that never moved within it */
	uint64_t oldest_ns, median_ns; /* how long they have waited, at the end of the span or of
					  their process */
	uint32_t parts;		       /* parts of the span in which some of them were made */
	double score;		       /* 0 (no) to 1 (sure) */
};

struct gt_lock {
	uint32_t group; /* the site whose goroutines wait most */
	uint32_t place; /* who calls Lock; GT_NO_PLACE where no stack was recorded */
	uint32_t reason;
	bool sampled; /* the place is known from snapshots alone, not from every wait */
	uint64_t total_ns, max_ns, n, open;
	double mean_waiters; /* total / span */
};

struct gt_suspects {
	struct {
		struct gt_leak *p;
		size_t n, cap;
	} leaks; /* by score, then number, falling */
	struct {
		struct gt_lock *p;
		size_t n, cap;
	} locks; /* by total, falling; only the contended */
};

/* gt_suspects_find: after gt_tally_end. Free also after failure. */
int gt_suspects_find(struct gt_suspects *s, struct gt_tally *t, struct gt_err *err) GT_MUST_CHECK;
/* Its two halves. */
int gt_leaks_find(struct gt_suspects *s, struct gt_tally *t, struct gt_err *err) GT_MUST_CHECK;
int gt_locks_find(struct gt_suspects *s, struct gt_tally *t, struct gt_err *err) GT_MUST_CHECK;
void gt_suspects_free(struct gt_suspects *s);
/* gt_leak_score: of the whole trace, the highest of any site; 0 for none. */
double gt_leak_score(const struct gt_suspects *s);

#endif
