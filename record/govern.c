/* SPDX-License-Identifier: BSD-2-Clause */
/* The account of the budget; docs/decisions has why it is one. */
#include "govern.h"

/*
 * A slice is worth its attaching only if it lasts: before it begins there must be credit for that
 * long at the load that was seen last. Nor are slices begun more often than twice a second.
 */
#define SLICE_NS 60e6
#define GAP_NS	 500e6
/* Quiet times are saved up for a burst, but not for ever. */
#define SAVE_NS 2e9

/* Before anything is known of a program it may be a busy one. */
#define FIRST_LOAD 0.5

/* The end of a slice takes a while, too: what that cost the last time must be there before the
 * next. */
static double need(const struct gt_governor *g)
{
	double slice = g->load * SLICE_NS - g->low_ns, gap = g->part * GAP_NS;

	return slice > gap ? slice : gap;
}

void gt_governor_init(struct gt_governor *g, double part, double cost_ns, uint64_t now_ns, bool on)
{
	*g = (struct gt_governor){ .part = part,
				   .cost_ns = cost_ns,
				   .now_ns = now_ns,
				   .since_ns = now_ns,
				   .load = FIRST_LOAD,
				   .on = on };
}

bool gt_governor_step(struct gt_governor *g, uint64_t now_ns, uint64_t hits)
{
	double most = g->part * SAVE_NS, cost = (double)hits * g->cost_ns;

	if (now_ns > g->now_ns) {
		g->credit_ns += g->part * (double)(now_ns - g->now_ns);
		g->now_ns = now_ns;
	}
	if (most < need(g))
		most = need(g);
	if (g->credit_ns > most)
		g->credit_ns = most;
	g->credit_ns -= cost;
	g->slice_ns += cost;
	if (g->credit_ns < g->low_ns)
		g->low_ns = g->credit_ns;
	return g->on ? g->credit_ns >= 0 : g->credit_ns >= need(g);
}

void gt_governor_switched(struct gt_governor *g, uint64_t now_ns, bool on)
{
	if (g->on && !on && now_ns > g->since_ns)
		g->load = g->slice_ns / (double)(now_ns - g->since_ns);
	if (on)
		g->slice_ns = g->low_ns = 0;
	g->on = on;
	g->since_ns = now_ns;
}
