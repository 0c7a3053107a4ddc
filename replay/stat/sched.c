/* SPDX-License-Identifier: BSD-2-Clause */
/* gtstat sched: what the kernel did with the threads, and whether it kept goroutines waiting. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "ask.h"

static uint64_t waited(const void *k, size_t i)
{
	return ((const struct gt_ksum *)k)->threads.p[i].ns[GT_K_READY];
}

/* What the kernel calls the thread, fit for a terminal. */
static const char *name_of(const struct gt_ask *a, const struct gt_kthread_sum *t, char *buf)
{
	const struct gt_thread *th = gt_reader_thread(a->view->reader, t->process, t->tid);

	(void)snprintf(buf, sizeof(th->comm) + 1, "%.*s", (int)sizeof(th->comm),
		       th ? th->comm : "");
	gt_text_safe(buf);
	return buf;
}

/* Of goroutines that were doing WHAT for ALL ns, how long their threads were not on a CPU. */
static void text_without(const struct gt_ask *a, const char *what, const uint64_t ns[GT_K_COUNT],
			 uint64_t all)
{
	char b[4][GT_DUR_MAX];

	(void)fprintf(a->out, "%-14s %s, of it ready without a CPU %s", what,
		      gt_format_duration(b[0], all), gt_format_duration(b[1], ns[GT_K_READY]));
	if (all)
		(void)fprintf(a->out, " (%.1f%%)", 100 * (double)ns[GT_K_READY] / (double)all);
	(void)fprintf(a->out, ", blocked %s, asleep %s\n",
		      gt_format_duration(b[2], ns[GT_K_BLOCKED]),
		      gt_format_duration(b[3], ns[GT_K_ASLEEP]));
}

static void text(struct gt_ask *a, const size_t *order)
{
	const struct gt_ksum *k = &a->ksum;
	char b[5][GT_DUR_MAX], name[sizeof(((struct gt_thread *)0)->comm) + 1];

	(void)fprintf(
		a->out, "%-14s mean %s  p50 %s  p90 %s  p99 %s  max %s  (%" PRIu64 " waits)\n",
		"threads wait", k->wait.n ? gt_format_duration(b[0], gt_hist_mean(&k->wait)) : "-",
		gt_text_quantile(&k->wait, .5, b[1]), gt_text_quantile(&k->wait, .9, b[2]),
		gt_text_quantile(&k->wait, .99, b[3]), gt_text_quantile(&k->wait, 1, b[4]),
		k->wait.n);
	text_without(a, "running in Go", k->running_ns, gt_tally_running(a->tally.ns));
	text_without(a, "in syscalls", k->syscall_ns, a->tally.ns[GT_S_SYSCALL]);
	(void)fprintf(a->out, "\n%8s %8s  %-15s %9s %9s %9s %9s %9s %8s %9s %8s\n", "pid", "thread",
		      "name", "on a CPU", "waited", "asleep", "blocked", "max wait", "slices",
		      "preempted", "not told");
	for (size_t i = 0; i < k->threads.n && i < a->top; i++) {
		const struct gt_kthread_sum *t = &k->threads.p[order[i]];

		(void)fprintf(a->out,
			      "%8u %8u  %-15.15s %9s %9s %9s %9s %9s %8" PRIu64 " %9" PRIu64
			      " %8" PRIu64 "\n",
			      gt_view_pid(a->view, t->process), t->tid, name_of(a, t, name),
			      gt_format_duration(b[0], t->ns[GT_K_ON]),
			      gt_format_duration(b[1], t->ns[GT_K_READY]),
			      gt_format_duration(b[2], t->ns[GT_K_ASLEEP]),
			      gt_format_duration(b[3], t->ns[GT_K_BLOCKED]),
			      gt_format_duration(b[4], t->wait_max_ns), t->slices, t->preempted,
			      t->missing);
	}
}

static void json_states(struct gt_json *j, const char *key, const uint64_t ns[GT_K_COUNT], bool on)
{
	gt_json_key(j, key);
	gt_json_object(j);
	if (on)
		gt_json_ku64(j, "on_cpu", ns[GT_K_ON]);
	gt_json_ku64(j, "ready", ns[GT_K_READY]);
	gt_json_ku64(j, "asleep", ns[GT_K_ASLEEP]);
	gt_json_ku64(j, "blocked", ns[GT_K_BLOCKED]);
	gt_json_ku64(j, "stopped", ns[GT_K_STOPPED]);
	gt_json_object_end(j);
}

static void json_thread(struct gt_ask *a, const struct gt_kthread_sum *t)
{
	struct gt_json *j = &a->json;
	char name[sizeof(((struct gt_thread *)0)->comm) + 1];

	gt_json_object(j);
	gt_json_ku64(j, "pid", gt_view_pid(a->view, t->process));
	gt_json_ku64(j, "tid", t->tid);
	gt_json_kstr(j, "name", name_of(a, t, name));
	json_states(j, "ns", t->ns, true);
	gt_json_ku64(j, "waits", t->waits);
	gt_json_ku64(j, "wait_max_ns", t->wait_max_ns);
	gt_json_ku64(j, "slices", t->slices);
	gt_json_ku64(j, "preempted", t->preempted);
	gt_json_ku64(j, "slept", t->slept);
	gt_json_ku64(j, "blocked", t->blocked);
	gt_json_ku64(j, "woken", t->woken);
	gt_json_ku64(j, "not_told", t->missing);
	gt_json_object_end(j);
}

static void json(struct gt_ask *a, const size_t *order)
{
	const struct gt_ksum *k = &a->ksum;
	struct gt_json *j = &a->json;

	gt_json_object(j);
	gt_json_losses(a);
	gt_json_kbool(j, "recorded", k->sched);
	gt_json_thread_waits(a);
	json_states(j, "running_ns", k->running_ns, false);
	json_states(j, "syscall_ns", k->syscall_ns, false);
	gt_json_faults(a);
	gt_json_key(j, "threads");
	gt_json_array(j);
	for (size_t i = 0; i < k->threads.n && i < a->top; i++)
		json_thread(a, &k->threads.p[order[i]]);
	gt_json_array_end(j);
	gt_json_object_end(j);
	gt_json_line(j);
}

void gt_json_thread_waits(struct gt_ask *a)
{
	struct gt_json *j = &a->json;

	gt_json_key(j, "thread");
	gt_json_object(j);
	gt_json_key(j, "runq");
	gt_json_object(j);
	gt_json_key(j, "wait");
	gt_json_object(j);
	gt_json_hist(j, &a->ksum.wait);
	gt_json_object_end(j);
	gt_json_object_end(j);
	gt_json_object_end(j);
}

static double fault_rate(const struct gt_ksum *k)
{
	double seconds = (double)(k->to_ns - k->from_ns) / 1e9;

	return k->fault && k->to_ns > k->from_ns ? (double)k->faults / seconds : (double)NAN;
}

void gt_json_faults(struct gt_ask *a)
{
	struct gt_json *j = &a->json;

	gt_json_key(j, "faults");
	gt_json_object(j);
	gt_json_key(j, "major");
	gt_json_object(j);
	gt_json_key(j, "count");
	if (a->ksum.fault)
		gt_json_u64(j, a->ksum.faults);
	else
		gt_json_null(j);
	gt_json_share(j, "rate", fault_rate(&a->ksum));
	gt_json_object_end(j);
	gt_json_object_end(j);
}

void gt_text_kernel(const struct gt_ask *a)
{
	const struct gt_ksum *k = &a->ksum;
	uint64_t ready = k->running_ns[GT_K_READY], running = gt_tally_running(a->tally.ns);
	char b[3][GT_DUR_MAX];

	if (k->sched)
		(void)fprintf(a->out,
			      "%-14s p50 %s  p99 %s  max %s  (%" PRIu64
			      "); running goroutines had none for %.1f%% of their time\n",
			      "threads wait", gt_text_quantile(&k->wait, .5, b[0]),
			      gt_text_quantile(&k->wait, .99, b[1]),
			      gt_text_quantile(&k->wait, 1, b[2]), k->wait.n,
			      running ? 100 * (double)ready / (double)running : 0);
	if (k->fault)
		(void)fprintf(a->out, "%-14s %" PRIu64 " major, %.1f a second\n", "page faults",
			      k->faults, k->to_ns > k->from_ns ? fault_rate(k) : 0);
}

static int answer(struct gt_ask *a, struct gt_err *err)
{
	size_t *order = gt_sorted(a->ksum.threads.n, &a->ksum, waited);

	if (!order)
		return gt_fail(err, GT_NOMEM, "no memory to sort");
	if (a->o->view.json) {
		json(a, order);
	} else {
		gt_text_head(a);
		if (a->ksum.sched)
			text(a, order);
		else
			(void)fputs(
				"the trace does not tell what the kernel did with threads (gtrec "
				"--events=sched)\n",
				a->out);
	}
	free(order);
	return GT_OK;
}

const struct gt_question gt_q_sched = { "sched", "threads and their CPUs", NULL, NULL, answer };
