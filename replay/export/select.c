/* SPDX-License-Identifier: BSD-2-Clause */
/* The first walk: measures of every goroutine while it lives, the best of them kept. */
#include "select.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/vec.h"
#include "replay/view/names.h"
#include "replay/view/run.h"

enum { M_QUEUED, M_LOCKED, M_WAITED, M_RAN };

/* A goroutine that is alive. */
struct life {
	uint64_t gid, since_ns;
	uint64_t slices, arrows;
	uint64_t measure[GT_SEL_MEASURES];
	uint32_t process;
	uint8_t state, reason;
};

/* One that has ended, or not: a candidate. */
struct cand {
	uint64_t gid, measure, slices, arrows;
};

struct heap { /* the least on top */
	struct cand *p;
	size_t n, cap;
};

struct walk {
	struct gt_selection *sel;
	struct gt_view *view;
	struct gt_run run;
	uint64_t top;
	bool observed; /* something is known of the time since from_ns */
	struct gt_u64map by_gid;
	struct {
		struct life *p;
		size_t n, cap;
	} lives;
	struct {
		uint32_t *p;
		size_t n, cap;
	} unused;
	struct heap best[GT_SEL_MEASURES];
};

static int no_memory(struct gt_err *err)
{
	return gt_fail(err, GT_NOMEM, "no memory to choose goroutines");
}

/* ---- the best by one measure ---- */

static void sink(struct heap *h)
{
	for (size_t i = 0, c; (c = 2 * i + 1) < h->n; i = c) {
		if (c + 1 < h->n && h->p[c + 1].measure < h->p[c].measure)
			c++;
		if (h->p[i].measure <= h->p[c].measure)
			return;
		struct cand k = h->p[i];
		h->p[i] = h->p[c];
		h->p[c] = k;
	}
}

static void rise(struct heap *h)
{
	for (size_t i = h->n - 1; i && h->p[(i - 1) / 2].measure > h->p[i].measure;
	     i = (i - 1) / 2) {
		struct cand k = h->p[i];
		h->p[i] = h->p[(i - 1) / 2];
		h->p[(i - 1) / 2] = k;
	}
}

static bool offer(struct heap *h, uint64_t top, const struct cand *c)
{
	if (h->n == top) {
		if (c->measure > h->p[0].measure) {
			h->p[0] = *c;
			sink(h);
		}
		return true;
	}
	struct cand *slot = GT_VEC_PUSH(h);
	if (!slot)
		return false;
	*slot = *c;
	rise(h);
	return true;
}

static int retire(struct walk *w, const struct life *l, struct gt_err *err)
{
	struct cand c = { l->gid, 0, l->slices, l->arrows };

	if (!w->top) {
		w->sel->slices += l->slices;
		w->sel->arrows += l->arrows;
		return GT_OK;
	}
	for (int m = 0; m < GT_SEL_MEASURES; m++) {
		c.measure = l->measure[m];
		if (!offer(&w->best[m], w->top, &c))
			return no_memory(err);
	}
	return GT_OK;
}

/* ---- the walk ---- */

static struct life *find(const struct walk *w, uint64_t gid)
{
	uint64_t *i = gt_u64map_get(&w->by_gid, gid);

	return i ? &w->lives.p[*i] : NULL;
}

static struct life *meet(struct walk *w, const struct gt_goroutine *g)
{
	struct life *l;
	size_t i;

	if (w->unused.n) {
		i = w->unused.p[--w->unused.n];
		l = &w->lives.p[i];
	} else {
		l = GT_VEC_PUSH(&w->lives);
		i = w->lives.n - 1;
	}
	if (!l || !gt_u64map_put(&w->by_gid, g->gid, i))
		return NULL;
	*l = (struct life){ .gid = g->gid, .process = g->process };
	/* The runtime's own are shown when one asks for all or for them. */
	w->sel->goroutines++;
	if (g->process > w->sel->processes)
		w->sel->processes = g->process;
	return l;
}

static bool wanted(struct walk *w, const struct gt_goroutine *g)
{
	if (g->flags & GT_GF_SYSTEM && w->top && !w->view->filter.n_ids)
		return false;
	return gt_filter_goroutine(&w->view->filter, w->view->reader, g);
}

static bool is_lock(const char *reason)
{
	return !strncmp(reason, "sync.Mutex", 10) || !strncmp(reason, "sync.RWMutex", 12);
}

static void most(uint64_t *v, uint64_t by)
{
	if (by > *v)
		*v = by;
}

static void measure(struct walk *w, struct life *l, uint64_t ts)
{
	uint64_t since = l->since_ns > w->sel->from_ns ? l->since_ns : w->sel->from_ns;
	uint64_t ns = ts > since ? ts - since : 0;

	switch (l->state) {
	case GT_S_RUNNABLE: most(&l->measure[M_QUEUED], ns); break;
	case GT_S_RUNNING:
	case GT_S_SELFWAIT: l->measure[M_RAN] += ns; break;
	case GT_S_WAITING:
		most(&l->measure[M_WAITED], ns);
		if (is_lock(gt_name_reason(w->view->reader, l->process, GT_S_WAITING, l->reason)))
			l->measure[M_LOCKED] += ns;
		break;
	default: break;
	}
	l->slices++;
}

static int begin(void *ctx, uint64_t from_ns, struct gt_err *err)
{
	struct walk *w = ctx;
	const struct gt_gor_state *g = NULL;

	w->sel->from_ns = from_ns;
	w->observed = gt_engine_live(w->run.engine) > 0;
	while ((g = gt_engine_next(w->run.engine, g ? g->k.g.gid : 0))) {
		if (!wanted(w, &g->k.g))
			continue;
		struct life *l = meet(w, &g->k.g);
		if (!l)
			return no_memory(err);
		l->state = g->k.state;
		l->reason = g->k.reason;
		l->since_ns = g->k.since_ns;
	}
	return GT_OK;
}

/* Until the first event nothing is known, though the trace's time axis began earlier. */
static int event(void *ctx, const struct gt_event *ev, struct gt_err *err)
{
	struct walk *w = ctx;

	(void)err;
	if (!w->observed && ev->ts > w->sel->from_ns)
		w->sel->from_ns = ev->ts;
	w->observed = true;
	return GT_OK;
}

static int step(void *ctx, const struct gt_step *s, struct gt_err *err)
{
	struct walk *w = ctx;
	struct life *l = find(w, s->gid);

	w->sel->run_slices += s->to == GT_S_RUNNING || s->to == GT_S_SYSCALL;
	w->sel->knows_p = w->sel->knows_p || s->p >= 0;
	if (!l) {
		const struct gt_gor_state *g = gt_engine_get(w->run.engine, s->gid);
		if (!g)
			return GT_OK;
		if (g->k.g.process > w->sel->processes)
			w->sel->processes = g->k.g.process;
		if (!wanted(w, &g->k.g))
			return GT_OK;
		l = meet(w, &g->k.g);
		if (!l)
			return no_memory(err);
		l->state = s->from;
		l->reason = s->from_reason;
		l->since_ns = s->since_ns;
	}
	measure(w, l, s->ts);
	l->arrows += s->to == GT_S_RUNNABLE && s->waker;
	l->state = s->to;
	l->reason = s->reason;
	l->since_ns = s->ts;
	if (s->to != GT_S_DEAD)
		return GT_OK;
	uint32_t *slot = GT_VEC_PUSH(&w->unused);
	if (!slot)
		return no_memory(err);
	*slot = (uint32_t)(l - w->lives.p);
	(void)gt_u64map_del(&w->by_gid, s->gid);
	l->gid = 0;
	struct life ended = *l;
	ended.gid = s->gid;
	return retire(w, &ended, err);
}

static int end(void *ctx, uint64_t end_ns, const struct gt_end *e, struct gt_err *err)
{
	struct walk *w = ctx;
	int rc = GT_OK;

	(void)e;
	w->sel->to_ns = end_ns;
	for (size_t i = 0; !rc && i < w->lives.n; i++) {
		if (!w->lives.p[i].gid)
			continue;
		measure(w, &w->lives.p[i], end_ns);
		rc = retire(w, &w->lives.p[i], err);
	}
	return rc;
}

static int falling(const void *a, const void *b)
{
	const struct cand *x = a, *y = b;

	if (x->measure != y->measure)
		return x->measure > y->measure ? -1 : 1;
	return x->gid < y->gid ? -1 : 1;
}

/* One from each list in turn, until TOP are chosen or all lists are empty. */
static int choose(struct walk *w, struct gt_err *err)
{
	struct gt_selection *sel = w->sel;
	bool left = true;

	for (int m = 0; m < GT_SEL_MEASURES; m++)
		if (w->best[m].n)
			qsort(w->best[m].p, w->best[m].n, sizeof(*w->best[m].p), falling);
	for (size_t i = 0; left; i++) {
		left = false;
		for (int m = 0; m < GT_SEL_MEASURES; m++) {
			const struct cand *c = &w->best[m].p[i];
			if (i >= w->best[m].n || sel->selected == w->top)
				continue;
			left = true;
			if (gt_u64map_get(&sel->rank_of, c->gid))
				continue;
			if (!gt_u64map_put(&sel->rank_of, c->gid, sel->selected))
				return no_memory(err);
			sel->selected++;
			sel->slices += c->slices;
			sel->arrows += c->arrows;
		}
	}
	return GT_OK;
}

int gt_select(struct gt_selection *sel, struct gt_view *v, uint64_t top, struct gt_err *err)
{
	static const struct gt_run_ops ops = {
		.begin = begin, .event = event, .step = step, .end = end
	};
	struct walk w = { .sel = sel, .view = v, .top = top };
	int rc;

	*sel = (struct gt_selection){ .all = !top, .to_ns = UINT64_MAX };
	rc = gt_run_open(&w.run, v, &ops, &w, err);
	if (!rc)
		rc = gt_run_all(&w.run, err);
	gt_run_close(&w.run);
	if (sel->to_ns == UINT64_MAX) /* ended by damage */
		sel->to_ns = w.run.now_ns;
	if (!rc && top)
		rc = choose(&w, err);
	if (!top)
		sel->selected = sel->goroutines;
	for (int m = 0; m < GT_SEL_MEASURES; m++)
		GT_VEC_FREE(&w.best[m]);
	GT_VEC_FREE(&w.lives);
	GT_VEC_FREE(&w.unused);
	gt_u64map_free(&w.by_gid);
	return rc;
}

void gt_selection_free(struct gt_selection *sel)
{
	gt_u64map_free(&sel->rank_of);
}

bool gt_selected(const struct gt_selection *sel, uint64_t gid, uint64_t *ret_rank)
{
	uint64_t *rank = gt_u64map_get(&sel->rank_of, gid);

	*ret_rank = rank ? *rank : gid;
	return sel->all || rank;
}

uint64_t gt_selection_bytes(const struct gt_selection *sel, uint64_t arrows)
{
	return sel->slices * 185 + sel->run_slices * 105 + arrows * 180 + 2000000;
}
