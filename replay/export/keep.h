/* SPDX-License-Identifier: BSD-2-Clause */
/* Which goroutines of a trace the user asked for: a walk before the one that copies. */
#ifndef GT_KEEP_H
#define GT_KEEP_H

#include "format/base/u64map.h"
#include "replay/view/open.h"

/*
 * gt_keep_find: the gids that V's filter lets through, and those that switch with them as
 * coroutines, which cannot be told apart. Damage does not end it: the next walk tells.
 */
int gt_keep_find(struct gt_view *v, struct gt_u64map *ret, struct gt_err *err) GT_MUST_CHECK;

#endif
