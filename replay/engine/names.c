/* SPDX-License-Identifier: BSD-2-Clause */
/* The words for states, beliefs, inputs and repairs; the first and last are what users see. */
#include "states.h"

const char *gt_gstate_name(enum gt_gstate s)
{
	static const char *const names[GT_S_COUNT] = {
		[GT_S_UNKNOWN] = "unknown",   [GT_S_IDLE] = "idle",
		[GT_S_RUNNABLE] = "runnable", [GT_S_RUNNING] = "running",
		[GT_S_SELFWAIT] = "running",  [GT_S_SYSCALL] = "syscall",
		[GT_S_WAITING] = "waiting",   [GT_S_PREEMPTED] = "preempted",
		[GT_S_DEAD] = "dead",
	};
	return (unsigned)s < GT_S_COUNT ? names[s] : "unknown";
}

const char *gt_repair_name(enum gt_repair r)
{
	static const char *const names[GT_R_COUNT] = {
		[GT_R_NONE] = "none",
		[GT_R_UNSEEN_PREEMPT] = "unseen preemption",
		[GT_R_UNSEEN_CORO] = "unseen coroutine switch",
		[GT_R_UNSEEN_SYSENTER] = "unseen syscall entry",
		[GT_R_UNSEEN_SYSEXIT] = "unseen syscall exit",
		[GT_R_ABORTED_PARK] = "aborted park",
		[GT_R_THREAD_TAKEN] = "thread taken",
		[GT_R_GOID_MISMATCH] = "goid mismatch",
		[GT_R_BAD_STATUS] = "bad status",
		[GT_R_SNAPSHOT_DIFFERS] = "snapshot differs",
		[GT_R_LOST_BEFORE] = "lost before",
		[GT_R_DUPLICATE] = "duplicate",
		[GT_R_AFTER_LOSS] = "after loss",
	};
	return (unsigned)r < GT_R_COUNT ? names[r] : "unknown";
}

const char *gt_belief_name(enum gt_belief b)
{
	switch ((int)b) {
	case GT_S_SELFWAIT: return "self-wait";
	case GT_B_CORO_WAIT: return "coroutine wait";
	case GT_B_SYS_PROBED: return "syscall (probed)";
	case GT_B_RUN_PROBED: return "running (probed)";
	default: return gt_gstate_name((enum gt_gstate)b);
	}
}

const char *gt_input_name(enum gt_input in)
{
	static const char *const names[GT_IN_COUNT] = {
		[GT_IN_NONE] = "none",
		[GT_IN_ALLOC] = "0->6 0->11",
		[GT_IN_CREATE] = "6->1",
		[GT_IN_CREATE_PARKED] = "6->4",
		[GT_IN_C_ENTER] = "6->3 11->3",
		[GT_IN_RUN] = "1->2",
		[GT_IN_PARK_NEW] = "1->4",
		[GT_IN_PARK] = "2->4 park",
		[GT_IN_SELFWAIT] = "2->4 self",
		[GT_IN_RESUME] = "4->2",
		[GT_IN_READY] = "4->1",
		[GT_IN_UNPARK] = "4->1 park",
		[GT_IN_YIELD] = "2->1",
		[GT_IN_YIELD_NOP] = "2->1 no P",
		[GT_IN_SYSENTER] = "2->3",
		[GT_IN_SYSENTER_P] = "SYSENTER",
		[GT_IN_SYSEXIT] = "3->2",
		[GT_IN_SYSEXIT_P] = "SYSEXIT",
		[GT_IN_SYSREADY] = "3->1",
		[GT_IN_EXIT] = "2->6",
		[GT_IN_C_LEAVE] = "3->6 3->11",
		[GT_IN_GROW] = "2->8 8->2",
		[GT_IN_LEAK] = "4->10",
		[GT_IN_UNLEAK] = "10->4",
		[GT_IN_PREEMPT] = "PREEMPT",
		[GT_IN_PREEMPTED] = "9->4",
		[GT_IN_CORO] = "CORO from",
		[GT_IN_CORO_TO] = "CORO to",
		[GT_IN_ODD] = "odd",
		[GT_IN_BAD] = "bad",
	};
	return (unsigned)in < GT_IN_COUNT ? names[in] : "none";
}
