/* SPDX-License-Identifier: BSD-2-Clause */
/* gtstat summary: the health of a program at a glance, worst first where it is ill. */
#include <inttypes.h>
#include <stdlib.h>

#include "ask.h"

static uint64_t total_of(const void *t, size_t i)
{
	return ((const struct gt_tally *)t)->reasons.p[i].total_ns;
}

/* Many made, or many alive: either may be what is wrong. */
static uint64_t size_of(const void *t, size_t i)
{
	const struct gt_group *g = &((const struct gt_tally *)t)->groups.p[i];

	return g->created + g->existed;
}

static uint64_t blocked_ns(const struct gt_tally *t)
{
	return t->ns[GT_S_WAITING];
}

static const char *percent(char buf[GT_DUR_MAX], uint64_t part, uint64_t all)
{
	if (all)
		(void)snprintf(buf, GT_DUR_MAX, "%.1f%%", 100 * (double)part / (double)all);
	else
		(void)snprintf(buf, GT_DUR_MAX, "n/a");
	return buf;
}

/* " +-1.2%", in percent points, where a share was partly sampled; "" else. */
static const char *error(char buf[GT_DUR_MAX], const struct gt_tally *t, double e)
{
	buf[0] = 0;
	if (t->gaps.n && e >= 0)
		(void)snprintf(buf, GT_DUR_MAX, " +-%.1f%%", 100 * e);
	else if (t->gaps.n)
		(void)snprintf(buf, GT_DUR_MAX, " +-?");
	return buf;
}

static void text_hist(const struct gt_ask *a, const char *name, const struct gt_hist *h)
{
	char b[4][GT_DUR_MAX];

	if (!h->n) {
		(void)fprintf(a->out, "%-14s none ended", name);
		if (h->estimated)
			(void)fprintf(a->out, " in sight of the probes (%" PRIu64 " in samples)",
				      h->estimated);
		(void)fputc('\n', a->out);
		return;
	}
	(void)fprintf(a->out, "%-14s p50 %s  p90 %s  p99 %s  max %s  (%" PRIu64 ")\n", name,
		      gt_format_duration(b[0], gt_hist_quantile(h, .5)),
		      gt_format_duration(b[1], gt_hist_quantile(h, .9)),
		      gt_format_duration(b[2], gt_hist_quantile(h, .99)),
		      gt_format_duration(b[3], h->max), h->n);
}

static void text_goroutines(const struct gt_ask *a)
{
	const struct gt_tally *t = &a->tally;
	char b[GT_DUR_MAX], b2[GT_DUR_MAX];

	(void)fprintf(a->out, "%-14s %" PRIu64 " created, %" PRIu64 " exited, ", "goroutines",
		      t->created, t->exited);
	if (t->with_process)
		(void)fprintf(a->out, "%" PRIu64 " ended with their process, ", t->with_process);
	(void)fprintf(a->out,
		      "%" PRIu64 " live (at most %" PRIu64 "); %" PRIu64
		      " older than the span, %" PRIu64 " of the runtime's own\n",
		      t->live, t->live_max, t->existed, t->n_system);
	text_hist(a, "lifetime", &t->life);
	(void)fprintf(
		a->out, "%-14s %s: %s of them (%" PRIu64 "); %" PRIu64 " more have not exited\n",
		"  longer than", a->o->over, percent(b, t->over, t->life.n), t->over, t->open_over);
	text_hist(a, "wait for CPU", &t->runq);
	if (t->runq_open)
		(void)fprintf(a->out, "%-14s %" PRIu64 " still at the end, the longest %s\n", "",
			      t->runq_open, gt_format_duration(b, t->runq_open_max_ns));
	text_hist(a, "syscalls", &t->syscall);
	gt_text_kernel(a);
	if (!(a->groups & GT_PG_GC))
		return;
	(void)fprintf(a->out, "%-14s %" PRIu64 " cycles; the world was stopped %" PRIu64 " times, ",
		      "collections", a->runtime.cycles, a->runtime.stw.n + a->runtime.stw_no_begin);
	(void)fprintf(a->out, "%s in all, p99 %s\n", gt_format_duration(b, a->runtime.stw_total_ns),
		      gt_text_quantile(&a->runtime.stw, .99, b2));
}

static int text_blocks(const struct gt_ask *a, struct gt_err *err)
{
	const struct gt_tally *t = &a->tally;
	double ratio = gt_tally_block_ratio(t->ns);
	size_t *order = gt_sorted(t->reasons.n, t, total_of);
	char b[6][GT_DUR_MAX];

	if (!order)
		return gt_fail(err, GT_NOMEM, "no memory to sort");
	if (ratio >= 0)
		(void)fprintf(
			a->out, "%-14s %.1f%%%s of the goroutines' time that was not queueing\n",
			"blocked", 100 * ratio, error(b[0], t, gt_tally_block_ratio_error(t)));
	(void)fprintf(a->out, "\n%-28s %7s %9s %9s %9s %9s %9s %8s\n", "blocked for", "share",
		      "total", "waits", "p50", "p99", "max", "at end");
	for (size_t i = 0; i < t->reasons.n && i < a->top; i++) {
		const struct gt_reason_sum *r = &t->reasons.p[order[i]];
		uint64_t max = r->open_max_ns > r->waits.max ? r->open_max_ns : r->waits.max;
		if (!r->total_ns && !r->waits.n && !r->open)
			continue;
		(void)fprintf(a->out, "%-28.28s %7s %9s %9" PRIu64 " %9s %9s %9s %8" PRIu64 "%s\n",
			      r->name, percent(b[0], r->total_ns, blocked_ns(t)),
			      gt_format_duration(b[1], r->total_ns), r->waits.n,
			      gt_text_quantile(&r->waits, .5, b[2]),
			      gt_text_quantile(&r->waits, .99, b[3]), gt_format_duration(b[4], max),
			      r->open, error(b[5], t, gt_tally_share_error(t, r)));
	}
	free(order);
	return GT_OK;
}

static int text_sites(const struct gt_ask *a, struct gt_err *err)
{
	const struct gt_tally *t = &a->tally;
	size_t *order = gt_sorted(t->groups.n, t, size_of), shown = 0, more = 0;
	char b[2][GT_DUR_MAX], buf[GT_TEXT_MAX];

	if (!order)
		return gt_fail(err, GT_NOMEM, "no memory to sort");
	(void)fprintf(a->out, "\n%9s %9s %9s %9s %9s  %s\n", "created", "exited", "live", "running",
		      "queueing", t->o.by_func ? "entry function" : "made by");
	for (size_t i = 0; i < t->groups.n; i++) {
		const struct gt_group *g = &t->groups.p[order[i]];
		if (!size_of(t, order[i]))
			continue;
		if (shown++ >= a->top) {
			more++;
			continue;
		}
		(void)fprintf(
			a->out, "%9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9s %9s  %s\n", g->created,
			g->exited, g->live, gt_format_duration(b[0], gt_tally_running(g->ns)),
			gt_format_duration(b[1], g->ns[GT_S_RUNNABLE]), gt_text_maker(t, g, buf));
	}
	if (more)
		(void)fprintf(a->out, "%49s  and %zu more (--top %zu)\n", "", more, shown);
	free(order);
	return GT_OK;
}

static int text(struct gt_ask *a, struct gt_err *err)
{
	gt_text_head(a);
	text_goroutines(a);
	int rc = text_blocks(a, err);
	if (!rc)
		rc = text_sites(a, err);
	(void)fprintf(a->out, "\n");
	for (size_t i = 0; i < a->suspects.leaks.n && i < a->top; i++)
		gt_text_leak(a, &a->suspects.leaks.p[i]);
	for (size_t i = 0; i < a->suspects.locks.n && i < a->top; i++)
		gt_text_lock(a, &a->suspects.locks.p[i]);
	if (!a->suspects.leaks.n && !a->suspects.locks.n)
		(void)fprintf(a->out, "no goroutine leak and no contended lock was seen\n");
	return rc;
}

/* ---- JSON ---- */

/* N members of the metric tree for which this trace has no data. */
static void no_data(struct gt_json *j, const char *const *keys)
{
	for (; *keys; keys++) {
		gt_json_key(j, *keys);
		gt_json_null(j);
	}
}

/* Every process of the trace; times may lie outside of the span. */
static void json_processes(struct gt_ask *a)
{
	static const char *const how[] = { "", "exited", "killed", "exec", "unknown" };
	struct gt_json *j = &a->json;

	gt_json_key(j, "processes");
	gt_json_array(j);
	for (uint32_t i = 1; i <= gt_reader_processes(a->view->reader); i++) {
		const struct gt_process *p = gt_reader_process(a->view->reader, i);
		if (!p)
			continue;
		gt_json_object(j);
		gt_json_ku64(j, "pid", p->pid);
		gt_json_kstr(j, "exe", *p->exe ? p->exe : p->cmdline0);
		gt_json_kstr(j, "go", p->go_version);
		gt_json_ku64(j, "seen_ns", gt_view_rel(a->view, p->seen_ns));
		gt_json_key(j, "ended_ns");
		if (p->end)
			gt_json_u64(j, gt_view_rel(a->view, p->end_ns));
		else
			gt_json_null(j);
		gt_json_kstr(j, "end", p->end ? how[p->end < 4 ? p->end : 4] : NULL);
		gt_json_key(j, "status");
		if (p->end == GT_PE_EXITED || p->end == GT_PE_KILLED)
			gt_json_u64(j, p->end_status);
		else
			gt_json_null(j);
		gt_json_object_end(j);
	}
	gt_json_array_end(j);
}

static void json_goroutines(struct gt_json *j, struct gt_ask *a)
{
	const struct gt_tally *t = &a->tally;

	gt_json_key(j, "goroutines");
	gt_json_object(j);
	gt_json_ku64(j, "created", t->created);
	gt_json_ku64(j, "exited", t->exited);
	gt_json_ku64(j, "live", t->live);
	gt_json_ku64(j, "live_max", t->live_max);
	gt_json_ku64(j, "existed", t->existed);
	gt_json_ku64(j, "system", t->n_system);
	gt_json_ku64(j, "with_process", t->with_process);
	gt_json_object_end(j);
	gt_json_share(j, "goroutine_block_ratio", gt_tally_block_ratio(t->ns));
	gt_json_share(j, "goroutine_block_ratio_error", gt_tally_block_ratio_error(t));
	gt_json_share(j, "goroutine_leak_score", gt_leak_score(&a->suspects));
	gt_json_key(j, "lifetime");
	gt_json_object(j);
	gt_json_lives(a, &t->life, t->over, t->open_over);
	gt_json_object_end(j);
}

static void json_queues(struct gt_json *j, struct gt_ask *a)
{
	const struct gt_tally *t = &a->tally;
	static const char *const p99[] = { "p99", NULL };

	gt_json_key(j, "runq");
	gt_json_object(j);
	gt_json_queueing(a);
	gt_json_key(j, "length");
	gt_json_object(j);
	if (t->qlen.n)
		gt_json_ku64(j, "p99", gt_hist_quantile(&t->qlen, .99));
	else
		no_data(j, p99);
	gt_json_object_end(j);
	gt_json_key(j, "global");
	gt_json_object(j);
	gt_json_key(j, "length");
	gt_json_object(j);
	no_data(j, p99);
	gt_json_object_end(j);
	gt_json_object_end(j);
	if (a->groups & GT_PG_RUNQ)
		gt_json_ku64(j, "overflows", a->runtime.overflows);
	else
		no_data(j, (const char *const[]){ "overflows", NULL });
	gt_json_object_end(j);
	/* Without the Ps on which goroutines ran nothing can be derived. */
	if (a->groups & GT_PG_RUNQ)
		gt_json_ku64(j, "steals", a->runtime.steals);
	else
		no_data(j, (const char *const[]){ "steals", NULL });
	gt_json_thread_waits(a);
	gt_json_key(j, "syscall");
	gt_json_object(j);
	gt_json_hist(j, &t->syscall);
	gt_json_object_end(j);
}

static int json_blocks(struct gt_json *j, const struct gt_tally *t, struct gt_err *err)
{
	size_t *order = gt_sorted(t->reasons.n, t, total_of);
	char key[GT_TEXT_MAX];

	if (!order)
		return gt_fail(err, GT_NOMEM, "no memory to sort");
	gt_json_key(j, "block");
	gt_json_object(j);
	for (size_t i = 0; i < t->reasons.n; i++) {
		const struct gt_reason_sum *r = &t->reasons.p[order[i]];
		if (!r->total_ns && !r->waits.n && !r->open)
			continue;
		gt_json_key(j, gt_reason_key(r->name, key));
		gt_json_object(j);
		gt_json_kstr(j, "reason", r->name);
		gt_json_share(j, "share",
			      blocked_ns(t) ? (double)r->total_ns / (double)blocked_ns(t) : 0);
		gt_json_share(j, "share_error", gt_tally_share_error(t, r));
		gt_json_ku64(j, "total_ns", r->total_ns);
		gt_json_hist(j, &r->waits);
		gt_json_ku64(j, "open", r->open);
		gt_json_ku64(j, "open_max_ns", r->open_max_ns);
		gt_json_object_end(j);
	}
	gt_json_object_end(j);
	free(order);
	return GT_OK;
}

static int json_sites(struct gt_json *j, const struct gt_ask *a, struct gt_err *err)
{
	const struct gt_tally *t = &a->tally;
	size_t *order = gt_sorted(t->groups.n, t, size_of), shown = 0;

	if (!order)
		return gt_fail(err, GT_NOMEM, "no memory to sort");
	gt_json_key(j, "sites");
	gt_json_array(j);
	for (size_t i = 0; i < t->groups.n && shown < a->top; i++) {
		const struct gt_group *g = &t->groups.p[order[i]];
		if (!size_of(t, order[i]))
			continue;
		shown++;
		gt_json_object(j);
		gt_json_place(j, "site", &g->site);
		gt_json_kstr(j, "func", *g->func ? g->func : NULL);
		gt_json_ku64(j, "existed", g->existed);
		gt_json_ku64(j, "created", g->created);
		gt_json_ku64(j, "exited", g->exited);
		gt_json_ku64(j, "live", g->live);
		gt_json_ku64(j, "running_ns", gt_tally_running(g->ns));
		gt_json_ku64(j, "runnable_ns", g->ns[GT_S_RUNNABLE]);
		gt_json_ku64(j, "waiting_ns", g->ns[GT_S_WAITING]);
		gt_json_ku64(j, "syscall_ns", g->ns[GT_S_SYSCALL]);
		gt_json_ku64(j, "with_process", g->with_process);
		gt_json_object_end(j);
	}
	gt_json_array_end(j);
	free(order);
	return GT_OK;
}

static void json_gc(struct gt_ask *a)
{
	const struct gt_runtime_sums *r = &a->runtime;
	struct gt_json *j = &a->json;
	bool told = a->groups & GT_PG_GC;

	gt_json_key(j, "gc");
	gt_json_object(j);
	if (told)
		gt_json_ku64(j, "cycles", r->cycles);
	else
		no_data(j, (const char *const[]){ "cycles", NULL });
	gt_json_key(j, "stw");
	gt_json_object(j);
	if (told) {
		gt_json_ku64(j, "total", r->stw_total_ns);
		gt_json_hist(j, &r->stw);
	} else {
		no_data(j, (const char *const[]){ "p99", "total", NULL });
	}
	gt_json_object_end(j);
	gt_json_object_end(j);
}

static int json(struct gt_ask *a, struct gt_err *err)
{
	const struct gt_tally *t = &a->tally;
	struct gt_json *j = &a->json;

	gt_json_object(j);
	gt_json_ku64(j, "span_ns", t->to_ns - t->from_ns);
	gt_json_ku64(j, "from_ns", gt_view_rel(a->view, t->from_ns));
	gt_json_losses(a);
	json_processes(a);
	json_goroutines(j, a);
	gt_json_key(j, "state_ns");
	gt_json_object(j);
	gt_json_ku64(j, "running", gt_tally_running(t->ns));
	gt_json_ku64(j, "runnable", t->ns[GT_S_RUNNABLE]);
	gt_json_ku64(j, "waiting", t->ns[GT_S_WAITING]);
	gt_json_ku64(j, "syscall", t->ns[GT_S_SYSCALL]);
	gt_json_ku64(j, "preempted", t->ns[GT_S_PREEMPTED]);
	gt_json_ku64(j, "unknown", t->ns[GT_S_UNKNOWN]);
	gt_json_object_end(j);
	json_queues(j, a);
	int rc = json_blocks(j, t, err);
	if (!rc)
		rc = json_sites(j, a, err);
	gt_json_faults(a);
	json_gc(a);
	gt_json_suspects(a);
	gt_json_object_end(j);
	gt_json_line(j);
	return rc;
}

static int answer(struct gt_ask *a, struct gt_err *err)
{
	return a->o->view.json ? json(a, err) : text(a, err);
}

const struct gt_question gt_q_summary = { "summary", "health at a glance", NULL, NULL, answer };
