/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes of an export on their way out: a buffer before a gt_wholefile. Errors stick, the
 * formats write on regardless and the run asks once in a while.
 */
#ifndef GT_OUTBUF_H
#define GT_OUTBUF_H

#include <string.h>

#include "format/base/wholefile.h"

#define GT_OUTBUF_SIZE (1u << 18)

struct gt_x_out {
	struct gt_wholefile *file; /* borrowed */
	size_t n;
	int rc; /* the first failure; err tells it */
	struct gt_err err;
	char buf[GT_OUTBUF_SIZE];
};

static inline void gt_x_flush(struct gt_x_out *o)
{
	if (o->n && !o->rc)
		o->rc = gt_wholefile_write(o->file, o->buf, o->n, &o->err);
	o->n = 0;
}

static inline void gt_x_put(struct gt_x_out *o, const void *p, size_t n)
{
	if (n > GT_OUTBUF_SIZE - o->n) {
		gt_x_flush(o);
		if (n > GT_OUTBUF_SIZE) {
			if (!o->rc)
				o->rc = gt_wholefile_write(o->file, p, n, &o->err);
			return;
		}
	}
	memcpy(o->buf + o->n, p, n);
	o->n += n;
}

/* A string literal. */
#define GT_X_LIT(o, s) gt_x_put(o, s, sizeof(s) - 1)

static inline void gt_x_u64(struct gt_x_out *o, uint64_t v)
{
	char b[20], *p = b + sizeof(b);

	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	gt_x_put(o, p, (size_t)(b + sizeof(b) - p));
}

/* gt_x_us: ns as microseconds with three decimals: exact. */
static inline void gt_x_us(struct gt_x_out *o, uint64_t ns)
{
	unsigned rest = (unsigned)(ns % 1000);
	char b[4] = { '.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10),
		      (char)('0' + rest % 10) };

	gt_x_u64(o, ns / 1000);
	gt_x_put(o, b, 4);
}

#endif
