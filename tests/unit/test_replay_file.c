/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Engine and readers over real files: what was written is what is replayed, from anywhere.
 * `test_replay_file write DIR` leaves the sample traces in DIR instead.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "replay/view/names.h"
#include "replay/view/run.h"
#include "sample_trace.h"

static char dir[] = "/tmp/gtrace-test-XXXXXX";
static char path[64];

static const char *in(const char *d, const char *name)
{
	snprintf(path, sizeof(path), "%.40s/%.20s", d, name);
	return path;
}

static void write_all(const char *d)
{
	struct sample s;

	sample_open(&s, in(d, "pool.gtr"), 0);
	sample_pool(&s, false);
	sample_close(&s, true);
	sample_open(&s, in(d, "loss.gtr"), 0);
	sample_pool(&s, true);
	sample_close(&s, true);
	sample_open(&s, in(d, "open.gtr"), 4);
	sample_pool(&s, false);
	sample_close(&s, false);
	sample_open(&s, in(d, "crowd.gtr"), 512);
	s.every = 2500;
	sample_crowd(&s, 40000);
	sample_close(&s, true);
	/* An impossible history in a whole file: 18 blocks twice in a row. */
	sample_open(&s, in(d, "impossible.gtr"), 0);
	sample_pool(&s, false);
	sample_st(&s, 1000, 4, 101, 1, 2, GT_RA_EXECUTE, 0, 0);
	sample_close(&s, true);
	sample_open(&s, in(d, "attached.gtr"), 0);
	sample_attached(&s);
	sample_close(&s, true);
	/* Go 1.21: the id is known with the first run; names that would upset a terminal. */
	sample_open(&s, in(d, "late.gtr"), 4);
	sample_go(&s, 1000, 1, 0, 100, 0, 0, SP_EVIL, GT_GF_PROVISIONAL);
	for (int i = 0; i < 10; i++)
		sample_go(&s, 1000, 10 + (uint64_t)i, 30 + (uint64_t)i, 100, 0, 0, SP_MAIN, 0);
	sample_row(&s, &(struct gt_goroutine){ .gid = 1,
					       .goid = 7,
					       .process = 1,
					       .start_pc = s.pc[SP_EVIL],
					       .created_ns = SAMPLE_START + 1000 });
	sample_st(&s, 1000, 1, 100, 1, 2, GT_RA_EXECUTE, 0, 0);
	sample_close(&s, true);
}

struct seen {
	struct gt_run run;
	uint64_t steps, begin, end, processes;
	struct gt_step last;
};

static int on_step(void *ctx, const struct gt_step *s, struct gt_err *err)
{
	struct seen *x = ctx;

	(void)err;
	x->steps++;
	x->last = *s;
	return GT_OK;
}

static int on_begin(void *ctx, uint64_t t, struct gt_err *err)
{
	(void)err;
	((struct seen *)ctx)->begin = t;
	return GT_OK;
}

static int on_end(void *ctx, uint64_t t, const struct gt_end *e, struct gt_err *err)
{
	(void)err;
	(void)e;
	((struct seen *)ctx)->end = t;
	return GT_OK;
}

static int on_process(void *ctx, const struct gt_process *p, struct gt_err *err)
{
	(void)err;
	assert_int_equal(p->pid, 4711);
	((struct seen *)ctx)->processes++;
	return GT_OK;
}

static const struct gt_run_ops ops = {
	.begin = on_begin, .step = on_step, .end = on_end, .process = on_process
};

static void open_run(struct gt_view *v, struct seen *x, const char *name,
		     const struct gt_view_opts *o)
{
	struct gt_err err = { 0 };

	memset(x, 0, sizeof(*x));
	if (gt_view_open(v, in(dir, name), o, &err) || gt_run_open(&x->run, v, &ops, x, &err))
		fail_msg("%s", err.msg);
}

static void close_run(struct gt_view *v, struct seen *x)
{
	gt_run_close(&x->run);
	gt_view_close(v);
}

static void replays_what_was_written(void **state)
{
	struct gt_view_opts o = { 0 };
	struct gt_view v;
	struct seen x;
	struct gt_err err = { 0 };
	const struct gt_gor_state *g;

	(void)state;
	open_run(&v, &x, "pool.gtr", &o);
	assert_int_equal(gt_run_all(&x.run, &err), GT_OK);
	assert_int_equal(x.begin, SAMPLE_START);
	assert_int_equal(x.run.n_events, 17);
	assert_int_equal(x.steps, 17);
	assert_int_equal(gt_engine_live(x.run.engine), 3);
	assert_null(gt_engine_get(x.run.engine, 3));
	g = gt_engine_get(x.run.engine, 4);
	assert_non_null(g);
	assert_int_equal(g->k.state, GT_S_WAITING);
	assert_string_equal(gt_name_entry(v.reader, &g->k.g), "main.worker");
	assert_string_equal(gt_name_reason(v.reader, 1, GT_S_WAITING, g->k.reason), "chan receive");
	close_run(&v, &x);
}

static void from_and_to_bound_what_is_told(void **state)
{
	struct gt_view_opts o = { .from = { GT_WHEN_START, 4 * SAMPLE_MS },
				  .to = { GT_WHEN_START, 13 * SAMPLE_MS } };
	struct gt_view v;
	struct seen x;
	struct gt_err err = { 0 };

	(void)state;
	open_run(&v, &x, "pool.gtr", &o);
	assert_int_equal(gt_run_all(&x.run, &err), GT_OK);
	assert_int_equal(x.begin, SAMPLE_START + 4 * SAMPLE_MS);
	assert_int_equal(x.end, SAMPLE_START + 13 * SAMPLE_MS);
	assert_int_equal(x.steps, 4); /* 19: made, runs, blocks; 18: woken */
	assert_int_equal(x.last.from, GT_S_WAITING);
	assert_int_equal(x.last.since_ns, SAMPLE_START + 3 * SAMPLE_MS);
	assert_int_equal(x.processes, 1);
	close_run(&v, &x);
}

static void a_seek_passes_over_no_process(void **state)
{
	struct gt_view_opts o = { .from = { GT_WHEN_START, 80 * SAMPLE_MS } };
	struct gt_view v;
	struct seen x;
	struct gt_err err = { 0 };

	(void)state;
	open_run(&v, &x, "crowd.gtr", &o);
	assert_int_equal(gt_run_all(&x.run, &err), GT_OK);
	assert_true(x.run.n_events < 30000);
	assert_int_equal(x.processes, 1);
	close_run(&v, &x);
}

/* Every goroutine's key, so that two engines can be compared. */
static void same(const struct gt_engine *a, const struct gt_engine *b)
{
	const struct gt_gor_state *x = NULL, *y = NULL;

	do {
		x = gt_engine_next(a, x ? x->k.g.gid : 0);
		y = gt_engine_next(b, y ? y->k.g.gid : 0);
		assert_true(!x == !y);
		if (!x)
			break;
		assert_int_equal(x->k.g.gid, y->k.g.gid);
		assert_int_equal(x->k.g.goid, y->k.g.goid);
		assert_int_equal(x->k.g.start_pc, y->k.g.start_pc);
		assert_int_equal(x->k.g.parent, y->k.g.parent);
		assert_int_equal(x->k.state, y->k.state);
		assert_int_equal(x->k.since_ns, y->k.since_ns);
		assert_int_equal(x->k.last_ns, y->k.last_ns);
		assert_int_equal(x->k.reason, y->k.reason);
		assert_int_equal(x->k.stack, y->k.stack);
		assert_int_equal(x->k.tid, y->k.tid);
		assert_int_equal(x->k.waker, y->k.waker);
		assert_int_equal(x->k.kflags, y->k.kflags);
	} while (x);
}

static void state_by_keyframe_is_the_state_by_replay(void **state)
{
	struct gt_view_opts whole = { 0 };
	struct gt_err err = { 0 };
	uint64_t seed = 4711;

	(void)state;
	for (int i = 0; i < 40; i++) {
		struct gt_view va, vb;
		struct seen a, b;
		uint64_t first, last, t;
		bool more;

		open_run(&va, &a, "crowd.gtr", &whole);
		assert_int_equal(gt_reader_span(va.reader, &first, &last, &err), GT_OK);
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		t = first + (seed >> 16) % (last - first + 1);
		assert_int_equal(gt_run_until(&a.run, t, &more, &err), GT_OK);

		struct gt_view_opts o = { .from = { GT_WHEN_START, t - SAMPLE_START } };
		open_run(&vb, &b, "crowd.gtr", &o);
		assert_int_equal(gt_run_until(&b.run, t, &more, &err), GT_OK);
		same(a.run.engine, b.run.engine);
		if (t > first + (last - first) / 4)
			assert_true(b.run.now_ns && a.run.engine != b.run.engine);
		close_run(&va, &a);
		close_run(&vb, &b);
	}
}

static void filters_know_ids_names_states_and_reasons(void **state)
{
	static const struct {
		struct gt_filter_opts f;
		uint64_t steps;
	} t[] = {
		{ { .goids = { { "18" }, 1 } }, 8 },
		{ { .goids = { { "18,19" }, 1 } }, 11 },
		{ { .goids = { { "4711:19" }, 1 } }, 3 },
		{ { .goids = { { "4712:19" }, 1 } }, 0 },
		{ { .func = "worker$" }, 11 },
		{ { .site = "main\\.go:31" }, 14 },
		{ { .process = "4711" }, 17 },
		{ { .process = "1,2" }, 0 },
		{ { .state = "syscall" }, 2 },
		{ { .reasons = { { "Chan Receive" }, 1 } }, 3 },
		{ { .func = "worker", .state = "dead" }, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct gt_view_opts o = { .filter = t[i].f };
		struct gt_view v;
		struct gt_err err = { 0 };
		struct gt_item it;
		uint64_t n = 0;
		struct seen x;
		bool more;

		open_run(&v, &x, "pool.gtr", &o);
		for (uint64_t at = SAMPLE_START, before = 0;
		     at < SAMPLE_START + 70000 * (uint64_t)SAMPLE_MS;
		     at += at < SAMPLE_START + 30 * SAMPLE_MS ? 1000 : SAMPLE_MS * 1000) {
			assert_int_equal(gt_run_until(&x.run, at, &more, &err), GT_OK);
			if (x.steps == before)
				continue;
			assert_int_equal(x.steps, before + 1);
			before = x.steps;
			const struct gt_gor_state *g = gt_engine_get(x.run.engine, x.last.gid);
			struct gt_goroutine dead = {
				.gid = 3, .goid = 18, .process = 1, .start_pc = 2, .site_pc = 3
			};
			n += gt_filter_step(&v.filter, v.reader, g ? &g->k.g : &dead, &x.last);
		}
		(void)it;
		if (n != t[i].steps)
			fail_msg("filter %zu: %llu steps", i, (unsigned long long)n);
		close_run(&v, &x);
	}
}

static void bad_filters_are_refused_by_name(void **state)
{
	static const struct {
		struct gt_filter_opts f;
		const char *name;
	} t[] = {
		{ { .goids = { { "x" }, 1 } }, "-g" },	{ { .goids = { { "1,,2" }, 1 } }, "-g" },
		{ { .func = "(" }, "--func" },		{ { .site = "[" }, "--site" },
		{ { .state = "sleeping" }, "--state" }, { { .process = "0" }, "--process" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct gt_filter f;
		struct gt_err err = { 0 };

		assert_int_equal(gt_filter_init(&f, &t[i].f, &err), GT_USAGE);
		if (!strstr(err.msg, t[i].name))
			fail_msg("'%s' does not name %s", err.msg, t[i].name);
	}
}

static int make_files(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	write_all(dir);
	return 0;
}

static int remove_files(void **state)
{
	static const char *const names[] = { "pool.gtr",  "loss.gtr",	    "open.gtr",
					     "crowd.gtr", "impossible.gtr", "attached.gtr",
					     "late.gtr" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(in(dir, names[i]));
	return rmdir(dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replays_what_was_written),
		cmocka_unit_test(from_and_to_bound_what_is_told),
		cmocka_unit_test(a_seek_passes_over_no_process),
		cmocka_unit_test(state_by_keyframe_is_the_state_by_replay),
		cmocka_unit_test(filters_know_ids_names_states_and_reasons),
		cmocka_unit_test(bad_filters_are_refused_by_name),
	};

	if (argc == 3 && strcmp(argv[1], "write") == 0) {
		write_all(argv[2]);
		return 0;
	}
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
