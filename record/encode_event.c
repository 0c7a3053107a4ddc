/* SPDX-License-Identifier: BSD-2-Clause */
/* One record of the probes, or one row of a snapshot, becomes an event of the trace. */
#include "encode_impl.h"

#include <string.h>

#define MAX_STACK (1u << 30) /* 1 GB [runtime/proc.go: maxstacksize] */

/* A change of status as one number: comparing two fields at once would wait for both stores. */
#define MOVE(old, new) ((unsigned)(old) | (unsigned)(new) << 4)

/* The small facts of a record. */
struct said {
	uint64_t gptr;
	unsigned kind, wflags, move;
};

static struct said said_by(const struct gt_wire_event *w)
{
	return (struct said){ .gptr = w->g_status & GT_WIRE_ADDR_MASK,
			      .kind = GT_WIRE_KIND(w),
			      .wflags = (unsigned)(w->ra_kind >> 56),
			      .move = w->g_status >> 48 & 0xff };
}

static const uint8_t kinds[] = {
	[GT_WIRE_STATUS] = GT_EV_STATUS,   [GT_WIRE_SYSENTER] = GT_EV_SYSENTER,
	[GT_WIRE_SYSEXIT] = GT_EV_SYSEXIT, [GT_WIRE_CREATE] = GT_EV_STATUS,
	[GT_WIRE_PREEMPT] = GT_EV_PREEMPT, [GT_WIRE_CORO] = GT_EV_CORO,
	[GT_WIRE_BLOCK] = GT_EV_STATUS,	   [GT_WIRE_SYSBLOCK] = GT_EV_SYSENTER,
};

/* The statuses that the runtime has [runtime2.go, 1.17-1.26], both of them. */
static bool statuses_exist(unsigned move)
{
	unsigned known = 0xf5f; /* 0 to 4, 6, 8 to 11 */

	return known >> (move & 15) & known >> (move >> 4) & 1;
}

/* What is wrong with a record, as flags of its event; counted. */
static void flag(struct gt_encoder *e, struct gt_enc_proc *pr, const struct gt_wire_event *w,
		 const struct said *s, struct gt_event *ev)
{
	bool goid_due = (ev->kind == GT_EV_STATUS && s->kind != GT_WIRE_CREATE &&
			 (s->move & 15) != GT_G_IDLE && !(s->wflags & GT_WIRE_F_KNOWN) &&
			 s->move != MOVE(GT_G_WAITING, GT_G_RUNNABLE)) ||
			(s->kind == GT_WIRE_CREATE && pr->minor >= GT_GOID_AT_BIRTH);

	if (s->wflags & (GT_WIRE_F_RA | GT_WIRE_F_G | GT_WIRE_F_M | GT_WIRE_F_P)) {
		ev->flags |= GT_EVF_UNREADABLE;
		e->counts.unreadable++;
	} else if (goid_due && !w->goid) {
		ev->flags |= GT_EVF_GOID_ZERO;
		e->counts.goid_zero++;
	}
	if (s->wflags & GT_WIRE_F_STACK)
		ev->flags |= GT_EVF_STACK_CUT;
	if ((s->wflags & GT_WIRE_F_STATUS) || !statuses_exist(s->move)) {
		ev->flags |= GT_EVF_BAD_STATUS;
		ev->arg = s->wflags & GT_WIRE_F_STATUS ? w->aux : 0;
		e->counts.bad_status++;
		e->bad_g = s->gptr;
		e->bad_process = pr->number;
	}
}

static bool is_birth(unsigned move)
{
	return move == MOVE(GT_G_DEAD, GT_G_RUNNABLE) || move == MOVE(GT_G_DEAD, GT_G_WAITING) ||
	       move == MOVE(GT_G_DEAD, GT_G_SYSCALL) || move == MOVE(GT_G_DEADEXTRA, GT_G_SYSCALL);
}

/*
 * A second main goroutine: the process has executed itself, and the probes, which go by inode,
 * tell of the new image before we have noticed. Elsewhere the image may be, but on whole pages.
 */
static bool is_reborn(struct gt_enc_proc *pr, const struct gt_wire_event *w,
		      const struct gt_wire_create *c)
{
	if (!c || w->aux || !pr->main_pc || (c->startpc ^ pr->main_pc) & 0xfff)
		return false;
	/* Another function of this image, which a timer started. */
	if (c->startpc != pr->main_pc && c->startpc >= pr->text && c->startpc < pr->etext)
		return false;
	bool again = pr->begun;
	pr->begun = true;
	return again;
}

static enum gt_enc_m m_said(const struct said *s)
{
	if (s->kind != GT_WIRE_STATUS || s->wflags & GT_WIRE_F_STATUS)
		return GT_M_SAME;
	switch (s->move) {
	case MOVE(GT_G_RUNNABLE, GT_G_RUNNING):
	case MOVE(GT_G_WAITING, GT_G_RUNNING):
	case MOVE(GT_G_DEAD, GT_G_SYSCALL):
	case MOVE(GT_G_DEADEXTRA, GT_G_SYSCALL): return GT_M_AUX;
	case MOVE(GT_G_SYSCALL, GT_G_DEAD):
	case MOVE(GT_G_SYSCALL, GT_G_DEADEXTRA): return GT_M_DROPPED;
	default: return GT_M_SAME;
	}
}

/* The addresses of a record as ids: where the status was changed, and where Go was left. */
static int places(struct gt_encoder *e, struct gt_enc_proc *pr, const struct gt_wire_event *w,
		  const struct said *s, struct gt_event *ev, struct gt_err *err)
{
	int rc = gt_enc_pc(e, pr, w->ra_kind & GT_WIRE_ADDR_MASK, GT_PC_RETURN, &ev->ra, err);

	if (!rc && s->move == MOVE(GT_G_RUNNING, GT_G_SYSCALL))
		rc = gt_enc_pc(e, pr, w->aux, GT_PC_RETURN, &ev->pc, err);
	return rc;
}

/* What stands behind a record. */
struct tail {
	const struct gt_wire_create *create;
	const struct gt_wire_stack *stack;
};

static struct tail tail_of(const struct gt_wire_event *w, unsigned kind)
{
	const void *behind = w + 1;

	if (kind == GT_WIRE_CREATE) {
		const struct gt_wire_create *c = behind;
		return (struct tail){ c, (const void *)(c + 1) };
	}
	if (kind == GT_WIRE_BLOCK || kind == GT_WIRE_SYSBLOCK)
		return (struct tail){ .stack = behind };
	return (struct tail){ 0 };
}

/*
 * Where a goroutine blocks. A walk from within the entry of a system call has frames of the
 * runtime's before the call itself, or none at all where they are inlined.
 */
static int block_stack(struct gt_encoder *e, struct gt_enc_proc *pr, const struct gt_wire_event *w,
		       const struct gt_wire_stack *st, struct gt_event *ev, struct gt_err *err)
{
	uint64_t pcs[GT_WIRE_MAX_STACK + 1];
	const uint64_t *all = (const uint64_t *)st->pcs;
	uint32_t n = (uint32_t)st->depth, from = 0;

	if (ev->new != GT_G_SYSCALL || !w->aux)
		return gt_symbols_stack(e->syms, pr->number, pr->t, all, n, &ev->stack, err);
	while (from < n && all[from] != w->aux)
		from++;
	if (from < n) /* the call itself was found */
		return gt_symbols_stack(e->syms, pr->number, pr->t, all + from, n - from,
					&ev->stack, err);
	pcs[0] = w->aux;
	memcpy(pcs + 1, all, n * sizeof(*pcs));
	return gt_symbols_stack(e->syms, pr->number, pr->t, pcs, n + 1, &ev->stack, err);
}

/* In whose name a goroutine becomes runnable: as read, or whoever is on the thread; 0 nobody. */
static uint64_t actor(struct gt_encoder *e, struct gt_enc_proc *pr, const struct gt_wire_event *w,
		      const struct said *s, uint32_t tid)
{
	if (s->wflags & GT_WIRE_F_STATUS)
		return 0; /* the field holds something else */
	if (s->kind == GT_WIRE_CREATE)
		return gt_enc_gid_at(e, pr, w->aux);
	if (s->move != MOVE(GT_G_WAITING, GT_G_RUNNABLE))
		return 0;
	return s->wflags & GT_WIRE_F_KNOWN ? gt_engine_on_thread(e->engine, pr->number, tid)
					   : gt_enc_gid_at(e, pr, w->aux);
}

/* The record may be the first to tell that PR has ended. */
static int tell_end(struct gt_encoder *e, struct gt_enc_proc *pr, const struct gt_wire_event *w,
		    const struct gt_wire_create *c, struct gt_err *err)
{
	if (w->ktime >= pr->end_ns || !is_reborn(pr, w, c))
		return GT_OK;
	pr->end_ns = w->ktime;
	pr->row.end = GT_PE_EXEC;
	return gt_enc_process_end(e, pr, err);
}

/* Is the reason of the change to waiting EV an older wait's? */
static bool is_stale(struct gt_encoder *e, const struct gt_enc_proc *pr, const struct gt_event *ev)
{
	if (!ev->reason || pr->minor >= GT_SELF_REASONS || ev->old != GT_G_RUNNING)
		return false;
	enum gt_ra_class role = gt_symbols_class(e->syms, ev->ra);
	return role == GT_RA_SELFWAIT || role == GT_RA_GCWORKER || role == GT_RA_GCASSIST;
}

/* G, if there is one, may have got a larger stack. */
static void grown(const struct gt_wire_event *w, const struct said *s, struct gt_event *ev,
		  struct gt_goroutine *g)
{
	if (g && s->move == MOVE(GT_G_COPYSTACK, GT_G_RUNNING) && w->aux <= MAX_STACK &&
	    !(s->wflags & GT_WIRE_F_STATUS))
		ev->arg = g->stack_bytes = (uint32_t)w->aux;
}

int gt_enc_record(struct gt_encoder *e, const struct gt_wire_event *w, uint16_t cpu,
		  struct gt_err *err)
{
	struct gt_enc_proc *pr = &e->procs.p[w->proc - 1];
	struct said s = said_by(w);
	uint64_t qlen = w->p_qlen >> GT_WIRE_ADDR_BITS;
	struct tail tail = tail_of(w, s.kind);
	struct gt_goroutine *g = NULL;
	int rc = tell_end(e, pr, w, tail.create, err);

	if (rc || !gt_enc_own(e, pr, w))
		return rc;
	struct gt_event ev = { .ts = w->ktime,
			       .process = w->proc,
			       .p = gt_enc_p_id(pr, w->p_qlen & GT_WIRE_ADDR_MASK),
			       .m = -1,
			       .qlen = qlen == 0xffff ? -1 : (int32_t)qlen,
			       .cpu = cpu,
			       .kind = kinds[s.kind],
			       .old = s.move & 15,
			       .new = (uint8_t)(s.move >> 4) };
	flag(e, pr, w, &s, &ev);
	if (s.move >> 4 ==
	    GT_G_WAITING) /* elsewhere the field still holds an older wait's reason */
		ev.reason = (uint8_t)(w->g_status >> 56);
	rc = gt_enc_where(e, pr, w, m_said(&s), &ev, err);
	if (rc)
		return rc;
	ev.actor = actor(e, pr, w, &s, ev.tid);
	if (is_birth(s.move))
		rc = gt_enc_birth(e, pr, w, tail.create, tail.stack, &ev, &g, err);
	else if ((s.move & 15) !=
		 GT_G_IDLE) /* from idle, a struct g was allocated: no goroutine yet */
		rc = gt_enc_whose(e, pr, s.gptr, w->goid, &ev, &g, err);
	if (!rc)
		rc = places(e, pr, w, &s, &ev, err);
	if (!rc && tail.stack && !tail.create)
		rc = block_stack(e, pr, w, tail.stack, &ev, err);
	if (rc)
		return rc;
	if (is_stale(e, pr, &ev))
		ev.reason = 0;
	ev.gid = g ? g->gid : 0;
	grown(w, &s, &ev, g);
	if (ev.actor == ev.gid)
		ev.actor = 0;
	e->counts.events++;
	return gt_enc_give(e, &ev, err);
}

/* An unused struct: if somebody is believed to live there, the end of that life was not seen. */
static int nobody(struct gt_encoder *e, struct gt_event *ev, const struct gt_goroutine *g,
		  struct gt_err *err)
{
	const struct gt_gor_state *st = g ? gt_engine_get(e->engine, g->gid) : NULL;

	if (!st || st->k.state == GT_S_IDLE || st->k.kflags & GT_KF_PENDING)
		return GT_OK;
	ev->gid = g->gid;
	return gt_enc_give(e, ev, err);
}

int gt_enc_snapshot(struct gt_encoder *e, const struct gt_snap_row *r, struct gt_err *err)
{
	struct gt_enc_proc *pr = &e->procs.p[r->process - 1];
	struct gt_event ev = { .ts = r->t1,
			       .arg = r->t1 - r->t0,
			       .process = r->process,
			       .p = -1,
			       .m = -1,
			       .qlen = -1,
			       .cpu = (uint16_t)e->snap_queue,
			       .kind = r->kind,
			       .new = r->status,
			       .flags = (uint8_t)(r->cut * GT_EVF_STACK_CUT),
			       .reason = r->status == GT_G_WAITING ? r->reason : 0 };
	struct gt_goroutine *g = gt_identity_get(&e->ids, r->process, r->gptr);
	uint64_t new_from = e->ids.next_gid;
	int rc;

	pr->begun = pr->begun || r->goid == 1;
	if (!pr->t) {
		e->counts.after++;
		return GT_OK;
	}
	if (gt_enc_torn(e, r, g))
		return GT_OK;
	if (gt_snap_is_free(r))
		return nobody(e, &ev, g, err);
	rc = gt_enc_whose_row(e, pr, r, &ev, &g, err);
	if (!rc && r->later && g->gid >= new_from) {
		g->flags ^= GT_GF_EXISTED | GT_GF_FOUND;
		g->created_ns = r->t1;
	}
	if (!rc)
		rc = gt_enc_complete(e, pr, r, g, err);
	if (!rc)
		rc = gt_symbols_stack(e->syms, r->process, pr->t, r->pcs, r->depth, &ev.stack, err);
	if (!rc && r->status == GT_G_SYSCALL)
		rc = gt_enc_pc(e, pr, r->syscallpc, GT_PC_RETURN, &ev.pc, err);
	if (rc)
		return rc;
	const struct gt_tid *tid = r->procid ? gt_tidmap_by_procid(pr->tids, r->procid) : NULL;
	if (r->procid && !tid && !gt_tidmap_refresh(pr->tids, NULL))
		tid = gt_tidmap_by_procid(pr->tids, r->procid);
	ev.gid = g->gid;
	if (tid) {
		ev.tid = tid->tid;
		ev.m = r->m;
	}
	return gt_enc_give(e, &ev, err);
}
