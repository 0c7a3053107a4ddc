/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting until a target's threads have finished what they had begun. A thread may have passed
 * a probe's site just before the probe was put there, and been descheduled before the
 * change that the probe would have told of: a snapshot taken now would show the old state,
 * and nothing would ever say that it changed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format/base/vec.h"
#include "target_impl.h"

#define POLL_NS 1000000L
/*
 * How often a thread's time on a CPU must have moved: once may be what it ran until it was
 * descheduled, before the first look was complete.
 */
#define MOVES 2

struct mover {
	uint32_t tid;
	uint64_t run_ns;
	uint32_t moves;
};

struct movers {
	const struct gt_target *t;
	struct mover *p;
	size_t n, cap;
};

/* Does it run, or wait for a CPU? Its time on one so far, ns. */
static bool at_work(const struct gt_target *t, uint32_t tid, uint64_t *ret_run_ns)
{
	char name[48], buf[512];

	(void)snprintf(name, sizeof(name), "task/%u/stat", tid);
	if (gt_proc_read(t, name, buf, sizeof(buf)) <= 0)
		return false;
	const char *r = strrchr(buf, ')');
	if (!r || strncmp(r, ") R", 3) != 0)
		return false;
	(void)snprintf(name, sizeof(name), "task/%u/schedstat", tid);
	if (gt_proc_read(t, name, buf, sizeof(buf)) <= 0)
		return false; /* a kernel that does not tell */
	*ret_run_ns = strtoull(buf, NULL, 10);
	return true;
}

static void add(void *ctx, const struct gt_task *task)
{
	struct movers *m = ctx;
	struct mover mv = { .tid = task->tid };

	if (!at_work(m->t, task->tid, &mv.run_ns))
		return;
	struct mover *to = GT_VEC_PUSH(m);
	if (to)
		*to = mv;
}

static bool done(const struct gt_target *t, struct mover *mv)
{
	uint64_t run_ns;

	if (!at_work(t, mv->tid, &run_ns))
		return true;
	mv->moves += run_ns != mv->run_ns;
	mv->run_ns = run_ns;
	return mv->moves >= MOVES;
}

bool gt_target_settle(const struct gt_target *t, uint32_t limit_ms)
{
	struct movers m = { .t = t };
	struct timespec nap = { .tv_nsec = POLL_NS };

	if (gt_target_threads(t, add, &m, NULL))
		return false;
	for (uint32_t i = 0; m.n && i < limit_ms; i++) {
		(void)nanosleep(&nap, NULL);
		for (size_t k = m.n; k-- > 0;)
			if (done(t, &m.p[k]))
				m.p[k] = m.p[--m.n];
	}
	bool all = !m.n;
	GT_VEC_FREE(&m);
	return all;
}
