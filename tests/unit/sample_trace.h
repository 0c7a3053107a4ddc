/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes sample traces as the recorder would: an engine beside the writer, keyframes from it.
 * "pool" is a worker pool with known lives; "crowd" a long random run with many keyframes.
 * For unit tests and, through `test_replay_file write DIR`, for the scripts of tests/cli.
 */
#ifndef SAMPLE_TRACE_H
#define SAMPLE_TRACE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/gtrace.h"
#include "replay/engine/engine.h"

#define SAMPLE_START 10000000000u /* monotonic ns that are 0 on the time axis */
#define SAMPLE_MS    1000000u

/* Places of the sample program; index into .pc. */
enum sample_pc {
	SP_MAIN = 1, /* entry of main.main */
	SP_WORKER,   /* entry of main.worker */
	SP_GO,	     /* the go statement */
	SP_RECV,     /* main.worker receives */
	SP_WAIT,     /* main.main waits */
	SP_BGSWEEP,
	SP_READ, /* syscall.read */
	SP_EVIL, /* a function whose name would upset a terminal */
	SP_RA,	 /* + enum gt_ra_class: one pc for each role */
	SP_COUNT = SP_RA + 40
};

struct sample {
	struct gt_writer *w;
	struct gt_engine *e;
	uint32_t pc[SP_COUNT];
	uint32_t stack_recv, stack_create;
	uint64_t now, n;
	bool keyframes;
	uint32_t every; /* events between keyframes */
	int fd;
};

#define MUST(x)                                                                                    \
	do {                                                                                       \
		struct gt_err err_ = { 0 };                                                        \
		struct gt_err *const err = &err_;                                                  \
		if ((x) != GT_OK) {                                                                \
			(void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, err->msg);        \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static int sample_write(void *ctx, const void *p, size_t n, struct gt_err *err)
{
	const struct sample *s = ctx;

	return write(s->fd, p, n) == (ssize_t)n ? GT_OK : gt_fail_errno(err, GT_IO, "write");
}

static enum gt_ra_class sample_class(void *ctx, uint32_t pc)
{
	const struct sample *s = ctx;

	for (unsigned i = 0; i < 40; i++) {
		if (s->pc[SP_RA + i] == pc)
			return (enum gt_ra_class)i;
	}
	return GT_RA_UNKNOWN;
}

static void sample_pc(struct sample *s, unsigned which, enum gt_ra_class cls, const char *func,
		      const char *file, uint32_t line, bool std)
{
	struct gt_frame f = { func, file, line };

	MUST(gt_writer_pc(s->w, 1, 0x1000 + which * 16, cls, &f, &std, 1, &s->pc[which], err));
}

static void sample_places(struct sample *s)
{
	sample_pc(s, SP_MAIN, 0, "main.main", "/src/pool/main.go", 20, false);
	sample_pc(s, SP_WORKER, 0, "main.worker", "/src/pool/main.go", 40, false);
	sample_pc(s, SP_GO, 0, "main.main", "/src/pool/main.go", 31, false);
	sample_pc(s, SP_RECV, 0, "main.worker", "/src/pool/main.go", 42, false);
	sample_pc(s, SP_WAIT, 0, "main.main", "/src/pool/main.go", 35, false);
	sample_pc(s, SP_BGSWEEP, 0, "runtime.bgsweep", "/usr/lib/go/src/runtime/mgcsweep.go", 276,
		  true);
	sample_pc(s, SP_READ, GT_RA_SYSCALL_PC, "syscall.read",
		  "/usr/lib/go/src/syscall/zsyscall_linux_amd64.go", 736, true);
	sample_pc(s, SP_EVIL, 0, "main.evil\033[31m\n\"\\", "/src/\001.go", 1, false);
	for (unsigned i = 1; i < 40; i++) {
		if (i <= GT_RA_DEBUGCALL)
			sample_pc(s, SP_RA + i, (enum gt_ra_class)i, "runtime.x", "proc.go", i,
				  true);
	}
	MUST(gt_writer_stack(s->w, (uint32_t[]){ s->pc[SP_RECV] }, 1, &s->stack_recv, err));
	MUST(gt_writer_stack(s->w, (uint32_t[]){ s->pc[SP_GO] }, 1, &s->stack_create, err));
}

static void sample_process(struct sample *s, uint32_t number, uint32_t pid)
{
	static const char *const reasons[] = {
		"",	 "GC assist marking", "IO wait",	   "chan receive",
		"sleep", "GC sweep wait",     "GC worker (active)"
	};
	struct gt_process p = { .process = number,
				.pid = pid,
				.start_ns = 1,
				.seen_ns = s->now,
				.launched = 1,
				.exe = "/src/pool/pool",
				.build_id = "abc",
				.gnu_build_id = "",
				.go_version = "go1.26.0",
				.arch = "amd64",
				.cmdline0 = "./pool",
				.reasons = reasons,
				.n_reasons = 7 };

	MUST(gt_writer_process(s->w, &p, err));
}

static void sample_open(struct sample *s, const char *path, uint32_t block_events)
{
	struct gt_writer_opts o = { .session = 42,
				    .time_res_ns = 1,
				    .start_ns = SAMPLE_START,
				    .start_wall_ns = 1700000000000000000u,
				    .n_cpus = 2,
				    .block_events = block_events,
				    .tool = "sample" };
	struct gt_engine_opts eo = { .pc_class = sample_class, .pc_ctx = s };
	static struct gt_sink sink;

	memset(s, 0, sizeof(*s));
	s->now = SAMPLE_START;
	s->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (s->fd < 0)
		abort();
	sink = (struct gt_sink){ .write = sample_write, .ctx = s };
	MUST(gt_engine_new(&s->e, &eo, err));
	MUST(gt_writer_new(&s->w, &sink, &o, err));
	sample_process(s, 1, 4711);
	sample_places(s);
}

static void sample_close(struct sample *s, bool finish)
{
	struct gt_end end = { .ts = s->now, .events = s->n, .reason = GT_END_EXIT };

	if (finish)
		MUST(gt_writer_finish(s->w, &end, err));
	gt_writer_free(s->w);
	gt_engine_free(s->e);
	close(s->fd);
}

static void sample_row(struct sample *s, const struct gt_goroutine *g)
{
	MUST(gt_writer_goroutine(s->w, g, err));
	MUST(gt_engine_goroutine(s->e, g, err));
}

static void sample_keyframe(struct sample *s)
{
	const struct gt_gor_state *g = NULL;

	MUST(gt_writer_keyframe_begin(s->w, s->now, err));
	while ((g = gt_engine_next_key(s->e, g ? g->k.g.gid : 0)))
		MUST(gt_writer_key(s->w, &g->k, err));
	MUST(gt_writer_keyframe_end(s->w, err));
}

static void sample_event(struct sample *s, struct gt_event *ev)
{
	ev->ts = s->now;
	ev->process = ev->process ? ev->process : 1;
	ev->m = ev->qlen = -1;
	MUST(gt_engine_event(s->e, ev, err));
	MUST(gt_writer_event(s->w, ev, err));
	if (++s->n % (s->every ? s->every : UINT64_MAX) == 0)
		sample_keyframe(s);
}

/* AFTER ns later, GID goes from OLD to NEW on thread TID (cpu TID % 2, P likewise). */
static void sample_st(struct sample *s, uint64_t after, uint64_t gid, uint32_t tid, uint8_t old,
		      uint8_t new, enum gt_ra_class ra, uint64_t actor, uint8_t reason)
{
	struct gt_event ev = { .gid = gid,
			       .tid = tid,
			       .cpu = (uint16_t)(tid % 2),
			       .p = (int32_t)(tid % 2),
			       .kind = GT_EV_STATUS,
			       .old = old,
			       .new = new,
			       .ra = s->pc[SP_RA + (unsigned)ra],
			       .actor = actor,
			       .reason = reason };

	s->now += after;
	if (old == GT_G_RUNNING && new == GT_G_WAITING && reason == 3)
		ev.stack = s->stack_recv;
	if (old == GT_G_RUNNING && new == GT_G_SYSCALL)
		ev.pc = s->pc[SP_READ];
	sample_event(s, &ev);
}

static void sample_go(struct sample *s, uint64_t after, uint64_t gid, uint64_t goid, uint32_t tid,
		      uint64_t parent, uint64_t parent_goid, unsigned start, uint32_t flags)
{
	struct gt_goroutine g = { .gid = gid,
				  .goid = goid,
				  .gptr = 0xc000000000 + gid * 512,
				  .parent = parent,
				  .parent_goid = parent_goid,
				  .process = 1,
				  .start_pc = s->pc[start],
				  .site_pc = parent ? s->pc[SP_GO] : 0,
				  .stack = parent ? s->stack_create : 0,
				  .flags = flags,
				  .created_ns = s->now + after };

	sample_row(s, &g);
	sample_st(s, after, gid, tid, 6, 1, GT_RA_NEWPROC, parent, 0);
}

/*
 * The pool: main (goid 1) makes worker 18 at 1 ms; it blocks on a channel at 3 ms and is woken
 * by main at 13 ms, reads a file for 2 ms and exits at 20 ms. bgsweep (2) idles. Another
 * worker, 19, blocks at 5 ms for good. Ends at 65 s.
 */
static void sample_pool(struct sample *s, bool loss)
{
	sample_go(s, 1000, 1, 1, 100, 0, 0, SP_MAIN, 0);
	sample_st(s, 1000, 1, 100, 1, 2, GT_RA_EXECUTE, 0, 0);
	sample_go(s, 1000, 2, 2, 100, 1, 1, SP_BGSWEEP, GT_GF_SYSTEM);
	sample_st(s, 1000, 2, 101, 1, 2, GT_RA_EXECUTE, 0, 0);
	sample_st(s, 1000, 2, 101, 2, 4, GT_RA_PARK, 0, 5);
	sample_go(s, SAMPLE_MS - 5000, 3, 18, 100, 1, 1, SP_WORKER, 0);
	sample_st(s, SAMPLE_MS, 3, 101, 1, 2, GT_RA_EXECUTE, 0, 0);
	sample_st(s, SAMPLE_MS, 3, 101, 2, 4, GT_RA_PARK, 0, 3);
	sample_go(s, SAMPLE_MS, 4, 19, 100, 1, 1, SP_WORKER, 0);
	sample_st(s, 500000, 4, 101, 1, 2, GT_RA_EXECUTE, 0, 0);
	sample_st(s, 500000, 4, 101, 2, 4, GT_RA_PARK, 0, 3);
	sample_keyframe(s);
	if (loss) {
		struct gt_loss l = { .process = 1,
				     .cpu = 1,
				     .cause = GT_LOSS_RING_FULL,
				     .t0 = s->now + SAMPLE_MS,
				     .t1 = s->now + 4 * SAMPLE_MS,
				     .count = 120 };
		MUST(gt_writer_loss(s->w, &l, err));
		MUST(gt_engine_loss(s->e, &l, err));
	}
	sample_st(s, 8 * SAMPLE_MS, 3, 100, 4, 1, GT_RA_READY, 1, 0);
	sample_st(s, SAMPLE_MS, 3, 101, 1, 2, GT_RA_EXECUTE, 0, 0);
	sample_st(s, SAMPLE_MS, 3, 101, 2, 3, GT_RA_ENTERSYSCALL, 0, 0);
	sample_st(s, 2 * SAMPLE_MS, 3, 101, 3, 2, GT_RA_EXITSYSCALL, 0, 0);
	sample_st(s, 3 * SAMPLE_MS, 3, 101, 2, 6, GT_RA_GOEXIT, 0, 0);
	sample_st(s, 65000000000u - 20 * SAMPLE_MS, 1, 100, 2, 4, GT_RA_PARK, 0, 4);
}

/*
 * A trace that gtrec attached for: what a snapshot found at 5 ms of a process that came under
 * trace at 4 ms, 7 blocked and 8 in a syscall. Nothing happens; it ends at 200 s.
 */
static void sample_attached(struct sample *s)
{
	struct gt_goroutine g = { .process = 2, .flags = GT_GF_EXISTED };
	struct gt_event ev = { .kind = GT_EV_SNAP, .process = 2, .arg = 1000, .p = -1 };

	s->now = SAMPLE_START + 4 * SAMPLE_MS;
	sample_process(s, 2, 4712);
	s->now += SAMPLE_MS;
	for (uint64_t gid = 1; gid <= 2; gid++) {
		g.gid = ev.gid = gid;
		g.goid = gid + 6;
		g.gptr = 0xc000000000 + gid * 512;
		sample_row(s, &g);
		ev.tid = gid == 1 ? 0 : 200;
		ev.new = ev.old = gid == 1 ? GT_G_WAITING : GT_G_SYSCALL;
		ev.reason = gid == 1 ? 3 : 0;
		ev.pc = gid == 1 ? 0 : s->pc[SP_READ];
		sample_event(s, &ev);
	}
	s->now = SAMPLE_START + 200000ull * SAMPLE_MS;
}

/* A few hundred goroutines doing random legal things on 8 threads. */
static void sample_crowd(struct sample *s, uint32_t n)
{
	enum { G = 300, T = 8 };
	static struct {
		uint64_t gid;
		uint8_t status;
		uint32_t tid;
	} g[G];
	uint32_t on[T] = { 0 };
	uint64_t gid = 1, seed = 88172645463325252u;

	memset(g, 0, sizeof(g));
	while (s->n < n) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		uint32_t i = (uint32_t)(seed >> 20) % G, t = (uint32_t)(seed >> 40) % T;
		uint64_t dt = 100 + (seed >> 50) % 4000;

		switch (g[i].status) {
		case 0:
			g[i].gid = gid++;
			sample_go(s, dt, g[i].gid, g[i].gid + 16, 100 + t, on[t],
				  on[t] ? on[t] + 16 : 0, SP_WORKER, 0);
			g[i].status = 1;
			break;
		case 1:
			if (on[t])
				break;
			on[t] = (uint32_t)g[i].gid;
			g[i].tid = t;
			sample_st(s, dt, g[i].gid, 100 + t, 1, 2, GT_RA_EXECUTE, 0, 0);
			g[i].status = 2;
			break;
		case 2:
			on[g[i].tid] = 0;
			g[i].status = (uint8_t[]){ 1, 4, 4, 4, 4, 4, 0, 1 }[seed >> 60 & 7];
			sample_st(s, dt, g[i].gid, 100 + g[i].tid, 2, g[i].status ? g[i].status : 6,
				  g[i].status == 4 ? GT_RA_PARK : GT_RA_GOSCHED, 0,
				  g[i].status == 4 ? 3 : 0);
			break;
		default:
			sample_st(s, dt, g[i].gid, 100 + t, 4, 1, GT_RA_READY, on[t], 0);
			g[i].status = 1;
		}
	}
}

#endif
