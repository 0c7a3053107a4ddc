/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gtstat goroutines: one row each, who made it, where, and how long it was in which state.
 * Rows are streamed in the order in which the goroutines end, then those still alive, so that
 * memory stays bounded; with --top the N that were blocked longest.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "format/base/vec.h"
#include "replay/view/names.h"

/* A row that is kept for --top; its waits are its own. */
struct kept {
	struct gt_gor g;
	uint64_t weight;
};

struct rows {
	struct kept *p; /* a heap, the lightest on top */
	size_t n, cap;
};

static void text_head(const struct gt_ask *a)
{
	(void)fprintf(a->out, "%8s %8s %12s %9s %9s %9s %9s %9s  %-22s %s\n", "goid", "parent",
		      "created", "lived", "running", "queueing", "syscall", "blocked", "mostly for",
		      "function, made by");
}

static const struct gt_wait_sum *longest(const struct gt_gor *g)
{
	const struct gt_wait_sum *w = NULL;

	for (size_t i = 0; i < g->waits.n; i++)
		if (!w || g->waits.p[i].ns > w->ns)
			w = &g->waits.p[i];
	return w;
}

static void text_row(const struct gt_ask *a, const struct gt_gor *g)
{
	const struct gt_tally *t = &a->tally;
	const struct gt_wait_sum *w = longest(g);
	char b[6][GT_DUR_MAX], func[GT_NAME_MAX], site[GT_TEXT_MAX];
	uint64_t from = g->g.created_ns > t->from_ns ? g->g.created_ns : t->from_ns;
	uint64_t to = g->ended_ns ? g->ended_ns : t->to_ns;
	bool old = !g->created || g->g.created_ns < t->from_ns;
	struct gt_group made = t->groups.p[g->group];
	char parent[24] = "-";

	if (g->g.parent_goid)
		(void)snprintf(parent, sizeof(parent), "%" PRIu64, g->g.parent_goid);
	(void)fprintf(a->out, "%8" PRIu64 " %8s %12.12s %s%8s%s %9s %9s %9s %9s  %-22.22s ",
		      g->g.goid, parent,
		      old ? "before" : gt_format_time(b[0], gt_view_rel(a->view, g->g.created_ns)),
		      old ? ">" : " ", gt_format_duration(b[1], to > from ? to - from : 0),
		      g->ended_ns && !g->with_process ? " " : "+",
		      gt_format_duration(b[2], gt_tally_running(g->ns)),
		      gt_format_duration(b[3], g->ns[GT_S_RUNNABLE]),
		      gt_format_duration(b[4], g->ns[GT_S_SYSCALL]),
		      gt_format_duration(b[5], g->ns[GT_S_WAITING]),
		      w ? t->reasons.p[w->reason].name : "");
	(void)fprintf(a->out, "%s%s, %s\n", gt_names_safe(made.func, func),
		      g->system ? " (runtime)" : "", gt_text_place(&made.site, site));
}

static void json_time(const struct gt_ask *a, const char *key, uint64_t ts, bool known)
{
	struct gt_json *j = (struct gt_json *)(uintptr_t)&a->json;

	gt_json_key(j, key);
	if (known)
		gt_json_u64(j, gt_view_rel(a->view, ts));
	else
		gt_json_null(j);
}

static void json_row(struct gt_ask *a, const struct gt_gor *g)
{
	const struct gt_tally *t = &a->tally;
	const struct gt_group *made = &t->groups.p[g->group];
	struct gt_json *j = &a->json;

	gt_json_object(j);
	gt_json_ku64(j, "goid", g->g.goid);
	gt_json_key(j, "parent");
	if (g->g.parent_goid)
		gt_json_u64(j, g->g.parent_goid);
	else
		gt_json_null(j);
	gt_json_kstr(j, "func", *made->func ? made->func : NULL);
	gt_json_place(j, "site", &made->site);
	json_time(a, "created_ns", g->g.created_ns, g->g.created_ns != 0);
	json_time(a, "ended_ns", g->ended_ns, g->ended_ns != 0);
	gt_json_ku64(j, "runnable_ns", g->ns[GT_S_RUNNABLE]);
	gt_json_ku64(j, "running_ns", gt_tally_running(g->ns));
	gt_json_ku64(j, "syscall_ns", g->ns[GT_S_SYSCALL]);
	gt_json_ku64(j, "waiting_ns", g->ns[GT_S_WAITING]);
	gt_json_ku64(j, "preempted_ns", g->ns[GT_S_PREEMPTED]);
	gt_json_ku64(j, "unknown_ns", g->ns[GT_S_UNKNOWN]);
	gt_json_key(j, "blocked_ns");
	gt_json_object(j);
	for (size_t i = 0; i < g->waits.n; i++)
		gt_json_ku64(j, t->reasons.p[g->waits.p[i].reason].name, g->waits.p[i].ns);
	gt_json_object_end(j);
	gt_json_ku64(j, "pid", gt_view_pid(a->view, g->g.process));
	gt_json_kbool(j, "system", g->system);
	gt_json_kbool(j, "with_process", g->with_process);
	gt_json_key(j, "stack_bytes");
	if (g->g.stack_bytes)
		gt_json_u64(j, g->g.stack_bytes);
	else
		gt_json_null(j);
	gt_json_kbool(j, "locked", g->g.flags & GT_GF_LOCKED);
	gt_json_object_end(j);
	gt_json_line(j);
}

static void row(struct gt_ask *a, const struct gt_gor *g)
{
	if (a->o->view.json)
		json_row(a, g);
	else
		text_row(a, g);
}

/* ---- the N heaviest ---- */

static void sift_down(struct rows *r, size_t i)
{
	for (size_t c; (c = 2 * i + 1) < r->n; i = c) {
		if (c + 1 < r->n && r->p[c + 1].weight < r->p[c].weight)
			c++;
		if (r->p[i].weight <= r->p[c].weight)
			return;
		struct kept k = r->p[i];
		r->p[i] = r->p[c];
		r->p[c] = k;
	}
}

static void sift_up(struct rows *r, size_t i)
{
	while (i && r->p[(i - 1) / 2].weight > r->p[i].weight) {
		struct kept k = r->p[i];
		r->p[i] = r->p[(i - 1) / 2];
		r->p[(i - 1) / 2] = k;
		i = (i - 1) / 2;
	}
}

static int keep(struct gt_ask *a, struct rows *r, const struct gt_gor *g, struct gt_err *err)
{
	struct kept k = { *g, g->ns[GT_S_WAITING] };

	if (g->system || !a->top || (r->n == a->top && k.weight <= r->p[0].weight))
		return GT_OK;
	k.g.waits.p = g->waits.n ? malloc(g->waits.n * sizeof(*g->waits.p)) : NULL;
	k.g.waits.cap = g->waits.n;
	if (g->waits.n) {
		if (!k.g.waits.p)
			return gt_fail(err, GT_NOMEM, "no memory for the rows");
		memcpy(k.g.waits.p, g->waits.p, g->waits.n * sizeof(*g->waits.p));
	}
	if (r->n == a->top) {
		free(r->p[0].g.waits.p);
		r->p[0] = k;
		sift_down(r, 0);
		return GT_OK;
	}
	struct kept *slot = GT_VEC_PUSH(r);
	if (!slot) {
		free(k.g.waits.p);
		return gt_fail(err, GT_NOMEM, "no memory for the rows");
	}
	*slot = k;
	sift_up(r, r->n - 1);
	return GT_OK;
}

static int heavier(const void *x, const void *y)
{
	const struct kept *a = x, *b = y;

	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return a->g.g.gid < b->g.g.gid ? -1 : 1;
}

/* ---- the question ---- */

static int start(struct gt_ask *a, struct gt_err *err)
{
	if (!a->o->view.json)
		text_head(a);
	if (a->o->top == UINT64_MAX)
		return GT_OK;
	a->own = calloc(1, sizeof(struct rows));
	return a->own ? GT_OK : gt_fail(err, GT_NOMEM, "no memory for the rows");
}

static int each(void *ask, const struct gt_gor *g, struct gt_err *err)
{
	struct gt_ask *a = ask;

	if (a->own)
		return keep(a, a->own, g, err);
	row(a, g);
	return GT_OK;
}

static int answer(struct gt_ask *a, struct gt_err *err)
{
	struct rows *r = a->own;

	(void)err;
	if (!r)
		return GT_OK;
	if (r->n)
		qsort(r->p, r->n, sizeof(*r->p), heavier);
	for (size_t i = 0; i < r->n; i++) {
		row(a, &r->p[i].g);
		free(r->p[i].g.waits.p);
	}
	GT_VEC_FREE(r);
	free(r);
	a->own = NULL;
	return GT_OK;
}

const struct gt_question gt_q_goroutines = { "goroutines", "one row each", start, each, answer };
