/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processors' rows: who runs where. A goroutine that is in a syscall stays on its row
 * until another takes the processor, as the runtime does it; what lies in it nests.
 */
#include <stdio.h>

#include "gors.h"
#include "replay/view/names.h"

static uint64_t key_of(uint32_t process, enum gt_x_row kind, uint32_t n)
{
	return (uint64_t)process << 40 | (uint64_t)kind << 32 | n;
}

long gt_x_other_row(struct gt_x_state *x, uint32_t process, enum gt_x_row kind, uint32_t n,
		    int32_t sort, const char *name)
{
	uint64_t key = key_of(process, kind, n), *known = gt_u64map_get(&x->row_of, key);

	if (known)
		return (long)*known;
	struct gt_row *r = GT_VEC_PUSH(&x->rows);
	if (!r || !gt_u64map_put(&x->row_of, key, x->rows.n - 1))
		return -1;
	r->track = ++x->tracks;
	r->process = process;
	struct gt_x_track t = { r->track, process, GT_TG_PROCESSORS, sort, name };
	x->ops->track(x->sink, &t);
	return (long)(x->rows.n - 1);
}

void gt_x_put_slice(struct gt_x_state *x, long i, struct gt_x_slice s)
{
	struct gt_row *r = &x->rows.p[i];

	if (!gt_row_clamp(r, &s.begin_ns, &s.end_ns))
		return;
	s.track = r->track;
	x->ops->slice(x->sink, &s);
	r->last_end_ns = s.end_ns;
}

long gt_x_proc_row(struct gt_x_state *x, const struct gt_x_gor *g, const struct gt_step *s)
{
	enum gt_x_row kind = GT_XR_THREAD;
	uint32_t n = s->tid;
	const char *what = "thread ";
	char name[32];

	if (x->o.by == GT_X_BY_P && s->p >= 0) {
		kind = GT_XR_P;
		what = "P";
		n = (uint32_t)s->p;
	} else if (x->o.by == GT_X_BY_P && x->sel->knows_p && s->from == GT_S_SYSCALL) {
		return GT_X_NOT_TOLD;
	} else if (x->o.by == GT_X_BY_M && s->m >= 0) {
		kind = GT_XR_M;
		what = "M";
		n = (uint32_t)s->m;
	} else if (x->o.by == GT_X_BY_CPU) {
		kind = GT_XR_CPU;
		what = "CPU ";
		n = s->cpu;
	}
	uint64_t *known = gt_u64map_get(&x->row_of, key_of(g->g.process, kind, n));
	if (known)
		return (long)*known;
	(void)snprintf(name, sizeof(name), "%s%u", what, n);
	return gt_x_other_row(x, g->g.process, kind, n, (int32_t)(n & INT32_MAX), name);
}

/* The syscall that is open on R ends at E, which is at most where the running ends. */
static void close_inner(struct gt_x_state *x, struct gt_row *r, uint64_t e)
{
	uint64_t b = r->inner_ns;

	/* It must not begin with its parent: which of the two is the outer one would be open. */
	if (b <= r->begin_ns)
		b = r->begin_ns + 1;
	if (b < r->inner_end_ns)
		b = r->inner_end_ns;
	r->inner_ns = 0;
	if (e <= b)
		return;
	r->inner_end_ns = e;
	x->ops->slice(x->sink, &(struct gt_x_slice){ .track = r->track,
						     .kind = GT_X_SYSCALL,
						     .state = GT_S_SYSCALL,
						     .begin_ns = b,
						     .end_ns = e,
						     .name = "syscall",
						     .why = "" });
}

/* What runs on row R ends at E (ns of the trace's axis). */
static void close_row(struct gt_x_state *x, struct gt_row *r, uint64_t e, uint32_t flags)
{
	struct gt_x_gor *g = gt_x_find(x, r->owner);
	uint64_t b = r->begin_ns;

	/* It may be learned late that it had ended before; what was told in it stays in it. */
	if (e < r->inner_end_ns)
		e = r->inner_end_ns;
	bool some = gt_row_clamp(r, &b, &e);
	if (r->inner_ns)
		close_inner(x, r, e);
	if (some && g) {
		x->ops->slice(x->sink, &(struct gt_x_slice){ .track = r->track,
							     .kind = GT_X_RUN,
							     .state = GT_S_RUNNING,
							     .begin_ns = b,
							     .end_ns = e,
							     .name = gt_x_name(x, g),
							     .flags = flags,
							     .tid = g->tid,
							     .goid = g->g.goid,
							     .why = "" });
		r->last_end_ns = e;
	}
	r->owner = 0;
	if (!g)
		return;
	g->proc = 0;
	if (g->selected)
		return;
	for (size_t i = 0; i < g->out.n; i++)
		gt_arrow_from(&x->arrows, g->out.p[i], some ? r->track : 0, b, e);
	g->out.n = 0;
}

void gt_x_run(struct gt_x_state *x, struct gt_x_gor *g, uint32_t i, uint64_t ts)
{
	struct gt_row *r = &x->rows.p[i];
	uint64_t t = gt_view_rel(x->view, ts);

	if (g->proc == i + 1) { /* back from a syscall, and nobody took the processor */
		if (r->inner_ns)
			close_inner(x, r, t);
		return;
	}
	gt_x_stop(x, g, ts, 0);
	if (r->owner)
		close_row(x, r, t, 0);
	r->owner = g->g.gid;
	r->begin_ns = t < r->last_end_ns ? r->last_end_ns : t;
	r->inner_ns = 0;
	r->inner_end_ns = 0;
	g->proc = i + 1;
}

void gt_x_back(struct gt_x_state *x, struct gt_x_gor *g, uint64_t ts)
{
	g->back_ns = ts;
	/* While nobody has taken its P it is most likely the same. */
	if (g->proc)
		gt_x_run(x, g, g->proc - 1, ts);
}

bool gt_x_told(struct gt_x_state *x, struct gt_x_gor *g, const struct gt_step *s)
{
	long row = gt_x_proc_row(x, g, s);

	if (row < 0)
		return false;
	if (g->proc != (uint32_t)row + 1)
		gt_x_run(x, g, (uint32_t)row, g->back_ns);
	g->back_ns = 0;
	return true;
}

bool gt_x_untold(struct gt_x_state *x, struct gt_x_gor *g)
{
	char name[32];

	if (g->back_ns && !g->proc) {
		(void)snprintf(name, sizeof(name), "thread %u", g->tid);
		long row = gt_x_other_row(x, g->g.process, GT_XR_THREAD, g->tid,
					  (int32_t)(g->tid & INT32_MAX), name);
		if (row < 0)
			return false;
		gt_x_run(x, g, (uint32_t)row, g->back_ns);
	}
	g->back_ns = 0;
	return true;
}

void gt_x_syscall(struct gt_x_state *x, struct gt_x_gor *g, uint64_t ts)
{
	if (g->proc)
		x->rows.p[g->proc - 1].inner_ns = gt_view_rel(x->view, ts);
}

void gt_x_stop(struct gt_x_state *x, struct gt_x_gor *g, uint64_t ts, uint32_t flags)
{
	if (g->proc)
		close_row(x, &x->rows.p[g->proc - 1], gt_view_rel(x->view, ts), flags);
}

/* ---- counters ---- */

static int series(uint8_t state)
{
	switch (state) {
	case GT_S_RUNNING: return 0;
	case GT_S_RUNNABLE: return 1;
	case GT_S_WAITING:
	case GT_S_PREEMPTED:
	case GT_S_UNKNOWN: return 2;
	case GT_S_SYSCALL: return 3;
	default: return -1;
	}
}

static void tell_counts(struct gt_x_state *x, uint32_t process, struct gt_x_counts *c)
{
	static const char *const names[] = { "running", "runnable", "waiting", "syscall" };
	static const char *const live_name[] = { "live" };
	uint64_t live = c->v[0] + c->v[1] + c->v[2] + c->v[3];
	uint64_t at = gt_view_rel(x->view, c->at_ns);

	x->ops->counter(x->sink,
			&(struct gt_x_counter){ process, "goroutines", at, 4, names, c->v });
	x->ops->counter(x->sink, &(struct gt_x_counter){ process, "live goroutines", at, 1,
							 live_name, &live });
	c->pending = false;
}

void gt_x_count(struct gt_x_state *x, uint32_t process, uint8_t from, uint8_t to, uint64_t ts)
{
	int f = series(from), t = series(to);

	if (f == t || !process) /* of a process that is not known there is no track */
		return;
	while (x->counts.n < process)
		if (!GT_VEC_PUSH(&x->counts))
			return;
	struct gt_x_counts *c = &x->counts.p[process - 1];
	if (ts < x->sel->from_ns)
		ts = x->sel->from_ns;
	/* One for each piece of time: its last value, at the time when that came about. */
	if (c->pending && ts / x->counter_gap_ns != c->at_ns / x->counter_gap_ns)
		tell_counts(x, process, c);
	if (f >= 0 && c->v[f])
		c->v[f]--;
	if (t >= 0)
		c->v[t]++;
	c->at_ns = ts > c->at_ns ? ts : c->at_ns;
	c->pending = true;
}

void gt_x_count_end(struct gt_x_state *x, uint64_t ts)
{
	for (size_t i = 0; i < x->counts.n; i++) {
		struct gt_x_counts *c = &x->counts.p[i];
		if (c->pending)
			tell_counts(x, (uint32_t)i + 1, c);
		if (c->at_ns < ts) { /* so that the last value is drawn to the end */
			c->at_ns = ts;
			tell_counts(x, (uint32_t)i + 1, c);
		}
	}
}
