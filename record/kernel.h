/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's own view of the targets' threads: on and off a CPU, made ready, major page faults
 * (--events=sched,fault). One set of programs for a whole recording: they see every thread of the
 * host and tell of those whose process was entered. Needs the kernel's types (BTF).
 */
#ifndef GT_KERNEL_H
#define GT_KERNEL_H

#include "losses.h"
#include "ring.h"
#include "target.h"

#define GT_KERNEL_GROUPS (GT_PG_SCHED | GT_PG_FAULT)

/*
 * gt_kernel_check: can this kernel tell GROUPS (GT_PG_*)? GT_UNSUPPORTED says what is missing, and
 * what to leave out. Tries nothing.
 */
int gt_kernel_check(uint32_t groups, struct gt_err *err) GT_MUST_CHECK;

struct gt_kernel;

/* gt_kernel_start: programs in place, for no process yet; records go to RINGS, which outlive it. */
int gt_kernel_start(struct gt_kernel **out, const struct gt_rings *rings, uint32_t groups,
		    struct gt_err *err) GT_MUST_CHECK;
/* gt_kernel_add: from now on T's threads, with process number PROCESS. */
int gt_kernel_add(struct gt_kernel *k, const struct gt_target *t, uint32_t process,
		  struct gt_err *err) GT_MUST_CHECK;
/* gt_kernel_remove: no more of T; no effect where it has ended, as its mark went with it. */
void gt_kernel_remove(struct gt_kernel *k, const struct gt_target *t);
/* gt_kernel_losses: as gt_attach_losses; of process 0, as it is not told whose records they were.
 */
int gt_kernel_losses(struct gt_kernel *k, gt_losses_fn *fn, void *ctx,
		     struct gt_err *err) GT_MUST_CHECK;
/* gt_kernel_stop: programs out; losses can still be asked for. */
void gt_kernel_stop(struct gt_kernel *k);
void gt_kernel_free(struct gt_kernel *k);

#endif
