/* SPDX-License-Identifier: BSD-2-Clause */
/* Probe records become events of the trace: merge, identity, ids, engine, writer, keyframes. */
#include "encode.h"

#include <stdlib.h>
#include <string.h>

#include "bpf/wire.h"
#include "format/base/u64map.h"
#include "format/base/vec.h"
#include "identity.h"
#include "merge.h"

#define SNAP_SLACK_NS 1000000u /* a probe precedes its status change; as the engine's default */
#define GOID_AT_BIRTH 24       /* from this minor version a creation already shows its goid */

/* What the encoder keeps for one process. */
struct proc {
	uint32_t number;
	struct gt_target *t; /* borrowed */
	struct gt_layout layout;
	int minor;
	uint64_t main_pc; /* runtime.main in memory: its goroutine was made by no go statement */
	uint64_t end_ns;  /* it ran another program from then on */
	bool begun;	  /* its main goroutine exists */
	struct gt_u64map p_ids; /* P pointer -> P id + 1 */
	struct gt_tidmap *tids;
	struct gt_u64map threads; /* tid -> 1 + whether its row was complete */
};

/* A snapshot row that waits for its place in time, with its stack behind it. */
struct snap {
	struct gt_snap_row row;
	uint64_t pcs[];
};

struct gt_encoder {
	struct gt_writer *w; /* borrowed */
	struct gt_engine *engine;
	struct gt_symbols *syms;
	struct gt_identity ids;
	struct gt_merge merge; /* queue by CPU; the last one is for snapshot rows */
	uint32_t snap_queue;
	struct {
		struct proc *p;
		size_t n, cap;
	} procs;
	struct gt_encoder_counts counts;
	uint64_t end_ns; /* of the trace; what is younger is no part of it */
	uint64_t bad_g;
	uint32_t bad_process;
};

int gt_encoder_new(struct gt_encoder **out, struct gt_writer *w, uint32_t n_cpus,
		   struct gt_err *err)
{
	struct gt_encoder *e = calloc(1, sizeof(*e));
	int rc;

	if (!e)
		return gt_fail(err, GT_NOMEM, "out of memory");
	e->w = w;
	e->end_ns = UINT64_MAX;
	e->snap_queue = n_cpus;
	gt_identity_init(&e->ids);
	rc = gt_merge_init(&e->merge, n_cpus + 1) ? gt_symbols_new(&e->syms, w, err)
						  : gt_fail(err, GT_NOMEM, "out of memory");
	if (!rc) {
		struct gt_engine_opts opts = { .pc_class = gt_symbols_class,
					       .pc_ctx = e->syms,
					       .snap_slack_ns = SNAP_SLACK_NS };
		rc = gt_engine_new(&e->engine, &opts, err);
	}
	if (rc) {
		gt_encoder_free(e);
		return rc;
	}
	*out = e;
	return GT_OK;
}

/* What a merged record belongs to: its batch, or itself for a snapshot row. */
static void release(struct gt_encoder *e, const struct gt_pending *p, uint32_t cpu)
{
	if (cpu == e->snap_queue) {
		free(p->owner);
		return;
	}
	struct gt_batch *b = p->owner;
	if (!--b->refs)
		gt_batch_free(b);
}

void gt_encoder_free(struct gt_encoder *e)
{
	struct gt_pending p;
	uint32_t cpu;

	if (!e)
		return;
	if (e->merge.q) {
		gt_merge_start(&e->merge);
		while (gt_merge_next(&e->merge, UINT64_MAX, &p, &cpu))
			release(e, &p, cpu);
	}
	gt_merge_free(&e->merge);
	for (size_t i = 0; i < e->procs.n; i++) {
		gt_u64map_free(&e->procs.p[i].p_ids);
		gt_u64map_free(&e->procs.p[i].threads);
		gt_tidmap_free(e->procs.p[i].tids);
	}
	GT_VEC_FREE(&e->procs);
	gt_identity_free(&e->ids);
	gt_engine_free(e->engine);
	gt_symbols_free(e->syms);
	free(e);
}

int gt_encoder_process(struct gt_encoder *e, uint32_t n, struct gt_target *t, struct gt_err *err)
{
	struct proc p = {
		.number = n, .t = t, .end_ns = UINT64_MAX, .minor = gt_gobin_info(t->bin)->minor
	};
	uint64_t entry, size;
	int rc = gt_gobin_layout(t->bin, &p.layout, err);

	if (rc)
		return rc;
	if (n != e->procs.n + 1)
		return gt_fail(err, GT_USAGE, "processes are numbered in order");
	if (gt_gobin_func(t->bin, "runtime.main", &entry, &size))
		p.main_pc = entry + t->bias;
	rc = gt_tidmap_new(&p.tids, t, err);
	if (rc)
		return rc;
	struct proc *to = GT_VEC_PUSH(&e->procs);
	if (!to) {
		gt_tidmap_free(p.tids);
		return gt_fail(err, GT_NOMEM, "out of memory");
	}
	*to = p;
	return GT_OK;
}

/* The directory row of a goroutine, to the file and to the engine. */
static int tell_row(struct gt_encoder *e, const struct gt_goroutine *g, struct gt_err *err)
{
	int rc = gt_writer_goroutine(e->w, g, err);

	return rc ? rc : gt_engine_goroutine(e->engine, g, err);
}

/* P id of a P pointer: read once from the target's memory; -1 when that fails. */
static int32_t p_id(struct proc *pr, uint64_t pptr)
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

/* The row of a thread, when it is met first, and again when /proc told more about it. */
static int thread(struct gt_encoder *e, struct proc *pr, uint32_t tid, uint64_t ts,
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

/* ---- goroutines ----------------------------------------------------------------------- */

static int pc_of(struct gt_encoder *e, struct proc *pr, uint64_t pc, enum gt_pc_kind kind,
		 uint32_t *ret, struct gt_err *err)
{
	return gt_symbols_pc(e->syms, pr->number, pr->t, pc, kind, ret, err);
}

/* Entry, go statement and kind of a goroutine, from the addresses in its g. */
static int describe(struct gt_encoder *e, struct proc *pr, struct gt_goroutine *g, uint64_t startpc,
		    uint64_t gopc, struct gt_err *err)
{
	uint64_t bias = pr->t->bias;
	uint64_t entry = startpc ? gt_gobin_entry(pr->t->bin, startpc - bias) + bias : 0;
	int rc = pc_of(e, pr, entry, GT_PC_EXACT, &g->start_pc, err);

	if (!rc && startpc != pr->main_pc)
		rc = pc_of(e, pr, gopc, GT_PC_RETURN, &g->site_pc, err);
	if (!rc && startpc && gt_gobin_system(pr->t->bin, startpc - bias))
		g->flags |= GT_GF_SYSTEM;
	return rc;
}

/* Its struct was given to another goroutine while we missed events: it is gone. */
static int bury(struct gt_encoder *e, struct proc *pr, const struct gt_goroutine *g, uint64_t ts,
		uint16_t cpu, struct gt_err *err)
{
	struct gt_event ev = { .ts = ts,
			       .gid = g->gid,
			       .process = pr->number,
			       .p = -1,
			       .m = -1,
			       .qlen = -1,
			       .cpu = cpu,
			       .kind = GT_EV_SNAP,
			       .new = GT_G_DEAD,
			       .flags = GT_EVF_RESYNC | GT_EVF_UNCERTAIN };
	int rc = gt_engine_event(e->engine, &ev, err);

	return rc ? rc : gt_writer_event(e->w, &ev, err);
}

/* A new incarnation at GPTR, entered into the directory. */
static int newborn(struct gt_encoder *e, struct proc *pr, uint64_t gptr, uint64_t goid,
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

/* gid at GPTR, 0 when none is known there. */
static uint64_t gid_at(struct gt_encoder *e, struct proc *pr, uint64_t gptr)
{
	struct gt_goroutine *g = gptr ? gt_identity_get(&e->ids, pr->number, gptr) : NULL;

	return g ? g->gid : 0;
}

/* A goroutine is born: `go` statement, iter.Pull, or a C thread that enters Go. */
static int birth(struct gt_encoder *e, struct proc *pr, const struct gt_wire_event *w,
		 const struct gt_wire_create *c, uint64_t gptr, struct gt_event *ev,
		 struct gt_goroutine **ret, struct gt_err *err)
{
	bool extra = ev->new == GT_G_SYSCALL;
	bool known = extra || pr->minor >= GOID_AT_BIRTH;
	uint32_t flags = extra ? GT_GF_EXTRAM : known ? 0 : GT_GF_PROVISIONAL;
	struct gt_goroutine *g = NULL;
	int rc = newborn(e, pr, gptr, known ? w->goid : 0, flags, ev->ts, &g, err);

	if (rc)
		return rc;
	g->parent = ev->actor;
	if (c) {
		g->parent_goid = c->parent_goid;
		rc = describe(e, pr, g, c->startpc, c->gopc, err);
		if (!rc && c->depth)
			rc = gt_symbols_stack(e->syms, pr->number, pr->t, (const uint64_t *)c->pcs,
					      c->depth > GT_WIRE_MAX_STACK ? GT_WIRE_MAX_STACK
									   : c->depth,
					      &g->stack, err);
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

/* The goroutine that an event speaks of, met for the first time or confirmed by its goid. */
static int whose(struct gt_encoder *e, struct proc *pr, uint64_t gptr, uint64_t goid,
		 struct gt_event *ev, struct gt_goroutine **ret, struct gt_err *err)
{
	struct gt_goroutine *g = gt_identity_get(&e->ids, pr->number, gptr);
	int rc;

	if (g && goid && g->goid && goid != g->goid) {
		ev->flags |= GT_EVF_RESYNC;
		e->counts.resync++;
		rc = bury(e, pr, g, ev->ts, ev->cpu, err);
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

/* ---- records -------------------------------------------------------------------------- */

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

static void flag(struct gt_encoder *e, struct proc *pr, const struct gt_wire_event *w,
		 unsigned kind, unsigned wflags, uint64_t gptr, struct gt_event *ev)
{
	bool goid_due = (kind == GT_WIRE_STATUS && ev->old != GT_G_IDLE &&
			 !(ev->old == GT_G_WAITING && ev->new == GT_G_RUNNABLE)) ||
			(kind == GT_WIRE_CREATE && pr->minor >= GOID_AT_BIRTH);

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
static bool is_reborn(struct proc *pr, const struct gt_wire_event *w,
		      const struct gt_wire_create *c)
{
	if (!c || w->aux || !pr->main_pc || (c->startpc ^ pr->main_pc) & 0xfff)
		return false;
	bool again = pr->begun;
	pr->begun = true;
	return again;
}

/* One record of the probes: W, and C behind it for a creation. */
static int record(struct gt_encoder *e, const struct gt_wire_event *w,
		  const struct gt_wire_create *c, uint16_t cpu, struct gt_err *err)
{
	struct proc *pr = &e->procs.p[w->proc - 1];
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
		ev.actor = gid_at(e, pr, w->aux);
	if (is_birth(&ev))
		rc = birth(e, pr, w, c, gptr, &ev, &g, err);
	else if (ev.old == GT_G_IDLE)
		rc = GT_OK; /* a struct g was allocated: no goroutine yet */
	else
		rc = whose(e, pr, gptr, w->goid, &ev, &g, err);
	if (!rc)
		rc = thread(e, pr, w->tid, w->ktime, err);
	if (!rc)
		rc = pc_of(e, pr, w->ra_kind & GT_WIRE_ADDR_MASK, GT_PC_RETURN, &ev.ra, err);
	if (!rc && ev.old == GT_G_RUNNING && ev.new == GT_G_SYSCALL)
		rc = pc_of(e, pr, w->aux, GT_PC_RETURN, &ev.pc, err);
	if (rc)
		return rc;
	ev.gid = g ? g->gid : 0;
	if (ev.actor == ev.gid)
		ev.actor = 0;
	e->counts.events++;
	rc = gt_engine_event(e->engine, &ev, err);
	return rc ? rc : gt_writer_event(e->w, &ev, err);
}

/*
 * Was row R read while the struct of G changed hands? Then the events of both tell better than
 * the row, which may have half of each.
 */
static bool torn(struct gt_encoder *e, const struct gt_snap_row *r, const struct gt_goroutine *g)
{
	if (!g || !g->goid || !r->goid || g->goid == r->goid)
		return false;
	const struct gt_gor_state *st = gt_engine_get(e->engine, g->gid);
	return g->created_ns + SNAP_SLACK_NS > r->t0 ||
	       (st && st->k.last_ns + SNAP_SLACK_NS > r->t0);
}

/* What a snapshot row knows of its goroutine, where the directory does not have it yet. */
static int complete(struct gt_encoder *e, struct proc *pr, const struct gt_snap_row *r,
		    struct gt_goroutine *g, struct gt_err *err)
{
	if (g->start_pc && (!r->locked || (g->flags & GT_GF_LOCKED)))
		return GT_OK;
	int rc = describe(e, pr, g, r->startpc, r->gopc, err);
	if (!g->parent_goid)
		g->parent_goid = r->parent_goid;
	if (r->locked)
		g->flags |= GT_GF_LOCKED;
	return rc ? rc : tell_row(e, g, err);
}

/* One goroutine of a snapshot, at the time it was read. */
static int snapshot(struct gt_encoder *e, const struct gt_snap_row *r, struct gt_err *err)
{
	struct proc *pr = &e->procs.p[r->process - 1];
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
	if (torn(e, r, g))
		return GT_OK;
	rc = whose(e, pr, r->gptr, r->goid, &ev, &g, err);
	if (!rc)
		rc = complete(e, pr, r, g, err);
	if (!rc)
		rc = gt_symbols_stack(e->syms, r->process, pr->t, r->pcs, r->depth, &ev.stack, err);
	if (!rc && r->status == GT_G_SYSCALL)
		rc = pc_of(e, pr, r->syscallpc, GT_PC_RETURN, &ev.pc, err);
	if (rc)
		return rc;
	const struct gt_tid *tid = r->procid ? gt_tidmap_by_procid(pr->tids, r->procid) : NULL;
	ev.gid = g->gid;
	ev.tid = tid ? tid->init_tid : 0;
	rc = gt_engine_event(e->engine, &ev, err);
	return rc ? rc : gt_writer_event(e->w, &ev, err);
}

/* ---- flow ----------------------------------------------------------------------------- */

static int keyframe(struct gt_encoder *e, struct gt_err *err)
{
	const struct gt_gor_state *st;
	int rc = gt_writer_keyframe_begin(e->w, e->counts.last_ns, err);

	for (uint64_t gid = 0; !rc && (st = gt_engine_next_key(e->engine, gid)); gid = st->k.g.gid)
		if (st->k.state != GT_S_DEAD)
			rc = gt_writer_key(e->w, &st->k, err);
	return rc ? rc : gt_writer_keyframe_end(e->w, err);
}

static int encode_before(struct gt_encoder *e, uint64_t watermark, struct gt_err *err)
{
	struct gt_pending p;
	uint32_t cpu;
	int rc = GT_OK;

	gt_merge_start(&e->merge);
	while (!rc && gt_merge_next(&e->merge, watermark, &p, &cpu)) {
		if (p.ts > e->end_ns) {
			e->counts.after++;
			release(e, &p, cpu);
			continue;
		}
		if (p.ts < e->counts.last_ns)
			e->counts.late++;
		else
			e->counts.last_ns = p.ts;
		if (!e->counts.first_ns)
			e->counts.first_ns = p.ts;
		if (cpu == e->snap_queue) {
			rc = snapshot(e, p.what, err);
		} else {
			const struct gt_wire_event *w = p.what;
			bool created = (w->ra_kind >> 48 & 0xff) == GT_WIRE_CREATE;
			rc = record(e, w, created ? (const void *)(w + 1) : NULL, (uint16_t)cpu,
				    err);
		}
		release(e, &p, cpu);
	}
	if (!rc && gt_writer_keyframe_due(e->w, gt_engine_live(e->engine)))
		rc = keyframe(e, err);
	return rc;
}

/* Is the record at BODY one of ours, whole, of a process that we know? */
static bool valid(const struct gt_encoder *e, const void *body, uint32_t len)
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

int gt_encoder_batch(struct gt_encoder *e, struct gt_batch *b, struct gt_err *err)
{
	uint64_t watermark = b->watermark;

	b->refs = 1; /* ours, while we add */
	for (uint32_t i = 0; i < b->n; i++) {
		const uint8_t *p = b->seg[i].p, *end = p + b->seg[i].len;
		const void *body;
		uint32_t len;
		size_t step;
		for (; (step = gt_ring_record(p, (size_t)(end - p), &body, &len)); p += step) {
			if (!body || !valid(e, body, len))
				continue;
			const struct gt_wire_event *w = body;
			if (!gt_merge_add(&e->merge, b->seg[i].cpu,
					  (struct gt_pending){ w->ktime, w, b })) {
				b->refs--;
				return gt_fail(err, GT_NOMEM, "out of memory");
			}
			b->refs++;
		}
	}
	if (!--b->refs)
		gt_batch_free(b);
	return encode_before(e, watermark, err);
}

int gt_encoder_snap(struct gt_encoder *e, const struct gt_snap_row *row, struct gt_err *err)
{
	struct snap *s = malloc(sizeof(*s) + row->depth * sizeof(*row->pcs));

	if (!s)
		return gt_fail(err, GT_NOMEM, "out of memory");
	s->row = *row;
	memcpy(s->pcs, row->pcs, row->depth * sizeof(*row->pcs));
	s->row.pcs = s->pcs;
	if (!gt_merge_add(&e->merge, e->snap_queue, (struct gt_pending){ row->t1, s, s })) {
		free(s);
		return gt_fail(err, GT_NOMEM, "out of memory");
	}
	return GT_OK;
}

int gt_encoder_loss(struct gt_encoder *e, const struct gt_loss *l, struct gt_err *err)
{
	int rc = gt_engine_loss(e->engine, l, err);

	return rc ? rc : gt_writer_loss(e->w, l, err);
}

void gt_encoder_process_end(struct gt_encoder *e, uint32_t n, uint64_t ns)
{
	struct proc *pr = &e->procs.p[n - 1];

	if (ns < pr->end_ns)
		pr->end_ns = ns;
}

void gt_encoder_end(struct gt_encoder *e, uint64_t ns)
{
	e->end_ns = ns;
}

int gt_encoder_finish(struct gt_encoder *e, struct gt_err *err)
{
	return encode_before(e, UINT64_MAX, err);
}

const struct gt_encoder_counts *gt_encoder_get_counts(const struct gt_encoder *e)
{
	return &e->counts;
}

uint64_t gt_encoder_live(const struct gt_encoder *e)
{
	return gt_engine_live(e->engine);
}

uint64_t gt_encoder_bad(struct gt_encoder *e, uint32_t *ret_process)
{
	uint64_t g = e->bad_g;

	*ret_process = e->bad_process;
	e->bad_g = 0;
	return g;
}
