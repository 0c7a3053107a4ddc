/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several recordings as one sequence of items. Rows come as they are met; what has a time
 * waits as the head of its recording, and the earliest head goes first.
 */
#include "base/vec.h"
#include "joint.h"

static bool has_time(enum gt_item_type t)
{
	return t == GT_IT_EVENT || t == GT_IT_LOSS || t == GT_IT_CLOCK || t == GT_IT_STATS ||
	       t == GT_IT_NOTE || t == GT_IT_END;
}

/* The END of the whole: what all said, or else what the last said. */
static void add_end(struct gt_joint *j, const struct gt_end *e)
{
	struct gt_end *all = &j->end;

	j->ends++;
	all->events += e->events;
	all->lost += e->lost;
	if (!j->have_end || e->ts >= all->ts) {
		all->ts = e->ts;
		all->reason = e->reason;
		all->status = e->status;
	}
	j->have_end = true;
}

/* ---- a second recording of a process ---- */

static int push(struct gt_joint *j, const struct gt_item *it, struct gt_err *err)
{
	struct gt_item *slot = GT_VEC_PUSH(&j->queue);

	if (!slot)
		return gt_j_no_memory(err);
	*slot = *it;
	return GT_OK;
}

static int push_gone(struct gt_joint *j, const struct gt_part *p, uint64_t key, uint64_t gid,
		     struct gt_err *err)
{
	struct gt_item it = { .type = GT_IT_EVENT };

	it.u.ev = (struct gt_event){ .ts = p->ts,
				     .gid = gid,
				     .process = (uint32_t)(key >> 48),
				     .kind = GT_EV_SNAP,
				     .old = GT_G_DEAD,
				     .new = GT_G_DEAD,
				     .flags = GT_EVF_RESYNC,
				     .cpu = (uint16_t)p->cpu_shift,
				     .p = -1,
				     .m = -1,
				     .qlen = -1 };
	j->made++;
	return push(j, &it, err);
}

static bool has_process(const struct gt_part *p, uint64_t process)
{
	for (size_t k = 0; k < p->procs.n; k++)
		if (p->procs.p[k] == process)
			return true;
	return false;
}

/* What PART and earlier ones have seen of a process, with nothing in between. */
static int push_gap(struct gt_joint *j, uint32_t part, uint32_t process, struct gt_err *err)
{
	struct gt_item it = { .type = GT_IT_LOSS };
	const struct gt_part *p = &j->parts.p[part];
	bool seen = false;

	it.u.loss = (struct gt_loss){
		.process = process, .cpu = UINT32_MAX, .cause = GT_LOSS_UNRECORDED, .t1 = p->ts
	};
	for (size_t i = 0; i < j->parts.n; i++) {
		const struct gt_part *o = &j->parts.p[i];

		if (i == part || !o->begun || o->last < it.u.loss.t0 || !has_process(o, process))
			continue;
		it.u.loss.t0 = o->last;
		seen = true;
	}
	return seen && it.u.loss.t0 <= it.u.loss.t1 ? push(j, &it, err) : GT_OK;
}

/*
 * Between two recordings of a process nothing is known of it: told as a loss. Who was alive then
 * and is not listed by the second has ended in between.
 */
static int go_on(struct gt_joint *j, uint32_t part, struct gt_err *err)
{
	const struct gt_part *p = &j->parts.p[part];
	uint64_t series = (1u << j->gid_bits) - 1;
	int rc = GT_OK;

	for (uint32_t i = 1; i < j->procs.n && !rc; i++)
		if (has_process(p, i))
			rc = push_gap(j, part, i, err);
	for (size_t i = 0; i < j->alive.cap && !rc; i++) {
		const struct gt_u64map_slot *s = &j->alive.slots[i];

		if (!j->alive.used[i] || (s->val & series) == p->series ||
		    !has_process(p, s->key >> 48) || gt_u64map_get(&p->listed, s->key))
			continue;
		rc = push_gone(j, p, s->key, s->val, err);
	}
	return rc;
}

static int list_part(struct gt_joint *j, uint32_t part, struct gt_err *err)
{
	struct gt_part *p = &j->parts.p[part];
	struct gt_item it;
	uint64_t ts;
	int rc;

	while ((rc = gt_reader_next(p->r, &it, err)) == 1) {
		const struct gt_goroutine *g = &it.u.g;

		if (it.type == GT_IT_KEY)
			it.u.g = it.u.key.g;
		else if (it.type == GT_IT_PROCESS)
			rc = gt_j_map(j, part, &it, &ts, err);
		if ((it.type == GT_IT_GOROUTINE && g->flags & GT_GF_EXISTED) ||
		    it.type == GT_IT_KEY) {
			rc = gt_j_process(j, part, g->process, &it.u.g.process, err);
			if (rc >= 0 && gt_j_identity(g) &&
			    !gt_u64map_put(&p->listed, gt_j_identity(g), 1))
				return gt_j_no_memory(err);
		}
		if (rc < 0)
			return rc;
	}
	return rc ? rc : gt_reader_seek(p->r, 0, err);
}

int gt_j_list(struct gt_joint *j, struct gt_err *err)
{
	int rc = GT_OK;

	for (uint32_t i = 0; i < j->parts.n && !rc; i++)
		rc = list_part(j, i, err);
	return rc;
}

/* ---- heads ---- */

/* 1: a row, in RET; 0: the part has a head now, or has ended. */
static int pull(struct gt_joint *j, uint32_t part, struct gt_item *ret, struct gt_err *err)
{
	struct gt_part *p = &j->parts.p[part];

	while (!p->has_head && !p->ended) {
		struct gt_item it;
		int rc = gt_reader_next(p->r, &it, err);

		if (rc < 0)
			return rc;
		if (!rc) {
			p->ended = true;
			break;
		}
		if (it.type == GT_IT_KEY_BEGIN || it.type == GT_IT_KEY_END ||
		    it.type == GT_IT_BLOCK || (it.type == GT_IT_KEY && p->begun))
			continue;
		rc = gt_j_map(j, part, &it, &p->ts, err);
		if (rc)
			return rc;
		if (it.type == GT_IT_END) {
			add_end(j, &it.u.end);
			continue;
		}
		if (has_time(it.type)) {
			p->head = it;
			p->has_head = true;
			return 0;
		}
		*ret = it;
		return 1;
	}
	return 0;
}

static bool before(const struct gt_part *a, const struct gt_part *b)
{
	if (a->ts != b->ts)
		return a->ts < b->ts;
	if (a->head.type != GT_IT_EVENT || b->head.type != GT_IT_EVENT)
		return a->head.type != GT_IT_EVENT && b->head.type == GT_IT_EVENT;
	if (a->head.u.ev.cpu != b->head.u.ev.cpu)
		return a->head.u.ev.cpu < b->head.u.ev.cpu;
	return a->head.u.ev.process < b->head.u.ev.process;
}

/* The dead are not to be known again. */
static void forget(struct gt_joint *j, uint64_t gid)
{
	const uint64_t *key = gt_u64map_get(&j->key_of, gid);

	if (key) {
		(void)gt_u64map_del(&j->alive, *key);
		(void)gt_u64map_del(&j->key_of, gid);
	}
}

static int give(struct gt_joint *j, uint32_t part, struct gt_item *ret, struct gt_err *err)
{
	struct gt_part *p = &j->parts.p[part];

	if (!p->begun) {
		p->begun = true;
		if (p->follows) {
			int rc = go_on(j, part, err);

			return rc ? rc : 0; /* what it made goes first */
		}
	}
	*ret = p->head;
	p->has_head = false;
	if (ret->type == GT_IT_EVENT && ret->u.ev.new == GT_G_DEAD)
		forget(j, ret->u.ev.gid);
	return 1;
}

static int fill_heads(struct gt_joint *j, struct gt_item *ret, struct gt_err *err)
{
	for (uint32_t i = 0; i < j->parts.n; i++) {
		int rc = pull(j, i, ret, err);

		if (rc)
			return rc;
	}
	return 0;
}

static int the_end(struct gt_joint *j, struct gt_item *ret)
{
	if (!j->have_end)
		return 0;
	j->have_end = false;
	ret->type = GT_IT_END;
	ret->u.end = j->end;
	ret->u.end.events += j->made;
	if (j->ends < j->parts.n) /* one is torn: how many there were is not known */
		ret->u.end.events = 0;
	return 1;
}

static int step(struct gt_joint *j, struct gt_item *ret, struct gt_err *err)
{
	uint32_t first = UINT32_MAX;
	int rc;

	if (j->queued < j->queue.n) {
		*ret = j->queue.p[j->queued++];
		return 1;
	}
	rc = fill_heads(j, ret, err);
	if (rc)
		return rc;
	if (!j->prefetched) {
		j->prefetched = true;
		ret->type = GT_IT_KEY_END;
		return 1;
	}
	for (uint32_t i = 0; i < j->parts.n; i++)
		if (j->parts.p[i].has_head &&
		    (first == UINT32_MAX || before(&j->parts.p[i], &j->parts.p[first])))
			first = i;
	return first == UINT32_MAX ? the_end(j, ret) : give(j, first, ret, err);
}

int gt_j_next(struct gt_reader *r, struct gt_item *ret, struct gt_err *err)
{
	struct gt_joint *j = r->joint;
	bool made;
	int rc;

	/* Parts that were cut from longer traces begin with a state: so does the whole. */
	if (!j->started) {
		j->started = true;
		ret->type = GT_IT_KEY_BEGIN;
		ret->u.key_as_of = r->info.start_ns ? r->info.start_ns - 1 : 0;
		return 1;
	}
	do {
		rc = step(j, ret, err);
		made = !rc && j->queued < j->queue.n;
	} while (made);
	return rc;
}

int gt_j_rewind(struct gt_reader *r, struct gt_err *err)
{
	struct gt_joint *j = r->joint;

	for (size_t i = 0; i < j->parts.n; i++) {
		struct gt_part *p = &j->parts.p[i];
		int rc = gt_reader_seek(p->r, 0, err);

		if (rc)
			return rc;
		p->has_head = p->ended = p->begun = false;
	}
	gt_u64map_free(&j->alive);
	gt_u64map_free(&j->key_of);
	gt_u64map_free(&j->alias);
	j->queue.n = j->queued = 0;
	j->started = j->prefetched = j->have_end = false;
	j->made = j->ends = 0;
	j->end = (struct gt_end){ 0 };
	return GT_OK;
}
