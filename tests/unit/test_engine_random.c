/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine on long random histories: a small scheduler that follows the runtime's rules
 * makes events (and keeps some from being seen, as the runtime does); mutations make them
 * illegal. What must hold: the truth at the end, times that add up, and the same steps from
 * any keyframe on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "replay/engine/engine.h"

#define N_G	 48 /* goroutines alive at most */
#define N_T	 8  /* threads */
#define N_EVENTS 6000

static uint64_t seed;

static uint32_t rnd(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)((seed >> 33) % n);
}

static enum gt_ra_class pc_class(void *ctx, uint32_t pc)
{
	(void)ctx;
	return (enum gt_ra_class)pc;
}

/* ---- items ----------------------------------------------------------------------------- */

struct item {
	enum { I_EVENT, I_ROW, I_LOSS } type;
	struct gt_event ev;
	struct gt_goroutine row;
	struct gt_loss loss;
};

struct history {
	struct item i[N_EVENTS * 2 + 64];
	size_t n;
};

static int feed(struct gt_engine *e, const struct item *i)
{
	switch (i->type) {
	case I_EVENT: return gt_engine_event(e, &i->ev, NULL);
	case I_ROW: return gt_engine_goroutine(e, &i->row, NULL);
	case I_LOSS: return gt_engine_loss(e, &i->loss, NULL);
	}
	return GT_OK;
}

/* ---- the scheduler ---------------------------------------------------------------------- */

struct sim_g {
	uint64_t gid, gptr;
	uint8_t status; /* the runtime's; DEAD: free */
	uint32_t tid;	/* where it runs or is in a syscall */
	bool selfwait, stopped;
};

struct sim {
	struct sim_g g[N_G];
	uint64_t on[N_T]; /* index + 1 of the goroutine on a thread */
	uint64_t now, next_gid;
	struct history *h;
	bool probes;   /* as Go 1.26: SYSENTER and SYSEXIT, else casgstatus */
	bool unseen;   /* stops for stack scans are not seen */
	uint32_t drop; /* of 100 events, so many are lost */
	uint64_t lost, lost_t0;
};

static void emit(struct sim *s, struct sim_g *g, uint32_t tid, uint8_t kind, uint8_t old,
		 uint8_t new, enum gt_ra_class ra)
{
	struct item *i = &s->h->i[s->h->n];

	s->now += 1 + rnd(5000);
	if (s->drop && rnd(100) < s->drop) {
		if (!s->lost++)
			s->lost_t0 = s->now;
		return;
	}
	if (s->lost && rnd(4) == 0) {
		i->type = I_LOSS;
		i->loss = (struct gt_loss){ .process = 1,
					    .cpu = UINT32_MAX,
					    .t0 = s->lost_t0,
					    .t1 = s->now - 1 + rnd(3000),
					    .count = s->lost,
					    .cause = GT_LOSS_RING_FULL };
		s->lost = 0;
		i = &s->h->i[++s->h->n];
	}
	i->type = I_EVENT;
	i->ev = (struct gt_event){ .ts = s->now,
				   .gid = g->gid,
				   .process = 1,
				   .tid = tid,
				   .kind = kind,
				   .old = old,
				   .new = new,
				   .ra = ra,
				   .p = (int32_t)rnd(4),
				   .m = -1,
				   .qlen = -1,
				   .reason = new == GT_G_WAITING ? (uint8_t)(1 + rnd(30)) : 0,
				   .stack = new == GT_G_WAITING ? 1 + rnd(9) : 0 };
	if (new == GT_G_RUNNABLE || new == GT_G_WAITING)
		i->ev.actor = s->on[tid % N_T] ? s->g[s->on[tid % N_T] - 1].gid : 0;
	s->h->n++;
}

static void status(struct sim *s, struct sim_g *g, uint32_t tid, uint8_t new, enum gt_ra_class ra)
{
	emit(s, g, tid, GT_EV_STATUS, g->status, new, ra);
	g->status = new;
}

static void birth(struct sim *s, struct sim_g *g, uint32_t tid)
{
	struct item *i = &s->h->i[s->h->n++];

	g->gid = s->next_gid++;
	i->type = I_ROW;
	i->row = (struct gt_goroutine){
		.gid = g->gid, .goid = g->gid, .gptr = g->gptr, .process = 1
	};
	g->status = GT_G_DEAD;
	status(s, g, tid, GT_G_RUNNABLE, GT_RA_NEWPROC);
}

static void off(struct sim *s, struct sim_g *g)
{
	s->on[g->tid % N_T] = 0;
	g->tid = 0;
}

/* What a running goroutine does next. */
static void act(struct sim *s, struct sim_g *g)
{
	uint32_t tid = g->tid;

	switch (rnd(g == s->g ? 8 : 9)) {
	case 0:
	case 1:
		status(s, g, tid, GT_G_WAITING, GT_RA_PARK);
		off(s, g);
		break;
	case 2:
		status(s, g, tid, GT_G_RUNNABLE, GT_RA_GOSCHED);
		off(s, g);
		break;
	case 3:
	case 4:
		if (s->probes)
			emit(s, g, tid, GT_EV_SYSENTER, 0, 0, GT_RA_UNKNOWN);
		if (!s->probes || rnd(10) == 0)
			emit(s, g, tid, GT_EV_STATUS, 2, 3, GT_RA_ENTERSYSCALL);
		g->status = GT_G_SYSCALL;
		break;
	case 5:
		status(s, g, tid, GT_G_WAITING, GT_RA_SELFWAIT);
		g->selfwait = true;
		break;
	case 6:
		status(s, g, tid, GT_G_COPYSTACK, GT_RA_NEWSTACK);
		status(s, g, tid, GT_G_RUNNING, GT_RA_NEWSTACK);
		break;
	case 7: /* stopped for a stack scan: 2 -> 9 -> 4, seen only by the PREEMPT probe */
		if (!s->unseen)
			emit(s, g, tid, GT_EV_PREEMPT, 0, 0, GT_RA_UNKNOWN);
		g->status = GT_G_WAITING;
		g->stopped = true;
		off(s, g);
		break;
	default:
		status(s, g, tid, GT_G_DEAD, GT_RA_GOEXIT);
		off(s, g);
		break;
	}
}

static void leave_syscall(struct sim *s, struct sim_g *g)
{
	uint32_t tid = g->tid;

	if (s->probes) {
		emit(s, g, tid, GT_EV_SYSEXIT, 0, 0, GT_RA_UNKNOWN);
		if (rnd(10) == 0)
			emit(s, g, tid, GT_EV_STATUS, 3, 2, GT_RA_EXITSYSCALL);
		g->status = GT_G_RUNNING;
		if (rnd(4) == 0) {
			status(s, g, tid, GT_G_RUNNABLE, GT_RA_EXITSYSCALL_NOP);
			off(s, g);
		}
	} else if (rnd(4) == 0) {
		status(s, g, tid, GT_G_RUNNABLE, GT_RA_EXITSYSCALL_NOP);
		off(s, g);
	} else {
		status(s, g, tid, GT_G_RUNNING, GT_RA_EXITSYSCALL);
	}
}

static void tick(struct sim *s)
{
	struct sim_g *g = &s->g[rnd(N_G)];
	uint32_t t = rnd(N_T), tid = 96 + t; /* tid % N_T == t */

	switch (g->status) {
	case GT_G_DEAD: birth(s, g, tid); break;
	case GT_G_RUNNABLE:
		if (s->on[t])
			return;
		status(s, g, tid, GT_G_RUNNING, GT_RA_EXECUTE);
		g->tid = tid;
		s->on[t] = (uint64_t)(g - s->g) + 1;
		break;
	case GT_G_RUNNING: act(s, g); break;
	case GT_G_SYSCALL: leave_syscall(s, g); break;
	default:
		if (g->selfwait) {
			status(s, g, g->tid, GT_G_RUNNING, GT_RA_SELFWAIT);
			g->selfwait = false;
		} else {
			status(s, g, tid, GT_G_RUNNABLE, GT_RA_READY);
			g->stopped = false;
		}
	}
}

static void simulate(struct sim *s, struct history *h, bool probes, bool unseen, uint32_t drop)
{
	memset(s, 0, sizeof(*s));
	h->n = 0;
	s->h = h;
	s->now = 1000000;
	s->next_gid = 1;
	s->probes = probes;
	s->unseen = unseen;
	s->drop = 0;
	for (uint32_t i = 0; i < N_G; i++) {
		s->g[i].gptr = 0xc000000000 + i * 512;
		s->g[i].status = GT_G_DEAD;
	}
	birth(s, &s->g[0], 96); /* the main goroutine never exits */
	s->drop = drop;
	while (h->n < N_EVENTS)
		tick(s);
}

/* Events that no runtime makes: anything, anywhere, also kinds that change nothing. */
static void mutate(struct history *h, uint32_t percent)
{
	for (size_t i = 2; i < h->n; i++) {
		struct gt_event *ev = &h->i[i].ev;

		if (h->i[i].type != I_EVENT || rnd(100) >= percent)
			continue;
		switch (rnd(9)) {
		case 0: ev->old = (uint8_t)rnd(13); break;
		case 1: ev->new = (uint8_t)rnd(13); break;
		case 2: ev->gid = 1 + rnd(100); break;
		case 3: ev->tid = 95 + rnd(N_T + 2); break;
		case 4:
			ev->kind = (uint8_t)(1 + rnd(9));
			ev->arg = rnd(4000);
			break;
		case 5: ev->actor = rnd(100); break;
		case 6: ev->ra = rnd(26); break;
		case 7: ev->flags = (uint8_t)rnd(32); break;
		default: ev->ts -= rnd(3000); break;
		}
	}
}

/* ---- running a history ------------------------------------------------------------------ */

struct steps {
	struct gt_step *p;
	size_t n, cap;
};

static void on_step(void *ctx, const struct gt_step *s)
{
	struct steps *v = ctx;

	if (v->n == v->cap) {
		v->cap = v->cap ? v->cap * 2 : 1024;
		v->p = realloc(v->p, v->cap * sizeof(*v->p));
		assert_non_null(v->p);
	}
	v->p[v->n++] = *s;
}

static struct gt_engine *engine(struct steps *v)
{
	struct gt_engine_opts o = { .step = on_step, .ctx = v, .pc_class = pc_class };
	struct gt_engine *e;

	assert_int_equal(gt_engine_new(&e, &o, NULL), GT_OK);
	return e;
}

static void run(struct gt_engine *e, const struct history *h, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		struct gt_err err;

		assert_int_equal(feed(e, &h->i[i]), GT_OK);
		if (i % 16 == 0 && gt_engine_check(e, &err))
			fail_msg("item %zu: %s", i, err.msg);
	}
	assert_int_equal(gt_engine_check(e, NULL), GT_OK);
}

/* Each goroutine's steps join without gap or overlap, and their times add up to its life. */
static void check_times(const struct steps *v, uint64_t max_gid)
{
	struct life {
		uint64_t since, born, sum;
		uint8_t state;
		bool on;
	} *life = calloc((size_t)max_gid + 1, sizeof(*life));

	assert_non_null(life);
	for (size_t i = 0; i < v->n; i++) {
		const struct gt_step *s = &v->p[i];
		struct life *l = &life[s->gid];

		assert_true(s->gid <= max_gid);
		assert_true(s->ts >= s->since_ns);
		if (s->created || !l->on) {
			*l = (struct life){ .born = s->since_ns, .on = true };
		} else {
			assert_int_equal(s->from, l->state);
			assert_int_equal(s->since_ns, l->since);
		}
		l->sum += s->ts - s->since_ns;
		l->since = s->ts;
		l->state = s->to;
		if (s->from == GT_S_UNKNOWN && s->snapshot && !s->since_ns)
			*l = (struct life){ .born = 0, .on = true, .state = s->to };
		assert_int_equal(l->sum, l->since - l->born);
		if (s->to == GT_S_DEAD)
			l->on = false;
	}
	free(life);
}

static uint64_t unexplained(const struct gt_engine *e)
{
	const uint64_t *r = gt_engine_repairs(e);

	return r[GT_R_THREAD_TAKEN] + r[GT_R_GOID_MISMATCH] + r[GT_R_BAD_STATUS] +
	       r[GT_R_SNAPSHOT_DIFFERS] + r[GT_R_LOST_BEFORE];
}

static enum gt_gstate truth(const struct sim_g *g)
{
	switch (g->status) {
	case GT_G_RUNNABLE: return GT_S_RUNNABLE;
	case GT_G_RUNNING: return GT_S_RUNNING;
	case GT_G_SYSCALL: return GT_S_SYSCALL;
	case GT_G_WAITING:
		return g->selfwait ? GT_S_SELFWAIT : g->stopped ? GT_S_PREEMPTED : GT_S_WAITING;
	default: return GT_S_DEAD;
	}
}

static struct history hist;
static struct sim sim;

static void legal_history_gives_the_truth(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 40; i++) {
		struct steps v = { 0 };
		struct gt_engine *e = engine(&v);

		seed = i * 0x9e3779b97f4a7c15u;
		simulate(&sim, &hist, i & 1, i & 2, 0);
		run(e, &hist, 0, hist.n);
		assert_int_equal(unexplained(e), 0);
		assert_int_equal(gt_engine_repairs(e)[GT_R_AFTER_LOSS], 0);
		for (uint32_t g = 0; g < N_G; g++) {
			const struct gt_gor_state *st = gt_engine_get(e, sim.g[g].gid);
			enum gt_gstate want = truth(&sim.g[g]);
			enum gt_gstate got = st ? (enum gt_gstate)st->k.state : GT_S_DEAD;

			/* A stop that was not seen is known when the thread runs another. */
			if (sim.unseen && sim.g[g].stopped && got == GT_S_RUNNING)
				continue;
			assert_int_equal(got, want);
		}
		check_times(&v, sim.next_gid);
		gt_engine_free(e);
		free(v.p);
	}
}

static void losses_explain_all_contradictions(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 40; i++) {
		struct steps v = { 0 };
		struct gt_engine *e = engine(&v);
		struct gt_loss all = { .process = 1, .t1 = UINT64_MAX, .count = 1 };

		seed = i * 0x9e3779b97f4a7c15u;
		simulate(&sim, &hist, i & 1, i & 2, (uint32_t)(1 + i % 20));
		assert_int_equal(gt_engine_loss(e, &all, NULL), GT_OK);
		run(e, &hist, 0, hist.n);
		assert_int_equal(unexplained(e), 0);
		assert_true(gt_engine_repairs(e)[GT_R_AFTER_LOSS] > 0);
		check_times(&v, sim.next_gid);
		gt_engine_free(e);
		free(v.p);
	}
}

/* What is wrong in any way still gives times that add up, and invariants that hold. */
static void illegal_history_is_survived(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 60; i++) {
		struct steps v = { 0 };
		struct gt_engine *e = engine(&v);

		seed = i * 0xd1342543de82ef95u;
		simulate(&sim, &hist, i & 1, i & 2, (uint32_t)(i % 5));
		mutate(&hist, (uint32_t)(1 + i));
		run(e, &hist, 0, hist.n);
		check_times(&v, sim.next_gid + 100);
		gt_engine_free(e);
		free(v.p);
	}
}

static void load_keys(struct gt_engine *to, const struct gt_engine *from)
{
	const struct gt_gor_state *g = NULL;

	gt_engine_reset(to, 0);
	while ((g = gt_engine_next_key(from, g ? g->k.g.gid : 0)))
		assert_int_equal(gt_engine_key(to, &g->k, NULL), GT_OK);
}

static void same_key(const struct gt_key *a, const struct gt_key *b)
{
#define SAME(f) assert_int_equal(a->f, b->f)
	SAME(g.gid);
	SAME(g.goid);
	SAME(g.gptr);
	SAME(g.parent);
	SAME(g.created_ns);
	SAME(g.process);
	SAME(g.flags);
	SAME(g.stack);
	SAME(since_ns);
	SAME(last_ns);
	SAME(waker);
	SAME(partner);
	SAME(uncertain_ns);
	SAME(tid);
	SAME(p);
	SAME(stack);
	SAME(pc);
	SAME(state);
	SAME(reason);
	SAME(wake_class);
	SAME(kflags);
	SAME(old);
#undef SAME
}

static void same_state(const struct gt_engine *a, const struct gt_engine *b)
{
	const struct gt_gor_state *x = NULL, *y = NULL;

	do {
		x = gt_engine_next_key(a, x ? x->k.g.gid : 0);
		y = gt_engine_next_key(b, y ? y->k.g.gid : 0);
		assert_true(!x == !y);
		if (x)
			same_key(&x->k, &y->k);
	} while (x);
	assert_int_equal(gt_engine_live(a), gt_engine_live(b));
}

static void same_step(const struct gt_step *a, const struct gt_step *b)
{
#define SAME(f) assert_int_equal(a->f, b->f)
	SAME(ts);
	SAME(gid);
	SAME(waker);
	SAME(since_ns);
	SAME(tid);
	SAME(stack);
	SAME(pc);
	SAME(p);
	SAME(cpu);
	SAME(from);
	SAME(to);
	SAME(from_reason);
	SAME(reason);
	SAME(wake_class);
	SAME(repair);
	SAME(created);
	SAME(snapshot);
	SAME(uncertain);
#undef SAME
}

static void replay_from_any_keyframe_is_the_same(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 60; i++) {
		struct steps whole = { 0 }, part = { 0 };
		struct gt_engine *a = engine(&whole), *b = engine(&part);
		size_t at = 0;

		seed = i * 0xa0761d6478bd642fu;
		simulate(&sim, &hist, i & 1, i & 2, i % 4 ? 0 : 5);
		if (i % 3 == 0)
			mutate(&hist, (uint32_t)i / 2);
		/* b is loaded from a's keys again and again, and must then go a's way. */
		while (at < hist.n) {
			size_t to = at + 1 + rnd(700), n0 = whole.n;

			to = to < hist.n ? to : hist.n;
			load_keys(b, a);
			same_state(a, b);
			part.n = 0;
			run(a, &hist, at, to);
			run(b, &hist, at, to);
			assert_int_equal(whole.n - n0, part.n);
			for (size_t s = 0; s < part.n; s++)
				same_step(&whole.p[n0 + s], &part.p[s]);
			same_state(a, b);
			at = to;
		}
		gt_engine_free(a);
		gt_engine_free(b);
		free(whole.p);
		free(part.p);
	}
}

/* Coroutines, as iter.Pull makes them, switching unseen; and C threads. */
static void coroutines_and_c_threads_need_no_unexplained_repair(void **state)
{
	struct steps v = { 0 };
	struct gt_engine *e = engine(&v);
	uint64_t now = 1000, gid = 10;

	(void)state;
	seed = 99;
#define EV(g, t, o, n, r, a)                                                                       \
	do {                                                                                       \
		struct gt_event ev_ = { .ts = now += 100,                                          \
					.gid = (g),                                                \
					.tid = (t),                                                \
					.process = 1,                                              \
					.kind = GT_EV_STATUS,                                      \
					.old = (o),                                                \
					.new = (n),                                                \
					.ra = (r),                                                 \
					.actor = (a),                                              \
					.p = -1,                                                   \
					.reason = 38 };                                            \
		assert_int_equal(gt_engine_event(e, &ev_, NULL), GT_OK);                           \
		assert_int_equal(gt_engine_check(e, NULL), GT_OK);                                 \
	} while (0)
	EV(1, 5, 6, 1, GT_RA_NEWPROC, 0);
	EV(1, 5, 1, 2, GT_RA_EXECUTE, 0);
	for (int i = 0; i < 500; i++) {
		uint64_t c = gid++;
		uint32_t tid = 5;

		EV(c, tid, 6, 4, GT_RA_NEWPROC, 1);
		for (uint32_t n = rnd(4); n; n--) {
			/* The coroutine runs unseen, blocks or yields, and goes on elsewhere. */
			EV(c, tid, 2, rnd(2) ? 4 : 1, GT_RA_PARK, 0);
			if (gt_engine_get(e, c)->k.state == GT_S_WAITING)
				EV(c, 6, 4, 1, GT_RA_READY, 0);
			tid = 5 + rnd(3);
			EV(c, tid, 1, 2, GT_RA_EXECUTE, 0);
			/* It switches back unseen; its partner does something seen. */
			EV(1, tid, 2, 3, GT_RA_ENTERSYSCALL, 0);
			EV(1, tid, 3, 2, GT_RA_EXITSYSCALL, 0);
		}
		EV(c, tid, 2, 6, GT_RA_GOEXIT, 0);
		assert_int_equal(gt_engine_get(e, 1)->k.state, GT_S_RUNNING);
		EV(1, tid, 2, 1, GT_RA_GOSCHED, 0);
		EV(1, 5, 1, 2, GT_RA_EXECUTE, 0);
		EV(c + 100000, 77, 11, 3, GT_RA_NEEDM, 0);
		EV(c + 100000, 77, 3, 11, GT_RA_DROPM, 0);
	}
#undef EV
	assert_int_equal(unexplained(e), 0);
	assert_int_equal(gt_engine_live(e), 1);
	gt_engine_free(e);
	free(v.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(legal_history_gives_the_truth),
		cmocka_unit_test(losses_explain_all_contradictions),
		cmocka_unit_test(illegal_history_is_survived),
		cmocka_unit_test(replay_from_any_keyframe_is_the_same),
		cmocka_unit_test(coroutines_and_c_threads_need_no_unexplained_repair),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
