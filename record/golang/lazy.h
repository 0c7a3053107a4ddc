/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A part of an image that is read in as it is touched, and then stays: pointers into it live
 * as long as it does. A table of 100 MB costs what is looked at.
 */
#ifndef GT_LAZY_H
#define GT_LAZY_H

#include "goelf.h"

struct gt_lazy {
	const struct gt_image *img; /* borrowed */
	uint64_t vaddr, size;
	uint8_t *p;    /* owned mapping of private memory, size + 1 bytes, the last one 0 */
	uint8_t *have; /* owned, one byte a block */
};

int gt_lazy_open(struct gt_lazy *l, const struct gt_image *img, uint64_t vaddr, uint64_t size,
		 struct gt_err *err) GT_MUST_CHECK;
void gt_lazy_close(struct gt_lazy *l);

/* gt_lazy_get: N bytes at OFF; NULL when they are not all inside, or cannot be read. */
const uint8_t *gt_lazy_get(const struct gt_lazy *l, uint64_t off, uint64_t n);

/* gt_lazy_in: at most MAX bytes from OFF as a cursor. */
struct gt_in gt_lazy_in(const struct gt_lazy *l, uint64_t off, uint64_t max);

/* gt_lazy_string: the string at OFF, before END, of less than MAX bytes; NULL for another. */
const char *gt_lazy_string(const struct gt_lazy *l, uint64_t off, uint64_t end, uint64_t max);

#endif
