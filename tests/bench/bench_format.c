/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the file costs: ns to encode and to decode an event, bytes for an event, at several
 * time quanta, on a stream that a small model of Go's scheduler makes (per-P queues with
 * runnext, stealing, netpoll, wake-ups between partners, system calls, spawns).
 *
 *	bench_format [EVENTS [FACTS]]     FACTS: also P, M, queue length and block stacks
 *	bench_format FILE...              the events of real traces (recorded with --time-res 1ns)
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "format/base/out.h"
#include "format/gtrace.h"

#define PS	8u
#define QUEUE	256u
#define GOS	20000u /* goroutines at the start */
#define WAITERS 65536u

struct proc {
	uint64_t now, run, runnext;
	uint64_t queue[QUEUE];
	uint32_t head, n, tid;
	uint16_t cpu;
};

struct model {
	struct proc p[PS];
	uint64_t rng, next_gid, n_waiting;
	uint64_t waiting[WAITERS];
	bool facts;
};

static uint64_t rnd(struct model *m)
{
	m->rng ^= m->rng << 13;
	m->rng ^= m->rng >> 7;
	m->rng ^= m->rng << 17;
	return m->rng >> 11;
}

/* Roughly exponential around MEAN: sums of uniform halves. */
static uint64_t around(struct model *m, uint64_t mean)
{
	uint64_t scale = mean / 4 + 1, v = mean / 3;

	while (rnd(m) % 4)
		v += rnd(m) % (scale * 2);
	return v;
}

static void ready(struct proc *p, uint64_t gid)
{
	uint64_t kicked = p->runnext;

	p->runnext = gid;
	if (kicked && p->n < QUEUE)
		p->queue[(p->head + p->n++) % QUEUE] = kicked;
}

static uint64_t dequeue(struct proc *p)
{
	uint64_t gid = p->runnext;

	p->runnext = 0;
	if (!gid && p->n) {
		gid = p->queue[p->head++ % QUEUE];
		p->n--;
	}
	return gid;
}

static uint64_t wake_one(struct model *m, uint64_t partner)
{
	uint64_t i = rnd(m) % m->n_waiting, gid;

	for (uint64_t k = 0; k < 8 && partner; k++) /* a partner is often among the last to park */
		if (k < m->n_waiting && m->waiting[m->n_waiting - 1 - k] == partner)
			i = m->n_waiting - 1 - k;
	gid = m->waiting[i];
	m->waiting[i] = m->waiting[--m->n_waiting];
	return gid;
}

static void set(struct gt_event *e, uint8_t old, uint8_t new, uint32_t ra, uint64_t gid,
		uint64_t actor)
{
	e->old = old;
	e->new = new;
	e->ra = ra;
	e->gid = gid;
	e->actor = actor;
}

static void act(struct model *m, struct proc *p, struct gt_event *e)
{
	uint64_t dice = rnd(m) % 100;

	if (dice < 40 && m->n_waiting > 100) {
		uint64_t gid = wake_one(m, p->run ^ 1);

		set(e, GT_G_WAITING, GT_G_RUNNABLE, 4, gid, p->run);
		ready(p, gid);
	} else if (dice < 78 && m->n_waiting < WAITERS - 1) {
		set(e, GT_G_RUNNING, GT_G_WAITING, 3, p->run, p->run);
		e->reason = (uint8_t)(14 + p->run % 5);
		e->stack = m->facts ? 1 + (uint32_t)(p->run % 40) : 0;
		m->waiting[m->n_waiting++] = p->run;
		p->run = 0;
	} else if (dice < 90) {
		set(e, GT_G_RUNNING, GT_G_SYSCALL, 5, p->run, p->run);
		e->kind = GT_EV_SYSENTER;
		e->pc = 100 + (uint32_t)(p->run % 17);
	} else if (dice < 95) {
		set(e, GT_G_DEAD, GT_G_RUNNABLE, 1, m->next_gid, p->run);
		e->stack = 50 + (uint32_t)(p->run % 30);
		ready(p, m->next_gid++);
	} else if (dice < 99) {
		set(e, GT_G_RUNNING, GT_G_DEAD, 14, p->run, p->run);
		p->run = 0;
	} else {
		set(e, GT_G_RUNNING, GT_G_RUNNABLE, 8, p->run, p->run);
		if (p->n < QUEUE)
			p->queue[(p->head + p->n++) % QUEUE] = p->run;
		p->run = 0;
	}
}

static void schedule(struct model *m, struct proc *p, struct gt_event *e)
{
	uint64_t gid = dequeue(p);

	for (uint32_t k = 0; k < 3 && !gid; k++)
		gid = dequeue(&m->p[rnd(m) % PS]);
	if (gid) {
		set(e, GT_G_RUNNABLE, GT_G_RUNNING, 2, gid, 0);
		p->run = gid;
		return;
	}
	gid = wake_one(m, 0); /* the netpoller */
	set(e, GT_G_WAITING, GT_G_RUNNABLE, 6, gid, 0);
	ready(p, gid);
	p->now += around(m, 2000);
}

static void step(struct model *m, struct gt_event *e)
{
	struct proc *p = &m->p[0];
	bool in_syscall;

	for (uint32_t i = 1; i < PS; i++)
		if (m->p[i].now < p->now)
			p = &m->p[i];
	*e = (struct gt_event){ .process = 1, .kind = GT_EV_STATUS, .p = -1, .m = -1, .qlen = -1 };
	e->ts = p->now;
	in_syscall = p->run >> 63;
	if (in_syscall) {
		p->run &= ~(1ull << 63);
		set(e, GT_G_SYSCALL, GT_G_RUNNING, 7, p->run, p->run);
		e->kind = GT_EV_SYSEXIT;
	} else if (p->run) {
		act(m, p, e);
	} else {
		schedule(m, p, e);
	}
	e->cpu = p->cpu;
	e->tid = p->tid;
	if (m->facts) {
		e->p = (int32_t)(p - m->p);
		e->m = (int32_t)p->tid - 4000;
		e->qlen = (int32_t)p->n;
	}
	if (e->kind == GT_EV_SYSENTER)
		p->run |= 1ull << 63;
	p->now += around(m, e->new == GT_G_RUNNING ? 2500 : 400);
	if (rnd(m) % 400 == 0) { /* the kernel moves the thread */
		struct proc *q = &m->p[rnd(m) % PS];
		uint16_t cpu = p->cpu;

		p->cpu = q->cpu;
		q->cpu = cpu;
	}
}

static int discard(void *ctx, const void *p, size_t n, struct gt_err *err)
{
	(void)err;
	gt_out_bytes(ctx, p, n);
	return GT_OK;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const struct gt_err *err)
{
	fprintf(stderr, "bench_format: %s\n", err->msg);
	exit(1);
}

struct setting {
	uint32_t quantum, block;
	int level;
};

static double encode(struct gt_out *o, const struct gt_event *ev, size_t n, const struct setting *s)
{
	struct gt_writer_opts opts = { .session = 1,
				       .start_ns = ev[0].ts,
				       .time_res_ns = s->quantum,
				       .block_events = s->block,
				       .zstd_level = s->level };
	struct gt_sink sink = { discard, o };
	struct gt_process p = { .process = 1, .exe = "bench" };
	struct gt_end end = { .ts = ev[n - 1].ts };
	struct gt_writer *w;
	struct gt_err err;
	double t0;

	gt_out_reset(o);
	t0 = seconds();
	if (gt_writer_new(&w, &sink, &opts, &err) || gt_writer_process(w, &p, &err))
		die(&err);
	for (size_t i = 0; i < n; i++)
		if (gt_writer_event(w, &ev[i], &err))
			die(&err);
	if (gt_writer_finish(w, &end, &err))
		die(&err);
	t0 = seconds() - t0;
	gt_writer_free(w);
	return t0;
}

static double decode(const struct gt_out *o, size_t n)
{
	struct gt_mem mem = { o->p, o->n };
	struct gt_source src;
	struct gt_reader *r;
	struct gt_item it;
	struct gt_err err;
	size_t got = 0;
	double t0 = seconds();
	int rc;

	gt_source_mem(&src, &mem);
	if (gt_reader_new(&r, &src, NULL, &err))
		die(&err);
	while ((rc = gt_reader_next(r, &it, &err)) == 1)
		got += it.type == GT_IT_EVENT;
	if (rc < 0)
		die(&err);
	t0 = seconds() - t0;
	gt_reader_free(r);
	if (got != n) {
		fprintf(stderr, "bench_format: %zu of %zu events came back\n", got, n);
		exit(1);
	}
	return t0;
}

static void measure(const struct gt_event *ev, size_t n, const struct setting *t, int passes)
{
	double enc = 1e9, dec = 1e9;
	struct gt_out o = { 0 };

	for (int pass = 0; pass < passes; pass++) {
		double e = encode(&o, ev, n, t), d = decode(&o, n);

		enc = e < enc ? e : enc;
		dec = d < dec ? d : dec;
	}
	printf("quantum %2u ns, block %5u, zstd %2d: encode %5.1f ns, decode %5.1f ns, "
	       "%.3f bytes for an event\n",
	       t->quantum, t->block ? t->block : 16384, t->level, enc / (double)n * 1e9,
	       dec / (double)n * 1e9, (double)o.n / (double)n);
	gt_out_free(&o);
}

/* The events of one process of a real trace. */
static struct gt_event *load(const char *path, size_t *ret_n)
{
	struct gt_event *ev = NULL;
	struct gt_source src;
	struct gt_reader *r;
	struct gt_item it;
	struct gt_err err;
	size_t n = 0, cap = 0;
	int rc;

	if (gt_source_open(&src, path, &err) || gt_reader_new(&r, &src, NULL, &err))
		die(&err);
	while ((rc = gt_reader_next(r, &it, &err)) == 1) {
		if (it.type != GT_IT_EVENT || it.u.ev.process != 1)
			continue;
		if (n == cap) {
			cap = cap ? cap * 2 : 1u << 16;
			ev = realloc(ev, cap * sizeof(*ev));
			if (!ev)
				exit(1);
		}
		ev[n++] = it.u.ev;
	}
	if (rc < 0 || !n)
		die(&err);
	gt_reader_free(r);
	gt_source_close(&src);
	*ret_n = n;
	return ev;
}

static struct gt_event *model(size_t n, bool facts)
{
	static struct model m = { .rng = 88172645463325252u, .next_gid = GOS };
	struct gt_event *ev = malloc(n * sizeof(*ev));

	if (!ev || !n)
		exit(1);
	m.facts = facts;
	for (uint32_t i = 0; i < PS; i++)
		m.p[i] = (struct proc){ .now = 1000000000, .tid = 4000 + i, .cpu = (uint16_t)i };
	for (uint64_t g = 1; g < GOS; g++)
		m.waiting[m.n_waiting++] = g;
	for (size_t i = 0; i < n; i++)
		step(&m, &ev[i]);
	return ev;
}

int main(int argc, char **argv)
{
	static const struct setting settings[] = { { 1, 0, 1 },	    { 16, 0, 1 },     { 64, 0, 1 },
						   { 16, 4096, 1 }, { 16, 65536, 1 }, { 16, 0, -1 },
						   { 16, 0, 3 } };
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000000, n_settings = 7;
	struct gt_event *ev;

	for (int i = 1; i < argc && !n; i++) {
		ev = load(argv[i], &n);
		printf("%s: %zu events\n", argv[i], n);
		for (size_t k = 0; k < n_settings; k++)
			measure(ev, n, &settings[k], 5);
		free(ev);
		n = 0;
	}
	if (!n)
		return 0;
	ev = model(n, argc > 2);
	for (size_t k = 0; k < n_settings; k++)
		measure(ev, n, &settings[k], 5);
	free(ev);
	return 0;
}
