/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Probes taken out by threads of their own: the kernel makes each one wait until no CPU can
 * be in it any more (~100 ms), and neither the events of other processes nor the poll loop
 * should wait with it. Several at a time share the wait.
 */
#ifndef GT_DETACH_H
#define GT_DETACH_H

#include "attach.h"

struct gt_detach;

int gt_detach_new(struct gt_detach **out, struct gt_err *err) GT_MUST_CHECK;
/* gt_detach_free: waits for what was put. What nobody took back is the caller's still. */
void gt_detach_free(struct gt_detach *d);

/*
 * gt_detach_put: begin to take A's probes out; its losses can be read meanwhile, all else
 * must wait until gt_detach_take has given it back. Without threads or memory it is done
 * before the call returns.
 */
void gt_detach_put(struct gt_detach *d, struct gt_attach *a);
/* gt_detach_take: one whose probes are out; NULL: none now, or with WAIT: none is left. */
struct gt_attach *gt_detach_take(struct gt_detach *d, bool wait);

#endif
