/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The EVENTS body: events of one process, stored as one run for each CPU, column by column.
 *
 * What events have in common is their shape: transition, caller, reason, stack, and where
 * their goroutine and waker are to be found. A block has a list of its shapes; an event is the
 * number of its shape, its time, and what the shape leaves to columns. Encoder and decoder
 * walk the events in global order (time, then CPU) and remember what ran on each thread and
 * what waits on each CPU. All of it starts empty in every block, so that a block decodes alone.
 */
#ifndef GT_EVENTS_H
#define GT_EVENTS_H

#include "base/err.h"
#include "base/in.h"
#include "base/out.h"
#include "model.h"
#include "spec.h"

/* ---- the context --------------------------------------------------------------------------- */

#define GT_EV_THREADS 256u /* slots, by hash of tid; a newcomer takes the slot over */
#define GT_EV_QUEUE   64u  /* runnable goroutines remembered for each CPU */

struct gt_ev_thread {
	uint64_t g; /* the goroutine that it ran last */
	uint32_t tid;
	uint32_t m1, p1; /* M and P, + 1 */
};

struct gt_ev_cpu {	 /* of one run */
	uint64_t last_g; /* last one written in full */
	struct gt_ev_thread *thread;
	uint32_t tid;
	int32_t qlen;
	uint32_t q_head, q_n;
	uint64_t queue[GT_EV_QUEUE];
};

struct gt_ev_threads {
	struct gt_ev_thread slot[GT_EV_THREADS];
};

static inline struct gt_ev_thread *gt_ev_thread(struct gt_ev_threads *c, uint32_t tid)
{
	struct gt_ev_thread *t = &c->slot[tid * 0x9e3779b1u >> 24];

	if (t->tid != tid)
		*t = (struct gt_ev_thread){ .tid = tid };
	return t;
}

static inline void gt_ev_cpu_reset(struct gt_ev_cpu *r, struct gt_ev_threads *c)
{
	r->last_g = 0;
	r->tid = 0;
	r->qlen = -1;
	r->q_head = r->q_n = 0;
	r->thread = &c->slot[0]; /* not claimed: runs of a block begin at different times */
}

/* The run queue of a CPU as Go keeps it: the newest runs next, then the oldest. */
static inline uint64_t gt_ev_newest(const struct gt_ev_cpu *r)
{
	return r->queue[(r->q_head + r->q_n - 1) % GT_EV_QUEUE];
}

static inline uint64_t gt_ev_oldest(const struct gt_ev_cpu *r)
{
	return r->queue[r->q_head % GT_EV_QUEUE];
}

/* gt_ev_starts: from the queue to a thread. */
static inline bool gt_ev_starts(uint8_t old, uint8_t new)
{
	return old == GT_G_RUNNABLE && new == GT_G_RUNNING;
}

static inline void gt_ev_drop_oldest(struct gt_ev_cpu *r)
{
	r->q_head++;
	r->q_n--;
}

static inline void gt_ev_push(struct gt_ev_cpu *r, uint64_t gid)
{
	if (r->q_n == GT_EV_QUEUE)
		gt_ev_drop_oldest(r);
	r->queue[(r->q_head + r->q_n++) % GT_EV_QUEUE] = gid;
}

/* gt_ev_moved: what follows from the transition itself, after all fields are known. */
static inline void gt_ev_moved(struct gt_ev_cpu *r, uint8_t new, uint64_t gid)
{
	if (new == GT_G_RUNNING)
		r->thread->g = gid;
	if (new == GT_G_RUNNABLE)
		gt_ev_push(r, gid);
}

/* ---- encoder -------------------------------------------------------------------------------- */

struct gt_evenc; /* one open block */

int gt_evenc_new(struct gt_evenc **out, struct gt_err *err) GT_MUST_CHECK;
void gt_evenc_free(struct gt_evenc *e);
/* gt_evenc_start: empty it for a block whose first event is at quantum Q0. */
void gt_evenc_start(struct gt_evenc *e, uint64_t q0);
/*
 * gt_evenc_add: the event at quantum Q; the order (q, cpu) never goes back, and Q lies fewer than
 * GT_EV_SPAN quanta behind the first. The number of events in the block then, or GT_NOMEM.
 */
int gt_evenc_add(struct gt_evenc *e, uint64_t q, const struct gt_event *ev,
		 struct gt_err *err) GT_MUST_CHECK;
#define GT_EV_SPAN (1ull << (GT_MAX_SPAN_BITS - 1))
/* gt_evenc_full: to be asked after each GT_EV_CHECK events: must the block be written now? */
bool gt_evenc_full(const struct gt_evenc *e);
#define GT_EV_CHECK 256u
uint32_t gt_evenc_count(const struct gt_evenc *e);
uint64_t gt_evenc_last(const struct gt_evenc *e); /* quantum of the last event */
/* gt_evenc_pack: the body to OUT; MARKS: GT_C_COUNT + 1 places for offsets, where columns end. */
int gt_evenc_pack(struct gt_evenc *e, uint32_t quantum, struct gt_out *out, size_t *marks,
		  size_t *ret_n_marks, struct gt_err *err) GT_MUST_CHECK;

/* ---- decoder -------------------------------------------------------------------------------- */

struct gt_evdec;

int gt_evdec_new(struct gt_evdec **out, struct gt_err *err) GT_MUST_CHECK;
void gt_evdec_free(struct gt_evdec *d);
struct gt_blk;
/* gt_evdec_open: BODY must live until the last event. GT_CORRUPT, GT_VERSION, GT_NOMEM. */
int gt_evdec_open(struct gt_evdec *d, const struct gt_blk *b, const uint8_t *body,
		  struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_evdec_batch: the next events, in order; valid until the next call on D. How many, 0 after
 * the last, or GT_CORRUPT.
 */
int gt_evdec_batch(struct gt_evdec *d, const struct gt_event **ret,
		   struct gt_err *err) GT_MUST_CHECK;
/* Memory that it holds. */
size_t gt_evdec_memory(const struct gt_evdec *d);
/* Columns of the block that were not known. */
uint32_t gt_evdec_unknown(const struct gt_evdec *d);

#endif
