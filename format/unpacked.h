/* SPDX-License-Identifier: BSD-2-Clause */
/* Traces that somebody has compressed: unpacked into a file of ours without a name. */
#ifndef GT_UNPACKED_H
#define GT_UNPACKED_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define GT_UNPACK_PEEK 4u /* bytes that tell whether something is compressed */

/* Reads up to N bytes: the count, 0 at the end, -1 and errno. */
struct gt_inflow {
	long (*read)(void *ctx, void *p, size_t n);
	void *ctx;
};

enum gt_packing { GT_PACKED_NOT, GT_PACKED_GZIP, GT_PACKED_ZSTD };
enum gt_packing gt_packing_of(const uint8_t *p, size_t n);
/*
 * gt_unpack: all of IN, which is packed as HOW says, into an unlinked file; its descriptor,
 * or a code. A stream that is torn gives what was before. GT_LIMIT where it grows beyond what a
 * trace can: traces are compressed inside, so a large ratio is no trace.
 */
int gt_unpack(const struct gt_inflow *in, enum gt_packing how, const char *name,
	      struct gt_err *err) GT_MUST_CHECK;

#endif
