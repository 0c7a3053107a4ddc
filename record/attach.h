/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Probes in one process: the programs are loaded with what the binary tells (layout, sites),
 * attached to this pid alone (other processes of the same binary have no breakpoint), and
 * their losses are read. No return probes, ever: they break Go's moving stacks.
 */
#ifndef GT_ATTACH_H
#define GT_ATTACH_H

#include "losses.h"
#include "ring.h"
#include "target.h"

struct gt_attach_opts {
	uint32_t groups;      /* GT_PG_*: what is to be probed beyond goroutine states */
	uint32_t facts;	      /* GT_FACT_* of bpf/wire.h */
	uint32_t stacks;      /* GT_STACKS_* of bpf/wire.h */
	uint32_t stack_depth; /* frames of each, at most GT_WIRE_MAX_STACK; not 0 with stacks */
	bool later;	      /* load, but attach only with gt_attach_again */
	bool empty;	      /* programs that do nothing: the floor that benches compare with */
};

struct gt_attach;

/*
 * gt_attach_start: put probes into T, whose records get process number PROCESS and go to
 * RINGS. T may be running, or stopped at its exec. GT_DENIED: the kernel refuses, the message
 * says what is missing; GT_UNSUPPORTED: no site; GT_GONE. On failure nothing stays attached.
 */
int gt_attach_start(struct gt_attach **out, const struct gt_target *t, uint32_t process,
		    const struct gt_rings *rings, const struct gt_attach_opts *opts,
		    struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_attach_losses: FN for each CPU on which records were lost since the last call. An error
 * of FN ends it.
 */
int gt_attach_losses(struct gt_attach *a, gt_losses_fn *fn, void *ctx,
		     struct gt_err *err) GT_MUST_CHECK;
uint64_t gt_attach_lost(const struct gt_attach *a); /* in all, so far */
/*
 * gt_attach_trust: every goroutine of the target, and which one is on which thread, is known; the
 * programs need not tell again what follows from that. They do so from the first loss on, for
 * good: what a look puts right afterwards is not sure enough to derive from.
 */
void gt_attach_trust(struct gt_attach *a);
bool gt_attach_sleepable(const struct gt_attach *a);
/* gt_attach_again: the probes go in again after gt_attach_stop. Takes 15 to 30 ms. */
int gt_attach_again(struct gt_attach *a, const struct gt_target *t,
		    struct gt_err *err) GT_MUST_CHECK;
/* gt_attach_stop: take the probes out; losses can still be asked for. Takes ~100 ms. */
void gt_attach_stop(struct gt_attach *a);
void gt_attach_free(struct gt_attach *a);

#endif
