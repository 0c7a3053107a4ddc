/* SPDX-License-Identifier: BSD-2-Clause */
/* Which goroutines stay. */
#include "keep.h"

static int put(struct gt_u64map *m, uint64_t gid, struct gt_err *err)
{
	return gt_u64map_put(m, gid, 1) ? GT_OK : gt_fail(err, GT_NOMEM, "no memory to choose");
}

/* A row may be mended: the goid of a new goroutine is not known at once (Go <= 1.23). */
static int row(struct gt_view *v, struct gt_u64map *m, const struct gt_goroutine *g,
	       struct gt_err *err)
{
	if (gt_filter_goroutine(&v->filter, v->reader, g))
		return put(m, g->gid, err);
	(void)gt_u64map_del(m, g->gid);
	return GT_OK;
}

static int event(struct gt_u64map *m, const struct gt_event *ev, struct gt_err *err)
{
	int rc = GT_OK;

	if (ev->kind != GT_EV_CORO)
		return GT_OK;
	if (gt_u64map_get(m, ev->gid))
		rc = put(m, ev->actor, err);
	else if (gt_u64map_get(m, ev->actor))
		rc = put(m, ev->gid, err);
	return rc;
}

int gt_keep_find(struct gt_view *v, struct gt_u64map *ret, struct gt_err *err)
{
	struct gt_item it;
	int rc = GT_OK;

	while (!rc && (rc = gt_reader_next(v->reader, &it, err)) == 1) {
		rc = GT_OK;
		if (it.type == GT_IT_GOROUTINE)
			rc = row(v, ret, &it.u.g, err);
		else if (it.type == GT_IT_KEY)
			rc = row(v, ret, &it.u.key.g, err);
		else if (it.type == GT_IT_EVENT)
			rc = event(ret, &it.u.ev, err);
	}
	return rc == GT_NOMEM || rc == GT_LIMIT ? rc : GT_OK;
}
