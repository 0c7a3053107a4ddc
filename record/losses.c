/* SPDX-License-Identifier: BSD-2-Clause */
/* From counters that only grow to losses with their time ranges. */
#include "losses.h"

#include <stdlib.h>

int gt_losses_init(struct gt_losses *l, uint32_t process, uint32_t n_cpus, struct gt_err *err)
{
	l->process = process;
	l->n_cpus = n_cpus < GT_WIRE_MAX_CPUS ? n_cpus : GT_WIRE_MAX_CPUS;
	l->seen = calloc(l->n_cpus, sizeof(*l->seen));
	return l->seen ? GT_OK : gt_fail(err, GT_NOMEM, "out of memory");
}

void gt_losses_free(struct gt_losses *l)
{
	free(l->seen);
	l->seen = NULL;
}

int gt_losses_tell(struct gt_losses *l, struct gt_wire_loss *wire, gt_losses_fn *fn, void *ctx,
		   struct gt_err *err)
{
	for (uint32_t c = 0; c < l->n_cpus; c++) {
		struct gt_losses_seen *s = &l->seen[c];
		/* The count last: whoever counts has set the range before. */
		uint64_t lost = __atomic_load_n(&wire[c].lost, __ATOMIC_ACQUIRE);
		if (lost == s->lost)
			continue;
		uint64_t first = __atomic_exchange_n(&wire[c].first_ns, 0, __ATOMIC_ACQ_REL);
		uint64_t last = __atomic_load_n(&wire[c].last_ns, __ATOMIC_ACQUIRE);
		if (!s->first_ns)
			s->first_ns = first;
		struct gt_loss loss = { .process = l->process,
					.cpu = c,
					.cause = GT_LOSS_RING_FULL,
					.t0 = s->first_ns ? s->first_ns : last,
					.t1 = last,
					.count = lost - s->lost };
		s->lost = lost;
		s->first_ns = 0;
		int rc = fn(ctx, &loss, err);
		if (rc)
			return rc;
	}
	return GT_OK;
}

uint64_t gt_losses_total(const struct gt_losses *l, const struct gt_wire_loss *wire)
{
	uint64_t n = 0;

	for (uint32_t c = 0; c < l->n_cpus; c++)
		n += __atomic_load_n(&wire[c].lost, __ATOMIC_RELAXED);
	return n;
}
