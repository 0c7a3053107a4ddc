/* SPDX-License-Identifier: BSD-2-Clause */
/* The file gives back what was put in: every field, in the order given, at any quantum. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "format/crc32c.h"
#include "tests/unit/trace_file.h"

static void crc32c_gives_the_published_sums(void **state)
{
	uint8_t zeros[32] = { 0 }, ones[32], up[32];

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	for (uint8_t i = 0; i < 32; i++)
		up[i] = i;
	assert_int_equal(gt_crc32c(0, "123456789", 9), 0xe3069283u);
	assert_int_equal(gt_crc32c(0, zeros, 32), 0x8a9136aau); /* RFC 3720, B.4 */
	assert_int_equal(gt_crc32c(0, ones, 32), 0x62a8ab43u);
	assert_int_equal(gt_crc32c(0, up, 32), 0x46dd794eu);
	assert_int_equal(gt_crc32c(0, NULL, 0), 0);
}

static void crc32c_is_the_same_with_and_without_hardware(void **state)
{
	struct gen g = { .rng = 5 };
	uint8_t buf[300];

	(void)state;
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)gen_u64(&g);
	for (size_t n = 0; n < sizeof(buf); n++)
		for (size_t at = 0; at < 9 && at <= n; at++) {
			uint32_t whole = gt_crc32c(0, buf, n);

			assert_int_equal(whole, gt_crc32c_portable(0, buf, n));
			assert_int_equal(whole, gt_crc32c(gt_crc32c(0, buf, at), buf + at, n - at));
		}
}

/* Writes N events, reads them back and compares. EV holds what must come out. */
static void round_trip(struct gen g, uint32_t res, uint32_t n, uint32_t block_events,
		       uint32_t flush_every, bool stream)
{
	struct gt_writer_opts opts = file_opts(res);
	struct gt_event *ev = malloc(n * sizeof(*ev));
	struct gt_out o = { 0 };
	struct heard h;
	struct gt_writer *w;

	assert_non_null(ev);
	opts.block_events = block_events;
	g.ts = START;
	w = file_begin(&o, &opts, g.processes);
	for (uint32_t i = 0; i < n; i++) {
		ev[i] = gen_event(&g);
		assert_int_equal(gt_writer_event(w, &ev[i], NULL), GT_OK);
		if (res <= 64) /* bumps stay within a few quanta of the truth */
			assert_true(gt_writer_stored_ts(w) + res > ev[i].ts);
		ev[i].ts = gt_writer_stored_ts(w);
		if (flush_every && i % flush_every == flush_every - 1)
			assert_int_equal(gt_writer_flush(w, g.ts, NULL), GT_OK);
	}
	file_end(w, g.ts);
	assert_int_equal(hear(&h, o.p, o.n, stream, 0), 0);
	assert_false(damaged(&h.damage));
	assert_int_equal(h.n_ev, n);
	for (uint32_t i = 0; i < n; i++) {
		assert_true(gen_same(&h.ev[i], &ev[i]));
		assert_int_equal(h.ev[i].ts, ev[i].ts);
	}
	unhear(&h);
	gt_out_free(&o);
	free(ev);
}

static void events_come_back_in_the_order_given(void **state)
{
	static const uint32_t quanta[] = { 1, 16, 64, 256, 1024, 8 };

	(void)state;
	for (uint32_t seed = 1; seed <= 36; seed++) {
		struct gen g = { .rng = seed * 0x9e3779b97f4a7c15u,
				 .cpus = 1 + seed % 9,
				 .processes = 1 + seed % 4,
				 .gids = 50,
				 .step = seed % 2 ? 3 : 3000,
				 .facts = seed % 5 == 0 };

		round_trip(g, quanta[seed % 6], 20000, seed % 7 ? 0 : 100, seed % 3 ? 0 : 777,
			   seed % 2);
	}
}

/* The next event of a recording; *TS goes on. */
static bool recorded(FILE *f, uint64_t *ts, struct gt_event *e)
{
	unsigned dt, cpu, tid, gid, old, new;

	if (fscanf(f, "%u %u %u %u %u %u", &dt, &cpu, &tid, &gid, &old, &new) != 6)
		return false;
	*ts += dt;
	*e = (struct gt_event){ .ts = *ts, .cpu = (uint16_t)cpu, .tid = tid, .gid = gid };
	e->process = e->kind = 1;
	e->old = (uint8_t)old;
	e->new = (uint8_t) new;
	e->p = e->m = e->qlen = -1;
	return true;
}

/* Each event at its own time divided by SQUEEZE: a load that many times as dense. */
static void real_order_stays(uint32_t res, uint32_t squeeze)
{
	struct gt_writer_opts opts = file_opts(res);
	struct gt_event *ev = calloc(4000, sizeof(*ev));
	FILE *f = fopen("tests/unit/server-order.txt", "re");
	struct gt_out o = { 0 };
	struct gt_writer *w;
	uint64_t ts = START * squeeze;
	uint32_t n = 0;
	char line[100];
	struct heard h;

	assert_non_null(ev);
	assert_non_null(f);
	for (int i = 0; i < 2; i++) /* the comment */
		assert_non_null(fgets(line, sizeof(line), f));
	w = file_begin(&o, &opts, 1);
	while (n < 4000 && recorded(f, &ts, &ev[n])) {
		ev[n].ts /= squeeze;
		assert_int_equal(gt_writer_event(w, &ev[n], NULL), GT_OK);
		if (squeeze == 1) /* rounded down, or moved on by few quanta */
			assert_in_range(gt_writer_stored_ts(w) + res - ev[n].ts, 1, 3 * res);
		n++;
	}
	assert_int_equal(n, 4000);
	file_end(w, ts);
	assert_int_equal(hear(&h, o.p, o.n, false, 0), 0);
	assert_int_equal(h.n_ev, n);
	for (uint32_t i = 0; i < n; i++) {
		assert_true(gen_same(&h.ev[i], &ev[i]));
		assert_int_equal(h.ev[i].ts % res, 0);
		assert_true(!i || h.ev[i].ts >= h.ev[i - 1].ts);
	}
	unhear(&h);
	gt_out_free(&o);
	fclose(f);
	free(ev);
}

static void the_order_of_a_real_program_stays_at_any_resolution(void **state)
{
	(void)state;
	for (uint32_t res = 1; res <= 1024; res *= 2) {
		real_order_stays(res, 1);
		real_order_stays(res, 100);
	}
}

static void resolutions_are_powers_of_two(void **state)
{
	static const uint32_t wrong[] = { 3, 7, 1000, 1025, 2048, UINT32_MAX };
	struct gt_sink sink = { mem_write, NULL };
	struct gt_writer *w;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct gt_writer_opts opts = file_opts(wrong[i]);

		assert_int_equal(gt_writer_new(&w, &sink, &opts, NULL), GT_USAGE);
	}
}

static void any_value_in_any_field_comes_back(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 8; seed++) {
		struct gen g = { .rng = seed * 0x9e3779b97f4a7c15u,
				 .cpus = 1 + seed * 7,
				 .processes = 1 + seed % 3,
				 .step = 100000,
				 .wild = true };

		round_trip(g, seed % 2 ? 1 : 16, 20000, seed == 8 ? 262144 : 0, 0, seed % 2);
	}
}

static void hundreds_of_cpus_and_processes_fit(void **state)
{
	struct gen g = { .rng = 3, .cpus = 4000, .processes = 1, .gids = 5000, .step = 40 };

	(void)state;
	round_trip(g, 16, 60000, 0, 0, false);
	g.cpus = 4;
	g.processes = 300;
	round_trip(g, 1, 60000, 0, 9000, true);
}

static void long_silences_do_not_break_times(void **state)
{
	struct gt_writer_opts opts = file_opts(1);
	static const uint64_t gap[] = { 0,	    255,	65279,	    65280,     65535,
					1ull << 40, 1ull << 46, 1ull << 47, 1ull << 60 };
	struct gt_out o = { 0 };
	struct gt_event e = { .gid = 1, .process = 1, .ts = START };
	struct gt_writer *w = file_begin(&o, &opts, 1);
	uint64_t ts = START;
	struct heard h;

	(void)state;
	for (size_t i = 0; i < sizeof(gap) / sizeof(gap[0]); i++) {
		e.ts += gap[i];
		assert_int_equal(gt_writer_event(w, &e, NULL), GT_OK);
	}
	file_end(w, e.ts);
	assert_int_equal(hear(&h, o.p, o.n, false, 0), 0);
	assert_int_equal(h.n_ev, 9);
	for (size_t i = 0; i < 9; i++) {
		ts += gap[i];
		assert_int_equal(h.ev[i].ts, ts);
	}
	unhear(&h);
	gt_out_free(&o);
}

static void writer_refuses_time_that_goes_back_and_stays_usable(void **state)
{
	struct gt_writer_opts opts = file_opts(1);
	struct gt_out o = { 0 };
	struct gt_event e = { .gid = 1, .process = 1, .ts = START + 10 };
	struct gt_writer *w = file_begin(&o, &opts, 1);
	struct heard h;

	(void)state;
	assert_int_equal(gt_writer_event(w, &e, NULL), GT_OK);
	e.ts = START + 9;
	assert_int_equal(gt_writer_event(w, &e, NULL), GT_USAGE);
	e.ts = START + 10;
	e.process = 2;
	assert_int_equal(gt_writer_event(w, &e, NULL), GT_USAGE);
	e.process = 1;
	assert_int_equal(gt_writer_flush(w, START + 20, NULL), GT_OK);
	e.ts = START + 19; /* behind the watermark */
	assert_int_equal(gt_writer_event(w, &e, NULL), GT_USAGE);
	e.ts = START + 20;
	assert_int_equal(gt_writer_event(w, &e, NULL), GT_OK);
	file_end(w, START + 30);
	assert_int_equal(hear(&h, o.p, o.n, false, 0), 0);
	assert_int_equal(h.n_ev, 2);
	assert_false(damaged(&h.damage));
	unhear(&h);
	gt_out_free(&o);
}

static void same_input_gives_the_same_bytes(void **state)
{
	struct gt_out a = { 0 }, b = { 0 };

	(void)state;
	file_of_everything(&a, 500, 70);
	file_of_everything(&b, 500, 70);
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.p, b.p, a.n);
	gt_out_free(&a);
	gt_out_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc32c_gives_the_published_sums),
		cmocka_unit_test(crc32c_is_the_same_with_and_without_hardware),
		cmocka_unit_test(events_come_back_in_the_order_given),
		cmocka_unit_test(the_order_of_a_real_program_stays_at_any_resolution),
		cmocka_unit_test(resolutions_are_powers_of_two),
		cmocka_unit_test(any_value_in_any_field_comes_back),
		cmocka_unit_test(hundreds_of_cpus_and_processes_fit),
		cmocka_unit_test(long_silences_do_not_break_times),
		cmocka_unit_test(writer_refuses_time_that_goes_back_and_stays_usable),
		cmocka_unit_test(same_input_gives_the_same_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
