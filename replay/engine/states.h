/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state table: what an event means for a goroutine, given what was believed of it. The
 * table is rows of states.c, one for each rule; everything else in the engine only carries
 * out what a cell says. docs/STATES.md is this table, printed.
 */
#ifndef GT_STATES_H
#define GT_STATES_H

#include <stdint.h>

#include "engine.h"

/*
 * What is believed of a goroutine: its state, and for three of them whether something is known
 * that changes what the next event means.
 */
enum gt_belief {
	/* 0 .. GT_S_COUNT - 1: enum gt_gstate */
	GT_B_CORO_WAIT = GT_S_COUNT, /* waiting since it switched to another coroutine */
	GT_B_SYS_PROBED,	     /* in a syscall, as the SYSENTER probe said */
	GT_B_RUN_PROBED,	     /* running, as the SYSEXIT probe said */
	GT_B_COUNT
};

/* What an event says, before anything is believed. */
enum gt_input {
	GT_IN_NONE = 0,
	GT_IN_ALLOC,	     /* 0->6, 0->11 */
	GT_IN_CREATE,	     /* 0,6,11->1 */
	GT_IN_CREATE_PARKED, /* 0,6,11->4 */
	GT_IN_C_ENTER,	     /* 0,6,11->3 */
	GT_IN_RUN,	     /* 1->2 */
	GT_IN_PARK_NEW,	     /* 1->4 */
	GT_IN_PARK,	     /* 2->4 by park_m, coroswitch_m, a debugger, or nobody knows whom */
	GT_IN_SELFWAIT,	     /* 2->4 by anyone else */
	GT_IN_RESUME,	     /* 4->2 */
	GT_IN_READY,	     /* 4,10->1 */
	GT_IN_UNPARK,	     /* 4->1 by park_m */
	GT_IN_YIELD,	     /* 2->1 */
	GT_IN_YIELD_NOP,     /* 2->1 by exitsyscallNoP */
	GT_IN_SYSENTER,	     /* 2->3 */
	GT_IN_SYSENTER_P,    /* the SYSENTER probe */
	GT_IN_SYSEXIT,	     /* 3->2 */
	GT_IN_SYSEXIT_P,     /* the SYSEXIT probe */
	GT_IN_SYSREADY,	     /* 3->1 */
	GT_IN_EXIT,	     /* 2->6 */
	GT_IN_C_LEAVE,	     /* 3->6, 3->11 */
	GT_IN_GROW,	     /* 2->8, 8->2 */
	GT_IN_LEAK,	     /* 4,10->10 */
	GT_IN_UNLEAK,	     /* 10->4 */
	GT_IN_PREEMPT,	     /* 2->9: the PREEMPT probe */
	GT_IN_PREEMPTED,     /* 9->4 */
	GT_IN_CORO,	     /* the CORO probe, for who yields */
	GT_IN_CORO_TO,	     /* the CORO probe, for whom it yields to */
	GT_IN_ODD,	     /* statuses that exist, a change that the runtime does not make */
	GT_IN_BAD,	     /* a status that does not exist */
	GT_IN_COUNT
};

/* What to do. All zero: no rule; see gt_states_lookup. */
struct gt_cell {
	uint8_t row;	/* index of the rule's row; 0: no rule */
	uint8_t via;	/* enum gt_belief inferred first, at the event's time; 0: none */
	uint8_t to;	/* enum gt_belief after the event */
	uint8_t repair; /* enum gt_repair */
	uint8_t before; /* enum gt_belief: gt_states_before of the input */
	bool created;	/* a goroutine begins */
};

/* Filled once for each engine: 3 KiB, so that nothing is global and nothing is searched. */
struct gt_states {
	struct gt_cell cell[GT_B_COUNT][GT_IN_COUNT];
	uint8_t input[4][16][16]; /* by role of the return address, old, new */
	uint8_t role[64];	  /* by enum gt_ra_class */
};

void gt_states_init(struct gt_states *t);
/* gt_states_overlap: a cell that two rows claim, as "belief input"; NULL none. For the tests. */
const char *gt_states_overlap(char buf[64]);

/* gt_states_input: CLASS is that of the event's return address. */
static inline enum gt_input gt_states_input(const struct gt_states *t, const struct gt_event *ev,
					    enum gt_ra_class cls)
{
	switch (ev->kind) {
	case GT_EV_STATUS:
		if ((ev->old | ev->new) > 15 || ev->flags & GT_EVF_BAD_STATUS)
			return GT_IN_BAD;
		return (enum gt_input)t->input[t->role[cls & 63]][ev->old][ev->new];
	case GT_EV_SYSENTER: return GT_IN_SYSENTER_P;
	case GT_EV_SYSEXIT: return GT_IN_SYSEXIT_P;
	case GT_EV_PREEMPT: return GT_IN_PREEMPT;
	case GT_EV_CORO: return GT_IN_CORO;
	default: return GT_IN_NONE;
	}
}
/* gt_states_before: the belief that INPUT needs to be true when it comes (old is truth). */
enum gt_belief gt_states_before(enum gt_input in);
/* gt_states_of_status: the state of a goroutine that memory shows in STATUS on thread TID. */
enum gt_gstate gt_states_of_status(uint8_t status, uint32_t tid);
bool gt_states_status_ok(uint8_t status);

static inline enum gt_gstate gt_belief_state(enum gt_belief b)
{
	static const uint8_t state[GT_B_COUNT] = {
		GT_S_UNKNOWN,  GT_S_IDLE,    GT_S_RUNNABLE, GT_S_RUNNING,
		GT_S_SELFWAIT, GT_S_SYSCALL, GT_S_WAITING,  GT_S_PREEMPTED,
		GT_S_DEAD,     GT_S_WAITING, GT_S_SYSCALL,  GT_S_RUNNING,
	};
	return (enum gt_gstate)state[b];
}

/* gt_belief_on_thread: the goroutine occupies a thread. */
static inline bool gt_belief_on_thread(enum gt_belief b)
{
	const unsigned on = 1u << GT_S_RUNNING | 1u << GT_S_SELFWAIT | 1u << GT_S_SYSCALL |
			    1u << GT_B_SYS_PROBED | 1u << GT_B_RUN_PROBED;
	return on >> b & 1;
}

const char *gt_belief_name(enum gt_belief b);
const char *gt_input_name(enum gt_input in); /* "running -> waiting (park)", ... */

/* One row of the table, as docs/STATES.md prints it. */
struct gt_rule {
	const char *rule; /* its number, "R5" */
	uint16_t from;	  /* bit for each enum gt_belief it holds for */
	uint32_t in;	  /* bit for each enum gt_input */
	uint8_t via, to;  /* as in struct gt_cell */
	uint8_t repair;	  /* enum gt_repair */
	bool created;	  /* a new goroutine */
	const char *why;
};

/* gt_states_rules: all rows; the first is the rule for cells that no row claims. */
const struct gt_rule *gt_states_rules(unsigned *ret_n);

#endif
