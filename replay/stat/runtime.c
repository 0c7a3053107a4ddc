/* SPDX-License-Identifier: BSD-2-Clause */
/* The sums of runtime.h, event by event. What queues say is derived: see queues() below. */
#include "runtime.h"

#include <string.h>

#include "format/base/vec.h"
#include "replay/engine/engine.h"
#include "replay/engine/thread.h"
#include "replay/view/names.h"

#define CYCLES_KEPT 65536 /* the newest are left out of the list beyond, not out of the sums */

/* Values of the map queue: the P and an era; or one of these. */
#define ERA_SHIFT 20
#define GLOBAL	  (UINT64_MAX - 1)
#define UNSURE	  UINT64_MAX

void gt_runtime_init(struct gt_runtime_sums *r, const struct gt_reader *reader)
{
	memset(r, 0, sizeof(*r));
	r->reader = reader;
}

void gt_runtime_free(struct gt_runtime_sums *r)
{
	gt_hist_free(&r->stw);
	gt_hist_free(&r->stopping);
	gt_hist_free(&r->marking);
	for (size_t i = 0; i < GT_STW_REASONS; i++)
		gt_hist_free(&r->by_reason[i]);
	GT_VEC_FREE(&r->list);
	gt_u64map_free(&r->open);
	gt_u64map_free(&r->assist);
	gt_u64map_free(&r->p_of);
	gt_u64map_free(&r->queue);
}

static void stop(struct gt_runtime_sums *r, const struct gt_event *ev, const struct gt_stop *s)
{
	uint64_t ns = s->end_ns - s->begin_ns;

	if (ev->flags & GT_EVF_UNREADABLE) {
		r->stw_no_begin++;
		return;
	}
	gt_hist_add(&r->stw, ns);
	gt_hist_add(&r->by_reason[s->reason < GT_STW_REASONS ? s->reason : 0], ns);
	if (s->stopped_ns)
		gt_hist_add(&r->stopping, s->stopped_ns - s->begin_ns);
	r->stw_total_ns += ns;
}

/* The collection that goes on in the process of EV; NULL: none, or too many to keep. */
static struct gt_cycle *cycle(struct gt_runtime_sums *r, const struct gt_event *ev)
{
	uint64_t *i = gt_u64map_get(&r->open, ev->process);

	return i && *i ? &r->list.p[*i - 1] : NULL;
}

static bool phase(struct gt_runtime_sums *r, const struct gt_event *ev)
{
	struct gt_cycle *c = cycle(r, ev);

	if (ev->arg > r->heap_max)
		r->heap_max = ev->arg;
	if (ev->reason == GT_GC_MARK && r->list.n < CYCLES_KEPT) {
		c = GT_VEC_PUSH(&r->list);
		if (!c || !gt_u64map_put(&r->open, ev->process, r->list.n))
			return false;
		*c = (struct gt_cycle){ .process = ev->process,
					.mark_ns = ev->ts,
					.live_mark = ev->arg };
	} else if (ev->reason == GT_GC_MARK_TERM && c) {
		c->term_ns = ev->ts;
		c->live_term = ev->arg;
		gt_hist_add(&r->marking, ev->ts - c->mark_ns);
	} else if (ev->reason == GT_GC_SWEEP) {
		r->cycles++;
		if (c) {
			c->sweep_ns = ev->ts;
			c->live_sweep = ev->arg;
		}
	}
	return true;
}

/* The goal of a collection is the one that was set when it began. */
static void goal(struct gt_runtime_sums *r, const struct gt_event *ev)
{
	struct gt_cycle *c = cycle(r, ev);

	if (c && !c->goal && !c->term_ns)
		c->goal = ev->arg;
}

/* Assists are self-waits: to Go 1.19 the caller tells them, since 1.20 the reason. */
static bool assist(struct gt_runtime_sums *r, const struct gt_event *ev)
{
	uint64_t *began = gt_u64map_get(&r->assist, ev->gid);

	if (began) {
		r->assists++;
		r->assist_ns += ev->ts - *began;
		(void)gt_u64map_del(&r->assist, ev->gid);
	}
	if (ev->old != GT_G_RUNNING || ev->new != GT_G_WAITING)
		return true;
	enum gt_ra_class cls = gt_reader_pc_class(r->reader, ev->ra);
	if (cls != GT_RA_GCASSIST &&
	    (cls != GT_RA_SELFWAIT ||
	     strcmp(gt_name_reason(r->reader, ev->process, GT_S_SELFWAIT, ev->reason),
		    "GC assist marking") != 0))
		return true;
	return gt_u64map_put(&r->assist, ev->gid, ev->ts);
}

/* On whose queue EV puts its goroutine [docs/PROBES.md: run queues]. */
static uint64_t put_on(struct gt_runtime_sums *r, const struct gt_event *ev, uint64_t thread)
{
	const uint64_t *p = gt_u64map_get(&r->p_of, thread);

	switch (gt_reader_pc_class(r->reader, ev->ra)) {
	case GT_RA_READY:
	case GT_RA_NEWPROC:
		if (!ev->actor)
			return UNSURE;
		break;
	case GT_RA_GOYIELD: break;
	case GT_RA_GOSCHED:
	case GT_RA_EXITSYSCALL_NOP: return GLOBAL;
	default: return UNSURE;
	}
	return p && *p ? r->era << ERA_SHIFT | *p : UNSURE;
}

static void taken(struct gt_runtime_sums *r, const struct gt_event *ev)
{
	const uint64_t *on = gt_u64map_get(&r->queue, ev->gid);

	if (!on)
		return;
	if (*on == GLOBAL)
		r->global++;
	else if (*on == UNSURE || ev->p < 0 || *on >> ERA_SHIFT != r->era)
		r->unsure++;
	else if ((*on & ((1 << ERA_SHIFT) - 1)) != (uint64_t)ev->p + 1)
		r->steals++;
	(void)gt_u64map_del(&r->queue, ev->gid);
}

/*
 * Who is woken by a running goroutine is put on the queue of that one's P. Which P that is, is told
 * when a goroutine starts to run, and not known any more once it was in a system call, which may
 * cost it its P. Where a queue overflowed, or Ps were taken away, all that waits may have moved.
 */
static bool queues(struct gt_runtime_sums *r, const struct gt_event *ev)
{
	uint64_t thread = gt_thread_key(ev->process, ev->tid);
	bool ok = true;

	if (ev->old == GT_G_RUNNABLE && ev->new == GT_G_RUNNING)
		taken(r, ev);
	if (ev->new == GT_G_RUNNING && ev->p >= 0)
		ok = gt_u64map_put(&r->p_of, thread, (uint64_t)ev->p + 1);
	else if (ev->new == GT_G_SYSCALL || ev->old == GT_G_SYSCALL)
		(void)gt_u64map_del(&r->p_of, thread);
	if (ev->new == GT_G_RUNNABLE)
		ok = ok && gt_u64map_put(&r->queue, ev->gid, put_on(r, ev, thread));
	else if (ev->new == GT_G_DEAD)
		(void)gt_u64map_del(&r->queue, ev->gid);
	return ok;
}

int gt_runtime_event(struct gt_runtime_sums *r, const struct gt_event *ev, struct gt_err *err)
{
	struct gt_stop s;
	bool ok = true;

	if (gt_stops_event(&r->stops, ev, &s))
		stop(r, ev, &s);
	switch (ev->kind) {
	case GT_EV_STATUS:
	case GT_EV_SYSENTER:
	case GT_EV_SYSEXIT: ok = queues(r, ev) && assist(r, ev); break;
	case GT_EV_GC: ok = phase(r, ev); break;
	case GT_EV_HEAP_GOAL: goal(r, ev); break;
	case GT_EV_PROCS:
		r->procs = ev->arg;
		r->era++;
		break;
	case GT_EV_RUNQ:
		r->overflows += ev->reason == GT_RUNQ_OVERFLOW;
		r->era++;
		break;
	default: break;
	}
	return ok ? GT_OK : gt_fail(err, GT_NOMEM, "no memory for what the runtime did");
}
