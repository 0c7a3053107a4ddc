/* SPDX-License-Identifier: BSD-2-Clause */
/* The groups of facts beyond goroutine states that --events switches on and off: one table. */
#ifndef GT_GROUPS_H
#define GT_GROUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "format/base/err.h"

struct gt_group {
	const char *name;
	uint32_t bit;	 /* GT_PG_* of format/model.h */
	bool by_default; /* nearly free */
	const char *what;
};

extern const struct gt_group gt_groups[]; /* the last has no name */

/*
 * gt_groups_parse: LIST is names of groups with commas between, and "none", "default" and "all";
 * NULL is "default". GT_USAGE names what is none of them.
 */
int gt_groups_parse(const char *list, uint32_t *ret, struct gt_err *err) GT_MUST_CHECK;

#endif
