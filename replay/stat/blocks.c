/* SPDX-License-Identifier: BSD-2-Clause */
/* gtstat blocks: what goroutines wait for, and where: time by reason, place and creation site. */
#include <inttypes.h>

#include "ask.h"

static uint64_t total(const void *t, size_t i)
{
	return ((const struct gt_tally *)t)->blocks.p[i].total_ns;
}

static const struct gt_place *place(const struct gt_tally *t, const struct gt_block_sum *b)
{
	return b->place == GT_NO_PLACE ? NULL : &t->places.p[b->place];
}

static double share(const struct gt_tally *t, const struct gt_block_sum *b)
{
	uint64_t all = t->ns[GT_S_WAITING];

	return all ? (double)b->total_ns / (double)all : 0;
}

static void text(struct gt_ask *a, const size_t *order)
{
	const struct gt_tally *t = &a->tally;
	char b[2][GT_DUR_MAX], buf[GT_TEXT_MAX];

	gt_text_head(a);
	(void)fprintf(a->out, "\n%6s %9s %9s %9s %8s  %-20s %s\n", "share", "total", "waits",
		      "longest", "at end", "for", "at / by the goroutines made by");
	for (size_t i = 0; i < t->blocks.n && i < a->top; i++) {
		const struct gt_block_sum *s = &t->blocks.p[order[i]];
		(void)fprintf(a->out, "%5.1f%% %9s %9" PRIu64 " %9s %8" PRIu64 "  %-20.20s ",
			      100 * share(t, s), gt_format_duration(b[0], s->total_ns), s->n,
			      gt_format_duration(b[1], s->max_ns), s->open,
			      t->reasons.p[s->reason].name);
		if (s->place != GT_NO_PLACE)
			(void)fprintf(a->out, "%s / ", gt_text_place(place(t, s), buf));
		(void)fprintf(a->out, "%s\n", gt_text_maker(t, &t->groups.p[s->group], buf));
	}
	if (t->blocks.n > a->top)
		(void)fprintf(a->out, "%6s and %zu more (--top %zu)\n", "",
			      t->blocks.n - (size_t)a->top, t->blocks.n);
}

static void json(struct gt_ask *a, const size_t *order)
{
	const struct gt_tally *t = &a->tally;
	struct gt_json *j = &a->json;

	gt_json_object(j);
	gt_json_losses(a);
	gt_json_ku64(j, "waiting_ns", t->ns[GT_S_WAITING]);
	gt_json_key(j, "blocks");
	gt_json_array(j);
	for (size_t i = 0; i < t->blocks.n && i < a->top; i++) {
		const struct gt_block_sum *s = &t->blocks.p[order[i]];
		const struct gt_group *g = &t->groups.p[s->group];
		gt_json_object(j);
		gt_json_kstr(j, "reason", t->reasons.p[s->reason].name);
		gt_json_place(j, "blocked_at", place(t, s));
		gt_json_place(j, "site", &g->site);
		gt_json_kstr(j, "func", *g->func ? g->func : NULL);
		gt_json_share(j, "share", share(t, s));
		gt_json_ku64(j, "total_ns", s->total_ns);
		gt_json_ku64(j, "count", s->n);
		gt_json_ku64(j, "max_ns", s->max_ns);
		gt_json_ku64(j, "open", s->open);
		gt_json_object_end(j);
	}
	gt_json_array_end(j);
	gt_json_suspects(a);
	gt_json_object_end(j);
	gt_json_line(j);
}

static int answer(struct gt_ask *a, struct gt_err *err)
{
	return gt_ask_sorted(a, a->tally.blocks.n, total, text, json, err);
}

const struct gt_question gt_q_blocks = { "blocks", "what goroutines wait for, and where", NULL,
					 NULL, answer };
