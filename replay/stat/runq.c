/* SPDX-License-Identifier: BSD-2-Clause */
/* gtstat runq: how long ready goroutines wait for a processor, whose do, and the worst times. */
#include <inttypes.h>
#include <stdlib.h>

#include "ask.h"

static uint64_t queued(const void *t, size_t i)
{
	return ((const struct gt_tally *)t)->groups.p[i].runq_ns;
}

static uint64_t length(const void *t, size_t i)
{
	return ((const struct gt_tally *)t)->worst[i].ns;
}

static void text(struct gt_ask *a, const size_t *order, const size_t *worst)
{
	const struct gt_tally *t = &a->tally;
	char b[5][GT_DUR_MAX], buf[GT_TEXT_MAX];

	gt_text_head(a);
	(void)fprintf(
		a->out, "%-14s mean %s  p50 %s  p90 %s  p99 %s  max %s  (%" PRIu64 " waits)\n",
		"wait for CPU", t->runq.n ? gt_format_duration(b[0], gt_hist_mean(&t->runq)) : "-",
		gt_text_quantile(&t->runq, .5, b[1]), gt_text_quantile(&t->runq, .9, b[2]),
		gt_text_quantile(&t->runq, .99, b[3]),
		t->runq.n ? gt_format_duration(b[4], t->runq.max) : "-", t->runq.n);
	if (t->runq_open)
		(void)fprintf(a->out, "%-14s %" PRIu64 " still at the end, the longest %s\n", "",
			      t->runq_open, gt_format_duration(b[0], t->runq_open_max_ns));
	(void)fprintf(a->out, "\n%9s %9s %9s %9s  %s\n", "waits", "total", "mean", "max",
		      t->o.by_func ? "entry function" : "made by");
	for (size_t i = 0; i < t->groups.n && i < a->top; i++) {
		const struct gt_group *g = &t->groups.p[order[i]];
		if (!g->runq_n)
			break;
		(void)fprintf(a->out, "%9" PRIu64 " %9s %9s %9s  %s\n", g->runq_n,
			      gt_format_duration(b[0], g->runq_ns),
			      gt_format_duration(b[1], g->runq_ns / g->runq_n),
			      gt_format_duration(b[2], g->runq_max), gt_text_maker(t, g, buf));
	}
	(void)fprintf(a->out, "\n%14s %9s %9s  %s\n", "worst, at", "waited", "goid", "made by");
	for (uint32_t i = 0; i < t->n_worst; i++) {
		const struct gt_runq_wait *w = &t->worst[worst[i]];
		(void)fprintf(a->out, "%14s %9s %9" PRIu64 "  %s\n",
			      gt_format_time(b[0], gt_view_rel(a->view, w->begin_ns)),
			      gt_format_duration(b[1], w->ns), w->goid,
			      gt_text_maker(t, &t->groups.p[w->group], buf));
	}
}

static void json(struct gt_ask *a, const size_t *order, const size_t *worst)
{
	const struct gt_tally *t = &a->tally;
	struct gt_json *j = &a->json;

	gt_json_object(j);
	gt_json_losses(a);
	gt_json_queueing(a);
	gt_json_key(j, "sites");
	gt_json_array(j);
	for (size_t i = 0; i < t->groups.n && i < a->top; i++) {
		const struct gt_group *g = &t->groups.p[order[i]];
		if (!g->runq_n)
			break;
		gt_json_object(j);
		gt_json_place(j, "site", &g->site);
		gt_json_kstr(j, "func", *g->func ? g->func : NULL);
		gt_json_ku64(j, "count", g->runq_n);
		gt_json_ku64(j, "total_ns", g->runq_ns);
		gt_json_ku64(j, "max_ns", g->runq_max);
		gt_json_object_end(j);
	}
	gt_json_array_end(j);
	gt_json_key(j, "worst");
	gt_json_array(j);
	for (uint32_t i = 0; i < t->n_worst; i++) {
		const struct gt_runq_wait *w = &t->worst[worst[i]];
		gt_json_object(j);
		gt_json_ku64(j, "t_ns", gt_view_rel(a->view, w->begin_ns));
		gt_json_ku64(j, "goid", w->goid);
		gt_json_ku64(j, "wait_ns", w->ns);
		gt_json_object_end(j);
	}
	gt_json_array_end(j);
	gt_json_object_end(j);
	gt_json_line(j);
}

static int answer(struct gt_ask *a, struct gt_err *err)
{
	size_t *order = gt_sorted(a->tally.groups.n, &a->tally, queued);
	size_t *worst = gt_sorted(a->tally.n_worst, &a->tally, length);

	if (order && worst)
		(a->o->view.json ? json : text)(a, order, worst);
	free(order);
	free(worst);
	return order && worst ? GT_OK : gt_fail(err, GT_NOMEM, "no memory to sort");
}

const struct gt_question gt_q_runq = { "runq", "how long ready goroutines wait for a processor",
				       NULL, NULL, answer };
