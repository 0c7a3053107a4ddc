/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel did with the threads: SCHED events in, changes out. Beside the state machine of
 * goroutines, as pure as that: together they tell "running, but its thread had no CPU" from
 * running. A trace without SCHED events has no threads here: each is UNKNOWN.
 */
#ifndef GT_KTHREAD_H
#define GT_KTHREAD_H

#include "format/base/err.h"
#include "format/base/u64map.h"
#include "format/model.h"

/* What a thread is doing, as the kernel has it. */
enum gt_kstate {
	GT_K_UNKNOWN = 0, /* not told yet, or lost */
	GT_K_ON,	  /* on a CPU */
	GT_K_READY,	  /* could run, waits for a CPU */
	GT_K_ASLEEP,
	GT_K_BLOCKED, /* in an uninterruptible wait: mostly for a disk */
	GT_K_STOPPED,
	GT_K_ENDED,
	GT_K_COUNT
};

/* One thread. Valid until the next feed. */
struct gt_kthread {
	uint64_t since_ns, last_ns; /* begin of its state, 0: not known; its last event */
	uint64_t ns[GT_K_COUNT];    /* in each state until SINCE_NS, as far as it was known */
	uint32_t process, tid;
	uint16_t cpu;	/* of its last event */
	uint8_t state;	/* enum gt_kstate */
	uint8_t why;	/* enum gt_sched that began it */
	bool used, met; /* met: seen on a CPU, or leaving one */
	bool assumed;	/* nobody told that it is on a CPU: it reports something */
};

/* One change. */
struct gt_kstep {
	uint64_t ts, since_ns; /* since_ns: when FROM began; 0 not known */
	uint32_t process, tid;
	uint16_t cpu;
	uint8_t from, to;      /* enum gt_kstate */
	uint8_t from_why, why; /* enum gt_sched; 0: its process ended, or its own events show it */
	bool uncertain;	       /* events may be lost between since_ns and ts */
	bool missing;	       /* the kernel did not tell all between since_ns and ts */
	bool unexplained;      /* but says that it did */
};

struct gt_kthreads {
	struct {
		struct gt_kthread *p; /* owned */
		size_t n, cap;
	} v;
	struct {
		uint32_t *p; /* owned: places in V that are free */
		size_t n, cap;
	} spare;
	struct gt_u64map map; /* (process, tid) -> place in V */
	uint64_t lost_ns;     /* events up to here may be lost */
	/* Called for each change, in order; set before the first event. May be NULL. */
	void (*step)(void *ctx, const struct gt_kstep *s);
	void *ctx;
};

void gt_kthreads_free(struct gt_kthreads *t);
/*
 * gt_kthreads_event: for all events: what a thread reports itself shows that it has a CPU, whatever
 * the kernel told. GT_NOMEM.
 */
int gt_kthreads_event(struct gt_kthreads *t, const struct gt_event *ev,
		      struct gt_err *err) GT_MUST_CHECK;
void gt_kthreads_loss(struct gt_kthreads *t, const struct gt_loss *l);
/* gt_kthreads_get: NULL where nothing is known of it. */
const struct gt_kthread *gt_kthreads_get(const struct gt_kthreads *t, uint32_t process,
					 uint32_t tid);
/* gt_kthreads_next: the next after K in no order that means anything, the first for NULL. */
const struct gt_kthread *gt_kthreads_next(const struct gt_kthreads *t, const struct gt_kthread *k);

/*
 * gt_kthreads_mark: how long the thread has been in each state until NOW, not before any time it
 * was told of last; UNKNOWN takes the rest. Two marks tell of the time between them.
 */
struct gt_kmark {
	uint64_t ns[GT_K_COUNT];
};
void gt_kthreads_mark(const struct gt_kthreads *t, uint32_t process, uint32_t tid, uint64_t now,
		      struct gt_kmark *ret);
/* gt_kmark_since: what lies between A and the later B, in B. */
void gt_kmark_since(struct gt_kmark *b, const struct gt_kmark *a);

const char *gt_kstate_name(enum gt_kstate s); /* "on a CPU", "waits for a CPU", ... */
const char *gt_sched_name(enum gt_sched w);   /* "preempted", "sleeps", ... */

#endif
