/* SPDX-License-Identifier: BSD-2-Clause */
/* The sums behind every gtstat answer: steps in, rows out. */
#include "tally.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/vec.h"

void gt_tally_init(struct gt_tally *t, const struct gt_tally_opts *o)
{
	*t = (struct gt_tally){ .o = *o, .to_ns = UINT64_MAX };
	t->by_state = o->filter && (o->filter->states || o->filter->reasons.n);
}

void gt_tally_free(struct gt_tally *t)
{
	for (size_t i = 0; i < t->gors.n; i++)
		GT_VEC_FREE(&t->gors.p[i].waits);
	for (size_t i = 0; i < t->groups.n; i++)
		gt_hist_free(&t->groups.p[i].life);
	for (size_t i = 0; i < t->reasons.n; i++)
		gt_hist_free(&t->reasons.p[i].waits);
	GT_VEC_FREE(&t->gors);
	GT_VEC_FREE(&t->free_gors);
	GT_VEC_FREE(&t->groups);
	GT_VEC_FREE(&t->reasons);
	GT_VEC_FREE(&t->blocks);
	GT_VEC_FREE(&t->places);
	gt_hist_free(&t->life);
	gt_hist_free(&t->runq);
	gt_hist_free(&t->syscall);
	gt_hist_free(&t->qlen);
	gt_intern_free(&t->group_names);
	gt_intern_free(&t->reason_names);
	gt_intern_free(&t->place_names);
	gt_u64map_free(&t->by_gid);
	gt_u64map_free(&t->group_of_pcs);
	gt_u64map_free(&t->reason_of);
	gt_u64map_free(&t->block_of);
	gt_u64map_free(&t->place_of_stack);
}

static int no_memory(struct gt_err *err)
{
	return gt_fail(err, GT_NOMEM, "no memory for the goroutines' sums");
}

static bool alive(uint8_t state)
{
	return state != GT_S_DEAD && state != GT_S_IDLE;
}

/* Seen of an interval that begins at SINCE and ends at TS, within the span. */
static uint64_t clipped(const struct gt_tally *t, uint64_t since, uint64_t ts)
{
	uint64_t b = since > t->from_ns ? since : t->from_ns;
	uint64_t e = ts < t->to_ns ? ts : t->to_ns;

	return e > b ? e - b : 0;
}

/* Only samples say when the state that G is in began, or that it went on. */
static bool estimated(const struct gt_tally *t, const struct gt_gor *g, bool end_sampled)
{
	return g->sampled || end_sampled || g->since_ns < t->gaps.last_ns;
}

/* WHOLE into H, if that is what it was. */
static void add_to(struct gt_hist *h, uint64_t whole, bool is_estimate)
{
	if (is_estimate)
		h->estimated++;
	else
		gt_hist_add(h, whole);
}

static struct gt_gor *find(const struct gt_tally *t, uint64_t gid)
{
	uint64_t *i = gt_u64map_get(&t->by_gid, gid);

	return i ? &t->gors.p[*i] : NULL;
}

static void count_live(struct gt_tally *t, const struct gt_gor *g, int by)
{
	if (g->system) {
		t->n_system += (uint64_t)(int64_t)by;
		return;
	}
	t->live += (uint64_t)(int64_t)by;
	t->groups.p[g->group].live += (uint64_t)(int64_t)by;
	if (t->live > t->live_max)
		t->live_max = t->live;
}

/* A record for a goroutine not met before, in STATE since SINCE; NULL when memory is short. */
static struct gt_gor *meet(struct gt_tally *t, const struct gt_goroutine *who, uint8_t state,
			   uint64_t since, bool created)
{
	long group = gt_tally_group(t, who);
	size_t i;

	if (group < 0)
		return NULL;
	if (t->free_gors.n) {
		i = t->free_gors.p[--t->free_gors.n];
	} else {
		struct gt_gor *last = GT_VEC_PUSH(&t->gors);
		if (!last)
			return NULL;
		i = t->gors.n - 1;
	}
	struct gt_gor *g = &t->gors.p[i];
	struct gt_wait_sum *waits = g->waits.p;
	size_t cap = g->waits.cap;
	memset(g, 0, sizeof(*g));
	g->waits.p = waits;
	g->waits.cap = cap;
	if (!gt_u64map_put(&t->by_gid, who->gid, i))
		return NULL;
	g->g = *who;
	g->group = (uint32_t)group;
	g->state = state;
	g->since_ns = since;
	g->used = true;
	g->created = created;
	g->system = who->flags & GT_GF_SYSTEM;
	if (!g->system) {
		struct gt_group *row = &t->groups.p[group];
		t->now[state]++;
		*(created ? &t->created : &t->existed) += 1;
		*(created ? &row->created : &row->existed) += 1;
	}
	if (alive(state))
		count_live(t, g, 1);
	return g;
}

/* ---- the end of one interval ---- */

static struct gt_block_sum *block_row(struct gt_tally *t, uint32_t group, uint32_t reason,
				      uint32_t place)
{
	/* 24 bits each for group and place, 16 for the reason: more than any program has */
	uint64_t key = (uint64_t)(group & 0xffffff) << 40 | (uint64_t)(reason & 0xffff) << 24 |
		       ((place + 1) & 0xffffff);
	uint64_t *known = gt_u64map_get(&t->block_of, key);

	if (known)
		return &t->blocks.p[*known];
	struct gt_block_sum *row = GT_VEC_PUSH(&t->blocks);
	if (!row || !gt_u64map_put(&t->block_of, key, t->blocks.n - 1))
		return NULL;
	row->group = group;
	row->reason = reason;
	row->place = place;
	return row;
}

static bool add_wait(struct gt_gor *g, uint32_t reason, uint64_t ns)
{
	for (size_t i = 0; i < g->waits.n; i++) {
		if (g->waits.p[i].reason == reason) {
			g->waits.p[i].ns += ns;
			return true;
		}
	}
	struct gt_wait_sum *row = GT_VEC_PUSH(&g->waits);
	if (row)
		*row = (struct gt_wait_sum){ reason, ns };
	return row != NULL;
}

static bool end_wait(struct gt_tally *t, struct gt_gor *g, uint64_t ts, uint64_t in, bool open,
		     bool guess)
{
	struct gt_reason_sum *r = &t->reasons.p[g->reason];
	uint64_t whole = g->since_ns ? ts - g->since_ns : in;

	if (!add_wait(g, g->reason, in))
		return false;
	if (!open && !guess && whole > g->longest_wait_ns)
		g->longest_wait_ns = whole;
	if (g->system)
		return true;
	struct gt_block_sum *b = block_row(t, g->group, g->reason, gt_tally_place(t, g->stack));
	if (!b)
		return false;
	r->total_ns += in;
	b->total_ns += in;
	if (whole > b->max_ns)
		b->max_ns = whole;
	if (open) {
		r->open++;
		b->open++;
		if (whole > r->open_max_ns)
			r->open_max_ns = whole;
	} else {
		b->n++;
		if (g->since_ns)
			add_to(&r->waits, whole, guess);
	}
	return true;
}

static void keep_worst(struct gt_tally *t, const struct gt_gor *g, uint64_t whole)
{
	struct gt_runq_wait *w = &t->worst[0];

	if (t->n_worst < GT_WORST) {
		w = &t->worst[t->n_worst++];
	} else {
		for (uint32_t i = 1; i < GT_WORST; i++)
			if (t->worst[i].ns < w->ns)
				w = &t->worst[i];
		if (w->ns >= whole)
			return;
	}
	*w = (struct gt_runq_wait){ g->g.gid, g->g.goid, g->since_ns, whole, g->group };
}

static void end_runnable(struct gt_tally *t, const struct gt_gor *g, uint64_t ts, bool open,
			 bool guess)
{
	struct gt_group *row = &t->groups.p[g->group];

	if (g->system || !g->since_ns)
		return;
	uint64_t whole = ts - g->since_ns;
	if (open) {
		t->runq_open++;
		if (whole > t->runq_open_max_ns)
			t->runq_open_max_ns = whole;
		return;
	}
	add_to(&t->runq, whole, guess);
	if (guess)
		return;
	row->runq_n++;
	row->runq_ns += whole;
	if (whole > row->runq_max)
		row->runq_max = whole;
	if (t->n_worst < GT_WORST || whole > 1000) /* most waits are below a microsecond */
		keep_worst(t, g, whole);
}

/* The state that G is in ends at TS, in TO; OPEN: only the span does; SAMPLED: a sample says so. */
static bool end_state(struct gt_tally *t, struct gt_gor *g, uint64_t ts, uint8_t to, bool open,
		      bool sampled)
{
	uint64_t in = clipped(t, g->since_ns, ts);
	bool guess = estimated(t, g, sampled);

	if (t->by_state &&
	    !gt_filter_state(t->o.filter, t->o.reader, g->g.process, g->state, g->number))
		return true;
	if (ts < g->since_ns) /* a step that was put in belatedly */
		ts = g->since_ns;
	g->ns[g->state] += in;
	if (!g->system) {
		t->ns[g->state] += in;
		t->groups.p[g->group].ns[g->state] += in;
	}
	switch (g->state) {
	case GT_S_WAITING: return end_wait(t, g, ts, in, open, guess);
	case GT_S_RUNNABLE:
		if (open || to == GT_S_RUNNING)
			end_runnable(t, g, ts, open, guess);
		break;
	case GT_S_SYSCALL:
		if (!open && !g->system && g->since_ns)
			add_to(&t->syscall, ts - g->since_ns, guess);
		break;
	default: break;
	}
	return true;
}

/* ---- what the run tells ---- */

void gt_tally_begin(struct gt_tally *t, uint64_t from_ns)
{
	t->from_ns = t->last_ns = from_ns;
}

static bool asked(struct gt_tally *t, const struct gt_goroutine *g)
{
	return !t->o.filter || gt_filter_goroutine(t->o.filter, t->o.reader, g);
}

/* One goroutine more, or less (BY -1), is in the state of G. */
static void count_now(struct gt_tally *t, const struct gt_gor *g, int by)
{
	if (g->system)
		return;
	t->now[g->state] += (uint64_t)(int64_t)by;
	if (g->state == GT_S_WAITING)
		t->reasons.p[g->reason].now += (uint64_t)(int64_t)by;
}

/* G comes into STATE at SINCE, waiting for reason NUMBER where it is a wait. */
static bool enter(struct gt_tally *t, struct gt_gor *g, uint8_t state, uint64_t since,
		  uint8_t number, uint32_t stack)
{
	if (alive(g->state) != alive(state))
		count_live(t, g, alive(state) ? 1 : -1);
	long reason = state == GT_S_WAITING ? gt_tally_reason(t, g->g.process, number) : 0;
	count_now(t, g, -1);
	g->state = state;
	g->since_ns = since;
	g->stack = stack;
	g->number = number;
	g->sampled = false;
	if (reason < 0)
		return false;
	if (state == GT_S_WAITING)
		g->reason = (uint32_t)reason;
	count_now(t, g, 1);
	return true;
}

static void end_life(struct gt_tally *t, const struct gt_gor *g, bool sampled)
{
	struct gt_group *row = &t->groups.p[g->group];

	if (g->system)
		return;
	t->exited++;
	row->exited++;
	if (!g->created || !g->g.created_ns)
		return;
	uint64_t life = g->ended_ns - g->g.created_ns;
	add_to(&t->life, life, g->found || sampled);
	add_to(&row->life, life, g->found || sampled);
	if (g->found || sampled)
		return;
	if (life > t->o.over_ns) {
		t->over++;
		row->over++;
	}
}

static int forget(struct gt_tally *t, struct gt_gor *g, struct gt_err *err)
{
	uint32_t *slot = GT_VEC_PUSH(&t->free_gors);
	int rc = t->o.each ? t->o.each(t->o.ctx, g, err) : GT_OK;

	if (!slot)
		return no_memory(err);
	*slot = (uint32_t)(g - t->gors.p);
	(void)gt_u64map_del(&t->by_gid, g->g.gid);
	g->used = false;
	g->waits.n = 0;
	return rc;
}

int gt_tally_alive(struct gt_tally *t, const struct gt_key *k, struct gt_err *err)
{
	t->observed = true;
	if (!asked(t, &k->g) || k->state == GT_S_DEAD || find(t, k->g.gid))
		return GT_OK;
	struct gt_gor *g = meet(t, &k->g, GT_S_IDLE, k->since_ns, false);
	if (!g || !enter(t, g, k->state, k->since_ns, k->reason, k->stack))
		return no_memory(err);
	return GT_OK;
}

static int meet_in_step(struct gt_tally *t, const struct gt_step *s, const struct gt_engine *who,
			struct gt_gor **ret, struct gt_err *err)
{
	const struct gt_gor_state *st = gt_engine_get(who, s->gid);

	*ret = NULL;
	if (!st || !asked(t, &st->k.g))
		return GT_OK;
	struct gt_gor *g = meet(t, &st->k.g, GT_S_IDLE, s->since_ns, s->created);
	if (!g || !enter(t, g, s->created ? GT_S_IDLE : s->from, s->since_ns, s->from_reason, 0))
		return no_memory(err);
	g->found = s->created && s->snapshot;
	if (s->created) /* the file may keep an event a little later than its row says, for order */
		g->g.created_ns = s->ts;
	*ret = g;
	return GT_OK;
}

static void add_open_life(struct gt_tally *t, const struct gt_gor *g, uint64_t end_ns)
{
	uint64_t age = g->created && g->g.created_ns ? end_ns - g->g.created_ns : 0;

	if (g->system || age <= t->o.over_ns)
		return;
	t->open_over++;
	t->groups.p[g->group].open_over++;
}

/* What G was doing is not over but cut off, as at the end of the span; nor has G exited. */
static int end_with_process(struct gt_tally *t, struct gt_gor *g, uint64_t ts, struct gt_err *err)
{
	if (!alive(g->state))
		return forget(t, g, err);
	if (!end_state(t, g, ts, GT_S_DEAD, true, false))
		return no_memory(err);
	count_now(t, g, -1);
	count_live(t, g, -1);
	add_open_life(t, g, ts);
	g->ended_ns = ts;
	g->with_process = true;
	t->with_process += !g->system;
	t->groups.p[g->group].with_process += !g->system;
	if (g->system || g->state != GT_S_WAITING || !t->reasons.p[g->reason].peer)
		return forget(t, g, err);
	(void)gt_u64map_del(&t->by_gid, g->g.gid);
	return t->o.each ? t->o.each(t->o.ctx, g, err) : GT_OK;
}

int gt_tally_step(struct gt_tally *t, const struct gt_step *s, const struct gt_engine *who,
		  struct gt_err *err)
{
	struct gt_gor *g = find(t, s->gid);
	/* What only a snapshot tells has been so since nobody knows when. */
	uint64_t since = s->snapshot && s->from == GT_S_UNKNOWN ? 0 : s->ts;
	int rc = GT_OK;

	if (s->ts > t->last_ns)
		t->last_ns = s->ts;
	if (!g) {
		rc = meet_in_step(t, s, who, &g, err);
		if (rc || !g)
			return rc;
	}
	if (s->qlen >= 0)
		gt_hist_add(&t->qlen, (uint64_t)s->qlen);
	if (s->with_process)
		return end_with_process(t, g, s->ts, err);
	if (!end_state(t, g, s->ts, s->to, false, s->snapshot) ||
	    !enter(t, g, s->to, since, s->reason, s->stack))
		return no_memory(err);
	g->sampled = s->snapshot && since;
	if (s->to != GT_S_DEAD)
		return GT_OK;
	g->ended_ns = s->ts;
	end_life(t, g, s->snapshot);
	return forget(t, g, err);
}

void gt_tally_event(struct gt_tally *t, const struct gt_event *ev)
{
	bool read = ev->kind == GT_EV_SNAP || ev->kind == GT_EV_GAP;
	bool grown = ev->kind == GT_EV_STATUS && ev->old == GT_G_COPYSTACK && ev->arg;
	struct gt_gor *g = (read && ev->stack) || grown ? find(t, ev->gid) : NULL;

	t->gaps.probed |= !read && ev->kind != GT_EV_PROCESS_END;

	if (!t->observed && ev->ts > t->from_ns)
		t->from_ns = ev->ts;
	t->observed = true;
	if (g && grown)
		g->g.stack_bytes = (uint32_t)ev->arg;
	else if (g && g->state == GT_S_WAITING)
		g->stack = ev->stack;
}

void gt_tally_gap(struct gt_tally *t, uint64_t t0, uint64_t t1)
{
	/* What lies between two gaps without any event is only the look that ended the first. */
	uint64_t begin = t->gaps.n && !t->gaps.probed ? t->gaps.last_ns : t0;
	uint64_t from = begin > t->from_ns ? begin : t->from_ns;
	uint64_t to = t1 < t->to_ns ? t1 : t->to_ns;
	double s = to > from ? (double)(to - from) / 1e9 : 0;
	double waiting = (double)t->now[GT_S_WAITING] * s;
	double blocked = waiting + (double)t->now[GT_S_SYSCALL] * s;
	double running = (double)(t->now[GT_S_RUNNING] + t->now[GT_S_SELFWAIT]) * s;

	t->gaps.probed = false;
	t->gaps.last_ns = t1 > t->gaps.last_ns ? t1 : t->gaps.last_ns;
	if (s <= 0)
		return;
	t->gaps.n++;
	t->gaps.ns += to - from;
	gt_gap_sum_add(&t->blocked, blocked, blocked + running);
	for (size_t i = 0; i < t->reasons.n; i++) {
		struct gt_reason_sum *r = &t->reasons.p[i];
		gt_gap_sum_add(&r->in_gaps, (double)r->now * s, waiting);
	}
}

int gt_tally_goroutine(struct gt_tally *t, const struct gt_goroutine *row, struct gt_err *err)
{
	struct gt_gor *g = find(t, row->gid);

	(void)err;
	if (g) {
		uint64_t created = g->g.created_ns;
		g->g = *row;
		if (g->created || !g->g.created_ns)
			g->g.created_ns = created;
	}
	return GT_OK;
}

int gt_tally_end(struct gt_tally *t, uint64_t end_ns, struct gt_err *err)
{
	t->to_ns = end_ns;
	for (size_t i = 0; i < t->gors.n; i++) {
		struct gt_gor *g = &t->gors.p[i];
		if (!g->used || g->ended_ns || !alive(g->state))
			continue;
		if (!end_state(t, g, end_ns, g->state, true, false))
			return no_memory(err);
		add_open_life(t, g, end_ns);
		int rc = t->o.each ? t->o.each(t->o.ctx, g, err) : GT_OK;
		if (rc)
			return rc;
	}
	return GT_OK;
}

/* ---- sums of sums ---- */

uint64_t gt_tally_running(const uint64_t ns[GT_S_COUNT])
{
	return ns[GT_S_RUNNING] + ns[GT_S_SELFWAIT];
}

double gt_tally_block_ratio(const uint64_t ns[GT_S_COUNT])
{
	uint64_t blocked = ns[GT_S_WAITING] + ns[GT_S_SYSCALL];
	uint64_t all = blocked + gt_tally_running(ns);

	return all ? (double)blocked / (double)all : (double)NAN;
}

double gt_tally_block_ratio_error(const struct gt_tally *t)
{
	uint64_t all = t->ns[GT_S_WAITING] + t->ns[GT_S_SYSCALL] + gt_tally_running(t->ns);

	return gt_gap_error(&t->blocked, t->by_state ? 0 : t->gaps.n, gt_tally_block_ratio(t->ns),
			    (double)all / 1e9);
}

double gt_tally_share_error(const struct gt_tally *t, const struct gt_reason_sum *r)
{
	double all = (double)t->ns[GT_S_WAITING] / 1e9;

	return gt_gap_error(&r->in_gaps, t->by_state ? 0 : t->gaps.n,
			    all > 0 ? (double)r->total_ns / 1e9 / all : (double)NAN, all);
}
