/* SPDX-License-Identifier: BSD-2-Clause */
/* gtstat gc: stops of the world and why, collections, the heap, who had to help marking. */
#include <inttypes.h>

#include "ask.h"

static const char *size(uint64_t n, char buf[GT_DUR_MAX])
{
	if (!n)
		return "-";
	return gt_format_size(buf, n);
}

static void text_hist(const struct gt_ask *a, const char *name, const struct gt_hist *h)
{
	char b[4][GT_DUR_MAX];

	if (h->n)
		(void)fprintf(a->out, "%-30s %9" PRIu64 " %9s %9s %9s %9s\n", name, h->n,
			      gt_format_duration(b[0], (uint64_t)h->sum),
			      gt_text_quantile(h, .5, b[1]), gt_text_quantile(h, .99, b[2]),
			      gt_format_duration(b[3], h->max));
}

static void text_cycles(const struct gt_ask *a)
{
	const struct gt_runtime_sums *r = &a->runtime;
	size_t n = r->list.n, from = n > a->top ? n - a->top : 0;
	char b[6][GT_DUR_MAX];

	(void)fprintf(a->out, "\n%14s %9s %9s %9s %9s %9s\n", "marking, at", "took", "heap",
		      "grown", "left", "goal");
	if (from)
		(void)fprintf(a->out, "%14s  %zu earlier ones (--top 0 shows all)\n", "...", from);
	for (size_t i = from; i < n; i++) {
		const struct gt_cycle *c = &r->list.p[i];
		(void)fprintf(a->out, "%14s %9s %9s %9s %9s %9s\n",
			      gt_format_time(b[0], gt_view_rel(a->view, c->mark_ns)),
			      c->term_ns ? gt_format_duration(b[1], c->term_ns - c->mark_ns) : "-",
			      size(c->live_mark, b[2]), size(c->live_term, b[3]),
			      size(c->live_sweep, b[4]), size(c->goal, b[5]));
	}
}

static void text(const struct gt_ask *a)
{
	const struct gt_runtime_sums *r = &a->runtime;
	char b[GT_DUR_MAX];

	gt_text_head(a);
	(void)fprintf(a->out, "%-14s %" PRIu64 " ended; the heap was at most %s\n", "collections",
		      r->cycles, size(r->heap_max, b));
	(void)fprintf(a->out, "%-14s %" PRIu64 " times %s, by goroutines that wanted memory\n",
		      "mark assists", r->assists, gt_format_duration(b, r->assist_ns));
	if (r->procs)
		(void)fprintf(a->out, "%-14s %" PRIu64 " at the end\n", "GOMAXPROCS", r->procs);
	(void)fprintf(a->out, "\n%-30s %9s %9s %9s %9s %9s\n", "the world was stopped for", "times",
		      "total", "p50", "p99", "max");
	for (unsigned i = 0; i < GT_STW_REASONS; i++)
		text_hist(a, gt_name_stw((uint8_t)i), &r->by_reason[i]);
	text_hist(a, "all", &r->stw);
	text_hist(a, "  of that, until all stood", &r->stopping);
	if (r->stw_no_begin)
		(void)fprintf(a->out, "%-30s %9" PRIu64 "\n", "begun before the trace",
			      r->stw_no_begin);
	text_hist(a, "concurrent marking", &r->marking);
	text_cycles(a);
}

static void json_hist(struct gt_json *j, const struct gt_hist *h)
{
	gt_json_ku64(j, "total_ns", (uint64_t)h->sum);
	gt_json_hist(j, h);
}

static void json_stops(struct gt_ask *a)
{
	const struct gt_runtime_sums *r = &a->runtime;
	struct gt_json *j = &a->json;

	gt_json_key(j, "stw");
	gt_json_object(j);
	json_hist(j, &r->stw);
	gt_json_ku64(j, "begun_before", r->stw_no_begin);
	gt_json_key(j, "stopping");
	gt_json_object(j);
	json_hist(j, &r->stopping);
	gt_json_object_end(j);
	gt_json_key(j, "reasons");
	gt_json_array(j);
	for (unsigned i = 0; i < GT_STW_REASONS; i++) {
		if (!r->by_reason[i].n)
			continue;
		gt_json_object(j);
		gt_json_kstr(j, "reason", gt_name_stw((uint8_t)i));
		json_hist(j, &r->by_reason[i]);
		gt_json_object_end(j);
	}
	gt_json_array_end(j);
	gt_json_object_end(j);
}

static void json_cycles(struct gt_ask *a)
{
	const struct gt_runtime_sums *r = &a->runtime;
	struct gt_json *j = &a->json;

	gt_json_key(j, "list");
	gt_json_array(j);
	for (size_t i = r->list.n > a->top ? r->list.n - a->top : 0; i < r->list.n; i++) {
		const struct gt_cycle *c = &r->list.p[i];
		gt_json_object(j);
		gt_json_ku64(j, "t_ns", gt_view_rel(a->view, c->mark_ns));
		gt_json_key(j, "mark_ns");
		if (c->term_ns)
			gt_json_u64(j, c->term_ns - c->mark_ns);
		else
			gt_json_null(j);
		gt_json_ku64(j, "heap_start", c->live_mark);
		gt_json_ku64(j, "heap_end", c->live_term);
		gt_json_ku64(j, "heap_marked", c->live_sweep);
		gt_json_ku64(j, "heap_goal", c->goal);
		gt_json_object_end(j);
	}
	gt_json_array_end(j);
}

static void json(struct gt_ask *a)
{
	const struct gt_runtime_sums *r = &a->runtime;
	struct gt_json *j = &a->json;

	gt_json_object(j);
	gt_json_losses(a);
	gt_json_ku64(j, "cycles", r->cycles);
	gt_json_ku64(j, "heap_max", r->heap_max);
	gt_json_ku64(j, "gomaxprocs", r->procs);
	gt_json_key(j, "assist");
	gt_json_object(j);
	gt_json_ku64(j, "count", r->assists);
	gt_json_ku64(j, "total_ns", r->assist_ns);
	gt_json_object_end(j);
	gt_json_key(j, "marking");
	gt_json_object(j);
	json_hist(j, &r->marking);
	gt_json_object_end(j);
	json_stops(a);
	json_cycles(a);
	gt_json_object_end(j);
	gt_json_line(j);
}

/* Goroutines cannot be chosen here: what the runtime does is done for all. */
static void not_told(struct gt_ask *a)
{
	struct gt_json *j = &a->json;

	if (!a->o->view.json) {
		gt_text_head(a);
		(void)fprintf(a->out, "%-14s not recorded, or not of what was asked for\n",
			      "collections");
		return;
	}
	gt_json_object(j);
	gt_json_losses(a);
	gt_json_key(j, "cycles");
	gt_json_null(j);
	gt_json_object_end(j);
	gt_json_line(j);
}

static int answer(struct gt_ask *a, struct gt_err *err)
{
	(void)err;
	if (!(a->groups & GT_PG_GC))
		not_told(a);
	else if (a->o->view.json)
		json(a);
	else
		text(a);
	return GT_OK;
}

const struct gt_question gt_q_gc = { "gc", "collections, the heap, stops of the world and why",
				     NULL, NULL, answer };
