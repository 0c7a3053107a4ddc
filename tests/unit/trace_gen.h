/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random but reproducible streams of events for the tests of the file, with a little sense in
 * them: goroutines that run on threads that run on CPUs.
 */
#ifndef TRACE_GEN_H
#define TRACE_GEN_H

#include <stdlib.h>
#include <string.h>

#include "format/base/out.h"
#include "format/gtrace.h"

struct gen {
	uint64_t rng, ts;
	uint32_t cpus, processes, gids;
	uint32_t step; /* largest time between two events */
	bool wild;     /* any value in any field */
	bool facts;    /* P, M and queue lengths too */
};

static inline uint64_t gen_u64(struct gen *g)
{
	g->rng ^= g->rng << 13;
	g->rng ^= g->rng >> 7;
	g->rng ^= g->rng << 17;
	return g->rng;
}

static inline uint32_t gen_below(struct gen *g, uint32_t n)
{
	return n ? (uint32_t)((gen_u64(g) >> 11) % n) : 0;
}

static inline struct gt_event gen_wild(struct gen *g)
{
	struct gt_event e = { 0 };

	e.gid = gen_below(g, 3) ? gen_below(g, 1000) : gen_u64(g) >> 2;
	e.actor = gen_below(g, 3) ? gen_below(g, 1000) : gen_u64(g) >> 2;
	e.arg = gen_below(g, 2) ? 0 : gen_u64(g);
	e.tid = gen_below(g, 3) ? gen_below(g, 600) : (uint32_t)gen_u64(g);
	e.ra = gen_below(g, 3) ? gen_below(g, 9) : (uint32_t)gen_u64(g);
	e.pc = gen_below(g, 3) ? 0 : (uint32_t)gen_u64(g);
	e.stack = gen_below(g, 3) ? gen_below(g, 9) : (uint32_t)gen_u64(g);
	e.p = (int32_t)(gen_below(g, 2) ? gen_below(g, 9) - 1 : (uint32_t)gen_u64(g));
	e.m = (int32_t)(gen_below(g, 2) ? gen_below(g, 9) - 1 : (uint32_t)gen_u64(g));
	e.qlen = (int32_t)(gen_below(g, 2) ? gen_below(g, 9) - 1 : (uint32_t)gen_u64(g));
	e.kind = (uint8_t)gen_u64(g);
	e.old = (uint8_t)(gen_below(g, 2) ? gen_below(g, 12) : gen_u64(g));
	e.new = (uint8_t)(gen_below(g, 2) ? gen_below(g, 12) : gen_u64(g));
	e.reason = (uint8_t)gen_u64(g);
	e.flags = (uint8_t)gen_u64(g);
	return e;
}

static inline struct gt_event gen_plain(struct gen *g)
{
	static const uint8_t moves[][2] = { { 1, 2 }, { 2, 4 }, { 4, 1 },
					    { 2, 3 }, { 3, 2 }, { 6, 1 } };
	uint32_t m = gen_below(g, 6);
	struct gt_event e = { .p = -1, .m = -1, .qlen = -1, .kind = GT_EV_STATUS };

	e.gid = 1 + gen_below(g, g->gids);
	e.old = moves[m][0];
	e.new = moves[m][1];
	e.ra = 1 + m;
	e.reason = m == 1 ? (uint8_t)(e.gid % 7) : 0;
	e.stack = m == 5 ? 1 + gen_below(g, 4) : 0;
	e.pc = m == 3 ? 7 : 0;
	e.actor = m == 2 || m == 5 ? 1 + gen_below(g, g->gids) : 0;
	e.tid = 100 + gen_below(g, g->cpus * 2);
	if (g->facts) {
		e.p = (int32_t)gen_below(g, g->cpus);
		e.m = (int32_t)e.tid - 100;
		e.qlen = (int32_t)gen_below(g, 5);
	}
	return e;
}

/* The next event; times never go back, and often stand still. */
static inline struct gt_event gen_event(struct gen *g)
{
	struct gt_event e = g->wild ? gen_wild(g) : gen_plain(g);

	if (gen_below(g, 3))
		g->ts += gen_below(g, g->step + 1);
	e.ts = g->ts;
	e.cpu = (uint16_t)gen_below(g, g->cpus);
	e.process = 1 + gen_below(g, g->processes);
	return e;
}

static inline bool gen_same(const struct gt_event *a, const struct gt_event *b)
{
	return a->gid == b->gid && a->actor == b->actor && a->arg == b->arg &&
	       a->process == b->process && a->tid == b->tid && a->ra == b->ra && a->pc == b->pc &&
	       a->stack == b->stack && a->p == b->p && a->m == b->m && a->qlen == b->qlen &&
	       a->cpu == b->cpu && a->kind == b->kind && a->old == b->old && a->new == b->new &&
	       a->reason == b->reason && a->flags == b->flags;
}

/* ---- a sink into memory ---- */

static inline int mem_write(void *ctx, const void *p, size_t n, struct gt_err *err)
{
	struct gt_out *o = ctx;

	gt_out_bytes(o, p, n);
	return o->bad ? gt_fail(err, GT_NOMEM, "no memory") : GT_OK;
}

#endif
