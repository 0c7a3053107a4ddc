/* SPDX-License-Identifier: BSD-2-Clause */
/* One record of the probes, or one row of a snapshot, becomes an event of the trace. */
#include "encode_impl.h"

#include <string.h>

/* P id of a P pointer: read once from the target's memory; -1 when that fails. */
static int32_t p_id(struct gt_enc_proc *pr, uint64_t pptr)
{
	uint32_t id;

	if (!pptr)
		return -1;
	uint64_t *known = gt_u64map_get(&pr->p_ids, pptr);
	if (known)
		return (int32_t)*known - 1;
	if (gt_target_read(pr->t, pptr + pr->layout.p_id, &id, sizeof(id), NULL) || id > 1 << 16)
		return -1;
	(void)gt_u64map_put(&pr->p_ids, pptr, id + 1);
	return (int32_t)id;
}

/* The row of a thread, when it is met first. */
static int thread(struct gt_encoder *e, struct gt_enc_proc *pr, uint32_t tid, uint64_t ts,
		  struct gt_err *err)
{
	struct gt_thread th = { .process = pr->number, .tid = tid, .m = -1, .first_ns = ts };

	if (!tid || gt_u64map_get(&pr->threads, tid))
		return GT_OK;
	const struct gt_tid *known = gt_tidmap_get(pr->tids, tid);
	if (!known && !gt_tidmap_refresh(pr->tids, NULL))
		known = gt_tidmap_get(pr->tids, tid);
	if (known) {
		th.ns_tid = known->ns_tid;
		memcpy(th.comm, known->comm, sizeof(th.comm));
	}
	if (!gt_u64map_put(&pr->threads, tid, 1))
		return gt_fail(err, GT_NOMEM, "out of memory");
	return gt_writer_thread(e->w, &th, err);
}

static const uint8_t kinds[] = {
	[GT_WIRE_STATUS] = GT_EV_STATUS,   [GT_WIRE_SYSENTER] = GT_EV_SYSENTER,
	[GT_WIRE_SYSEXIT] = GT_EV_SYSEXIT, [GT_WIRE_CREATE] = GT_EV_STATUS,
	[GT_WIRE_PREEMPT] = GT_EV_PREEMPT, [GT_WIRE_CORO] = GT_EV_CORO
};

/* The statuses that the runtime has [runtime2.go, 1.17-1.26]. */
static bool status_exists(unsigned s)
{
	return s <= 4 || s == 6 || (s >= 8 && s <= 11);
}

static void flag(struct gt_encoder *e, struct gt_enc_proc *pr, const struct gt_wire_event *w,
		 unsigned kind, unsigned wflags, uint64_t gptr, struct gt_event *ev)
{
	bool goid_due = (kind == GT_WIRE_STATUS && ev->old != GT_G_IDLE &&
			 !(ev->old == GT_G_WAITING && ev->new == GT_G_RUNNABLE)) ||
			(kind == GT_WIRE_CREATE && pr->minor >= GT_GOID_AT_BIRTH);

	if (wflags & (GT_WIRE_F_RA | GT_WIRE_F_G | GT_WIRE_F_M | GT_WIRE_F_P))
		ev->flags |= GT_EVF_UNREADABLE;
	else if (goid_due && !w->goid)
		ev->flags |= GT_EVF_GOID_ZERO;
	if ((wflags & GT_WIRE_F_STATUS) || !status_exists(ev->old) || !status_exists(ev->new)) {
		ev->flags |= GT_EVF_BAD_STATUS;
		ev->arg = wflags & GT_WIRE_F_STATUS ? w->aux : 0;
		e->bad_g = gptr;
		e->bad_process = pr->number;
	}
	e->counts.unreadable += !!(ev->flags & GT_EVF_UNREADABLE);
	e->counts.goid_zero += !!(ev->flags & GT_EVF_GOID_ZERO);
	e->counts.bad_status += !!(ev->flags & GT_EVF_BAD_STATUS);
}

static bool is_birth(const struct gt_event *ev)
{
	return (ev->old == GT_G_DEAD && (ev->new == GT_G_RUNNABLE || ev->new == GT_G_WAITING)) ||
	       ((ev->old == GT_G_DEAD || ev->old == GT_G_DEADEXTRA) && ev->new == GT_G_SYSCALL);
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
	bool again = pr->begun;
	pr->begun = true;
	return again;
}

int gt_enc_record(struct gt_encoder *e, const struct gt_wire_event *w,
		  const struct gt_wire_create *c, uint16_t cpu, struct gt_err *err)
{
	struct gt_enc_proc *pr = &e->procs.p[w->proc - 1];
	uint64_t gptr = w->g_status & GT_WIRE_ADDR_MASK;
	unsigned kind = w->ra_kind >> 48 & 0xff, wflags = (unsigned)(w->ra_kind >> 56);
	uint64_t qlen = w->p_qlen >> GT_WIRE_ADDR_BITS;
	struct gt_goroutine *g = NULL;
	struct gt_event ev = { .ts = w->ktime,
			       .process = w->proc,
			       .tid = w->tid,
			       .p = p_id(pr, w->p_qlen & GT_WIRE_ADDR_MASK),
			       .m = -1,
			       .qlen = qlen == 0xffff ? -1 : (int32_t)qlen,
			       .cpu = cpu,
			       .kind = kinds[kind],
			       .old = w->g_status >> 48 & 15,
			       .new = w->g_status >> 52 & 15,
			       .reason = (uint8_t)(w->g_status >> 56) };
	int rc;

	if (is_reborn(pr, w, c))
		pr->end_ns = w->ktime;
	if (w->ktime >= pr->end_ns) {
		e->counts.after++;
		return GT_OK;
	}
	flag(e, pr, w, kind, wflags, gptr, &ev);
	if (ev.new != GT_G_WAITING)
		ev.reason = 0; /* elsewhere the field still holds an older wait's reason */
	if (!(wflags & GT_WIRE_F_STATUS) &&
	    ((ev.old == GT_G_WAITING && ev.new == GT_G_RUNNABLE) || kind == GT_WIRE_CREATE))
		ev.actor = gt_enc_gid_at(e, pr, w->aux);
	if (is_birth(&ev))
		rc = gt_enc_birth(e, pr, w, c, gptr, &ev, &g, err);
	else if (ev.old == GT_G_IDLE)
		rc = GT_OK; /* a struct g was allocated: no goroutine yet */
	else
		rc = gt_enc_whose(e, pr, gptr, w->goid, &ev, &g, err);
	if (!rc)
		rc = thread(e, pr, w->tid, w->ktime, err);
	if (!rc)
		rc = gt_enc_pc(e, pr, w->ra_kind & GT_WIRE_ADDR_MASK, GT_PC_RETURN, &ev.ra, err);
	if (!rc && ev.old == GT_G_RUNNING && ev.new == GT_G_SYSCALL)
		rc = gt_enc_pc(e, pr, w->aux, GT_PC_RETURN, &ev.pc, err);
	if (rc)
		return rc;
	ev.gid = g ? g->gid : 0;
	if (ev.actor == ev.gid)
		ev.actor = 0;
	e->counts.events++;
	return gt_enc_give(e, &ev, err);
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
			       .kind = GT_EV_SNAP,
			       .new = r->status,
			       .reason = r->status == GT_G_WAITING ? r->reason : 0 };
	struct gt_goroutine *g = gt_identity_get(&e->ids, r->process, r->gptr);
	int rc;

	pr->begun = pr->begun || r->goid == 1;
	if (gt_enc_torn(e, r, g))
		return GT_OK;
	rc = gt_enc_whose(e, pr, r->gptr, r->goid, &ev, &g, err);
	if (!rc)
		rc = gt_enc_complete(e, pr, r, g, err);
	if (!rc)
		rc = gt_symbols_stack(e->syms, r->process, pr->t, r->pcs, r->depth, &ev.stack, err);
	if (!rc && r->status == GT_G_SYSCALL)
		rc = gt_enc_pc(e, pr, r->syscallpc, GT_PC_RETURN, &ev.pc, err);
	if (rc)
		return rc;
	const struct gt_tid *tid = r->procid ? gt_tidmap_by_procid(pr->tids, r->procid) : NULL;
	ev.gid = g->gid;
	ev.tid = tid ? tid->init_tid : 0;
	return gt_enc_give(e, &ev, err);
}

bool gt_enc_valid(const struct gt_encoder *e, const void *body, uint32_t len)
{
	const struct gt_wire_event *w = body;
	size_t extra = 0;

	if (len < sizeof(*w) || !w->proc || w->proc > e->procs.n)
		return false;
	unsigned kind = w->ra_kind >> 48 & 0xff;
	if (kind == GT_WIRE_CREATE)
		extra = sizeof(struct gt_wire_create);
	return kind >= 1 && kind < sizeof(kinds) && len == sizeof(*w) + extra;
}
