/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The EVENTS decoder. A heap of the runs' next times gives the global order; the fields of
 * an event are read from the columns of its run, against the same context that the encoder
 * had. Whatever the bytes say, it reads inside the block and ends after the events that the
 * directory promised.
 */
#include "events.h"

#include <stdlib.h>

#include "block.h"

#define RUN_BITS 16 /* a heap key is time << 16 | run */

struct run {
	struct gt_in col[GT_C_COUNT + 1];
	struct gt_ev_cpu cpu_ctx;
	uint64_t t; /* of its next event, quanta since the block's first */
	uint32_t left;
	uint16_t cpu;
};

struct gt_evdec {
	uint64_t t_min, limit; /* ns; quanta */
	uint32_t quantum, process;
	struct run *runs; /* owned */
	uint64_t *heap;	  /* owned */
	uint32_t n_runs, cap, n_heap, unknown;
	struct gt_ev_ctx ctx;
};

int gt_evdec_new(struct gt_evdec **out, struct gt_err *err)
{
	struct gt_evdec *d = calloc(1, sizeof(*d));

	if (!d)
		return gt_fail(err, GT_NOMEM, "no memory to decode events");
	*out = d;
	return GT_OK;
}

void gt_evdec_free(struct gt_evdec *d)
{
	if (!d)
		return;
	free(d->runs);
	free(d->heap);
	free(d);
}

size_t gt_evdec_memory(const struct gt_evdec *d)
{
	return sizeof(*d) + d->cap * (sizeof(*d->runs) + sizeof(*d->heap));
}

uint32_t gt_evdec_unknown(const struct gt_evdec *d)
{
	return d->unknown;
}

static int bad(struct gt_err *err, const char *what)
{
	return gt_fail(err, GT_CORRUPT, "block of events: %s", what);
}

static int reserve(struct gt_evdec *d, uint32_t n, struct gt_err *err)
{
	struct run *runs;
	uint64_t *heap;

	if (n <= d->cap)
		return GT_OK;
	runs = realloc(d->runs, n * sizeof(*runs));
	if (runs)
		d->runs = runs;
	heap = realloc(d->heap, n * sizeof(*heap));
	if (heap)
		d->heap = heap;
	if (!runs || !heap)
		return gt_fail(err, GT_NOMEM, "no memory to decode events of %u CPUs", n);
	d->cap = n;
	return GT_OK;
}

/* ---- the heap ---- */

static void sift(struct gt_evdec *d, uint32_t i)
{
	uint64_t key = d->heap[i];

	for (;;) {
		uint32_t kid = 2 * i + 1;

		if (kid >= d->n_heap)
			break;
		if (kid + 1 < d->n_heap && d->heap[kid + 1] < d->heap[kid])
			kid++;
		if (key <= d->heap[kid])
			break;
		d->heap[i] = d->heap[kid];
		i = kid;
	}
	d->heap[i] = key;
}

/* ---- opening a block ---- */

struct directory {
	uint8_t cols[GT_C_COUNT + 256]; /* id of each column, in block order */
	uint64_t n_cols;
	uint64_t bytes[GT_C_COUNT + 256]; /* of each column, all runs */
	struct gt_in lens;		  /* where the runs start in the directory */
};

static int read_columns(struct gt_evdec *d, struct directory *dir, struct gt_in *in,
			struct gt_err *err)
{
	uint64_t seen = 0, quantum = gt_in_varint(in);

	dir->n_cols = gt_in_varint(in);
	if (in->bad || !quantum || quantum & (quantum - 1) || quantum > GT_MAX_QUANTUM ||
	    dir->n_cols > 255)
		return bad(err, "impossible quantum or columns");
	d->quantum = (uint32_t)quantum;
	d->unknown = 0;
	for (uint64_t i = 0; i < dir->n_cols; i++) {
		uint8_t id = gt_in_u8(in);

		if (id > GT_C_COUNT && id & GT_COL_CRITICAL)
			return gt_fail(err, GT_VERSION, "event column %u is new to this version",
				       id);
		if (!id || (id <= GT_C_COUNT && seen >> id & 1))
			return bad(err, "a column is there twice");
		if (id <= GT_C_COUNT)
			seen |= 1ull << id;
		else
			d->unknown++;
		dir->cols[i] = id;
	}
	return GT_OK;
}

/* First pass over the directory: counts only, so that nothing is reserved on a lie. */
static int check_runs(struct directory *dir, struct gt_in *in, uint64_t n_runs, uint32_t n,
		      struct gt_err *err)
{
	uint64_t events = 0, bytes = 0, last_cpu = 0;

	for (uint64_t i = 0; i < n_runs; i++) {
		uint64_t cpu = gt_in_varint(in), count = gt_in_varint(in);

		if (in->bad || cpu > 65535 || (i && cpu <= last_cpu) || !count || count > n)
			return bad(err, "impossible CPU or count");
		last_cpu = cpu;
		events += count;
		for (uint64_t c = 0; c < dir->n_cols; c++) {
			uint64_t len = gt_in_varint(in);

			if (len > GT_BLK_MAX_BODY)
				return bad(err, "a column is longer than the block");
			dir->bytes[c] += len;
			bytes += len;
		}
	}
	if (in->bad || events != n || bytes != gt_in_left(in))
		return bad(err, "columns do not fill it");
	return GT_OK;
}

/* Columns lie in the order column, then run; their lengths in the order run, then column. */
static void init_runs(struct gt_evdec *d, const struct directory *dir, struct gt_in data)
{
	struct gt_in lens = dir->lens, at[GT_C_COUNT + 256];

	for (uint64_t c = 0; c < dir->n_cols; c++)
		at[c] = gt_in_sub(&data, dir->bytes[c]);
	for (uint32_t i = 0; i < d->n_runs; i++) {
		struct run *r = &d->runs[i];

		memset(r->col, 0, sizeof(r->col));
		r->cpu = (uint16_t)gt_in_varint(&lens);
		r->left = (uint32_t)gt_in_varint(&lens);
		r->t = 0;
		gt_ev_cpu_reset(&r->cpu_ctx, &d->ctx);
		for (uint64_t c = 0; c < dir->n_cols; c++) {
			struct gt_in col = gt_in_sub(&at[c], gt_in_varint(&lens));

			if (dir->cols[c] <= GT_C_COUNT)
				r->col[dir->cols[c]] = col;
		}
	}
}

static bool advance_time(struct gt_evdec *d, struct run *r)
{
	uint64_t dt = gt_in_u8(&r->col[GT_C_DT0]), hi = gt_in_u8(&r->col[GT_C_DT1]);

	if (hi == 255)
		hi += gt_in_varint(&r->col[GT_C_DTX]);
	if (hi >> (GT_MAX_SPAN_BITS - 8))
		return false;
	r->t += hi << 8 | dt;
	return r->t <= d->limit && !r->col[GT_C_DT1].bad && !r->col[GT_C_DTX].bad;
}

int gt_evdec_open(struct gt_evdec *d, const struct gt_blk *b, const uint8_t *body,
		  struct gt_err *err)
{
	struct gt_in in = gt_in_init(body, b->raw);
	struct directory dir = { .n_cols = 0 };
	uint64_t n_runs;
	int rc;

	d->n_heap = 0;
	rc = read_columns(d, &dir, &in, err);
	if (rc)
		return rc;
	n_runs = gt_in_varint(&in);
	dir.lens = in;
	if (n_runs > GT_MAX_RUNS || b->n > GT_MAX_EVENTS)
		return bad(err, "too many runs or events");
	d->t_min = b->t_min;
	d->process = b->process;
	d->limit = (b->t_max - b->t_min) / d->quantum;
	if (d->limit >> GT_MAX_SPAN_BITS)
		return bad(err, "spans too much time");
	rc = check_runs(&dir, &in, n_runs, b->n, err);
	if (!rc)
		rc = reserve(d, (uint32_t)n_runs, err);
	if (rc)
		return rc;
	d->n_runs = (uint32_t)n_runs;
	gt_ev_reset(&d->ctx);
	init_runs(d, &dir, in);
	for (uint32_t i = 0; i < d->n_runs; i++) {
		if (!advance_time(d, &d->runs[i]))
			return bad(err, "impossible time");
		d->heap[i] = d->runs[i].t << RUN_BITS | i;
	}
	d->n_heap = d->n_runs;
	for (uint32_t i = d->n_heap / 2; i-- > 0;)
		sift(d, i);
	return GT_OK;
}

bool gt_evdec_peek(const struct gt_evdec *d, uint64_t *ret_ts, uint32_t *ret_cpu)
{
	if (!d->n_heap)
		return false;
	*ret_ts = d->t_min + (d->heap[0] >> RUN_BITS) * d->quantum;
	*ret_cpu = d->runs[d->heap[0] & ((1u << RUN_BITS) - 1)].cpu;
	return true;
}

/* ---- one event ---- */

static uint64_t unzigzag(uint64_t v)
{
	return v >> 1 ^ (0 - (v & 1));
}

static inline bool get_gid(struct run *r, uint8_t tr, uint8_t fl, uint64_t *gid)
{
	struct gt_ev_cpu *c = &r->cpu_ctx;
	bool queued = tr == (GT_G_RUNNABLE << 4 | GT_G_RUNNING) && c->q_n;
	uint64_t code, head = 0;

	if (!(fl & GT_FL_G)) {
		*gid = queued ? gt_ev_newest(c) : c->thread->g;
		c->q_n -= queued;
		return true;
	}
	code = gt_in_varint(&r->col[GT_C_G]);
	if (queued) {
		head = c->queue[c->q_head];
		gt_ev_drop_head(c);
	}
	if (!code) {
		*gid = head;
		return queued;
	}
	*gid = c->last_g += unzigzag(code - 1);
	return true;
}

static inline bool get_actor(struct run *r, uint8_t *rel, uint8_t fl, uint64_t gid, uint64_t *actor)
{
	uint64_t code;

	if (fl & GT_FL_ACT) {
		code = gt_in_varint(&r->col[GT_C_ACT]);
		*rel = (uint8_t)(code < GT_REL_OTHER ? code : GT_REL_OTHER);
		if (code >= GT_REL_OTHER) {
			*actor = gid + unzigzag(code - GT_REL_OTHER);
			return true;
		}
	}
	*actor = *rel == GT_REL_SELF ? gid : *rel == GT_REL_THREAD ? r->cpu_ctx.thread->g : 0;
	return *rel != GT_REL_OTHER;
}

static inline void get_rare(struct run *r, struct gt_ev_tr *t, uint8_t fx)
{
	if (fx & GT_FX_KIND)
		t->kind = gt_in_u8(&r->col[GT_C_KIND]);
	if (fx & GT_FX_FLAGS)
		t->flags = gt_in_u8(&r->col[GT_C_FLAGS]);
	if (fx & GT_FX_M)
		r->cpu_ctx.thread->m1 = (uint32_t)gt_in_varint(&r->col[GT_C_M]);
	if (fx & GT_FX_QLEN)
		r->cpu_ctx.qlen = (int32_t)((uint32_t)r->cpu_ctx.qlen +
					    (uint32_t)unzigzag(gt_in_varint(&r->col[GT_C_QLEN])));
	if (fx & GT_FX_ARG)
		t->arg = gt_in_varint(&r->col[GT_C_ARG]);
}

static inline void get_site(struct gt_ev_ctx *c, struct run *r, uint8_t tr, struct gt_ev_tr *t,
			    uint8_t fl, uint8_t fx, const struct gt_event *ev)
{
	struct gt_ev_site *s = NULL;
	uint64_t subject = 0;

	if (gt_ev_sited(tr)) {
		bool hit;

		s = gt_ev_site(c, tr, ev->gid, ev->actor, &subject, &hit);
		if (hit) {
			t->stack = s->stack;
			t->pc = s->pc;
			t->reason = s->reason;
		}
	}
	if (fl & GT_FL_STK)
		t->stack = (uint32_t)gt_in_varint(&r->col[GT_C_STK]);
	if (fl & GT_FL_RSN)
		t->reason = gt_in_u8(&r->col[GT_C_RSN]);
	if (fx & GT_FX_PC)
		t->pc = (uint32_t)gt_in_varint(&r->col[GT_C_PC]);
	if (s)
		*s = (struct gt_ev_site){ subject, c->generation, t->stack, t->pc, tr, t->reason };
}

/* All fields but time, process and CPU. */
static inline bool get_fields(struct gt_evdec *d, struct run *r, struct gt_event *ev)
{
	uint8_t tr = gt_in_u8(&r->col[GT_C_TR]), fl = gt_in_u8(&r->col[GT_C_FL]), fx = 0;
	struct gt_ev_tr *t;
	bool ok;

	if (fl & GT_FL_MORE)
		fx = gt_in_u8(&r->col[GT_C_FX]);
	ev->old = tr >> 4;
	ev->new = tr & 15;
	if (tr == 255) {
		ev->old = gt_in_u8(&r->col[GT_C_TRX]);
		ev->new = gt_in_u8(&r->col[GT_C_TRX]);
	}
	if (fl & GT_FL_TID) {
		r->cpu_ctx.tid += (uint32_t)unzigzag(gt_in_varint(&r->col[GT_C_TID]));
		r->cpu_ctx.thread = gt_ev_thread(&d->ctx, r->cpu_ctx.tid);
	}
	t = gt_ev_tr(&d->ctx, r->cpu_ctx.thread, tr);
	ok = get_gid(r, tr, fl, &ev->gid);
	if (fl & GT_FL_RA)
		t->ra = (uint32_t)gt_in_varint(&r->col[GT_C_RA]);
	ok &= get_actor(r, gt_ev_rel(&d->ctx, tr, t->ra), fl, ev->gid, &ev->actor);
	if (fx)
		get_rare(r, t, fx);
	get_site(&d->ctx, r, tr, t, fl, fx, ev);
	if (fl & GT_FL_P)
		r->cpu_ctx.thread->p1 = (uint32_t)gt_in_varint(&r->col[GT_C_P]);
	ev->tid = r->cpu_ctx.tid;
	ev->ra = t->ra;
	ev->kind = t->kind;
	ev->flags = t->flags;
	ev->arg = t->arg;
	ev->stack = t->stack;
	ev->pc = t->pc;
	ev->reason = t->reason;
	ev->m = (int32_t)(r->cpu_ctx.thread->m1 - 1);
	ev->p = (int32_t)(r->cpu_ctx.thread->p1 - 1);
	ev->qlen = r->cpu_ctx.qlen;
	gt_ev_moved(&r->cpu_ctx, tr, ev->gid);
	return ok && !(fx & GT_FX_UNUSED);
}

/* A run is over: every column must have been used up, and none overrun. */
static bool run_ends_well(const struct run *r)
{
	for (int c = 1; c <= GT_C_COUNT; c++)
		if (r->col[c].bad || gt_in_left(&r->col[c]))
			return false;
	return true;
}

int gt_evdec_next(struct gt_evdec *d, struct gt_event *ret, struct gt_err *err)
{
	struct run *r;
	uint32_t i;

	if (!d->n_heap)
		return 0;
	i = (uint32_t)(d->heap[0] & ((1u << RUN_BITS) - 1));
	r = &d->runs[i];
	ret->ts = d->t_min + r->t * d->quantum;
	ret->process = d->process;
	ret->cpu = r->cpu;
	if (!get_fields(d, r, ret)) {
		d->n_heap = 0;
		return bad(err, "an event contradicts the events before it");
	}
	if (--r->left) {
		if (!advance_time(d, r)) {
			d->n_heap = 0;
			return bad(err, "impossible time");
		}
		d->heap[0] = r->t << RUN_BITS | i;
	} else {
		if (!run_ends_well(r)) {
			d->n_heap = 0;
			return bad(err, "columns and events do not match");
		}
		d->heap[0] = d->heap[--d->n_heap];
	}
	if (d->n_heap)
		sift(d, 0);
	return 1;
}
