/* SPDX-License-Identifier: BSD-2-Clause */
/* What is drawn of the runtime as a whole: one row for stops, one for marking, two counters. */
#include "runtime.h"

#include <stdio.h>

void gt_x_runtime_free(struct gt_x_runtime *r)
{
	gt_u64map_free(&r->marking);
}

static int slice(struct gt_x_state *x, const struct gt_event *ev, enum gt_x_row row,
		 const char *title, const char *name, uint64_t begin, struct gt_err *err)
{
	long i = gt_x_other_row(x, ev->process, row, 0, row == GT_XR_STW ? -1 : -2, title);

	if (i < 0)
		return gt_fail(err, GT_NOMEM, "no memory for the export");
	gt_x_put_slice(x, i,
		       (struct gt_x_slice){ .kind = row == GT_XR_STW ? GT_X_STW : GT_X_GC,
					    .begin_ns = gt_view_rel(x->view, begin),
					    .end_ns = gt_view_rel(x->view, ev->ts),
					    .tid = ev->tid,
					    .name = name,
					    .why = "" });
	return GT_OK;
}

static void counter(struct gt_x_state *x, const struct gt_event *ev, const char *name, uint32_t n,
		    const char *const *series, const uint64_t *values)
{
	uint64_t at = gt_view_rel(x->view, ev->ts);

	x->ops->counter(x->sink,
			&(struct gt_x_counter){ ev->process, name, at, n, series, values });
}

static int phase(struct gt_x_runtime *r, struct gt_x_state *x, const struct gt_event *ev,
		 struct gt_err *err)
{
	uint64_t *began = gt_u64map_get(&r->marking, ev->process);

	r->live = ev->arg;
	if (ev->reason == GT_GC_MARK)
		return gt_u64map_put(&r->marking, ev->process, ev->ts)
			       ? GT_OK
			       : gt_fail(err, GT_NOMEM, "no memory for the export");
	if (ev->reason != GT_GC_MARK_TERM || !began || !*began)
		return GT_OK;
	uint64_t begin = *began;
	*began = 0;
	return slice(x, ev, GT_XR_GC, "GC", "GC mark", begin, err);
}

int gt_x_runtime_event(struct gt_x_runtime *r, struct gt_x_state *x, const struct gt_event *ev,
		       struct gt_err *err)
{
	static const char *const heap[] = { "live", "goal" }, *const procs[] = { "GOMAXPROCS" };
	char name[64];
	struct gt_stop stop;

	if (!ev->process)
		return GT_OK;
	if (gt_stops_event(&r->stops, ev, &stop)) {
		(void)snprintf(name, sizeof(name), "STW: %s", gt_name_stw(stop.reason));
		return slice(x, ev, GT_XR_STW, "STW", name, stop.begin_ns, err);
	}
	switch (ev->kind) {
	case GT_EV_GC: return phase(r, x, ev, err);
	case GT_EV_HEAP_GOAL: {
		uint64_t v[] = { r->live, ev->arg };
		counter(x, ev, "heap", ev->arg ? 2 : 1, heap, v);
		break;
	}
	case GT_EV_PROCS: counter(x, ev, "GOMAXPROCS", 1, procs, &ev->arg); break;
	default: break;
	}
	return GT_OK;
}
