/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel says of threads becomes events: they are no goroutine's, and change none's state.
 */
#include "encode_impl.h"

/* Of task_struct.__state [linux: include/linux/sched.h, 5.11-6.18]. */
#define TASK_UNINTERRUPTIBLE 0x0002u
#define TASK_STOPPED	     0x0004u
#define TASK_TRACED	     0x0008u
#define TASK_DEAD	     0x0080u
#define TASK_RTLOCK_WAIT     0x1000u
#define TASK_FROZEN	     0x8000u

/* Why a thread went off its CPU. */
static enum gt_sched left(uint64_t state)
{
	if (!state)
		return GT_SCHED_PREEMPTED;
	if (state & TASK_DEAD)
		return GT_SCHED_ENDS;
	if (state & (TASK_STOPPED | TASK_TRACED | TASK_FROZEN))
		return GT_SCHED_STOPPED;
	return state & (TASK_UNINTERRUPTIBLE | TASK_RTLOCK_WAIT) ? GT_SCHED_BLOCKED
								 : GT_SCHED_SLEEPS;
}

int gt_enc_kernel(struct gt_encoder *e, const struct gt_wire_event *w, uint16_t cpu,
		  struct gt_err *err)
{
	struct gt_enc_proc *pr = &e->procs.p[w->proc - 1];
	struct gt_event ev = { .ts = w->ktime,
			       .process = w->proc,
			       .p = -1,
			       .m = -1,
			       .qlen = -1,
			       .cpu = cpu,
			       .kind = GT_EV_SCHED };

	if (!gt_enc_own(e, pr, w))
		return GT_OK;
	int rc = gt_enc_where(e, pr, w, GT_M_SAME, &ev, err);
	switch (GT_WIRE_KIND(w)) {
	case GT_WIRE_ON_CPU: ev.reason = GT_SCHED_ON; break;
	case GT_WIRE_OFF_CPU:
		ev.reason = (uint8_t)left(w->aux & ~GT_WIRE_UNTOLD);
		ev.flags = w->aux & GT_WIRE_UNTOLD ? GT_EVF_RESYNC : 0;
		break;
	case GT_WIRE_WAKE: ev.reason = GT_SCHED_WAKES; break;
	case GT_WIRE_WAKE_NEW: ev.reason = GT_SCHED_BORN; break;
	default: /* GT_WIRE_FAULT */
		ev.kind = GT_EV_FAULT;
		ev.arg = w->aux;
		ev.gid = gt_engine_on_thread(e->engine, w->proc, ev.tid);
		if (!rc)
			rc = gt_enc_pc(e, pr, w->ra_kind & GT_WIRE_ADDR_MASK, GT_PC_EXACT, &ev.pc,
				       err);
	}
	if (rc)
		return rc;
	e->counts.events++;
	return gt_enc_give(e, &ev, err);
}
