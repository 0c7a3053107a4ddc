/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contended locks: who calls Lock and waits long for it. Where each park was recorded with its
 * stack, every wait is known by place. Else the places come from the goroutines that wait in a
 * snapshot, and the waits of their creation site are put to the place seen most.
 */
#include <stdlib.h>
#include <string.h>

#include "format/base/vec.h"
#include "suspect.h"

/* A lock is contended when this share of the span's time was waited for it. */
#define CONTENDED 0.05

static bool is_lock(const struct gt_tally *t, const struct gt_block_sum *b)
{
	const struct gt_reason_sum *r = &t->reasons.p[b->reason];

	if (r->lock)
		return true;
	/* Go <= 1.19 has one reason for mutexes and WaitGroups; the stack tells them apart. */
	return b->place != GT_NO_PLACE && t->places.p[b->place].mutex &&
	       !strcmp(r->name, "semacquire");
}

/* The place where goroutines of B's site were seen to wait as B says; GT_NO_PLACE: nowhere. */
static uint32_t sampled_place(const struct gt_tally *t, const struct gt_block_sum *b)
{
	uint64_t most = 0;
	uint32_t place = GT_NO_PLACE;

	for (size_t i = 0; i < t->blocks.n; i++) {
		const struct gt_block_sum *o = &t->blocks.p[i];
		if (o->group != b->group || o->reason != b->reason || o->place == GT_NO_PLACE ||
		    !is_lock(t, o) || o->n + o->open <= most)
			continue;
		most = o->n + o->open;
		place = o->place;
	}
	return place;
}

/* The row of PLACE, or of GROUP and REASON where there is no place; made when new. */
static struct gt_lock *lock_row(struct gt_suspects *s, const struct gt_block_sum *b, uint32_t place)
{
	for (size_t i = 0; i < s->locks.n; i++) {
		struct gt_lock *l = &s->locks.p[i];
		if (l->place == place &&
		    (place != GT_NO_PLACE || (l->group == b->group && l->reason == b->reason)))
			return l;
	}
	struct gt_lock *l = GT_VEC_PUSH(&s->locks);
	if (l)
		*l = (struct gt_lock){ .place = place, .group = b->group, .reason = b->reason };
	return l;
}

static int by_total(const void *a, const void *b)
{
	const struct gt_lock *x = a, *y = b;

	if (x->total_ns != y->total_ns)
		return x->total_ns > y->total_ns ? -1 : 1;
	return x->group < y->group ? -1 : x->group > y->group;
}

static void drop_quiet(struct gt_suspects *s, uint64_t span)
{
	size_t keep = 0;

	for (size_t i = 0; i < s->locks.n; i++) {
		struct gt_lock *l = &s->locks.p[i];
		l->mean_waiters = span ? (double)l->total_ns / (double)span : 0;
		if (l->mean_waiters >= CONTENDED && l->n + l->open > 1)
			s->locks.p[keep++] = *l;
	}
	s->locks.n = keep;
}

int gt_locks_find(struct gt_suspects *s, struct gt_tally *t, struct gt_err *err)
{
	uint64_t *top = calloc(t->blocks.n + 1, sizeof(*top)); /* of each lock's main group */

	if (!top)
		return gt_fail(err, GT_NOMEM, "no memory to look for locks");
	for (size_t i = 0; i < t->blocks.n; i++) {
		const struct gt_block_sum *b = &t->blocks.p[i];
		bool known = b->place != GT_NO_PLACE;
		uint32_t place = known ? b->place : sampled_place(t, b);
		if (!is_lock(t, b) && (known || place == GT_NO_PLACE))
			continue;
		struct gt_lock *l = lock_row(s, b, place);
		if (!l) {
			free(top);
			return gt_fail(err, GT_NOMEM, "no memory to look for locks");
		}
		uint64_t *most = &top[l - s->locks.p];
		if (b->total_ns >= *most) {
			*most = b->total_ns;
			l->group = b->group;
			l->reason = b->reason;
		}
		l->sampled = l->sampled || (!known && place != GT_NO_PLACE);
		l->total_ns += b->total_ns;
		l->n += b->n;
		l->open += b->open;
		if (b->max_ns > l->max_ns)
			l->max_ns = b->max_ns;
	}
	free(top);
	drop_quiet(s, t->to_ns - t->from_ns);
	if (s->locks.n)
		qsort(s->locks.p, s->locks.n, sizeof(*s->locks.p), by_total);
	return GT_OK;
}
