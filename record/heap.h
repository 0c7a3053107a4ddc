/* SPDX-License-Identifier: BSD-2-Clause */
/* What runtime.gcController says of the heap. */
#ifndef GT_HEAP_H
#define GT_HEAP_H

#include "bpf/wire.h"
#include "record/golang/golang.h"

struct gt_heap {
	uint64_t live, goal; /* bytes; goal 0: none (GOGC=off and no memory limit) */
};

/* gt_heap_read: of Go 1.MINOR; false where W has nothing, or the layout L lacks a field. */
bool gt_heap_read(const struct gt_wire_heap *w, const struct gt_layout *l, int minor,
		  struct gt_heap *ret);

#endif
