/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records of all CPUs in one order: by time, then CPU, then arrival. A CPU's records are
 * nearly sorted (a probe can be preempted between its reservation and another's), so each
 * CPU has a queue sorted by insertion, and a heap over the queues' heads gives the next.
 */
#ifndef GT_MERGE_H
#define GT_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A record that waits; WHAT and OWNER are the caller's. */
struct gt_pending {
	uint64_t ts;
	const void *what;
	void *owner;
};

struct gt_merge_queue {
	struct gt_pending *p;
	size_t head, n, cap; /* waiting: p[head .. n) */
};

/* A queue that is not empty, by the time of its first. */
struct gt_merge_head {
	uint64_t ts;
	uint32_t cpu;
};

struct gt_merge {
	struct gt_merge_queue *q;
	uint32_t n; /* queues */
	struct gt_merge_head *heap;
	uint32_t n_heap;
};

/* gt_merge_init: N queues; false: out of memory. */
bool gt_merge_init(struct gt_merge *m, uint32_t n);
void gt_merge_free(struct gt_merge *m);
/* gt_merge_insert: as gt_merge_add, wherever the record belongs and whatever room there is. */
bool gt_merge_insert(struct gt_merge *m, uint32_t cpu, uint64_t ts, const void *what, void *owner);

/*
 * gt_merge_add: to queue CPU; false: out of memory. gt_merge_next must be preceded by
 * gt_merge_start after adds.
 */
static inline bool gt_merge_add(struct gt_merge *m, uint32_t cpu, uint64_t ts, const void *what,
				void *owner)
{
	struct gt_merge_queue *q = &m->q[cpu];

	if (q->n == q->cap || (q->n > q->head && q->p[q->n - 1].ts > ts))
		return gt_merge_insert(m, cpu, ts, what, owner);
	q->p[q->n].ts = ts;
	q->p[q->n].what = what;
	q->p[q->n].owner = owner;
	q->n++;
	return true;
}

void gt_merge_start(struct gt_merge *m);
/* gt_merge_next: the oldest with ts < BEFORE, valid until the next add; NULL: none. */
const struct gt_pending *gt_merge_next(struct gt_merge *m, uint64_t before, uint32_t *ret_cpu);

#endif
