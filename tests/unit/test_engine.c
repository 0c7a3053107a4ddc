/* SPDX-License-Identifier: BSD-2-Clause */
/* The goroutine state machine, rule by rule. */
#include "engine_rig.h"

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

/* Steps in order of gid, marked; another process, an idle struct and a mere row have none. */
static void all_goroutines_end_with_their_process(void **state)
{
	struct rig *r = *state;
	struct gt_event e;

	run(r, 1, 5);
	run(r, 2, 6);
	st(r, 2, 6, 2, 4, GT_RA_PARK);
	st(r, 3, 6, 0, 6, GT_RA_NEWPROC);
	row(r, 4, 0xc000, 0);
	e = ev(r, 5, 7, 1, 2, GT_RA_EXECUTE);
	e.process = 2;
	feed(r, &e);
	assert_int_equal(gt_engine_live(r->e), 3);
	e = ev(r, 0, 0, 0, 0, GT_RA_UNKNOWN);
	e.kind = GT_EV_PROCESS_END;
	r->n = 0;
	feed(r, &e);
	assert_int_equal(r->n, 2);
	expect(r, 0, 1, GT_S_RUNNING, GT_S_DEAD, 0);
	expect(r, 1, 2, GT_S_WAITING, GT_S_DEAD, 0);
	assert_true(r->s[0].with_process && r->s[1].with_process);
	assert_int_equal(r->s[1].ts, e.ts);
	assert_int_equal(gt_engine_live(r->e), 1);
	assert_non_null(gt_engine_get(r->e, 5));
	assert_int_equal(gt_engine_on_thread(r->e, 1, 5), 0);
	assert_int_equal(gt_engine_next_key(r->e, 0)->k.g.gid, 5);
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

/* Events of process 1 up to now are lost. */
static void lose(struct rig *r)
{
	struct gt_loss l = { .process = 1, .cpu = 0, .cause = GT_LOSS_RING_FULL, .count = 9 };

	r->now += 5000000;
	l.t0 = r->now - 4000000;
	l.t1 = r->now;
	assert_int_equal(gt_engine_loss(r->e, &l, NULL), GT_OK);
	r->now += 5000000;
}

static void snapshot_after_a_loss_puts_right_who_moved_on(void **state)
{
	struct rig *r = *state;
	const struct gt_gor_state *g;

	run(r, 1, 5);
	run(r, 2, 6);
	st(r, 2, 6, 2, 4, GT_RA_PARK);
	lose(r);
	assert_true(gt_engine_get(r->e, 2)->k.kflags & GT_KF_UNCERTAIN);
	snap(r, 1, 0, 4, 0);
	expect(r, 0, 1, GT_S_RUNNING, GT_S_WAITING, GT_R_UNSEEN_PREEMPT);
	assert_true(r->s[0].snapshot && r->s[0].uncertain);
	snap(r, 2, 0, 6, 0);
	expect(r, 0, 2, GT_S_WAITING, GT_S_DEAD, GT_R_AFTER_LOSS);
	assert_null(gt_engine_get(r->e, 2));
	g = gt_engine_get(r->e, 1);
	assert_false(g->k.kflags & GT_KF_UNCERTAIN);
	assert_int_equal(g->k.reason, 14);
}

static void snapshot_after_a_loss_tells_another_wait_from_the_same(void **state)
{
	struct rig *r = *state;
	uint64_t since;

	for (uint64_t gid = 1; gid <= 2; gid++) {
		struct gt_event e;

		run(r, gid, 5);
		e = ev(r, gid, 5, 2, 4, GT_RA_PARK);
		e.reason = gid == 1 ? 14 : 15; /* the snapshot says 14 */
		r->n = 0;
		feed(r, &e);
	}
	since = gt_engine_get(r->e, 1)->k.since_ns;
	/* Without a loss it is the events that are right. */
	snap(r, 2, 0, 4, 5000000);
	assert_int_equal(r->n, 0);
	lose(r);
	snap(r, 1, 0, 4, 0);
	assert_int_equal(r->n, 0);
	assert_int_equal(gt_engine_get(r->e, 1)->k.since_ns, since);
	snap(r, 2, 0, 4, 0);
	expect(r, 0, 2, GT_S_WAITING, GT_S_WAITING, GT_R_AFTER_LOSS);
	assert_int_equal(gt_engine_get(r->e, 2)->k.reason, 14);
	assert_int_equal(gt_engine_get(r->e, 2)->k.since_ns, r->now);
}

static void who_is_found_later_was_made_in_the_trace(void **state)
{
	struct rig *r = *state;

	row(r, 1, 0xc000001000, GT_GF_FOUND);
	snap(r, 1, 0, 4, 0);
	expect(r, 0, 1, GT_S_IDLE, GT_S_WAITING, 0);
	assert_true(r->s[0].created && r->s[0].snapshot);
	assert_int_equal(r->s[0].since_ns, r->now);
}

static void sample_that_differs_is_no_contradiction(void **state)
{
	struct rig *r = *state;
	struct gt_event e;

	run(r, 1, 5);
	r->now += 5000000000;
	e = ev(r, 1, 0, 0, 4, GT_RA_UNKNOWN);
	e.kind = GT_EV_GAP;
	e.reason = 14;
	r->n = 0;
	feed(r, &e);
	expect(r, 0, 1, GT_S_RUNNING, GT_S_WAITING, 0);
	assert_true(r->s[0].snapshot);
	assert_int_equal(all_repairs(r), 0);
}

int main(void)
{
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
		T(all_goroutines_end_with_their_process),
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
		T(snapshot_after_a_loss_puts_right_who_moved_on),
		T(snapshot_after_a_loss_tells_another_wait_from_the_same),
		T(who_is_found_later_was_made_in_the_trace),
		T(sample_that_differs_is_no_contradiction),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
