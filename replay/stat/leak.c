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

/* Where, for what and for how long one stuck goroutine waits. */
struct spot {
	uint32_t group, process, place, reason;
	uint64_t waited_ns;
	uint64_t part; /* of its process's span in which it was made; or ... */
	bool older;    /* made before the span: it counts for the size, not the growth */
	bool unmoved;  /* since before the span */
};

struct spots {
	struct spot *p;
	size_t n, cap;
};

/* The time for which G's process is in the span: to its end, where it ended. */
static uint64_t lived(const struct gt_tally *t, const struct gt_gor *g, uint64_t *ret_from)
{
	const struct gt_process *p = gt_reader_process(t->o.reader, g->g.process);
	uint64_t to = g->ended_ns ? g->ended_ns : t->to_ns;

	*ret_from = p && p->seen_ns > t->from_ns && p->seen_ns < to ? p->seen_ns : t->from_ns;
	return to - *ret_from;
}

/* The least time that a goroutine must have waited to count: a twentieth of that. */
static uint64_t patience(uint64_t lived)
{
	return lived / 20;
}

/*
 * G waits for another goroutine, and longer than its own past and that of its site explain.
 * LIFE is the site's p99 lifetime, of those that exited.
 */
static bool looks_stuck(const struct gt_tally *t, const struct gt_gor *g, uint64_t life)
{
	uint64_t from, all = lived(t, g, &from);

	if (!g->used || g->system || g->state != GT_S_WAITING || !t->reasons.p[g->reason].peer)
		return false;
	uint64_t since = g->since_ns > from ? g->since_ns : from;
	uint64_t waited = from + all - since;
	return waited >= patience(all) && waited > g->longest_wait_ns && waited > life;
}

static struct spot spot_of(struct gt_tally *t, const struct gt_gor *g)
{
	uint64_t from, all = lived(t, g, &from), span = all - patience(all);
	struct spot s = { .group = g->group,
			  .process = g->g.process,
			  .place = gt_tally_place(t, g->stack),
			  .reason = g->reason,
			  .waited_ns = from + all - (g->since_ns ? g->since_ns : from) };

	if (!g->created || g->g.created_ns < t->from_ns) {
		s.older = true;
		s.unmoved = g->since_ns < t->from_ns;
	} else {
		uint64_t at = g->g.created_ns > from ? g->g.created_ns - from : 0;
		s.part = span ? at * GT_LEAK_PARTS / span : 0;
	}
	return s;
}

static int gather(struct gt_tally *t, struct spots *spots, struct gt_err *err)
{
	uint64_t *life = calloc(t->groups.n + 1, sizeof(*life));
	int rc = GT_OK;

	if (!life)
		return gt_fail(err, GT_NOMEM, "no memory to look for leaks");
	for (size_t i = 0; i < t->groups.n; i++)
		life[i] = gt_hist_quantile(&t->groups.p[i].life, 0.99);
	for (size_t i = 0; !rc && i < t->gors.n; i++) {
		const struct gt_gor *g = &t->gors.p[i];
		if (!looks_stuck(t, g, life[g->group]))
			continue;
		struct spot *s = GT_VEC_PUSH(spots);
		if (s)
			*s = spot_of(t, g);
		else
			rc = gt_fail(err, GT_NOMEM, "no memory to look for leaks");
	}
	free(life);
	return rc;
}

static int by_spot(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
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

/* The evidence of the N spots at S, all of one group and process. */
static void weigh(struct gt_leak *l, const struct spot *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		l->before += s[i].unmoved;
		if (s[i].older)
			continue;
		l->stuck++;
		l->parts |= 1u << (s[i].part < GT_LEAK_PARTS ? s[i].part : GT_LEAK_PARTS - 1);
	}
}

/*
 * The score: the share of the parts of the span from the first to the last leak in which some
 * were made, times 1 - 1/stuck. Nothing where the site does not grow on balance.
 */
static double score(const struct gt_group *g, const struct gt_leak *l)
{
	uint32_t n = (uint32_t)__builtin_popcount(l->parts);

	if (l->stuck < MIN_STUCK || n < MIN_PARTS)
		return 0;
	if (g->created < g->exited || g->created - g->exited < l->stuck / 2)
		return 0;
	int first = __builtin_ctz(l->parts), last = 31 - __builtin_clz(l->parts);
	return (double)n / (last - first + 1) * (1 - 1 / (double)l->stuck);
}

static int by_score(const void *a, const void *b)
{
	const struct gt_leak *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	if (x->stuck != y->stuck)
		return x->stuck > y->stuck ? -1 : 1;
	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return x->process < y->process ? -1 : x->process > y->process;
}

int gt_leaks_find(struct gt_suspects *s, struct gt_tally *t, struct gt_err *err)
{
	struct spots spots = { 0 };
	int rc = gather(t, &spots, err);

	if (spots.n)
		qsort(spots.p, spots.n, sizeof(*spots.p), by_spot);
	for (size_t i = 0, j; !rc && i < spots.n; i = j) {
		struct gt_leak found = { .group = spots.p[i].group, .process = spots.p[i].process };
		for (j = i; j < spots.n && spots.p[j].group == found.group &&
			    spots.p[j].process == found.process;
		     j++)
			;
		weigh(&found, spots.p + i, j - i);
		found.score = score(&t->groups.p[found.group], &found);
		if (found.score <= 0)
			continue;
		found.parts = (uint32_t)__builtin_popcount(found.parts);
		main_spot(&found, spots.p + i, j - i);
		struct gt_leak *l = GT_VEC_PUSH(&s->leaks);
		if (l)
			*l = found;
		else
			rc = gt_fail(err, GT_NOMEM, "no memory for leaks");
	}
	if (s->leaks.n)
		qsort(s->leaks.p, s->leaks.n, sizeof(*s->leaks.p), by_score);
	GT_VEC_FREE(&spots);
	return rc;
}
