/* SPDX-License-Identifier: BSD-2-Clause */
/* Goroutines alive, and their own rows. */
#include "gors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/view/names.h"

void gt_x_state_free(struct gt_x_state *x)
{
	for (size_t i = 0; i < x->gors.n; i++) {
		free(x->gors.p[i].name);
		GT_VEC_FREE(&x->gors.p[i].out);
	}
	GT_VEC_FREE(&x->gors);
	GT_VEC_FREE(&x->unused);
	GT_VEC_FREE(&x->rows);
	GT_VEC_FREE(&x->counts);
	gt_u64map_free(&x->by_gid);
	gt_u64map_free(&x->row_of);
	gt_arrows_free(&x->arrows);
}

struct gt_x_gor *gt_x_find(const struct gt_x_state *x, uint64_t gid)
{
	uint64_t *i = gt_u64map_get(&x->by_gid, gid);

	return i ? &x->gors.p[*i] : NULL;
}

struct gt_x_gor *gt_x_meet(struct gt_x_state *x, const struct gt_goroutine *g)
{
	struct gt_x_gor *slot;
	struct gt_arrow_list out = { 0 };
	size_t i;

	if (x->unused.n) {
		i = x->unused.p[--x->unused.n];
		slot = &x->gors.p[i];
		out = slot->out;
		out.n = 0;
	} else {
		slot = GT_VEC_PUSH(&x->gors);
		i = x->gors.n - 1;
	}
	if (!slot || !gt_u64map_put(&x->by_gid, g->gid, i))
		return NULL;
	*slot = (struct gt_x_gor){ .g = *g, .in = GT_NO_ARROW, .out = out };
	slot->system = g->flags & GT_GF_SYSTEM;
	slot->selected = gt_selected(x->sel, g->gid, &slot->rank) &&
			 gt_filter_goroutine(&x->view->filter, x->view->reader, g);
	slot->row.process = g->process;
	return slot;
}

/* No slice of G is left that arrows could begin or end in. */
static void drop_arrows(struct gt_x_state *x, struct gt_x_gor *g)
{
	for (size_t i = 0; i < g->out.n; i++)
		gt_arrow_from(&x->arrows, g->out.p[i], 0, 0, 0);
	g->out.n = 0;
	if (g->in != GT_NO_ARROW)
		gt_arrow_to(&x->arrows, g->in, 0, 0);
	g->in = GT_NO_ARROW;
}

void gt_x_forget(struct gt_x_state *x, struct gt_x_gor *g)
{
	drop_arrows(x, g);
	free(g->name);
	g->name = NULL;
	(void)gt_u64map_del(&x->by_gid, g->g.gid);
	g->g.gid = 0;
	/* Without memory the place stays unused until the end. */
	(void)gt_arrow_put(&x->unused, (uint32_t)(g - x->gors.p));
}

const char *gt_x_name(struct gt_x_state *x, struct gt_x_gor *g)
{
	char buf[GT_NAME_MAX + 24];
	const char *func = gt_name_entry(x->view->reader, &g->g);

	if (g->name)
		return g->name;
	(void)snprintf(buf, sizeof(buf), "%.500s%sG%" PRIu64, func, *func ? " " : "", g->g.goid);
	g->name = strdup(buf);
	return g->name ? g->name : "G";
}

static void tell_row(struct gt_x_state *x, struct gt_x_gor *g)
{
	struct gt_x_track t = { .id = ++x->tracks,
				.process = g->g.process,
				.group = GT_TG_GOROUTINES,
				.sort = (int32_t)(g->rank & INT32_MAX),
				.name = gt_x_name(x, g) };

	g->row.track = t.id;
	x->ops->track(x->sink, &t);
}

static const char *state_name(const struct gt_x_state *x, const struct gt_x_gor *g)
{
	const char *reason = "";

	if (g->state == GT_S_UNKNOWN)
		return g->since_ns ? "unknown" : "(before trace)";
	if (g->state == GT_S_WAITING)
		reason = gt_name_reason(x->view->reader, g->g.process, GT_S_WAITING, g->reason);
	return *reason ? reason : gt_gstate_name((enum gt_gstate)g->state);
}

static void send_arrows(struct gt_x_state *x, struct gt_x_gor *g, uint32_t track, uint64_t b,
			uint64_t e)
{
	for (size_t i = 0; i < g->out.n; i++)
		gt_arrow_from(&x->arrows, g->out.p[i], track, b, e);
	g->out.n = 0;
}

void gt_x_state_slice(struct gt_x_state *x, struct gt_x_gor *g, uint64_t ts, uint32_t flags)
{
	uint64_t from = x->sel->from_ns, b = g->since_ns < from ? from : g->since_ns, e = ts;

	if (!g->selected || g->state == GT_S_IDLE || g->state == GT_S_DEAD ||
	    !gt_filter_state(&x->view->filter, x->view->reader, g->g.process,
			     (enum gt_gstate)g->state, g->reason)) {
		if (g->selected)
			send_arrows(x, g, 0, 0, 0);
		return;
	}
	if (g->since_ns < from)
		flags |= GT_X_BEFORE;
	b = gt_view_rel(x->view, b);
	e = gt_view_rel(x->view, e);
	bool some = gt_row_clamp(&g->row, &b, &e);
	if (!g->row.track)
		tell_row(x, g);
	struct gt_x_slice s = { .track = g->row.track,
				.kind = GT_X_STATE,
				.state = (enum gt_gstate)g->state,
				.begin_ns = b,
				.end_ns = e,
				.name = state_name(x, g),
				.flags = flags,
				.goid = g->g.goid,
				.why = "" };
	if (g->state == GT_S_WAITING)
		s.stack = g->stack;
	if (g->state == GT_S_RUNNING || g->state == GT_S_SYSCALL)
		s.tid = g->tid;
	if (g->state == GT_S_RUNNABLE) {
		s.waker = g->waker;
		s.why = g->waker ? "" : gt_name_wake((enum gt_ra_class)g->wake_class);
	}
	x->ops->slice(x->sink, &s);
	g->row.last_end_ns = e;
	send_arrows(x, g, g->row.track, b, e);
	if (some && g->in != GT_NO_ARROW) {
		gt_arrow_to(&x->arrows, g->in, g->row.track, b);
		g->in = GT_NO_ARROW;
	}
}

void gt_x_mark(struct gt_x_state *x, struct gt_x_gor *g, enum gt_x_instant_kind kind, uint64_t ts)
{
	char text[GT_NAME_MAX + 64], site[GT_NAME_MAX];
	struct gt_x_instant i = { .kind = kind, .ts_ns = gt_view_rel(x->view, ts), .text = "exit" };

	if (!g->selected)
		return;
	if (!g->row.track)
		tell_row(x, g);
	i.track = g->row.track;
	if (kind == GT_X_PROCESS_END)
		i.text = "ended with its process";
	if (kind == GT_X_CREATED) {
		const char *at = gt_name_site(x->view->reader, &g->g, site);
		(void)snprintf(text, sizeof(text), "created%s%s", *at ? " at " : "", at);
		i.text = text;
		i.goid = g->g.parent_goid;
	}
	x->ops->instant(x->sink, &i);
}
