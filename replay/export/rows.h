/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows and arrows. A row holds what lies on one track so that it nests: what begins before
 * the last thing ended is moved to that end. An arrow is told when both of its ends are known
 * to lie within slices; one of which an end has no slice is dropped.
 */
#ifndef GT_ROWS_H
#define GT_ROWS_H

#include "format/base/vec.h"
#include "sink.h"

/* ---- rows ---- */

struct gt_row {
	uint32_t track; /* 0: not told yet */
	uint32_t process;
	uint64_t last_end_ns;  /* of what lies closed on it */
	uint64_t owner;	       /* gid whose running is open on it; 0 none */
	uint64_t begin_ns;     /* of that */
	uint64_t inner_ns;     /* begin of the syscall open in it; 0 none */
	uint64_t inner_end_ns; /* end of the last one closed in it */
};

/* gt_row_clamp: [*b, *e) as it may lie on R; false where nothing but an empty slice is left. */
bool gt_row_clamp(const struct gt_row *r, uint64_t *b, uint64_t *e);

/* ---- arrows ---- */

struct gt_arrow {
	struct gt_x_flow f;
	uint8_t known; /* 1: from, 2: to */
	bool used;
};

/* Arrows that leave a slice which is still open: indices. */
struct gt_arrow_list {
	uint32_t *p; /* owned */
	size_t n, cap;
};

struct gt_arrows {
	const struct gt_x_ops *ops;
	struct gt_x_sink *sink;
	uint64_t stride; /* draw every n-th */
	uint64_t met, told, dropped;
	struct {
		struct gt_arrow *p;
		size_t n, cap;
	} all;
	struct gt_arrow_list unused;
};

#define GT_NO_ARROW UINT32_MAX

/* gt_arrow_new: an arrow that leaves at TS; its index, GT_NO_ARROW where it is not drawn. */
uint32_t gt_arrow_new(struct gt_arrows *a, bool create, uint64_t ts);
/* gt_arrow_put: I into the list of its origin; GT_NO_ARROW when memory is short. */
bool gt_arrow_put(struct gt_arrow_list *l, uint32_t i);
/* gt_arrow_from: the origin's slice turned out to be [b, e) of TRACK (0: it has none). */
void gt_arrow_from(struct gt_arrows *a, uint32_t i, uint32_t track, uint64_t b, uint64_t e);
/* gt_arrow_to: it ends at the begin B of a slice of TRACK (0: it has none). */
void gt_arrow_to(struct gt_arrows *a, uint32_t i, uint32_t track, uint64_t b);
void gt_arrows_free(struct gt_arrows *a);

#endif
