/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sums of what the runtime does as a whole: stops of the world, collections, the heap, run queues
 * that overflow, goroutines that change their queue. From events, within the span that is asked
 * for; the filter is for processes only.
 */
#ifndef GT_STAT_RUNTIME_H
#define GT_STAT_RUNTIME_H

#include "format/base/u64map.h"
#include "format/gtrace.h"
#include "hist.h"
#include "replay/view/facts.h"

#define GT_STW_REASONS 17 /* those that have a name; others are counted as unknown */

/* One collection. Times on the trace's clock, sizes in bytes; 0 not known. */
struct gt_cycle {
	uint32_t process;
	uint64_t mark_ns, term_ns, sweep_ns; /* when these phases began */
	uint64_t live_mark, live_term, live_sweep, goal;
};

struct gt_runtime_sums {
	struct gt_hist stw, stopping, marking; /* ns */
	struct gt_hist by_reason[GT_STW_REASONS];
	uint64_t stw_total_ns;
	uint64_t stw_no_begin; /* begun before the trace: counted, but in no duration */
	uint64_t cycles;       /* ended */
	struct {
		struct gt_cycle *p;
		size_t n, cap;
	} list; /* of all */
	uint64_t heap_max, procs;
	uint64_t assists, assist_ns; /* of goroutines that had to mark before they got memory */
	uint64_t overflows;
	/* Derived: ran on another P than that on whose queue they were put; from the global queue.
	 */
	uint64_t steals, global, unsure; /* unsure: whose queue it was is not known */
	/* the insides */
	const struct gt_reader *reader;
	struct gt_stops stops;
	struct gt_u64map open;	 /* process -> index of LIST + 1 */
	struct gt_u64map assist; /* gid -> begin of its assist */
	struct gt_u64map p_of;	 /* process << 32 | tid -> P + 1 that it is known to have */
	struct gt_u64map queue;	 /* gid -> the queue that it was put on */
	uint64_t era;		 /* grows when goroutines change their queue unseen */
};

void gt_runtime_init(struct gt_runtime_sums *r, const struct gt_reader *reader);
void gt_runtime_free(struct gt_runtime_sums *r);
int gt_runtime_event(struct gt_runtime_sums *r, const struct gt_event *ev,
		     struct gt_err *err) GT_MUST_CHECK;

#endif
