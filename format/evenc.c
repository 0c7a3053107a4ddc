/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The EVENTS encoder. It encodes each event as it comes, into the columns of its CPU's run;
 * packing a block then only puts the columns one behind the other.
 */
#include "events.h"

#include <stdlib.h>

#include "base/vec.h"

/* The most bytes that one event can put into each column. */
static const uint8_t widest[GT_C_COUNT + 1] = {
	[GT_C_TR] = 1,	[GT_C_FL] = 1, [GT_C_DT0] = 1,	[GT_C_DT1] = 1,	 [GT_C_DTX] = 10,
	[GT_C_TID] = 5, [GT_C_G] = 10, [GT_C_ACT] = 10, [GT_C_RA] = 5,	 [GT_C_STK] = 5,
	[GT_C_RSN] = 1, [GT_C_P] = 5,  [GT_C_FX] = 1,	[GT_C_KIND] = 1, [GT_C_FLAGS] = 1,
	[GT_C_PC] = 5,	[GT_C_M] = 5,  [GT_C_QLEN] = 5, [GT_C_ARG] = 10, [GT_C_TRX] = 2,
};
#define WIDEST_EVENT 85u /* their sum */
#define RUN_HEAD     70u /* bytes of a run in the directory, at most */

struct run {
	uint8_t *w[GT_C_COUNT + 1]; /* where the next byte of each column goes */
	uint8_t *base[GT_C_COUNT + 1];
	uint64_t last; /* quantum of its last event */
	struct gt_ev_cpu cpu_ctx;
	uint8_t *mem; /* owned */
	uint32_t n, cap;
	uint16_t cpu;
	bool open; /* has events in this block */
};

struct gt_evenc {
	uint64_t q0, q_last;
	uint32_t n, n_open;
	struct {
		struct run **p; /* owned, each element too; by CPU, may hold NULL */
		size_t n, cap;
	} runs;
	struct gt_ev_ctx ctx;
};

int gt_evenc_new(struct gt_evenc **out, struct gt_err *err)
{
	struct gt_evenc *e = calloc(1, sizeof(*e));

	if (!e)
		return gt_fail(err, GT_NOMEM, "no memory for a block of events");
	*out = e;
	return GT_OK;
}

void gt_evenc_free(struct gt_evenc *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->runs.n; i++) {
		if (e->runs.p[i])
			free(e->runs.p[i]->mem);
		free(e->runs.p[i]);
	}
	GT_VEC_FREE(&e->runs);
	free(e);
}

void gt_evenc_start(struct gt_evenc *e, uint64_t q0)
{
	e->q0 = q0;
	e->n = e->n_open = 0;
	gt_ev_reset(&e->ctx);
	for (size_t i = 0; i < e->runs.n; i++)
		if (e->runs.p[i])
			e->runs.p[i]->open = false;
}

uint32_t gt_evenc_count(const struct gt_evenc *e)
{
	return e->n;
}

uint64_t gt_evenc_last(const struct gt_evenc *e)
{
	return e->q_last;
}

/* Columns with one byte for each event are written by index, the others by pointer. */
static size_t column_bytes(const struct run *r, int c)
{
	return c <= GT_C_DT1 ? r->n : (size_t)(r->w[c] - r->base[c]);
}

static size_t measure(const struct gt_evenc *e)
{
	size_t total = 0;

	for (size_t i = 0; i < e->runs.n; i++) {
		const struct run *r = e->runs.p[i];

		if (!r || !r->open)
			continue;
		for (int c = 1; c <= GT_C_COUNT; c++)
			total += column_bytes(r, c);
	}
	return total;
}

bool gt_evenc_full(const struct gt_evenc *e)
{
	/* Room for the events up to the next question, at their widest, each on a CPU of its own.
	 */
	size_t room = GT_BLK_MAX_BODY - 200 - (size_t)(e->n_open + GT_EV_CHECK) * RUN_HEAD;

	return e->n_open > 2000 || measure(e) + GT_EV_CHECK * WIDEST_EVENT > room ||
	       e->n > GT_MAX_EVENTS - GT_EV_CHECK;
}

/* Room for twice the events; the columns move to where they then begin. */
static bool run_grow(struct run *r)
{
	uint32_t cap = r->cap ? r->cap * 2 : 64;
	uint8_t *mem = malloc((size_t)cap * WIDEST_EVENT), *at = mem;

	if (!mem)
		return false;
	for (int c = 1; c <= GT_C_COUNT; c++) {
		size_t used = column_bytes(r, c);

		if (used)
			memcpy(at, r->base[c], used);
		r->base[c] = at;
		r->w[c] = at + used;
		at += (size_t)cap * widest[c];
	}
	free(r->mem);
	r->mem = mem;
	r->cap = cap;
	return true;
}

static struct run *run_new(struct gt_evenc *e, uint16_t cpu)
{
	struct run **slot;

	while (e->runs.n <= cpu) {
		slot = GT_VEC_PUSH(&e->runs);
		if (!slot)
			return NULL;
	}
	slot = &e->runs.p[cpu];
	if (!*slot) {
		*slot = calloc(1, sizeof(**slot));
		if (!*slot)
			return NULL;
		(*slot)->cpu = cpu;
	}
	return *slot;
}

static struct run *run_of(struct gt_evenc *e, uint16_t cpu)
{
	struct run *r = cpu < e->runs.n ? e->runs.p[cpu] : NULL;

	if (!r && !(r = run_new(e, cpu)))
		return NULL;
	if (!r->open) {
		r->open = true;
		r->n = 0;
		r->last = e->q0;
		for (int c = 1; c <= GT_C_COUNT; c++)
			r->w[c] = r->base[c];
		gt_ev_cpu_reset(&r->cpu_ctx, &e->ctx);
		e->n_open++;
	}
	return r->n < r->cap || run_grow(r) ? r : NULL;
}

static inline uint8_t *varint(uint8_t *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

static inline uint64_t zigzag(uint64_t diff)
{
	return diff << 1 ^ (0 - (diff >> 63));
}

static inline void put_time(struct run *r, uint64_t q)
{
	uint64_t dt = q - r->last, hi = dt >> 8;

	r->last = q;
	r->base[GT_C_DT0][r->n] = (uint8_t)dt;
	r->base[GT_C_DT1][r->n] = (uint8_t)(hi < 255 ? hi : 255);
	if (hi >= 255)
		r->w[GT_C_DTX] = varint(r->w[GT_C_DTX], hi - 255);
}

static inline uint8_t put_transition(struct run *r, const struct gt_event *ev)
{
	uint8_t tr = 255;

	if (ev->old < 15 && ev->new < 15) {
		tr = (uint8_t)(ev->old << 4 | ev->new);
	} else {
		*r->w[GT_C_TRX]++ = ev->old;
		*r->w[GT_C_TRX]++ = ev->new;
	}
	r->base[GT_C_TR][r->n] = tr;
	return tr;
}

static inline uint8_t put_gid(struct run *r, uint8_t tr, uint64_t gid)
{
	struct gt_ev_cpu *c = &r->cpu_ctx;
	bool queued = tr == (GT_G_RUNNABLE << 4 | GT_G_RUNNING) && c->q_n;

	if (queued && gid == gt_ev_newest(c)) {
		c->q_n--;
		return 0;
	}
	if (!queued && gid == c->thread->g)
		return 0;
	if (queued) {
		uint64_t head = c->queue[c->q_head];

		gt_ev_drop_head(c);
		if (gid == head) {
			*r->w[GT_C_G]++ = 0;
			return GT_FL_G;
		}
	}
	r->w[GT_C_G] = varint(r->w[GT_C_G], 1 + zigzag(gid - c->last_g));
	c->last_g = gid;
	return GT_FL_G;
}

static inline uint8_t put_actor(struct run *r, uint8_t *rel, uint64_t gid, uint64_t actor)
{
	uint64_t thread_g = r->cpu_ctx.thread->g;
	uint8_t is;

	if ((*rel == GT_REL_NONE && !actor) || (*rel == GT_REL_SELF && actor == gid) ||
	    (*rel == GT_REL_THREAD && actor == thread_g))
		return 0;
	is = !actor		 ? GT_REL_NONE
	     : actor == gid	 ? GT_REL_SELF
	     : actor == thread_g ? GT_REL_THREAD
				 : GT_REL_OTHER;
	*rel = is;
	if (is == GT_REL_OTHER)
		r->w[GT_C_ACT] = varint(r->w[GT_C_ACT], GT_REL_OTHER + zigzag(actor - gid));
	else
		*r->w[GT_C_ACT]++ = is;
	return GT_FL_ACT;
}

static inline uint8_t put_site(struct gt_ev_ctx *c, struct run *r, uint8_t tr, struct gt_ev_tr *t,
			       const struct gt_event *ev, uint8_t *fx)
{
	uint32_t stack = t->stack, pc = t->pc;
	uint8_t reason = t->reason, fl = 0;
	struct gt_ev_site *s = NULL;

	if (gt_ev_sited(tr)) {
		uint64_t subject;
		bool hit;

		s = gt_ev_site(c, tr, ev->gid, ev->actor, &subject, &hit);
		if (hit) {
			stack = s->stack;
			pc = s->pc;
			reason = s->reason;
		}
		*s = (struct gt_ev_site){
			subject, c->generation, ev->stack, ev->pc, tr, ev->reason
		};
	}
	t->stack = ev->stack;
	t->pc = ev->pc;
	t->reason = ev->reason;
	if (!((ev->stack ^ stack) | (ev->pc ^ pc) | (uint32_t)(ev->reason ^ reason)))
		return 0;
	if (ev->stack != stack) {
		r->w[GT_C_STK] = varint(r->w[GT_C_STK], ev->stack);
		fl |= GT_FL_STK;
	}
	if (ev->reason != reason) {
		*r->w[GT_C_RSN]++ = ev->reason;
		fl |= GT_FL_RSN;
	}
	if (ev->pc != pc) {
		r->w[GT_C_PC] = varint(r->w[GT_C_PC], ev->pc);
		*fx |= GT_FX_PC;
	}
	return fl;
}

static inline uint8_t put_rare(struct run *r, struct gt_ev_tr *t, const struct gt_event *ev)
{
	struct gt_ev_thread *th = r->cpu_ctx.thread;
	uint8_t fx = 0;

	/* One branch for the usual case, that nothing of all this is new. */
	if (!((uint32_t)(ev->kind ^ t->kind) | (uint32_t)(ev->flags ^ t->flags) |
	      (((uint32_t)ev->m + 1) ^ th->m1) | (uint32_t)(ev->qlen ^ r->cpu_ctx.qlen) |
	      (ev->arg ^ t->arg)))
		return 0;
	if (ev->kind != t->kind) {
		*r->w[GT_C_KIND]++ = t->kind = ev->kind;
		fx |= GT_FX_KIND;
	}
	if (ev->flags != t->flags) {
		*r->w[GT_C_FLAGS]++ = t->flags = ev->flags;
		fx |= GT_FX_FLAGS;
	}
	if ((uint32_t)ev->m + 1 != th->m1) {
		th->m1 = (uint32_t)ev->m + 1;
		r->w[GT_C_M] = varint(r->w[GT_C_M], th->m1);
		fx |= GT_FX_M;
	}
	if (ev->qlen != r->cpu_ctx.qlen) {
		int64_t diff = (int64_t)ev->qlen - r->cpu_ctx.qlen;

		r->w[GT_C_QLEN] = varint(r->w[GT_C_QLEN], zigzag((uint64_t)diff));
		r->cpu_ctx.qlen = ev->qlen;
		fx |= GT_FX_QLEN;
	}
	if (ev->arg != t->arg) {
		t->arg = ev->arg;
		r->w[GT_C_ARG] = varint(r->w[GT_C_ARG], ev->arg);
		fx |= GT_FX_ARG;
	}
	return fx;
}

int gt_evenc_add(struct gt_evenc *e, uint64_t q, const struct gt_event *ev, struct gt_err *err)
{
	struct run *r = run_of(e, ev->cpu);
	struct gt_ev_tr *t;
	uint8_t tr, fl = 0, fx;

	if (!r)
		return gt_fail(err, GT_NOMEM, "no memory for a block of events");
	put_time(r, q);
	tr = put_transition(r, ev);
	if (ev->tid != r->cpu_ctx.tid) {
		int64_t diff = (int64_t)ev->tid - r->cpu_ctx.tid;

		r->w[GT_C_TID] = varint(r->w[GT_C_TID], zigzag((uint64_t)diff));
		r->cpu_ctx.tid = ev->tid;
		r->cpu_ctx.thread = gt_ev_thread(&e->ctx, ev->tid);
		fl |= GT_FL_TID;
	}
	t = gt_ev_tr(&e->ctx, r->cpu_ctx.thread, tr);
	fl |= put_gid(r, tr, ev->gid);
	if (ev->ra != t->ra) {
		t->ra = ev->ra;
		r->w[GT_C_RA] = varint(r->w[GT_C_RA], ev->ra);
		fl |= GT_FL_RA;
	}
	fl |= put_actor(r, gt_ev_rel(&e->ctx, tr, ev->ra), ev->gid, ev->actor);
	fx = put_rare(r, t, ev);
	fl |= put_site(&e->ctx, r, tr, t, ev, &fx);
	if ((uint32_t)ev->p + 1 != r->cpu_ctx.thread->p1) {
		r->cpu_ctx.thread->p1 = (uint32_t)ev->p + 1;
		r->w[GT_C_P] = varint(r->w[GT_C_P], r->cpu_ctx.thread->p1);
		fl |= GT_FL_P;
	}
	if (fx) {
		*r->w[GT_C_FX]++ = fx;
		fl |= GT_FL_MORE;
	}
	r->base[GT_C_FL][r->n] = fl;
	gt_ev_moved(&r->cpu_ctx, tr, ev->gid);
	r->n++;
	e->q_last = q;
	return (int)++e->n;
}

static void pack_directory(const struct gt_evenc *e, uint32_t quantum, uint32_t cols,
			   struct gt_out *out)
{
	gt_out_varint(out, quantum);
	gt_out_varint(out, (uint64_t)__builtin_popcount(cols));
	for (int c = 1; c <= GT_C_COUNT; c++)
		if (cols >> c & 1)
			gt_out_u8(out, (uint8_t)c);
	gt_out_varint(out, e->n_open);
	for (size_t i = 0; i < e->runs.n; i++) {
		const struct run *r = e->runs.p[i];

		if (!r || !r->open)
			continue;
		gt_out_varint(out, r->cpu);
		gt_out_varint(out, r->n);
		for (int c = 1; c <= GT_C_COUNT; c++)
			if (cols >> c & 1)
				gt_out_varint(out, column_bytes(r, c));
	}
}

int gt_evenc_pack(struct gt_evenc *e, uint32_t quantum, struct gt_out *out, size_t *marks,
		  size_t *ret_n_marks, struct gt_err *err)
{
	size_t n_marks = 0;
	uint32_t cols = 0;

	for (size_t i = 0; i < e->runs.n; i++)
		for (int c = 1; e->runs.p[i] && e->runs.p[i]->open && c <= GT_C_COUNT; c++)
			cols |= (uint32_t)(column_bytes(e->runs.p[i], c) != 0) << c;
	pack_directory(e, quantum, cols, out);
	marks[n_marks++] = out->n;
	for (int c = 1; c <= GT_C_COUNT; c++) {
		if (!(cols >> c & 1))
			continue;
		for (size_t i = 0; i < e->runs.n; i++) {
			const struct run *r = e->runs.p[i];

			if (r && r->open)
				gt_out_bytes(out, r->base[c], column_bytes(r, c));
		}
		marks[n_marks++] = out->n;
	}
	if (out->bad)
		return gt_fail(err, GT_NOMEM, "no memory for a block of events");
	*ret_n_marks = n_marks - 1; /* the last one is the end */
	return GT_OK;
}
