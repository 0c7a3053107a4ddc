/* SPDX-License-Identifier: BSD-2-Clause */
/* The little state machine of threads. */
#include "kthread.h"

#include <string.h>

#include "format/base/vec.h"
#include "thread.h"

void gt_kthreads_free(struct gt_kthreads *t)
{
	GT_VEC_FREE(&t->v);
	GT_VEC_FREE(&t->spare);
	gt_u64map_free(&t->map);
}

static struct gt_kthread *find(const struct gt_kthreads *t, uint32_t process, uint32_t tid)
{
	const uint64_t *at = gt_u64map_get(&t->map, gt_thread_key(process, tid));

	return at ? &t->v.p[*at] : NULL;
}

static struct gt_kthread *make(struct gt_kthreads *t, uint32_t process, uint32_t tid)
{
	struct gt_kthread *k;

	if (t->spare.n) {
		k = &t->v.p[t->spare.p[t->spare.n - 1]];
		*k = (struct gt_kthread){ 0 };
	} else {
		k = t->v.n < UINT32_MAX ? GT_VEC_PUSH(&t->v) : NULL;
	}
	if (!k || !gt_u64map_put(&t->map, gt_thread_key(process, tid), (uint64_t)(k - t->v.p)))
		return NULL;
	t->spare.n -= t->spare.n > 0;
	k->process = process;
	k->tid = tid;
	k->used = true;
	return k;
}

/* Its place is used again; where there is no memory to note that, it is not. */
static void forget(struct gt_kthreads *t, struct gt_kthread *k)
{
	uint32_t *place = GT_VEC_PUSH(&t->spare);

	(void)gt_u64map_del(&t->map, gt_thread_key(k->process, k->tid));
	if (place)
		*place = (uint32_t)(k - t->v.p);
	k->used = false;
}

/* The states that a thread can be in before WHY, as bits. */
static unsigned expected(uint8_t why)
{
	switch (why) {
	case GT_SCHED_ON: return 1u << GT_K_READY;
	case GT_SCHED_WAKES: return 1u << GT_K_ASLEEP | 1u << GT_K_BLOCKED | 1u << GT_K_STOPPED;
	case GT_SCHED_BORN:
	case 0: return 0; /* 0: its own report */
	default: return 1u << GT_K_ON;
	}
}

static void move(struct gt_kthreads *t, struct gt_kthread *k, const struct gt_event *ev,
		 enum gt_kstate to, uint8_t why)
{
	bool ends = !why && to == GT_K_ENDED; /* with its process */
	bool fits = ends || expected(why) >> k->state & 1, lost = k->last_ns < t->lost_ns;
	bool leaves = why >= GT_SCHED_PREEMPTED && why <= GT_SCHED_ENDS;
	bool missing = !fits && !lost && k->met && why != GT_SCHED_BORN;
	uint64_t ts = ev->ts > k->last_ns ? ev->ts : k->last_ns;
	struct gt_kstep s = { .ts = ts,
			      .since_ns = k->since_ns,
			      .process = k->process,
			      .tid = k->tid,
			      .cpu = ev->cpu,
			      .from = fits ? k->state : GT_K_UNKNOWN,
			      .to = (uint8_t)to,
			      .from_why = k->why,
			      .why = why,
			      .uncertain = lost && k->last_ns,
			      .missing = missing,
			      .unexplained = leaves && (missing || k->assumed) && !lost &&
					     !(ev->flags & GT_EVF_RESYNC) };

	/* What did not fit was so up to its last event, and what came then nobody knows. */
	if (!fits)
		s.since_ns = k->last_ns;
	else if (k->state != GT_K_UNKNOWN)
		k->ns[k->state] += ts - k->since_ns;
	k->state = s.to;
	k->since_ns = k->last_ns = ts;
	k->why = why;
	k->cpu = ev->cpu;
	k->met = k->met || why != GT_SCHED_WAKES;
	k->assumed = !why && !ends;
	if (t->step)
		t->step(t->ctx, &s);
}

static enum gt_kstate state_after(uint8_t what)
{
	switch (what) {
	case GT_SCHED_ON: return GT_K_ON;
	case GT_SCHED_PREEMPTED:
	case GT_SCHED_WAKES:
	case GT_SCHED_BORN: return GT_K_READY;
	case GT_SCHED_SLEEPS: return GT_K_ASLEEP;
	case GT_SCHED_BLOCKED: return GT_K_BLOCKED;
	case GT_SCHED_STOPPED: return GT_K_STOPPED;
	case GT_SCHED_ENDS: return GT_K_ENDED;
	default: return GT_K_UNKNOWN;
	}
}

static int sched(struct gt_kthreads *t, const struct gt_event *ev, struct gt_err *err)
{
	enum gt_kstate to = state_after(ev->reason);
	struct gt_kthread *k = find(t, ev->process, ev->tid);

	if (!ev->tid || to == GT_K_UNKNOWN)
		return GT_OK;
	if (!k)
		k = make(t, ev->process, ev->tid);
	if (!k)
		return gt_fail(err, GT_NOMEM, "out of memory with %zu threads", t->v.n);
	/* Woken while it has not left its CPU, or is ready: it goes on as it is. */
	bool awake = k->state == GT_K_ON || k->state == GT_K_READY;
	if (ev->reason != GT_SCHED_WAKES || !awake)
		move(t, k, ev, to, ev->reason);
	else
		k->last_ns = ev->ts > k->last_ns ? ev->ts : k->last_ns;
	if (to == GT_K_ENDED)
		forget(t, k);
	return GT_OK;
}

/* A thread tells something itself: it has a CPU. */
static void report(struct gt_kthreads *t, const struct gt_event *ev)
{
	struct gt_kthread *k = ev->tid ? find(t, ev->process, ev->tid) : NULL;

	if (k && k->met && k->state != GT_K_ON)
		move(t, k, ev, GT_K_ON, 0);
}

static void process_end(struct gt_kthreads *t, const struct gt_event *ev)
{
	for (size_t i = 0; i < t->v.n; i++) {
		struct gt_kthread *k = &t->v.p[i];

		if (!k->used || k->process != ev->process)
			continue;
		move(t, k, ev, GT_K_ENDED, 0);
		forget(t, k);
	}
}

int gt_kthreads_event(struct gt_kthreads *t, const struct gt_event *ev, struct gt_err *err)
{
	switch (ev->kind) {
	case GT_EV_SCHED: return sched(t, ev, err);
	case GT_EV_PROCESS_END: process_end(t, ev); break;
	case GT_EV_STATUS:
	case GT_EV_SYSENTER:
	case GT_EV_SYSEXIT:
	case GT_EV_PREEMPT:
	case GT_EV_CORO:
	case GT_EV_FAULT: report(t, ev); break;
	default: break;
	}
	return GT_OK;
}

void gt_kthreads_loss(struct gt_kthreads *t, const struct gt_loss *l)
{
	t->lost_ns = l->t1 > t->lost_ns ? l->t1 : t->lost_ns;
}

const struct gt_kthread *gt_kthreads_get(const struct gt_kthreads *t, uint32_t process,
					 uint32_t tid)
{
	return find(t, process, tid);
}

const struct gt_kthread *gt_kthreads_next(const struct gt_kthreads *t, const struct gt_kthread *k)
{
	size_t i = k ? (size_t)(k - t->v.p) + 1 : 0;

	while (i < t->v.n && !t->v.p[i].used)
		i++;
	return i < t->v.n ? &t->v.p[i] : NULL;
}

void gt_kthreads_mark(const struct gt_kthreads *t, uint32_t process, uint32_t tid, uint64_t now,
		      struct gt_kmark *ret)
{
	const struct gt_kthread *k = find(t, process, tid);
	uint64_t known = 0;

	memset(ret, 0, sizeof(*ret));
	if (k) {
		memcpy(ret->ns, k->ns, sizeof(ret->ns));
		if (k->state != GT_K_UNKNOWN && now > k->since_ns)
			ret->ns[k->state] += now - k->since_ns;
	}
	for (int i = GT_K_ON; i < GT_K_COUNT; i++)
		known += ret->ns[i];
	ret->ns[GT_K_UNKNOWN] = now > known ? now - known : 0;
}

void gt_kmark_since(struct gt_kmark *b, const struct gt_kmark *a)
{
	for (int i = 0; i < GT_K_COUNT; i++)
		b->ns[i] = b->ns[i] > a->ns[i] ? b->ns[i] - a->ns[i] : 0;
}

const char *gt_kstate_name(enum gt_kstate s)
{
	static const char *const names[GT_K_COUNT] = {
		[GT_K_UNKNOWN] = "unknown", [GT_K_ON] = "on a CPU",	[GT_K_READY] = "ready",
		[GT_K_ASLEEP] = "asleep",   [GT_K_BLOCKED] = "blocked", [GT_K_STOPPED] = "stopped",
		[GT_K_ENDED] = "ended",
	};
	return (unsigned)s < GT_K_COUNT ? names[s] : "unknown";
}

const char *gt_sched_name(enum gt_sched w)
{
	static const char *const names[GT_SCHED_COUNT] = {
		[GT_SCHED_ON] = "gets a CPU",	[GT_SCHED_PREEMPTED] = "preempted",
		[GT_SCHED_SLEEPS] = "sleeps",	[GT_SCHED_BLOCKED] = "blocks",
		[GT_SCHED_STOPPED] = "stopped", [GT_SCHED_ENDS] = "ends",
		[GT_SCHED_WAKES] = "woken",	[GT_SCHED_BORN] = "new",
	};
	return (unsigned)w < GT_SCHED_COUNT && names[w] ? names[w] : "";
}
