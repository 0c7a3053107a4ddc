/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes sample traces for the scripts under tests/cli and the benches:
 *
 *	sample pool FILE                three workers, five jobs (see tests/story.h)
 *	sample random SEED EVENTS FILE  any legal history, and some that is not; the same for a seed
 *	sample big EVENTS FILE          a server under load, regular
 */
#include <inttypes.h>

#include "tests/story.h"

enum { CPUS = 4, GORS = 60 };

/* One goroutine of the random history. */
struct actor {
	uint64_t gid;
	uint8_t status;
	uint32_t cpu;
};

struct chaos {
	struct story s;
	struct actor a[GORS];
	uint64_t on_cpu[CPUS]; /* gid, 0 idle */
	uint64_t rng, next_gid, t;
	uint32_t start[5], site[5], stack[3];
};

static uint64_t rnd(struct chaos *c, uint64_t below)
{
	c->rng ^= c->rng << 13;
	c->rng ^= c->rng >> 7;
	c->rng ^= c->rng << 17;
	return (c->rng >> 8) % below;
}

static uint64_t somebody_running(struct chaos *c)
{
	return c->on_cpu[rnd(c, CPUS)];
}

static void leave_cpu(struct chaos *c, const struct actor *a)
{
	if (c->on_cpu[a->cpu] == a->gid)
		c->on_cpu[a->cpu] = 0;
}

static void wake(struct chaos *c, struct actor *a)
{
	uint64_t by = somebody_running(c);
	enum gt_ra_class ra = by ? GT_RA_READY : rnd(c, 2) ? GT_RA_FIND : GT_RA_INJECT;

	story_status(&c->s, c->t, a->gid, GT_G_WAITING, GT_G_RUNNABLE, ra, (uint32_t)rnd(c, CPUS),
		     by == a->gid ? 0 : by);
	a->status = GT_G_RUNNABLE;
}

static void act_running(struct chaos *c, struct actor *a)
{
	uint64_t what = rnd(c, 10);

	if (what < 4) {
		story_park(&c->s, c->t, a->gid, a->cpu, (uint8_t)(1 + rnd(c, 7)),
			   rnd(c, 2) ? c->stack[rnd(c, 3)] : 0);
		a->status = GT_G_WAITING;
		leave_cpu(c, a);
	} else if (what < 6) {
		story_sysenter(&c->s, c->t, a->gid, a->cpu);
		a->status = GT_G_SYSCALL;
		if (rnd(c, 3) == 0) /* the processor is taken from it */
			leave_cpu(c, a);
	} else if (what < 8) {
		story_status(&c->s, c->t, a->gid, GT_G_RUNNING, GT_G_RUNNABLE, GT_RA_GOSCHED,
			     a->cpu, 0);
		a->status = GT_G_RUNNABLE;
		leave_cpu(c, a);
	} else if (what < 9 && a->gid != 1) {
		story_exit(&c->s, c->t, a->gid, a->cpu);
		a->status = GT_G_DEAD;
		leave_cpu(c, a);
	}
}

static void act(struct chaos *c, struct actor *a)
{
	switch (a->status) {
	case GT_G_DEAD: {
		uint64_t kind = rnd(c, 5), by = somebody_running(c);
		a->gid = ++c->next_gid;
		story_go(&c->s, c->t, a->gid, by, c->start[kind], c->site[kind],
			 (uint32_t)rnd(c, CPUS));
		a->status = GT_G_RUNNABLE;
		break;
	}
	case GT_G_RUNNABLE: {
		uint32_t cpu = (uint32_t)rnd(c, CPUS);
		if (c->on_cpu[cpu] && rnd(c, 200)) /* seldom: two at once, as after a loss */
			break;
		c->on_cpu[cpu] = a->gid;
		a->cpu = cpu;
		story_run(&c->s, c->t, a->gid, cpu);
		a->status = GT_G_RUNNING;
		break;
	}
	case GT_G_RUNNING: act_running(c, a); break;
	case GT_G_SYSCALL:
		if (c->on_cpu[a->cpu] && c->on_cpu[a->cpu] != a->gid)
			a->cpu = (uint32_t)rnd(c, CPUS);
		if (c->on_cpu[a->cpu] && c->on_cpu[a->cpu] != a->gid) {
			story_status(&c->s, c->t, a->gid, GT_G_SYSCALL, GT_G_RUNNABLE,
				     GT_RA_EXITSYSCALL_NOP, a->cpu, 0);
			a->status = GT_G_RUNNABLE;
			break;
		}
		story_sysexit(&c->s, c->t, a->gid, a->cpu);
		c->on_cpu[a->cpu] = a->gid;
		a->status = GT_G_RUNNING;
		break;
	default: wake(c, a);
	}
}

static void lose(struct chaos *c)
{
	struct gt_loss l = { .process = 1,
			     .cpu = (uint32_t)rnd(c, CPUS),
			     .cause = GT_LOSS_RING_FULL,
			     .t0 = STORY_START + c->t - rnd(c, c->t + 1) / 100,
			     .t1 = STORY_START + c->t,
			     .count = rnd(c, 50) };
	struct gt_err err;

	story_must(gt_writer_loss(c->s.w, &l, &err), &err);
}

static void random_history(uint64_t seed, uint64_t events, const char *path)
{
	static const char *const funcs[] = { "main.worker", "main.(*shop).order.func1",
					     "net/http.(*conn).serve",
					     "main.\"odd\"\\\n\xff\xc3\xa9", "" };
	struct chaos *c = calloc(1, sizeof(*c));
	struct story *s;

	if (!c)
		abort();
	s = &c->s;
	c->rng = seed * 0x9e3779b97f4a7c15u + 1;
	story_begin(s, path, seed % 3 == 0);
	s->knows_p = seed % 2;
	for (uint32_t i = 0; i < 5; i++) {
		c->start[i] = story_pc(s, GT_RA_UNKNOWN, funcs[i], "/src/app/main.go", 10 + i);
		c->site[i] = story_pc(s, GT_RA_UNKNOWN, "main.main", "/src/app/main.go", 50 + i);
	}
	for (uint32_t i = 0; i < 3; i++)
		c->stack[i] = story_stack(s, funcs[i + 1], "/src/app/wait.go", 70 + i);
	for (uint32_t i = 0; i < GORS; i++)
		c->a[i].status = GT_G_DEAD;
	uint64_t step = 1 + rnd(c, 5000);
	while (s->events < events) {
		if (rnd(c, 10)) /* a tenth of the times are equal */
			c->t += rnd(c, step);
		act(c, &c->a[rnd(c, GORS)]);
		if (!rnd(c, 5000))
			lose(c);
		if (!rnd(c, 2000)) /* an event is missing: the engine has to mend it */
			c->a[rnd(c, GORS)].status = (uint8_t)(1 + rnd(c, 4));
		for (uint32_t i = 0; i < GORS; i++)
			if (!c->a[i].gid)
				c->a[i].status = GT_G_DEAD;
	}
	story_end(s, c->t + rnd(c, 1000));
	free(c);
}

/* Requests: each is taken by a goroutine that waits, calls, waits for the network and ends. */
static void big_history(uint64_t events, const char *path)
{
	struct story s;
	uint64_t gid = 1, t = 0;

	story_begin(&s, path, false);
	s.knows_p = true;
	uint32_t start = story_pc(&s, GT_RA_UNKNOWN, "main.handle", "/src/app/main.go", 10);
	uint32_t site = story_pc(&s, GT_RA_UNKNOWN, "main.serve", "/src/app/main.go", 30);
	story_go(&s, 0, 1, 0, start, 0, 0);
	story_run(&s, 10, 1, 0);
	while (s.events < events) {
		gid++;
		story_go(&s, t += 400, gid, 1, start, site, 0);
		story_run(&s, t += 300, gid, 1);
		for (int i = 0; i < 5; i++) {
			story_sysenter(&s, t += 500, gid, 1);
			story_sysexit(&s, t += 700, gid, 1);
			story_park(&s, t += 300, gid, 1, i % 2 ? R_IO : R_CHAN_RECV, 0);
			story_ready(&s, t += 900, gid, 0, 1);
			story_run(&s, t += 200, gid, 1);
		}
		story_exit(&s, t += 300, gid, 1);
	}
	story_end(&s, t + 1000);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "pool"))
		story_pool(argv[2]);
	else if (argc == 5 && !strcmp(argv[1], "random"))
		random_history(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), argv[4]);
	else if (argc == 4 && !strcmp(argv[1], "big"))
		big_history(strtoull(argv[2], NULL, 10), argv[3]);
	else
		return 2;
	return 0;
}
