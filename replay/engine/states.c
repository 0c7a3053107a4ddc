/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state table itself, one row for each rule. Rule numbers: R1-R19 and the runtime's
 * bypasses of casgstatus B1-B4 are explained in docs/STATES.md.
 */
#include "states.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define B(b)  (1u << (b))
#define I(in) (1u << GT_IN_##in)

/* Sets of beliefs. */
#define NEW	 (B(GT_S_UNKNOWN) | B(GT_S_IDLE) | B(GT_S_DEAD))
#define U	 B(GT_S_UNKNOWN)
#define RUNNABLE B(GT_S_RUNNABLE)
#define RUNNING	 (B(GT_S_RUNNING) | B(GT_B_RUN_PROBED))
#define SELF	 B(GT_S_SELFWAIT)
#define SYSCALL	 (B(GT_S_SYSCALL) | B(GT_B_SYS_PROBED))
#define WAITING	 B(GT_S_WAITING)
#define CORO	 B(GT_B_CORO_WAIT)
#define PREEMPT	 B(GT_S_PREEMPTED)

static const struct gt_rule rules[] = {
	{ "R1", 0, 0, 0, 0, GT_R_LOST_BEFORE, false,
	  "what the runtime says it was is true: first the state that it was, then the event" },
	{ "R2", NEW, I(ALLOC), 0, GT_S_IDLE, 0, false, "a g struct is made, no goroutine yet" },
	{ "R3", NEW, I(CREATE), 0, GT_S_RUNNABLE, 0, true, "go statement" },
	{ "R3", NEW, I(CREATE_PARKED), 0, GT_B_CORO_WAIT, 0, true, "iter.Pull makes a coroutine" },
	{ "R3", U | RUNNABLE, I(PARK_NEW), 0, GT_B_CORO_WAIT, 0, false,
	  "a coroutine is parked as it is made (Go 1.22)" },
	{ "R4", U | RUNNABLE, I(RUN), 0, GT_S_RUNNING, 0, false,
	  "runs; whoever was on the thread left" },
	{ "R5", U | RUNNING, I(PARK), 0, GT_S_WAITING, 0, false, "blocks" },
	{ "R5", U | RUNNING, I(SELFWAIT), 0, GT_S_SELFWAIT, 0, false,
	  "status waiting, but at work for the runtime on its own thread" },
	{ "R5", U | SELF, I(RESUME), 0, GT_S_RUNNING, 0, false, "that work is done" },
	{ "R6", WAITING | CORO, I(UNPARK), 0, GT_S_RUNNABLE, GT_R_ABORTED_PARK, false,
	  "park_m undoes its own park; seen as it was, marked as no wait" },
	{ "R6", U, I(UNPARK), 0, GT_S_RUNNABLE, 0, false, "the same, its park not seen" },
	{ "R7", U | WAITING | CORO | PREEMPT, I(READY), 0, GT_S_RUNNABLE, 0, false, "is woken" },
	{ "R7 B1", RUNNING | SELF, I(READY), GT_S_PREEMPTED, GT_S_RUNNABLE, GT_R_UNSEEN_PREEMPT,
	  false, "had been stopped for a stack scan, without casgstatus" },
	{ "R7 B3", SYSCALL, I(READY), GT_S_PREEMPTED, GT_S_RUNNABLE, GT_R_UNSEEN_SYSEXIT, false,
	  "had returned and been stopped, both without casgstatus" },
	{ "R7 B1", U | RUNNING, I(PREEMPT), 0, GT_S_PREEMPTED, 0, false,
	  "is stopped for a stack scan" },
	{ "R7 B1", U | PREEMPT | WAITING, I(PREEMPTED), 0, GT_S_PREEMPTED, 0, false,
	  "the scanner took hold of it" },
	{ "R7 B1", RUNNING | SELF, I(PREEMPTED), 0, GT_S_PREEMPTED, GT_R_UNSEEN_PREEMPT, false,
	  "the same, its stop not seen" },
	{ "R8", WAITING, I(RESUME), 0, GT_S_RUNNING, 0, false,
	  "was at work for the runtime after all; accepted" },
	{ "R8 B2", CORO, I(RESUME), 0, GT_S_RUNNING, GT_R_UNSEEN_CORO, false,
	  "a coroutine was resumed unseen" },
	{ "R9", U | RUNNING, I(YIELD), 0, GT_S_RUNNABLE, 0, false, "yields, or is preempted" },
	{ "R9", U | B(GT_B_RUN_PROBED), I(YIELD_NOP), 0, GT_S_RUNNABLE, 0, false,
	  "came out of a syscall and found no P" },
	{ "R9 B3", B(GT_S_RUNNING), I(YIELD_NOP), GT_S_SYSCALL, GT_S_RUNNABLE, GT_R_UNSEEN_SYSENTER,
	  false, "the same; the syscall was not seen" },
	{ "R10", U | RUNNING, I(SYSENTER), 0, GT_S_SYSCALL, 0, false, "enters a syscall or C" },
	{ "R10", U | RUNNING, I(SYSENTER_P), 0, GT_B_SYS_PROBED, 0, false,
	  "enters a syscall or C (Go 1.26)" },
	{ "R10", U | SYSCALL, I(SYSEXIT), 0, GT_S_RUNNING, 0, false, "returns" },
	{ "R10", U | SYSCALL, I(SYSEXIT_P), 0, GT_B_RUN_PROBED, 0, false, "returns (Go 1.26)" },
	{ "R10", U | SYSCALL, I(SYSREADY), 0, GT_S_RUNNABLE, 0, false, "returns and finds no P" },
	{ "R10 B3", B(GT_S_RUNNING), I(SYSEXIT), GT_S_SYSCALL, GT_S_RUNNING, GT_R_UNSEEN_SYSENTER,
	  false, "was in a syscall that was not seen" },
	{ "R10 B3", RUNNING, I(SYSEXIT_P), GT_S_SYSCALL, GT_B_RUN_PROBED, GT_R_UNSEEN_SYSENTER,
	  false, "was in a syscall that was not seen" },
	{ "R10 B3", RUNNING, I(SYSREADY), GT_S_SYSCALL, GT_S_RUNNABLE, GT_R_UNSEEN_SYSENTER, false,
	  "was in a syscall that was not seen" },
	{ "R10 B3", SYSCALL, I(PARK), GT_S_RUNNING, GT_S_WAITING, GT_R_UNSEEN_SYSEXIT, false,
	  "had returned unseen, then blocks" },
	{ "R10 B3", SYSCALL, I(SELFWAIT), GT_S_RUNNING, GT_S_SELFWAIT, GT_R_UNSEEN_SYSEXIT, false,
	  "had returned unseen, then works for the runtime" },
	{ "R10 B3", SYSCALL, I(YIELD) | I(YIELD_NOP), GT_S_RUNNING, GT_S_RUNNABLE,
	  GT_R_UNSEEN_SYSEXIT, false, "had returned unseen, then yields" },
	{ "R10 B3", B(GT_S_SYSCALL), I(SYSENTER), GT_S_RUNNING, GT_S_SYSCALL, GT_R_UNSEEN_SYSEXIT,
	  false, "had returned unseen, then enters another" },
	{ "R10 B3", SYSCALL, I(SYSENTER_P), GT_S_RUNNING, GT_B_SYS_PROBED, GT_R_UNSEEN_SYSEXIT,
	  false, "had returned unseen, then enters another" },
	{ "R10 B3", SYSCALL, I(EXIT), GT_S_RUNNING, GT_S_DEAD, GT_R_UNSEEN_SYSEXIT, false,
	  "had returned unseen, then exits" },
	{ "R10 B3", SYSCALL, I(GROW), 0, GT_S_RUNNING, GT_R_UNSEEN_SYSEXIT, false,
	  "had returned unseen; its stack grows" },
	{ "R10 B3", SYSCALL, I(PREEMPT), GT_S_RUNNING, GT_S_PREEMPTED, GT_R_UNSEEN_SYSEXIT, false,
	  "had returned unseen, then is stopped" },
	{ "R10 B3", SYSCALL, I(CORO), GT_S_RUNNING, GT_B_CORO_WAIT, GT_R_UNSEEN_SYSEXIT, false,
	  "had returned unseen, then switches" },
	{ "R11", U | RUNNING, I(EXIT), 0, GT_S_DEAD, 0, false, "exits" },
	{ "R11", NEW, I(C_ENTER), 0, GT_S_SYSCALL, 0, true, "a C thread calls into Go" },
	{ "R11", U | SYSCALL, I(C_LEAVE), 0, GT_S_DEAD, 0, false, "the C thread leaves Go" },
	{ "R11 B3", RUNNING, I(C_LEAVE), GT_S_SYSCALL, GT_S_DEAD, GT_R_UNSEEN_SYSENTER, false,
	  "had left Go code unseen; the C thread leaves" },
	{ "R12", U | RUNNING, I(GROW), 0, GT_S_RUNNING, 0, false, "its stack grows: no change" },
	{ "R12", U | WAITING, I(LEAK) | I(UNLEAK), 0, GT_S_WAITING, 0, false,
	  "the leak finder marks it, or takes the mark back" },
	{ "R12", CORO, I(LEAK) | I(UNLEAK), 0, GT_B_CORO_WAIT, 0, false, "the same" },
	{ "R13 B2", CORO, I(PARK), GT_S_RUNNING, GT_S_WAITING, GT_R_UNSEEN_CORO, false,
	  "had taken over its thread unseen, then blocks; who was there waits" },
	{ "R13 B2", CORO, I(SELFWAIT), GT_S_RUNNING, GT_S_SELFWAIT, GT_R_UNSEEN_CORO, false,
	  "had taken over unseen, then works for the runtime" },
	{ "R13 B2", CORO, I(YIELD) | I(YIELD_NOP), GT_S_RUNNING, GT_S_RUNNABLE, GT_R_UNSEEN_CORO,
	  false, "had taken over unseen, then yields" },
	{ "R13 B2", CORO, I(SYSENTER), GT_S_RUNNING, GT_S_SYSCALL, GT_R_UNSEEN_CORO, false,
	  "had taken over unseen, then enters a syscall" },
	{ "R13 B2", CORO, I(SYSENTER_P), GT_S_RUNNING, GT_B_SYS_PROBED, GT_R_UNSEEN_CORO, false,
	  "had taken over unseen, then enters a syscall" },
	{ "R13 B2", CORO, I(EXIT), GT_S_RUNNING, GT_S_DEAD, GT_R_UNSEEN_CORO, false,
	  "had taken over unseen, then exits; its partner goes on" },
	{ "R13 B2", CORO, I(GROW), 0, GT_S_RUNNING, GT_R_UNSEEN_CORO, false,
	  "had taken over unseen; its stack grows" },
	{ "R13 B2", CORO, I(PREEMPT), GT_S_RUNNING, GT_S_PREEMPTED, GT_R_UNSEEN_CORO, false,
	  "had taken over unseen, then is stopped" },
	{ "R13 B2", CORO, I(CORO), GT_S_RUNNING, GT_B_CORO_WAIT, GT_R_UNSEEN_CORO, false,
	  "had taken over unseen, then switches on" },
	{ "R13", U | RUNNING, I(CORO), 0, GT_B_CORO_WAIT, 0, false,
	  "switches to another coroutine" },
	{ "R13", U | CORO, I(CORO_TO), 0, GT_S_RUNNING, 0, false, "is switched to" },
	{ "R15", B(GT_B_SYS_PROBED), I(SYSENTER), 0, GT_S_SYSCALL, GT_R_DUPLICATE, false,
	  "the probe has told it already" },
	{ "R15", B(GT_B_RUN_PROBED), I(SYSEXIT), 0, GT_B_RUN_PROBED, GT_R_DUPLICATE, false,
	  "the probe has told it already" },
};

#define N_RULES (sizeof(rules) / sizeof(rules[0]))

/* What a return address adds to (old, new). */
enum role { ROLE_OTHER, ROLE_PARK, ROLE_AS_PARK, ROLE_NOP };

static enum role role_of(enum gt_ra_class cls)
{
	switch ((int)cls) {
	case GT_RA_PARK: return ROLE_PARK;
	case GT_RA_EXITSYSCALL_NOP: return ROLE_NOP;
	/*
	 * An address that nobody could read or name is taken for a park: a self-wait taken for
	 * one ends by R8 within microseconds, while a park taken for a self-wait would show a
	 * blocked goroutine as running for as long as it blocks.
	 */
	case GT_RA_UNKNOWN:
	case GT_RA_CORO:
	case GT_RA_DEBUGCALL: return ROLE_AS_PARK;
	default: return ROLE_OTHER;
	}
}

bool gt_states_status_ok(uint8_t status)
{
	return status <= GT_G_DEADEXTRA && status != 5 && status != 7;
}

static bool is_free(uint8_t status)
{
	return status == GT_G_IDLE || status == GT_G_DEAD || status == GT_G_DEADEXTRA;
}

static enum gt_input from_free(uint8_t new)
{
	switch (new) {
	case GT_G_DEAD:
	case GT_G_DEADEXTRA: return GT_IN_ALLOC;
	case GT_G_RUNNABLE: return GT_IN_CREATE;
	case GT_G_WAITING: return GT_IN_CREATE_PARKED;
	case GT_G_SYSCALL: return GT_IN_C_ENTER;
	default: return GT_IN_ODD;
	}
}

static enum gt_input from_running(uint8_t new, enum role role)
{
	switch (new) {
	case GT_G_WAITING:
		return role == ROLE_PARK || role == ROLE_AS_PARK ? GT_IN_PARK : GT_IN_SELFWAIT;
	case GT_G_RUNNABLE: return role == ROLE_NOP ? GT_IN_YIELD_NOP : GT_IN_YIELD;
	case GT_G_SYSCALL: return GT_IN_SYSENTER;
	case GT_G_DEAD: return GT_IN_EXIT;
	case GT_G_COPYSTACK: return GT_IN_GROW;
	case GT_G_PREEMPTED: return GT_IN_PREEMPT;
	default: return GT_IN_ODD;
	}
}

static enum gt_input from_waiting(uint8_t old, uint8_t new, enum role role)
{
	switch (new) {
	case GT_G_RUNNABLE: return role == ROLE_PARK ? GT_IN_UNPARK : GT_IN_READY;
	case GT_G_RUNNING: return GT_IN_RESUME;
	case GT_G_LEAKED: return GT_IN_LEAK;
	case GT_G_WAITING: return old == GT_G_LEAKED ? GT_IN_UNLEAK : GT_IN_ODD;
	default: return GT_IN_ODD;
	}
}

static enum gt_input from_syscall(uint8_t new)
{
	switch (new) {
	case GT_G_RUNNING: return GT_IN_SYSEXIT;
	case GT_G_RUNNABLE: return GT_IN_SYSREADY;
	case GT_G_DEAD:
	case GT_G_DEADEXTRA: return GT_IN_C_LEAVE;
	default: return GT_IN_ODD;
	}
}

static enum gt_input classify(uint8_t old, uint8_t new, enum role role)
{
	if (!gt_states_status_ok(old) || !gt_states_status_ok(new))
		return GT_IN_BAD;
	if (is_free(old))
		return from_free(new);
	switch (old) {
	case GT_G_RUNNABLE:
		return new == GT_G_RUNNING   ? GT_IN_RUN
		       : new == GT_G_WAITING ? GT_IN_PARK_NEW
					     : GT_IN_ODD;
	case GT_G_RUNNING: return from_running(new, role);
	case GT_G_SYSCALL: return from_syscall(new);
	case GT_G_WAITING:
	case GT_G_LEAKED: return from_waiting(old, new, role);
	case GT_G_COPYSTACK: return new == GT_G_RUNNING ? GT_IN_GROW : GT_IN_ODD;
	default: return new == GT_G_WAITING ? GT_IN_PREEMPTED : GT_IN_ODD;
	}
}

static void fill(struct gt_states *t, const struct gt_rule *r, unsigned row)
{
	for (unsigned b = 0; b < GT_B_COUNT; b++) {
		for (unsigned in = 0; in < GT_IN_COUNT; in++) {
			struct gt_cell *c = &t->cell[b][in];

			if (!(r->from >> b & 1) || !(r->in >> in & 1))
				continue;
			c->row = (uint8_t)row;
			c->via = r->via;
			c->to = r->to;
			c->repair = r->repair;
			c->created = r->created;
		}
	}
}

void gt_states_init(struct gt_states *t)
{
	memset(t, 0, sizeof(*t));
	for (unsigned b = 0; b < GT_B_COUNT; b++) {
		for (unsigned in = 0; in < GT_IN_COUNT; in++)
			t->cell[b][in].before = (uint8_t)gt_states_before((enum gt_input)in);
	}
	for (unsigned i = 1; i < N_RULES; i++)
		fill(t, &rules[i], i);
	for (unsigned cls = 0; cls < sizeof(t->role); cls++)
		t->role[cls] = (uint8_t)role_of((enum gt_ra_class)cls);
	for (unsigned role = 0; role < 4; role++) {
		for (unsigned old = 0; old < 16; old++) {
			for (unsigned new = 0; new < 16; new ++)
				t->input[role][old][new] = (uint8_t)classify(
					(uint8_t)old, (uint8_t) new, (enum role)role);
		}
	}
}

const struct gt_rule *gt_states_rules(unsigned *ret_n)
{
	*ret_n = N_RULES;
	return rules;
}

enum gt_belief gt_states_before(enum gt_input in)
{
	switch (in) {
	case GT_IN_ALLOC:
	case GT_IN_CREATE:
	case GT_IN_CREATE_PARKED:
	case GT_IN_C_ENTER: return (enum gt_belief)GT_S_DEAD;
	case GT_IN_RUN:
	case GT_IN_PARK_NEW: return (enum gt_belief)GT_S_RUNNABLE;
	case GT_IN_RESUME: return (enum gt_belief)GT_S_SELFWAIT;
	case GT_IN_READY:
	case GT_IN_UNPARK:
	case GT_IN_LEAK:
	case GT_IN_UNLEAK: return (enum gt_belief)GT_S_WAITING;
	case GT_IN_SYSEXIT:
	case GT_IN_SYSEXIT_P:
	case GT_IN_SYSREADY:
	case GT_IN_C_LEAVE: return (enum gt_belief)GT_S_SYSCALL;
	case GT_IN_PREEMPTED: return (enum gt_belief)GT_S_PREEMPTED;
	case GT_IN_CORO_TO: return GT_B_CORO_WAIT;
	case GT_IN_YIELD_NOP: return GT_B_RUN_PROBED;
	case GT_IN_NONE:
	case GT_IN_ODD:
	case GT_IN_BAD:
	case GT_IN_COUNT: return (enum gt_belief)GT_S_UNKNOWN;
	default: return (enum gt_belief)GT_S_RUNNING;
	}
}

enum gt_gstate gt_states_of_status(uint8_t status, uint32_t tid)
{
	switch (status) {
	case GT_G_RUNNABLE: return GT_S_RUNNABLE;
	case GT_G_RUNNING:
	case GT_G_COPYSTACK: return GT_S_RUNNING;
	case GT_G_SYSCALL: return GT_S_SYSCALL;
	case GT_G_WAITING: return tid ? GT_S_SELFWAIT : GT_S_WAITING;
	case GT_G_LEAKED: return GT_S_WAITING;
	case GT_G_PREEMPTED: return GT_S_PREEMPTED;
	case GT_G_IDLE:
	case GT_G_DEAD:
	case GT_G_DEADEXTRA: return GT_S_DEAD;
	default: return GT_S_UNKNOWN;
	}
}

const char *gt_states_overlap(char buf[64])
{
	for (unsigned i = 1; i < N_RULES; i++) {
		for (unsigned j = i + 1; j < N_RULES; j++) {
			if (rules[i].from & rules[j].from && rules[i].in & rules[j].in) {
				snprintf(buf, 64, "rows %u and %u (%s, %s)", i, j, rules[i].rule,
					 rules[j].rule);
				return buf;
			}
		}
	}
	return NULL;
}
