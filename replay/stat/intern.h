/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names to dense numbers: the same bytes give the same number, from 0, in the order of first
 * use. For creation sites, wait reasons and places, of which a trace has few.
 */
#ifndef GT_INTERN_H
#define GT_INTERN_H

#include <stddef.h>

#include "format/base/u64map.h"

struct gt_intern {
	struct gt_u64map by_hash; /* hash -> number; further names of one hash at hash + 1, ... */
	struct {
		char **p; /* owned, each too */
		size_t n, cap;
	} names;
};

/* gt_intern: the number of S, or -1 when memory is short. */
long gt_intern(struct gt_intern *t, const char *s);
void gt_intern_free(struct gt_intern *t);

#endif
