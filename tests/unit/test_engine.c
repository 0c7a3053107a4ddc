/* SPDX-License-Identifier: BSD-2-Clause */
/* The goroutine state machine, rule by rule, on events made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "replay/engine/engine.h"
#include "replay/engine/states.h"

#define MAX_STEPS 4096

/* An engine with its steps; pc ids are their own class, so that a test can say who called. */
struct rig {
	struct gt_engine *e;
	struct gt_step s[MAX_STEPS];
	size_t n;
	uint64_t now;
};

static void on_step(void *ctx, const struct gt_step *s)
{
	struct rig *r = ctx;
	const struct gt_gor_state *g = gt_engine_get(r->e, s->gid);

	assert_non_null(g);
	assert_int_equal(g->k.state, s->to);
	assert_true(r->n < MAX_STEPS);
	r->s[r->n++] = *s;
}

static enum gt_ra_class pc_class(void *ctx, uint32_t pc)
{
	(void)ctx;
	return (enum gt_ra_class)pc;
}

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct gt_engine_opts o = { .step = on_step, .ctx = r, .pc_class = pc_class };

	assert_non_null(r);
	assert_int_equal(gt_engine_new(&r->e, &o, NULL), GT_OK);
	r->now = 1000000000;
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	assert_int_equal(gt_engine_check(r->e, NULL), GT_OK);
	gt_engine_free(r->e);
	free(r);
	return 0;
}

static void feed(struct rig *r, const struct gt_event *ev)
{
	struct gt_err err = { 0 };

	assert_int_equal(gt_engine_event(r->e, ev, &err), GT_OK);
	if (gt_engine_check(r->e, &err))
		fail_msg("%s", err.msg);
}

/* 1 us later: GID goes from OLD to NEW on TID, called by RA; the steps before are forgotten. */
static struct gt_event ev(struct rig *r, uint64_t gid, uint32_t tid, uint8_t old, uint8_t new,
			  enum gt_ra_class ra)
{
	r->now += 1000;
	return (struct gt_event){ .ts = r->now,
				  .gid = gid,
				  .process = 1,
				  .tid = tid,
				  .ra = ra,
				  .p = 0,
				  .m = -1,
				  .qlen = -1,
				  .kind = GT_EV_STATUS,
				  .old = old,
				  .new = new };
}

static void st(struct rig *r, uint64_t gid, uint32_t tid, uint8_t old, uint8_t new,
	       enum gt_ra_class ra)
{
	struct gt_event e = ev(r, gid, tid, old, new, ra);

	r->n = 0;
	feed(r, &e);
}

static void probe(struct rig *r, uint64_t gid, uint32_t tid, enum gt_event_kind kind)
{
	struct gt_event e = ev(r, gid, tid, 0, 0, GT_RA_UNKNOWN);

	e.kind = (uint8_t)kind;
	r->n = 0;
	feed(r, &e);
}

static void snap(struct rig *r, uint64_t gid, uint32_t tid, uint8_t status, uint64_t later)
{
	struct gt_event e = ev(r, gid, tid, 0, status, GT_RA_UNKNOWN);

	e.kind = GT_EV_SNAP;
	e.ts = r->now += later;
	e.arg = 2000;
	e.reason = 14;
	e.stack = 77;
	r->n = 0;
	feed(r, &e);
}

static void row(struct rig *r, uint64_t gid, uint64_t gptr, uint32_t flags)
{
	struct gt_goroutine g = {
		.gid = gid, .goid = gid + 100, .gptr = gptr, .process = 1, .flags = flags
	};

	assert_int_equal(gt_engine_goroutine(r->e, &g, NULL), GT_OK);
}

static enum gt_gstate state_of(struct rig *r, uint64_t gid)
{
	const struct gt_gor_state *g = gt_engine_get(r->e, gid);
	return g ? (enum gt_gstate)g->k.state : GT_S_DEAD;
}

static uint64_t repairs(struct rig *r, enum gt_repair which)
{
	return gt_engine_repairs(r->e)[which];
}

static uint64_t all_repairs(struct rig *r)
{
	uint64_t n = 0;

	for (int i = 0; i < GT_R_COUNT; i++)
		n += gt_engine_repairs(r->e)[i];
	return n;
}

static void expect(struct rig *r, size_t i, uint64_t gid, enum gt_gstate from, enum gt_gstate to,
		   enum gt_repair repair)
{
	assert_true(i < r->n);
	assert_int_equal(r->s[i].gid, gid);
	assert_int_equal(r->s[i].from, from);
	assert_int_equal(r->s[i].to, to);
	assert_int_equal(r->s[i].repair, repair);
}

/* A goroutine that runs on TID. */
static void run(struct rig *r, uint64_t gid, uint32_t tid)
{
	st(r, gid, 9, 6, 1, GT_RA_NEWPROC);
	st(r, gid, tid, 1, 2, GT_RA_EXECUTE);
}

static void plain_life_needs_no_repair(void **state)
{
	struct rig *r = *state;
	struct gt_event e;

	st(r, 1, 5, 0, 6, GT_RA_NEWPROC);
	assert_int_equal(gt_engine_live(r->e), 0);
	e = ev(r, 1, 5, 6, 1, GT_RA_NEWPROC);
	e.actor = 42;
	e.stack = 3;
	r->n = 0;
	feed(r, &e);
	expect(r, 0, 1, GT_S_IDLE, GT_S_RUNNABLE, 0);
	assert_true(r->s[0].created);
	assert_int_equal(r->s[0].waker, 42);
	assert_int_equal(gt_engine_get(r->e, 1)->k.g.parent, 42);
	assert_int_equal(gt_engine_get(r->e, 1)->k.g.stack, 3);
	assert_int_equal(gt_engine_get(r->e, 1)->k.g.created_ns, e.ts);
	assert_int_equal(gt_engine_live(r->e), 1);
	st(r, 1, 6, 1, 2, GT_RA_EXECUTE);
	expect(r, 0, 1, GT_S_RUNNABLE, GT_S_RUNNING, 0);
	assert_int_equal(gt_engine_on_thread(r->e, 1, 6), 1);
	e = ev(r, 1, 6, 2, 4, GT_RA_PARK);
	e.reason = 14;
	e.stack = 8;
	r->n = 0;
	feed(r, &e);
	expect(r, 0, 1, GT_S_RUNNING, GT_S_WAITING, 0);
	assert_int_equal(r->s[0].reason, 14);
	assert_int_equal(r->s[0].stack, 8);
	assert_int_equal(gt_engine_on_thread(r->e, 1, 6), 0);
	e = ev(r, 1, 7, 4, 1, GT_RA_READY);
	e.actor = 43;
	r->n = 0;
	feed(r, &e);
	expect(r, 0, 1, GT_S_WAITING, GT_S_RUNNABLE, 0);
	assert_int_equal(r->s[0].waker, 43);
	assert_int_equal(r->s[0].from_reason, 14);
	st(r, 1, 6, 1, 2, GT_RA_EXECUTE);
	st(r, 1, 6, 2, 3, GT_RA_ENTERSYSCALL);
	st(r, 1, 6, 3, 2, GT_RA_EXITSYSCALL);
	st(r, 1, 6, 2, 6, GT_RA_GOEXIT);
	expect(r, 0, 1, GT_S_RUNNING, GT_S_DEAD, 0);
	assert_null(gt_engine_get(r->e, 1));
	assert_int_equal(gt_engine_live(r->e), 0);
	assert_int_equal(all_repairs(r), 0);
}

static void self_wait_keeps_its_thread(void **state)
{
	struct rig *r = *state;

	run(r, 1, 5);
	st(r, 1, 5, 2, 4, GT_RA_SELFWAIT);
	assert_int_equal(state_of(r, 1), GT_S_SELFWAIT);
	assert_int_equal(gt_engine_on_thread(r->e, 1, 5), 1);
	assert_string_equal(gt_gstate_name(GT_S_SELFWAIT), "running");
	st(r, 1, 5, 4, 2, GT_RA_SELFWAIT);
	assert_int_equal(state_of(r, 1), GT_S_RUNNING);
	assert_int_equal(all_repairs(r), 0);
}

static void wakers_are_goroutines_only_where_ready_called(void **state)
{
	struct rig *r = *state;
	static const struct {
		enum gt_ra_class ra;
		uint64_t waker;
	} t[] = {
		{ GT_RA_READY, 42 }, { GT_RA_INJECT, 0 }, { GT_RA_FIND, 0 }, { GT_RA_FINDGC, 0 }
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint64_t gid = i + 1;
		struct gt_event e;

		run(r, gid, 5);
		st(r, gid, 5, 2, 4, GT_RA_PARK);
		e = ev(r, gid, 6, 4, 1, t[i].ra);
		e.actor = 42;
		r->n = 0;
		feed(r, &e);
		assert_int_equal(r->s[0].waker, t[i].waker);
		assert_int_equal(r->s[0].wake_class, t[i].ra);
	}
}

static void aborted_park_is_told_as_seen_and_marked(void **state)
{
	struct rig *r = *state;

	run(r, 1, 5);
	st(r, 1, 5, 2, 4, GT_RA_PARK);
	st(r, 1, 5, 4, 1, GT_RA_PARK);
	expect(r, 0, 1, GT_S_WAITING, GT_S_RUNNABLE, GT_R_ABORTED_PARK);
	st(r, 1, 5, 1, 2, GT_RA_EXECUTE);
	assert_int_equal(state_of(r, 1), GT_S_RUNNING);
	assert_int_equal(repairs(r, GT_R_ABORTED_PARK), 1);
	assert_int_equal(all_repairs(r), 1);
}

static void preemption_unseen_begins_when_the_thread_runs_another(void **state)
{
	struct rig *r = *state;
	uint64_t t;

	run(r, 1, 5);
	st(r, 2, 9, 6, 1, GT_RA_NEWPROC);
	st(r, 2, 5, 1, 2, GT_RA_EXECUTE);
	t = r->now;
	expect(r, 0, 1, GT_S_RUNNING, GT_S_PREEMPTED, GT_R_UNSEEN_PREEMPT);
	assert_int_equal(r->s[0].ts, t);
	expect(r, 1, 2, GT_S_RUNNABLE, GT_S_RUNNING, 0);
	st(r, 1, 5, 4, 1, GT_RA_READY);
	expect(r, 0, 1, GT_S_PREEMPTED, GT_S_RUNNABLE, 0);
	assert_int_equal(r->s[0].since_ns, t);
	assert_int_equal(all_repairs(r), 1);
}

static void preemption_unseen_else_begins_at_the_wakeup(void **state)
{
	struct rig *r = *state;

	run(r, 1, 5);
	st(r, 1, 8, 4, 1, GT_RA_READY);
	expect(r, 0, 1, GT_S_RUNNING, GT_S_PREEMPTED, GT_R_UNSEEN_PREEMPT);
	expect(r, 1, 1, GT_S_PREEMPTED, GT_S_RUNNABLE, 0);
	assert_int_equal(r->s[0].ts, r->s[1].ts);
	assert_int_equal(gt_engine_on_thread(r->e, 1, 5), 0);
}

static void preemption_probe_is_exact(void **state)
{
	struct rig *r = *state;

	run(r, 1, 5);
	probe(r, 1, 5, GT_EV_PREEMPT);
	expect(r, 0, 1, GT_S_RUNNING, GT_S_PREEMPTED, 0);
	st(r, 2, 9, 6, 1, GT_RA_NEWPROC);
	st(r, 2, 5, 1, 2, GT_RA_EXECUTE);
	assert_int_equal(r->n, 1);
	st(r, 1, 8, 4, 1, GT_RA_READY);
	assert_int_equal(all_repairs(r), 0);
}

static void syscalls_unseen_are_put_in(void **state)
{
	struct rig *r = *state;

	run(r, 1, 5);
	st(r, 1, 5, 3, 2, GT_RA_EXITSYSCALL);
	expect(r, 0, 1, GT_S_RUNNING, GT_S_SYSCALL, GT_R_UNSEEN_SYSENTER);
	expect(r, 1, 1, GT_S_SYSCALL, GT_S_RUNNING, 0);
	st(r, 1, 5, 2, 3, GT_RA_ENTERSYSBLOCK);
	st(r, 1, 5, 2, 4, GT_RA_PARK);
	expect(r, 0, 1, GT_S_SYSCALL, GT_S_RUNNING, GT_R_UNSEEN_SYSEXIT);
	expect(r, 1, 1, GT_S_RUNNING, GT_S_WAITING, 0);
	run(r, 2, 6);
	st(r, 2, 6, 2, 1, GT_RA_EXITSYSCALL_NOP);
	expect(r, 0, 2, GT_S_RUNNING, GT_S_SYSCALL, GT_R_UNSEEN_SYSENTER);
	expect(r, 1, 2, GT_S_SYSCALL, GT_S_RUNNABLE, 0);
}

static void probe_and_casgstatus_tell_one_syscall_once(void **state)
{
	struct rig *r = *state;

	run(r, 1, 5);
	probe(r, 1, 5, GT_EV_SYSENTER);
	expect(r, 0, 1, GT_S_RUNNING, GT_S_SYSCALL, 0);
	st(r, 1, 5, 2, 3, GT_RA_ENTERSYSCALL);
	assert_int_equal(r->n, 0);
	probe(r, 1, 5, GT_EV_SYSEXIT);
	expect(r, 0, 1, GT_S_SYSCALL, GT_S_RUNNING, 0);
	st(r, 1, 5, 3, 2, GT_RA_EXITSYSCALL);
	assert_int_equal(r->n, 0);
	assert_int_equal(repairs(r, GT_R_DUPLICATE), 2);
	assert_int_equal(all_repairs(r), 2);
	probe(r, 1, 5, GT_EV_SYSENTER);
	probe(r, 1, 5, GT_EV_SYSEXIT);
	st(r, 1, 5, 2, 1, GT_RA_EXITSYSCALL_NOP);
	expect(r, 0, 1, GT_S_RUNNING, GT_S_RUNNABLE, 0);
	assert_int_equal(all_repairs(r), 2);
}

static void c_thread_enters_and_leaves(void **state)
{
	struct rig *r = *state;

	st(r, 1, 5, 11, 3, GT_RA_NEEDM);
	expect(r, 0, 1, GT_S_IDLE, GT_S_SYSCALL, 0);
	assert_true(r->s[0].created);
	assert_true(gt_engine_get(r->e, 1)->k.g.flags & GT_GF_EXTRAM);
	probe(r, 1, 5, GT_EV_SYSEXIT);
	probe(r, 1, 5, GT_EV_SYSENTER);
	st(r, 1, 5, 3, 11, GT_RA_DROPM);
	expect(r, 0, 1, GT_S_SYSCALL, GT_S_DEAD, 0);
	st(r, 2, 5, 6, 3, GT_RA_NEEDM);
	st(r, 2, 5, 3, 2, GT_RA_EXITSYSCALL);
	st(r, 2, 5, 3, 6, GT_RA_DROPM);
	expect(r, 0, 2, GT_S_RUNNING, GT_S_SYSCALL, GT_R_UNSEEN_SYSENTER);
	assert_int_equal(gt_engine_live(r->e), 0);
}

static void stack_growth_changes_nothing(void **state)
{
	struct rig *r = *state;

	run(r, 1, 5);
	st(r, 1, 5, 2, 8, GT_RA_NEWSTACK);
	assert_int_equal(r->n, 0);
	st(r, 1, 5, 8, 2, GT_RA_NEWSTACK);
	assert_int_equal(r->n, 0);
	assert_int_equal(all_repairs(r), 0);
}

static void leak_mark_comes_and_goes(void **state)
{
	struct rig *r = *state;

	run(r, 1, 5);
	st(r, 1, 5, 2, 4, GT_RA_PARK);
	st(r, 1, 8, 4, 10, GT_RA_LEAKCHECK);
	st(r, 1, 8, 4, 10, GT_RA_LEAKCHECK);
	assert_true(gt_engine_get(r->e, 1)->k.kflags & GT_KF_LEAKED);
	assert_int_equal(state_of(r, 1), GT_S_WAITING);
	st(r, 1, 8, 10, 1, GT_RA_READY);
	assert_false(gt_engine_get(r->e, 1)->k.kflags & GT_KF_LEAKED);
	assert_int_equal(all_repairs(r), 0);
}

/* Goroutine 1 on thread 5, and its coroutine 2, parked as made, reason 38. */
static void coroutine_pair(struct rig *r)
{
	struct gt_event e;

	run(r, 1, 5);
	e = ev(r, 2, 5, 6, 4, GT_RA_NEWPROC);
	e.actor = 1;
	e.reason = 38;
	r->n = 0;
	feed(r, &e);
	expect(r, 0, 2, GT_S_IDLE, GT_S_WAITING, 0);
	assert_int_equal(r->s[0].reason, 38);
}

static void coroutine_that_took_over_unseen_sends_its_partner_waiting(void **state)
{
	struct rig *r = *state;

	coroutine_pair(r);
	st(r, 2, 5, 2, 4, GT_RA_PARK);
	assert_int_equal(r->n, 3);
	expect(r, 0, 1, GT_S_RUNNING, GT_S_WAITING, GT_R_UNSEEN_CORO);
	assert_int_equal(r->s[0].reason, 38);
	expect(r, 1, 2, GT_S_WAITING, GT_S_RUNNING, GT_R_UNSEEN_CORO);
	expect(r, 2, 2, GT_S_RUNNING, GT_S_WAITING, 0);
	/* It is woken, goes on elsewhere, and its partner takes over there. */
	st(r, 2, 6, 4, 1, GT_RA_READY);
	st(r, 2, 6, 1, 2, GT_RA_EXECUTE);
	st(r, 1, 6, 2, 3, GT_RA_ENTERSYSCALL);
	expect(r, 0, 2, GT_S_RUNNING, GT_S_WAITING, GT_R_UNSEEN_CORO);
	assert_int_equal(state_of(r, 1), GT_S_SYSCALL);
	assert_int_equal(repairs(r, GT_R_UNSEEN_CORO), 2);
	assert_int_equal(all_repairs(r), 2);
}

static void coroutine_that_exits_gives_its_thread_back(void **state)
{
	struct rig *r = *state;

	coroutine_pair(r);
	st(r, 2, 5, 2, 6, GT_RA_GOEXIT);
	assert_int_equal(state_of(r, 2), GT_S_DEAD);
	assert_int_equal(state_of(r, 1), GT_S_RUNNING);
	assert_int_equal(gt_engine_on_thread(r->e, 1, 5), 1);
	assert_int_equal(all_repairs(r), 1);
	st(r, 1, 5, 2, 4, GT_RA_PARK);
	assert_int_equal(all_repairs(r), 1);
}

static void coroutine_seen_running_resumes_its_partner_as_it_exits(void **state)
{
	struct rig *r = *state;

	coroutine_pair(r);
	st(r, 2, 5, 2, 4, GT_RA_PARK);
	st(r, 2, 6, 4, 1, GT_RA_READY);
	st(r, 2, 6, 1, 2, GT_RA_EXECUTE);
	st(r, 2, 6, 2, 6, GT_RA_GOEXIT);
	expect(r, 0, 2, GT_S_RUNNING, GT_S_DEAD, 0);
	expect(r, 1, 1, GT_S_WAITING, GT_S_RUNNING, GT_R_UNSEEN_CORO);
	assert_int_equal(gt_engine_on_thread(r->e, 1, 6), 1);
}

static void coroutine_probe_is_exact(void **state)
{
	struct rig *r = *state;
	struct gt_event e;

	coroutine_pair(r);
	e = ev(r, 1, 5, 0, 0, GT_RA_UNKNOWN);
	e.kind = GT_EV_CORO;
	e.actor = 2;
	r->n = 0;
	feed(r, &e);
	expect(r, 0, 1, GT_S_RUNNING, GT_S_WAITING, 0);
	assert_int_equal(r->s[0].reason, 38);
	expect(r, 1, 2, GT_S_WAITING, GT_S_RUNNING, 0);
	e.gid = 2;
	e.actor = 1;
	e.ts = r->now += 1000;
	feed(r, &e);
	st(r, 2, 5, 2, 6, GT_RA_GOEXIT);
	expect(r, 0, 2, GT_S_WAITING, GT_S_DEAD, 0);
	assert_int_equal(state_of(r, 1), GT_S_RUNNING);
	assert_int_equal(all_repairs(r), 0);
}

static void coroutine_thought_preempted_comes_back(void **state)
{
	struct rig *r = *state;

	coroutine_pair(r);
	/* 1 switches to 2 unseen, 2 is stopped unseen; the thread runs 3; 2 goes on on 6. */
	run(r, 3, 5);
	assert_int_equal(state_of(r, 1), GT_S_PREEMPTED);
	st(r, 2, 8, 4, 1, GT_RA_READY);
	st(r, 2, 6, 1, 2, GT_RA_EXECUTE);
	st(r, 1, 6, 2, 4, GT_RA_PARK);
	assert_int_equal(state_of(r, 1), GT_S_WAITING);
	assert_int_equal(state_of(r, 2), GT_S_WAITING);
	assert_int_equal(repairs(r, GT_R_LOST_BEFORE), 0);
	assert_int_equal(repairs(r, GT_R_UNSEEN_CORO), 1);
}

static void thread_taken_without_explanation_leaves_unknown(void **state)
{
	struct rig *r = *state;

	run(r, 1, 5);
	st(r, 1, 5, 2, 3, GT_RA_ENTERSYSCALL);
	run(r, 2, 5);
	expect(r, 0, 1, GT_S_SYSCALL, GT_S_UNKNOWN, GT_R_THREAD_TAKEN);
	assert_int_equal(gt_engine_on_thread(r->e, 1, 5), 2);
}

static void old_status_is_the_truth(void **state)
{
	struct rig *r = *state;

	st(r, 1, 9, 6, 1, GT_RA_NEWPROC);
	st(r, 1, 5, 2, 4, GT_RA_PARK);
	expect(r, 0, 1, GT_S_RUNNABLE, GT_S_RUNNING, GT_R_LOST_BEFORE);
	expect(r, 1, 1, GT_S_RUNNING, GT_S_WAITING, 0);
	assert_int_equal(all_repairs(r), 1);
}

static void first_sight_of_a_goroutine_is_no_contradiction(void **state)
{
	struct rig *r = *state;

	st(r, 1, 5, 4, 1, GT_RA_READY);
	expect(r, 0, 1, GT_S_UNKNOWN, GT_S_RUNNABLE, 0);
	assert_int_equal(r->s[0].since_ns, 0);
	st(r, 2, 5, 2, 6, GT_RA_GOEXIT);
	st(r, 3, 5, 8, 2, GT_RA_NEWSTACK);
	assert_int_equal(state_of(r, 3), GT_S_RUNNING);
	assert_int_equal(all_repairs(r), 0);
}

static void bad_status_is_kept_and_counted(void **state)
{
	struct rig *r = *state;
	struct gt_event e;

	run(r, 1, 5);
	st(r, 1, 5, 2, 5, GT_RA_UNKNOWN);
	expect(r, 0, 1, GT_S_RUNNING, GT_S_UNKNOWN, GT_R_BAD_STATUS);
	st(r, 1, 5, 200, 4, GT_RA_UNKNOWN);
	assert_int_equal(state_of(r, 1), GT_S_WAITING);
	e = ev(r, 1, 5, 4, 1, GT_RA_READY);
	e.flags = GT_EVF_BAD_STATUS;
	feed(r, &e);
	assert_int_equal(repairs(r, GT_R_BAD_STATUS), 3);
}

static void address_used_again_ends_who_had_it(void **state)
{
	struct rig *r = *state;

	row(r, 1, 0xc000001000, 0);
	run(r, 1, 5);
	st(r, 1, 5, 2, 4, GT_RA_PARK);
	row(r, 2, 0xc000001000, 0);
	st(r, 2, 5, 6, 1, GT_RA_NEWPROC);
	expect(r, 0, 1, GT_S_WAITING, GT_S_DEAD, GT_R_LOST_BEFORE);
	expect(r, 1, 2, GT_S_IDLE, GT_S_RUNNABLE, 0);
	assert_int_equal(gt_engine_live(r->e), 1);
}

static void goid_mismatch_is_counted_and_survived(void **state)
{
	struct rig *r = *state;
	struct gt_event e;

	run(r, 1, 5);
	e = ev(r, 1, 5, 4, 1, GT_RA_READY);
	e.flags = GT_EVF_RESYNC;
	r->n = 0;
	feed(r, &e);
	expect(r, 0, 1, GT_S_RUNNING, GT_S_UNKNOWN, GT_R_GOID_MISMATCH);
	expect(r, 1, 1, GT_S_UNKNOWN, GT_S_RUNNABLE, 0);
	assert_int_equal(all_repairs(r), 1);
}

static void snapshot_tells_what_existed(void **state)
{
	struct rig *r = *state;
	const struct gt_key *k;

	row(r, 1, 0xc000001000, GT_GF_EXISTED);
	assert_int_equal(gt_engine_live(r->e), 0);
	assert_null(gt_engine_next(r->e, 0));
	assert_non_null(gt_engine_next_key(r->e, 0));
	snap(r, 1, 0, 4, 0);
	expect(r, 0, 1, GT_S_UNKNOWN, GT_S_WAITING, 0);
	assert_true(r->s[0].snapshot);
	k = &gt_engine_get(r->e, 1)->k;
	assert_int_equal(k->since_ns, 0);
	assert_int_equal(k->reason, 14);
	assert_int_equal(k->stack, 77);
	assert_int_equal(gt_engine_live(r->e), 1);
	row(r, 2, 0xc000002000, GT_GF_EXISTED);
	snap(r, 2, 5, 2, 0);
	assert_int_equal(gt_engine_on_thread(r->e, 1, 5), 2);
	row(r, 3, 0xc000003000, GT_GF_EXISTED);
	snap(r, 3, 6, 4, 0);
	assert_int_equal(state_of(r, 3), GT_S_SELFWAIT);
	assert_int_equal(all_repairs(r), 0);
}

static void events_within_the_reading_win_over_a_snapshot(void **state)
{
	struct rig *r = *state;

	row(r, 1, 0, GT_GF_EXISTED);
	st(r, 1, 5, 4, 1, GT_RA_READY);
	snap(r, 1, 0, 4, 500000);
	assert_int_equal(r->n, 0);
	assert_int_equal(state_of(r, 1), GT_S_RUNNABLE);
	assert_int_equal(all_repairs(r), 0);
}

static void snapshot_of_a_dead_goroutine_is_ignored(void **state)
{
	struct rig *r = *state;

	row(r, 1, 0, GT_GF_EXISTED);
	st(r, 1, 5, 2, 6, GT_RA_GOEXIT);
	snap(r, 1, 5, 2, 0);
	assert_int_equal(gt_engine_live(r->e), 0);
	snap(r, 99, 0, 4, 0);
	assert_int_equal(gt_engine_live(r->e), 0);
	assert_int_equal(all_repairs(r), 0);
}

static void snapshot_confirms_and_adds_the_block_stack(void **state)
{
	struct rig *r = *state;
	const struct gt_key *k;

	run(r, 1, 5);
	st(r, 1, 5, 2, 4, GT_RA_PARK);
	snap(r, 1, 0, 4, 10000000);
	assert_int_equal(r->n, 0);
	k = &gt_engine_get(r->e, 1)->k;
	assert_int_equal(k->stack, 77);
	assert_int_equal(k->reason, 14);
	assert_int_equal(all_repairs(r), 0);
}

static void snapshot_that_contradicts_puts_right(void **state)
{
	struct rig *r = *state;

	run(r, 1, 5);
	st(r, 1, 5, 2, 4, GT_RA_PARK);
	snap(r, 1, 0, 1, 10000000);
	expect(r, 0, 1, GT_S_WAITING, GT_S_RUNNABLE, GT_R_SNAPSHOT_DIFFERS);
	assert_int_equal(repairs(r, GT_R_SNAPSHOT_DIFFERS), 1);
	snap(r, 1, 0, 6, 10000000);
	assert_int_equal(state_of(r, 1), GT_S_DEAD);
	assert_int_equal(gt_engine_live(r->e), 0);
}

static void snapshot_of_the_status_before_a_late_change_is_a_race(void **state)
{
	struct rig *r = *state;

	run(r, 1, 5);
	st(r, 1, 5, 2, 4, GT_RA_PARK);
	snap(r, 1, 5, 2, 20000000);
	assert_int_equal(r->n, 0);
	assert_int_equal(state_of(r, 1), GT_S_WAITING);
	assert_int_equal(all_repairs(r), 0);
	snap(r, 1, 5, 2, 2000000000);
	assert_int_equal(state_of(r, 1), GT_S_RUNNING);
	assert_int_equal(repairs(r, GT_R_SNAPSHOT_DIFFERS), 1);
}

static void loss_makes_uncertain_and_explains(void **state)
{
	struct rig *r = *state;
	struct gt_loss l = { .process = 1, .cpu = 3, .cause = GT_LOSS_RING_FULL, .count = 9 };

	run(r, 1, 5);
	run(r, 2, 6);
	l.t0 = r->now + 1;
	l.t1 = r->now + 500;
	assert_int_equal(gt_engine_loss(r->e, &l, NULL), GT_OK);
	assert_true(gt_engine_get(r->e, 1)->k.kflags & GT_KF_UNCERTAIN);
	st(r, 1, 5, 4, 2, GT_RA_SELFWAIT);
	expect(r, 0, 1, GT_S_RUNNING, GT_S_SELFWAIT, GT_R_AFTER_LOSS);
	assert_true(r->s[0].uncertain);
	assert_false(r->s[1].uncertain);
	assert_false(gt_engine_get(r->e, 1)->k.kflags & GT_KF_UNCERTAIN);
	assert_true(gt_engine_get(r->e, 2)->k.kflags & GT_KF_UNCERTAIN);
	assert_int_equal(repairs(r, GT_R_LOST_BEFORE), 0);
	snap(r, 2, 6, 2, 10000000);
	assert_false(gt_engine_get(r->e, 2)->k.kflags & GT_KF_UNCERTAIN);
	assert_int_equal(all_repairs(r), 1);
}

/* Bring goroutine 1 into BELIEF, on thread 5 where it has one. */
static void bring(struct rig *r, enum gt_belief b)
{
	switch ((int)b) {
	case GT_S_UNKNOWN: row(r, 1, 0, GT_GF_EXISTED); return;
	case GT_S_IDLE: st(r, 1, 5, 0, 6, GT_RA_NEWPROC); return;
	case GT_S_DEAD:
		run(r, 1, 5);
		st(r, 1, 5, 2, 6, GT_RA_GOEXIT);
		return;
	case GT_S_RUNNABLE: st(r, 1, 5, 6, 1, GT_RA_NEWPROC); return;
	case GT_B_CORO_WAIT: st(r, 1, 5, 6, 4, GT_RA_NEWPROC); return;
	default: break;
	}
	run(r, 1, 5);
	switch ((int)b) {
	case GT_S_SELFWAIT: st(r, 1, 5, 2, 4, GT_RA_SELFWAIT); break;
	case GT_S_SYSCALL: st(r, 1, 5, 2, 3, GT_RA_ENTERSYSCALL); break;
	case GT_S_WAITING: st(r, 1, 5, 2, 4, GT_RA_PARK); break;
	case GT_S_PREEMPTED: probe(r, 1, 5, GT_EV_PREEMPT); break;
	case GT_B_SYS_PROBED: probe(r, 1, 5, GT_EV_SYSENTER); break;
	case GT_B_RUN_PROBED:
		probe(r, 1, 5, GT_EV_SYSENTER);
		probe(r, 1, 5, GT_EV_SYSEXIT);
		break;
	default: break;
	}
}

static void check_chain(const struct rig *r, uint64_t gid, uint64_t since, enum gt_gstate from)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->s[i].gid != gid)
			continue;
		if (!r->s[i].created) {
			assert_int_equal(r->s[i].from, from);
			assert_int_equal(r->s[i].since_ns, since);
		}
		assert_true(r->s[i].ts >= r->s[i].since_ns);
		assert_int_not_equal(r->s[i].from, r->s[i].to);
		from = (enum gt_gstate)r->s[i].to;
		since = r->s[i].ts;
	}
}

/* Every belief, every pair of statuses, every kind of caller: the result is what NEW says. */
static void every_belief_meets_every_transition(void **state)
{
	static const enum gt_ra_class ras[] = { GT_RA_UNKNOWN, GT_RA_PARK, GT_RA_READY,
						GT_RA_SELFWAIT, GT_RA_EXITSYSCALL_NOP };
	(void)state;
	for (unsigned b = 0; b < GT_B_COUNT; b++) {
		for (unsigned c = 0; c < 5u * 16 * 16; c++) {
			uint8_t old = c / 16 % 16, new = c % 16;
			enum gt_ra_class ra = ras[c / 256];
			bool self = old == GT_G_RUNNING &&
				    new == GT_G_WAITING &&ra != GT_RA_UNKNOWN &&ra != GT_RA_PARK;
			bool free9 = old == GT_G_PREEMPTED && new == GT_G_WAITING;
			enum gt_gstate want = gt_states_of_status(new, self ? 1 : 0), got;
			const struct gt_gor_state *g;
			uint64_t since = 0;
			enum gt_gstate from = GT_S_UNKNOWN;
			struct rig *r;
			void *p;

			setup(&p);
			r = p;
			bring(r, (enum gt_belief)b);
			g = gt_engine_get(r->e, 1);
			if (g) {
				since = g->k.since_ns;
				from = (enum gt_gstate)g->k.state;
			}
			st(r, 1, 5, old, new, ra);
			check_chain(r, 1, since, from);
			got = state_of(r, 1);
			if (free9)
				want = GT_S_PREEMPTED;
			if (got == GT_S_IDLE)
				got = GT_S_DEAD;
			if (got != want)
				fail_msg("%s, %u -> %u: %s, not %s",
					 gt_belief_name((enum gt_belief)b), old, new,
					 gt_gstate_name(got), gt_gstate_name(want));
			teardown(&p);
		}
	}
}

static void table_has_one_row_a_cell_and_a_way_for_each_input(void **state)
{
	struct gt_states *t = malloc(sizeof(*t));
	char buf[64];

	(void)state;
	assert_non_null(t);
	if (gt_states_overlap(buf))
		fail_msg("%s", buf);
	gt_states_init(t);
	for (unsigned in = GT_IN_ALLOC; in < GT_IN_ODD; in++) {
		enum gt_belief before = gt_states_before((enum gt_input)in);

		if (!t->cell[before][in].row || t->cell[before][in].via)
			fail_msg("no plain row for '%s'", gt_input_name((enum gt_input)in));
		if (!t->cell[GT_S_UNKNOWN][in].row || t->cell[GT_S_UNKNOWN][in].via)
			fail_msg("first sight of '%s'", gt_input_name((enum gt_input)in));
	}
	free(t);
}

static void gid_out_of_bounds_is_refused(void **state)
{
	struct rig *r = *state;
	struct gt_event e = ev(r, (uint64_t)1 << 60, 5, 6, 1, GT_RA_NEWPROC);
	struct gt_err err = { 0 };

	assert_int_equal(gt_engine_event(r->e, &e, &err), GT_LIMIT);
	e.gid = 0;
	assert_int_equal(gt_engine_event(r->e, &e, &err), GT_OK);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(plain_life_needs_no_repair),
		T(self_wait_keeps_its_thread),
		T(wakers_are_goroutines_only_where_ready_called),
		T(aborted_park_is_told_as_seen_and_marked),
		T(preemption_unseen_begins_when_the_thread_runs_another),
		T(preemption_unseen_else_begins_at_the_wakeup),
		T(preemption_probe_is_exact),
		T(syscalls_unseen_are_put_in),
		T(probe_and_casgstatus_tell_one_syscall_once),
		T(c_thread_enters_and_leaves),
		T(stack_growth_changes_nothing),
		T(leak_mark_comes_and_goes),
		T(coroutine_that_took_over_unseen_sends_its_partner_waiting),
		T(coroutine_that_exits_gives_its_thread_back),
		T(coroutine_seen_running_resumes_its_partner_as_it_exits),
		T(coroutine_probe_is_exact),
		T(coroutine_thought_preempted_comes_back),
		T(thread_taken_without_explanation_leaves_unknown),
		T(old_status_is_the_truth),
		T(first_sight_of_a_goroutine_is_no_contradiction),
		T(bad_status_is_kept_and_counted),
		T(address_used_again_ends_who_had_it),
		T(goid_mismatch_is_counted_and_survived),
		T(snapshot_tells_what_existed),
		T(events_within_the_reading_win_over_a_snapshot),
		T(snapshot_of_a_dead_goroutine_is_ignored),
		T(snapshot_confirms_and_adds_the_block_stack),
		T(snapshot_that_contradicts_puts_right),
		T(snapshot_of_the_status_before_a_late_change_is_a_race),
		T(loss_makes_uncertain_and_explains),
		cmocka_unit_test(every_belief_meets_every_transition),
		cmocka_unit_test(table_has_one_row_a_cell_and_a_way_for_each_input),
		T(gid_out_of_bounds_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
