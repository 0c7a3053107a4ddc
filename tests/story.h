/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tells a history of goroutines to a trace file, in the words of the Go scheduler: for unit
 * tests whose figures are known by hand, and for sample traces. Times are ns from the start of
 * the trace; what goes wrong ends the program, as there is nothing to test then.
 */
#ifndef STORY_H
#define STORY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/gtrace.h"

#define STORY_START 5000000000ull /* the trace's time 0 on the monotonic clock */

enum {
	R_NONE,
	R_CHAN_RECV,
	R_CHAN_SEND,
	R_MUTEX,
	R_IO,
	R_WAITGROUP,
	R_SELECT,
	R_SLEEP,
	R_IDLE,
	R_SEMA
};

static const char *const story_reasons[] = { "",
					     "chan receive",
					     "chan send",
					     "sync.Mutex.Lock",
					     "IO wait",
					     "sync.WaitGroup.Wait",
					     "select",
					     "sleep",
					     "GC worker (idle)",
					     "semacquire" };

struct story {
	FILE *f;
	struct gt_writer *w;
	struct gt_sink sink;
	uint32_t ra[64]; /* pc of each enum gt_ra_class */
	uint64_t now, events;
	bool knows_p;
	bool two; /* processes: goroutines with odd gids belong to the second */
};

static inline void story_must(int rc, const struct gt_err *err)
{
	if (rc < 0) {
		(void)fprintf(stderr, "story: %s\n", err->msg);
		abort();
	}
}

static int story_write(void *ctx, const void *p, size_t n, struct gt_err *err)
{
	struct story *s = ctx;

	return fwrite(p, 1, n, s->f) == n ? GT_OK : gt_fail(err, GT_IO, "cannot write the sample");
}

static inline uint32_t story_pc(struct story *s, enum gt_ra_class cls, const char *func,
				const char *file, uint32_t line)
{
	struct gt_frame f = { func, file, line };
	bool std = false;
	struct gt_err err;
	uint32_t id = 0;

	story_must(gt_writer_pc(s->w, 1, 0x1000 + line, cls, &f, &std, 1, &id, &err), &err);
	return id;
}

static inline struct gt_process story_process_row(void)
{
	return (struct gt_process){ .process = 1,
				    .pid = 4242,
				    .launched = 1,
				    .exe = "/usr/bin/app",
				    .build_id = "",
				    .gnu_build_id = "",
				    .go_version = "go1.26.8",
				    .arch = "amd64",
				    .cmdline0 = "app",
				    .reasons = story_reasons,
				    .n_reasons = sizeof(story_reasons) / sizeof(*story_reasons) };
}

static inline void story_begin(struct story *s, const char *path, bool two)
{
	struct gt_writer_opts o = { .session = 7,
				    .time_res_ns = 1,
				    .start_ns = STORY_START,
				    .start_wall_ns = 1795457100000000000ull,
				    .tool = "sample",
				    .n_cpus = 4 };
	struct gt_process p = story_process_row();
	struct gt_err err;

	memset(s, 0, sizeof(*s));
	s->two = two;
	s->f = fopen(path, "wb");
	if (!s->f) {
		perror(path);
		abort();
	}
	s->sink = (struct gt_sink){ story_write, s };
	story_must(gt_writer_new(&s->w, &s->sink, &o, &err), &err);
	story_must(gt_writer_process(s->w, &p, &err), &err);
	if (two) {
		p.process = 2;
		p.pid = 4343;
		p.exe = "/usr/bin/other";
		story_must(gt_writer_process(s->w, &p, &err), &err);
	}
	for (uint32_t c = GT_RA_NEWPROC; c <= GT_RA_DEBUGCALL; c++)
		s->ra[c] = story_pc(s, (enum gt_ra_class)c, "runtime.casgstatus",
				    "/go/src/runtime/proc.go", 1000 + c);
}

/* The first process ends at T. */
static inline void story_process_end(struct story *s, uint64_t t, enum gt_process_end how,
				     uint32_t status)
{
	struct gt_process p = story_process_row();
	struct gt_event ev = { .ts = STORY_START + t,
			       .process = 1,
			       .p = -1,
			       .m = -1,
			       .qlen = -1,
			       .cpu = 5,
			       .kind = GT_EV_PROCESS_END };
	struct gt_err err;

	p.end_ns = ev.ts;
	p.end = how;
	p.end_status = status;
	story_must(gt_writer_process(s->w, &p, &err), &err);
	story_must(gt_writer_event(s->w, &ev, &err), &err);
	s->events++;
}

static inline void story_end(struct story *s, uint64_t t)
{
	struct gt_end end = { .ts = STORY_START + t, .events = s->events, .reason = GT_END_EXIT };
	struct gt_err err;

	story_must(gt_writer_finish(s->w, &end, &err), &err);
	gt_writer_free(s->w);
	if (fclose(s->f))
		abort();
}

static inline uint32_t story_process(const struct story *s, uint64_t gid)
{
	return s->two && gid % 2 ? 2 : 1;
}

static inline void story_event(struct story *s, uint64_t t, struct gt_event *e)
{
	struct gt_err err;

	e->ts = STORY_START + t;
	e->process = story_process(s, e->gid);
	if (e->tid && e->process == 2)
		e->tid += 1000;
	if (!s->knows_p)
		e->p = -1;
	e->m = e->qlen = -1;
	s->events++;
	story_must(gt_writer_event(s->w, e, &err), &err);
}

static inline void story_status(struct story *s, uint64_t t, uint64_t gid, uint8_t old, uint8_t new,
				enum gt_ra_class ra, uint32_t cpu, uint64_t actor)
{
	struct gt_event e = { .gid = gid,
			      .actor = actor,
			      .tid = 100 + cpu,
			      .cpu = (uint16_t)cpu,
			      .p = (int32_t)cpu,
			      .ra = s->ra[ra],
			      .kind = GT_EV_STATUS,
			      .old = old,
			      .new = new };

	story_event(s, t, &e);
}

static inline void story_go(struct story *s, uint64_t t, uint64_t gid, uint64_t parent,
			    uint32_t start_pc, uint32_t site_pc, uint32_t cpu)
{
	struct gt_goroutine g = { .gid = gid,
				  .goid = gid,
				  .gptr = 0xc000000000 + gid * 0x1000,
				  .parent = parent,
				  .parent_goid = parent,
				  .created_ns = STORY_START + t,
				  .process = story_process(s, gid),
				  .start_pc = start_pc,
				  .site_pc = site_pc };
	struct gt_err err;

	story_must(gt_writer_goroutine(s->w, &g, &err), &err);
	story_status(s, t, gid, GT_G_DEAD, GT_G_RUNNABLE, GT_RA_NEWPROC, cpu, parent);
}

static inline void story_run(struct story *s, uint64_t t, uint64_t gid, uint32_t cpu)
{
	story_status(s, t, gid, GT_G_RUNNABLE, GT_G_RUNNING, GT_RA_EXECUTE, cpu, 0);
}

static inline void story_park(struct story *s, uint64_t t, uint64_t gid, uint32_t cpu,
			      uint8_t reason, uint32_t stack)
{
	struct gt_event e = { .gid = gid,
			      .tid = 100 + cpu,
			      .cpu = (uint16_t)cpu,
			      .p = (int32_t)cpu,
			      .ra = s->ra[GT_RA_PARK],
			      .kind = GT_EV_STATUS,
			      .old = GT_G_RUNNING,
			      .new = GT_G_WAITING,
			      .reason = reason,
			      .stack = stack };

	story_event(s, t, &e);
}

static inline void story_ready(struct story *s, uint64_t t, uint64_t gid, uint32_t cpu,
			       uint64_t waker)
{
	story_status(s, t, gid, GT_G_WAITING, GT_G_RUNNABLE, GT_RA_READY, cpu, waker);
}

static inline void story_sysenter(struct story *s, uint64_t t, uint64_t gid, uint32_t cpu)
{
	story_status(s, t, gid, GT_G_RUNNING, GT_G_SYSCALL, GT_RA_ENTERSYSCALL, cpu, 0);
}

/* As the recorder sees it: before the runtime has found a P for the goroutine. */
static inline void story_sysexit(struct story *s, uint64_t t, uint64_t gid, uint32_t cpu)
{
	struct gt_event e = { .gid = gid,
			      .tid = 100 + cpu,
			      .cpu = (uint16_t)cpu,
			      .p = -1,
			      .ra = s->ra[GT_RA_EXITSYSCALL],
			      .kind = GT_EV_STATUS,
			      .old = GT_G_SYSCALL,
			      .new = GT_G_RUNNING };

	story_event(s, t, &e);
}

static inline void story_exit(struct story *s, uint64_t t, uint64_t gid, uint32_t cpu)
{
	story_status(s, t, gid, GT_G_RUNNING, GT_G_DEAD, GT_RA_GOEXIT, cpu, 0);
}

/* What a snapshot reads of a parked goroutine. */
static inline void story_snap(struct story *s, uint64_t t, uint64_t gid, uint8_t reason,
			      uint32_t stack)
{
	struct gt_event e = { .gid = gid,
			      .p = -1,
			      .kind = GT_EV_SNAP,
			      .old = GT_G_WAITING,
			      .new = GT_G_WAITING,
			      .reason = reason,
			      .stack = stack,
			      .arg = 1000 };

	story_event(s, t, &e);
}

/* A stack: runtime.gopark, then FUNC at FILE:LINE. */
static inline uint32_t story_stack(struct story *s, const char *func, const char *file,
				   uint32_t line)
{
	uint32_t pcs[2], id = 0;
	struct gt_err err;

	pcs[0] = story_pc(s, GT_RA_UNKNOWN, "runtime.gopark", "/go/src/runtime/proc.go", 400);
	pcs[1] = story_pc(s, GT_RA_UNKNOWN, func, file, line);
	story_must(gt_writer_stack(s->w, pcs, 2, &id, &err), &err);
	return id;
}

/*
 * Three workers, five jobs; all times in us. The figures that tests expect of it are worked
 * out by hand beside the tests.
 */
static inline void story_pool(const char *path)
{
	struct story s;

	story_begin(&s, path, false);
	s.knows_p = true;
	uint32_t main_pc = story_pc(&s, GT_RA_UNKNOWN, "runtime.main", "/go/src/runtime/proc.go",
				    147);
	uint32_t work_pc = story_pc(&s, GT_RA_UNKNOWN, "main.worker", "/src/pool/main.go", 10);
	uint32_t site_pc = story_pc(&s, GT_RA_UNKNOWN, "main.main", "/src/pool/main.go", 31);
	uint64_t us = 1000;

	story_go(&s, 0 * us, 1, 0, main_pc, 0, 0);
	story_run(&s, 10 * us, 1, 0);
	for (uint64_t w = 2; w <= 4; w++)
		story_go(&s, w * 10 * us, w, 1, work_pc, site_pc, 0);
	story_park(&s, 50 * us, 1, 0, R_CHAN_SEND, 0);
	story_run(&s, 60 * us, 2, 1);
	story_run(&s, 70 * us, 3, 2);
	story_run(&s, 80 * us, 4, 3);
	story_ready(&s, 90 * us, 1, 1, 2);
	story_run(&s, 100 * us, 1, 0);
	story_park(&s, 110 * us, 3, 2, R_CHAN_RECV, 0);
	story_park(&s, 120 * us, 4, 3, R_CHAN_RECV, 0);
	story_ready(&s, 130 * us, 3, 0, 1);
	story_ready(&s, 140 * us, 4, 0, 1);
	story_run(&s, 150 * us, 3, 2);
	story_park(&s, 160 * us, 2, 1, R_CHAN_RECV, 0);
	story_run(&s, 170 * us, 4, 3);
	story_ready(&s, 180 * us, 2, 0, 1);
	story_run(&s, 190 * us, 2, 1);
	story_sysenter(&s, 200 * us, 3, 2);
	story_sysexit(&s, 250 * us, 3, 2);
	story_park(&s, 260 * us, 3, 2, R_CHAN_RECV, 0);
	story_ready(&s, 270 * us, 3, 0, 1);
	story_run(&s, 275 * us, 3, 2);
	story_park(&s, 280 * us, 1, 0, R_WAITGROUP, 0);
	story_exit(&s, 300 * us, 4, 3);
	story_exit(&s, 310 * us, 2, 1);
	story_ready(&s, 320 * us, 1, 2, 3);
	story_exit(&s, 330 * us, 3, 2);
	story_run(&s, 340 * us, 1, 0);
	story_end(&s, 400 * us);
}

#endif
