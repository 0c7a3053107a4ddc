/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Losses as the programs of one BPF object count them, by CPU, in memory that they share with us;
 * made into the losses of a trace, each told once.
 */
#ifndef GT_LOSSES_H
#define GT_LOSSES_H

#include "bpf/wire.h"
#include "format/gtrace.h"

struct gt_losses {
	uint32_t process; /* whose they are; 0: not told apart */
	uint32_t n_cpus;
	/* By CPU, owned: as told so far; a first time that was taken, but not told yet. */
	struct gt_losses_seen {
		uint64_t lost, first_ns;
	} * seen;
};

typedef int gt_losses_fn(void *ctx, const struct gt_loss *l, struct gt_err *err);

int gt_losses_init(struct gt_losses *l, uint32_t process, uint32_t n_cpus,
		   struct gt_err *err) GT_MUST_CHECK;
void gt_losses_free(struct gt_losses *l);
/*
 * gt_losses_tell: FN for each CPU of WIRE (one of GT_WIRE_MAX_CPUS) on which records were lost
 * since the last call. An error of FN ends it.
 */
int gt_losses_tell(struct gt_losses *l, struct gt_wire_loss *wire, gt_losses_fn *fn, void *ctx,
		   struct gt_err *err) GT_MUST_CHECK;
/* gt_losses_total: in all, so far. */
uint64_t gt_losses_total(const struct gt_losses *l, const struct gt_wire_loss *wire);

#endif
