/* SPDX-License-Identifier: BSD-2-Clause */
/* The state at a trace's end, asked for what it knows of waits that began earlier. */
#include "ahead.h"

int gt_ahead_open(struct gt_ahead *a, struct gt_view *v, struct gt_err *err)
{
	static const struct gt_run_ops ops = { 0 };
	uint64_t from = v->from_ns;
	bool more;

	*a = (struct gt_ahead){ 0 };
	if (!v->info->complete || !v->info->indexed || v->follow)
		return GT_OK;
	v->from_ns = v->info->t_last;
	int rc = gt_run_open(&a->run, v, &ops, a, err);
	if (!rc)
		rc = gt_run_until(&a->run, UINT64_MAX, &more, err);
	v->from_ns = from;
	a->known = !rc;
	return rc;
}

void gt_ahead_close(struct gt_ahead *a)
{
	gt_run_close(&a->run);
}

uint32_t gt_ahead_stack(const struct gt_ahead *a, const struct gt_key *k, uint8_t *kflags)
{
	const struct gt_gor_state *g = a->known ? gt_engine_get(a->run.engine, k->g.gid) : NULL;

	if (!g || k->state != GT_S_WAITING || g->k.state != k->state ||
	    g->k.since_ns != k->since_ns)
		return 0;
	*kflags |= g->k.kflags & GT_KF_STACK_CUT;
	return g->k.stack;
}
