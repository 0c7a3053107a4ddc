/* SPDX-License-Identifier: BSD-2-Clause */
/* Traces in memory for the tests of the file: making a small one of everything, reading one. */
#ifndef TRACE_FILE_H
#define TRACE_FILE_H

#include "tests/unit/trace_gen.h"

#define START 1000000000ull

static inline struct gt_writer_opts file_opts(uint32_t res)
{
	return (struct gt_writer_opts){ .session = 0x1122334455667788ull,
					.time_res_ns = res,
					.start_ns = START,
					.start_wall_ns = 1700000000000000000ull,
					.boot_id = "0d7b-boot",
					.hostname = "box",
					.os = "Linux 6.1",
					.hardware = "x86_64",
					.tool = "gtrec test",
					.n_cpus = 4 };
}

static inline struct gt_writer *file_begin(struct gt_out *o, const struct gt_writer_opts *opts,
					   uint32_t processes)
{
	static const char *const reasons[] = { "", "chan receive", "select" };
	struct gt_sink sink = { mem_write, o };
	struct gt_writer *w = NULL;

	assert_int_equal(gt_writer_new(&w, &sink, opts, NULL), GT_OK);
	for (uint32_t p = 1; p <= processes; p++) {
		struct gt_process pr = { .process = p,
					 .pid = 1000 + p,
					 .exe = "/usr/bin/svc",
					 .go_version = "go1.26.8",
					 .arch = "amd64",
					 .reasons = reasons,
					 .n_reasons = 3 };

		assert_int_equal(gt_writer_process(w, &pr, NULL), GT_OK);
	}
	return w;
}

static inline void file_end(struct gt_writer *w, uint64_t ts)
{
	struct gt_end end = { .ts = ts, .reason = GT_END_EXIT, .status = -3 };

	assert_int_equal(gt_writer_finish(w, &end, NULL), GT_OK);
	gt_writer_free(w);
}

/* What a reading gave: events in order, and how often each other item came. */
struct heard {
	struct gt_event *ev;
	size_t n_ev, cap;
	uint32_t items[GT_IT_END + 1];
	struct gt_loss last_loss;
	uint64_t lost;
	uint32_t losses_found; /* by the reader */
	struct gt_damage damage;
	int rc; /* of the last gt_reader_next */
	struct gt_err err;
};

static inline void hear_all(struct heard *h, struct gt_reader *r)
{
	struct gt_item it;

	while ((h->rc = gt_reader_next(r, &it, &h->err)) == 1) {
		h->items[it.type]++;
		if (it.type == GT_IT_LOSS) {
			h->last_loss = it.u.loss;
			h->lost += it.u.loss.count;
			h->losses_found += it.u.loss.cause == GT_LOSS_DAMAGED ||
					   it.u.loss.cause == GT_LOSS_MISSING;
		}
		if (it.type != GT_IT_EVENT)
			continue;
		if (h->n_ev == h->cap) {
			h->cap = h->cap ? h->cap * 2 : 1024;
			h->ev = realloc(h->ev, h->cap * sizeof(*h->ev));
			assert_non_null(h->ev);
		}
		h->ev[h->n_ev++] = it.u.ev;
	}
	h->damage = *gt_reader_damage(r);
}

/* Reads all of P; STREAM: as from a pipe. The code of gt_reader_new, or of the last item. */
static inline int hear(struct heard *h, const uint8_t *p, size_t n, bool stream,
		       uint64_t max_memory)
{
	struct gt_mem mem = { p, n };
	struct gt_reader_opts opts = { .max_memory = max_memory };
	struct gt_source src;
	struct gt_reader *r = NULL;
	int rc;

	memset(h, 0, sizeof(*h));
	gt_source_mem(&src, &mem);
	if (stream)
		src.size = UINT64_MAX;
	rc = gt_reader_new(&r, &src, &opts, &h->err);
	if (rc)
		return h->rc = rc;
	hear_all(h, r);
	gt_reader_free(r);
	return h->rc;
}

static inline void unhear(struct heard *h)
{
	free(h->ev);
	memset(h, 0, sizeof(*h));
}

static inline bool damaged(const struct gt_damage *d)
{
	return d->bad_blocks || d->bad_bytes || d->missing_blocks || d->missing_end;
}

/* A small trace that has a block of every kind the writer makes. */
static inline void file_of_everything(struct gt_out *o, uint32_t n_events, uint32_t block_events)
{
	struct gen g = { .rng = 77, .ts = START, .cpus = 3, .processes = 2, .gids = 9, .step = 90 };
	struct gt_writer_opts opts = file_opts(1);
	const struct gt_frame frames[] = { { "main.work", "/src/main.go", 12 },
					   { "runtime.goexit", "/go/src/runtime/asm.s", 1 } };
	const bool std[] = { false, true };
	uint32_t pc[3], stack[2];
	struct gt_writer *w;

	opts.block_events = block_events;
	w = file_begin(o, &opts, 2);
	for (int i = 0; i < 3; i++)
		assert_int_equal(gt_writer_pc(w, 1, 0x1000u + (uint32_t)i, GT_RA_READY, frames, std,
					      2, &pc[i], NULL),
				 GT_OK);
	assert_int_equal(gt_writer_stack(w, pc + 1, 2, &stack[0], NULL), GT_OK);
	assert_int_equal(gt_writer_stack(w, pc, 3, &stack[1], NULL), GT_OK);
	assert_int_equal(gt_writer_clock(w, START, START, 1700000000000000000ull, 50, NULL), GT_OK);
	for (uint32_t i = 0; i < n_events; i++) {
		struct gt_event e = gen_event(&g);

		if (i % 50 == 10) {
			struct gt_goroutine gr = {
				.gid = i, .goid = i + 5, .process = 1, .start_pc = 1
			};

			assert_int_equal(gt_writer_goroutine(w, &gr, NULL), GT_OK);
		}
		assert_int_equal(gt_writer_event(w, &e, NULL), GT_OK);
		if (i % 100 == 60) {
			struct gt_loss l = {
				.cpu = 1, .cause = GT_LOSS_RING_FULL, .t0 = g.ts, .t1 = g.ts
			};
			struct gt_stats s = { .ts = g.ts, .events = i };
			struct gt_thread t = {
				.process = 1, .tid = 100 + i, .m = -1, .comm = "svc"
			};

			l.count = 5;
			assert_int_equal(gt_writer_loss(w, &l, NULL), GT_OK);
			assert_int_equal(gt_writer_stats_row(w, &s, NULL), GT_OK);
			assert_int_equal(gt_writer_thread(w, &t, NULL), GT_OK);
			assert_int_equal(gt_writer_note(w, g.ts, "mark", NULL), GT_OK);
		}
		if (i % 100 == 80) {
			assert_int_equal(gt_writer_keyframe_begin(w, g.ts, NULL), GT_OK);
			for (uint64_t gid = 1; gid < 6; gid++) {
				struct gt_key k = { .g = { .gid = gid, .process = 1 },
						    .since_ns = g.ts - gid,
						    .last_ns = g.ts,
						    .p = -1,
						    .state = 6 };

				assert_int_equal(gt_writer_key(w, &k, NULL), GT_OK);
			}
			assert_int_equal(gt_writer_keyframe_end(w, NULL), GT_OK);
		}
	}
	file_end(w, g.ts + 7);
}

#endif
