/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The EVENTS body: events of one process, stored as one run for each CPU, column by column.
 *
 * Encoder and decoder both walk the events in global order (time, then CPU), with the same
 * context: what each thread, CPU, transition and call site did last. An event is written as
 * its differences to what the context predicts, mostly none. The context starts empty in
 * every block, so that a block decodes alone.
 */
#ifndef GT_EVENTS_H
#define GT_EVENTS_H

#include "base/err.h"
#include "base/in.h"
#include "base/out.h"
#include "model.h"
#include "spec.h"

/* ---- the context --------------------------------------------------------------------------- */

#define GT_EV_THREADS 256u  /* slots, by hash of tid; a newcomer takes the slot over */
#define GT_EV_SITES   2048u /* slots, by hash of (goroutine, transition) */
#define GT_EV_QUEUE   64u   /* runnable goroutines remembered for each CPU */

enum gt_ev_rel { GT_REL_NONE, GT_REL_SELF, GT_REL_THREAD, GT_REL_OTHER };

struct gt_ev_thread {
	uint64_t g; /* the goroutine that it ran last */
	uint32_t tid;
	uint32_t m1, p1; /* M and P, + 1 */
	bool busy;	 /* it runs G still */
};

struct gt_ev_tr { /* by transition, and whether the thread was busy */
	uint64_t arg;
	uint32_t ra, stack, pc;
	uint8_t kind, flags, reason;
};

struct gt_ev_site {
	uint64_t subject;
	uint32_t generation; /* of the block; others are empty */
	uint32_t stack, pc;
	uint8_t tr, reason;
};

struct gt_ev_cpu {	 /* of one run */
	uint64_t last_g; /* last one written in full */
	struct gt_ev_thread *thread;
	uint32_t tid;
	int32_t qlen;
	uint32_t q_head, q_n;
	uint64_t queue[GT_EV_QUEUE];
};

struct gt_ev_ctx {
	uint32_t generation;
	struct gt_ev_thread thread[GT_EV_THREADS];
	struct gt_ev_tr tr[512];
	uint8_t rel[256]; /* enum gt_ev_rel, by hash of (transition, ra) */
	struct gt_ev_site site[GT_EV_SITES];
};

static inline struct gt_ev_thread *gt_ev_thread(struct gt_ev_ctx *c, uint32_t tid)
{
	struct gt_ev_thread *t = &c->thread[tid * 0x9e3779b1u >> 24];

	if (t->tid != tid)
		*t = (struct gt_ev_thread){ .tid = tid };
	return t;
}

static inline void gt_ev_reset(struct gt_ev_ctx *c)
{
	memset(c->thread, 0, sizeof(c->thread));
	memset(c->tr, 0, sizeof(c->tr));
	memset(c->rel, 0, sizeof(c->rel));
	for (unsigned i = 0; i < 512; i++)
		c->tr[i].kind = GT_EV_STATUS;
	if (!++c->generation) { /* wrapped: no slot may seem to be of this block */
		memset(c->site, 0, sizeof(c->site));
		c->generation = 1;
	}
}

static inline void gt_ev_cpu_reset(struct gt_ev_cpu *r, struct gt_ev_ctx *c)
{
	r->last_g = 0;
	r->tid = 0;
	r->qlen = -1;
	r->q_head = r->q_n = 0;
	r->thread = &c->thread[0]; /* not claimed: runs of a block begin at different times */
}

static inline struct gt_ev_tr *gt_ev_tr(struct gt_ev_ctx *c, const struct gt_ev_thread *t,
					uint8_t tr)
{
	return &c->tr[tr | (unsigned)t->busy << 8];
}

static inline uint8_t *gt_ev_rel(struct gt_ev_ctx *c, uint8_t tr, uint32_t ra)
{
	return &c->rel[(uint8_t)(tr ^ ra * 157u)];
}

/* Transitions where stack, pc and reason go with the goroutine: parks, syscalls, creations. */
static inline bool gt_ev_sited(uint8_t tr)
{
	uint8_t new = tr & 15, old = tr >> 4;

	if (new == GT_G_RUNNABLE)
		return old == GT_G_IDLE || old == GT_G_DEAD || old == GT_G_DEADEXTRA;
	return new == GT_G_SYSCALL || new == GT_G_WAITING || new == GT_G_PREEMPTED;
}

/* gt_ev_site: the slot; *HIT tells whether it is this subject's. Creations go by the creator. */
static inline struct gt_ev_site *gt_ev_site(struct gt_ev_ctx *c, uint8_t tr, uint64_t gid,
					    uint64_t actor, uint64_t *subject, bool *hit)
{
	uint64_t s = (tr & 15) == GT_G_RUNNABLE ? actor : gid;
	struct gt_ev_site *e = &c->site[(s << 8 | tr) * 0x9e3779b97f4a7c15u >> 53];

	*subject = s;
	*hit = e->generation == c->generation && e->subject == s && e->tr == tr;
	return e;
}

/* The run queue of a CPU as Go keeps it: the newest runs next, then the oldest. */
static inline void gt_ev_push(struct gt_ev_cpu *r, uint64_t gid)
{
	if (r->q_n == GT_EV_QUEUE) {
		r->q_head = (r->q_head + 1) % GT_EV_QUEUE;
		r->q_n--;
	}
	r->queue[(r->q_head + r->q_n++) % GT_EV_QUEUE] = gid;
}

static inline uint64_t gt_ev_newest(const struct gt_ev_cpu *r)
{
	return r->queue[(r->q_head + r->q_n - 1) % GT_EV_QUEUE];
}

static inline void gt_ev_drop_head(struct gt_ev_cpu *r)
{
	r->q_head = (r->q_head + 1) % GT_EV_QUEUE;
	r->q_n--;
}

/* gt_ev_moved: what follows from the transition itself, after all fields are known. */
static inline void gt_ev_moved(struct gt_ev_cpu *r, uint8_t tr, uint64_t gid)
{
	uint8_t new = tr & 15, old = tr >> 4;

	if (new == GT_G_RUNNING) {
		r->thread->g = gid;
		r->thread->busy = true;
	} else if (old == GT_G_RUNNING && gid == r->thread->g) {
		r->thread->busy = false;
	}
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
/* gt_evenc_pack: the body to OUT; MARKS: GT_C_COUNT + 1 offsets, where columns end. */
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
/* gt_evdec_peek: time and CPU of the next event; false after the last. */
bool gt_evdec_peek(const struct gt_evdec *d, uint64_t *ret_ts, uint32_t *ret_cpu);
/* gt_evdec_next: 1, 0 after the last, or GT_CORRUPT. */
int gt_evdec_next(struct gt_evdec *d, struct gt_event *ret, struct gt_err *err) GT_MUST_CHECK;
/* Memory that it holds. */
size_t gt_evdec_memory(const struct gt_evdec *d);
/* Columns of the block that were not known. */
uint32_t gt_evdec_unknown(const struct gt_evdec *d);

#endif
