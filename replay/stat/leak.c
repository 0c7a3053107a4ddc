/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The leak rule. A leak is seen by its growth: goroutines of one creation site go on being
 * made and not coming back, each waiting at one place longer than anything it waited for
 * before. That tells it from what is healthy: a pool of idle workers (all made at one time),
 * requests under way (made just now), connections (they wait for the network), single
 * goroutines that wait for a signal (one), and sites that exit as fast as they are made.
 */
#include <stdlib.h>
#include <string.h>

#include "format/base/vec.h"
#include "suspect.h"

#define MIN_STUCK 4
#define MIN_PARTS 4

/* The evidence on one group while it is gathered. */
struct evidence {
	uint64_t stuck, before, old;
	uint32_t parts; /* bit for each part of the span */
};

/* Where and for what one stuck goroutine waits. */
struct spot {
	uint32_t group, place, reason;
	uint64_t waited_ns;
};

struct spots {
	struct spot *p;
	size_t n, cap;
};

/* The least time that a goroutine must have waited to count: a twentieth of the span. */
static uint64_t patience(const struct gt_tally *t)
{
	return (t->to_ns - t->from_ns) / 20;
}

/*
 * G waits for another goroutine, and longer than its own past and that of its site explain.
 * LIFE is the site's p99 lifetime, of those that ended.
 */
static bool looks_stuck(const struct gt_tally *t, const struct gt_gor *g, uint64_t life)
{
	if (!g->used || g->system || g->state != GT_S_WAITING || !t->reasons.p[g->reason].peer)
		return false;
	uint64_t since = g->since_ns > t->from_ns ? g->since_ns : t->from_ns;
	uint64_t waited = t->to_ns - since;
	return waited >= patience(t) && waited > g->longest_wait_ns && waited > life;
}

static int gather(struct gt_tally *t, struct evidence *ev, struct spots *spots, struct gt_err *err)
{
	uint64_t span = t->to_ns - t->from_ns - patience(t);
	uint64_t *life = calloc(t->groups.n + 1, sizeof(*life));
	int rc = GT_OK;

	if (!life)
		return gt_fail(err, GT_NOMEM, "no memory to look for leaks");
	for (size_t i = 0; i < t->groups.n; i++)
		life[i] = gt_hist_quantile(&t->groups.p[i].life, 0.99);
	for (size_t i = 0; i < t->gors.n; i++) {
		const struct gt_gor *g = &t->gors.p[i];
		if (!looks_stuck(t, g, life[g->group]))
			continue;
		struct evidence *e = &ev[g->group];
		struct spot *s = GT_VEC_PUSH(spots);
		if (!s) {
			rc = gt_fail(err, GT_NOMEM, "no memory to look for leaks");
			break;
		}
		*s = (struct spot){ g->group, gt_tally_place(t, g->stack), g->reason,
				    t->to_ns - (g->since_ns ? g->since_ns : t->from_ns) };
		if (!g->created || g->g.created_ns < t->from_ns) {
			/* Its whole past is not known: it counts for the size, not the growth. */
			e->before += g->since_ns < t->from_ns;
			continue;
		}
		uint64_t part = span ? (g->g.created_ns - t->from_ns) * GT_LEAK_PARTS / span : 0;
		e->stuck++;
		e->parts |= 1u << (part < GT_LEAK_PARTS ? part : GT_LEAK_PARTS - 1);
	}
	free(life);
	return rc;
}

static int by_spot(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	if (x->reason != y->reason)
		return x->reason < y->reason ? -1 : 1;
	return x->waited_ns < y->waited_ns ? -1 : x->waited_ns > y->waited_ns;
}

/* The most frequent spot of the N that begin at S (sorted): L's place, reason, ages. */
static void main_spot(struct gt_leak *l, const struct spot *s, size_t n)
{
	size_t best = 0, best_n = 0;

	for (size_t i = 0, j; i < n; i = j) {
		for (j = i; j < n && s[j].place == s[i].place && s[j].reason == s[i].reason; j++)
			;
		if (j - i > best_n) {
			best = i;
			best_n = j - i;
		}
	}
	l->place = s[best].place;
	l->reason = s[best].reason;
	l->median_ns = s[best + best_n / 2].waited_ns;
	for (size_t i = 0; i < n; i++)
		if (s[i].waited_ns > l->oldest_ns)
			l->oldest_ns = s[i].waited_ns;
}

/*
 * The score: the share of the parts of the span from the first to the last leak in which some
 * were made, times 1 - 1/stuck. Nothing where the site does not grow on balance.
 */
static double score(const struct gt_group *g, const struct evidence *e)
{
	uint32_t n = (uint32_t)__builtin_popcount(e->parts);

	if (e->stuck < MIN_STUCK || n < MIN_PARTS)
		return 0;
	if (g->created < g->exited || g->created - g->exited < e->stuck / 2)
		return 0;
	int first = __builtin_ctz(e->parts), last = 31 - __builtin_clz(e->parts);
	return (double)n / (last - first + 1) * (1 - 1 / (double)e->stuck);
}

static int by_score(const void *a, const void *b)
{
	const struct gt_leak *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	if (x->stuck != y->stuck)
		return x->stuck > y->stuck ? -1 : 1;
	return x->group < y->group ? -1 : 1;
}

int gt_leaks_find(struct gt_suspects *s, struct gt_tally *t, struct gt_err *err)
{
	struct evidence *ev = calloc(t->groups.n + 1, sizeof(*ev));
	struct spots spots = { 0 };
	int rc = ev ? gather(t, ev, &spots, err) : gt_fail(err, GT_NOMEM, "no memory for leaks");

	if (spots.n)
		qsort(spots.p, spots.n, sizeof(*spots.p), by_spot);
	for (size_t i = 0, j; !rc && i < spots.n; i = j) {
		uint32_t group = spots.p[i].group;
		for (j = i; j < spots.n && spots.p[j].group == group; j++)
			;
		double sc = score(&t->groups.p[group], &ev[group]);
		struct gt_leak *l = sc > 0 ? GT_VEC_PUSH(&s->leaks) : NULL;
		if (!l) {
			rc = sc > 0 ? gt_fail(err, GT_NOMEM, "no memory for leaks") : GT_OK;
			continue;
		}
		l->group = group;
		l->stuck = ev[group].stuck;
		l->before = ev[group].before;
		l->parts = (uint32_t)__builtin_popcount(ev[group].parts);
		l->score = sc;
		main_spot(l, spots.p + i, j - i);
	}
	if (s->leaks.n)
		qsort(s->leaks.p, s->leaks.n, sizeof(*s->leaks.p), by_score);
	GT_VEC_FREE(&spots);
	free(ev);
	return rc;
}
