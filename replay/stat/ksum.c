/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums of threads. */
#include "ksum.h"

#include "format/base/vec.h"
#include "replay/engine/thread.h"

void gt_ksum_free(struct gt_ksum *k)
{
	gt_hist_free(&k->wait);
	GT_VEC_FREE(&k->threads);
	gt_u64map_free(&k->of);
}

static struct gt_kthread_sum *sum_of(struct gt_ksum *k, uint32_t process, uint32_t tid)
{
	uint64_t key = gt_thread_key(process, tid);
	const uint64_t *at = gt_u64map_get(&k->of, key);
	struct gt_kthread_sum *t;

	if (at)
		return &k->threads.p[*at];
	t = GT_VEC_PUSH(&k->threads);
	if (!t || !gt_u64map_put(&k->of, key, k->threads.n - 1))
		return NULL;
	t->process = process;
	t->tid = tid;
	return t;
}

/* Is what happens while S, or nobody (NULL), is on a thread of PROCESS asked for? */
static bool asked(const struct gt_ksum *k, uint32_t process, const struct gt_gor_state *s)
{
	if (!k->filter)
		return true;
	return s ? gt_filter_goroutine(k->filter, k->reader, &s->k.g)
		 : gt_filter_process(k->filter, k->reader, process);
}

/* NS of a thread of PROCESS in STATE, while S was on it. */
static void add(struct gt_ksum *k, struct gt_kthread_sum *t, const struct gt_gor_state *s,
		enum gt_kstate state, uint64_t ns)
{
	t->ns[state] += ns;
	if (state == GT_K_ON || !s || s->k.g.flags & GT_GF_SYSTEM)
		return;
	if (s->k.state == GT_S_RUNNING || s->k.state == GT_S_SELFWAIT)
		k->running_ns[state] += ns;
	else if (s->k.state == GT_S_SYSCALL)
		k->syscall_ns[state] += ns;
}

static uint64_t clipped(const struct gt_ksum *k, uint64_t since, uint64_t until)
{
	if (!since)
		return 0;
	since = since > k->from_ns ? since : k->from_ns;
	return until > since ? until - since : 0;
}

static void wait_ended(struct gt_ksum *k, struct gt_kthread_sum *t, const struct gt_kstep *s)
{
	uint64_t ns = s->ts - s->since_ns;

	t->waits++;
	t->wait_max_ns = ns > t->wait_max_ns ? ns : t->wait_max_ns;
	gt_hist_add(&k->wait, ns);
}

int gt_ksum_step(struct gt_ksum *k, const struct gt_kstep *s, const struct gt_engine *e,
		 struct gt_err *err)
{
	/* A thread without a CPU keeps its goroutine, and that its state: what is on it was. */
	const struct gt_gor_state *on = gt_engine_get_on_thread(e, s->process, s->tid);
	struct gt_kthread_sum *t;

	k->sched = true;
	if (!asked(k, s->process, on))
		return GT_OK;
	t = sum_of(k, s->process, s->tid);
	if (!t)
		return gt_fail(err, GT_NOMEM, "no memory for %zu threads", k->threads.n);
	add(k, t, on, (enum gt_kstate)s->from, clipped(k, s->since_ns, s->ts));
	t->slices += s->to == GT_K_ON && s->why;
	t->preempted += s->why == GT_SCHED_PREEMPTED;
	t->slept += s->why == GT_SCHED_SLEEPS;
	t->blocked += s->why == GT_SCHED_BLOCKED;
	t->woken += s->why == GT_SCHED_WAKES;
	t->missing += s->missing;
	if (s->from == GT_K_READY && s->to == GT_K_ON && s->since_ns)
		wait_ended(k, t, s);
	return k->wait.bad ? gt_fail(err, GT_NOMEM, "no memory to count") : GT_OK;
}

void gt_ksum_event(struct gt_ksum *k, const struct gt_event *ev, const struct gt_engine *e)
{
	if (ev->kind != GT_EV_FAULT)
		return;
	k->fault = true;
	k->faults += asked(k, ev->process, gt_engine_get(e, ev->gid));
}

/* What was asked for is known, though it may never have happened. */
static void recorded(struct gt_ksum *k)
{
	for (uint32_t i = 1; i <= gt_reader_processes(k->reader); i++) {
		const struct gt_process *p = gt_reader_process(k->reader, i);

		if (!p || !(p->probe_flags & GT_PG_TOLD))
			continue;
		k->sched |= (p->probe_flags & GT_PG_SCHED) != 0;
		k->fault |= (p->probe_flags & GT_PG_FAULT) != 0;
	}
}

int gt_ksum_end(struct gt_ksum *k, uint64_t end_ns, const struct gt_kthreads *threads,
		const struct gt_engine *e, struct gt_err *err)
{
	const struct gt_kthread *kt = NULL;

	k->to_ns = end_ns;
	recorded(k);
	while ((kt = gt_kthreads_next(threads, kt))) {
		const struct gt_gor_state *on = gt_engine_get_on_thread(e, kt->process, kt->tid);
		struct gt_kthread_sum *t;

		if (!asked(k, kt->process, on))
			continue;
		t = sum_of(k, kt->process, kt->tid);
		if (!t)
			return gt_fail(err, GT_NOMEM, "no memory for %zu threads", k->threads.n);
		add(k, t, on, (enum gt_kstate)kt->state, clipped(k, kt->since_ns, end_ns));
	}
	return GT_OK;
}
