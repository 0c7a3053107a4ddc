/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The drain: a thread of its own that empties the rings into batches, so that nothing else
 * (a slow disk, a snapshot, symbols) can make a ring overflow. It sleeps when there is little
 * to do. Between it and the consumer is one queue, bounded in bytes: when it is full the
 * drain waits, the rings fill, and the probes count what is lost.
 */
#ifndef GT_DRAIN_H
#define GT_DRAIN_H

#include "ring.h"

/* Records of one CPU in a batch: whole stretches of the ring, headers and all. */
struct gt_segment {
	uint32_t cpu;
	size_t len;
	const uint8_t *p; /* in the batch */
};

struct gt_batch {
	struct gt_batch *next;
	uint64_t watermark; /* ns: no record older than this will come after this batch */
	uint32_t n;
	uint32_t refs;		/* for the consumer's use; 0 when it gets the batch */
	struct gt_segment *seg; /* n of them; in the same allocation, as are the records */
	size_t bytes;
};

struct gt_drain;

/* gt_drain_start: RINGS must outlive the drain. EVENT_FD becomes readable with each batch. */
int gt_drain_start(struct gt_drain **out, struct gt_rings *rings, struct gt_err *err) GT_MUST_CHECK;
int gt_drain_event_fd(const struct gt_drain *d);
/* gt_drain_take: all batches so far, oldest first, linked by next; NULL: none. Free each. */
struct gt_batch *gt_drain_take(struct gt_drain *d);
void gt_batch_free(struct gt_batch *b);
/*
 * gt_drain_sync: have the drain make a full round after this call and wait for it; then take
 * gives everything that was in the rings. False: it could not finish within 5 s.
 */
bool gt_drain_sync(struct gt_drain *d);
/* gt_drain_stop: end the thread and free. CPU time that it used, ns, in *ret_cpu_ns. */
void gt_drain_stop(struct gt_drain *d, uint64_t *ret_cpu_ns);

#endif
