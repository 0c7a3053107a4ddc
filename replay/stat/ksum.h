/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel did with threads, in sums: how long each was on a CPU and waited for one, and how
 * long goroutines that ran had none. Times are clipped to the span, quantiles count the waits that
 * ended within it. With goroutines chosen, only what happens while one of them is on the thread.
 */
#ifndef GT_KSUM_H
#define GT_KSUM_H

#include "hist.h"
#include "replay/engine/engine.h"
#include "replay/engine/kthread.h"
#include "replay/view/filter.h"

struct gt_kthread_sum {
	uint32_t process, tid;
	uint64_t ns[GT_K_COUNT];
	uint64_t waits, wait_max_ns;			   /* for a CPU, that ended */
	uint64_t slices, preempted, slept, blocked, woken; /* changes */
	uint64_t missing; /* times that the kernel did not tell all */
};

struct gt_ksum {
	const struct gt_reader *reader;
	struct gt_filter *filter; /* NULL: everything */
	uint64_t from_ns, to_ns;
	bool sched, fault;   /* was recorded */
	struct gt_hist wait; /* of all threads, for a CPU */
	/*
	 * Of the program's goroutines that were running, or in a system call: what their threads
	 * did when they were not on a CPU (GT_K_ON is 0).
	 */
	uint64_t running_ns[GT_K_COUNT], syscall_ns[GT_K_COUNT];
	uint64_t faults;
	struct {
		struct gt_kthread_sum *p; /* owned */
		size_t n, cap;
	} threads;
	struct gt_u64map of; /* (process, tid) -> index in THREADS */
};

void gt_ksum_free(struct gt_ksum *k);
/* gt_ksum_step: E as it is at S. */
int gt_ksum_step(struct gt_ksum *k, const struct gt_kstep *s, const struct gt_engine *e,
		 struct gt_err *err) GT_MUST_CHECK;
/* gt_ksum_event: counts faults. */
void gt_ksum_event(struct gt_ksum *k, const struct gt_event *ev, const struct gt_engine *e);
/* gt_ksum_end: what is open at END_NS. */
int gt_ksum_end(struct gt_ksum *k, uint64_t end_ns, const struct gt_kthreads *t,
		const struct gt_engine *e, struct gt_err *err) GT_MUST_CHECK;

#endif
