/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of the runtime as a whole become events: stops of the world, phases of collection. */
#include "encode_impl.h"

#include <string.h>

#include "heap.h"

#define LONGEST_STOP_NS 3600000000000u /* longer ones were misread */

/* An event of the process: of no goroutine, but in the name of the one that asked for it. */
static int start(struct gt_encoder *e, const struct gt_wire_event *w, uint16_t cpu,
		 enum gt_event_kind kind, struct gt_event *ret, struct gt_err *err)
{
	struct gt_enc_proc *pr = &e->procs.p[w->proc - 1];

	*ret = (struct gt_event){ .ts = w->ktime,
				  .process = w->proc,
				  .p = gt_enc_p_id(pr, w->p_qlen & GT_WIRE_ADDR_MASK),
				  .m = -1,
				  .qlen = -1,
				  .cpu = cpu,
				  .kind = (uint8_t)kind };
	ret->actor = gt_enc_gid_at(e, pr, w->g_status & GT_WIRE_ADDR_MASK);
	return gt_enc_where(e, pr, w, GT_M_SAME, ret, err);
}

static int give(struct gt_encoder *e, struct gt_event ev, enum gt_event_kind kind, uint64_t arg,
		struct gt_err *err)
{
	ev.kind = (uint8_t)kind;
	ev.arg = arg;
	e->counts.events++;
	return gt_enc_give(e, &ev, err);
}

/* The process of W, NULL when the record is not its own: from after its end. */
static struct gt_enc_proc *owner(struct gt_encoder *e, const struct gt_wire_event *w)
{
	struct gt_enc_proc *pr = &e->procs.p[w->proc - 1];

	return gt_enc_own(e, pr, w) ? pr : NULL;
}

/* What Go calls the reasons to 1.20: m.preemptoff. */
static enum gt_stw reason_of(const struct gt_enc_proc *pr, const struct gt_wire_event *w,
			     const struct gt_wire_stop *s)
{
	static const struct {
		const char *words;
		enum gt_stw why;
	} known[] = {
		/* [src/runtime: calls of stopTheWorld and stopTheWorldGC, 1.17-1.20] */
		{ "gcing", GT_STW_MARK_TERM },
		{ "write heap dump", GT_STW_HEAP_DUMP },
		{ "profile", GT_STW_GOROUTINE_PROFILE },
		{ "profile cleanup", GT_STW_PROFILE_CLEANUP },
		{ "stack trace", GT_STW_ALL_STACKS },
		{ "read mem stats", GT_STW_READ_MEMSTATS },
		{ "doAllThreadsSyscall", GT_STW_ALL_THREADS },
		{ "GOMAXPROCS", GT_STW_GOMAXPROCS },
		{ "start tracing", GT_STW_START_TRACE },
		{ "stop tracing", GT_STW_STOP_TRACE },
	};
	char words[32];

	/* gcStart alone stops the world without a word. [src/runtime/mgc.go, 1.17-1.20] */
	if (!s->why_len && !(w->ra_kind >> 56 & GT_WIRE_F_M))
		return GT_STW_SWEEP_TERM;
	if (!s->why_len || s->why_len >= sizeof(words) ||
	    !gt_gobin_read(pr->t->bin, s->why_at - pr->t->bias, words, s->why_len))
		return GT_STW_UNKNOWN;
	words[s->why_len] = 0;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(words, known[i].words))
			return known[i].why;
	return GT_STW_UNKNOWN;
}

int gt_enc_stw_begins(struct gt_encoder *e, const struct gt_wire_event *w, uint16_t cpu,
		      struct gt_err *err)
{
	const struct gt_wire_stop *s = (const void *)(w + 1);
	struct gt_enc_proc *pr = owner(e, w);

	(void)cpu;
	(void)err;
	if (!pr)
		return GT_OK;
	pr->world.began_ns = w->ktime;
	pr->world.marked = false;
	pr->world.why = pr->minor >= 21 ? (enum gt_stw)s->reason : reason_of(pr, w, s);
	return GT_OK;
}

static int phase(struct gt_encoder *e, struct gt_event ev, enum gt_gc_phase p, bool known,
		 const struct gt_heap *h, struct gt_err *err)
{
	ev.reason = (uint8_t)p;
	int rc = give(e, ev, GT_EV_GC, known ? h->live : 0, err);

	ev.reason = 0;
	return rc || !known ? rc : give(e, ev, GT_EV_HEAP_GOAL, h->goal, err);
}

static bool plausible(uint64_t t, uint64_t now)
{
	return t && t <= now && now - t < LONGEST_STOP_NS;
}

int gt_enc_stw_ends(struct gt_encoder *e, const struct gt_wire_event *w, uint16_t cpu,
		    struct gt_err *err)
{
	const struct gt_wire_start *s = (const void *)(w + 1);
	struct gt_enc_proc *pr = owner(e, w);
	struct gt_heap h = { 0 };
	struct gt_event ev;

	if (!pr)
		return GT_OK;
	struct gt_enc_world world = pr->world;
	pr->world = (struct gt_enc_world){ .procs = world.procs };
	bool known = gt_heap_read(&s->heap, &pr->layout, pr->minor, &h);
	if (s->began) {
		world.began_ns = s->began;
		world.why = (enum gt_stw)s->reason;
	}
	int rc = start(e, w, cpu, GT_EV_STW, &ev, err);
	if (!rc && s->stopped >= world.began_ns && plausible(s->stopped, w->ktime))
		rc = give(e, ev, GT_EV_STOPPED, w->ktime - s->stopped, err);
	bool whole = plausible(world.began_ns, w->ktime);
	ev.reason = (uint8_t)world.why;
	ev.flags = whole ? 0 : GT_EVF_UNREADABLE; /* it began before we were there */
	if (!rc)
		rc = give(e, ev, GT_EV_STW, whole ? w->ktime - world.began_ns : 0, err);
	ev.reason = ev.flags = 0;
	if (!rc && world.why == GT_STW_SWEEP_TERM)
		rc = phase(e, ev, GT_GC_MARK, known, &h, err);
	else if (!rc && world.marked)
		rc = phase(e, ev, GT_GC_SWEEP, known, &h, err);
	return rc;
}

int gt_enc_mark_ends(struct gt_encoder *e, const struct gt_wire_event *w, uint16_t cpu,
		     struct gt_err *err)
{
	const struct gt_wire_heap *heap = (const void *)(w + 1);
	struct gt_enc_proc *pr = owner(e, w);
	struct gt_heap h = { 0 };
	struct gt_event ev;

	if (!pr)
		return GT_OK;
	pr->world.marked = true;
	bool known = gt_heap_read(heap, &pr->layout, pr->minor, &h);
	int rc = start(e, w, cpu, GT_EV_GC, &ev, err);
	return rc ? rc : phase(e, ev, GT_GC_MARK_TERM, known, &h, err);
}

/* The runtime asks for its number at each start of the world; most often it is what it was. */
int gt_enc_procs(struct gt_encoder *e, const struct gt_wire_event *w, uint16_t cpu,
		 struct gt_err *err)
{
	struct gt_enc_proc *pr = owner(e, w);
	struct gt_event ev;

	if (!pr)
		return GT_OK;
	if (!pr->world.procs)
		pr->world.procs = pr->row.gomaxprocs;
	if (!w->aux || w->aux == pr->world.procs)
		return GT_OK;
	pr->world.procs = (uint32_t)w->aux;
	int rc = start(e, w, cpu, GT_EV_PROCS, &ev, err);
	return rc ? rc : give(e, ev, GT_EV_PROCS, w->aux, err);
}

int gt_enc_overflow(struct gt_encoder *e, const struct gt_wire_event *w, uint16_t cpu,
		    struct gt_err *err)
{
	struct gt_event ev;

	if (!owner(e, w))
		return GT_OK;
	int rc = start(e, w, cpu, GT_EV_RUNQ, &ev, err);
	ev.reason = GT_RUNQ_OVERFLOW;
	return rc ? rc : give(e, ev, GT_EV_RUNQ, 0, err);
}
