/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree of calls that were inlined into a function. */
#ifndef GT_INLTREE_H
#define GT_INLTREE_H

#include "gobin.h"

/* One call that was inlined. */
struct gt_inlnode {
	uint32_t name_off;
	uint32_t parent_pc; /* offset from the function's entry of the place of the call */
	int32_t file, line; /* to Go 1.19: the place of the call */
};

/* gt_inltree: address of F's tree; false when nothing is inlined there. */
bool gt_inltree(const struct gt_gobin *b, const struct gt_gofunc *f, uint64_t *ret);
/* gt_inltree_node: number IX of the tree. */
bool gt_inltree_node(const struct gt_gobin *b, uint64_t tree, int32_t ix, struct gt_inlnode *ret);
/* gt_inltree_at: number of the innermost call that PC belongs to; false for F's own code. */
bool gt_inltree_at(const struct gt_gobin *b, const struct gt_gofunc *f, uint64_t pc, int32_t *ret);
/* An inlined call of one of several functions: its number, and which function it is. */
struct gt_inlhit {
	int32_t ix;
	uint32_t which;
};
/*
 * gt_inltree_find: the calls of functions whose names are at NAME_OFF[0..N_NAMES). How many;
 * fills at most MAX.
 */
uint32_t gt_inltree_find(const struct gt_gobin *b, const struct gt_gofunc *f, uint64_t tree,
			 const uint32_t *name_off, uint32_t n_names, struct gt_inlhit *ret,
			 uint32_t max);

#endif
