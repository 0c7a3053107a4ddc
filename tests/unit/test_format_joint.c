/* SPDX-License-Identifier: BSD-2-Clause */
/* Several recordings read as one trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/trace_file.h"

struct rec { /* a recording in the making */
	struct gt_out o;
	struct gt_sink sink;
	struct gt_writer *w;
	struct gt_mem mem;
	struct gt_source src;
};

/* One process, PID, that was started at 77 on its host. */
static void rec_begin(struct rec *r, uint64_t session, const char *boot, uint64_t mono,
		      uint64_t wall, uint32_t pid)
{
	struct gt_writer_opts o = file_opts(1);
	struct gt_process p = { .process = 1,
				.pid = pid,
				.start_ns = 77,
				.seen_ns = mono,
				.exe = "/bin/svc",
				.go_version = "go1.26.8",
				.arch = "amd64" };

	memset(r, 0, sizeof(*r));
	o.session = session;
	o.boot_id = o.hostname = boot;
	o.start_ns = mono;
	o.start_wall_ns = wall;
	r->sink = (struct gt_sink){ mem_write, &r->o };
	assert_int_equal(gt_writer_new(&r->w, &r->sink, &o, NULL), GT_OK);
	assert_int_equal(gt_writer_process(r->w, &p, NULL), GT_OK);
}

static void rec_row(struct rec *r, uint64_t gid, uint64_t goid, bool existed)
{
	struct gt_goroutine g = {
		.gid = gid, .goid = goid, .process = 1, .flags = existed ? GT_GF_EXISTED : 0
	};

	assert_int_equal(gt_writer_goroutine(r->w, &g, NULL), GT_OK);
}

static void rec_event(struct rec *r, uint64_t ts, uint64_t gid, uint8_t old, uint8_t new)
{
	struct gt_event e = { .ts = ts,
			      .gid = gid,
			      .process = 1,
			      .kind = GT_EV_STATUS,
			      .old = old,
			      .new = new,
			      .tid = 9,
			      .cpu = 1,
			      .p = -1,
			      .m = -1,
			      .qlen = -1 };

	assert_int_equal(gt_writer_event(r->w, &e, NULL), GT_OK);
}

static void rec_end(struct rec *r, uint64_t ts)
{
	file_end(r->w, ts);
	r->mem = (struct gt_mem){ r->o.p, r->o.n };
	gt_source_mem(&r->src, &r->mem);
}

struct met {
	struct gt_event ev[32];
	struct gt_loss loss[8];
	struct gt_goroutine g[8];
	struct gt_end end;
	size_t n_ev, n_loss, n_g;
};

static void meet(struct met *m, struct gt_reader *r)
{
	struct gt_item it;
	struct gt_err err;
	int rc;

	memset(m, 0, sizeof(*m));
	while ((rc = gt_reader_next(r, &it, &err)) == 1) {
		if (it.type == GT_IT_EVENT)
			m->ev[m->n_ev++] = it.u.ev;
		else if (it.type == GT_IT_LOSS)
			m->loss[m->n_loss++] = it.u.loss;
		else if (it.type == GT_IT_GOROUTINE)
			m->g[m->n_g++] = it.u.g;
		else if (it.type == GT_IT_END)
			m->end = it.u.end;
	}
	assert_int_equal(rc, 0);
	assert_false(damaged(gt_reader_damage(r)));
}

static struct gt_reader *join(struct rec *a, struct rec *b)
{
	struct gt_source srcs[2] = { a->src, b->src };
	static struct gt_source kept[2];
	struct gt_reader *r = NULL;
	struct gt_err err;

	memcpy(kept, srcs, sizeof(kept));
	if (gt_reader_join(&r, kept, 2, NULL, &err))
		fail_msg("%s", err.msg);
	return r;
}

#define WALL 1700000000000000000ull

static void hosts_are_laid_side_by_side_by_the_wall_clock(void **state)
{
	struct rec a, b;
	struct gt_reader *r;
	struct met m;

	(void)state;
	rec_begin(&a, 1, "host-a", 5000000, WALL, 100);
	rec_row(&a, 1, 11, false);
	rec_event(&a, 5000000 + 10, 1, GT_G_IDLE, GT_G_RUNNABLE);
	rec_event(&a, 5000000 + 30, 1, GT_G_RUNNABLE, GT_G_RUNNING);
	rec_end(&a, 5000000 + 100);
	/* Its clock is far behind, so that on the other's axis it would begin before 0. */
	rec_begin(&b, 2, "host-b", 1000, WALL - 6000000, 100);
	rec_row(&b, 1, 11, false);
	rec_event(&b, 1000 + 6000020, 1, GT_G_IDLE, GT_G_RUNNABLE);
	rec_end(&b, 1000 + 6000200);

	r = join(&a, &b);
	meet(&m, r);
	assert_int_equal(m.n_ev, 3);
	assert_int_equal(m.ev[1].ts - m.ev[0].ts, 10);
	assert_int_equal(m.ev[2].ts - m.ev[1].ts, 10);
	assert_int_equal(m.ev[0].ts - gt_reader_info(r)->start_ns, 6000010);
	assert_int_equal(gt_reader_info(r)->start_wall_ns, WALL - 6000000);
	/* The same pid, goid, gid and CPU, but not the same things. */
	assert_int_equal(gt_reader_processes(r), 2);
	assert_int_equal(m.ev[0].process, m.ev[2].process);
	assert_int_not_equal(m.ev[0].process, m.ev[1].process);
	assert_int_equal(m.ev[0].gid, m.ev[2].gid);
	assert_int_not_equal(m.ev[0].gid, m.ev[1].gid);
	assert_int_not_equal(m.ev[0].cpu, m.ev[1].cpu);
	assert_int_equal(m.n_loss, 0);
	assert_int_equal(m.end.events, 3);
	assert_string_equal(gt_reader_info(r)->hostname, "host-b, host-a");
	assert_string_equal(gt_reader_info(r)->boot_id, "");
	/* Once more from the start. */
	assert_int_equal(gt_reader_seek(r, 0, NULL), GT_OK);
	meet(&m, r);
	assert_int_equal(m.n_ev, 3);
	gt_reader_free(r);
	gt_out_free(&a.o);
	gt_out_free(&b.o);
}

static void two_recordings_of_a_process_are_one_with_a_gap(void **state)
{
	struct rec a, b;
	struct gt_reader *r;
	struct gt_out both = { 0 };
	struct gt_mem mem;
	struct gt_source src;
	struct met m;

	(void)state;
	rec_begin(&a, 1, "one-boot", 1000, WALL, 100);
	for (uint64_t g = 1; g <= 3; g++) {
		rec_row(&a, g, 10 + g, false);
		rec_event(&a, 1000 + g, g, GT_G_IDLE, GT_G_RUNNABLE);
	}
	rec_event(&a, 2000, 3, GT_G_RUNNING, GT_G_DEAD);
	rec_end(&a, 2000);
	/* Goroutine 12 is there still, with another number; 11 has ended unseen. */
	rec_begin(&b, 2, "one-boot", 900000, WALL + 899000, 100);
	rec_row(&b, 1, 12, true);
	rec_event(&b, 900010, 1, GT_G_RUNNABLE, GT_G_RUNNING);
	rec_row(&b, 2, 20, false);
	rec_event(&b, 900020, 2, GT_G_IDLE, GT_G_RUNNABLE);
	rec_end(&b, 900020);

	gt_out_bytes(&both, b.o.p, b.o.n); /* in any order */
	gt_out_bytes(&both, a.o.p, a.o.n);
	mem = (struct gt_mem){ both.p, both.n };
	gt_source_mem(&src, &mem);
	assert_int_equal(gt_reader_new(&r, &src, NULL, NULL), GT_OK);
	meet(&m, r);
	assert_int_equal(gt_reader_processes(r), 1);
	assert_int_equal(m.n_loss, 1);
	assert_int_equal(m.loss[0].cause, GT_LOSS_UNRECORDED);
	assert_int_equal(m.loss[0].t0, 2000);
	assert_int_equal(m.loss[0].t1, 900010);
	assert_int_equal(m.n_ev, 7);
	assert_int_equal(m.ev[4].kind, GT_EV_SNAP);
	assert_int_equal(m.ev[4].new, GT_G_DEAD);
	assert_int_equal(m.ev[4].gid, m.ev[0].gid);
	assert_int_equal(m.ev[5].gid, m.ev[1].gid);
	assert_int_not_equal(m.ev[6].gid, m.ev[2].gid);
	assert_int_equal(m.end.events, 7);
	gt_reader_free(r);
	gt_out_free(&both);
	gt_out_free(&a.o);
	gt_out_free(&b.o);
}

static void recordings_at_the_same_time_stay_apart(void **state)
{
	struct rec a, b;
	struct gt_reader *r;
	struct met m;

	(void)state;
	rec_begin(&a, 1, "one-boot", 1000, WALL, 100);
	rec_row(&a, 1, 11, false);
	rec_event(&a, 1010, 1, GT_G_IDLE, GT_G_RUNNABLE);
	rec_event(&a, 1030, 1, GT_G_RUNNABLE, GT_G_RUNNING);
	rec_end(&a, 1030);
	rec_begin(&b, 2, "one-boot", 1000, WALL, 100);
	rec_row(&b, 1, 11, true);
	rec_event(&b, 1020, 1, GT_G_IDLE, GT_G_RUNNABLE);
	rec_end(&b, 1040);
	r = join(&a, &b);
	meet(&m, r);
	assert_int_equal(gt_reader_processes(r), 2);
	assert_int_equal(m.n_ev, 3);
	assert_int_equal(m.n_loss, 0);
	gt_reader_free(r);
	gt_out_free(&a.o);
	gt_out_free(&b.o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_are_laid_side_by_side_by_the_wall_clock),
		cmocka_unit_test(two_recordings_of_a_process_are_one_with_a_gap),
		cmocka_unit_test(recordings_at_the_same_time_stay_apart),
	};

	return cmocka_run_group_tests_name("joint", tests, NULL, NULL);
}
