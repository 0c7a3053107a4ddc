/* SPDX-License-Identifier: BSD-2-Clause */
/* A copy that is not larger than it may be: what to leave out. */
#ifndef GT_FIT_H
#define GT_FIT_H

#include "copy.h"

/*
 * gt_fit: cut VIEW's span and COPY's stacks until a copy of PATH has at most LIMIT bytes. Stacks go
 * first. Then the span shrinks around the mark that a trigger left or else the longest wait:
 * for a processor where there was one, else any. SAYS tells what was cut, "" nothing. GT_USAGE
 * where not even a moment fits.
 */
int gt_fit(const char *path, struct gt_view_opts *view, struct gt_copy_opts *copy, uint64_t limit,
	   char says[200], struct gt_err *err) GT_MUST_CHECK;

#endif
