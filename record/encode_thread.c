/* SPDX-License-Identifier: BSD-2-Clause */
/* The threads of a process, the P that a pointer means, and the M that each thread is. */
#include "encode_impl.h"

#include <string.h>

#define MAX_M (1u << 24) /* no program has so many threads */

int32_t gt_enc_p_id(struct gt_enc_proc *pr, uint64_t pptr)
{
	uint32_t id;

	if (!pptr)
		return -1;
	uint64_t *known = gt_u64map_get(&pr->p_ids, pptr);
	if (known)
		return (int32_t)*known;
	if (gt_target_read(pr->t, pptr + pr->layout.p_id, &id, sizeof(id), NULL) || id > 1 << 16)
		id = UINT32_MAX;
	(void)gt_u64map_put(&pr->p_ids, pptr, id);
	return (int32_t)id;
}

/* A thread that is met for the first time: its numbers, and its row. */
static int add(struct gt_encoder *e, struct gt_enc_proc *pr, uint32_t wire_tid, uint64_t ts,
	       struct gt_enc_thread **ret, struct gt_err *err)
{
	uint32_t number = wire_tid & ~GT_WIRE_TID_NS;
	struct gt_thread row = { .process = pr->number, .tid = number, .m = -1, .first_ns = ts };
	bool ns = wire_tid & GT_WIRE_TID_NS;
	const struct gt_tid *known = ns ? gt_tidmap_by_procid(pr->tids, number)
					: gt_tidmap_get(pr->tids, number);

	if (!known && !gt_tidmap_refresh(pr->tids, NULL))
		known = ns ? gt_tidmap_by_procid(pr->tids, number)
			   : gt_tidmap_get(pr->tids, number);
	if (ns)
		row.ns_tid = number;
	if (known) {
		row.ns_tid = known->ns_tid;
		row.tid = known->tid ? known->tid : number;
		memcpy(row.comm, known->comm, sizeof(row.comm));
	}
	struct gt_enc_thread *th = GT_VEC_PUSH(&pr->threads);
	if (!th || !gt_u64map_put(&pr->by_tid, wire_tid, pr->threads.n))
		return gt_fail(err, GT_NOMEM, "out of memory");
	th->row = row;
	*ret = th;
	return gt_writer_thread(e->w, &row, err);
}

/*
 * The number of the M at MPTR, read some milliseconds after the thread said that it runs it: it
 * counts only if that M still says that it is this thread, as a struct of one that has ended is
 * used again. -1: not known.
 */
static int32_t read_m(const struct gt_enc_proc *pr, const struct gt_enc_thread *th, uint64_t mptr)
{
	const struct gt_layout *l = &pr->layout;
	uint64_t procid, id;
	struct gt_read r[] = { { mptr + l->m_procid, &procid, sizeof(procid), false },
			       { mptr + l->m_id, &id, sizeof(id), false } };

	if (!th->row.ns_tid || gt_target_read_many(pr->t, r, 2, NULL) || !r[0].ok || !r[1].ok ||
	    procid != th->row.ns_tid || id >= MAX_M)
		return -1;
	return (int32_t)id;
}

/* TH runs the M at MPTR from now on, 0: none. */
static int runs(struct gt_encoder *e, struct gt_enc_proc *pr, struct gt_enc_thread *th,
		uint64_t mptr, struct gt_err *err)
{
	if (mptr == th->mptr)
		return GT_OK;
	int32_t m = mptr ? read_m(pr, th, mptr) : -1;
	bool tell = m >= 0 && m != th->row.m;

	th->mptr = mptr;
	th->m = m;
	if (!tell)
		return GT_OK;
	th->row.m = m;
	return gt_writer_thread(e->w, &th->row, err);
}

int gt_enc_where(struct gt_encoder *e, struct gt_enc_proc *pr, const struct gt_wire_event *w,
		 enum gt_enc_m says, struct gt_event *ev, struct gt_err *err)
{
	const uint64_t *at = gt_u64map_get(&pr->by_tid, w->tid);
	struct gt_enc_thread *th = at ? &pr->threads.p[*at - 1] : NULL;
	int rc = th || !w->tid ? GT_OK : add(e, pr, w->tid, w->ktime, &th, err);

	if (rc || !th)
		return rc;
	if (says == GT_M_AUX)
		rc = runs(e, pr, th, w->aux, err);
	ev->tid = th->row.tid;
	ev->m = th->m;
	return rc || says != GT_M_DROPPED ? rc : runs(e, pr, th, 0, err);
}
