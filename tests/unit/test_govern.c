/* SPDX-License-Identifier: BSD-2-Clause */
/* The account behind --max-overhead, on loads that are made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "record/govern.h"

#define MS	 1000000u
#define STEP	 (5 * MS)  /* between looks at the rings */
#define IN	 (25 * MS) /* until probes are in */
#define HIT_COST 2000.0

/* Hits in a second, at a time. */
typedef double load_fn(uint64_t ns);

static double quiet(uint64_t ns)
{
	(void)ns;
	return 1000;
}

static double busy(uint64_t ns)
{
	(void)ns;
	return 400000;
}

/* 100 ms of every second everything happens, else hardly anything. */
static double bursts(uint64_t ns)
{
	return ns / MS % 1000 < 100 ? 500000 : 500;
}

/* Ten seconds of one, then of the other. */
static double turns(uint64_t ns)
{
	return ns / MS / 1000 % 20 < 10 ? 300 : 300000;
}

struct outcome {
	double cost, traced; /* parts of the time */
	unsigned slices;
};

static struct outcome simulate(load_fn *load, double part, uint64_t seconds)
{
	struct outcome o = { 0 };
	struct gt_governor g;
	uint64_t due = 0, end = seconds * 1000 * MS;
	bool on = false;

	gt_governor_init(&g, part, HIT_COST, 0, false);
	for (uint64_t t = STEP; t <= end; t += STEP) {
		double hits = on ? load(t) * STEP / 1e9 : 0;
		bool want = gt_governor_step(&g, t, (uint64_t)hits);

		o.cost += hits * HIT_COST / (double)end;
		o.traced += on ? (double)STEP / (double)end : 0;
		if (want == on) {
			due = 0;
			continue;
		}
		if (!due)
			due = t + (want ? IN : 0);
		if (t >= due) {
			on = want;
			o.slices += on;
			gt_governor_switched(&g, t, on);
			due = 0;
		}
	}
	return o;
}

static void quiet_load_is_traced_all_the_time(void **state)
{
	struct outcome o = simulate(quiet, 0.01, 20);

	(void)state;
	assert_true(o.traced > 0.8); /* all but the first 3 s */
	assert_int_equal(o.slices, 1);
}

static void budget_holds_and_is_used(void **state)
{
	static load_fn *const loads[] = { busy, bursts, turns };
	static const double parts[] = { 0.005, 0.01, 0.05, 0.2 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (size_t j = 0; j < 4; j++) {
			struct outcome o = simulate(loads[i], parts[j], 60);

			if (o.cost > 1.5 * parts[j] || o.traced <= 0)
				fail_msg("load %zu, budget %.3f: %.4f in %u slices", i, parts[j],
					 o.cost, o.slices);
			if (loads[i] == busy)
				assert_true(o.cost > parts[j] / 1.5);
		}
	}
}

static void debt_is_paid_before_the_next_slice(void **state)
{
	struct gt_governor g;

	(void)state;
	gt_governor_init(&g, 0.01, HIT_COST, 0, true);
	assert_false(gt_governor_step(&g, 10 * MS, 50000)); /* 100 ms at once: 10 s of budget */
	gt_governor_switched(&g, 10 * MS, false);
	assert_false(gt_governor_step(&g, 9000 * (uint64_t)MS, 0));
	assert_false(gt_governor_step(&g, 10000 * (uint64_t)MS, 0));
	assert_true(gt_governor_step(&g, 100000 * (uint64_t)MS, 0));
}

static void quiet_times_are_not_saved_for_ever(void **state)
{
	struct gt_governor g;

	(void)state;
	gt_governor_init(&g, 0.01, HIT_COST, 0, true);
	assert_true(gt_governor_step(&g, 3600000 * (uint64_t)MS, 0));
	assert_false(gt_governor_step(&g, 3600001 * (uint64_t)MS, 20000)); /* 40 ms; saved: 20 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quiet_load_is_traced_all_the_time),
		cmocka_unit_test(budget_holds_and_is_used),
		cmocka_unit_test(debt_is_paid_before_the_next_slice),
		cmocka_unit_test(quiet_times_are_not_saved_for_ever),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
