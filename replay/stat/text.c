/* SPDX-License-Identifier: BSD-2-Clause */
/* What gtstat's answers share in printing: places, shares, the head, the findings. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "replay/view/names.h"

/* The last two parts of a path: enough to know the file by. */
static const char *tail(const char *path)
{
	const char *leaf = gt_name_leaf(path);

	if (leaf - path < 2)
		return path;
	const char *p = leaf - 1;
	while (p > path && p[-1] != '/')
		p--;
	return p;
}

const char *gt_text_quantile(const struct gt_hist *h, double q, char buf[GT_DUR_MAX])
{
	return h->n ? gt_format_duration(buf, gt_hist_quantile(h, q)) : "-";
}

const char *gt_text_place(const struct gt_place *p, char buf[GT_TEXT_MAX])
{
	char func[GT_NAME_MAX], file[GT_NAME_MAX];

	if (!p || (!*p->func && !*p->file))
		return "(not known)";
	(void)snprintf(buf, GT_TEXT_MAX, "%.400s %.150s:%u", gt_names_safe(p->func, func),
		       gt_names_safe(tail(p->file), file), p->line);
	return buf;
}

const char *gt_text_maker(const struct gt_tally *t, const struct gt_group *g, char buf[GT_TEXT_MAX])
{
	char func[GT_NAME_MAX];

	if (!t->o.by_func && (*g->site.func || *g->site.file))
		return gt_text_place(&g->site, buf);
	if (!*g->func)
		return "(not known)";
	(void)snprintf(buf, GT_TEXT_MAX, t->o.by_func ? "%s" : "(start of %s)",
		       gt_names_safe(g->func, func));
	return buf;
}

void gt_json_place(struct gt_json *j, const char *key, const struct gt_place *p)
{
	char buf[2 * GT_NAME_MAX];

	gt_json_key(j, key);
	if (!p || (!*p->func && !*p->file)) {
		gt_json_null(j);
		return;
	}
	(void)snprintf(buf, sizeof(buf), "%s %s:%u", p->func, p->file, p->line);
	gt_json_str(j, buf);
}

void gt_json_share(struct gt_json *j, const char *key, double v)
{
	gt_json_key(j, key);
	gt_json_f64(j, v);
}

static void quantile(struct gt_json *j, const char *key, const struct gt_hist *h, double q)
{
	gt_json_key(j, key);
	if (h->n && !h->bad)
		gt_json_u64(j, gt_hist_quantile(h, q));
	else
		gt_json_null(j);
}

void gt_json_hist(struct gt_json *j, const struct gt_hist *h)
{
	gt_json_ku64(j, "count", h->n);
	gt_json_ku64(j, "estimated", h->estimated);
	gt_json_key(j, "mean");
	if (h->n)
		gt_json_u64(j, gt_hist_mean(h));
	else
		gt_json_null(j);
	quantile(j, "p50", h, 0.50);
	quantile(j, "p90", h, 0.90);
	quantile(j, "p99", h, 0.99);
	quantile(j, "max", h, 1);
}

void gt_json_lives(struct gt_ask *a, const struct gt_hist *h, uint64_t over, uint64_t open_over)
{
	struct gt_json *j = &a->json;
	char key[64];

	gt_json_hist(j, h);
	(void)snprintf(key, sizeof(key), "over(%s)", a->o->over);
	gt_json_share(j, key, h->n ? (double)over / (double)h->n : (double)NAN);
	gt_json_ku64(j, "over_count", over);
	gt_json_ku64(j, "over_live", open_over);
}

void gt_json_queueing(struct gt_ask *a)
{
	const struct gt_tally *t = &a->tally;
	struct gt_json *j = &a->json;

	gt_json_key(j, "wait");
	gt_json_object(j);
	gt_json_hist(j, &t->runq);
	gt_json_ku64(j, "open", t->runq_open);
	gt_json_ku64(j, "open_max_ns", t->runq_open_max_ns);
	gt_json_object_end(j);
}

const char *gt_reason_key(const char *reason, char buf[GT_TEXT_MAX])
{
	(void)snprintf(buf, GT_TEXT_MAX, "%s", reason);
	for (char *p = buf; *p; p++)
		if (*p == ' ' || *p == '.')
			*p = '_';
	return buf;
}

/* ---- sorting ---- */

struct weighted {
	uint64_t weight;
	size_t i;
};

static int heavier(const void *a, const void *b)
{
	const struct weighted *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return x->i < y->i ? -1 : 1;
}

size_t *gt_sorted(size_t n, const void *ctx, uint64_t (*weight)(const void *ctx, size_t i))
{
	struct weighted *w = calloc(n + 1, sizeof(*w));
	size_t *order = calloc(n + 1, sizeof(*order));

	if (!w || !order) {
		free(w);
		free(order);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		w[i] = (struct weighted){ weight(ctx, i), i };
	qsort(w, n, sizeof(*w), heavier);
	for (size_t i = 0; i < n; i++)
		order[i] = w[i].i;
	free(w);
	return order;
}

int gt_ask_sorted(struct gt_ask *a, size_t n, uint64_t (*weight)(const void *tally, size_t i),
		  void (*text)(struct gt_ask *a, const size_t *order),
		  void (*json)(struct gt_ask *a, const size_t *order), struct gt_err *err)
{
	size_t *order = gt_sorted(n, &a->tally, weight);

	if (!order)
		return gt_fail(err, GT_NOMEM, "no memory to sort");
	(a->o->view.json ? json : text)(a, order);
	free(order);
	return GT_OK;
}

/* ---- the head ---- */

/* What was sampled, where something was. */
static void text_gaps(const struct gt_ask *a)
{
	const struct gt_tally *t = &a->tally;
	char dur[GT_DUR_MAX];
	double all = (double)(t->to_ns - t->from_ns);

	if (t->gaps.n)
		(void)fprintf(a->out,
			      "%-14s %.1f%% of the time; for %s there were no probes, but %" PRIu64
			      " samples: shares have the error of that (95%%), times of what ended "
			      "then are left out\n",
			      "traced", 100 * (1 - (double)t->gaps.ns / (all > 0 ? all : 1)),
			      gt_format_duration(dur, t->gaps.ns), t->gaps.n);
}

static void text_losses(const struct gt_ask *a)
{
	char at[GT_DUR_MAX], dur[GT_DUR_MAX], n[48] = "an unknown number of";

	if (!a->losses) {
		(void)fprintf(a->out, "%-14s nothing lost\n", "confidence");
		return;
	}
	if (a->lost)
		(void)snprintf(n, sizeof(n), "%s%" PRIu64, a->lost_unknown ? "at least " : "",
			       a->lost);
	(void)fprintf(a->out, "%-14s %sLOST %s event%s%s in %" PRIu64 " place%s:", "confidence",
		      a->colour ? "\033[1;31m" : "", n, a->lost == 1 ? "" : "s",
		      a->colour ? "\033[0m" : "", a->losses, a->losses == 1 ? "" : "s");
	for (uint64_t i = 0; i < a->losses && i < 3; i++) {
		const struct gt_loss *l = &a->loss[i];
		(void)fprintf(a->out, "%s at %s", i ? "," : "",
			      gt_format_time(at, gt_view_rel(a->view, l->t0)));
		if (l->t1 > l->t0)
			(void)fprintf(a->out, " for %s", gt_format_duration(dur, l->t1 - l->t0));
		if (l->cpu != UINT32_MAX)
			(void)fprintf(a->out, " on cpu %u", l->cpu);
		(void)fprintf(a->out, " (%s)", gt_name_cause(l->cause));
	}
	(void)fprintf(a->out, "%s\n", a->losses > 3 ? ", ..." : "");
}

void gt_text_head(const struct gt_ask *a)
{
	const struct gt_reader *r = a->view->reader;
	char span[GT_DUR_MAX], from[GT_DUR_MAX], buf[GT_NAME_MAX];
	uint32_t n = gt_reader_processes(r);

	(void)fprintf(a->out, "%-14s %s from %s s, %" PRIu64 " events\n", "span",
		      gt_format_duration(span, a->tally.to_ns - a->tally.from_ns),
		      gt_format_time(from, gt_view_rel(a->view, a->tally.from_ns)), a->events);
	for (uint32_t i = 1; i <= n && i <= 8; i++) {
		const struct gt_process *p = gt_reader_process(r, i);
		if (!p)
			continue;
		(void)fprintf(a->out, "%-14s %u %s", i == 1 ? "process" : "", p->pid,
			      gt_names_safe(*p->exe ? p->exe : p->cmdline0, buf));
		if (n > 1 && p->seen_ns)
			(void)fprintf(a->out, ", from %s s",
				      gt_format_time(from, gt_view_rel(a->view, p->seen_ns)));
		(void)fprintf(a->out, ", %s", gt_names_safe(p->go_version, buf));
		if (p->end)
			(void)fprintf(a->out, ", %s at %s s", gt_name_end(p, buf),
				      gt_format_time(from, gt_view_rel(a->view, p->end_ns)));
		(void)fputc('\n', a->out);
	}
	if (n > 8)
		(void)fprintf(a->out, "%-14s and %u more\n", "", n - 8);
	text_gaps(a);
	text_losses(a);
}

void gt_json_losses(struct gt_ask *a)
{
	struct gt_json *j = &a->json;

	gt_json_ku64(j, "events", a->events);
	gt_json_ku64(j, "lost", a->lost);
	gt_json_ku64(j, "gaps", a->tally.gaps.n);
	gt_json_ku64(j, "gaps_ns", a->tally.gaps.ns);
	gt_json_key(j, "losses");
	gt_json_array(j);
	for (uint64_t i = 0; i < a->losses && i < GT_LOSSES_KEPT; i++) {
		const struct gt_loss *l = &a->loss[i];
		gt_json_object(j);
		gt_json_ku64(j, "t0_ns", gt_view_rel(a->view, l->t0));
		gt_json_ku64(j, "t1_ns", gt_view_rel(a->view, l->t1));
		gt_json_key(j, "cpu");
		if (l->cpu == UINT32_MAX)
			gt_json_null(j);
		else
			gt_json_u64(j, l->cpu);
		gt_json_key(j, "lost");
		if (l->count)
			gt_json_u64(j, l->count);
		else
			gt_json_null(j);
		gt_json_kstr(j, "cause", gt_name_cause(l->cause));
		gt_json_object_end(j);
	}
	gt_json_array_end(j);
}

/* ---- findings ---- */

static const struct gt_place *place(const struct gt_ask *a, uint32_t i)
{
	return i == GT_NO_PLACE ? NULL : &a->tally.places.p[i];
}

static const char *red(const struct gt_ask *a, bool on)
{
	return !a->colour ? "" : on ? "\033[1;31m" : "\033[0m";
}

void gt_text_leak(const struct gt_ask *a, const struct gt_leak *l)
{
	const struct gt_group *g = &a->tally.groups.p[l->group];
	char buf[GT_TEXT_MAX], func[GT_NAME_MAX], d1[GT_DUR_MAX], d2[GT_DUR_MAX];

	(void)fprintf(a->out,
		      "%sLEAK%s  %" PRIu64 " goroutines%s%s do not come back (score %.2f)\n",
		      red(a, true), red(a, false), l->stuck, *g->func ? " of " : "",
		      gt_names_safe(g->func, func), l->score);
	(void)fprintf(a->out, "      made at     %s\n", gt_text_maker(&a->tally, g, buf));
	(void)fprintf(a->out, "      waiting at  %s\n",
		      l->place == GT_NO_PLACE ? "(no stack was recorded)"
					      : gt_text_place(place(a, l->place), buf));
	(void)fprintf(a->out, "      for         %s, half of them longer than %s, the oldest %s\n",
		      a->tally.reasons.p[l->reason].name, gt_format_duration(d1, l->median_ns),
		      gt_format_duration(d2, l->oldest_ns));
	(void)fprintf(a->out,
		      "      %" PRIu64 " made and %" PRIu64 " ended in the span; leaking in %u of "
		      "its %d parts",
		      g->created, g->exited, l->parts, GT_LEAK_PARTS);
	if (l->before)
		(void)fprintf(a->out, "; %" PRIu64 " more stood there before", l->before);
	(void)fprintf(a->out, "\n");
}

void gt_text_lock(const struct gt_ask *a, const struct gt_lock *l)
{
	const struct gt_group *g = &a->tally.groups.p[l->group];
	char buf[GT_TEXT_MAX], d1[GT_DUR_MAX], d2[GT_DUR_MAX];

	(void)fprintf(a->out, "%sLOCK%s  %s waited for in all, %.2g goroutines at a time (%s)\n",
		      red(a, true), red(a, false), gt_format_duration(d1, l->total_ns),
		      l->mean_waiters, a->tally.reasons.p[l->reason].name);
	(void)fprintf(a->out, "      locked at   %s%s\n",
		      l->place == GT_NO_PLACE ? "(no stack was recorded)"
					      : gt_text_place(place(a, l->place), buf),
		      l->sampled ? " (as the waiters of a snapshot show)" : "");
	(void)fprintf(a->out, "      mostly by   %s\n", gt_text_maker(&a->tally, g, buf));
	(void)fprintf(a->out,
		      "      %" PRIu64 " waits, the longest %s; %" PRIu64 " waiting at the end\n",
		      l->n + l->open, gt_format_duration(d2, l->max_ns), l->open);
}

static void json_leak(struct gt_ask *a, const struct gt_leak *l)
{
	const struct gt_group *g = &a->tally.groups.p[l->group];
	struct gt_json *j = &a->json;

	gt_json_object(j);
	gt_json_share(j, "score", l->score);
	gt_json_ku64(j, "count", l->stuck);
	gt_json_ku64(j, "before", l->before);
	gt_json_kstr(j, "func", *g->func ? g->func : NULL);
	gt_json_place(j, "site", &g->site);
	gt_json_place(j, "blocked_at", place(a, l->place));
	gt_json_kstr(j, "reason", a->tally.reasons.p[l->reason].name);
	gt_json_ku64(j, "median_ns", l->median_ns);
	gt_json_ku64(j, "oldest_ns", l->oldest_ns);
	gt_json_ku64(j, "created", g->created);
	gt_json_ku64(j, "exited", g->exited);
	gt_json_ku64(j, "parts", l->parts);
	gt_json_object_end(j);
}

static void json_lock(struct gt_ask *a, const struct gt_lock *l)
{
	const struct gt_group *g = &a->tally.groups.p[l->group];
	struct gt_json *j = &a->json;

	gt_json_object(j);
	gt_json_place(j, "blocked_at", place(a, l->place));
	gt_json_kstr(j, "place_from",
		     l->place == GT_NO_PLACE ? NULL
		     : l->sampled	     ? "snapshot"
					     : "waits");
	gt_json_kstr(j, "reason", a->tally.reasons.p[l->reason].name);
	gt_json_place(j, "site", &g->site);
	gt_json_kstr(j, "func", *g->func ? g->func : NULL);
	gt_json_ku64(j, "waits", l->n + l->open);
	gt_json_ku64(j, "total_ns", l->total_ns);
	gt_json_ku64(j, "max_ns", l->max_ns);
	gt_json_ku64(j, "waiting_at_end", l->open);
	gt_json_share(j, "mean_waiters", l->mean_waiters);
	gt_json_object_end(j);
}

void gt_json_suspects(struct gt_ask *a)
{
	struct gt_json *j = &a->json;

	gt_json_key(j, "leaks");
	gt_json_array(j);
	for (size_t i = 0; i < a->suspects.leaks.n; i++)
		json_leak(a, &a->suspects.leaks.p[i]);
	gt_json_array_end(j);
	gt_json_key(j, "locks");
	gt_json_array(j);
	for (size_t i = 0; i < a->suspects.locks.n; i++)
		json_lock(a, &a->suspects.locks.p[i]);
	gt_json_array_end(j);
}
