/* SPDX-License-Identifier: BSD-2-Clause */
/* Stops of the world, collections, heap and GOMAXPROCS as slices and counters. */
#ifndef GT_EXPORT_RUNTIME_H
#define GT_EXPORT_RUNTIME_H

#include "gors.h"
#include "replay/view/facts.h"

struct gt_x_runtime {
	struct gt_stops stops;
	struct gt_u64map marking; /* process -> when its marking began, on the trace's clock */
	uint64_t live;		  /* heap of the GC event before a HEAP_GOAL */
};

void gt_x_runtime_free(struct gt_x_runtime *r);
/* gt_x_runtime_event: draws what EV says of the runtime. GT_NOMEM. */
int gt_x_runtime_event(struct gt_x_runtime *r, struct gt_x_state *x, const struct gt_event *ev,
		       struct gt_err *err) GT_MUST_CHECK;

#endif
