/* SPDX-License-Identifier: BSD-2-Clause */
/* The heap's goal as the runtime would compute it, from figures worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "record/heap.h"

#define MB (1u << 20)

/* Words 1 to 9, in this order. */
static const struct gt_layout computed = { .gc_heap_live = 8,
					   .gc_heap_marked = 16,
					   .gc_heap_goal = UINT32_MAX,
					   .gc_percent_goal = 24,
					   .gc_sweep_trigger = 32,
					   .gc_triggered = 40,
					   .gc_memory_limit = 48,
					   .gc_heap_free = 56,
					   .gc_total_alloc = 64,
					   .gc_total_free = 72,
					   .gc_mapped_ready = 80 };

static struct gt_wire_heap usual(void)
{
	struct gt_wire_heap w = { 0 };

	w.word[1] = 3 * MB;	/* live */
	w.word[2] = 2 * MB;	/* marked */
	w.word[3] = 4 * MB;	/* by GOGC */
	w.word[5] = UINT64_MAX; /* not triggered */
	w.word[6] = INT64_MAX;	/* no limit */
	w.word[7] = 1 * MB;	/* free */
	w.word[8] = 100 * MB;	/* allocated in all */
	w.word[9] = 97 * MB;	/* freed in all */
	w.word[10] = 6 * MB;	/* mapped */
	return w;
}

static uint64_t goal(const struct gt_wire_heap *w, int minor)
{
	struct gt_heap h;

	assert_true(gt_heap_read(w, &computed, minor, &h));
	assert_int_equal(h.live, w->word[1]);
	return h.goal;
}

static void without_a_limit_it_is_that_of_gogc(void **state)
{
	struct gt_wire_heap w = usual();

	(void)state;
	assert_int_equal(goal(&w, 26), 4 * MB);
	w.word[3] = UINT64_MAX; /* GOGC=off */
	assert_int_equal(goal(&w, 26),
			 (uint64_t)INT64_MAX - 2 * MB - ((uint64_t)INT64_MAX - 2 * MB) / 100 * 3);
}

static void it_leaves_room_for_sweeping_and_marking(void **state)
{
	struct gt_wire_heap w = usual();

	(void)state;
	w.word[4] = 5 * MB;
	assert_int_equal(goal(&w, 26), 5 * MB);
	w.word[5] = 5 * MB - 1024;
	assert_int_equal(goal(&w, 26), 5 * MB - 1024 + 65536);
}

/* 2 MB are mapped that are no heap: of 5 MB there are 3 left, less the room above. */
static void a_memory_limit_lowers_it(void **state)
{
	struct gt_wire_heap w = usual();

	(void)state;
	w.word[6] = 5 * MB;
	w.word[10] = 4 * MB + MB; /* not above the limit */
	assert_int_equal(goal(&w, 26), 3 * MB);
	w.word[6] = 102 * MB;
	w.word[3] = 1000 * MB;
	assert_int_equal(goal(&w, 20), 100 * MB);
	assert_int_equal(goal(&w, 21), 101 * MB - 101 * MB / 100 * 3);
	w.word[6] = 1 * MB; /* nothing left: what is marked */
	assert_int_equal(goal(&w, 26), 2 * MB);
}

static void to_1_18_it_is_a_field(void **state)
{
	struct gt_layout l = computed;
	struct gt_wire_heap w = usual();
	struct gt_heap h;

	(void)state;
	l.gc_percent_goal = UINT32_MAX;
	l.gc_heap_goal = 32;
	w.word[4] = 7 * MB;
	assert_true(gt_heap_read(&w, &l, 18, &h));
	assert_int_equal(h.goal, 7 * MB);
}

static void nothing_is_told_where_nothing_was_read(void **state)
{
	struct gt_wire_heap none = { 0 }, w = usual();
	struct gt_layout l = computed;
	struct gt_heap h;

	(void)state;
	assert_false(gt_heap_read(&none, &computed, 26, &h));
	l.gc_mapped_ready = UINT32_MAX;
	assert_false(gt_heap_read(&w, &l, 26, &h));
	l = computed;
	l.gc_heap_live = GT_WIRE_HEAP_BYTES;
	assert_false(gt_heap_read(&w, &l, 26, &h));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_limit_it_is_that_of_gogc),
		cmocka_unit_test(it_leaves_room_for_sweeping_and_marking),
		cmocka_unit_test(a_memory_limit_lowers_it),
		cmocka_unit_test(to_1_18_it_is_a_field),
		cmocka_unit_test(nothing_is_told_where_nothing_was_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
