/* SPDX-License-Identifier: BSD-2-Clause */
/* The growing byte buffer: growth and release. */
#include "out.h"

#include <stdlib.h>

bool gt_out_grow(struct gt_out *o, size_t more)
{
	size_t cap = o->cap ? o->cap : 256;

	if (o->bad || more > SIZE_MAX / 4 || o->n > SIZE_MAX / 4) {
		o->bad = true;
		return false;
	}
	while (cap - o->n < more)
		cap *= 2;
	uint8_t *p = realloc(o->p, cap);
	if (!p) {
		o->bad = true;
		return false;
	}
	o->p = p;
	o->cap = cap;
	return true;
}

void gt_out_free(struct gt_out *o)
{
	free(o->p);
	*o = (struct gt_out){ 0 };
}
