/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads on and off their CPUs, from hand-made events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "replay/engine/kthread.h"
#include "rng.h"

struct rig {
	struct gt_kthreads t;
	struct gt_kstep s[64];
	unsigned n;
};

static void on_step(void *ctx, const struct gt_kstep *s)
{
	struct rig *r = ctx;

	assert_true(s->ts >= s->since_ns);
	if (r->n < 64)
		r->s[r->n++] = *s;
}

static int setup(void **state)
{
	static struct rig r;

	memset(&r, 0, sizeof(r));
	r.t.step = on_step;
	r.t.ctx = &r;
	*state = &r;
	return 0;
}

static int teardown(void **state)
{
	gt_kthreads_free(&((struct rig *)*state)->t);
	return 0;
}

static void feed(struct rig *r, uint64_t ts, uint32_t tid, enum gt_sched what)
{
	struct gt_event ev = { .ts = ts,
			       .process = 1,
			       .tid = tid,
			       .cpu = 3,
			       .kind = GT_EV_SCHED,
			       .reason = (uint8_t)what };

	assert_int_equal(gt_kthreads_event(&r->t, &ev, NULL), GT_OK);
}

static void end_process(struct rig *r, uint64_t ts)
{
	struct gt_event ev = { .ts = ts, .process = 1, .kind = GT_EV_PROCESS_END };

	assert_int_equal(gt_kthreads_event(&r->t, &ev, NULL), GT_OK);
}

#define STEP(i, t0, t1, was, is)                                                                   \
	do {                                                                                       \
		assert_int_equal(r->s[i].since_ns, t0);                                            \
		assert_int_equal(r->s[i].ts, t1);                                                  \
		assert_int_equal(r->s[i].from, was);                                               \
		assert_int_equal(r->s[i].to, is);                                                  \
	} while (0)

static void life_of_a_thread_has_each_state_with_its_times(void **state)
{
	struct rig *r = *state;

	feed(r, 100, 7, GT_SCHED_BORN);
	feed(r, 130, 7, GT_SCHED_ON);
	feed(r, 200, 7, GT_SCHED_PREEMPTED);
	feed(r, 210, 7, GT_SCHED_ON);
	feed(r, 250, 7, GT_SCHED_BLOCKED);
	feed(r, 300, 7, GT_SCHED_WAKES);
	feed(r, 305, 7, GT_SCHED_ON);
	feed(r, 400, 7, GT_SCHED_ENDS);
	assert_int_equal(r->n, 8);
	STEP(0, 0, 100, GT_K_UNKNOWN, GT_K_READY);
	STEP(1, 100, 130, GT_K_READY, GT_K_ON);
	STEP(2, 130, 200, GT_K_ON, GT_K_READY);
	STEP(3, 200, 210, GT_K_READY, GT_K_ON);
	STEP(4, 210, 250, GT_K_ON, GT_K_BLOCKED);
	STEP(5, 250, 300, GT_K_BLOCKED, GT_K_READY);
	STEP(6, 300, 305, GT_K_READY, GT_K_ON);
	STEP(7, 305, 400, GT_K_ON, GT_K_ENDED);
	for (unsigned i = 0; i < r->n; i++)
		assert_false(r->s[i].uncertain || r->s[i].missing);
	assert_int_equal(r->s[2].from_why, GT_SCHED_ON);
	assert_int_equal(r->s[3].from_why, GT_SCHED_PREEMPTED);
	assert_null(gt_kthreads_get(&r->t, 1, 7));
}

static void wake_up_of_a_thread_that_has_not_left_its_cpu_changes_nothing(void **state)
{
	struct rig *r = *state;

	feed(r, 10, 7, GT_SCHED_WAKES);
	feed(r, 20, 7, GT_SCHED_ON);
	feed(r, 30, 7, GT_SCHED_WAKES);
	feed(r, 40, 7, GT_SCHED_PREEMPTED);
	feed(r, 50, 7, GT_SCHED_WAKES);
	feed(r, 60, 7, GT_SCHED_ON);
	assert_int_equal(r->n, 4);
	STEP(2, 20, 40, GT_K_ON, GT_K_READY);
	STEP(3, 40, 60, GT_K_READY, GT_K_ON);
	assert_false(r->s[3].missing);
}

/* Where a trace begins, a wake-up may be of a thread that had not left its CPU. */
static void first_events_are_believed_as_far_as_they_go(void **state)
{
	struct rig *r = *state;

	feed(r, 10, 1, GT_SCHED_SLEEPS);
	STEP(0, 0, 10, GT_K_UNKNOWN, GT_K_ASLEEP);
	feed(r, 10, 2, GT_SCHED_ON);
	STEP(1, 0, 10, GT_K_UNKNOWN, GT_K_ON);
	feed(r, 10, 3, GT_SCHED_WAKES);
	feed(r, 20, 3, GT_SCHED_SLEEPS);
	STEP(3, 10, 20, GT_K_UNKNOWN, GT_K_ASLEEP);
	for (unsigned i = 0; i < r->n; i++)
		assert_false(r->s[i].uncertain || r->s[i].missing);
}

static void what_does_not_join_is_unknown_and_explained_by_a_loss_or_not(void **state)
{
	struct gt_loss loss = { .t0 = 35, .t1 = 45, .count = 1 };
	struct rig *r = *state;

	feed(r, 10, 7, GT_SCHED_ON);
	feed(r, 20, 7, GT_SCHED_SLEEPS);
	feed(r, 30, 7, GT_SCHED_ON); /* nobody woke it */
	STEP(2, 20, 30, GT_K_UNKNOWN, GT_K_ON);
	assert_true(r->s[2].missing);
	gt_kthreads_loss(&r->t, &loss);
	feed(r, 50, 7, GT_SCHED_ON);
	STEP(3, 30, 50, GT_K_UNKNOWN, GT_K_ON);
	assert_true(r->s[3].uncertain);
	assert_false(r->s[3].missing);
	feed(r, 60, 7, GT_SCHED_SLEEPS);
	STEP(4, 50, 60, GT_K_ON, GT_K_ASLEEP);
	assert_false(r->s[4].uncertain);
}

/* A thread that reports something has a CPU; and the kernel may say itself that it kept a switch.
 */
static void what_the_kernel_kept_is_not_taken_for_a_fault_of_ours(void **state)
{
	struct rig *r = *state;
	struct gt_event own = { .ts = 25, .process = 1, .tid = 7, .kind = GT_EV_STATUS };
	struct gt_event off = { .ts = 30,
				.process = 1,
				.tid = 7,
				.kind = GT_EV_SCHED,
				.reason = GT_SCHED_SLEEPS,
				.flags = GT_EVF_RESYNC };

	feed(r, 10, 7, GT_SCHED_ON);
	feed(r, 20, 7, GT_SCHED_PREEMPTED);
	assert_int_equal(gt_kthreads_event(&r->t, &own, NULL), GT_OK);
	STEP(2, 20, 25, GT_K_UNKNOWN, GT_K_ON);
	assert_true(r->s[2].missing);
	assert_int_equal(gt_kthreads_event(&r->t, &off, NULL), GT_OK);
	STEP(3, 25, 30, GT_K_ON, GT_K_ASLEEP);
	off.ts = 40;
	assert_int_equal(gt_kthreads_event(&r->t, &off, NULL), GT_OK);
	STEP(4, 30, 40, GT_K_UNKNOWN, GT_K_ASLEEP);
	assert_true(r->s[4].missing);
	for (unsigned i = 0; i < r->n; i++)
		assert_false(r->s[i].unexplained);
	/* Without its word, a switch is missing in what was recorded. */
	off.ts = 50;
	off.flags = 0;
	assert_int_equal(gt_kthreads_event(&r->t, &off, NULL), GT_OK);
	assert_true(r->s[5].unexplained);
	own.ts = 60;
	off.ts = 70;
	assert_int_equal(gt_kthreads_event(&r->t, &own, NULL), GT_OK);
	assert_int_equal(gt_kthreads_event(&r->t, &off, NULL), GT_OK);
	assert_false(r->s[6].unexplained);
	assert_true(r->s[7].unexplained);
}

static void marks_tell_the_time_in_each_state_between_them(void **state)
{
	struct rig *r = *state;
	struct gt_kmark a, b;

	gt_kthreads_mark(&r->t, 1, 7, 50, &a);
	assert_int_equal(a.ns[GT_K_UNKNOWN], 50);
	feed(r, 100, 7, GT_SCHED_ON);
	gt_kthreads_mark(&r->t, 1, 7, 110, &a);
	feed(r, 130, 7, GT_SCHED_PREEMPTED);
	feed(r, 150, 7, GT_SCHED_ON);
	feed(r, 155, 7, GT_SCHED_SLEEPS);
	feed(r, 160, 7, GT_SCHED_ON); /* 5 ns that nobody can tell */
	gt_kthreads_mark(&r->t, 1, 7, 170, &b);
	gt_kmark_since(&b, &a);
	assert_int_equal(b.ns[GT_K_ON], 20 + 5 + 10);
	assert_int_equal(b.ns[GT_K_READY], 20);
	assert_int_equal(b.ns[GT_K_UNKNOWN], 5);
	assert_int_equal(b.ns[GT_K_ASLEEP], 0);
}

static void threads_end_with_their_process_and_no_other(void **state)
{
	struct rig *r = *state;
	struct gt_event other = {
		.ts = 10, .process = 2, .tid = 7, .kind = GT_EV_SCHED, .reason = GT_SCHED_ON
	};

	feed(r, 10, 7, GT_SCHED_ON);
	feed(r, 11, 8, GT_SCHED_ON);
	assert_int_equal(gt_kthreads_event(&r->t, &other, NULL), GT_OK);
	end_process(r, 20);
	assert_int_equal(r->n, 5);
	STEP(3, 10, 20, GT_K_ON, GT_K_ENDED);
	STEP(4, 11, 20, GT_K_ON, GT_K_ENDED);
	assert_null(gt_kthreads_get(&r->t, 1, 7));
	assert_non_null(gt_kthreads_get(&r->t, 2, 7));
	assert_ptr_equal(gt_kthreads_next(&r->t, NULL), gt_kthreads_get(&r->t, 2, 7));
	assert_null(gt_kthreads_next(&r->t, gt_kthreads_next(&r->t, NULL)));
}

/* Whatever comes: steps of a thread join, time goes forward, no more threads than were told of. */
static void random_histories_join(void **state)
{
	struct rig *r = *state;
	uint64_t ts = 1000, last[16] = { 0 };

	for (unsigned i = 0; i < 200000; i++) {
		uint32_t tid = 1 + (uint32_t)(rng() % 15);

		r->n = 0;
		ts += rng() % 3;
		if (rng() % 1000 == 0) {
			end_process(r, ts);
			memset(last, 0, sizeof(last));
			continue;
		}
		feed(r, ts - (rng() % 50 == 0), tid, (enum gt_sched)(rng() % 10));
		assert_true(r->n <= 1);
		if (!r->n)
			continue;
		if (r->s[0].from != GT_K_UNKNOWN)
			assert_true(r->s[0].since_ns == last[tid]);
		last[tid] = r->s[0].to == GT_K_ENDED ? 0 : r->s[0].ts;
		assert_true(r->t.v.n <= 16);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(life_of_a_thread_has_each_state_with_its_times),
		TEST(wake_up_of_a_thread_that_has_not_left_its_cpu_changes_nothing),
		TEST(first_events_are_believed_as_far_as_they_go),
		TEST(what_does_not_join_is_unknown_and_explained_by_a_loss_or_not),
		TEST(what_the_kernel_kept_is_not_taken_for_a_fault_of_ours),
		TEST(marks_tell_the_time_in_each_state_between_them),
		TEST(threads_end_with_their_process_and_no_other),
		TEST(random_histories_join),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
