// SPDX-License-Identifier: BSD-2-Clause
/* Which record of the probes is whose: its size, and who makes events of it. */
#include "encode_impl.h"

static const struct {
	uint32_t size; /* of the record, less the stack */
	gt_enc_fn *encode;
	bool stack; /* struct gt_wire_stack is behind it */
} kinds[] = {
	[GT_WIRE_STATUS] = { sizeof(struct gt_wire_event), gt_enc_record },
	[GT_WIRE_SYSENTER] = { sizeof(struct gt_wire_event), gt_enc_record },
	[GT_WIRE_SYSEXIT] = { sizeof(struct gt_wire_event), gt_enc_record },
	[GT_WIRE_CREATE] = { sizeof(struct gt_wire_event) + sizeof(struct gt_wire_create),
			     gt_enc_record, true },
	[GT_WIRE_PREEMPT] = { sizeof(struct gt_wire_event), gt_enc_record },
	[GT_WIRE_CORO] = { sizeof(struct gt_wire_event), gt_enc_record },
	[GT_WIRE_BLOCK] = { sizeof(struct gt_wire_event), gt_enc_record, true },
	[GT_WIRE_SYSBLOCK] = { sizeof(struct gt_wire_event), gt_enc_record, true },
	[GT_WIRE_ON_CPU] = { sizeof(struct gt_wire_event), gt_enc_kernel },
	[GT_WIRE_OFF_CPU] = { sizeof(struct gt_wire_event), gt_enc_kernel },
	[GT_WIRE_WAKE] = { sizeof(struct gt_wire_event), gt_enc_kernel },
	[GT_WIRE_WAKE_NEW] = { sizeof(struct gt_wire_event), gt_enc_kernel },
	[GT_WIRE_FAULT] = { sizeof(struct gt_wire_event), gt_enc_kernel },
	[GT_WIRE_STW_BEGINS] = { sizeof(struct gt_wire_event) + sizeof(struct gt_wire_stop),
				 gt_enc_stw_begins },
	[GT_WIRE_STW_ENDS] = { sizeof(struct gt_wire_event) + sizeof(struct gt_wire_start),
			       gt_enc_stw_ends },
	[GT_WIRE_MARK_ENDS] = { sizeof(struct gt_wire_event) + sizeof(struct gt_wire_heap),
				gt_enc_mark_ends },
	[GT_WIRE_PROCS] = { sizeof(struct gt_wire_event), gt_enc_procs },
	[GT_WIRE_OVERFLOW] = { sizeof(struct gt_wire_event), gt_enc_overflow },
};

static bool stack_fits(const void *body, uint32_t at, uint32_t len)
{
	const struct gt_wire_stack *st = (const void *)((const uint8_t *)body + at);
	const uint32_t head = offsetof(struct gt_wire_stack, pcs);

	return len >= at + head && st->depth <= GT_WIRE_MAX_STACK &&
	       st->depth <= (len - at - head) / sizeof(*st->pcs);
}

bool gt_enc_valid(const struct gt_encoder *e, const void *body, uint32_t len)
{
	const struct gt_wire_event *w = body;

	if (len < sizeof(*w) || !w->proc || w->proc > e->procs.n)
		return false;
	unsigned kind = GT_WIRE_KIND(w);
	if (kind >= sizeof(kinds) / sizeof(*kinds) || !kinds[kind].size)
		return false;
	return kinds[kind].stack ? stack_fits(w, kinds[kind].size, len) : kinds[kind].size == len;
}

gt_enc_fn *gt_enc_fn_of(const struct gt_wire_event *w)
{
	return kinds[GT_WIRE_KIND(w)].encode;
}
