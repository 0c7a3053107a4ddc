/* SPDX-License-Identifier: BSD-2-Clause */
/* The invariants that hold between any two items, whatever was fed. For tests and fuzzers. */
#include "core.h"

#define BROKEN(err, g, what)                                                                       \
	gt_fail(err, GT_CORRUPT, "engine: goroutine %llu: %s",                                     \
		(unsigned long long)(g)->pub.k.g.gid, what)

static int check_one(const struct gt_engine *e, const struct gt_gor *g, struct gt_err *err)
{
	const struct gt_key *k = &g->pub.k;
	bool on = gt_belief_on_thread(g->belief);

	if (g->belief >= GT_B_COUNT || k->state != (uint8_t)gt_belief_state(g->belief))
		return BROKEN(err, g, "state and belief differ");
	if (k->state == GT_S_DEAD)
		return BROKEN(err, g, "dead, but not forgotten");
	if (g->pending && (k->state != GT_S_UNKNOWN || k->tid))
		return BROKEN(err, g, "has a state before it was born");
	if (k->tid && !on)
		return BROKEN(err, g, "on a thread in a state that has none");
	if (k->tid && gt_threads_get(&e->threads, k->g.process, k->tid) != k->g.gid)
		return BROKEN(err, g, "on a thread that another one is on");
	if (!k->tid != !g->slot)
		return BROKEN(err, g, "its thread's slot is not its thread's");
	if (g->alive != (!g->pending && k->state != GT_S_IDLE))
		return BROKEN(err, g, "counted wrongly as alive");
	return GT_OK;
}

int gt_engine_check(const struct gt_engine *e, struct gt_err *err)
{
	uint64_t n = 0, live = 0, on_thread = 0;

	for (const struct gt_gor *g = gt_gors_next(&e->gors, 0); g;
	     g = gt_gors_next(&e->gors, g->pub.k.g.gid)) {
		int rc = check_one(e, g, err);
		if (rc)
			return rc;
		n++;
		live += g->alive;
		on_thread += g->pub.k.tid != 0;
	}
	if (n != e->gors.n || live != e->n_live)
		return gt_fail(err, GT_CORRUPT, "engine: miscounted its goroutines");
	/* Each goroutine has its thread; as many busy threads: each thread has its goroutine. */
	if (on_thread != e->threads.busy)
		return gt_fail(err, GT_CORRUPT, "engine: a thread runs a goroutine that is gone");
	return GT_OK;
}
