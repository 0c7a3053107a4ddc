/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The EVENTS decoder. A heap of the runs' next times gives the global order; an event is its
 * shape with what the columns of its run and the context say. Events are made in batches, and
 * as many as come next on one CPU in one go. Whatever the bytes say, it reads inside the block
 * and ends after the events that the directory promised.
 */
#include "events.h"

#include <stdlib.h>

#include "block.h"

#define RUN_BITS 16 /* a heap key is time << 16 | run */

#define BATCH 64u

struct run {
	const uint8_t *shape, *dt0, *dt1; /* one byte for each event: N of them */
	uint32_t i, n;
	uint64_t t; /* of its next event, quanta since the block's first */
	struct gt_ev_cpu cpu_ctx;
	struct gt_in col[GT_C_COUNT + 1];
	uint16_t cpu;
};

struct shape {
	struct gt_event ev; /* all that it says */
	uint16_t how;
	int32_t qlen; /* what to add */
};

struct gt_evdec {
	uint64_t t_min, limit; /* ns; quanta */
	uint32_t shift, process;
	struct run *runs;    /* owned */
	uint64_t *heap;	     /* owned */
	struct shape *shape; /* owned */
	uint32_t n_runs, cap, n_heap, unknown, n_shapes, cap_shapes;
	const char *broken; /* why there are no more events */
	struct gt_ev_threads threads;
	struct gt_event batch[BATCH];
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
	free(d->shape);
	free(d);
}

size_t gt_evdec_memory(const struct gt_evdec *d)
{
	return sizeof(*d) + d->cap * (sizeof(*d->runs) + sizeof(*d->heap)) +
	       d->cap_shapes * sizeof(*d->shape);
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

static int reserve_shapes(struct gt_evdec *d, uint32_t n, struct gt_err *err)
{
	struct shape *p;

	if (n <= d->cap_shapes)
		return GT_OK;
	p = realloc(d->shape, n * sizeof(*p));
	if (!p)
		return gt_fail(err, GT_NOMEM, "no memory to decode events of %u shapes", n);
	d->shape = p;
	d->cap_shapes = n;
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
	uint64_t left;			  /* bytes of all columns */
};

static int read_columns(struct gt_evdec *d, struct directory *dir, struct gt_in *in,
			struct gt_err *err)
{
	uint64_t seen = 0, quantum = gt_in_varint(in), shapes = gt_in_varint(in);

	dir->n_cols = gt_in_varint(in);
	if (in->bad || !quantum || quantum & (quantum - 1) || quantum > GT_MAX_QUANTUM ||
	    shapes > GT_MAX_SHAPES || dir->n_cols > 255)
		return bad(err, "impossible quantum, shapes or columns");
	d->shift = (uint32_t)__builtin_ctzll(quantum);
	d->n_shapes = (uint32_t)shapes;
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

		if (in->bad || cpu > UINT16_MAX || (i && cpu <= last_cpu) || !count || count > n)
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
	dir->left = bytes;
	return in->bad || events != n ? bad(err, "runs and events do not match") : GT_OK;
}

static uint8_t byte_of(const uint8_t *field, uint32_t n, uint32_t at, uint32_t i)
{
	return field[(size_t)at * n + i];
}

/* Of all shapes: seven arrays of bytes, then three of varints. */
static int read_shapes(struct gt_evdec *d, struct gt_in *in, struct gt_err *err)
{
	uint32_t n = d->n_shapes;
	const uint8_t *p = gt_in_bytes(in, (size_t)n * 7);

	if (!p)
		return bad(err, "its shapes are cut off");
	for (uint32_t i = 0; i < n; i++) {
		struct shape *s = &d->shape[i];
		uint32_t q;

		*s = (struct shape){ .ev = { .process = d->process } };
		s->ev.old = byte_of(p, n, 0, i);
		s->ev.new = byte_of(p, n, 1, i);
		s->ev.kind = byte_of(p, n, 2, i);
		s->ev.flags = byte_of(p, n, 3, i);
		s->ev.reason = byte_of(p, n, 4, i);
		s->how = (uint16_t)(byte_of(p, n, 5, i) | byte_of(p, n, 6, i) << 8);
		q = (s->how & GT_H_QLEN) >> GT_H_QLEN_AT;
		s->qlen = q == GT_H_QLEN_COL ? 0 : q & 1 ? -(int32_t)(q + 1) / 2 : (int32_t)q / 2;
		if (s->how & GT_H_UNUSED)
			return gt_fail(err, GT_VERSION, "a shape of events is new to this version");
	}
	for (uint32_t i = 0; i < n; i++)
		d->shape[i].ev.ra = (uint32_t)gt_in_varint(in);
	for (uint32_t i = 0; i < n; i++)
		d->shape[i].ev.pc = (uint32_t)gt_in_varint(in);
	for (uint32_t i = 0; i < n; i++)
		d->shape[i].ev.stack = (uint32_t)gt_in_varint(in);
	return in->bad ? bad(err, "its shapes are cut off") : GT_OK;
}

/* Columns lie in the order column, then run; their lengths in the order run, then column. */
static bool init_runs(struct gt_evdec *d, const struct directory *dir, struct gt_in data)
{
	struct gt_in lens = dir->lens, at[GT_C_COUNT + 256];

	for (uint64_t c = 0; c < dir->n_cols; c++)
		at[c] = gt_in_sub(&data, dir->bytes[c]);
	for (uint32_t i = 0; i < d->n_runs; i++) {
		struct run *r = &d->runs[i];

		memset(r->col, 0, sizeof(r->col));
		r->cpu = (uint16_t)gt_in_varint(&lens);
		r->n = (uint32_t)gt_in_varint(&lens);
		r->i = 0;
		r->t = 0;
		gt_ev_cpu_reset(&r->cpu_ctx, &d->threads);
		for (uint64_t c = 0; c < dir->n_cols; c++) {
			struct gt_in col = gt_in_sub(&at[c], gt_in_varint(&lens));

			if (dir->cols[c] <= GT_C_COUNT)
				r->col[dir->cols[c]] = col;
		}
		for (int c = GT_C_SHAPE; c <= GT_C_DT1; c++)
			if (gt_in_left(&r->col[c]) != r->n)
				return false;
		r->shape = r->col[GT_C_SHAPE].p;
		r->dt0 = r->col[GT_C_DT0].p;
		r->dt1 = r->col[GT_C_DT1].p;
	}
	return true;
}

/* The time of the run's next event, which is there. */
static inline bool advance_time(const struct gt_evdec *d, struct run *r)
{
	uint64_t hi = r->dt1[r->i];

	if (hi == 255) {
		hi += gt_in_varint(&r->col[GT_C_DTX]);
		if (hi >> (GT_MAX_SPAN_BITS - 8) || r->col[GT_C_DTX].bad)
			return false;
	}
	r->t += hi << 8 | r->dt0[r->i];
	return r->t <= d->limit;
}

int gt_evdec_open(struct gt_evdec *d, const struct gt_blk *b, const uint8_t *body,
		  struct gt_err *err)
{
	struct gt_in in = gt_in_init(body, b->raw);
	struct directory dir = { .n_cols = 0 };
	uint64_t n_runs;
	int rc;

	d->n_heap = 0;
	d->broken = NULL;
	rc = read_columns(d, &dir, &in, err);
	if (rc)
		return rc;
	n_runs = gt_in_varint(&in);
	dir.lens = in;
	if (n_runs > GT_MAX_RUNS || b->n > GT_MAX_EVENTS)
		return bad(err, "too many runs or events");
	d->t_min = b->t_min;
	d->process = b->process;
	d->limit = (b->t_max - b->t_min) >> d->shift;
	if (d->limit >> GT_MAX_SPAN_BITS)
		return bad(err, "spans too much time");
	rc = check_runs(&dir, &in, n_runs, b->n, err);
	if (!rc)
		rc = reserve(d, (uint32_t)n_runs, err);
	if (!rc)
		rc = reserve_shapes(d, d->n_shapes, err);
	if (!rc)
		rc = read_shapes(d, &in, err);
	if (rc)
		return rc;
	d->n_runs = (uint32_t)n_runs;
	memset(&d->threads, 0, sizeof(d->threads));
	if (dir.left != gt_in_left(&in) || !init_runs(d, &dir, in))
		return bad(err, "columns do not fill it");
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

/* ---- events ---- */

static inline uint64_t unzigzag(uint64_t v)
{
	return v >> 1 ^ (0 - (v & 1));
}

/* What is mostly as it was. */
static void get_rare(struct gt_evdec *d, struct run *r, uint32_t how, struct gt_event *ev)
{
	if (how & GT_H_TID) {
		r->cpu_ctx.tid += (uint32_t)unzigzag(gt_in_varint(&r->col[GT_C_TID]));
		r->cpu_ctx.thread = gt_ev_thread(&d->threads, r->cpu_ctx.tid);
	}
	if (how & GT_H_P)
		r->cpu_ctx.thread->p1 = (uint32_t)gt_in_varint(&r->col[GT_C_P]);
	if (how & GT_H_M)
		r->cpu_ctx.thread->m1 = (uint32_t)gt_in_varint(&r->col[GT_C_M]);
	if (how & GT_H_ARG)
		ev->arg = gt_in_varint(&r->col[GT_C_ARG]);
}

/* False: it is to come from a queue that is empty. */
static inline bool get_gid(struct run *r, uint32_t how, struct gt_event *ev)
{
	struct gt_ev_cpu *c = &r->cpu_ctx;
	uint32_t from = how & GT_H_G;
	uint64_t gid = c->thread->g;

	if (from == GT_HG_NEWEST || from == GT_HG_OLDEST) {
		if (!c->q_n)
			return false;
		gid = from == GT_HG_NEWEST ? gt_ev_newest(c) : gt_ev_oldest(c);
		c->q_head += from == GT_HG_OLDEST;
		c->q_n--;
	} else {
		if (from == GT_HG_COLUMN)
			gid = c->last_g += unzigzag(gt_in_varint(&r->col[GT_C_G]));
		if (c->q_n && gt_ev_starts(ev->old, ev->new))
			gt_ev_drop_oldest(c);
	}
	ev->gid = gid;
	return true;
}

static inline void get_actor(struct run *r, uint32_t how, struct gt_event *ev)
{
	switch ((how & GT_H_ACT) >> GT_H_ACT_AT) {
	case GT_HA_NONE: break;
	case GT_HA_SELF: ev->actor = ev->gid; break;
	case GT_HA_THREAD: ev->actor = r->cpu_ctx.thread->g; break;
	default: ev->actor = ev->gid + unzigzag(gt_in_varint(&r->col[GT_C_ACT]));
	}
}

/* All fields but the time. False: the event contradicts what came before. */
static inline bool get_event(struct gt_evdec *d, struct run *r, struct gt_event *ev)
{
	uint64_t n = r->shape[r->i];
	const struct shape *s;

	if (n == 255)
		n += gt_in_varint(&r->col[GT_C_SHAPEX]);
	if (n >= d->n_shapes)
		return false;
	s = &d->shape[n];
	*ev = s->ev;
	ev->cpu = r->cpu;
	if (s->how & GT_H_RARE)
		get_rare(d, r, s->how, ev);
	if (!get_gid(r, s->how, ev))
		return false;
	get_actor(r, s->how, ev);
	r->cpu_ctx.qlen = (int32_t)((uint32_t)r->cpu_ctx.qlen + (uint32_t)s->qlen);
	if ((s->how & GT_H_QLEN) == GT_H_QLEN)
		r->cpu_ctx.qlen = (int32_t)((uint32_t)r->cpu_ctx.qlen +
					    (uint32_t)unzigzag(gt_in_varint(&r->col[GT_C_QLEN])));
	ev->tid = r->cpu_ctx.tid;
	ev->qlen = r->cpu_ctx.qlen;
	ev->m = (int32_t)(r->cpu_ctx.thread->m1 - 1);
	ev->p = (int32_t)(r->cpu_ctx.thread->p1 - 1);
	gt_ev_moved(&r->cpu_ctx, ev->new, ev->gid);
	return true;
}

/* A run is over: every column must have been used up, and none overrun. */
static bool run_ends_well(const struct run *r)
{
	for (int c = GT_C_SHAPEX; c <= GT_C_COUNT; c++)
		if (r->col[c].bad || gt_in_left(&r->col[c]))
			return false;
	return true;
}

/*
 * Events of the first run in the heap, as long as they are the earliest, from the one at N of
 * the batch on. How many the batch has then.
 */
static uint32_t take_run(struct gt_evdec *d, uint32_t n)
{
	uint64_t key = d->heap[0], other = UINT64_MAX;
	uint32_t index = (uint32_t)(key & ((1u << RUN_BITS) - 1));
	struct run *r = &d->runs[index];

	for (uint32_t kid = 1; kid < 3 && kid < d->n_heap; kid++)
		other = d->heap[kid] < other ? d->heap[kid] : other;
	do {
		struct gt_event *ev = &d->batch[n];

		if (!get_event(d, r, ev)) {
			d->broken = "an event contradicts the events before it";
			return n;
		}
		ev->ts = d->t_min + (r->t << d->shift);
		n++;
		if (++r->i == r->n) {
			if (!run_ends_well(r))
				d->broken = "columns and events do not match";
			d->heap[0] = d->heap[--d->n_heap];
			return n;
		}
		if (!advance_time(d, r)) {
			d->broken = "impossible time";
			return n;
		}
		key = r->t << RUN_BITS | index;
	} while (key < other && n < BATCH);
	d->heap[0] = key;
	return n;
}

int gt_evdec_batch(struct gt_evdec *d, const struct gt_event **ret, struct gt_err *err)
{
	uint32_t n = 0;

	while (n < BATCH && d->n_heap && !d->broken) {
		n = take_run(d, n);
		if (d->n_heap)
			sift(d, 0);
	}
	*ret = d->batch;
	return !n && d->broken ? bad(err, d->broken) : (int)n;
}
