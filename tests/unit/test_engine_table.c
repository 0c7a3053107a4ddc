/* SPDX-License-Identifier: BSD-2-Clause */
/* Snapshots and losses; and the state table as a whole: every belief meets every event. */
#include "engine_rig.h"

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

/* Before its park it was running, which is what memory would have shown. */
static void snapshot_right_after_a_park_has_its_stack(void **state)
{
	struct rig *r = *state;

	run(r, 1, 5);
	st(r, 1, 5, 2, 4, GT_RA_PARK);
	snap(r, 1, 0, 4, 10000);
	assert_int_equal(gt_engine_get(r->e, 1)->k.stack, 77);
	st(r, 1, 5, 4, 1, GT_RA_READY);
	st(r, 1, 5, 1, 2, GT_RA_PARK);
	st(r, 1, 5, 2, 4, GT_RA_PARK);
	assert_int_equal(gt_engine_get(r->e, 1)->k.stack, 0);
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

static void loss_marks_the_next_step_of_each(void **state)
{
	struct rig *r = *state;
	struct gt_loss l = { .process = 1, .cpu = 3, .cause = GT_LOSS_RING_FULL, .count = 9 };

	run(r, 1, 5);
	l.t0 = l.t1 = r->now + 500;
	assert_int_equal(gt_engine_loss(r->e, &l, NULL), GT_OK);
	st(r, 1, 5, 2, 4, GT_RA_PARK);
	assert_true(r->s[0].uncertain);
	st(r, 1, 5, 4, 1, GT_RA_READY);
	assert_false(r->s[0].uncertain);
	assert_int_equal(all_repairs(r), 0);
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
	const struct CMUnitTest tests[] = {
		T(snapshot_tells_what_existed),
		T(events_within_the_reading_win_over_a_snapshot),
		T(snapshot_of_a_dead_goroutine_is_ignored),
		T(snapshot_confirms_and_adds_the_block_stack),
		T(snapshot_right_after_a_park_has_its_stack),
		T(snapshot_that_contradicts_puts_right),
		T(snapshot_of_the_status_before_a_late_change_is_a_race),
		T(loss_makes_uncertain_and_explains),
		T(loss_marks_the_next_step_of_each),
		cmocka_unit_test(every_belief_meets_every_transition),
		cmocka_unit_test(table_has_one_row_a_cell_and_a_way_for_each_input),
		T(gid_out_of_bounds_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
