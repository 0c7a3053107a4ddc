/* SPDX-License-Identifier: BSD-2-Clause */
/* The threads' rows: on which CPU, ready without one, blocked. Sleep is where nothing is. */
#include <stdio.h>

#include "gors.h"
#include "replay/view/names.h"

enum { SORT_KTHREADS = 1 << 24 }; /* below the processors */

/* The thread was in STATE from SINCE to UNTIL, which CPU and WHY are of. */
static bool slice(struct gt_x_state *x, uint32_t process, uint32_t tid, enum gt_kstate state,
		  uint8_t why, uint16_t cpu, uint64_t since, uint64_t until, uint32_t flags)
{
	char name[40], on[24];
	long i;

	if (state == GT_K_ASLEEP || state == GT_K_UNKNOWN || state == GT_K_ENDED)
		return true;
	if (since < x->sel->from_ns) {
		since = x->sel->from_ns;
		flags |= GT_X_BEFORE;
	}
	(void)snprintf(name, sizeof(name), "thread %u: CPU", tid);
	i = gt_x_other_row(x, process, GT_XR_KTHREAD, tid,
			   SORT_KTHREADS + (int32_t)(tid & 0xffffff), name);
	if (i < 0)
		return false;
	if (state == GT_K_ON)
		(void)snprintf(on, sizeof(on), "on CPU %u", cpu);
	else if (state == GT_K_READY)
		(void)snprintf(on, sizeof(on), "ready (%s)", gt_sched_name((enum gt_sched)why));
	else
		(void)snprintf(on, sizeof(on), "%s", gt_kstate_name(state));
	gt_x_put_slice(x, i,
		       (struct gt_x_slice){ .kind = GT_X_KTHREAD,
					    .kstate = state,
					    .begin_ns = gt_view_rel(x->view, since),
					    .end_ns = gt_view_rel(x->view, until),
					    .name = on,
					    .flags = flags,
					    .why = "" });
	return true;
}

bool gt_x_kstep(struct gt_x_state *x, const struct gt_kstep *s)
{
	return slice(x, s->process, s->tid, (enum gt_kstate)s->from, s->from_why, s->cpu,
		     s->since_ns, s->ts, s->uncertain ? GT_X_UNCERTAIN : 0);
}

bool gt_x_kend(struct gt_x_state *x, const struct gt_kthreads *t, uint64_t end_ns)
{
	bool ok = true;

	for (const struct gt_kthread *k = NULL; ok && (k = gt_kthreads_next(t, k));)
		ok = slice(x, k->process, k->tid, (enum gt_kstate)k->state, k->why, k->cpu,
			   k->since_ns, end_ns, GT_X_OPEN);
	return ok;
}
