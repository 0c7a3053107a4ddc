/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second walk over a trace: turns steps into what an export format is told (sink.h).
 * Memory is bounded by the goroutines alive at a time and the arrows under way.
 */
#ifndef GT_X_WALK_H
#define GT_X_WALK_H

#include "select.h"
#include "sink.h"

enum gt_x_by { GT_X_BY_P, GT_X_BY_M, GT_X_BY_CPU, GT_X_BY_THREAD };

struct gt_x_opts {
	enum gt_x_by by; /* what a row of the processors' group is; without Ps: threads */
	uint64_t stride; /* draw every n-th arrow; 0 none */
};

/* What was told, for the user. */
struct gt_x_stats {
	uint64_t arrows, dropped;
};

int gt_x_walk(struct gt_view *v, const struct gt_selection *sel, const struct gt_x_ops *ops,
	      struct gt_x_sink *sink, const struct gt_x_out *out, const struct gt_x_opts *o,
	      struct gt_x_stats *ret, struct gt_err *err) GT_MUST_CHECK;

#endif
