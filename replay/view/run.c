/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop over a trace: items to the engine, news to the caller. */
#include "run.h"

#include <string.h>
#include <time.h>

#define FOLLOW_POLL_NS 50000000 /* how often a growing file is looked at */

static bool in_span(const struct gt_run *r, uint64_t ts)
{
	return ts >= r->view->from_ns && ts <= r->view->to_ns;
}

static void on_step(void *ctx, const struct gt_step *s)
{
	struct gt_run *r = ctx;

	if (!r->rc && r->begun && r->ops->step && in_span(r, s->ts))
		r->rc = r->ops->step(r->ctx, s, r->err);
}

static void on_kstep(void *ctx, const struct gt_kstep *s)
{
	struct gt_run *r = ctx;

	if (!r->rc && r->begun && r->ops->kstep && in_span(r, s->ts))
		r->rc = r->ops->kstep(r->ctx, s, r->err);
}

static enum gt_ra_class pc_class(void *ctx, uint32_t pc)
{
	return gt_reader_pc_class(ctx, pc);
}

int gt_run_open(struct gt_run *r, struct gt_view *v, const struct gt_run_ops *ops, void *ctx,
		struct gt_err *err)
{
	struct gt_engine_opts eo = {
		.step = on_step, .ctx = r, .pc_class = pc_class, .pc_ctx = v->reader
	};
	int rc;

	memset(r, 0, sizeof(*r));
	r->view = v;
	r->ops = ops;
	r->ctx = ctx;
	r->follow = v->follow;
	r->kthreads.step = on_kstep;
	r->kthreads.ctx = r;
	rc = gt_engine_new(&r->engine, &eo, err);
	if (rc || !v->from_ns)
		return rc;
	rc = gt_reader_seek(v->reader, v->from_ns, err);
	/* A stream is read from its start. */
	return rc == GT_UNSUPPORTED ? GT_OK : rc;
}

void gt_run_close(struct gt_run *r)
{
	gt_engine_free(r->engine);
	r->engine = NULL;
	gt_kthreads_free(&r->kthreads);
}

/* A seek passes over the rows of processes that lie before the keyframe. */
static int tell_processes(struct gt_run *r)
{
	uint32_t n = r->ops->process ? gt_reader_processes(r->view->reader) : 0;
	int rc = GT_OK;

	for (uint32_t i = r->told_processes + 1; !rc && i <= n; i++) {
		const struct gt_process *p = gt_reader_process(r->view->reader, i);

		if (p)
			rc = r->ops->process(r->ctx, p, r->err);
	}
	return rc;
}

static int begin(struct gt_run *r, uint64_t ts)
{
	uint64_t start = r->view->info->start_ns;
	uint64_t from = start < ts ? start : ts;
	int rc;

	if (r->begun)
		return GT_OK;
	r->begun = true;
	if (from < r->view->from_ns)
		from = r->view->from_ns;
	rc = tell_processes(r);
	if (rc)
		return rc;
	return r->ops->begin ? r->ops->begin(r->ctx, from, r->err) : GT_OK;
}

static int event(struct gt_run *r, const struct gt_event *ev)
{
	int rc = GT_OK;

	if (ev->ts >= r->view->from_ns) {
		rc = begin(r, ev->ts);
		if (rc)
			return rc;
		if (!r->first_ns)
			r->first_ns = ev->ts;
		r->n_events++;
		if (r->ops->event)
			rc = r->ops->event(r->ctx, ev, r->err);
	}
	gt_engine_mute(r->engine, ev->ts < r->view->from_ns);
	if (!rc)
		rc = gt_kthreads_event(&r->kthreads, ev, r->err);
	if (!rc)
		rc = gt_engine_event(r->engine, ev, r->err);
	if (ev->ts > r->now_ns)
		r->now_ns = ev->ts;
	return rc ? rc : r->rc;
}

/* Events that come one after the other. */
static int events(struct gt_run *r, const struct gt_event *ev, size_t n)
{
	int rc = GT_OK;

	for (size_t i = 0; !rc && !r->ended && i < n; i++) {
		if (i % GT_ENGINE_SOON == 0)
			gt_engine_soon(r->engine, ev + i, n - i);
		rc = event(r, &ev[i]);
	}
	return rc;
}

static int loss(struct gt_run *r, const struct gt_loss *l)
{
	int rc = gt_engine_loss(r->engine, l, r->err);

	gt_kthreads_loss(&r->kthreads, l);
	if (rc || l->t1 < r->view->from_ns || l->t0 > r->view->to_ns)
		return rc;
	if (l->cause == GT_LOSS_THROTTLED) {
		r->view->gaps++;
		r->view->gaps_ns += l->t1 - l->t0;
	} else {
		r->view->losses++;
		r->view->lost_events += l->count;
	}
	rc = begin(r, l->t0);
	return rc || !r->ops->loss ? rc : r->ops->loss(r->ctx, l, r->err);
}

/* The span ends at T, the last time that the trace is known to cover, or before with --to. */
static int end(struct gt_run *r, uint64_t t, const struct gt_end *e)
{
	int rc;

	if (r->ended)
		return GT_OK;
	if (e && e->ts > t)
		t = e->ts;
	rc = begin(r, t);
	r->ended = true;
	if (t > r->view->to_ns)
		t = r->view->to_ns;
	r->end_ns = t;
	if (t < r->view->from_ns)
		t = r->view->from_ns;
	return rc || !r->ops->end ? rc : r->ops->end(r->ctx, t, e, r->err);
}

static int other(struct gt_run *r, const struct gt_item *it)
{
	const struct gt_run_ops *o = r->ops;
	int rc;

	switch (it->type) {
	case GT_IT_GOROUTINE:
		rc = gt_engine_goroutine(r->engine, &it->u.g, r->err);
		return rc || !o->goroutine ? rc : o->goroutine(r->ctx, &it->u.g, r->err);
	case GT_IT_KEY:
		rc = gt_engine_key(r->engine, &it->u.key, r->err);
		return rc || !o->goroutine ? rc : o->goroutine(r->ctx, &it->u.key.g, r->err);
	case GT_IT_KEY_BEGIN: gt_engine_reset(r->engine, it->u.key_as_of); return GT_OK;
	case GT_IT_PROCESS:
		if (it->u.process.process > r->told_processes)
			r->told_processes = it->u.process.process;
		return o->process ? o->process(r->ctx, &it->u.process, r->err) : GT_OK;
	case GT_IT_THREAD: return o->thread ? o->thread(r->ctx, &it->u.thread, r->err) : GT_OK;
	case GT_IT_NOTE:
		return o->note && in_span(r, it->u.note.ts) ? o->note(r->ctx, &it->u.note, r->err)
							    : GT_OK;
	case GT_IT_STATS:
		return o->stats && in_span(r, it->u.stats.ts)
			       ? o->stats(r->ctx, &it->u.stats, r->err)
			       : GT_OK;
	default: return GT_OK;
	}
}

static int feed(struct gt_run *r, const struct gt_item *it)
{
	switch (it->type) {
	case GT_IT_EVENT: return event(r, &it->u.ev);
	case GT_IT_LOSS: return loss(r, &it->u.loss);
	case GT_IT_END:
		/* Events of the same time may follow it. */
		r->have_end = true;
		r->end = it->u.end;
		return GT_OK;
	default: return other(r, it);
	}
}

/* Wait for a growing file; a pipe waits in its read. */
static int wait_for_more(struct gt_run *r)
{
	struct timespec t = { 0, FOLLOW_POLL_NS };
	int rc = r->ops->wait ? r->ops->wait(r->ctx, r->err) : GT_OK;

	if (!rc)
		(void)nanosleep(&t, NULL);
	return rc;
}

/* The next item, or the one that was held back: 1, 0 when there is none (any more, or yet). */
static int next(struct gt_run *r, struct gt_item *it)
{
	if (r->has_held) {
		r->has_held = false;
		*it = r->held;
		return 1;
	}
	return gt_reader_next(r->view->reader, it, r->err);
}

static bool growing(const struct gt_run *r)
{
	return r->follow && !r->have_end && r->view->src.size != UINT64_MAX;
}

int gt_run_until(struct gt_run *r, uint64_t t, bool *ret_more, struct gt_err *err)
{
	uint64_t last = t < r->view->to_ns ? t : r->view->to_ns;
	struct gt_err local;
	int rc = GT_OK;

	r->err = err ? err : &local;
	*ret_more = false;
	while (!rc && !r->ended) {
		const struct gt_event *ev;
		struct gt_item it;
		size_t n = r->has_held ? 0 : gt_reader_events(r->view->reader, last, &ev);

		if (n) {
			rc = events(r, ev, n);
			continue;
		}
		rc = next(r, &it);
		if (rc == 0 && growing(r)) {
			rc = wait_for_more(r);
			continue;
		}
		if (rc == 0)
			return end(r, r->now_ns, r->have_end ? &r->end : NULL);
		if (rc < 0)
			return rc;
		if (it.type == GT_IT_EVENT && it.u.ev.ts > r->view->to_ns)
			return end(r, it.u.ev.ts, NULL);
		if (it.type == GT_IT_EVENT && it.u.ev.ts > t) {
			r->held = it;
			r->has_held = *ret_more = true;
			return GT_OK;
		}
		rc = feed(r, &it);
	}
	return rc;
}

int gt_run_all(struct gt_run *r, struct gt_err *err)
{
	bool more;

	return gt_run_until(r, UINT64_MAX, &more, err);
}
