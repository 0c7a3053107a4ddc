/* SPDX-License-Identifier: BSD-2-Clause */
/* replay/stat/hist: exact where it says so, within 1 % where it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "replay/stat/hist.h"
#include "tests/unit/rng.h"

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static const double qs[] = { 0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1 };

/* The value of nearest rank, from the sorted values. */
static uint64_t truth(const uint64_t *v, size_t n, double q)
{
	size_t rank = (size_t)(q * (double)n);

	if ((double)rank < q * (double)n)
		rank++;
	return v[rank ? rank - 1 : 0];
}

static void check(const struct gt_hist *h, uint64_t *v, size_t n, bool exact)
{
	qsort(v, n, sizeof(*v), ascending);
	assert_int_equal(h->n, n);
	assert_true(h->min == v[0] && h->max == v[n - 1]);
	for (size_t i = 0; i < sizeof(qs) / sizeof(*qs); i++) {
		uint64_t want = truth(v, n, qs[i]), got = gt_hist_quantile(h, qs[i]);
		uint64_t off = got > want ? got - want : want - got;
		assert_true(exact ? off == 0 : off <= want / 100);
	}
}

static void few_values_are_exact(void **state)
{
	(void)state;
	for (size_t n = 1; n <= GT_HIST_EXACT; n++) {
		struct gt_hist h = { 0 };
		uint64_t v[GT_HIST_EXACT];
		for (size_t i = 0; i < n; i++)
			gt_hist_add(&h, v[i] = rng());
		check(&h, v, n, true);
		gt_hist_free(&h);
	}
}

static void many_values_are_within_one_percent(void **state)
{
	enum { N = 3000 };
	static uint64_t v[N];
	(void)state;
	for (int round = 0; round < 60; round++) {
		struct gt_hist h = { 0 };
		unsigned __int128 sum = 0;
		unsigned shift = (unsigned)round;
		for (size_t i = 0; i < N; i++) {
			v[i] = rng() >> (shift + rng() % (64 - shift));
			sum += v[i];
			gt_hist_add(&h, v[i]);
		}
		assert_true(h.sum == sum && gt_hist_mean(&h) == (uint64_t)(sum / N));
		check(&h, v, N, false);
		gt_hist_free(&h);
	}
}

static void merging_equals_adding(void **state)
{
	(void)state;
	for (int round = 0; round < 200; round++) {
		struct gt_hist parts[3] = { 0 }, all = { 0 }, sum = { 0 };
		size_t n = rng() % 300 + 1;
		for (size_t i = 0; i < n; i++) {
			uint64_t v = rng() >> rng() % 64;
			gt_hist_add(&parts[rng() % 3 * (rng() % 4 != 0)], v);
			gt_hist_add(&all, v);
		}
		for (int i = 0; i < 3; i++)
			gt_hist_merge(&sum, &parts[i]);
		assert_int_equal(sum.n, all.n);
		assert_true(sum.sum == all.sum && sum.min == all.min && sum.max == all.max);
		for (size_t i = 0; i < sizeof(qs) / sizeof(*qs); i++)
			assert_true(gt_hist_quantile(&sum, qs[i]) == gt_hist_quantile(&all, qs[i]));
		for (int i = 0; i < 3; i++)
			gt_hist_free(&parts[i]);
		gt_hist_free(&all);
		gt_hist_free(&sum);
	}
}

static void the_ends_of_the_range_are_kept(void **state)
{
	struct gt_hist h = { 0 };
	(void)state;
	assert_true(gt_hist_quantile(&h, 0.5) == 0 && gt_hist_mean(&h) == 0);
	for (int i = 0; i < 100; i++)
		gt_hist_add(&h, i % 2 ? UINT64_MAX : 0);
	assert_true(gt_hist_quantile(&h, 0.5) == 0);
	assert_true(gt_hist_quantile(&h, 1) == UINT64_MAX);
	assert_true(gt_hist_mean(&h) == UINT64_MAX / 2);
	gt_hist_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_values_are_exact),
		cmocka_unit_test(many_values_are_within_one_percent),
		cmocka_unit_test(merging_equals_adding),
		cmocka_unit_test(the_ends_of_the_range_are_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
