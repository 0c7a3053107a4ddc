/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows and arrows: nesting to the nanosecond, both ends or none. */
#include "rows.h"

bool gt_row_clamp(const struct gt_row *r, uint64_t *b, uint64_t *e)
{
	if (*b < r->last_end_ns)
		*b = r->last_end_ns;
	if (*e < *b)
		*e = *b;
	return *e > *b;
}

uint32_t gt_arrow_new(struct gt_arrows *a, bool create, uint64_t ts)
{
	uint32_t i;

	if (!a->stride || a->met++ % a->stride)
		return GT_NO_ARROW;
	if (a->unused.n) {
		i = a->unused.p[--a->unused.n];
	} else {
		if (a->all.n >= UINT32_MAX || !GT_VEC_PUSH(&a->all))
			return GT_NO_ARROW;
		i = (uint32_t)(a->all.n - 1);
	}
	a->all.p[i] = (struct gt_arrow){ .f = { .create = create, .from_ns = ts }, .used = true };
	return i;
}

bool gt_arrow_put(struct gt_arrow_list *l, uint32_t i)
{
	uint32_t *slot = GT_VEC_PUSH(l);

	if (slot)
		*slot = i;
	return slot != NULL;
}

/* Both ends are known: tell it where both have a slice, and give its place back. */
static void settle(struct gt_arrows *a, uint32_t i)
{
	struct gt_arrow *x = &a->all.p[i];

	if (x->f.from_track && x->f.to_track) {
		x->f.id = ++a->told;
		a->ops->flow(a->sink, &x->f);
	} else {
		a->dropped++;
	}
	x->used = false;
	/* Without memory the place is lost until the end, nothing else. */
	(void)gt_arrow_put(&a->unused, i);
}

void gt_arrow_from(struct gt_arrows *a, uint32_t i, uint32_t track, uint64_t b, uint64_t e)
{
	struct gt_arrow *x = &a->all.p[i];

	if (e > b) {
		x->f.from_track = track;
		/* At the very end of a slice it would belong to none. */
		x->f.from_ns = x->f.from_ns < b ? b : x->f.from_ns >= e ? e - 1 : x->f.from_ns;
	}
	x->known |= 1;
	if (x->known == 3)
		settle(a, i);
}

void gt_arrow_to(struct gt_arrows *a, uint32_t i, uint32_t track, uint64_t b)
{
	struct gt_arrow *x = &a->all.p[i];

	x->f.to_track = track;
	x->f.to_ns = b;
	x->known |= 2;
	if (x->known == 3)
		settle(a, i);
}

void gt_arrows_free(struct gt_arrows *a)
{
	GT_VEC_FREE(&a->all);
	GT_VEC_FREE(&a->unused);
}
