/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which goroutines get a row of their own. Viewers bear some hundred rows, programs have
 * millions of goroutines: a first walk over the trace finds the ones worth looking at, in
 * turn by four measures: the longest wait for a processor, the time waited for locks, the
 * longest wait for anything, the time running. It also counts what an export will hold.
 */
#ifndef GT_SELECT_H
#define GT_SELECT_H

#include "format/base/u64map.h"
#include "replay/view/open.h"

#define GT_SEL_MEASURES 4

struct gt_selection {
	bool all;		  /* everything that was asked for is selected */
	struct gt_u64map rank_of; /* gid -> rank from 0, unless all */
	uint64_t goroutines;	  /* asked for and met */
	uint64_t selected;
	uint64_t slices, arrows; /* of the selected */
	uint64_t run_slices;	 /* of all */
	uint32_t processes;
	bool knows_p; /* events tell the P */
	uint64_t from_ns, to_ns;
};

/* gt_select: TOP 0 selects all. Walks V once, leaving it at its end. */
int gt_select(struct gt_selection *sel, struct gt_view *v, uint64_t top,
	      struct gt_err *err) GT_MUST_CHECK;
void gt_selection_free(struct gt_selection *sel);

/* gt_selected: GID has a row; *ret_rank its order. */
bool gt_selected(const struct gt_selection *sel, uint64_t gid, uint64_t *ret_rank);
/* gt_selection_bytes: about how large the JSON will be, with ARROWS of them drawn. */
uint64_t gt_selection_bytes(const struct gt_selection *sel, uint64_t arrows);

#endif
