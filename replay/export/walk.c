/* SPDX-License-Identifier: BSD-2-Clause */
/* The second walk: steps become slices, arrows, marks and counters. */
#include "walk.h"

#include <inttypes.h>
#include <stdio.h>

#include "gors.h"
#include "outbuf.h"
#include "replay/view/names.h"
#include "replay/view/run.h"
#include "runtime.h"

struct walk {
	struct gt_x_state x;
	struct gt_run run;
	const struct gt_x_out *out;
	struct gt_x_runtime runtime;
	uint32_t named; /* processes up to this one are known to the sink */
};

static int no_memory(struct gt_err *err)
{
	return gt_fail(err, GT_NOMEM, "no memory for the export");
}

/* A counter is told once a millisecond; more often in a short span, less often in a long one. */
static uint64_t counter_gap(uint64_t span)
{
	uint64_t gap = span / 400 < 1000000 ? span / 400 : 1000000;

	gap = span / 4000 > gap ? span / 4000 : gap;
	return gap ? gap : 1;
}

/* Work on g0 is running, to those who look from outside. */
static uint8_t shown(uint8_t state)
{
	return state == GT_S_SELFWAIT ? GT_S_RUNNING : state;
}

static void enter(struct gt_x_state *x, struct gt_x_gor *g, uint8_t state, uint64_t since,
		  uint64_t now)
{
	if (!g->system)
		gt_x_count(x, g->g.process, g->state, state, now);
	g->state = state;
	g->since_ns = since;
}

static int begin(void *ctx, uint64_t from_ns, struct gt_err *err)
{
	struct walk *w = ctx;
	const struct gt_gor_state *k = NULL;

	while ((k = gt_engine_next(w->run.engine, k ? k->k.g.gid : 0))) {
		struct gt_x_gor *g = gt_x_meet(&w->x, &k->k.g);
		if (!g)
			return no_memory(err);
		g->state = GT_S_IDLE;
		enter(&w->x, g, shown(k->k.state), k->k.since_ns, from_ns);
		g->reason = k->k.reason;
		g->stack = k->k.stack;
		g->tid = k->k.tid;
		if (g->state == GT_S_RUNNING) {
			struct gt_step s = { .tid = k->k.tid, .p = k->k.p, .m = -1 };
			long row = gt_x_proc_row(&w->x, g, &s);
			if (row < 0)
				return no_memory(err);
			gt_x_run(&w->x, g, (uint32_t)row, from_ns);
		}
	}
	return GT_OK;
}

/* ---- one step ---- */

static struct gt_x_gor *meet(struct walk *w, const struct gt_step *s, const struct gt_gor_state *k)
{
	struct gt_x_gor *g = gt_x_meet(&w->x, &k->k.g);

	if (!g)
		return NULL;
	g->state = GT_S_IDLE;
	enter(&w->x, g, s->created ? GT_S_IDLE : shown(s->from), s->since_ns, s->ts);
	g->reason = s->from_reason;
	return g;
}

/* Where G runs now; it may have been in a syscall on the same row. */
static int processor(struct walk *w, struct gt_x_gor *g, const struct gt_step *s, uint8_t to,
		     struct gt_err *err)
{
	uint32_t flags = s->uncertain ? GT_X_UNCERTAIN : 0;
	long row;

	switch (to) {
	case GT_S_RUNNING:
		row = gt_x_proc_row(&w->x, g, s);
		if (row == GT_X_NO_MEMORY)
			return no_memory(err);
		if (row == GT_X_NOT_TOLD)
			gt_x_back(&w->x, g, s->ts);
		else
			gt_x_run(&w->x, g, (uint32_t)row, s->ts);
		return GT_OK;
	default: break;
	}
	if (!gt_x_untold(&w->x, g))
		return no_memory(err);
	if (to == GT_S_SYSCALL)
		gt_x_syscall(&w->x, g, s->ts);
	else
		gt_x_stop(&w->x, g, s->ts, flags);
	return GT_OK;
}

/*
 * S tells on which P the goroutine runs that it is about, or that did it on its thread: what
 * was not told when those came back from a syscall.
 */
static bool tell_p(struct walk *w, const struct gt_step *s)
{
	struct gt_x_gor *g = gt_x_find(&w->x, s->gid);
	struct gt_x_gor *by = s->waker ? gt_x_find(&w->x, s->waker) : NULL;
	bool its_own = s->from == GT_S_RUNNING || s->from == GT_S_SELFWAIT;

	if (s->p < 0)
		return true;
	if (g && g->back_ns && its_own && !gt_x_told(&w->x, g, s))
		return false;
	return !by || !by->back_ns || by->tid != s->tid || gt_x_told(&w->x, by, s);
}

/* The arrow from the goroutine that made G runnable. */
static int arrow(struct walk *w, struct gt_x_gor *g, const struct gt_step *s, struct gt_err *err)
{
	struct gt_x_gor *from = gt_x_find(&w->x, s->waker);
	bool open = from && from != g &&
		    (from->selected ? from->state == GT_S_RUNNING || from->state == GT_S_SYSCALL
				    : from->proc != 0);

	g->waker = from && !s->created ? from->g.goid : 0;
	if (!g->selected || !open)
		return GT_OK;
	uint32_t i = gt_arrow_new(&w->x.arrows, s->created, gt_view_rel(w->x.view, s->ts));
	if (i == GT_NO_ARROW)
		return GT_OK;
	if (!gt_arrow_put(&from->out, i))
		return no_memory(err);
	if (g->in != GT_NO_ARROW)
		gt_arrow_to(&w->x.arrows, g->in, 0, 0);
	g->in = i;
	return GT_OK;
}

static int step(void *ctx, const struct gt_step *s, struct gt_err *err)
{
	struct walk *w = ctx;
	struct gt_x_gor *g = gt_x_find(&w->x, s->gid);
	uint8_t to = shown(s->to);
	uint32_t flags = (s->uncertain ? GT_X_UNCERTAIN : 0) | (s->repair ? GT_X_INFERRED : 0);
	int rc;

	if (!tell_p(w, s))
		return no_memory(err);
	if (!g) {
		const struct gt_gor_state *k = gt_engine_get(w->run.engine, s->gid);
		if (!k)
			return GT_OK;
		g = meet(w, s, k);
		if (!g)
			return no_memory(err);
	}
	if (s->snapshot && g->state == GT_S_UNKNOWN && !g->since_ns) {
		/* What a snapshot tells first has been so for as long as one can look back. */
		enter(&w->x, g, to, 0, s->ts);
	} else if (to != g->state) {
		gt_x_state_slice(&w->x, g, s->ts, flags);
		if (s->created)
			gt_x_mark(&w->x, g, GT_X_CREATED, s->ts);
		enter(&w->x, g, to, s->ts, s->ts);
	}
	if (to == GT_S_RUNNING || to == GT_S_SYSCALL)
		g->tid = s->tid;
	g->reason = s->reason;
	g->stack = s->stack;
	g->wake_class = s->wake_class;
	g->waker = 0;
	rc = processor(w, g, s, to, err);
	if (!rc && to == GT_S_RUNNABLE && s->waker)
		rc = arrow(w, g, s, err);
	if (to == GT_S_DEAD) {
		gt_x_mark(&w->x, g, s->with_process ? GT_X_PROCESS_END : GT_X_EXIT, s->ts);
		gt_x_forget(&w->x, g);
	}
	return rc ? rc : w->out->rc;
}

/* ---- the rest ---- */

static void process_end(struct walk *w, const struct gt_event *ev)
{
	const struct gt_process *p = gt_reader_process(w->x.view->reader, ev->process);
	char how[GT_NAME_MAX], text[GT_NAME_MAX + 32];

	(void)snprintf(text, sizeof(text), "process %u %s", p ? p->pid : 0,
		       p && p->end ? gt_name_end(p, how) : "ended");
	w->x.ops->instant(w->x.sink,
			  &(struct gt_x_instant){ .kind = GT_X_PROCESS_END,
						  .ts_ns = gt_view_rel(w->x.view, ev->ts),
						  .text = text });
}

static int event(void *ctx, const struct gt_event *ev, struct gt_err *err)
{
	struct walk *w = ctx;
	struct gt_x_gor *g;

	if (ev->kind == GT_EV_SNAP && ev->stack) {
		g = gt_x_find(&w->x, ev->gid);
		if (g && g->state == GT_S_WAITING)
			g->stack = ev->stack;
	}
	if (ev->kind == GT_EV_PROCESS_END)
		process_end(w, ev);
	return gt_x_runtime_event(&w->runtime, &w->x, ev, err);
}

static int kstep(void *ctx, const struct gt_kstep *s, struct gt_err *err)
{
	struct walk *w = ctx;

	return gt_x_kstep(&w->x, s) ? w->out->rc : no_memory(err);
}

static int loss(void *ctx, const struct gt_loss *l, struct gt_err *err)
{
	struct walk *w = ctx;
	uint64_t b = gt_view_rel(w->x.view, l->t0), e = gt_view_rel(w->x.view, l->t1);
	char text[96], cpu[24] = "all cpus", n[24] = "an unknown number of";
	bool gap = l->cause == GT_LOSS_THROTTLED;

	if (l->cpu != UINT32_MAX)
		(void)snprintf(cpu, sizeof(cpu), "cpu %u", l->cpu);
	if (l->count)
		(void)snprintf(n, sizeof(n), "%" PRIu64, l->count);
	(void)snprintf(text, sizeof(text), "LOST %s events (%s, %s)", n, gt_name_cause(l->cause),
		       cpu);
	if (!gap)
		w->x.ops->instant(w->x.sink, &(struct gt_x_instant){
						     .kind = GT_X_NOTE, .ts_ns = b, .text = text });
	char name[40];
	(void)snprintf(name, sizeof(name), gap ? "not traced, sampled" : "lost, %s", cpu);
	long i = gt_x_other_row(&w->x, l->process ? l->process : 1, GT_XR_LOST, l->cpu, -2, name);
	if (i < 0)
		return no_memory(err);
	gt_x_put_slice(&w->x, i,
		       (struct gt_x_slice){ .kind = GT_X_LOST,
					    .begin_ns = b,
					    .end_ns = e + (e == b),
					    .name = gap ? "not traced" : "LOST",
					    .count = l->count,
					    .why = "" });
	return GT_OK;
}

static int goroutine(void *ctx, const struct gt_goroutine *row, struct gt_err *err)
{
	struct walk *w = ctx;
	struct gt_x_gor *g = gt_x_find(&w->x, row->gid);

	(void)err;
	if (g)
		g->g = *row;
	return GT_OK;
}

static int process(void *ctx, const struct gt_process *p, struct gt_err *err)
{
	struct walk *w = ctx;

	(void)err;
	if (p->process <= w->named)
		return GT_OK; /* the row again, with its end */
	w->named = p->process;
	w->x.ops->process(w->x.sink, p);
	return GT_OK;
}

static int note(void *ctx, const struct gt_note *n, struct gt_err *err)
{
	struct walk *w = ctx;

	(void)err;
	w->x.ops->instant(w->x.sink, &(struct gt_x_instant){ .kind = GT_X_NOTE,
							     .ts_ns = gt_view_rel(w->x.view, n->ts),
							     .text = n->text });
	return GT_OK;
}

static int end(void *ctx, uint64_t end_ns, const struct gt_end *e, struct gt_err *err)
{
	struct walk *w = ctx;

	(void)e;
	for (size_t i = 0; i < w->x.gors.n; i++) {
		struct gt_x_gor *g = &w->x.gors.p[i];
		if (!g->g.gid)
			continue;
		(void)gt_x_untold(&w->x, g);
		gt_x_stop(&w->x, g, end_ns, GT_X_OPEN);
		gt_x_state_slice(&w->x, g, end_ns, GT_X_OPEN);
	}
	for (size_t i = 0; i < w->x.gors.n; i++)
		if (w->x.gors.p[i].g.gid)
			gt_x_forget(&w->x, &w->x.gors.p[i]);
	gt_x_count_end(&w->x, end_ns);
	return gt_x_kend(&w->x, &w->run.kthreads, end_ns) ? GT_OK : no_memory(err);
}

int gt_x_walk(struct gt_view *v, const struct gt_selection *sel, const struct gt_x_ops *ops,
	      struct gt_x_sink *sink, const struct gt_x_out *out, const struct gt_x_opts *o,
	      struct gt_x_stats *ret, struct gt_err *err)
{
	static const struct gt_run_ops run_ops = { .begin = begin,
						   .step = step,
						   .kstep = kstep,
						   .event = event,
						   .goroutine = goroutine,
						   .loss = loss,
						   .process = process,
						   .note = note,
						   .end = end };
	struct walk w = { .out = out };
	uint64_t span = sel->to_ns > sel->from_ns ? sel->to_ns - sel->from_ns : 0;
	int rc;

	w.x = (struct gt_x_state){ .view = v, .sel = sel, .ops = ops, .sink = sink, .o = *o };
	w.x.arrows = (struct gt_arrows){ .ops = ops, .sink = sink, .stride = o->stride };
	w.x.counter_gap_ns = counter_gap(span);
	ops->begin(sink, &(struct gt_x_info){ v->reader, gt_view_rel(v, sel->from_ns),
					      gt_view_rel(v, sel->to_ns), sel->processes });
	rc = gt_run_open(&w.run, v, &run_ops, &w, err);
	if (!rc)
		rc = gt_run_all(&w.run, err);
	if (rc && !w.run.ended) /* damage: what could be read is drawn to where it ends */
		(void)end(&w, w.run.now_ns, NULL, err);
	gt_run_close(&w.run);
	ops->end(sink);
	ret->arrows = w.x.arrows.told;
	ret->dropped = w.x.arrows.dropped;
	gt_x_runtime_free(&w.runtime);
	gt_x_state_free(&w.x);
	return rc;
}
