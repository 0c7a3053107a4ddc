/* SPDX-License-Identifier: BSD-2-Clause */
/* The goroutine directory: who an event or a snapshot row speaks of, and what is known of him. */
#include "encode_impl.h"

/* The directory row of a goroutine, to the file and to the engine. */
static int tell_row(struct gt_encoder *e, const struct gt_goroutine *g, struct gt_err *err)
{
	int rc = gt_writer_goroutine(e->w, g, err);

	return rc ? rc : gt_engine_goroutine(e->engine, g, err);
}

/* Entry, go statement and kind of a goroutine, from the addresses in its g. */
static int describe(struct gt_encoder *e, struct gt_enc_proc *pr, struct gt_goroutine *g,
		    uint64_t startpc, uint64_t gopc, struct gt_err *err)
{
	bool system = false;
	int rc = GT_OK;

	if (startpc)
		rc = gt_symbols_start(e->syms, pr->number, pr->t, startpc, &g->start_pc, &system,
				      err);
	if (!rc && startpc != pr->main_pc)
		rc = gt_enc_pc(e, pr, gopc, GT_PC_RETURN, &g->site_pc, err);
	if (system)
		g->flags |= GT_GF_SYSTEM;
	return rc;
}

/* Its struct was given to another goroutine while we missed events: it is gone. */
static int bury(struct gt_encoder *e, struct gt_enc_proc *pr, const struct gt_goroutine *g,
		const struct gt_event *by, struct gt_err *err)
{
	struct gt_event ev = { .ts = by->ts,
			       .gid = g->gid,
			       .process = pr->number,
			       .p = -1,
			       .m = -1,
			       .qlen = -1,
			       .cpu = by->cpu,
			       .kind = by->kind == GT_EV_GAP ? GT_EV_GAP : GT_EV_SNAP,
			       .new = GT_G_DEAD,
			       .flags = GT_EVF_RESYNC | GT_EVF_UNCERTAIN };

	return gt_enc_give(e, &ev, err);
}

/* A new incarnation at GPTR, entered into the directory. */
static int newborn(struct gt_encoder *e, struct gt_enc_proc *pr, uint64_t gptr, uint64_t goid,
		   uint32_t flags, uint64_t created_ns, struct gt_goroutine **ret,
		   struct gt_err *err)
{
	struct gt_goroutine *g = gt_identity_new(&e->ids, pr->number, gptr);

	if (!g)
		return gt_fail(err, GT_NOMEM, "out of memory");
	g->goid = goid;
	g->flags = flags;
	g->created_ns = created_ns;
	*ret = g;
	return GT_OK;
}

uint64_t gt_enc_gid_at(struct gt_encoder *e, struct gt_enc_proc *pr, uint64_t gptr)
{
	struct gt_goroutine *g = gptr ? gt_identity_get(&e->ids, pr->number, gptr) : NULL;

	return g ? g->gid : 0;
}

int gt_enc_birth(struct gt_encoder *e, struct gt_enc_proc *pr, const struct gt_wire_event *w,
		 const struct gt_wire_create *c, const struct gt_wire_stack *st,
		 struct gt_event *ev, struct gt_goroutine **ret, struct gt_err *err)
{
	uint64_t gptr = w->g_status & GT_WIRE_ADDR_MASK;
	bool extra = ev->new == GT_G_SYSCALL;
	bool known = extra || pr->minor >= GT_GOID_AT_BIRTH;
	uint32_t flags = extra ? GT_GF_EXTRAM : known ? 0 : GT_GF_PROVISIONAL;
	struct gt_goroutine *g = NULL;
	int rc = newborn(e, pr, gptr, known ? w->goid : 0, flags, ev->ts, &g, err);

	if (rc)
		return rc;
	g->parent = ev->actor;
	if (c) {
		g->parent_goid = c->parent_goid;
		rc = describe(e, pr, g, c->startpc, c->gopc, err);
		if (!rc)
			rc = gt_symbols_stack(e->syms, pr->number, pr->t, (const uint64_t *)st->pcs,
					      (uint32_t)st->depth, &g->stack, err);
	}
	if (!g->parent_goid && ev->actor) {
		struct gt_goroutine *parent = gt_identity_get(&e->ids, pr->number,
							      w->aux & GT_WIRE_ADDR_MASK);
		g->parent_goid = parent ? parent->goid : 0;
	}
	ev->stack = g->stack;
	*ret = g;
	return rc ? rc : tell_row(e, g, err);
}

int gt_enc_whose(struct gt_encoder *e, struct gt_enc_proc *pr, uint64_t gptr, uint64_t goid,
		 struct gt_event *ev, struct gt_goroutine **ret, struct gt_err *err)
{
	struct gt_goroutine *g = gt_identity_get(&e->ids, pr->number, gptr);
	int rc;

	if (g && goid && g->goid && goid != g->goid) {
		ev->flags |= GT_EVF_RESYNC;
		e->counts.resync++;
		rc = bury(e, pr, g, ev, err);
		if (rc)
			return rc;
		g = NULL;
	}
	if (!g) {
		rc = newborn(e, pr, gptr, goid, GT_GF_EXISTED, 0, &g, err);
		if (!rc)
			rc = tell_row(e, g, err);
	} else if (goid && !g->goid) {
		g->goid = goid;
		g->flags &= ~(uint32_t)GT_GF_PROVISIONAL;
		rc = tell_row(e, g, err);
	} else {
		rc = GT_OK;
	}
	*ret = g;
	return rc;
}

/* Was G, as far as that is known of it, made elsewhere than R says? */
static int born_elsewhere(struct gt_encoder *e, struct gt_enc_proc *pr, const struct gt_snap_row *r,
			  const struct gt_goroutine *g, bool *ret, struct gt_err *err)
{
	struct gt_goroutine read = { 0 };
	int rc;

	*ret = false;
	if (!g || !r->later || !g->start_pc)
		return GT_OK;
	rc = describe(e, pr, &read, r->startpc, r->gopc, err);
	*ret = read.start_pc != g->start_pc || read.site_pc != g->site_pc;
	return rc;
}

int gt_enc_whose_row(struct gt_encoder *e, struct gt_enc_proc *pr, const struct gt_snap_row *r,
		     struct gt_event *ev, struct gt_goroutine **ret, struct gt_err *err)
{
	struct gt_goroutine *g = gt_identity_get(&e->ids, pr->number, r->gptr);
	bool other;
	int rc = born_elsewhere(e, pr, r, g, &other, err);

	if (rc)
		return rc;
	if (other && !g->goid && r->goid) {
		ev->flags |= GT_EVF_RESYNC;
		e->counts.resync++;
		rc = bury(e, pr, g, ev, err);
		if (!rc)
			rc = newborn(e, pr, r->gptr, r->goid, GT_GF_EXISTED, 0, ret, err);
		return rc ? rc : tell_row(e, *ret, err);
	}
	rc = gt_enc_whose(e, pr, r->gptr, r->goid, ev, ret, err);
	/* An event has given this goid to the life that was met before: all else of it is wrong. */
	if (!rc && other && *ret == g && g->goid == r->goid) {
		g->start_pc = g->site_pc = g->stack = 0;
		g->parent = g->parent_goid = 0;
	}
	return rc;
}

bool gt_enc_torn(struct gt_encoder *e, const struct gt_snap_row *r, const struct gt_goroutine *g)
{
	if (!g || !g->goid || !r->goid || g->goid == r->goid)
		return false;
	const struct gt_gor_state *st = gt_engine_get(e->engine, g->gid);
	return g->created_ns + GT_SNAP_SLACK_NS > r->t0 ||
	       (st && st->k.last_ns + GT_SNAP_SLACK_NS > r->t0);
}

int gt_enc_complete(struct gt_encoder *e, struct gt_enc_proc *pr, const struct gt_snap_row *r,
		    struct gt_goroutine *g, struct gt_err *err)
{
	bool locked = g->flags & GT_GF_LOCKED, resized = r->stack_bytes != g->stack_bytes;
	int rc = GT_OK;

	if (g->start_pc && r->locked == locked && !resized)
		return GT_OK;
	if (!g->start_pc)
		rc = describe(e, pr, g, r->startpc, r->gopc, err);
	if (!g->parent_goid)
		g->parent_goid = r->parent_goid;
	if (r->locked != locked)
		g->flags ^= GT_GF_LOCKED;
	g->stack_bytes = r->stack_bytes;
	return rc ? rc : tell_row(e, g, err);
}
