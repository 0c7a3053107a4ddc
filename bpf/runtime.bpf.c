// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Facts of the runtime as a whole: stops of the world, the collector's heap, GOMAXPROCS, full run
 * queues. All of them are rare: a few in each collection.
 */
#include "record.h"

/* A record of KIND in the name of the goroutine that asked for it: m.curg, as we are on g0. */
static __always_inline void open(bool sleepable, struct pt_regs *ctx, struct gt_wire_event *ev,
				 __u64 kind)
{
	ev->ra_kind = BESIDE(kind);
	begin(ev, 0, 0, 0);
	__u64 m = this_m(sleepable, ctx, ev);
	if (m)
		ev->g_status = word(sleepable, ev, m + cfg.m_curg, GT_WIRE_F_M) & GT_WIRE_ADDR_MASK;
}

static __always_inline void read_heap(bool sleepable, struct gt_wire_event *ev,
				      struct gt_wire_heap *h)
{
	if (!cfg.gc_controller) {
		for (int i = 0; i < GT_WIRE_HEAP_BYTES / 8; i++)
			h->word[i] = 0;
		return;
	}
	if (!load(sleepable, h, sizeof(*h), cfg.gc_controller)) /* then it is zeroed */
		ev->ra_kind |= FLAG(GT_WIRE_F_G);
}

/* stopTheWorldWithSema(reason), to Go 1.21; the reason came with 1.21 */
static __always_inline int on_stop(bool sleepable, struct pt_regs *ctx)
{
	struct {
		struct gt_wire_event ev;
		struct gt_wire_stop s;
	} *rec = reserve(sizeof(*rec));
	__u64 m;

	if (!rec)
		return 0;
	open(sleepable, ctx, &rec->ev, GT_WIRE_STW_BEGINS);
	rec->s.reason = GT_ARG0(ctx) & 0xff;
	rec->s.why_at = rec->s.why_len = 0;
	if (cfg.m_preemptoff && (m = this_m(sleepable, ctx, &rec->ev))) {
		rec->s.why_at = word(sleepable, &rec->ev, m + cfg.m_preemptoff, GT_WIRE_F_M);
		rec->s.why_len = word(sleepable, &rec->ev, m + cfg.m_preemptoff + 8, GT_WIRE_F_M);
	}
	return finish(&rec->ev);
}

/* startTheWorldWithSema(now, worldStop{reason, startedStopping, finishedStopping, ...}) */
static __always_inline int on_start(bool sleepable, struct pt_regs *ctx)
{
	struct {
		struct gt_wire_event ev;
		struct gt_wire_start s;
	} *rec = reserve(sizeof(*rec));

	if (!rec)
		return 0;
	open(sleepable, ctx, &rec->ev, GT_WIRE_STW_ENDS);
	rec->s.reason = cfg.stw_args >= 2 ? GT_ARG1(ctx) & 0xff : 0;
	rec->s.began = cfg.stw_args >= 2 ? GT_ARG2(ctx) : 0;
	rec->s.stopped = cfg.stw_args >= 3 ? GT_ARG3(ctx) : 0;
	read_heap(sleepable, &rec->ev, &rec->s.heap);
	return finish(&rec->ev);
}

/* gcMarkTermination: once a cycle, the world is stopped, the heap as large as it got */
static __always_inline int on_mark_end(bool sleepable, struct pt_regs *ctx)
{
	struct {
		struct gt_wire_event ev;
		struct gt_wire_heap heap;
	} *rec = reserve(sizeof(*rec));

	if (!rec)
		return 0;
	/* It runs on its goroutine's stack, which is the M's curg like on g0. */
	open(sleepable, ctx, &rec->ev, GT_WIRE_MARK_ENDS);
	read_heap(sleepable, &rec->ev, &rec->heap);
	return finish(&rec->ev);
}

/* procresize(nprocs) */
static __always_inline int on_procs(struct pt_regs *ctx)
{
	return bare(0, GT_WIRE_PROCS, 0, 0, GT_ARG0(ctx) & 0xffffffff);
}

/* runqputslow(pp, gp, h, t): half of the full queue, and gp, go to the global one */
static __always_inline int on_overflow(bool sleepable, struct pt_regs *ctx)
{
	struct gt_wire_event *ev = reserve(sizeof(*ev));

	if (!ev)
		return 0;
	open(sleepable, ctx, ev, GT_WIRE_OVERFLOW);
	ev->p_qlen = (GT_ARG0(ctx) & GT_WIRE_ADDR_MASK) | BESIDE(0xffff);
	return finish(ev);
}

PROBE(world_stops, on_stop(true, ctx), on_stop(false, ctx))
PROBE(world_starts, on_start(true, ctx), on_start(false, ctx))
PROBE(mark_ends, on_mark_end(true, ctx), on_mark_end(false, ctx))
PROBE(procs, on_procs(ctx), on_procs(ctx))
PROBE(overflow, on_overflow(true, ctx), on_overflow(false, ctx))
