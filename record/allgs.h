/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The runtime's list of all goroutine structs, runtime.allgs, in a process's memory: by its
 * symbol, by decoding the code that appends to it, or by looking for a slice whose elements
 * are goroutines (a g's saved g pointer points to itself).
 */
#ifndef GT_ALLGS_H
#define GT_ALLGS_H

#include "target.h"

#define GT_ALLGS_MAX (1u << 24) /* goroutines that we believe a process to have */

/*
 * gt_allgs_read: the pointers in allgs, *ret_n of them, in *ret (the caller frees). *AT is
 * the address of the slice in memory, found when it is 0 and kept for the next call; *how is
 * set when it was found. GT_UNSUPPORTED when it cannot be found.
 */
int gt_allgs_read(const struct gt_target *t, const struct gt_layout *l, uint64_t *at,
		  enum gt_how *how, uint64_t **ret, size_t *ret_n,
		  struct gt_err *err) GT_MUST_CHECK;

#endif
