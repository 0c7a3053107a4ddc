/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables, keyframes, seeking, following, sinks: what stands beside the events in a trace. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/trace_file.h"

static struct gt_reader *open_mem(const struct gt_out *o, struct gt_mem *mem, struct gt_source *src,
				  const struct gt_reader_opts *opts)
{
	struct gt_reader *r = NULL;

	*mem = (struct gt_mem){ o->p, o->n };
	gt_source_mem(src, mem);
	assert_int_equal(gt_reader_new(&r, src, opts, NULL), GT_OK);
	return r;
}

static void facts_about_the_trace_come_back(void **state)
{
	static const char *const comments[] = { "deploy 7", "slow again", NULL };
	struct gt_writer_opts opts = file_opts(16);
	struct gt_out o = { 0 };
	struct gt_mem mem;
	struct gt_source src;
	struct gt_reader *r;
	const struct gt_trace_info *info;

	(void)state;
	opts.comments = comments;
	file_end(file_begin(&o, &opts, 1), START + 5);
	r = open_mem(&o, &mem, &src, NULL);
	info = gt_reader_info(r);
	assert_int_equal(info->session, opts.session);
	assert_int_equal(info->start_ns, START);
	assert_int_equal(info->start_wall_ns, opts.start_wall_ns);
	assert_int_equal(info->version, 1);
	assert_int_equal(info->time_res_ns, 16);
	assert_int_equal(info->n_cpus, 4);
	assert_string_equal(info->boot_id, "0d7b-boot");
	assert_string_equal(info->hostname, "box");
	assert_string_equal(info->os, "Linux 6.1");
	assert_string_equal(info->hardware, "x86_64");
	assert_string_equal(info->tool, "gtrec test");
	assert_int_equal(info->n_comments, 2);
	assert_string_equal(info->comments[1], "slow again");
	assert_true(info->indexed);
	assert_true(info->complete);
	gt_reader_free(r);
	gt_out_free(&o);
}

static void pcs_and_stacks_come_back(void **state)
{
	struct gt_writer_opts opts = file_opts(1);
	struct gt_out o = { 0 };
	struct gt_writer *w = file_begin(&o, &opts, 1);
	struct gt_frame f[2] = { { "main.f", "/src/f.go", 7 }, { "time.Sleep", "/go/time.go", 9 } },
			got[4];
	const bool std[2] = { false, true };
	uint32_t pc[600], deep[512], id, again, short_id, out[512];
	struct gt_mem mem;
	struct gt_source src;
	struct gt_reader *r;
	struct gt_item it;

	(void)state;
	for (uint32_t i = 0; i < 600; i++) {
		f[0].line = i;
		assert_int_equal(
			gt_writer_pc(w, 1, 0x400000 + i, GT_RA_PARK, f, std, 2, &pc[i], NULL),
			GT_OK);
		assert_int_equal(pc[i], i + 1);
	}
	for (uint32_t i = 0; i < 512; i++)
		deep[i] = pc[(i * 37) % 600];
	assert_int_equal(gt_writer_stack(w, deep + 300, 212, &short_id, NULL), GT_OK);
	assert_int_equal(gt_writer_stack(w, deep, 512, &id, NULL), GT_OK);
	assert_int_equal(gt_writer_stack(w, deep, 512, &again, NULL), GT_OK);
	assert_int_equal(id, again);
	assert_int_not_equal(id, short_id);
	assert_int_equal(gt_writer_stack(w, deep, 513, &again, NULL), GT_USAGE);
	assert_int_equal(gt_writer_stack(w, deep, 0, &again, NULL), GT_USAGE);
	file_end(w, START);

	r = open_mem(&o, &mem, &src, NULL);
	while (gt_reader_next(r, &it, NULL) == 1)
		;
	assert_false(damaged(gt_reader_damage(r)));
	assert_int_equal(gt_reader_stack(r, id, out, 512), 512);
	assert_memory_equal(out, deep, sizeof(deep));
	assert_int_equal(gt_reader_stack(r, short_id, out, 3), 212);
	assert_memory_equal(out, deep + 300, 3 * sizeof(*out));
	assert_int_equal(gt_reader_frames(r, 6, got, 4), 2);
	assert_string_equal(got[0].func, "main.f");
	assert_string_equal(got[0].file, "/src/f.go");
	assert_int_equal(got[0].line, 5);
	assert_string_equal(got[1].func, "time.Sleep");
	assert_int_equal(gt_reader_pc_class(r, 6), GT_RA_PARK);
	assert_int_equal(gt_reader_pc_class(r, 601), GT_RA_UNKNOWN);
	assert_int_equal(gt_reader_frames(r, 601, got, 4), 0);
	assert_int_equal(gt_reader_frames(r, UINT32_MAX, got, 4), 0);
	gt_reader_free(r);
	gt_out_free(&o);
}

static void strings_come_back_with_their_class(void **state)
{
	struct gt_writer_opts opts = file_opts(1);
	struct gt_out o = { 0 };
	struct gt_writer *w = file_begin(&o, &opts, 1);
	enum gt_string_class cls;
	uint32_t id, again;
	struct gt_mem mem;
	struct gt_source src;
	struct gt_reader *r;
	struct gt_item it;

	(void)state;
	assert_int_equal(gt_writer_string(w, GT_STR_LABEL, "tenant=blue", &id, NULL), GT_OK);
	assert_int_equal(gt_writer_string(w, GT_STR_LABEL, "tenant=blue", &again, NULL), GT_OK);
	assert_int_equal(id, again);
	assert_int_equal(gt_writer_string(w, GT_STR_NAME, "tenant=blue", &again, NULL), GT_OK);
	assert_int_not_equal(id, again); /* a class is part of what a string is */
	file_end(w, START);
	r = open_mem(&o, &mem, &src, NULL);
	while (gt_reader_next(r, &it, NULL) == 1)
		;
	assert_string_equal(gt_reader_string(r, id, &cls), "tenant=blue");
	assert_int_equal(cls, GT_STR_LABEL);
	assert_string_equal(gt_reader_string(r, again, &cls), "tenant=blue");
	assert_int_equal(cls, GT_STR_NAME);
	assert_null(gt_reader_string(r, 0, NULL));
	assert_null(gt_reader_string(r, UINT32_MAX, NULL));
	gt_reader_free(r);
	gt_out_free(&o);
}

static void check_item(const struct gt_item *it, const struct gt_stats *stats)
{
	switch (it->type) {
	case GT_IT_GOROUTINE:
		assert_int_equal(it->u.g.gid, 7);
		assert_int_equal(it->u.g.goid, 19);
		assert_int_equal(it->u.g.gptr, 0xc000123400);
		assert_int_equal(it->u.g.parent, 3);
		assert_int_equal(it->u.g.parent_goid, 18);
		assert_int_equal(it->u.g.created_ns, START - 5);
		assert_int_equal(it->u.g.process, 1);
		assert_int_equal(it->u.g.start_pc, 2);
		assert_int_equal(it->u.g.site_pc, 3);
		assert_int_equal(it->u.g.stack, 4);
		assert_int_equal(it->u.g.flags, GT_GF_EXISTED);
		break;
	case GT_IT_THREAD:
		assert_int_equal(it->u.thread.tid, 4242);
		assert_int_equal(it->u.thread.ns_tid, 17);
		assert_int_equal(it->u.thread.m, 5);
		assert_int_equal(it->u.thread.first_ns, START);
		assert_int_equal(it->u.thread.last_ns, START + 9);
		assert_string_equal(it->u.thread.comm, "worker");
		break;
	case GT_IT_LOSS:
		assert_int_equal(it->u.loss.process, 1);
		assert_int_equal(it->u.loss.cpu, UINT32_MAX);
		assert_int_equal(it->u.loss.cause, GT_LOSS_THROTTLED);
		assert_int_equal(it->u.loss.t0, START + 1);
		assert_int_equal(it->u.loss.t1, START + 3);
		assert_int_equal(it->u.loss.count, 99);
		break;
	case GT_IT_STATS: assert_memory_equal(&it->u.stats, stats, sizeof(*stats)); break;
	case GT_IT_CLOCK: assert_int_equal(it->u.clock.boot_ns, 11); break;
	case GT_IT_NOTE: assert_string_equal(it->u.note.text, "here"); break;
	case GT_IT_END:
		assert_int_equal(it->u.end.status, -3);
		assert_int_equal(it->u.end.reason, GT_END_EXIT);
		assert_int_equal(it->u.end.ts, START + 10);
		break;
	case GT_IT_PROCESS:
		assert_int_equal(it->u.process.pid, 1001);
		assert_string_equal(it->u.process.go_version, "go1.26.8");
		break;
	default: break;
	}
}

static void every_item_comes_back_as_it_was(void **state)
{
	struct gt_writer_opts opts = file_opts(1);
	struct gt_out o = { 0 };
	struct gt_writer *w = file_begin(&o, &opts, 1);
	struct gt_goroutine g = { 7, 19, 0xc000123400,	3,    18, START - 5, 1, 2,
				  3, 4,	 GT_GF_EXISTED, 8192, 5 };
	struct gt_thread t = { 1, 4242, 17, 5, START, START + 9, "worker" };
	struct gt_loss l = { 1, UINT32_MAX, GT_LOSS_THROTTLED, START + 1, START + 3, 99 };
	struct gt_stats s = { START + 2, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	struct gt_mem mem;
	struct gt_source src;
	struct gt_reader *r;
	struct gt_item it;
	unsigned seen = 0;

	(void)state;
	assert_int_equal(gt_writer_goroutine(w, &g, NULL), GT_OK);
	assert_int_equal(gt_writer_thread(w, &t, NULL), GT_OK);
	assert_int_equal(gt_writer_loss(w, &l, NULL), GT_OK);
	assert_int_equal(gt_writer_stats_row(w, &s, NULL), GT_OK);
	assert_int_equal(gt_writer_clock(w, START, 11, 12, 13, NULL), GT_OK);
	assert_int_equal(gt_writer_note(w, START + 4, "here", NULL), GT_OK);
	file_end(w, START + 10);
	r = open_mem(&o, &mem, &src, NULL);
	while (gt_reader_next(r, &it, NULL) == 1) {
		seen |= 1u << it.type;
		check_item(&it, &s);
	}
	for (unsigned type = GT_IT_GOROUTINE; type <= GT_IT_END; type++)
		if (type < GT_IT_KEY_BEGIN || type > GT_IT_KEY_END)
			assert_true(seen >> type & 1);
	assert_string_equal(gt_reader_reason(r, 1, 2), "select");
	assert_null(gt_reader_reason(r, 1, 3));
	assert_null(gt_reader_reason(r, 9, 1));
	assert_int_equal(gt_reader_processes(r), 1);
	assert_string_equal(gt_reader_process(r, 1)->exe, "/usr/bin/svc");
	assert_int_equal(gt_reader_thread(r, 1, 4242)->m, 5);
	assert_null(gt_reader_thread(r, 2, 4242));
	gt_reader_free(r);
	gt_out_free(&o);
}

static void tables_come_before_the_events_that_use_them(void **state)
{
	struct gt_writer_opts opts = file_opts(1);
	struct gt_out o = { 0 };
	struct gt_writer *w = file_begin(&o, &opts, 1);
	uint8_t known[4001] = { 0 };
	struct gt_mem mem;
	struct gt_source src;
	struct gt_reader *r;
	struct gt_item it;
	uint32_t events = 0;

	(void)state;
	for (uint32_t i = 1; i <= 4000; i++) {
		struct gt_goroutine g = { .gid = i, .process = 1 };
		struct gt_event e = {
			.gid = i, .process = 1, .ts = START + i, .kind = GT_EV_STATUS
		};
		struct gt_frame f = { "main.f", "f.go", i };
		uint32_t pc, stack;

		assert_int_equal(gt_writer_goroutine(w, &g, NULL), GT_OK);
		assert_int_equal(gt_writer_pc(w, 1, i, GT_RA_PARK, &f, NULL, 1, &pc, NULL), GT_OK);
		assert_int_equal(gt_writer_stack(w, &pc, 1, &stack, NULL), GT_OK);
		e.stack = stack;
		assert_int_equal(gt_writer_event(w, &e, NULL), GT_OK);
	}
	file_end(w, START + 5000);
	r = open_mem(&o, &mem, &src, NULL);
	while (gt_reader_next(r, &it, NULL) == 1) {
		uint32_t pc;
		struct gt_frame f;

		if (it.type == GT_IT_GOROUTINE)
			known[it.u.g.gid] = 1;
		if (it.type != GT_IT_EVENT)
			continue;
		events++;
		assert_true(known[it.u.ev.gid]);
		assert_int_equal(gt_reader_stack(r, it.u.ev.stack, &pc, 1), 1);
		assert_int_equal(gt_reader_frames(r, pc, &f, 1), 1);
		assert_int_equal(f.line, it.u.ev.gid);
	}
	assert_int_equal(events, 4000);
	gt_reader_free(r);
	gt_out_free(&o);
}

/* ---- keyframes and seeking: a toy state, the sum of what happened to each goroutine ---- */

#define TOY_GIDS 3000u

struct toy {
	uint64_t last[TOY_GIDS + 1], waker[TOY_GIDS + 1];
	uint8_t state[TOY_GIDS + 1];
};

static void toy_event(struct toy *t, const struct gt_event *e)
{
	bool over = e->new == GT_G_SYSCALL; /* so that some are gone, and come back */

	t->last[e->gid] = over ? 0 : e->ts;
	t->waker[e->gid] = over ? 0 : e->actor;
	t->state[e->gid] = over ? 0 : e->new;
}

static void toy_key(struct toy *t, const struct gt_key *k)
{
	t->last[k->g.gid] = k->last_ns;
	t->waker[k->g.gid] = k->waker;
	t->state[k->g.gid] = k->state;
	assert_int_equal(k->since_ns, k->last_ns - (k->last_ns ? 1 : 0));
	assert_int_equal(k->g.goid, 3 * k->g.gid);
	assert_int_equal(k->p, (int32_t)(k->g.gid % 5) - 1);
}

static void toy_write_keyframe(struct gt_writer *w, const struct toy *t, uint64_t as_of)
{
	assert_int_equal(gt_writer_keyframe_begin(w, as_of, NULL), GT_OK);
	for (uint32_t gid = 1; gid <= TOY_GIDS; gid++) {
		struct gt_key k = { .g = { .gid = gid, .goid = 3 * gid, .process = 1 } };

		if (!t->state[gid])
			continue;
		k.last_ns = t->last[gid];
		k.since_ns = t->last[gid] - (t->last[gid] ? 1 : 0);
		k.waker = t->waker[gid];
		k.state = t->state[gid];
		k.p = (int32_t)(gid % 5) - 1;
		assert_int_equal(gt_writer_key(w, &k, NULL), GT_OK);
	}
	assert_int_equal(gt_writer_keyframe_end(w, NULL), GT_OK);
}

static uint32_t toy_trace(struct gt_out *o, uint32_t res, struct toy *t, uint32_t processes)
{
	struct gt_writer_opts opts = file_opts(res);
	struct gen g = { .rng = 9 + res, .cpus = 5, .gids = TOY_GIDS, .step = 40, .ts = START };
	struct gt_writer *w;
	struct gt_writer_stats stats;

	g.processes = processes;
	opts.block_events = 500;
	w = file_begin(o, &opts, processes);
	for (uint32_t i = 0; i < 30000; i++) {
		struct gt_event e = gen_event(&g);

		assert_int_equal(gt_writer_event(w, &e, NULL), GT_OK);
		e.ts = gt_writer_stored_ts(w);
		toy_event(t, &e);
		if (i % 2500 == 2000)
			toy_write_keyframe(w, t, g.ts);
	}
	gt_writer_get_stats(w, &stats);
	file_end(w, g.ts);
	return (uint32_t)stats.keyframes;
}

/* Replays from the keyframe that a seek to T finds; returns its time, 0 for the start. */
static uint64_t toy_replay(struct gt_reader *r, uint64_t t, struct toy *ret, uint32_t *ret_keys)
{
	struct gt_item it;
	uint64_t as_of = 0, last = 0;
	uint32_t keys = 0;
	int rc;

	memset(ret, 0, sizeof(*ret));
	assert_int_equal(gt_reader_seek(r, t, NULL), GT_OK);
	while ((rc = gt_reader_next(r, &it, NULL)) == 1) {
		if (it.type == GT_IT_KEY_BEGIN) {
			assert_int_equal(as_of, 0);
			as_of = it.u.key_as_of;
			memset(ret, 0, sizeof(*ret));
		} else if (it.type == GT_IT_KEY) {
			keys++;
			toy_key(ret, &it.u.key);
		} else if (it.type == GT_IT_EVENT) {
			assert_true(it.u.ev.ts > as_of);
			assert_true(it.u.ev.ts >= last);
			last = it.u.ev.ts;
			toy_event(ret, &it.u.ev);
		}
	}
	assert_int_equal(rc, 0);
	assert_false(damaged(gt_reader_damage(r)));
	if (ret_keys)
		*ret_keys = keys;
	return as_of;
}

static void cut_index(struct gt_out *o)
{
	uint32_t len = (uint32_t)o->p[o->n - 4] | (uint32_t)o->p[o->n - 3] << 8 |
		       (uint32_t)o->p[o->n - 2] << 16 | (uint32_t)o->p[o->n - 1] << 24;

	assert_true(len < o->n);
	o->n -= len;
}

static void replay_from_every_keyframe_ends_in_the_same_state(void **state)
{
	static struct toy truth, got;

	(void)state;
	for (int round = 0; round < 4; round++) {
		struct gt_out o = { 0 };
		struct gt_mem mem;
		struct gt_source src;
		struct gt_reader *r;
		uint64_t first, last, as_of, t;
		uint32_t written, met = 0, keys;

		memset(&truth, 0, sizeof(truth));
		written = toy_trace(&o, round % 2 ? 64 : 1, &truth, round < 2 ? 1 : 3);
		if (round == 1 || round == 2)
			cut_index(&o);
		r = open_mem(&o, &mem, &src, NULL);
		assert_int_equal(gt_reader_info(r)->indexed, !(round == 1 || round == 2));
		assert_int_equal(gt_reader_span(r, &first, &last, NULL), GT_OK);
		assert_true(first >= START - 64 && last > first);
		for (t = last;; t = as_of - 1) {
			as_of = toy_replay(r, t, &got, &keys);
			assert_memory_equal(&got, &truth, sizeof(got));
			if (!as_of)
				break;
			assert_true(keys > 0);
			met++;
		}
		assert_int_equal(met, written);
		assert_int_equal(toy_replay(r, 0, &got, NULL), 0);
		gt_reader_free(r);
		gt_out_free(&o);
	}
}

static void seeking_first_loads_the_tables_before_it(void **state)
{
	struct gt_out o = { 0 };
	struct gt_mem mem;
	struct gt_source src;
	struct gt_reader *r;
	uint32_t pcs[3];

	(void)state;
	file_of_everything(&o, 500, 70);
	r = open_mem(&o, &mem, &src, NULL);
	assert_int_equal(gt_reader_seek(r, UINT64_MAX, NULL), GT_OK);
	assert_int_equal(gt_reader_stack(r, 2, pcs, 3), 3);
	assert_string_equal(gt_reader_process(r, 2)->exe, "/usr/bin/svc");
	assert_non_null(gt_reader_thread(r, 1, 160));
	gt_reader_free(r);
	gt_out_free(&o);
}

static void keyframes_in_passing_only_on_request(void **state)
{
	struct gt_out o = { 0 };
	struct gt_mem mem;
	struct gt_source src;
	struct gt_reader *r;

	(void)state;
	file_of_everything(&o, 500, 70);
	for (int on = 0; on < 2; on++) {
		struct gt_reader_opts opts = { .keyframes = on };
		struct heard h = { 0 };

		r = open_mem(&o, &mem, &src, &opts);
		hear_all(&h, r);
		assert_int_equal(h.rc, 0);
		assert_int_equal(h.n_ev, 500);
		assert_int_equal(h.items[GT_IT_KEY_BEGIN], on ? 5 : 0);
		assert_int_equal(h.items[GT_IT_KEY], on ? 25 : 0);
		assert_int_equal(h.items[GT_IT_KEY_END], on ? 5 : 0);
		gt_reader_free(r);
		unhear(&h);
	}
	gt_out_free(&o);
}

static void a_keyframe_of_many_goroutines_is_several_blocks(void **state)
{
	struct gt_writer_opts opts = file_opts(1);
	struct gt_out o = { 0 };
	struct gt_writer *w = file_begin(&o, &opts, 1);
	struct gt_event e = { .gid = 1, .process = 1, .ts = START };
	struct gt_mem mem;
	struct gt_source src;
	struct gt_reader *r;
	struct heard h = { 0 };
	struct gen g = { .rng = 8 };

	(void)state;
	assert_int_equal(gt_writer_event(w, &e, NULL), GT_OK);
	assert_int_equal(gt_writer_keyframe_begin(w, START, NULL), GT_OK);
	for (uint64_t gid = 1; gid <= 50000; gid++) {
		struct gt_key k = { .g = { .gid = gid, .gptr = gen_u64(&g) },
				    .since_ns = START - gid };

		assert_int_equal(gt_writer_key(w, &k, NULL), GT_OK);
	}
	assert_int_equal(gt_writer_keyframe_end(w, NULL), GT_OK);
	e.ts++;
	assert_int_equal(gt_writer_event(w, &e, NULL), GT_OK);
	file_end(w, START + 1);
	r = open_mem(&o, &mem, &src, NULL);
	assert_int_equal(gt_reader_seek(r, START + 1, NULL), GT_OK);
	hear_all(&h, r);
	assert_int_equal(h.items[GT_IT_KEY], 50000);
	assert_int_equal(h.n_ev, 1);
	gt_reader_free(r);
	unhear(&h);
	gt_out_free(&o);
}

static void keyframe_due_weighs_size_against_events(void **state)
{
	struct gt_writer_opts opts = file_opts(1);
	struct gt_out o = { 0 };
	struct gt_writer *w = file_begin(&o, &opts, 1);
	struct gen g = {
		.rng = 8, .cpus = 4, .processes = 1, .gids = 500, .step = 40, .ts = START
	};

	(void)state;
	assert_false(gt_writer_keyframe_due(w, 10));
	for (int i = 0; i < 300000; i++) {
		struct gt_event e = gen_event(&g);

		assert_int_equal(gt_writer_event(w, &e, NULL), GT_OK);
	}
	assert_true(gt_writer_keyframe_due(w, 10));
	assert_false(gt_writer_keyframe_due(w, 1000000));
	toy_write_keyframe(w, &(struct toy){ .state = { [1] = 1 } }, g.ts);
	assert_false(gt_writer_keyframe_due(w, 10));
	g.ts += 11000000000u; /* ten seconds and something happened */
	struct gt_event e = gen_event(&g);
	assert_int_equal(gt_writer_event(w, &e, NULL), GT_OK);
	assert_true(gt_writer_keyframe_due(w, 1000000));
	gt_writer_free(w);
	gt_out_free(&o);
}

static void streams_cannot_seek(void **state)
{
	struct gt_out o = { 0 };
	struct gt_mem mem;
	struct gt_source src;
	struct gt_reader *r = NULL;
	uint64_t a, b;

	(void)state;
	file_of_everything(&o, 100, 70);
	mem = (struct gt_mem){ o.p, o.n };
	gt_source_mem(&src, &mem);
	src.size = UINT64_MAX;
	assert_int_equal(gt_reader_new(&r, &src, NULL, NULL), GT_OK);
	assert_int_equal(gt_reader_seek(r, START, NULL), GT_UNSUPPORTED);
	assert_int_equal(gt_reader_span(r, &a, &b, NULL), GT_UNSUPPORTED);
	gt_reader_free(r);
	gt_out_free(&o);
}

static void a_growing_file_is_followed_to_its_end(void **state)
{
	struct gt_reader_opts opts = { .follow = true };
	struct gt_out o = { 0 };
	struct gt_mem mem;
	struct gt_source src;
	struct gt_reader *r = NULL;
	struct heard h = { 0 };
	size_t head = 1200;

	(void)state;
	file_of_everything(&o, 300, 70);
	mem = (struct gt_mem){ o.p, head };
	gt_source_mem(&src, &mem);
	assert_int_equal(gt_reader_new(&r, &src, &opts, NULL), GT_OK);
	for (;;) {
		hear_all(&h, r);
		assert_int_equal(h.rc, 0);
		if (mem.n == o.n)
			break;
		mem.n += o.n - mem.n < 97 ? o.n - mem.n : 97;
	}
	assert_int_equal(h.n_ev, 300);
	assert_int_equal(h.items[GT_IT_END], 1);
	assert_false(damaged(&h.damage));
	gt_reader_free(r);
	unhear(&h);
	gt_out_free(&o);
}

/* ---- sinks and sources of files ---- */

static void write_until_full(int fd)
{
	struct gt_writer_opts opts = file_opts(1);
	struct gen g = {
		.rng = 4, .cpus = 4, .processes = 1, .gids = 500, .step = 40, .ts = START
	};
	struct rlimit lim = { 60000, 60000 };
	struct gt_fd_sink fs;
	struct gt_sink sink;
	struct gt_writer *w;
	struct gt_err err = { 0 };
	int rc = setrlimit(RLIMIT_FSIZE, &lim);

	signal(SIGXFSZ, SIG_IGN);
	opts.block_events = 3000;
	if (rc || gt_sink_fd(&sink, &fs, fd, NULL) || gt_writer_new(&w, &sink, &opts, NULL))
		_exit(2);
	if (gt_writer_process(w, &(struct gt_process){ .process = 1 }, NULL))
		_exit(3);
	while (!rc) {
		struct gt_event e = gen_event(&g);

		rc = gt_writer_event(w, &e, &err);
	}
	gt_writer_free(w);
	_exit(rc == GT_IO && err.os_errno == EFBIG ? 0 : 4);
}

static void a_full_disk_leaves_only_whole_blocks(void **state)
{
	char path[] = "/tmp/gt-sink-XXXXXX";
	struct gt_source src;
	struct gt_reader *r;
	struct heard h = { 0 };
	int fd = mkstemp(path), status;
	pid_t pid;

	(void)state;
	assert_true(fd >= 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		write_until_full(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fd);
	assert_int_equal(gt_source_open(&src, path, NULL), GT_OK);
	assert_int_equal(gt_reader_new(&r, &src, NULL, NULL), GT_OK);
	hear_all(&h, r);
	assert_int_equal(h.rc, 0);
	assert_true(h.n_ev >= 3000);
	assert_int_equal(h.n_ev % 3000, 0);
	assert_int_equal(h.damage.bad_bytes, 0);
	assert_int_equal(h.damage.missing_end, 1);
	assert_false(gt_reader_info(r)->complete);
	gt_reader_free(r);
	gt_source_close(&src);
	unhear(&h);
	unlink(path);
}

static void opening_what_is_no_file_says_why(void **state)
{
	struct gt_source src;
	struct gt_err err = { 0 };

	(void)state;
	assert_int_equal(gt_source_open(&src, "/nonexistent/x.gtr", &err), GT_IO);
	assert_int_equal(err.os_errno, ENOENT);
	assert_int_equal(gt_source_open(&src, "/tmp", &err), GT_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_about_the_trace_come_back),
		cmocka_unit_test(pcs_and_stacks_come_back),
		cmocka_unit_test(strings_come_back_with_their_class),
		cmocka_unit_test(every_item_comes_back_as_it_was),
		cmocka_unit_test(tables_come_before_the_events_that_use_them),
		cmocka_unit_test(replay_from_every_keyframe_ends_in_the_same_state),
		cmocka_unit_test(seeking_first_loads_the_tables_before_it),
		cmocka_unit_test(keyframes_in_passing_only_on_request),
		cmocka_unit_test(a_keyframe_of_many_goroutines_is_several_blocks),
		cmocka_unit_test(keyframe_due_weighs_size_against_events),
		cmocka_unit_test(streams_cannot_seek),
		cmocka_unit_test(a_growing_file_is_followed_to_its_end),
		cmocka_unit_test(a_full_disk_leaves_only_whole_blocks),
		cmocka_unit_test(opening_what_is_no_file_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
