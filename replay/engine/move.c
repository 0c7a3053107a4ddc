/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Carries out what the state table says: threads change hands, steps are told, repairs are
 * counted. One event is applied by gt_core_apply; every change of state is gt_core_move.
 */
#include "core.h"

#include <string.h>

void gt_core_count(struct gt_engine *e, enum gt_repair r)
{
	e->repairs[r]++;
}

uint64_t gt_core_horizon(const struct gt_engine *e, const struct gt_gor *g)
{
	uint32_t p = g->pub.k.g.process;
	uint64_t all = e->horizon[0], own = p < GT_PROCESSES_KEPT ? e->horizon[p] : 0;

	return own > all ? own : all;
}

enum gt_repair gt_core_explain(const struct gt_engine *e, const struct gt_gor *g,
			       const struct gt_event *ev, enum gt_repair r)
{
	return ev->flags & GT_EVF_UNCERTAIN || gt_core_uncertain(e, g) ? GT_R_AFTER_LOSS : r;
}

static inline void leave_thread(struct gt_engine *e, struct gt_gor *g)
{
	if (!g->slot)
		return;
	gt_threads_put(&e->threads, g->slot, 0);
	g->slot = 0;
	g->pub.k.tid = 0;
}

/* Alive is what a user calls a goroutine: not a bare struct, not one yet to come. */
static inline void recount(struct gt_engine *e, struct gt_gor *g)
{
	enum gt_gstate s = (enum gt_gstate)g->pub.k.state;
	bool alive = !g->pending && s != GT_S_IDLE && s != GT_S_DEAD;

	e->n_live = e->n_live + alive - g->alive;
	g->alive = alive;
}

void gt_core_recount(struct gt_engine *e, struct gt_gor *g)
{
	recount(e, g);
}

/* ---- addresses ------------------------------------------------------------------------ */

static uint64_t address_key(const struct gt_gor *g)
{
	return g->pub.k.g.gptr ^ (uint64_t)g->pub.k.g.process << 48;
}

/* Who else is known by G's address. */
static struct gt_gor *namesake(struct gt_engine *e, const struct gt_gor *g)
{
	const uint64_t *v = g->pub.k.g.gptr ? gt_u64map_get(&e->by_gptr, address_key(g)) : NULL;
	struct gt_gor *old = v && *v != g->pub.k.g.gid ? gt_gors_get(&e->gors, *v) : NULL;

	return old && old->pub.k.g.gptr == g->pub.k.g.gptr &&
			       old->pub.k.g.process == g->pub.k.g.process
		       ? old
		       : NULL;
}

bool gt_core_link(struct gt_engine *e, struct gt_gor *g)
{
	struct gt_gor *old = namesake(e, g);

	if (!g->pub.k.g.gptr)
		return true;
	if (old) { /* a late row: no two can have it, and a keyframe could not say who has */
		old->linked = false;
		old->pub.k.g.gptr = 0;
	}
	g->linked = true;
	return gt_u64map_put(&e->by_gptr, address_key(g), g->pub.k.g.gid) != NULL;
}

void gt_core_unlink(struct gt_engine *e, struct gt_gor *g)
{
	const uint64_t *v = g->linked ? gt_u64map_get(&e->by_gptr, address_key(g)) : NULL;

	if (v && *v == g->pub.k.g.gid)
		(void)gt_u64map_del(&e->by_gptr, address_key(g));
	g->linked = false;
}

void gt_core_forget(struct gt_engine *e, struct gt_gor *g)
{
	leave_thread(e, g);
	gt_core_unlink(e, g);
	e->n_live -= g->alive;
	gt_gors_del(&e->gors, g);
}

void gt_core_born(struct gt_engine *e, struct gt_gor *g, const struct gt_move *m)
{
	struct gt_gor *old = namesake(e, g);

	g->pending = false;
	gt_core_recount(e, g);
	if (old) {
		/* An idle struct was only waiting for this; anyone else's exit was lost. */
		bool idle = old->belief == (uint8_t)GT_S_IDLE;
		enum gt_repair r = m->ev->flags & GT_EVF_RESYNC ? GT_R_GOID_MISMATCH
								: GT_R_LOST_BEFORE;

		r = idle ? GT_R_NONE : gt_core_explain(e, old, m->ev, r);
		gt_core_move(e, old, m, (enum gt_belief)GT_S_DEAD, r);
		gt_core_forget(e, old);
	}
	if (!gt_core_link(e, g))
		e->oom = true;
}

/* ---- threads -------------------------------------------------------------------------- */

/* Somebody else is on the thread of WHO now, who left it unseen: R4, R13, R14. */
static void displace(struct gt_engine *e, struct gt_gor *who, struct gt_gor *by,
		     const struct gt_move *m, enum gt_repair why)
{
	if (why == GT_R_UNSEEN_CORO) {
		struct gt_move at = *m;

		at.reason = by->pub.k.reason;
		at.counted = true;
		who->pub.k.partner = by->pub.k.g.gid;
		by->pub.k.partner = who->pub.k.g.gid;
		gt_core_move(e, who, &at, GT_B_CORO_WAIT, GT_R_UNSEEN_CORO);
		return;
	}
	if (gt_belief_state(who->belief) == GT_S_RUNNING && m->in == GT_IN_RUN &&
	    !gt_core_uncertain(e, who)) {
		gt_core_move(e, who, m, (enum gt_belief)GT_S_PREEMPTED, GT_R_UNSEEN_PREEMPT);
		return;
	}
	gt_core_move(e, who, m,
		     (enum gt_belief)(who->belief == GT_S_SELFWAIT ? GT_S_WAITING : GT_S_UNKNOWN),
		     gt_core_explain(e, who, m->ev, GT_R_THREAD_TAKEN));
}

static void change_thread(struct gt_engine *e, struct gt_gor *g, const struct gt_move *m,
			  enum gt_repair why)
{
	struct gt_key *k = &g->pub.k;
	uint32_t tid = m->ev->tid, slot;
	uint64_t cur;

	leave_thread(e, g);
	slot = tid ? gt_threads_find(&e->threads, k->g.process, tid) : 0;
	if (!slot) {
		e->oom |= tid != 0; /* it stays on no thread, which breaks no invariant */
		return;
	}
	cur = gt_threads_at(&e->threads, slot);
	if (cur && m->snapshot)
		return; /* who is there may have been read later, or will be put right next */
	if (cur)
		displace(e, gt_gors_get(&e->gors, cur), g, m, why);
	gt_threads_put(&e->threads, slot, k->g.gid);
	g->slot = slot;
	k->tid = tid;
}

static inline void take_thread(struct gt_engine *e, struct gt_gor *g, const struct gt_move *m,
			       enum gt_repair why)
{
	if (g->pub.k.tid != m->ev->tid)
		change_thread(e, g, m, why);
}

/* ---- one change of state -------------------------------------------------------------- */

static bool is_wait(enum gt_gstate s)
{
	return s == GT_S_WAITING || s == GT_S_SELFWAIT;
}

/* What the event says of the state that begins with it. */
static inline void describe(struct gt_gor *g, const struct gt_move *m, enum gt_gstate s)
{
	const struct gt_event *ev = m->ev;
	struct gt_key *k = &g->pub.k;

	k->stack = k->pc = 0;
	k->reason = s == GT_S_WAITING ? m->reason : 0;
	if (s == GT_S_RUNNABLE) {
		bool other = m->cls == GT_RA_READY || m->in == GT_IN_CREATE;
		k->waker = other && ev->actor != k->g.gid ? ev->actor : 0;
		k->wake_class = (uint8_t)m->cls;
	}
	if (ev->gid != k->g.gid)
		return;
	if (is_wait(s)) {
		k->reason = ev->reason ? ev->reason : m->reason;
		/* At creations the stack is the creator's. */
		k->stack = m->in == GT_IN_CREATE_PARKED ? 0 : ev->stack;
	} else if (s == GT_S_SYSCALL) {
		k->pc = ev->pc ? ev->pc : m->in == GT_IN_SYSENTER_P ? ev->ra : 0;
		k->stack = ev->stack;
	}
	if (k->stack && ev->flags & GT_EVF_STACK_CUT)
		k->kflags |= GT_KF_STACK_CUT;
	if (k->stack && m->snapshot)
		k->kflags |= GT_KF_STACK_READ;
}

/* What held until a change of state. */
struct before {
	uint64_t since_ns, creator;
	uint8_t state, reason;
	bool uncertain, created;
};

static void tell(struct gt_engine *e, struct gt_gor *g, const struct gt_move *m,
		 const struct before *was, enum gt_repair repair)
{
	const struct gt_event *ev = m->ev;
	const struct gt_key *k = &g->pub.k;
	bool ready = k->state == GT_S_RUNNABLE;
	bool stops = was->state == GT_S_RUNNING || was->state == GT_S_SELFWAIT;
	struct gt_step s = {
		.ts = k->since_ns,
		.gid = k->g.gid,
		.waker = ready && !was->created ? k->waker : was->creator,
		.since_ns = was->since_ns,
		.tid = ev->tid,
		.stack = k->stack,
		.pc = k->pc,
		/* A goroutine that stops running gives back the P that it got when it began. */
		.p = ev->p < 0 && stops ? k->p : ev->p,
		.m = ev->m,
		.qlen = ev->qlen,
		.cpu = ev->cpu,
		.from = was->state,
		.to = k->state,
		.from_reason = was->reason,
		.reason = k->reason,
		.wake_class = ready ? k->wake_class : 0,
		.repair = (uint8_t)repair,
		.event_flags = ev->flags,
		.created = was->created,
		.with_process = m->with_process,
		.snapshot = m->snapshot,
		.sampled = ev->kind == GT_EV_GAP,
		.uncertain = was->uncertain,
	};

	e->opts.step(e->opts.ctx, &s);
}

static inline bool is_told(const struct gt_engine *e)
{
	return e->opts.step && !e->mute;
}

static inline void move(struct gt_engine *e, struct gt_gor *g, const struct gt_move *m,
			enum gt_belief to, enum gt_repair repair)
{
	struct gt_key *k = &g->pub.k;
	enum gt_gstate s = gt_belief_state(to);
	struct before was = { .since_ns = k->since_ns, .state = k->state, .reason = k->reason };

	if (is_told(e))
		was.uncertain = gt_core_uncertain(e, g);
	if (m->found) {
		was.created = true;
		was.state = GT_S_IDLE;
		was.since_ns = m->ts;
		was.creator = k->g.parent;
	}
	if (repair && !m->counted)
		gt_core_count(e, repair);
	if (gt_belief_on_thread(to))
		take_thread(e, g, m, repair);
	else
		leave_thread(e, g);
	g->belief = (uint8_t)to;
	if (s == (enum gt_gstate)k->state && !m->again)
		return;
	k->state = (uint8_t)s;
	k->since_ns = m->ts > k->since_ns ? m->ts : k->since_ns;
	k->kflags &= (uint8_t) ~(GT_KF_LEAKED | GT_KF_STACK_CUT | GT_KF_STACK_READ);
	describe(g, m, s);
	recount(e, g);
	if (is_told(e))
		tell(e, g, m, &was, repair);
}

void gt_core_move(struct gt_engine *e, struct gt_gor *g, const struct gt_move *m, enum gt_belief to,
		  enum gt_repair repair)
{
	move(e, g, m, to, repair);
}

/* A goroutine begins: its first step is from idle, at the event. */
static void create(struct gt_engine *e, struct gt_gor *g, const struct gt_move *m,
		   enum gt_belief to)
{
	const struct gt_event *ev = m->ev;
	struct gt_key *k = &g->pub.k;
	struct before was = { .since_ns = k->state == GT_S_IDLE ? k->since_ns : m->ts,
			      .state = GT_S_IDLE,
			      .created = true };

	if (gt_belief_on_thread(to))
		take_thread(e, g, m, GT_R_NONE);
	g->belief = (uint8_t)to;
	k->state = (uint8_t)gt_belief_state(to);
	k->since_ns = m->ts > was.since_ns ? m->ts : was.since_ns;
	if (!k->g.created_ns)
		k->g.created_ns = m->ts;
	if (m->in != GT_IN_C_ENTER) {
		if (!k->g.parent && ev->actor != k->g.gid)
			k->g.parent = ev->actor;
		if (!k->g.stack)
			k->g.stack = ev->stack;
		was.creator = k->g.parent;
	} else {
		k->g.flags |= GT_GF_EXTRAM;
	}
	if (to == GT_B_CORO_WAIT)
		k->kflags |= GT_KF_COROUTINE;
	describe(g, m, (enum gt_gstate)k->state);
	k->waker = 0;
	recount(e, g);
	if (is_told(e))
		tell(e, g, m, &was, GT_R_NONE);
}

/* ---- one event ------------------------------------------------------------------------ */

/* A coroutine that took over again after its partner was thought preempted: R13. */
static enum gt_belief coroutine_belief(const struct gt_engine *e, const struct gt_gor *g,
				       const struct gt_move *m)
{
	uint64_t cur;
	const struct gt_gor *c;

	if (e->states.cell[0][m->in].before != (uint8_t)GT_S_RUNNING)
		return g->belief;
	cur = gt_threads_get(&e->threads, g->pub.k.g.process, m->ev->tid);
	c = cur ? gt_gors_get(&e->gors, cur) : NULL;
	return c && c->pub.k.kflags & GT_KF_COROUTINE ? GT_B_CORO_WAIT : g->belief;
}

/* A coroutine ends: who switched to it goes on, on the same thread, without an event. */
static void resume_partner(struct gt_engine *e, uint64_t gid, uint64_t partner, struct gt_move *m)
{
	struct gt_gor *p = partner ? gt_gors_get(&e->gors, partner) : NULL;

	if (!p || p->belief != GT_B_CORO_WAIT || p->pub.k.partner != gid ||
	    gt_threads_get(&e->threads, p->pub.k.g.process, m->ev->tid))
		return;
	gt_core_move(e, p, m, (enum gt_belief)GT_S_RUNNING, GT_R_UNSEEN_CORO);
}

/* The exit of a coroutine that was believed to wait: it ran, but its thread is its partner's. */
static void exit_of_waiting(struct gt_engine *e, struct gt_gor *g, struct gt_move *m)
{
	uint64_t cur = gt_threads_get(&e->threads, g->pub.k.g.process, m->ev->tid);
	const struct gt_gor *c = cur ? gt_gors_get(&e->gors, cur) : NULL;
	/* With the CORO probe its last switch, the one in its exit, was seen. */
	bool seen = c && cur == g->pub.k.partner && c->pub.k.since_ns == g->pub.k.since_ns;

	gt_core_move(e, g, m, (enum gt_belief)GT_S_DEAD, seen ? GT_R_NONE : GT_R_UNSEEN_CORO);
}

static void die(struct gt_engine *e, struct gt_gor *g, struct gt_move *m)
{
	uint64_t gid = g->pub.k.g.gid, partner = g->pub.k.partner;
	bool coroutine = g->pub.k.kflags & GT_KF_COROUTINE;

	gt_core_forget(e, g);
	if (coroutine)
		resume_partner(e, gid, partner, m);
}

/* R16: statuses that do not exist, or changes that the runtime does not make. */
static void odd(struct gt_engine *e, struct gt_gor *g, struct gt_move *m)
{
	enum gt_gstate s = m->in == GT_IN_BAD && !gt_states_status_ok(m->ev->new)
				   ? GT_S_UNKNOWN
				   : gt_states_of_status(m->ev->new, 0);

	gt_core_move(e, g, m, (enum gt_belief)s, GT_R_BAD_STATUS);
	if (s == GT_S_DEAD)
		die(e, g, m);
}

/* The thread of an event that a goroutine makes of itself is the thread that it is on. */
static bool elsewhere(const struct gt_gor *g, const struct gt_move *m, enum gt_belief before)
{
	return g->pub.k.tid != m->ev->tid && m->ev->tid && g->pub.k.tid &&
	       gt_belief_on_thread(before);
}

static inline void update(struct gt_gor *g, const struct gt_move *m, enum gt_belief before)
{
	const struct gt_event *ev = m->ev;
	struct gt_key *k = &g->pub.k;

	k->last_ns = ev->ts > k->last_ns ? ev->ts : k->last_ns;
	k->old = ev->kind == GT_EV_STATUS   ? ev->old
		 : m->in == GT_IN_CORO_TO   ? (uint8_t)GT_G_WAITING
		 : m->in == GT_IN_SYSEXIT_P ? (uint8_t)GT_G_SYSCALL
					    : (uint8_t)GT_G_RUNNING;
	if (ev->p >= 0 && (before == (enum gt_belief)GT_S_RUNNING || m->in == GT_IN_RUN))
		k->p = ev->p;
	if (m->in == GT_IN_GROW && ev->arg)
		k->g.stack_bytes = (uint32_t)ev->arg;
	if (m->in == GT_IN_LEAK)
		k->kflags |= GT_KF_LEAKED;
	else if (m->in == GT_IN_UNLEAK)
		k->kflags &= (uint8_t)~GT_KF_LEAKED;
}

/* What no row of the table says: the state that it was, then the event; or another thread. */
static void mend(struct gt_engine *e, struct gt_gor *g, struct gt_move *m, struct gt_cell *c)
{
	if (!c->row) {
		uint8_t before = c->before;

		*c = e->states.cell[before][m->in];
		c->via = before;
		c->repair = (uint8_t)gt_core_explain(e, g, m->ev, GT_R_LOST_BEFORE);
	} else {
		bool coro = coroutine_belief(e, g, m) == GT_B_CORO_WAIT;

		if (!coro)
			gt_core_count(e, gt_core_explain(e, g, m->ev, GT_R_LOST_BEFORE));
		take_thread(e, g, m, coro ? GT_R_UNSEEN_CORO : GT_R_NONE);
	}
}

void gt_core_apply(struct gt_engine *e, struct gt_gor *g, struct gt_move *m)
{
	enum gt_belief b = g->belief;
	struct gt_cell c;

	if (b == (enum gt_belief)GT_S_PREEMPTED)
		b = coroutine_belief(e, g, m);
	c = e->states.cell[b][m->in];
	if (m->in >= GT_IN_ODD) {
		update(g, m, c.before);
		odd(e, g, m);
		return;
	}
	if (!c.row || elsewhere(g, m, c.before))
		mend(e, g, m, &c);
	if (c.repair == GT_R_UNSEEN_CORO && m->in == GT_IN_EXIT) {
		exit_of_waiting(e, g, m);
		die(e, g, m);
		return;
	}
	if (c.via) {
		gt_core_move(e, g, m, c.via, c.repair);
		c.repair = GT_R_NONE;
		update(g, m, c.before); /* what follows is sure */
	}
	if (c.created)
		create(e, g, m, c.to);
	else
		move(e, g, m, c.to, c.repair);
	update(g, m, c.before);
	if (g->belief == (uint8_t)GT_S_DEAD)
		die(e, g, m);
}
