/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The numbers of one recording as those of the whole. A process is known by boot id, pid and
 * start; a goroutine that lives on in a second recording of its process by its goid.
 */
#include "base/vec.h"
#include "joint.h"

#define GOID_BITS 48

/* ---- times ---- */

static uint64_t shifted(const struct gt_part *p, uint64_t ts)
{
	uint64_t t;

	if (p->shift >> 63) /* to earlier times; what a file says must not wrap around */
		t = ts > 0 - p->shift ? ts + p->shift : 0;
	else
		t = ts + p->shift;
	return t > GT_MAX_TIME / 2 ? GT_MAX_TIME / 2 : t;
}

/* A time that may be missing. */
static uint64_t maybe(const struct gt_part *p, uint64_t ts)
{
	return ts ? shifted(p, ts) : 0;
}

/* ---- processes ---- */

static uint32_t find_process(const struct gt_joint *j, uint32_t part, const struct gt_process *p)
{
	const struct gt_part *me = &j->parts.p[part];

	if (!p->start_ns || !*gt_reader_info(me->r)->boot_id)
		return 0;
	for (size_t i = 1; i < j->procs.n; i++) {
		const struct gt_jproc *e = &j->procs.p[i];
		const struct gt_part *other = &j->parts.p[e->part];

		/* Two recordings of one process at the same time would tell all twice. */
		if (e->known && e->part != part && other->host == me->host && e->p.pid == p->pid &&
		    e->p.start_ns == p->start_ns &&
		    (me->first >= other->last || me->series == other->series))
			return (uint32_t)i;
	}
	return 0;
}

static uint32_t *slot_of(struct gt_part *p, uint32_t process)
{
	while (p->procs.n <= process)
		if (!GT_VEC_PUSH(&p->procs))
			return NULL;
	return &p->procs.p[process];
}

int gt_j_process(struct gt_joint *j, uint32_t part, uint32_t process, uint32_t *ret,
		 struct gt_err *err)
{
	struct gt_part *p = &j->parts.p[part];
	const struct gt_process *row = gt_reader_process(p->r, process);
	uint32_t *slot = process <= GT_MAX_PROCESSES ? slot_of(p, process) : NULL, number;

	*ret = 0;
	if (!process || process > GT_MAX_PROCESSES)
		return GT_OK;
	if (!slot)
		return gt_j_no_memory(err);
	if (*slot) {
		*ret = *slot;
		return GT_OK;
	}
	number = row ? find_process(j, part, row) : 0;
	if (number) {
		p->follows |= p->series != j->parts.p[j->procs.p[number].part].series;
	} else {
		if (j->procs.n > GT_MAX_PROCESSES)
			return gt_fail(err, GT_LIMIT, "more than %u processes", GT_MAX_PROCESSES);
		if (!GT_VEC_PUSH(&j->procs))
			return gt_j_no_memory(err);
		number = (uint32_t)j->procs.n - 1;
	}
	*ret = *slot = number;
	return GT_OK;
}

static int map_process(struct gt_joint *j, uint32_t part, struct gt_process *p, struct gt_err *err)
{
	const struct gt_part *me = &j->parts.p[part];
	struct gt_jproc *e;
	int rc = gt_j_process(j, part, p->process, &p->process, err);

	if (rc || !p->process)
		return rc;
	e = &j->procs.p[p->process];
	p->seen_ns = maybe(me, p->seen_ns);
	if (e->known && e->part != part) {
		p->seen_ns = e->p.seen_ns;
		p->launched = e->p.launched;
	}
	e->p = *p;
	e->part = part;
	e->known = true;
	return GT_OK;
}

static int map_thread(struct gt_joint *j, uint32_t part, struct gt_thread *t, struct gt_err *err)
{
	const struct gt_part *me = &j->parts.p[part];
	int rc = gt_j_process(j, part, t->process, &t->process, err);
	uint64_t key = (uint64_t)t->process << 32 | t->tid, *at = gt_u64map_get(&j->thread_at, key);
	struct gt_thread *e;

	if (rc)
		return rc;
	t->first_ns = maybe(me, t->first_ns);
	t->last_ns = maybe(me, t->last_ns);
	e = at ? &j->threads.p[*at] : GT_VEC_PUSH(&j->threads);
	if (!e || (!at && !gt_u64map_put(&j->thread_at, key, j->threads.n - 1)))
		return gt_j_no_memory(err);
	*e = *t;
	return GT_OK;
}

/* ---- goroutines ---- */

uint64_t gt_j_gid(const struct gt_joint *j, uint32_t part, uint64_t gid)
{
	uint64_t mine, *as;

	if (!gid)
		return 0;
	mine = (gid << j->gid_bits | j->parts.p[part].series) & GT_MAX_GID;
	as = gt_u64map_get(&j->alias, mine);
	return as ? *as : mine;
}

/* Goids are not used twice in a process; but the Ms of C threads share them. */
uint64_t gt_j_identity(const struct gt_goroutine *g)
{
	if (!g->goid || g->goid >> GOID_BITS || g->flags & GT_GF_EXTRAM)
		return 0;
	return (uint64_t)g->process << GOID_BITS | g->goid;
}

/* Whoever lives in an earlier recording of its process keeps the gid that it had there. */
static int identify(struct gt_joint *j, uint32_t part, struct gt_goroutine *g, struct gt_err *err)
{
	uint64_t mine = gt_j_gid(j, part, g->gid), key = gt_j_identity(g), *known;

	g->gid = mine;
	if (!key)
		return GT_OK;
	known = gt_u64map_get(&j->alive, key);
	if (known && *known != mine && g->flags & GT_GF_EXISTED) {
		g->gid = *known;
		return gt_u64map_put(&j->alias, mine, *known) ? GT_OK : gt_j_no_memory(err);
	}
	if (!gt_u64map_put(&j->alive, key, mine) || !gt_u64map_put(&j->key_of, mine, key))
		return gt_j_no_memory(err);
	return GT_OK;
}

static int map_goroutine(struct gt_joint *j, uint32_t part, struct gt_goroutine *g,
			 struct gt_err *err)
{
	const struct gt_part *me = &j->parts.p[part];
	int rc = gt_j_process(j, part, g->process, &g->process, err);

	if (!rc)
		rc = identify(j, part, g, err);
	g->parent = gt_j_gid(j, part, g->parent);
	g->created_ns = maybe(me, g->created_ns);
	g->start_pc = gt_j_id(part, g->start_pc);
	g->site_pc = gt_j_id(part, g->site_pc);
	g->stack = gt_j_id(part, g->stack);
	return rc;
}

static int map_key(struct gt_joint *j, uint32_t part, struct gt_key *k, struct gt_err *err)
{
	const struct gt_part *me = &j->parts.p[part];

	k->since_ns = maybe(me, k->since_ns);
	k->last_ns = maybe(me, k->last_ns);
	k->uncertain_ns = maybe(me, k->uncertain_ns);
	k->waker = gt_j_gid(j, part, k->waker);
	k->partner = gt_j_gid(j, part, k->partner);
	k->stack = gt_j_id(part, k->stack);
	k->pc = gt_j_id(part, k->pc);
	return map_goroutine(j, part, &k->g, err);
}

static int map_event(struct gt_joint *j, uint32_t part, struct gt_event *ev, struct gt_err *err)
{
	const struct gt_part *me = &j->parts.p[part];

	ev->ts = shifted(me, ev->ts);
	ev->gid = gt_j_gid(j, part, ev->gid);
	ev->actor = gt_j_gid(j, part, ev->actor);
	ev->ra = gt_j_id(part, ev->ra);
	ev->pc = gt_j_id(part, ev->pc);
	ev->stack = gt_j_id(part, ev->stack);
	ev->cpu = (uint16_t)(ev->cpu + me->cpu_shift);
	return gt_j_process(j, part, ev->process, &ev->process, err);
}

static int map_loss(struct gt_joint *j, uint32_t part, struct gt_loss *l, struct gt_err *err)
{
	const struct gt_part *me = &j->parts.p[part];

	l->t0 = shifted(me, l->t0);
	l->t1 = shifted(me, l->t1);
	if (l->cpu != UINT32_MAX)
		l->cpu += me->cpu_shift;
	/* "All" is all of this recording's: where that is one, it can be told. */
	if (!l->process && gt_reader_processes(me->r) == 1)
		l->process = 1;
	return gt_j_process(j, part, l->process, &l->process, err);
}

int gt_j_map(struct gt_joint *j, uint32_t part, struct gt_item *it, uint64_t *ret_ts,
	     struct gt_err *err)
{
	const struct gt_part *me = &j->parts.p[part];
	int rc = GT_OK;

	*ret_ts = 0;
	switch (it->type) {
	case GT_IT_EVENT:
		rc = map_event(j, part, &it->u.ev, err);
		*ret_ts = it->u.ev.ts;
		break;
	case GT_IT_LOSS:
		rc = map_loss(j, part, &it->u.loss, err);
		*ret_ts = it->u.loss.t0;
		break;
	case GT_IT_GOROUTINE: return map_goroutine(j, part, &it->u.g, err);
	case GT_IT_PROCESS: return map_process(j, part, &it->u.process, err);
	case GT_IT_THREAD: return map_thread(j, part, &it->u.thread, err);
	case GT_IT_KEY: return map_key(j, part, &it->u.key, err);
	case GT_IT_CLOCK: *ret_ts = it->u.clock.mono_ns = shifted(me, it->u.clock.mono_ns); break;
	case GT_IT_STATS: *ret_ts = it->u.stats.ts = shifted(me, it->u.stats.ts); break;
	case GT_IT_NOTE: *ret_ts = it->u.note.ts = shifted(me, it->u.note.ts); break;
	case GT_IT_END: *ret_ts = it->u.end.ts = shifted(me, it->u.end.ts); break;
	default: break;
	}
	return rc;
}
