/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine's face: items in, goroutines out. What an event does is in move.c. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

#define SNAP_SLACK_NS 1000000

int gt_engine_new(struct gt_engine **out, const struct gt_engine_opts *opts, struct gt_err *err)
{
	struct gt_engine *e = calloc(1, sizeof(*e));

	if (!e)
		return gt_fail(err, GT_NOMEM, "out of memory");
	e->opts = *opts;
	if (!e->opts.snap_slack_ns)
		e->opts.snap_slack_ns = SNAP_SLACK_NS;
	gt_states_init(&e->states);
	*out = e;
	return GT_OK;
}

void gt_engine_free(struct gt_engine *e)
{
	if (!e)
		return;
	gt_gors_free(&e->gors);
	gt_threads_free(&e->threads);
	gt_u64map_free(&e->by_gptr);
	free(e);
}

static int add(struct gt_engine *e, uint64_t gid, uint32_t process, struct gt_gor **ret,
	       struct gt_err *err)
{
	int rc = gt_gors_add(&e->gors, gid, ret, err);

	if (rc)
		return rc;
	(*ret)->pending = true;
	(*ret)->pub.k.g.process = process;
	(*ret)->pub.k.p = -1;
	return GT_OK;
}

/* The goroutine of GID, made when there is none; such a one is pending until it is born. */
static inline int find_or_add(struct gt_engine *e, uint64_t gid, uint32_t process,
			      struct gt_gor **ret, struct gt_err *err)
{
	*ret = gt_gors_get(&e->gors, gid);
	return *ret ? GT_OK : add(e, gid, process, ret, err);
}

static enum gt_ra_class class_of(const struct gt_engine *e, const struct gt_event *ev)
{
	bool needed = ev->kind == GT_EV_STATUS &&
		      (ev->new == GT_G_RUNNABLE || ev->new == GT_G_WAITING);

	return needed && ev->ra && e->opts.pc_class ? e->opts.pc_class(e->opts.pc_ctx, ev->ra)
						    : GT_RA_UNKNOWN;
}

static int status(struct gt_engine *e, const struct gt_event *ev, struct gt_err *err)
{
	struct gt_move m = { .ev = ev, .ts = ev->ts, .cls = class_of(e, ev) };
	struct gt_gor *g;
	int rc;

	m.in = gt_states_input(&e->states, ev, m.cls);
	rc = find_or_add(e, ev->gid, ev->process, &g, err);
	if (rc)
		return rc;
	if (g->pending)
		gt_core_born(e, g, &m);
	if (ev->flags & GT_EVF_RESYNC) {
		enum gt_repair r = gt_core_explain(e, g, ev, GT_R_GOID_MISMATCH);

		if (g->belief == (uint8_t)GT_S_UNKNOWN)
			gt_core_count(e, r);
		else
			gt_core_move(e, g, &m, (enum gt_belief)GT_S_UNKNOWN, r);
	}
	gt_core_apply(e, g, &m);
	return GT_OK;
}

/* gid yields to actor on the same thread, both seen by one probe. */
static int coro(struct gt_engine *e, const struct gt_event *ev, struct gt_err *err)
{
	struct gt_move m = { .ev = ev, .ts = ev->ts, .in = GT_IN_CORO };
	struct gt_gor *from, *to;
	int rc;

	if (!ev->actor || ev->actor == ev->gid)
		return GT_OK;
	rc = find_or_add(e, ev->gid, ev->process, &from, err);
	if (!rc)
		rc = find_or_add(e, ev->actor, ev->process, &to, err);
	if (rc)
		return rc;
	if (from->pending)
		gt_core_born(e, from, &m);
	/* Being born may have ended whoever had the address before. */
	to = gt_gors_get(&e->gors, ev->actor);
	if (!to)
		return GT_OK;
	m.reason = to->belief == GT_B_CORO_WAIT ? to->pub.k.reason : 0;
	gt_core_apply(e, from, &m);
	if (to->pending)
		gt_core_born(e, to, &m);
	m.in = GT_IN_CORO_TO;
	gt_core_apply(e, to, &m);
	from = gt_gors_get(&e->gors, ev->gid);
	if (from) {
		from->pub.k.partner = ev->actor;
		to->pub.k.partner = ev->gid;
	}
	return GT_OK;
}

static void snapshot(struct gt_engine *e, const struct gt_event *ev)
{
	/* Without a row there never was one, or it died and is forgotten: events win. */
	struct gt_gor *g = gt_gors_get(&e->gors, ev->gid);

	if (g)
		gt_core_snapshot(e, g, ev);
}

/* All of its goroutines end with a process; what was none yet, or none any more, just goes. */
static void process_end(struct gt_engine *e, const struct gt_event *ev)
{
	struct gt_gor *g, *next;

	for (g = gt_gors_next(&e->gors, 0); g; g = next) {
		struct gt_move m = { .ev = ev, .ts = ev->ts, .with_process = true };

		next = gt_gors_next(&e->gors, g->pub.k.g.gid);
		if (g->pub.k.g.process != ev->process)
			continue;
		if (g->alive)
			gt_core_move(e, g, &m, (enum gt_belief)GT_S_DEAD, GT_R_NONE);
		gt_core_forget(e, g);
	}
}

int gt_engine_event(struct gt_engine *e, const struct gt_event *ev, struct gt_err *err)
{
	int rc = GT_OK;

	if (ev->kind == GT_EV_PROCESS_END)
		process_end(e, ev);
	if (!ev->gid)
		return GT_OK;
	switch (ev->kind) {
	case GT_EV_STATUS:
	case GT_EV_SYSENTER:
	case GT_EV_SYSEXIT:
	case GT_EV_PREEMPT: rc = status(e, ev, err); break;
	case GT_EV_CORO: rc = coro(e, ev, err); break;
	case GT_EV_SNAP:
	case GT_EV_GAP: snapshot(e, ev); break;
	default: break; /* changes no goroutine's state */
	}
	if (!rc && e->oom) {
		e->oom = false;
		return gt_fail(err, GT_NOMEM, "out of memory with %llu goroutines",
			       (unsigned long long)e->gors.n);
	}
	return rc;
}

void gt_engine_soon(const struct gt_engine *e, const struct gt_event *ev, size_t n)
{
	n = n < GT_ENGINE_SOON ? n : GT_ENGINE_SOON;
	for (size_t i = 0; i < n; i++) {
		const char *g = (const char *)gt_gors_get(&e->gors, ev[i].gid);

		if (!g)
			continue;
		__builtin_prefetch(g + offsetof(struct gt_gor, pub.k.g.process), 1);
		__builtin_prefetch(g + offsetof(struct gt_gor, pub.k.since_ns), 1);
		__builtin_prefetch(g + offsetof(struct gt_gor, belief), 1);
	}
}

void gt_engine_mute(struct gt_engine *e, bool mute)
{
	e->mute = mute;
}

int gt_engine_goroutine(struct gt_engine *e, const struct gt_goroutine *row, struct gt_err *err)
{
	struct gt_goroutine was;
	struct gt_gor *g;
	int rc;

	if (!row->gid)
		return GT_OK;
	rc = find_or_add(e, row->gid, row->process, &g, err);
	if (rc)
		return rc;
	was = g->pub.k.g;
	/* Most rows confirm what is known: then it stays where it is found by its address. */
	if (g->linked && (g->pending || row->gptr != was.gptr))
		gt_core_unlink(e, g);
	g->pub.k.g = *row;
	if (!g->pending) {
		/* A thread is known by its process: that cannot change any more. */
		g->pub.k.g.process = was.process;
		if (!row->created_ns)
			g->pub.k.g.created_ns = was.created_ns;
		if (!row->parent)
			g->pub.k.g.parent = was.parent;
		if (!row->stack)
			g->pub.k.g.stack = was.stack;
		if (!row->stack_bytes)
			g->pub.k.g.stack_bytes = was.stack_bytes;
		/* Rows run ahead of events, which tell when labels change. */
		if (was.labels)
			g->pub.k.g.labels = was.labels;
		if (!gt_core_link(e, g))
			return gt_fail(err, GT_NOMEM, "out of memory");
	}
	return GT_OK;
}

static void lost_until(struct gt_engine *e, uint32_t process, uint64_t t)
{
	uint64_t *h = &e->horizon[process < GT_PROCESSES_KEPT ? process : 0];

	*h = t > *h ? t : *h;
	e->horizon_max = t > e->horizon_max ? t : e->horizon_max;
}

int gt_engine_loss(struct gt_engine *e, const struct gt_loss *l, struct gt_err *err)
{
	(void)err;
	lost_until(e, l->process, l->t1);
	return GT_OK;
}

void gt_engine_reset(struct gt_engine *e, uint64_t as_of)
{
	(void)as_of;
	gt_gors_clear(&e->gors);
	gt_threads_free(&e->threads);
	gt_u64map_free(&e->by_gptr);
	memset(e->horizon, 0, sizeof(e->horizon));
	memset(e->repairs, 0, sizeof(e->repairs));
	e->horizon_max = 0;
	e->n_live = 0;
}

static enum gt_belief belief_of_key(const struct gt_key *k)
{
	if (k->state >= GT_S_COUNT || k->state == GT_S_DEAD)
		return (enum gt_belief)GT_S_UNKNOWN;
	if (k->state == GT_S_WAITING && k->kflags & GT_KF_CORO_WAIT)
		return GT_B_CORO_WAIT;
	if (k->state == GT_S_SYSCALL && k->kflags & GT_KF_SYSPROBE)
		return GT_B_SYS_PROBED;
	if (k->state == GT_S_RUNNING && k->kflags & GT_KF_SYSPROBE)
		return GT_B_RUN_PROBED;
	return (enum gt_belief)k->state;
}

int gt_engine_key(struct gt_engine *e, const struct gt_key *key, struct gt_err *err)
{
	struct gt_gor *g;
	struct gt_key *k;
	int rc;

	if (!key->g.gid || key->state == GT_S_DEAD)
		return GT_OK;
	g = gt_gors_get(&e->gors, key->g.gid);
	if (g)
		gt_core_forget(e, g);
	rc = gt_gors_add(&e->gors, key->g.gid, &g, err);
	if (rc)
		return rc;
	k = &g->pub.k;
	*k = *key;
	k->kflags &= GT_KF_LEAKED | GT_KF_COROUTINE | GT_KF_STACK_CUT | GT_KF_STACK_READ;
	g->pending = key->kflags & GT_KF_PENDING;
	g->belief = (uint8_t)(g->pending ? GT_S_UNKNOWN : belief_of_key(key));
	k->state = (uint8_t)gt_belief_state(g->belief);
	if (!gt_belief_on_thread(g->belief))
		k->tid = 0;
	lost_until(e, k->g.process, k->uncertain_ns);
	gt_core_recount(e, g);
	if (k->tid)
		g->slot = gt_threads_find(&e->threads, k->g.process, k->tid);
	if ((k->tid && !g->slot) || (!g->pending && !gt_core_link(e, g)))
		return gt_fail(err, GT_NOMEM, "out of memory");
	if (g->slot && gt_threads_at(&e->threads, g->slot))
		k->tid = g->slot = 0; /* two on one thread: no engine wrote that */
	if (g->slot)
		gt_threads_put(&e->threads, g->slot, k->g.gid);
	return GT_OK;
}

/* The facts that the engine keeps in a handier form than a key has them. */
static const struct gt_gor_state *show(const struct gt_engine *e, struct gt_gor *g)
{
	struct gt_key *k = &g->pub.k;
	bool unsure = gt_core_uncertain(e, g);

	k->uncertain_ns = unsure ? gt_core_horizon(e, g) : 0;
	k->kflags &= GT_KF_LEAKED | GT_KF_COROUTINE | GT_KF_STACK_CUT | GT_KF_STACK_READ;
	k->kflags |= (uint8_t)((unsure ? GT_KF_UNCERTAIN : 0) | (g->pending ? GT_KF_PENDING : 0) |
			       (g->belief == GT_B_CORO_WAIT ? GT_KF_CORO_WAIT : 0));
	if (g->belief == GT_B_SYS_PROBED || g->belief == GT_B_RUN_PROBED)
		k->kflags |= GT_KF_SYSPROBE;
	return &g->pub;
}

const struct gt_gor_state *gt_engine_get(const struct gt_engine *e, uint64_t gid)
{
	struct gt_gor *g = gt_gors_get(&e->gors, gid);
	return g ? show(e, g) : NULL;
}

const struct gt_gor_state *gt_engine_next(const struct gt_engine *e, uint64_t after)
{
	struct gt_gor *g = gt_gors_next(&e->gors, after);

	while (g && !g->alive)
		g = gt_gors_next(&e->gors, g->pub.k.g.gid);
	return g ? show(e, g) : NULL;
}

const struct gt_gor_state *gt_engine_next_key(const struct gt_engine *e, uint64_t after)
{
	struct gt_gor *g = gt_gors_next(&e->gors, after);
	return g ? show(e, g) : NULL;
}

uint64_t gt_engine_live(const struct gt_engine *e)
{
	return e->n_live;
}

uint64_t gt_engine_on_thread(const struct gt_engine *e, uint32_t process, uint32_t tid)
{
	return gt_threads_get(&e->threads, process, tid);
}

const uint64_t *gt_engine_repairs(const struct gt_engine *e)
{
	return e->repairs;
}
