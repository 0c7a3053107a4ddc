/* SPDX-License-Identifier: BSD-2-Clause */
/* What callers ask of the tables; where several recordings are read, of the one that an id is of.
 */
#include "joint.h"

/* The reader whose tables hold ID, which becomes its own. */
static const struct gt_reader *of(const struct gt_reader *r, uint32_t *id)
{
	const struct gt_reader *part = r->joint ? gt_j_part(r->joint, id) : r;

	if (!part)
		*id = 0;
	return part ? part : r;
}

const char *gt_reader_string(const struct gt_reader *r, uint32_t id, enum gt_string_class *ret)
{
	const struct gt_rstring *e;

	r = of(r, &id);
	e = gt_r_idtab_get(&r->strings, id);
	if (!e || !e->s)
		return NULL;
	if (ret)
		*ret = (enum gt_string_class)e->cls;
	return e->s;
}

uint32_t gt_reader_frames(const struct gt_reader *r, uint32_t pc, struct gt_frame *ret,
			  uint32_t max)
{
	const struct gt_rpc *e;

	r = of(r, &pc);
	e = gt_r_idtab_get(&r->pcs, pc);
	if (!e || !e->known)
		return 0;
	for (uint32_t i = 0; i < e->n_frames && i < max; i++)
		ret[i] = (struct gt_frame){ gt_r_text(r, e->frames[3 * i]),
					    gt_r_text(r, e->frames[3 * i + 1]),
					    e->frames[3 * i + 2] };
	return e->n_frames;
}

uint32_t gt_reader_frames_std(const struct gt_reader *r, uint32_t pc, bool *ret, uint32_t max)
{
	const struct gt_rpc *e;

	r = of(r, &pc);
	e = gt_r_idtab_get(&r->pcs, pc);
	if (!e || !e->known)
		return 0;
	for (uint32_t i = 0; i < e->n_frames && i < max; i++) {
		const struct gt_rstring *s = gt_r_idtab_get(&r->strings, e->frames[3 * i]);

		ret[i] = s && s->s && s->cls == GT_STR_STD;
	}
	return e->n_frames;
}

bool gt_reader_pc(const struct gt_reader *r, uint32_t pc, struct gt_pc *ret)
{
	const struct gt_rpc *e;

	r = of(r, &pc);
	e = gt_r_idtab_get(&r->pcs, pc);
	if (!e || !e->known)
		return false;
	*ret = (struct gt_pc){ e->process, e->module, e->offset, (enum gt_ra_class)e->cls };
	return true;
}

static uint32_t next_pc(const struct gt_idtab *t, uint32_t after)
{
	for (size_t id = (size_t)after + 1; id / GT_PAGE < t->n; id++) {
		const struct gt_rpc *e = gt_r_idtab_get(t, (uint32_t)id);

		if (e && e->known)
			return (uint32_t)id;
		if (!t->p[id / GT_PAGE])
			id |= GT_PAGE - 1; /* the page is empty */
	}
	return 0;
}

uint32_t gt_reader_next_pc(const struct gt_reader *r, uint32_t after)
{
	uint32_t part = after >> GT_J_ID_BITS, id = after & ((1u << GT_J_ID_BITS) - 1), next;

	if (!r->joint)
		return next_pc(&r->pcs, after);
	for (; part < r->joint->parts.n; part++, id = 0) {
		next = next_pc(&r->joint->parts.p[part].r->pcs, id);
		if (next)
			return gt_j_id(part, next);
	}
	return 0;
}

enum gt_ra_class gt_reader_pc_class(const struct gt_reader *r, uint32_t pc)
{
	const struct gt_rpc *e;

	r = of(r, &pc);
	e = gt_r_idtab_get(&r->pcs, pc);
	return e ? (enum gt_ra_class)e->cls : GT_RA_UNKNOWN;
}

uint32_t gt_reader_stack(const struct gt_reader *r, uint32_t stack, uint32_t *ret_pcs, uint32_t max)
{
	uint32_t part = r->joint ? stack >> GT_J_ID_BITS : 0, depth, done = 0;
	const struct gt_rstack *e;

	r = of(r, &stack);
	e = gt_r_idtab_get(&r->stacks, stack);
	depth = e ? e->depth : 0;
	while (e) {
		for (uint32_t i = 0; i < e->n && done < max; i++)
			ret_pcs[done++] = gt_j_id(part, e->pcs[i]);
		e = gt_r_idtab_get(&r->stacks, e->parent); /* parents have smaller ids: this ends */
	}
	return depth;
}

const struct gt_process *gt_reader_process(const struct gt_reader *r, uint32_t process)
{
	if (r->joint)
		return process && process < r->joint->procs.n && r->joint->procs.p[process].known
			       ? &r->joint->procs.p[process].p
			       : NULL;
	if (process >= r->procs.n || !r->procs.p[process])
		return NULL;
	return &r->procs.p[process]->p;
}

uint32_t gt_reader_processes(const struct gt_reader *r)
{
	size_t n = r->joint ? r->joint->procs.n : r->procs.n;

	return n ? (uint32_t)n - 1 : 0;
}

const struct gt_thread *gt_reader_thread(const struct gt_reader *r, uint32_t process, uint32_t tid)
{
	const struct gt_u64map *m = r->joint ? &r->joint->thread_at : &r->thread_at;
	const uint64_t *at = gt_u64map_get(m, (uint64_t)process << 32 | tid);

	return at ? gt_reader_thread_at(r, (size_t)*at) : NULL;
}

const struct gt_thread *gt_reader_thread_at(const struct gt_reader *r, size_t i)
{
	if (r->joint)
		return i < r->joint->threads.n ? &r->joint->threads.p[i] : NULL;
	return i < r->threads.n ? r->threads.p[i] : NULL;
}

const char *gt_reader_reason(const struct gt_reader *r, uint32_t process, uint8_t reason)
{
	const struct gt_process *p = gt_reader_process(r, process);

	return p && reason < p->n_reasons && p->reasons[reason][0] ? p->reasons[reason] : NULL;
}
