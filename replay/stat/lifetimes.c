/* SPDX-License-Identifier: BSD-2-Clause */
/* gtstat lifetimes: how long the goroutines of each creation site live. */
#include <inttypes.h>

#include "ask.h"

static uint64_t ended(const void *t, size_t i)
{
	return ((const struct gt_tally *)t)->groups.p[i].life.n;
}

static void text_row(const struct gt_ask *a, const char *name, const struct gt_hist *h,
		     uint64_t over, uint64_t open_over)
{
	char b[4][GT_DUR_MAX], share[16] = "n/a";

	if (h->n)
		(void)snprintf(share, sizeof(share), "%.1f%%", 100 * (double)over / (double)h->n);
	(void)fprintf(a->out, "%9" PRIu64 " %8s %8s %8s %8s %7s %9" PRIu64 "  %s\n", h->n,
		      gt_text_quantile(h, .5, b[0]), gt_text_quantile(h, .9, b[1]),
		      gt_text_quantile(h, .99, b[2]), h->n ? gt_format_duration(b[3], h->max) : "-",
		      share, open_over, name);
}

static void text(struct gt_ask *a, const size_t *order)
{
	const struct gt_tally *t = &a->tally;
	char buf[GT_TEXT_MAX], over[40];

	gt_text_head(a);
	(void)snprintf(over, sizeof(over), ">%.20s", a->o->over);
	(void)fprintf(a->out, "\n%9s %8s %8s %8s %8s %7s %9s  %s\n", "ended", "p50", "p90", "p99",
		      "max", over, "live over", t->o.by_func ? "entry function" : "made by");
	text_row(a, "all", &t->life, t->over, t->open_over);
	for (size_t i = 0; i < t->groups.n && i < a->top; i++) {
		const struct gt_group *g = &t->groups.p[order[i]];
		if (g->life.n || g->open_over)
			text_row(a, gt_text_maker(t, g, buf), &g->life, g->over, g->open_over);
	}
}

static void json(struct gt_ask *a, const size_t *order)
{
	const struct gt_tally *t = &a->tally;
	struct gt_json *j = &a->json;

	gt_json_object(j);
	gt_json_losses(a);
	gt_json_key(j, "lifetime");
	gt_json_object(j);
	gt_json_lives(a, &t->life, t->over, t->open_over);
	gt_json_object_end(j);
	gt_json_key(j, "sites");
	gt_json_array(j);
	for (size_t i = 0; i < t->groups.n && i < a->top; i++) {
		const struct gt_group *g = &t->groups.p[order[i]];
		if (!g->life.n && !g->open_over)
			continue;
		gt_json_object(j);
		gt_json_place(j, "site", &g->site);
		gt_json_kstr(j, "func", *g->func ? g->func : NULL);
		gt_json_lives(a, &g->life, g->over, g->open_over);
		gt_json_object_end(j);
	}
	gt_json_array_end(j);
	gt_json_object_end(j);
	gt_json_line(j);
}

static int answer(struct gt_ask *a, struct gt_err *err)
{
	return gt_ask_sorted(a, a->tally.groups.n, ended, text, json, err);
}

const struct gt_question gt_q_lifetimes = { "lifetimes", "how long goroutines live, by site", NULL,
					    NULL, answer };
