/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a large trace costs to open and to search. Makes one of any size, with any number of
 * goroutines alive, and asks for the state at random times:
 *
 *	bench_seek make FILE BYTES LIVE    hours of a server: a tenth of the goroutines does nine
 *	                                   tenths of the work, some are replaced all the time
 *	bench_seek ask FILE N              open, state at N times; one line of JSON
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "format/gtrace.h"
#include "replay/engine/engine.h"
#include "tests/unit/rng.h"

#define CPUS  8u
#define START 1000000000000ull

static struct gt_err err;

static void die(const char *what)
{
	fprintf(stderr, "bench_seek: %s: %s\n", what, err.msg);
	exit(1);
}

#define MUST(call)                                                                                 \
	do {                                                                                       \
		if ((call) < 0)                                                                    \
			die(#call);                                                                \
	} while (0)

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- making ---- */

struct server {
	struct gt_writer *w;
	struct gt_key *k; /* by place; sorted by gid only when a keyframe asks for it */
	uint64_t n, next_gid, ts, stall_ns;
	uint64_t running[CPUS]; /* place + 1 */
};

static uint64_t below(uint64_t n)
{
	return rng() % n;
}

static void born(struct server *s, uint64_t place, uint64_t parent)
{
	uint64_t gid = s->next_gid++;
	struct gt_key *k = &s->k[place];

	*k = (struct gt_key){ .g = { .gid = gid,
				     .goid = gid * 3 / 2,
				     .gptr = 0xc000000000ull + rng() % (s->n * 4) * 448,
				     .parent = parent,
				     .parent_goid = parent * 3 / 2,
				     .created_ns = s->ts,
				     .process = 1,
				     .start_pc = 10 + (uint32_t)(gid % 40),
				     .site_pc = 60 + (uint32_t)(gid % 50) },
			      .p = -1,
			      .state = GT_S_WAITING,
			      .since_ns = s->ts,
			      .last_ns = s->ts };
	MUST(gt_writer_goroutine(s->w, &k->g, &err));
}

static void move(struct server *s, uint64_t place, uint32_t cpu, uint8_t old, uint8_t new,
		 uint32_t ra, uint64_t actor)
{
	struct gt_key *k = &s->k[place];
	struct gt_event e = { .ts = s->ts,
			      .gid = k->g.gid,
			      .actor = actor,
			      .process = 1,
			      .tid = 100 + cpu,
			      .ra = ra,
			      .p = (int32_t)cpu,
			      .m = -1,
			      .qlen = -1,
			      .cpu = (uint16_t)cpu,
			      .kind = GT_EV_STATUS,
			      .old = old,
			      .new = new,
			      .reason = new == GT_G_WAITING ? (uint8_t)(k->g.gid % 9 + 2) : 0 };

	MUST(gt_writer_event(s->w, &e, &err));
	k->last_ns = k->since_ns = gt_writer_stored_ts(s->w);
	k->reason = e.reason;
	k->old = old;
	k->p = (int32_t)cpu;
	k->tid = new == GT_G_RUNNING ? e.tid : 0;
	k->waker = new == GT_G_RUNNABLE ? actor : k->waker;
	k->wake_class = new == GT_G_RUNNABLE ? GT_RA_READY : k->wake_class;
	k->state = new == GT_G_RUNNING	  ? GT_S_RUNNING
		   : new == GT_G_RUNNABLE ? GT_S_RUNNABLE
					  : GT_S_WAITING;
}

/* One that waits: mostly of the busy tenth. */
static uint64_t somebody(struct server *s)
{
	uint64_t busy = s->n / 10 + CPUS, p;

	do
		p = below(10) ? below(busy) : below(s->n);
	while (p >= s->n || s->k[p].state != GT_S_WAITING);
	return p;
}

static void step(struct server *s)
{
	uint32_t cpu = (uint32_t)below(CPUS);
	uint64_t run = s->running[cpu];

	s->ts += 20 + below(400);
	if (run && below(200) == 0) { /* it ends, and another comes in its place */
		uint64_t gid = s->k[run - 1].g.gid;

		move(s, run - 1, cpu, GT_G_RUNNING, GT_G_DEAD, 5, 0);
		born(s, run - 1, gid);
		s->running[cpu] = 0;
		move(s, run - 1, cpu, GT_G_DEAD, GT_G_RUNNABLE, 6, 0);
		move(s, run - 1, (cpu + 1) % CPUS, GT_G_RUNNABLE, GT_G_RUNNING, 1, 0);
		move(s, run - 1, (cpu + 1) % CPUS, GT_G_RUNNING, GT_G_WAITING, 2, 0);
		return;
	}
	uint64_t next = somebody(s), by = run ? s->k[run - 1].g.gid : 0;

	move(s, next, cpu, GT_G_WAITING, GT_G_RUNNABLE, by ? 3 : 4, by);
	if (run)
		move(s, run - 1, cpu, GT_G_RUNNING, GT_G_WAITING, 2, 0);
	move(s, next, cpu, GT_G_RUNNABLE, GT_G_RUNNING, 1, 0);
	s->running[cpu] = next + 1;
}

static int by_gid(const void *a, const void *b)
{
	const struct gt_key *x = *(struct gt_key *const *)a, *y = *(struct gt_key *const *)b;

	return x->g.gid < y->g.gid ? -1 : x->g.gid > y->g.gid;
}

static void keyframe(struct server *s)
{
	struct gt_key **order = malloc(s->n * sizeof(struct gt_key *));
	double t0;

	if (!order)
		die("keyframe");
	for (uint64_t i = 0; i < s->n; i++)
		order[i] = &s->k[i];
	qsort(order, s->n, sizeof(struct gt_key *), by_gid);
	t0 = now();
	MUST(gt_writer_keyframe_begin(s->w, s->ts, &err));
	for (uint64_t i = 0; i < s->n; i++)
		MUST(gt_writer_key(s->w, order[i], &err));
	MUST(gt_writer_keyframe_end(s->w, &err));
	t0 = (now() - t0) * 1e9;
	if ((uint64_t)t0 > s->stall_ns)
		s->stall_ns = (uint64_t)t0;
	free(order);
}

static int make(const char *path, uint64_t bytes, uint64_t live)
{
	struct server s = { .n = live, .next_gid = 1, .ts = START };
	struct gt_writer_opts o = { .session = 1, .start_ns = START, .n_cpus = CPUS };
	struct gt_process p = { .process = 1, .pid = 1, .exe = "bench" };
	struct gt_writer_stats st = { 0 };
	struct gt_fd_sink f;
	struct gt_sink sink;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	s.k = calloc(live, sizeof(*s.k));
	if (fd < 0 || !s.k)
		die(path);
	MUST(gt_sink_fd(&sink, &f, fd, &err));
	MUST(gt_writer_new(&s.w, &sink, &o, &err));
	MUST(gt_writer_process(s.w, &p, &err));
	for (uint64_t i = 0; i < live; i++) {
		s.ts += 100;
		born(&s, i, i / 7);
		move(&s, i, 0, GT_G_DEAD, GT_G_RUNNABLE, 6, 0);
		move(&s, i, 0, GT_G_RUNNABLE, GT_G_RUNNING, 1, 0);
		move(&s, i, 0, GT_G_RUNNING, GT_G_WAITING, 2, 0);
	}
	for (uint64_t i = 0; st.bytes < bytes; i++) {
		step(&s);
		if (i % 4096)
			continue;
		gt_writer_get_stats(s.w, &st);
		if (gt_writer_keyframe_due(s.w, live))
			keyframe(&s);
	}
	MUST(gt_writer_finish(s.w, &(struct gt_end){ .ts = s.ts, .reason = GT_END_EXIT }, &err));
	gt_writer_get_stats(s.w, &st);
	printf("{\"live\":%llu,\"bytes\":%llu,\"events\":%llu,\"seconds\":%.1f,\"keyframes\":%llu,"
	       "\"keyframe_share\":%.4f,\"longest_keyframe_ms\":%.1f}\n",
	       (unsigned long long)live, (unsigned long long)st.bytes,
	       (unsigned long long)st.events, (double)(s.ts - START) / 1e9,
	       (unsigned long long)st.keyframes, (double)st.keyframe_bytes / (double)st.bytes,
	       (double)s.stall_ns / 1e6);
	gt_writer_free(s.w);
	free(s.k);
	return close(fd);
}

/* ---- asking ---- */

static enum gt_ra_class class_of(void *ctx, uint32_t pc)
{
	static const enum gt_ra_class c[] = { GT_RA_UNKNOWN, GT_RA_EXECUTE, GT_RA_PARK,
					      GT_RA_READY,   GT_RA_FIND,    GT_RA_GOEXIT,
					      GT_RA_NEWPROC };

	(void)ctx;
	return pc < 7 ? c[pc] : GT_RA_UNKNOWN;
}

/* EVENTS counts those that were read for it. */
static uint64_t state_at(struct gt_reader *r, struct gt_engine *e, uint64_t t, uint64_t *events)
{
	struct gt_item it;
	int rc;

	MUST(gt_reader_seek(r, t, &err));
	gt_engine_reset(e, 0);
	for (;;) {
		const struct gt_event *ev;
		size_t n = gt_reader_events(r, t, &ev);

		*events += n;
		for (size_t i = 0; i < n; i++) {
			if (i % GT_ENGINE_SOON == 0)
				gt_engine_soon(e, ev + i, n - i);
			MUST(gt_engine_event(e, &ev[i], &err));
		}
		if (n)
			continue;
		rc = gt_reader_next(r, &it, &err);
		if (rc != 1 || (it.type == GT_IT_EVENT && it.u.ev.ts > t))
			break;
		switch (it.type) {
		case GT_IT_EVENT:
			++*events;
			MUST(gt_engine_event(e, &it.u.ev, &err));
			break;
		case GT_IT_GOROUTINE: MUST(gt_engine_goroutine(e, &it.u.g, &err)); break;
		case GT_IT_KEY_BEGIN: gt_engine_reset(e, it.u.key_as_of); break;
		case GT_IT_KEY: MUST(gt_engine_key(e, &it.u.key, &err)); break;
		default: break;
		}
	}
	MUST(rc);
	return gt_engine_live(e);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int ask(const char *path, unsigned n)
{
	struct gt_engine_opts eo = { .pc_class = class_of };
	struct gt_engine *e;
	struct gt_reader *r;
	struct gt_source src;
	struct rusage use;
	uint64_t first, last, live = 0, events = 0;
	double *took = calloc(n ? n : 1, sizeof(*took)), t0 = now(), open_ms;

	if (!took)
		die("memory");
	MUST(gt_source_open(&src, path, &err));
	MUST(gt_reader_new(&r, &src, &(struct gt_reader_opts){ .ahead = !getenv("ALONE") }, &err));
	MUST(gt_reader_span(r, &first, &last, &err));
	open_ms = (now() - t0) * 1e3;
	MUST(gt_engine_new(&e, &eo, &err));
	for (unsigned i = 0; i < n; i++) {
		uint64_t t = first + rng() % (last - first);

		t0 = now();
		live = state_at(r, e, t, &events);
		took[i] = (now() - t0) * 1e3;
	}
	qsort(took, n, sizeof(*took), by_size);
	getrusage(RUSAGE_SELF, &use);
	printf("{\"open_ms\":%.2f,\"state_ms_median\":%.1f,\"state_ms_max\":%.1f,\"live\":%llu,"
	       "\"memory_mb\":%.0f,\"events_mean\":%llu}\n",
	       open_ms, took[n / 2], n ? took[n - 1] : 0, (unsigned long long)live,
	       (double)use.ru_maxrss / 1024, (unsigned long long)(n ? events / n : 0));
	gt_engine_free(e);
	gt_reader_free(r);
	gt_source_close(&src);
	free(took);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "make"))
		return make(argv[2], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10)) != 0;
	if (argc == 4 && !strcmp(argv[1], "ask"))
		return ask(argv[2], (unsigned)strtoul(argv[3], NULL, 10));
	fprintf(stderr, "usage: bench_seek make FILE BYTES LIVE | ask FILE N\n");
	return 2;
}
