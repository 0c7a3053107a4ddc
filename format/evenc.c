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
	[GT_C_SHAPE] = 1, [GT_C_DT0] = 1, [GT_C_DT1] = 1,  [GT_C_SHAPEX] = 2,
	[GT_C_DTX] = 10,  [GT_C_TID] = 5, [GT_C_G] = 10,   [GT_C_ACT] = 10,
	[GT_C_P] = 5,	  [GT_C_M] = 5,	  [GT_C_QLEN] = 5, [GT_C_ARG] = 10,
};
#define WIDEST_EVENT 65u  /* their sum */
#define WIDEST_SHAPE 22u  /* bytes of a shape in the list, at most */
#define RUN_HEAD     50u  /* bytes of a run in the directory, at most */
#define FEW_SLOTS    512u /* nearly always enough, and stays in the cache */
#define MAX_SLOTS    (2 * GT_MAX_SHAPES)

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

/* A shape, packed such that three comparisons tell two apart. */
struct shape {
	uint64_t what;	/* old, new, kind, flags, reason: 8 bits each; how: 16 */
	uint64_t where; /* ra, pc << 32 */
	uint64_t stack;
};

struct gt_evenc {
	uint64_t q0, q_last;
	uint32_t n, n_open, n_shapes, n_slots;
	struct {
		struct run **p; /* owned, each element too; by CPU, may hold NULL */
		size_t n, cap;
	} runs;
	struct gt_ev_threads threads;
	struct shape shape[GT_MAX_SHAPES];
	uint16_t slot[MAX_SLOTS]; /* number of a shape, plus 1, by hash; N_SLOTS are in use */
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
	e->n = e->n_open = e->n_shapes = 0;
	memset(&e->threads, 0, sizeof(e->threads));
	e->n_slots = FEW_SLOTS;
	memset(e->slot, 0, FEW_SLOTS * sizeof(*e->slot));
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
	size_t room = GT_BLK_MAX_BODY - 200 - (size_t)(e->n_open + GT_EV_CHECK) * RUN_HEAD -
		      (size_t)(e->n_shapes + GT_EV_CHECK) * WIDEST_SHAPE;

	return e->n_open > 2000 || e->n_shapes > GT_MAX_SHAPES - GT_EV_CHECK ||
	       measure(e) + GT_EV_CHECK * WIDEST_EVENT > room || e->n > GT_MAX_EVENTS - GT_EV_CHECK;
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
		gt_ev_cpu_reset(&r->cpu_ctx, &e->threads);
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

/* Where its goroutine is to be found. */
static inline uint32_t put_gid(struct run *r, const struct gt_event *ev)
{
	struct gt_ev_cpu *c = &r->cpu_ctx;
	uint64_t gid = ev->gid;

	if (c->q_n && gt_ev_starts(ev->old, ev->new)) {
		if (gid == gt_ev_newest(c)) {
			c->q_n--;
			return GT_HG_NEWEST;
		}
		if (gid == gt_ev_oldest(c)) {
			gt_ev_drop_oldest(c);
			return GT_HG_OLDEST;
		}
		gt_ev_drop_oldest(c); /* it has taken that one's place */
	}
	if (gid == c->thread->g)
		return GT_HG_THREAD;
	r->w[GT_C_G] = varint(r->w[GT_C_G], zigzag(gid - c->last_g));
	c->last_g = gid;
	return GT_HG_COLUMN;
}

static inline uint32_t put_actor(struct run *r, const struct gt_event *ev)
{
	if (!ev->actor)
		return GT_HA_NONE << GT_H_ACT_AT;
	if (ev->actor == r->cpu_ctx.thread->g)
		return GT_HA_THREAD << GT_H_ACT_AT;
	if (ev->actor == ev->gid)
		return GT_HA_SELF << GT_H_ACT_AT;
	r->w[GT_C_ACT] = varint(r->w[GT_C_ACT], zigzag(ev->actor - ev->gid));
	return GT_HA_COLUMN << GT_H_ACT_AT;
}

static inline uint32_t put_qlen(struct run *r, const struct gt_event *ev)
{
	int64_t diff = (int64_t)ev->qlen - r->cpu_ctx.qlen;
	uint64_t code = zigzag((uint64_t)diff);

	r->cpu_ctx.qlen = ev->qlen;
	if (code < GT_H_QLEN_COL)
		return (uint32_t)code << GT_H_QLEN_AT;
	r->w[GT_C_QLEN] = varint(r->w[GT_C_QLEN], code);
	return GT_H_QLEN_COL << GT_H_QLEN_AT;
}

static inline uint32_t put_thread(struct gt_evenc *e, struct run *r, const struct gt_event *ev)
{
	struct gt_ev_thread *th = r->cpu_ctx.thread;
	uint32_t how = 0;

	if (ev->tid != r->cpu_ctx.tid) {
		int64_t diff = (int64_t)ev->tid - r->cpu_ctx.tid;

		r->w[GT_C_TID] = varint(r->w[GT_C_TID], zigzag((uint64_t)diff));
		r->cpu_ctx.tid = ev->tid;
		r->cpu_ctx.thread = th = gt_ev_thread(&e->threads, ev->tid);
		how = GT_H_TID;
	}
	if ((uint32_t)ev->p + 1 != th->p1) {
		th->p1 = (uint32_t)ev->p + 1;
		r->w[GT_C_P] = varint(r->w[GT_C_P], th->p1);
		how |= GT_H_P;
	}
	if ((uint32_t)ev->m + 1 != th->m1) {
		th->m1 = (uint32_t)ev->m + 1;
		r->w[GT_C_M] = varint(r->w[GT_C_M], th->m1);
		how |= GT_H_M;
	}
	return how;
}

static inline uint32_t slot_of(const struct gt_evenc *e, const struct shape *s)
{
	uint64_t h = (s->what ^ s->stack << 29) * 0x9e3779b97f4a7c15u ^
		     s->where * 0xc2b2ae3d27d4eb4fu;

	return (uint32_t)(h >> 32) & (e->n_slots - 1);
}

static void more_slots(struct gt_evenc *e)
{
	e->n_slots *= 4;
	memset(e->slot, 0, e->n_slots * sizeof(*e->slot));
	for (uint32_t k = 0; k < e->n_shapes; k++) {
		uint32_t i = slot_of(e, &e->shape[k]);

		while (e->slot[i])
			i = (i + 1) & (e->n_slots - 1);
		e->slot[i] = (uint16_t)(k + 1);
	}
}

/* The number of a new shape: gt_evenc_full sees to it that there is room. */
static uint32_t new_shape(struct gt_evenc *e, const struct shape *s, uint32_t slot)
{
	e->shape[e->n_shapes] = *s;
	e->slot[slot] = (uint16_t)++e->n_shapes;
	if (e->n_shapes > e->n_slots / 2 && e->n_slots < MAX_SLOTS)
		more_slots(e);
	return e->n_shapes - 1;
}

static inline uint32_t shape_of(struct gt_evenc *e, const struct gt_event *ev, uint32_t how)
{
	struct shape s = {
		.what = ev->old | (uint64_t)ev->new << 8 | (uint64_t)ev->kind << 16 |
			(uint64_t)ev->flags << 24 | (uint64_t)ev->reason << 32 |
			(uint64_t)how << 40,
		.where = ev->ra | (uint64_t)ev->pc << 32,
		.stack = ev->stack,
	};
	uint32_t i = slot_of(e, &s);

	for (; e->slot[i]; i = (i + 1) & (e->n_slots - 1)) {
		const struct shape *o = &e->shape[e->slot[i] - 1];

		if (!((o->what ^ s.what) | (o->where ^ s.where) | (o->stack ^ s.stack)))
			return e->slot[i] - 1u;
	}
	return new_shape(e, &s, i);
}

int gt_evenc_add(struct gt_evenc *e, uint64_t q, const struct gt_event *ev, struct gt_err *err)
{
	struct run *r = run_of(e, ev->cpu);
	uint32_t how, shape;

	if (!r)
		return gt_fail(err, GT_NOMEM, "no memory for a block of events");
	put_time(r, q);
	how = put_thread(e, r, ev);
	how |= put_gid(r, ev);
	how |= put_actor(r, ev);
	how |= put_qlen(r, ev);
	if (ev->arg) {
		r->w[GT_C_ARG] = varint(r->w[GT_C_ARG], ev->arg);
		how |= GT_H_ARG;
	}
	shape = shape_of(e, ev, how);
	r->base[GT_C_SHAPE][r->n] = (uint8_t)(shape < 255 ? shape : 255);
	if (shape >= 255)
		r->w[GT_C_SHAPEX] = varint(r->w[GT_C_SHAPEX], shape - 255);
	gt_ev_moved(&r->cpu_ctx, ev->new, ev->gid);
	r->n++;
	e->q_last = q;
	return (int)++e->n;
}

static void pack_shapes(const struct gt_evenc *e, struct gt_out *out)
{
	for (unsigned shift = 0; shift < 56; shift += 8)
		for (uint32_t i = 0; i < e->n_shapes; i++)
			gt_out_u8(out, (uint8_t)(e->shape[i].what >> shift));
	for (uint32_t i = 0; i < e->n_shapes; i++)
		gt_out_varint(out, (uint32_t)e->shape[i].where);
	for (uint32_t i = 0; i < e->n_shapes; i++)
		gt_out_varint(out, e->shape[i].where >> 32);
	for (uint32_t i = 0; i < e->n_shapes; i++)
		gt_out_varint(out, e->shape[i].stack);
}

static void pack_directory(const struct gt_evenc *e, uint32_t quantum, uint32_t cols,
			   struct gt_out *out)
{
	gt_out_varint(out, quantum);
	gt_out_varint(out, e->n_shapes);
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
	pack_shapes(e, out);
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
